//! The shortest least-squares solution A⁺y = argmin { |z|₂ : |Az − y|₂ minimal }, z ∈ R^n: the limit of the flow as the
//! initialization grows (the kernel regime; Woodworth et al., arXiv 2002.09277).
//!
//! The rank is revealed by pivoted orthogonal bases, of the range (columns) and of the row space: y is projected onto the
//! range, and A⁺y is the one solution in the row space, determined by any independent rows that span it. Singular values
//! would do the same; the decomposition at hand loses half the digits on some matrices of low rank.

use hadaflow_core::compensated::{mismatch, norm};
use nalgebra::{DMatrix, DVector};

use super::EXACT;
use super::computed::Computed;
use super::orthogonal_basis::OrthogonalBasis;

/// A⁺y, and how far y is from the range of A.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastNorm {
    /// A⁺y, n entries.
    pub point: Vec<f64>,
    /// y − AA⁺y, m entries: the part of y outside the range of A.
    pub residual: Vec<f64>,
    /// |y − AA⁺y|/|y| (0 if y = 0).
    pub relative_distance: f64,
    /// Whether Az = y has a solution, up to rounding: the relative distance is at most [`EXACT`].
    pub attained: bool,
    /// The numerical rank of A.
    pub rank: usize,
}

/// A⁺y for A ∈ R^{m×n}.
pub fn least_norm(a: &DMatrix<f64>, y: &[f64]) -> Computed<LeastNorm> {
    if let Some(reason) = wrong_input(a, y) {
        return Computed::Failed { reason };
    }
    let (range, columns) = OrthogonalBasis::spanning(a);
    let (row_space, rows) = OrthogonalBasis::spanning(&a.transpose());
    if columns.len() != rows.len() {
        return Computed::failed(format!(
            "the rank is {} by columns but {} by rows",
            columns.len(),
            rows.len()
        ));
    }
    let shortest = |b: &[f64]| {
        let projected = range.project(&DVector::from_column_slice(b));
        row_space.shortest_with_products(&projected.select_rows(&rows))
    };
    let mut point = shortest(y);
    // one step of refinement with an accurate residual takes out the rounding of the first solution
    point += shortest(&mismatch(a, point.as_slice(), y));
    finish(a, y, point.as_slice().to_vec(), rows.len())
}

/// The part of v (n entries) in the kernel of A ∈ R^{m×n}, and the condition of A: its largest singular value over the
/// smallest that is not 0 (1 for A = 0).
pub(crate) fn kernel_part(a: &DMatrix<f64>, v: &[f64]) -> (Vec<f64>, f64) {
    let (row_space, rows) = OrthogonalBasis::spanning(&a.transpose());
    let v = DVector::from_column_slice(v);
    let part = &v - row_space.project(&v);
    let mut values = a.singular_values().as_slice().to_vec();
    values.sort_by(|a, b| b.total_cmp(a));
    let condition = match (
        values.first(),
        rows.len().checked_sub(1).and_then(|last| values.get(last)),
    ) {
        (Some(largest), Some(smallest)) => largest / smallest,
        _ => 1.0,
    };
    (part.as_slice().to_vec(), condition)
}

/// The rank that the columns `added` of A bring beside its columns `present`, which are independent.
pub(crate) fn rank_beside(a: &DMatrix<f64>, present: &[usize], added: &[usize]) -> usize {
    let mut basis = OrthogonalBasis::new(a.nrows(), a.nrows());
    present.iter().for_each(|&j| {
        basis.push(a.column(j));
    });
    let before = basis.rank();
    added.iter().for_each(|&j| {
        basis.push(a.column(j));
    });
    basis.rank() - before
}

fn finish(a: &DMatrix<f64>, y: &[f64], point: Vec<f64>, rank: usize) -> Computed<LeastNorm> {
    let residual = mismatch(a, &point, y);
    let (distance, size) = (norm(&residual), norm(y));
    let relative_distance = if distance == 0.0 { 0.0 } else { distance / size };
    if !relative_distance.is_finite() || point.iter().any(|z| !z.is_finite()) {
        return Computed::failed("the shortest solution is not finite");
    }
    // a least-squares residual is orthogonal to every column
    let along = a.column_iter().map(|column| {
        residual
            .iter()
            .zip(column.iter())
            .map(|(r, a)| r * a)
            .sum::<f64>()
            .abs()
            / column.norm()
    });
    let worst = along.filter(|cosine| !cosine.is_nan()).fold(0.0, f64::max);
    if worst > super::nonnegative_least_squares::OPTIMAL * size {
        return Computed::failed(format!(
            "the residual is not orthogonal to the columns: {:e}",
            worst / size
        ));
    }
    Computed::Value(LeastNorm {
        point,
        residual,
        relative_distance,
        attained: relative_distance <= EXACT,
        rank,
    })
}

