//! Lines of a text file, one at a time, none of them endless.

use std::io::{BufRead, BufReader, Read};

use super::ReadFault;
use super::error::Located;

/// Longest line that is read, in bytes.
const MAX_LINE: u64 = 1 << 28;

/// Lines with their numbers.
pub(super) struct Lines<R> {
    file: BufReader<R>,
    buffer: Vec<u8>,
    /// Number of the line read last, counted from 1.
    pub(super) number: u64,
}

impl<R: Read> Lines<R> {
    /// Starts at the beginning of a file.
    pub(super) fn new(file: R) -> Self {
        Self {
            file: BufReader::with_capacity(1 << 16, file),
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The next line without its end and without a byte order mark; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<&str>, Located> {
        self.buffer.clear();
        let read = (&mut self.file).take(MAX_LINE).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read as u64 == MAX_LINE {
            return Err(ReadFault::TooLarge {
                what: "this line".to_owned(),
                limit: format!("{MAX_LINE} bytes"),
            }
            .in_line(self.number, None));
        }
        let line = std::str::from_utf8(&self.buffer).map_err(|_| {
            let reason = "it is not UTF-8 text".to_owned();
            ReadFault::Unreadable { reason }.in_line(self.number, None)
        })?;
        let line = if self.number == 1 {
            line.strip_prefix('\u{feff}').unwrap_or(line)
        } else {
            line
        };
        Ok(Some(line.trim_end_matches(['\n', '\r'])))
    }
}

/// Reads a finite number; the fault is without a place.
pub(super) fn finite(text: &str) -> Result<f64, ReadFault> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(ReadFault::NotFinite { value: shorten(text) }),
        Err(_) => Err(ReadFault::NotANumber { text: shorten(text) }),
    }
}

/// Text short enough for a message.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}
