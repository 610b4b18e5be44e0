//! How far gradient descent is from its own law u_i v_i = α_i² ∏_k (1 − η²g_{i,k}²) (depth 2, signed, identical start).
//!
//! The product on the right is carried along by the integrator; see [`hadaflow_core::flow::FactorFlow::with_shrinkage`].

use std::sync::OnceLock;

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct ProductDrift {
    initial: OnceLock<Vec<f64>>,
}

pub(super) fn build(flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    if flow.shrinkage(&flow.initial_state()).is_some() {
        vec![Box::new(ProductDrift {
            initial: OnceLock::new(),
        })]
    } else {
        Vec::new()
    }
}

impl Observable for ProductDrift {
    fn label(&self) -> Label {
        let text =
            "Largest gap between |u v|/α² and P = ∏|1 − η²g²| over the coordinates, over max(1, P)(1 + |log P|).";
        Label::new("product_drift", "|u v/α² − ∏(1 − η²g²)|", true, text)
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        let (flow, state) = (snapshot.flow, snapshot.state);
        let (Some(x), Some(logs)) = (flow.factors(state), flow.shrinkage(state)) else {
            return f64::NAN;
        };
        let initial = self.initial.get_or_init(|| flow.initial_state());
        let mut worst = 0.0f64;
        for ((x, start), log) in x.chunks_exact(4).zip(initial.chunks_exact(4)).zip(logs) {
            let (u, v) = (x[0], x[2]);
            // A factor that has underflowed (or was annihilated) has no digits left to compare.
            if u.abs() < f64::MIN_POSITIVE || v.abs() < f64::MIN_POSITIVE {
                continue;
            }
            // Where the product exceeds 1 it is divided by it, half in each factor: descent that diverges overflows last.
            let half = (-0.5 * log.max(0.0)).exp();
            let product = ((u * half / start[0]) * (v * half / start[2])).abs();
            // A sum of logarithms is accurate to roundings of its size.
            let gap = (product - log.min(0.0).exp()).abs() / (1.0 + log.abs());
            // `max` would pass over a NaN
            if gap > worst || gap.is_nan() {
                worst = gap;
            }
            if worst.is_nan() {
                break;
            }
        }
        worst
    }
}
