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

use super::ahead::Ahead;
use super::passes::Passes;
use super::tolerance::Norm;
use crate::flow::{DualFlow, Evaluation, Flow};
use crate::newton::{GramSolver, NewtonSolver};
use crate::vectorized::{self, Loop};

/// Iterations before the step is given up.
const MAX_ITERATIONS: usize = 6;
/// An iteration ends when what is left is below this fraction of the error tolerance.
const SHARE: f64 = 0.3;
/// Below this relative change of r it is known as well as it is needed: see [`Corrector::solve`].
const RESIDUAL_SHARE: f64 = 1e-3;
/// Below this fraction of the largest residual, r is not asked for any digit.
const ROUNDING: f64 = 1e-12;
/// Relative error of w by one of log x (L), and a little.
const WEIGHT_PER_FACTOR: f64 = 4.0;
/// Contraction that is taken for granted of the first matrix, the least that is believed of any new one, and by how much at
/// most it is believed to improve at a time.
const FIRST_RATE: f64 = 0.3;
const LEAST_RATE: f64 = 0.01;
const RATE_DECAY: f64 = 0.3;
/// What d_j ‖a_j‖² a column must have to be in the Newton matrix.
const SUPPORT_TOLERANCE: f64 = 0.1;
/// The matrix serves for so many steps per pass over A that it costs, but no more than that, and for steps up to this
/// relative change of c.
const STEPS_PER_EFFORT: f64 = 4.0;
const MAX_AGE: f64 = 20.0;
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
    pub(super) passes: Passes,
    pub(super) ahead: Ahead,
    /// Whether A is long, and the order and h of the next step are taken to be known.
    pub(super) looks_ahead: bool,
    /// c of the matrix, 0 if there is none.
    frozen: f64,
    age: usize,
    rate: f64,
    /// Contraction that is expected of a new matrix.
    first_rate: f64,
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
    pub(super) fn new(flow: &DualFlow, tolerance: f64) -> Self {
        let operator = &flow.problem().operator;
        Self {
            matrix: flow.newton_with(GramSolver::new(operator.clone()).with_support_tolerance(SUPPORT_TOLERANCE)),
            passes: Passes::new(flow, tolerance),
            ahead: Ahead::new(operator.rows(), operator.cols()),
            looks_ahead: false,
            frozen: 0.0,
            age: 0,
            rate: FIRST_RATE,
            first_rate: FIRST_RATE,
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
    pub(super) fn start(&mut self, flow: &DualFlow, residual: f64) {
        // near a barrier s has few digits left, and so has w(s)
        let blur = WEIGHT_PER_FACTOR * flow.rounding() / RESIDUAL_SHARE;
        self.rounding = ROUNDING.max(blur) * residual;
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
        let stale = self.age >= self.lifetime() || (c / self.frozen - 1.0).abs() > MAX_CHANGE;
        let mut fresh = false;
        loop {
            evaluation.adjoint.copy_from_slice(&equation.predictor[m..m + n]);
            if !self.ahead.take(evaluation) && !self.residual(flow, c, norm, evaluation) {
                return Corrected::Outside;
            }
            if fresh || stale || self.frozen == 0.0 {
                self.matrix.linearize(&equation.predictor[..m], evaluation);
                self.jacobians += 1;
                if !self.matrix.factorize(c) {
                    self.frozen = 0.0;
                    return Corrected::Diverged;
                }
                (self.frozen, self.age, self.rate, fresh) = (c, 0, self.first_rate, true);
            }
            if self.iterate(flow, c, equation, norm, evaluation) {
                return Corrected::Converged;
            }
            self.ahead.forget();
            if fresh {
                self.frozen = 0.0;
                return Corrected::Diverged;
            }
            fresh = true;
        }
    }

    /// Steps for which the matrix serves: the cheaper a new one is, the fewer.
    fn lifetime(&self) -> usize {
        let steps = STEPS_PER_EFFORT * self.matrix.effort();
        steps.clamp(1.0, MAX_AGE) as usize // small and positive
    }

    /// r at the s of the evaluation; false if there is none.
    fn residual(&mut self, flow: &DualFlow, c: f64, norm: &Norm, evaluation: &mut Evaluation) -> bool {
        self.evaluations += 1;
        self.passes.residual(flow, c, norm.steepest, evaluation);
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
        d_s.iter_mut().zip(psi_s).for_each(|(d, psi)| *d = -psi);
        let floor = (c * self.rounding).powi(2);
        let mut last = f64::NAN;
        for iteration in 0..MAX_ITERATIONS {
            if iteration > 0 && !self.residual(flow, c, norm, evaluation) {
                return false;
            }
            let mut defect = 0.0;
            vectorized::run(Defect {
                c,
                residual: &evaluation.residual,
                psi: psi_q,
                d: d_q,
                change: &mut self.change,
                square: &mut defect,
            });
            if !self.matrix.solve(&mut self.change) {
                return false;
            }
            let mut total = 0.0;
            vectorized::run(Advance {
                first: iteration == 0,
                scale,
                change: &mut self.change,
                d: d_q,
                psi: psi_q,
                square: &mut total,
            });
            if self.looks_ahead {
                let limit = self.passes.limit(c.max(self.ahead.c), norm.steepest);
                self.evaluations += 1;
                self.ahead
                    .look(&self.passes, flow, limit, &self.change, d_s, &mut self.shift);
            } else {
                self.ahead.forget();
                self.passes.adjoint(flow, &self.change, &mut self.shift);
            }
            let mut size = 0.0;
            vectorized::run(Move {
                first: iteration == 0,
                shift: &self.shift,
                d: d_s,
                predicted,
                s: &mut evaluation.adjoint,
                weights: norm.weights(),
                square: &mut size,
            });
            let size = norm.of_square(size);
            if !size.is_finite() {
                return false;
            }
            if iteration > 0 {
                if size > 0.9 * last {
                    return false;
                }
                rate = (RATE_DECAY * rate).max(size / last);
                if self.age == 0 {
                    self.first_rate = (size / last).max(LEAST_RATE);
                }
            }
            let left = rate / (1.0 - rate).max(0.1);
            // what is left of the defect is the difference between r = (ψ + d)/c and y − A w(s)
            if size * left <= SHARE && defect * left * left <= RESIDUAL_SHARE * RESIDUAL_SHARE * total.max(floor) {
                self.rate = rate;
                return true;
            }
            last = size;
        }
        false
    }
}

/// The residual c r − ψ − d of the equations of q, and its square.
struct Defect<'a> {
    c: f64,
    residual: &'a [f64],
    psi: &'a [f64],
    d: &'a [f64],
    change: &'a mut [f64],
    square: &'a mut f64,
}

