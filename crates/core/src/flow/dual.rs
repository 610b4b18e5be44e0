//! The dual (mirror) flow q′ = y − A w(Aᵀq), q(0) = 0, for identical starts x0.

mod branch;

use std::sync::Arc;

use nalgebra::DMatrix;

use self::branch::Branch;
use super::{Evaluation, Flow, Formulation, StateTolerance};
use crate::error::Result;
use crate::initialization::Sign;
use crate::measurement::dense_kernels::{self, BLOCK, LONG};
use crate::mirror::{IdenticalMirror, MirrorMap, Position};
use crate::newton::{GramSolver, NewtonSolver};
use crate::problem::Problem;
use crate::profile::{Part, within};
use crate::vectorized;

/// The dual (mirror) flow q′ = y − A w(Aᵀq), q(0) = 0, for identical starts x0.
///
/// With s = Aᵀq, entry by entry (arXiv 2112.11027, Sect. 2, in the normalisation d/dt ∇F(w) = Aᵀr):
///
/// ```text
/// L = 2:  u = x0 eˢ                              v = x0 e⁻ˢ
/// L > 2:  u = (x0^{2−L} − (L−2)s)^{−1/(L−2)}     v = the same with −s;   |s| < x0^{2−L}/(L−2)
/// w = u^L − v^L  (signed)  or  u^L (positive),   w′(s) = L (u^{2L−2} + v^{2L−2})
/// ```
///
/// It is the gradient flow of the convex function Φ(q) = Σ F*(Aᵀq) − y·q, so −J = A diag(w′) Aᵀ is symmetric.
/// For L > 2 a double q resolves the distance to the barrier only while eps·x0^{2−L} is below the tolerance.
pub struct DualFlow {
    problem: Problem,
    branch: Branch,
    cancellation: f64,
    /// Largest factor that is reached: the start, or W^{1/L} with W the size of the weights that reach y.
    largest_factor: f64,
    /// max ‖a_j‖, by which an error of q shows in s = Aᵀq.
    column_norm: f64,
    mirror: Arc<IdenticalMirror>,
}

impl DualFlow {
    /// w(s) with s = Aᵀq for the coordinates from `first` on, as many as there are entries; beyond the barrier
    /// of L > 2 NaN (L = 3) or far more than any weight (L > 3).
    pub(crate) fn weights(&self, first: usize, s: &[f64], out: &mut [f64]) {
        self.branch.weights(first, s, out);
    }

    /// The same within a loop that is compiled for an instruction set.
    #[inline(always)]
    #[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
    pub(crate) fn weights_within(&self, first: usize, s: &[f64], out: &mut [f64]) {
        self.branch.weights_within(first, s, out);
    }

    /// w(s) and r = y − A w(s) at the s = Aᵀq that the evaluation holds.
    pub(crate) fn residual(&self, evaluation: &mut Evaluation) {
        self.branch.weights(0, &evaluation.adjoint, &mut evaluation.weights);
        super::residual(&self.problem, &evaluation.weights, &mut evaluation.residual);
    }

    /// The evaluation at q by one reading of A: a block of columns stays in the cache from Aᵀq to A w.
    fn evaluate_by_blocks(&self, matrix: &DMatrix<f64>, q: &[f64], evaluation: &mut Evaluation) {
        let Evaluation {
            weights,
            residual,
            adjoint,
        } = evaluation;
        let rows = q.len();
        // a multiple of what the products take together
        let width = (BLOCK / size_of_val(q)).max(1).next_multiple_of(8);
        residual.fill(0.0);
        within(Part::Pass, || {
            for (block, columns) in matrix.as_slice().chunks(width * rows).enumerate() {
                let first = block * width;
                let range = first..first + columns.len() / rows;
                dense_kernels::multiply_adjoint(columns, q, &mut adjoint[range.clone()]);
                self.branch
                    .weights(first, &adjoint[range.clone()], &mut weights[range.clone()]);
                dense_kernels::add(columns, &weights[range], residual);
            }
        });
        self.problem.subtract_from_measurements(residual);
    }

