//! Loading what a run saved: to assess it again, draw it again, or continue it; and trajectories computed elsewhere.

use std::collections::BTreeMap;
use std::path::Path;

use hadaflow_analysis::prediction::{self, Family};
use hadaflow_core::flow::{Flow, LogFlow};
use hadaflow_core::integrate::{Checkpoint, Mark};
use hadaflow_core::record::{Recorder, Snapshot};
use hadaflow_core::special::DoubleDouble;
use hadaflow_core::trajectory::Trajectory;

use super::save::{event_names, family_path};
use super::{Findings, assess, empty_series};
use crate::error::ExperimentError;
use crate::resolve::{Experiment, resolve};
use crate::scenario;
use crate::write::{Array, read_npz};

/// A saved run, assessed again.
pub struct Saved {
    /// The experiment, resolved from the saved scenario.
    pub experiment: Experiment,
    /// Its records, with fresh verdicts.
    pub findings: Findings,
}

/// Loads the run in `directory` and assesses its records again, without integrating.
///
/// # Errors
/// If the directory does not hold a complete run, or its parts do not fit together.
pub fn load(directory: &Path) -> Result<Saved, ExperimentError> {
    let path = directory.join("scenario.ron");
    if !path.exists() {
        return Err(bad(directory, "it holds no run (no scenario.ron)"));
    }
    let experiment = resolve(scenario::read(&path)?, &path)?;
    let trajectory = read_trajectory(&experiment, directory)?;
    let mut series = empty_series(&experiment);
    let mut comparison = Comparison {
        weights: &trajectory.weights,
        row: 0,
        worst: (0.0, 0),
    };
    trajectory.replay(experiment.choice.flow.as_ref(), &mut (&mut series, &mut comparison));
    // Both were computed by the same operations on the same machine; another one may round differently.
    let (difference, row) = comparison.worst;
    if !matches!(difference, 0.0..=1e-9) {
        let reason =
            format!("row {row} of w differs by {difference:.1e} from the weights of its state: it was altered");
        return Err(bad(directory, &reason));
    }
    let families = read_families(directory)?;
    let findings = assess(&experiment, trajectory, series, true, families);
    Ok(Saved { experiment, findings })
}

/// The families of runs that were saved with a run.
fn read_families(directory: &Path) -> Result<BTreeMap<String, Family>, ExperimentError> {
    let mut families = BTreeMap::new();
    for prediction in prediction::catalogue().iter().filter(|p| p.spans_runs()) {
        let name = prediction.name();
        let path = family_path(directory, name);
        if !path.exists() {
            continue;
        }
        let columns = read_npz(&path)?.into_iter().map(|(column, array)| (column, array.data));
        let family = Family {
            columns: columns.collect(),
        };
        if family.is_empty() {
            return Err(bad(
                directory,
                &format!("families/{name}.npz has no members: it was altered"),
            ));
        }
        families.insert(name.to_owned(), family);
    }
    Ok(families)
}

/// The records and the checkpoint of an interrupted run of `experiment` in `directory`.
///
/// # Errors
/// If there is no checkpoint, or it does not fit the experiment.
pub fn resumable(experiment: &Experiment, directory: &Path) -> Result<(Trajectory, Checkpoint), ExperimentError> {
    let path = directory.join("checkpoint.npz");
    if !path.exists() {
        return Err(bad(
            directory,
            "there is no interrupted run to resume (no checkpoint.npz)",
        ));
    }
    let arrays = Arrays {
        directory,
        arrays: read_npz(&path)?,
    };
    let outputs = 1
        + experiment.references.len()
        + if experiment.choice.flow.state_is_dual() {
            0
        } else {
            experiment.problem.rows()
        };
    let clock = arrays.get("t", 2)?;
    let (integrals, integrals_lo) = (arrays.get("integrals", outputs)?, arrays.get("integrals_lo", outputs)?);
    let (state, steps) = (
        arrays.get("state", experiment.choice.flow.dim())?,
        arrays.get("steps", 1)?,
    );
    let damaged = [
        ("t", clock.iter().all(|t| t.is_finite()) && clock[0] >= 0.0),
        ("state", state.iter().all(|x| x.is_finite())),
        ("integrals", integrals.iter().chain(integrals_lo).all(|x| x.is_finite())),
        ("steps", steps[0].is_finite() && steps[0] >= 0.0),
    ];
    if let Some((name, _)) = damaged.iter().find(|(_, sound)| !sound) {
        let reason = format!("{name} in checkpoint.npz cannot be: it was altered");
        return Err(bad(directory, &reason));
    }
    let checkpoint = Checkpoint {
        t: DoubleDouble::new(clock[0], clock[1]),
        state: state.to_vec(),
        integrals: doubles(integrals, integrals_lo),
        steps: steps[0] as usize, // written from a usize
        marks: marks(experiment, &arrays)?,
    };
    Ok((read_trajectory(experiment, directory)?, checkpoint))
}

