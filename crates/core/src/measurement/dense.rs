//! A measurement operator stored as a dense matrix.

use std::borrow::Cow;

use nalgebra::DMatrix;

use super::{Magnitudes, MeasurementOperator, dense_kernels};
use crate::error::{CoreError, Result};
use crate::profile::{Part, within};

/// A ∈ R^{m×n} stored column by column; 8 (m + 1) n bytes with the norms of the columns.
///
/// Both products read A once and cost 2 m n operations; A w skips the columns whose weight is exactly zero.
///
/// ```
/// use hadaflow_core::measurement::{DenseOperator, MeasurementOperator};
/// use nalgebra::dmatrix;
///
/// let operator = DenseOperator::new(dmatrix![1.0, 2.0; 3.0, 4.0])?;
/// let mut product = [0.0; 2];
/// operator.apply(&[1.0, -1.0], &mut product);
/// assert_eq!(product, [-1.0, -1.0]);
/// # Ok::<(), hadaflow_core::error::CoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DenseOperator {
    matrix: DMatrix<f64>,
    magnitudes: Magnitudes,
}

impl DenseOperator {
    /// Checks that the matrix is not empty and that every entry is finite (`index` of the error counts down the columns).
    pub fn new(matrix: DMatrix<f64>) -> Result<Self> {
        super::check_sizes(matrix.nrows(), matrix.ncols())?;
        super::check_finite("measurement operator", matrix.as_slice())?;
        Ok(Self {
            magnitudes: Magnitudes::of(&matrix),
            matrix,
        })
    }

    /// Draws the m × n entries one after the other, column by column, from `entry`; storage that cannot be had is an
    /// error.
    pub fn from_entries(rows: usize, cols: usize, mut entry: impl FnMut() -> f64) -> Result<Self> {
        super::check_sizes(rows, cols)?;
        let too_large = || CoreError::OutOfRange {
            field: "dimension",
            value: cols.to_string(),
            requirement: "a dense matrix of this many columns must fit in memory: use fewer, or a matrix-free ensemble",
        };
        let length = rows.checked_mul(cols).ok_or_else(too_large)?;
        let mut entries = Vec::new();
        entries.try_reserve_exact(length).map_err(|_| too_large())?;
        entries.extend(std::iter::repeat_with(&mut entry).take(length));
        Self::new(DMatrix::from_vec(rows, cols, entries))
    }
}

impl MeasurementOperator for DenseOperator {
    fn rows(&self) -> usize {
        self.matrix.nrows()
    }

    fn cols(&self) -> usize {
        self.matrix.ncols()
    }

    fn apply(&self, w: &[f64], out: &mut [f64]) {
        within(Part::Pass, || dense_kernels::multiply(self.matrix.as_slice(), w, out));
    }

    fn apply_adjoint(&self, r: &[f64], out: &mut [f64]) {
        within(Part::Pass, || {
            dense_kernels::multiply_adjoint(self.matrix.as_slice(), r, out)
        });
    }

    fn columns(&self, which: &[usize], out: &mut DMatrix<f64>) {
        debug_assert_eq!(out.shape(), (self.rows(), which.len()));
        for (k, &j) in which.iter().enumerate() {
            out.set_column(k, &self.matrix.column(j));
        }
    }

    fn dense(&self) -> Option<&DMatrix<f64>> {
        Some(&self.matrix)
    }

    fn magnitudes(&self) -> Option<Cow<'_, Magnitudes>> {
        Some(Cow::Borrowed(&self.magnitudes))
    }
}
