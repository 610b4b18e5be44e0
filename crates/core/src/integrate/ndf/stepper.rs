//! Steps of the formulas along the dual flow, and their dense output.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::super::session::{DenseOutput, integral_floor, integrands};
use super::control::Plan;
use super::corrector::{Corrected, Corrector, Equation};
use super::drift::Renewal;
use super::history::History;
use super::tolerance::Norm;
use super::{control, formula};
use crate::flow::{DualFlow, Evaluation, Flow};
use crate::measurement::dense_kernels;
use crate::outcome::Statistics;
use crate::vectorized;

/// Failures in a row after which a step is given up: h has then shrunk by 2⁻⁶⁴ and more.
const MAX_FAILURES: usize = 64;
/// Factor on h where the Newton iteration does not converge.
const NEWTON_RETREAT: f64 = 0.5;

/// See the module documentation.
pub(super) struct Stepper<'a> {
    flow: &'a DualFlow,
    mismatches: &'a [Vec<f64>],
    tolerance: f64,
    m: usize,
    n: usize,
    history: History,
    equation: Equation,
    corrector: Corrector,
    norm: Norm,
    /// Whether w is asked for at the end of a step: by an event, or where only w tells whether s is in the domain.
    pub(super) reads_weights: bool,
    /// Tolerance of ∫ℓ at zero.
    floor: f64,
    order: usize,
    pub(super) h: f64,
    /// Local time.
    t: f64,
    /// Order and size of the last step, while its differences are in the history.
    last: (usize, f64),
    /// Order and size the next step is to have.
    next: Option<(usize, f64)>,
    /// What was intended for it before the last one, if A is endless.
    plan: Option<Plan>,
    /// Steps since either has changed.
    steady: usize,
    /// Of the last step, in tolerances.
    last_error: f64,
    /// At the end of the last step; w is that of the last iterate if nothing asks for it.
    evaluation: Evaluation,
    iterate: Evaluation,
    newton_failures: usize,
    error_test_failures: usize,
}

impl<'a> Stepper<'a> {
    /// At rest at a state; [`Stepper::start`] it before the first step.
    pub(super) fn new(flow: &'a DualFlow, mismatches: &'a [Vec<f64>], tolerance: f64) -> Self {
        let operator = &flow.problem().operator;
        let (m, n) = (operator.rows(), operator.cols());
        let length = m + n + 1 + mismatches.len();
        let zeros = || vec![0.0; length];
        Self {
            flow,
            mismatches,
            tolerance,
            m,
            n,
            history: History::new(length),
            equation: Equation {
                predictor: zeros(),
                psi: zeros(),
                correction: zeros(),
            },
            corrector: Corrector::new(flow, flow.cancellation() * tolerance),
            norm: Norm::new(m, n, flow.cancellation() * tolerance),
            reads_weights: flow.has_barrier(),
            floor: f64::INFINITY,
            order: 1,
            h: 0.0,
            t: 0.0,
            last: (1, 0.0),
            next: None,
            plan: None,
            steady: 0,
            last_error: 1.0,
            evaluation: Evaluation::new(m, n),
            iterate: Evaluation::new(m, n),
            newton_failures: 0,
            error_test_failures: 0,
        }
    }

    fn q(&self) -> Range<usize> {
        0..self.m
    }

    fn s(&self) -> Range<usize> {
        self.m..self.m + self.n
    }

    fn integrals(&self) -> Range<usize> {
        self.m + self.n..self.m + self.n + 1 + self.mismatches.len()
    }

    /// Forgets all history: order 1 from the state q and its evaluation, local time and integrals zero.
    pub(super) fn start(&mut self, q: &[f64], evaluation: &Evaluation) {
        let (m, n) = (self.m, self.n);
        self.corrector.ahead.forget();
        self.evaluation.copy_from(evaluation);
        let y = size(&self.flow.problem().measurements);
        self.corrector.start(self.flow, y.max(size(&self.evaluation.residual)));
        self.norm.at(self.flow, &self.evaluation.adjoint);
        let mut pull = vec![0.0; n];
        self.flow
            .problem()
            .operator
            .apply_adjoint(&self.evaluation.residual, &mut pull);
        self.h = self.first_step(&pull);
        for j in 0..formula::MAX_ORDER + 3 {
            self.history.row_mut(j).fill(0.0);
        }
        self.history.row_mut(0)[..m].copy_from_slice(q);
        self.history.row_mut(0)[m..m + n].copy_from_slice(&self.evaluation.adjoint);
        let first = self.history.row_mut(1);
        first[..m].copy_from_slice(&self.evaluation.residual);
        first[m..m + n].copy_from_slice(&pull);
        integrands(self.flow, self.mismatches, &self.evaluation, &mut first[m + n..]);
        first.iter_mut().for_each(|d| *d *= self.h);
        (self.order, self.steady, self.next) = (1, 0, None);
        self.rebase();
    }

