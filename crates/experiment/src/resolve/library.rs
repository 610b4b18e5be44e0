//! Input files that many experiments share: each is hashed and read once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::memory;
use crate::read::{MatrixData, ReadError, ReadFault, matrix_in, open, read_matrix, read_vector, vector_in};

/// Files by path. Contents are kept up to a limit; larger files are read slice by slice each time, but hashed once.
#[derive(Debug)]
pub struct Library {
    shelves: Mutex<Shelves>,
    remembers: bool,
}

#[derive(Debug)]
struct Shelves {
    books: BTreeMap<PathBuf, Arc<Book>>,
    /// Bytes that may still be kept.
    room: u64,
}

#[derive(Debug)]
struct Book {
    sha256: String,
    content: Option<Vec<u8>>,
}

impl Default for Library {
    fn default() -> Self {
        Self::new()
    }
}

impl Library {
    /// Keeps contents in at most a quarter of the memory.
    #[must_use]
    pub fn new() -> Self {
        Self::with_room(u64::try_from(memory::physical() / 4).unwrap_or(u64::MAX))
    }

    fn with_room(room: u64) -> Self {
        let books = BTreeMap::new();
        Self {
            shelves: Mutex::new(Shelves { books, room }),
            remembers: true,
        }
    }

    /// Reads every time: for a single experiment.
    pub(crate) fn without_memory() -> Self {
        Self {
            remembers: false,
            ..Self::with_room(0)
        }
    }

    /// SHA-256 of a file's content in hexadecimal digits.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn digest(&self, path: &Path) -> Result<String, ReadError> {
        if self.remembers {
            return Ok(self.book(path)?.sha256.clone());
        }
        let (file, _) = open(path)?;
        digest(file, path, None)
    }

    /// The matrix in a file, see [`read_matrix`].
    pub(crate) fn matrix(&self, path: &Path, index: Option<usize>) -> Result<MatrixData, ReadError> {
        match self.kept(path)?.as_deref() {
            Some(Book {
                content: Some(content), ..
            }) => matrix_in(content, path, index),
            _ => read_matrix(path, index),
        }
    }

    /// The vector in a file, see [`read_vector`].
    pub(crate) fn vector(&self, path: &Path, index: Option<usize>) -> Result<Vec<f64>, ReadError> {
        match self.kept(path)?.as_deref() {
            Some(Book {
                content: Some(content), ..
            }) => vector_in(content, path, index),
            _ => read_vector(path, index),
        }
    }

    fn kept(&self, path: &Path) -> Result<Option<Arc<Book>>, ReadError> {
        self.remembers.then(|| self.book(path)).transpose()
    }

    /// The file, read now if it is new. Others wait meanwhile, and so none is read twice.
    fn book(&self, path: &Path) -> Result<Arc<Book>, ReadError> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(book) = shelves.books.get(path) {
            return Ok(book.clone());
        }
        let (file, length) = open(path)?;
        let room = usize::try_from(length).ok().filter(|_| length <= shelves.room);
        let mut content = room.map(Vec::with_capacity);
        let sha256 = digest(file, path, content.as_mut())?;
        let kept = content.as_ref().map_or(0, |content| content.len() as u64);
        shelves.room = shelves.room.saturating_sub(kept);
        let book = Arc::new(Book { sha256, content });
        shelves.books.insert(path.to_owned(), book.clone());
        Ok(book)
    }
}

/// Hashes a file, and keeps what it reads in `content` if there is one.
fn digest(mut file: File, path: &Path, mut content: Option<&mut Vec<u8>>) -> Result<String, ReadError> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(|error| {
            let reason = error.to_string();
            ReadError::whole(path, ReadFault::Unreadable { reason })
        })?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        if let Some(content) = &mut content {
            content.extend_from_slice(&buffer[..count]);
        }
    }
    Ok(hex(&hasher.finalize()))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file is read once: what it became later is not seen, unless there was no room to keep it.
    #[test]
    fn each_file_is_read_and_hashed_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stack.csv");
        for (room, second) in [(1 << 20, [3.0, 4.0]), (0, [7.0, 8.0])] {
            std::fs::write(&path, "1,2\n3,4\n").unwrap();
            let library = Library::with_room(room);
            let sha256 = library.digest(&path).unwrap();
            assert_eq!(library.vector(&path, Some(0)).unwrap(), [1.0, 2.0]);
            std::fs::write(&path, "5,6\n7,8\n").unwrap();
            assert_eq!(library.vector(&path, Some(1)).unwrap(), second);
            assert_eq!(library.digest(&path).unwrap(), sha256);
            assert_ne!(Library::without_memory().digest(&path).unwrap(), sha256);
        }
    }
}
