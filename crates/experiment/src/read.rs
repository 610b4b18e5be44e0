//! Matrices and vectors from files.
//!
//! The format follows from the extension: `.npy` (NumPy), `.mtx` (Matrix Market) or `.csv` (also separated by
//! semicolons or blanks). Every number must be finite. Nothing is allocated that the length of the file does not
//! justify, and no input can make a reader panic.
//!
//! A file may hold a *stack* of problems along its first axis: `index` picks one of them. It concerns only files with
//! one axis more than asked for; so a single matrix can serve a stack of measurement vectors.

mod csv;
mod error;
mod mtx;
mod npy;
mod text;

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

pub use error::{Place, ReadError, ReadFault};
pub(crate) use npy::header::{Header, Kind};

/// A matrix as its file stores it.
#[derive(Clone, Debug, PartialEq)]
pub enum MatrixData {
    /// Every entry.
    Dense {
        /// Number of rows, at least 1.
        rows: usize,
        /// Number of columns, at least 1.
        cols: usize,
        /// Entry (i, j) is at `i * cols + j`.
        row_major: Vec<f64>,
    },
    /// The stored entries only.
    Sparse {
        /// Number of rows, at least 1.
        rows: usize,
        /// Number of columns, at least 1.
        cols: usize,
        /// (row, column, value), counted from 0, in row-major order, no place twice.
        triplets: Vec<(usize, usize, f64)>,
    },
}

/// Longest vector that is made of a sparse file, in entries.
const MAX_SPARSE_VECTOR: usize = 1 << 27;

impl MatrixData {
    /// Rows and columns.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Self::Dense { rows, cols, .. } | Self::Sparse { rows, cols, .. } => (*rows, *cols),
        }
    }

    /// The entries of a single row or column.
    fn into_vector(self) -> Result<Vec<f64>, ReadFault> {
        let (rows, cols) = self.shape();
        if rows != 1 && cols != 1 {
            return Err(ReadFault::Shape {
                found: format!("a {rows} x {cols} matrix"),
                expected: "a vector (one row or one column)".to_owned(),
            });
        }
        match self {
            Self::Dense { row_major, .. } => Ok(row_major),
            Self::Sparse { triplets, .. } => {
                let length = rows.max(cols);
                if length > MAX_SPARSE_VECTOR {
                    return Err(ReadFault::TooLarge {
                        what: format!("a vector of {length} entries"),
                        limit: format!("{MAX_SPARSE_VECTOR} entries"),
                    });
                }
                let mut vector = vec![0.0; length];
                for (row, col, value) in triplets {
                    if let Some(entry) = vector.get_mut(row.max(col)) {
                        *entry = value;
                    }
                }
                Ok(vector)
            }
        }
    }
}

/// The formats, by extension.
enum Format {
    Npy,
    Mtx,
    Csv,
}

impl Format {
    fn of(path: &Path) -> Result<Self, ReadError> {
        let extension = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_ascii_lowercase();
        match extension.as_str() {
            "npy" => Ok(Self::Npy),
            "mtx" => Ok(Self::Mtx),
            "csv" => Ok(Self::Csv),
            _ => Err(ReadError::whole(path, ReadFault::UnknownExtension { extension })),
        }
    }
}

/// Opens a regular, nonempty file; also returns its length.
pub(crate) fn open(path: &Path) -> Result<(File, u64), ReadError> {
    let fail = |fault| ReadError::whole(path, fault);
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => fail(ReadFault::Missing),
        _ => fail(ReadFault::Unreadable {
            reason: error.to_string(),
        }),
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(fail(ReadFault::IsDirectory));
    }
    if !metadata.is_file() {
        let reason = "it is not a regular file".to_owned();
        return Err(fail(ReadFault::Unreadable { reason }));
    }
    if metadata.len() == 0 {
        return Err(fail(ReadFault::Empty));
    }
    File::open(path).map_err(unreadable).map(|file| (file, metadata.len()))
}

/// Reads a matrix; `index` picks one of a stack of matrices.
///
/// # Errors
/// Names the file, the line or entry, and what to try, if the file does not hold a finite matrix.
pub fn read_matrix(path: &Path, index: Option<usize>) -> Result<MatrixData, ReadError> {
    let (file, length) = open(path)?;
    matrix_from(file, length, path, index)
}

/// [`read_matrix`] from the content of the file.
pub(crate) fn matrix_in(content: &[u8], path: &Path, index: Option<usize>) -> Result<MatrixData, ReadError> {
    matrix_from(Cursor::new(content), content.len() as u64, path, index)
}

fn matrix_from<R: Read + Seek>(
    file: R,
    length: u64,
    path: &Path,
    index: Option<usize>,
) -> Result<MatrixData, ReadError> {
    match Format::of(path)? {
        Format::Npy => npy::read(file, length, npy::Wanted::Matrix, index),
        Format::Mtx => mtx::read(file, length),
        Format::Csv => csv::read(file),
    }
    .map_err(|error| error.of(path))
}

/// Reads a vector, stored as a row or a column; `index` picks one of a stack of vectors.
///
/// # Errors
/// Names the file, the line or entry, and what to try, if the file does not hold a finite vector.
pub fn read_vector(path: &Path, index: Option<usize>) -> Result<Vec<f64>, ReadError> {
    let (file, length) = open(path)?;
    vector_from(file, length, path, index)
}

/// [`read_vector`] from the content of the file.
pub(crate) fn vector_in(content: &[u8], path: &Path, index: Option<usize>) -> Result<Vec<f64>, ReadError> {
    vector_from(Cursor::new(content), content.len() as u64, path, index)
}

fn vector_from<R: Read + Seek>(file: R, length: u64, path: &Path, index: Option<usize>) -> Result<Vec<f64>, ReadError> {
    match Format::of(path)? {
        Format::Npy => npy::read(file, length, npy::Wanted::Vector, index),
        Format::Mtx => mtx::read(file, length),
        Format::Csv => csv::read(file).and_then(|table| pick_row(table, index)),
    }
    .and_then(|data| Ok(data.into_vector()?))
    .map_err(|error| error.of(path))
}

/// The row of a table that stacks vectors; a single row or column is no stack.
fn pick_row(table: MatrixData, index: Option<usize>) -> Result<MatrixData, error::Located> {
    match (table, index) {
        (MatrixData::Dense { rows, cols, row_major }, Some(index)) if rows > 1 && cols > 1 => {
            let row = row_major
                .chunks_exact(cols)
                .nth(index)
                .ok_or(ReadFault::IndexOutOfRange { index, length: rows })?;
            Ok(MatrixData::Dense {
                rows: 1,
                cols,
                row_major: row.to_vec(),
            })
        }
        (table, _) => Ok(table),
    }
}

#[cfg(test)]
mod tests;
