//! The log flow (log u)′ = u^{L−2}∘Aᵀr, (log v)′ = −v^{L−2}∘Aᵀr, w = u^L − v^L, for identical starts.

use std::sync::Arc;

use super::{Evaluation, Flow, Formulation, StateTolerance};
use crate::error::Result;
use crate::initialization::Sign;
use crate::mirror::{IdenticalMirror, MirrorMap, Position};
use crate::newton::{BlockNewton, NewtonSolver};
use crate::problem::Problem;

/// The log flow (log u)′ = u^{L−2}∘Aᵀr, (log v)′ = −v^{L−2}∘Aᵀr, w = u^L − v^L, for identical starts.
///
/// Positivity of the factors is automatic and every coordinate is resolved relatively, at any depth and any scale
/// (α = 1e-60 is log α = −138). State: per coordinate log(u_i/x0_i) (positive) or (log(u_i/x0_i), log(v_i/x0_i)) (signed):
/// logarithms counted from the start, so that a weight far smaller than a large start still has all its digits.
///
/// On a plateau of a deep model the pull (Aᵀr)_i of an active coordinate vanishes, a step is 1e15 or longer, and the
/// rounding of the pull times that step would carry weight about between coordinates whose columns depend on each other.
/// With log u known to ε|log(u/x0)|, r is known to ν = ε (|y| + Σ |w_j|‖a_j‖(1 + L|log(u_j/x0_j)|)); pulls are drawn
/// towards 0 by ν‖a_i‖, of which nothing is known anyway.
pub struct LogFlow {
    problem: Problem,
    depth: usize,
    signed: bool,
    log_x0: Vec<f64>,
    /// log(u/x0) is clamped here before it is exponentiated: an implicit predictor may overshoot.
    clamp: Vec<f64>,
    cancellation: f64,
    /// ‖a_i‖ (1 for a matrix-free operator).
    norms: Vec<f64>,
    /// |y|.
    size: f64,
    mirror: Arc<IdenticalMirror>,
}

impl LogFlow {
    /// The log flow of `problem` when every factor starts at the vector `x0` (n positive entries).
    pub fn new(problem: Problem, depth: usize, sign: Sign, x0: &[f64]) -> Result<Self> {
        let mirror = Arc::new(IdenticalMirror::new(depth, sign, x0)?);
        let log_x0: Vec<f64> = x0.iter().map(|x| x.ln()).collect();
        let largest = log_x0.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        let signed = sign == Sign::Signed;
        let reach = super::reach(&problem);
        let cancellation = super::cancellation(reach, depth, signed, largest.exp(), super::EXACT_FROM_START);
        let data = reach.max(1.0).ln();
        let highest = (data.max(depth as f64 * largest) + 60.0).min(345.0) / depth as f64;
        let clamp = log_x0.iter().map(|x0| highest - x0).collect();
        let norms = match problem.operator.magnitudes() {
            Some(known) => known.squared_norms.iter().map(|norm| norm.sqrt()).collect(),
            None => vec![1.0; problem.operator.cols()],
        };
        let size = problem.measurements.iter().map(|y| y * y).sum::<f64>().sqrt();
        Ok(Self {
            norms,
            size,
            problem,
            depth,
            signed,
            log_x0,
            clamp,
            cancellation,
            mirror,
        })
    }

    /// ν: what rounding leaves of r, see [`LogFlow`].
    fn noise(&self, state: &[f64], evaluation: &Evaluation) -> f64 {
        let k = self.entries();
        let sum: f64 = state
            .chunks_exact(k)
            .zip(&evaluation.weights)
            .zip(&self.norms)
            .map(|((x, w), norm)| w.abs() * norm * (1.0 + self.depth as f64 * x[0].abs()))
            .sum();
        f64::EPSILON * (sum + self.size)
    }

    fn entries(&self) -> usize {
        if self.signed { 2 } else { 1 }
    }

    /// u^{L−2} at log(u/x0) = `growth`.
    fn rate(&self, i: usize, growth: f64) -> f64 {
        if self.depth == 2 {
            return 1.0;
        }
        let l2 = self.depth as f64 - 2.0;
        (l2 * (self.log_x0[i] + growth.min(self.clamp[i]))).exp()
    }
}

/// What of a pull exceeds the noise. A pull or a noise that is no number gives none.
fn beyond(pull: f64, noise: f64) -> f64 {
    if pull.abs() <= noise {
        0.0
    } else {
        pull - noise.copysign(pull)
    }
}

impl Flow for LogFlow {
    fn formulation(&self) -> Formulation {
        Formulation::Log
    }

    fn problem(&self) -> &Problem {
        &self.problem
    }

    fn dim(&self) -> usize {
        self.problem.operator.cols() * self.entries()
    }

    fn initial_state(&self) -> Vec<f64> {
        vec![0.0; self.dim()]
    }

