//! Tables of numbers separated by commas, semicolons or blanks.
//!
//! A first line without any number is a header. Blank lines and lines that start with `#` are skipped. Numbers may
//! stand in double quotes.

use std::io::Read;

use super::error::Located;
use super::text::{Lines, finite};
use super::{MatrixData, ReadFault};

/// How the numbers of a line are separated.
#[derive(Clone, Copy)]
enum Separator {
    Character(char),
    Blank,
}

impl Separator {
    /// The separator of a file, judged by its first line.
    fn of(line: &str) -> Self {
        match [';', ','].into_iter().find(|separator| line.contains(*separator)) {
            Some(separator) => Self::Character(separator),
            None => Self::Blank,
        }
    }

    /// The fields of a line, each with the byte where it starts.
    fn split(self, line: &str) -> Vec<(usize, &str)> {
        let place = |field: &str| field.as_ptr() as usize - line.as_ptr() as usize;
        match self {
            Self::Character(separator) => line
                .split(separator)
                .map(|field| (place(field), unquote(field)))
                .collect(),
            Self::Blank => line
                .split_whitespace()
                .map(|field| (place(field), unquote(field)))
                .collect(),
        }
    }
}

fn unquote(field: &str) -> &str {
    let field = field.trim();
    let inner = field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.map_or(field, str::trim)
}

/// Reads the table.
pub(super) fn read<R: Read>(file: R) -> Result<MatrixData, Located> {
    let mut lines = Lines::new(file);
    let mut separator = None;
    let mut cols = None;
    let mut row_major = Vec::new();
    let mut rows = 0;
    while let Some(line) = lines.next()? {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let line = line.to_owned();
        let first = separator.is_none();
        let fields = separator.get_or_insert_with(|| Separator::of(&line)).split(&line);
        if first && fields.iter().all(|(_, field)| is_word(field)) {
            continue;
        }
        let expected = *cols.get_or_insert(fields.len());
        if fields.len() != expected {
            let found = fields.len();
            return Err(ReadFault::Ragged { expected, found }.in_line(lines.number, None));
        }
        for (start, field) in fields {
            let column = || 1 + line.get(..start).unwrap_or_default().chars().count();
            row_major.push(finite(field).map_err(|fault| fault.in_line(lines.number, Some(column())))?);
        }
        rows += 1;
    }
    match cols {
        Some(cols) if rows > 0 => Ok(MatrixData::Dense { rows, cols, row_major }),
        _ => Err(ReadFault::Empty.into()),
    }
}

/// Whether a field can be the name of a column: neither empty nor a number, not even an infinite one.
fn is_word(field: &str) -> bool {
    !field.is_empty() && field.parse::<f64>().is_err()
}
