//! Gradient descent on the factors: explicit Euler steps of the factor flow with a fixed step η,

use super::session::{DenseOutput, Session, Verdict, integrands, outputs};
use super::{Integration, Integrator, Progress, Task};
use crate::error::{CoreError, Result};
use crate::flow::{Evaluation, Flow, Formulation};
use crate::outcome::Outcome;
use crate::record::Recorder;

/// Gradient descent on the factors: explicit Euler steps of the factor flow with a fixed step η,
///
/// ```text
/// x_k ← x_k + η (∏_{j≠k} x_j) ∘ Aᵀ(y − Aw),   t_k = kη
/// ```
///
/// in the clock of one factor (the full gradient of ℓ(x^L) would be L times as long). It follows the flow to first order in
/// η and has laws of its own, see [`FactorFlow::with_shrinkage`](crate::flow::FactorFlow::with_shrinkage). Identical factors
/// stay identical to the last bit, because each is multiplied by the same product in the same order.
///
/// Between two iterates the trajectory is the *polygon* through them: at t_k + τ stands the Euler step of size τ from x_k.
/// Integrals are those of the piecewise constant integrands at the iterates, left Riemann sums such as
/// ∫₀ᵗ ℓ = Σ η ℓ(x_k) + τ ℓ(x_k): with q = ∫r this is what descent itself adds up, so that its discrete identities hold
/// exactly, and not only up to O(η).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientDescent {
    step: f64,
}

impl GradientDescent {
    /// Descent with the step η > 0.
    pub fn new(step: f64) -> Result<Self> {
        if step > 0.0 && step.is_finite() {
            return Ok(Self { step });
        }
        Err(CoreError::OutOfRange {
            field: "step",
            value: step.to_string(),
            requirement: "it must be finite and above 0",
        })
    }
}

impl Integrator for GradientDescent {
    fn name(&self) -> &'static str {
        "GradientDescent"
    }

    fn step(&self) -> Option<f64> {
        Some(self.step)
    }

    fn integrate(
        &self,
        task: &Task,
        recorder: &mut dyn Recorder,
        control: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Integration> {
        if task.flow.formulation() != Formulation::Factor {
            return Err(CoreError::Unsupported {
                what: "gradient descent moves the factors themselves".into(),
                hint: "formulation: Factor (or Auto)",
            });
        }
        let mut session = Session::new(task, recorder, control).without_history();
        let outcome = match session.begin() {
            Some(outcome) => outcome,
            None => descend(Polygon::new(task, self.step, session.state()), &mut session),
        };
        Ok(session.finish(outcome))
    }
}

/// Steps until the session wants no more.
fn descend(mut polygon: Polygon, session: &mut Session) -> Outcome {
    loop {
        polygon.step();
        session.statistics.rhs += 1;
        match session.advance(&polygon) {
            // Descent has no domain to leave: weights that overflow before the factors do are not finite, that is all.
            Verdict::End(Outcome::LeftDomain { .. }) => return Outcome::NotFinite,
            Verdict::End(outcome) => return outcome,
            Verdict::Continue | Verdict::Restart => {}
        }
    }
}

/// The last step, from an iterate to the next.
struct Polygon<'a> {
    flow: &'a dyn Flow,
    mismatches: &'a [Vec<f64>],
    step: f64,
    from: Vec<f64>,
    from_evaluation: Evaluation,
    integrands: Vec<f64>,
    to: Vec<f64>,
    to_evaluation: Evaluation,
}

impl<'a> Polygon<'a> {
    /// Before the first step from `state`.
    fn new(task: &'a Task, step: f64, state: &[f64]) -> Self {
        let flow = task.flow.as_ref();
        let mut evaluation = Evaluation::new(flow.problem().rows(), flow.problem().cols());
        flow.evaluate(state, &mut evaluation);
        Self {
            flow,
            mismatches: &task.mismatches,
            step,
            from: state.to_vec(),
            from_evaluation: evaluation.clone(),
            integrands: vec![0.0; outputs(task)],
            to: state.to_vec(),
            to_evaluation: evaluation,
        }
    }

    /// One step on.
    fn step(&mut self) {
        std::mem::swap(&mut self.from, &mut self.to);
        std::mem::swap(&mut self.from_evaluation, &mut self.to_evaluation);
        let (state, evaluation) = (&self.from, &self.from_evaluation);
        integrands(self.flow, self.mismatches, evaluation, &mut self.integrands);
        self.flow.euler(state, evaluation, self.step, &mut self.to);
        self.flow.evaluate(&self.to, &mut self.to_evaluation);
    }
}

impl DenseOutput for Polygon<'_> {
    fn time(&self) -> f64 {
        self.step
    }

    fn state(&self, tau: f64, out: &mut [f64]) -> bool {
        if tau >= self.step {
            out.copy_from_slice(&self.to);
        } else {
            self.flow.euler(&self.from, &self.from_evaluation, tau, out);
        }
        true
    }

    fn integrals(&self, tau: f64, out: &mut [f64]) -> bool {
        for (out, integrand) in out.iter_mut().zip(&self.integrands) {
            *out = tau * integrand;
        }
        true
    }

    fn evaluation<'a>(&'a self, _storage: &'a mut Evaluation) -> &'a Evaluation {
        &self.to_evaluation
    }
}
