//! Numerical differentiation formulas for the dual flow.

mod ahead;
mod control;
mod corrector;
mod drift;
mod formula;
mod history;
mod passes;
mod stepper;
mod tolerance;

use self::stepper::Stepper;
use super::session::{Session, Verdict};
use super::{Integration, Integrator, Progress, Task};
use crate::error::{CoreError, Result};
use crate::flow::{DualFlow, Flow};
use crate::outcome::Outcome;
use crate::record::Recorder;

/// The clock restarts by itself when it exceeds this many steps: t + h would lose digits.
const CLOCK_RATIO: f64 = 1e7;

/// A variable-order integrator of the dual flow alone: the numerical differentiation formulas of order 1 to 5 at
/// quasi-constant steps (Shampine & Reichelt, SIAM J. Sci. Comput. 18 (1997); `ode15s`), in the form that suits
///
/// ```text
/// q′ = r = y − A w(s),     s = Aᵀq,     (∫ℓ)′ = ½|r|²
/// ```
///
/// Backward differences are kept of q, of s and of the integrals: a step costs one product with A and one with Aᵀ for each
/// Newton iteration and none besides, r at its end being what the formula says of q′. Errors are measured in log x, where x
/// are the factors. A restart of the clock keeps the history, since differences do not depend on where time is zero.
#[derive(Debug, Clone, Copy, Default)]
pub struct NdfIntegrator;

impl NdfIntegrator {
    /// Whether it can integrate that flow: an error says what else can.
    pub fn serves(flow: &dyn Flow) -> Result<&DualFlow> {
        flow.dual().ok_or_else(|| CoreError::Unsupported {
            what: format!(
                "Ndf integrates the dual flow, not the {} flow",
                flow.formulation().name().to_lowercase()
            ),
            hint: "method: Bdf",
        })
    }
}

impl Integrator for NdfIntegrator {
    fn name(&self) -> &'static str {
        "Ndf"
    }

    fn integrate(
        &self,
        task: &Task,
        recorder: &mut dyn Recorder,
        control: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Integration> {
        let flow = Self::serves(task.flow.as_ref())?;
        let mut session = Session::new(task, recorder, control);
        let outcome = match session.begin() {
            Some(outcome) => outcome,
            None => run(flow, task, &mut session),
        };
        Ok(session.finish(outcome))
    }
}

/// Steps until the run ends.
fn run(flow: &DualFlow, task: &Task, session: &mut Session) -> Outcome {
    let mut stepper = Stepper::new(flow, &task.mismatches, task.tolerance);
    stepper.reads_weights |= task.events.iter().any(|event| event.reads_weights());
    stepper.start(session.state(), session.evaluation());
    session.restarted(stepper.h);
    let outcome = loop {
        if !stepper.step() {
            session.fall_back(&stepper);
            break Outcome::StepSizeUnderflow;
        }
        match session.advance(&stepper) {
            Verdict::End(outcome) => break outcome,
            Verdict::Restart => restart_clock(&mut stepper, session),
            Verdict::Continue if stepper.local_time() > CLOCK_RATIO * stepper.h => {
                session.fall_back(&stepper);
                restart_clock(&mut stepper, session);
            }
            Verdict::Continue => {}
        }
    };
    stepper.account(&mut session.statistics);
    outcome
}

fn restart_clock(stepper: &mut Stepper, session: &mut Session) {
    session.restarted(stepper.h);
    stepper.rebase();
}
