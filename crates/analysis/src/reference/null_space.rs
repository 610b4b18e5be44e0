//! The constant r of the null space property of order s,
//!
//! ```text
//! r = max { |h_S|₁/|h_{S^c}|₁ : Ah = 0, h ≠ 0, |S| = s },        A ∈ R^{m×n}
//! ```
//!
//! r < 1 if and only if every s-sparse x is the only solution of min |z|₁ subject to Az = Ax, and then
//! |w − x|₁ ≤ (1 + r)/(1 − r)·(|w|₁ − Q + 2σ_s(x)₁) for every solution w (Foucart, Rauhut, A Mathematical Introduction to
//! Compressive Sensing, theorem 4.14; with it arXiv 2112.11027 turns small ℓ¹ norms into recovery).
//!
//! Computing r is NP-hard in general (Tillmann, Pfetsch, IEEE Trans. Inf. Theory 60, 2014). Here it is the largest ρ of the
//! source condition over all supports and signs (opposite signs have the same ρ): C(n, s)·2^{s−1} linear programs, for
//! small sizes only and up to a budget.

use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;

use super::computed::Computed;
use super::independent_rows::IndependentRows;
use super::least_norm::wrong_input;
use super::source_condition::{Source, of_support};

/// r, and where it is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct NullSpaceConstant {
    /// r; +∞ if some h ≠ 0 in the kernel has its support in some S, 0 if the kernel is trivial.
    pub constant: f64,
    /// The support S of s indices at which it is taken, ascending (empty if s = 0 or the kernel is trivial).
    pub support: Vec<usize>,
    /// The signs of −h_S there, one for each index.
    pub signs: Vec<f64>,
    /// How many linear programs it took.
    pub programs: usize,
}

/// r of the given order, by at most `budget` linear programs: where more would be needed, a failure says how many.
pub fn null_space_constant(a: &DMatrix<f64>, order: usize, budget: usize) -> Computed<NullSpaceConstant> {
    if let Some(reason) = wrong_input(a, &vec![0.0; a.nrows()]) {
        return Computed::Failed { reason };
    }
    let n = a.ncols();
    let rows = IndependentRows::of(a);
    let mut best = NullSpaceConstant {
        constant: 0.0,
        support: Vec::new(),
        signs: Vec::new(),
        programs: 0,
    };
    if order == 0 || rows.matrix.nrows() == n {
        return Computed::Value(best);
    }
    if order >= n {
        best.constant = f64::INFINITY;
        best.support = (0..n).collect();
        return Computed::Value(best);
    }
    match programs(n, order).filter(|needed| *needed <= budget) {
        Some(_) => {}
        None => return Computed::failed(too_many(n, order, budget)),
    }
    best.constant = f64::NEG_INFINITY;
    let mut support: Vec<usize> = (0..order).collect();
    loop {
        for pattern in 0u64..1 << (order - 1) {
            // the first sign is +1
            let signs: Vec<f64> = (0..order)
                .map(|i| if pattern << 1 >> i & 1 == 1 { -1.0 } else { 1.0 })
                .collect();
            best.programs += 1;
            let rho = match of_support(&rows.matrix, &support, &signs, Sign::Signed) {
                Computed::Value(Source::Attained { rho, .. }) => rho,
                Computed::Value(Source::None) => f64::INFINITY,
                Computed::Value(Source::Unbounded) => 0.0,
                Computed::Failed { reason } => return Computed::Failed { reason },
            };
            if rho > best.constant {
                best.constant = rho;
                best.support.clone_from(&support);
                best.signs = signs;
            }
        }
        if best.constant == f64::INFINITY || !next_support(&mut support, n) {
            return Computed::Value(best);
        }
    }
}

/// C(n, s)·2^{s−1}; `None` where that is no number of this machine.
fn programs(n: usize, order: usize) -> Option<usize> {
    let mut supports = 1usize;
    for i in 0..order.min(n - order) {
        supports = supports.checked_mul(n - i)? / (i + 1);
    }
    supports.checked_mul(1usize.checked_shl(u32::try_from(order - 1).ok()?)?)
}

fn too_many(n: usize, order: usize, budget: usize) -> String {
    let needed = programs(n, order).map_or_else(|| "more than 10^18".into(), |needed| needed.to_string());
    format!("order {order} in dimension {n} needs {needed} linear programs, but the budget is {budget}")
}

