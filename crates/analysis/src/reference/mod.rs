//! Points z that a trajectory is compared with: the planted truth, and later solutions computed otherwise.

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
        }
    }

    /// Whether Az = y up to rounding.
    pub fn is_exact(&self) -> bool {
        self.relative_mismatch <= EXACT
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}
