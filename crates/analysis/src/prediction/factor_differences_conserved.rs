//! x_j² − x_k² is constant in time, coordinate by coordinate, for every pair of factors of one product.

use super::worst::Worst;
use super::{Prediction, Statement, UNITS, Verdict, allowance};
use crate::report::Evidence;

pub(super) struct FactorDifferencesConserved;

impl Prediction for FactorDifferencesConserved {
    fn name(&self) -> &'static str {
        "factor_differences_conserved"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "x_j² − x_k² is constant, relative to max x² of that coordinate",
            hypotheses: "the factors themselves are integrated (formulation: Factor)",
            citation: "arXiv 2112.11027, Sect. 2",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let drift = evidence.column("conserved_drift");
        if drift.is_empty() {
            return Verdict::inapplicable("the factors were not integrated (formulation: Factor integrates them)");
        }
        let mut worst = Worst::new();
        for (row, &value) in drift.iter().enumerate() {
            // the drift is counted from the start, over all steps
            let common = UNITS * evidence.tolerance;
            worst.see(value * common / allowance(evidence, 0, row), evidence, row, "drift");
        }
        Verdict::of(worst.against(0.0, UNITS * evidence.tolerance))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    #[test]
    fn a_drift_is_seen() {
        let mut run = evidence();
        assert_eq!(verdict("factor_differences_conserved", &run), "inapplicable");
        let mut drift = vec![0.0; run.len()];
        run.columns.insert("conserved_drift".into(), drift.clone());
        assert_eq!(verdict("factor_differences_conserved", &run), "holds");
        drift[2] = 1e-3;
        run.columns.insert("conserved_drift".into(), drift);
        assert_eq!(verdict("factor_differences_conserved", &run), "violated");
    }
}
