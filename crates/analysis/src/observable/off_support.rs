//! The largest weight off the support of the truth.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct OffSupport;

pub(super) fn build(_flow: &dyn Flow, context: &Context) -> Vec<Box<dyn Observable>> {
    if context.truth().is_some() {
        vec![Box::new(OffSupport)]
    } else {
        Vec::new()
    }
}

impl Observable for OffSupport {
    fn label(&self) -> Label {
        Label::new(
            "largest_off_support",
            "max |w_i|, w*_i = 0",
            true,
            "The largest |w_i| where the truth is zero.",
        )
    }

    fn measure(&self, snapshot: &Snapshot, context: &Context) -> f64 {
        let truth = context.truth().map_or(&[][..], |truth| &truth.point);
        let off = snapshot
            .evaluation
            .weights
            .iter()
            .zip(truth)
            .filter(|(_, z)| **z == 0.0);
        off.fold(0.0, |a, (w, _)| a.max(w.abs()))
    }
}
