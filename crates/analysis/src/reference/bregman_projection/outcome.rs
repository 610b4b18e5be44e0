//! What a projection may come to.

use super::limit::Limit;

/// The outcome of [`bregman_projection`](super::bregman_projection).
#[derive(Debug, Clone, PartialEq)]
pub enum Projection {
    /// The limit, to rounding.
    Attained(Limit),
    /// There is no minimiser; the dual variable diverges.
    NotAttained(NotAttained),
    /// Newton's iteration failed; nothing is known.
    NotConverged(NotConverged),
}

impl Projection {
    /// The limit, where there is one.
    pub fn limit(&self) -> Option<&Limit> {
        match self {
            Self::Attained(limit) => Some(limit),
            _ => None,
        }
    }
}

/// Why there is no minimiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NotAttained {
    /// y is not in the range of A: a row that is a combination of others disagrees with them, by `mismatch` times what
    /// rounding explains (relative 1e-12).
    Unreachable {
        /// Mismatch over the allowed one; above 1.
        mismatch: f64,
    },
    /// Positive model: a certificate ν ≠ 0 with Aᵀν ≥ 0, ⟨ν, y⟩ ≤ 0 up to rounding, so that every z ≥ 0 with Az = y has a
    /// vanishing entry (⟨ν, y⟩ = 0), or there is none at all (⟨ν, y⟩ < 0).
    NoPositiveSolution {
        /// ⟨ν, y⟩/|Aᵀν|₁ in units of ‖A⁺y‖: no solution has all its entries above this.
        largest_smallest_entry: f64,
    },
}

/// How Newton's iteration failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NotConverged {
    /// Not at rest after that many steps, with that relative change in the last.
    StepLimit {
        /// Newton steps.
        steps: usize,
        /// Largest relative change of a weight in the last step.
        change: f64,
    },
    /// A step that is not finite.
    NotFinite {
        /// Newton steps.
        steps: usize,
    },
    /// The start is so small, or so large, that its powers leave the range of doubles.
    OutOfRange {
        /// log(α^L/‖A⁺y‖_∞).
        log_kappa: f64,
    },
}
