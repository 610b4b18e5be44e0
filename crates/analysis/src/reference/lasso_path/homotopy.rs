//! One step of the homotopy: from a breakpoint of the lasso path to the next one.

use nalgebra::DMatrix;

use super::{Breakpoint, FLOOR, TIED, VERIFIED};
use crate::column_qr::{add, dot, largest};
use crate::reference::sign_constrained::{Constraint, SignConstrained, Target};

/// The problem, and what is carried from segment to segment.
pub(super) struct Tracer<'a> {
    pub(super) matrix: &'a DMatrix<f64>,
    measurements: &'a [f64],
    signed: bool,
    solver: SignConstrained<'a>,
    pub(super) lambda_max: f64,
    /// What rounding leaves of a correlation that vanishes.
    pub(super) noise: f64,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(matrix: &'a DMatrix<f64>, measurements: &'a [f64], signed: bool) -> Self {
        let solver = SignConstrained::new(matrix);
        Self {
            noise: solver.noise(measurements),
            matrix,
            measurements,
            signed,
            solver,
            lambda_max: 0.0,
        }
    }

    pub(super) fn allowed(&self) -> f64 {
        (VERIFIED * self.lambda_max).max(16.0 * self.noise)
    }

    /// c = Aᵀ(y − Az).
    pub(super) fn correlations(&self, z: &[f64]) -> Vec<f64> {
        let residual = self.solver.residual(self.measurements, z);
        (0..z.len()).map(|i| dot(self.solver.column(i), &residual)).collect()
    }

    /// max |c| (positive: max c, at least 0); NaN if there is one.
    pub(super) fn reach(&self, c: &[f64]) -> f64 {
        largest(c.iter().map(|c| if self.signed { c.abs() } else { *c }))
    }

    /// The signs s of the tied coordinates, 0 for all others.
    pub(super) fn tied(&self, lambda: f64, c: &[f64]) -> Vec<f64> {
        let least = lambda - (TIED * lambda).max(self.noise);
        let sign = |c: &f64| match c {
            c if *c >= least => 1.0,
            c if self.signed && *c <= -least => -1.0,
            _ => 0.0,
        };
        c.iter().map(sign).collect()
    }

    /// Largest violation of the optimality conditions at λ, relative to λ_max.
    pub(super) fn violation(&self, lambda: f64, z: &[f64]) -> f64 {
        let mut worst = 0.0f64;
        for (c, z) in self.correlations(z).into_iter().zip(z) {
            let excess = match (*z, self.signed) {
                (0.0, true) => c.abs() - lambda,
                (0.0, false) => c - lambda,
                (z, false) if z < 0.0 => f64::INFINITY,
                (z, _) => (c - lambda * z.signum()).abs(),
            };
            worst = if excess.is_nan() {
                f64::INFINITY
            } else {
                worst.max(excess)
            };
        }
        worst / self.lambda_max
    }

    /// The segment below `here`, where the coordinates with a sign are tied: completes `here` with what moves on it, and
    /// returns λ, x(λ) and the signs of the tied coordinates at its other end.
    pub(super) fn advance(&mut self, here: &mut Breakpoint, signs: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
        let constraints: Vec<_> = here.point.iter().zip(signs).map(constraint).collect();
        let zero = vec![0.0; signs.len()];
        let rounds = 10 * signs.len() + 100;
        // a minimum that is none shows in the verification of the segment
        let v = self
            .solver
            .minimize(&constraints, Target::Correlations(signs), &zero, rounds)
            .point;
        let (fit, rates) = (self.solver.fit(self.measurements), self.rates(&v));
        let meetings = self.meetings(here, signs, &v, &rates);
        let step = meetings.iter().map(|(step, _)| *step).fold(here.lambda, f64::min);
        let mut lambda = here.lambda - step;
        if lambda <= (FLOOR * self.lambda_max).max(self.noise) {
            lambda = 0.0;
        }
        let together = |i: usize| meetings[i].0 <= step * (1.0 + TIED);
        let mut next = vec![0.0; v.len()];
        for &i in self.solver.passive() {
            let z = fit[i] - lambda * v[i];
            next[i] = if together(i) || z * signs[i] < 0.0 { 0.0 } else { z };
        }
        let mut next_signs = self.tied(lambda, &self.correlations(&next));
        for (i, (_, sign)) in meetings.iter().enumerate() {
            if self.solver.is_passive(i) || (together(i) && next_signs[i] == 0.0) {
                next_signs[i] = *sign;
            }
        }
        here.active = self.solver.passive().to_vec();
        here.active.sort_unstable();
        here.fit = fit;
        (lambda, next, next_signs)
    }

    /// AᵀA v.
    fn rates(&self, v: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; self.matrix.nrows()];
        for (i, v) in v.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            add(*v, self.solver.column(i), &mut image);
        }
        (0..v.len()).map(|i| dot(self.solver.column(i), &image)).collect()
    }

    /// For each coordinate the decrease of λ at which it becomes tied, with which sign, or, if it moves, arrives at zero;
    /// infinite if never.
    fn meetings(&self, here: &Breakpoint, signs: &[f64], v: &[f64], rates: &[f64]) -> Vec<(f64, f64)> {
        let c = self.correlations(&here.point);
        // the gap λ − s c_i closes at the rate 1 − s (AᵀAv)_i; what is tied and does not move stays so or falls behind
        let tie = |i: usize, s: f64| {
            let rate = 1.0 - s * rates[i];
            let meets = signs[i] != s && rate > 0.0;
            let step = if meets {
                ((here.lambda - s * c[i]) / rate).max(0.0)
            } else {
                f64::INFINITY
            };
            (step, s)
        };
        let meeting = |i: usize| {
            if self.solver.is_passive(i) {
                let falls = here.point[i] * v[i] < 0.0;
                return (if falls { -here.point[i] / v[i] } else { f64::INFINITY }, signs[i]);
            }
            let (above, below) = (tie(i, 1.0), tie(i, -1.0));
            if self.signed && below.0 < above.0 { below } else { above }
        };
        (0..v.len()).map(meeting).collect()
    }
}

/// What a coordinate of v may do where x is `z` and the sign is `s`.
fn constraint((z, s): (&f64, &f64)) -> Constraint {
    match *s {
        0.0 => Constraint::Zero,
        _ if *z != 0.0 => Constraint::Free,
        s if s > 0.0 => Constraint::Nonnegative,
        _ => Constraint::Nonpositive,
    }
}
