//! What predictions are assessed on: the table of a run and how it came about.

use std::collections::BTreeMap;

use crate::reference::Reference;

/// Everything a prediction may look at.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The columns of the run by name; all of one length.
    pub columns: BTreeMap<String, Vec<f64>>,
    /// The references, prepared.
    pub references: Vec<Reference>,
    /// Σ U² of each reference on the mirror map, times the square of how much more accurate than w its logarithms are:
    /// what an error of the promised size costs in D near the reference. 0 outside the domain.
    pub reference_sizes: Vec<f64>,
    /// The promise on w the run was integrated with.
    pub tolerance: f64,
    /// Depth L.
    pub depth: usize,
    /// Whether the model is signed.
    pub signed: bool,
    /// Whether the integrals were integrated with the flow (false: reconstructed from samples).
    pub integrals_with_flow: bool,
    /// The run's own facts if it is gradient descent; `None` for the flow.
    pub descent: Option<Descent>,
}

/// A run by gradient descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Descent {
    /// Its step η.
    pub step: f64,
    /// The largest stable step where the run ended, see [`crate::stability`]; `None` where the factors are unknown.
    pub edge: Option<f64>,
}

impl Evidence {
    /// A column, empty if there is none.
    pub fn column(&self, name: &str) -> &[f64] {
        self.columns.get(name).map_or(&[], |column| column)
    }

    /// Time between recorded time `row` and the one before it, where t alone cannot tell them apart, too.
    pub fn elapsed(&self, row: usize) -> f64 {
        let difference = |name: &str| {
            let column = self.column(name);
            if row < column.len() {
                column[row] - column[row - 1]
            } else {
                0.0
            }
        };
        difference("t") + difference("t_lo")
    }

    /// Steps the integrator took between two recorded times (0 where it is not known).
    pub fn steps_between(&self, from: usize, to: usize) -> f64 {
        let at = |row: usize| self.column("steps").get(row).copied().unwrap_or(0.0);
        at(to) - at(from)
    }

    /// Number of recorded times.
    pub fn len(&self) -> usize {
        self.column("t").len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
