//! Nonnegative least squares: argmin { |Az − y|₂ : z ≥ 0 }, z ∈ R^n — where the positive flow tends when Az = y has no
//! nonnegative solution (Chou, Maly, Verdun, arXiv 2207.08437).
//!
//! The active-set method of Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23): z is kept at the
//! least-squares solution over a set of passive columns; the column with the most positive A_j·r/|A_j|, r = y − Az,
//! enters, and columns whose entry would turn negative leave. A column that depends on the passive ones never enters, so
//! the columns of the answer are independent. Optimal means (Karush, Kuhn, Tucker): A_j·r ≤ 0, with equality where
//! z_j > 0; the violation is measured at the end, as a cosine, and reported.

use hadaflow_core::compensated::{inner, mismatch, norm, transpose_times};
use hadaflow_core::measurement::{multiply, multiply_adjoint};
use nalgebra::{DMatrix, DVector};

use super::computed::Computed;
use super::least_norm::wrong_input;
use super::orthogonal_basis::OrthogonalBasis;

/// A point whose conditions are violated by at most this much is optimal; rounding leaves about 1e-15.
pub(super) const OPTIMAL: f64 = 1e-11;
/// A column enters if its cosine with the residual, in units of |y|, exceeds this.
const ENTERS: f64 = 1e-14;

/// The point of the cone { Az : z ≥ 0 } nearest to y.
#[derive(Debug, Clone, PartialEq)]
pub struct NonnegativeLeastSquares {
    /// z ≥ 0, n entries; its nonzero entries belong to independent columns of A.
    pub point: Vec<f64>,
    /// y − Az, m entries. Where it is not zero it proves that no z ≥ 0 solves Az = y: Aᵀr ≤ 0, but y·r > 0 (Farkas).
    pub residual: Vec<f64>,
    /// |y − Az|/|y| (0 if y = 0).
    pub relative_distance: f64,
    /// The largest of A_j·r over all j and of |A_j·r| over z_j > 0, each divided by |A_j||y|: 0 at an exact optimum.
    pub kkt_violation: f64,
    /// How often the passive set changed.
    pub iterations: usize,
}

/// The nonnegative least-squares solution for A ∈ R^{m×n}, y ∈ R^m.
pub fn nonnegative_least_squares(a: &DMatrix<f64>, y: &[f64]) -> Computed<NonnegativeLeastSquares> {
    if let Some(reason) = wrong_input(a, y) {
        return Computed::Failed { reason };
    }
    let size = norm(y);
    let mut search = ActiveSet::new(a, y);
    let limit = 10 * (a.nrows() + a.ncols()) + 100;
    while search.iterations < limit && search.advance(size) {}
    let iterations = search.iterations;
    let point = search.polished();
    let residual = mismatch(a, &point, y);
    let kkt_violation = kkt_violation(a, &point, &residual, size);
    let distance = norm(&residual);
    let relative_distance = if distance == 0.0 { 0.0 } else { distance / size };
    // written so that NaN fails
    if !(kkt_violation <= OPTIMAL && relative_distance <= 1.0 + OPTIMAL) {
        return Computed::failed(format!(
            "the active set stopped short of the optimum after {iterations} changes: conditions violated by \
             {kkt_violation:e}"
        ));
    }
    Computed::Value(NonnegativeLeastSquares {
        point,
        residual,
        relative_distance,
        kkt_violation,
        iterations,
    })
}

/// The violation of the optimality conditions, as a cosine in units of |y|.
fn kkt_violation(a: &DMatrix<f64>, z: &[f64], r: &[f64], size: f64) -> f64 {
    let mut worst = 0.0f64;
    for ((column, product), z) in a.column_iter().zip(transpose_times(a, r)).zip(z) {
        let violation = if *z > 0.0 { product.abs() } else { product.max(0.0) };
        if violation != 0.0 {
            let cosine = violation / (column.norm() * size);
            worst = if cosine > worst || cosine.is_nan() {
                cosine
            } else {
                worst
            };
        }
    }
    worst
}

