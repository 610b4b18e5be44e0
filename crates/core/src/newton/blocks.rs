//! Newton matrices that are "k×k block per coordinate + rank m": the log flow (k = 1, 2) and the factor flow (k = L, 2L).

use std::sync::Arc;

use super::{GramSolver, NewtonSolver};
use crate::flow::Evaluation;
use crate::measurement::MeasurementOperator;
use crate::problem::Problem;

/// Blocks smaller than this in every eigendirection the flow sees are not used (see [`BlockNewton`]).
const SMALLEST_BLOCK: f64 = 0.25;

/// Below this many roundings of Aᵀ(y − Aw) a pull is taken as none. On a slow stretch c may be 1e20, and c times the
/// rounding of a pull that has vanished would outweigh everything else in B.
const ROUNDINGS: f64 = 8.0;

/// Fills R_i, C_i (k entries) and M_i (k×k, row-major) of coordinate i from i, its state x_i and (Aᵀr)_i.
pub type FillBlock = dyn Fn(usize, &[f64], f64, &mut [f64], &mut [f64], &mut [f64]) + Send + Sync;

/// Newton matrices that are "k×k block per coordinate + rank m": the log flow (k = 1, 2) and the factor flow (k = L, 2L).
///
/// The velocity of coordinate i is R_i(x_i)·(Aᵀr)_i with x_i, R_i ∈ R^k, and w_i depends on x_i with gradient C_i, so
///
/// ```text
/// J = blockdiag(M_i) − R AᵀA Cᵀ,   M_i = (Aᵀr)_i ∂R_i/∂x_i
/// I − cJ = B + c R AᵀA Cᵀ,         B = I − cM
/// (I − cJ)⁻¹ b = B⁻¹ (b − c R Aᵀ z),   K z = A Cᵀ B⁻¹ b,   K = I + A diag(d) Aᵀ,   d_i = c C_iᵀ B_i⁻¹ R_i
/// ```
///
/// (Sherman–Morrison–Woodbury). In an unstable direction (an escape from a saddle) a large step can make B_i lose its
/// positivity; the block is then replaced by the identity. This modifies the Newton *iteration* only: if it no longer
/// converges, the integrator cuts the step, which is what such a step calls for.
pub struct BlockNewton {
    operator: Arc<dyn MeasurementOperator>,
    fill: Arc<FillBlock>,
    k: usize,
    r: Vec<f64>,
    c_gradient: Vec<f64>,
    m_blocks: Vec<f64>,
    inverse: Vec<f64>,
    d: Vec<f64>,
    c: f64,
    scale: f64,
    gram: GramSolver,
    /// What rounding leaves of (Aᵀr)_i where r = y − Aw vanishes, relative to ‖a_i‖.
    rounding: f64,
    scratch_n: Vec<f64>,
    scratch_m: Vec<f64>,
    scratch_k: Vec<f64>,
}

impl BlockNewton {
    /// Solver for a flow on `problem` whose coordinates have k state entries each, described by `fill`.
    pub fn new(problem: &Problem, k: usize, fill: Arc<FillBlock>) -> Self {
        let operator = problem.operator.clone();
        let (m, n) = (operator.rows(), operator.cols());
        let size = inner(&problem.measurements, &problem.measurements).sqrt();
        Self {
            gram: GramSolver::new(operator.clone()),
            operator,
            fill,
            k,
            r: vec![0.0; n * k],
            c_gradient: vec![0.0; n * k],
            m_blocks: vec![0.0; n * k * k],
            inverse: vec![0.0; n * k * k],
            d: vec![0.0; n],
            c: 0.0,
            scale: 1.0,
            rounding: ROUNDINGS * f64::EPSILON * size,
            scratch_n: vec![0.0; n],
            scratch_m: vec![0.0; m],
            scratch_k: vec![0.0; k],
        }
    }

    /// b ← B⁻¹ b.
    fn solve_blocks(&mut self, b: &mut [f64]) {
        let k = self.k;
        for (x, inverse) in b.chunks_exact_mut(k).zip(self.inverse.chunks_exact(k * k)) {
            if k == 1 {
                x[0] *= inverse[0];
                continue;
            }
            self.scratch_k.copy_from_slice(x);
            for (out, row) in x.iter_mut().zip(inverse.chunks_exact(k)) {
                *out = inner(row, &self.scratch_k);
            }
        }
    }

