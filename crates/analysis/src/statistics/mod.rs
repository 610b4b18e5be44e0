//! Statistics of tables of runs: proportions, transitions from failure to success, slopes. Each comes with its error.

mod half;
mod line;
mod logistic;
mod normal;
mod student;
mod wilson;

pub use half::{Half, half};
pub use line::LineFit;
pub use logistic::{EmpiricalTransition, LogisticFit, logistic_fit};
pub use normal::{normal_distribution, normal_quantile};
pub use student::student_quantile;
pub use wilson::wilson_interval;

use hadaflow_core::error::{CoreError, Result};

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// middle ± radius.
    fn around(middle: f64, radius: f64) -> Self {
        Self {
            low: middle - radius,
            high: middle + radius,
        }
    }

    /// Whether a number lies in it.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// A confidence lies strictly between 0 and 1.
fn check_confidence(confidence: f64) -> Result<()> {
    if confidence > 0.0 && confidence < 1.0 {
        return Ok(());
    }
    Err(CoreError::OutOfRange {
        field: "confidence",
        value: confidence.to_string(),
        requirement: "a confidence lies strictly between 0 and 1, for example 0.95",
    })
}

/// Sequences that belong together have one length, and every entry is a number.
fn check_columns(columns: &[(&'static str, &[f64])]) -> Result<()> {
    let expected = columns.first().map_or(0, |(_, values)| values.len());
    for &(what, values) in columns {
        let found = values.len();
        if found != expected {
            return Err(CoreError::Shape { what, expected, found });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let value = values[index];
            return Err(CoreError::NotFinite { what, index, value });
        }
    }
    Ok(())
}
