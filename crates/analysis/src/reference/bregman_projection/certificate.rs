//! Whether Az = y has a solution with z > 0, as far as a diverging dual variable tells.
//!
//! Linear programming duality: for every ν with v = Âᵀν ≥ 0, v ≠ 0, and every z ≥ 0 with Âz = ŷ,
//!
//! ```text
//! min_j z_j ≤ ⟨ν, ŷ⟩ / Σ_j v_j
//! ```
//!
//! If there is no z > 0, the minimum over ν is ≤ 0 (Stiemke) and Newton's q̂ runs off along such a −ν. The part of q̂ that
//! stays bounded belongs to the columns K whose weights stay positive, where v_K = 0: it is removed by projecting −q̂ on
//! the orthogonal complement of span Â_K.

use nalgebra::{DMatrix, DVector};

use super::scaled::ScaledProblem;

/// A bound on min z below this, in units of ‖A⁺y‖, is what rounding of y makes of 0.
const NEGLIGIBLE: f64 = 1e-11;
/// v_j above −this·max v counts as ≥ 0.
const NONNEGATIVE: f64 = 1e-11;
/// Singular values of Â_K below this share of the largest are zero.
const RANK: f64 = 1e-10;

/// An upper bound on min_j z_j that is 0 or negative up to rounding, if q̂ (r entries) and p̂ (n entries) yield one.
pub fn no_positive_solution(problem: &ScaledProblem, q: &[f64], p: &[f64]) -> Option<f64> {
    let largest = p.iter().fold(0.0f64, |a, &p| a.max(p));
    // Where the gap between vanishing and other weights lies is not known: try one place after the other, and all.
    [f64::INFINITY, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10]
        .into_iter()
        .find_map(|threshold| {
            let kept: Vec<usize> = (0..p.len()).filter(|&j| p[j] >= threshold * largest).collect();
            bound(problem, q, &kept)
        })
        .filter(|&bound| bound <= NEGLIGIBLE)
}

/// ⟨ν, ŷ⟩/Σv for ν = −q̂ projected on (span Â_K)^⊥, if v ≥ 0 and the bound is negligible.
fn bound(problem: &ScaledProblem, q: &[f64], kept: &[usize]) -> Option<f64> {
    let a = problem.matrix();
    let mut direction = -DVector::from_column_slice(q);
    if !kept.is_empty() {
        let columns = DMatrix::from_fn(a.nrows(), kept.len(), |i, k| a[(i, kept[k])]);
        let svd = columns.svd(true, false);
        let largest = svd.singular_values.max();
        let basis = svd.u?;
        for (u, _) in basis
            .column_iter()
            .zip(svd.singular_values.iter())
            .filter(|(_, s)| **s > RANK * largest)
        {
            direction -= u * u.dot(&direction);
        }
    }
    let v = a.tr_mul(&direction);
    let (smallest, largest, total) = (v.min(), v.max(), v.sum());
    let measured: f64 = direction
        .iter()
        .zip(&problem.rows.measurements)
        .map(|(v, y)| v * y)
        .sum();
    // What is left of q̂ must be more than the rounding of the projection.
    let substantial = largest > 1e-6 * q.iter().fold(0.0f64, |a, q| a.max(q.abs()));
    let bound = measured / total;
    (substantial && smallest >= -NONNEGATIVE * largest && bound <= NEGLIGIBLE).then_some(bound)
}
