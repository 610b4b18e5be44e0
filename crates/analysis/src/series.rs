//! The table of a run: one row per recorded time, one column per observable.

use std::collections::BTreeMap;

use hadaflow_core::record::{Recorder, Snapshot, retain_increments, retain_rows};
use hadaflow_core::special::DoubleDouble;

use crate::observable::{Context, Observable};

/// Observables along a trajectory.
pub struct Series {
    context: Context,
    observables: Vec<Box<dyn Observable>>,
    /// Times.
    pub t: Vec<DoubleDouble>,
    values: Vec<Vec<f64>>,
    increments: Vec<f64>,
}

impl Series {
    /// An empty table of the given observables.
    pub fn new(context: Context, observables: Vec<Box<dyn Observable>>) -> Self {
        let values = observables.iter().map(|_| Vec::new()).collect();
        Self {
            context,
            observables,
            t: Vec::new(),
            values,
            increments: Vec::new(),
        }
    }

    /// Number of recorded times.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// What the observables are measured against.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The columns in their order: `t`, `t_lo`, then one per observable, then `loss_increment` and, per reference, the
    /// increment of ∫⟨Aw − y, Aw − Az⟩.
    pub fn columns(&self) -> Vec<(String, Vec<f64>)> {
        let mut columns = vec![
            ("t".into(), self.t.iter().map(|t| t.hi).collect()),
            ("t_lo".into(), self.t.iter().map(|t| t.lo).collect()),
        ];
        for (observable, values) in self.observables.iter().zip(&self.values) {
            columns.push((observable.label().column, values.clone()));
        }
        let width = 1 + self.context.references.len();
        let increments = |p: usize| self.increments.iter().skip(p).step_by(width).copied().collect();
        columns.push(("loss_increment".into(), increments(0)));
        for (p, reference) in self.context.references.iter().enumerate() {
            columns.push((format!("mismatch_increment_{}", reference.name), increments(1 + p)));
        }
        columns
    }

    /// The columns by name.
    pub fn by_name(&self) -> BTreeMap<String, Vec<f64>> {
        self.columns().into_iter().collect()
    }
}

impl Recorder for Series {
    fn record(&mut self, snapshot: &Snapshot) {
        self.t.push(snapshot.t);
        for (observable, values) in self.observables.iter().zip(&mut self.values) {
            values.push(observable.measure(snapshot, &self.context));
        }
        self.increments.extend_from_slice(snapshot.increments);
    }

    fn retain(&mut self, keep: &[bool]) {
        for values in &mut self.values {
            retain_rows(values, 1, keep);
        }
        retain_increments(&mut self.increments, 1 + self.context.references.len(), keep);
        retain_rows(&mut self.t, 1, keep);
    }
}
