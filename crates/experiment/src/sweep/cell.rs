//! Computing one cell.

use hadaflow_analysis::observable::{self, Context, Observable};
use hadaflow_analysis::prediction::{Kind, Verdict};
use hadaflow_analysis::reference::{
    Computed, Minimiser, Origin, Projection, Uniqueness, flow_limit, l1_gap, quick_limit, source_condition,
};
use hadaflow_core::error::CoreError;
use hadaflow_core::event::{Event, Marked, Near};
use hadaflow_core::flow::{Evaluation, Flow};
use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Schedule;
use hadaflow_core::mirror::Position;
use hadaflow_core::outcome::Outcome;
use hadaflow_core::record::{Recorder, Snapshot};
use hadaflow_core::special::DoubleDouble;
use nalgebra::DMatrix;

use super::column::{Columns, L1_GAP, PREDICTED_SLOPE, RECOVERY_TIME, VERDICTS};
use super::grid::without_place;
use super::{Grid, Mode, Row, Success, SweepError};
use crate::error::ExperimentError;
use crate::resolve::{Experiment, Library, REFERENCES, inputs, resolve_with};
use crate::run::run;
use crate::scenario::{Scenario, Selection};

/// A limit that is this accurate, relative to the largest weight, needs no second route.
const ACCURATE: f64 = 1e-12;
/// One that is this accurate is used where the second route fails.
const USABLE: f64 = 1e-8;

/// Computes cell `cell`; `go_on` is asked at each step and ends everything by returning false, and then there is no row.
///
/// Nothing a cell does is an error: what cannot be computed is an outcome.
pub fn compute(grid: &Grid, columns: &Columns, library: &Library, cell: u64, go_on: &dyn Fn() -> bool) -> Option<Row> {
    let (place, trial) = grid.place(cell);
    let mut row = Row {
        cell,
        seed: grid.seed(&place, trial),
        scenario: [0; 32],
        outcome: "refused".to_owned(),
        message: String::new(),
        numbers: vec![f64::NAN; columns.numbers().len()],
        seconds: 0.0,
    };
    if !go_on() {
        return None;
    }
    match experiment(grid, columns, library, cell, &mut row) {
        Err(error) => row.message = reason(&error),
        Ok(experiment) => {
            let mut sheet = Sheet {
                columns,
                experiment: &experiment,
                row: &mut row,
            };
            sheet.fill_points();
            let done = match grid.sweep.settings.mode {
                Mode::Limit => sheet.limit(),
                Mode::Flow if columns.verdicts() => sheet.assessed_flow(go_on),
                Mode::Flow => sheet.flow(grid.sweep.settings.success, go_on),
            };
            if let Err(error) = done {
                "refused".clone_into(&mut row.outcome);
                row.message = error.to_string();
            }
        }
    }
    (row.outcome != Outcome::Interrupted.kind()).then_some(row)
}

/// Why a cell has no experiment, without the path of a file: a table does not depend on where its sweep lies.
fn reason(error: &ExperimentError) -> String {
    match error {
        ExperimentError::Sweep(SweepError::Cell { reason, .. }) => reason.clone(),
        ExperimentError::Scenario(error) => without_place(error.clone()),
        ExperimentError::Input { source, .. } => source.to_string(),
        ExperimentError::Read(error) => error.fault.to_string(),
        other => other.to_string(),
    }
}

/// The experiment of a cell, with the references that are asked for; its seed and identity go to the row.
fn experiment(
    grid: &Grid,
    columns: &Columns,
    library: &Library,
    cell: u64,
    row: &mut Row,
) -> Result<Experiment, ExperimentError> {
    let original = grid.scenario(cell)?;
    row.seed = original.seed;
    let mut scenario = original.clone();
    scenario.predictions = grid.sweep.settings.predictions.clone();
    scenario.figures = Selection::None;
    if columns.verdicts() {
        let listed = |name: &str| columns.references.iter().any(|listed| listed == name);
        if columns
            .references
            .iter()
            .any(|name| !original.references.contains(name))
        {
            let both = |name: &&str| original.references.contains(name) || listed(name);
            scenario.references = Selection::Named(REFERENCES.into_iter().filter(both).map(str::to_owned).collect());
        }
    } else {
        scenario.references = Selection::Named(columns.references.clone());
    }
    let experiment = resolve_with(scenario, &grid.sweep.origin, library)?;
    row.scenario = identity(&original, &experiment);
    Ok(experiment)
}

/// The bytes of the hash that `hadaflow run` would report.
fn identity(original: &Scenario, experiment: &Experiment) -> [u8; 32] {
    let hash = inputs::content_hash(original, &experiment.inputs);
    let mut bytes = [0; 32];
    for (k, byte) in bytes.iter_mut().enumerate() {
        let digits = hash.get(2 * k..2 * k + 2).unwrap_or("00");
        *byte = u8::from_str_radix(digits, 16).unwrap_or(0);
    }
    bytes
}

/// The row of a cell that is being filled.
struct Sheet<'a> {
    columns: &'a Columns,
    experiment: &'a Experiment,
    row: &'a mut Row,
}

