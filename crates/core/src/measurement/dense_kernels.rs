//! The two products of a column-major m × n matrix with a vector.
//!
//! A run passes over A about a thousand times. Each pass reads A once, and the order of every sum depends on the shape
//! (for A w also on which weights are zero) and, for Aᵀ r, on the instruction set; never on alignment, threads or history.

use pulp::{Simd, WithSimd};

use crate::vectorized::instruction_set;

/// Bytes from which on A does not stay in a cache between two products, and of a block of columns that does.
pub(crate) const LONG: usize = 4 << 20;
pub(crate) const BLOCK: usize = 128 << 10;

/// `out = A w` for the column-major `matrix` with `out.len()` rows; columns with weight exactly zero are not read.
///
/// `out[i]` is the sum over groups of four columns with nonzero weight, in order, each group added as
/// (w_a a_i + w_b b_i) + (w_c c_i + w_d d_i); then the up to three columns left over, one by one. Four columns together read
/// and write `out` once: as fast as faer from 80 × 200 to 600 × 4000 (measured), and the same on every instruction set.
pub fn multiply(matrix: &[f64], w: &[f64], out: &mut [f64]) {
    debug_assert_eq!(matrix.len(), w.len() * out.len());
    out.fill(0.0);
    add(matrix, w, out);
}

/// `out += A w`, likewise.
pub(crate) fn add(matrix: &[f64], w: &[f64], out: &mut [f64]) {
    instruction_set().dispatch(Multiply { matrix, w, out });
}

/// See [`multiply`].
struct Multiply<'a> {
    matrix: &'a [f64],
    w: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { matrix, w, out } = self;
        let rows = out.len();
        let mut group = [0usize; 4];
        let mut filled = 0;
        for (j, &weight) in w.iter().enumerate() {
            if weight == 0.0 {
                continue;
            }
            group[filled] = j;
            filled += 1;
            if filled == 4 {
                let column = |j: usize| (&matrix[j * rows..][..rows], w[j]);
                let [a, b, c, d] = group;
                add_four(simd, [column(a), column(b), column(c), column(d)], out);
                filled = 0;
            }
        }
        for &j in &group[..filled] {
            add_one(&matrix[j * rows..][..rows], w[j], out);
        }
    }
}

/// `out = Aᵀ r` for the column-major `matrix` with `r.len()` rows.
///
/// Each entry is a sum over interleaved parts of its column, as many as the instruction set has lanes, and then the rows left
/// over; four columns together read r once.
pub fn multiply_adjoint(matrix: &[f64], r: &[f64], out: &mut [f64]) {
    debug_assert_eq!(matrix.len(), r.len() * out.len());
    instruction_set().dispatch(MultiplyAdjoint { matrix, r, out });
}

/// See [`multiply_adjoint`].
struct MultiplyAdjoint<'a> {
    matrix: &'a [f64],
    r: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for MultiplyAdjoint<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { matrix, r, out } = self;
        let rows = r.len();
        let mut groups = out.chunks_exact_mut(4);
        let mut columns = matrix.chunks_exact(4 * rows);
        for (out, four) in (&mut groups).zip(&mut columns) {
            let (front, back) = four.split_at(2 * rows);
            let ((a, b), (c, d)) = (front.split_at(rows), back.split_at(rows));
            four_products(simd, [a, b, c, d], r, out);
        }
        let rest = columns.remainder().chunks_exact(rows);
        for (out, column) in groups.into_remainder().iter_mut().zip(rest) {
            let mut four = [0.0; 4];
            four_products(simd, [column; 4], r, &mut four);
            *out = four[0];
        }
    }
}

/// `out_j = a_j · r` for the given columns only; the other entries of `out` stay.
pub(crate) fn multiply_adjoint_at(matrix: &[f64], columns: &[usize], r: &[f64], out: &mut [f64]) {
    instruction_set().dispatch(MultiplyAdjointAt {
        matrix,
        columns,
        r,
        out,
    });
}