/// What is wrong with A or y, if anything.
pub(super) fn wrong_input(a: &DMatrix<f64>, y: &[f64]) -> Option<String> {
    if a.nrows() != y.len() {
        return Some(format!("A has {} rows, but y has {} entries", a.nrows(), y.len()));
    }
    let finite = a.iter().chain(y).all(|x| x.is_finite());
    if !finite {
        return Some("A or y has an entry that is not finite".into());
    }
    // squares of the entries must neither overflow nor vanish
    let largest = |values: &[f64]| values.iter().fold(0.0, |top: f64, x| top.max(x.abs()));
    let legal = |size: f64| size == 0.0 || (1e-140..1e140).contains(&size);
    let (a, y) = (largest(a.as_slice()), largest(y));
    (!(legal(a) && legal(y))).then(|| format!("the entries of A or y are too large or too small: {a:e}, {y:e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_the_span_of_others_add_nothing() {
        let a = nalgebra::dmatrix![1.0, 2.0, 0.0, 1.0; 0.0, 0.0, 1.0, 1.0; 1.0, 2.0, 0.0, 1.0];
        assert_eq!(rank_beside(&a, &[0], &[1]), 0);
        assert_eq!(rank_beside(&a, &[0], &[1, 2, 3]), 1);
        assert_eq!(rank_beside(&a, &[], &[0, 1, 2, 3]), 2);
    }

    #[test]
    fn the_kernel_and_the_condition() {
        let a = nalgebra::dmatrix![3.0, 0.0, 0.0; 0.0, 0.5, 0.0; 3.0, 0.5, 0.0];
        let (part, condition) = kernel_part(&a, &[1.0, -2.0, 7.0]);
        assert!(
            part[0].abs() < 1e-15 && part[1].abs() < 1e-15 && (part[2] - 7.0).abs() < 1e-14,
            "{part:?}"
        );
        // AᵀA = [18, 1.5; 1.5, 0.5]
        let root = (17.5f64.powi(2) + 9.0).sqrt();
        assert!(
            (condition - ((18.5 + root) / (18.5 - root)).sqrt()).abs() < 1e-12,
            "{condition}"
        );
        assert_eq!(kernel_part(&DMatrix::zeros(2, 2), &[1.0, 2.0]), (vec![1.0, 2.0], 1.0));
    }
    use crate::reference::testing::{gaussian, instance, rng, times};

    fn value(a: &DMatrix<f64>, y: &[f64]) -> LeastNorm {
        match least_norm(a, y) {
            Computed::Value(value) => value,
            Computed::Failed { reason } => panic!("{reason}"),
        }
    }

    #[test]
    fn agrees_with_the_normal_equations_of_full_rank() {
        for (m, n) in [(4, 9), (9, 4), (1, 1), (6, 6)] {
            let a = gaussian(m, n, &mut rng(1));
            let y = gaussian(m, 1, &mut rng(2));
            let naive = if m <= n {
                a.transpose() * (&a * a.transpose()).lu().solve(&y).unwrap()
            } else {
                (a.transpose() * &a).lu().solve(&(a.transpose() * &y)).unwrap()
            };
            let found = value(&a, y.as_slice());
            assert!((DMatrix::from_column_slice(n, 1, &found.point) - &naive).norm() < 1e-11 * naive.norm());
            assert_eq!((found.attained, found.rank), (m <= n, m.min(n)));
        }
    }

    #[test]
    fn low_rank_and_unreachable_measurements_are_told() {
        // rank 1: A = (1,2)ᵀ(1,1); y = (1,2) is reached at (½, ½), y = (2,−1) is orthogonal to the range
        let a = nalgebra::dmatrix![1.0, 1.0; 2.0, 2.0];
        let found = value(&a, &[1.0, 2.0]);
        assert!((found.point[0] - 0.5).abs() < 1e-15 && (found.point[1] - 0.5).abs() < 1e-15);
        assert!(found.attained && found.rank == 1);
        let found = value(&a, &[2.0, -1.0]);
        assert!(norm(&found.point) < 1e-15 && !found.attained && (found.relative_distance - 1.0).abs() < 1e-15);
        let found = value(&DMatrix::zeros(2, 3), &[0.0, 0.0]);
        assert_eq!((found.point, found.attained, found.rank), (vec![0.0; 3], true, 0));
        assert!(!value(&DMatrix::zeros(2, 3), &[0.0, 1.0]).attained);
    }

    #[test]
    fn the_campaign_is_solved_with_the_shortest_point() {
        for seed in 0..200 {
            let instance = instance(seed);
            let found = value(&instance.a, &instance.y);
            if !instance.kind.contains("arbitrary") {
                assert!(found.attained, "{} {:e}", instance.kind, found.relative_distance);
            }
            // shortest: orthogonal to the kernel, here to the projection of a random vector onto it
            let x = gaussian(instance.a.ncols(), 1, &mut rng(seed + 1));
            let onto = value(&instance.a, &times(&instance.a, x.as_slice())).point;
            let h: Vec<f64> = x.iter().zip(&onto).map(|(x, z)| x - z).collect();
            let cosine = h.iter().zip(&found.point).map(|(h, z)| h * z).sum::<f64>().abs();
            assert!(
                cosine <= 1e-10 * norm(&h).max(1.0) * norm(&found.point),
                "{} {cosine:e}",
                instance.kind
            );
        }
    }

    #[test]
    fn wrong_input_fails_with_a_reason() {
        let a = nalgebra::dmatrix![1.0, f64::NAN];
        assert!(matches!(least_norm(&a, &[1.0]), Computed::Failed { .. }));
        assert!(matches!(least_norm(&a, &[1.0, 2.0]), Computed::Failed { .. }));
        for size in [1e200, 1e-200] {
            let one = nalgebra::dmatrix![1.0];
            assert!(matches!(least_norm(&(&one * size), &[1.0]), Computed::Failed { .. }));
            assert!(matches!(least_norm(&one, &[size]), Computed::Failed { .. }));
        }
    }
}
