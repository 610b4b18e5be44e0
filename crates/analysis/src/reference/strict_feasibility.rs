//! Is there a strictly positive solution, z > 0 with Az = y, A ∈ R^{m×n}?
//!
//! The positive flow tends to the Bregman projection of its start onto { z ≥ 0 : Az = y }, and its dual variable converges,
//! only if there is one; otherwise some entries are 0 in every solution and die out algebraically.
//!
//! Decided by the linear program max Σ t_j s.t. A(t + s) = τy, 0 ≤ t_j ≤ 1, s ≥ 0, τ ≥ 1: solutions can be scaled up, so that
//! t_j = 1 for every entry that is positive in some solution (all at once, by convexity) and 0 for every other. Each answer
//! is then proved from the data: by a positive solution; by ν with Aᵀν ≥ 0, y·ν = 0 and A_j·ν > 0 for every j said to be 0
//! (then z·Aᵀν = 0 leaves z_j = 0: Stiemke); or, where there is no nonnegative solution at all, by the residual of
//! nonnegative least squares (Farkas).

use hadaflow_core::compensated::{inner, mismatch, norm, transpose_times};
use nalgebra::{DMatrix, DVector};

use super::EXACT;
use super::computed::Computed;
use super::dual_of_support::{ACTIVE, slopes};
use super::independent_rows::IndependentRows;
use super::least_norm::{least_norm, wrong_input};
use super::linear_program::{LinearProgram, Outcome, Relation};
use super::minimax::{Minimax, minimax};
use super::nonnegative_least_squares::nonnegative_least_squares;
use super::orthogonal_basis::OrthogonalBasis;
use super::standard_form::StandardForm;

/// The largest defect of the pair of programs that determines the margin, in units of the cap.
const CERTIFIED_MARGIN: f64 = 1e-11;

/// Rounding of Az, relative to Σ |A_j|z_j.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// What is known about solutions z ≥ 0 of Az = y.
#[derive(Debug, Clone, PartialEq)]
pub struct StrictFeasibility {
    /// The answer.
    pub verdict: Feasibility,
    /// max { min_j z_j : Az = y, z ≥ 0 }, but at most the largest entry of the nonnegative least-squares solution (at
    /// most 1 if y = 0): solutions may be unbounded. `None` if there is no solution or the number is not certified.
    pub margin: Option<f64>,
    /// A solution whose entries are positive wherever any solution's are; the point whose Az is nearest to y if there is
    /// no solution.
    pub point: Vec<f64>,
}

/// The answer, with its proof.
#[derive(Debug, Clone, PartialEq)]
pub enum Feasibility {
    /// There is a solution z > 0.
    StrictlyPositive,
    /// There are solutions z ≥ 0, and some entries are 0 in all of them.
    OnBoundary {
        /// Those entries, ascending.
        forced_to_zero: Vec<usize>,
        /// ν ∈ R^m with Aᵀν ≥ 0, y·ν = 0, and A_j·ν > 0 there.
        certificate: Vec<f64>,
    },
    /// There is no solution z ≥ 0.
    Empty {
        /// r ∈ R^m with Aᵀr ≤ 0 < y·r.
        certificate: Vec<f64>,
    },
    /// Rounding decides.
    Undecided {
        /// What was found.
        reason: String,
    },
}

