//! The identity between neighbouring records. In total it is blind at small α, where D(0) ~ α^{2−L} hides everything
//! that happens once the weights have grown; per interval nothing is hidden.
//!
//! ∫ℓ is integrated under error control relative to what it has come to since the last restart. For L = 2 there is none: a
//! start of 1e-24 makes D(0) the hundredfold of what the last interval has to spend, and the promise on ∫ℓ shows there.

use super::worst::{DivergenceScale, Worst};
use super::{Prediction, Statement, UNITS, Verdict, references};
use crate::report::Evidence;

pub(super) struct DivergenceIdentityPerInterval;

impl Prediction for DivergenceIdentityPerInterval {
    fn name(&self) -> &'static str {
        "divergence_identity_per_interval"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "D_F(z, w(tᵢ)) − D_F(z, w(tᵢ₊₁)) = 2 ∫ ℓ ds over each interval, relative to max(D(tᵢ), 2∫ℓ)",
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
        let increments = evidence.column("loss_increment");
        let mut worst = Worst::new();
        for (reference, size) in chosen {
            let d = evidence.column(&format!("bregman_divergence_{}", reference.name));
            for (row, (pair, increment)) in d.windows(2).zip(&increments[1..]).enumerate() {
                let residual = (pair[0] - pair[1] - 2.0 * increment).abs();
                let quadrature = quadrature(evidence, row + 1);
                // written so that NaN goes on
                let residual = if residual <= quadrature {
                    0.0
                } else {
                    residual - quadrature
                };
                let scale = DivergenceScale::of(evidence, size, row + 1);
                let measured = scale.units(residual, pair[0].max(2.0 * increment));
                worst.see(measured, evidence, row + 1, &reference.name);
            }
        }
        Verdict::of(worst.against(0.0, UNITS * evidence.tolerance))
    }
}

/// What the error control of ∫ℓ leaves in 2∫ℓ over one interval: the tolerance of the whole, for L = 2.
fn quadrature(evidence: &Evidence, row: usize) -> f64 {
    if evidence.depth() > 2 {
        return 0.0;
    }
    let integral = evidence.column("loss_integral").get(row).copied().unwrap_or(0.0);
    evidence.tolerance * 2.0 * integral
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    #[test]
    fn what_the_total_cannot_see_is_seen_per_interval() {
        let mut run = evidence();
        run.setting.model.depth = 3;
        // A huge D(0), as at small initialization of a deep model, that is spent before the first record.
        for (name, extra) in [("bregman_divergence_truth", 1e12), ("loss_increment", 0.0)] {
            run.columns.get_mut(name).unwrap()[0] += extra;
        }
        let integral = run.columns.get_mut("loss_integral").unwrap();
        integral[1..].iter_mut().for_each(|x| *x += 0.5e12);
        run.columns.get_mut("loss_increment").unwrap()[1] += 0.5e12;
        assert_eq!(verdict("divergence_identity_per_interval", &run), "holds");
        // an error of 1 % late in the run
        run.columns.get_mut("bregman_divergence_truth").unwrap()[7] *= 0.99;
        assert_eq!(verdict("divergence_identity", &run), "holds");
        assert_eq!(verdict("divergence_identity_per_interval", &run), "violated");
    }

    #[test]
    fn two_factors_are_allowed_the_accuracy_of_their_integral_and_no_more() {
        let of = |error: f64| {
            let mut run = evidence();
            let whole = run.columns["loss_integral"][10];
            run.columns.get_mut("loss_increment").unwrap()[10] += error * run.tolerance * whole;
            verdict("divergence_identity_per_interval", &run)
        };
        assert_eq!(of(0.9), "holds");
        assert_eq!(of(3000.0), "violated");
        assert_eq!(of(f64::NAN), "violated");
    }
}
