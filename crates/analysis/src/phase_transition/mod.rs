//! How many Gaussian measurements ℓ¹ minimisation needs: the statistical dimension of its descent cone.
//!
//! Let x ∈ Rⁿ have s nonzero entries and D be the descent cone at x of |z|₁ (signed model) or of Σz over z ≥ 0 (positive
//! model). The minimiser subject to Az = Ax, with an m × n matrix A of independent standard Gaussians, is x alone iff the
//! kernel of A meets D in 0 only, and the probability of that jumps from 0 to 1 where m passes the statistical dimension
//! δ(D) = E |Π_D(g)|² (Amelunxen, Lotz, McCoy, Tropp, arXiv 1303.6672, theorem II).
//!
//! [`TransitionCurve`] is the curve δ/n → ψ(s/n) of n → ∞, [`Transition`] what it says at finite n: location, error,
//! width, probability of success.

mod curve;
mod finite;
mod gaussian_excess;

pub use curve::TransitionCurve;
pub use finite::Transition;