impl Sheet<'_> {
    fn put(&mut self, column: &str, value: f64) {
        let mut names = self.columns.numbers().into_iter();
        if let Some(index) = names.position(|name| name == column) {
            self.row.numbers[index] = value;
        }
    }

    fn end(&mut self, outcome: &str, message: impl Into<String>) {
        outcome.clone_into(&mut self.row.outcome);
        self.row.message = message.into();
    }

    /// What is known of the reference points.
    fn fill_points(&mut self) {
        for reference in &self.experiment.references {
            let error = self.relative_error(&reference.point);
            self.put(&format!("l1_norm_{}", reference.name), reference.l1_norm);
            self.put(&format!("relative_error_{}", reference.name), error);
        }
    }

    /// ‖w − w*‖/‖w*‖; 0 where both vanish, NaN without a truth.
    fn relative_error(&self, w: &[f64]) -> f64 {
        let Some(truth) = &self.experiment.problem.truth else {
            return f64::NAN;
        };
        let norm = |entries: &mut dyn Iterator<Item = f64>| entries.map(|x| x * x).sum::<f64>().sqrt();
        let error = norm(&mut w.iter().zip(truth).map(|(w, z)| w - z));
        if error == 0.0 {
            0.0
        } else {
            error / norm(&mut truth.iter().copied())
        }
    }

    /// The flow from start to end, with nothing in between recorded and nothing integrated that is not asked for.
    fn flow(&mut self, success: Option<Success>, go_on: &dyn Fn() -> bool) -> Result<(), CoreError> {
        let mut task = self.experiment.task(None)?;
        task.schedule = Schedule::Times(Vec::new());
        task.mismatches = Vec::new();
        let recovery = self.recovery(success);
        let mark = recovery.as_ref().map(Event::name);
        task.events
            .extend(recovery.map(|near| Box::new(Marked(Box::new(near))) as Box<dyn Event>));
        let mut last = Last::new(self.experiment, self.columns);
        let integration = self
            .experiment
            .integrator
            .integrate(&task, &mut last, &mut |_| go_on())?;
        self.put("t_end", integration.end.t.hi);
        if let Some(found) = integration
            .end
            .marks
            .iter()
            .find(|found| Some(&found.event) == mark.as_ref())
        {
            self.put(RECOVERY_TIME, found.t.hi);
        }
        self.finish(&last);
        self.outcome(&integration.outcome);
        Ok(())
    }

    /// What is marked as the recovery, if its time is asked for and there is something to recover.
    fn recovery(&self, success: Option<Success>) -> Option<Near> {
        let Success::DistanceBelow(x) = success?;
        let asked = self.columns.measured.iter().any(|column| column == RECOVERY_TIME);
        let truth = self.experiment.problem.truth.as_ref().filter(|_| asked)?;
        let radius = x * truth.iter().map(|z| z * z).sum::<f64>().sqrt();
        (radius > 0.0).then(|| Near::new(truth.clone(), radius))
    }

    fn outcome(&mut self, outcome: &Outcome) {
        let message = if outcome.is_stopped() {
            String::new()
        } else {
            outcome.explain()
        };
        self.end(outcome.kind(), message);
    }

    fn finish(&mut self, last: &Last) {
        for (name, value) in &last.values {
            self.put(name, *value);
        }
        self.put("relative_error", self.relative_error(&last.weights));
    }

    /// The flow as the scenario records it, and the verdicts on it.
    fn assessed_flow(&mut self, go_on: &dyn Fn() -> bool) -> Result<(), CoreError> {
        let done = run(self.experiment, None, &mut |_| go_on())?;
        self.put("t_end", done.integration.end.t.hi);
        for name in &self.columns.measured {
            let value = done.findings.evidence.column(name).last().copied();
            self.put(name, value.unwrap_or(f64::NAN));
        }
        let flow = self.experiment.choice.flow.as_ref();
        let mut evaluation = Evaluation::new(self.experiment.problem.rows(), self.experiment.problem.cols());
        flow.evaluate(&done.integration.end.state, &mut evaluation);
        self.put("relative_error", self.relative_error(&evaluation.weights));
        let mut counts = [0_u32; 4];
        for assessment in &done.findings.assessments {
            let theorem = assessment.prediction.kind() == Kind::Theorem;
            let index = match &assessment.verdict {
                Verdict::Holds(_) => 0,
                Verdict::Violated(_) if theorem => 1,
                Verdict::Violated(_) => 3,
                Verdict::Inapplicable { .. } => 2,
            };
            counts[index] += 1;
        }
        for (name, count) in VERDICTS.iter().zip(counts) {
            self.put(name, f64::from(count));
        }
        self.outcome(&done.integration.outcome);
        Ok(())
    }

    /// Where the flow tends.
    fn limit(&mut self) -> Result<(), CoreError> {
        let experiment = self.experiment;
        let unsupported = |what: &str, hint| CoreError::Unsupported {
            what: what.to_owned(),
            hint,
        };
        let a = experiment.problem.operator.dense();
        let a = a.ok_or_else(|| unsupported("the limit needs the matrix stored densely", "mode: Flow"))?;
        let x0 = experiment.setting.start();
        let x0 = x0.ok_or_else(|| unsupported("the limit needs factors that all start alike", "mode: Flow"))?;
        let flow = experiment.choice.flow.as_ref();
        let sign = if flow.signed() { Sign::Signed } else { Sign::Positive };
        let depth = experiment.scenario.model.depth;
        let y = &experiment.problem.measurements;
        // the gap can be far smaller than rounding of the weights, and needs each to its own accuracy
        let gap = self.columns.measured.iter().any(|column| column == L1_GAP);
        let quick = (!gap).then(|| quick_limit(a, y, depth, sign, &x0)).flatten();
        let (weights, attained) = match quick {
            Some(quick) if quick.accuracy <= ACCURATE => (quick.weights, quick.attained),
            quick => {
                let found = flow_limit(a, y, depth, sign, &x0)?;
                match (found.end, quick) {
                    (Computed::Value(end), _) => (end.weights, matches!(found.projection, Projection::Attained(_))),
                    (_, Some(quick)) if quick.accuracy <= USABLE => (quick.weights, quick.attained),
                    (Computed::Failed { reason }, _) => {
                        self.end("failed", reason);
                        return Ok(());
                    }
                }
            }
        };
        let mut last = Last::new(experiment, self.columns);
        show(flow, &weights, &mut last);
        self.finish(&last);
        let minimiser = experiment
            .references
            .iter()
            .find_map(|reference| match &reference.origin {
                Origin::BasisPursuit(minimiser) => Some(minimiser),
                _ => None,
            });
        if let Some(minimiser) = minimiser
            && let Ok(gap) = l1_gap(a, &weights, &minimiser.certificate.nu)
        {
            self.put(L1_GAP, gap);
        }
        let asked = self.columns.measured.iter().any(|column| column == PREDICTED_SLOPE);
        if let Some(minimiser) = minimiser.filter(|_| asked) {
            self.put(PREDICTED_SLOPE, predicted_slope(a, minimiser, sign, depth));
        }
        self.end(if attained { "attained" } else { "not_attained" }, "");
        Ok(())
    }
}

