//! ‖w − z‖₂ from each reference.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct Distance {
    reference: usize,
    name: String,
}

pub(super) fn build(_flow: &dyn Flow, context: &Context) -> Vec<Box<dyn Observable>> {
    let build = |(reference, r): (usize, &crate::reference::Reference)| {
        Box::new(Distance {
            reference,
            name: r.name.clone(),
        }) as Box<dyn Observable>
    };
    context.references.iter().enumerate().map(build).collect()
}

impl Observable for Distance {
    fn label(&self) -> Label {
        let column = format!("distance_{}", self.name);
        Label::new(
            column,
            "‖w(t) − z‖₂",
            true,
            "Euclidean distance of the weights from the reference.",
        )
    }

    fn measure(&self, snapshot: &Snapshot, context: &Context) -> f64 {
        let z = &context.references[self.reference].point;
        snapshot
            .evaluation
            .weights
            .iter()
            .zip(z)
            .map(|(w, z)| (w - z) * (w - z))
            .sum::<f64>()
            .sqrt()
    }
}
