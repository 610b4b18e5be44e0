//! A dense matrix in single precision beside the matrix itself.
//!
//! A pass over a large A takes as long as reading it. An iteration that is corrected by its own error control can read half
//! the bytes: Aᵀr wholly in single precision, and A w where the weight of a column is too small for the rounding of its
//! entries to matter. Both products can be formed for a few columns at a time, so that one reading serves two of them.

mod kernels;
mod lines;

use std::cell::RefCell;

use nalgebra::DMatrix;

pub(crate) use self::kernels::Weigh;
use self::kernels::{Multiply, MultiplyAdjoint, Product, Sweep};
use self::lines::Lines;
use crate::vectorized::{self, Loop, instruction_set};

/// Relative rounding of an entry.
pub(crate) const ROUNDING: f64 = 6e-8;
/// Entries are kept by groups of columns, and within a group by tiles of rows, columns one after the other, so that products
/// with a group read memory straight on. The lanes of every instruction set divide a tile; what is missing is zero.
pub(crate) const GROUP: usize = 8;
const TILE: usize = 16;
/// Products A w that one reading is worth waiting for.
pub(crate) const TOGETHER: usize = 8;
/// Entries outside [1/LARGEST, LARGEST] have no safe single.
const LARGEST: f64 = 1e15;
/// What is smaller than this beside the largest is nothing in single precision, and would be slow as a subnormal.
const NOTHING: f64 = 1e-20;

/// Whether an entry has a safe single.
fn fits(a: f64) -> bool {
    (a.abs() <= LARGEST) & ((a.abs() >= 1.0 / LARGEST) | (a == 0.0))
}

/// See the module documentation; 4 m n bytes.
pub(crate) struct SinglePrecision {
    /// Entries of a group.
    length: usize,
    entries: Lines,
    scratch: RefCell<(Rounded, [Sum; TOGETHER])>,
}

/// r in single precision, as a multiple of its largest entry.
pub(crate) struct Rounded {
    entries: Lines,
    scale: f64,
}

/// A w over some of the columns: in units of the limit what is rounded, and what is not.
pub(crate) struct Sum {
    single: Lines,
    double: Vec<f64>,
    limit: f64,
}

impl Rounded {
    /// Zero in R^`rows`.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            entries: Lines::of_vector(rows.next_multiple_of(TILE)),
            scale: 0.0,
        }
    }

    pub(crate) fn set(&mut self, r: &[f64]) {
        self.scale = vectorized::largest_magnitude(r);
        let unit = if self.scale > 0.0 { 1.0 / self.scale } else { 0.0 };
        let rounded = self.entries.slice_mut();
        vectorized::run(Rounding { unit, r, rounded });
    }
}

/// `unit` · r in single precision; a NaN stays one.
struct Rounding<'a> {
    unit: f64,
    r: &'a [f64],
    rounded: &'a mut [f32],
}

impl Loop for Rounding<'_> {
    #[inline(always)]
    fn run(self) {
        for (rounded, r) in self.rounded.iter_mut().zip(self.r) {
            let r = self.unit * r;
            *rounded = if r.abs() < NOTHING { 0.0 } else { r as f32 };
        }
    }
}

impl Sum {
    /// Zero in R^`rows`.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            single: Lines::of_vector(rows.next_multiple_of(TILE)),
            double: vec![0.0; rows],
            limit: f64::MAX,
        }
    }

    /// Zero again; the entries of the columns whose |w_j| is below `limit` will be rounded to single precision.
    pub(crate) fn start(&mut self, limit: f64) {
        self.single.slice_mut().fill(0.0);
        self.double.fill(0.0);
        self.limit = limit;
    }

    /// What has been added.
    pub(crate) fn total(&self, out: &mut [f64]) {
        for ((out, double), &single) in out.iter_mut().zip(&self.double).zip(self.single.slice()) {
            *out = double + self.limit * f64::from(single);
        }
    }
}

