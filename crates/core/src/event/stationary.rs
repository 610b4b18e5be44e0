//! The flow has come to rest, in the relative sense of the optimality conditions of min ℓ over its weights.

use super::{Event, EventView};
use crate::flow::{largest_squared_norm, residual_rounding};
use crate::problem::Problem;

/// The flow has come to rest, in the relative sense of the optimality conditions of min ℓ over its weights.
///
/// With g = ∇ℓ(w) = −Aᵀr and a tolerance ε:
///
/// ```text
/// signed:    max_i |g_i|                                   ≤ ε ‖Aᵀy‖_∞
/// positive:  max( max_i (−g_i),  max_i |w_i g_i| / max|w| ) ≤ ε ‖Aᵀy‖_∞
/// ```
///
/// A gradient below what rounding leaves of A w in r, about 16 ε_mach c² ‖w‖₁ with the largest column norm c, is at rest,
/// too: where a positive model starts at weights of 1e17, no double w brings r = y − A w below 1e3.
///
/// Unlike a small velocity this does not hold at the saddles, where some coordinate still has a pull. It holds in the
/// end whether or not the loss can reach zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Stationary {
    tolerance: f64,
    signed: bool,
    scale: f64,
    rounding: f64,
}

impl Stationary {
    /// Rest to the relative tolerance ε for a signed or a positive model on `problem`.
    pub fn new(tolerance: f64, signed: bool, problem: &Problem) -> Self {
        let mut pull = vec![0.0; problem.operator.cols()];
        problem.operator.apply_adjoint(&problem.measurements, &mut pull);
        let scale = pull.iter().fold(0.0f64, |a, p| a.max(p.abs()));
        Self {
            tolerance,
            signed,
            scale,
            rounding: residual_rounding(problem) * largest_squared_norm(problem).sqrt(),
        }
    }

    /// A lower bound of the measure that needs no pass over Aᵀ: ⟨r, Aw⟩ = −Σ w_i g_i.
    fn lower_bound(&self, view: &EventView, problem: &Problem) -> f64 {
        let (r, y) = (&view.evaluation.residual, &problem.measurements);
        let product: f64 = r.iter().zip(y).map(|(r, y)| r * (y - r)).sum();
        let l1: f64 = view.evaluation.weights.iter().map(|w| w.abs()).sum();
        if self.signed {
            product.abs() / l1.max(f64::MIN_POSITIVE)
        } else {
            let largest = view
                .evaluation
                .weights
                .iter()
                .fold(f64::MIN_POSITIVE, |a, w| a.max(w.abs()));
            product.abs() / (largest * view.evaluation.weights.len() as f64)
        }
    }

    fn measure(&self, view: &EventView) -> f64 {
        let pull = view.pull();
        if self.signed {
            return pull.iter().fold(0.0, |a, p| a.max(p.abs()));
        }
        let w = &view.evaluation.weights;
        let largest = w.iter().fold(f64::MIN_POSITIVE, |a, w| a.max(w.abs()));
        pull.iter()
            .zip(w)
            .fold(0.0, |a, (&p, &w)| a.max(p).max((p * w).abs() / largest))
    }
}

impl Event for Stationary {
    fn name(&self) -> String {
        format!("Stationary({:e})", self.tolerance)
    }

    fn value(&self, view: &EventView) -> f64 {
        if self.scale == 0.0 {
            return -1.0; // no pull on anything, ever: Aᵀy = 0
        }
        let l1: f64 = view.evaluation.weights.iter().map(|w| w.abs()).sum();
        let target = self.tolerance * self.scale + self.rounding * l1;
        // Once the loss is near rounding the bound is no longer safe; before that it spares the pass.
        let bound = self.lower_bound(view, view.flow.problem());
        let measure = if bound > 2.0 * target {
            bound
        } else {
            self.measure(view)
        };
        (measure.max(f64::MIN_POSITIVE) / target).ln()
    }
}
