//! The raw record of a run: times, weights, dual variables, states and integrals.

use std::cell::OnceCell;

use crate::flow::{Evaluation, Flow};
use crate::record::{Recorder, Snapshot, retain_increments, retain_rows};
use crate::special::DoubleDouble;

/// k recorded times of a flow with n weights, m measurements and d state entries; matrices are row-major, a row a time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trajectory {
    /// Times.
    pub t: Vec<DoubleDouble>,
    /// Accepted steps so far.
    pub steps: Vec<usize>,
    /// Weights, k × n; empty when they were not kept.
    pub weights: Vec<f64>,
    /// q = ∫r, k × m.
    pub dual: Vec<f64>,
    /// The flow's own state, k × d.
    pub state: Vec<f64>,
    /// ∫ℓ.
    pub loss_integral: Vec<DoubleDouble>,
    /// Gains since the previous record of ∫ℓ and of ∫⟨Aw − y, Aw − Az⟩ for each tracked z, k × (1 + p).
    pub increments: Vec<f64>,
    /// Whether weights are kept (they can be recomputed from the states).
    pub keep_weights: bool,
}

impl Trajectory {
    /// An empty record that keeps the weights.
    pub fn new() -> Self {
        Self {
            keep_weights: true,
            ..Self::default()
        }
    }

    /// An empty record that keeps states only: weights are recomputed on replay.
    pub fn without_weights() -> Self {
        Self::default()
    }

    /// Number of recorded times.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// The weights at recorded time `row`, where they are kept.
    pub fn weights_at(&self, row: usize, n: usize) -> Option<&[f64]> {
        self.weights.get(row * n..(row + 1) * n)
    }

    /// Show every recorded time to `recorder` again, recomputing what is not stored from the states.
    pub fn replay(&self, flow: &dyn Flow, recorder: &mut dyn Recorder) {
        let (m, n) = (flow.problem().operator.rows(), flow.problem().operator.cols());
        let mut evaluation = Evaluation::new(m, n);
        let integrals = self.increments.len() / self.t.len().max(1);
        for row in 0..self.len() {
            let state = &self.state[row * flow.dim()..(row + 1) * flow.dim()];
            flow.evaluate(state, &mut evaluation);
            recorder.record(&Snapshot {
                flow,
                t: self.t[row],
                steps: self.steps[row],
                state,
                loss: evaluation.loss(),
                evaluation: &evaluation,
                loss_integral: self.loss_integral[row],
                dual: &self.dual[row * m..(row + 1) * m],
                increments: &self.increments[row * integrals..(row + 1) * integrals],
                place: OnceCell::new(),
            });
        }
    }
}

impl Recorder for Trajectory {
    fn record(&mut self, snapshot: &Snapshot) {
        self.t.push(snapshot.t);
        self.steps.push(snapshot.steps);
        if self.keep_weights {
            self.weights.extend_from_slice(&snapshot.evaluation.weights);
        }
        self.dual.extend_from_slice(snapshot.dual);
        self.state.extend_from_slice(snapshot.state);
        self.loss_integral.push(snapshot.loss_integral);
        self.increments.extend_from_slice(snapshot.increments);
    }

    fn retain(&mut self, keep: &[bool]) {
        let rows = keep.len().max(1);
        for matrix in [&mut self.weights, &mut self.dual, &mut self.state] {
            let width = matrix.len() / rows;
            retain_rows(matrix, width, keep);
        }
        let integrals = self.increments.len() / rows;
        retain_increments(&mut self.increments, integrals, keep);
        retain_rows(&mut self.loss_integral, 1, keep);
        retain_rows(&mut self.steps, 1, keep);
        retain_rows(&mut self.t, 1, keep);
    }
}