/// The exponent of α in the ℓ1 gap as α → 0: 2(1−ρ) for L = 2, L for L > 2 (arXiv 2506.01143). NaN where there is none:
/// several minimisers, a minimiser 0, or (positive model) a minimiser that is the only solution.
fn predicted_slope(a: &DMatrix<f64>, minimiser: &Minimiser, sign: Sign, depth: usize) -> f64 {
    let alone = matches!(minimiser.uniqueness, Uniqueness::Unique) && !minimiser.support.is_empty();
    match source_condition(a, &minimiser.point, sign) {
        Computed::Value(found) if alone && found.rho.is_finite() && depth == 2 => 2.0 * (1.0 - found.rho),
        Computed::Value(found) if alone && found.rho.is_finite() => depth as f64, // at most 64
        _ => f64::NAN,
    }
}

/// Shows weights to a recorder whose observables are functions of the weights alone.
fn show(flow: &dyn Flow, weights: &[f64], recorder: &mut dyn Recorder) {
    let problem = flow.problem();
    let mut evaluation = Evaluation::new(problem.rows(), problem.cols());
    evaluation.weights.copy_from_slice(weights);
    problem.operator.apply(weights, &mut evaluation.residual);
    problem.subtract_from_measurements(&mut evaluation.residual);
    recorder.record(&Snapshot {
        flow,
        t: DoubleDouble::ZERO,
        steps: 0,
        state: &[],
        loss: evaluation.loss(),
        evaluation: &evaluation,
        loss_integral: DoubleDouble::ZERO,
        dual: &[],
        increments: &[],
        place: Position::new(problem.cols(), flow.signed()).into(),
    });
}

/// The latest values of the observables that are asked for.
struct Last {
    context: Context,
    observables: Vec<(String, Box<dyn Observable>)>,
    values: Vec<(String, f64)>,
    weights: Vec<f64>,
}

impl Last {
    fn new(experiment: &Experiment, columns: &Columns) -> Self {
        let context = experiment.context();
        let all = observable::all(experiment.choice.flow.as_ref(), &context).into_iter();
        let named = all.map(|observable| (observable.label().column, observable));
        let observables = named.filter(|(name, _)| columns.measured.contains(name)).collect();
        Self {
            context,
            observables,
            values: Vec::new(),
            weights: Vec::new(),
        }
    }
}

impl Recorder for Last {
    fn record(&mut self, snapshot: &Snapshot) {
        let measure = |(name, observable): &(String, Box<dyn Observable>)| {
            (name.clone(), observable.measure(snapshot, &self.context))
        };
        self.values = self.observables.iter().map(measure).collect();
        self.weights.clone_from(&snapshot.evaluation.weights);
    }

    /// Only the latest record is kept, and that is never dropped.
    fn retain(&mut self, _keep: &[bool]) {}
}
