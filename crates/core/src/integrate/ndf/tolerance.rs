//! What counts as one tolerance: errors of the logarithms of the factors, and of ∫ℓ.

use crate::flow::DualFlow;
use crate::vectorized;

/// Weighted norms of (q, s, integrals).
///
/// An error of s_j is a relative error x_j^{L−2} δs_j of the factor x_j, and counts the less the further the factor is
/// below its start: see [`DualFlow::sensitivity`]. It is at hand without any pass over A, whereas an error of q says
/// nothing without Aᵀ. The size is the root of the mean square over all coordinates.
pub(super) struct Norm {
    m: usize,
    n: usize,
    weights: Vec<f64>,
    /// Largest of the weights, in tolerances: what an error of s of size one counts at most.
    pub(super) steepest: f64,
    /// Tolerance of log x.
    pub(super) tolerance: f64,
    /// Tolerance of ∫ℓ.
    pub(super) integral: f64,
}

impl Norm {
    pub(super) fn new(m: usize, n: usize, tolerance: f64) -> Self {
        Self {
            m,
            n,
            weights: vec![0.0; n],
            steepest: 0.0,
            tolerance,
            integral: f64::INFINITY,
        }
    }

    /// Weighs errors by the factors at s.
    pub(super) fn at(&mut self, flow: &DualFlow, s: &[f64]) {
        flow.sensitivity(s, &mut self.weights);
        self.steepest = vectorized::largest(&self.weights) / self.tolerance;
    }

    /// Size of an error of s, in tolerances.
    pub(super) fn of_s(&self, s: &[f64]) -> f64 {
        self.of_square(vectorized::weighted_square(s, &self.weights))
    }

    /// The largest |s_j|, where one of smaller weight counts the less.
    pub(super) fn largest(&self, s: &[f64]) -> f64 {
        vectorized::largest_product(s, &self.weights) / (self.steepest * self.tolerance)
    }

    /// Size of an error of s, in tolerances, from Σ (weight_j s_j)².
    pub(super) fn of_square(&self, square: f64) -> f64 {
        (square / self.n as f64).sqrt() / self.tolerance // sizes fit a double
    }

    /// The weights of s_j, n entries.
    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Size of an error of everything, in tolerances; NaN if it has none.
    pub(super) fn of(&self, error: &[f64]) -> f64 {
        let s = self.of_s(&error[self.m..self.m + self.n]);
        let integral = error[self.m + self.n].abs() / self.integral;
        if integral > s { integral } else { s + 0.0 * integral }
    }
}
