//! How large the entries of a dense matrix are.

use nalgebra::DMatrix;

use crate::vectorized;

/// How large the entries of a dense matrix are, found by one reading of it and kept: 8 n bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Magnitudes {
    /// ‖a_j‖², n entries.
    pub squared_norms: Vec<f64>,
    /// max |A_ij|.
    pub largest_entry: f64,
}

impl Magnitudes {
    /// Of the matrix.
    pub fn of(matrix: &DMatrix<f64>) -> Self {
        let columns = matrix.as_slice().chunks(matrix.nrows().max(1));
        let (mut squared_norms, mut largest_entry) = (Vec::with_capacity(matrix.ncols()), 0.0f64);
        for column in columns {
            squared_norms.push(vectorized::square(column));
            largest_entry = largest_entry.max(vectorized::largest_magnitude(column));
        }
        Self {
            squared_norms,
            largest_entry,
        }
    }

    /// max ‖a_j‖².
    pub fn largest_squared_norm(&self) -> f64 {
        vectorized::largest(&self.squared_norms)
    }
}