/// Whether Az = y has a strictly positive solution.
pub fn strict_feasibility(a: &DMatrix<f64>, y: &[f64]) -> Computed<StrictFeasibility> {
    if let Some(reason) = wrong_input(a, y) {
        return Computed::Failed { reason };
    }
    let nearest = match nonnegative_least_squares(a, y) {
        Computed::Value(nearest) => nearest,
        Computed::Failed { reason } => return Computed::Failed { reason },
    };
    if nearest.relative_distance > EXACT {
        return Computed::Value(StrictFeasibility {
            verdict: Feasibility::Empty {
                certificate: nearest.residual,
            },
            margin: None,
            point: nearest.point,
        });
    }
    let top = nearest.point.iter().fold(0.0, |top: f64, z| top.max(*z));
    let cap = if top > 0.0 { top } else { 1.0 };
    let rows = IndependentRows::of(a);
    let (point, forced_to_zero) = match widest(&rows, a, y, cap) {
        Ok(found) => found,
        Err(reason) => {
            return Computed::Value(StrictFeasibility {
                verdict: Feasibility::Undecided { reason },
                margin: None,
                point: nearest.point,
            });
        }
    };
    let (verdict, margin) = if forced_to_zero.is_empty() {
        strictly_positive(a, y, cap)
    } else {
        match excludes(&rows, a, y, &forced_to_zero) {
            Some(certificate) => (
                Feasibility::OnBoundary {
                    forced_to_zero,
                    certificate,
                },
                Some(0.0),
            ),
            None => {
                let reason =
                    format!("entries {forced_to_zero:?} seem to be 0 in every solution, but nothing proves it");
                (Feasibility::Undecided { reason }, None)
            }
        }
    };
    Computed::Value(StrictFeasibility { verdict, margin, point })
}

/// A solution that is positive wherever any is, and the entries that are 0 in all.
fn widest(rows: &IndependentRows, a: &DMatrix<f64>, y: &[f64], cap: f64) -> Result<(Vec<f64>, Vec<usize>), String> {
    let n = a.ncols();
    let mut program = LinearProgram::maximise();
    (0..n).for_each(|_| program.variable(1.0, 0.0, 1.0));
    (0..n).for_each(|_| program.variable(0.0, 0.0, f64::INFINITY));
    program.variable(0.0, 1.0, f64::INFINITY);
    for (row, y) in rows.matrix.row_iter().zip(rows.restrict(y)) {
        let terms = row.iter().chain(row.iter()).copied().chain([-y / cap]);
        program.row(terms, Relation::Equal, 0.0);
    }
    let solution = match program.solve() {
        Outcome::Solved(solution) => solution,
        other => return Err(format!("the program for the widest solution was not solved: {other:?}")),
    };
    let (t, tau) = (&solution[..n], solution[2 * n]);
    if t.iter().any(|t| *t > 1e-6 && *t < 1.0 - 1e-6) {
        return Err("whether an entry is 0 in every solution is decided by rounding".into());
    }
    let (free, forced): (Vec<usize>, Vec<usize>) = (0..n).partition(|&j| t[j] > 0.5);
    let mut point = vec![0.0; n];
    for &j in &free {
        point[j] = cap * (t[j] + solution[n + j]) / tau;
    }
    // the solver's rounding is taken out by the shortest change of the free entries
    for _ in 0..2 {
        let rest = mismatch(a, &point, y);
        let Computed::Value(change) = least_norm(&a.select_columns(&free), &rest) else {
            return Err("the widest solution could not be refined".into());
        };
        free.iter().zip(&change.point).for_each(|(&j, d)| point[j] += d);
    }
    // where y is much smaller than the terms of Az, or 0, nothing beyond their rounding can be asked for
    let terms: f64 = a.column_iter().zip(&point).map(|(column, z)| column.norm() * z).sum();
    let exact = norm(&mismatch(a, &point, y)) <= EXACT * norm(y) + ROUNDING * terms;
    if exact && free.iter().all(|&j| point[j] > 0.0) {
        Ok((point, forced))
    } else {
        Err("the widest solution is not positive and exact after refinement".into())
    }
}

