//! The factor flow x_i′ = (Aᵀr)_i ∇P(x_i): the literal definition, for any initialization and any parametrization.

use std::sync::Arc;

use super::{Evaluation, Flow, Formulation, StateTolerance};
use crate::error::Result;
use crate::initialization::{Sign, Start};
use crate::mirror::{GeneralMirror, IdenticalMirror, MirrorMap, Position};
use crate::newton::{BlockNewton, NewtonSolver};
use crate::parametrization::{Hadamard, Parametrization};
use crate::problem::Problem;

/// Floor of the cancellation: factors are rounded relative to themselves, not to their distance from the start.
const ROUNDED: f64 = 1e-6;

/// The factor flow x_i′ = (Aᵀr)_i ∇P(x_i): the literal definition, for any initialization and any parametrization.
///
/// It is the referee of the other two formulations. State: coordinate-major, k factors per coordinate.
///
/// # What gradient descent carries along
///
/// An explicit Euler step of size η of the signed model of depth 2 with u_1 = u_2 = u and v_1 = v_2 = v is, with
/// g = Aᵀ(Aw − y), u ← u(1 − ηg) and v ← v(1 + ηg). So u v, constant along the flow, shrinks under descent,
///
/// ```text
/// u_i v_i = α_i² ∏_k (1 − η² g_{i,k}²)
/// ```
///
/// exactly (the effective start of Even, Pesme, Gunasekar, Flammarion, arXiv 2302.08982). On request the state ends with n
/// further entries, the logarithms of |∏|, zero at the start and with velocity zero.
pub struct FactorFlow {
    problem: Problem,
    parametrization: Arc<dyn Parametrization>,
    depth: usize,
    signed: bool,
    initial: Vec<f64>,
    cancellation: f64,
    mirror: Arc<dyn MirrorMap>,
    /// Identical starts keep all factors equal and their position is a logarithm.
    identical: bool,
    /// Per coordinate and branch, which factor is smallest (the one that can change its sign).
    smallest: Vec<usize>,
    /// Whether the state ends with the logarithms of ∏ |1 − η²g²|.
    shrinkage: bool,
}

impl FactorFlow {
    /// The flow of all factors of the Hadamard model of the given depth and sign from `start`.
    pub fn new(problem: Problem, depth: usize, sign: Sign, start: &Start) -> Result<Self> {
        let signed = sign == Sign::Signed;
        let parametrization = Arc::new(Hadamard::new(depth, signed));
        let n = problem.operator.cols();
        let initial = coordinate_major(start, n, depth, signed);
        let mirror: Arc<dyn MirrorMap> = match start {
            Start::Identical(x0) => Arc::new(IdenticalMirror::new(depth, sign, x0)?),
            _ => Arc::new(GeneralMirror::new(depth, sign, &initial)?),
        };
        let smallest = initial.chunks_exact(depth).map(index_of_smallest).collect();
        let largest = initial.iter().fold(0.0f64, |a, &b| a.max(b));
        let cancellation = super::cancellation(super::reach(&problem), depth, signed, largest, ROUNDED);
        let identical = matches!(start, Start::Identical(_));
        Ok(Self {
            problem,
            parametrization,
            depth,
            signed,
            initial,
            cancellation,
            mirror,
            identical,
            smallest,
            shrinkage: false,
        })
    }

    /// Lets the state carry log ∏ |1 − η²g²| where that says something: signed, depth 2, identical start. Otherwise the
    /// flow stays as it is.
    pub fn with_shrinkage(mut self) -> Self {
        self.shrinkage = self.signed && self.depth == 2 && self.identical;
        self
    }
}

/// log |1 − x²|, kept finite where a factor is annihilated (x = ±1).
fn log_shrinkage(x: f64) -> f64 {
    let square = x * x;
    let log = if square < 1.0 {
        (-square).ln_1p()
    } else {
        (square - 1.0).ln()
    };
    // `max` would turn a NaN into a number
    if log < f64::MIN_POSITIVE.ln() {
        f64::MIN_POSITIVE.ln()
    } else {
        log
    }
}

/// The initial factors: for each coordinate u_1..u_L and, if signed, v_1..v_L.
fn coordinate_major(start: &Start, n: usize, depth: usize, signed: bool) -> Vec<f64> {
    let factor = |i: usize, k: usize, minus: bool| match start {
        Start::Identical(x0) => x0[i],
        Start::PerFactor(factors) => factors[k][i],
        Start::Independent { plus, minus: v } => {
            if minus {
                v[k][i]
            } else {
                plus[k][i]
            }
        }
    };
    let mut state = Vec::with_capacity(n * depth * if signed { 2 } else { 1 });
    for i in 0..n {
        state.extend((0..depth).map(|k| factor(i, k, false)));
        if signed {
            state.extend((0..depth).map(|k| factor(i, k, true)));
        }
    }
    state
}

fn index_of_smallest(x: &[f64]) -> usize {
    (0..x.len()).min_by(|&i, &j| x[i].total_cmp(&x[j])).unwrap_or(0)
}

impl Flow for FactorFlow {
    fn formulation(&self) -> Formulation {
        Formulation::Factor
    }

    fn problem(&self) -> &Problem {
        &self.problem
    }

    fn dim(&self) -> usize {
        self.initial.len() + if self.shrinkage { self.problem.cols() } else { 0 }
    }

