//! The grid: from the index of a cell to its coordinates, its seed and its scenario.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::axis::{Axis, Value, number_text};
use super::{Mode, Sweep, SweepError};
use crate::error::ExperimentError;
use crate::resolve::{Library, check_names, inputs, resolve};
use crate::scenario::{
    Ensemble, Fault, Files, Hole, Initialization, Problem, Scenario, ScenarioError, Stop, deserialize, to_ron,
};

/// Most cells of a sweep: far more than can be computed, and any index is an exact double.
const MAX_CELLS: u64 = 1 << 40;

/// Columns of the table that no axis may be named after.
const RESERVED: [&str; 8] = [
    "cell", "trial", "seed", "scenario", "outcome", "message", "success", "t_end",
];

/// A sweep whose axes are known to fit its template.
#[derive(Debug)]
pub struct Grid {
    /// The sweep.
    pub sweep: Sweep,
    /// Number of cells.
    pub cells: u64,
    /// The template's canonical text.
    text: String,
    /// Where cells differ from it, in the order of the text.
    gaps: Vec<Gap>,
    /// Per axis, the number it is a fraction of.
    bases: Vec<Option<Base>>,
}

/// A place of the template's text that is filled in per cell.
#[derive(Debug)]
struct Gap {
    span: Range<usize>,
    /// What it becomes at each value of its axis; of a ratio and of the seed, only the frame around the number.
    fillings: Vec<String>,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Axis(usize),
    Ratio(usize),
    Seed,
}

/// The number that a ratio is multiplied with.
#[derive(Clone, Copy, Debug)]
enum Base {
    Constant(f64),
    Axis(usize),
}

impl Grid {
    /// Checks axes and fields, but not yet the cells.
    ///
    /// # Errors
    /// Names the axis, and its place in the file.
    pub fn new(sweep: Sweep) -> Result<Self, ScenarioError> {
        let settings = &sweep.settings;
        if settings.trials == 0 {
            return Err(sweep.error("trials", out_of_range(0, "at least 1")));
        }
        if let Some(super::Success::DistanceBelow(x)) = settings.success
            && !(x > 0.0 && x.is_finite())
        {
            return Err(sweep.error("success", out_of_range(format!("{x:?}"), "finite and above 0")));
        }
        check_axes(&sweep)?;
        let text = to_ron(&sweep.template);
        let mut grid = Self {
            cells: count(&sweep)?,
            text,
            gaps: Vec::new(),
            bases: Vec::new(),
            sweep,
        };
        for k in 0..grid.axes().len() {
            grid.add_axis(k)?;
        }
        grid.add_seed()?;
        grid.check_overlaps()?;
        Ok(grid)
    }

