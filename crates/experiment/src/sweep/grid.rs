//! The grid: from the index of a cell to its coordinates, its seed and its scenario.

use sha2::{Digest, Sha256};

use super::axis::{Axis, Value, number_text};
use super::check::{check_axes, count};
use super::gaps::{Base, Gap, MARK, Source, fill_in};
use super::{Success, Sweep, SweepError};
use crate::scenario::{Fault, Scenario, ScenarioError, deserialize, to_ron};

/// A sweep whose axes are known to fit its template.
#[derive(Debug)]
pub struct Grid {
    /// The sweep.
    pub sweep: Sweep,
    /// Number of cells.
    pub cells: u64,
    /// The template's canonical text.
    pub(super) text: String,
    /// Where cells differ from it, in the order of the text.
    pub(super) gaps: Vec<Gap>,
    /// Per axis, the number it is a fraction of.
    pub(super) bases: Vec<Option<Base>>,
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
        if let Some(Success::DistanceBelow(x)) = settings.success
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
        grid.check_ratios()?;
        Ok(grid)
    }

    /// The axes.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.sweep.settings.axes
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
}

pub(super) fn out_of_range(value: impl ToString, allowed: &str) -> Fault {
    Fault::OutOfRange {
        value: value.to_string(),
        allowed: allowed.to_owned(),
    }
}

pub(super) fn incompatible(value: &str, other: &str, remedy: &str) -> Fault {
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
