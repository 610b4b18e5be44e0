//! The projection in units of order one, and the mirror relation in them.
//!
//! With a = max x0, c_j = (a/x0_j)^{L−2} ≥ 1, weights p̂ = w/W of one sign (p̂⁺ and p̂⁻ in a signed model, for [A, −A]),
//! κ = a^L/W and the scaled dual σ = Aᵀq̂:
//!
//! ```text
//! L > 2:   p̂ = (μ/z)^{1/e},  z = c ∓ σ > 0,     e = (L−2)/L,  μ = κ^e
//! L = 2:   log p̂ = log κ + 2 log(x0/a) ± 2Tσ,    T = max(½ log 1/κ, 1)
//! ```
//!
//! For L > 2 this is the complementarity p̂^e z = μ of an interior-point method for min Σ c p̂ subject to Âp̂ = ŷ.

use nalgebra::DMatrix;

use super::rows::IndependentRows;
use crate::reference::bregman_projection::expansion::Expansion;
use hadaflow_core::initialization::Sign;

/// See the module documentation.
#[derive(Debug, Clone)]
pub struct ScaledProblem {
    /// Independent rows of A and of y/W.
    pub rows: IndependentRows,
    /// L.
    pub depth: f64,
    /// Whether there are two weights of one sign for each coordinate.
    pub signed: bool,
    /// log(x0_j/a) ≤ 0.
    pub log_shape: Vec<f64>,
    /// c_j.
    pub bound: Vec<f64>,
    /// log a.
    pub log_alpha: f64,
    /// W, a power of two unless y = 0.
    pub unit: f64,
    /// log W.
    pub log_unit: f64,
}

impl ScaledProblem {
    /// In units of the solution of least norm, or of a^L where y = 0.
    pub fn new(rows: IndependentRows, depth: usize, sign: Sign, x0: &[f64]) -> Self {
        let alpha = x0.iter().fold(0.0f64, |a, &x| a.max(x));
        let l = depth as f64; // <= 64
        let log_start = l * alpha.ln();
        Self {
            depth: l,
            signed: sign == Sign::Signed,
            log_shape: x0.iter().map(|x| (x / alpha).ln()).collect(),
            bound: x0.iter().map(|x| (alpha / x).powi(depth as i32 - 2)).collect(), // depth <= 64
            log_alpha: alpha.ln(),
            unit: if rows.size > 0.0 { rows.unit() } else { log_start.exp() },
            log_unit: if rows.size > 0.0 { rows.unit().ln() } else { log_start },
            rows,
        }
    }

    /// Â.
    pub fn matrix(&self) -> &DMatrix<f64> {
        &self.rows.matrix
    }

    /// log κ.
    pub fn log_kappa(&self) -> f64 {
        self.depth * self.log_alpha - self.log_unit
    }

    /// e = (L−2)/L.
    pub fn exponent(&self) -> f64 {
        (self.depth - 2.0) / self.depth
    }

    /// T of depth 2 at log κ.
    pub fn entropy_unit(log_kappa: f64) -> f64 {
        (-0.5 * log_kappa).max(1.0)
    }

    /// (log p̂⁺, log p̂⁻) at σ. For L > 2 a σ beyond its bound gives NaN.
    pub fn log_weights(&self, j: usize, log_kappa: f64, sigma: f64) -> (f64, f64) {
        let base = log_kappa + self.depth * self.log_shape[j];
        if self.depth == 2.0 {
            let s = 2.0 * Self::entropy_unit(log_kappa) * sigma;
            return (base + s, base - s);
        }
        let (ratio, e) = (sigma / self.bound[j], self.exponent());
        (base - (-ratio).ln_1p() / e, base - ratio.ln_1p() / e)
    }

    /// p̂⁺ − p̂⁻ at σ, relatively accurate where the two nearly cancel.
    pub fn signed_weight(&self, j: usize, log_kappa: f64, sigma: f64) -> f64 {
        let log_ratio = if self.depth == 2.0 {
            4.0 * Self::entropy_unit(log_kappa) * sigma
        } else {
            let ratio = sigma / self.bound[j];
            (ratio.ln_1p() - (-ratio).ln_1p()) / self.exponent()
        };
        let (plus, minus) = self.log_weights(j, log_kappa, sigma);
        if sigma < 0.0 {
            -plus.exp() * (-log_ratio).exp_m1()
        } else {
            minus.exp() * log_ratio.exp_m1()
        }
    }

    /// σ_j = (Âᵀq̂)_j, evaluated exactly, plus `shift`.
    pub fn dual(&self, j: usize, q: &[Expansion], shift: f64) -> f64 {
        self.exact_dual(j, q, shift).value()
    }

    /// The same without rounding.
    pub fn exact_dual(&self, j: usize, q: &[Expansion], shift: f64) -> Expansion {
        let mut sum = Expansion::new(shift);
        for (&a, q) in self.matrix().column(j).iter().zip(q) {
            sum.add_multiple(a, q);
        }
        sum.normalise();
        sum
    }
}