    /// x = B⁻¹b − c B⁻¹R Aᵀz with K z = A Cᵀ B⁻¹ b; on entry `b` = B⁻¹b and `scratch_n` = CᵀB⁻¹b.
    fn solve_through_core(&mut self, b: &mut [f64]) -> bool {
        self.operator.apply(&self.scratch_n, &mut self.scratch_m);
        let sound = self.gram.solve(&mut self.scratch_m);
        self.operator.apply_adjoint(&self.scratch_m, &mut self.scratch_n);
        for i in 0..self.d.len() {
            self.pull_back(i, self.scratch_n[i], b);
        }
        sound
    }

    /// The same with y_S = C_Sᵀ x_S as the unknown of the active coordinates, which takes x_S from y_S and not from the
    /// difference of two numbers of size c. On entry as above.
    fn solve_on_support(&mut self, support: &[usize], b: &mut [f64]) -> bool {
        let k = self.k;
        let beta: Vec<f64> = support.iter().map(|&i| self.scratch_n[i] / self.d[i]).collect();
        support.iter().for_each(|&i| self.scratch_n[i] = 0.0);
        self.operator.apply(&self.scratch_n, &mut self.scratch_m);
        let mut y = beta.clone();
        self.gram.solve_active(&mut y, &mut self.scratch_m);
        self.operator.apply_adjoint(&self.scratch_m, &mut self.scratch_n);
        let mut active = support.iter().zip(beta.iter().zip(&y)).peekable();
        for i in 0..self.d.len() {
            if active.peek().is_none_or(|(next, _)| **next != i) {
                self.pull_back(i, self.scratch_n[i], b);
                continue;
            }
            if let Some((_, (beta, y))) = active.next() {
                self.pull_back(i, beta - y / self.d[i], b);
                // The entry that carries the weight follows from y_i = C_iᵀ x_i.
                let (c, r) = (&self.c_gradient[i * k..(i + 1) * k], &self.r[i * k..(i + 1) * k]);
                let x = &mut b[i * k..(i + 1) * k];
                let carrier = (0..k)
                    .max_by(|&p, &q| (c[p] * r[p]).abs().total_cmp(&(c[q] * r[q]).abs()))
                    .unwrap_or(0);
                let others: f64 = (0..k).filter(|&j| j != carrier).map(|j| c[j] * x[j]).sum();
                x[carrier] = (y - others) / c[carrier];
            }
        }
        true
    }

    /// x_i ← x_i − c B_i⁻¹ R_i ζ.
    fn pull_back(&self, i: usize, zeta: f64, x: &mut [f64]) {
        let k = self.k;
        let (inverse, r) = (&self.inverse[i * k * k..(i + 1) * k * k], &self.r[i * k..(i + 1) * k]);
        for (out, row) in x[i * k..(i + 1) * k].iter_mut().zip(inverse.chunks_exact(k)) {
            *out -= self.c * zeta * inner(row, r);
        }
    }

    /// The inverse of B_i and d_i; B_i = I where it has lost its positivity.
    fn invert_block(&mut self, i: usize) {
        let (k, c) = (self.k, self.c);
        let block = &mut self.inverse[i * k * k..(i + 1) * k * k];
        let (r, gradient) = (&self.r[i * k..(i + 1) * k], &self.c_gradient[i * k..(i + 1) * k]);
        for (entry, (b, m)) in block
            .iter_mut()
            .zip(&self.m_blocks[i * k * k..(i + 1) * k * k])
            .enumerate()
        {
            *b = if entry % (k + 1) == 0 { 1.0 } else { 0.0 } - c * m;
        }
        let plain = c * inner(gradient, r);
        let sound = invert_in_place(block, k, &mut self.scratch_k);
        let through: f64 = block
            .chunks_exact(k)
            .zip(gradient)
            .map(|(row, g)| g * inner(row, r))
            .sum::<f64>()
            * c;
        if sound && through >= 0.0 && through <= plain / SMALLEST_BLOCK {
            self.d[i] = through;
            return;
        }
        for (entry, b) in block.iter_mut().enumerate() {
            *b = if entry % (k + 1) == 0 { 1.0 } else { 0.0 };
        }
        self.d[i] = plain;
    }
}

