//! Powers of the initialization.

use std::collections::BTreeMap;

use hadaflow_analysis::statistics::{Interval, LineFit};
use hadaflow_core::error::CoreError;
use serde_json::{Value, json};

use super::groups::{Groups, finite, median};
use super::{CONFIDENCE, Setting, ends, object};

/// Columns that follow a power of α. The error of a run that was integrated ends at what its stop leaves, whatever α is.
const COLUMNS: [&str; 3] = ["l1_gap", "relative_error", "recovery_time"];
/// Fewest values of α that show a power: two lie on a line always.
const FEWEST: usize = 3;
/// Gaps and errors below this part of the weights are rounding.
const ROUNDING: f64 = 1e-14;

/// y ~ α^b along the α of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// The column y.
    pub column: &'static str,
    /// Where.
    pub setting: Setting,
    /// b of the medians over trials, with its interval.
    pub slope: (f64, Option<Interval>),
    /// Values of α.
    pub points: usize,
    /// What theory says of b as α → 0: for the gap its mean over the rows, else −(L−2) for the time at L > 2.
    pub predicted: Option<f64>,
    /// Of each draw that has several α of its own.
    pub draws: Option<Draws>,
}

/// Exponents draw by draw, where the axis over α is paired.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    /// How many.
    pub count: usize,
    /// Median of b.
    pub slope: f64,
    /// Median and largest of |b/b_predicted − 1|, each b against the prediction for its draw, where there is one.
    pub deviation: Option<(f64, f64)>,
}

/// The laws of all columns there are, at each setting with three values of α or more.
pub(super) fn of(groups: &Groups<'_>) -> Result<Vec<Law>, CoreError> {
    let mut laws = Vec::new();
    if !groups.table.axes.iter().any(|axis| axis == "alpha") {
        return Ok(laws);
    }
    let integrated = groups.has("t_end");
    let known = |column: &&str| groups.has(column) && !(integrated && *column == "relative_error");
    for column in COLUMNS.into_iter().filter(known) {
        for (setting, rows) in groups.without(&["alpha"]) {
            let points = medians(groups, column, &rows);
            if points.len() < FEWEST {
                continue;
            }
            let Some(line) = line(&points)? else { continue };
            laws.push(Law {
                column,
                setting,
                slope: (line.slope, line.slope_interval(CONFIDENCE)?),
                points: points.len(),
                predicted: predicted(groups, column, &rows),
                draws: draws(groups, column, &rows)?,
            });
        }
    }
    Ok(laws)
}

/// (α, median) above rounding.
fn medians(groups: &Groups<'_>, column: &str, rows: &[usize]) -> Vec<(f64, f64)> {
    let norms = rows.iter().map(|&row| groups.number("l1_norm", row));
    let norm = norms.filter(|norm| norm.is_finite()).fold(0.0, f64::max);
    let floor = match column {
        "l1_gap" => ROUNDING * if norm > 0.0 { norm } else { 1.0 },
        "relative_error" => ROUNDING,
        _ => 0.0,
    };
    let along = groups.along("alpha", rows).into_iter();
    let points = along.map(|(alpha, rows)| (alpha, median(rows.iter().map(|&row| groups.number(column, row)))));
    points.filter(|(_, y)| y.is_finite() && *y > floor).collect()
}

/// The power law through points with two different α.
fn line(points: &[(f64, f64)]) -> Result<Option<LineFit>, CoreError> {
    if points.len() < 2 {
        return Ok(None);
    }
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    LineFit::log_log(&x, &y).map(Some)
}

fn predicted(groups: &Groups<'_>, column: &str, rows: &[usize]) -> Option<f64> {
    let depth = groups.common("depth", rows)?;
    match column {
        "l1_gap" if !groups.has("predicted_slope") => (depth > 2.0).then_some(depth),
        "l1_gap" => {
            let told = rows.iter().map(|&row| groups.number("predicted_slope", row));
            let told: Vec<f64> = told.filter(|slope| slope.is_finite()).collect();
            // where a prediction is asked for, it has its reasons where there is none
            (!told.is_empty()).then(|| told.iter().sum::<f64>() / told.len() as f64) // a count of rows in memory
        }
        "recovery_time" => (depth > 2.0).then_some(2.0 - depth),
        _ => None,
    }
}

fn draws(groups: &Groups<'_>, column: &str, rows: &[usize]) -> Result<Option<Draws>, CoreError> {
    let mut by_seed: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for &row in rows {
        by_seed.entry(groups.table.seeds[row]).or_default().push(row);
    }
    let (mut slopes, mut deviations) = (Vec::new(), Vec::new());
    for rows in by_seed.values() {
        let Some(line) = line(&medians(groups, column, rows))? else {
            continue;
        };
        slopes.push(line.slope);
        if let Some(predicted) = predicted(groups, column, rows) {
            deviations.push((line.slope / predicted - 1.0).abs());
        }
    }
    let largest = deviations.iter().copied().fold(0.0, f64::max);
    Ok((!slopes.is_empty()).then(|| Draws {
        count: slopes.len(),
        slope: median(slopes.iter().copied()),
        deviation: (!deviations.is_empty()).then(|| (median(deviations.iter().copied()), largest)),
    }))
}

impl Law {
    pub(super) fn document(&self) -> Value {
        let draws = |draws: &Draws| {
            json!({
                "count": draws.count,
                "median_slope": finite(draws.slope),
                "median_deviation": draws.deviation.and_then(|(median, _)| finite(median)),
                "largest_deviation": draws.deviation.and_then(|(_, largest)| finite(largest)),
            })
        };
        json!({
            "column": self.column,
            "at": object(&self.setting),
            "slope": self.slope.0,
            "interval": self.slope.1.as_ref().map(ends),
            "points": self.points,
            "predicted": self.predicted,
            "draws": self.draws.as_ref().map(draws),
        })
    }
}
