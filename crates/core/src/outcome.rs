//! How an integration ended, and what it cost. Numerical failure is a value here, never an error or a panic.

/// Why the integration stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A stopping event was reached.
    Stopped {
        /// The event, in the words of its scenario entry.
        event: String,
    },
    /// The allowed number of steps is used up.
    StepLimit,
    /// The step size fell below what the clock can resolve.
    StepSizeUnderflow,
    /// The solver gave up for another reason.
    SolverFailure {
        /// The solver's own words.
        message: String,
    },
    /// A state, weight or loss is NaN or infinite.
    NotFinite,
    /// A coordinate left the domain of the mirror map.
    LeftDomain {
        /// Which coordinate.
        coordinate: usize,
    },
    /// Interrupted from outside (Ctrl-C); what was computed until then is kept.
    Interrupted,
}

impl Outcome {
    /// Whether the run ended by one of its own events.
    pub fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped { .. })
    }

    /// Short name, stable across versions.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::StepLimit => "step_limit",
            Self::StepSizeUnderflow => "step_size_underflow",
            Self::SolverFailure { .. } => "solver_failure",
            Self::NotFinite => "not_finite",
            Self::LeftDomain { .. } => "left_domain",
            Self::Interrupted => "interrupted",
        }
    }

    /// One sentence: what happened and, where something can be done, what to try.
    pub fn explain(&self) -> String {
        match self {
            Self::Stopped { event } => format!("stopped by {event}"),
            Self::StepLimit => "the step limit was reached; raise integrate.max_steps or loosen the stop".into(),
            Self::StepSizeUnderflow => {
                "the step size underflowed; try formulation: Log, a looser tolerance, or method: Bdf".into()
            }
            Self::SolverFailure { message } => format!("the solver failed: {message}"),
            Self::NotFinite => {
                "a state or weight is no longer finite; try formulation: Log or a smaller tolerance, or a smaller step of \
                 gradient descent"
                    .into()
            }
            Self::LeftDomain { coordinate } => {
                format!("coordinate {coordinate} left the domain of the mirror map; try formulation: Log")
            }
            Self::Interrupted => "interrupted; what was computed until then is kept".into(),
        }
    }
}

/// Work counters of one integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Accepted steps.
    pub steps: usize,
    /// Evaluations of A w (and Aᵀ) for velocities, outputs and events.
    pub rhs: usize,
    /// Jacobians frozen.
    pub jacobians: usize,
    /// Newton matrices factorized.
    pub factorizations: usize,
    /// Newton iterations that did not converge.
    pub newton_failures: usize,
    /// Steps rejected by the error test.
    pub error_test_failures: usize,
    /// Restarts of the local clock.
    pub restarts: usize,
}