    fn evaluate(&self, state: &[f64], evaluation: &mut Evaluation) {
        let l = self.depth as f64;
        for (i, (w, x)) in evaluation
            .weights
            .iter_mut()
            .zip(state.chunks_exact(self.entries()))
            .enumerate()
        {
            let (start, plus) = (l * self.log_x0[i], x[0].min(self.clamp[i]));
            if !self.signed {
                *w = (start + l * plus).exp();
                continue;
            }
            let minus = x[1].min(self.clamp[i]);
            let half = 0.5 * l * (plus - minus);
            // u^L − v^L = 2 (uv)^{L/2} sinh(log(u/v) L/2): no cancellation near w = 0.
            *w = if half.abs() < 1.0 {
                2.0 * (start + 0.5 * l * (plus + minus)).exp() * half.sinh()
            } else {
                (start + l * plus).exp() - (start + l * minus).exp()
            };
        }
        super::residual(&self.problem, &evaluation.weights, &mut evaluation.residual);
        self.problem
            .operator
            .apply_adjoint(&evaluation.residual, &mut evaluation.adjoint);
    }

    fn velocity(&self, state: &[f64], evaluation: &Evaluation, out: &mut [f64]) {
        let k = self.entries();
        let noise = self.noise(state, evaluation);
        for (i, (out, x)) in out.chunks_exact_mut(k).zip(state.chunks_exact(k)).enumerate() {
            let pull = beyond(evaluation.adjoint[i], noise * self.norms[i]);
            out[0] = self.rate(i, x[0]) * pull;
            if self.signed {
                out[1] = -self.rate(i, x[1]) * pull;
            }
        }
    }

    fn newton(&self) -> Box<dyn NewtonSolver> {
        let (depth, signed) = (self.depth as f64, self.signed);
        let (clamp, log_x0) = (self.clamp.clone(), self.log_x0.clone());
        let k = self.entries();
        let fill = move |i: usize, x: &[f64], pull: f64, r: &mut [f64], c: &mut [f64], m: &mut [f64]| {
            m.fill(0.0);
            for entry in 0..k {
                let sign = if signed && entry == 1 { -1.0 } else { 1.0 };
                let log = log_x0[i] + x[entry].min(clamp[i]);
                r[entry] = sign * ((depth - 2.0) * log).exp();
                c[entry] = sign * depth * (depth * log).exp();
                m[entry * k + entry] = (depth - 2.0) * r[entry] * pull;
            }
        };
        Box::new(BlockNewton::new(&self.problem, k, Arc::new(fill)))
    }

    fn relative_rate(&self, state: &[f64], evaluation: &Evaluation) -> f64 {
        let mut velocity = vec![0.0; self.dim()];
        self.velocity(state, evaluation, &mut velocity);
        velocity.iter().fold(0.0, |a, v| a.max(v.abs()))
    }

    fn signed(&self) -> bool {
        self.signed
    }

    fn state_tolerance(&self, tolerance: f64) -> StateTolerance {
        // δw/w = L δ(log u): an error relative to log u itself would cost |log α| times as much in w.
        StateTolerance {
            relative: 1e-15,
            absolute: self.cancellation * tolerance / (4.0 * self.depth as f64),
        }
    }

    fn cancellation(&self) -> f64 {
        self.cancellation
    }

    fn position(&self, state: &[f64], _evaluation: &Evaluation, out: &mut Position) {
        if self.signed {
            for (i, x) in state.chunks_exact(2).enumerate() {
                out.plus[i] = x[0];
                out.minus[i] = x[1];
            }
        } else {
            out.plus.copy_from_slice(state);
        }
    }

    fn mirror(&self) -> Arc<dyn MirrorMap> {
        self.mirror.clone()
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::dmatrix;

    use super::*;
    use crate::measurement::DenseOperator;

    fn velocity(state: &[f64]) -> Vec<f64> {
        let operator = Arc::new(DenseOperator::new(dmatrix![1.0, 0.5; 0.0, 1.0]).unwrap());
        let problem = Problem::new(operator, vec![1.0, 1.5], None, 0.0).unwrap();
        let flow = LogFlow::new(problem, 3, Sign::Positive, &[0.1, 0.1]).unwrap();
        let mut evaluation = Evaluation::new(2, 2);
        flow.evaluate(state, &mut evaluation);
        let mut out = vec![0.0; 2];
        flow.velocity(state, &evaluation, &mut out);
        out
    }

    #[test]
    fn a_state_that_is_no_number_has_a_velocity_that_is_none() {
        for state in [[f64::NAN, 0.0], [0.0, f64::NAN]] {
            assert!(velocity(&state).iter().all(|v| v.is_nan()), "{state:?}");
        }
    }

    /// A w = y for w = (0.25, 1.5) and y = (1, 1.5): what is left of Aᵀr there is rounding, and half of it on is not.
    #[test]
    fn a_pull_that_is_rounding_moves_nothing() {
        let at = |w: [f64; 2]| velocity(&w.map(|w| (w.cbrt() / 0.1).ln()));
        assert_eq!(at([0.25, 1.5]), [0.0, 0.0]);
        assert!(at([0.25 + 1e-12, 1.5])[0] < 0.0, "1e-12 is far above it");
    }
}
