//! Thin QR factorization of a changing set of columns: A_P = Q R, Q ∈ R^{m×k} with orthonormal columns, R ∈ R^{k×k} upper
//! triangular with positive diagonal.
//!
//! Columns come by Gram–Schmidt, always done twice, which leaves Q orthonormal to rounding; columns go by Givens rotations
//! of neighbouring rows of R and columns of Q. Each costs O(mk). A column in the span of the others is refused.

/// A column counts as dependent where what the others leave of it is shorter than this part of it. Rounding leaves
/// about 1e-16·√m of a dependent column; a matrix that is conditioned worse than 1e11 is singular for all purposes here.
const DEPENDENT: f64 = 1e-11;

/// QR factorization of the columns pushed so far.
#[derive(Debug, Clone)]
pub(crate) struct ColumnQr {
    rows: usize,
    /// Q, column after column.
    basis: Vec<f64>,
    /// R, column after column, the diagonal last: column j has j + 1 entries and starts at j(j + 1)/2.
    triangle: Vec<f64>,
    len: usize,
}

impl ColumnQr {
    /// No columns of `rows` entries.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            rows,
            basis: Vec::new(),
            triangle: Vec::new(),
            len: 0,
        }
    }

    /// Number k of columns.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Column `j` of Q.
    pub(crate) fn basis(&self, j: usize) -> &[f64] {
        &self.basis[j * self.rows..(j + 1) * self.rows]
    }

    fn column(&self, j: usize) -> &[f64] {
        &self.triangle[j * (j + 1) / 2..(j + 1) * (j + 2) / 2]
    }

    /// Appends a column, unless it is zero, not finite or in the span of the others; whether it was appended.
    pub(crate) fn push(&mut self, column: &[f64]) -> bool {
        let size = dot(column, column).sqrt();
        let mut rest = column.to_vec();
        let mut coefficients = vec![0.0; self.len + 1];
        for _ in 0..2 {
            let parts: Vec<f64> = (0..self.len).map(|j| dot(self.basis(j), &rest)).collect();
            for (j, part) in parts.into_iter().enumerate() {
                add(-part, self.basis(j), &mut rest);
                coefficients[j] += part;
            }
        }
        let left = dot(&rest, &rest).sqrt();
        if !(left > DEPENDENT * size && size.is_finite()) {
            return false;
        }
        coefficients[self.len] = left;
        self.triangle.extend_from_slice(&coefficients);
        self.basis.extend(rest.iter().map(|x| x / left));
        self.len += 1;
        true
    }

    /// Takes out the column at `position`; later ones move up.
    pub(crate) fn remove(&mut self, position: usize) {
        let mut rotations: Vec<(f64, f64)> = Vec::with_capacity(self.len - position);
        for j in position..self.len - 1 {
            // column j + 1 becomes column j: rotate its entries until the one below the diagonal is gone
            let mut column = self.column(j + 1).to_vec();
            for (i, (c, s)) in rotations.iter().enumerate() {
                let (a, b) = (column[position + i], column[position + i + 1]);
                (column[position + i], column[position + i + 1]) = (c * a + s * b, c * b - s * a);
            }
            let (a, b) = (column[j], column[j + 1]);
            let length = a.hypot(b);
            let (c, s) = (a / length, b / length);
            column[j] = length;
            self.triangle[j * (j + 1) / 2..(j + 1) * (j + 2) / 2].copy_from_slice(&column[..=j]);
            rotations.push((c, s));
            let (left, right) = self.basis.split_at_mut((j + 1) * self.rows);
            let (left, right) = (&mut left[j * self.rows..], &mut right[..self.rows]);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (c * *a + s * *b, c * *b - s * *a);
            }
        }
        self.len -= 1;
        self.basis.truncate(self.len * self.rows);
        self.triangle.truncate(self.len * (self.len + 1) / 2);
    }

    /// Qᵀb.
    pub(crate) fn coordinates(&self, b: &[f64]) -> Vec<f64> {
        (0..self.len).map(|j| dot(self.basis(j), b)).collect()
    }

    /// Q x.
    pub(crate) fn combine(&self, x: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.rows];
        for (j, x) in x.iter().enumerate() {
            add(*x, self.basis(j), &mut out);
        }
        out
    }

    /// x ← R⁻¹x.
    pub(crate) fn solve(&self, x: &mut [f64]) {
        for j in (0..self.len).rev() {
            let column = self.column(j);
            x[j] /= column[j];
            let (before, last) = x.split_at_mut(j);
            add(-last[0], &column[..j], before);
        }
    }

    /// Entry `j` of R⁻ᵀb, from b_j and the `j` entries before it.
    pub(crate) fn forward(&self, j: usize, b: f64, before: &[f64]) -> f64 {
        let column = self.column(j);
        (b - dot(&column[..j], &before[..j])) / column[j]
    }

    /// x ← R⁻ᵀx.
    pub(crate) fn solve_transposed(&self, x: &mut [f64]) {
        for j in 0..self.len {
            x[j] = self.forward(j, x[j], x);
        }
    }
}

