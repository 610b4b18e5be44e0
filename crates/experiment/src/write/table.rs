//! Tables of numbers: named columns of equal length, in Parquet or CSV.

mod parquet;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

pub use self::parquet::{read_table_parquet, write_table_parquet};
pub use self::text::{read_table_csv, write_table_csv};
use super::WriteError;

/// A table of numbers; numbers that are not finite are allowed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names and values, in the order of the columns.
    pub columns: Vec<(String, Vec<f64>)>,
    /// What the table is about. CSV has no place for it.
    pub metadata: BTreeMap<String, String>,
}

impl Table {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
    }

    /// The values of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        let found = self.columns.iter().find(|(column, _)| column == name)?;
        Some(&found.1)
    }

    /// Columns must have distinct names and equal lengths, and there must be one.
    fn check(&self, path: &Path) -> Result<(), WriteError> {
        if self.columns.is_empty() {
            return Err(WriteError::content(path, "the table has no columns"));
        }
        for (k, (name, values)) in self.columns.iter().enumerate() {
            if name.is_empty() || self.columns[..k].iter().any(|(other, _)| other == name) {
                return Err(WriteError::content(path, format!("{name:?} cannot name a column here")));
            }
            if values.len() != self.rows() {
                let (found, expected) = (values.len(), self.rows());
                let reason = format!("column {name:?} has {found} rows, the first one has {expected}");
                return Err(WriteError::content(path, reason));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
