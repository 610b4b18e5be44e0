//! Figures: named pictures of a run, each made from recorded numbers only.
//!
//! A new figure is one new file in this folder and two lines below: its module and its entry in the catalogue.

mod bundle;
mod input;

mod bregman_decay;
mod certificate_bracket;
mod conserved_quantities;
mod coordinate_paths;
mod dual_paths;
mod final_weights;
mod l1_norm;
mod loss_decay;
mod staircase;
mod step_size;

pub use input::{FigureInput, VanishingStart};

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
        &certificate_bracket::CertificateBracket,
        &conserved_quantities::ConservedQuantities,
        &coordinate_paths::CoordinatePaths,
        &dual_paths::DualPaths,
        &final_weights::FinalWeights,
        &l1_norm::L1Norm,
        &loss_decay::LossDecay,
        &staircase::Staircase,
        &step_size::StepSize,
    ]
}

#[cfg(test)]
mod tests;
