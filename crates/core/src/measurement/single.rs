//! A dense matrix in single precision beside the matrix itself.
//!
//! A pass over a large A takes as long as reading it. An iteration that is corrected by its own error control can read half
//! the bytes: Aᵀr wholly in single precision, and A w where the weight of a column is too small for the rounding of its
//! entries to matter.

use std::cell::RefCell;

use nalgebra::DMatrix;
use pulp::{Arch, Simd, WithSimd};

use super::dense_kernels::{add_four, add_one};

/// Relative rounding of an entry.
pub(crate) const ROUNDING: f64 = 6e-8;
/// Columns are padded with zeros to a multiple of this, which the lanes of every instruction set divide.
const PADDING: usize = 16;
/// Entries outside [1/LARGEST, LARGEST] have no safe single.
const LARGEST: f64 = 1e15;
/// What is smaller than this beside the largest is nothing in single precision, and would be slow as a subnormal.
const NOTHING: f64 = 1e-20;

/// See the module documentation; 4 m n bytes.
pub(crate) struct SinglePrecision {
    padded: usize,
    entries: Vec<f32>,
    /// A vector of R^m.
    scratch: RefCell<Vec<f32>>,
}

impl SinglePrecision {
    /// A copy of the matrix; `None` where an entry is out of range or there is no memory for it.
    pub(crate) fn of(matrix: &DMatrix<f64>) -> Option<Self> {
        let fits = |a: &f64| *a == 0.0 || (1.0 / LARGEST..=LARGEST).contains(&a.abs());
        if !matrix.iter().all(fits) {
            return None;
        }
        let (rows, padded) = (matrix.nrows(), matrix.nrows().next_multiple_of(PADDING));
        let mut entries = Vec::new();
        entries.try_reserve_exact(padded * matrix.ncols()).ok()?;
        for column in matrix.as_slice().chunks_exact(rows) {
            entries.extend(column.iter().map(|&a| a as f32)); // in range
            entries.resize(entries.len() + padded - rows, 0.0);
        }
        Some(Self {
            padded,
            entries,
            scratch: RefCell::new(vec![0.0; padded]),
        })
    }

    /// `out = A w` for the `matrix` this is a copy of, with the entries of the columns whose |w_j| is below `limit` rounded
    /// to single precision.
    pub(crate) fn multiply(&self, matrix: &DMatrix<f64>, w: &[f64], limit: f64, out: &mut [f64]) {
        let sum = &mut *self.scratch.borrow_mut();
        sum.fill(0.0);
        Arch::new().dispatch(Multiply {
            single: self,
            matrix: matrix.as_slice(),
            w,
            limit,
            sum,
            out,
        });
    }

    /// `out = Aᵀ r` in single precision.
    pub(crate) fn multiply_adjoint(&self, r: &[f64], out: &mut [f64]) {
        let largest = r.iter().fold(0.0f64, |a, r| if r.abs() > a { r.abs() } else { a });
        let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
        let rounded = &mut *self.scratch.borrow_mut();
        for (rounded, r) in rounded.iter_mut().zip(r) {
            let r = scale * r;
            // a NaN stays one
            *rounded = if r.abs() < NOTHING { 0.0 } else { r as f32 };
        }
        Arch::new().dispatch(MultiplyAdjoint {
            single: self,
            r: rounded,
            scale: largest,
            out,
        });
    }
}

