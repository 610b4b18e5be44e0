//! The least maximum of affine functions, min over μ ∈ R^k of max_j (c_j + B_j·μ), B ∈ R^{k×p}, with its dual
//! max { c·h : Bh = 0, h ≥ 0, 1·h = 1 } as certificate.
//!
//! A linear program finds the functions that are largest together; they are then set exactly equal, and the weights h are
//! recomputed over them by nonnegative least squares. For any such h, Σ h_j (c_j + B_j·μ) is the same for every μ (Bh = 0)
//! and never above the maximum, so that value and bound meet only at the optimum.

use hadaflow_core::compensated::inner;
use nalgebra::{DMatrix, DVector};

use super::computed::Computed;
use super::linear_program::{LinearProgram, Outcome, Relation};
use super::nonnegative_least_squares::nonnegative_least_squares;
use super::orthogonal_basis::OrthogonalBasis;

/// Functions within this of the largest, in units of the data, are tried as those that are largest together. The linear
/// program leaves an error of about 1e-10.
const TOGETHER: [f64; 3] = [1e-9, 1e-7, 1e-11];
/// A gap this small, in units of the data, ends the search for a better set.
const GOOD: f64 = 1e-13;

/// What the least maximum is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Minimax {
    /// A minimiser exists.
    Bounded(Least),
    /// A direction lowers every function without limit (or there is none): −∞.
    Unbounded,
}

/// The least maximum and where it is taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Least {
    /// The minimiser, k entries.
    pub(super) mu: DVector<f64>,
    /// The maximum there.
    pub(super) value: f64,
    /// How far the dual bound lies below, in units of the data; at most 1e-13 or so when certified.
    pub(super) gap: f64,
}

/// min over μ of max_j (c_j + B_j·μ).
pub(super) fn minimax(b: &DMatrix<f64>, c: &[f64]) -> Computed<Minimax> {
    let (k, p) = b.shape();
    let scale = c.iter().fold(b.amax(), |scale, c| scale.max(c.abs()));
    if p == 0 {
        return Computed::Value(Minimax::Unbounded);
    }
    if scale == 0.0 || k == 0 {
        let (mu, value) = (DVector::zeros(k), c.iter().fold(f64::NEG_INFINITY, |a, c| a.max(*c)));
        return Computed::Value(Minimax::Bounded(Least { mu, value, gap: 0.0 }));
    }
    // the dual has k + 1 rows, the primal p: where the dual vertex is not degenerate, its support decides alone
    match weights(b, c, scale).solve() {
        Outcome::Solved(h) => {
            let together: Vec<usize> = (0..p).filter(|&j| h[j] > TOGETHER[0]).collect();
            if let Some(least) = levelled(b, c, &DVector::zeros(k), &together, scale).filter(|least| least.gap <= GOOD)
            {
                return Computed::Value(Minimax::Bounded(least));
            }
        }
        Outcome::Infeasible if falls_without_limit(b) => return Computed::Value(Minimax::Unbounded),
        _ => {}
    }
    match program(b, c, scale).solve() {
        Outcome::Solved(solution) => refined(b, c, DVector::from_column_slice(&solution[1..]), scale).map_or_else(
            || Computed::failed("no set of largest functions certifies the least maximum"),
            |least| Computed::Value(Minimax::Bounded(least)),
        ),
        Outcome::Unbounded | Outcome::Infeasible => Computed::failed("the solver finds no least maximum"),
        Outcome::Failed(reason) => Computed::Failed { reason },
    }
}

/// The certified minimum near an approximate minimiser.
fn refined(b: &DMatrix<f64>, c: &[f64], mut mu: DVector<f64>, scale: f64) -> Option<Least> {
    let mut best: Option<Least> = None;
    for width in TOGETHER {
        let functions = values(b, c, &mu);
        let top = largest(&functions);
        let together: Vec<usize> = (0..c.len()).filter(|&j| functions[j] >= top - width * scale).collect();
        let Some(least) = levelled(b, c, &mu, &together, scale) else {
            continue;
        };
        if best.as_ref().is_none_or(|best| least.gap < best.gap) {
            mu.copy_from(&least.mu);
            best = Some(least);
        }
        if best.as_ref().is_some_and(|best| best.gap <= GOOD) {
            break;
        }
    }
    best.filter(|least| least.value.is_finite() && least.gap.is_finite())
}

