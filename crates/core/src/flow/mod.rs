//! The three formulations of one gradient flow.
//!
//! With ℓ(w) = ½|Aw − y|², r = y − Aw and the clock of *one factor* (x_k′ = −(∏_{j≠k} x_j)∘∇ℓ):
//!
//! | flow | state | velocity |
//! |---|---|---|
//! | [`FactorFlow`] | all factors | x_k′ = (∏_{j≠k} x_j) ∘ Aᵀr, the definition |
//! | [`LogFlow`] | log u, log v | (log u)′ = u^{L−2}∘Aᵀr, (log v)′ = −v^{L−2}∘Aᵀr (identical starts) |
//! | [`DualFlow`] | q ∈ R^m | q′ = y − A w(Aᵀq) (identical starts) |
//!
//! They follow the same w(t); which of them is accurate depends on depth and initialization, see [`choose`].

mod choice;
mod dual;
mod factor;
mod log;

pub use choice::{Choice, choose, descent, time_unit};
pub use dual::DualFlow;
pub use factor::FactorFlow;
pub use log::LogFlow;

use std::sync::Arc;

use crate::mirror::{MirrorMap, Position};
use crate::newton::NewtonSolver;
use crate::problem::Problem;
use crate::vectorized;

/// Which of the three equivalent systems is integrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formulation {
    /// All factors: any initialization.
    Factor,
    /// Logarithms of the factors: identical initialization, any depth and scale.
    Log,
    /// The dual variable q: identical initialization, fastest.
    Dual,
}

impl Formulation {
    /// The name used in scenarios and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Factor => "Factor",
            Self::Log => "Log",
            Self::Dual => "Dual",
        }
    }
}

/// What one pass over A (and one over Aᵀ) yields at a state; shared by velocity, events, quadrature and recording.
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    /// w, n entries.
    pub weights: Vec<f64>,
    /// r = y − A w, m entries.
    pub residual: Vec<f64>,
    /// Dual flow: s = Aᵀq. Log and factor flow: Aᵀr. n entries.
    pub adjoint: Vec<f64>,
}

impl Evaluation {
    /// Zeroed storage for an m × n problem.
    pub fn new(m: usize, n: usize) -> Self {
        Self {
            weights: vec![0.0; n],
            residual: vec![0.0; m],
            adjoint: vec![0.0; n],
        }
    }

    /// Take over another evaluation of the same problem, without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.weights.copy_from_slice(&other.weights);
        self.residual.copy_from_slice(&other.residual);
        self.adjoint.copy_from_slice(&other.adjoint);
    }

    /// ℓ = ½|r|².
    pub fn loss(&self) -> f64 {
        0.5 * vectorized::square(&self.residual)
    }
}

/// Error control of the solver such that w is accurate to the promised tolerance: |error_i| ≲ rtol·|state_i| + atol.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateTolerance {
    /// Relative part.
    pub relative: f64,
    /// Absolute part, the same for all entries.
    pub absolute: f64,
}

/// An autonomous system whose weights w(t) follow the gradient flow.
pub trait Flow: Send + Sync {
    /// Which formulation this is.
    fn formulation(&self) -> Formulation;

    /// The problem it flows on.
    fn problem(&self) -> &Problem;

    /// Number of state entries.
    fn dim(&self) -> usize;

    /// The state at t = 0.
    fn initial_state(&self) -> Vec<f64>;

    /// Weights, residual and adjoint at a state. Outside the domain of the flow the weights are NaN.
    fn evaluate(&self, state: &[f64], evaluation: &mut Evaluation);

    /// State velocity from an evaluation at the same state.
    fn velocity(&self, state: &[f64], evaluation: &Evaluation, out: &mut [f64]);

    /// `out = x + τx′`: an explicit Euler step of size τ from a state and the evaluation there.
    fn euler(&self, state: &[f64], evaluation: &Evaluation, tau: f64, out: &mut [f64]) {
        self.velocity(state, evaluation, out);
        for (out, x) in out.iter_mut().zip(state) {
            *out = x + tau * *out;
        }
    }

    /// A fresh structured solver for I − cJ.
    fn newton(&self) -> Box<dyn NewtonSolver>;