    /// max ‖a_j‖, by which an error of q shows in s.
    pub(crate) fn column_norm(&self) -> f64 {
        self.column_norm
    }

    /// The largest |d log x/ds| that is reached, up to L: u^{L−2} for the largest factor u.
    pub(crate) fn steepness(&self) -> f64 {
        self.largest_factor.powf(self.branch.power() - 2.0)
    }

    /// Whether s has a bound, beyond which there are no weights.
    pub(crate) fn has_barrier(&self) -> bool {
        self.branch.depth > 2
    }

    /// w′(s), where w(s) is known.
    pub(crate) fn slopes(&self, s: &[f64], w: &[f64], out: &mut [f64]) {
        self.branch.slopes(s, w, out);
    }

    /// How far s goes: |log x0| and a little for L = 2, up to the barrier x0^{2−L} for L > 2.
    pub(crate) fn reach(&self) -> f64 {
        if self.branch.depth == 2 {
            self.branch.log_x0.iter().fold(10.0f64, |a, log| a.max(-log))
        } else {
            self.branch.barrier.iter().fold(0.0f64, |a, &b| a.max(b))
        }
    }

    /// What an error of s_j means for the larger factor x_j: |d log x_j/ds_j|/(1 + ξ_j/x_j), ξ_j = min(x0_j, max_i x_i).
    pub(crate) fn sensitivity(&self, s: &[f64], out: &mut [f64]) {
        self.branch.sensitivity(s, out);
    }

    /// The Newton matrices, with I − cJ solved that way.
    pub(crate) fn newton_with(&self, gram: GramSolver) -> Box<dyn NewtonSolver> {
        let n = self.problem.operator.cols();
        Box::new(DualNewton {
            slope: vec![0.0; n],
            scaled: vec![0.0; n],
            gram,
            scale: 1.0,
            operator: self.problem.operator.clone(),
            branch: self.branch.clone(),
        })
    }

    /// Relative error of w from the rounding of q alone: s grows to x0^{2−L}/(L−2), so it is about eps·(u/x0)^{L−2}
    /// for the largest factor u. 0 for L = 2.
    pub fn rounding(&self) -> f64 {
        if self.branch.depth == 2 {
            return 0.0;
        }
        1e-15 * self.reach() * self.steepness()
    }

    /// The dual flow of `problem` when every factor starts at the vector `x0` (n positive entries).
    pub fn new(problem: Problem, depth: usize, sign: Sign, x0: &[f64]) -> Result<Self> {
        let mirror = Arc::new(IdenticalMirror::new(depth, sign, x0)?);
        let reach = super::reach(&problem);
        let branch = Branch::new(depth, sign, x0, reach);
        let largest = x0.iter().fold(0.0f64, |a, &b| a.max(b));
        let signed = sign == Sign::Signed;
        let cancellation = super::cancellation(reach, depth, signed, largest, super::EXACT_FROM_START);
        let largest_factor = largest.max(reach.powf(1.0 / depth as f64)); // depth <= 64
        let column_norm = super::largest_squared_norm(&problem).sqrt();
        Ok(Self {
            problem,
            branch,
            cancellation,
            largest_factor,
            column_norm,
            mirror,
        })
    }
}

impl Flow for DualFlow {
    fn formulation(&self) -> Formulation {
        Formulation::Dual
    }

    fn problem(&self) -> &Problem {
        &self.problem
    }

    fn dim(&self) -> usize {
        self.problem.operator.rows()
    }

    fn initial_state(&self) -> Vec<f64> {
        vec![0.0; self.dim()]
    }

    fn evaluate(&self, state: &[f64], evaluation: &mut Evaluation) {
        match self.problem.operator.dense() {
            Some(matrix) if size_of_val(matrix.as_slice()) >= LONG => {
                self.evaluate_by_blocks(matrix, state, evaluation)
            }
            _ => {
                self.problem.operator.apply_adjoint(state, &mut evaluation.adjoint);
                self.residual(evaluation);
            }
        }
    }

