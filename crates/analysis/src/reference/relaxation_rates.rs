//! The rates at which the flow comes to rest: the nonzero eigenvalues of A diag(w′(s)) Aᵀ, A ∈ R^{m×n}.
//!
//! Near its limit q′ = y − Aw(Aᵀq) (arXiv 2112.11027, Sect. 2, in dual coordinates) decays with these rates. The entries
//! of w′ span a hundred orders of magnitude, and so do the rates, each of which is wanted to its own relative accuracy: no
//! eigenvalue solver for the product has it. With D = diag(w′), the rates are the squares of the singular values of
//!
//! ```text
//! D^{1/2} Aᵀ = Q R    (rows sorted, columns pivoted: each row keeps its relative accuracy)
//! Rᵀ = U Σ Vᵀ         (rotations of pairs of its columns until all are orthogonal)
//! ```
//!
//! Rotations from one side find the singular values of a matrix with columns of any lengths as accurately as the matrix
//! with these columns normalised allows (Drmač, Veselić, SIAM J. Matrix Anal. Appl. 29, 2008).

use hadaflow_core::compensated::norm;
use nalgebra::DMatrix;

use super::bregman_projection::WeightedQr;
use super::orthogonal_basis::OrthogonalBasis;

/// Columns whose cosine is below this are orthogonal, up to rounding.
const ORTHOGONAL: f64 = 1e-15;
/// Sweeps over all pairs; ten are many.
const SWEEPS: usize = 60;

/// log of the nonzero eigenvalues of A diag(d) Aᵀ, descending, for d given by its logarithms (n entries; −∞ for 0).
///
/// As many as the rank of A on the entries with d > 0; empty if A or d is not finite, or all of it is 0.
///
/// ```
/// use hadaflow_analysis::reference::relaxation_rates;
///
/// // orthogonal columns: d_j|A_j|²
/// let a = nalgebra::dmatrix![2.0, 0.0, 0.0; 0.0, 1.0, 0.0];
/// let rates = relaxation_rates(&a, &[-100.0, 0.0, 5.0]);
/// assert!(rates[0].abs() < 1e-14 && (rates[1] + 100.0 - 4f64.ln()).abs() < 1e-13);
/// ```
pub fn relaxation_rates(a: &DMatrix<f64>, log_d: &[f64]) -> Vec<f64> {
    let largest = log_d.iter().fold(f64::NEG_INFINITY, |top, d| top.max(*d));
    let finite = a.iter().all(|x| x.is_finite()) && log_d.iter().all(|d| d.is_finite() || *d == f64::NEG_INFINITY);
    if !finite || !largest.is_finite() || log_d.len() != a.ncols() {
        return Vec::new();
    }
    let kept: Vec<usize> = (0..a.ncols()).filter(|&j| log_d[j] > f64::NEG_INFINITY).collect();
    let columns = a.select_columns(&kept);
    let (range, spanning) = OrthogonalBasis::spanning(&columns);
    if spanning.is_empty() {
        return Vec::new();
    }
    // with dependent rows, in coordinates of the range: an orthogonal change, which leaves the rates alone
    let columns = if spanning.len() < a.nrows() {
        range.coordinates(&columns)
    } else {
        columns
    };
    let d: Vec<f64> = kept.iter().map(|&j| (0.5 * (log_d[j] - largest)).exp()).collect();
    let mut qr = WeightedQr::<f64>::default();
    qr.factorize(&columns, &d);
    let r = columns.nrows();
    let mut transposed = DMatrix::from_fn(r, r, |j, k| if k <= j { qr.upper(k, j) } else { 0.0 });
    orthogonalise(&mut transposed);
    let lengths = transposed
        .column_iter()
        .map(|column| norm(column.clone_owned().as_slice()));
    let mut rates: Vec<f64> = lengths.map(|length| 2.0 * length.ln() + largest).collect();
    rates.sort_by(|a, b| b.total_cmp(a));
    rates
}

/// Rotates pairs of columns until all are orthogonal.
fn orthogonalise(x: &mut DMatrix<f64>) {
    let n = x.ncols();
    for _ in 0..SWEEPS {
        let mut at_rest = true;
        for p in 0..n {
            for q in p + 1..n {
                at_rest &= !rotate(x, p, q);
            }
        }
        if at_rest {
            return;
        }
    }
}

