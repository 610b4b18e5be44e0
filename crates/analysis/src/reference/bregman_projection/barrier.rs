//! A way to the wanted κ that does not lead along the path of κ: an interior-point method.
//!
//! Where the limit has weights on many scales (y rounded, and κ far below that rounding) the path of κ has a kink
//! for each of them. With a logarithmic barrier the problem at the wanted κ is, while β is large, the analytic centre of a
//! linear program; as β → 0 all those weights find their places together:
//!
//! ```text
//! f(p̂) + s = c ∓ σ,   s p̂ = β,   Âp̂ = ŷ,      f(p̂) = μ p̂^{−e} (L > 2),   f(p̂) = 1 + log(κ (x0/a)²/p̂)/2T (L = 2)
//! ```
//!
//! A Newton step has the form of `primal_dual.rs` with D = p̂/(s − p̂f′(p̂)) and γ = f(p̂) − (c ∓ σ) + β/p̂. Once s is small
//! beside −p̂f′ for so many large weights that they determine q̂, the barrier is removed.

use super::expansion::Expansion;
use super::half::{Half, SMALLEST as SMALLEST_WEIGHT};
use super::path::{Ending, PATIENCE};
use super::primal_dual::{PrimalDual, TO_BOUNDARY};
use super::scalar::Scalar;
use super::scaled::ScaledProblem;
use super::weighted_qr::WeightedQr;

/// s below this part of −p̂f′ no longer counts.
const SETTLED: f64 = 0.1;
/// Weights below this part of another one do not disturb it.
const INSIGNIFICANT: f64 = 0.01;
/// β is reduced where the mean of s p̂ is within this factor of it.
const CENTRED: f64 = 10.0;
/// β is reduced at least by this, and raised to the power 1.5 at most.
const REDUCTION: f64 = 0.1;
/// Smaller β would leave the range of doubles.
const SMALLEST: f64 = 1e-250;

impl PrimalDual<'_> {
    /// From p̂ = 1, z = c at the wanted κ, until the barrier is removed or nothing comes of it; at most `limit` steps.
    pub fn lower_barrier<S: Scalar>(&mut self, qr: &mut WeightedQr<S>, limit: usize) -> Option<Ending> {
        self.log_kappa = self.problem.log_kappa();
        self.barrier = 1.0;
        let n = self.problem.matrix().ncols();
        for (i, (half, weight)) in self.halves.iter_mut().zip(&mut self.weights).enumerate() {
            let z = self.problem.bound[i % n];
            *half = Half {
                p: 1.0,
                log_p: 0.0,
                z,
                basic: true,
                ..Half::default()
            };
            *weight = Expansion::new(1.0);
        }
        while self.steps < limit {
            self.step(qr);
            let mean = self.halves.iter().map(|half| half.z * half.p).sum::<f64>() / self.halves.len() as f64;
            if !self.change.is_finite() {
                return Some(Ending::NotFinite);
            }
            if self.steps.is_multiple_of(PATIENCE)
                && let Some(bound) = self.certificate()
            {
                return Some(Ending::NoPositiveSolution(bound));
            }
            if self.lengths.0 > 0.5 && mean <= CENTRED * self.barrier {
                if self.is_determined() || self.barrier < SMALLEST {
                    self.remove_barrier();
                    return None;
                }
                self.barrier = self.barrier.powf(1.5).min(REDUCTION * self.barrier);
            }
        }
        Some(Ending::StepLimit)
    }

    /// D and γ of the i-th half; v = f(p̂) − (c ∓ σ) is kept as ρ, and −p̂f′ as R.
    pub fn linearise_barrier(&mut self, i: usize, j: usize, sign: f64, sigma: f64) {
        let (problem, half) = (self.problem, &mut self.halves[i]);
        if problem.depth == 2.0 {
            let unit = 2.0 * ScaledProblem::entropy_unit(self.log_kappa);
            let base = self.log_kappa + 2.0 * problem.log_shape[j];
            half.r = 1.0 / unit;
            half.rho = (base - half.log_p) / unit + sign * sigma;
        } else {
            let (e, bound) = (problem.exponent(), problem.bound[j]);
            let mut slack = bound - sign * sigma;
            if slack < 0.1 * bound {
                slack = -sign * problem.dual(j, &self.dual, -sign * bound);
            }
            let f = (e * (self.log_kappa - half.log_p)).exp();
            half.r = e * f;
            half.rho = f - slack;
        }
        half.d = half.p / (half.z + half.r);
        half.gamma = half.rho + self.barrier / half.p;
    }

    /// The part of the way to the boundary that a step may take: nearly all of it in the end.
    pub fn reach(&self) -> f64 {
        if self.barrier > 0.0 {
            1.0 - (1.0 - TO_BOUNDARY).min(self.barrier.max(1e-10))
        } else {
            TO_BOUNDARY
        }
    }

    /// Whether as many weights as there are rows are settled and larger than all that are not.
    fn is_determined(&self) -> bool {
        let settled = |half: &&Half| half.z < SETTLED * half.r;
        let unsettled = self
            .halves
            .iter()
            .filter(|half| !settled(half))
            .fold(0.0f64, |a, half| a.max(half.p));
        let larger = self
            .halves
            .iter()
            .filter(settled)
            .filter(|half| INSIGNIFICANT * half.p > unsettled);
        larger.count() >= self.problem.matrix().nrows()
    }

    /// Weights that are not settled are what the dual makes of them.
    fn remove_barrier(&mut self) {
        let n = self.problem.matrix().ncols();
        let (entropy, e) = (self.problem.depth == 2.0, self.problem.exponent());
        for i in 0..self.halves.len() {
            let (j, sign) = if i < n { (i, 1.0) } else { (i - n, -1.0) };
            let sigma = self.problem.dual(j, &self.dual, 0.0);
            self.linearise_barrier(i, j, sign, sigma);
            let half = &mut self.halves[i];
            if half.z < SETTLED * half.r {
                half.z += half.r / e;
                continue;
            }
            if entropy {
                half.log_p += half.rho / half.r;
            } else {
                half.z = half.r / e - half.rho;
                half.log_p = self.log_kappa - half.z.ln() / e;
            }
            half.p = half.log_p.exp().max(SMALLEST_WEIGHT);
            self.weights[i] = Expansion::new(half.p);
        }
        self.barrier = 0.0;
    }
}
