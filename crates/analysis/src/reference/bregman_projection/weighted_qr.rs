//! The linear algebra of one Newton step: with M = diag(d) Aᵀ ∈ R^{n×m} of full column rank, find x ∈ R^n, h ∈ R^m with
//!
//! ```text
//! x − M h = f,      Mᵀ x = r
//! ```
//!
//! The entries of d span a hundred orders of magnitude, so that the normal equations A diag(d²) Aᵀ h = r − Mᵀf are
//! singular in doubles. Householder QR of M with its rows sorted by size and its columns pivoted is backward stable row
//! by row (Powell and Reid 1969; Cox and Higham, Numer. Math. Appl. 1998): each row keeps its own relative accuracy. With
//! M = Q₁R, Q = (Q₁ Q₂):  g = R⁻ᵀr,  h = R⁻¹(g − Q₁ᵀf),  x = Q₁g + Q₂Q₂ᵀf.
//!
//! Where large rows are linearly dependent, elimination leaves rounding errors of theirs that may exceed all smaller rows
//! and pass for a direction of M. They are recognised by their size relative to their own row, and dropped.

use nalgebra::DMatrix;

use super::scalar::Scalar;

/// |x|, to which a double is near enough.
fn size<S: Scalar>(x: S) -> f64 {
    let x: f64 = x.into();
    x.abs()
}

/// See the module documentation. One workspace serves any number of factorizations.
#[derive(Debug, Clone, Default)]
pub struct WeightedQr<S = f64> {
    rows: usize,
    columns: usize,
    /// Householder vectors below, R above the diagonal; column-major, rows and columns in their new order.
    factors: Vec<S>,
    tau: Vec<S>,
    diagonal: Vec<S>,
    row_order: Vec<usize>,
    column_order: Vec<usize>,
    row_sizes: Vec<f64>,
    column_norms: Vec<S>,
    sorted: Vec<S>,
    short: Vec<S>,
}

impl<S: Scalar> WeightedQr<S> {
    /// Factorize diag(d) Aᵀ for A of m rows and n columns.
    pub fn factorize(&mut self, a: &DMatrix<f64>, d: &[f64]) {
        self.load(a, d);
        for k in 0..self.rows.min(self.columns) {
            self.pivot(k);
            if k > 0 && self.column_norms[k] < S::from(S::FALL * S::FALL) * self.diagonal[k - 1] * self.diagonal[k - 1]
            {
                self.drop_rounding(k);
                self.pivot(k);
            }
            self.eliminate(k);
        }
    }

    /// |R_kk| in the order of the pivots: decreasing.
    pub fn diagonal(&self) -> Vec<f64> {
        self.diagonal.iter().map(|&r| r.into()).collect()
    }

    /// The column of M that became the k-th.
    pub fn column_order(&self) -> &[usize] {
        &self.column_order
    }

    /// R_kj, k ≤ j, in the new order.
    pub fn upper(&self, k: usize, j: usize) -> f64 {
        let entry = if k == j {
            self.diagonal_entry(k)
        } else {
            self.factors[k + j * self.rows]
        };
        entry.into()
    }

    /// x and h for given f (n entries, overwritten by x) and r (m entries, overwritten by h).
    pub fn solve(&mut self, f: &mut [S], r: &mut [S]) {
        let (mut b, mut g) = (std::mem::take(&mut self.sorted), std::mem::take(&mut self.short));
        b.clear();
        b.extend(self.row_order.iter().map(|&i| f[i]));
        g.clear();
        g.extend(self.column_order.iter().map(|&i| r[i]));
        for k in 0..self.columns {
            self.reflect(k, &mut b);
        }
        for j in 0..self.columns {
            let column = &self.factors[j * self.rows..j * self.rows + j];
            let sum = column.iter().zip(&g).fold(S::default(), |sum, (&a, &b)| sum + a * b);
            g[j] = (g[j] - sum) / self.diagonal_entry(j);
        }
        for (b, g) in b.iter_mut().zip(&mut g) {
            (*b, *g) = (*g, *g - *b);
        }
        for j in (0..self.columns).rev() {
            g[j] = g[j] / self.diagonal_entry(j);
            let (step, column) = (g[j], &self.factors[j * self.rows..j * self.rows + j]);
            for (g, &a) in g.iter_mut().zip(column) {
                *g = *g - step * a;
            }
        }
        for k in (0..self.columns).rev() {
            self.reflect(k, &mut b);
        }
        self.row_order.iter().zip(&b).for_each(|(&i, &b)| f[i] = b);
        self.column_order.iter().zip(&g).for_each(|(&i, &g)| r[i] = g);
        (self.sorted, self.short) = (b, g);
    }

