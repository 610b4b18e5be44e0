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
//! A write that fails leaves such a beginning, too: it is taken back at once, and nothing is appended behind it.

mod locks;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::SweepError;
use super::error::{damaged, unreadable};
use crate::error::ExperimentError;
use crate::write::WriteError;
use locks::knows_no_locks;

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
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Self::of(file, path, header)
    }

    /// The same of an open file, which is read from its beginning.
    fn of(mut file: File, path: &Path, header: &[u8]) -> Result<Option<Self>, ExperimentError> {
        let found = file.seek(SeekFrom::Start(0)).and_then(|_| file.metadata());
        let mut reader = Self {
            length: found.map_err(|error| unreadable(path, &error))?.len(),
            file: BufReader::with_capacity(1 << 16, file),
            path: path.to_owned(),
            at: 0,
            buffer: Vec::new(),
        };
        let mut start = [0; MAGIC.len()];
        let start = &mut start[..reader.length.min(MAGIC.len() as u64) as usize]; // at most that of MAGIC
        reader.read(start)?;
        if start != MAGIC {
            return if MAGIC.starts_with(start) || reader.only_zeros(start)? {
                Ok(None)
            } else {
                Err(damaged(path, "it is no journal of this version"))
            };
        }
        match reader.step()? {
            Step::End(_) => Ok(None),
            Step::Frame(_) if reader.buffer == header => Ok(Some(reader)),
            Step::Frame(_) => Err(damaged(path, "it belongs to another plan, version or shard")),
        }
    }

    /// The file that is read.
    pub(super) fn path(&self) -> &Path {
        &self.path
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
            .map_err(|error| unreadable(&self.path, &error))
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

/// A journal that this process alone appends to.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    /// The end of the last whole frame.
    length: u64,
    /// The first error of writing, after which nothing more is written.
    failed: Option<WriteError>,
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
            Err(TryLockError::Error(error)) if knows_no_locks(&error) => {}
            Err(TryLockError::Error(error)) => return Err(trouble(error)),
        }
        let mut journal = Self {
            file,
            path: path.to_owned(),
            length: 0,
            failed: None,
        };
        match journal.reader(header)? {
            None => {
                journal.file.set_len(0).map_err(trouble)?;
                journal.write(&[MAGIC, &frame(header)].concat(), File::write_all)?;
            }
            Some(mut reader) => match reader.for_each(each)? {
                End::Whole => journal.length = reader.length,
                End::Torn(place) => {
                    journal.file.set_len(place).map_err(trouble)?;
                    journal.length = place;
                }
            },
        }
        Ok(journal)
    }

    /// Reads the file that is locked, whatever its path names by now. What is written goes to its end nevertheless.
    pub(super) fn reader(&self, header: &[u8]) -> Result<Option<Reader>, ExperimentError> {
        let file = self.file.try_clone().map_err(|error| unreadable(&self.path, &error))?;
        Reader::of(file, &self.path, header)
    }

    /// Appends a row. What is written survives the process. After an error nothing more is written.
    pub(super) fn append(&mut self, content: &[u8]) -> Result<(), ExperimentError> {
        self.write(&frame(content), File::write_all)
    }

    /// Appends bytes by `write`, all or none.
    fn write(
        &mut self,
        bytes: &[u8],
        write: impl FnOnce(&mut File, &[u8]) -> std::io::Result<()>,
    ) -> Result<(), ExperimentError> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        if let Err(error) = write(&mut self.file, bytes) {
            // should this fail, too, a torn tail is left, behind which nothing comes
            let _ = self.file.set_len(self.length);
            let error = WriteError::io(&self.path, &error);
            self.failed = Some(error.clone());
            return Err(error.into());
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// All rows are there: onto the disk, and under the final name.
    pub(super) fn finish(self, name: &Path) -> Result<(), ExperimentError> {
        let done = self.file.sync_all().and_then(|()| std::fs::rename(&self.path, name));
        done.map_err(|error| WriteError::io(&self.path, &error).into())
    }
}

#[cfg(test)]
mod tests;
