//! ℓ = ½|Aw − y|² and its integral over time.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct Loss;
struct LossIntegral;

pub(super) fn build(_flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    vec![Box::new(Loss), Box::new(LossIntegral)]
}

impl Observable for Loss {
    fn label(&self) -> Label {
        Label::new("loss", "ℓ(w(t))", true, "The loss ½|Aw − y|².")
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        snapshot.loss
    }
}

impl Observable for LossIntegral {
    fn label(&self) -> Label {
        Label::new(
            "loss_integral",
            "∫ℓ dt",
            true,
            "The integral of the loss, integrated with the flow.",
        )
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        snapshot.loss_integral.hi
    }
}
