//! Lessons: guided families of runs, in the terminal and as one page each.
//!
//! A lesson is data: a RON file in `lesson/`, of the form [`Lesson`]. Its scenario is a text with a place `{name}` for every
//! slider; each choice of values is a [`Member`] of its family, computed on the spot. A new lesson is one new file and one line in
//! [`catalogue`].

mod family;
mod member;
mod page;

use std::path::{Path, PathBuf};

use hadaflow_plot::{Axis, Chart, Colour, Dash, Marker, Points, Role, Series};
use serde::Deserialize;

use crate::scenario::{Fault, ScenarioError, field_error, from_ron};

pub use family::{Extent, Family};
pub use member::{Light, Member};
pub use page::page;

/// Every lesson: its name and its file.
#[must_use]
pub fn catalogue() -> &'static [(&'static str, &'static str)] {
    &[
        ("sparsity", include_str!("lesson/sparsity.ron")),
        ("depth", include_str!("lesson/depth.ron")),
        ("divergence", include_str!("lesson/divergence.ron")),
        ("saddles", include_str!("lesson/saddles.ron")),
        ("recovery", include_str!("lesson/recovery.ron")),
        ("descent", include_str!("lesson/descent.ron")),
        ("least_squares", include_str!("lesson/least_squares.ron")),
    ]
}

/// A lesson.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// What it teaches, in one line.
    pub title: String,
    /// The explanation, paragraph by paragraph.
    pub text: Vec<String>,
    /// A scenario with a place `{name}` for every slider. Its figures are shown, its predictions are lights.
    pub scenario: String,
    /// What can be varied.
    pub sliders: Vec<Slider>,
    /// A second run that is drawn beside each member.
    #[serde(default)]
    pub beside: Option<Beside>,
    /// Lights that are no theorems: what one hopes for.
    #[serde(default)]
    pub goals: Vec<Goal>,
    /// Whether descent is judged by what holds for the flow.
    #[serde(default)]
    pub judged_as_flow: bool,
    /// A number at the end of the run, against one slider.
    pub across: Across,
    /// Columns whose final values are shown.
    pub columns: Vec<String>,
    /// A question to think about.
    pub question: String,
    /// Its answer.
    pub answer: String,
}

/// A parameter with a few values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slider {
    /// Its place in the scenario, without braces.
    pub name: String,
    /// Its symbol.
    pub symbol: String,
    /// What it is.
    pub about: String,
    /// Its values, as they are written in the scenario.
    pub values: Vec<f64>,
    /// Which value the lesson starts with, from 0.
    pub start: usize,
}

/// The same scenario with one text replaced, before the sliders have their values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// What it is called.
    pub label: String,
    /// The text in the scenario.
    pub replace: String,
    /// What stands there instead.
    pub with: String,
}

/// A bound on a column that holds at the end, or does not.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// What it says.
    pub says: String,
    /// The column.
    pub column: String,
    /// The largest value that is good enough.
    pub at_most: f64,
}

/// The final value of a column against a slider.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Across {
    /// The slider's name.
    pub slider: String,
    /// The column; `t` is the time when the run ended.
    pub column: String,
    /// Label of the vertical axis.
    pub label: String,
    /// Logarithmic horizontal and vertical axis?
    pub log: (bool, bool),
}

/// The lesson of a name, none if there is no such lesson.
///
/// # Errors
/// If its file is no lesson.
pub fn lesson(name: &str) -> Result<Option<Lesson>, ScenarioError> {
    let entry = catalogue().iter().find(|(known, _)| *known == name);
    entry.map(|(name, text)| Lesson::parse(text, &origin(name))).transpose()
}

/// What stands for the file of a lesson in errors.
fn origin(name: &str) -> PathBuf {
    PathBuf::from(format!("{name}.ron"))
}

impl Lesson {
    /// Reads a lesson.
    ///
    /// # Errors
    /// If the text is no lesson, a slider has no place or no value to start with, or the chart across it has no slider.
    pub fn parse(text: &str, origin: &Path) -> Result<Self, ScenarioError> {
        let lesson: Self = from_ron(text, origin)?;
        let wrong = |field: &str, value: String, allowed: &str| {
            let allowed = allowed.to_owned();
            Err(field_error(origin, field, Fault::OutOfRange { value, allowed }))
        };
        for (k, slider) in lesson.sliders.iter().enumerate() {
            if !lesson.scenario.contains(&slider.place()) {
                let field = format!("sliders[{k}].name");
                return wrong(&field, slider.place(), "a place in the scenario");
            }
            if slider.start >= slider.values.len() {
                let field = format!("sliders[{k}].start");
                return wrong(&field, slider.start.to_string(), "the position of a value, from 0");
            }
        }
        match lesson.sliders.iter().any(|slider| slider.name == lesson.across.slider) {
            true => Ok(lesson),
            false => wrong("across.slider", lesson.across.slider.clone(), "the name of a slider"),
        }
    }

