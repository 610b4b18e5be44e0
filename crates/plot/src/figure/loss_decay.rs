//! The loss over time.

use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Role, Series};
use crate::error::PlotError;

/// ℓ(w(t)) against t on logarithmic axes, beside the bound D(z, w(0)) / (2t) that holds for every solution z.
pub(super) struct LossDecay;

impl Figure for LossDecay {
    fn name(&self) -> &'static str {
        "loss_decay"
    }

    fn description(&self) -> &'static str {
        "The loss over time on logarithmic axes, with the bound by the initial Bregman divergence where a solution is known."
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some(loss) = input.column("loss")? else {
            return Ok(Vec::new());
        };
        let line = input.over_time("loss ℓ(𝑤(𝑡))", loss.to_vec(), Colour::Role(Role::Loss));
        let series = [line.stroked(Dash::Solid, 1.2)]
            .into_iter()
            .chain(bound(input)?)
            .collect();
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::log10("loss ℓ = ½‖𝐴𝑤 − 𝑦‖²"),
            series,
            ..Chart::default()
        }])
    }
}

/// The bound from the first reference that solves the equations exactly, when the run starts at t = 0.
fn bound(input: &FigureInput<'_>) -> Result<Option<Series>, PlotError> {
    for solution in ["basis_pursuit", "bregman_projection"] {
        let Some(divergence) = input.column(&format!("bregman_divergence_{solution}"))? else {
            continue;
        };
        let (Some(&start), Some(&initial)) = (input.t.first(), divergence.first()) else {
            continue;
        };
        if start == 0.0 && initial.is_finite() {
            let values = input.t.iter().map(|t| 0.5 * initial / t).collect();
            let line = input.over_time("bound 𝐷_{𝐹}(𝑧, 𝑤(0)) / 2𝑡", values, Colour::Role(Role::ReferenceLevel));
            return Ok(Some(line.stroked(Dash::Dashed, 0.8)));
        }
    }
    Ok(None)
}
