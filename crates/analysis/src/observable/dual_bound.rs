//! A lower bound on min ‖z‖₁ subject to Az = y, from the dual variable alone.
//!
//! ν = q/‖Aᵀq‖_∞ is feasible for max{y·ν : ‖Aᵀν‖_∞ ≤ 1}, so y·ν bounds the least ℓ1 norm from below at every time
//! (linear programming duality). For nonnegative z feasibility is Aᵀν ≤ 1, and the largest entry of Aᵀq takes the place
//! of the norm.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct DualBound;

pub(super) fn build(_flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    vec![Box::new(DualBound)]
}

impl Observable for DualBound {
    fn label(&self) -> Label {
        let text = "Lower bound on the least ℓ1 norm of a solution (0 where undefined).";
        Label::new("dual_bound", "y·q/‖Aᵀq‖_∞", false, text)
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        dual_bound(snapshot)
    }
}

/// y·q/‖Aᵀq‖_∞, at least 0.
pub(super) fn dual_bound(snapshot: &Snapshot) -> f64 {
    let (flow, q) = (snapshot.flow, snapshot.dual);
    let computed;
    let s = if flow.state_is_dual() {
        &snapshot.evaluation.adjoint
    } else {
        let mut s = vec![0.0; snapshot.evaluation.weights.len()];
        flow.problem().operator.apply_adjoint(q, &mut s);
        computed = s;
        &computed
    };
    let size = |s: &f64| if flow.signed() { s.abs() } else { *s };
    let largest = s.iter().map(size).fold(0.0, f64::max);
    let value: f64 = flow.problem().measurements.iter().zip(q).map(|(y, q)| y * q).sum();
    // A bound below zero says nothing: every norm is at least 0.
    if largest > 0.0 { (value / largest).max(0.0) } else { 0.0 }
}
