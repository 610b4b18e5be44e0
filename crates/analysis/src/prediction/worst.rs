//! The worst of many comparisons.

use super::Measurement;
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

/// What an error `units`·tolerance of the logarithm of the factors can cost in D between two times: relative to D itself
/// (far from z), and √(D Σ U²) near it. Below (units·tolerance)²·Σ U² D is noise.
pub(super) struct DivergenceScale {
    pub(super) size: f64,
    pub(super) relative: f64,
}

impl DivergenceScale {
    /// `residual` in units of what is natural near `divergence` (0 where it is noise).
    pub(super) fn of(&self, residual: f64, divergence: f64) -> f64 {
        let noise = self.relative * self.relative * self.size;
        if residual.abs() <= noise {
            return 0.0;
        }
        residual / (divergence + (divergence * self.size).sqrt()).max(noise)
    }
}
