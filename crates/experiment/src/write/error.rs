//! What can go wrong while writing.

use std::path::{Path, PathBuf};

/// A file that could not be written; nothing stands under its name that was not there before.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: cannot be written: {reason}", path.display())]
pub struct WriteError {
    /// The final name of the file.
    pub path: PathBuf,
    /// The system's or the format's words.
    pub reason: String,
    /// The kind of the system's error, if it was one.
    pub kind: Option<std::io::ErrorKind>,
}

impl WriteError {
    /// From the system's error.
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self {
            path: path.to_owned(),
            reason: error.to_string(),
            kind: Some(error.kind()),
        }
    }

    /// From content that the format cannot hold.
    pub(crate) fn content(path: &Path, reason: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.into(),
            kind: None,
        }
    }
}