    /// Step with which a first-order method makes an error of about a tenth of the tolerance: h² |s″| = 0.2, q″ = J r.
    fn first_step(&mut self, pull: &[f64]) -> f64 {
        let operator = &self.flow.problem().operator;
        let (mut curvature, mut bend) = (vec![0.0; self.m], vec![0.0; self.n]);
        // −J r = A diag(w′) Aᵀr
        self.flow
            .slopes(&self.evaluation.adjoint, &self.evaluation.weights, &mut bend);
        bend.iter_mut().zip(pull).for_each(|(slope, pull)| *slope *= pull);
        operator.apply(&bend, &mut curvature);
        operator.apply_adjoint(&curvature, &mut bend);
        let (speed, curvature) = (self.norm.of_s(pull), self.norm.of_s(&bend));
        // Without curvature the state moves by at most a thousand tolerances, and never so far that h overflows.
        let by_curvature = (0.2 / curvature).sqrt();
        let by_speed = if curvature > 0.0 { 1e6 / speed } else { 1e3 / speed };
        let h = by_curvature.min(by_speed);
        if h.is_finite() && h > 0.0 { h } else { 1.0 }
    }

    /// Sets local time and integrals to zero; the differences, and so all history, stay.
    pub(super) fn rebase(&mut self) {
        let (q, integrals) = (self.q(), self.integrals());
        self.t = 0.0;
        self.history.row_mut(0)[integrals].fill(0.0);
        self.floor = integral_floor(
            self.flow,
            &self.history.row(0)[q],
            &self.evaluation,
            self.h,
            self.tolerance,
        );
    }

    /// One accepted step. False if h has shrunk to nothing.
    pub(super) fn step(&mut self) -> bool {
        if let Some((order, factor)) = self.next.take() {
            self.order = order;
            self.change_step(factor);
        }
        let mut failed_tests = 0;
        for _ in 0..MAX_FAILURES {
            self.history
                .predict(self.order, &mut self.equation.predictor, &mut self.equation.psi);
            let (s, integrals) = (self.s(), self.integrals());
            self.look_ahead();
            self.norm.at(self.flow, &self.equation.predictor[s]);
            self.norm.integral = self.tolerance * self.equation.predictor[integrals.start].abs() + self.floor;
            let c = self.h / formula::leading(self.order);
            let corrected = self
                .corrector
                .correct(self.flow, c, &mut self.equation, &self.norm, &mut self.iterate);
            if corrected != Corrected::Converged {
                self.newton_failures += 1;
                self.retry(NEWTON_RETREAT);
                continue;
            }
            self.integrate(c);
            let size = self.norm.of(&self.equation.correction);
            let error = formula::error_constant(self.order).abs() * size;
            if error <= 1.0 {
                self.accept(error);
                return true;
            }
            self.error_test_failures += 1;
            failed_tests += 1;
            if failed_tests > 2 && self.order > 1 {
                self.order = 1;
            }
            self.retry(control::retreat(self.order, error, failed_tests));
        }
        false
    }

    /// Prepares the look at the step after this one, if there is to be one: see [`super::ahead`].
    fn look_ahead(&mut self) {
        let passes = &self.corrector.passes;
        let plan = if passes.are_endless() {
            Some(Plan::larger(
                &self.history,
                &self.norm,
                self.order,
                self.steady,
                self.last_error,
            ))
        } else {
            None
        };
        self.plan = plan;
        self.corrector.looks_ahead =
            passes.are_long() && (plan.is_some() || !control::is_due(self.order, self.steady + 1, self.last_error));
        if self.corrector.looks_ahead {
            let Plan { order, factor, .. } = plan.unwrap_or(Plan::steady(self.order));
            let s = self.s();
            let ahead = &mut self.corrector.ahead;
            let basis;
            (basis, ahead.factor) = formula::second_prediction(order, factor);
            ahead.c = factor * self.h / formula::leading(order);
            self.history.combine(self.order, basis, s, &mut ahead.memory);
        }
    }

    /// The step failed: what was looked at ahead of it is no step that will be taken.
    fn retry(&mut self, factor: f64) {
        self.corrector.ahead.forget();
        self.change_step(factor);
    }

    fn change_step(&mut self, factor: f64) {
        self.history.rescale(self.order, factor);
        self.h *= factor;
        self.steady = 0;
    }

