//! The two products with A of the Newton iteration, in single precision where that is enough.
//!
//! A w is rounded only where the weight of a column is too small for it to matter. Aᵀδ is rounded as a whole, so that s
//! drifts from Aᵀq by about
//!
//! ```text
//! drift = ε max|A_ij| Σ ‖Δq‖
//! ```
//!
//! over the steps (a product rounds like a sum of independent errors; ε is 6e-8, and so small in double precision that it only
//! matters for a residual that vanishes). When that would be seen, in the factors or in the residual, s is computed anew from
//! q; and when it is at nearly every step, single precision is given up.

use crate::flow::{DualFlow, Evaluation, Flow};
use crate::measurement::single::{ROUNDING, SinglePrecision};
use crate::profile::{Part, within};

/// ε in double precision, where the sums over the history round as well.
const DOUBLE_ROUNDING: f64 = 2e-15;
/// Below this fraction of y the residual is rounding.
const VANISHING: f64 = 1e-14;
/// Finer tolerances are not served by single precision.
const FINEST: f64 = 1e-7;
/// Drift that is allowed, in tolerances of log x.
const DRIFT: f64 = 0.5;
/// Drift that is allowed, as a fraction of the residual it makes.
const DRIFT_OF_RESIDUAL: f64 = 1e-2;
/// What is left of an error in the differences after a step.
const MEMORY: f64 = 0.7;
/// Where s would have to be computed anew more often than this in a run, single precision is not begun with.
const RENEWALS: f64 = 100.0;
/// Where the residual asked for it within as few steps for so many times in a row, it is given up.
const SHORTEST: usize = 2;
const PATIENCE: usize = 4;
/// Tolerances of log x that the rounding of one column may cost a step.
const SHARE: f64 = 0.02;
/// Relative error of the residual at an output, in tolerances.
const OUTPUT: f64 = 0.1;
/// Smaller matrices stay in the nearest cache as they are.
const SMALLEST: usize = 4096;

/// See the module documentation.
pub(super) struct Passes {
    single: Option<SinglePrecision>,
    /// max ‖a_j‖ and max |A_ij|.
    column_norm: f64,
    largest_entry: f64,
    tolerance: f64,
    /// Drift of s that is allowed.
    budget: f64,
    /// Residual that a drift of size one makes, and below which it is nothing.
    influence: f64,
    vanishing: f64,
    /// Bound on s − Aᵀq, what the differences of s still bring of earlier errors, and steps since s was Aᵀq.
    drift: f64,
    memory: f64,
    steps: usize,
    /// How often in a row that was for a few steps only.
    hasty: usize,
}

/// What of s has drifted from Aᵀq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    Nothing,
    /// s itself.
    Value,
    /// s and all its differences: from now on everything is in double precision.
    History,
}

impl Passes {
    /// For runs at that tolerance of log x.
    pub(super) fn new(flow: &DualFlow, tolerance: f64) -> Self {
        let problem = flow.problem();
        let operator = &problem.operator;
        let size = problem.measurements.iter().map(|y| y * y).sum::<f64>().sqrt();
        let budget = DRIFT * tolerance / flow.steepness();
        let large = operator.rows() * operator.cols() >= SMALLEST;
        let coarse = tolerance >= FINEST && ROUNDING * flow.reach() <= RENEWALS * budget;
        let matrix = operator.dense().filter(|_| large && coarse);
        Self {
            single: matrix.and_then(SinglePrecision::of),
            column_norm: flow.column_norm(),
            largest_entry: operator.dense().map_or(flow.column_norm(), nalgebra::DMatrix::amax),
            tolerance,
            budget,
            influence: flow.steepness() * size,
            vanishing: VANISHING * size,
            drift: 0.0,
            memory: 0.0,
            steps: 0,
            hasty: 0,
        }
    }

    /// Aᵀr.
    pub(super) fn adjoint(&self, flow: &DualFlow, r: &[f64], out: &mut [f64]) {
        match &self.single {
            Some(single) => within(Part::SinglePass, || single.multiply_adjoint(r, out)),
            None => flow.problem().operator.apply_adjoint(r, out),
        }
    }

    /// After a step by Δq of size `moved` to q, where r is of that size: what of s has to be computed anew.
    pub(super) fn drifted(&mut self, moved: f64, residual: f64) -> Renewal {
        let rounding = if self.single.is_some() {
            ROUNDING
        } else {
            DOUBLE_ROUNDING
        };
        let added = rounding * self.largest_entry * moved;
        self.drift += added;
        self.memory = MEMORY * self.memory + added;
        self.steps += 1;
        let drift = self.drift + self.memory;
        let seen = drift * self.influence > DRIFT_OF_RESIDUAL * residual.max(self.vanishing);
        if !seen && drift <= self.budget {
            return Renewal::Nothing;
        }
        self.hasty = if seen && self.steps <= SHORTEST {
            self.hasty + 1
        } else {
            0
        };
        (self.drift, self.steps) = (0.0, 0);
        if self.hasty < PATIENCE || self.single.is_none() {
            return Renewal::Value;
        }
        (self.single, self.memory) = (None, 0.0);
        Renewal::History
    }

    /// w(s) and r at the s of the evaluation, in a step with c where an error of s of size one is `steepest` tolerances.
    pub(super) fn residual(&self, flow: &DualFlow, c: f64, steepest: f64, evaluation: &mut Evaluation) {
        // an error e of r is one of at most c ‖a‖ |e| in s
        let limit = SHARE / (ROUNDING * self.column_norm * self.column_norm * c * steepest);
        self.residual_with(flow, limit, evaluation);
    }

    /// The same as accurate as an output: `size` is about that of r.
    pub(super) fn accurate_residual(&self, flow: &DualFlow, size: f64, evaluation: &mut Evaluation) {
        let n = evaluation.weights.len() as f64; // a count
        let limit = OUTPUT * self.tolerance * size / (ROUNDING * self.column_norm * n.sqrt());
        self.residual_with(flow, limit, evaluation);
    }

    fn residual_with(&self, flow: &DualFlow, limit: f64, evaluation: &mut Evaluation) {
        flow.weights(&evaluation.adjoint, &mut evaluation.weights);
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
        for (r, y) in residual.iter_mut().zip(&problem.measurements) {
            *r = y - *r;
        }
    }
}
