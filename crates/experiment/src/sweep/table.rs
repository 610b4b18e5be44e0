//! Reading a merged table.

use std::collections::BTreeMap;
use std::path::Path;

use super::{SCHEMA, SweepError};
use crate::error::ExperimentError;
pub use crate::write::Cells;
use crate::write::read_some_cells;

/// A merged table: named columns in order, and what it says of itself (`axes`, `trials`, `mode`, `success`, …).
pub type Table = (Vec<(String, Cells)>, BTreeMap<String, String>);

/// Reads a table that [`merge`](super::merge()) wrote.
///
/// # Errors
/// If it is missing or damaged, no sweep's table, or from another version of the layout.
pub fn read_table(path: &Path) -> Result<Table, ExperimentError> {
    read_columns(path, &|_| true)
}

/// Reads the columns of such a table that are `wanted`.
pub(super) fn read_columns(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Table, ExperimentError> {
    let (columns, metadata) = read_some_cells(path, wanted)?;
    let wrong = |reason: String| {
        ExperimentError::from(SweepError::Table {
            table: path.to_owned(),
            reason,
        })
    };
    match metadata.get("hadaflow_sweep_schema").map(String::as_str) {
        None => Err(wrong("it is not the table of a sweep".to_owned())),
        Some(schema) if schema != SCHEMA.to_string() => {
            let version = metadata.get("hadaflow_version").map_or("?", String::as_str);
            let reason =
                format!("it was written by version {version} (schema {schema}), this is schema {SCHEMA}; merge anew");
            Err(wrong(reason))
        }
        Some(_) => Ok((columns, metadata)),
    }
}
