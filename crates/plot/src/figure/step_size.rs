//! The steps of the integrator.

use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Role};
use crate::error::PlotError;

/// Δt/Δsteps between recorded times, the mean of the accepted steps there, and t itself: where the step is a fixed part of
/// the elapsed time the solution moves on the scale of its age; where it falls the flow jumps.
pub(super) struct StepSize;

impl Figure for StepSize {
    fn name(&self) -> &'static str {
        "step_size"
    }

    fn description(&self) -> &'static str {
        "The mean step of the integrator between recorded times on logarithmic axes, beside the elapsed time."
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some(steps) = input.column("steps")? else {
            return Ok(Vec::new());
        };
        let line = input.over_time(
            "step ℎ",
            means(input.t, input.column("t_lo")?, steps),
            Colour::Role(Role::Divergence),
        );
        let age = input.over_time("elapsed time 𝑡", input.t.to_vec(), Colour::Role(Role::ReferenceLevel));
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::log10("step size ℎ"),
            series: vec![age.stroked(Dash::Dotted, 0.9), line],
            ..Chart::default()
        }])
    }
}

/// The mean step that led to each recorded time; those within one step share it. `low` are the trailing parts of the
/// times, without which steps far below a rounding of t would vanish.
fn means(t: &[f64], low: Option<&[f64]>, steps: &[f64]) -> Vec<f64> {
    let mut from = 0;
    let mut means = vec![f64::NAN; t.len()];
    for k in 1..t.len() {
        let taken = steps[k] - steps[from];
        if taken > 0.0 {
            let elapsed = (t[k] - t[from]) + low.map_or(0.0, |low| low[k] - low[from]);
            means[from + 1..=k].fill(elapsed / taken);
            from = k;
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_within_one_step_share_it_and_trailing_parts_count() {
        let found = means(&[0.0, 1.0, 2.0, 6.0], None, &[0.0, 0.0, 1.0, 3.0]);
        assert!(found[0].is_nan());
        assert_eq!(found[1..], [2.0, 2.0, 2.0]);
        let found = means(&[1e20, 1e20], Some(&[0.0, 3.0]), &[5.0, 6.0]);
        assert_eq!(found[1], 3.0);
    }
}
