//! Randomly chosen rows of the discrete cosine transform, never stored as a matrix.

use std::f64::consts::PI;
use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::DMatrix;
use rand_chacha::ChaCha12Rng;
use rustdct::{DctPlanner, TransformType2And3};

use super::{Ensemble, MeasurementOperator};
use crate::error::{CoreError, Result};
use crate::profile::{Part, within};
use crate::randomness::sample_indices;

/// m rows of the orthonormal DCT-II matrix, uniformly chosen without replacement and sorted, times √(n/m).
#[derive(Debug, Clone, Copy)]
pub struct SubsampledDct;

impl Ensemble for SubsampledDct {
    fn name(&self) -> &'static str {
        "SubsampledDct"
    }

    fn description(&self) -> &'static str {
        "m random rows of the orthonormal n × n cosine transform times √(n/m), applied in O(n log n) without a matrix"
    }

    fn draw(&self, m: usize, n: usize, rng: &mut ChaCha12Rng) -> Result<Box<dyn MeasurementOperator>> {
        super::check_sizes(m, n)?;
        check_row_count(m, n)?;
        let mut rows = sample_indices(n, m, rng);
        rows.sort_unstable();
        Ok(Box::new(SubsampledDctOperator::new(n, rows)?))
    }

    /// The row indices, and 32 n words for the plan and one buffer with scratch: an upper bound that holds for lengths
    /// with a large prime factor too, which the transform pads.
    fn storage_bytes(&self, m: usize, n: usize) -> u128 {
        8u128.saturating_mul(m as u128 + 32 * n as u128)
    }
}

/// A = √(n/m) · C[rows, :] with C the orthonormal DCT-II matrix of size n,
///
///   C_kj = √(2/n) c_k cos(π k (2j + 1) / (2n)),   c_0 = 1/√2, c_k = 1 otherwise,   k, j = 0, …, n − 1.
///
/// Then A Aᵀ = (n/m) I, and over random rows E |A e_j|² = 1: columns have unit norm in expectation, like those of the
/// other ensembles. Both products take O(n log n) through one fast transform (rustdct; its DCT-II and DCT-III are
/// unnormalised). Work space comes from a pool, so that the steady state does not allocate.
pub struct SubsampledDctOperator {
    n: usize,
    rows: Vec<usize>,
    plan: Arc<dyn TransformType2And3<f64>>,
    pool: Mutex<Vec<Vec<f64>>>,
}

impl SubsampledDctOperator {
    /// The operator with the given rows (frequencies), which must be distinct and below n; their order is kept.
    pub fn new(n: usize, rows: Vec<usize>) -> Result<Self> {
        super::check_sizes(rows.len(), n)?;
        check_row_count(rows.len(), n)?;
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        let repeated = sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        if let Some(row) = repeated.or(sorted.last().copied().filter(|&row| row >= n)) {
            return Err(CoreError::OutOfRange {
                field: "row of the cosine transform",
                value: row.to_string(),
                requirement: "rows must be distinct and below the dimension n",
            });
        }
        let plan = DctPlanner::new().plan_dct2(n);
        let operator = Self {
            n,
            rows,
            plan,
            pool: Mutex::new(Vec::new()),
        };
        operator.with_buffer(|_, _| ()); // the first buffer
        Ok(operator)
    }

    /// The chosen rows of the transform.
    pub fn selected_rows(&self) -> &[usize] {
        &self.rows
    }

    /// √(n/m) √(2/n) c_k = √(2/m) c_k.
    fn scale(&self, row: usize) -> f64 {
        let numerator = if row == 0 { 1.0 } else { 2.0 };
        (numerator / self.rows.len() as f64).sqrt()
    }

    /// Lends `work` a buffer of n entries (with arbitrary contents) and the transform's scratch.
    fn with_buffer(&self, work: impl FnOnce(&mut [f64], &mut [f64])) {
        let pooled = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut storage = pooled.unwrap_or_else(|| vec![0.0; self.n + self.plan.get_scratch_len()]);
        let (buffer, scratch) = storage.split_at_mut(self.n);
        work(buffer, scratch);
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(storage);
    }
}

