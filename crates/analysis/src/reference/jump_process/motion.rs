//! One jump: when q meets the next bounds, and where the weights rest then.

use nalgebra::DMatrix;

use super::{AT_BOUND, Phase, STILL};
use crate::column_qr::{add, dot, largest};
use crate::reference::sign_constrained::{Constraint, SignConstrained, Target};

/// The problem and its solver.
pub(super) struct Motion<'a> {
    pub(super) matrix: &'a DMatrix<f64>,
    measurements: &'a [f64],
    signed: bool,
    solver: SignConstrained<'a>,
    /// |Aᵀy|_∞.
    pub(super) scale: f64,
    /// What rounding leaves of an entry of Aᵀr that vanishes.
    pub(super) noise: f64,
}

impl<'a> Motion<'a> {
    pub(super) fn new(matrix: &'a DMatrix<f64>, measurements: &'a [f64], signed: bool) -> Self {
        let solver = SignConstrained::new(matrix);
        let mut motion = Self {
            noise: solver.noise(measurements),
            scale: 0.0,
            matrix,
            measurements,
            signed,
            solver,
        };
        motion.scale = largest(motion.pull(measurements).into_iter().map(f64::abs));
        motion
    }

    /// Aᵀr.
    pub(super) fn pull(&self, r: &[f64]) -> Vec<f64> {
        (0..self.matrix.ncols())
            .map(|i| dot(self.solver.column(i), r))
            .collect()
    }

    pub(super) fn still(&self) -> f64 {
        (STILL * self.scale).max(self.noise)
    }

    /// How long until the next bound is reached, and the bounds (±1, or 0) that coordinates reach then; `None` if never.
    pub(super) fn next_hits(&self, now: &Phase) -> Option<(f64, Vec<f64>)> {
        let meeting = |(&sigma, d): (&f64, f64)| {
            let bound = d.signum();
            let moves = d.abs() > self.still() && (self.signed || d > 0.0);
            // at the bound already and held there: by its weight, or against rounding
            let held = bound * sigma >= 1.0 - AT_BOUND;
            let step = if moves && !held {
                (bound - sigma) / d
            } else {
                f64::INFINITY
            };
            (step, bound)
        };
        let meetings: Vec<_> = now.sigma.iter().zip(self.pull(&now.residual)).map(meeting).collect();
        let step = meetings.iter().map(|(step, _)| *step).fold(f64::INFINITY, f64::min);
        let hit = |(other, bound): &(f64, f64)| if *other <= step * (1.0 + AT_BOUND) { *bound } else { 0.0 };
        step.is_finite().then(|| (step, meetings.iter().map(hit).collect()))
    }

    /// The phase that begins after `step`, when the coordinates of `hits` reach their bounds, and the largest violation of
    /// its conditions.
    pub(super) fn jump(&mut self, now: &Phase, step: f64, hits: &[f64]) -> (Phase, f64) {
        let mut dual = now.dual.clone();
        add(step, &now.residual, &mut dual);
        let drift = self.pin(&mut dual, &now.weights);
        let sigma = self.pull(&dual);
        let constraint = |i: usize| match (sigma[i], hits[i]) {
            (s, hit) if hit > 0.0 || s >= 1.0 - AT_BOUND => Constraint::Nonnegative,
            (s, hit) if hit < 0.0 || (self.signed && s <= AT_BOUND - 1.0) => Constraint::Nonpositive,
            _ => Constraint::Zero,
        };
        let constraints: Vec<_> = (0..sigma.len()).map(constraint).collect();
        let rounds = 10 * constraints.len() + 100;
        let target = Target::Vector(self.measurements);
        let found = self.solver.minimize(&constraints, target, &now.weights, rounds);
        let outside = sigma.iter().map(|s| if self.signed { s.abs() } else { *s } - 1.0);
        let violation = largest(outside.chain([found.violation, drift]));
        let phase = Phase {
            tau: now.tau + step,
            residual: self.solver.residual(self.measurements, &found.point),
            weights: found.point,
            dual,
            sigma,
        };
        (phase, violation)
    }

    /// Where there is weight, σ stays at its bound; rounding in r moves it. Puts it back by the smallest change of q, and
    /// returns how far it was off.
    fn pin(&self, dual: &mut [f64], weights: &[f64]) -> f64 {
        let passive = self.solver.passive();
        let off = |&i: &usize| weights[i].signum() - dot(self.solver.column(i), dual);
        let mut change: Vec<f64> = passive.iter().map(off).collect();
        let drift = largest(change.iter().map(|change| change.abs()));
        let qr = self.solver.factorization();
        qr.solve_transposed(&mut change);
        add(1.0, &qr.combine(&change), dual);
        drift
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::jump_process::{JumpProcess, VERIFIED};
    use crate::reference::small_problems::entries;

    #[test]
    fn an_error_of_the_dual_variable_is_put_right_and_said() {
        let (a, y) = (entries(6, 12, 1), entries(6, 1, 2));
        let process = JumpProcess::new(&a, y.as_slice(), true);
        let mut motion = Motion::new(&a, y.as_slice(), true);
        let mut seen = 0;
        for now in &process.phases {
            let Some((step, hits)) = motion.next_hits(now) else {
                break;
            };
            if let Some(i) = now.weights.iter().position(|w| *w != 0.0) {
                let mut off = now.clone();
                add(1e-4, a.column(i).as_slice(), &mut off.dual);
                let drift = motion.pin(&mut off.dual, &now.weights);
                assert!(drift > 0.9e-4 * a.column(i).norm_squared());
                for (j, w) in now.weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                    assert!((dot(a.column(j).as_slice(), &off.dual) - w.signum()).abs() < 1e-12);
                }
                seen += 1;
            }
            let (_, violation) = motion.jump(now, step, &hits);
            assert!(violation < VERIFIED);
        }
        assert!(seen > 3);
    }
}