    /// The values at the start, by index.
    #[must_use]
    pub fn start(&self) -> Vec<usize> {
        self.sliders.iter().map(|slider| slider.start).collect()
    }

    /// The scenario of a choice of values, by index.
    #[must_use]
    pub fn scenario(&self, choice: &[usize]) -> String {
        self.filled(self.scenario.clone(), choice)
    }

    /// The scenario of the run that is drawn beside that of a choice, if there is one.
    #[must_use]
    pub fn scenario_beside(&self, choice: &[usize]) -> Option<String> {
        let beside = self.beside.as_ref()?;
        Some(self.filled(self.scenario.replace(&beside.replace, &beside.with), choice))
    }

    /// A text with values in the places of the sliders.
    fn filled(&self, text: String, choice: &[usize]) -> String {
        let chosen = self.sliders.iter().zip(choice);
        chosen.fold(text, |text, (slider, &k)| {
            text.replace(&slider.place(), &slider.written(k))
        })
    }

    /// Position of the slider that the chart across the family varies.
    fn across(&self) -> usize {
        let position = self.sliders.iter().position(|slider| slider.name == self.across.slider);
        position.unwrap_or(0) // `parse` has seen it
    }

    /// The chart across the family: members that differ in one slider, and the current one among them.
    #[must_use]
    pub fn chart_across(&self, family: &Family, choice: &[usize]) -> Chart {
        let slider = &self.sliders[self.across()];
        let axis = |log: bool, label: &str| if log { Axis::log10(label) } else { Axis::linear(label) };
        let values: Vec<f64> = self
            .line_across(choice)
            .iter()
            .map(|other| family.member(other).map_or(f64::NAN, |m| m.last(&self.across.column)))
            .collect();
        let (current, at) = (choice[self.across()], Colour::Role(Role::Loss));
        let point = Points {
            label: format!("{} = {}", slider.symbol, slider.shown(current)),
            x: vec![slider.values[current]],
            y: vec![values[current]],
            bars: Vec::new(),
            colour: at,
            marker: Marker::Diamond,
        };
        let line = Series::line("", slider.values.clone(), values, Colour::Palette(0));
        Chart {
            x: axis(self.across.log.0, &format!("{} {}", slider.about, slider.symbol)),
            y: axis(self.across.log.1, &self.across.label),
            series: vec![line.stroked(Dash::Solid, 1.0).unlisted()],
            points: vec![point],
            ..Chart::default()
        }
    }

    /// The choices that differ from one in the slider of the chart only.
    #[must_use]
    pub fn line_across(&self, choice: &[usize]) -> Vec<Vec<usize>> {
        let varied = self.across();
        let with = |k: usize| {
            let mut other = choice.to_vec();
            other[varied] = k;
            other
        };
        (0..self.sliders[varied].values.len()).map(with).collect()
    }
}

impl Slider {
    fn place(&self) -> String {
        format!("{{{}}}", self.name)
    }

    /// A value as the scenario has it: the shortest text that reads back as the same number.
    #[must_use]
    pub fn written(&self, k: usize) -> String {
        let value = self.values[k];
        match value == value.trunc() && (1.0..1e9).contains(&value.abs()) || value == 0.0 {
            true => format!("{value:.0}"),
            false => format!("{value:e}"),
        }
    }

    /// A value as a reader sees it: `0.05`, `40`, `10⁻⁴`.
    #[must_use]
    pub fn shown(&self, k: usize) -> String {
        const SMALLEST: f64 = 1e-3;
        let value = self.values[k];
        if value == 0.0 || (SMALLEST..1e6).contains(&value.abs()) {
            return value.to_string();
        }
        let scientific = format!("{value:e}");
        let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let raised: String = power
            .chars()
            .filter_map(|c| "-0123456789".find(c))
            .filter_map(|k| "⁻⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(k))
            .collect();
        match digits {
            "1" => format!("10{raised}"),
            digits => format!("{digits}·10{raised}"),
        }
    }
}

#[cfg(test)]
mod tests;
