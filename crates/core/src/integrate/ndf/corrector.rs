//! The simplified Newton iteration of one step, for d = c f(y⁰ + d) − ψ.
//!
//! With q and s = Aᵀq both in the history, the residual r = y − A w(s) costs one pass over A, and the change Aᵀδ of s
//! another: the predictor of s is a combination of its differences, and r at the end is (ψ + d)/c. In the first iteration
//! s is set from
//!
//! ```text
//! d_s = Aᵀ(ψ_q + d_q) − ψ_s
//! ```
//!
//! which is the formula for s′ = Aᵀr. With Aᵀd_q instead, s − Aᵀq would be extrapolated from step to step without any
//! correction, and rounding errors in it grow until they are seen.

use super::tolerance::Norm;
use crate::flow::{DualFlow, Evaluation, Flow};
use crate::newton::NewtonSolver;

/// Iterations before the step is given up.
const MAX_ITERATIONS: usize = 6;
/// An iteration ends when what is left is below this fraction of the error tolerance.
const SHARE: f64 = 0.1;
/// Below this relative change of r it is known as well as it is needed: see [`Corrector::solve`].
const RESIDUAL_SHARE: f64 = 1e-3;
/// Below this fraction of the largest residual, r is not asked for any digit.
const ROUNDING: f64 = 1e-12;
/// Contraction that is taken for granted of a new matrix, and by how much at most it is believed to improve at a time.
const FIRST_RATE: f64 = 0.3;
const RATE_DECAY: f64 = 0.3;
/// The matrix serves for this many steps, and for steps up to this relative change of c.
const MAX_AGE: usize = 20;
const MAX_CHANGE: f64 = 0.3;

/// A step's predictor, ψ and correction; all of them hold q, then s, then the integrals.
pub(super) struct Equation {
    pub(super) predictor: Vec<f64>,
    pub(super) psi: Vec<f64>,
    pub(super) correction: Vec<f64>,
}

/// The Newton matrix, how well it serves, and storage.
pub(super) struct Corrector {
    matrix: Box<dyn NewtonSolver>,
    /// c of the matrix, 0 if there is none.
    frozen: f64,
    age: usize,
    rate: f64,
    /// Residual of the equations, then the change of q.
    change: Vec<f64>,
    /// Change of s.
    shift: Vec<f64>,
    /// Size of r up to which it is rounding.
    rounding: f64,
    /// Matrices linearized so far, and evaluations of r.
    pub(super) jacobians: usize,
    pub(super) evaluations: usize,
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Corrected {
    /// The correction is found.
    Converged,
    /// It is not, although the matrix is of this very predictor and c.
    Diverged,
    /// The predictor has no weights: it is beyond the barrier.
    Outside,
}

impl Corrector {
    pub(super) fn new(flow: &DualFlow) -> Self {
        let operator = &flow.problem().operator;
        Self {
            matrix: flow.newton(),
            frozen: 0.0,
            age: 0,
            rate: FIRST_RATE,
            change: vec![0.0; operator.rows()],
            shift: vec![0.0; operator.cols()],
            rounding: 0.0,
            jacobians: 0,
            evaluations: 0,
        }
    }

    pub(super) fn factorizations(&self) -> usize {
        self.matrix.factorizations()
    }

    /// A step with the present matrix was accepted.
    pub(super) fn accepted(&mut self) {
        self.age += 1;
    }

    /// A new start, where the residual has that size.
    pub(super) fn start(&mut self, residual: f64) {
        self.rounding = ROUNDING * residual;
    }

    /// Jv and the like: see [`NewtonSolver`].
    pub(super) fn linearized(&mut self, state: &[f64], evaluation: &Evaluation) -> &mut dyn NewtonSolver {
        self.matrix.linearize(state, evaluation);
        self.frozen = 0.0;
        self.matrix.as_mut()
    }