/// The times marked before an interruption; none in a checkpoint that has no such array.
fn marks(experiment: &Experiment, arrays: &Arrays) -> Result<Vec<Mark>, ExperimentError> {
    let Some(rows) = arrays.arrays.get("marks") else {
        return Ok(Vec::new());
    };
    let events = event_names(experiment)?;
    let mark = |row: &[f64]| {
        let event = events.iter().enumerate().find(|(k, _)| *k as f64 == row[0]); // far below 2^53 events
        let altered = || bad(arrays.directory, "marks in checkpoint.npz cannot be: it was altered");
        let (_, event) = event
            .filter(|_| row[1] >= 0.0 && row[1].is_finite())
            .ok_or_else(altered)?;
        Ok(Mark {
            event: event.clone(),
            t: DoubleDouble::new(row[1], row[2]),
        })
    };
    rows.data.chunks_exact(3).map(mark).collect()
}

/// A trajectory computed elsewhere (an `.npz` with `t`, k entries, and `w`, k × n), assessed on the problem of
/// `experiment`. Its integrals are unknown, so only what needs none is assessed.
///
/// # Errors
/// If the arrays do not fit, or some w lies outside the domain of the flow.
pub fn external(experiment: &Experiment, path: &Path) -> Result<Findings, ExperimentError> {
    let arrays = Arrays {
        directory: path,
        arrays: read_npz(path)?,
    };
    let n = experiment.problem.cols();
    let t = arrays
        .arrays
        .get("t")
        .map(|array| array.data.clone())
        .ok_or_else(|| bad(path, "there is no array t"))?;
    if t.is_empty() || t.windows(2).any(|pair| pair[0] >= pair[1]) || t.iter().any(|t| !t.is_finite() || *t < 0.0) {
        return Err(bad(path, "t must hold finite, nonnegative, increasing times"));
    }
    let weights = arrays.get("w", t.len() * n)?;
    let flow = log_flow(experiment, path)?;
    let mut trajectory = Trajectory::new();
    for (row, (&t, w)) in t.iter().zip(weights.chunks_exact(n)).enumerate() {
        let outside = || {
            bad(
                path,
                &format!("row {row} of w is not finite or outside the domain of the flow"),
            )
        };
        if w.iter().any(|w| !w.is_finite()) {
            return Err(outside());
        }
        let position = flow.mirror().anchor(w).ok_or_else(outside)?.position;
        if position.plus.iter().chain(&position.minus).any(|x| !x.is_finite()) {
            return Err(outside());
        }
        trajectory.t.push(DoubleDouble::new(t, 0.0));
        trajectory.weights.extend_from_slice(w);
        for i in 0..n {
            trajectory.state.push(position.plus[i]);
            trajectory.state.extend(position.minus.get(i));
        }
    }
    let rows = t.len();
    trajectory.steps = vec![0; rows];
    trajectory.dual = vec![0.0; rows * experiment.problem.rows()];
    trajectory.loss_integral = vec![DoubleDouble::new(f64::NAN, 0.0); rows];
    trajectory.increments = vec![f64::NAN; rows * (1 + experiment.references.len())];
    let mut series = empty_series(experiment);
    trajectory.replay(&flow, &mut series);
    Ok(assess(experiment, trajectory, series, false, BTreeMap::new()))
}

