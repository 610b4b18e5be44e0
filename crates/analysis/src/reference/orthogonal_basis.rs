//! An orthonormal basis of the span of columns that come and go: C_S = QR with C_S ∈ R^{m×k}, Q ∈ R^{m×k}, R ∈ R^{k×k}.
//!
//! Columns enter by Gram–Schmidt carried out twice, which keeps Q orthonormal to rounding whatever the condition (Giraud,
//! Langou, Rozložník, van den Eshof, Numer. Math. 101, 2005), and leave by Givens rotations (Golub and Van Loan, Matrix
//! Computations, 6.5.2). Each costs O(mk).

use hadaflow_core::measurement::{multiply, multiply_adjoint};
use nalgebra::{DMatrix, DVector, DVectorView};

/// A column whose part outside the span is at most this fraction of its length counts as dependent on the others.
pub(super) const DEPENDENT: f64 = 1e-13;

/// The factorization C_S = QR.
#[derive(Debug, Clone)]
pub(super) struct OrthogonalBasis {
    /// The first `rank` columns are Q.
    q: DMatrix<f64>,
    /// The leading block of size `rank` is R, upper triangular.
    r: DMatrix<f64>,
    rank: usize,
}

impl OrthogonalBasis {
    /// The empty basis in R^m, with room for `capacity` columns (never more than m).
    pub(super) fn new(m: usize, capacity: usize) -> Self {
        let capacity = capacity.min(m);
        Self {
            q: DMatrix::zeros(m, capacity),
            r: DMatrix::zeros(capacity, capacity),
            rank: 0,
        }
    }

    /// The basis of columns `chosen` of C, in that order; `None` if they are dependent.
    pub(super) fn of_columns(c: &DMatrix<f64>, chosen: &[usize]) -> Option<Self> {
        let mut basis = Self::new(c.nrows(), chosen.len());
        chosen.iter().all(|&j| basis.push(c.column(j))).then_some(basis)
    }

    /// The basis of all columns of C and which of them span it: at each step the column with the largest part left
    /// over, measured in its own length (the first such column, so that the choice is reproducible).
    pub(super) fn spanning(c: &DMatrix<f64>) -> (Self, Vec<usize>) {
        let mut basis = Self::new(c.nrows(), c.ncols());
        let mut left = c.clone();
        for mut column in left.column_iter_mut() {
            column.normalize_mut();
        }
        let mut chosen = Vec::new();
        loop {
            let mut best = (DEPENDENT, None);
            for (j, column) in left.column_iter().enumerate() {
                let length = column.norm();
                if length > best.0 {
                    best = (length, Some(j));
                }
            }
            let Some(j) = best.1 else { return (basis, chosen) };
            left.column_mut(j).fill(0.0); // a column counts once, also when it turns out dependent
            if basis.push(c.column(j)) {
                chosen.push(j);
                let q = basis.q.column(basis.rank - 1);
                let along = left.tr_mul(&q);
                left.ger(-1.0, &q, &along, 1.0);
            }
        }
    }

    /// The number k of columns.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// Append a column, unless it depends on those present (then nothing changes and the answer is false).
    pub(super) fn push(&mut self, column: DVectorView<f64>) -> bool {
        let k = self.rank;
        let size = column.norm();
        if k == self.q.ncols() || size == 0.0 || !size.is_finite() {
            return false;
        }
        let mut left = column.clone_owned();
        let (mut along, mut part) = (DVector::zeros(k), vec![0.0; k]);
        let mut inside = vec![0.0; left.len()];
        let q = &self.q.as_slice()[..k * left.len()];
        for _ in 0..2 {
            multiply_adjoint(q, left.as_slice(), &mut part);
            multiply(q, &part, &mut inside);
            left.iter_mut().zip(&inside).for_each(|(left, inside)| *left -= inside);
            along.iter_mut().zip(&part).for_each(|(along, part)| *along += part);
        }
        let length = left.norm();
        if length <= DEPENDENT * size {
            return false;
        }
        self.q.column_mut(k).copy_from(&(left / length));
        self.r.view_mut((0, k), (k, 1)).copy_from(&along);
        self.r[(k, k)] = length;
        self.rank += 1;
        true
    }