impl SinglePrecision {
    /// A copy of the matrix; `None` where an entry is out of range or there is no memory for it.
    pub(crate) fn of(matrix: &DMatrix<f64>) -> Option<Self> {
        let (rows, cols) = (matrix.nrows(), matrix.ncols());
        let length = GROUP * rows.next_multiple_of(TILE);
        let mut lines = Lines::zeros(length * cols.div_ceil(GROUP))?;
        let groups = lines.slice_mut().chunks_exact_mut(length);
        let mut fit = true;
        for (group, columns) in groups.zip(matrix.as_slice().chunks(GROUP * rows)) {
            for (k, column) in columns.chunks_exact(rows).enumerate() {
                let tiles = group.chunks_exact_mut(GROUP * TILE);
                for (tile, column) in tiles.zip(column.chunks(TILE)) {
                    for (entry, &a) in tile[k * TILE..].iter_mut().zip(column) {
                        fit &= fits(a);
                        *entry = a as f32; // in range, or else it does not fit
                    }
                }
            }
        }
        fit.then(|| Self {
            length,
            entries: lines,
            scratch: RefCell::new((Rounded::new(rows), std::array::from_fn(|_| Sum::new(rows)))),
        })
    }

    /// Bytes of the copy.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.entries.slice())
    }

    /// `out = A w` for the `matrix` this is a copy of, with the entries of the columns whose |w_j| is below `limit` rounded
    /// to single precision.
    pub(crate) fn multiply(&self, matrix: &DMatrix<f64>, w: &[f64], limit: f64, out: &mut [f64]) {
        let (_, [sum, ..]) = &mut *self.scratch.borrow_mut();
        sum.start(limit);
        self.add(matrix, &mut [Product::new(w, sum)]);
        sum.total(out);
    }

    /// The same for up to [`TOGETHER`] pairs (w, out). One reading serves all; each is what it would be alone.
    pub(crate) fn multiply_together<'a>(
        &self,
        matrix: &DMatrix<f64>,
        limit: f64,
        products: impl Iterator<Item = (&'a [f64], &'a mut [f64])>,
    ) {
        let (_, sums) = &mut *self.scratch.borrow_mut();
        let (weights, outs): (Vec<_>, Vec<_>) = products.unzip();
        let sums = &mut sums[..outs.len()];
        sums.iter_mut().for_each(|sum| sum.start(limit));
        let parts = weights.into_iter().zip(sums.iter_mut());
        let mut parts: Vec<Product> = parts.map(|(w, sum)| Product::new(w, sum)).collect();
        self.add(matrix, &mut parts);
        for (sum, out) in sums.iter().zip(outs) {
            sum.total(out);
        }
    }

    /// Adds the columns with their weights to the sums.
    fn add(&self, matrix: &DMatrix<f64>, products: &mut [Product]) {
        instruction_set().dispatch(Multiply {
            groups: self.entries.slice(),
            length: self.length,
            matrix: matrix.as_slice(),
            products,
        });
    }

    /// Products of r with the columns but for those that are `known`, from there to their `weights`, and these columns added
    /// to the sum, group by group: one reading serves both.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn sweep(
        &self,
        matrix: &DMatrix<f64>,
        r: &Rounded,
        known: &[usize],
        products: &mut [f64],
        weigh: impl Weigh,
        weights: &mut [f64],
        sum: &mut Sum,
    ) {
        instruction_set().dispatch(Sweep {
            groups: self.entries.slice(),
            length: self.length,
            matrix: matrix.as_slice(),
            r,
            known,
            products,
            weigh,
            weights,
            sum,
        });
    }

    /// `out = Aᵀ r` in single precision.
    pub(crate) fn multiply_adjoint(&self, r: &[f64], out: &mut [f64]) {
        let (rounded, _) = &mut *self.scratch.borrow_mut();
        rounded.set(r);
        instruction_set().dispatch(MultiplyAdjoint {
            groups: self.entries.slice(),
            length: self.length,
            r: rounded,
            out,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, cols: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, cols, |i, j| ((7 * i + 13 * j * j + 1) as f64).sin())
    }

    #[test]
    fn products_are_right_to_single_precision() {
        crate::vectorized::on_every_instruction_set(|| {
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
                    let several: Vec<Vec<f64>> =
                        (0..3).map(|k| w.iter().map(|w| w / 10f64.powi(k)).collect()).collect();
                    let mut together = vec![vec![f64::NAN; rows]; 3];
                    let pairs = several.iter().zip(&mut together).map(|(w, out)| (&w[..], &mut out[..]));
                    single.multiply_together(&matrix, limit, pairs);
                    for (w, together) in several.iter().zip(together) {
                        let mut alone = vec![f64::NAN; rows];
                        single.multiply(&matrix, w, limit, &mut alone);
                        assert_eq!(alone, together);
                    }
                    let size: f64 = w.iter().filter(|w| w.abs() < limit).map(|w| w.abs()).sum();
                    for (i, value) in product.iter().enumerate() {
                        let exact: f64 = (0..cols).map(|j| matrix[(i, j)] * w[j]).sum();
                        let bound = 4.0 * ROUNDING * size + 1e-14;
                        assert!((value - exact).abs() <= bound, "{rows} x {cols}, {limit}");
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
        });
    }

    /// w_j = (A^T r)_j² + j/10, and where.
    struct Squares<'a>(&'a mut Vec<usize>);

    impl Weigh for Squares<'_> {
        #[inline(always)]
        fn weigh(&mut self, first: usize, products: &[f64], weights: &mut [f64]) {
            self.0.extend(first..first + products.len());
            for (k, (w, p)) in weights.iter_mut().zip(products).enumerate() {
                *w = p * p + 0.1 * (first + k) as f64;
            }
        }
    }

    #[test]
    fn a_sweep_is_both_products_one_after_the_other() {
        crate::vectorized::on_every_instruction_set(|| {
            for (rows, cols) in [(1, 1), (3, 5), (17, 8), (40, 33), (700, 20)] {
                let matrix = matrix(rows, cols);
                let single = SinglePrecision::of(&matrix).unwrap();
                let r: Vec<f64> = (0..rows).map(|i| (3.0 + i as f64).sin()).collect();
                for known in [vec![], vec![0], (0..cols).step_by(3).collect::<Vec<_>>()] {
                    let (mut rounded, mut sum) = (Rounded::new(rows), Sum::new(rows));
                    rounded.set(&r);
                    let mut products = vec![f64::NAN; cols];
                    known.iter().for_each(|&j| products[j] = 0.25);
                    let (mut weights, mut order) = (vec![f64::NAN; cols], Vec::new());
                    sum.start(1.0);
                    single.sweep(
                        &matrix,
                        &rounded,
                        &known,
                        &mut products,
                        Squares(&mut order),
                        &mut weights,
                        &mut sum,
                    );
                    assert_eq!(order, (0..cols).collect::<Vec<_>>());
                    let mut adjoint = vec![0.0; cols];
                    single.multiply_adjoint(&r, &mut adjoint);
                    known.iter().for_each(|&j| adjoint[j] = 0.25);
                    assert_eq!(products, adjoint, "{rows} x {cols}, {known:?}");
                    let expected: Vec<f64> = (0..cols).map(|j| adjoint[j] * adjoint[j] + 0.1 * j as f64).collect();
                    assert_eq!(weights, expected, "{rows} x {cols}, {known:?}");
                    let (mut total, mut product) = (vec![0.0; rows], vec![0.0; rows]);
                    sum.total(&mut total);
                    single.multiply(&matrix, &weights, 1.0, &mut product);
                    let size: f64 = weights.iter().sum();
                    for (total, product) in total.iter().zip(&product) {
                        assert!(
                            (total - product).abs() <= 4.0 * ROUNDING * size,
                            "{rows} x {cols}, {known:?}"
                        );
                    }
                }
            }
        });
    }

    #[test]
    fn what_is_not_a_number_is_seen() {
        crate::vectorized::on_every_instruction_set(|| {
            let matrix = matrix(2, 2);
            let single = SinglePrecision::of(&matrix).unwrap();
            let mut out = [0.0; 2];
            single.multiply(&matrix, &[f64::NAN, 1e-9], 1e-3, &mut out);
            assert!(out[0].is_nan());
            single.multiply_adjoint(&[1.0, f64::NAN], &mut out);
            assert!(out[0].is_nan());
        });
    }

    #[test]
    fn an_entry_out_of_range_has_no_single() {
        assert!(SinglePrecision::of(&DMatrix::from_element(1, 1, 1e200)).is_none());
        assert!(SinglePrecision::of(&DMatrix::from_element(1, 1, 1e-200)).is_none());
        assert!(SinglePrecision::of(&DMatrix::from_element(1, 1, 0.0)).is_some());
    }
}
