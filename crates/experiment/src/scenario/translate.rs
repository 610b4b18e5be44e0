//! RON's errors in the words of a scenario: with the field's path, and with what was meant.

use std::path::Path;

use ron::error::{Error, SpannedError};

use super::outline::Outline;
use super::{Fault, Position, ScenarioError};

/// The text in which an error has its place.
pub(super) struct Place<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// The file it came from.
    pub(super) origin: &'a Path,
}

/// The line and column of a byte.
pub(super) fn position_of(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: 1 + before.matches('\n').count(),
        column: 1 + before[line_start..].chars().count(),
    }
}

/// The byte of a line and column.
fn offset_of(text: &str, position: ron::error::Position) -> usize {
    let mut line_start = 0;
    for _ in 1..position.line {
        match text[line_start..].find('\n') {
            Some(newline) => line_start += newline + 1,
            None => return text.len(),
        }
    }
    let line = &text[line_start..];
    let column = position.col.saturating_sub(1);
    line_start + line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset)
}

/// The text of a value, short enough for a message.
fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(40) {
        None if line.len() == text.len() => line.to_owned(),
        None => format!("{line} …"),
        Some((end, _)) => format!("{} …", &line[..end]),
    }
}

/// Turns RON's error into ours.
pub(super) fn translate(error: &SpannedError, place: &Place<'_>) -> ScenarioError {
    let outline = Outline::new(place.text);
    let start = outline.skip_blank(offset_of(place.text, error.span.start));
    let end = offset_of(place.text, error.span.end);
    let node = value_meant(&outline, &error.code, start, end);
    let span = node.and_then(|index| outline.node(index)).map(|node| node.span.clone());
    let found = span
        .as_ref()
        .map_or_else(String::new, |span| excerpt(outline.slice(span)));
    let fault = match place.text.trim() {
        "" => Fault::Syntax {
            message: "the scenario is empty".to_owned(),
        },
        _ => fault_of(&error.code, found),
    };
    let path = node.map(|index| outline.path(index)).unwrap_or_default();
    let at = match (&fault, span) {
        (Fault::WrongType { .. }, Some(span)) => span.start,
        _ => start,
    };
    let field = match &fault {
        Fault::MissingField { name } => Some(join(&path, name)),
        Fault::DuplicateField { name: found } | Fault::UnknownField { found, .. } => {
            Some(join(path.strip_suffix(found.as_str()).unwrap_or(&path), found))
        }
        Fault::Syntax { .. } | Fault::TooDeep if path.is_empty() => None,
        _ => Some(path).filter(|path| !path.is_empty()),
    };
    ScenarioError {
        file: place.origin.to_owned(),
        position: Some(position_of(place.text, at)),
        field,
        fault: Box::new(fault),
    }
}

fn join(path: &str, name: &str) -> String {
    match path.trim_end_matches('.') {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// The value that an error is about.
///
/// RON points before or behind the value, depending on how far it had read; a missing field belongs to the brackets
/// that close where it points.
fn value_meant(outline: &Outline<'_>, code: &Error, start: usize, end: usize) -> Option<usize> {
    match code {
        Error::MissingStructField { .. } => outline.brackets_at(start),
        Error::InvalidValueForType { .. } => outline.at(end.saturating_sub(1).max(start)),
        Error::Message(_) => [start, end.saturating_sub(1)]
            .into_iter()
            .filter_map(|offset| outline.at(offset))
            .find(|index| !outline.path(*index).is_empty()),
        _ => outline.at(start),
    }
}

fn fault_of(code: &Error, found: String) -> Fault {
    let known = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let wrong = |expected: &str| Fault::WrongType {
        expected: expected.to_owned(),
        found: found.clone(),
    };
    match code {
        Error::NoSuchStructField { expected, found, .. } => Fault::UnknownField {
            found: found.clone(),
            known: known(expected),
        },
        Error::NoSuchEnumVariant { expected, found, .. } => Fault::UnknownVariant {
            found: found.clone(),
            known: known(expected),
        },
        Error::MissingStructField { field, .. } => Fault::MissingField {
            name: (*field).to_owned(),
        },
        Error::DuplicateStructField { field, .. } => Fault::DuplicateField {
            name: (*field).to_owned(),
        },
        Error::InvalidValueForType { expected, .. } => wrong(expected),
        Error::ExpectedFloat => wrong("a number"),
        Error::ExpectedString => wrong("text in double quotes"),
        Error::ExpectedArray => wrong("a list [..]"),
        Error::ExpectedIdentifier => wrong("a name"),
        Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => wrong("a group in parentheses"),
        Error::ExpectedDifferentLength { expected, .. } => wrong(expected),
        Error::ExceededRecursionLimit => Fault::TooDeep,
        other => Fault::Syntax {
            message: lower_first(&other.to_string()),
        },
    }
}

fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}