/// The margin where every entry can be positive: with z = x + (cap − x₀)1 it is cap minus min { x₀ : x ≥ 0, x₀ ≥ 0 }.
fn strictly_positive(a: &DMatrix<f64>, y: &[f64], cap: f64) -> (Feasibility, Option<f64>) {
    let n = a.ncols();
    let sums = a.column_sum();
    let mut columns = a.clone().insert_column(n, 0.0);
    columns.set_column(n, &-&sums);
    let mut target: Vec<f64> = y.iter().zip(sums.iter()).map(|(y, sum)| y / cap - sum).collect();
    if norm(&target) <= EXACT * norm(y) / cap {
        target.fill(0.0); // cap·1 is a solution up to rounding
    }
    let mut costs = vec![0.0; n];
    costs.push(1.0);
    match StandardForm::new(columns, &target, &costs).solve(Some(1.0), CERTIFIED_MARGIN) {
        Computed::Value(pair) if 1.0 - pair.primal > ACTIVE => {
            (Feasibility::StrictlyPositive, Some(cap * (1.0 - pair.primal)))
        }
        Computed::Value(pair) => {
            let reason = format!("the margin {:e} is rounding beside {cap:e}", cap * (1.0 - pair.primal));
            (Feasibility::Undecided { reason }, None)
        }
        // the positive solution at hand still proves the verdict
        Computed::Failed { .. } => (Feasibility::StrictlyPositive, None),
    }
}

