//! Numbers that begin at a cache line, many of them on large pages.

use memmap2::MmapMut;

/// From so many bytes on they get pages of their own.
const PAGED: usize = 2 * LARGE_PAGE;
/// Bytes of a large page, and of a cache line.
const LARGE_PAGE: usize = 2 << 20;
const CACHE_LINE: usize = 64;
/// Numbers in a cache line.
const LINE: usize = CACHE_LINE / size_of::<f32>();

/// Numbers that begin at a cache line: a vector that lies in two of them takes twice as long to read or write.
///
/// Many of them lie on large pages where the system has some (asked for on Linux, where it is a hint): a product reads them
/// straight on, and with pages of 4 KiB a processor looks up one after the other.
pub(super) struct Lines {
    storage: Storage,
    start: usize,
    length: usize,
}

enum Storage {
    Heap(Vec<f32>),
    Pages(MmapMut),
}

impl Lines {
    /// So many zeros; `None` if there is no memory for them.
    pub(super) fn zeros(length: usize) -> Option<Self> {
        let paged = length.checked_mul(size_of::<f32>())? >= PAGED;
        // some systems have no maps
        let on_pages = if paged { Self::on_pages(length) } else { None };
        on_pages.or_else(|| Self::on_heap(length))
    }

    /// So many zeros, no more than a vector has.
    pub(super) fn of_vector(length: usize) -> Self {
        Self::in_room(Vec::with_capacity(LINE + length), length)
    }

    fn on_heap(length: usize) -> Option<Self> {
        let mut entries: Vec<f32> = Vec::new();
        entries.try_reserve_exact(LINE.checked_add(length)?).ok()?;
        Some(Self::in_room(entries, length))
    }

    /// So many zeros in an empty vector with room for them and a line.
    fn in_room(mut entries: Vec<f32>, length: usize) -> Self {
        let start = entries.as_ptr().align_offset(CACHE_LINE).min(LINE);
        entries.resize(start + length, 0.0);
        Self {
            storage: Storage::Heap(entries),
            start,
            length,
        }
    }

    fn on_pages(length: usize) -> Option<Self> {
        // what is not touched takes no memory
        let bytes = length.checked_mul(size_of::<f32>())?.checked_add(LARGE_PAGE)?;
        let pages = MmapMut::map_anon(bytes).ok()?;
        #[cfg(target_os = "linux")]
        let _ = pages.advise(memmap2::Advice::HugePage);
        let start = pages.as_ptr().align_offset(LARGE_PAGE).min(LARGE_PAGE) / size_of::<f32>();
        Some(Self {
            storage: Storage::Pages(pages),
            start,
            length,
        })
    }

    pub(super) fn slice(&self) -> &[f32] {
        let entries = match &self.storage {
            Storage::Heap(entries) => entries,
            Storage::Pages(pages) => bytemuck::cast_slice(pages),
        };
        &entries[self.start..self.start + self.length]
    }

    pub(super) fn slice_mut(&mut self) -> &mut [f32] {
        let entries = match &mut self.storage {
            Storage::Heap(entries) => entries.as_mut_slice(),
            Storage::Pages(pages) => bytemuck::cast_slice_mut(pages),
        };
        &mut entries[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_zeros_at_the_beginning_of_a_line_wherever_they_lie() {
        for length in [0, 1, 1000, PAGED / 4 - 1, PAGED / 4, 1_100_003] {
            let mut lines = Lines::zeros(length).unwrap();
            let paged = matches!(lines.storage, Storage::Pages(_));
            assert_eq!(paged, cfg!(any(unix, windows)) && 4 * length >= PAGED, "{length}");
            assert_eq!(lines.slice().len(), length);
            assert_eq!(lines.slice().as_ptr().align_offset(CACHE_LINE), 0, "{length}");
            assert!(lines.slice().iter().all(|&entry| entry == 0.0));
            lines.slice_mut().fill(3.0);
            assert_eq!(lines.slice().iter().sum::<f32>(), 3.0 * length as f32);
        }
        assert!(Lines::zeros(usize::MAX).is_none() && Lines::zeros(usize::MAX / 4).is_none());
    }
}
