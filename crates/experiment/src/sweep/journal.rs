//! The journal of a shard: rows in the order in which they were finished.
//!
//! ```text
//! file   = "hadaflow journal 1\n" frame(header) frame(row) frame(row) …
//! frame  = length (u32) · check of the length (u32) · check of the content (u64) · content
//! ```
//!
//! Numbers are little-endian; a check is the beginning of the SHA-256. A process that is killed leaves a beginning of what
//! it was writing: the *torn tail*, which is a frame that the end of the file cuts off (or zeros, where a machine lost its
//! power between making the file longer and filling it). It is dropped when the shard is continued. Everything else that
//! does not fit is damage, and an error: the length has a check of its own, so that a wrong one cannot pass for a torn tail.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::SweepError;
use crate::error::ExperimentError;
use crate::write::WriteError;

const MAGIC: &[u8] = b"hadaflow journal 1\n";
/// Bytes before the content of a frame.
const HEAD: usize = 16;
/// Longest content of a frame: no row is longer.
const MAX_CONTENT: usize = 1 << 20;

fn check<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let digest = Sha256::digest(bytes);
    let mut first = [0; N];
    first.copy_from_slice(&digest[..N]);
    first
}

/// The bytes of a frame.
fn frame(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes(); // at most MAX_CONTENT
    let mut bytes = Vec::with_capacity(HEAD + content.len());
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&check::<4>(&length));
    bytes.extend_from_slice(&check::<8>(content));
    bytes.extend_from_slice(content);
    bytes
}

/// Where the frames of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the file.
    Whole,
    /// Here a torn tail begins.
    Torn(u64),
}

/// Reads the frames of a journal in turn.
pub(super) struct Reader {
    file: BufReader<File>,
    path: PathBuf,
    length: u64,
    at: u64,
    buffer: Vec<u8>,
}

/// One step of reading.
enum Step {
    Frame(u64),
    End(End),
}

impl Reader {
    /// Opens a journal and checks that it belongs to `header`. `None` if not even that was written.
    pub(super) fn open(path: &Path, header: &[u8]) -> Result<Option<Self>, ExperimentError> {
        let unreadable = |error: std::io::Error| damaged(path, format!("cannot be read: {error}"));
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut start = Vec::new();
        (&mut file)
            .take(MAGIC.len() as u64)
            .read_to_end(&mut start)
            .map_err(unreadable)?;
        if start != MAGIC {
            let torn = MAGIC.starts_with(&start) || start.iter().all(|byte| *byte == 0);
            return if torn {
                Ok(None)
            } else {
                Err(damaged(path, "it is no journal of this version"))
            };
        }
        let file = BufReader::with_capacity(1 << 16, file);
        let at = MAGIC.len() as u64;
        let mut reader = Self {
            file,
            path: path.to_owned(),
            length,
            at,
            buffer: Vec::new(),
        };
        match reader.step()? {
            Step::End(_) => Ok(None),
            Step::Frame(_) if reader.buffer == header => Ok(Some(reader)),
            Step::Frame(_) => Err(damaged(path, "it belongs to another plan, version or shard")),
        }
    }

    /// Calls `each` with the place and content of every further frame.
    pub(super) fn for_each<F>(&mut self, mut each: F) -> Result<End, ExperimentError>
    where
        F: FnMut(u64, &[u8]) -> Result<(), String>,
    {
        loop {
            match self.step()? {
                Step::Frame(place) => each(place, &self.buffer).map_err(|reason| damaged(&self.path, reason))?,
                Step::End(end) => return Ok(end),
            }
        }
    }

    /// The content of the frame at a place that [`Reader::for_each`] told.
    pub(super) fn read_at(&mut self, place: u64) -> Result<&[u8], ExperimentError> {
        // small moves stay within the buffer
        let distance = place.cast_signed() - self.at.cast_signed();
        self.file
            .seek_relative(distance)
            .map_err(|error| damaged(&self.path, error.to_string()))?;
        self.at = place;
        match self.step()? {
            Step::Frame(_) => Ok(&self.buffer),
            Step::End(_) => Err(damaged(&self.path, "it became shorter while it was read")),
        }
    }

