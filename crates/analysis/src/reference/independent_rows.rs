//! Rows of A that span all its rows, scaled by powers of two (which changes no digit) to a largest entry near 1.
//!
//! Programs over these rows are the programs over all rows, where the right-hand side lies in the range of A: every ν
//! over them is a ν over all rows with 0 in the others.

use nalgebra::{DMatrix, DVector};

use super::orthogonal_basis::OrthogonalBasis;

/// The chosen rows.
#[derive(Debug, Clone)]
pub(super) struct IndependentRows {
    /// The chosen rows, scaled: of full row rank.
    pub(super) matrix: DMatrix<f64>,
    /// Which they are, ascending, and their scales.
    rows: Vec<usize>,
    scales: Vec<f64>,
    /// The number of all rows.
    whole: usize,
}

/// The power of two that brings x > 0 to about 1; 1 for 0.
pub(super) fn power_of_two(x: f64) -> f64 {
    if x > 0.0 { (-x.log2().floor()).exp2() } else { 1.0 }
}

impl IndependentRows {
    /// Of A ∈ R^{m×n}.
    pub(super) fn of(a: &DMatrix<f64>) -> Self {
        let (_, mut rows) = OrthogonalBasis::spanning(&a.transpose());
        rows.sort_unstable();
        let mut matrix = a.select_rows(&rows);
        let scales: Vec<f64> = matrix.row_iter().map(|row| power_of_two(row.amax())).collect();
        for (mut row, scale) in matrix.row_iter_mut().zip(&scales) {
            row *= *scale;
        }
        Self {
            matrix,
            rows,
            scales,
            whole: a.nrows(),
        }
    }

    /// These entries of a right-hand side, scaled.
    pub(super) fn restrict(&self, b: &[f64]) -> Vec<f64> {
        self.rows
            .iter()
            .zip(&self.scales)
            .map(|(&i, scale)| b[i] * scale)
            .collect()
    }

    /// ν over all rows.
    pub(super) fn lift(&self, nu: &DVector<f64>) -> Vec<f64> {
        let mut whole = vec![0.0; self.whole];
        for ((&i, scale), nu) in self.rows.iter().zip(&self.scales).zip(nu.iter()) {
            whole[i] = nu * scale;
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_exact_powers() {
        for x in [1.0, 1.5, 3.0, 1e-300, 1e300, 0.1] {
            let scale = power_of_two(x);
            assert!((0.9..2.1).contains(&(x * scale)), "{x} {scale}");
            assert_eq!(scale.log2(), scale.log2().round());
        }
        assert_eq!(power_of_two(0.0), 1.0);
    }

    #[test]
    fn repeated_and_empty_rows_are_left_out() {
        let a = nalgebra::dmatrix![0.0, 0.0; 4.0, 8.0; 2.0, 4.0; 0.0, 3.0];
        let rows = IndependentRows::of(&a);
        assert_eq!(rows.matrix.shape(), (2, 2));
        let nu = DVector::from_vec(vec![1.0, -3.0]);
        let products = a.tr_mul(&DVector::from_vec(rows.lift(&nu)));
        assert_eq!(products, rows.matrix.tr_mul(&nu));
        let target = rows.restrict((&a * DVector::from_vec(vec![1.0, 2.0])).as_slice());
        assert_eq!(
            DVector::from_vec(target),
            &rows.matrix * DVector::from_vec(vec![1.0, 2.0])
        );
        assert_eq!(
            IndependentRows::of(&DMatrix::zeros(2, 2)).lift(&DVector::zeros(0)),
            [0.0, 0.0]
        );
    }
}
