//! Exponents draw by draw: where rows of several α share their random numbers, each draw has a power law of its own, and
//! one prediction for it. The medians over draws of different exponents follow none of them.

use std::collections::BTreeMap;

use hadaflow_analysis::statistics::LineFit;

use super::quantiles::quartiles;
use super::table::Column;

/// Medians over draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Draws {
    /// Of the fitted exponents.
    pub slope: f64,
    /// Of the predictions for the same draws, where there are any.
    pub predicted: Option<f64>,
}

impl Draws {
    /// Of the draws among `rows` that have several values above a floor; `seeds` are those of all rows.
    pub fn of(
        seeds: &[i64],
        (alpha, value): (Column<'_>, Column<'_>),
        told: Option<Column<'_>>,
        rows: &[usize],
        floor: f64,
    ) -> Option<Self> {
        let mut by_seed: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for &row in rows {
            by_seed.entry(*seeds.get(row)?).or_default().push(row);
        }
        let (mut slopes, mut predicted) = (Vec::new(), Vec::new());
        for rows in by_seed.values() {
            let above = rows.iter().filter(|&&row| value.at(row) > floor);
            let (x, y): (Vec<f64>, Vec<f64>) = above.map(|&row| (alpha.at(row), value.at(row))).unzip();
            let Ok(fit) = LineFit::log_log(&x, &y) else { continue };
            slopes.push(fit.slope);
            predicted.extend(told.map(|told| told.at(rows[0])).filter(|slope| slope.is_finite()));
        }
        let median = |values: Vec<f64>| quartiles(values.into_iter()).map(|[_, middle, _]| middle);
        Some(Self {
            slope: median(slopes)?,
            predicted: median(predicted),
        })
    }
}
