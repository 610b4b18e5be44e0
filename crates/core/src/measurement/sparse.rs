//! A measurement operator with few nonzero entries.

use nalgebra::DMatrix;

use super::MeasurementOperator;
use crate::error::{CoreError, Result};
use crate::profile::{Part, within};

/// A ∈ R^{m×n} in compressed sparse columns: column j holds the entries `starts[j]..starts[j + 1]` of `indices` (its
/// rows, increasing) and `values`; 16 bytes per stored entry and 8 per column.
///
/// ```
/// use hadaflow_core::measurement::{MeasurementOperator, SparseOperator};
///
/// let operator = SparseOperator::from_triplets(2, 3, &[(0, 2, 1.0), (1, 0, 4.0), (0, 2, 0.5)])?;
/// let mut product = [0.0; 2];
/// operator.apply(&[1.0, 1.0, 2.0], &mut product);
/// assert_eq!(product, [3.0, 4.0]);
/// # Ok::<(), hadaflow_core::error::CoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SparseOperator {
    rows: usize,
    starts: Vec<usize>,
    indices: Vec<usize>,
    values: Vec<f64>,
}

impl SparseOperator {
    /// Builds the m × n matrix from entries (row, column, value), counted from zero, in any order; entries at the same
    /// place are added in the order given. `index` of an error counts the triplets, or the stored entries where a sum
    /// overflows.
    pub fn from_triplets(rows: usize, cols: usize, triplets: &[(usize, usize, f64)]) -> Result<Self> {
        super::check_sizes(rows, cols)?;
        for (index, &(row, column, value)) in triplets.iter().enumerate() {
            check_place("row of a sparse entry", row, rows)?;
            check_place("column of a sparse entry", column, cols)?;
            if !value.is_finite() {
                return Err(CoreError::NotFinite {
                    what: "sparse matrix",
                    index,
                    value,
                });
            }
        }
        let mut sorted = triplets.to_vec();
        sorted.sort_by_key(|&(row, column, _)| (column, row)); // stable: duplicates keep their order

        let mut starts = vec![0; cols + 1];
        let (mut indices, mut values) = (Vec::<usize>::new(), Vec::<f64>::new());
        let mut last = None;
        for (row, column, value) in sorted {
            match values.last_mut() {
                Some(sum) if last == Some((row, column)) => *sum += value,
                _ => {
                    indices.push(row);
                    values.push(value);
                    starts[column + 1] += 1;
                    last = Some((row, column));
                }
            }
        }
        for column in 0..cols {
            starts[column + 1] += starts[column];
        }
        super::check_finite("sparse matrix", &values)?;
        Ok(Self {
            rows,
            starts,
            indices,
            values,
        })
    }

    /// Number of stored entries.
    pub fn stored_entries(&self) -> usize {
        self.values.len()
    }

    /// The rows and values of column j.
    fn column(&self, j: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[j]..self.starts[j + 1];
        self.indices[range.clone()]
            .iter()
            .copied()
            .zip(self.values[range].iter().copied())
    }
}

/// An index below `bound`.
fn check_place(what: &'static str, index: usize, bound: usize) -> Result<()> {
    if index < bound {
        return Ok(());
    }
    Err(CoreError::OutOfRange {
        field: what,
        value: index.to_string(),
        requirement: "it must lie inside the matrix (counted from zero)",
    })
}

impl MeasurementOperator for SparseOperator {
    fn rows(&self) -> usize {
        self.rows
    }

    fn cols(&self) -> usize {
        self.starts.len() - 1
    }

    fn apply(&self, w: &[f64], out: &mut [f64]) {
        debug_assert_eq!((w.len(), out.len()), (self.cols(), self.rows()));
        within(Part::Pass, || {
            out.fill(0.0);
            for (j, &weight) in w.iter().enumerate() {
                if weight == 0.0 {
                    continue;
                }
                for (row, value) in self.column(j) {
                    out[row] += weight * value;
                }
            }
        });
    }

    fn apply_adjoint(&self, r: &[f64], out: &mut [f64]) {
        debug_assert_eq!((r.len(), out.len()), (self.rows(), self.cols()));
        within(Part::Pass, || {
            for (j, entry) in out.iter_mut().enumerate() {
                *entry = self.column(j).map(|(row, value)| value * r[row]).sum();
            }
        });
    }

    fn columns(&self, which: &[usize], out: &mut DMatrix<f64>) {
        debug_assert_eq!(out.shape(), (self.rows(), which.len()));
        out.fill(0.0);
        for (k, &j) in which.iter().enumerate() {
            for (row, value) in self.column(j) {
                out[(row, k)] = value;
            }
        }
    }
}
