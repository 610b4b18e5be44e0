//! Solver for K = I + A diag(d) Aᵀ with d ≥ 0, symmetric positive definite.

use std::sync::Arc;

use faer::Mat;

use super::basis::Basis;
use super::cholesky::{Cholesky, Memory};
use super::support::{Support, lower_product};
use crate::measurement::MeasurementOperator;
use crate::profile::{self, Part};
use crate::vectorized::{self, Loop, dot};

/// A column belongs to the effective support when d_j ‖a_j‖² exceeds this (K has eigenvalues ≥ 1), unless told otherwise.
const SUPPORT_TOLERANCE: f64 = 0.02;
/// S stays as it is while all of it exceeds this fraction of that, nothing else exceeds it, and S is not much too large:
/// what stays costs no new products.
const HOLD: f64 = 0.1;
/// How much too large.
const SPARE: f64 = 1.2;
/// Time of a multiplication in a Cholesky factorization, and of the choice of S for each coordinate, in units of that of a
/// multiplication in a pass over A.
const CHOLESKY: f64 = 3.0;
const CHOICE: f64 = 30.0;
/// Pivots of N below this fraction of its diagonal: columns of the support depend on each other (see `basis.rs`).
const SMALLEST_PIVOT: f64 = 1e-9;
/// Above this largest d_j ‖a_j‖² the m×m form loses too many digits and the support form is used at any size.
const LARGE: f64 = 1e10;
/// Columns kept in the preconditioner of a matrix-free operator.
const MATRIX_FREE_SUPPORT: usize = 768;
/// Relative residual at which conjugate gradients stop: the Newton iteration around it contracts at this rate.
const CG_TOLERANCE: f64 = 1e-4;
const CG_ITERATIONS: usize = 400;
/// Largest d_j ‖a_j‖² up to which their accuracy is enough for the caller's differences: a hundredth of its inverse.
const STIFF: f64 = 1e2;

/// Solver for K = I + A diag(d) Aᵀ with d ≥ 0, symmetric positive definite.
///
/// Late in a run only a few weights matter, so d is dominated by the columns of an effective support S, and K is
/// replaced by
///
/// ```text
/// K_S = δ I + A_S diag(d_S) A_Sᵀ,   δ = 1 + Σ_{j∉S} d_j ‖a_j‖² / m
/// ```
///
/// where δ keeps the trace of what is dropped. K_S is only the matrix of a Newton *iteration*: what it leaves out
/// costs iterations, never accuracy. For a small support everything goes through the |S|×|S| matrix
///
/// ```text
/// N = δ D_S⁻¹ + A_SᵀA_S,     K_S⁻¹ b = (b − A_S N⁻¹ A_Sᵀ b)/δ
/// ```
///
/// whose entries stay of order one however large d becomes (1e47 on a plateau of a deep model). For a matrix-free A the
/// exact K is solved by conjugate gradients with K_S as preconditioner, and no m×m matrix exists. They know z = K⁻¹b to a
/// relative accuracy only, which is nothing where a caller takes a number of size 1/d from the difference of two of size
/// one; so K_S stands for K there, too, if S is small enough to be kept whole.
pub struct GramSolver {
    operator: Arc<dyn MeasurementOperator>,
    /// See [`SUPPORT_TOLERANCE`].
    tolerance: f64,
    squared_norms: Vec<f64>,
    d: Vec<f64>,
    support: Support,
    core: Core,
    delta: f64,
    /// Whether K_S may stand for K: always with a matrix; without one if S is whole and d is large.
    stands: bool,
    factorizations: usize,
    scratch_n: Vec<f64>,
    /// y_S of a solve, and A_Sᵀz.
    scratch_support: [Vec<f64>; 2],
    /// What held the matrix before this one.
    spare: Option<(Mat<f64>, Memory)>,
}

/// The factorization of K_S.
enum Core {
    Empty,
    /// Cholesky of N, |S|×|S|.
    Support(Cholesky),
    /// N where columns of the support depend on each other.
    Dependent(Box<Basis>),
    /// Cholesky of K_S, m×m.
    Full(Cholesky),
}