/// Rotates columns p and q so that they become orthogonal; whether there was anything to do.
fn rotate(x: &mut DMatrix<f64>, p: usize, q: usize) -> bool {
    let rows = x.nrows();
    let (before, after) = x.as_mut_slice().split_at_mut(q * rows);
    let (first, second) = (&mut before[p * rows..(p + 1) * rows], &mut after[..rows]);
    let (a, b) = (norm(first), norm(second));
    if a == 0.0 || b == 0.0 {
        return false;
    }
    // products of lengths might underflow
    let cosine: f64 = first.iter().zip(second.iter()).map(|(p, q)| (p / a) * (q / b)).sum();
    // a size
    if cosine.abs() <= ORTHOGONAL * (rows as f64).sqrt() {
        return false;
    }
    let cotangent = (b / a - a / b) / (2.0 * cosine);
    let tangent = 1f64.copysign(cotangent) / (cotangent.abs() + cotangent.hypot(1.0));
    let c = 1.0 / tangent.hypot(1.0);
    let s = c * tangent;
    for (p, q) in first.iter_mut().zip(second) {
        (*p, *q) = (c * *p - s * *q, s * *p + c * *q);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{gaussian, rng};

    fn naive(a: &DMatrix<f64>, log_d: &[f64]) -> Vec<f64> {
        let mut weighted = a.clone();
        for (mut column, d) in weighted.column_iter_mut().zip(log_d) {
            column *= d.exp();
        }
        let mut values = (weighted * a.transpose()).symmetric_eigenvalues().as_slice().to_vec();
        values.sort_by(|a, b| b.total_cmp(a));
        values.into_iter().map(f64::ln).collect()
    }

    #[test]
    fn the_naive_route_agrees_where_it_can() {
        for seed in 0..20 {
            let mut rng = rng(seed);
            let a = gaussian(6, 15, &mut rng);
            let log_d: Vec<f64> = (0..15).map(|j| -f64::from(j % 5) * 1.5).collect();
            for (a, b) in relaxation_rates(&a, &log_d).iter().zip(naive(&a, &log_d)) {
                assert!((a - b).abs() < 1e-10, "{a} {b}");
            }
        }
    }

    /// The slow rates are those of the Schur complement: NᵀA_off D_off A_offᵀN up to a relative 1e-60, N ⊥ A_S.
    #[test]
    fn slow_rates_to_their_own_accuracy() {
        for seed in 0..20 {
            let a = gaussian(8, 20, &mut rng(seed));
            let log_d: Vec<f64> = (0..20)
                .map(|j| if j < 3 { f64::from(j) } else { -140.0 - f64::from(j % 3) })
                .collect();
            let rates = relaxation_rates(&a, &log_d);
            let support = OrthogonalBasis::of_columns(&a, &[0, 1, 2]).unwrap();
            let off: Vec<usize> = (3..20).collect();
            let reduced = support.complement().tr_mul(&a.select_columns(&off));
            let scaled: Vec<f64> = log_d[3..].iter().map(|d| d + 140.0).collect();
            assert_eq!(rates.len(), 8);
            for (a, b) in rates[3..].iter().zip(naive(&reduced, &scaled)) {
                assert!((a + 140.0 - b).abs() < 1e-11, "{a} {b}");
            }
            assert!(rates[2] > -5.0);
        }
    }

    #[test]
    fn dependent_rows_have_no_rate() {
        let a = gaussian(3, 8, &mut rng(1));
        let tall = DMatrix::from_fn(5, 8, |i, j| a[(i % 3, j)]);
        let log_d: Vec<f64> = (0..8).map(|j| -20.0 * f64::from(j)).collect();
        let rates = relaxation_rates(&tall, &log_d);
        assert_eq!(rates.len(), 3);
        let doubled = DMatrix::from_fn(3, 8, |i, j| a[(i, j)] * if i < 2 { 2f64.sqrt() } else { 1.0 });
        for (a, b) in rates.iter().zip(relaxation_rates(&doubled, &log_d)) {
            assert!((a - b).abs() < 1e-11, "{a} {b}");
        }
        assert!(relaxation_rates(&DMatrix::zeros(2, 2), &[0.0, 0.0]).is_empty());
        assert!(relaxation_rates(&a, &[f64::NAN; 8]).is_empty());
        assert_eq!(relaxation_rates(&a, &[f64::NEG_INFINITY; 8]).len(), 0);
    }
}