/// max c·h with Bh = 0, 1·h = 1, h ≥ 0, in units of the data.
fn weights(b: &DMatrix<f64>, c: &[f64], scale: f64) -> LinearProgram {
    let mut program = LinearProgram::maximise();
    for c in c {
        program.variable(c / scale, 0.0, f64::INFINITY);
    }
    for row in b.row_iter() {
        program.row(row.iter().map(|b| b / scale), Relation::Equal, 0.0);
    }
    program.row(c.iter().map(|_| 1.0), Relation::Equal, 1.0);
    program
}

/// min t with c_j + B_j·μ ≤ t, in units of the data; variables t, μ.
fn program(b: &DMatrix<f64>, c: &[f64], scale: f64) -> LinearProgram {
    let mut program = LinearProgram::minimise();
    program.variable(1.0, f64::NEG_INFINITY, f64::INFINITY);
    for _ in 0..b.nrows() {
        program.variable(0.0, f64::NEG_INFINITY, f64::INFINITY);
    }
    for (column, c) in b.column_iter().zip(c) {
        let row = std::iter::once(-1.0).chain(column.iter().map(|b| b / scale));
        program.row(row, Relation::AtMost, -c / scale);
    }
    program
}

/// Whether some direction d has B_j·d < 0 for every j: by a program bounded below, whose answer is then evaluated.
fn falls_without_limit(b: &DMatrix<f64>) -> bool {
    let mut program = LinearProgram::minimise();
    program.variable(1.0, -1.0, f64::INFINITY);
    for _ in 0..b.nrows() {
        program.variable(0.0, f64::NEG_INFINITY, f64::INFINITY);
    }
    let sizes: Vec<f64> = b.column_iter().map(|column| column.amax()).collect();
    for (column, size) in b.column_iter().zip(&sizes) {
        program.row(
            std::iter::once(-1.0).chain(column.iter().map(|b| b / size)),
            Relation::AtMost,
            0.0,
        );
    }
    let Outcome::Solved(solution) = program.solve() else {
        return false;
    };
    let direction = &solution[1..];
    b.column_iter()
        .zip(&sizes)
        .all(|(column, size)| inner(column.clone_owned().as_slice(), direction) < -0.5 * size)
}

/// The functions c_j + B_j·μ.
fn values(b: &DMatrix<f64>, c: &[f64], mu: &DVector<f64>) -> Vec<f64> {
    let k = b.nrows();
    c.iter()
        .enumerate()
        .map(|(j, c)| c + inner(&b.as_slice()[j * k..(j + 1) * k], mu.as_slice()))
        .collect()
}

/// The largest of them; NaN if there is one.
fn largest(functions: &[f64]) -> f64 {
    let larger = |top: f64, f: &f64| if *f > top || f.is_nan() { *f } else { top };
    functions.iter().fold(f64::NEG_INFINITY, larger)
}