/// See [`SinglePrecision::multiply`].
struct Multiply<'a> {
    single: &'a SinglePrecision,
    matrix: &'a [f64],
    w: &'a [f64],
    limit: f64,
    sum: &'a mut [f32],
    out: &'a mut [f64],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            single,
            matrix,
            w,
            limit,
            sum,
            out,
        } = self;
        out.fill(0.0);
        let (rows, padded) = (out.len(), single.padded);
        let (nothing, scale) = (NOTHING * limit, 1.0 / limit);
        let exact = |j: usize| (&matrix[j * rows..][..rows], w[j]);
        // in units of the limit, so that none is out of range
        let rounded = |j: usize| (&single.entries[j * padded..][..padded], (scale * w[j]) as f32);
        let (mut large, mut small) = ([0usize; 4], [0usize; 8]);
        let (mut of_large, mut of_small) = (0, 0);
        for (j, &weight) in w.iter().enumerate() {
            let size = weight.abs();
            if size < limit {
                if size > nothing {
                    small[of_small] = j;
                    of_small += 1;
                    if of_small == 8 {
                        let [a, b, c, d, e, f, g, h] = small;
                        let front = [rounded(a), rounded(b), rounded(c), rounded(d)];
                        let back = [rounded(e), rounded(f), rounded(g), rounded(h)];
                        add_eight(simd, front, back, sum);
                        of_small = 0;
                    }
                }
            } else if weight != 0.0 {
                large[of_large] = j;
                of_large += 1;
                if of_large == 4 {
                    let [a, b, c, d] = large;
                    add_four(simd, [exact(a), exact(b), exact(c), exact(d)], out);
                    of_large = 0;
                }
            }
        }
        for &j in &large[..of_large] {
            add_one(exact(j).0, w[j], out);
        }
        if of_small > 0 {
            let column = |k: usize| {
                if k < of_small {
                    rounded(small[k])
                } else {
                    (rounded(small[0]).0, 0.0)
                }
            };
            let front = [column(0), column(1), column(2), column(3)];
            let back = [column(4), column(5), column(6), column(7)];
            add_eight(simd, front, back, sum);
        }
        for (out, &sum) in out.iter_mut().zip(sum.iter()) {
            *out += limit * f64::from(sum);
        }
    }
}

/// `sum += Σ w_j a_j` over eight columns.
#[inline(always)]
#[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
fn add_eight<'a, S: Simd>(
    simd: S,
    [a, b, c, d]: [(&'a [f32], f32); 4],
    [e, f, g, h]: [(&'a [f32], f32); 4],
    sum: &mut [f32],
) {
    // one by one: `map` over the array would not be inlined
    let (a, b, c, d) = (lanes(simd, a), lanes(simd, b), lanes(simd, c), lanes(simd, d));
    let (e, f, g, h) = (lanes(simd, e), lanes(simd, f), lanes(simd, g), lanes(simd, h));
    let sum = S::as_mut_simd_f32s(sum).0;
    let front = a.0.iter().zip(b.0).zip(c.0).zip(d.0);
    let back = e.0.iter().zip(f.0).zip(g.0).zip(h.0);
    for ((sum, (((&xa, &xb), &xc), &xd)), (((&xe, &xf), &xg), &xh)) in sum.iter_mut().zip(front).zip(back) {
        let first = simd.mul_add_e_f32s(a.1, xa, simd.mul_add_e_f32s(b.1, xb, *sum));
        let second = simd.mul_add_e_f32s(c.1, xc, simd.mul_f32s(d.1, xd));
        let third = simd.mul_add_e_f32s(e.1, xe, simd.mul_f32s(f.1, xf));
        let fourth = simd.mul_add_e_f32s(g.1, xg, simd.mul_f32s(h.1, xh));
        *sum = simd.add_f32s(simd.add_f32s(first, second), simd.add_f32s(third, fourth));
    }
}

/// A column in lanes, and its weight in each.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn lanes<S: Simd>(simd: S, (column, weight): (&[f32], f32)) -> (&[S::f32s], S::f32s) {
    (S::as_simd_f32s(column).0, simd.splat_f32s(weight))
}

/// See [`SinglePrecision::multiply_adjoint`].
struct MultiplyAdjoint<'a> {
    single: &'a SinglePrecision,
    r: &'a [f32],
    scale: f64,
    out: &'a mut [f64],
}

impl WithSimd for MultiplyAdjoint<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { single, r, scale, out } = self;
        let padded = single.padded;
        let mut groups = out.chunks_exact_mut(4);
        let mut columns = single.entries.chunks_exact(4 * padded);
        for (out, four) in (&mut groups).zip(&mut columns) {
            let (front, back) = four.split_at(2 * padded);
            let ((a, b), (c, d)) = (front.split_at(padded), back.split_at(padded));
            four_products(simd, [a, b, c, d], r, scale, out);
        }
        let rest = columns.remainder().chunks_exact(padded);
        for (out, column) in groups.into_remainder().iter_mut().zip(rest) {
            let mut four = [0.0; 4];
            four_products(simd, [column; 4], r, scale, &mut four);
            *out = four[0];
        }
    }
}

