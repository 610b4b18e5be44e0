//! Number of weights that count as nonzero.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct SupportSize;

pub(super) fn build(_flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    vec![Box::new(SupportSize)]
}

impl Observable for SupportSize {
    fn label(&self) -> Label {
        Label::new(
            "support_size",
            "|supp w(t)|",
            false,
            "How many |w_i| exceed support_threshold·max|w|.",
        )
    }

    fn measure(&self, snapshot: &Snapshot, context: &Context) -> f64 {
        let weights = &snapshot.evaluation.weights;
        let largest = weights.iter().fold(0.0f64, |a, w| a.max(w.abs()));
        // a count far below 2^53 is exact
        weights
            .iter()
            .filter(|w| w.abs() > context.support_threshold * largest)
            .count() as f64
    }
}
