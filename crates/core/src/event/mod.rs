//! Events: conditions on the flow that stop it or mark a time, located on the integrator's interpolant.

mod coordinate_active;
mod loss_below;
mod marked;
mod near;
mod stationary;
mod time_reached;

pub use coordinate_active::CoordinateActive;
pub use loss_below::LossBelow;
pub use marked::Marked;
pub use near::Near;
pub use stationary::Stationary;
pub use time_reached::TimeReached;

use std::cell::OnceCell;

use crate::flow::{Evaluation, Flow, Formulation};
use crate::special::DoubleDouble;

/// What happens when an event's value crosses zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The integration ends there.
    Stop,
    /// The time is noted and the integration goes on.
    Mark,
}

/// A condition on the flow: positive before it happens, zero or negative from then on.
pub trait Event: Send + Sync {
    /// The event in the words of its scenario entry, e.g. `LossBelow(1e-10)`.
    fn name(&self) -> String;
    /// The value whose sign change is located.
    fn value(&self, view: &EventView) -> f64;
    /// The time at which it happens, where that is known beforehand and need not be searched for.
    fn time(&self) -> Option<f64> {
        None
    }
    /// Whether [`Event::value`] reads the weights. If no event does, they need not be those of the end of a step there.
    fn reads_weights(&self) -> bool {
        true
    }
    /// Whether it stops the flow.
    fn action(&self) -> Action {
        Action::Stop
    }
}

/// The flow at one time, as events see it.
pub struct EventView<'a> {
    /// Time since the start.
    pub t: DoubleDouble,
    /// The flow.
    pub flow: &'a dyn Flow,
    /// Weights, residual and adjoint.
    pub evaluation: &'a Evaluation,
    /// ℓ.
    pub loss: f64,
    pull: OnceCell<Vec<f64>>,
}

impl<'a> EventView<'a> {
    /// A view of an evaluation at time t.
    pub fn new(t: DoubleDouble, flow: &'a dyn Flow, evaluation: &'a Evaluation) -> Self {
        Self {
            t,
            flow,
            evaluation,
            loss: evaluation.loss(),
            pull: OnceCell::new(),
        }
    }

    /// Aᵀr = −∇ℓ; computed at most once, and only if an event asks.
    pub fn pull(&self) -> &[f64] {
        if self.flow.formulation() != Formulation::Dual {
            return &self.evaluation.adjoint;
        }
        self.pull.get_or_init(|| {
            let mut out = vec![0.0; self.evaluation.weights.len()];
            self.flow
                .problem()
                .operator
                .apply_adjoint(&self.evaluation.residual, &mut out);
            out
        })
    }
}
