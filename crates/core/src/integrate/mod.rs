//! Integrators: from a flow to snapshots, events and an outcome.
//!
//! An [`Integrator`] only steps. What happens at a step (events, recording, the clock, limits) is the business of the
//! [`Session`], which is the same for every integrator.

mod diffsol;
mod gradient_descent;
mod ndf;
mod schedule;
mod session;
mod waiting;

pub use diffsol::DiffsolIntegrator;
pub use gradient_descent::GradientDescent;
pub use ndf::NdfIntegrator;
pub use schedule::Schedule;
pub use session::{DenseOutput, Session, Verdict};

use std::sync::Arc;

use crate::error::Result;
use crate::event::Event;
use crate::flow::Flow;
use crate::outcome::{Outcome, Statistics};
use crate::record::Recorder;
use crate::special::DoubleDouble;

/// Time-stepping method of the continuous flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Backward differentiation formulas of order 1 to 5: the default.
    Bdf,
    /// Singly diagonally implicit Runge–Kutta of order 4(3).
    Esdirk34,
    /// The trapezoidal rule with a BDF2 stage.
    TrBdf2,
    /// Explicit Runge–Kutta of order 5(4): for short, non-stiff runs only.
    Tsit45,
}

impl Method {
    /// The name used in scenarios and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bdf => "Bdf",
            Self::Esdirk34 => "Esdirk34",
            Self::TrBdf2 => "TrBdf2",
            Self::Tsit45 => "Tsit45",
        }
    }
}

/// What to integrate and what to keep.
pub struct Task {
    /// The flow.
    pub flow: Arc<dyn Flow>,
    /// Promise on w: relative accuracy of the weights.
    pub tolerance: f64,
    /// Steps after which the run ends with [`Outcome::StepLimit`].
    pub max_steps: usize,
    /// When snapshots are recorded.
    pub schedule: Schedule,
    /// What stops the run or marks a time.
    pub events: Vec<Box<dyn Event>>,
    /// Mismatches y − Az of points z for which ∫⟨Aw − y, Aw − Az⟩ dt is integrated along.
    pub mismatches: Vec<Vec<f64>>,
    /// Where to start, if not at t = 0.
    pub resume: Option<Checkpoint>,
}

/// Everything needed to continue a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checkpoint {
    /// Time.
    pub t: DoubleDouble,
    /// State of the flow.
    pub state: Vec<f64>,
    /// Integrals so far: ∫ℓ, then ∫r (unless the state is q), then one per mismatch.
    pub integrals: Vec<DoubleDouble>,
    /// Steps so far.
    pub steps: usize,
    /// Times marked so far, in order.
    pub marks: Vec<Mark>,
}

/// Where a long run stands, for a progress line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Time.
    pub t: f64,
    /// Loss.
    pub loss: f64,
    /// Accepted steps.
    pub steps: usize,
}

/// A time at which a marking event happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The event.
    pub event: String,
    /// When.
    pub t: DoubleDouble,
}

/// The result of an integration.
#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    /// How it ended.
    pub outcome: Outcome,
    /// State, time and integrals at the end, from which a run can be continued.
    pub end: Checkpoint,
    /// Work.
    pub statistics: Statistics,
}

/// A way of stepping a flow.
pub trait Integrator: Send + Sync {
    /// The name used in scenarios and reports.
    fn name(&self) -> &'static str;

    /// The step size η, for a method that is not the continuous flow but has a fixed step of its own.
    fn step(&self) -> Option<f64> {
        None
    }

    /// Integrate until an event stops the run, `control` returns false (interrupt), or the numerics end it.
    ///
    /// Errors are wrong input only; how the numerics fared is in [`Integration::outcome`].
    fn integrate(
        &self,
        task: &Task,
        recorder: &mut dyn Recorder,
        control: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Integration>;
}
