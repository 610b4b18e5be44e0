//! Writing a run: every file whole or not at all, the report last.

use std::path::{Path, PathBuf};

use hadaflow_analysis::prediction;
use hadaflow_core::integrate::{Checkpoint, Mark};
use hadaflow_core::outcome::Outcome;
use hadaflow_core::trajectory::Trajectory;

use super::Run;
use super::figures::{draw_all, save_figures};
use crate::error::ExperimentError;
use crate::page::page;
use crate::resolve::Experiment;
use crate::scenario;
use crate::write::{ArrayView, Table, write_bytes, write_json, write_npz, write_table_csv, write_table_parquet};

/// Format of the table of observables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableFormat {
    /// `series.parquet`.
    #[default]
    Parquet,
    /// `series.csv`.
    Csv,
}

/// What to write.
#[derive(Debug, Clone, Copy)]
pub struct Artifacts {
    /// Format of the table.
    pub table: TableFormat,
    /// Whether figures are drawn.
    pub figures: bool,
}

/// Makes the output directory and proves that it can be written to, before any work is done.
///
/// # Errors
/// If the path is a file, cannot be written to, or holds the run of another scenario (unless `force`).
pub fn prepare_directory(experiment: &Experiment, directory: &Path, force: bool) -> Result<(), ExperimentError> {
    let occupied = |reason: &str| ExperimentError::Occupied {
        directory: directory.to_owned(),
        reason: reason.to_owned(),
    };
    if directory.exists() && !directory.is_dir() {
        return Err(occupied("it is a file; --out takes a directory"));
    }
    let trouble = |error: std::io::Error| occupied(&format!("cannot be written to: {error}"));
    std::fs::create_dir_all(directory.join("figures")).map_err(trouble)?;
    let report = directory.join("report.json");
    if report.exists() && !force && saved_hash(&report).as_deref() != Some(experiment.hash.as_str()) {
        return Err(occupied(
            "it holds the run of another scenario; choose another --out, or --force to replace it",
        ));
    }
    let probe = directory.join(".probe");
    std::fs::write(&probe, b"probe")
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(trouble)
}

/// The scenario hash in a saved report.
fn saved_hash(report: &Path) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(report).ok()?).ok()?;
    Some(document.get("scenario")?.get("hash")?.as_str()?.to_owned())
}

/// Writes a run to `directory`. Returns the names of the files, relative to it.
///
/// # Errors
/// If a file cannot be written; no partial file then stands under its final name.
pub fn save(
    experiment: &Experiment,
    run: &Run,
    directory: &Path,
    artifacts: Artifacts,
) -> Result<Vec<String>, ExperimentError> {
    let mut files = Vec::new();
    save_trajectory(experiment, &run.findings.trajectory, &directory.join("trajectory.npz"))?;
    files.push("trajectory.npz".to_owned());
    files.push(save_series(experiment, run, directory, artifacts.table)?);
    files.extend(save_families(run, directory)?);
    let scenario = scenario::to_ron(&relocated(experiment, directory));
    write_bytes(&directory.join("scenario.ron"), scenario.as_bytes())?;
    files.push("scenario.ron".to_owned());
    let checkpoint = directory.join("checkpoint.npz");
    if run.integration.outcome == Outcome::Interrupted {
        save_checkpoint(experiment, &run.integration.end, &checkpoint)?;
        files.push("checkpoint.npz".to_owned());
    } else {
        // a checkpoint of an earlier, interrupted run is no longer of use; that there is none is fine
        let _ = std::fs::remove_file(&checkpoint);
    }
    let mut pictures = Vec::new();
    if artifacts.figures {
        pictures = draw_all(experiment, &run.findings)?;
        files.extend(save_figures(&pictures, directory)?);
    }
    files.extend(["report.html", "report.json"].map(str::to_owned));
    let report = super::report(experiment, run, &files);
    let page = page(&report, &scenario, &pictures);
    write_bytes(&directory.join("report.html"), page.as_bytes())?;
    write_json(&directory.join("report.json"), &report)?;
    Ok(files)
}

/// Where the family of a prediction is kept.
pub(super) fn family_path(directory: &Path, prediction: &str) -> PathBuf {
    directory.join("families").join(format!("{prediction}.npz"))
}

fn save_families(run: &Run, directory: &Path) -> Result<Vec<String>, ExperimentError> {
    let families = &run.findings.evidence.families;
    for prediction in prediction::catalogue()
        .iter()
        .filter(|p| !families.contains_key(p.name()))
    {
        // what an earlier run left would be taken for a part of this one; that there is nothing is fine
        let _ = std::fs::remove_file(family_path(directory, prediction.name()));
    }
    if !families.is_empty() {
        std::fs::create_dir_all(directory.join("families")).map_err(|error| ExperimentError::Occupied {
            directory: directory.to_owned(),
            reason: error.to_string(),
        })?;
    }
    let mut names = Vec::new();
    for (name, family) in families {
        let shape = [family.len()];
        let views: Vec<_> = family
            .columns
            .iter()
            .map(|(column, data)| (column.as_str(), ArrayView { shape: &shape, data }))
            .collect();
        write_npz(&family_path(directory, name), &views)?;
        names.push(format!("families/{name}.npz"));
    }
    Ok(names)
}

