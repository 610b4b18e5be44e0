//! A diag(d) Aᵀ with d ≥ 0, for one matrix A and changing d.

use faer::Mat;
use nalgebra::DMatrix;

use super::cholesky::Cholesky;
use super::support::lower_product;

/// The Cholesky factorization of A diag(d) Aᵀ, A ∈ R^{m×n} with full row rank, d ≥ 0 with n entries.
///
/// ```
/// use hadaflow_core::newton::NormalMatrix;
///
/// let a = nalgebra::dmatrix![1.0, 0.0, 2.0; 0.0, 1.0, 0.0];
/// let mut normal = NormalMatrix::new(&a);
/// assert!(normal.factorize(&[0.0, 9.0, 1.0], 0.0)); // diag(4, 9)
/// let mut b = [4.0, 18.0];
/// normal.solve(&mut b);
/// assert_eq!(b, [1.0, 2.0]);
/// ```
pub struct NormalMatrix<'a> {
    a: &'a DMatrix<f64>,
    /// A diag(√d).
    scaled: Mat<f64>,
    factor: Option<Cholesky>,
}

impl<'a> NormalMatrix<'a> {
    /// Nothing is factorized yet.
    pub fn new(a: &'a DMatrix<f64>) -> Self {
        Self {
            a,
            scaled: Mat::zeros(a.nrows(), a.ncols()),
            factor: None,
        }
    }

    /// Factorizes A diag(d) Aᵀ and `shift` times its largest diagonal entry on the diagonal. False where that is not positive
    /// definite.
    pub fn factorize(&mut self, d: &[f64], shift: f64) -> bool {
        for (j, d) in d.iter().enumerate() {
            let root = d.sqrt();
            let column = self.scaled.col_as_slice_mut(j);
            for (scaled, a) in column.iter_mut().zip(self.a.column(j).iter()) {
                *scaled = root * a;
            }
        }
        let mut matrix = lower_product(self.scaled.as_ref(), self.scaled.transpose());
        let rows = matrix.nrows();
        if shift > 0.0 {
            let largest = (0..rows).fold(0.0f64, |most, i| most.max(matrix[(i, i)]));
            (0..rows).for_each(|i| matrix[(i, i)] += shift * largest);
        }
        self.factor = Cholesky::new(matrix);
        self.factor.is_some()
    }

    /// b ← (A diag(d) Aᵀ)⁻¹ b, m entries; b stays as it is where nothing is factorized.
    pub fn solve(&self, b: &mut [f64]) {
        if let Some(factor) = &self.factor {
            factor.solve(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_matrix_of_the_weighted_columns() {
        let a = DMatrix::from_fn(7, 11, |i, j| (((5 * i + 1) * (3 * j * j + 2)) as f64).sin());
        let d: Vec<f64> = (0..11).map(|j| f64::from(j % 4)).collect();
        let b: Vec<f64> = (0..7).map(|i| f64::from(i).cos()).collect();
        for shift in [0.0, 0.5] {
            let mut normal = NormalMatrix::new(&a);
            assert!(normal.factorize(&[1.0; 11], 0.0) && normal.factorize(&d, shift));
            let mut x = b.clone();
            normal.solve(&mut x);
            let mut matrix = &a * DMatrix::from_diagonal(&d.clone().into()) * a.transpose();
            let largest = matrix.diagonal().amax();
            (0..7).for_each(|i| matrix[(i, i)] += shift * largest);
            let back = matrix * nalgebra::DVector::from_vec(x);
            assert!(
                back.iter().zip(&b).all(|(back, b)| (back - b).abs() <= 1e-11),
                "{shift}"
            );
        }
        let mut zero = NormalMatrix::new(&a);
        assert!(!zero.factorize(&[0.0; 11], 0.0));
        assert!(
            !zero.factorize(&[f64::NAN; 11], 0.0),
            "{:?}",
            zero.factor.map(|f| f.pivot(0))
        );
    }
}
