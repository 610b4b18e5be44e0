//! What is refused before anything runs: axes that make no grid, and cells that are no experiments.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::num::NonZero;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hadaflow_core::error::CoreError;

use super::axis::Value;
use super::column::needs_truth;
use super::grid::{incompatible, out_of_range, without_place};
use super::{Grid, Mode, Sweep};
use crate::error::ExperimentError;
use crate::resolve::{Library, check_names, inputs, resolve};
use crate::scenario::{
    Ensemble, Fault, Files, Initialization, Problem, Scenario, ScenarioError, Selection, Stop, deserialize,
};

/// Most cells of a sweep: far more than can be computed, and any index is an exact double.
const MAX_CELLS: u64 = 1 << 40;
/// Points that are checked at a time.
const CHUNK: u64 = 64;

/// A bad point, and why.
type Bad = Box<(u64, ExperimentError)>;

impl Grid {
    /// Checks every point of the grid on all processors: its first trial, as the others differ in their seeds only. Returns
    /// the paths of all input files.
    ///
    /// # Errors
    /// Names the first cell that is no valid experiment, or an input file that cannot be used.
    pub fn check(&self, library: &Library) -> Result<BTreeSet<String>, ExperimentError> {
        self.check_watched(library, &|_, _| ())
    }

    /// The same, with `watch` told how many points of how many are checked.
    ///
    /// # Errors
    /// Those of [`Grid::check`].
    pub fn check_watched(
        &self,
        library: &Library,
        watch: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<BTreeSet<String>, ExperimentError> {
        let points = self.cells / self.sweep.settings.trials;
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
        let (next, done, bad) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(u64::MAX));
        let worker = || {
            let mut paths = BTreeSet::new();
            loop {
                let start = next.fetch_add(CHUNK, Relaxed);
                // all points before the first bad one are checked, so that it is the same one always
                if start >= points || start > bad.load(Relaxed) {
                    return Ok(paths);
                }
                let chunk = start..points.min(start + CHUNK);
                let length = chunk.end - chunk.start;
                if let Err(error) = self.check_points(chunk, library, &mut paths) {
                    bad.fetch_min(error.0, Relaxed);
                    return Err(error);
                }
                watch(done.fetch_add(length, Relaxed) + length, points);
            }
        };
        let found: Vec<Result<BTreeSet<String>, Bad>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.min(points.div_ceil(CHUNK)))
                .map(|_| scope.spawn(worker))
                .collect();
            let joined = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined
                .map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut paths = BTreeSet::new();
        let mut first: Option<Bad> = None;
        for result in found {
            match result {
                Ok(more) => paths.extend(more),
                Err(error) if first.as_ref().is_none_or(|first| error.0 < first.0) => first = Some(error),
                Err(_) => {}
            }
        }
        first.map_or(Ok(paths), |bad| Err(bad.1))
    }

    /// Checks some points in turn, up to the first bad one.
    fn check_points(&self, points: Range<u64>, library: &Library, paths: &mut BTreeSet<String>) -> Result<(), Bad> {
        let mut last: Option<Scenario> = None;
        for point in points {
            let scenario = self.check_point(point, library, last.as_ref(), paths);
            last = Some(scenario.map_err(|error| Box::new((point, error)))?);
        }
        Ok(())
    }

    /// Checks a point, knowing the one before it.
    fn check_point(
        &self,
        point: u64,
        library: &Library,
        last: Option<&Scenario>,
        paths: &mut BTreeSet<String>,
    ) -> Result<Scenario, ExperimentError> {
        let cell = point * self.sweep.settings.trials;
        let mut scenario = self.scenario(cell)?;
        let named = scenario.paths_mut().into_iter();
        paths.extend(named.map(|path| path.to_string_lossy().into_owned()));
        if i64::try_from(scenario.seed).is_err() {
            let reason = format!(
                "seed: {} is above 2^63 - 1, the largest integer of a table",
                scenario.seed
            );
            return Err(self.refused(cell, &reason).into());
        }
        self.check_mode(&scenario)
            .map_err(|reason| self.refused(cell, &reason))?;
        let refused = |error: ExperimentError| match error {
            ExperimentError::Scenario(error) => self.refused(cell, &without_place(error)).into(),
            ExperimentError::Input { source, .. } => self.refused(cell, &source.to_string()).into(),
            other => other,
        };
        check_names(&scenario, &self.sweep.file).map_err(refused)?;
        if !last.is_some_and(|last| same_model(last, &scenario)) {
            check_model(&scenario).map_err(|reason| self.refused(cell, &reason))?;
        }
        match &scenario.problem {
            Problem::Synthetic(problem) => inputs::check_memory(problem, &self.sweep.file).map_err(refused)?,
            Problem::Files(files) => self.check_files(&scenario, files, cell, library)?,
        }
        Ok(scenario)
    }

    /// Input files exist and fit together, and the truth is there where success is asked for.
    fn check_files(
        &self,
        scenario: &Scenario,
        files: &Files,
        cell: u64,
        library: &Library,
    ) -> Result<(), ExperimentError> {
        if files.truth.is_none()
            && let Some(what) = self.truth_for()
        {
            return Err(self
                .refused(cell, &format!("problem.truth: {what} needs the truth"))
                .into());
        }
        let directory = self.sweep.origin.parent().unwrap_or(Path::new(""));
        inputs::load(scenario, directory, &self.sweep.file, library)
            .map(|_| ())
            .map_err(|error| self.refused(cell, &error.to_string()).into())
    }

    /// What was asked for by name that needs the truth.
    fn truth_for(&self) -> Option<String> {
        let settings = &self.sweep.settings;
        if settings.success.is_some() {
            return Some("success".to_owned());
        }
        let named = |selection: &Selection| match selection {
            Selection::Named(names) => names.clone(),
            _ => Vec::new(),
        };
        let reference = named(&settings.references).into_iter().find(|name| name == "Truth");
        let column = || named(&settings.measure).into_iter().find(|name| needs_truth(name));
        reference.map(|_| "the reference Truth".to_owned()).or_else(column)
    }

    /// What the limit needs.
    fn check_mode(&self, scenario: &Scenario) -> Result<(), String> {
        if self.sweep.settings.mode == Mode::Flow {
            return Ok(());
        }
        if matches!(
            scenario.model.initialization,
            Initialization::PerFactor(_) | Initialization::Random { .. }
        ) {
            return Err(
                "model.initialization: the limit needs factors that all start alike (Identical or Vector)".into(),
            );
        }
        match &scenario.problem {
            Problem::Synthetic(problem) if problem.ensemble == Ensemble::SubsampledDct => {
                Err("problem.ensemble: the limit needs a matrix that is stored densely (Gaussian or Rademacher)".into())
            }
            _ => Ok(()),
        }
    }
}

