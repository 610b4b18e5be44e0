//! Running an experiment, and assessing what it recorded.

mod report;
mod save;
mod saved;

use std::time::Instant;

use hadaflow_analysis::observable;
use hadaflow_analysis::prediction::{self, Assessment};
use hadaflow_analysis::report::{Descent, Evidence};
use hadaflow_analysis::series::Series;
use hadaflow_analysis::stability::stability_edge;
use hadaflow_core::error::CoreError;
use hadaflow_core::integrate::{Checkpoint, Integration, Progress};
use hadaflow_core::record::{Recorder, Snapshot};
use hadaflow_core::trajectory::Trajectory;

use crate::resolve::Experiment;

pub use report::{predictions, report};
pub(crate) use save::relative;
pub use save::{Artifacts, TableFormat, plot, prepare_directory, save};
pub use saved::{Saved, external, load, resumable};

/// Weights are kept at all recorded times up to this many bytes; beyond, they are recomputed from the states on demand.
const WEIGHT_BYTES: usize = 512 << 20;

/// What was recorded, and what it means.
pub struct Findings {
    /// The raw record.
    pub trajectory: Trajectory,
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
}

/// Integrate and assess. `control` is told about each step and interrupts the run by returning false.
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
    let integration = experiment.integrator.integrate(&task, &mut recorder, control)?;
    let wall_seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds().zip(cpu).map(|(end, start)| end - start);
    let findings = assess(experiment, trajectory, series, true);
    Ok(Run {
        integration,
        findings,
        wall_seconds,
        cpu_seconds,
    })
}

/// The verdicts of the predictions the scenario asks for.
fn assess(experiment: &Experiment, trajectory: Trajectory, series: Series, integrals_with_flow: bool) -> Findings {
    let evidence = evidence(experiment, &trajectory, &series, integrals_with_flow);
    let assessments = prediction::assess(&evidence, |name| experiment.scenario.predictions.contains(name));
    Findings {
        trajectory,
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
fn evidence(experiment: &Experiment, trajectory: &Trajectory, series: &Series, integrals_with_flow: bool) -> Evidence {
    let mirror = experiment.choice.flow.mirror();
    // the accuracy of log u, relative to the promise on w, squared as D is quadratic in it
    let accuracy = experiment.choice.flow.cancellation().powi(2);
    let size = |reference: &hadaflow_analysis::reference::Reference| {
        reference
            .anchor
            .as_ref()
            .map_or(0.0, |anchor| accuracy * mirror.size(anchor))
    };
    let mut columns = series.by_name();
    if !integrals_with_flow {
        // nobody integrated them, and w alone does not tell the factors: better no column than an empty one
        let unknown = [
            "integral",
            "increment",
            "dual_bound",
            "conserved_drift",
            "product_drift",
        ];
        columns.retain(|name, _| !unknown.iter().any(|part| name.contains(part)));
    }
    let descent = experiment.integrator.step().map(|step| Descent {
        step,
        edge: edge(experiment, trajectory).filter(|_| integrals_with_flow),
    });
    Evidence {
        columns,
        reference_sizes: experiment.references.iter().map(size).collect(),
        references: experiment.references.clone(),
        tolerance: experiment.scenario.integrate.tolerance,
        depth: experiment.scenario.model.depth,
        signed: experiment.choice.flow.signed(),
        integrals_with_flow,
        descent,
    }
}

/// The largest stable step of gradient descent at the last recorded state.
fn edge(experiment: &Experiment, trajectory: &Trajectory) -> Option<f64> {
    let flow = experiment.choice.flow.as_ref();
    let last = trajectory.state.len().checked_sub(flow.dim())?;
    stability_edge(flow, &trajectory.state[last..])
}

/// Processor time of this thread's process so far, where the system tells (nanoseconds in the first field).
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds * 1e-9)
}
