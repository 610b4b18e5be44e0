//! A lower bound on min ‖z‖₁ subject to Az = y that becomes sharp with the support.
//!
//! ν = q/‖Aᵀq‖_∞ ([`super::dual_bound`]) is feasible but not tight: near the limit |Aᵀν| is a little below 1 on the support.
//! For the set S of the k largest |w_i|, the nearest point with Aᵀν = sgn w there is
//!
//! ```text
//! ν_S = ν + A_S (A_SᵀA_S)⁻¹(sgn w_S − A_Sᵀν),        bound = y·ν_S / max(1, ‖Aᵀν_S‖_∞)
//! ```
//!
//! (positive model: the largest entry takes the place of the norm). Each is a bound whatever S is, since the division
//! makes it feasible; the best of a few k, those after which the sizes of the weights fall most, and of ν itself is
//! taken. At q = 0 the start is ν = 0.
//!
//! With A_S = QR the sets are nested: ν_S gains one column of Q times one entry of R⁻ᵀ(sgn w_S − A_Sᵀν) per element.

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::dual_bound::dual_bound;
use super::leading::{Leading, affordable_matrix};
use super::{Context, Label, Observable};
use crate::column_qr::{ColumnQr, add, dot, largest};

struct DualBoundPolished;

pub(super) fn build(flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    match affordable_matrix(flow) {
        Some(_) => vec![Box::new(DualBoundPolished)],
        None => Vec::new(),
    }
}

impl Observable for DualBoundPolished {
    fn label(&self) -> Label {
        let text = "Lower bound on the least ℓ1 norm of a solution, made tight on the largest weights.";
        Label::new("dual_bound_polished", "y·ν_S/‖Aᵀν_S‖_∞", false, text)
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        let weights = &snapshot.evaluation.weights;
        let limit = snapshot.flow.problem().rows().min(weights.len());
        polish(snapshot, &Leading::new(weights, limit))
    }
}

/// The best of the bounds for the given sets and of the plain one.
fn polish(snapshot: &Snapshot, leading: &Leading) -> f64 {
    let certificate = Certificate { flow: snapshot.flow };
    let Some(matrix) = snapshot.flow.problem().operator.dense() else {
        return 0.0;
    };
    let (q, weights) = (snapshot.dual, &snapshot.evaluation.weights);
    let reach = certificate.reach(q);
    // where no entry of a positive model's Aᵀq is positive, q says nothing
    let raw: Vec<f64> = q.iter().map(|q| if reach > 0.0 { q / reach } else { 0.0 }).collect();
    let mut best = dual_bound(snapshot);
    let (mut qr, mut coefficients) = (ColumnQr::new(raw.len()), Vec::new());
    let mut nu = raw.clone();
    for (position, &i) in leading.order.iter().enumerate() {
        let column = matrix.column(i);
        // a column in the span of those before has Aᵀν = ±1 already, or no ν has
        if qr.push(column.as_slice()) {
            let missing = weights[i].signum() - dot(column.as_slice(), &raw);
            let coefficient = qr.forward(qr.len() - 1, missing, &coefficients);
            coefficients.push(coefficient);
            add(coefficient, qr.basis(qr.len() - 1), &mut nu);
        }
        if leading.cuts.contains(&(position + 1)) {
            best = best.max(certificate.bound(&nu));
        }
    }
    best
}

/// Feasibility for max y·ν subject to ‖Aᵀν‖_∞ ≤ 1 (positive: Aᵀν ≤ 1).
struct Certificate<'a> {
    flow: &'a dyn Flow,
}

impl Certificate<'_> {
    /// ‖Aᵀν‖_∞ (positive: the largest entry, at least 0).
    fn reach(&self, nu: &[f64]) -> f64 {
        let mut s = vec![0.0; self.flow.problem().cols()];
        self.flow.problem().operator.apply_adjoint(nu, &mut s);
        largest(s.into_iter().map(|s| if self.flow.signed() { s.abs() } else { s }))
    }

    /// The bound from any ν, at least 0; 0 where it is no number.
    fn bound(&self, nu: &[f64]) -> f64 {
        let value = dot(&self.flow.problem().measurements, nu);
        let reach = self.reach(nu);
        if reach.is_nan() {
            0.0
        } else {
            (value / reach.max(1.0)).max(0.0)
        }
    }
}
