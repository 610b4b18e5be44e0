//! From the text of a scenario to the scenario.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ron::extensions::Extensions;

use super::outline::Outline;
use super::problem::{DEFAULT_SPARSITY, Problem, Signal};
use super::translate::{Place, position_of, translate};
use super::{Fault, Scenario, ScenarioError};

/// Longest text that is read as a scenario, in bytes.
pub const MAX_BYTES: u64 = 16 << 20;

/// The RON dialect of scenarios.
pub(crate) fn dialect() -> ron::Options {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .with_default_extension(Extensions::UNWRAP_NEWTYPES)
        .with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES)
}

/// Reads a scenario file: [`read_text`], then [`parse`].
///
/// # Errors
/// If the file cannot be read or does not hold a valid scenario.
pub fn read(path: &Path) -> Result<Scenario, ScenarioError> {
    parse(&read_text(path)?, path)
}

/// Reads the text of a scenario file, refusing files longer than [`MAX_BYTES`] before reading them.
///
/// # Errors
/// If the file is missing, unreadable, not a regular file, too long, or not UTF-8.
pub fn read_text(path: &Path) -> Result<String, ScenarioError> {
    let unreadable = |reason: String| ScenarioError::of_file(path, Fault::Unreadable { reason });
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if metadata.is_dir() {
        return Err(unreadable("it is a directory".to_owned()));
    }
    check_length(metadata.len(), path)?;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(error.to_string()))?;
    check_length(bytes.len() as u64, path)?;
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        unreadable(format!("it is not UTF-8 text (line {line})"))
    })
}

fn check_length(bytes: u64, path: &Path) -> Result<(), ScenarioError> {
    if bytes > MAX_BYTES {
        let limit = MAX_BYTES;
        return Err(ScenarioError::of_file(path, Fault::TooLarge { bytes, limit }));
    }
    Ok(())
}

/// Reads and validates a scenario; `origin` is the file named in errors.
///
/// # Errors
/// With file, line, column, field and hint as far as they exist, if the text is not a valid scenario.
pub fn parse(text: &str, origin: &Path) -> Result<Scenario, ScenarioError> {
    let scenario = deserialize(text, origin)?;
    scenario.validate().map_err(|error| locate(error, text, origin))?;
    Ok(scenario)
}

/// Reads any document in the dialect of scenarios; `origin` is the file named in errors.
pub(crate) fn from_ron<'a, T: serde::Deserialize<'a>>(text: &'a str, origin: &Path) -> Result<T, ScenarioError> {
    check_length(text.len() as u64, origin)?;
    let read = dialect().from_str(text);
    read.map_err(|error| translate(&error, &Place { text, origin }))
}

/// Reads a scenario without judging its values.
pub(crate) fn deserialize(text: &str, origin: &Path) -> Result<Scenario, ScenarioError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut scenario: Scenario = from_ron(text, origin)?;
    if let Problem::Synthetic(problem) = &mut scenario.problem {
        let Signal::Sparse { sparsity, .. } = &mut problem.signal;
        if *sparsity == DEFAULT_SPARSITY
            && problem.dimension < DEFAULT_SPARSITY
            && Outline::new(text).find("problem.signal.sparsity").is_none()
        {
            *sparsity = problem.dimension;
        }
    }
    Ok(scenario)
}

/// An error of a field of the scenario in `origin`, with its position if the file still says so.
pub(crate) fn field_error(origin: &Path, field: &str, fault: Fault) -> ScenarioError {
    let error = ScenarioError::of_field(field, fault);
    match read_text(origin) {
        Ok(text) => locate(error, &text, origin),
        Err(_) => ScenarioError {
            file: origin.to_owned(),
            ..error
        },
    }
}

/// Adds file and position to an error of a field.
pub(crate) fn locate(mut error: ScenarioError, text: &str, origin: &Path) -> ScenarioError {
    origin.clone_into(&mut error.file);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let outline = Outline::new(text);
    let mut path = error.field.clone().unwrap_or_default();
    while !path.is_empty() {
        if let Some(node) = outline.find(&path).and_then(|index| outline.node(index)) {
            error.position = Some(position_of(text, node.span.start));
            break;
        }
        path.truncate(path.rfind(['.', '[']).unwrap_or(0));
    }
    error
}
