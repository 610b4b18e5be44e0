//! Accepted steps of the integrator up to a time: each may have added its own error.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct Steps;

pub(super) fn build(_flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    vec![Box::new(Steps)]
}

impl Observable for Steps {
    fn label(&self) -> Label {
        Label::new("steps", "steps", false, "Accepted steps of the integrator so far.")
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        snapshot.steps as f64 // far below 2^53
    }
}