    /// The axes.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.sweep.settings.axes
    }

    /// Finds the fields of axis k, and tries its first value alone.
    fn add_axis(&mut self, k: usize) -> Result<(), ScenarioError> {
        let axis = &self.sweep.settings.axes[k];
        let base = axis.times.as_deref().map(|path| self.base(k, path)).transpose()?;
        let mut gaps = Vec::new();
        for (path, form) in axis.fields() {
            let wrong = |fault| self.sweep.error(&format!("axes[{k}].{}", place_of(axis)), fault);
            let hole = Hole::of(&self.text, path).map_err(wrong)?;
            if !form.contains("{}") {
                let fault = out_of_range(format!("{form:?}"), "a form with {} for the value");
                return Err(self.sweep.error(
                    &format!("axes[{k}].{}", if axis.form.is_some() { "form" } else { "set" }),
                    fault,
                ));
            }
            let fill = |value: &str| {
                let filled = form.replace("{}", value);
                hole.fill(&filled).map_err(|reason| {
                    let fault = Fault::BadOverride {
                        text: format!("{path}={filled}"),
                        reason: reason.to_owned(),
                    };
                    self.sweep.error(&format!("axes[{k}].values"), fault)
                })
            };
            let (source, fillings) = if base.is_some() {
                // the number stands for itself where it will be put
                (Source::Ratio(k), vec![fill(MARK)?])
            } else {
                let fillings: Result<Vec<_>, _> = axis.values.list.iter().map(|value| fill(&value.text())).collect();
                (Source::Axis(k), fillings?)
            };
            gaps.push(Gap {
                span: hole.span.clone(),
                fillings,
                source,
            });
        }
        let first = gaps
            .iter()
            .map(|gap| (gap.span.clone(), gap.fillings[0].replace(MARK, "1")))
            .collect();
        let trial = deserialize(&fill_in(&self.text, first), &self.sweep.file);
        if let Err(error) = trial {
            let field = if matches!(*error.fault, Fault::UnknownField { .. }) {
                place_of(axis)
            } else {
                "values"
            };
            return Err(self.sweep.error(&format!("axes[{k}].{field}"), *error.fault));
        }
        self.gaps.extend(gaps);
        self.bases.push(base);
        Ok(())
    }

    /// The number at a path: set by an earlier axis, or the template's own.
    fn base(&self, k: usize, path: &str) -> Result<Base, ScenarioError> {
        let wrong = |fault| self.sweep.error(&format!("axes[{k}].times"), fault);
        let sets = |axis: &Axis| axis.fields().iter().any(|(field, _)| *field == path);
        match self.axes().iter().position(sets) {
            Some(other) if other < k => {
                let plain = self.axes()[other].fields() == [(path, "{}")];
                return if plain {
                    Ok(Base::Axis(other))
                } else {
                    Err(wrong(incompatible(
                        path,
                        "an axis with a form",
                        "an axis that sets this field to its values",
                    )))
                };
            }
            Some(other) => {
                let name = &self.axes()[other].name;
                let after = format!("the axis {name:?}, which comes later");
                return Err(wrong(incompatible(path, &after, "listing that axis first")));
            }
            None => {}
        }
        let hole = Hole::of(&self.text, path).map_err(wrong)?;
        let found = self.text.get(hole.span).unwrap_or_default();
        let number = found.parse().map_err(|_| {
            wrong(Fault::WrongType {
                expected: "a field that is a number".to_owned(),
                found: found.to_owned(),
            })
        })?;
        Ok(Base::Constant(number))
    }

    /// Unless an axis sets the seed itself, every cell has its own.
    fn add_seed(&mut self) -> Result<(), ScenarioError> {
        if let Some(k) = self
            .axes()
            .iter()
            .position(|axis| axis.fields().iter().any(|(field, _)| *field == "seed"))
        {
            if self.sweep.settings.trials > 1 {
                let fault = incompatible(
                    "an axis over the seed",
                    "trials, which would all be the same",
                    "trials: 1",
                );
                return Err(self.sweep.error(&format!("axes[{k}].field"), fault));
            }
            return Ok(());
        }
        let hole = Hole::of(&self.text, "seed").map_err(|fault| self.sweep.error("template", fault))?;
        let gap = Gap {
            span: hole.span,
            fillings: Vec::new(),
            source: Source::Seed,
        };
        self.gaps.push(gap);
        Ok(())
    }

    /// No field may be set twice, nor one within another.
    fn check_overlaps(&mut self) -> Result<(), ScenarioError> {
        self.gaps.sort_by_key(|gap| (gap.span.start, gap.span.end));
        let fields: Vec<&str> = self
            .axes()
            .iter()
            .flat_map(Axis::fields)
            .map(|(field, _)| field)
            .collect();
        let mut seen = BTreeSet::new();
        let twice = fields.into_iter().find(|field| !seen.insert(*field));
        let clash = self.gaps.windows(2).find(|pair| pair[0].span.end > pair[1].span.start);
        if let Some(pair) = clash {
            let at = |gap: &Gap| match gap.source {
                Source::Axis(k) | Source::Ratio(k) => k,
                Source::Seed => 0,
            };
            let (a, b) = (at(&pair[0]).min(at(&pair[1])), at(&pair[0]).max(at(&pair[1])));
            let other = format!(
                "the axis {:?}, which sets the same field or one around it",
                self.axes()[a].name
            );
            let name = format!("the axis {:?}", self.axes()[b].name);
            return Err(self
                .sweep
                .error(&format!("axes[{b}]"), incompatible(&name, &other, "one axis per field")));
        }
        match twice {
            Some(field) => Err(self
                .sweep
                .error("axes", Fault::DuplicateField { name: field.to_owned() })),
            None => Ok(()),
        }
    }

    /// The coordinates of a cell as indices of values, and its trial.
    #[must_use]
    pub fn place(&self, cell: u64) -> (Vec<usize>, u64) {
        let trials = self.sweep.settings.trials;
        let (mut rest, trial) = (cell / trials, cell % trials);
        let mut place = vec![0; self.axes().len()];
        for (axis, index) in self.axes().iter().zip(&mut place).rev() {
            let length = axis.values.list.len() as u64;
            *index = (rest % length) as usize; // below the number of values
            rest /= length;
        }
        (place, trial)
    }

    /// The value that axis k has, as the table shows it.
    #[must_use]
    pub fn coordinate(&self, k: usize, place: &[usize]) -> &Value {
        &self.axes()[k].values.list[place[k]]
    }

    /// The coordinates of a cell in words.
    #[must_use]
    pub fn describe(&self, cell: u64) -> String {
        let (place, trial) = self.place(cell);
        let named =
            (0..place.len()).map(|k| format!("{} = {}", self.axes()[k].name, self.coordinate(k, &place).text()));
        named.chain([format!("trial = {trial}")]).collect::<Vec<_>>().join(", ")
    }

    /// The seed of a cell: 63 bits, so that it is a nonnegative integer in every program that reads the table.
    #[must_use]
    pub fn seed(&self, place: &[usize], trial: u64) -> u64 {
        let mut axes: Vec<(&str, String)> = (0..place.len())
            .filter(|&k| !self.axes()[k].paired)
            .map(|k| (self.axes()[k].name.as_str(), self.coordinate(k, place).text()))
            .collect();
        axes.sort();
        let mut hasher = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(b"seed of a cell");
        part(&self.sweep.settings.seed.to_le_bytes());
        part(&trial.to_le_bytes());
        for (name, value) in &axes {
            part(name.as_bytes());
            part(value.as_bytes());
        }
        let digest = hasher.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_le_bytes(first) >> 1
    }

    /// The number that axis k sets, where it is one.
    fn number(&self, k: usize, place: &[usize]) -> Option<f64> {
        let value = self.coordinate(k, place).number()?;
        Some(match self.bases[k] {
            None => value,
            Some(Base::Constant(base)) => (value * base).round(),
            Some(Base::Axis(other)) => (value * self.number(other, place)?).round(),
        })
    }

    /// The scenario of a cell, as its template says but for the fields of the axes and the seed.
    ///
    /// # Errors
    /// Names the cell if it is no valid scenario.
    pub fn scenario(&self, cell: u64) -> Result<Scenario, SweepError> {
        let (place, trial) = self.place(cell);
        let filling = |gap: &Gap| match gap.source {
            Source::Axis(k) => gap.fillings[place[k]].clone(),
            Source::Ratio(k) => {
                let number = self.number(k, &place).unwrap_or(f64::NAN);
                gap.fillings[0].replace(MARK, &number_text(number))
            }
            Source::Seed => self.seed(&place, trial).to_string(),
        };
        let filled = self.gaps.iter().map(|gap| (gap.span.clone(), filling(gap))).collect();
        let scenario = deserialize(&fill_in(&self.text, filled), &self.sweep.file);
        let valid = scenario.and_then(|scenario| scenario.validate().map(|()| scenario));
        valid.map_err(|error| self.refused(cell, &without_place(error)))
    }

    /// A cell that cannot be.
    pub(super) fn refused(&self, cell: u64, reason: &str) -> SweepError {
        SweepError::Cell {
            file: self.sweep.file.clone(),
            cell,
            coordinates: self.describe(cell),
            reason: reason.to_owned(),
        }
    }

    /// Checks every point of the grid: its first trial, as the others differ in their seeds only. Returns the paths of
    /// all input files.
    ///
    /// # Errors
    /// Names the first cell that is no valid experiment, or an input file that cannot be used.
    pub fn check(&self, library: &Library) -> Result<BTreeSet<String>, ExperimentError> {
        let mut paths = BTreeSet::new();
        let mut last: Option<Scenario> = None;
        for point in 0..self.cells / self.sweep.settings.trials {
            let cell = point * self.sweep.settings.trials;
            let mut scenario = self.scenario(cell)?;
            paths.extend(
                scenario
                    .paths_mut()
                    .into_iter()
                    .map(|path| path.to_string_lossy().into_owned()),
            );
            self.check_mode(&scenario)
                .map_err(|reason| self.refused(cell, &reason))?;
            let refused = |error: ExperimentError| match error {
                ExperimentError::Scenario(error) => self.refused(cell, &without_place(error)).into(),
                ExperimentError::Input { source, .. } => self.refused(cell, &source.to_string()).into(),
                other => other,
            };
            check_names(&scenario, &self.sweep.file).map_err(refused)?;
            if !last.as_ref().is_some_and(|last| same_model(last, &scenario)) {
                check_model(&scenario).map_err(|reason| self.refused(cell, &reason))?;
            }
            match &scenario.problem {
                Problem::Synthetic(problem) => inputs::check_memory(problem, &self.sweep.file).map_err(refused)?,
                Problem::Files(files) => self.check_files(&scenario, files, cell, library)?,
            }
            last = Some(scenario);
        }
        Ok(paths)
    }

    /// Input files exist and fit together, and the truth is there where success is asked for.
    fn check_files(
        &self,
        scenario: &Scenario,
        files: &Files,
        cell: u64,
        library: &Library,
    ) -> Result<(), ExperimentError> {
        if self.sweep.settings.success.is_some() && files.truth.is_none() {
            return Err(self.refused(cell, "problem.truth: success needs the truth").into());
        }
        let directory = self.sweep.origin.parent().unwrap_or(std::path::Path::new(""));
        inputs::load(scenario, directory, &self.sweep.file, library)
            .map(|_| ())
            .map_err(|error| self.refused(cell, &error.to_string()).into())
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

/// Stands for a number within the form of a ratio.
const MARK: &str = "98765432123456789";

/// A text with replaced parts, which are in order and do not overlap.
fn fill_in(text: &str, mut parts: Vec<(Range<usize>, String)>) -> String {
    parts.sort_by_key(|(span, _)| (span.start, span.end));
    let mut filled = String::with_capacity(text.len() + 64);
    let mut end = 0;
    for (span, part) in parts {
        filled.push_str(text.get(end..span.start).unwrap_or_default());
        filled.push_str(&part);
        end = span.end;
    }
    filled.push_str(text.get(end..).unwrap_or_default());
    filled
}

fn place_of(axis: &Axis) -> &'static str {
    if axis.field.is_some() { "field" } else { "set" }
}

