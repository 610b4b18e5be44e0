//! Gradient descent comes to rest only where its step is stable.

use super::worst::Worst;
use super::{Kind, Prediction, Statement, Subject, Verdict};
use crate::report::Evidence;

pub(super) struct StabilityEdgeOfDescent;

/// The loss must have fallen to this fraction for the end to count as the limit.
const FALLEN: f64 = 1e-6;
/// The weights are then within about √FALLEN of the limit, and the edge with them, up to a moderate factor.
const ALLOWANCE: f64 = 1e-2;

impl Prediction for StabilityEdgeOfDescent {
    fn name(&self) -> &'static str {
        "stability_edge_of_descent"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn about(&self) -> Subject {
        Subject::Descent
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "η ≤ 2/λ_max(A diag(|∇w_i|²) Aᵀ) at the limit (identical factors: |∇w|² = L(u^{2L−2} + v^{2L−2}))",
            hypotheses: "gradient descent with step η whose loss has fallen to 1e-6 of the first",
            citation: "linear stability of the fixed points of gradient descent",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let Some(descent) = evidence.descent else {
            return Verdict::inapplicable("the method is not gradient descent");
        };
        let Some(edge) = descent.edge else {
            return Verdict::inapplicable("the factors at the end are not known");
        };
        let (Some(first), Some(last)) = (evidence.column("loss").first(), evidence.column("loss").last()) else {
            return Verdict::inapplicable("no time was recorded");
        };
        if !(*first > 0.0 && *last <= FALLEN * first) {
            return Verdict::inapplicable(format!(
                "the loss has fallen to {:.1e} of the first only: the end is no solution",
                last / first
            ));
        }
        let mut worst = Worst::new();
        worst.see(descent.step / edge, evidence, evidence.len() - 1, "step over edge");
        Verdict::of(worst.against(1.0, ALLOWANCE))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{descended, verdict};

    #[test]
    fn rest_beyond_the_edge_is_seen() {
        let mut run = descended();
        assert_eq!(verdict("stability_edge_of_descent", &run), "holds");
        run.descent.as_mut().unwrap().edge = Some(1.9e-3);
        assert_eq!(verdict("stability_edge_of_descent", &run), "violated");
        run.descent.as_mut().unwrap().edge = Some(f64::NAN);
        assert_eq!(verdict("stability_edge_of_descent", &run), "violated");
        run.descent.as_mut().unwrap().edge = None;
        assert_eq!(verdict("stability_edge_of_descent", &run), "inapplicable");
    }

    #[test]
    fn it_says_nothing_before_the_end_is_near() {
        let mut run = descended();
        run.descent.as_mut().unwrap().edge = Some(1.9e-3);
        *run.columns.get_mut("loss").unwrap().last_mut().unwrap() = 1e-3;
        assert_eq!(verdict("stability_edge_of_descent", &run), "inapplicable");
    }
}
