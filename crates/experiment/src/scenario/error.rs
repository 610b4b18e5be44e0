//! What can be wrong with a scenario, where it is, and what to try.

use std::fmt;
use std::path::PathBuf;

use super::suggest::suggest;

/// A place in the scenario's text, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// A scenario that cannot be used. `Display` gives one line: file, place, field, fault and hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file it came from; empty when a scenario without a file was validated.
    pub file: PathBuf,
    /// Where in the text, when the fault has a place.
    pub position: Option<Position>,
    /// The field's path such as `model.initialization`, when the fault belongs to one.
    pub field: Option<String>,
    /// What is wrong.
    pub fault: Box<Fault>,
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file cannot be read.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// The system's words.
        reason: String,
    },
    /// The text is too long to be a scenario.
    #[error("has {bytes} bytes; a scenario may have {limit}")]
    TooLarge {
        /// Its length.
        bytes: u64,
        /// The longest that is read.
        limit: u64,
    },
    /// Brackets nest too deeply.
    #[error("brackets nest too deeply")]
    TooDeep,
    /// The text is not RON.
    #[error("{message}")]
    Syntax {
        /// What was expected there.
        message: String,
    },
    /// A field that does not exist.
    #[error("unknown field `{found}`")]
    UnknownField {
        /// As written.
        found: String,
        /// The fields that exist there.
        known: Vec<String>,
    },
    /// A choice that does not exist.
    #[error("unknown choice `{found}`")]
    UnknownVariant {
        /// As written.
        found: String,
        /// The choices that exist there.
        known: Vec<String>,
    },
    /// A field without a default is absent.
    #[error("the field `{name}` is required")]
    MissingField {
        /// Its name.
        name: String,
    },
    /// A field is given twice.
    #[error("the field `{name}` is given twice")]
    DuplicateField {
        /// Its name.
        name: String,
    },
    /// A value of the wrong type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the field takes.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A value of the right type, outside its range.
    #[error("{value} is out of range: must be {allowed}")]
    OutOfRange {
        /// As read.
        value: String,
        /// The range in words.
        allowed: String,
    },
    /// Two choices that are valid apart but not together.
    #[error("{value} does not go with {other}")]
    Incompatible {
        /// The choice.
        value: String,
        /// The other one, and why they do not go together.
        other: String,
        /// What to choose instead.
        remedy: String,
    },
    /// An override that is not of the form `path=value`, or whose value is not one RON value.
    #[error("cannot apply `{text}`: {reason}")]
    BadOverride {
        /// As given.
        text: String,
        /// Why not.
        reason: String,
    },
    /// An override of a field that does not exist.
    #[error("there is no field `{path}` to set")]
    UnknownPath {
        /// As given.
        path: String,
        /// The first step of the path that does not exist.
        step: String,
        /// The fields that exist instead of it.
        known: Vec<String>,
    },
}

impl Fault {
    /// What to try, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownField { found, known } | Self::UnknownVariant { found, known } => nearest(found, known),
            Self::UnknownPath { step, known, .. } => nearest(step, known),
            Self::Incompatible { remedy, .. } => Some(format!("try {remedy}")),
            Self::TooDeep => Some("a scenario needs fewer than ten levels of brackets".to_owned()),
            Self::WrongType { expected, found } if expected.contains("double quotes") && !found.starts_with('"') => {
                Some("write text as \"…\"".to_owned())
            }
            Self::WrongType { found, .. } if is_quoted_number(found) => Some("write numbers without quotes".to_owned()),
            Self::BadOverride { .. } => Some("write for example --set problem.measurements=40".to_owned()),
            _ => None,
        }
    }
}

fn is_quoted_number(found: &str) -> bool {
    found
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(|inner| inner.trim().parse::<f64>().is_ok())
}

fn nearest(found: &str, known: &[String]) -> Option<String> {
    match suggest(found, known.iter().map(String::as_str)) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", known.join(", "))),
    }
}

impl ScenarioError {
    /// An error of a field, without a file or a place yet.
    pub(crate) fn of_field(field: impl Into<String>, fault: Fault) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::of_file(PathBuf::new(), fault)
        }
    }

    /// An error of the whole file.
    pub(crate) fn of_file(file: impl Into<PathBuf>, fault: Fault) -> Self {
        Self {
            file: file.into(),
            position: None,
            field: None,
            fault: Box::new(fault),
        }
    }

    /// What to try, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.fault.hint()
    }
}

/// Text short enough for a message, whatever a scenario quotes into it.
fn shorten(text: String) -> String {
    const LONGEST: usize = 600;
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.as_os_str().is_empty() {
            write!(formatter, "{}:", self.file.display())?;
            if let Some(position) = self.position {
                write!(formatter, "{}:{}:", position.line, position.column)?;
            }
            formatter.write_str(" ")?;
        }
        if let Some(field) = &self.field {
            write!(formatter, "{}: ", shorten(field.clone()))?;
        }
        write!(formatter, "{}", shorten(self.fault.to_string()))?;
        match self.hint() {
            Some(hint) => write!(formatter, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ScenarioError {}
