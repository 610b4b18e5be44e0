//! Figures: named pictures of a run, each made from recorded numbers only.
//!
//! A new figure is one new file in this folder and two lines below: its module and its entry in the catalogue.

mod input;

mod bregman_decay;
mod coordinate_paths;
mod l1_norm;
mod loss_decay;

pub use input::FigureInput;

use crate::chart::Chart;
use crate::error::PlotError;

/// Something worth seeing about a run.
pub trait Figure: Sync {
    /// Name in scenarios, on the command line and in file names.
    fn name(&self) -> &'static str;

    /// One sentence on what is seen.
    fn description(&self) -> &'static str;

    /// The charts of this figure, none when the input lacks what it shows.
    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError>;
}

/// Every figure, by name.
pub fn catalogue() -> &'static [&'static dyn Figure] {
    &[
        &bregman_decay::BregmanDecay,
        &coordinate_paths::CoordinatePaths,
        &l1_norm::L1Norm,
        &loss_decay::LossDecay,
    ]
}

#[cfg(test)]
mod tests;
