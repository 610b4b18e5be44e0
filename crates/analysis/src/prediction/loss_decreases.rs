//! The loss never increases: ℓ is the squared gradient norm of a convex function along its own gradient flow.

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
        // An error δ of w changes ℓ by about √(ℓ ℓ(0))·δ; losses below ℓ(0)·δ² are noise.
        let common = UNITS * evidence.tolerance;
        let mut worst = Worst::new();
        for (row, pair) in loss.windows(2).enumerate() {
            let rise = pair[1] - pair[0];
            let allowed = allowance(evidence, row, row + 1);
            let noise = allowed * allowed * loss[0];
            let scaled = if rise.abs() <= noise {
                0.0
            } else {
                rise / (pair[0] + (pair[0] * loss[0]).sqrt()).max(noise) * (common / allowed)
            };
            worst.see(scaled, evidence, row + 1, "loss");
        }
        Verdict::of(worst.against(0.0, common))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    #[test]
    fn a_rising_loss_is_seen() {
        let mut run = evidence();
        assert_eq!(verdict("loss_decreases", &run), "holds");
        run.columns.get_mut("loss").unwrap()[3] *= 1.5;
        assert_eq!(verdict("loss_decreases", &run), "violated");
    }
}
