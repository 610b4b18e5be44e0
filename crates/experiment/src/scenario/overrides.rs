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

fn without_position(error: ScenarioError) -> ScenarioError {
    ScenarioError {
        position: None,
        ..error
    }
}

/// One override, on types but not yet on ranges.
fn override_once(text: &str, origin: &Path, assignment: &str) -> Result<String, ScenarioError> {
    let original = deserialize(text, origin);
    let bad = |reason: &str| {
        let (text, reason) = (assignment.to_owned(), reason.to_owned());
        ScenarioError::of_file(origin, Fault::BadOverride { text, reason })
    };
    let (path, value) = assignment.split_once('=').ok_or_else(|| bad("there is no `=`"))?;
    let (path, value) = (path.trim(), value.trim());
    if path.is_empty() {
        return Err(bad("there is no path before the `=`"));
    }
    // A file that lacks only what is being set is completed as it stands.
    let base = original.as_ref().map_or_else(|_| text.to_owned(), to_ron);
    let edited = replace(&base, path, value).map_err(|fault| match fault {
        Refused::Value(reason) => bad(reason),
        Refused::Path { step, known } => {
            let path = path.to_owned();
            ScenarioError::of_file(origin, Fault::UnknownPath { path, step, known })
        }
    });
    match (edited.and_then(|edited| deserialize(&edited, origin)), original) {
        (Ok(scenario), _) => Ok(to_ron(&scenario)),
        (Err(_), Err(original)) => Err(original),
        (Err(error), Ok(_)) => Err(without_position(error)),
    }
}

/// Why a text was not edited.
enum Refused {
    /// The value is not one RON value.
    Value(&'static str),
    /// The path leads nowhere: the first step that does not exist, and the fields that exist instead.
    Path { step: String, known: Vec<String> },
}

/// Replaces the value at a path in a text, or adds the last field of the path where it is absent.
fn replace(text: &str, path: &str, value: &str) -> Result<String, Refused> {
    let outline = Outline::new(text);
    if let Some(node) = outline.find(path).and_then(|index| outline.node(index)) {
        let replaces_text = outline.slice(&node.span).starts_with('"');
        let value = if replaces_text && ron::from_str::<String>(value).is_err() {
            format!("{value:?}") // the shell has eaten the quotation marks
        } else {
            value.to_owned()
        };
        check_value(&value)?;
        return Ok(splice(text, node.span.clone(), &value));
    }
    check_value(value)?;
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let Some(index) = outline.find(parent) else {
        return Err(leads_nowhere(&outline, path));
    };
    let is_name =
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    match outline.node(index).and_then(|node| node.body.clone()) {
        Some((b'(', body)) if is_name => Ok(splice(text, body.start..body.start, &format!("{name}: {value}, "))),
        _ => Err(leads_nowhere(&outline, path)),
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

fn check_value(value: &str) -> Result<(), Refused> {
    if value.is_empty() {
        Err(Refused::Value("there is no value after the `=`"))
    } else if is_single_value(value) {
        Ok(())
    } else {
        Err(Refused::Value("the value is not one RON value"))
    }
}

/// Whether the text is exactly one RON value and ends with it, so that it cannot spill into its surroundings.
fn is_single_value(text: &str) -> bool {
    let ends_with_value = Lexer::new(text)
        .last()
        .is_some_and(|(_, range)| range.end == text.len());
    ends_with_value && ron::value::RawValue::from_ron(text).is_ok()
}
