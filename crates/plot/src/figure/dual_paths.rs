//! The dual variable over time, coordinate by coordinate, between its barriers.

use super::bundle::Bundle;
use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Level, Role};
use crate::error::{PlotError, same_length};

/// Aᵀq(t)/T(α): a coordinate grows when its path comes to ±1 (positive model: 1) and has weight only while it stays there.
pub(super) struct DualPaths;

impl Figure for DualPaths {
    fn name(&self) -> &'static str {
        "dual_paths"
    }

    fn description(&self) -> &'static str {
        "The integrated gradient of each coordinate in units of T(α), with the barriers where weight can appear."
    }

    fn needs(&self) -> &'static str {
        "an identical start below 1, such as `initialization: Identical(1e-3)`, and not too many times in `record`"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some(vanishing) = input.vanishing else {
            return Ok(Vec::new());
        };
        let (Some((pull, n)), Some(support)) = (vanishing.pull, input.support()?) else {
            return Ok(Vec::new());
        };
        same_length("Aᵀq", input.t.len() * n, pull.len())?;
        same_length("weights", n, input.weights.map_or(0, |(_, n)| n))?;
        let scaled: Vec<f64> = pull.iter().map(|value| value / vanishing.unit).collect();
        let bundle = Bundle::new(input, &scaled, n, &support, "σ_{𝑗}");
        let level = |value: f64| Level {
            label: match (value > 0.0, vanishing.signed) {
                (true, true) => "barriers ±1".to_owned(),
                (true, false) => "barrier 1".to_owned(),
                _ => String::new(),
            },
            value,
            colour: Colour::Role(Role::ReferenceLevel),
            dash: Dash::Dashed,
            width: 0.9,
        };
        let barriers: &[f64] = if vanishing.signed { &[1.0, -1.0] } else { &[1.0] };
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::linear("σ = 𝐴ᵀ𝑞(𝑡) / 𝑇(α)"),
            bands: bundle.bands,
            levels: barriers.iter().map(|barrier| level(*barrier)).collect(),
            series: bundle.lines,
            ..Chart::default()
        }])
    }
}