impl GramSolver {
    /// A solver for the operator; nothing is factorized yet.
    pub fn new(operator: Arc<dyn MeasurementOperator>) -> Self {
        let n = operator.cols();
        // A matrix-free operator is assumed to have columns of about unit norm: this only ranks its columns.
        let squared_norms = match operator.magnitudes() {
            Some(known) => known.into_owned().squared_norms,
            None => vec![1.0; n],
        };
        Self {
            support: Support::new(operator.clone()),
            operator,
            tolerance: SUPPORT_TOLERANCE,
            squared_norms,
            d: vec![0.0; n],
            core: Core::Empty,
            delta: 1.0,
            stands: true,
            factorizations: 0,
            scratch_n: vec![0.0; n],
            scratch_support: [Vec::new(), Vec::new()],
            spare: None,
        }
    }

    /// The same with columns of d_j ‖a_j‖² up to `tolerance` left to the trace: more iterations with cheaper matrices.
    pub fn with_support_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// ‖a_j‖², n entries (1 for a matrix-free operator).
    pub fn squared_norms(&self) -> &[f64] {
        &self.squared_norms
    }

    /// What a factorization with the present support costs, in units of the multiplications of a pass over A: Cholesky
    /// is slower than a product, and choosing the support reads d and the norms a few times.
    pub fn effort(&self) -> f64 {
        let (m, n) = (self.operator.rows() as f64, self.operator.cols() as f64); // sizes
        let order = (self.support.members().len() as f64).min(m);
        (CHOLESKY * order.powi(3) / 3.0 + CHOICE * n) / (m * n)
    }

    /// Number of factorizations so far.
    pub fn factorizations(&self) -> usize {
        self.factorizations
    }

    /// Prepare K for the given d (n entries; negative ones count as 0). False if d is not finite or K_S not positive.
    pub fn factorize(&mut self, d: &[f64]) -> bool {
        profile::within(Part::Matrix, || self.factorize_now(d))
    }

    fn factorize_now(&mut self, d: &[f64]) -> bool {
        self.factorizations += 1;
        vectorized::run(Clamp { d, kept: &mut self.d });
        if !vectorized::all_finite(d) {
            return false;
        }
        self.choose_support();
        self.factorize_core()
    }

    /// S and δ from the present d.
    fn choose_support(&mut self) {
        let dense = self.operator.dense().is_some();
        let weight = |j: usize| self.d[j] * self.squared_norms[j];
        let mut wanted = vectorized::products_above(&self.d, &self.squared_norms, self.tolerance);
        let largest = wanted.iter().fold(0.0f64, |a, &j| a.max(weight(j)));
        let whole = wanted.len() <= MATRIX_FREE_SUPPORT;
        self.stands = dense || (whole && largest > STIFF);
        if !dense && !whole {
            wanted.sort_by(|&i, &j| weight(j).total_cmp(&weight(i)).then(i.cmp(&j)));
            wanted.truncate(MATRIX_FREE_SUPPORT);
            wanted.sort_unstable();
        }
        let held = self.support.members();
        let serves = held.len() as f64 <= SPARE * wanted.len() as f64 // counts
            && held.iter().all(|&j| weight(j) > HOLD * self.tolerance)
            && wanted.iter().all(|j| held.binary_search(j).is_ok());
        if !serves {
            self.support.set(&wanted);
        }
        let support = self.support.members();
        let total = dot(&self.d, &self.squared_norms);
        let kept: f64 = support.iter().map(|&j| weight(j)).sum();
        let dropped = if support.len() == self.d.len() {
            0.0
        } else {
            (total - kept).max(0.0)
        };
        // Guard: total − kept is blurred by eps·total, which must not pass for dropped weight.
        let blur = f64::EPSILON * total * 8.0;
        let dropped = if dropped > blur {
            dropped
        } else {
            self.dropped_exactly()
        };
        self.delta = 1.0 + dropped / self.operator.rows() as f64;
    }