    /// Take out the column at position `i`.
    pub(super) fn remove(&mut self, i: usize) {
        let k = self.rank;
        for j in i + 1..k {
            let (mut earlier, later) = self.r.columns_range_pair_mut(j - 1, j);
            earlier.copy_from(&later);
        }
        for j in i..k - 1 {
            // rotate rows j, j + 1 of R (and the columns of Q alike) so that R[j + 1, j] = 0
            let (a, b) = (self.r[(j, j)], self.r[(j + 1, j)]);
            let length = a.hypot(b);
            let (cosine, sine) = (a / length, b / length);
            for l in j..k - 1 {
                let (a, b) = (self.r[(j, l)], self.r[(j + 1, l)]);
                self.r[(j, l)] = cosine * a + sine * b;
                self.r[(j + 1, l)] = cosine * b - sine * a;
            }
            self.r[(j + 1, j)] = 0.0;
            for row in 0..self.q.nrows() {
                let (a, b) = (self.q[(row, j)], self.q[(row, j + 1)]);
                self.q[(row, j)] = cosine * a + sine * b;
                self.q[(row, j + 1)] = cosine * b - sine * a;
            }
        }
        self.r.column_mut(k - 1).fill(0.0);
        self.rank -= 1;
    }

    /// QᵀX: the coordinates of (the projections of) the columns of X.
    pub(super) fn coordinates(&self, x: &DMatrix<f64>) -> DMatrix<f64> {
        self.q.columns(0, self.rank).tr_mul(x)
    }

    /// The point Qx of the span with these coordinates.
    pub(super) fn at_coordinates(&self, x: &DVector<f64>) -> DVector<f64> {
        self.q.columns(0, self.rank) * x
    }

    /// The point of the span nearest to b: QQᵀb.
    pub(super) fn project(&self, b: &DVector<f64>) -> DVector<f64> {
        let q = self.q.columns(0, self.rank);
        q * q.tr_mul(b)
    }

    /// argmin |C_S x − b| = R⁻¹Qᵀb, k entries.
    pub(super) fn least_squares(&self, b: &DVector<f64>) -> DVector<f64> {
        let mut x = DVector::zeros(self.rank);
        multiply_adjoint(
            &self.q.as_slice()[..self.rank * b.len()],
            b.as_slice(),
            x.as_mut_slice(),
        );
        // column by column, as they lie
        for i in (0..self.rank).rev() {
            let value = x[i] / self.r[(i, i)];
            x[i] = value;
            x.rows_mut(0, i).axpy(-value, &self.r.column(i).rows(0, i), 1.0);
        }
        x
    }

    /// The shortest ν with C_Sᵀν = s: ν = QR⁻ᵀs, m entries.
    pub(super) fn shortest_with_products(&self, s: &DVector<f64>) -> DVector<f64> {
        let mut x = s.clone();
        for i in 0..self.rank {
            let known = self.r.view((0, i), (i, 1)).dot(&x.rows(0, i));
            x[i] = (x[i] - known) / self.r[(i, i)];
        }
        self.q.columns(0, self.rank) * x
    }

