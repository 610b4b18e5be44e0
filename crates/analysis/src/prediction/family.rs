//! A family of runs: members that differ in one parameter, and what was measured of each.

use std::collections::BTreeMap;

/// Named columns of equal length, one row per member. Kept with the run, so that it is assessed again without
/// integrating again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Family {
    /// The columns by name.
    pub columns: BTreeMap<String, Vec<f64>>,
}

impl Family {
    /// A family without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member; each has the same columns.
    pub fn push(&mut self, row: &[(&str, f64)]) {
        for (name, value) in row {
            self.columns.entry((*name).to_owned()).or_default().push(*value);
        }
    }

    /// A column, empty if there is none.
    pub fn column(&self, name: &str) -> &[f64] {
        self.columns.get(name).map_or(&[], |column| column)
    }

    /// The number of members; 0 if the columns are not of one length, as those of an altered file.
    pub fn len(&self) -> usize {
        let mut lengths = self.columns.values().map(Vec::len);
        let first = lengths.next().unwrap_or(0);
        if lengths.all(|length| length == first) {
            first
        } else {
            0
        }
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