    /// Σ_{j∉S} d_j ‖a_j‖² summed without the large terms.
    fn dropped_exactly(&self) -> f64 {
        let mut kept = self.support.members().iter().peekable();
        let mut sum = 0.0;
        for (j, (&d, &norm)) in self.d.iter().zip(&self.squared_norms).enumerate() {
            if kept.peek() == Some(&&j) {
                kept.next();
            } else {
                sum += d * norm;
            }
        }
        sum
    }

    fn factorize_core(&mut self) -> bool {
        let (m, support) = (self.operator.rows(), self.support.members());
        if support.is_empty() {
            self.core = Core::Empty;
            return true;
        }
        let weight = |j: usize| self.d[j] * self.squared_norms[j];
        let largest = support.iter().fold(0.0f64, |a, &j| a.max(weight(j)));
        let by_support = support.len() < m || largest > LARGE || self.operator.dense().is_none();
        let core = if by_support {
            self.support_core()
        } else {
            Cholesky::new(self.full_matrix()).map(Core::Full)
        };
        let sound = core.is_some();
        if let Some(core) = core
            && let Core::Support(before) = std::mem::replace(&mut self.core, core)
        {
            self.spare = Some(before.into_parts());
        }
        sound
    }

    /// N by Cholesky, or through a basis of the support where that is (nearly) singular.
    fn support_core(&mut self) -> Option<Core> {
        if self.support.members().len() <= self.operator.rows() {
            let (matrix, memory) = self.support_matrix();
            if let Some(factor) = Cholesky::within(memory, matrix) {
                let (gram, members) = self.support.gram_and_members();
                let diagonal = |(i, &j): (usize, &usize)| gram[(i, i)] + self.delta / self.d[j];
                let mut diagonal = members.iter().enumerate().map(diagonal).enumerate();
                if diagonal.all(|(i, entry)| factor.pivot(i) > SMALLEST_PIVOT * entry) {
                    return Some(Core::Support(factor));
                }
            }
        }
        let d: Vec<f64> = self.support.members().iter().map(|&j| self.d[j]).collect();
        Basis::new(self.support.columns(), &d, self.delta).map(|basis| Core::Dependent(Box::new(basis)))
    }

    /// N = δ D_S⁻¹ + A_SᵀA_S (lower triangle), and memory for its factorization.
    fn support_matrix(&mut self) -> (Mat<f64>, Memory) {
        let (gram, members) = self.support.gram_and_members();
        let (spare, memory) = self.spare.take().unzip();
        let mut matrix = match spare {
            Some(mut spare) if spare.shape() == gram.shape() => {
                spare.copy_from(gram);
                spare
            }
            _ => gram.clone(),
        };
        for (i, &j) in members.iter().enumerate() {
            matrix[(i, i)] += self.delta / self.d[j];
        }
        (matrix, memory.unwrap_or_default())
    }

    /// K_S = δI + A_S D_S A_Sᵀ (lower triangle).
    fn full_matrix(&self) -> Mat<f64> {
        let support = self.support.members();
        let scaled = self.support.columns().scaled(|k| self.d[support[k]].sqrt());
        let mut gram = lower_product(scaled.matrix(), scaled.matrix().transpose());
        for i in 0..gram.nrows() {
            gram[(i, i)] += self.delta;
        }
        gram
    }

    /// The effective support S, where K_S is inverted through it: callers can then avoid the cancellation in
    /// b − cR Aᵀ K⁻¹ A C b, which loses all digits once d exceeds 1e16.
    pub fn active(&self) -> Option<&[usize]> {
        let by_support = !matches!(self.core, Core::Full(_)) && self.stands;
        by_support.then_some(self.support.members())
    }