    /// An orthonormal basis N ∈ R^{m×(m−k)} of everything orthogonal to the columns.
    pub(super) fn complement(&self) -> DMatrix<f64> {
        let m = self.q.nrows();
        let mut whole = Self::new(m, m);
        whole
            .q
            .columns_mut(0, self.rank)
            .copy_from(&self.q.columns(0, self.rank));
        whole.rank = self.rank;
        // 1 − |row i of Q|² is the squared length of what is left of the unit vector e_i; the largest is at least
        // (m − k)/m, so no unit vector that is pushed comes near to being dependent
        let mut left: Vec<f64> = whole.q.row_iter().map(|row| 1.0 - row.norm_squared()).collect();
        while whole.rank < m {
            let mut i = 0;
            for candidate in 1..m {
                if left[candidate] > left[i] {
                    i = candidate;
                }
            }
            let mut unit = DVector::zeros(m);
            unit[i] = 1.0;
            if !whole.push(unit.column(0)) {
                break;
            }
            for (left, q) in left.iter_mut().zip(whole.q.column(whole.rank - 1).iter()) {
                *left -= q * q;
            }
            left[i] = f64::NEG_INFINITY;
        }
        whole.q.columns(self.rank, whole.rank - self.rank).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{gaussian, rng};

    fn factorization_error(basis: &OrthogonalBasis, columns: &DMatrix<f64>) -> f64 {
        let k = basis.rank();
        let q = basis.q.columns(0, k);
        let r = basis.r.view((0, 0), (k, k));
        let triangular = (0..k).all(|j| (j + 1..k).all(|i| r[(i, j)] == 0.0));
        assert!(triangular);
        (q * r - columns).norm() + (q.tr_mul(&q) - DMatrix::identity(k, k)).norm()
    }

    #[test]
    fn columns_that_come_and_go_leave_a_factorization() {
        let c = gaussian(9, 7, &mut rng(1));
        let mut basis = OrthogonalBasis::of_columns(&c, &[0, 1, 2, 3, 4, 5, 6]).unwrap();
        assert!(factorization_error(&basis, &c) < 1e-14 * 20.0);
        for position in [6, 0, 2] {
            basis.remove(position);
        }
        // 0..6 without the seventh, the first, and then the third of 1, 2, 3, 4, 5
        let left = c.select_columns(&[1, 2, 4, 5]);
        assert!(factorization_error(&basis, &left) < 1e-14 * 20.0);
        let b = gaussian(9, 1, &mut rng(2)).column(0).into_owned();
        let naive = (left.transpose() * &left).lu().solve(&(left.transpose() * &b)).unwrap();
        assert!((basis.least_squares(&b) - naive).norm() < 1e-12);
        assert!(
            basis.push(c.column(0)) && !basis.push(c.column(1)),
            "a column present is dependent"
        );
        let s = DVector::from_vec(vec![1.0, -1.0, 2.0, 0.5, 3.0]);
        let nu = basis.shortest_with_products(&s);
        let columns = c.select_columns(&[1, 2, 4, 5, 0]);
        assert!((columns.tr_mul(&nu) - s).norm() < 1e-13);
        assert!(
            basis.complement().tr_mul(&nu).norm() < 1e-13,
            "shortest: nothing outside the span"
        );
    }

    #[test]
    fn the_complement_is_orthonormal_and_orthogonal() {
        for (m, k) in [(1, 0), (1, 1), (5, 0), (6, 2), (6, 6), (20, 19)] {
            let c = gaussian(m, k, &mut rng(3));
            let basis = OrthogonalBasis::of_columns(&c, &(0..k).collect::<Vec<_>>()).unwrap();
            let n = basis.complement();
            assert_eq!(n.shape(), (m, m - k));
            assert!((n.tr_mul(&n) - DMatrix::identity(m - k, m - k)).norm() < 1e-14 * 10.0);
            assert!(n.tr_mul(&c).norm() < 1e-13);
        }
    }

    #[test]
    fn nearly_parallel_columns_still_give_an_orthonormal_basis() {
        let common = gaussian(12, 1, &mut rng(6));
        let c = gaussian(12, 6, &mut rng(7)) * 1e-9 + &common * DMatrix::from_element(1, 6, 1.0);
        let basis = OrthogonalBasis::of_columns(&c, &[0, 1, 2, 3, 4, 5]).unwrap();
        assert!(factorization_error(&basis, &c) < 1e-14);
    }

    #[test]
    fn spanning_columns_are_found_among_duplicates_and_zeros() {
        let c = nalgebra::dmatrix![0.0, 1.0, 2.0, 0.0, 3.0; 0.0, 0.0, 0.0, 1e-9, 1e9; 0.0, 1.0, 2.0, 0.0, 3.0];
        let (basis, chosen) = OrthogonalBasis::spanning(&c);
        assert_eq!((basis.rank(), chosen.len()), (2, 2));
        let (basis, chosen) = OrthogonalBasis::spanning(&DMatrix::zeros(3, 2));
        assert_eq!((basis.rank(), chosen.len()), (0, 0));
        // a product of thin factors: rank 4 of 12
        let low = gaussian(12, 4, &mut rng(4)) * gaussian(4, 30, &mut rng(5));
        assert_eq!(OrthogonalBasis::spanning(&low).1.len(), 4);
    }
}
