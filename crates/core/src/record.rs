//! What a recorder sees of the flow at a recorded time.

use std::cell::OnceCell;

use crate::flow::{Evaluation, Flow};
use crate::mirror::Position;
use crate::special::DoubleDouble;

/// The flow at one recorded time.
pub struct Snapshot<'a> {
    /// The flow.
    pub flow: &'a dyn Flow,
    /// Time since the start.
    pub t: DoubleDouble,
    /// Accepted steps so far: each may add its own error.
    pub steps: usize,
    /// The flow's own state.
    pub state: &'a [f64],
    /// Weights, residual and adjoint.
    pub evaluation: &'a Evaluation,
    /// ℓ.
    pub loss: f64,
    /// ∫₀ᵗ ℓ, integrated with the flow.
    pub loss_integral: DoubleDouble,
    /// q = ∫₀ᵗ r, m entries: the state itself (dual flow) or integrated along.
    pub dual: &'a [f64],
    /// What ∫ℓ, then ∫⟨Aw − y, Aw − Az⟩ for each tracked point z, gained since the previous record. Kept apart from the
    /// totals: at t = 1e48 an increment of order one is below even 32 digits of the total.
    pub increments: &'a [f64],
    /// Empty: filled when [`Snapshot::position`] is asked for.
    pub place: OnceCell<Position>,
}

impl Snapshot<'_> {
    /// Position on the branches of the mirror map.
    pub fn position(&self) -> &Position {
        self.place.get_or_init(|| {
            let mut position = Position::new(self.evaluation.weights.len(), self.flow.signed());
            self.flow.position(self.state, self.evaluation, &mut position);
            position
        })
    }
}

/// Receives snapshots in the order of time.
pub trait Recorder {
    /// One more snapshot.
    fn record(&mut self, snapshot: &Snapshot);
    /// Keep only the records for which `keep` is true (one entry per record so far).
    fn retain(&mut self, keep: &[bool]);
}

/// Two recorders as one.
impl<A: Recorder, B: Recorder> Recorder for (A, B) {
    fn record(&mut self, snapshot: &Snapshot) {
        self.0.record(snapshot);
        self.1.record(snapshot);
    }

    fn retain(&mut self, keep: &[bool]) {
        self.0.retain(keep);
        self.1.retain(keep);
    }
}

impl<R: Recorder + ?Sized> Recorder for &mut R {
    fn record(&mut self, snapshot: &Snapshot) {
        (**self).record(snapshot);
    }

    fn retain(&mut self, keep: &[bool]) {
        (**self).retain(keep);
    }
}

/// Keeps the entries of `rows` (of `width` numbers each) whose flag is set.
pub fn retain_rows<T: Copy>(rows: &mut Vec<T>, width: usize, keep: &[bool]) {
    let mut kept = 0;
    for (row, _) in keep.iter().enumerate().filter(|(_, keep)| **keep) {
        rows.copy_within(row * width..(row + 1) * width, kept * width);
        kept += 1;
    }
    rows.truncate(kept * width);
}

/// As [`retain_rows`] for increments: what a dropped row gained is added to the next one that stays.
pub fn retain_increments(rows: &mut Vec<f64>, width: usize, keep: &[bool]) {
    for row in 0..keep.len().saturating_sub(1) {
        if !keep[row] {
            for column in 0..width {
                rows[(row + 1) * width + column] += rows[row * width + column];
            }
        }
    }
    retain_rows(rows, width, keep);
}

#[cfg(test)]
mod tests {
    use super::{retain_increments, retain_rows};

    #[test]
    fn dropped_increments_go_to_the_next_row() {
        let mut rows = vec![0.0, 1.0, 2.0, 4.0, 8.0];
        retain_increments(&mut rows, 1, &[true, false, false, true, true]);
        assert_eq!(rows, [0.0, 7.0, 8.0]);
    }

    #[test]
    fn rows_are_kept_whole_and_in_order() {
        let mut rows = vec![0, 1, 10, 11, 20, 21, 30, 31];
        retain_rows(&mut rows, 2, &[true, false, false, true]);
        assert_eq!(rows, [0, 1, 30, 31]);
    }
}
