//! Running an experiment, and assessing what it recorded.

mod animate;
mod compare;
mod figures;
mod report;
mod save;
mod saved;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use hadaflow_analysis::observable;
use hadaflow_analysis::prediction::{self, Assessment, Family};
use hadaflow_analysis::report::Evidence;
use hadaflow_analysis::series::Series;
use hadaflow_core::error::CoreError;
use hadaflow_core::integrate::{Checkpoint, Integration, Progress};
use hadaflow_core::outcome::Outcome;
use hadaflow_core::profile::{self, Profile};
use hadaflow_core::record::{Recorder, Snapshot};
use hadaflow_core::trajectory::Trajectory;

use crate::resolve::Experiment;

pub use animate::{Film, animate};
pub use compare::{compare, differences};
pub(crate) use figures::charts;
pub use figures::{NamedChart, PictureFormat, plot};
pub use report::{predictions, report};
pub(crate) use save::relative;
pub use save::{Artifacts, TableFormat, prepare_directory, save};
pub use saved::{Saved, external, load, resumable};

/// Weights are kept at all recorded times up to this many bytes; beyond, they are recomputed from the states on demand.
const WEIGHT_BYTES: usize = 512 << 20;

/// What was recorded, and what it means.
pub struct Findings {
    /// The raw record.
    pub trajectory: Arc<Trajectory>,
    /// The observables.
    pub series: Series,
    /// What the predictions saw.
    pub evidence: Evidence,
    /// The verdicts.
    pub assessments: Vec<Assessment>,
}

/// An integration and its findings.
pub struct Run {
    /// How the integration ended, and its cost.
    pub integration: Integration,
    /// What was recorded, assessed.
    pub findings: Findings,
    /// Elapsed time of the integration in seconds.
    pub wall_seconds: f64,
    /// Processor time of the integration in seconds, where the system tells.
    pub cpu_seconds: Option<f64>,
    /// Where that time went, if the clocks of this thread were running ([`profile::start`]).
    pub profile: Option<Profile>,
    /// Whether `control` ended the work on families of runs after the integration.
    pub families_interrupted: bool,
}

/// Integrate, explore the families of runs that the scenario insists on, and assess. `control` is told about each step and
/// interrupts the run by returning false.
///
/// `resume` continues a saved run: its records come first.
///
/// # Errors
/// Wrong input only; failure of the numerics is the run's outcome.
pub fn run(
    experiment: &Experiment,
    resume: Option<(Trajectory, Checkpoint)>,
    control: &mut dyn FnMut(Progress) -> bool,
) -> Result<Run, CoreError> {
    let chosen = &experiment.scenario.predictions;
    let (earlier, checkpoint) = resume.unzip();
    let task = experiment.task(checkpoint)?;
    let mut series = empty_series(experiment);
    let mut trajectory = if keeps_weights(experiment) {
        Trajectory::new()
    } else {
        Trajectory::without_weights()
    };
    if let Some(earlier) = &earlier {
        earlier.replay(task.flow.as_ref(), &mut (&mut series, &mut trajectory));
    }
    let mut recorder = Appending {
        already: trajectory.len(),
        inner: (&mut series, &mut trajectory),
    };
    let (start, cpu) = (Instant::now(), cpu_seconds());
    profile::lap();
    let integration = experiment.integrator.integrate(&task, &mut recorder, control)?;
    let profile = profile::lap();
    let wall_seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds().zip(cpu).map(|(end, start)| end - start);
    let mut evidence = evidence(experiment, trajectory, &series, true);
    let wanted = |name: &str| integration.outcome != Outcome::Interrupted && chosen.insists_on(name);
    let (families, completed) = prediction::explore(&evidence, wanted, control);
    evidence.families = families;
    Ok(Run {
        integration,
        findings: judge(experiment, series, evidence),
        wall_seconds,
        cpu_seconds,
        profile,
        families_interrupted: !completed,
    })
}

/// What a record means that is known already, with its families of runs.
fn assess(
    experiment: &Experiment,
    trajectory: Trajectory,
    series: Series,
    integrals_with_flow: bool,
    families: BTreeMap<String, Family>,
) -> Findings {
    let mut evidence = evidence(experiment, trajectory, &series, integrals_with_flow);
    evidence.families = families;
    judge(experiment, series, evidence)
}

/// The verdicts of the predictions the scenario asks for.
fn judge(experiment: &Experiment, series: Series, evidence: Evidence) -> Findings {
    let assessments = prediction::assess(&evidence, |name| experiment.scenario.predictions.contains(name));
    Findings {
        trajectory: evidence.trajectory.clone(),
        series,
        evidence,
        assessments,
    }
}

/// Appends to records that are already there and stay.
struct Appending<R> {
    already: usize,
    inner: R,
}

impl<R: Recorder> Recorder for Appending<R> {
    fn record(&mut self, snapshot: &Snapshot) {
        self.inner.record(snapshot);
    }

    fn retain(&mut self, keep: &[bool]) {
        let all: Vec<bool> = std::iter::repeat_n(true, self.already)
            .chain(keep.iter().copied())
            .collect();
        self.inner.retain(&all);
    }
}

/// The verdicts on the first `rows` records of a run, on descent as if it were the flow if `as_flow`. Statements about
/// families of runs are not explored.
pub(crate) fn assess_beginning(
    experiment: &Experiment,
    trajectory: &Trajectory,
    rows: usize,
    as_flow: bool,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Assessment> {
    let mut beginning = trajectory.clone();
    let keep: Vec<bool> = (0..trajectory.len()).map(|row| row < rows).collect();
    beginning.retain(&keep);
    let mut series = empty_series(experiment);
    beginning.replay(experiment.choice.flow.as_ref(), &mut series);
    let mut evidence = evidence(experiment, beginning, &series, true);
    if as_flow {
        evidence.descent = None;
    }
    prediction::assess(&evidence, wanted)
}

/// A table with the experiment's observables and no rows.
fn empty_series(experiment: &Experiment) -> Series {
    let context = experiment.context();
    let observables = observable::all(experiment.choice.flow.as_ref(), &context);
    Series::new(context, observables)
}

/// Whether the weights at all recorded times fit.
fn keeps_weights(experiment: &Experiment) -> bool {
    let rows = match &experiment.scenario.record {
        crate::scenario::Record::LogSpaced(count) => *count,
        crate::scenario::Record::Times(times) => times.len() + 2,
        crate::scenario::Record::EveryStep => 10_000,
    };
    rows.saturating_mul(experiment.problem.cols()).saturating_mul(8) <= WEIGHT_BYTES
}

/// What the predictions are assessed on.
fn evidence(experiment: &Experiment, trajectory: Trajectory, series: &Series, integrals_with_flow: bool) -> Evidence {
    let evidence = Evidence::new(
        experiment.setting.clone(),
        trajectory,
        series,
        experiment.scenario.integrate.tolerance,
        integrals_with_flow,
    );
    match experiment.integrator.step() {
        Some(step) => evidence.of_descent(step),
        None => evidence,
    }
}

/// Processor time of this thread's process so far, where the system tells (nanoseconds in the first field).
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds * 1e-9)
}
