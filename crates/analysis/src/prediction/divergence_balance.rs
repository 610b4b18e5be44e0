//! For a z that is no solution (a noisy truth) the divergence may rise, but it obeys its balance.

use super::worst::{DivergenceScale, Worst};
use super::{Prediction, Statement, UNITS, Verdict, references};
use crate::report::Evidence;

pub(super) struct DivergenceBalance;

impl Prediction for DivergenceBalance {
    fn name(&self) -> &'static str {
        "divergence_balance"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "D_F(z, w(tᵢ)) − D_F(z, w(tᵢ₊₁)) = ∫ ⟨Aw − y, Aw − Az⟩ ds over each interval",
            hypotheses: "Az ≠ y (otherwise see divergence_identity); z ≥ 0 for a positive model",
            citation: "arXiv 2112.11027, Sect. 2 (its first line of proof)",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        if !evidence.integrals_with_flow {
            return Verdict::inapplicable("∫⟨Aw − y, Aw − Az⟩ was not integrated with the flow");
        }
        let chosen = match references(evidence, false) {
            Ok(chosen) => chosen,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let mut worst = Worst::new();
        for (reference, size) in chosen {
            let d = evidence.column(&format!("bregman_divergence_{}", reference.name));
            let increments = evidence.column(&format!("mismatch_increment_{}", reference.name));
            let losses = evidence.column("loss_increment");
            let mismatch = reference.mismatch.iter().map(|e| e * e).sum::<f64>().sqrt();
            let measurements = mismatch / reference.relative_mismatch; // |y|
            for (row, (pair, increment)) in d.windows(2).zip(&increments[1..]).enumerate() {
                // On a plateau r is orthogonal to A(w − z), and an error τ|y| of r or of Aw shows in the product with
                // the other: over the interval τ|y| ∫|r| ≤ τ|y| √(2 Δt ∫ℓ), which may exceed D by far where Δt is 1e20.
                // Nor is this integral under error control: it shares that of q = ∫r, an error τ per step and |y| in it.
                let plateau = (2.0 * evidence.elapsed(row + 1) * losses[row + 1]).sqrt();
                let steps = evidence.steps_between(row, row + 1) + 1.0;
                let blur = evidence.tolerance * measurements * (plateau + steps);
                let residual = ((pair[0] - pair[1] - increment).abs() - blur).max(0.0);
                let natural = pair[0].max(pair[1]).max(increment.abs());
                let scale = DivergenceScale::of(evidence, size, row + 1);
                worst.see(scale.units(residual, natural), evidence, row + 1, &reference.name);
            }
        }
        Verdict::of(worst.against(0.0, UNITS * evidence.tolerance))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    #[test]
    fn a_broken_balance_is_seen() {
        let mut run = evidence();
        assert_eq!(verdict("divergence_balance", &run), "inapplicable");
        run.references[0].relative_mismatch = 0.1;
        assert_eq!(verdict("divergence_balance", &run), "holds");
        run.columns.get_mut("mismatch_increment_truth").unwrap()[4] *= 1.01;
        assert_eq!(verdict("divergence_balance", &run), "violated");
    }
}