/// Inner product, in eight interleaved sums: the order depends on the length only.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (left, right) = (a.chunks_exact(8), b[..a.len()].chunks_exact(8));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// `out += factor·a`.
pub(crate) fn add(factor: f64, a: &[f64], out: &mut [f64]) {
    for (o, a) in out.iter_mut().zip(a) {
        *o += factor * a;
    }
}

/// The largest of numbers ≥ 0, 0 if there is none; NaN if one is.
pub(crate) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) })
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;
    use crate::reference::small_problems::entries;

    fn factorization(a: &DMatrix<f64>, which: &[usize]) -> ColumnQr {
        let mut qr = ColumnQr::new(a.nrows());
        for &j in which {
            assert!(qr.push(a.column(j).as_slice()));
        }
        qr
    }

    /// Q and R as matrices.
    fn parts(qr: &ColumnQr) -> (DMatrix<f64>, DMatrix<f64>) {
        let r = DMatrix::from_fn(qr.len, qr.len, |i, j| if i <= j { qr.column(j)[i] } else { 0.0 });
        (DMatrix::from_column_slice(qr.rows, qr.len, &qr.basis), r)
    }

    fn holds(qr: &ColumnQr, a: &DMatrix<f64>, which: &[usize]) {
        let (q, r) = parts(qr);
        // a handful of roundings of numbers of order 1 to 10
        assert!((&q * &r - a.select_columns(which)).amax() < 1e-13);
        assert!((q.transpose() * &q - DMatrix::identity(qr.len, qr.len)).amax() < 1e-14);
    }

    #[test]
    fn columns_come_and_go() {
        let a = entries(9, 12, 3);
        let mut which = vec![4, 0, 7, 11, 2, 5, 9];
        let mut qr = factorization(&a, &which);
        holds(&qr, &a, &which);
        for position in [6, 0, 2, 1] {
            qr.remove(position);
            which.remove(position);
            holds(&qr, &a, &which);
        }
        assert!(qr.push(a.column(4).as_slice()));
        which.push(4);
        holds(&qr, &a, &which);
    }

    #[test]
    fn a_nearly_dependent_column_leaves_the_basis_orthonormal() {
        let mut a = entries(9, 4, 5);
        let near = a.column(0) + a.column(1) + 1e-8 * a.column(3);
        a.set_column(2, &near);
        holds(&factorization(&a, &[0, 1, 2]), &a, &[0, 1, 2]);
    }

    #[test]
    fn dependent_zero_and_infinite_columns_are_refused() {
        let a = entries(9, 4, 5);
        let mut qr = factorization(&a, &[0, 1, 2]);
        let combination = a.column(0) * 3.0 - a.column(1) + a.column(2) * 1e3;
        assert!(!qr.push(combination.as_slice()));
        assert!(!qr.push(&[0.0; 9]));
        assert!(!qr.push(&[f64::INFINITY; 9]) && !qr.push(&[f64::NAN; 9]));
        assert_eq!(qr.len(), 3);
        holds(&qr, &a, &[0, 1, 2]);
    }

    #[test]
    fn the_largest_is_nan_if_one_is() {
        assert_eq!(largest([1.0, 3.0, 2.0].into_iter()), 3.0);
        assert_eq!(largest([].into_iter()), 0.0);
        assert!(largest([1.0, f64::NAN, 2.0].into_iter()).is_nan());
    }

    #[test]
    fn triangles_are_solved() {
        let a = entries(9, 5, 7);
        let qr = factorization(&a, &[0, 1, 2, 3, 4]);
        let (q, r) = parts(&qr);
        let b = DVector::from_vec(vec![1.0, -2.0, 0.5, 4.0, -1.5]);
        let mut x = b.as_slice().to_vec();
        qr.solve(&mut x);
        assert!((&r * DVector::from_column_slice(&x) - &b).amax() < 1e-12);
        let mut x = b.as_slice().to_vec();
        qr.solve_transposed(&mut x);
        assert!((r.transpose() * DVector::from_column_slice(&x) - &b).amax() < 1e-12);
        let c = a.column(0) * 2.0 - a.column(3);
        assert!((DVector::from_vec(qr.coordinates(c.as_slice())) - q.transpose() * &c).amax() < 1e-13);
        assert!((DVector::from_vec(qr.combine(b.as_slice())) - q * b).amax() < 1e-13);
    }
}