    fn velocity(&self, _state: &[f64], evaluation: &Evaluation, out: &mut [f64]) {
        out.copy_from_slice(&evaluation.residual);
    }

    fn newton(&self) -> Box<dyn NewtonSolver> {
        self.newton_with(GramSolver::new(self.problem.operator.clone()))
    }

    fn relative_rate(&self, _state: &[f64], evaluation: &Evaluation) -> f64 {
        let mut pull = vec![0.0; self.problem.operator.cols()];
        self.problem.operator.apply_adjoint(&evaluation.residual, &mut pull);
        let l2 = self.branch.power() - 2.0;
        // of a signed model the larger of u and v
        let factor = |i: usize| match (self.branch.signed, evaluation.adjoint[i]) {
            (true, s) => self.branch.log_factor(i, s.abs()),
            (false, s) => self.branch.log_factor(i, s),
        };
        let rate = |i: usize| (l2 * factor(i)).exp();
        pull.iter()
            .enumerate()
            .fold(0.0, |a, (i, p)| a.max((p * rate(i)).abs()))
    }

    fn signed(&self) -> bool {
        self.branch.signed
    }

    fn state_tolerance(&self, tolerance: f64) -> StateTolerance {
        // An error δs of s = Aᵀq is a relative error of u: δs for L = 2, δs·u^{L−2} for L > 2.
        let small = self.cancellation * tolerance / self.column_norm;
        if self.branch.depth == 2 {
            // |q| grows to the size of log(1/x0), and errors add up over the hundreds of steps of a plateau: a relative
            // error of q must cost less than a tenth of the tolerance in s.
            StateTolerance {
                relative: tolerance / self.reach(),
                absolute: 0.1 * small,
            }
        } else {
            // |s| ≤ x0^{2−L}/(L−2) where a factor grows, so a relative error ε of q costs ε (u/x0)^{L−2}. Where rounding
            // alone costs more than the tolerance, asking for less would only stall.
            let relative = 0.5 * tolerance / self.branch.power() * (1e-15 / self.rounding()).min(1.0);
            StateTolerance {
                relative: if self.rounding() <= tolerance {
                    relative.max(1e-15)
                } else {
                    tolerance
                },
                absolute: small / self.branch.power() * self.largest_factor.powf(2.0 - self.branch.power()),
            }
        }
    }

    fn state_is_dual(&self) -> bool {
        true
    }

    fn dual(&self) -> Option<&DualFlow> {
        Some(self)
    }

    fn cancellation(&self) -> f64 {
        self.cancellation
    }

    fn position(&self, _state: &[f64], evaluation: &Evaluation, out: &mut Position) {
        for (i, &s) in evaluation.adjoint.iter().enumerate() {
            out.plus[i] = self.branch.log_growth(i, s);
            if self.branch.signed {
                out.minus[i] = self.branch.log_growth(i, -s);
            }
        }
    }

    fn mirror(&self) -> Arc<dyn MirrorMap> {
        self.mirror.clone()
    }
}

/// I − cJ = I + c A diag(w′) Aᵀ.
struct DualNewton {
    operator: Arc<dyn crate::measurement::MeasurementOperator>,
    branch: Branch,
    slope: Vec<f64>,
    scaled: Vec<f64>,
    gram: GramSolver,
    scale: f64,
}

