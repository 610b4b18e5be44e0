//! |w_i| reaches a threshold: coordinate i becomes active.

use super::{Action, Event, EventView};

/// Marks (or stops at) the first time a coordinate of the weights reaches a magnitude.
#[derive(Debug, Clone, PartialEq)]
pub struct CoordinateActive {
    coordinate: usize,
    threshold: f64,
    action: Action,
}

impl CoordinateActive {
    /// |w_coordinate| ≥ `threshold` (> 0).
    pub fn new(coordinate: usize, threshold: f64, action: Action) -> Self {
        Self {
            coordinate,
            threshold,
            action,
        }
    }
}

impl Event for CoordinateActive {
    fn name(&self) -> String {
        format!(
            "CoordinateActive(index: {}, threshold: {:e})",
            self.coordinate, self.threshold
        )
    }

    fn value(&self, view: &EventView) -> f64 {
        let w = view.evaluation.weights.get(self.coordinate).copied().unwrap_or(0.0);
        (self.threshold / w.abs().max(f64::MIN_POSITIVE)).ln()
    }

    fn action(&self) -> Action {
        self.action
    }
}
