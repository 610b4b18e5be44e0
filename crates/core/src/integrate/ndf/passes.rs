//! The two products with A of the Newton iteration, in single precision where that is enough.
//!
//! A w is rounded only where the weight of a column is too small for it to matter. Aᵀδ is rounded as a whole, but for a few
//! columns, and what that does to s is watched: see [`super::drift`].

use super::ahead::Ahead;
use super::drift::{Drift, Renewal};
use crate::flow::{DualFlow, Evaluation, Flow};
use crate::measurement::dense_kernels::{self, LONG};
use crate::measurement::single::{ROUNDING, SinglePrecision, TOGETHER, Weigh};
use crate::profile::{Part, within};

/// Finer tolerances are not served by single precision.
const FINEST: f64 = 1e-7;
/// Where s would have to be computed anew more often than this in a run, single precision is not begun with.
const RENEWALS: f64 = 100.0;
/// Tolerances of log x that the rounding of one column may cost a step, and fraction of the residual that the rounding of all
/// may: the iteration does not end before that is known to 1e-3.
const SHARE: f64 = 0.02;
const SHARE_OF_RESIDUAL: f64 = 1e-4;
/// Relative error of the residual at an output, in tolerances.
const OUTPUT: f64 = 0.1;
/// Smaller matrices stay in the nearest cache as they are.
const SMALLEST: usize = 4096;
/// Larger matrices stay in no cache.
const ENDLESS: usize = 24 << 20;

/// See the module documentation.
pub(super) struct Passes {
    single: Option<SinglePrecision>,
    /// n and max ‖a_j‖.
    columns: f64,
    column_norm: f64,
    tolerance: f64,
    drift: Drift,
    /// Size of r at the last step.
    residual: f64,
    /// Bytes from which on A is long, and endless.
    long: usize,
    endless: usize,
}

impl Passes {
    /// For runs at that tolerance of log x.
    pub(super) fn new(flow: &DualFlow, tolerance: f64) -> Self {
        let problem = flow.problem();
        let operator = &problem.operator;
        let drift = Drift::new(flow, tolerance);
        let large = operator.rows() * operator.cols() >= SMALLEST;
        let coarse = tolerance >= FINEST && drift.renewals(flow.reach()) <= RENEWALS;
        let matrix = operator.dense().filter(|_| large && coarse);
        Self {
            single: matrix.and_then(SinglePrecision::of),
            columns: operator.cols() as f64, // a count
            column_norm: flow.column_norm(),
            tolerance,
            drift,
            residual: f64::INFINITY,
            long: LONG,
            endless: ENDLESS,
        }
    }

    /// Aᵀr.
    pub(super) fn adjoint(&self, flow: &DualFlow, r: &[f64], out: &mut [f64]) {
        let operator = &flow.problem().operator;
        match (&self.single, operator.dense()) {
            (Some(single), Some(matrix)) => within(Part::SinglePass, || {
                single.multiply_adjoint(r, out);
                dense_kernels::multiply_adjoint_at(matrix.as_slice(), self.drift.principal(), r, out);
            }),
            _ => operator.apply_adjoint(r, out),
        }
    }

    /// See [`Drift::after`].
    pub(super) fn drifted(&mut self, moved: [f64; 2], weights: &[f64], sensitivity: &[f64], residual: f64) -> Renewal {
        self.residual = residual;
        let single = self.single.is_some();
        let renewal = self.drift.after(moved, weights, sensitivity, residual, single);
        if renewal == Renewal::Everything {
            self.single = None;
        }
        renewal
    }

    /// Takes any A for long, and for endless or not.
    #[cfg(test)]
    pub(super) fn exceed_caches(&mut self, endless: bool) {
        self.long = 1;
        self.endless = if endless { 1 } else { usize::MAX };
    }

    /// The columns that are kept in double precision.
    #[cfg(test)]
    pub(super) fn principal(&self) -> &[usize] {
        self.drift.principal()
    }

    /// Whether A is so large that one reading should serve both products.
    pub(super) fn are_long(&self) -> bool {
        self.bytes() >= self.long
    }

    /// Whether it is so large that what a product takes is the reading, by far.
    pub(super) fn are_endless(&self) -> bool {
        self.bytes() >= self.endless
    }

    /// Of A in single precision, if that is in use.
    fn bytes(&self) -> usize {
        self.single.as_ref().map_or(0, SinglePrecision::bytes)
    }