/// The log flow of an experiment: its state can be read off w.
fn log_flow(experiment: &Experiment, path: &Path) -> Result<LogFlow, ExperimentError> {
    let refused = |source| ExperimentError::Input {
        file: path.to_owned(),
        source,
    };
    let model = &experiment.setting.model;
    let x0 = experiment
        .setting
        .start()
        .ok_or_else(|| bad(path, "w alone does not say where factors stand that start differently"))?;
    LogFlow::new(experiment.problem.clone(), model.depth, model.sign, &x0).map_err(refused)
}

/// Compares the saved weights with those of the saved states, relative to the largest of each row.
struct Comparison<'a> {
    weights: &'a [f64],
    row: usize,
    worst: (f64, usize),
}

impl Recorder for Comparison<'_> {
    fn record(&mut self, snapshot: &Snapshot) {
        let now = &snapshot.evaluation.weights;
        let size = now.iter().fold(f64::MIN_POSITIVE, |a, w| a.max(w.abs()));
        if let Some(saved) = self.weights.get(self.row * now.len()..(self.row + 1) * now.len()) {
            for (a, b) in now.iter().zip(saved) {
                let difference = (a - b).abs() / size;
                if difference > self.worst.0 || difference.is_nan() {
                    self.worst = (difference, self.row);
                }
            }
        }
        self.row += 1;
    }

    fn retain(&mut self, _keep: &[bool]) {}
}

fn bad(directory: &Path, reason: &str) -> ExperimentError {
    ExperimentError::BadRun {
        directory: directory.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Arrays of a file, asked for by name and length.
struct Arrays<'a> {
    directory: &'a Path,
    arrays: BTreeMap<String, Array>,
}

impl Arrays<'_> {
    fn get(&self, name: &str, length: usize) -> Result<&[f64], ExperimentError> {
        let array = self
            .arrays
            .get(name)
            .ok_or_else(|| bad(self.directory, &format!("the array {name} is missing")))?;
        if array.data.len() == length {
            return Ok(&array.data);
        }
        let found = array.data.len();
        Err(bad(
            self.directory,
            &format!("the array {name} has {found} entries where {length} belong"),
        ))
    }
}

fn doubles(hi: &[f64], lo: &[f64]) -> Vec<DoubleDouble> {
    hi.iter().zip(lo).map(|(&hi, &lo)| DoubleDouble::new(hi, lo)).collect()
}

fn read_trajectory(experiment: &Experiment, directory: &Path) -> Result<Trajectory, ExperimentError> {
    let arrays = Arrays {
        directory,
        arrays: read_npz(&directory.join("trajectory.npz"))?,
    };
    let k = arrays.arrays.get("t").map_or(0, |array| array.data.len());
    let t = doubles(arrays.get("t", k)?, arrays.get("t_lo", k)?);
    let follows = |row: usize| {
        let (now, finite) = (t[row], t[row].hi.is_finite() && t[row].lo.is_finite());
        finite && now.hi >= 0.0 && (row == 0 || (t[row - 1].hi, t[row - 1].lo) < (now.hi, now.lo))
    };
    if let Some(row) = (0..k).find(|&row| !follows(row)) {
        let reason = format!("row {row} of t is no time after the one before it: it was altered");
        return Err(bad(directory, &reason));
    }
    let (m, n) = (experiment.problem.rows(), experiment.problem.cols());
    let integrals = 1 + experiment.references.len();
    let keep_weights = arrays.arrays.contains_key("w");
    let steps = arrays.get("steps", k)?;
    if let Some(row) = (0..k).find(|&row| !(steps[row] >= 0.0 && (row == 0 || steps[row - 1] <= steps[row]))) {
        let reason = format!("row {row} of steps is no count after the one before it: it was altered");
        return Err(bad(directory, &reason));
    }
    Ok(Trajectory {
        t,
        steps: steps.iter().map(|&steps| steps as usize).collect(), // written from a usize

        weights: if keep_weights {
            arrays.get("w", k * n)?.to_vec()
        } else {
            Vec::new()
        },
        dual: arrays.get("q", k * m)?.to_vec(),
        state: arrays.get("state", k * experiment.choice.flow.dim())?.to_vec(),
        loss_integral: doubles(arrays.get("loss_integral", k)?, arrays.get("loss_integral_lo", k)?),
        increments: arrays.get("increments", k * integrals)?.to_vec(),
        keep_weights,
    })
}