    /// M with sorted rows.
    fn load(&mut self, a: &DMatrix<f64>, d: &[f64]) {
        (self.rows, self.columns) = (a.ncols(), a.nrows());
        self.row_sizes.clear();
        self.row_sizes
            .extend(a.column_iter().zip(d).map(|(column, d)| d * column.amax()));
        self.row_order.clear();
        self.row_order.extend(0..self.rows);
        let sizes = &self.row_sizes;
        self.row_order.sort_by(|&i, &j| sizes[j].total_cmp(&sizes[i]));
        self.factors.clear();
        self.factors.resize(self.rows * self.columns, S::default());
        for (i, &row) in self.row_order.iter().enumerate() {
            for (j, &entry) in a.column(row).iter().enumerate() {
                // the same product in every arithmetic
                self.factors[i + j * self.rows] = S::from(d[row]) * S::from(entry);
            }
        }
        self.column_order.clear();
        self.column_order.extend(0..self.columns);
        self.column_norms.clear();
        let columns = self.factors.chunks_exact(self.rows.max(1));
        self.column_norms.extend(columns.map(|column| dot(column, column)));
        self.tau.clear();
        self.diagonal.clear();
    }

    /// Bring the largest remaining column to place k.
    fn pivot(&mut self, k: usize) {
        let largest = |best: usize, j: usize| {
            if self.column_norms[j] > self.column_norms[best] {
                j
            } else {
                best
            }
        };
        let p = (k + 1..self.columns).fold(k, largest);
        if p != k {
            let (head, tail) = self.factors.split_at_mut(p * self.rows);
            head[k * self.rows..(k + 1) * self.rows].swap_with_slice(&mut tail[..self.rows]);
            self.column_order.swap(k, p);
            self.column_norms.swap(k, p);
        }
    }

    /// Clear the rows of which elimination has left nothing but rounding, and move them behind the others: as pivots they
    /// would mix what belongs to them, which is large, with all smaller rows.
    fn drop_rounding(&mut self, k: usize) {
        let mut left = std::mem::take(&mut self.sorted);
        left.clear();
        left.resize(self.rows, S::default());
        let column = |j: usize| &self.factors[j * self.rows..(j + 1) * self.rows];
        let largest = |i: usize| (k..self.columns).map(|j| size(column(j)[i])).fold(0.0, f64::max);
        let rounding = |i: usize| largest(i) < S::ROUNDING * self.row_sizes[self.row_order[i]];
        let (empty, kept): (Vec<usize>, Vec<usize>) = (k..self.rows).partition(|&i| rounding(i));
        for (j, column) in self.factors.chunks_exact_mut(self.rows).enumerate() {
            if j >= k {
                empty.iter().for_each(|&i| column[i] = S::default());
            }
            left[k..].copy_from_slice(&column[k..]);
            let order = kept.iter().chain(&empty);
            column[k..]
                .iter_mut()
                .zip(order)
                .for_each(|(entry, &i)| *entry = left[i]);
            if j >= k {
                self.column_norms[j] = dot(&column[k..], &column[k..]);
            }
        }
        let order: Vec<usize> = kept.iter().chain(&empty).map(|&i| self.row_order[i]).collect();
        self.row_order[k..].copy_from_slice(&order);
        self.sorted = left;
    }

