//! The steps of the flow from a small start, and those of the limit of vanishing starts.

use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Role, Series};
use crate::error::PlotError;

/// How far beyond the last jump the figure goes.
const BEYOND: f64 = 1.3;

/// ‖w(t)‖₁ against τ = t/T(α), and the norm of the saddles between which the flow jumps as α → 0.
pub(super) struct Staircase;

impl Figure for Staircase {
    fn name(&self) -> &'static str {
        "staircase"
    }

    fn description(&self) -> &'static str {
        "The l1 norm in the time of vanishing starts, with the jumps that the flow tends to make there."
    }

    fn needs(&self) -> &'static str {
        "an identical start below 1, such as `initialization: Identical(1e-3)`, a densely stored A with m·n·min(m, \
         n) at most 2e7, and data that pull some weight"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let (Some(vanishing), Some(norm)) = (input.vanishing, input.column("l1_norm")?) else {
            return Ok(Vec::new());
        };
        let Some(&(last, _)) = vanishing.jumps.last().filter(|(tau, _)| *tau > 0.0 && tau.is_finite()) else {
            return Ok(Vec::new());
        };
        let end = BEYOND * last;
        let tau = input.t.iter().map(|t| t / vanishing.unit).collect();
        let flow = Series::line("‖𝑤(𝑡)‖₁", tau, norm.to_vec(), Colour::Role(Role::L1Norm));
        let (x, y) = steps(vanishing.jumps, end);
        let limit = Series::line("predicted for α → 0", x, y, Colour::Role(Role::Integral));
        Ok(vec![Chart {
            title: input.heading(),
            x: Axis {
                range: Some((0.0, end)),
                ..Axis::linear("τ = 𝑡 / 𝑇(α)")
            },
            y: Axis::linear("ℓ₁ norm"),
            series: vec![flow.stroked(Dash::Solid, 2.4), limit.stroked(Dash::Dashed, 0.9)],
            ..Chart::default()
        }])
    }
}

/// The corners of a path that starts at 0 and jumps.
fn steps(jumps: &[(f64, f64)], end: f64) -> (Vec<f64>, Vec<f64>) {
    let mut corners = vec![(0.0, 0.0)];
    let mut level = 0.0;
    for &(tau, next) in jumps {
        corners.extend([(tau, level), (tau, next)]);
        level = next;
    }
    corners.push((end, level));
    corners.into_iter().unzip()
}
