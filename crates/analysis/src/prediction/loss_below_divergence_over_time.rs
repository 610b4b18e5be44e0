//! The rate of the flow: ℓ(w(t)) ≤ D_F(z, w₀)/(2t).

use super::worst::Worst;
use super::{Prediction, Statement, Verdict, references, total_allowance};
use crate::report::Evidence;

pub(super) struct LossBelowDivergenceOverTime;

impl Prediction for LossBelowDivergenceOverTime {
    fn name(&self) -> &'static str {
        "loss_below_divergence_over_time"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "ℓ(w(t)) ≤ D_F(z, w(0))/(2t) for all t > 0",
            hypotheses: "Az = y (to 1e-12 relative); z ≥ 0 for a positive model",
            citation: "arXiv 2112.11027, Sect. 2 (monotone loss and the divergence identity)",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let chosen = match references(evidence, true) {
            Ok(chosen) => chosen,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let (t, loss) = (evidence.column("t"), evidence.column("loss"));
        let mut worst = Worst::new();
        for (reference, _) in chosen {
            let start = evidence.column(&format!("bregman_divergence_{}", reference.name))[0];
            for (row, (t, loss)) in t.iter().zip(loss).enumerate().filter(|(_, (t, _))| **t > 0.0) {
                worst.see(2.0 * t * loss / start, evidence, row, &reference.name);
            }
        }
        Verdict::of(worst.against(1.0, total_allowance(evidence)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    #[test]
    fn a_loss_above_its_rate_is_seen() {
        let mut run = evidence();
        assert_eq!(verdict("loss_below_divergence_over_time", &run), "holds");
        run.columns.get_mut("loss").unwrap()[8] = 1e3;
        assert_eq!(verdict("loss_below_divergence_over_time", &run), "violated");
    }
}