impl NewtonSolver for BlockNewton {
    fn linearize(&mut self, state: &[f64], evaluation: &Evaluation) {
        let k = self.k;
        self.scale = f64::MIN_POSITIVE;
        for (i, x) in state.chunks_exact(k).enumerate() {
            let range = i * k..(i + 1) * k;
            let block = i * k * k..(i + 1) * k * k;
            let (r, c) = (&mut self.r[range.clone()], &mut self.c_gradient[range]);
            let pull = evaluation.adjoint[i];
            let lost = pull.abs() <= self.rounding * self.gram.squared_norms()[i].sqrt();
            (self.fill)(
                i,
                x,
                if lost { 0.0 } else { pull },
                r,
                c,
                &mut self.m_blocks[block.clone()],
            );
            let size = self.m_blocks[block]
                .iter()
                .fold(inner(r, c).abs(), |size, m| size.max(m.abs()));
            self.scale = self.scale.max(size);
        }
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn factorize(&mut self, c: f64) -> bool {
        self.c = c;
        for i in 0..self.d.len() {
            self.invert_block(i);
        }
        let d = std::mem::take(&mut self.d);
        let sound = self.gram.factorize(&d);
        self.d = d;
        sound
    }

    fn solve(&mut self, b: &mut [f64]) -> bool {
        self.solve_blocks(b);
        let k = self.k;
        for ((out, x), c) in self
            .scratch_n
            .iter_mut()
            .zip(b.chunks_exact(k))
            .zip(self.c_gradient.chunks_exact(k))
        {
            *out = inner(c, x);
        }
        let sound = match self.gram.active() {
            Some(support) => {
                let support = support.to_vec();
                self.solve_on_support(&support, b)
            }
            None => self.solve_through_core(b),
        };
        sound && b.iter().all(|x| x.is_finite())
    }

    fn apply_jacobian(&mut self, v: &[f64], out: &mut [f64]) {
        let k = self.k;
        for ((out, x), c) in self
            .scratch_n
            .iter_mut()
            .zip(v.chunks_exact(k))
            .zip(self.c_gradient.chunks_exact(k))
        {
            *out = inner(c, x);
        }
        self.operator.apply(&self.scratch_n, &mut self.scratch_m);
        self.operator.apply_adjoint(&self.scratch_m, &mut self.scratch_n);
        for (i, (x, out)) in v.chunks_exact(k).zip(out.chunks_exact_mut(k)).enumerate() {
            let rows = self.m_blocks[i * k * k..(i + 1) * k * k].chunks_exact(k);
            for ((out, row), r) in out.iter_mut().zip(rows).zip(&self.r[i * k..(i + 1) * k]) {
                *out = inner(row, x) - r * self.scratch_n[i];
            }
        }
    }

    fn factorizations(&self) -> usize {
        self.gram.factorizations()
    }
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Gauss–Jordan inverse of a k×k row-major matrix with partial pivoting; false if a pivot vanishes or is not finite.
fn invert_in_place(a: &mut [f64], k: usize, pivots: &mut [f64]) -> bool {
    if k == 1 {
        a[0] = 1.0 / a[0];
        return a[0].is_finite();
    }
    for p in 0..k {
        let best = (p..k)
            .max_by(|&i, &j| a[i * k + p].abs().total_cmp(&a[j * k + p].abs()))
            .unwrap_or(p);
        pivots[p] = best as f64; // exact: k is far below 2^53
        let pivot = a[best * k + p];
        if pivot == 0.0 || !pivot.is_finite() {
            return false;
        }
        for j in 0..k {
            a.swap(p * k + j, best * k + j);
        }
        a[p * k + p] = 1.0;
        for j in 0..k {
            a[p * k + j] /= pivot;
        }
        for i in (0..k).filter(|&i| i != p) {
            let factor = std::mem::replace(&mut a[i * k + p], 0.0);
            for j in 0..k {
                a[i * k + j] -= factor * a[p * k + j];
            }
        }
    }
    // Undo the row exchanges as column exchanges, last first.
    for p in (0..k).rev() {
        let best = pivots[p] as usize; // stored from a usize above
        for i in 0..k {
            a.swap(i * k + p, i * k + best);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_inverse_needs_its_pivoting() {
        let mut a = [0.0, 2.0, 1.0, 1.0, 0.0, 0.0, 3.0, 0.0, 1.0];
        let original = a;
        let mut pivots = [0.0; 3];
        assert!(invert_in_place(&mut a, 3, &mut pivots));
        for i in 0..3 {
            for j in 0..3 {
                let product: f64 = (0..3).map(|l| original[i * 3 + l] * a[l * 3 + j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        assert!(!invert_in_place(&mut [1.0, 2.0, 2.0, 4.0], 2, &mut pivots));
    }
}
