//! t ≥ a given time.

use super::{Event, EventView};
use crate::special::DoubleDouble;

/// Fires at a given time.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeReached {
    time: f64,
    name: String,
}

impl TimeReached {
    /// t = `time`.
    pub fn new(time: f64) -> Self {
        Self {
            time,
            name: format!("TimeReached({time:e})"),
        }
    }

    /// t = `units`·T(α), with the time unit T of the initialization.
    pub fn units(units: f64, time_unit: f64) -> Self {
        Self {
            time: units * time_unit,
            name: format!("TimeUnits({units})"),
        }
    }
}

impl Event for TimeReached {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn reads_weights(&self) -> bool {
        false
    }

    fn time(&self) -> Option<f64> {
        Some(self.time)
    }

    fn value(&self, view: &EventView) -> f64 {
        DoubleDouble::new(self.time, 0.0).minus(view.t)
    }
}
