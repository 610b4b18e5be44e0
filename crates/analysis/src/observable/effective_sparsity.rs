//! ‖w‖₁²/‖w‖₂²: between 1 and n, equal to s for s entries of one size.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct EffectiveSparsity;

pub(super) fn build(_flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    vec![Box::new(EffectiveSparsity)]
}

impl Observable for EffectiveSparsity {
    fn label(&self) -> Label {
        Label::new(
            "effective_sparsity",
            "‖w‖₁²/‖w‖₂²",
            false,
            "A smooth count of the nonzero weights (0 for w = 0).",
        )
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        let weights = &snapshot.evaluation.weights;
        let largest = weights.iter().fold(0.0f64, |a, w| a.max(w.abs()));
        if largest == 0.0 {
            return 0.0;
        }
        // scaled by the largest entry: squares of 1e-200 would underflow
        let (l1, l2) = weights
            .iter()
            .map(|w| w / largest)
            .fold((0.0, 0.0), |(a, b), x| (a + x.abs(), b + x * x));
        l1 * l1 / l2
    }
}