    /// `shift` = Aᵀ`change` and, with the same reading of A, w and r at the s of the next step, where `d_s` is what the
    /// correction has been so far. False if that cannot be.
    pub(super) fn look_ahead(
        &self,
        flow: &DualFlow,
        change: &[f64],
        d_s: &[f64],
        shift: &mut [f64],
        ahead: &mut Ahead,
    ) -> bool {
        let problem = flow.problem();
        let (Some(single), Some(matrix)) = (&self.single, problem.operator.dense()) else {
            return false;
        };
        within(Part::SinglePass, || {
            ahead.rounded.set(change);
            let principal = self.drift.principal();
            dense_kernels::multiply_adjoint_at(matrix.as_slice(), principal, change, shift);
            let next = Next {
                flow,
                factor: ahead.factor,
                memory: &ahead.memory,
                d_s,
                s: &mut ahead.s,
            };
            single.sweep(
                matrix,
                &ahead.rounded,
                principal,
                shift,
                next,
                &mut ahead.weights,
                &mut ahead.sum,
            );
            ahead.sum.total(&mut ahead.residual);
        });
        problem.subtract_from_measurements(&mut ahead.residual);
        true
    }

    /// Up to which |w_j| the entries of a column may be rounded in a step with c, where an error of s of size one is
    /// `steepest` tolerances.
    pub(super) fn limit(&self, c: f64, steepest: f64) -> f64 {
        // an error e of r is one of at most c ‖a‖ |e| in s
        let of_tolerance = SHARE / (c * self.column_norm * steepest);
        let of_residual = SHARE_OF_RESIDUAL * self.residual / self.columns.sqrt();
        (of_tolerance.min(of_residual) / (ROUNDING * self.column_norm)).min(f64::MAX)
    }

    /// w(s) and r at the s of the evaluation: see [`Passes::limit`].
    pub(super) fn residual(&self, flow: &DualFlow, c: f64, steepest: f64, evaluation: &mut Evaluation) {
        self.residual_with(flow, self.limit(c, steepest), evaluation);
    }

    /// How many residuals are worth waiting for to be computed with one reading of A.
    pub(super) fn together(&self) -> usize {
        if self.single.is_some() { TOGETHER } else { 1 }
    }

    /// The same of several evaluations as accurate as outputs, where r is nowhere smaller than about `size`.
    pub(super) fn accurate_residuals(&self, flow: &DualFlow, size: f64, evaluations: &mut [Evaluation]) {
        let limit = OUTPUT * self.tolerance * size / self.columns.sqrt();
        let limit = limit / (ROUNDING * self.column_norm);
        for evaluations in evaluations.chunks_mut(TOGETHER) {
            self.residuals_with(flow, limit, evaluations);
        }
    }

    fn residual_with(&self, flow: &DualFlow, limit: f64, evaluation: &mut Evaluation) {
        flow.weights(0, &evaluation.adjoint, &mut evaluation.weights);
        let problem = flow.problem();
        let Evaluation { weights, residual, .. } = evaluation;
        match (&self.single, problem.operator.dense()) {
            (Some(single), Some(matrix)) if limit > f64::MIN_POSITIVE => {
                within(Part::SinglePass, || {
                    single.multiply(matrix, weights, limit.min(f64::MAX), residual)
                });
            }
            _ => problem.operator.apply(weights, residual),
        }
        problem.subtract_from_measurements(residual);
    }

    fn residuals_with(&self, flow: &DualFlow, limit: f64, evaluations: &mut [Evaluation]) {
        let problem = flow.problem();
        let (Some(single), Some(matrix), true) = (&self.single, problem.operator.dense(), limit > f64::MIN_POSITIVE)
        else {
            return evaluations
                .iter_mut()
                .for_each(|evaluation| self.residual_with(flow, limit, evaluation));
        };
        for Evaluation { adjoint, weights, .. } in evaluations.iter_mut() {
            flow.weights(0, adjoint, weights);
        }
        within(Part::SinglePass, || {
            let products = evaluations.iter_mut().map(|e| (&e.weights[..], &mut e.residual[..]));
            single.multiply_together(matrix, limit.min(f64::MAX), products);
        });
        for Evaluation { residual, .. } in evaluations {
            problem.subtract_from_measurements(residual);
        }
    }
}

/// w at the s of the next step: see [`super::ahead`].
struct Next<'a> {
    flow: &'a DualFlow,
    factor: f64,
    memory: &'a [f64],
    d_s: &'a [f64],
    s: &'a mut [f64],
}

impl Weigh for Next<'_> {
    #[inline(always)]
    fn weigh(&mut self, first: usize, shift: &[f64], weights: &mut [f64]) {
        let block = first..first + shift.len();
        let s = &mut self.s[block.clone()];
        let parts = shift.iter().zip(&self.d_s[block.clone()]).zip(&self.memory[block]);
        for (s, ((shift, d), memory)) in s.iter_mut().zip(parts) {
            *s = memory + self.factor * (d + shift);
        }
        self.flow.weights_within(first, s, weights);
    }
}
