//! `--set path=value`: one value of a scenario replaced.
//!
//! The scenario is written out with all its defaults, the value is exchanged in that text, and the text is read again:
//! so an override means exactly what the same line in the file would mean.

use std::path::Path;

use super::outline::{Lexer, Outline};
use super::parse::{deserialize, parse};
use super::{Fault, Scenario, ScenarioError, to_ron};

/// Parses a scenario with overrides such as `problem.measurements=40`, applied in turn.
///
/// The values are judged once, after the last override.
///
/// # Errors
/// If the scenario or an override is not valid. An error that comes from an override has no position.
pub fn parse_with_overrides<S: AsRef<str>>(
    text: &str,
    origin: &Path,
    overrides: &[S],
) -> Result<Scenario, ScenarioError> {
    if overrides.is_empty() {
        return parse(text, origin);
    }
    let mut current = text.to_owned();
    for assignment in overrides {
        current = override_once(&current, origin, assignment.as_ref())?;
    }
    let scenario = deserialize(&current, origin).map_err(without_position)?;
    match (scenario.validate(), parse(text, origin)) {
        (Ok(()), _) => Ok(scenario),
        (Err(error), Err(original)) if error.field == original.field && error.fault == original.fault => Err(original),
        (Err(error), _) => Err(ScenarioError {
            file: origin.to_owned(),
            ..error
        }),
    }
}

/// Applies one override to the text of a scenario; the result is the canonical text of the new scenario.
///
/// # Errors
/// If the text is not a scenario, the override is not `path=value`, the path does not exist or the value does not fit.
pub fn apply_override(text: &str, assignment: &str) -> Result<String, ScenarioError> {
    let scenario = parse_with_overrides(text, Path::new(""), &[assignment])?;
    Ok(to_ron(&scenario))
}

pub(crate) fn without_position(error: ScenarioError) -> ScenarioError {
    ScenarioError {
        position: None,
        ..error
    }
}

/// One override, on types but not yet on ranges.
fn override_once(text: &str, origin: &Path, assignment: &str) -> Result<String, ScenarioError> {
    let original = deserialize(text, origin);
    let (path, value) = split(assignment).map_err(|reason| bad_override(origin, assignment, reason))?;
    // A file that lacks only what is being set is completed as it stands.
    let base = original.as_ref().map_or_else(|_| text.to_owned(), to_ron);
    let edited = replace(&base, path, value).map_err(|refused| refused.error(origin, assignment, path));
    match (edited.and_then(|edited| deserialize(&edited, origin)), original) {
        (Ok(scenario), _) => Ok(to_ron(&scenario)),
        (Err(_), Err(original)) => Err(original),
        (Err(error), Ok(_)) => Err(without_position(error)),
    }
}

/// Path and value of an assignment; the reason if it is none.
pub(crate) fn split(assignment: &str) -> Result<(&str, &str), &'static str> {
    let (path, value) = assignment.split_once('=').ok_or("there is no `=`")?;
    match path.trim() {
        "" => Err("there is no path before the `=`"),
        path => Ok((path, value.trim())),
    }
}

pub(crate) fn bad_override(origin: &Path, assignment: &str, reason: &str) -> ScenarioError {
    let (text, reason) = (assignment.to_owned(), reason.to_owned());
    ScenarioError::of_file(origin, Fault::BadOverride { text, reason })
}

