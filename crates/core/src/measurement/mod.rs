//! The measurement operator A ∈ R^{m×n} and the ensembles it is drawn from.
//!
//! Everything downstream sees A only through [`MeasurementOperator`]: two products, two sizes, a few columns, and,
//! where it exists, the dense matrix. A matrix-free operator is never turned into a matrix.

mod dense;
pub(crate) mod dense_kernels;
mod ensemble;
mod gaussian;
mod magnitudes;
mod rademacher;
pub(crate) mod single;
mod sparse;
mod subsampled_dct;
#[cfg(test)]
mod tests;

pub use dense::DenseOperator;
pub use dense_kernels::{multiply, multiply_adjoint};
pub use ensemble::{Ensemble, by_name, catalogue};
pub use gaussian::Gaussian;
pub use magnitudes::Magnitudes;
pub use rademacher::Rademacher;
pub use sparse::SparseOperator;
pub use subsampled_dct::{SubsampledDct, SubsampledDctOperator};

use std::borrow::Cow;

use nalgebra::DMatrix;

use crate::error::{CoreError, Result};
use crate::vectorized;

/// A linear map A: R^n → R^m, given by its two products.
///
/// Every implementation satisfies ⟨A w, r⟩ = ⟨w, Aᵀ r⟩ up to rounding (tested over the whole catalogue).
pub trait MeasurementOperator: Send + Sync {
    /// Number of measurements m.
    fn rows(&self) -> usize;
    /// Dimension n of the weights.
    fn cols(&self) -> usize;
    /// `out = A w`; `w` has n entries, `out` has m.
    fn apply(&self, w: &[f64], out: &mut [f64]);
    /// `out = Aᵀ r`; `r` has m entries, `out` has n.
    fn apply_adjoint(&self, r: &[f64], out: &mut [f64]);
    /// `out[:, k] = A[:, which[k]]`; `out` is m × `which.len()`.
    fn columns(&self, which: &[usize], out: &mut DMatrix<f64>);
    /// The matrix itself where it is stored densely; `None` for a matrix-free operator.
    fn dense(&self) -> Option<&DMatrix<f64>> {
        None
    }
    /// How large the entries of that matrix are; worth being kept. Where it is `None`, columns are taken to have about unit
    /// norm.
    fn magnitudes(&self) -> Option<Cow<'_, Magnitudes>> {
        self.dense().map(|matrix| Cow::Owned(Magnitudes::of(matrix)))
    }
}

/// m, n >= 1.
pub(crate) fn check_sizes(rows: usize, cols: usize) -> Result<()> {
    for (field, value) in [("measurements", rows), ("dimension", cols)] {
        if value == 0 {
            return Err(CoreError::OutOfRange {
                field,
                value: value.to_string(),
                requirement: "it must be at least 1",
            });
        }
    }
    Ok(())
}

/// Every entry is finite.
pub(crate) fn check_finite(what: &'static str, entries: &[f64]) -> Result<()> {
    if vectorized::all_finite(entries) {
        return Ok(());
    }
    match entries.iter().position(|entry| !entry.is_finite()) {
        None => Ok(()),
        Some(index) => Err(CoreError::NotFinite {
            what,
            index,
            value: entries[index],
        }),
    }
}