    /// r at the end of the step, and the correction of the integrals.
    fn integrate(&mut self, c: f64) {
        let Equation { psi, correction, .. } = &mut self.equation;
        for ((r, psi), d) in self.iterate.residual.iter_mut().zip(psi.iter()).zip(correction.iter()) {
            *r = (psi + d) / c;
        }
        let first = self.m + self.n;
        integrands(self.flow, self.mismatches, &self.iterate, &mut correction[first..]);
        for (d, psi) in correction[first..].iter_mut().zip(&psi[first..]) {
            *d = c * *d - psi;
        }
    }

    fn accept(&mut self, error: f64) {
        self.corrector.accepted();
        self.history.accept(self.order, &self.equation.correction);
        let (q, s) = (self.q(), self.s());
        let change = self.history.row(1);
        let moved = [size(&change[q]), self.norm.largest(&change[s.clone()])];
        let Evaluation { weights, residual, .. } = &self.iterate;
        match self
            .corrector
            .passes
            .drifted(moved, weights, self.norm.weights(), size(residual))
        {
            Renewal::Columns(columns) => self.renew_columns(&columns),
            Renewal::Values(columns) => {
                self.renew(0..1);
                self.renew_columns(&columns);
            }
            Renewal::Everything => self.renew(0..formula::MAX_ORDER + 3),
        }
        self.iterate.adjoint.copy_from_slice(&self.history.row(0)[s]);
        if self.reads_weights {
            self.flow.weights(0, &self.iterate.adjoint, &mut self.iterate.weights);
        }
        std::mem::swap(&mut self.evaluation, &mut self.iterate);
        self.t += self.h;
        self.last = (self.order, self.h);
        self.steady += 1;
        let errors = [self.last_error, error];
        let planned;
        (self.next, planned) = match self.plan {
            Some(plan) => plan.carried_out(self.order, self.steady, errors),
            None => {
                let next = control::next(&self.history, &self.norm, self.order, self.steady, errors);
                (next, next.is_none())
            }
        };
        if !planned {
            self.corrector.ahead.forget();
        }
        self.last_error = error;
    }

    /// Differences of s of these orders from those of q.
    fn renew(&mut self, orders: Range<usize>) {
        self.corrector.ahead.forget();
        for j in orders {
            let (q, s) = self.history.row_mut(j)[..self.m + self.n].split_at_mut(self.m);
            self.flow.problem().operator.apply_adjoint(q, s);
        }
    }

    /// All differences of these entries of s.
    fn renew_columns(&mut self, columns: &[usize]) {
        if let Some(matrix) = self.flow.problem().operator.dense().filter(|_| !columns.is_empty()) {
            self.corrector.ahead.forget();
            for j in 0..formula::MAX_ORDER + 3 {
                let (q, s) = self.history.row_mut(j)[..self.m + self.n].split_at_mut(self.m);
                dense_kernels::multiply_adjoint_at(matrix.as_slice(), columns, q, s);
            }
        }
    }

    /// Adds the work done.
    pub(super) fn account(&self, statistics: &mut Statistics) {
        statistics.rhs += self.corrector.evaluations;
        statistics.jacobians += self.corrector.jacobians;
        statistics.factorizations += self.corrector.factorizations();
        statistics.newton_failures += self.newton_failures;
        statistics.error_test_failures += self.error_test_failures;
    }

    /// Local time at the end of the last step.
    pub(super) fn local_time(&self) -> f64 {
        self.t
    }

    fn interpolate(&self, tau: f64, range: Range<usize>, out: &mut [f64]) {
        let (order, h) = self.last;
        let theta = if tau < self.t { (tau - self.t) / h } else { 0.0 };
        self.history.interpolate(order, theta, range, out);
    }
}

impl DenseOutput for Stepper<'_> {
    fn time(&self) -> f64 {
        self.t
    }

    fn state(&self, tau: f64, out: &mut [f64]) -> bool {
        self.interpolate(tau, self.q(), out);
        true
    }

    fn integrals(&self, tau: f64, out: &mut [f64]) -> bool {
        self.interpolate(tau, self.integrals(), out);
        true
    }

    fn evaluation<'a>(&'a self, _storage: &'a mut Evaluation) -> &'a Evaluation {
        &self.evaluation
    }

    /// s is interpolated like q, and A w is all that is left to be computed.
    fn begin_evaluation(&self, _flow: &dyn Flow, tau: f64, _state: &[f64], out: &mut Evaluation) {
        self.interpolate(tau, self.s(), &mut out.adjoint);
    }

    fn together(&self) -> usize {
        self.corrector.passes.together()
    }

    fn complete(&self, _flow: &dyn Flow, evaluations: &mut [Evaluation]) {
        // that of the last step is the smallest
        let size = size(&self.evaluation.residual);
        self.corrector.passes.accurate_residuals(self.flow, size, evaluations);
    }
}

fn size(v: &[f64]) -> f64 {
    vectorized::square(v).sqrt()
}
