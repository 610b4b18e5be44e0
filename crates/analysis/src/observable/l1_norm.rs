//! ‖w‖₁.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct L1Norm;

pub(super) fn build(_flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    vec![Box::new(L1Norm)]
}

impl Observable for L1Norm {
    fn label(&self) -> Label {
        Label::new("l1_norm", "‖w(t)‖₁", false, "The ℓ1 norm of the weights.")
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        snapshot.evaluation.weights.iter().map(|w| w.abs()).sum()
    }
}
