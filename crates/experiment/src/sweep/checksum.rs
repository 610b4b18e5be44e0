//! The checksum of a table in a file beside it, as `sha256sum --check` reads it: `table.parquet.sha256`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::SweepError;
use crate::error::ExperimentError;
use crate::resolve::hex;
use crate::write::{WriteError, write_bytes};

/// Notes the checksum of a table that was just written.
///
/// # Errors
/// If the table cannot be read or the note not be written.
pub(super) fn note(table: &Path) -> Result<(), ExperimentError> {
    let digest = of(table).map_err(|error| WriteError::io(table, &error))?;
    Ok(write_bytes(&beside(table), line(table, &digest).as_bytes())?)
}

/// Whether a table is the one that was written.
///
/// # Errors
/// If it is not, or cannot be read, or nothing was noted of it.
pub(super) fn verify(table: &Path) -> Result<(), ExperimentError> {
    let wrong = |reason: String| {
        let table = table.to_owned();
        ExperimentError::from(SweepError::Table { table, reason })
    };
    let digest = of(table).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let path = beside(table);
    let noted = std::fs::read_to_string(&path).map_err(|error| {
        wrong(format!(
            "its checksum {} cannot be read: {error}; merge anew",
            path.display()
        ))
    })?;
    if noted == line(table, &digest) {
        return Ok(());
    }
    let reason = format!(
        "it is not as it was written, by its checksum in {}; merge anew",
        path.display()
    );
    Err(wrong(reason))
}

fn beside(table: &Path) -> PathBuf {
    let mut name = table.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

fn line(table: &Path, digest: &str) -> String {
    let name = table.file_name().unwrap_or_default().to_string_lossy();
    format!("{digest}  {name}\n")
}

fn of(table: &Path) -> std::io::Result<String> {
    let (mut file, mut hasher) = (File::open(table)?, Sha256::new());
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&chunk[..count]),
        }
    }
}
