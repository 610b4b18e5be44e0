//! Points z that a trajectory is compared with, and the constants that govern how it approaches them: the planted truth,
//! and solutions of linear programs and least squares over A and y, each with a certificate.

mod basis_pursuit;
mod bregman_projection;
mod computed;
mod dual_of_support;
mod flow_limit;
mod independent_rows;
mod l1_gap;
mod leading_constant;
mod least_norm;
mod linear_program;
mod minimax;
mod nonnegative_least_squares;
mod null_space;
mod origin;
mod orthogonal_basis;
mod quick_limit;
mod reach;
mod relaxation_rates;
mod sensitivity;
mod source_condition;
mod sparse_data;
mod standard_form;
mod strict_feasibility;
#[cfg(test)]
pub(crate) mod testing;

pub use basis_pursuit::{BasisPursuit, CERTIFIED, Certificate, Minimiser, Uniqueness, basis_pursuit};
pub use bregman_projection::{Limit, NotAttained, NotConverged, Projection, Projector, bregman_projection};
pub use computed::Computed;
pub use flow_limit::{End, FlowLimit, Set, flow_limit};
pub use l1_gap::{TIGHT, l1_gap};
pub use leading_constant::{LeadingConstant, leading_constant};
pub use least_norm::{LeastNorm, least_norm};
pub(crate) use least_norm::{kernel_part, rank_beside};
pub use nonnegative_least_squares::{NonnegativeLeastSquares, nonnegative_least_squares};
pub use null_space::{NullSpaceConstant, null_space_constant};
pub use origin::Origin;
pub use quick_limit::{QuickLimit, quick_limit};
pub use relaxation_rates::relaxation_rates;
pub(crate) use sensitivity::sensitivity;
pub use source_condition::{SourceCondition, source_condition};
pub(crate) use sparse_data::{SparseData, sparse_data};
pub use strict_feasibility::{Feasibility, StrictFeasibility, strict_feasibility};

pub mod jump_process;
pub mod lasso_path;
pub(crate) mod sign_constrained;
#[cfg(test)]
pub(crate) mod small_problems;

use hadaflow_core::flow::Flow;
use hadaflow_core::mirror::Anchor;

/// ‖Az − y‖ ≤ this·‖y‖ counts as Az = y: what rounding leaves of an exact solution.
pub const EXACT: f64 = 1e-12;

/// A reference point, prepared for one flow.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Name in columns and reports: `truth`, `basis_pursuit`, …
    pub name: String,
    /// z, n entries.
    pub point: Vec<f64>,
    /// ‖z‖₁.
    pub l1_norm: f64,
    /// y − Az, m entries.
    pub mismatch: Vec<f64>,
    /// ‖Az − y‖/‖y‖ (0 where both vanish).
    pub relative_mismatch: f64,
    /// z on the mirror map; `None` outside its domain (a negative entry in a positive model), where D = +∞.
    pub anchor: Option<Anchor>,
    /// (z⁺, z⁻) on the mirror map, for the pair divergence of a signed model.
    pub pair_anchor: Option<Anchor>,
    /// How it came about.
    pub origin: Origin,
}

impl Reference {
    /// Prepare `point` for `flow`.
    pub fn new(name: &str, point: Vec<f64>, flow: &dyn Flow) -> Self {
        let problem = flow.problem();
        let mut mismatch = vec![0.0; problem.operator.rows()];
        problem.operator.apply(&point, &mut mismatch);
        for (e, y) in mismatch.iter_mut().zip(&problem.measurements) {
            *e = y - *e;
        }
        let (gap, size) = (norm(&mismatch), norm(&problem.measurements));
        let mirror = flow.mirror();
        Self {
            name: name.into(),
            l1_norm: point.iter().map(|z| z.abs()).sum(),
            relative_mismatch: if gap == 0.0 { 0.0 } else { gap / size },
            anchor: mirror.anchor(&point),
            pair_anchor: mirror.pair_anchor(&point),
            mismatch,
            point,
            origin: Origin::Given,
        }
    }

    /// The same point with what is known of how it came about.
    #[must_use]
    pub fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Whether Az = y up to rounding.
    pub fn is_exact(&self) -> bool {
        self.relative_mismatch <= EXACT
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}