/// At most n rows can be chosen.
fn check_row_count(m: usize, n: usize) -> Result<()> {
    if m <= n {
        return Ok(());
    }
    Err(CoreError::OutOfRange {
        field: "measurements",
        value: m.to_string(),
        requirement: "a subsampled cosine transform has at most as many rows as columns (measurements <= dimension)",
    })
}

impl MeasurementOperator for SubsampledDctOperator {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn cols(&self) -> usize {
        self.n
    }

    fn apply(&self, w: &[f64], out: &mut [f64]) {
        debug_assert_eq!((w.len(), out.len()), (self.cols(), self.rows()));
        within(Part::Pass, || {
            self.with_buffer(|buffer, scratch| {
                buffer.copy_from_slice(w);
                self.plan.process_dct2_with_scratch(buffer, scratch);
                for (entry, &row) in out.iter_mut().zip(&self.rows) {
                    *entry = self.scale(row) * buffer[row];
                }
            })
        });
    }

    fn apply_adjoint(&self, r: &[f64], out: &mut [f64]) {
        debug_assert_eq!((r.len(), out.len()), (self.rows(), self.cols()));
        within(Part::Pass, || {
            self.with_buffer(|buffer, scratch| {
                buffer.fill(0.0);
                for (value, &row) in r.iter().zip(&self.rows) {
                    // rustdct's DCT-III halves the entry of frequency zero
                    let unhalve = if row == 0 { 2.0 } else { 1.0 };
                    buffer[row] = unhalve * self.scale(row) * value;
                }
                self.plan.process_dct3_with_scratch(buffer, scratch);
                out.copy_from_slice(buffer);
            })
        });
    }

    fn columns(&self, which: &[usize], out: &mut DMatrix<f64>) {
        debug_assert_eq!(out.shape(), (self.rows(), which.len()));
        for (k, &j) in which.iter().enumerate() {
            for (i, &row) in self.rows.iter().enumerate() {
                // the argument π k (2j + 1) / (2n) modulo 2π, reduced exactly before it becomes a float
                let period = 4 * self.n as u128;
                let phase = (row as u128 * (2 * j as u128 + 1)) % period;
                out[(i, k)] = self.scale(row) * (2.0 * PI * (phase as f64 / period as f64)).cos();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_space_is_reused_and_within_the_estimate() {
        for n in [1, 2, 3, 16, 97, 100, 1009, 4096, 10_007, 65_537] {
            let operator = SubsampledDctOperator::new(n, vec![0]).unwrap();
            let mut out = [0.0];
            for _ in 0..3 {
                operator.apply(&vec![1.0; n], &mut out);
            }
            let pool = operator.pool.lock().unwrap();
            assert_eq!(pool.len(), 1, "one thread needs one buffer");
            assert!(
                (8 * pool[0].capacity() as u128) < SubsampledDct.storage_bytes(1, n),
                "n = {n}"
            );
        }
    }

    #[test]
    fn the_drawn_rows_are_distinct_sorted_and_cover_the_frequencies() {
        let mut seen = [0usize; 12];
        for seed in 0..400 {
            let mut rng = crate::randomness::stream(seed, crate::randomness::Purpose::Matrix);
            let operator = SubsampledDct.draw(3, 12, &mut rng).unwrap();
            // row k > 0 is told by its sign changes over the columns
            let mut matrix = DMatrix::zeros(3, 12);
            operator.columns(&(0..12).collect::<Vec<_>>(), &mut matrix);
            let changes = |i: usize| (1..12).filter(|&j| matrix[(i, j)] * matrix[(i, j - 1)] < 0.0).count();
            let rows: Vec<_> = (0..3).map(changes).collect();
            assert!(rows[0] < rows[1] && rows[1] < rows[2], "{rows:?}");
            rows.iter().for_each(|&row| seen[row] += 1);
        }
        // 1200 draws over 12 frequencies: 100 each, deviation 8.7
        assert!(seen.iter().all(|&count| (60..=140).contains(&count)), "{seen:?}");
    }
}
