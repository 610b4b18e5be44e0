//! A merged table in the words of figures and statistics: what is known of every cell's scenario, beside its results.
//!
//! Axes may have any name and set any field. What the scenarios of the cells say does not depend on that:
//!
//! | column | of the scenario |
//! |---|---|
//! | `measurements`, `dimension`, `sparsity` | m, n, s (of files: their shapes, and the nonzero entries of the truth) |
//! | `depth`, `alpha`, `sign` | L, the α of an `Identical` start (else NaN), `Signed` or `Positive` |
//!
//! An axis along which some of these change is represented by them; any other is a coordinate of its own, unless it only
//! repeats: over seeds, or over the index of a stack of problems.

use std::collections::BTreeMap;
use std::path::Path;

use hadaflow_plot::SweepTable;

use super::merge::TABLE;
use super::row::is_failure;
use super::table::read_columns;
use super::{Cells, Plan, SweepError, checksum};
use crate::error::ExperimentError;
use crate::resolve::inputs;
use crate::scenario::{Initialization, Problem, Scenario, Sign, Signal};

/// Names of the numbers of a scenario, in the order of [`Known::numbers`].
const NUMBERS: [&str; 5] = ["measurements", "dimension", "sparsity", "depth", "alpha"];
/// Name of its word.
const SIGN: &str = "sign";
/// Columns that are results of a run, and none of its problem.
const RESULTS: [&str; 3] = ["relative_error", "l1_gap", "recovery_time"];
/// Further columns that are analysed or drawn.
const OTHERS: [&str; 6] = ["seed", "outcome", "t_end", "l1_norm", "predicted_slope", "success"];
/// Fields whose values are repetitions.
const REPEATING: [&str; 2] = ["seed", "problem.index"];

/// A merged table, described.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Title of the sweep.
    pub title: String,
    /// Number of rows, which is the number of cells.
    pub rows: usize,
    /// Names of the columns that are coordinates, without the trial.
    pub axes: Vec<String>,
    /// Columns of numbers, truth values as 0 and 1; one entry where all rows have the same.
    pub numbers: BTreeMap<String, Vec<f64>>,
    /// Columns of words, likewise.
    pub texts: BTreeMap<String, Vec<String>>,
    /// The seeds: rows with one seed have the same random numbers.
    pub seeds: Vec<i64>,
    /// Which rows are of cells that failed.
    pub failed: Vec<bool>,
}

/// Whether a column, besides those of the axes, is analysed or drawn: no other is read.
fn shown(name: &str) -> bool {
    OTHERS.contains(&name) || RESULTS.contains(&name) || name.starts_with("success_")
}

/// What is known of the cells of one point of the grid.
#[derive(Clone, Debug)]
struct Known {
    numbers: [f64; NUMBERS.len()],
    sign: &'static str,
}

impl Known {
    fn same_number(&self, other: &Self, k: usize) -> bool {
        self.numbers[k].total_cmp(&other.numbers[k]).is_eq()
    }
}

impl Described {
    /// Reads the merged table of a plan.
    ///
    /// # Errors
    /// If there is none, it is that of another plan, or not as it was written.
    pub fn read(plan: &Plan) -> Result<Self, ExperimentError> {
        let path = plan.directory.join(TABLE);
        let wrong = |reason: String| {
            ExperimentError::from(SweepError::Table {
                table: path.clone(),
                reason,
            })
        };
        if !path.exists() {
            let directory = plan.directory.display();
            return Err(wrong(format!(
                "there is no merged table yet (run `hadaflow sweep run {directory}`, or `sweep merge`)"
            )));
        }
        let other = || wrong("it is not the table of this plan; merge anew".to_owned());
        // the table of another plan is as it was written, elsewhere: that is said first
        if read_columns(&path, &|_| false).is_ok_and(|(_, metadata)| metadata.get("plan") != Some(&plan.hash)) {
            return Err(other());
        }
        checksum::verify(&path)?;
        let axes = plan.grid.axes();
        let wanted = |name: &str| shown(name) || axes.iter().any(|axis| axis.name == name);
        let (columns, metadata) = read_columns(&path, &wanted)?;
        if metadata.get("plan") != Some(&plan.hash) {
            return Err(other());
        }
        let mut described = Self {
            title: plan.grid.sweep.settings.title.clone(),
            rows: 0,
            axes: Vec::new(),
            numbers: BTreeMap::new(),
            texts: BTreeMap::new(),
            seeds: Vec::new(),
            failed: Vec::new(),
        };
        columns
            .into_iter()
            .for_each(|(name, cells)| described.take(name, cells));
        if described.rows as u64 != plan.grid.cells {
            return Err(wrong(format!(
                "it has {} rows for {} cells",
                described.rows, plan.grid.cells
            )));
        }
        described.forget_unfinished();
        let known = known(plan)?;
        described.name_axes(plan, &known);
        described.add(&known, plan.grid.sweep.settings.trials);
        Ok(described)
    }

