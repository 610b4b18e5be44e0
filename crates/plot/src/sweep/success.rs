//! Successes by number of measurements.

use hadaflow_analysis::statistics::{EmpiricalTransition, half, logistic_fit};
use hadaflow_core::error::CoreError;

use super::CONFIDENCE;
use super::table::Column;
use crate::error::PlotError;

/// Successes and trials at each value of a coordinate. A run whose success is no number failed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Counts {
    pub x: Vec<f64>,
    pub successes: Vec<u64>,
    pub trials: Vec<u64>,
}

impl Counts {
    pub fn of(success: Column<'_>, x: Column<'_>, rows: &[usize]) -> Self {
        let mut counts = Self::default();
        for (value, rows) in x.groups(rows) {
            let won = rows.iter().filter(|&&row| success.at(row) > 0.0).count();
            counts.x.push(value);
            // counts of rows in memory
            counts.successes.push(won as u64);
            counts.trials.push(rows.len() as u64);
        }
        counts
    }

    pub fn rates(&self) -> Vec<f64> {
        let pairs = self.successes.iter().zip(&self.trials);
        pairs.map(|(&k, &n)| k as f64 / n as f64).collect()
    }

    /// What the counts say about the transition.
    pub fn transition(&self) -> Result<EmpiricalTransition, PlotError> {
        logistic_fit(&self.x, &self.successes, &self.trials).map_err(|source| self.unusable(source))
    }

    /// Where half of the runs succeed, if these counts show it.
    pub fn half(&self, rising: bool) -> Result<Option<f64>, PlotError> {
        let found = half(&self.x, &self.successes, &self.trials, rising, CONFIDENCE);
        found
            .map(|half| half.map(|half| half.place))
            .map_err(|source| self.unusable(source))
    }

    fn unusable(&self, source: CoreError) -> PlotError {
        PlotError::Unusable {
            column: "success",
            place: format!("{} places", self.x.len()),
            source,
        }
    }
}