fn out_of_range(value: impl ToString, allowed: &str) -> Fault {
    Fault::OutOfRange {
        value: value.to_string(),
        allowed: allowed.to_owned(),
    }
}

fn incompatible(value: &str, other: &str, remedy: &str) -> Fault {
    Fault::Incompatible {
        value: value.to_owned(),
        other: other.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// The error of a cell in one line: its text exists in no file, so that a line number would mislead.
pub(super) fn without_place(error: ScenarioError) -> String {
    ScenarioError {
        file: std::path::PathBuf::new(),
        position: None,
        ..error
    }
    .to_string()
}

/// Number of cells.
fn count(sweep: &Sweep) -> Result<u64, ScenarioError> {
    let lengths = sweep.settings.axes.iter().map(|axis| axis.values.list.len() as u64);
    let product = lengths.chain([sweep.settings.trials]).try_fold(1_u64, u64::checked_mul);
    match product {
        Some(cells) if cells <= MAX_CELLS => Ok(cells),
        _ => Err(sweep.error("axes", out_of_range("the number of cells", "at most 2^40"))),
    }
}

/// Names, values and options of the axes.
fn check_axes(sweep: &Sweep) -> Result<(), ScenarioError> {
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
        if RESERVED.contains(&axis.name.as_str()) {
            return wrong(
                ".name",
                incompatible(
                    &format!("{:?}", axis.name),
                    "the table's column of that name",
                    "another name",
                ),
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
    match deserialize(one, std::path::Path::new("")) {
        Ok(unit) => small.problem = unit.problem,
        Err(error) => return Err(error.to_string()),
    }
    small.references.clear();
    for conditions in [&mut small.integrate.mark, &mut small.integrate.stop] {
        conditions.retain(|stop| !matches!(stop, Stop::CoordinateActive { .. }));
    }
    match resolve(small, std::path::Path::new("")) {
        Err(ExperimentError::Input {
            source: source @ hadaflow_core::error::CoreError::Unsupported { .. },
            ..
        }) => Err(source.to_string()),
        _ => Ok(()),
    }
}

/// The values a path has in a scenario's text, for tests and messages.
#[cfg(test)]
pub(super) fn field_of(scenario: &Scenario, path: &str) -> String {
    let text = to_ron(scenario);
    let outline = crate::scenario::Outline::new(&text);
    let node = outline
        .find(path)
        .and_then(|index| outline.node(index))
        .map(|node| node.span.clone());
    node.map(|span| text[span].to_owned()).unwrap_or_default()
}
