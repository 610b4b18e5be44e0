//! Data of a sparse point without rounding: A′ ∈ R^{m×n}, x′ ∈ R^n with y′ = A′x′ exactly, next to given A and x.
//!
//! Rounded to doubles, y = Ax is not the data of a sparse point: its basis pursuit solution has entries of the size of that
//! rounding off the support, and the flow sees them once the weights that the initialization leaves there are smaller
//! (arXiv 2506.01143 is about exact data). So the columns A_S and the entries x_S are rounded to so few digits that all
//! products, and their sums, are doubles: to multiples of powers of two 2^−b of their largest entries with
//!
//! ```text
//! b_j = ½ (50 − ⌈log₂ s⌉ − log₂ (max_k c_k / c_j)),     c_j = |A_j|_∞ |x_j|,   s = |S|
//! ```
//!
//! about 24 bits where the c_j are alike. Columns off the support do not enter y and stay as they are.

use nalgebra::DMatrix;

use hadaflow_core::compensated::mismatch;

/// Bits that the sum of all products may have.
const SUM_BITS: i32 = 50;
/// With fewer bits the data would be those of another problem.
const LEAST_BITS: i32 = 12;

/// A′, x′ and y′ = A′x′, exactly.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SparseData {
    pub(crate) matrix: DMatrix<f64>,
    pub(crate) point: Vec<f64>,
    pub(crate) measurements: Vec<f64>,
}

/// The exact data next to A and x = `point` (what is not exactly 0 is support); `None` if the contributions A_j x_j differ
/// in size so much that fewer than 12 bits would be left, or leave the range of doubles.
pub(crate) fn sparse_data(a: &DMatrix<f64>, point: &[f64]) -> Option<SparseData> {
    let support: Vec<usize> = (0..point.len()).filter(|&j| point[j] != 0.0).collect();
    let sizes: Vec<(i32, i32)> = support
        .iter()
        .map(|&j| Some((exponent(a.column(j).amax())?, exponent(point[j].abs())?)))
        .collect::<Option<_>>()?;
    let largest = sizes.iter().map(|(a, x)| a + x).max().unwrap_or(0);
    let carry = exponent(support.len().max(1) as f64)?; // an index
    let (mut matrix, mut rounded) = (a.clone(), vec![0.0; point.len()]);
    for (&j, &(of_column, of_entry)) in support.iter().zip(&sizes) {
        let bits = (SUM_BITS - carry - (largest - of_column - of_entry)) / 2;
        if bits < LEAST_BITS {
            return None;
        }
        for entry in matrix.column_mut(j).iter_mut() {
            *entry = to_multiple(*entry, of_column - bits);
        }
        rounded[j] = to_multiple(point[j], of_entry - bits);
    }
    let measurements: Vec<f64> = (0..a.nrows())
        .map(|i| support.iter().map(|&j| matrix[(i, j)] * rounded[j]).sum())
        .collect();
    // whatever the exponents promise (subnormal products do not keep it): no error is left, in twice the precision
    let exact = mismatch(&matrix, &rounded, &measurements).iter().all(|e| *e == 0.0);
    (exact && measurements.iter().all(|y| y.is_finite())).then_some(SparseData {
        matrix,
        point: rounded,
        measurements,
    })
}

/// The least e with x ≤ 2^e, up to one; `None` unless 2^±e are normal numbers.
fn exponent(x: f64) -> Option<i32> {
    let exponent = x.log2().ceil();
    (exponent.abs() < 900.0).then_some(exponent as i32) // below 900 in size
}

/// The multiple of 2^e nearest to x.
fn to_multiple(x: f64, e: i32) -> f64 {
    let unit = f64::from(e).exp2();
    (x / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{gaussian, rng};

    #[test]
    fn nothing_is_rounded_away_and_little_is_changed() {
        for (seed, s) in [(1, 1), (2, 3), (3, 17), (4, 40)] {
            let a = gaussian(50, 90, &mut rng(seed));
            let mut x = vec![0.0; 90];
            (0..s).for_each(|k| x[2 * k] = (1.0 + k as f64).sqrt() * if k % 3 == 1 { -1.0 } else { 1.0 }); // small
            let data = sparse_data(&a, &x).unwrap();
            // the products have at most 53 bits, so that sums in any order are exact
            let backwards: Vec<f64> = (0..50)
                .map(|i| (0..90).rev().map(|j| data.matrix[(i, j)] * data.point[j]).sum())
                .collect();
            assert_eq!(backwards, data.measurements);
            assert!((&data.matrix - &a).amax() < 1e-5 * a.amax());
            assert_ne!(data.matrix, a);
            assert!(x.iter().zip(&data.point).all(|(x, z)| (x - z).abs() <= 1e-5 * x.abs()));
            assert_eq!(data.matrix.column(1), a.column(1), "off the support nothing changes");
        }
    }

    #[test]
    fn what_differs_too_much_in_size_is_refused() {
        let a = nalgebra::dmatrix![1.0, 0.3; 0.7, 1.0];
        assert!(sparse_data(&a, &[1.0, 1e-3]).is_some());
        assert_eq!(sparse_data(&a, &[1.0, 1e-9]), None);
        assert_eq!(sparse_data(&a, &[1e-300, 1e-300]), None);
        assert_eq!(sparse_data(&a, &[0.0, 0.0]).unwrap().measurements, [0.0, 0.0]);
        assert_eq!(
            sparse_data(&DMatrix::zeros(2, 1), &[1.0]),
            None,
            "no support has a zero column"
        );
    }
}
