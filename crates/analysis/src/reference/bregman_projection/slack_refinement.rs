//! Slacks below the rounding of a Newton step (L > 2).
//!
//! A step is known to the rounding of its largest entry, and so is σ. Where basic columns are dependent (tied minimisers)
//! their weights are decided by slacks far below that. Iterative refinement: each solve of the system of the step with the
//! exact difference ρ = c ∓ σ − z on its right leaves the rounding of ρ.

use super::primal_dual::{EXACT_BELOW, PrimalDual};
use super::weighted_qr::WeightedQr;

/// A difference between c ∓ σ and z below this part of z is left to Newton's method.
const RESTORED: f64 = 1e-3;
/// Sixteen digits each: slacks of 1e-80 take five.
const REFINEMENTS: usize = 6;

impl PrimalDual<'_> {
    /// q̂ such that c ∓ σ is z to its own accuracy where p̂ is basic (L > 2).
    pub fn restore_slacks(&mut self, qr: &mut WeightedQr) {
        if self.problem.depth == 2.0 || self.barrier > 0.0 || self.log_kappa >= EXACT_BELOW.ln() {
            return;
        }
        let n = self.problem.matrix().ncols();
        for _ in 0..REFINEMENTS {
            let mut worst: f64 = 0.0;
            self.x.clear();
            self.x.resize(n, 0.0);
            for (i, half) in self.halves.iter().enumerate().filter(|(_, half)| half.basic) {
                let (j, sign) = if i < n { (i, 1.0) } else { (i - n, -1.0) };
                let bound = self.problem.bound[j];
                let rho = -sign * self.problem.dual(j, &self.dual, -sign * bound) - half.z;
                worst = worst.max(rho.abs() / half.z);
                self.x[j] -= sign * half.d * rho / self.d[j];
            }
            if worst < RESTORED {
                return;
            }
            self.h.fill(0.0);
            let (mut x, mut h) = (std::mem::take(&mut self.x), std::mem::take(&mut self.h));
            qr.solve(&mut x, &mut h);
            for (q, h) in self.dual.iter_mut().zip(&h) {
                q.add(*h);
                q.normalise();
            }
            (self.x, self.h) = (x, h);
        }
    }
}