impl Loop for Defect<'_> {
    #[inline(always)]
    fn run(self) {
        let parts = self.residual.iter().zip(self.psi).zip(self.d);
        for (change, ((r, psi), d)) in self.change.iter_mut().zip(parts) {
            *change = self.c * r - psi - d;
        }
        *self.square = vectorized::dot_within(self.change, self.change);
    }
}

/// What `scale` times a change of q does: to d_q, and to the square of ψ + d. In the first iteration that sum takes the place
/// of the change.
struct Advance<'a> {
    first: bool,
    scale: f64,
    change: &'a mut [f64],
    d: &'a mut [f64],
    psi: &'a [f64],
    square: &'a mut f64,
}

impl Loop for Advance<'_> {
    #[inline(always)]
    fn run(self) {
        for (d, change) in self.d.iter_mut().zip(self.change.iter_mut()) {
            *change *= self.scale;
            *d += *change;
        }
        if self.first {
            for ((change, d), psi) in self.change.iter_mut().zip(self.d.iter()).zip(self.psi) {
                *change = psi + d;
            }
        }
        *self.square = vectorized::square_of_sum_within(self.psi, self.d);
    }
}

/// What a change `shift` of s does: to d_s, to s, and to the norm, which is that of d_s in the first iteration.
struct Move<'a> {
    first: bool,
    shift: &'a [f64],
    d: &'a mut [f64],
    predicted: &'a [f64],
    s: &'a mut [f64],
    weights: &'a [f64],
    square: &'a mut f64,
}

impl Loop for Move<'_> {
    #[inline(always)]
    fn run(self) {
        let Self {
            first,
            shift,
            d,
            predicted,
            s,
            weights,
            square,
        } = self;
        d.iter_mut().zip(shift).for_each(|(d, shift)| *d += shift);
        for ((s, p), d) in s.iter_mut().zip(predicted).zip(d.iter()) {
            *s = p + d;
        }
        *square = vectorized::weighted_square_within(if first { d } else { shift }, weights);
    }
}