/// The next set of the same size in lexicographic order; false after the last.
fn next_support(support: &mut [usize], n: usize) -> bool {
    let s = support.len();
    let Some(i) = (0..s).rev().find(|&i| support[i] < n - s + i) else {
        return false;
    };
    support[i] += 1;
    for k in i + 1..s {
        support[k] = support[k - 1] + 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{gaussian, rng};

    fn value(a: &DMatrix<f64>, order: usize) -> NullSpaceConstant {
        match null_space_constant(a, order, 10_000) {
            Computed::Value(value) => value,
            Computed::Failed { reason } => panic!("{reason}"),
        }
    }

    #[test]
    fn a_kernel_of_one_dimension_gives_it_directly() {
        for seed in 0..10 {
            let mut kernel = gaussian(6, 1, &mut rng(seed)).column(0).normalize();
            let a = DMatrix::identity(6, 6) - &kernel * kernel.transpose();
            kernel.apply(|h| *h = h.abs());
            let mut sizes = kernel.as_slice().to_vec();
            sizes.sort_by(|a, b| b.total_cmp(a));
            for order in 1..6 {
                let direct = sizes[..order].iter().sum::<f64>() / sizes[order..].iter().sum::<f64>();
                let found = value(&a, order);
                assert!(
                    (found.constant - direct).abs() < 1e-10 * (1.0 + direct),
                    "{order}: {found:?} {direct}"
                );
            }
        }
    }

    #[test]
    fn no_element_of_the_kernel_does_better_and_some_come_close() {
        let a = gaussian(4, 7, &mut rng(3));
        let kernel = (a.transpose() * &a).symmetric_eigen();
        let mut order: Vec<usize> = (0..7).collect();
        order.sort_by(|&i, &j| kernel.eigenvalues[i].total_cmp(&kernel.eigenvalues[j]));
        let basis = kernel.eigenvectors.select_columns(&order[..3]);
        for s in [1, 2, 3] {
            let found = value(&a, s);
            let mut best = 0.0f64;
            for h in (&basis * gaussian(3, 50_000, &mut rng(4))).column_iter() {
                let mut sizes: Vec<f64> = h.iter().map(|h| h.abs()).collect();
                sizes.sort_by(|a, b| b.total_cmp(a));
                best = best.max(sizes[..s].iter().sum::<f64>() / sizes[s..].iter().sum::<f64>());
            }
            assert!(
                best <= found.constant * (1.0 + 1e-12) && best > 0.9 * found.constant,
                "{best} {found:?}"
            );
        }
    }

    #[test]
    fn nasty_matrices_and_budgets() {
        assert_eq!(value(&DMatrix::identity(3, 3), 2).constant, 0.0);
        assert_eq!(value(&gaussian(5, 3, &mut rng(1)), 3).constant, 0.0);
        assert_eq!(value(&gaussian(2, 5, &mut rng(1)), 0).constant, 0.0);
        assert_eq!(value(&gaussian(2, 5, &mut rng(1)), 5).constant, f64::INFINITY);
        assert_eq!(
            value(&gaussian(2, 5, &mut rng(1)), 3).constant,
            f64::INFINITY,
            "three columns in R²"
        );
        assert_eq!(value(&DMatrix::zeros(2, 3), 1).constant, f64::INFINITY);
        // columns 0 and 1 agree: h = e₀ − e₁
        assert_eq!(
            value(&nalgebra::dmatrix![1.0, 1.0, 0.0; 0.0, 0.0, 1.0], 1).constant,
            1.0
        );
        let Computed::Failed { reason } = null_space_constant(&gaussian(20, 60, &mut rng(1)), 5, 1000) else {
            panic!("5461512 supports, 16 patterns each")
        };
        assert!(reason.contains("87384192"), "{reason}");
        assert!(matches!(
            null_space_constant(&DMatrix::zeros(1, 200), 90, 1000),
            Computed::Failed { .. }
        ));
    }

    #[test]
    fn supports_are_counted_and_visited_once() {
        let mut support = vec![0, 1, 2];
        let mut seen = vec![support.clone()];
        while next_support(&mut support, 6) {
            seen.push(support.clone());
        }
        seen.dedup();
        assert_eq!((seen.len(), programs(6, 3)), (20, Some(80)));
    }
}