    fn initial_state(&self) -> Vec<f64> {
        let mut state = self.initial.clone();
        state.resize(self.dim(), 0.0);
        state
    }

    fn evaluate(&self, state: &[f64], evaluation: &mut Evaluation) {
        let k = self.parametrization.factors();
        for (w, x) in evaluation.weights.iter_mut().zip(state.chunks_exact(k)) {
            *w = self.parametrization.weight(x);
        }
        super::residual(&self.problem, &evaluation.weights, &mut evaluation.residual);
        self.problem
            .operator
            .apply_adjoint(&evaluation.residual, &mut evaluation.adjoint);
    }

    fn velocity(&self, state: &[f64], evaluation: &Evaluation, out: &mut [f64]) {
        let k = self.parametrization.factors();
        let (out, rest) = out.split_at_mut(self.initial.len());
        for ((out, x), pull) in out
            .chunks_exact_mut(k)
            .zip(state.chunks_exact(k))
            .zip(&evaluation.adjoint)
        {
            self.parametrization.gradient(x, out);
            out.iter_mut().for_each(|v| *v *= pull);
        }
        rest.fill(0.0);
    }

    fn euler(&self, state: &[f64], evaluation: &Evaluation, tau: f64, out: &mut [f64]) {
        self.velocity(state, evaluation, out);
        for (out, x) in out.iter_mut().zip(state) {
            *out = x + tau * *out;
        }
        if self.shrinkage {
            let logs = &mut out[self.initial.len()..];
            for (log, pull) in logs.iter_mut().zip(&evaluation.adjoint) {
                *log += log_shrinkage(tau * pull);
            }
        }
    }

    fn shrinkage<'a>(&self, state: &'a [f64]) -> Option<&'a [f64]> {
        self.shrinkage.then(|| &state[self.initial.len()..])
    }

    fn newton(&self) -> Box<dyn NewtonSolver> {
        let p = self.parametrization.clone();
        let fill = move |_: usize, x: &[f64], pull: f64, r: &mut [f64], c: &mut [f64], m: &mut [f64]| {
            p.gradient(x, c);
            r.copy_from_slice(c);
            p.hessian(x, m);
            m.iter_mut().for_each(|h| *h *= pull);
        };
        Box::new(BlockNewton::new(
            &self.problem,
            self.parametrization.factors(),
            Arc::new(fill),
        ))
    }

    fn relative_rate(&self, state: &[f64], evaluation: &Evaluation) -> f64 {
        let mut velocity = vec![0.0; self.dim()];
        self.velocity(state, evaluation, &mut velocity);
        velocity
            .iter()
            .zip(state)
            .filter(|(_, x)| **x != 0.0)
            .fold(0.0, |a, (v, x)| a.max((v / x).abs()))
    }

    fn signed(&self) -> bool {
        self.signed
    }

    fn state_tolerance(&self, tolerance: f64) -> StateTolerance {
        // Each factor relatively, down to a hundredth of where it started.
        let smallest = self.initial.iter().fold(f64::INFINITY, |a, &b| a.min(b));
        let relative = self.cancellation * tolerance / (4.0 * self.depth as f64);
        StateTolerance {
            relative,
            absolute: relative * 1e-2 * smallest,
        }
    }

    fn cancellation(&self) -> f64 {
        self.cancellation
    }

    fn position(&self, state: &[f64], _evaluation: &Evaluation, out: &mut Position) {
        let branches = if self.signed { 2 } else { 1 };
        for (branch, (x, &smallest)) in state.chunks_exact(self.depth).zip(&self.smallest).enumerate() {
            let start = self.initial[branch * self.depth];
            let value = if self.identical {
                // from the start, with its digits: x = x0 + (x − x0)
                ((x[smallest] - start) / start).ln_1p()
            } else {
                x[smallest]
            };
            if branch % branches == 0 {
                out.plus[branch / branches] = value;
            } else {
                out.minus[branch / branches] = value;
            }
        }
    }

    fn mirror(&self) -> Arc<dyn MirrorMap> {
        self.mirror.clone()
    }

    /// Identical factors that have come apart with opposite signs.
    ///
    /// Exactly they stay equal and positive. But where the pull stays negative (a positive model that cannot fit y) their sum
    /// decays and rounding in their difference grows as fast, until x_1 = −x_2 fits y with weights the model does not have.
    /// A hundredth of the start is far above the noise on which decayed factors may change their sign harmlessly.
    fn left_domain(&self, state: &[f64]) -> Option<usize> {
        if !self.identical {
            return None;
        }
        let torn = |(branch, x): (usize, &[f64])| {
            let noise = 1e-2 * self.initial[branch * self.depth];
            x.iter().any(|&x| x > noise) && x.iter().any(|&x| x < -noise)
        };
        let branches = if self.signed { 2 } else { 1 };
        let mut all = state[..self.initial.len()].chunks_exact(self.depth).enumerate();
        all.position(torn).map(|branch| branch / branches)
    }

    fn factors<'a>(&self, state: &'a [f64]) -> Option<&'a [f64]> {
        Some(&state[..self.initial.len()])
    }

    fn factor_layout(&self) -> Option<(usize, usize)> {
        Some((self.parametrization.factors(), self.depth))
    }
}