/// Number of cells.
pub(super) fn count(sweep: &Sweep) -> Result<u64, ScenarioError> {
    let lengths = sweep.settings.axes.iter().map(|axis| axis.values.list.len() as u64);
    let product = lengths.chain([sweep.settings.trials]).try_fold(1_u64, u64::checked_mul);
    match product {
        Some(cells) if cells <= MAX_CELLS => Ok(cells),
        _ => Err(sweep.error("axes", out_of_range("the number of cells", "at most 2^40"))),
    }
}

/// Names, values and options of the axes.
pub(super) fn check_axes(sweep: &Sweep) -> Result<(), ScenarioError> {
    let axes = &sweep.settings.axes;
    for (k, axis) in axes.iter().enumerate() {
        let wrong = |field: &str, fault| Err(sweep.error(&format!("axes[{k}]{field}"), fault));
        if axis.field.is_some() != axis.set.is_empty() {
            let remedy = "field: \"path\", or set: {\"path\": \"form with {}\", ..}";
            return wrong(
                "",
                incompatible("an axis", "both or neither of `field` and `set`", remedy),
            );
        }
        if axis.form.is_some() && axis.field.is_none() {
            return wrong(
                ".form",
                incompatible("`form`", "`set`, which has a form per field", "no `form`"),
            );
        }
        if axis.name.is_empty() {
            return wrong(
                "",
                Fault::MissingField {
                    name: "name".to_owned(),
                },
            );
        }
        if axes[..k].iter().any(|other| other.name == axis.name) {
            return wrong(
                ".name",
                out_of_range(format!("{:?}", axis.name), "a name that no other axis has"),
            );
        }
        let values = &axis.values.list;
        if values.is_empty() {
            return wrong(".values", out_of_range("an empty axis", "a list of at least one value"));
        }
        if (axis.times.is_some() || axis.round) && values.iter().any(|value| value.number().is_none()) {
            return wrong(".values", out_of_range("text", "numbers, because they are rounded"));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = values.iter().map(Value::text).find(|text| !seen.insert(text.clone())) {
            return wrong(".values", out_of_range(twice, "listed once"));
        }
    }
    Ok(())
}

/// Whether what [`check_model`] looks at is the same.
fn same_model(a: &Scenario, b: &Scenario) -> bool {
    a.integrate == b.integrate
        && a.model.sign == b.model.sign
        && discriminant(&a.model.initialization) == discriminant(&b.model.initialization)
}

/// Whether formulation, method and stops go with the model, tried on a problem of size one.
fn check_model(scenario: &Scenario) -> Result<(), String> {
    if matches!(scenario.model.initialization, Initialization::Vector(_)) {
        return Ok(()); // all factors start alike, and TimeUnits is refused when the cell runs
    }
    let mut small = scenario.clone();
    let one = "Scenario(problem: Synthetic(measurements: 1, dimension: 1), model: (depth: 2))";
    match deserialize(one, Path::new("")) {
        Ok(unit) => small.problem = unit.problem,
        Err(error) => return Err(error.to_string()),
    }
    small.references = crate::scenario::Selection::None;
    for conditions in [&mut small.integrate.mark, &mut small.integrate.stop] {
        conditions.retain(|stop| !matches!(stop, Stop::CoordinateActive { .. }));
    }
    match resolve(small, Path::new("")) {
        Err(ExperimentError::Input {
            source: source @ CoreError::Unsupported { .. },
            ..
        }) => Err(source.to_string()),
        _ => Ok(()),
    }
}