    fn step(&mut self) -> Result<Step, ExperimentError> {
        let place = self.at;
        let mut head = [0; HEAD];
        let left = self.length.saturating_sub(place);
        if left == 0 {
            return Ok(Step::End(End::Whole));
        }
        if left < HEAD as u64 {
            return Ok(Step::End(End::Torn(place)));
        }
        self.read(&mut head)?;
        let (length, checks) = head.split_at(4);
        if check::<4>(length) != checks[..4] {
            return if self.only_zeros(&head)? {
                Ok(Step::End(End::Torn(place)))
            } else {
                Err(damaged(&self.path, format!("the row at byte {place} is damaged")))
            };
        }
        let mut size = [0; 4];
        size.copy_from_slice(length);
        let size = u32::from_le_bytes(size) as usize;
        if size > MAX_CONTENT {
            return Err(damaged(&self.path, format!("the row at byte {place} is damaged")));
        }
        if left < (HEAD + size) as u64 {
            return Ok(Step::End(End::Torn(place)));
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(size, 0);
        self.read(&mut buffer)?;
        self.buffer = buffer;
        if check::<8>(&self.buffer) != checks[4..] {
            return Err(damaged(&self.path, format!("the row at byte {place} is damaged")));
        }
        Ok(Step::Frame(place))
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), ExperimentError> {
        self.at += into.len() as u64;
        self.file
            .read_exact(into)
            .map_err(|error| damaged(&self.path, format!("cannot be read: {error}")))
    }

    /// Whether the rest of the file, whose beginning is known, is zeros.
    fn only_zeros(&mut self, head: &[u8]) -> Result<bool, ExperimentError> {
        let mut chunk = vec![0; 1 << 16];
        let mut zeros = head.iter().all(|byte| *byte == 0);
        while zeros && self.at < self.length {
            let count = chunk
                .len()
                .min(usize::try_from(self.length - self.at).unwrap_or(usize::MAX));
            self.read(&mut chunk[..count])?;
            zeros = chunk[..count].iter().all(|byte| *byte == 0);
        }
        Ok(zeros)
    }
}

/// A damaged shard.
pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> ExperimentError {
    SweepError::Damaged {
        shard: path.to_owned(),
        reason: reason.into(),
    }
    .into()
}

/// A journal that this process alone appends to.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens or begins a journal, tells `each` its rows, and drops a torn tail.
    pub(super) fn open<F>(path: &Path, header: &[u8], each: F) -> Result<Self, ExperimentError>
    where
        F: FnMut(u64, &[u8]) -> Result<(), String>,
    {
        let trouble = |error: std::io::Error| ExperimentError::from(WriteError::io(path, &error));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)
            .map_err(trouble)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SweepError::Busy { shard: path.to_owned() }.into()),
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(trouble(error)),
        }
        let mut journal = Self {
            file,
            path: path.to_owned(),
        };
        let end = match Reader::open(path, header)? {
            Some(mut reader) => reader.for_each(each)?,
            None => {
                journal.truncate(0)?;
                journal.write(&[MAGIC, &frame(header)].concat())?;
                End::Whole
            }
        };
        if let End::Torn(place) = end {
            journal.truncate(place)?;
        }
        Ok(journal)
    }

    fn truncate(&mut self, length: u64) -> Result<(), ExperimentError> {
        let done = self
            .file
            .set_len(length)
            .and_then(|()| self.file.seek(SeekFrom::End(0)));
        done.map(|_| ())
            .map_err(|error| WriteError::io(&self.path, &error).into())
    }

    /// Appends a row. What is written survives the process.
    pub(super) fn append(&mut self, content: &[u8]) -> Result<(), ExperimentError> {
        self.write(&frame(content))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ExperimentError> {
        self.file
            .write_all(bytes)
            .map_err(|error| WriteError::io(&self.path, &error).into())
    }

    /// All rows are there: onto the disk, and under the final name.
    pub(super) fn finish(self, name: &Path) -> Result<(), ExperimentError> {
        let done = self.file.sync_all().and_then(|()| std::fs::rename(&self.path, name));
        done.map_err(|error| WriteError::io(&self.path, &error).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(path: &Path, header: &[u8]) -> Result<(Vec<Vec<u8>>, Option<End>), ExperimentError> {
        let mut found = Vec::new();
        let Some(mut reader) = Reader::open(path, header)? else {
            return Ok((found, None));
        };
        let end = reader.for_each(|_, content| {
            found.push(content.to_vec());
            Ok(())
        })?;
        Ok((found, Some(end)))
    }

    fn three(directory: &Path) -> (PathBuf, Vec<Vec<u8>>) {
        let path = directory.join("a.journal");
        let mut journal = Journal::open(&path, b"header", |_, _| Ok(())).unwrap();
        let contents: Vec<Vec<u8>> = (1..=3_u8).map(|k| vec![k; 10 * usize::from(k)]).collect();
        contents.iter().for_each(|content| journal.append(content).unwrap());
        (path, contents)
    }

    /// Whatever beginning of the file is left, its whole rows are read, and what is appended later follows them.
    #[test]
    fn a_journal_cut_anywhere_keeps_its_whole_rows() {
        let directory = tempfile::tempdir().unwrap();
        let (path, contents) = three(directory.path());
        let bytes = std::fs::read(&path).unwrap();
        let ends: Vec<usize> = contents
            .iter()
            .scan(MAGIC.len() + HEAD + 6, |end, content| {
                *end += HEAD + content.len();
                Some(*end)
            })
            .collect();
        for cut in 0..=bytes.len() {
            for zeros in [0, 40] {
                std::fs::write(&path, [&bytes[..cut], &vec![0; zeros]].concat()).unwrap();
                if zeros > 0 && !ends.contains(&cut) {
                    continue; // zeros behind half a row are damage or a torn row; either is handled, but not the same
                }
                let whole = ends.iter().filter(|end| **end <= cut).count();
                let mut seen = 0;
                let mut journal = Journal::open(&path, b"header", |_, _| {
                    seen += 1;
                    Ok(())
                })
                .unwrap();
                assert_eq!(seen, whole, "cut at {cut}");
                journal.append(b"new").unwrap();
                drop(journal);
                let (found, end) = rows(&path, b"header").unwrap();
                assert_eq!(end, Some(End::Whole));
                assert_eq!(found[..whole], contents[..whole]);
                assert_eq!(found[whole..], [b"new".to_vec()]);
            }
        }
    }

    /// No flipped bit passes unseen, and none is taken for a torn tail.
    #[test]
    fn every_flipped_bit_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = three(directory.path());
        let bytes = std::fs::read(&path).unwrap();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[place] ^= 1 << bit;
                std::fs::write(&path, &flipped).unwrap();
                let error = rows(&path, b"header").unwrap_err();
                assert!(error.to_string().contains("a.journal"), "{place}: {error}");
            }
        }
    }

    #[test]
    fn one_process_at_a_time_and_one_plan() {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = three(directory.path());
        let first = Journal::open(&path, b"header", |_, _| Ok(())).unwrap();
        let busy = Journal::open(&path, b"header", |_, _| Ok(())).err().unwrap();
        assert!(busy.to_string().contains("another process"), "{busy}");
        drop(first);
        let other = Journal::open(&path, b"another", |_, _| Ok(())).err().unwrap();
        assert!(other.to_string().contains("another plan"), "{other}");
    }

    #[test]
    fn frames_are_found_again_by_their_places() {
        let directory = tempfile::tempdir().unwrap();
        let (path, contents) = three(directory.path());
        let mut places = Vec::new();
        let mut reader = Reader::open(&path, b"header").unwrap().unwrap();
        reader
            .for_each(|place, _| {
                places.push(place);
                Ok(())
            })
            .unwrap();
        for k in [2, 0, 1, 1] {
            assert_eq!(reader.read_at(places[k]).unwrap(), contents[k]);
        }
    }
}
