//! Gradient descent shrinks u v by a known product: its effective start is smaller than α.

use super::worst::Worst;
use super::{Prediction, Statement, Subject, Verdict};
use crate::report::Evidence;

pub(super) struct ProductIdentityOfDescent;

/// Roundings per step: three in u and in v each of at most (1 + 2|ηg|)/2 units, and those of the product itself.
const ROUNDINGS: f64 = 8.0;

impl Prediction for ProductIdentityOfDescent {
    fn name(&self) -> &'static str {
        "product_identity_of_descent"
    }

    fn about(&self) -> Subject {
        Subject::Descent
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "u_i v_i = α_i² ∏ (1 − η² g_i²) over the steps so far, g = Aᵀ(Aw − y)",
            hypotheses: "gradient descent with step η; depth 2, signed, identical start; no factor underflows",
            citation: "arXiv 2302.08982, Sect. 3 (one multiplication)",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let Some(descent) = evidence.descent else {
            return Verdict::inapplicable("the method is not gradient descent");
        };
        let drift = evidence.column("product_drift");
        let (Some(end), false) = (evidence.column("t").last(), drift.is_empty()) else {
            return Verdict::inapplicable("not a signed model of depth 2 with an identical start");
        };
        let mut worst = Worst::new();
        for (row, &value) in drift.iter().enumerate() {
            worst.see(value, evidence, row, "product");
        }
        let steps = 1.0 + end / descent.step;
        Verdict::of(worst.against(0.0, ROUNDINGS * f64::EPSILON * steps))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{descended, verdict};

    #[test]
    fn a_product_that_is_off_is_seen() {
        let mut run = descended();
        assert_eq!(verdict("product_identity_of_descent", &run), "inapplicable");
        let mut drift = vec![1e-16; run.len()];
        run.columns.insert("product_drift".into(), drift.clone());
        assert_eq!(verdict("product_identity_of_descent", &run), "holds");
        drift[4] = 1e-10;
        run.columns.insert("product_drift".into(), drift.clone());
        assert_eq!(verdict("product_identity_of_descent", &run), "violated");
        drift[4] = f64::NAN;
        run.columns.insert("product_drift".into(), drift);
        assert_eq!(verdict("product_identity_of_descent", &run), "violated");
        run.descent = None;
        assert_eq!(verdict("product_identity_of_descent", &run), "inapplicable");
    }
}