/// ν that proves that these entries are 0 in every solution, checked on the data.
fn excludes(rows: &IndependentRows, a: &DMatrix<f64>, y: &[f64], forced: &[usize]) -> Option<Vec<f64>> {
    let free: Vec<usize> = (0..a.ncols()).filter(|j| !forced.contains(j)).collect();
    let (basis, _) = OrthogonalBasis::spanning(&rows.matrix.select_columns(&free));
    let kernel = basis.complement();
    let mut slopes = -slopes(&rows.matrix, &kernel, forced);
    for (mut slope, &j) in slopes.column_iter_mut().zip(forced) {
        slope /= rows.matrix.column(j).norm();
    }
    // a column in the span of the free ones has no slope (a zero column no direction); nothing can exclude it
    if slopes
        .column_iter()
        .any(|slope| slope.norm() == 0.0 || slope.norm().is_nan())
    {
        return None;
    }
    let slopes = slopes.insert_column(forced.len(), 0.0);
    let mut constants = vec![0.0; forced.len()];
    constants.push(-1.0);
    let Computed::Value(Minimax::Bounded(least)) = minimax(&slopes, &constants) else {
        return None;
    };
    let nu: DVector<f64> = kernel * least.mu;
    let nu = rows.lift(&nu);
    let products = transpose_times(a, &nu);
    let size = norm(&nu);
    let rounding = |j: usize| ACTIVE * a.column(j).norm() * size;
    let proved = forced.iter().all(|&j| products[j] > rounding(j))
        && free.iter().all(|&j| products[j].abs() <= rounding(j))
        && inner(y, &nu).abs() <= ACTIVE * norm(y) * size;
    proved.then_some(nu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{gaussian, instance, rng, times};

    fn value(a: &DMatrix<f64>, y: &[f64]) -> StrictFeasibility {
        match strict_feasibility(a, y) {
            Computed::Value(value) => value,
            Computed::Failed { reason } => panic!("{reason}"),
        }
    }

    fn forced(found: &StrictFeasibility) -> Option<&[usize]> {
        match &found.verdict {
            Feasibility::OnBoundary { forced_to_zero, .. } => Some(forced_to_zero),
            _ => None,
        }
    }

    #[test]
    fn small_cases_by_hand() {
        // z₁ + z₂ = 2: the middle has margin 1
        let found = value(&nalgebra::dmatrix![1.0, 1.0], &[2.0]);
        assert_eq!(
            (&found.verdict, found.margin),
            (&Feasibility::StrictlyPositive, Some(1.0))
        );
        // cap·1 is the only solution, up to rounding of the target
        let found = value(&nalgebra::dmatrix![0.1; 0.3; 0.7], &[0.1 * 0.3, 0.3 * 0.3, 0.7 * 0.3]);
        assert!(
            found.margin.is_some_and(|margin| (margin - 0.3).abs() < 1e-15),
            "{found:?}"
        );
        // z₁ + z₂ = 0, z₃ free: the first two are 0
        let found = value(&nalgebra::dmatrix![1.0, 1.0, 0.0], &[0.0]);
        assert_eq!((forced(&found), found.margin), (Some(&[0, 1][..]), Some(0.0)));
        assert!(found.point[2] > 0.0);
        // z₁ − z₂ = 0: a ray, capped at 1
        let found = value(&nalgebra::dmatrix![1.0, -1.0], &[0.0]);
        assert_eq!(
            (&found.verdict, found.margin),
            (&Feasibility::StrictlyPositive, Some(1.0))
        );
        let found = value(&nalgebra::dmatrix![1.0, 1.0], &[-1.0]);
        assert!(matches!(found.verdict, Feasibility::Empty { .. }) && found.margin.is_none());
        let found = value(&DMatrix::identity(3, 3), &[1.0, 0.0, 2.0]);
        assert_eq!((forced(&found), &found.point), (Some(&[1][..]), &vec![1.0, 0.0, 2.0]));
        let found = value(&nalgebra::dmatrix![1.0; 1.0], &[1.0, 2.0]);
        assert!(matches!(found.verdict, Feasibility::Empty { .. }), "out of reach");
    }

    #[test]
    fn scaling_the_data_scales_the_margin() {
        let a = gaussian(4, 9, &mut rng(2)).map(f64::abs);
        let y = times(&a, &[1.0, 0.5, 0.2, 0.7, 0.3, 2.0, 1.0, 0.4, 0.9]);
        let margin = value(&a, &y).margin.unwrap();
        assert!(margin >= 0.2 - 1e-12, "the planted point has margin 0.2: {margin}");
        for scale in [1e-8, 1e8] {
            let scaled: Vec<f64> = y.iter().map(|y| y * scale).collect();
            let found = value(&a, &scaled).margin.unwrap();
            assert!((found / (scale * margin) - 1.0).abs() < 1e-12, "{found}");
        }
    }

    #[test]
    fn the_campaign_is_decided_and_proved() {
        let mut counts = [0; 4];
        for seed in 0..300 {
            let instance = instance(seed);
            let (a, y) = (&instance.a, &instance.y);
            let found = value(a, y);
            let solves = norm(&mismatch(a, &found.point, y)) <= EXACT * norm(y).max(norm(&found.point));
            match &found.verdict {
                Feasibility::StrictlyPositive => {
                    counts[0] += 1;
                    let least = found.point.iter().fold(f64::INFINITY, |least: f64, z| least.min(*z));
                    assert!(solves && least > 0.0, "{}", instance.kind);
                    assert!(found.margin.is_some_and(|margin| margin > 0.0), "{}", instance.kind);
                }
                Feasibility::OnBoundary {
                    forced_to_zero,
                    certificate,
                } => {
                    counts[1] += 1;
                    let products = transpose_times(a, certificate);
                    assert!(
                        solves
                            && forced_to_zero
                                .iter()
                                .all(|&j| found.point[j] == 0.0 && products[j] > 0.0)
                    );
                    let free = (0..a.ncols()).filter(|j| !forced_to_zero.contains(j));
                    assert!(free.clone().all(|j| found.point[j] > 0.0));
                }
                Feasibility::Empty { certificate } => {
                    counts[2] += 1;
                    assert!(inner(y, certificate) > 0.0);
                }
                Feasibility::Undecided { reason } => {
                    counts[3] += 1;
                    println!("{seed} {}: {reason}", instance.kind);
                }
            }
        }
        println!("strict, boundary, empty, undecided: {counts:?}");
        assert!(
            counts[0] > 100 && counts[1] > 10 && counts[2] > 30 && counts[3] <= 3,
            "{counts:?}"
        );
    }
}
