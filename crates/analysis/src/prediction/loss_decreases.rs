//! The loss never increases: ℓ is the squared gradient norm of a convex function along its own gradient flow.

use super::limit::ResidualNoise;
use super::worst::Worst;
use super::{Prediction, Statement, UNITS, Verdict, allowance};
use crate::report::Evidence;

pub(super) struct LossDecreases;

impl Prediction for LossDecreases {
    fn name(&self) -> &'static str {
        "loss_decreases"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "ℓ(w(t)) is nonincreasing in t",
            hypotheses: "none",
            citation: "arXiv 2112.11027, Sect. 2",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let loss = evidence.column("loss");
        if loss.len() < 2 {
            return Verdict::inapplicable("fewer than two times were recorded");
        }
        // An error δ of log w changes r by δR, R = |y| + Σ |w_j|‖a_j‖, and ℓ by √(2ℓ)·δR; losses below (δR)²/2 are noise.
        // From a start in the kernel of A the loss is small beside R²/2 at once.
        let residual = ResidualNoise::of(evidence);
        let common = UNITS * evidence.tolerance;
        let mut worst = Worst::new();
        for (row, pair) in loss.windows(2).enumerate() {
            let rise = pair[1] - pair[0];
            let allowed = allowance(evidence, row, row + 1);
            let unit = residual.unit(evidence, row + 1).max(residual.unit(evidence, row));
            let whole = loss[0].max(0.5 * unit * unit);
            let noise = allowed * allowed * whole;
            let scaled = if rise.abs() <= noise {
                0.0
            } else {
                rise / (pair[0] + (pair[0] * whole).sqrt()).max(noise) * (common / allowed)
            };
            worst.see(scaled, evidence, row + 1, "loss");
        }
        Verdict::of(worst.against(0.0, common))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    /// Columns (1, −1): w₀ = (36, 36) is in the kernel, and the loss, 1/2 throughout but for what τ makes of w, is small.
    #[test]
    fn the_loss_of_a_start_in_the_kernel_is_known_to_the_accuracy_of_the_weights_only() {
        let problem = super::super::testing::measured(&[&[1.0, -1.0]], &[1.0, 0.0]);
        let model = super::super::testing::model(2, hadaflow_core::initialization::Sign::Positive, 6e3);
        let stop = hadaflow_core::event::TimeReached::new(1e-10);
        let mut run = super::super::testing::integrated(problem, model, 1e-8, vec![Box::new(stop)]);
        assert_eq!(verdict("loss_decreases", &run), "holds");
        // w errs by τ·3.6e7 = 0.36, and ℓ = r²/2 by a few tenths of |r|
        *run.columns.get_mut("loss").unwrap().last_mut().unwrap() += 0.3;
        assert_eq!(verdict("loss_decreases", &run), "holds");
        *run.columns.get_mut("loss").unwrap().last_mut().unwrap() += 1e12;
        assert_eq!(verdict("loss_decreases", &run), "violated");
    }

    #[test]
    fn a_rising_loss_is_seen() {
        let mut run = evidence();
        assert_eq!(verdict("loss_decreases", &run), "holds");
        run.columns.get_mut("loss").unwrap()[3] *= 1.5;
        assert_eq!(verdict("loss_decreases", &run), "violated");
    }
}