/// The state of the search.
struct ActiveSet<'a> {
    a: &'a DMatrix<f64>,
    y: DVector<f64>,
    lengths: Vec<f64>,
    basis: OrthogonalBasis,
    /// The passive columns, in the order of the basis, and their entries of z (all positive).
    passive: Vec<usize>,
    entries: Vec<f64>,
    residual: DVector<f64>,
    /// Aᵀr, and z, n entries.
    products: Vec<f64>,
    point: Vec<f64>,
    /// Columns that cannot enter: they are dependent, or rounding alone says that they should.
    blocked: Vec<bool>,
    iterations: usize,
}

impl<'a> ActiveSet<'a> {
    fn new(a: &'a DMatrix<f64>, y: &[f64]) -> Self {
        let y = DVector::from_column_slice(y);
        Self {
            a,
            residual: y.clone(),
            y,
            lengths: a.column_iter().map(|column| column.norm()).collect(),
            basis: OrthogonalBasis::new(a.nrows(), a.ncols()),
            passive: Vec::new(),
            entries: Vec::new(),
            products: vec![0.0; a.ncols()],
            point: vec![0.0; a.ncols()],
            blocked: vec![false; a.ncols()],
            iterations: 0,
        }
    }

    /// Let one column enter; false when none wants to.
    fn advance(&mut self, size: f64) -> bool {
        let Some(entering) = self.entering(size) else {
            return false;
        };
        self.iterations += 1;
        if !self.basis.push(self.a.column(entering)) {
            self.blocked[entering] = true;
            return true;
        }
        let solution = self.basis.least_squares(&self.y);
        if solution.as_slice().last().is_none_or(|last| *last <= 0.0) {
            self.basis.remove(self.basis.rank() - 1);
            self.blocked[entering] = true;
            return true;
        }
        self.passive.push(entering);
        self.entries.push(0.0);
        self.move_to(solution);
        let before = self.residual.norm();
        self.update_residual();
        if self.residual.norm() < before {
            self.blocked.fill(false);
        } else {
            self.blocked[entering] = true; // no progress in floating point: never again, so that nothing cycles
        }
        true
    }

    fn entering(&mut self, size: f64) -> Option<usize> {
        multiply_adjoint(self.a.as_slice(), self.residual.as_slice(), &mut self.products);
        let mut best = (ENTERS * size, None);
        for j in 0..self.a.ncols() {
            let cosine = self.products[j] / self.lengths[j]; // NaN for a zero column, which is never larger
            if cosine > best.0 && !self.blocked[j] && !self.passive.contains(&j) {
                best = (cosine, Some(j));
            }
        }
        best.1
    }

    /// Move towards the least-squares solution; entries that reach 0 on the way leave, until it is positive.
    fn move_to(&mut self, mut solution: DVector<f64>) {
        loop {
            let mut step = 1.0f64;
            for (z, s) in self.entries.iter().zip(solution.iter()).filter(|(_, s)| **s <= 0.0) {
                step = step.min(if z == s { 0.0 } else { z / (z - s) });
            }
            if solution.iter().all(|s| *s > 0.0) {
                self.entries.copy_from_slice(solution.as_slice());
                return;
            }
            let present = self.entries.len();
            for i in (0..present).rev() {
                let (z, s) = (self.entries[i], solution[i]);
                let leaves = s <= 0.0 && (z == s || z / (z - s) <= step);
                self.entries[i] = z + step * (s - z);
                if leaves || self.entries[i] <= 0.0 {
                    self.basis.remove(i);
                    self.passive.remove(i);
                    self.entries.remove(i);
                    self.iterations += 1;
                }
            }
            if self.entries.len() == present {
                return; // only a NaN comes here; the conditions at the end will not hold
            }
            solution = self.basis.least_squares(&self.y);
        }
    }

    fn update_residual(&mut self) {
        self.point.fill(0.0);
        for (&j, z) in self.passive.iter().zip(&self.entries) {
            self.point[j] = *z;
        }
        multiply(self.a.as_slice(), &self.point, self.residual.as_mut_slice());
        for (r, y) in self.residual.iter_mut().zip(&self.y) {
            *r = y - *r;
        }
    }

