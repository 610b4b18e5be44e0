//! Sums of products as if computed in twice the working precision, for certificates that rounding must not decide.
//!
//! Ogita, Rump, Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26(6), 2005, algorithm Dot2: the error is
//! about ε|a·b| + n²ε²|a|·|b|, so one ulp unless nearly everything cancels.

use nalgebra::DMatrix;

/// Σ a_i b_i over the pairs.
pub(super) fn dot(pairs: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (mut sum, mut correction) = (0.0, 0.0);
    for (a, b) in pairs {
        let product = a * b;
        let total: f64 = sum + product;
        let back = total - sum;
        // exact errors of the product (fused multiply-add) and of the sum (Knuth)
        correction += a.mul_add(b, -product) + ((sum - (total - back)) + (product - back));
        sum = total;
    }
    sum + correction
}

/// a·b.
pub(super) fn inner(a: &[f64], b: &[f64]) -> f64 {
    dot(a.iter().copied().zip(b.iter().copied()))
}

/// Aᵀν, n entries.
pub(super) fn transpose_times(a: &DMatrix<f64>, nu: &[f64]) -> Vec<f64> {
    let (m, n) = a.shape();
    (0..n).map(|j| inner(&a.as_slice()[j * m..(j + 1) * m], nu)).collect()
}

/// y − Az, m entries.
pub(crate) fn mismatch(a: &DMatrix<f64>, z: &[f64], y: &[f64]) -> Vec<f64> {
    let support: Vec<usize> = (0..z.len()).filter(|&j| z[j] != 0.0).collect();
    (0..y.len())
        .map(|i| dot(std::iter::once((y[i], 1.0)).chain(support.iter().map(|&j| (-a[(i, j)], z[j])))))
        .collect()
}

/// |v|₂, without overflow or underflow on the way.
pub(super) fn norm(v: &[f64]) -> f64 {
    let largest = v.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * v.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
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

    #[test]
    fn products_are_those_of_the_matrix() {
        let a = nalgebra::dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
        assert_eq!(transpose_times(&a, &[1.0, -1.0]), [-3.0, -3.0, -3.0]);
        assert_eq!(mismatch(&a, &[1.0, 0.0, -1.0], &[0.0, 5.0]), [2.0, 7.0]);
        assert!((norm(&[3e200, 4e200]) / 5e200 - 1.0).abs() < 1e-15);
        assert_eq!((norm(&[]), norm(&[0.0])), (0.0, 0.0));
    }
}
