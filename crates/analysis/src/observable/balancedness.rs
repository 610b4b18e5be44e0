//! Drift of the conserved quantities x_j² − x_k² of the factor flow.

use std::sync::OnceLock;

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct Balancedness {
    initial: OnceLock<Vec<f64>>,
}

pub(super) fn build(flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    if flow.factor_layout().is_some() {
        vec![Box::new(Balancedness {
            initial: OnceLock::new(),
        })]
    } else {
        Vec::new()
    }
}

impl Observable for Balancedness {
    fn label(&self) -> Label {
        let text = "Largest drift of x_j² − x_k² since the start, relative to the largest square of that coordinate.";
        Label::new("conserved_drift", "|Δ(x_j² − x_k²)|/max x²", true, text)
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        let flow = snapshot.flow;
        let (Some(x), Some((_, depth))) = (flow.factors(snapshot.state), flow.factor_layout()) else {
            return f64::NAN;
        };
        let initial = self.initial.get_or_init(|| flow.initial_state());
        let mut worst = 0.0f64;
        for (now, then) in x.chunks_exact(depth).zip(initial.chunks_exact(depth)) {
            let size = now.iter().fold(0.0f64, |a, x| a.max(x * x));
            // (x_j² − x_k²) as a product: no cancellation between nearly equal factors
            let gap = |x: &[f64], k: usize| (x[k] - x[0]) * (x[k] + x[0]);
            for k in 1..depth {
                worst = worst.max((gap(now, k) - gap(then, k)).abs() / size);
            }
        }
        worst
    }
}
