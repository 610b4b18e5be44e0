//! Small problems for tests, and naive twins of what is computed on them.

use nalgebra::{DMatrix, DVector};

/// Entries between −2 and 2 with irregular mantissas.
pub(crate) fn entries(rows: usize, cols: usize, seed: usize) -> DMatrix<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64 ^ (seed as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mut next = || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    };
    DMatrix::from_fn(rows, cols, |_, _| 4.0 * next() - 2.0)
}

/// Entries −2, …, 2: zero, duplicate, opposite and dependent columns and ties are common.
pub(crate) fn integers(rows: usize, cols: usize, seed: usize) -> DMatrix<f64> {
    entries(rows, cols, seed).map(f64::round)
}

/// All subsets of {0, …, n − 1} but the empty one.
pub(crate) fn subsets(n: usize) -> impl Iterator<Item = Vec<usize>> {
    (1u32..1 << n).map(move |bits| (0..n).filter(|i| bits >> i & 1 == 1).collect())
}

/// The least-squares solution on `support` by the normal equations, unless its columns are dependent.
pub(crate) fn least_squares(a: &DMatrix<f64>, support: &[usize], b: &DVector<f64>) -> Option<DVector<f64>> {
    let columns = a.select_columns(support);
    let gram = columns.transpose() * &columns;
    if gram.clone().symmetric_eigenvalues().min() < 1e-9 {
        return None;
    }
    gram.lu().solve(&(columns.transpose() * b))
}

/// The least ½|Az − y|² + λ‖z‖₁ (over z ≥ 0 unless `signed`) and a minimiser, by trying all signs on all supports with
/// independent columns: each candidate with consistent signs is a point of the domain, and one of them is optimal.
pub(crate) fn lasso(a: &DMatrix<f64>, y: &DVector<f64>, lambda: f64, signed: bool) -> (f64, DVector<f64>) {
    let mut best = (0.5 * y.norm_squared(), DVector::zeros(a.ncols()));
    for support in subsets(a.ncols()) {
        let columns = a.select_columns(&support);
        let gram = columns.transpose() * &columns;
        if gram.clone().symmetric_eigenvalues().min() < 1e-9 {
            continue;
        }
        let (factors, c) = (gram.lu(), columns.transpose() * y);
        for bits in 0..if signed { 1u32 << support.len() } else { 1 } {
            let signs = DVector::from_fn(support.len(), |k, _| if bits >> k & 1 == 1 { -1.0 } else { 1.0 });
            let Some(x) = factors.solve(&(&c - &signs * lambda)) else {
                continue;
            };
            if x.iter().zip(&signs).any(|(x, s)| x * s < -1e-12) {
                continue;
            }
            let value = 0.5 * (&columns * &x - y).norm_squared() + lambda * x.lp_norm(1);
            if value < best.0 {
                best = (value, DVector::zeros(a.ncols()));
                support.iter().zip(&x).for_each(|(&i, x)| best.1[i] = *x);
            }
        }
    }
    best
}

/// The least ℓ1 norm of a least-squares solution (over z ≥ 0 unless `signed`), by trying all supports.
pub(crate) fn least_l1(a: &DMatrix<f64>, y: &DVector<f64>, signed: bool) -> f64 {
    let mut candidates = vec![(y.norm_squared(), 0.0)];
    for support in subsets(a.ncols()) {
        let Some(x) = least_squares(a, &support, y) else {
            continue;
        };
        if signed || x.iter().all(|x| *x >= -1e-12) {
            let rest = (a.select_columns(&support) * &x - y).norm_squared();
            candidates.push((rest, x.lp_norm(1)));
        }
    }
    let least = candidates.iter().fold(f64::INFINITY, |a, (rest, _)| a.min(*rest));
    // what rounding and the normal equations leave of sums of squares of order 1 to 100
    let optimal = candidates.iter().filter(|(rest, _)| *rest <= least + 1e-10);
    optimal.fold(f64::INFINITY, |a, (_, norm)| a.min(*norm))
}

/// A problem of one of many shapes, by turns generic and degenerate, reachable and not.
pub(crate) fn problem(seed: usize) -> (DMatrix<f64>, DVector<f64>, bool) {
    let (m, n) = (1 + seed % 4, 1 + seed / 4 % 5);
    let (a, y) = if (seed / 20).is_multiple_of(2) {
        (entries(m, n, seed), entries(m, 1, seed + 7000))
    } else {
        (integers(m, n, seed), integers(m, 1, seed + 7000))
    };
    (a, y.column(0).into_owned(), (seed / 40).is_multiple_of(2))
}
