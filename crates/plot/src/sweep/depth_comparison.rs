//! What depth does for the error at each scale of the start.

use super::scaling::group;
use super::table::number;
use super::{SweepFigure, SweepTable};
use crate::chart::{Axis, Chart, Colour, Dash, Points, Series};
use crate::error::PlotError;

/// Median of the relative error (without it, of the l1 gap) against the depth, one curve for each α.
pub(super) struct DepthComparison;

impl SweepFigure for DepthComparison {
    fn name(&self) -> &'static str {
        "depth_comparison"
    }

    fn description(&self) -> &'static str {
        "The median relative error, or l1 gap, against the depth for each scale of the start, with quartiles."
    }

    fn columns(&self) -> &'static [&'static str] {
        &["depth"]
    }

    fn charts(&self, table: &SweepTable<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some(depth) = table.number("depth")? else {
            return Ok(Vec::new());
        };
        let (error, gap) = (table.number("relative_error")?, table.number("l1_gap")?);
        let (value, label) = match (error, gap) {
            (Some(error), _) => (error, "relative error"),
            (None, Some(gap)) => (gap, "ℓ₁ gap ‖𝑤‖₁ − 𝑄₁"),
            (None, None) => return Ok(Vec::new()),
        };
        let alpha = table.number("alpha")?;
        let mut charts = Vec::new();
        for facet in table.facets(&["alpha", "depth"])? {
            let alphas = alpha.map_or_else(|| vec![(f64::NAN, facet.rows.clone())], |a| a.groups(&facet.rows));
            // one depth compares with nothing
            let alphas: Vec<_> = alphas
                .into_iter()
                .filter(|(_, rows)| depth.groups(rows).len() > 1)
                .collect();
            if alphas.is_empty() {
                continue;
            }
            let (mut points, mut series) = (Vec::new(), Vec::new());
            let steps = alphas.len().saturating_sub(1).max(1);
            for (i, (alpha, rows)) in alphas.into_iter().enumerate() {
                let label = if alpha.is_nan() {
                    "runs".to_owned()
                } else {
                    format!("α = {}", number(alpha))
                };
                // i ≤ steps
                let colour = Colour::Ramp((255 * i / steps) as u8);
                let of_alpha = Points {
                    colour,
                    ..group(label, depth, value, &rows, 0.0, i)
                };
                let line = Series::line("", of_alpha.x.clone(), of_alpha.y.clone(), colour);
                series.push(line.stroked(Dash::Solid, 0.6));
                points.push(of_alpha);
            }
            charts.push(Chart {
                title: facet.title,
                x: Axis::whole("depth 𝐿"),
                y: Axis::log10(label),
                points,
                series,
                ..Chart::default()
            });
        }
        Ok(charts)
    }
}
