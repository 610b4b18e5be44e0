//! Named arrays in one `.npz` file: a ZIP archive of NumPy arrays, uncompressed, with fixed times.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{WriteError, write_atomically};
use crate::read::{Header, Kind, ReadError, ReadFault, open};

/// An array in row-major order; numbers that are not finite are allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The entries; as many as the product of the shape.
    pub data: Vec<f64>,
}

/// A borrowed [`Array`].
#[derive(Clone, Copy, Debug)]
pub struct ArrayView<'a> {
    /// Length of each axis.
    pub shape: &'a [usize],
    /// The entries; as many as the product of the shape.
    pub data: &'a [f64],
}

impl Array {
    /// Borrows it.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_> {
        ArrayView {
            shape: &self.shape,
            data: &self.data,
        }
    }
}

/// Writes arrays under their names, in this order; the same arrays give the same bytes.
///
/// # Errors
/// If a name is empty, repeated or not a plain file name, a shape does not fit its data, or the file cannot be written.
pub fn write_npz(path: &Path, arrays: &[(&str, ArrayView<'_>)]) -> Result<(), WriteError> {
    for (k, (name, array)) in arrays.iter().enumerate() {
        let plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && name.len() < 1000;
        if !plain || arrays[..k].iter().any(|(other, _)| other == name) {
            return Err(WriteError::content(path, format!("{name:?} cannot name an array here")));
        }
        if array.shape.iter().try_fold(1_usize, |n, axis| n.checked_mul(*axis)) != Some(array.data.len()) {
            let (shape, count) = (array.shape, array.data.len());
            let reason = format!("array {name:?} has {count} entries, its shape is {shape:?}");
            return Err(WriteError::content(path, reason));
        }
    }
    write_atomically(path, |file| {
        let mut archive = ZipWriter::new(file);
        for (name, array) in arrays {
            let header = npy_header(array.shape);
            let bytes = header.len() as u64 + 8 * array.data.len() as u64;
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .last_modified_time(DateTime::default())
                .unix_permissions(0o644)
                .large_file(bytes >= u64::from(u32::MAX));
            archive.start_file(format!("{name}.npy"), options)?;
            archive.write_all(&header)?;
            write_numbers(&mut archive, array.data)?;
        }
        archive.finish()?;
        Ok(())
    })
}

/// The header of a row-major array of little-endian doubles, padded so that the data start at a multiple of 64 bytes.
fn npy_header(shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let shape = match axes.as_slice() {
        [axis] => format!("({axis},)"),
        axes => format!("({})", axes.join(", ")),
    };
    let dictionary = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = (10 + dictionary.len() + 1).next_multiple_of(64);
    let text = padded - 10;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    // Up to a thousand axes fit into the 16 bits; arrays here have one or two.
    header.extend_from_slice(&u16::try_from(text).unwrap_or(u16::MAX).to_le_bytes());
    header.extend_from_slice(format!("{dictionary:<width$}\n", width = text - 1).as_bytes());
    header
}

fn write_numbers(file: &mut impl Write, numbers: &[f64]) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(1 << 16);
    for chunk in numbers.chunks(1 << 13) {
        buffer.clear();
        buffer.extend(chunk.iter().flat_map(|number| number.to_le_bytes()));
        file.write_all(&buffer)?;
    }
    Ok(())
}

/// Most bytes of arrays per byte of file: uncompressed arrays need 1.
const MAX_EXPANSION: u64 = 64;
/// Most arrays in a file.
const MAX_ARRAYS: usize = 4096;

/// Reads the arrays of a file that [`write_npz`] wrote; row-major arrays written by NumPy are read as well.
///
/// # Errors
/// If the file is missing, not such an archive, truncated or damaged, or would need far more memory than its length.
pub fn read_npz(path: &Path) -> Result<BTreeMap<String, Array>, ReadError> {
    let (file, length) = open(path)?;
    read_archive(BufReader::with_capacity(1 << 16, file), length).map_err(|fault| ReadError::whole(path, fault))
}

fn malformed(reason: impl Into<String>) -> ReadFault {
    ReadFault::Malformed {
        format: "npz",
        reason: reason.into(),
    }
}

/// Reads entry after entry from the front: unlike the archive's directory, entries cannot overlap or be missing.
fn read_archive(mut file: impl Read, length: u64) -> Result<BTreeMap<String, Array>, ReadFault> {
    let mut arrays = BTreeMap::new();
    let mut budget = length.saturating_mul(MAX_EXPANSION);
    loop {
        let entry = zip::read::read_zipfile_from_stream(&mut file).map_err(|error| malformed(error.to_string()))?;
        let Some(mut entry) = entry else {
            return if arrays.is_empty() {
                Err(ReadFault::Empty)
            } else {
                Ok(arrays)
            };
        };
        let name = entry.name().to_owned();
        let Some(name) = name.strip_suffix(".npy") else {
            return Err(malformed("it contains something else than arrays"));
        };
        let array = read_array(&mut entry, &mut budget).map_err(|fault| match fault {
            ReadFault::Malformed { reason, .. } => malformed(format!("array {name:?}: {reason}")),
            other => other,
        })?;
        if arrays.insert(name.to_owned(), array).is_some() {
            return Err(malformed(format!("array {name:?} is there twice")));
        }
        if arrays.len() > MAX_ARRAYS {
            return Err(malformed("it contains too many arrays"));
        }
    }
}

/// Reads one array; the budget bounds what all of them may take.
fn read_array(entry: &mut impl Read, budget: &mut u64) -> Result<Array, ReadFault> {
    let header = Header::read(entry).map_err(|error| *error.of(Path::new("")).fault)?;
    if header.kind != Kind::F64 || header.fortran {
        let what = "an array that is not row-major or not of element type float64".to_owned();
        return Err(ReadFault::Unsupported { what });
    }
    let bytes = header
        .data_bytes()
        .filter(|bytes| bytes <= budget)
        .ok_or_else(|| ReadFault::Length {
            expected: format!("an array of shape {:?}", header.shape),
            found: "too few bytes for it".to_owned(),
        })?;
    *budget -= bytes;
    let mut raw = Vec::new();
    entry
        .take(bytes)
        .read_to_end(&mut raw)
        .map_err(|error| malformed(error.to_string()))?;
    let complete = raw.len() as u64 == bytes;
    // Reading to the very end also compares the checksum.
    let rest = entry.read(&mut [0]).map_err(|error| malformed(error.to_string()))?;
    if !complete || rest != 0 {
        return Err(malformed("its data do not have the announced length"));
    }
    let data = raw
        .chunks_exact(8)
        .map(|item| header.kind.decode(item, header.big_endian))
        .collect();
    Ok(Array {
        shape: header.shape,
        data,
    })
}

#[cfg(test)]
mod tests;
