//! NumPy arrays: header, element types, both memory orders, stacks.
//!
//! Written against the format's description rather than on a crate, because the header is a Python literal whose
//! general parsers recurse without bound.

pub(crate) mod header;

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::Located;
use super::{MatrixData, ReadFault};
use header::{Header, Kind};

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Two axes; three in a stack.
    Matrix,
    /// One axis; two in a stack, or where one of the two has length 1.
    Vector,
}

/// The part of the array that is read: `rows * cols` entries, possibly one slice of `stack`.
struct Selection {
    /// Length of the first axis, and the index along it.
    slice: Option<(usize, usize)>,
    rows: usize,
    cols: usize,
}

/// Reads the matrix or vector from an open file of known length.
pub(super) fn read<R: Read + Seek>(
    file: R,
    length: u64,
    wanted: Wanted,
    index: Option<usize>,
) -> Result<MatrixData, Located> {
    let mut file = BufReader::with_capacity(1 << 12, file);
    let header = Header::read(&mut file)?;
    check_length(&header, length)?;
    let selection = select(&header, wanted, index)?;
    let Selection { rows, cols, .. } = selection;
    let row_major = read_entries(&mut file, &header, &selection)?;
    Ok(MatrixData::Dense { rows, cols, row_major })
}

/// The file must be exactly as long as its header says.
fn check_length(header: &Header, length: u64) -> Result<(), ReadFault> {
    let found = length.saturating_sub(header.data_start);
    match header.data_bytes() {
        Some(expected) if expected == found => Ok(()),
        expected => Err(ReadFault::Length {
            expected: match expected {
                Some(bytes) => format!("{bytes} bytes of data"),
                None => format!("more data than any file can hold (shape {:?})", header.shape),
            },
            found: format!("{found}"),
        }),
    }
}

/// Finds the axes of what is wanted.
fn select(header: &Header, wanted: Wanted, index: Option<usize>) -> Result<Selection, ReadFault> {
    if header.shape.contains(&0) {
        return Err(ReadFault::Empty);
    }
    let pick = |length: usize| match index {
        Some(index) if index < length => Ok(Some((length, index))),
        Some(index) => Err(ReadFault::IndexOutOfRange { index, length }),
        None => Ok(None),
    };
    let plain = |rows, cols| Selection {
        slice: None,
        rows,
        cols,
    };
    let no_match = |kind: &str| ReadFault::Shape {
        found: format!("{kind} of shape {:?}", header.shape),
        expected: match wanted {
            Wanted::Matrix => "a matrix (two axes)".to_owned(),
            Wanted::Vector => "a vector (one axis, one row or one column)".to_owned(),
        },
    };
    match (wanted, header.shape.as_slice()) {
        (Wanted::Matrix, &[rows, cols]) => Ok(plain(rows, cols)),
        (Wanted::Vector, &[length]) => Ok(plain(length, 1)),
        (Wanted::Vector, &[rows, cols]) if index.is_none() && (rows == 1 || cols == 1) => Ok(plain(rows, cols)),
        (Wanted::Vector, &[length, cols]) => match pick(length)? {
            None => Err(no_match("a stack")),
            slice => Ok(Selection { slice, rows: 1, cols }),
        },
        (_, &[length, rows, cols]) => match pick(length)? {
            None => Err(no_match("a stack")),
            slice => Ok(Selection { slice, rows, cols }),
        },
        _ => Err(no_match("an array")),
    }
}

/// Entries are decoded this many at a time: little enough that an allocator keeps the storage for the next file.
const CHUNK: usize = 1 << 12;

/// Reads the selected entries into row-major order.
fn read_entries<R: Read + Seek>(file: &mut R, header: &Header, selection: &Selection) -> Result<Vec<f64>, Located> {
    let &Selection { slice, rows, cols } = selection;
    let (stack, index) = slice.unwrap_or((1, 0));
    let size = header.kind.size();
    let (total, step, start) = if header.fortran {
        (stack * rows * cols, stack, index) // the slices are interleaved
    } else {
        let skip = (index * rows * cols * size) as u64;
        file.seek(SeekFrom::Start(header.data_start + skip))?;
        (rows * cols, 1, 0)
    };
    let mut row_major = vec![0.0; rows * cols];
    let mut buffer = vec![0_u8; CHUNK * size];
    for chunk in (0..total).step_by(CHUNK) {
        let count = CHUNK.min(total - chunk);
        let bytes = &mut buffer[..count * size];
        file.read_exact(bytes)?;
        if !header.fortran {
            // as they lie
            let entries = &mut row_major[chunk..chunk + count];
            decode(bytes, header, entries);
            if let Some(k) = entries.iter().position(|value| !value.is_finite()) {
                let place = ((chunk + k) / cols, (chunk + k) % cols);
                return Err(not_finite(entries[k], header, selection, place));
            }
            continue;
        }
        for (offset, item) in bytes.chunks_exact(size).enumerate() {
            let position = chunk + offset;
            if position % step != start {
                continue;
            }
            let entry = position / step;
            let (i, j) = (entry % rows, entry / rows);
            let value = header.kind.decode(item, header.big_endian);
            if !value.is_finite() {
                return Err(not_finite(value, header, selection, (i, j)));
            }
            row_major[i * cols + j] = value;
        }
    }
    Ok(row_major)
}

/// The elements one after the other.
fn decode(bytes: &[u8], header: &Header, out: &mut [f64]) {
    if header.kind == Kind::F64 && !header.big_endian {
        // nearly every file
        for (value, item) in out.iter_mut().zip(bytes.as_chunks().0) {
            *value = f64::from_le_bytes(*item);
        }
    } else {
        for (value, item) in out.iter_mut().zip(bytes.chunks_exact(header.kind.size())) {
            *value = header.kind.decode(item, header.big_endian);
        }
    }
}

/// Names an entry by as many indices as the array has axes.
fn not_finite(value: f64, header: &Header, selection: &Selection, (i, j): (usize, usize)) -> Located {
    let mut indices = vec![i, j];
    if let Some((_, index)) = selection.slice {
        indices.insert(0, index);
    }
    if indices.len() > header.shape.len() {
        // a vector: the axis of length 1 is not in the file
        indices.remove(if selection.slice.is_some() {
            1
        } else {
            indices.len() - 1
        });
    }
    let value = value.to_string();
    ReadFault::NotFinite { value }.at_entry(indices)
}
