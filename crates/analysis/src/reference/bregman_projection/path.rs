//! Path-following: from κ = 1, where the projection is an easy problem, to the wanted κ, one Newton step or a few at
//! each level. Close to the end the path is nearly straight and log κ doubles from one level to the next. Where it has
//! kinks the other way is taken (`barrier.rs`).

use super::certificate::no_positive_solution;
use super::expansion::Expansion;
use super::half::{Half, LONGEST_DESCENT};
use super::primal_dual::PrimalDual;
use super::scalar::Scalar;
use super::weighted_qr::WeightedQr;

/// μ (L > 2) or κ (L = 2) is reduced at least by this between two levels.
const REDUCTION: f64 = 0.1;
/// A level is left when no p̂ or z has changed by more than this factor e^….
const LEVEL_CHANGE: f64 = 1.0;
/// Newton converges quadratically: after a relative change of every p̂ and z below this, what is left is rounding.
const CONVERGED: f64 = 1e-10;
/// A change that no longer shrinks is accepted below this.
const STALLED: f64 = 1e-8;
/// Steps at one level after which a certificate that there is no minimiser is looked for.
pub const PATIENCE: usize = 12;
/// log κ is multiplied by this at most between two levels.
const ACCELERATION: f64 = 2.0;
/// Steps at one level of the path before the end: where more are needed it has a kink.
const LEVEL_LIMIT: usize = 20;

/// How the wanted κ is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    /// Along the path of κ: twenty to sixty steps where it succeeds, which is nearly always.
    Path,
    /// By a barrier at the wanted κ: thirty to sixty steps, whatever the scales of the weights.
    Barrier,
}

/// Why the path ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ending {
    /// At the wanted κ, to rounding.
    Converged,
    /// Too many steps.
    StepLimit,
    /// A step that is not finite.
    NotFinite,
    /// Positive model: no solution has its smallest entry above this, which is 0 or negative up to rounding.
    NoPositiveSolution(f64),
}

impl PrimalDual<'_> {
    /// Go that way to its end, at most `limit` steps altogether.
    pub fn follow<S: Scalar>(&mut self, way: Way, qr: &mut WeightedQr<S>, limit: usize) -> Ending {
        let ending = match way {
            Way::Path => self.follow_to_rest(qr, limit),
            Way::Barrier => match self.lower_barrier(qr, limit) {
                Some(ending) => ending,
                None => self.follow_to_rest(qr, limit),
            },
        };
        let suspicious = match ending {
            Ending::Converged => self.has_vanishing_weights(),
            Ending::StepLimit | Ending::NotFinite => true,
            Ending::NoPositiveSolution(_) => false,
        };
        let certificate = if suspicious { self.certificate() } else { None };
        certificate.map_or(ending, Ending::NoPositiveSolution)
    }

    fn follow_to_rest<S: Scalar>(&mut self, qr: &mut WeightedQr<S>, limit: usize) -> Ending {
        let end = self.problem.log_kappa();
        let (mut last, mut at_level) = (f64::INFINITY, 0);
        while self.steps < limit {
            self.step(qr);
            at_level += 1;
            if !self.change.is_finite() {
                return Ending::NotFinite;
            }
            if (at_level % PATIENCE == 0 || (at_level >= 3 && self.change >= LONGEST_DESCENT))
                && let Some(bound) = self.certificate()
            {
                return Ending::NoPositiveSolution(bound);
            }
            if self.log_kappa == end {
                let change = self.change;
                if change <= CONVERGED || (change >= 0.5 * last && change.max(last) <= STALLED) {
                    return Ending::Converged;
                }
                last = change;
            } else if self.lengths.0.min(self.lengths.1) > 0.5 && self.change < LEVEL_CHANGE {
                self.next_level(end);
                at_level = 0;
            } else if at_level >= LEVEL_LIMIT {
                return Ending::StepLimit;
            }
        }
        Ending::StepLimit
    }

    /// A bound on the smallest entry of every solution, if q̂ shows that it is 0 up to rounding.
    pub fn certificate(&self) -> Option<f64> {
        if self.problem.signed {
            return None;
        }
        let q: Vec<f64> = self.dual.iter().map(Expansion::value).collect();
        let p: Vec<f64> = self.halves.iter().map(|half| half.p).collect();
        no_positive_solution(self.problem, &q, &p)
    }

    /// Whether a weight has been pushed far below its start to the size of rounding.
    fn has_vanishing_weights(&self) -> bool {
        let largest = self.halves.iter().fold(0.0f64, |a, half| a.max(half.p));
        let start = |j: usize| self.log_kappa + self.problem.depth * self.problem.log_shape[j];
        let vanishing = |j: usize, half: &Half| half.p < 1e-9 * largest && half.log_p < start(j) - 2.0;
        !self.problem.signed && self.halves.iter().enumerate().any(|(j, half)| vanishing(j, half))
    }

    fn next_level(&mut self, end: f64) {
        let e = self.problem.exponent();
        let stride = REDUCTION.ln() / if e > 0.0 { e } else { 1.0 };
        self.log_kappa = if end < self.log_kappa {
            (self.log_kappa + stride).min(self.log_kappa * ACCELERATION).max(end)
        } else {
            (self.log_kappa - stride).max(self.log_kappa * ACCELERATION).min(end)
        };
    }
}
