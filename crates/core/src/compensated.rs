//! Sums of products as if computed in twice the working precision, for what rounding must not decide.
//!
//! Ogita, Rump, Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26(6), 2005, algorithm Dot2: the error is
//! about ε|a·b| + n²ε²|a|·|b|, so one ulp unless nearly everything cancels. Long sums are formed in eight parts, the same on
//! every machine.

use nalgebra::DMatrix;

use crate::vectorized::{self, Loop};

/// A sum and what is to be added to it.
#[derive(Clone, Copy, Default)]
struct Twofold {
    sum: f64,
    correction: f64,
}

impl Twofold {
    /// Adds a b.
    #[inline(always)]
    #[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
    fn add(&mut self, a: f64, b: f64) {
        let product = a * b;
        // the exact error of the product is a fused multiply-add
        let lost = a.mul_add(b, -product);
        self.correction += lost + self.grow(product);
    }

    /// Adds `value` to the sum. Returns the exact error (Knuth).
    #[inline(always)]
    #[allow(clippy::inline_always)] // as above
    fn grow(&mut self, value: f64) -> f64 {
        let total = self.sum + value;
        let back = total - self.sum;
        let lost = (self.sum - (total - back)) + (value - back);
        self.sum = total;
        lost
    }

    fn value(self) -> f64 {
        self.sum + self.correction
    }
}

/// Σ a_i b_i over the pairs.
///
/// ```
/// use hadaflow_core::compensated::dot;
///
/// assert_eq!(dot([(1e16, 1.0), (1.0, 1.0), (-1e16, 1.0)]), 1.0);
/// ```
pub fn dot(pairs: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let mut sum = Twofold::default();
    for (a, b) in pairs {
        sum.add(a, b);
    }
    sum.value()
}

/// a·b.
pub fn inner(a: &[f64], b: &[f64]) -> f64 {
    let mut out = 0.0;
    vectorized::run(Products {
        columns: a,
        vector: b,
        out: std::slice::from_mut(&mut out),
    });
    out
}

/// Aᵀν, n entries.
pub fn transpose_times(a: &DMatrix<f64>, nu: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.ncols()];
    vectorized::run(Products {
        columns: a.as_slice(),
        vector: nu,
        out: &mut out,
    });
    out
}

/// y − Az, m entries.
pub fn mismatch(a: &DMatrix<f64>, z: &[f64], y: &[f64]) -> Vec<f64> {
    let mut out = y.to_vec();
    vectorized::run(Mismatch { a, z, out: &mut out });
    out
}

/// |v|₂, without overflow or underflow on the way.
pub fn norm(v: &[f64]) -> f64 {
    let largest = v.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * v.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}

/// Parts of a sum.
const PARTS: usize = 8;

/// Products of columns, one after the other, with a vector.
struct Products<'a> {
    columns: &'a [f64],
    vector: &'a [f64],
    out: &'a mut [f64],
}

impl Loop for Products<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.vector.len();
        for (j, out) in self.out.iter_mut().enumerate() {
            let column = &self.columns[j * rows..(j + 1) * rows];
            // sums and corrections apart, so that each is a vector
            let (mut sums, mut corrections) = ([0.0; PARTS], [0.0; PARTS]);
            let mut add = |l: usize, a: f64, b: f64| {
                let mut part = Twofold {
                    sum: sums[l],
                    correction: corrections[l],
                };
                part.add(a, b);
                (sums[l], corrections[l]) = (part.sum, part.correction);
            };
            let (blocks, others) = (column.chunks_exact(PARTS), self.vector.chunks_exact(PARTS));
            let rest = blocks.remainder().iter().zip(others.remainder());
            for (a, b) in blocks.zip(others) {
                for l in 0..PARTS {
                    add(l, a[l], b[l]);
                }
            }
            for (l, (&a, &b)) in rest.enumerate() {
                add(l, a, b);
            }
            let mut total = Twofold::default();
            for (sum, correction) in sums.into_iter().zip(corrections) {
                total.correction += correction + total.grow(sum);
            }
            *out = total.value();
        }
    }
}

/// See [`mismatch`]: all rows side by side, column after column.
struct Mismatch<'a> {
    a: &'a DMatrix<f64>,
    z: &'a [f64],
    out: &'a mut [f64],
}

impl Loop for Mismatch<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { a, z, out: sums } = self;
        let rows = sums.len();
        let mut corrections = vec![0.0; rows];
        for (j, &z) in z.iter().enumerate().filter(|(_, z)| **z != 0.0) {
            let column = &a.as_slice()[j * rows..(j + 1) * rows];
            for ((sum, correction), a) in sums.iter_mut().zip(&mut corrections).zip(column) {
                let mut part = Twofold {
                    sum: *sum,
                    correction: *correction,
                };
                part.add(-a, z);
                (*sum, *correction) = (part.sum, part.correction);
            }
        }
        for (sum, correction) in sums.iter_mut().zip(corrections) {
            *sum += correction;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancellation_costs_nothing() {
        // 1e16 + 1 − 1e16, and products whose rounding errors are the whole result; the naive sums give 0
        assert_eq!(inner(&[1e16, 1.0, -1e16], &[1.0; 3]), 1.0);
        let x = 1.0 + f64::EPSILON;
        let exact = f64::EPSILON * f64::EPSILON; // (1 + ε)² − (1 + 2ε)
        assert_eq!(inner(&[x, -1.0, -2.0 * f64::EPSILON], &[x, 1.0, 1.0]), exact);
        assert_eq!(x * x - 1.0 - 2.0 * f64::EPSILON, 0.0);
    }

    /// Long enough for all parts and a rest, with every part cancelling down to 1e-16 of its terms.
    #[test]
    fn every_part_is_twofold() {
        for length in [7, 8, 9, 24, 37] {
            let mut a: Vec<f64> = (0..length).map(|i| 1e16 * f64::from(1 + i % 5)).collect();
            a.extend((0..length).map(|i| -1e16 * f64::from(1 + i % 5)));
            a.extend((0..length).map(|i| f64::from(i) + 0.25));
            let exact = f64::from(length * (length - 1)) / 2.0 + 0.25 * f64::from(length);
            let ones = vec![1.0; a.len()];
            assert_eq!(inner(&a, &ones), exact, "{length}");
            assert_eq!(dot(a.iter().map(|&a| (a, 1.0))), exact, "{length}");
            let row = DMatrix::from_row_slice(1, a.len(), &a);
            assert_eq!(mismatch(&row, &ones, &[1.0]), [1.0 - exact], "{length}");
            let column = DMatrix::from_column_slice(a.len(), 1, &a);
            assert_eq!(transpose_times(&column, &ones), [exact], "{length}");
        }
    }

    #[test]
    fn products_are_those_of_the_matrix() {
        let a = nalgebra::dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
        assert_eq!(transpose_times(&a, &[1.0, -1.0]), [-3.0, -3.0, -3.0]);
        assert_eq!(mismatch(&a, &[1.0, 0.0, -1.0], &[0.0, 5.0]), [2.0, 7.0]);
        assert!((norm(&[3e200, 4e200]) / 5e200 - 1.0).abs() < 1e-15);
        assert_eq!((norm(&[]), norm(&[0.0])), (0.0, 0.0));
        assert_eq!(inner(&[], &[]), 0.0);
    }
}