    /// Solves for y_S and z in D_S⁻¹ y_S + A_Sᵀ z = β_S, δ z = z₀ + A_S y_S: on entry `y` = β_S and `z` = z₀.
    pub fn solve_active(&mut self, y: &mut [f64], z: &mut [f64]) {
        match &self.core {
            Core::Dependent(basis) => basis.solve(self.support.columns(), y, z),
            Core::Support(factor) => {
                let [_, products] = &mut self.scratch_support;
                products.resize(y.len(), 0.0);
                self.support.columns().products(z, products);
                for (y, product) in y.iter_mut().zip(products) {
                    *y = self.delta * *y - *product;
                }
                factor.solve(y);
            }
            Core::Empty | Core::Full(_) => {}
        }
        self.support.columns().add(y, z);
        z.iter_mut().for_each(|z| *z /= self.delta);
    }

    /// b ← K⁻¹ b (dense A: with K_S; matrix-free A: with K itself to relative 1e-4). False where it failed.
    pub fn solve(&mut self, b: &mut [f64]) -> bool {
        profile::within(Part::Solve, || self.solve_now(b))
    }

    fn solve_now(&mut self, b: &mut [f64]) -> bool {
        if self.operator.dense().is_some() {
            self.solve_core(b);
            return b.iter().all(|x| x.is_finite());
        }
        self.conjugate_gradients(b)
    }

    /// b ← K_S⁻¹ b.
    fn solve_core(&mut self, b: &mut [f64]) {
        if let Core::Full(factor) = &self.core {
            factor.solve(b);
        } else {
            // β = 0 leaves y = −D_S A_Sᵀ z and K_S z = b.
            let mut y = std::mem::take(&mut self.scratch_support[0]);
            y.clear();
            y.resize(self.support.members().len(), 0.0);
            self.solve_active(&mut y, b);
            self.scratch_support[0] = y;
        }
    }

    /// out = v + A diag(d) Aᵀ v, exactly.
    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        self.operator.apply_adjoint(v, &mut self.scratch_n);
        for (x, &d) in self.scratch_n.iter_mut().zip(&self.d) {
            *x *= d;
        }
        self.operator.apply(&self.scratch_n, out);
        for (o, &x) in out.iter_mut().zip(v) {
            *o += x;
        }
    }

    /// Preconditioned conjugate gradients on K x = b (Hestenes–Stiefel), preconditioner K_S.
    fn conjugate_gradients(&mut self, b: &mut [f64]) -> bool {
        let m = b.len();
        let mut x = b.to_vec();
        self.solve_core(&mut x);
        let mut product = vec![0.0; m];
        self.apply(&x, &mut product);
        let mut residual: Vec<f64> = b.iter().zip(&product).map(|(b, p)| b - p).collect();
        let mut z = residual.clone();
        self.solve_core(&mut z);
        let mut direction = z.clone();
        let mut rz = dot(&residual, &z);
        // Convergence is measured in the norm of K_S⁻¹, in which stiff and slow directions weigh alike.
        let target = CG_TOLERANCE * CG_TOLERANCE * dot(b, &x).abs();
        let mut converged = rz <= target;
        for _ in 0..CG_ITERATIONS {
            if converged {
                break;
            }
            self.apply(&direction, &mut product);
            let step = rz / dot(&direction, &product);
            axpy(step, &direction, &mut x);
            axpy(-step, &product, &mut residual);
            z.copy_from_slice(&residual);
            self.solve_core(&mut z);
            let rz_new = dot(&residual, &z);
            converged = rz_new <= target;
            for (p, &z) in direction.iter_mut().zip(&z) {
                *p = z + rz_new / rz * *p;
            }
            rz = rz_new;
        }
        b.copy_from_slice(&x);
        converged && b.iter().all(|x| x.is_finite())
    }
}

/// Entries below zero count as zero.
struct Clamp<'a> {
    d: &'a [f64],
    kept: &'a mut [f64],
}

impl Loop for Clamp<'_> {
    #[inline(always)]
    fn run(self) {
        for (kept, &d) in self.kept.iter_mut().zip(self.d) {
            *kept = if d > 0.0 { d } else { 0.0 };
        }
    }
}

pub(super) fn axpy(alpha: f64, x: &[f64], y: &mut [f64]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}
