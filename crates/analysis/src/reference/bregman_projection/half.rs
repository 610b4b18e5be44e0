//! One weight of one sign, p̂ > 0, with its dual slack z.

use super::expansion::Expansion;

/// Largest decrease of log p̂ in one step.
pub const LONGEST_DESCENT: f64 = 60.0;
/// Stands for every smaller p̂: its square root must not vanish.
pub const SMALLEST: f64 = 1e-290;

/// One weight of one sign.
#[derive(Debug, Clone, Copy, Default)]
pub struct Half {
    /// p̂, rounded.
    pub p: f64,
    /// log p̂, which for L = 2 goes below the range of p̂.
    pub log_p: f64,
    /// z (L > 2).
    pub z: f64,
    /// Whether ŷ rather than the dual determines p̂.
    pub basic: bool,
    /// D of the linearised relation (see `primal_dual.rs`).
    pub d: f64,
    /// γ.
    pub gamma: f64,
    /// ρ.
    pub rho: f64,
    /// R.
    pub r: f64,
    /// δp̂ and δz.
    pub step: (f64, f64),
}

impl Half {
    /// p̂ + step, or p̂ exp(step/p̂) for a decrease off the support.
    pub fn move_weight(&mut self, weight: &mut Expansion, step: f64, exact: bool) {
        if !self.basic && step <= 0.0 {
            self.log_p += (step / self.p).max(-LONGEST_DESCENT);
            self.p = self.log_p.exp().max(SMALLEST);
            *weight = Expansion::new(self.p);
            return;
        }
        if exact {
            weight.add(step);
            weight.normalise();
        } else {
            *weight = Expansion::new(self.p + step);
        }
        self.p = weight.value();
        self.log_p = if self.log_p > SMALLEST.ln() {
            self.p.ln()
        } else {
            self.log_p + (step / SMALLEST).ln_1p()
        };
    }
}