impl NewtonSolver for DualNewton {
    fn linearize(&mut self, _state: &[f64], evaluation: &Evaluation) {
        self.branch
            .slopes(&evaluation.adjoint, &evaluation.weights, &mut self.slope);
        self.scale = vectorized::largest(&self.slope).max(f64::MIN_POSITIVE);
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn factorize(&mut self, c: f64) -> bool {
        for (scaled, slope) in self.scaled.iter_mut().zip(&self.slope) {
            *scaled = c * slope;
        }
        self.gram.factorize(&self.scaled)
    }

    fn solve(&mut self, b: &mut [f64]) -> bool {
        self.gram.solve(b)
    }

    fn apply_jacobian(&mut self, v: &[f64], out: &mut [f64]) {
        self.operator.apply_adjoint(v, &mut self.scaled);
        for (x, slope) in self.scaled.iter_mut().zip(&self.slope) {
            *x *= -slope;
        }
        self.operator.apply(&self.scaled, out);
    }

    fn effort(&self) -> f64 {
        self.gram.effort()
    }

    fn factorizations(&self) -> usize {
        self.gram.factorizations()
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::dmatrix;

    use super::super::LogFlow;
    use super::*;
    use crate::measurement::DenseOperator;

    /// A long matrix is read by blocks, the last of which is not whole.
    #[test]
    fn one_reading_gives_both_products() {
        let (rows, cols) = (300, 1901);
        assert!(rows * cols * size_of::<f64>() >= LONG);
        let matrix = DMatrix::from_fn(rows, cols, |i, j| (((5 * i + 1) * (3 * j + 2)) as f64).sin() / 10.0);
        let y: Vec<f64> = (0..rows).map(|i| (i as f64).cos()).collect();
        let q: Vec<f64> = y.iter().map(|y| 0.1 * y).collect();
        let problem = Problem::new(
            Arc::new(DenseOperator::new(matrix.clone()).unwrap()),
            y.clone(),
            None,
            0.0,
        )
        .unwrap();
        for (depth, sign) in [(2, Sign::Positive), (3, Sign::Signed)] {
            let x0: Vec<f64> = (0..cols).map(|j| 0.1 + 1e-4 * j as f64).collect();
            let flow = DualFlow::new(problem.clone(), depth, sign, &x0).unwrap();
            let mut found = Evaluation::new(rows, cols);
            found.residual.fill(f64::NAN);
            flow.evaluate(&q, &mut found);
            let s = matrix.tr_mul(&nalgebra::DVector::from_column_slice(&q));
            let w = nalgebra::DVector::from_fn(cols, |j, _| flow.branch.weight(j, s[j]));
            let r = nalgebra::DVector::from_column_slice(&y) - &matrix * &w;
            let apart =
                |a: &[f64], b: &nalgebra::DVector<f64>| (nalgebra::DVector::from_column_slice(a) - b).norm() / b.norm();
            assert!(apart(&found.adjoint, &s) <= 1e-13 && apart(&found.weights, &w) <= 1e-12);
            assert!(apart(&found.residual, &r) <= 1e-12, "{:e}", apart(&found.residual, &r));
        }
    }

    /// The second weight grows, and it is negative: v is the fastest factor.
    #[test]
    fn the_fastest_factor_may_be_one_of_v() {
        let operator = Arc::new(DenseOperator::new(dmatrix![1.0, 0.0; 0.0, 1.0]).unwrap());
        let problem = Problem::new(operator, vec![0.1, -2.0], None, 0.0).unwrap();
        let dual = DualFlow::new(problem.clone(), 4, Sign::Signed, &[0.1, 0.1]).unwrap();
        let log = LogFlow::new(problem, 4, Sign::Signed, &[0.1, 0.1]).unwrap();
        let (q, mut evaluation) = (vec![1.0, -40.0], Evaluation::new(2, 2));
        dual.evaluate(&q, &mut evaluation);
        let mut position = Position::new(2, true);
        dual.position(&q, &evaluation, &mut position);
        let state: Vec<f64> = (0..2).flat_map(|i| [position.plus[i], position.minus[i]]).collect();
        let mut same = Evaluation::new(2, 2);
        log.evaluate(&state, &mut same);
        let (ours, theirs) = (dual.relative_rate(&q, &evaluation), log.relative_rate(&state, &same));
        assert!((ours / theirs - 1.0).abs() < 1e-12, "{ours} {theirs}");
    }
}
