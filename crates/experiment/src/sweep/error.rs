//! What can be wrong with a sweep.

use std::path::{Path, PathBuf};

use crate::error::ExperimentError;

/// A sweep that cannot be planned, continued or merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A cell is no valid experiment.
    #[error("{}: cell {cell} ({coordinates}): {reason}", file.display())]
    Cell {
        /// The sweep.
        file: PathBuf,
        /// Its index.
        cell: u64,
        /// Its coordinates.
        coordinates: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The plan in a directory cannot be used.
    #[error("{}: {reason}", directory.display())]
    Plan {
        /// The directory.
        directory: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A shard's rows cannot be trusted.
    #[error("{}: {reason} (remove the file and run again: its cells are computed anew)", shard.display())]
    Damaged {
        /// The file.
        shard: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another process is at work.
    #[error("{}: another process is working on this shard", shard.display())]
    Busy {
        /// The file.
        shard: PathBuf,
    },
    /// Cells are missing.
    #[error("{}: {missing} of {cells} cells are missing (run `hadaflow sweep run {}`)", directory.display(), directory.display())]
    Unfinished {
        /// The directory.
        directory: PathBuf,
        /// How many.
        missing: u64,
        /// Out of how many.
        cells: u64,
    },
    /// A command of Slurm is missing or fails.
    #[error("{command}: {reason}")]
    Slurm {
        /// The command.
        command: String,
        /// Its words, or why it could not be run.
        reason: String,
    },
    /// A merged table cannot be used.
    #[error("{}: {reason}", table.display())]
    Table {
        /// The file.
        table: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// A damaged shard.
pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> ExperimentError {
    SweepError::Damaged {
        shard: path.to_owned(),
        reason: reason.into(),
    }
    .into()
}

/// A shard that the system does not let us read.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> ExperimentError {
    damaged(path, format!("cannot be read: {error}"))
}
