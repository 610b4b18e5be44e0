//! Everything that can keep an experiment from running or being saved.

use std::path::PathBuf;

use hadaflow_core::error::CoreError;
use hadaflow_plot::PlotError;

use crate::read::ReadError;
use crate::scenario::ScenarioError;
use crate::sweep::SweepError;
use crate::write::WriteError;

/// Wrong input, or trouble with files. How the numerics fared is never an error, but an outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// An input file cannot be used.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The mathematics refuses the input.
    #[error("{}: {source}", file.display())]
    Input {
        /// The scenario.
        file: PathBuf,
        /// What is refused, and why.
        source: CoreError,
    },
    /// A saved run cannot be used.
    #[error("{}: {reason}", directory.display())]
    BadRun {
        /// The run's directory.
        directory: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A sweep cannot be planned, continued or merged.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// A result cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The output directory holds something else.
    #[error("{}: {reason}", directory.display())]
    Occupied {
        /// The directory.
        directory: PathBuf,
        /// What stands in the way and what to do.
        reason: String,
    },
    /// A figure cannot be drawn.
    #[error("figure {figure}: {source}")]
    Figure {
        /// Its name.
        figure: String,
        /// Why.
        source: PlotError,
    },
}

impl ExperimentError {
    /// Whether it concerns writing (exit code 5) rather than input (3).
    #[must_use]
    pub fn concerns_output(&self) -> bool {
        match self {
            // too few times were recorded: the run is at fault
            Self::Figure { source, .. } => !matches!(source, PlotError::NoMotion { .. }),
            Self::Write(_) | Self::Occupied { .. } => true,
            Self::Sweep(error) => matches!(error, SweepError::Busy { .. } | SweepError::Slurm { .. }),
            _ => false,
        }
    }
}