    /// z, refined once with an accurate residual where that keeps it positive.
    fn polished(&self) -> Vec<f64> {
        let mut point = vec![0.0; self.a.ncols()];
        for (&j, z) in self.passive.iter().zip(&self.entries) {
            point[j] = *z;
        }
        let rest = DVector::from_vec(mismatch(self.a, &point, self.y.as_slice()));
        let correction = self.basis.least_squares(&rest);
        if self.entries.iter().zip(correction.iter()).all(|(z, d)| z + d > 0.0) {
            for (&j, d) in self.passive.iter().zip(correction.iter()) {
                point[j] += d;
            }
        }
        point
    }
}

impl NonnegativeLeastSquares {
    /// y·r with y − Az = r: at the optimum |r|², the amount by which Farkas' certificate excludes a solution.
    pub fn separation(&self, y: &[f64]) -> f64 {
        inner(y, &self.residual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{Instance, gaussian, instance, rng};
    use hadaflow_core::initialization::Sign;

    fn value(a: &DMatrix<f64>, y: &[f64]) -> NonnegativeLeastSquares {
        match nonnegative_least_squares(a, y) {
            Computed::Value(value) => value,
            Computed::Failed { reason } => panic!("{reason}"),
        }
    }

    /// The least distance over all sets of columns whose least-squares solution is nonnegative.
    fn by_enumeration(a: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
        let mut best = y.norm();
        for set in 1u32..1 << a.ncols() {
            let chosen: Vec<usize> = (0..a.ncols()).filter(|j| set >> j & 1 == 1).collect();
            let columns = a.select_columns(&chosen);
            if columns.ncols() > columns.nrows() {
                continue;
            }
            let qr = columns.clone().qr();
            let Some(x) = qr.r().solve_upper_triangular(&qr.q().tr_mul(y)) else {
                continue;
            };
            if x.iter().all(|x| *x >= 0.0) {
                best = best.min((y - columns * x).norm());
            }
        }
        best
    }

    #[test]
    fn the_distance_is_the_least_of_all_supports() {
        for seed in 0..60 {
            let (m, n) = [(3, 6), (6, 3), (5, 8), (1, 4), (8, 8)][seed as usize % 5];
            let a = gaussian(m, n, &mut rng(seed));
            let y = gaussian(m, 1, &mut rng(1000 + seed)).column(0).into_owned();
            let found = value(&a, y.as_slice());
            let naive = by_enumeration(&a, &y);
            let distance = norm(&found.residual);
            assert!(
                (distance - naive).abs() < 1e-10 * y.norm(),
                "{seed}: {distance} {naive}"
            );
            assert!(found.point.iter().all(|z| *z >= 0.0));
        }
    }

    #[test]
    fn nasty_matrices_have_certified_answers() {
        let zero = value(&DMatrix::zeros(2, 3), &[1.0, -2.0]);
        assert_eq!((zero.point, zero.relative_distance), (vec![0.0; 3], 1.0));
        let zero = value(&nalgebra::dmatrix![1.0, -1.0], &[0.0]);
        assert_eq!((zero.point, zero.relative_distance), (vec![0.0; 2], 0.0));
        let negative = value(&nalgebra::dmatrix![1.0; 1.0], &[-1.0, -1.0]);
        assert_eq!(negative.point, [0.0]);
        assert!(negative.separation(&[-1.0, -1.0]) > 1.9);
        let twins = value(&nalgebra::dmatrix![1.0, 1.0, 0.0; 0.0, 0.0, 1.0], &[2.0, 3.0]);
        assert_eq!(twins.point.iter().sum::<f64>(), 5.0);
        assert_eq!(
            twins.point.iter().filter(|z| **z > 0.0).count(),
            2,
            "independent columns only"
        );
    }

    #[test]
    fn the_campaign_is_certified() {
        let (mut worst, mut reached) = (0.0f64, 0);
        for seed in 0..300 {
            let Instance { a, y, kind, sign } = instance(seed);
            let found = value(&a, &y);
            worst = worst.max(found.kkt_violation);
            // a planted nonnegative point is reached; the noise may leave the cone
            let planted = sign == Sign::Positive && !kind.contains("arbitrary") && !kind.contains("noise");
            if planted {
                reached += 1;
                assert!(found.relative_distance < 1e-12, "{kind}: {:e}", found.relative_distance);
            }
        }
        assert!(reached > 50);
        assert!(worst < 1e-13, "{worst:e}");
    }
}
