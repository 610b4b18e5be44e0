//! A dense matrix in single precision beside the matrix itself.
//!
//! A pass over a large A takes as long as reading it. An iteration that is corrected by its own error control can read half
//! the bytes: Aᵀr wholly in single precision, and A w where the weight of a column is too small for the rounding of its
//! entries to matter. Both products can be formed for a few columns at a time, so that one reading serves two of them.

mod kernels;

use std::cell::RefCell;

use nalgebra::DMatrix;
use pulp::Arch;

pub(crate) use self::kernels::Product;
use self::kernels::{Multiply, MultiplyAdjoint};

/// Relative rounding of an entry.
pub(crate) const ROUNDING: f64 = 6e-8;
/// Entries are kept by groups of columns, and within a group by tiles of rows, columns one after the other, so that products
/// with a group read memory straight on. The lanes of every instruction set divide a tile; what is missing is zero.
pub(crate) const GROUP: usize = 8;
const TILE: usize = 16;
/// Products A w that one reading is worth waiting for.
pub(crate) const TOGETHER: usize = 8;
/// Entries in a cache line.
const CACHE_LINE: usize = 16;
/// Entries outside [1/LARGEST, LARGEST] have no safe single.
const LARGEST: f64 = 1e15;
/// What is smaller than this beside the largest is nothing in single precision, and would be slow as a subnormal.
const NOTHING: f64 = 1e-20;

/// See the module documentation; 4 m n bytes.
pub(crate) struct SinglePrecision {
    /// Entries of a group.
    length: usize,
    entries: Lines,
    scratch: RefCell<(Rounded, [Sum; TOGETHER])>,
}

/// Numbers that begin at a cache line: a vector that lies in two of them takes twice as long to read or write.
struct Lines {
    start: usize,
    entries: Vec<f32>,
}

impl Lines {
    /// Room for so many; `None` if there is no memory for them.
    fn with_capacity(length: usize) -> Option<Self> {
        let mut entries: Vec<f32> = Vec::new();
        entries.try_reserve_exact(CACHE_LINE + length).ok()?;
        let aligned = entries.as_ptr().align_offset(CACHE_LINE * size_of::<f32>());
        let start = aligned.min(CACHE_LINE);
        entries.resize(start, 0.0);
        Some(Self { start, entries })
    }

    /// So many zeros.
    fn zeros(length: usize) -> Self {
        // a few rows of numbers always fit
        let mut lines = Self::with_capacity(length).unwrap_or(Self {
            start: 0,
            entries: Vec::new(),
        });
        lines.entries.resize(lines.start + length, 0.0);
        lines
    }

    fn slice(&self) -> &[f32] {
        &self.entries[self.start..]
    }

    fn slice_mut(&mut self) -> &mut [f32] {
        &mut self.entries[self.start..]
    }
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
            entries: Lines::zeros(rows.next_multiple_of(TILE)),
            scale: 0.0,
        }
    }

    pub(crate) fn set(&mut self, r: &[f64]) {
        let largest = r.iter().fold(0.0f64, |a, r| if r.abs() > a { r.abs() } else { a });
        let unit = if largest > 0.0 { 1.0 / largest } else { 0.0 };
        for (rounded, r) in self.entries.slice_mut().iter_mut().zip(r) {
            let r = unit * r;
            // a NaN stays one
            *rounded = if r.abs() < NOTHING { 0.0 } else { r as f32 };
        }
        self.scale = largest;
    }
}

impl Sum {
    /// Zero in R^`rows`.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            single: Lines::zeros(rows.next_multiple_of(TILE)),
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
        let fits = |a: &f64| *a == 0.0 || (1.0 / LARGEST..=LARGEST).contains(&a.abs());
        if !matrix.iter().all(fits) {
            return None;
        }
        let (rows, cols) = (matrix.nrows(), matrix.ncols());
        let length = GROUP * rows.next_multiple_of(TILE);
        let mut lines = Lines::with_capacity(length * cols.div_ceil(GROUP))?;
        let entries = &mut lines.entries;
        for columns in matrix.as_slice().chunks(GROUP * rows) {
            for first in (0..rows).step_by(TILE) {
                let last = rows.min(first + TILE);
                for k in 0..GROUP {
                    let tile = entries.len();
                    if let Some(column) = columns.get(k * rows..(k + 1) * rows) {
                        entries.extend(column[first..last].iter().map(|&a| a as f32)); // in range
                    }
                    entries.resize(tile + TILE, 0.0);
                }
            }
        }
        Some(Self {
            length,
            entries: lines,
            scratch: RefCell::new((Rounded::new(rows), std::array::from_fn(|_| Sum::new(rows)))),
        })
    }

    /// Bytes of the copy, and of a group of columns.
    pub(crate) fn bytes(&self) -> [usize; 2] {
        [self.entries.slice().len(), self.length].map(|count| count * size_of::<f32>())
    }

    /// `out = A w` for the `matrix` this is a copy of, with the entries of the columns whose |w_j| is below `limit` rounded
    /// to single precision.
    pub(crate) fn multiply(&self, matrix: &DMatrix<f64>, w: &[f64], limit: f64, out: &mut [f64]) {
        let (_, [sum, ..]) = &mut *self.scratch.borrow_mut();
        sum.start(limit);
        self.add(matrix, 0, &mut [Product::new(w, sum)]);
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
        self.add(matrix, 0, &mut parts);
        for (sum, out) in sums.iter().zip(outs) {
            sum.total(out);
        }
    }

    /// Adds the columns from `first` on, a multiple of [`GROUP`], as many as there are weights.
    pub(crate) fn add(&self, matrix: &DMatrix<f64>, first: usize, products: &mut [Product]) {
        Arch::new().dispatch(Multiply {
            groups: &self.entries.slice()[first / GROUP * self.length..],
            length: self.length,
            matrix: &matrix.as_slice()[first * matrix.nrows()..],
            products,
        });
    }

    /// `out = Aᵀ r` in single precision.
    pub(crate) fn multiply_adjoint(&self, r: &[f64], out: &mut [f64]) {
        let (rounded, _) = &mut *self.scratch.borrow_mut();
        rounded.set(r);
        self.products(0, rounded, out);
    }

    /// The products of r with the columns from `first` on, a multiple of [`GROUP`], as many as `out` has entries.
    pub(crate) fn products(&self, first: usize, r: &Rounded, out: &mut [f64]) {
        Arch::new().dispatch(MultiplyAdjoint {
            groups: &self.entries.slice()[first / GROUP * self.length..],
            length: self.length,
            r,
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
                let (mut sum, mut in_parts) = (Sum::new(rows), vec![f64::NAN; rows]);
                sum.start(limit);
                for (group, w) in w.chunks(GROUP).enumerate() {
                    single.add(&matrix, GROUP * group, &mut [Product::new(w, &mut sum)]);
                }
                sum.total(&mut in_parts);
                let several: Vec<Vec<f64>> = (0..3).map(|k| w.iter().map(|w| w / 10f64.powi(k)).collect()).collect();
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
                    assert!((in_parts[i] - exact).abs() <= bound, "{rows} x {cols}, {limit}");
                }
            }
            single.multiply_adjoint(&r, &mut adjoint);
            let second = GROUP.min(cols / GROUP * GROUP);
            let (mut rounded, mut part) = (Rounded::new(rows), vec![f64::NAN; cols - second]);
            rounded.set(&r);
            single.products(second, &rounded, &mut part);
            assert_eq!(part, adjoint[second..]);
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
