//! Cholesky factorization of a small symmetric positive definite matrix, on one thread.

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::cholesky::llt::factor::{LltParams, LltRegularization, cholesky_in_place, cholesky_in_place_scratch};
use faer::{Auto, Mat, Par, Spec};

use crate::vectorized::{self, Loop};

/// M = L Lᵀ.
pub(super) struct Cholesky {
    /// L, in the lower triangle.
    factor: Mat<f64>,
    memory: Memory,
}

/// What a factorization works in.
pub(super) struct Memory(MemBuffer);

impl Default for Memory {
    fn default() -> Self {
        Self(MemBuffer::new(StackReq::EMPTY))
    }
}

impl Cholesky {
    /// From the lower triangle of M; `None` where M is not positive definite.
    pub(super) fn new(matrix: Mat<f64>) -> Option<Self> {
        Self::within(Memory::default(), matrix)
    }

    /// The same in the memory of an earlier one.
    pub(super) fn within(mut memory: Memory, mut matrix: Mat<f64>) -> Option<Self> {
        let params: Spec<LltParams, f64> = <LltParams as Auto<f64>>::auto().into();
        let needed = cholesky_in_place_scratch::<f64>(matrix.nrows(), Par::Seq, params);
        if !MemStack::new(&mut memory.0).can_hold(needed) {
            memory.0 = MemBuffer::new(needed);
        }
        let stack = MemStack::new(&mut memory.0);
        cholesky_in_place(matrix.as_mut(), LltRegularization::default(), Par::Seq, stack, params).ok()?;
        Some(Self { factor: matrix, memory })
    }

    /// Matrix and memory, for another.
    pub(super) fn into_parts(self) -> (Mat<f64>, Memory) {
        (self.factor, self.memory)
    }

    /// L_ii².
    pub(super) fn pivot(&self, i: usize) -> f64 {
        self.factor[(i, i)] * self.factor[(i, i)]
    }

    /// b ← M⁻¹ b.
    pub(super) fn solve(&self, b: &mut [f64]) {
        vectorized::run(Solve {
            factor: &self.factor,
            b,
        });
    }

    /// M⁻¹ B.
    pub(super) fn solved(&self, mut right: Mat<f64>) -> Mat<f64> {
        for k in 0..right.ncols() {
            self.solve(right.col_as_slice_mut(k));
        }
        right
    }
}

/// See [`Cholesky::solve`].
struct Solve<'a> {
    factor: &'a Mat<f64>,
    b: &'a mut [f64],
}

/// Columns of L that are worked on together, so that b is read and written once for all of them.
const BLOCK: usize = 4;

impl Loop for Solve<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { factor, b } = self;
        let size = b.len();
        let whole = size - size % BLOCK;
        for first in (0..whole).step_by(BLOCK) {
            let columns: [&[f64]; BLOCK] = std::array::from_fn(|k| &factor.col_as_slice(first + k)[first..size]);
            let (head, below) = b[first..].split_at_mut(BLOCK);
            for k in 0..BLOCK {
                for l in 0..k {
                    head[k] -= columns[l][k] * head[l];
                }
                head[k] /= columns[k][k];
            }
            let [p, q, r, s] = columns.map(|column| &column[BLOCK..]);
            for ((((b, p), q), r), s) in below.iter_mut().zip(p).zip(q).zip(r).zip(s) {
                *b -= (p * head[0] + q * head[1]) + (r * head[2] + s * head[3]);
            }
        }
        for j in whole..size {
            let column = &factor.col_as_slice(j)[j..size];
            let value = b[j] / column[0];
            b[j] = value;
            for (b, l) in b[j + 1..].iter_mut().zip(&column[1..]) {
                *b -= l * value;
            }
        }
        for j in (whole..size).rev() {
            let column = &factor.col_as_slice(j)[j..size];
            b[j] = (b[j] - vectorized::dot_within(&column[1..], &b[j + 1..])) / column[0];
        }
        for first in (0..whole).step_by(BLOCK).rev() {
            let columns: [&[f64]; BLOCK] = std::array::from_fn(|k| &factor.col_as_slice(first + k)[first..size]);
            let (head, below) = b[first..].split_at_mut(BLOCK);
            // one by one: `map` would not be inlined
            let dot = |k: usize| vectorized::dot_within(&columns[k][BLOCK..], below);
            let dots = [dot(0), dot(1), dot(2), dot(3)];
            for k in (0..BLOCK).rev() {
                head[k] -= dots[k];
                for l in k + 1..BLOCK {
                    head[k] -= columns[k][l] * head[l];
                }
                head[k] /= columns[k][k];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the size grows, shrinks or stays: where it does not grow, memory stays where it is.
    #[test]
    fn memory_serves_for_another_factorization() {
        let matrix = |size: usize| Mat::from_fn(size, size, |i, j| if i == j { 2.0 } else { 0.5 / size as f64 });
        let (mut memory, mut place, mut before) = (Memory::default(), std::ptr::null(), 0);
        for size in [200, 200, 7, 200, 201] {
            let factor = Cholesky::within(memory, matrix(size)).unwrap();
            let alone = Cholesky::new(matrix(size)).unwrap();
            let mut b = vec![1.0; size];
            factor.solve(&mut b);
            let product = matrix(size) * Mat::from_fn(size, 1, |i, _| b[i]);
            assert!((0..size).all(|i| (product[(i, 0)] - 1.0).abs() <= 1e-14), "{size}");
            assert_eq!(factor.pivot(size - 1), alone.pivot(size - 1), "{size}");
            (_, memory) = factor.into_parts();
            assert!(size > before || memory.0.as_ptr() == place, "{before} to {size}");
            (place, before) = (memory.0.as_ptr(), before.max(size));
        }
    }

    #[test]
    fn it_solves_what_is_positive_definite_and_refuses_what_is_not() {
        for size in [1, 2, 4, 7, 40] {
            let root = Mat::from_fn(size, size, |i, j| ((3 * i + 7 * j + 1) as f64).sin());
            let mut matrix = &root * root.transpose();
            (0..size).for_each(|i| matrix[(i, i)] += 0.1);
            let b = Mat::from_fn(size, 2, |i, k| ((i + 2 * k) as f64).cos());
            let x = Cholesky::new(matrix.clone()).unwrap().solved(b.clone());
            let product = &matrix * &x;
            for i in 0..size {
                for k in 0..2 {
                    assert!((product[(i, k)] - b[(i, k)]).abs() <= 1e-11, "{size}");
                }
            }
            matrix[(size - 1, size - 1)] = -1.0;
            assert!(Cholesky::new(matrix).is_none());
        }
    }
}