/// See [`multiply_adjoint_at`].
struct MultiplyAdjointAt<'a> {
    matrix: &'a [f64],
    columns: &'a [usize],
    r: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for MultiplyAdjointAt<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            matrix,
            columns,
            r,
            out,
        } = self;
        let column = |j: usize| &matrix[j * r.len()..][..r.len()];
        for group in columns.chunks(4) {
            // a group of fewer columns repeats its last one
            let at = |k: usize| group[k.min(group.len() - 1)];
            let mut four = [0.0; 4];
            let columns = [column(at(0)), column(at(1)), column(at(2)), column(at(3))];
            four_products(simd, columns, r, &mut four);
            for (k, product) in four.into_iter().enumerate() {
                out[at(k)] = product;
            }
        }
    }
}

/// The products of four columns with r, all of one length.
#[inline(always)]
#[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
fn four_products<S: Simd>(simd: S, [a, b, c, d]: [&[f64]; 4], r: &[f64], out: &mut [f64]) {
    let (r_head, r_tail) = S::as_simd_f64s(r);
    let ((a_head, a_tail), (b_head, b_tail)) = (S::as_simd_f64s(a), S::as_simd_f64s(b));
    let ((c_head, c_tail), (d_head, d_tail)) = (S::as_simd_f64s(c), S::as_simd_f64s(d));
    let zero = simd.splat_f64s(0.0);
    let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (zero, zero, zero, zero);
    for ((((&r, &a), &b), &c), &d) in r_head.iter().zip(a_head).zip(b_head).zip(c_head).zip(d_head) {
        sum_a = simd.mul_add_e_f64s(a, r, sum_a);
        sum_b = simd.mul_add_e_f64s(b, r, sum_b);
        sum_c = simd.mul_add_e_f64s(c, r, sum_c);
        sum_d = simd.mul_add_e_f64s(d, r, sum_d);
    }
    let tail = |column: &[f64]| column.iter().zip(r_tail).map(|(a, r)| a * r).sum::<f64>();
    out[0] = simd.reduce_sum_f64s(sum_a) + tail(a_tail);
    out[1] = simd.reduce_sum_f64s(sum_b) + tail(b_tail);
    out[2] = simd.reduce_sum_f64s(sum_c) + tail(c_tail);
    out[3] = simd.reduce_sum_f64s(sum_d) + tail(d_tail);
}

/// `out += w_a a + w_b b + w_c c + w_d d` for four columns of the matrix.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
pub(super) fn add_four<S: Simd>(simd: S, [a, b, c, d]: [(&[f64], f64); 4], out: &mut [f64]) {
    let (wa, wb, wc, wd) = (a.1, b.1, c.1, d.1);
    let ((a_head, a_tail), (b_head, b_tail)) = (S::as_simd_f64s(a.0), S::as_simd_f64s(b.0));
    let ((c_head, c_tail), (d_head, d_tail)) = (S::as_simd_f64s(c.0), S::as_simd_f64s(d.0));
    let (out_head, out_tail) = S::as_mut_simd_f64s(out);
    let (va, vb, vc, vd) = (
        simd.splat_f64s(wa),
        simd.splat_f64s(wb),
        simd.splat_f64s(wc),
        simd.splat_f64s(wd),
    );
    for ((((o, &a), &b), &c), &d) in out_head.iter_mut().zip(a_head).zip(b_head).zip(c_head).zip(d_head) {
        let front = simd.add_f64s(simd.mul_f64s(va, a), simd.mul_f64s(vb, b));
        let back = simd.add_f64s(simd.mul_f64s(vc, c), simd.mul_f64s(vd, d));
        *o = simd.add_f64s(*o, simd.add_f64s(front, back));
    }
    for ((((o, a), b), c), d) in out_tail.iter_mut().zip(a_tail).zip(b_tail).zip(c_tail).zip(d_tail) {
        *o += (wa * a + wb * b) + (wc * c + wd * d);
    }
}