/// `scale` times the products of four columns with r.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn four_products<S: Simd>(simd: S, [a, b, c, d]: [&[f32]; 4], r: &[f32], scale: f64, out: &mut [f64]) {
    let (a, b, c, d) = (
        S::as_simd_f32s(a).0,
        S::as_simd_f32s(b).0,
        S::as_simd_f32s(c).0,
        S::as_simd_f32s(d).0,
    );
    let zero = simd.splat_f32s(0.0);
    let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (zero, zero, zero, zero);
    for ((((&r, &a), &b), &c), &d) in S::as_simd_f32s(r).0.iter().zip(a).zip(b).zip(c).zip(d) {
        sum_a = simd.mul_add_e_f32s(a, r, sum_a);
        sum_b = simd.mul_add_e_f32s(b, r, sum_b);
        sum_c = simd.mul_add_e_f32s(c, r, sum_c);
        sum_d = simd.mul_add_e_f32s(d, r, sum_d);
    }
    out[0] = scale * f64::from(simd.reduce_sum_f32s(sum_a));
    out[1] = scale * f64::from(simd.reduce_sum_f32s(sum_b));
    out[2] = scale * f64::from(simd.reduce_sum_f32s(sum_c));
    out[3] = scale * f64::from(simd.reduce_sum_f32s(sum_d));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, cols: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, cols, |i, j| ((7 * i + 13 * j * j + 1) as f64).sin())
    }

    #[test]
    fn products_are_right_to_single_precision() {
        for (rows, cols) in [(1, 1), (3, 5), (16, 9), (17, 8), (40, 33)] {
            let matrix = matrix(rows, cols);
            let single = SinglePrecision::of(&matrix).unwrap();
            let w: Vec<f64> = (0..cols)
                .map(|j| 10f64.powi(-(j as i32 % 7)) * (j as f64).cos())
                .collect();
            let r: Vec<f64> = (0..rows).map(|i| 1e-200 * (3.0 + i as f64).sin()).collect();
            let (mut product, mut adjoint) = (vec![f64::NAN; rows], vec![f64::NAN; cols]);
            for limit in [1e-300, 1e-3, 1e10] {
                single.multiply(&matrix, &w, limit, &mut product);
                let size: f64 = w.iter().filter(|w| w.abs() < limit).map(|w| w.abs()).sum();
                for (i, value) in product.iter().enumerate() {
                    let exact: f64 = (0..cols).map(|j| matrix[(i, j)] * w[j]).sum();
                    assert!(
                        (value - exact).abs() <= 4.0 * ROUNDING * size + 1e-14,
                        "{rows} x {cols}, {limit}"
                    );
                }
            }
            single.multiply_adjoint(&r, &mut adjoint);
            for (j, value) in adjoint.iter().enumerate() {
                let exact: f64 = (0..rows).map(|i| matrix[(i, j)] * r[i]).sum();
                assert!(
                    (value - exact).abs() <= 1e-200 * ROUNDING * rows as f64,
                    "{rows} x {cols}: {value} {exact}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_seen() {
        let matrix = matrix(2, 2);
        let single = SinglePrecision::of(&matrix).unwrap();
        let mut out = [0.0; 2];
        single.multiply(&matrix, &[f64::NAN, 1e-9], 1e-3, &mut out);
        assert!(out[0].is_nan());
        single.multiply_adjoint(&[1.0, f64::NAN], &mut out);
        assert!(out[0].is_nan());
    }

    #[test]
    fn an_entry_out_of_range_has_no_single() {
        assert!(SinglePrecision::of(&DMatrix::from_element(1, 1, 1e200)).is_none());
        assert!(SinglePrecision::of(&DMatrix::from_element(1, 1, 1e-200)).is_none());
        assert!(SinglePrecision::of(&DMatrix::from_element(1, 1, 0.0)).is_some());
    }
}
