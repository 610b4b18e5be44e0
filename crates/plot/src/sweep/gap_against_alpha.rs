//! How fast the l1 gap closes as the start shrinks.

use super::draws::Draws;
use super::quantiles::quartiles;
use super::scaling::{anchored, depth_label, depths, fitted, group, list_once, power_law, slope};
use super::table::{Column, number};
use super::{SweepFigure, SweepTable};
use crate::chart::{Axis, Chart, Colour};
use crate::error::PlotError;

/// Gaps below this part of the norm are rounding.
const ROUNDING: f64 = 1e-14;

/// Median of ‖w‖₁ − Q₁ against α on logarithmic axes, with the fitted exponent of each depth beside the predicted one: both
/// as medians over draws where these have several α each. Predicted is what the table says, or L for L > 2 (arXiv 2506.01143).
pub(super) struct GapAgainstAlpha;

impl SweepFigure for GapAgainstAlpha {
    fn name(&self) -> &'static str {
        "gap_against_alpha"
    }

    fn description(&self) -> &'static str {
        "The median l1 gap of each depth against the scale of the start, with quartiles and with fitted and predicted slopes."
    }

    fn columns(&self) -> &'static [&'static str] {
        &["alpha", "l1_gap"]
    }

    fn charts(&self, table: &SweepTable<'_>) -> Result<Vec<Chart>, PlotError> {
        let (Some(alpha), Some(gap)) = (table.number("alpha")?, table.number("l1_gap")?) else {
            return Ok(Vec::new());
        };
        let (depth, norm) = (table.number("depth")?, table.number("l1_norm")?);
        let told = table.number("predicted_slope")?;
        let mut charts = Vec::new();
        for facet in table.facets(&["alpha", "depth"])? {
            let (mut points, mut series) = (Vec::new(), Vec::new());
            for (i, (depth, rows)) in depths(depth, &facet.rows).into_iter().enumerate() {
                let floor = ROUNDING * size(norm, &rows);
                let mut of_depth = group(depth_label(depth), alpha, gap, &rows, floor, i);
                let fit = power_law(&of_depth);
                let draws = fit
                    .as_ref()
                    .and_then(|_| Draws::of(table.seeds, (alpha, gap), told, &rows, floor));
                series.extend(fit.as_ref().map(|fit| fitted(fit, &of_depth, Colour::Palette(i))));
                of_depth.label += &match (draws, &fit) {
                    (Some(draws), _) => format!(": draws {}", hundredths(draws.slope)),
                    (None, Some(fit)) => format!(": fitted {}", slope(fit)),
                    (None, None) => String::new(),
                };
                let of_draws = draws.and_then(|draws| draws.predicted);
                if let Some(predicted) = of_draws.or_else(|| predicted(depth, told, &rows)) {
                    of_depth.label += &format!(", predicted {}", hundredths(predicted));
                    series.extend(anchored("predicted slope", &of_depth, |a| a.powf(predicted)));
                }
                points.push(of_depth);
            }
            list_once(&mut series);
            charts.push(Chart {
                title: facet.title,
                x: Axis::log10("initialization α"),
                y: Axis::log10("ℓ₁ gap ‖𝑤‖₁ − 𝑄₁"),
                points,
                series,
                ..Chart::default()
            });
        }
        Ok(charts)
    }
}

/// The largest norm among the rows, 1 if it is not known.
fn size(norm: Option<Column<'_>>, rows: &[usize]) -> f64 {
    norm.map_or(1.0, |norm| {
        let finite = rows.iter().map(|&row| norm.at(row)).filter(|norm| norm.is_finite());
        finite.fold(0.0, f64::max)
    })
}

/// The predicted exponent: the median of what the table says; L for L > 2 where it has no such column.
fn predicted(depth: Option<f64>, told: Option<Column<'_>>, rows: &[usize]) -> Option<f64> {
    let Some(told) = told else {
        return depth.filter(|depth| *depth > 2.0);
    };
    let told = rows.iter().map(|&row| told.at(row)).filter(|slope| slope.is_finite());
    quartiles(told).map(|[_, middle, _]| middle)
}

fn hundredths(exponent: f64) -> String {
    number((100.0 * exponent).round() / 100.0)
}
