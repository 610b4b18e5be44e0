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
//!
//! An error of s_j is seen in the residual in proportion to w_j. Once a few columns hold nearly all of w, their s_j are
//! therefore kept in double precision, which costs next to nothing, and what is rounded of the others is hardly seen.

use super::ahead::Ahead;
use crate::flow::{DualFlow, Evaluation, Flow};
use crate::measurement::dense_kernels;
use crate::measurement::single::{GROUP, ROUNDING, SinglePrecision};
use crate::profile::{Part, within};
use crate::vectorized;

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
/// Rounding of Aᵀr that is allowed, as a fraction of it.
const DRIFT_OF_PULL: f64 = 1e-2;
/// What is left of an error in the differences after a step.
const MEMORY: f64 = 0.7;
/// Where s would have to be computed anew more often than this in a run, single precision is not begun with.
const RENEWALS: f64 = 100.0;
/// Where the residual asked for it within as few steps for so many times in a row, or Aᵀr in so many steps, it is given up.
const SHORTEST: usize = 2;
const PATIENCE: usize = 4;
/// Tolerances of log x that the rounding of one column may cost a step, and fraction of the residual that the rounding of all
/// may: the iteration does not end before that is known to 1e-3.
const SHARE: f64 = 0.02;
const SHARE_OF_RESIDUAL: f64 = 1e-4;
/// Relative error of the residual at an output, in tolerances.
const OUTPUT: f64 = 0.1;
/// A column is kept in double precision from this fraction of the largest weight on, and no longer below that one; but none
/// is where this fraction of all would be.
const PRINCIPAL: f64 = 1e-4;
const NO_LONGER: f64 = 1e-5;
const TOO_MANY: f64 = 0.125;
/// Smaller matrices stay in the nearest cache as they are.
const SMALLEST: usize = 4096;
/// Bytes from which on A does not stay in a cache between two products, and of a block that does.
const LONG: usize = 4 << 20;
const BLOCK: usize = 128 << 10;

/// See the module documentation.
pub(super) struct Passes {
    single: Option<SinglePrecision>,
    /// n, max ‖a_j‖ and max |A_ij|.
    columns: f64,
    column_norm: f64,
    largest_entry: f64,
    tolerance: f64,
    /// Drift of s that is allowed.
    budget: f64,
    /// d log x/ds of the largest factor: with ‖w‖, the residual that a drift of size one makes.
    steepness: f64,
    /// ‖y‖, which is about ‖w‖ for columns of norm one, and the residual below which it is nothing.
    size: f64,
    vanishing: f64,
    /// Columns whose s_j is kept in double precision, in increasing order, and ‖w‖ over the others.
    principal: Vec<usize>,
    remainder: f64,
    /// Of the others, or of all.
    drift: Drift,
    /// Of what is kept in double precision.
    principal_drift: Drift,
    /// Steps since s was Aᵀq.
    steps: usize,
    /// How often in a row that was for a few steps only.
    hasty: usize,
    /// Steps in a row whose r was orthogonal to all columns that count, as it becomes where y is out of reach.
    orthogonal: usize,
    /// Size of r at the last step.
    residual: f64,
}

/// Bound on s − Aᵀq.
#[derive(Default)]
struct Drift {
    sum: f64,
    /// What the differences of s still bring of earlier errors.
    memory: f64,
}

impl Drift {
    fn grow(&mut self, added: f64) {
        self.sum += added;
        self.memory = MEMORY * self.memory + added;
    }

    fn total(&self) -> f64 {
        self.sum + self.memory
    }
}

