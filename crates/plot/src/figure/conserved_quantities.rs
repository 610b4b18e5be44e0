//! How well the numerics keep what the equations conserve.

use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Role};
use crate::error::PlotError;

/// max|Δ(x_j² − x_k²)|/max x² of the factor flow, or the gap of gradient descent to its product identity.
pub(super) struct ConservedQuantities;

impl Figure for ConservedQuantities {
    fn name(&self) -> &'static str {
        "conserved_quantities"
    }

    fn description(&self) -> &'static str {
        "The drift of what the equations conserve over time: differences of squared factors, or the products of descent."
    }

    fn needs(&self) -> &'static str {
        "factors: ask for `formulation: Factor` or `method: GradientDescent(step: ..)` in `integrate`"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let known = [
            (
                "conserved_drift",
                "max |Δ(𝑥ⱼ² − 𝑥ₖ²)| / max 𝑥²",
                Role::Divergence,
                Dash::Solid,
            ),
            (
                "product_drift",
                "gap of |𝑢𝑣|/α² to ∏(1 − η²𝑔²)",
                Role::Loss,
                Dash::Dashed,
            ),
        ];
        let mut series = Vec::new();
        for (column, label, role, dash) in known {
            let Some(drift) = input.column(column)? else { continue };
            // A drift of zero has no place on the axis, and nothing to show.
            let line = input.over_time(label, drift.to_vec(), Colour::Role(role));
            series.push(line.stroked(dash, 1.0));
        }
        if series.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::log10("relative drift"),
            series,
            ..Chart::default()
        }])
    }
}
