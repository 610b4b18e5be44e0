//! Figures: named pictures of a run, each made from recorded numbers only.
//!
//! A new figure is one new file in this folder and two lines below: its module and its entry in the catalogue.

mod bundle;
mod input;

mod average_against_lasso;
mod bregman_decay;
mod certificate_bracket;
mod conserved_quantities;
mod coordinate_paths;
mod descent_against_flow;
mod dual_paths;
mod final_weights;
mod l1_norm;
mod limit_against_alpha;
mod loss_decay;
mod staircase;
mod step_size;

pub use input::{FigureInput, VanishingStart};

use crate::chart::Chart;
use crate::error::PlotError;
use crate::motion::Motion;

/// Something worth seeing about a run.
pub trait Figure: Sync {
    /// Name in scenarios, on the command line and in file names.
    fn name(&self) -> &'static str;

    /// One sentence on what is seen.
    fn description(&self) -> &'static str;

    /// What a run must have for this figure, and how a scenario asks for it: a phrase after "it needs".
    fn needs(&self) -> &'static str {
        "numbers that this run did not record"
    }

    /// The charts of this figure, none when the input lacks what it shows.
    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError>;

    /// Whether the figure can be seen in motion.
    fn moves(&self) -> bool {
        false
    }

    /// The figure in motion; `None` if it has none, or the input lacks what it shows.
    fn motion<'a>(&self, _input: &FigureInput<'a>) -> Result<Option<Motion<'a>>, PlotError> {
        Ok(None)
    }
}

/// Every figure, by name.
pub fn catalogue() -> &'static [&'static dyn Figure] {
    &[
        &average_against_lasso::AverageAgainstLasso,
        &bregman_decay::BregmanDecay,
        &certificate_bracket::CertificateBracket,
        &conserved_quantities::ConservedQuantities,
        &coordinate_paths::CoordinatePaths,
        &descent_against_flow::DescentAgainstFlow,
        &dual_paths::DualPaths,
        &final_weights::FinalWeights,
        &l1_norm::L1Norm,
        &limit_against_alpha::LimitAgainstAlpha,
        &loss_decay::LossDecay,
        &staircase::Staircase,
        &step_size::StepSize,
    ]
}

#[cfg(test)]
mod tests;