/// What of s has to be computed from q.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Renewal {
    /// s_j and all its differences for these j, which are kept in double precision from now on.
    Columns(Vec<usize>),
    /// The same, and s itself.
    Values(Vec<usize>),
    /// s and all its differences: from now on everything is in double precision.
    Everything,
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
            columns: operator.cols() as f64, // a count
            column_norm: flow.column_norm(),
            largest_entry: operator.dense().map_or(flow.column_norm(), nalgebra::DMatrix::amax),
            tolerance,
            budget,
            steepness: flow.steepness(),
            size,
            vanishing: VANISHING * size,
            principal: Vec::new(),
            remainder: size,
            drift: Drift::default(),
            principal_drift: Drift::default(),
            steps: 0,
            hasty: 0,
            orthogonal: 0,
            residual: f64::INFINITY,
        }
    }

    /// Aᵀr.
    pub(super) fn adjoint(&self, flow: &DualFlow, r: &[f64], out: &mut [f64]) {
        let operator = &flow.problem().operator;
        match (&self.single, operator.dense()) {
            (Some(single), Some(matrix)) => within(Part::SinglePass, || {
                single.multiply_adjoint(r, out);
                dense_kernels::multiply_adjoint_at(matrix.as_slice(), &self.principal, r, out);
            }),
            _ => operator.apply_adjoint(r, out),
        }
    }

    /// After a step by Δq and Δs of these sizes, the latter by [`Norm::largest`](super::tolerance::Norm::largest), where w and
    /// the size of r are about these: what of s has to be computed anew.
    pub(super) fn drifted(&mut self, [moved, shifted]: [f64; 2], weights: &[f64], residual: f64) -> Renewal {
        self.residual = residual;
        let added = self.largest_entry * moved;
        self.principal_drift.grow(DOUBLE_ROUNDING * added);
        if self.single.is_some() {
            self.drift.grow(ROUNDING * added);
        }
        self.steps += 1;
        let visible = DRIFT_OF_RESIDUAL / self.steepness * residual.max(self.vanishing);
        let mut joined = Vec::new();
        if self.single.is_some() && (!self.principal.is_empty() || self.drift.total() * self.remainder > visible) {
            joined = self.choose(weights);
        }
        let seen_of_others = self.drift.total() * self.remainder > visible;
        let seen = seen_of_others || self.principal_drift.total() * self.size > visible;
        let renewed = seen || self.drift.total().max(self.principal_drift.total()) > self.budget;
        if renewed {
            let hasty = seen_of_others && self.steps <= SHORTEST;
            self.hasty = if hasty { self.hasty + 1 } else { 0 };
            (self.drift.sum, self.principal_drift.sum, self.steps) = (0.0, 0.0, 0);
        }
        let orthogonal = ROUNDING * added > DRIFT_OF_PULL * shifted;
        self.orthogonal = if orthogonal { self.orthogonal + 1 } else { 0 };
        if self.single.is_some() && self.hasty.max(self.orthogonal) >= PATIENCE {
            (self.single, self.drift) = (None, Drift::default());
            return Renewal::Everything;
        }
        if renewed {
            Renewal::Values(joined)
        } else {
            Renewal::Columns(joined)
        }
    }

    /// Chooses the columns that are kept in double precision, given w. Returns those that were not so far.
    fn choose(&mut self, weights: &[f64]) -> Vec<usize> {
        let largest = vectorized::largest_magnitude(weights);
        let (enter, leave) = (PRINCIPAL * largest, NO_LONGER * largest);
        let mut before = self.principal.iter().peekable();
        let (mut chosen, mut joined) = (Vec::new(), Vec::new());
        let mut square = 0.0;
        for (j, w) in weights.iter().enumerate() {
            let was = before.next_if(|&&i| i == j).is_some();
            if w.abs() > if was { leave } else { enter } {
                chosen.push(j);
                if !was {
                    joined.push(j);
                }
            } else {
                square += w * w;
            }
        }
        self.remainder = square.sqrt();
        if chosen.len() as f64 > TOO_MANY * weights.len() as f64 {
            // counts
            (chosen, joined, self.remainder) = (Vec::new(), Vec::new(), self.size);
        }
        self.principal = chosen;
        joined
    }

    /// Whether A is so large that one reading should serve both products.
    pub(super) fn are_long(&self) -> bool {
        self.single.as_ref().is_some_and(|single| single.bytes()[0] >= LONG)
    }

    /// `shift` = Aᵀ`change` and, with the same reading of A, w and r at the s of the next step. False if that cannot be.
    pub(super) fn look_ahead(
        &self,
        flow: &DualFlow,
        change: &[f64],
        forcing: &[f64],
        shift: &mut [f64],
        ahead: &mut Ahead,
    ) -> bool {
        let problem = flow.problem();
        let (Some(single), Some(matrix)) = (&self.single, problem.operator.dense()) else {
            return false;
        };
        let n = shift.len();
        let width = GROUP * (BLOCK / single.bytes()[1]).max(1);
        let mut principal = self.principal.as_slice();
        let mut sweep = || {
            ahead.rounded.set(change);
            for first in (0..n).step_by(width) {
                let block = first..n.min(first + width);
                single.products(first, &ahead.rounded, &mut shift[block.clone()]);
                let here = principal.partition_point(|&j| j < block.end);
                dense_kernels::multiply_adjoint_at(matrix.as_slice(), &principal[..here], change, shift);
                principal = &principal[here..];
                let (s, weights) = (&mut ahead.s[block.clone()], &mut ahead.weights[block.clone()]);
                let parts = shift[block.clone()].iter().zip(&forcing[block.clone()]);
                for ((s, memory), (shift, forcing)) in s.iter_mut().zip(&ahead.memory[block]).zip(parts) {
                    *s = memory + ahead.factor * (shift - forcing);
                }
                flow.weights(first, s, weights);
                single.add(matrix, first, weights, &mut ahead.sum);
            }
            ahead.sum.total(&mut ahead.residual);
        };
        within(Part::SinglePass, &mut sweep);
        for (r, y) in ahead.residual.iter_mut().zip(&problem.measurements) {
            *r = y - *r;
        }
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

    /// The same as accurate as an output: `size` is about that of r.
    pub(super) fn accurate_residual(&self, flow: &DualFlow, size: f64, evaluation: &mut Evaluation) {
        let limit = OUTPUT * self.tolerance * size / self.columns.sqrt();
        self.residual_with(flow, limit / (ROUNDING * self.column_norm), evaluation);
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
        for (r, y) in residual.iter_mut().zip(&problem.measurements) {
            *r = y - *r;
        }
    }
}
