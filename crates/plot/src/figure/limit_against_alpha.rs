//! How the limit approaches the least l1 norm as the start shrinks.

use hadaflow_analysis::prediction::Family;

use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Marker, Points, Role, Series};
use crate::error::PlotError;
use crate::sweep::number;

/// The predictions whose families of exact limits are drawn, the one that tells more first.
const FAMILIES: [&str; 2] = ["gap_leading_constant", "gap_slope_in_alpha"];

/// ‖w_∞(α)‖₁ − Q against α on logarithmic axes, and the power of α that it tends to: with its constant C where that is
/// known (L > 2), through the smallest α otherwise.
pub(super) struct LimitAgainstAlpha;

impl Figure for LimitAgainstAlpha {
    fn name(&self) -> &'static str {
        "limit_against_alpha"
    }

    fn description(&self) -> &'static str {
        "The l1 norm of the limit above the least one against the scale of the start on logarithmic axes, with the power law \
         that is predicted."
    }

    fn needs(&self) -> &'static str {
        "the family of limits of gap_slope_in_alpha or gap_leading_constant: list one of them in `predictions`, and its \
         hypotheses must hold"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let families = FAMILIES.iter().filter_map(|name| input.families.get(*name));
        let Some((alpha, gap, law)) = families.filter_map(limits).next() else {
            return Ok(Vec::new());
        };
        Ok(vec![Chart {
            title: input.heading(),
            x: Axis::log10("initialization α"),
            y: Axis::log10("ℓ₁ gap ‖𝑤_{∞}‖₁ − 𝑄₁"),
            series: law.into_iter().collect(),
            points: vec![Points {
                label: "limits of the flow".to_owned(),
                x: alpha,
                y: gap,
                bars: Vec::new(),
                colour: Colour::Role(Role::L1Norm),
                marker: Marker::Disc,
            }],
            ..Chart::default()
        }])
    }
}

/// The scales and gaps of a family, and the law they are to follow.
fn limits(family: &Family) -> Option<(Vec<f64>, Vec<f64>, Option<Series>)> {
    let (alpha, gap) = (family.column("alpha"), family.column("gap"));
    if alpha.is_empty() || alpha.len() != gap.len() {
        return None;
    }
    Some((alpha.to_vec(), gap.to_vec(), law(family, alpha, gap)))
}

/// C α^k through all scales.
fn law(family: &Family, alpha: &[f64], gap: &[f64]) -> Option<Series> {
    let exponent = *family.column("exponent").last()?;
    let power = format!("α^{{{}}}", number((100.0 * exponent).round() / 100.0));
    let line = |label: String, constant: f64, at: f64| {
        // (α/α₀)^k: α^k alone may be below every double
        let y = alpha.iter().map(|a| constant * (a / at).powf(exponent)).collect();
        Series::line(label, alpha.to_vec(), y, Colour::Ink).stroked(Dash::Dashed, 1.0)
    };
    if let Some(constant) = family.column("constant").last() {
        let label = format!("predicted 𝐶{power}, 𝐶 = {}", number(*constant));
        return Some(line(label, *constant, 1.0));
    }
    let found = alpha.iter().zip(gap).filter(|(_, gap)| **gap > 0.0);
    let (at, height) = found.min_by(|a, b| a.0.total_cmp(b.0))?;
    Some(line(format!("predicted ∝ {power}"), *height, *at))
}
