//! The log flow (log u)′ = u^{L−2}∘Aᵀr, (log v)′ = −v^{L−2}∘Aᵀr, w = u^L − v^L, for identical starts.
//!
//! Positivity of the factors is automatic and every coordinate is resolved relatively, at any depth and any scale
//! (α = 1e-60 is log α = −138). State: per coordinate log u_i (positive) or (log u_i, log v_i) (signed).

use std::sync::Arc;

use super::{Evaluation, Flow, Formulation, StateTolerance};
use crate::error::Result;
use crate::initialization::Sign;
use crate::mirror::{IdenticalMirror, MirrorMap, Position};
use crate::newton::{BlockNewton, NewtonSolver};
use crate::problem::Problem;

/// See the module documentation.
pub struct LogFlow {
    problem: Problem,
    depth: usize,
    signed: bool,
    log_x0: Vec<f64>,
    /// log u is clamped here before it is exponentiated: an implicit predictor may overshoot.
    clamp: f64,
    cancellation: f64,
    mirror: Arc<IdenticalMirror>,
}

impl LogFlow {
    /// The log flow of `problem` when every factor starts at the vector `x0` (n positive entries).
    pub fn new(problem: Problem, depth: usize, sign: Sign, x0: &[f64]) -> Result<Self> {
        let mirror = Arc::new(IdenticalMirror::new(depth, sign, x0)?);
        let log_x0: Vec<f64> = x0.iter().map(|x| x.ln()).collect();
        let largest = log_x0.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        let cancellation = super::cancellation(&problem, depth, sign == Sign::Signed, largest.exp());
        let data = problem.measurements.iter().fold(1.0f64, |a, y| a.max(y.abs())).ln();
        let clamp = (data.max(depth as f64 * largest) + 60.0).min(345.0) / depth as f64;
        Ok(Self {
            problem,
            depth,
            signed: sign == Sign::Signed,
            log_x0,
            clamp,
            cancellation,
            mirror,
        })
    }

    fn entries(&self) -> usize {
        if self.signed { 2 } else { 1 }
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
        self.log_x0
            .iter()
            .flat_map(|&x| std::iter::repeat_n(x, self.entries()))
            .collect()
    }

    fn evaluate(&self, state: &[f64], evaluation: &mut Evaluation) {
        let l = self.depth as f64;
        if self.signed {
            for (w, x) in evaluation.weights.iter_mut().zip(state.chunks_exact(2)) {
                let (plus, minus) = (x[0].min(self.clamp), x[1].min(self.clamp));
                let half = 0.5 * l * (plus - minus);
                // u^L − v^L = 2 (uv)^{L/2} sinh(log(u/v) L/2): no cancellation near w = 0.
                *w = if half.abs() < 1.0 {
                    2.0 * (0.5 * l * (plus + minus)).exp() * half.sinh()
                } else {
                    (l * plus).exp() - (l * minus).exp()
                };
            }
        } else {
            for (w, &x) in evaluation.weights.iter_mut().zip(state) {
                *w = (l * x.min(self.clamp)).exp();
            }
        }
        super::residual(&self.problem, &evaluation.weights, &mut evaluation.residual);
        self.problem
            .operator
            .apply_adjoint(&evaluation.residual, &mut evaluation.adjoint);
    }

    fn velocity(&self, state: &[f64], evaluation: &Evaluation, out: &mut [f64]) {
        let l2 = self.depth as f64 - 2.0;
        let rate = |x: f64| {
            if self.depth == 2 {
                1.0
            } else {
                (l2 * x.min(self.clamp)).exp()
            }
        };
        if self.signed {
            for ((out, x), pull) in out
                .chunks_exact_mut(2)
                .zip(state.chunks_exact(2))
                .zip(&evaluation.adjoint)
            {
                out[0] = rate(x[0]) * pull;
                out[1] = -rate(x[1]) * pull;
            }
        } else {
            for ((out, &x), pull) in out.iter_mut().zip(state).zip(&evaluation.adjoint) {
                *out = rate(x) * pull;
            }
        }
    }

    fn newton(&self) -> Box<dyn NewtonSolver> {
        let (depth, signed, clamp) = (self.depth as f64, self.signed, self.clamp);
        let k = self.entries();
        let fill = move |x: &[f64], pull: f64, r: &mut [f64], c: &mut [f64], m: &mut [f64]| {
            m.fill(0.0);
            for entry in 0..k {
                let sign = if signed && entry == 1 { -1.0 } else { 1.0 };
                let log = x[entry].min(clamp);
                r[entry] = sign * ((depth - 2.0) * log).exp();
                c[entry] = sign * depth * (depth * log).exp();
                m[entry * k + entry] = (depth - 2.0) * r[entry] * pull;
            }
        };
        Box::new(BlockNewton::new(self.problem.operator.clone(), k, Arc::new(fill)))
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
