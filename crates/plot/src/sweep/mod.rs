//! Figures of sweeps: named pictures of a table with one row for each run.
//!
//! A new figure is one new file in this folder and two lines below: its module and its entry in the catalogue.

mod draws;
mod quantiles;
mod scaling;
mod success;
mod table;

mod depth_comparison;
mod error_along_axis;
mod gap_against_alpha;
mod phase_diagram;
mod recovery_time_against_alpha;
mod success_against_measurements;

pub use table::SweepTable;
pub(crate) use table::number;

use crate::chart::Chart;
use crate::error::PlotError;

/// Confidence of every interval that is drawn.
const CONFIDENCE: f64 = 0.95;

/// Something worth seeing about a sweep.
pub trait SweepFigure: Sync {
    /// Name on the command line and in file names.
    fn name(&self) -> &'static str;

    /// One sentence on what is seen.
    fn description(&self) -> &'static str;

    /// The columns without which there is nothing to see.
    fn columns(&self) -> &'static [&'static str];

    /// The charts of this figure, one for each combination of the coordinates it does not show itself; none when the table
    /// lacks what it shows.
    fn charts(&self, table: &SweepTable<'_>) -> Result<Vec<Chart>, PlotError>;
}

/// Every figure of sweeps, by name.
pub fn catalogue() -> &'static [&'static dyn SweepFigure] {
    &[
        &depth_comparison::DepthComparison,
        &error_along_axis::ErrorAlongAxis,
        &gap_against_alpha::GapAgainstAlpha,
        &phase_diagram::PhaseDiagram,
        &recovery_time_against_alpha::RecoveryTimeAgainstAlpha,
        &success_against_measurements::SuccessAgainstMeasurements,
    ]
}

#[cfg(test)]
mod tests;
