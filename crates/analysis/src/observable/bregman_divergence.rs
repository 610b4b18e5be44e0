//! D_F(z, w(t)) for each reference: of the scalar potential in w, and for a signed model also of the pair (∏u, ∏v).

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct BregmanDivergence {
    reference: usize,
    name: String,
    pair: bool,
}

pub(super) fn build(flow: &dyn Flow, context: &Context) -> Vec<Box<dyn Observable>> {
    let mut built: Vec<Box<dyn Observable>> = Vec::new();
    for pair in if flow.signed() { &[false, true][..] } else { &[false] } {
        for (reference, r) in context.references.iter().enumerate() {
            built.push(Box::new(BregmanDivergence {
                reference,
                name: r.name.clone(),
                pair: *pair,
            }));
        }
    }
    built
}

impl Observable for BregmanDivergence {
    fn label(&self) -> Label {
        if self.pair {
            let column = format!("bregman_divergence_pair_{}", self.name);
            return Label::new(
                column,
                "D(z±, (∏u, ∏v))",
                true,
                "Bregman divergence of (z⁺, z⁻) from (∏u, ∏v).",
            );
        }
        let column = format!("bregman_divergence_{}", self.name);
        Label::new(
            column,
            "D_F(z, w(t))",
            true,
            "Bregman divergence of the reference from the weights (inf outside).",
        )
    }

    fn measure(&self, snapshot: &Snapshot, context: &Context) -> f64 {
        let reference = &context.references[self.reference];
        let anchor = if self.pair {
            &reference.pair_anchor
        } else {
            &reference.anchor
        };
        let mirror = snapshot.flow.mirror();
        anchor
            .as_ref()
            .map_or(f64::INFINITY, |anchor| mirror.divergence(anchor, snapshot.position()))
    }
}
