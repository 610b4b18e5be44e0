//! The ℓ1 gap ‖w‖₁ − Q of a solution w of Aw = y, Q = min { ‖z‖₁ : Az = y } (z ≥ 0 in a positive model), without
//! cancellation.
//!
//! For a solution ν of the dual problem, max { ⟨y, ν⟩ : |Aᵀν| ≤ 1 } (Aᵀν ≤ 1 in a positive model), Q = ⟨y, ν⟩ = ⟨w, Aᵀν⟩:
//!
//! ```text
//! ‖w‖₁ − Q = Σ_j |w_j| (1 − sgn(w_j) (Aᵀν)_j)
//! ```
//!
//! a sum of nonnegative terms, of which those on the support of the minimiser vanish. At α = 1e-10 and L = 4 the gap is
//! 1e-40, and the difference of the two norms is 0 or 1e-16 (arXiv 2112.11027 bounds it; its sharp size is that of the
//! weights off the support).

use hadaflow_core::error::{CoreError, Result};
use nalgebra::DMatrix;

/// |1 − sgn(w_j)(Aᵀν)_j| below this is a constraint that holds with equality: what rounding leaves of 0 in ν.
pub const TIGHT: f64 = 1e-11;

/// ‖w‖₁ − Q for w with Aw = y (n entries, each relatively accurate) and a dual solution ν (m entries).
///
/// An error if shapes disagree, or if ν is not feasible where w needs it: sgn(w_j)(Aᵀν)_j > 1.
pub fn l1_gap(a: &DMatrix<f64>, weights: &[f64], nu: &[f64]) -> Result<f64> {
    for (what, expected, found) in [
        ("weights", a.ncols(), weights.len()),
        ("dual solution", a.nrows(), nu.len()),
    ] {
        if expected != found {
            return Err(CoreError::Shape { what, expected, found });
        }
    }
    let mut gap = 0.0;
    for (column, &w) in a.column_iter().zip(weights) {
        let slope: f64 = column.iter().zip(nu).map(|(a, nu)| a * nu).sum();
        let slack = 1.0 - w.signum() * slope;
        // also when it is NaN
        if !(slack >= -TIGHT && w.is_finite()) {
            return Err(CoreError::OutOfRange {
                field: "dual solution",
                value: format!("sgn(w)·Aᵀν = {}", 1.0 - slack),
                requirement: "it must not exceed 1",
            });
        }
        if slack > TIGHT {
            gap += w.abs() * slack;
        }
    }
    Ok(gap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::bregman_projection;
    use hadaflow_core::initialization::Sign;

    fn weights(a: &DMatrix<f64>, y: &[f64], depth: usize, alpha: f64) -> Vec<f64> {
        let projection = bregman_projection(a, y, depth, Sign::Signed, &vec![alpha; a.ncols()]).unwrap();
        projection.limit().unwrap().weights.clone()
    }

    /// w₁ + 2w₂ = 2: Q = 1 at (0, 1), ν = ½, and the gap is w₁/2 exactly.
    #[test]
    fn a_gap_far_below_rounding() {
        let a = DMatrix::from_row_slice(1, 2, &[1.0, 2.0]);
        for (depth, alpha) in [(2, 1e-10), (3, 1e-8), (4, 1e-10), (10, 1e-8)] {
            let w = weights(&a, &[2.0], depth, alpha);
            let gap = l1_gap(&a, &w, &[0.5]).unwrap();
            assert!((gap / (0.5 * w[0]) - 1.0).abs() < 1e-14);
            assert!(gap > 0.0 && w[0] < 1e-9);
        }
    }

    /// Where nothing cancels, the sum is the difference; and for L > 2 the gap is of size α^L (2506.01143).
    #[test]
    fn the_sum_is_the_difference_of_the_norms() {
        let a = DMatrix::from_fn(5, 10, |i, j| ((7 * i + 3 * j * j + i * j) % 11) as f64 - 5.0); // small integers
        let mut x = [0.0; 10];
        (x[2], x[7]) = (1.0, -2.0);
        let y: Vec<f64> = (&a * DMatrix::from_column_slice(10, 1, &x)).as_slice().to_vec();
        let start = [1e-10; 10];
        let projection = bregman_projection(&a, &y, 4, Sign::Signed, &start).unwrap();
        // Scaled by the barrier, q of a tiny start is a dual solution up to α^{L−2}.
        let nu = projection.limit().unwrap().dual.clone();
        let q: f64 = nu.iter().zip(&y).map(|(nu, y)| nu * y).sum();
        for alpha in [0.5, 0.3, 0.1] {
            let w = weights(&a, &y, 4, alpha);
            let naive = w.iter().map(|w| w.abs()).sum::<f64>() - q;
            let gap = l1_gap(&a, &w, &nu).unwrap();
            assert!((gap - naive).abs() < 1e-13 * q, "{alpha}: {gap} {naive}");
        }
        let constants =
            [1e-3, 1e-5].map(|alpha: f64| l1_gap(&a, &weights(&a, &y, 4, alpha), &nu).unwrap() / alpha.powi(4));
        assert!(
            constants[0] > 0.1 && (constants[0] / constants[1] - 1.0).abs() < 1e-4,
            "{constants:?}"
        );
    }

    #[test]
    fn an_infeasible_dual_is_an_error() {
        let a = DMatrix::from_row_slice(1, 2, &[1.0, 2.0]);
        assert!(l1_gap(&a, &[0.1, 0.95], &[0.6]).is_err());
        assert!(l1_gap(&a, &[0.1, 0.95], &[f64::NAN]).is_err());
        assert!(l1_gap(&a, &[0.1, f64::NAN], &[0.5]).is_err());
        assert!(l1_gap(&a, &[0.1], &[0.5]).is_err());
        assert!(l1_gap(&a, &[0.1, 0.95], &[0.5, 0.5]).is_err());
    }
}