    /// The k-th reflection, applied to the columns behind it, whose norms are renewed: downdated ones lose all digits
    /// when the large rows have been eliminated.
    fn eliminate(&mut self, k: usize) {
        let (head, tail) = self.factors.split_at_mut((k + 1) * self.rows);
        let v = &mut head[k * self.rows + k..];
        let norm = dot(v, v).root();
        // The sign that adds: no cancellation in v₀.
        let beta = if v[0] > S::default() { -norm } else { norm };
        let tau = if norm > S::default() {
            (beta - v[0]) / beta
        } else {
            S::default()
        };
        if norm > S::default() {
            let scale = S::from(1.0) / (v[0] - beta);
            v[1..].iter_mut().for_each(|v| *v = *v * scale);
            v[0] = S::from(1.0);
        }
        for (column, norm) in tail.chunks_exact_mut(self.rows).zip(&mut self.column_norms[k + 1..]) {
            let c = &mut column[k..];
            let step = tau * dot(v, c);
            c.iter_mut().zip(&*v).for_each(|(c, &v)| *c = *c - step * v);
            *norm = dot(&c[1..], &c[1..]);
        }
        self.tau.push(tau);
        self.diagonal.push(norm);
        if norm > S::default() {
            // The sign of R_kk is kept in place of v₀ = 1.
            v[0] = S::from(if beta > S::default() { 1.0 } else { -1.0 });
        }
    }

    /// b ← (I − τ v vᵀ) b with the k-th v.
    fn reflect(&self, k: usize, b: &mut [S]) {
        let v = &self.factors[k * self.rows + k + 1..(k + 1) * self.rows];
        let (first, rest) = b[k..].split_at_mut(1);
        let step = self.tau[k] * (first[0] + dot(v, rest));
        first[0] = first[0] - step;
        rest.iter_mut().zip(v).for_each(|(b, &v)| *b = *b - step * v);
    }

    fn diagonal_entry(&self, k: usize) -> S {
        self.factors[k * self.rows + k] * self.diagonal[k]
    }
}

