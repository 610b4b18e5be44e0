//! The l1 norm of the weights over time.

use super::input::spoken;
use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Level, Role};
use crate::error::PlotError;

/// References whose norms differ by less than this share one line.
const SAME: f64 = 1e-6;

/// ‖w(t)‖₁ on logarithmic time, with the norms of the references and the dual lower bound of the smallest one.
pub(super) struct L1Norm;

impl Figure for L1Norm {
    fn name(&self) -> &'static str {
        "l1_norm"
    }

    fn description(&self) -> &'static str {
        "The l1 norm of the weights over time, with the norms of the references and the lower bound from the dual problem."
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some(norm) = input.column("l1_norm")? else {
            return Ok(Vec::new());
        };
        let line = input.over_time("‖𝑤(𝑡)‖₁", norm.to_vec(), Colour::Role(Role::L1Norm));
        let mut series = vec![line.stroked(Dash::Solid, 1.2)];
        if let Some(bound) = input.column("dual_bound")? {
            let line = input.over_time("dual lower bound", bound.to_vec(), Colour::Role(Role::DualBound));
            series.push(line.stroked(Dash::DashDot, 1.0));
        }
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::linear("ℓ₁ norm"),
            series,
            levels: levels(input.references),
            ..Chart::default()
        }])
    }
}

/// One horizontal line for each different norm.
fn levels(references: &[(String, f64)]) -> Vec<Level> {
    let mut groups: Vec<(f64, Vec<String>)> = Vec::new();
    for (name, norm) in references.iter().filter(|(_, norm)| norm.is_finite()) {
        let same = |known: f64| (known - norm).abs() <= SAME * known.abs().max(norm.abs());
        match groups.iter_mut().find(|(known, _)| same(*known)) {
            Some((_, names)) => names.push(spoken(name)),
            None => groups.push((*norm, vec![spoken(name)])),
        }
    }
    let dashes = [Dash::Dashed, Dash::Dotted, Dash::DashDot];
    let level = |(i, (value, names)): (usize, (f64, Vec<String>))| Level {
        label: format!("‖·‖₁ of {}", names.join(", ")),
        value,
        colour: Colour::Role(Role::ReferenceLevel),
        dash: dashes[i % dashes.len()],
        width: 0.9,
    };
    groups.into_iter().enumerate().map(level).collect()
}
