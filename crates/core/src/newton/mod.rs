//! Newton matrices of the implicit integrators: structured solves with I − cJ, never a dense n×n matrix.
//!
//! For each of the three flows the Jacobian of the velocity is "small blocks plus a matrix of rank m", so that
//! I − cJ is inverted through one symmetric positive definite m×m core
//!
//! ```text
//! K = I + A diag(d) Aᵀ,   d ≥ 0            (gram.rs)
//! ```
//!
//! directly for the dual flow, and by the Sherman–Morrison–Woodbury identity for the log and factor flows.

mod basis;
mod blocks;
mod cholesky;
mod gram;
mod normal;
mod support;

pub use blocks::BlockNewton;
pub use gram::GramSolver;
pub use normal::NormalMatrix;

use crate::flow::Evaluation;

/// The linear algebra of one implicit integration of one flow.
///
/// The three calls come at three different rates: `linearize` when the Jacobian is renewed, `factorize` when only the
/// step size (hence c) has changed, `solve` in each Newton iteration.
pub trait NewtonSolver {
    /// Freeze the Jacobian J at a state.
    fn linearize(&mut self, state: &[f64], evaluation: &Evaluation);

    /// A positive number of the size of ‖J‖ at the frozen state.
    fn scale(&self) -> f64;

    /// Prepare I − cJ, c > 0. Returns false if the matrix holds a number that is not finite.
    fn factorize(&mut self, c: f64) -> bool;

    /// b ← (I − cJ)⁻¹ b. Returns false if the result is not finite or an inner iteration failed.
    fn solve(&mut self, b: &mut [f64]) -> bool;

    /// out ← J v with the frozen Jacobian, exactly (no column of A dropped).
    fn apply_jacobian(&mut self, v: &[f64], out: &mut [f64]);

    /// What the last factorization cost, in units of the multiplications of a pass over A.
    fn effort(&self) -> f64 {
        f64::INFINITY
    }

    /// Number of factorizations so far.
    fn factorizations(&self) -> usize;
}
