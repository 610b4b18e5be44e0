//! Which times are recorded, and what the trajectory is compared with.

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

/// A point the trajectory is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reference {
    /// The planted signal w*.
    Truth,
    /// A solution of min ‖w‖₁ subject to A w = y (and w ≥ 0 in a positive model), with a certificate.
    BasisPursuit,
    /// The solution of A w = y nearest to w(0) in the Bregman divergence: the limit of the flow.
    BregmanProjection,
}

pub(super) fn default_references() -> Vec<Reference> {
    vec![Reference::Truth]
}

pub(super) fn default_support_threshold() -> f64 {
    1e-3
}
