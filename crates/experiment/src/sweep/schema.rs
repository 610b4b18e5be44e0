//! The sweep file: a template, axes, and what is measured of each cell.

use std::path::{Path, PathBuf};

use ron::ser::PrettyConfig;
use ron::value::RawValue;
use serde::{Deserialize, Serialize};

use super::axis::Axis;
use crate::scenario::{
    Fault, Lexer, Outline, Scenario, ScenarioError, Selection, bad_override, dialect, from_ron, locate,
    parse_with_overrides, read_text, replace_in, split_override, to_ron, without_position,
};

/// What a cell computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// The flow, integrated until it stops.
    #[default]
    Flow,
    /// The exact limit of the flow, without integrating.
    Limit,
}

/// When a cell counts as a success.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Success {
    /// ‖w − w*‖ < x·‖w*‖.
    DistanceBelow(f64),
}

/// A sweep, complete: the template is read, overrides are applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The file it came from, named in errors.
    pub file: PathBuf,
    /// What relative paths of cells count from: the file of the template.
    pub origin: PathBuf,
    /// The sweep without its template.
    pub settings: Settings,
    /// The template.
    pub template: Scenario,
    /// Its text, for positions in errors, unless overrides changed it.
    pub(super) text: String,
}

/// Everything of a sweep but the template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Sweep", deny_unknown_fields)]
pub struct Settings {
    /// One line for humans. Default: empty.
    #[serde(default)]
    pub title: String,
    /// Master seed of all cells. Default: 0.
    #[serde(default)]
    pub seed: u64,
    /// Cells per point of the grid, each with its own random numbers. Default: 1.
    #[serde(default = "one")]
    pub trials: u64,
    /// What a cell computes. Default: `Flow`.
    #[serde(default)]
    pub mode: Mode,
    /// Which final observables become columns. Default: `[loss, l1_norm, support_size]`.
    #[serde(default = "default_measure")]
    pub measure: Selection,
    /// Reference points that are computed for each cell besides those that `measure` names. Default: `None`.
    #[serde(default = "none")]
    pub references: Selection,
    /// Predictions that are assessed for each cell, which then records what the template says. Default: `None`.
    #[serde(default = "none")]
    pub predictions: Selection,
    /// When a cell counts as a success. Default: never asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
    /// The axes, the last one fastest. Default: none.
    #[serde(default)]
    pub axes: Vec<Axis>,
    /// The template as written. Required.
    template: Box<RawValue>,
}

fn one() -> u64 {
    1
}

fn default_measure() -> Selection {
    Selection::Named(["loss", "l1_norm", "support_size"].map(str::to_owned).to_vec())
}

fn none() -> Selection {
    Selection::None
}

/// The fields of a sweep, by which an override finds its place.
const FIELDS: [&str; 10] = [
    "title",
    "seed",
    "trials",
    "mode",
    "measure",
    "references",
    "predictions",
    "success",
    "axes",
    "template",
];

impl Sweep {
    /// Reads a sweep file with overrides, see [`Sweep::parse`].
    ///
    /// # Errors
    /// If the file cannot be read or is no sweep.
    pub fn read<S: AsRef<str>>(file: &Path, overrides: &[S]) -> Result<Self, ScenarioError> {
        Self::parse(&read_text(file)?, file, overrides)
    }

    /// Reads a sweep; the template may stand in a file beside `file`.
    ///
    /// An override `path=value` whose path begins with a field of the sweep sets that field; `template.path=value` and
    /// everything else is about the template.
    ///
    /// # Errors
    /// With file, line, column, field and hint as far as they exist.
    pub fn parse<S: AsRef<str>>(text: &str, file: &Path, overrides: &[S]) -> Result<Self, ScenarioError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (mut own, mut inner) = (Vec::new(), Vec::new());
        for assignment in overrides.iter().map(AsRef::as_ref) {
            let (path, _) = split_override(assignment).map_err(|reason| bad_override(file, assignment, reason))?;
            let head = path.split(['.', '[']).next().unwrap_or_default();
            match assignment.trim_start().strip_prefix("template.") {
                Some(rest) => inner.push(rest.to_owned()),
                None if FIELDS.contains(&head) => own.push(assignment),
                None => inner.push(assignment.to_owned()),
            }
        }
        let mut edited = text.to_owned();
        for assignment in &own {
            edited = replace_in(&edited, file, assignment)?;
        }
        if Lexer::new(&edited).next().is_none() {
            let message = "the sweep is empty".to_owned();
            return Err(ScenarioError::of_file(file, Fault::Syntax { message }));
        }
        let positioned = |error: ScenarioError| if own.is_empty() { error } else { without_position(error) };
        let mut settings: Settings = from_ron(&edited, file).map_err(positioned)?;
        for axis in &mut settings.axes {
            if let (true, Some(field)) = (axis.name.is_empty(), &axis.field) {
                axis.name = field.rsplit('.').next().unwrap_or_default().to_owned();
            }
            if axis.round {
                axis.values.round();
            }
        }
        let (template_text, origin) = template_of(&edited, file, &settings).map_err(positioned)?;
        let template = parse_with_overrides(&template_text, &origin, &inner)?;
        let text = if own.is_empty() { edited } else { String::new() };
        let file = file.to_owned();
        Ok(Self {
            file,
            origin,
            settings,
            template,
            text,
        })
    }

    /// The sweep as RON with its template within; it reads back to the same cells.
    ///
    /// # Errors
    /// If a path in it is not UTF-8.
    pub fn to_ron(&self) -> Result<String, ScenarioError> {
        let unwritable = |error: ron::Error| {
            let message = format!("the sweep cannot be written: {error}");
            ScenarioError::of_file(&self.file, Fault::Syntax { message })
        };
        let mut settings = self.settings.clone();
        settings.template = RawValue::from_boxed_ron(to_ron(&self.template).trim_end().into())
            .map_err(|error| unwritable(error.code))?;
        let config = PrettyConfig::new()
            .new_line("\n".to_owned())
            .indentor("    ".to_owned())
            .struct_names(false)
            .compact_arrays(false);
        let body = dialect().to_string_pretty(&settings, config).map_err(unwritable)?;
        Ok(format!("Sweep{body}\n"))
    }

    /// An error of a field of the sweep, such as `axes[0].values`.
    pub(super) fn error(&self, field: &str, fault: Fault) -> ScenarioError {
        locate(ScenarioError::of_field(field, fault), &self.text, &self.file)
    }
}

/// The text of the template and the file its relative paths count from.
fn template_of(text: &str, file: &Path, settings: &Settings) -> Result<(String, PathBuf), ScenarioError> {
    let raw = settings.template.get_ron();
    if let Ok(name) = ron::from_str::<String>(raw) {
        let path = file.parent().unwrap_or(Path::new("")).join(name);
        return Ok((read_text(&path)?, path));
    }
    let outline = Outline::new(text);
    let node = outline.find("template").and_then(|index| outline.node(index));
    let Some(node) = node else {
        return Ok((raw.to_owned(), file.to_owned()));
    };
    // blanks in place of what surrounds it, so that errors have their line and column in the sweep
    let blank = |part: &str| {
        part.chars()
            .map(|c| if c == '\n' { c } else { ' ' })
            .collect::<String>()
    };
    let before = blank(text.get(..node.span.start).unwrap_or_default());
    Ok((before + outline.slice(&node.span), file.to_owned()))
}