/// Four partial sums: the compiler may not reorder one.
fn dot<S: Scalar>(a: &[S], b: &[S]) -> S {
    let (mut sums, split) = ([S::default(); 4], a.len() / 4 * 4);
    for (a, b) in a[..split].chunks_exact(4).zip(b[..split].chunks_exact(4)) {
        for k in 0..4 {
            sums[k] = sums[k] + a[k] * b[k];
        }
    }
    let rest = a[split..].iter().zip(&b[split..]);
    let rest = rest.fold(S::default(), |sum, (&a, &b)| sum + a * b);
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::super::pair::Pair;
    use super::*;
    use nalgebra::DVector;

    fn matrix(m: usize, n: usize) -> DMatrix<f64> {
        DMatrix::from_fn(m, n, |i, j| (1.3 * ((i + 1) * (j + 2)) as f64 + 0.3 * j as f64).sin()) // small indices
    }

    /// The naive twin: LU of the whole (n+m)×(n+m) system.
    #[test]
    fn agrees_with_the_dense_system() {
        let (m, n) = (4, 9);
        let (a, d) = (matrix(m, n), [0.3, 2.0, 1.0, 0.1, 5.0, 0.7, 1.1, 0.2, 3.0]);
        let (f, r): (Vec<f64>, Vec<f64>) = ((0..n).map(|i| (i as f64).cos()).collect(), vec![1.0, -2.0, 0.5, 3.0]);
        let mut system = DMatrix::identity(n + m, n + m);
        system.view_mut((n, n), (m, m)).fill(0.0);
        for (i, j) in (0..n).flat_map(|i| (0..m).map(move |j| (i, j))) {
            system[(i, n + j)] = -d[i] * a[(j, i)];
            system[(n + j, i)] = d[i] * a[(j, i)];
        }
        let expected = system
            .lu()
            .solve(&DVector::from_vec([f.clone(), r.clone()].concat()))
            .unwrap();
        let (mut x, mut h, mut qr) = (f, r, WeightedQr::<f64>::default());
        qr.factorize(&a, &d);
        qr.solve(&mut x, &mut h);
        for (ours, expected) in x.iter().chain(&h).zip(expected.iter()) {
            assert!((ours - expected).abs() < 1e-12, "{ours} {expected}");
        }
    }

    /// n = m: M is square, and x = M⁻ᵀr entry by entry whatever d.
    #[test]
    fn rows_keep_their_own_accuracy() {
        let a = matrix(4, 4);
        let d = [1e-40, 1e30, 1.0, 1e-5];
        let r = [1.0, -2.0, 0.5, 3.0];
        let w = a.clone().lu().solve(&DVector::from_column_slice(&r)).unwrap();
        let (mut x, mut h, mut qr) = (vec![0.0; 4], r.to_vec(), WeightedQr::<f64>::default());
        qr.factorize(&a, &d);
        qr.solve(&mut x, &mut h);
        for j in 0..4 {
            assert!(
                (d[j] * x[j] / w[j] - 1.0).abs() < 1e-12,
                "{j}: {} {}",
                d[j] * x[j],
                w[j]
            );
        }
    }

    /// Three large rows of rank 2 and a tiny one: the tiny one alone can produce the third component of r = e₃, and what
    /// elimination leaves of the third large row must not.
    #[test]
    fn rounding_of_dependent_large_rows_is_no_direction() {
        let a = DMatrix::from_column_slice(3, 4, &[0.3, 0.1, 0.7, 0.1, 0.2, 0.3, 0.4, 0.3, 1.0, 0.0, 0.0, 1.0]);
        let (mut x, mut h, mut qr) = (vec![0.0; 4], vec![0.0, 0.0, 1.0], WeightedQr::<f64>::default());
        qr.factorize(&a, &[1e20, 1e20, 1e20, 1e-20]);
        qr.solve(&mut x, &mut h);
        assert!((x[3] / 1e20 - 1.0).abs() < 1e-12, "{x:?}");
        assert!(x[..3].iter().all(|x| x.abs() < 1e-19), "{x:?}");
    }

    /// What no h can change stays as it is, and next to it a row fifty orders smaller determines its own direction.
    fn the_null_direction_survives<S: Scalar>(digits: f64) {
        let a = DMatrix::from_column_slice(3, 4, &[1.0, 2.0, -1.0, 3.0, -1.0, 2.0, 4.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        let d = [1.3e20, 0.7e20, 2.2e20, 1e-30];
        // the first three columns of A add up with the signs +, +, −
        let over = |sign: f64, d: f64| S::from(sign) / S::from(d);
        let null = [over(1.0, d[0]), over(1.0, d[1]), over(-1.0, d[2]), S::default()];
        let (mut x, mut h) = (null, [S::default(), S::default(), S::from(1e-60)]);
        let mut qr = WeightedQr::<S>::default();
        qr.factorize(&a, &d);
        qr.solve(&mut x, &mut h);
        let scale = 1e20;
        for j in 0..3 {
            assert!(size(x[j] - null[j]) * scale < digits, "{j}: {:e}", size(x[j] - null[j]));
        }
        // Aᵀ(d x) = r beyond the span of the large rows: (−3, 5, 7) is orthogonal to it
        let expected = 1e-60 / d[3];
        assert!((size(x[3]) / expected - 1.0).abs() < 1e-13, "{:e}", size(x[3]));
    }

    #[test]
    fn the_null_direction_survives_in_both_arithmetics() {
        the_null_direction_survives::<f64>(1e-14);
        the_null_direction_survives::<Pair>(1e-30);
    }
}