    /// Finds q and s of the correction; `evaluation` holds the iterate: s, w(s) and r.
    pub(super) fn correct(
        &mut self,
        flow: &DualFlow,
        c: f64,
        equation: &mut Equation,
        norm: &Norm,
        evaluation: &mut Evaluation,
    ) -> Corrected {
        let n = evaluation.adjoint.len();
        let m = self.change.len();
        let stale = self.age >= MAX_AGE || (c / self.frozen - 1.0).abs() > MAX_CHANGE;
        let mut fresh = false;
        loop {
            evaluation.adjoint.copy_from_slice(&equation.predictor[m..m + n]);
            if !self.residual(flow, evaluation) {
                return Corrected::Outside;
            }
            if fresh || stale || self.frozen == 0.0 {
                self.matrix.linearize(&equation.predictor[..m], evaluation);
                self.jacobians += 1;
                if !self.matrix.factorize(c) {
                    self.frozen = 0.0;
                    return Corrected::Diverged;
                }
                (self.frozen, self.age, self.rate, fresh) = (c, 0, FIRST_RATE, true);
            }
            if self.iterate(flow, c, equation, norm, evaluation) {
                return Corrected::Converged;
            }
            if fresh {
                self.frozen = 0.0;
                return Corrected::Diverged;
            }
            fresh = true;
        }
    }

    /// r at the s of the evaluation; false if there is none.
    fn residual(&mut self, flow: &DualFlow, evaluation: &mut Evaluation) -> bool {
        self.evaluations += 1;
        flow.residual(evaluation);
        evaluation.residual.iter().all(|r| r.is_finite())
    }

    fn iterate(
        &mut self,
        flow: &DualFlow,
        c: f64,
        equation: &mut Equation,
        norm: &Norm,
        evaluation: &mut Evaluation,
    ) -> bool {
        let (m, n) = (self.change.len(), self.shift.len());
        let (psi_q, psi_s) = equation.psi[..m + n].split_at(m);
        let (d_q, d_s) = equation.correction[..m + n].split_at_mut(m);
        let predicted = &equation.predictor[m..m + n];
        // a matrix of another c contracts by (c − c₀)/(c + c₀) at the stiff end, once scaled
        let scale = 2.0 / (1.0 + c / self.frozen);
        let mut rate = self.rate.max((scale - 1.0).abs());
        d_q.fill(0.0);
        let floor = (c * self.rounding).powi(2);
        let mut last = f64::NAN;
        for iteration in 0..MAX_ITERATIONS {
            if iteration > 0 && !self.residual(flow, evaluation) {
                return false;
            }
            let parts = evaluation.residual.iter().zip(psi_q).zip(d_q.iter());
            for (change, ((r, psi), d)) in self.change.iter_mut().zip(parts) {
                *change = c * r - psi - d;
            }
            if !self.matrix.solve(&mut self.change) {
                return false;
            }
            let mut moved = 0.0;
            let mut total = 0.0;
            for ((d, change), psi) in d_q.iter_mut().zip(&mut self.change).zip(psi_q) {
                *change *= scale;
                *d += *change;
                moved += *change * *change;
                total += (psi + *d) * (psi + *d);
                if iteration == 0 {
                    *change = psi + *d;
                }
            }
            flow.problem().operator.apply_adjoint(&self.change, &mut self.shift);
            if iteration == 0 {
                for ((d, shift), psi) in d_s.iter_mut().zip(&mut self.shift).zip(psi_s) {
                    *shift -= psi;
                    *d = *shift;
                }
            } else {
                d_s.iter_mut().zip(&self.shift).for_each(|(d, shift)| *d += shift);
            }
            for ((s, p), d) in evaluation.adjoint.iter_mut().zip(predicted).zip(d_s.iter()) {
                *s = p + d;
            }
            let size = norm.of_s(&self.shift);
            if !size.is_finite() {
                return false;
            }
            if iteration > 0 {
                if size > 0.9 * last {
                    return false;
                }
                rate = (RATE_DECAY * rate).max(size / last);
            }
            let left = rate / (1.0 - rate).max(0.1);
            // what s does not see of q is still a part of r = (ψ + d)/c
            if size * left <= SHARE && moved * left * left <= RESIDUAL_SHARE * RESIDUAL_SHARE * total.max(floor) {
                self.rate = rate;
                return true;
            }
            last = size;
        }
        false
    }
}