fn save_series(
    experiment: &Experiment,
    run: &Run,
    directory: &Path,
    format: TableFormat,
) -> Result<String, ExperimentError> {
    let metadata = [
        ("hadaflow_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("scenario_hash", experiment.hash.clone()),
        ("title", experiment.scenario.title.clone()),
    ];
    let table = Table {
        columns: run.findings.series.columns(),
        metadata: metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    };
    let (name, other) = match format {
        TableFormat::Parquet => ("series.parquet", "series.csv"),
        TableFormat::Csv => ("series.csv", "series.parquet"),
    };
    match format {
        TableFormat::Parquet => write_table_parquet(&directory.join(name), &table)?,
        TableFormat::Csv => write_table_csv(&directory.join(name), &table)?,
    }
    // the same table in the other format would be of an older run; that there is none is fine
    let _ = std::fs::remove_file(directory.join(other));
    Ok(name.to_owned())
}

/// Leading and trailing parts of double-doubles.
fn parts(values: &[hadaflow_core::special::DoubleDouble]) -> (Vec<f64>, Vec<f64>) {
    values.iter().map(|value| (value.hi, value.lo)).unzip()
}

fn save_trajectory(experiment: &Experiment, trajectory: &Trajectory, path: &Path) -> Result<(), ExperimentError> {
    let k = trajectory.len();
    let (m, n) = (experiment.problem.rows(), experiment.problem.cols());
    let d = experiment.choice.flow.dim();
    let (t, t_lo) = parts(&trajectory.t);
    let steps: Vec<f64> = trajectory.steps.iter().map(|&steps| steps as f64).collect(); // far below 2^53
    let (integral, integral_lo) = parts(&trajectory.loss_integral);
    let integrals = 1 + experiment.references.len();
    let y = &experiment.problem.measurements;
    let row_major: Option<Vec<f64>> = experiment.problem.operator.dense().map(|a| {
        a.row_iter()
            .flat_map(|row| row.iter().copied().collect::<Vec<f64>>())
            .collect()
    });
    let (rows, square, weights) = ([k], [m, n], [k, n]);
    let (dual, state, increments) = ([k, m], [k, d], [k, integrals]);
    let mut arrays: Vec<(&str, &[usize], &[f64])> = vec![
        ("t", &rows, &t),
        ("t_lo", &rows, &t_lo),
        ("q", &dual, &trajectory.dual),
        ("state", &state, &trajectory.state),
        ("loss_integral", &rows, &integral),
        ("loss_integral_lo", &rows, &integral_lo),
        ("steps", &rows, &steps),
        ("increments", &increments, &trajectory.increments),
        ("y", &square[..1], y),
    ];
    if trajectory.keep_weights {
        arrays.insert(2, ("w", &weights, &trajectory.weights));
    }
    if let Some(a) = &row_major {
        arrays.push(("A", &square, a));
    }
    if let Some(truth) = &experiment.problem.truth {
        arrays.push(("truth", &square[1..], truth));
    }
    let views: Vec<_> = arrays
        .iter()
        .map(|(name, shape, data)| (*name, ArrayView { shape, data }))
        .collect();
    Ok(write_npz(path, &views)?)
}

fn save_checkpoint(experiment: &Experiment, end: &Checkpoint, path: &Path) -> Result<(), ExperimentError> {
    let (integrals, integrals_lo) = parts(&end.integrals);
    let clock = [end.t.hi, end.t.lo];
    let steps = [end.steps as f64]; // far below 2^53
    let marks = marks(experiment, end)?;
    let (two, one, marked) = ([2], [1], [marks.len() / 3, 3]);
    let (d, p) = ([end.state.len()], [integrals.len()]);
    let views = [
        (
            "t",
            ArrayView {
                shape: &two,
                data: &clock,
            },
        ),
        (
            "state",
            ArrayView {
                shape: &d,
                data: &end.state,
            },
        ),
        (
            "integrals",
            ArrayView {
                shape: &p,
                data: &integrals,
            },
        ),
        (
            "integrals_lo",
            ArrayView {
                shape: &p,
                data: &integrals_lo,
            },
        ),
        (
            "steps",
            ArrayView {
                shape: &one,
                data: &steps,
            },
        ),
        (
            "marks",
            ArrayView {
                shape: &marked,
                data: &marks,
            },
        ),
    ];
    Ok(write_npz(path, &views)?)
}

/// Marked times as rows (number of the event, t, t_lo).
fn marks(experiment: &Experiment, end: &Checkpoint) -> Result<Vec<f64>, ExperimentError> {
    let events = event_names(experiment)?;
    let row = |mark: &Mark| {
        let event = events
            .iter()
            .position(|name| *name == mark.event)
            .unwrap_or(events.len());
        [event as f64, mark.t.hi, mark.t.lo] // far below 2^53 events
    };
    Ok(end.marks.iter().flat_map(row).collect())
}

/// The names of the events of an experiment, in the order of the scenario.
pub(super) fn event_names(experiment: &Experiment) -> Result<Vec<String>, ExperimentError> {
    let events = experiment.events().map_err(|source| ExperimentError::Input {
        file: experiment.directory.clone(),
        source,
    })?;
    Ok(events.iter().map(|event| event.name()).collect())
}

/// The scenario with its input paths as seen from `directory`.
fn relocated(experiment: &Experiment, directory: &Path) -> scenario::Scenario {
    let mut scenario = experiment.scenario.clone();
    for path in scenario.paths_mut() {
        if path.is_relative() {
            *path = relative(directory, &experiment.directory.join(&*path));
        }
    }
    scenario
}

/// `target` as seen from `base`; `target` itself where one of them cannot be made absolute.
pub(crate) fn relative(base: &Path, target: &Path) -> PathBuf {
    let (Ok(base), Ok(absolute)) = (base.canonicalize(), target.canonicalize()) else {
        return target.to_owned();
    };
    let shared = base
        .components()
        .zip(absolute.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = base.components().skip(shared).map(|_| Path::new(".."));
    let down = absolute
        .components()
        .skip(shared)
        .map(|component| Path::new(component.as_os_str()));
    up.chain(down).collect()
}
