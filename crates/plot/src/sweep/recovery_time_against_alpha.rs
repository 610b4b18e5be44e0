//! What a small start costs in time.

use super::scaling::{anchored, depth_label, depths, group, list_once};
use super::{SweepFigure, SweepTable};
use crate::chart::{Axis, Chart};
use crate::error::PlotError;

/// Median time of recovery against α on logarithmic axes, beside the time unit T(α) = log(1/α) for L = 2 and
/// α^{2−L}/(L − 2) for L > 2, scaled to the smallest α.
pub(super) struct RecoveryTimeAgainstAlpha;

impl SweepFigure for RecoveryTimeAgainstAlpha {
    fn name(&self) -> &'static str {
        "recovery_time_against_alpha"
    }

    fn description(&self) -> &'static str {
        "The median time of recovery of each depth against the scale of the start, with quartiles, beside the time unit."
    }

    fn columns(&self) -> &'static [&'static str] {
        &["alpha", "recovery_time"]
    }

    fn charts(&self, table: &SweepTable<'_>) -> Result<Vec<Chart>, PlotError> {
        let (Some(alpha), Some(time)) = (table.number("alpha")?, table.number("recovery_time")?) else {
            return Ok(Vec::new());
        };
        let depth = table.number("depth")?;
        let mut charts = Vec::new();
        for facet in table.facets(&["alpha", "depth"])? {
            let (mut points, mut series) = (Vec::new(), Vec::new());
            for (i, (depth, rows)) in depths(depth, &facet.rows).into_iter().enumerate() {
                let of_depth = group(depth_label(depth), alpha, time, &rows, 0.0, i);
                if let Some(depth) = depth {
                    let unit = |alpha: f64| time_unit(depth, alpha);
                    series.extend(anchored("∝ 𝑇(α)", &of_depth, unit));
                }
                points.push(of_depth);
            }
            list_once(&mut series);
            charts.push(Chart {
                title: facet.title,
                x: Axis::log10("initialization α"),
                y: Axis::log10("recovery time"),
                points,
                series,
                ..Chart::default()
            });
        }
        Ok(charts)
    }
}

/// T(α); NaN for α ≥ 1 at depth 2, where nothing small starts.
fn time_unit(depth: f64, alpha: f64) -> f64 {
    if depth > 2.0 {
        return alpha.powf(2.0 - depth) / (depth - 2.0);
    }
    let unit = -alpha.ln();
    if unit > 0.0 { unit } else { f64::NAN }
}
