//! How fast the l1 gap closes as the start shrinks.

use super::scaling::{anchored, depth_label, depths, fitted, group, list_once, power_law, slope};
use super::table::{Column, number};
use super::{SweepFigure, SweepTable};
use crate::chart::{Axis, Chart, Colour};
use crate::error::PlotError;

/// Gaps below this part of the norm are rounding.
const ROUNDING: f64 = 1e-14;

/// Median of ‖w‖₁ − Q₁ against α on logarithmic axes, with the fitted exponent of each depth beside the predicted one:
/// L for L > 2 (arXiv 2506.01143), for L = 2 what the table says.
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
                let mut of_depth = group(depth_label(depth), alpha, gap, &rows, ROUNDING * size(norm, &rows), i);
                let colour = Colour::Palette(i);
                if let Some(fit) = power_law(&of_depth) {
                    of_depth.label = format!("{}: fitted {}", of_depth.label, slope(&fit));
                    series.push(fitted(&fit, &of_depth, colour));
                }
                if let Some(predicted) = predicted(depth, told, &rows) {
                    let digits = (100.0 * predicted).round() / 100.0;
                    of_depth.label = format!("{}, predicted {}", of_depth.label, number(digits));
                    series.extend(anchored("predicted slope", &of_depth, colour, |a| a.powf(predicted)));
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

/// The predicted exponent: the mean of what the table says, otherwise L for L > 2.
fn predicted(depth: Option<f64>, told: Option<Column<'_>>, rows: &[usize]) -> Option<f64> {
    let told: Vec<f64> = told.map_or_else(Vec::new, |told| {
        rows.iter()
            .map(|&row| told.at(row))
            .filter(|slope| slope.is_finite())
            .collect()
    });
    if told.is_empty() {
        return depth.filter(|depth| *depth > 2.0);
    }
    Some(told.iter().sum::<f64>() / told.len() as f64)
}
