//! D_F(z, w(0)) − D_F(z, w(t)) = 2∫ℓ: what D loses is what the loss integrates to, the same for every solution z.

use super::worst::Worst;
use super::{Prediction, Statement, Verdict, references, total_allowance};
use crate::report::Evidence;

pub(super) struct DivergenceIdentity;

impl Prediction for DivergenceIdentity {
    fn name(&self) -> &'static str {
        "divergence_identity"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "D_F(z, w(0)) − D_F(z, w(t)) = 2 ∫₀ᵗ ℓ ds, relative to D_F(z, w(0))",
            hypotheses: "Az = y (to 1e-12 relative); z ≥ 0 for a positive model",
            citation: "arXiv 2112.11027, Sect. 2 (integrated)",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        if !evidence.integrals_with_flow {
            return Verdict::inapplicable("∫ℓ was not integrated with the flow");
        }
        let chosen = match references(evidence, true) {
            Ok(chosen) => chosen,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let integral = evidence.column("loss_integral");
        let mut worst = Worst::new();
        let relative = total_allowance(evidence);
        for (reference, size) in chosen {
            let d = evidence.column(&format!("bregman_divergence_{}", reference.name));
            let start = d[0];
            // Where D(0) is smaller, z = w(0) within the promised accuracy.
            let floor = (relative * relative * size).max(f64::MIN_POSITIVE);
            for (row, (d, integral)) in d.iter().zip(integral).enumerate() {
                let residual = (start - d - 2.0 * integral).abs();
                worst.see(residual / start.max(floor), evidence, row, &reference.name);
            }
        }
        Verdict::of(worst.against(0.0, relative))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    #[test]
    fn a_wrong_constant_is_seen() {
        let mut run = evidence();
        assert_eq!(verdict("divergence_identity", &run), "holds");
        run.columns
            .get_mut("loss_integral")
            .unwrap()
            .iter_mut()
            .for_each(|x| *x *= 0.5);
        assert_eq!(verdict("divergence_identity", &run), "violated");
    }
}