/// Why a text was not edited.
enum Refused {
    /// The value is not one RON value.
    Value(&'static str),
    /// The path leads nowhere: the first step that does not exist, and the fields that exist instead.
    Path { step: String, known: Vec<String> },
}

impl Refused {
    fn error(self, origin: &Path, assignment: &str, path: &str) -> ScenarioError {
        match self {
            Self::Value(reason) => bad_override(origin, assignment, reason),
            Self::Path { step, known } => {
                let path = path.to_owned();
                ScenarioError::of_file(origin, Fault::UnknownPath { path, step, known })
            }
        }
    }
}

/// [`replace`] for a document that is not a scenario, with the assignment `path=value` named in errors.
pub(crate) fn replace_in(text: &str, origin: &Path, assignment: &str) -> Result<String, ScenarioError> {
    let (path, value) = split(assignment).map_err(|reason| bad_override(origin, assignment, reason))?;
    replace(text, path, value).map_err(|refused| refused.error(origin, assignment, path))
}

/// Replaces the value at a path in a text, or adds the last field of the path where it is absent.
fn replace(text: &str, path: &str, value: &str) -> Result<String, Refused> {
    let hole = Hole::find(text, path)?;
    let value = hole.fill(value).map_err(Refused::Value)?;
    Ok(splice(text, hole.span, &value))
}

/// The place in a text where the value of a field stands or would stand.
pub(crate) struct Hole {
    /// What is replaced; empty where the field is absent.
    pub(crate) span: std::ops::Range<usize>,
    /// Whether a text in quotation marks is replaced.
    replaces_text: bool,
    /// The name of a field that is added.
    added: Option<String>,
}

impl Hole {
    /// The place of a path such as `model.depth`.
    fn find(text: &str, path: &str) -> Result<Self, Refused> {
        let outline = Outline::new(text);
        if let Some(node) = outline.find(path).and_then(|index| outline.node(index)) {
            return Ok(Self {
                span: node.span.clone(),
                replaces_text: outline.slice(&node.span).starts_with('"'),
                added: None,
            });
        }
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        let parent = outline.find(parent).and_then(|index| outline.node(index));
        match parent.and_then(|node| node.body.clone()) {
            Some((b'(', body)) if is_name => Ok(Self {
                span: body.start..body.start,
                replaces_text: false,
                added: Some(name.to_owned()),
            }),
            _ => Err(leads_nowhere(&outline, path)),
        }
    }

    /// The place of a path in a scenario's text.
    pub(crate) fn of(text: &str, path: &str) -> Result<Self, Fault> {
        Self::find(text, path).map_err(|refused| match refused {
            Refused::Path { step, known } => {
                let path = path.to_owned();
                Fault::UnknownPath { path, step, known }
            }
            Refused::Value(reason) => Fault::BadOverride {
                text: path.to_owned(),
                reason: reason.to_owned(),
            },
        })
    }

    /// What is to stand there for a value; the reason if it is not one RON value.
    pub(crate) fn fill(&self, value: &str) -> Result<String, &'static str> {
        let quoted = self.replaces_text && ron::from_str::<String>(value).is_err();
        // the shell has eaten the quotation marks
        let value = if quoted { format!("{value:?}") } else { value.to_owned() };
        check_value(&value)?;
        Ok(match &self.added {
            Some(name) => format!("{name}: {value}, "),
            None => value,
        })
    }
}

/// Where a path that does not exist leaves the scenario.
fn leads_nowhere(outline: &Outline<'_>, path: &str) -> Refused {
    let mut node = 0;
    let mut last = "";
    for step in path.split(['.', '[']) {
        last = step;
        match outline.child(node, step.trim_end_matches(']')) {
            Some(child) => node = child,
            None => break,
        }
    }
    Refused::Path {
        step: last.to_owned(),
        known: outline.fields(node).into_iter().map(str::to_owned).collect(),
    }
}

fn splice(text: &str, span: std::ops::Range<usize>, value: &str) -> String {
    let (before, after) = (
        text.get(..span.start).unwrap_or_default(),
        text.get(span.end..).unwrap_or_default(),
    );
    format!("{before}{value}{after}")
}

fn check_value(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        Err("there is no value after the `=`")
    } else if is_single_value(value) {
        Ok(())
    } else {
        Err("the value is not one RON value")
    }
}

/// Whether the text is exactly one RON value and ends with it, so that it cannot spill into its surroundings.
fn is_single_value(text: &str) -> bool {
    let ends_with_value = Lexer::new(text)
        .last()
        .is_some_and(|(_, range)| range.end == text.len());
    ends_with_value && ron::value::RawValue::from_ron(text).is_ok()
}
