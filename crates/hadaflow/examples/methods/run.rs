//! One integration, and how it compares with a more accurate one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use hadaflow::core::event::{Event, LossBelow, Stationary};
use hadaflow::core::flow::{Evaluation, Flow};
use hadaflow::core::integrate::{DiffsolIntegrator, Integrator, Method, Schedule, Task};
use hadaflow::core::mirror::Position;
use hadaflow::core::outcome::Outcome;
use hadaflow::core::record::{Recorder, Snapshot, retain_rows};

use crate::report::Taken;

/// Steps and seconds after which a run is given up.
const MAX_STEPS: usize = 100_000;
const PATIENCE: f64 = 20.0;

/// What is kept of each output time.
#[derive(Default)]
pub struct Path {
    width: usize,
    dim: usize,
    pub t: Vec<f64>,
    loss: Vec<f64>,
    weights: Vec<f64>,
    states: Vec<f64>,
}

impl Recorder for Path {
    fn record(&mut self, snapshot: &Snapshot) {
        (self.width, self.dim) = (snapshot.evaluation.weights.len(), snapshot.state.len());
        self.t.push(snapshot.t.hi);
        self.loss.push(snapshot.loss);
        self.weights.extend_from_slice(&snapshot.evaluation.weights);
        self.states.extend_from_slice(snapshot.state);
    }

    fn retain(&mut self, keep: &[bool]) {
        retain_rows(&mut self.t, 1, keep);
        retain_rows(&mut self.loss, 1, keep);
        retain_rows(&mut self.weights, self.width, keep);
        retain_rows(&mut self.states, self.dim, keep);
    }
}

impl Path {
    fn weights(&self, row: usize) -> &[f64] {
        &self.weights[row * self.width..(row + 1) * self.width]
    }

    fn state(&self, row: usize) -> &[f64] {
        &self.states[row * self.dim..(row + 1) * self.dim]
    }
}

/// One integration.
pub struct Run {
    /// The event that stopped it, or how else it ended.
    pub ended: String,
    pub path: Path,
    steps: usize,
    rhs: usize,
}

/// Integrates as a scenario does by default.
pub fn integrate(flow: &Arc<dyn Flow>, method: &dyn Integrator, tolerance: f64, schedule: Schedule) -> Run {
    let problem = flow.problem();
    let events: Vec<Box<dyn Event>> = vec![
        Box::new(LossBelow::relative(1e-12, &problem.measurements)),
        Box::new(Stationary::new(1e-9, flow.signed(), problem)),
    ];
    let (flow, mismatches, resume) = (flow.clone(), Vec::new(), None);
    let task = Task {
        flow,
        tolerance,
        max_steps: MAX_STEPS,
        schedule,
        events,
        mismatches,
        resume,
    };
    let (start, mut path) = (Instant::now(), Path::default());
    let mut patient = |_| start.elapsed().as_secs_f64() < PATIENCE;
    // a panic would be a defect: it is reported with the others
    let result = catch_unwind(AssertUnwindSafe(|| method.integrate(&task, &mut path, &mut patient)));
    let (ended, statistics) = match result {
        Err(_) => ("panic".to_owned(), None),
        Ok(Err(error)) => (error.to_string(), None),
        Ok(Ok(integration)) => {
            let ended = match &integration.outcome {
                Outcome::Stopped { event } => event.clone(),
                other => other.kind().to_owned(),
            };
            (ended, Some(integration.statistics))
        }
    };
    let statistics = statistics.unwrap_or_default();
    Run {
        ended,
        path,
        steps: statistics.steps,
        rhs: statistics.rhs,
    }
}

/// What the others are compared with, and max(‖w‖_∞, t‖w′‖_∞) at each of its times.
pub struct Reference {
    pub run: Run,
    units: Vec<f64>,
}

impl Reference {
    /// The run in that flow.
    pub fn of(flow: Arc<dyn Flow>, tolerance: f64, schedule: Schedule) -> Self {
        let run = integrate(&flow, &DiffsolIntegrator::new(Method::Bdf), tolerance, schedule);
        let (m, n) = (flow.problem().rows(), flow.problem().cols());
        let (mut evaluation, mut position) = (Evaluation::new(m, n), Position::new(n, flow.signed()));
        let (mut metric, mut pull) = (vec![0.0; n], vec![0.0; n]);
        let mut unit = |row: usize| {
            // w′ = (1/F″)∘Aᵀr
            flow.evaluate(run.path.state(row), &mut evaluation);
            flow.position(run.path.state(row), &evaluation, &mut position);
            flow.mirror().inverse_metric(&position, &mut metric);
            flow.problem().operator.apply_adjoint(&evaluation.residual, &mut pull);
            let speed = metric
                .iter()
                .zip(&pull)
                .fold(0.0f64, |a, (metric, pull)| a.max((metric * pull).abs()));
            largest(run.path.weights(row)).max(run.path.t[row] * speed)
        };
        let units = (0..run.path.t.len()).map(&mut unit).collect();
        Self { run, units }
    }

    /// How a run fared.
    pub fn judge(&self, run: &Run, cpu_s: f64) -> Taken {
        let (own, other) = (&self.run.path, &run.path);
        // the last record is the end, wherever that was
        let common = own.t.len().min(other.t.len()).saturating_sub(1);
        let over = |error: &dyn Fn(usize) -> f64| (0..common).map(error).fold(0.0, worse);
        let weights = |row: usize, k: usize| difference(own.weights(row), other.weights(k));
        let loss = over(&|row| (own.loss[row] - other.loss[row]).abs() / own.loss[0]);
        // a signed model starts at w = 0, where there is nothing to compare with
        let path = over(&|row| weights(row, row) / self.units[row].max(f64::MIN_POSITIVE));
        let (end, last) = (own.t.len().saturating_sub(1), other.t.len().saturating_sub(1));
        let end = if other.t.is_empty() || own.t.is_empty() {
            f64::NAN
        } else {
            weights(end, last) / largest(own.weights(end))
        };
        let rounded = |x: f64| {
            if x.is_finite() {
                format!("{x:.2e}").parse().unwrap_or(UNKNOWN)
            } else {
                UNKNOWN
            }
        };
        Taken {
            ended: run.ended.clone(),
            cpu_s: rounded(cpu_s),
            loss: rounded(loss),
            path: rounded(path),
            end: rounded(end),
            steps: run.steps,
            rhs: run.rhs,
        }
    }
}

/// An error that is not a number.
const UNKNOWN: f64 = 1e99;

/// The larger, where NaN is larger than all.
fn worse(a: f64, b: f64) -> f64 {
    if b.is_nan() || b > a { b } else { a }
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |a, v| worse(a, v.abs()))
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |worst, (a, b)| worse(worst, (a - b).abs()))
}