/// Set the functions `together` exactly equal, by the shortest change of μ (and of their value), and measure the gap.
fn levelled(b: &DMatrix<f64>, c: &[f64], mu: &DVector<f64>, together: &[usize], scale: f64) -> Option<Least> {
    let k = b.nrows();
    let functions = values(b, c, mu);
    let top = largest(&functions);
    // B_j·dμ − scale·dt = top − f_j for each of them
    let mut rows = b.select_columns(together).insert_row(k, -scale);
    let (basis, chosen) = OrthogonalBasis::spanning(&rows);
    let wanted = DVector::from_iterator(chosen.len(), chosen.iter().map(|&i| top - functions[together[i]]));
    let change = basis.shortest_with_products(&wanted);
    let mu = mu + change.rows(0, k);
    let functions = values(b, c, &mu);
    let value = largest(&functions);
    // h ≥ 0 with Bh = 0, 1·h = 1 over them
    rows.row_mut(k).fill(scale);
    let mut target = vec![0.0; k + 1];
    target[k] = scale;
    let h = nonnegative_least_squares(&rows, &target).value()?.point;
    let total: f64 = h.iter().sum();
    let below: f64 = together.iter().zip(&h).map(|(&j, h)| h * (value - functions[j])).sum();
    let unbalanced = (b.select_columns(together) * DVector::from_column_slice(&h)).norm() * mu.norm();
    let gap = (below + unbalanced) / total / scale;
    Some(Least { mu, value, gap })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{gaussian, rng};

    fn bounded(b: &DMatrix<f64>, c: &[f64]) -> Least {
        match minimax(b, c) {
            Computed::Value(Minimax::Bounded(least)) => least,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn small_cases_by_hand() {
        // max(|μ − 1|, |μ + 2|) = 1.5 at −0.5
        let least = bounded(&nalgebra::dmatrix![1.0, -1.0, 1.0, -1.0], &[-1.0, 1.0, 2.0, -2.0]);
        assert!((least.value - 1.5).abs() < 1e-15 && (least.mu[0] + 0.5).abs() < 1e-15 && least.gap < 1e-15);
        assert_eq!(
            minimax(&nalgebra::dmatrix![1.0, 2.0], &[3.0, 4.0]),
            Computed::Value(Minimax::Unbounded)
        );
        assert_eq!(bounded(&DMatrix::zeros(0, 2), &[3.0, 4.0]).value, 4.0);
        assert_eq!(bounded(&DMatrix::zeros(2, 2), &[3.0, 4.0]).value, 4.0);
        assert_eq!(minimax(&DMatrix::zeros(3, 0), &[]), Computed::Value(Minimax::Unbounded));
        assert!(matches!(
            minimax(&nalgebra::dmatrix![f64::NAN], &[1.0]),
            Computed::Failed { .. }
        ));
    }

    #[test]
    fn functions_are_levelled_from_anywhere() {
        let (b, c) = (nalgebra::dmatrix![1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, 2.0, -2.0]);
        for start in [-3.0, 0.0, 10.0] {
            let least = levelled(&b, &c, &DVector::from_element(1, start), &[1, 2], 2.0).unwrap();
            assert!(
                (least.mu[0] + 0.5).abs() < 1e-14 && least.gap < 1e-14,
                "{start} {least:?}"
            );
        }
        // the wrong functions give a gap, never a false certificate
        let wrong = levelled(&b, &c, &DVector::zeros(1), &[0, 1], 2.0).unwrap();
        assert!(wrong.gap > 0.1, "{wrong:?}");
    }

    #[test]
    fn no_nearby_or_random_point_is_lower() {
        let mut worst = 0.0f64;
        for seed in 0..100 {
            let (k, p) = [(1, 5), (3, 20), (8, 40), (10, 11)][seed as usize % 4];
            let mut b = gaussian(k, p, &mut rng(seed));
            let balance = b.column_mean();
            b.column_iter_mut().for_each(|mut column| column -= &balance); // h = 1/p balances: bounded
            let c = gaussian(p, 1, &mut rng(500 + seed));
            let least = bounded(&b, c.as_slice());
            worst = worst.max(least.gap);
            let noise = gaussian(k, 50, &mut rng(900 + seed));
            for (i, direction) in noise.column_iter().enumerate() {
                let mu = &least.mu + direction * 10f64.powi(-(i as i32 % 8));
                let top = values(&b, c.as_slice(), &mu)
                    .into_iter()
                    .fold(f64::NEG_INFINITY, f64::max);
                assert!(top >= least.value - 1e-13, "{seed}");
            }
        }
        assert!(worst < 1e-13, "{worst:e}");
    }
}