    /// Fastest relative rate max |x′/x| of any factor x at a state: the inverse of the shortest time scale there.
    fn relative_rate(&self, state: &[f64], evaluation: &Evaluation) -> f64;

    /// Whether the model is signed.
    fn signed(&self) -> bool;

    /// Solver tolerances that keep the promise `tolerance` on w.
    fn state_tolerance(&self, tolerance: f64) -> StateTolerance;

    /// How much more accurate than w the logarithms of the factors must be, at most 1: in a signed model with a large
    /// start, w = u^L − v^L is a small difference of large numbers.
    fn cancellation(&self) -> f64;

    /// Whether the state *is* the dual variable q; otherwise q = ∫r dt is integrated along.
    fn state_is_dual(&self) -> bool {
        false
    }

    /// The flow as a dual flow, if it is one.
    fn dual(&self) -> Option<&DualFlow> {
        None
    }

    /// Where each coordinate stands on its branch(es) of the mirror map.
    fn position(&self, state: &[f64], evaluation: &Evaluation, out: &mut Position);

    /// A coordinate of a state of the solver that no exact flow could reach, although its weight is finite.
    fn left_domain(&self, _state: &[f64]) -> Option<usize> {
        None
    }

    /// The mirror map of the flow.
    fn mirror(&self) -> Arc<dyn MirrorMap>;

    /// The factors x_k (coordinate-major, k entries per coordinate) where the state holds them.
    fn factors<'a>(&self, _state: &'a [f64]) -> Option<&'a [f64]> {
        None
    }

    /// log ∏ |1 − η²g_i²| over the Euler steps so far, n entries, where the state carries it: see [`FactorFlow::with_shrinkage`].
    fn shrinkage<'a>(&self, _state: &'a [f64]) -> Option<&'a [f64]> {
        None
    }

    /// Number of state entries that belong to one coordinate of `factors`, and how many of them form ∏u (the rest, ∏v).
    fn factor_layout(&self) -> Option<(usize, usize)> {
        None
    }
}

/// `out = y − A w`.
fn residual(problem: &Problem, weights: &[f64], out: &mut [f64]) {
    problem.operator.apply(weights, out);
    problem.subtract_from_measurements(out);
}

/// The size ‖Aᵀy‖_∞/max‖a_j‖² of the weights that reach y.
fn reach(problem: &Problem) -> f64 {
    let mut pull = vec![0.0; problem.operator.cols()];
    problem.operator.apply_adjoint(&problem.measurements, &mut pull);
    let pull = pull.iter().fold(0.0f64, |a, p| a.max(p.abs()));
    pull / largest_squared_norm(problem)
}

/// Roundings of w itself and in the sums of A w, in units of ε_mach.
const ROUNDINGS: f64 = 16.0;

/// What rounding leaves of |y − A w| in units of ‖w‖₁: about 16 ε_mach max ‖a_j‖. No double w does better.
pub fn residual_rounding(problem: &Problem) -> f64 {
    ROUNDINGS * f64::EPSILON * largest_squared_norm(problem).sqrt()
}

/// max ‖a_j‖²; a matrix-free operator has columns of about unit norm.
pub(crate) fn largest_squared_norm(problem: &Problem) -> f64 {
    let largest = problem.operator.magnitudes().map(|known| known.largest_squared_norm());
    largest.unwrap_or(1.0).max(f64::MIN_POSITIVE)
}

/// In a signed model with a large start, w = u^L − v^L is a small difference: an error δ of log u costs L x0^L δ in w,
/// which must be small against the weights that reach y. Their ratio, between `floor` and 1: y = 0 needs no accuracy at
/// all, and a state that holds the factors themselves cannot be more accurate than its rounding.
fn cancellation(reach: f64, depth: usize, signed: bool, largest_start: f64, floor: f64) -> f64 {
    if !signed {
        return 1.0;
    }
    (reach / largest_start.powi(depth as i32)).clamp(floor, 1.0) // depth <= 64
}

/// Floor of the cancellation where the state counts from the start, and so keeps its digits: its square is a double.
const EXACT_FROM_START: f64 = 1e-120;