    /// As figures see it.
    #[must_use]
    pub fn view(&self) -> SweepTable<'_> {
        SweepTable {
            title: &self.title,
            rows: self.rows,
            axes: &self.axes,
            numbers: &self.numbers,
            texts: &self.texts,
            seeds: &self.seeds,
        }
    }

    fn take(&mut self, name: String, cells: Cells) {
        match cells {
            Cells::Numbers(values) => drop(self.numbers.insert(name, values)),
            Cells::Truths(values) => drop(self.numbers.insert(name, values.into_iter().map(f64::from).collect())),
            Cells::Integers(values) if name == "seed" => {
                self.rows = values.len();
                self.seeds = values;
            }
            Cells::Texts(values) => drop(self.texts.insert(name, values)),
            Cells::Integers(_) => {}
        }
    }

    /// What a run that failed had reached is not its result; and a column of which no row has anything says nothing.
    fn forget_unfinished(&mut self) {
        let outcomes = self.texts.remove("outcome").unwrap_or_default();
        self.failed = outcomes.iter().map(|outcome| is_failure(outcome)).collect();
        for name in RESULTS {
            if let Some(values) = self.numbers.get_mut(name) {
                let unfinished = values.iter_mut().zip(&self.failed).filter(|(_, failed)| **failed);
                unfinished.for_each(|(value, _)| *value = f64::NAN);
            }
        }
        if self
            .numbers
            .get("relative_error")
            .is_some_and(|values| values.iter().all(|x| x.is_nan()))
        {
            self.numbers.remove("relative_error");
        }
    }

    /// The coordinates: what changes along an axis, or the axis itself.
    fn name_axes(&mut self, plan: &Plan, known: &[Known]) {
        let lengths: Vec<usize> = plan.grid.axes().iter().map(|axis| axis.values.list.len()).collect();
        for (k, axis) in plan.grid.axes().iter().enumerate() {
            let stride: usize = lengths[k + 1..].iter().product();
            // the point with the first value of this axis, and all others the same
            let first = |point: usize| point - (point / stride % lengths[k]) * stride;
            let changes = |differ: &dyn Fn(&Known, &Known) -> bool| {
                (0..known.len()).any(|point| differ(&known[point], &known[first(point)]))
            };
            let mut varying: Vec<&str> = (0..NUMBERS.len())
                .filter(|&i| changes(&|a, b| !a.same_number(b, i)))
                .map(|i| NUMBERS[i])
                .collect();
            if changes(&|a, b| a.sign != b.sign) {
                varying.push(SIGN);
            }
            let repeats = axis.fields().iter().all(|(field, _)| REPEATING.contains(field));
            if varying.is_empty() && !repeats && lengths[k] > 1 {
                let name = self.kept(&axis.name);
                self.axes.push(name);
            }
            for name in varying {
                if !self.axes.iter().any(|there| there == name) {
                    self.axes.push(name.to_owned());
                }
            }
        }
    }

    /// The name of an axis that stands for itself: another one if its own means something else here.
    fn kept(&mut self, name: &str) -> String {
        if !NUMBERS.contains(&name) && name != SIGN {
            return name.to_owned();
        }
        let other = format!("{name} (axis)");
        if let Some(values) = self.numbers.remove(name) {
            self.numbers.insert(other.clone(), values);
        }
        if let Some(values) = self.texts.remove(name) {
            self.texts.insert(other.clone(), values);
        }
        other
    }

    /// Adds what is known of each point, once for each trial, or once for all.
    fn add(&mut self, known: &[Known], trials: u64) {
        let each = |point: &Known, of: &dyn Fn(&Known) -> f64| std::iter::repeat_n(of(point), trials as usize);
        for (i, name) in NUMBERS.into_iter().enumerate() {
            self.texts.remove(name);
            self.numbers.remove(name);
            if known.iter().all(|point| point.numbers[i].is_nan()) {
                continue;
            }
            let constant = known.iter().all(|point| point.same_number(&known[0], i));
            let values = if constant {
                vec![known[0].numbers[i]]
            } else {
                let of = |point: &Known| point.numbers[i];
                known.iter().flat_map(|point| each(point, &of)).collect()
            };
            self.numbers.insert(name.to_owned(), values);
        }
        self.numbers.remove(SIGN);
        let constant = known.iter().all(|point| point.sign == known[0].sign);
        let times = if constant { 1 } else { trials as usize };
        let points = if constant { &known[..1] } else { known };
        let words = points
            .iter()
            .flat_map(|point| std::iter::repeat_n(point.sign.to_owned(), times));
        self.texts.insert(SIGN.to_owned(), words.collect());
    }
}

/// What is known of each point of the grid, in order.
fn known(plan: &Plan) -> Result<Vec<Known>, ExperimentError> {
    let trials = plan.grid.sweep.settings.trials;
    let points = 0..plan.grid.cells / trials;
    points
        .map(|point| of(&plan.grid.scenario(point * trials)?, plan))
        .collect()
}

fn of(scenario: &Scenario, plan: &Plan) -> Result<Known, ExperimentError> {
    let (m, n, s) = match &scenario.problem {
        Problem::Synthetic(problem) => {
            let Signal::Sparse { sparsity, .. } = problem.signal;
            (problem.measurements, problem.dimension, Some(sparsity))
        }
        Problem::Files(_) => {
            let sweep = &plan.grid.sweep;
            let directory = sweep.origin.parent().unwrap_or(Path::new(""));
            let (problem, ..) = inputs::load(scenario, directory, &sweep.file, &plan.library)?;
            let nonzero = |truth: &Vec<f64>| truth.iter().filter(|z| **z != 0.0).count();
            (problem.rows(), problem.cols(), problem.truth.as_ref().map(nonzero))
        }
    };
    let alpha = match scenario.model.initialization {
        Initialization::Identical(alpha) => alpha,
        _ => f64::NAN,
    };
    // sizes of what is in memory, or could be
    let count = |x: usize| x as f64;
    let s = s.map_or(f64::NAN, count);
    Ok(Known {
        numbers: [count(m), count(n), s, count(scenario.model.depth), alpha],
        sign: match scenario.model.sign {
            Sign::Signed => "Signed",
            Sign::Positive => "Positive",
        },
    })
}
