//! The dual variable certifies: y·q/‖Aᵀq‖_∞ ≤ ‖z‖₁ for every solution z, at every time.

use super::worst::Worst;
use super::{Prediction, Statement, Subject, UNITS, Verdict};
use crate::report::Evidence;

pub(super) struct DualBoundBelowReferences;

impl Prediction for DualBoundBelowReferences {
    fn name(&self) -> &'static str {
        "dual_bound_below_references"
    }

    /// It holds for every q.
    fn about(&self) -> Subject {
        Subject::Any
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "y·q(t)/‖Aᵀq(t)‖_∞ ≤ ‖z‖₁ (positive model: y·q/max(Aᵀq), z ≥ 0)",
            hypotheses: "Az = y (to 1e-12 relative); z ≥ 0 for a positive model",
            citation: "linear programming duality; q as in arXiv 2112.11027, Sect. 2",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let bounds = evidence.column("dual_bound");
        if bounds.is_empty() {
            return Verdict::inapplicable("no dual variable was recorded");
        }
        let nonnegative = |z: &[f64]| z.iter().all(|&z| z >= 0.0);
        let solutions = evidence
            .references
            .iter()
            .filter(|r| r.is_exact() && (evidence.signed() || nonnegative(&r.point)));
        let mut worst = Worst::new();
        let mut any = false;
        for reference in solutions.filter(|reference| reference.l1_norm > 0.0) {
            any = true;
            for (row, bound) in bounds.iter().enumerate() {
                worst.see(bound / reference.l1_norm, evidence, row, &reference.name);
            }
        }
        if !any {
            return Verdict::inapplicable("no reference z ≠ 0 solves Az = y within the domain");
        }
        Verdict::of(worst.against(1.0, UNITS * evidence.tolerance))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    #[test]
    fn a_bound_above_a_solution_is_seen() {
        let mut run = evidence();
        assert_eq!(verdict("dual_bound_below_references", &run), "holds");
        run.columns.get_mut("dual_bound").unwrap()[6] = 2.5;
        assert_eq!(verdict("dual_bound_below_references", &run), "violated");
    }
}
