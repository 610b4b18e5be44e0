//! The worst of many comparisons.

use super::{Measurement, UNITS, allowance};
use crate::report::Evidence;

/// Keeps the largest value and where it was found; NaN counts as the largest of all.
pub(super) struct Worst {
    value: f64,
    place: String,
}

impl Worst {
    pub(super) fn new() -> Self {
        Self {
            value: f64::NEG_INFINITY,
            place: "nowhere".into(),
        }
    }

    /// Take note of `value` at recorded time `row`.
    pub(super) fn see(&mut self, value: f64, evidence: &Evidence, row: usize, about: &str) {
        if value > self.value || (value.is_nan() && !self.value.is_nan()) {
            self.value = value;
            let t = evidence.column("t").get(row).copied().unwrap_or(f64::NAN);
            self.place = format!("{about} at t = {t:.6e}");
        }
    }

    pub(super) fn against(self, bound: f64, uncertainty: f64) -> Measurement {
        Measurement {
            measured: self.value.max(f64::MIN),
            bound,
            uncertainty,
            place: self.place,
        }
        .keep_nan(self.value)
    }
}

impl Measurement {
    fn keep_nan(mut self, value: f64) -> Self {
        if value.is_nan() {
            self.measured = value;
        }
        self
    }
}

/// What an error ε of the logarithm of the factors, allowed over one interval, can cost in D: relative to D itself (far
/// from z), and √(D Σ U²) near it. Below ε²·Σ U² D is noise.
pub(super) struct DivergenceScale {
    size: f64,
    allowed: f64,
    common: f64,
}

impl DivergenceScale {
    /// For the interval that ends at recorded time `row`, near a reference of this size.
    pub(super) fn of(evidence: &Evidence, size: f64, row: usize) -> Self {
        Self {
            size,
            allowed: allowance(evidence, row - 1, row),
            common: UNITS * evidence.tolerance,
        }
    }

    /// `residual` in units of what is natural near `divergence` (0 where it is noise). Where the interval is allowed more
    /// than others, having taken more steps, it counts less by as much: all are compared with one bound.
    pub(super) fn units(&self, residual: f64, divergence: f64) -> f64 {
        let noise = self.allowed * self.allowed * self.size;
        if residual.abs() <= noise {
            return 0.0;
        }
        let natural = (divergence + (divergence * self.size).sqrt()).max(noise);
        residual / natural * (self.common / self.allowed)
    }
}