/// `out += w_a a`.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
pub(super) fn add_one(a: &[f64], wa: f64, out: &mut [f64]) {
    for (o, a) in out.iter_mut().zip(a) {
        *o += wa * a;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries with irregular mantissas, some of them zero.
    fn entries(count: usize, salt: u64) -> Vec<f64> {
        let value = |i: usize| ((i as f64 + 1.0) * (1.7 + salt as f64)).sin() * 3.0;
        (0..count)
            .map(|i| {
                if (i as u64 + salt).is_multiple_of(5) {
                    0.0
                } else {
                    value(i)
                }
            })
            .collect()
    }

    #[test]
    fn both_products_are_the_sums_they_claim_to_be() {
        crate::vectorized::on_every_instruction_set(|| {
            for rows in [1, 2, 3, 4, 5, 7, 8, 9, 31, 64] {
                for cols in [1, 2, 3, 4, 5, 6, 7, 8, 9, 23] {
                    let matrix = entries(rows * cols, 1);
                    let (w, r) = (entries(cols, 2), entries(rows, 3));
                    let mut product = vec![f64::NAN; rows];
                    multiply(&matrix, &w, &mut product);
                    for (i, value) in product.iter().enumerate() {
                        let naive: f64 = (0..cols).map(|j| matrix[j * rows + i] * w[j]).sum();
                        assert!(
                            (value - naive).abs() <= 1e-13,
                            "A w, {rows} x {cols}, entry {i}: {value} {naive}"
                        );
                    }
                    let mut twice = product.clone();
                    add(&matrix, &w, &mut twice);
                    let sums = twice
                        .iter()
                        .zip(&product)
                        .all(|(twice, once)| (twice - 2.0 * once).abs() <= 1e-13);
                    assert!(sums, "{rows} x {cols}: {twice:?}");
                    let mut adjoint = vec![f64::NAN; cols];
                    multiply_adjoint(&matrix, &r, &mut adjoint);
                    for (j, value) in adjoint.iter().enumerate() {
                        let naive: f64 = (0..rows).map(|i| matrix[j * rows + i] * r[i]).sum();
                        assert!(
                            (value - naive).abs() <= 1e-13,
                            "A^T r, {rows} x {cols}, entry {j}: {value} {naive}"
                        );
                    }
                    let chosen: Vec<usize> = (0..cols).filter(|j| j % 3 != 1).collect();
                    let mut some = vec![7.0; cols];
                    multiply_adjoint_at(&matrix, &chosen, &r, &mut some);
                    for j in 0..cols {
                        let expected = if j % 3 == 1 { 7.0 } else { adjoint[j] };
                        assert_eq!(some[j], expected, "{rows} x {cols}, entry {j}");
                    }
                }
            }
        });
    }

    #[test]
    fn a_column_of_weight_zero_is_not_read() {
        crate::vectorized::on_every_instruction_set(|| {
            let mut out = [0.0; 2];
            multiply(&[1.0, 2.0, f64::NAN, f64::NAN, 3.0, 4.0], &[1.0, 0.0, 1.0], &mut out);
            assert_eq!(out, [4.0, 6.0]);
        });
    }

    #[test]
    fn the_adjoint_does_not_depend_on_alignment() {
        crate::vectorized::on_every_instruction_set(|| {
            let (rows, cols) = (37, 11);
            let shifted = |shift: usize| {
                let padded = |data: Vec<f64>| [vec![0.0; shift], data].concat();
                let (matrix, r) = (padded(entries(rows * cols, 1)), padded(entries(rows, 3)));
                let mut out = vec![f64::NAN; shift + cols];
                multiply_adjoint(&matrix[shift..], &r[shift..], &mut out[shift..]);
                out.split_off(shift)
            };
            assert!((1..8).all(|shift| shifted(shift) == shifted(0)));
        });
    }

    #[test]
    fn a_weight_that_is_not_a_number_is_seen() {
        let mut out = [0.0; 1];
        multiply(&[1.0, 2.0], &[f64::NAN, 1.0], &mut out);
        assert!(out[0].is_nan());
    }
}
