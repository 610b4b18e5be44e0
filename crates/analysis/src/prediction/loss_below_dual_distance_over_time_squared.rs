//! The rate of the flow where its dual variable converges: ℓ(w(t)) ≤ |q_∞|²/(2t²).
//!
//! q′ = r = −∇Φ(q), q(0) = 0, with Φ convex and least at q_∞. Along it
//!
//! ```text
//! E(t) = ½t²|r|² + t (Φ(q) − Φ(q_∞)) + ½|q − q_∞|²,     E′ = t² ⟨r, r′⟩ + (Φ(q) − Φ(q_∞)) − ⟨r, q_∞ − q⟩ ≤ 0,
//! ```
//!
//! as r′ = −∇²Φ r and Φ lies above its tangents; so t²ℓ = ½t²|r|² ≤ E(0) = ½|q_∞|². Until the first jump of a small start r
//! is nearly y and q nearly ty: the bound is then nearly attained.
//!
//! Measured is t|r|/|q_∞|, by logarithms: q_∞ is of the size α^{2−L}. What an error of the promised size in the weights
//! makes of r is subtracted from |r| first, and q = ∫r, which decides when the jump comes, errs by its share of the promise.

use super::limit::{ResidualNoise, attained, log_dual_norm};
use super::worst::Worst;
use super::{Prediction, Statement, Verdict, total_allowance};
use crate::report::Evidence;

pub(super) struct LossBelowDualDistanceOverTimeSquared;

impl Prediction for LossBelowDualDistanceOverTimeSquared {
    fn name(&self) -> &'static str {
        "loss_below_dual_distance_over_time_squared"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "ℓ(w(t)) ≤ |q_∞|²/(2t²) for all t > 0, q_∞ = lim q",
            hypotheses: "the reference bregman_projection; Az = y has a solution (positive model: one with z > 0), so that \
                         q converges",
            citation: "gradient flow of the convex Φ (arXiv 2112.11027, Sect. 2), with the energy \
                       ½t²|r|² + t(Φ(q) − Φ(q_∞)) + ½|q − q_∞|²",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let limit = match attained(evidence) {
            Ok((_, limit)) => limit,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let (distance, noise) = (log_dual_norm(limit), ResidualNoise::of(evidence));
        let (t, loss) = (evidence.column("t"), evidence.column("loss"));
        let mut worst = Worst::new();
        for (row, (t, loss)) in t.iter().zip(loss).enumerate().filter(|(_, (t, _))| **t > 0.0) {
            let residual = (2.0 * loss).sqrt() - noise.at(evidence, row);
            // written so that NaN goes on
            let ratio = if residual <= 0.0 {
                0.0
            } else {
                (t.ln() + residual.ln() - distance).exp()
            };
            worst.see(ratio, evidence, row, "loss");
        }
        if t.len() < 2 {
            return Verdict::inapplicable("fewer than two times were recorded");
        }
        Verdict::of(worst.against(1.0, total_allowance(evidence)))
    }
}

#[cfg(test)]
mod tests {
    use hadaflow_core::event::{LossBelow, Stationary};
    use hadaflow_core::initialization::Sign;

    use super::super::testing::{corrupted_dual, evidence, gaussian, integrated, model, verdict};
    use super::*;

    const NAME: &str = "loss_below_dual_distance_over_time_squared";

    fn run(depth: usize, sign: Sign, alpha: f64) -> Evidence {
        let problem = gaussian(8, 16, 2, sign, 0.0, 5);
        let stop = LossBelow::relative(1e-10, &problem.measurements);
        integrated(problem, model(depth, sign, alpha), 1e-8, vec![Box::new(stop)])
    }

    #[test]
    fn a_loss_above_its_rate_is_seen() {
        for (depth, alpha) in [(2, 1e-8), (3, 1e-3), (4, 0.1)] {
            let mut run = run(depth, Sign::Signed, alpha);
            assert_eq!(verdict(NAME, &run), "holds");
            let last = run.len() - 1;
            run.columns.get_mut("loss").unwrap()[last] *= 1e10;
            assert_eq!(verdict(NAME, &run), "violated", "L = {depth}");
            run.columns.get_mut("loss").unwrap()[last] = f64::NAN;
            assert_eq!(verdict(NAME, &run), "violated", "L = {depth}");
        }
    }

    /// Before the only jump of a tiny start nearly all of the bound is used: a constant 1 % smaller is refuted.
    #[test]
    fn the_constant_is_the_best_one() {
        let problem = gaussian(1, 1, 1, Sign::Signed, 0.0, 5);
        let stop = LossBelow::relative(1e-10, &problem.measurements);
        let run = integrated(problem, model(2, Sign::Signed, 1e-60), 1e-8, vec![Box::new(stop)]);
        let Verdict::Holds(measurement) = LossBelowDualDistanceOverTimeSquared.assess(&run) else {
            panic!("{:?}", LossBelowDualDistanceOverTimeSquared.assess(&run));
        };
        assert!(measurement.measured > 0.9, "{measurement:?}");
        let shrunk = corrupted_dual(run, 0.99 * measurement.measured);
        assert_eq!(verdict(NAME, &shrunk), "violated");
    }

    #[test]
    fn it_needs_a_limit_with_a_dual_variable() {
        assert_eq!(verdict(NAME, &evidence()), "inapplicable", "no such reference");
        // more measurements than unknowns, with noise
        let problem = gaussian(12, 6, 2, Sign::Signed, 0.1, 5);
        let stop = Stationary::new(1e-6, true, &problem);
        let run = integrated(problem, model(2, Sign::Signed, 0.1), 1e-8, vec![Box::new(stop)]);
        let Verdict::Inapplicable { reason } = LossBelowDualDistanceOverTimeSquared.assess(&run) else {
            panic!("it has no dual variable");
        };
        assert!(reason.contains("diverges"), "{reason}");
    }
}
