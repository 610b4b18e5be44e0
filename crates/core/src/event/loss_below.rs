//! ℓ ≤ threshold, absolute or relative to ½|y|².

use super::{Event, EventView};

/// Fires when the loss has fallen to a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct LossBelow {
    threshold: f64,
    name: String,
}

impl LossBelow {
    /// ℓ ≤ `threshold`.
    pub fn absolute(threshold: f64) -> Self {
        Self {
            threshold,
            name: format!("LossBelow({threshold:e})"),
        }
    }

    /// ℓ ≤ `fraction`·½|y|². For y = 0 there is nothing to fit and the event holds from the start.
    pub fn relative(fraction: f64, measurements: &[f64]) -> Self {
        let half_square = 0.5 * measurements.iter().map(|y| y * y).sum::<f64>();
        // y so small that its square underflows is not 0: the event then never holds.
        let threshold = if measurements.iter().all(|&y| y == 0.0) {
            f64::INFINITY
        } else {
            fraction * half_square
        };
        Self {
            threshold,
            name: format!("RelativeLossBelow({fraction:e})"),
        }
    }
}

impl Event for LossBelow {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn reads_weights(&self) -> bool {
        false
    }

    /// log(ℓ/threshold): on it an exponential decay is a straight line. Kept finite for ℓ = 0.
    fn value(&self, view: &EventView) -> f64 {
        if self.threshold == f64::INFINITY {
            return -1.0;
        }
        (view.loss.max(f64::MIN_POSITIVE) / self.threshold).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_fit_is_fitted() {
        assert_eq!(LossBelow::relative(1e-12, &[0.0, 0.0]).threshold, f64::INFINITY);
        assert_eq!(LossBelow::relative(1e-2, &[2.0]).threshold, 0.02);
        assert_eq!(LossBelow::relative(1e-12, &[1e-200]).threshold, 0.0);
    }
}
