//! Which times are recorded.

use serde::{Deserialize, Serialize};

use super::number;

/// Which times are recorded, besides the initial and the final one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// About this many times on a fixed logarithmic lattice.
    LogSpaced(#[serde(deserialize_with = "number::count")] usize),
    /// Exactly these, as far as they are reached.
    Times(Vec<f64>),
    /// Every step of the integrator.
    EveryStep,
}

impl Default for Record {
    fn default() -> Self {
        Self::LogSpaced(400)
    }
}

pub(super) fn default_support_threshold() -> f64 {
    1e-3
}
