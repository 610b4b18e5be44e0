//! A member of a family: a problem and a model of its own, integrated by the method of the command.

use hadaflow_core::event::Event;
use hadaflow_core::flow::{Formulation, choose};
use hadaflow_core::initialization::Model;
use hadaflow_core::integrate::{DiffsolIntegrator, Integrator, Mark, Method, Progress, Schedule, Task};
use hadaflow_core::outcome::Outcome;
use hadaflow_core::problem::Problem;
use hadaflow_core::record::Recorder;

use super::Family;

/// Steps after which a member is given up; a run of a few thousand is long.
const MAX_STEPS: usize = 20_000;

/// How a member ended: its place here is what a family keeps of it, in the column `outcome`. 0 is an end by an event.
const OUTCOMES: [&str; 7] = [
    "stopped",
    "step_limit",
    "step_size_underflow",
    "solver_failure",
    "not_finite",
    "left_domain",
    "wrong_input",
];

/// What to integrate.
pub(super) struct Member<'a> {
    pub(super) problem: &'a Problem,
    pub(super) model: &'a Model,
    /// Of a random initialization.
    pub(super) seed: u64,
    /// `None`: the best for the tolerance.
    pub(super) formulation: Option<Formulation>,
    pub(super) tolerance: f64,
    pub(super) schedule: Schedule,
    pub(super) events: Vec<Box<dyn Event>>,
}

/// How it went.
pub(super) struct Ending {
    /// See [`OUTCOMES`].
    pub(super) outcome: f64,
    /// Times of the marking events.
    pub(super) marks: Vec<Mark>,
    /// The last time.
    pub(super) t: f64,
}

impl Member<'_> {
    /// Integrates by BDF. `None` once `watch` returns false. A member that the flow's own limits exclude (a start that is
    /// no longer a legal number) ends with `wrong_input`.
    pub(super) fn integrate(
        self,
        recorder: &mut dyn Recorder,
        watch: &mut dyn FnMut(Progress) -> bool,
    ) -> Option<Ending> {
        let wrong = Ending {
            outcome: code("wrong_input"),
            marks: Vec::new(),
            t: f64::NAN,
        };
        let Ok(choice) = choose(self.problem, self.model, self.seed, self.formulation, self.tolerance) else {
            return Some(wrong);
        };
        let task = Task {
            flow: choice.flow,
            tolerance: self.tolerance,
            max_steps: MAX_STEPS,
            schedule: self.schedule,
            events: self.events,
            mismatches: Vec::new(),
            resume: None,
        };
        let Ok(integration) = DiffsolIntegrator::new(Method::Bdf).integrate(&task, recorder, watch) else {
            return Some(wrong);
        };
        (integration.outcome != Outcome::Interrupted).then(|| Ending {
            outcome: code(integration.outcome.kind()),
            marks: integration.end.marks,
            t: integration.end.t.hi,
        })
    }
}

/// The place of an outcome in [`OUTCOMES`]; NaN for one that is not there.
pub(super) fn code(kind: &str) -> f64 {
    let place = OUTCOMES.iter().position(|name| *name == kind);
    place.map_or(f64::NAN, |place| place as f64)
}

/// What is kept of a family whose hypotheses fail, where finding out costs too much to do so at each assessment.
pub(super) fn without_members() -> Family {
    let mut family = Family::new();
    family.push(&[(MEMBERS, 0.0)]);
    family
}

/// Whether that is the family.
pub(super) fn has_no_members(family: &Family) -> bool {
    family.column(MEMBERS) == [0.0]
}

/// The only column of a family without members.
const MEMBERS: &str = "members";

/// Whether every member did end by an event; if not, which did not, by the value of its column `parameter`.
pub(super) fn all_ended(family: &Family, parameter: &str) -> Result<(), String> {
    if family.is_empty() {
        return Err("the table of its family is empty or damaged".into());
    }
    let outcomes = family.column("outcome");
    if outcomes.len() != family.len() {
        return Err("the table of its family does not say how the members ended".into());
    }
    let Some(row) = outcomes.iter().position(|outcome| *outcome != 0.0) else {
        return Ok(());
    };
    let kind = OUTCOMES.iter().find(|name| code(name) == outcomes[row]);
    let value = family.column(parameter).get(row).copied().unwrap_or(f64::NAN);
    Err(format!(
        "the member with {parameter} = {value:.3e} was not integrated: {}",
        kind.unwrap_or(&"unknown outcome")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_failed_is_named() {
        let mut family = Family::new();
        assert!(all_ended(&family, "alpha").is_err(), "no member");
        family.push(&[("alpha", 1e-2), ("outcome", 0.0)]);
        assert_eq!(all_ended(&family, "alpha"), Ok(()));
        family.push(&[("alpha", 1e-4), ("outcome", code("step_limit"))]);
        let reason = all_ended(&family, "alpha").unwrap_err();
        assert!(
            reason.contains("alpha = 1.000e-4") && reason.contains("step_limit"),
            "{reason}"
        );
        family.columns.get_mut("outcome").unwrap()[1] = f64::NAN;
        assert!(all_ended(&family, "alpha").unwrap_err().contains("unknown"));
        family.columns.remove("outcome");
        assert!(all_ended(&family, "alpha").is_err(), "no outcomes");
    }
}
