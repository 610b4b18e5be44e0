//! The residual bounds the distance to the limit: D_F(w_∞, w(t)) ≤ |r(t)| |q_∞ − q(t)|, and |q_∞ − q(t)| ≤ |q_∞|.
//!
//! D_F(w_∞, w(t)) = Φ(q(t)) − Φ(q_∞), for both sides are conjugate to each other and vanish together. Φ is convex with
//! ∇Φ(q) = −r: it lies above its tangent at q, so Φ(q) − Φ(q_∞) ≤ ⟨r, q_∞ − q⟩. And the distance of a gradient flow of a
//! convex function to a minimiser does not increase: |q_∞ − q(t)| ≤ |q_∞ − q(0)| = |q_∞|.
//!
//! w_∞ and q_∞ come from Newton's method on A, y and the start, and share nothing but the mirror map with the run: one that
//! ends anywhere else has |r| → 0 but not D. A bound on the weights follows from D, see `bregman_divergence_R`.
//!
//! Uncertainties: with ε the allowance since the start, D errs by ε(D + √(DΣ)) + ε²Σ (see the units in common), r by what
//! ε makes of it, and q by ε|q_∞|: near the barrier of a tiny start q_∞ − q has no digits left, and ε|q_∞| is its bound.
//! The integration leaves s = ∇F(w) on the range of Aᵀ to its accuracy relative to s only, which D(w_∞, w) = ⟨s, …⟩ keeps to the
//! end: like the total of the divergence identity it is known to 10² τ D(0) for L = 2, 10³ τ D(0) for L > 2.

use super::limit::{ResidualNoise, attained, norm};
use super::worst::Worst;
use super::{Prediction, Statement, UNITS, Verdict, allowance, total_allowance};
use crate::reference::Limit;
use crate::report::Evidence;

pub(super) struct LimitIsTheBregmanProjection;

impl Prediction for LimitIsTheBregmanProjection {
    fn name(&self) -> &'static str {
        "limit_is_the_bregman_projection"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "D_F(w_∞, w(t)) ≤ |r(t)| min(|q_∞ − q(t)|, |q_∞|) at every t, w_∞ = argmin { D_F(z, w(0)) : Az = y }",
            hypotheses: "the reference bregman_projection; Az = y has a solution (positive model: one with z > 0)",
            citation: "arXiv 2112.11027, Sect. 2 (the limit is the Bregman projection of the start), and convexity of Φ",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let (reference, limit) = match attained(evidence) {
            Ok(found) => found,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let position = evidence.references.iter().position(|r| r.name == reference.name);
        let size = position.map_or(f64::NAN, |k| evidence.reference_sizes[k]);
        let divergence = evidence.column(&format!("bregman_divergence_{}", reference.name));
        let (loss, noise) = (evidence.column("loss"), ResidualNoise::of(evidence));
        if divergence.is_empty() {
            return Verdict::inapplicable("the divergence of the limit was not recorded");
        }
        let mut worst = Worst::new();
        for (row, (d, loss)) in divergence.iter().zip(loss).enumerate() {
            let allowed = allowance(evidence, 0, row);
            let known = total_allowance(evidence) * divergence[0];
            let excess = d - allowed * (d + (d * size).sqrt()) - allowed * allowed * size - known;
            let residual = (2.0 * loss).sqrt() + noise.at(evidence, row);
            // written so that NaN goes on
            let ratio = if excess <= 0.0 && !residual.is_nan() {
                0.0
            } else {
                (excess.ln() - residual.ln() - log_distance(evidence, limit, row)).exp()
            };
            worst.see(ratio, evidence, row, &reference.name);
        }
        Verdict::of(worst.against(1.0, UNITS * evidence.tolerance))
    }
}

/// log of the distance from q to q_∞, or of |q_∞| where that is less or q is not known.
fn log_distance(evidence: &Evidence, limit: &Limit, row: usize) -> f64 {
    let (whole, unit) = (norm(&limit.dual), (-limit.log_dual_unit).exp());
    let known = evidence.dual(row).filter(|_| unit.is_finite() && unit > 0.0);
    let part = known.map(|q| {
        let left: Vec<f64> = limit.dual.iter().zip(q).map(|(end, q)| end - q * unit).collect();
        norm(&left) + allowance(evidence, 0, row) * whole
    });
    // a NaN of q is not forgotten
    let least = part.map_or(whole, |part| if part >= whole { whole } else { part });
    least.ln() + limit.log_dual_unit
}

#[cfg(test)]
mod tests {
    use hadaflow_core::event::LossBelow;
    use hadaflow_core::initialization::Sign;

    use super::super::testing::{corrupted_dual, evidence, gaussian, integrated, model, verdict};
    use super::*;

    const NAME: &str = "limit_is_the_bregman_projection";

    fn run(depth: usize, sign: Sign, alpha: f64) -> Evidence {
        let problem = gaussian(8, 16, 2, sign, 0.0, 5);
        let stop = LossBelow::relative(1e-12, &problem.measurements);
        integrated(problem, model(depth, sign, alpha), 1e-8, vec![Box::new(stop)])
    }

    #[test]
    fn a_run_that_arrives_elsewhere_is_seen() {
        for (depth, alpha) in [(2, 1e-2), (2, 1.0), (3, 0.1), (4, 0.3)] {
            let mut run = run(depth, Sign::Signed, alpha);
            assert_eq!(verdict(NAME, &run), "holds");
            let column = run.columns.get_mut("bregman_divergence_bregman_projection").unwrap();
            let start = column[0];
            column.iter_mut().for_each(|d| *d += 1e-2 * start);
            assert_eq!(verdict(NAME, &run), "violated", "L = {depth}");
            run.columns.get_mut("bregman_divergence_bregman_projection").unwrap()[3] = f64::NAN;
            assert_eq!(verdict(NAME, &run), "violated", "L = {depth}");
        }
    }

    /// The limit of another start is the wrong one.
    #[test]
    fn the_limit_of_another_start_is_none() {
        let run = run(3, Sign::Signed, 0.3);
        let other = super::super::testing::with_limit_of(run, 0.1);
        assert_eq!(verdict(NAME, &other), "violated");
    }

    #[test]
    fn a_dual_variable_that_is_too_short_is_seen() {
        let run = run(2, Sign::Signed, 0.1);
        assert_eq!(verdict(NAME, &corrupted_dual(run, 0.3)), "violated");
    }

    /// Without q the coarse bound |q_∞| remains.
    #[test]
    fn a_trajectory_from_elsewhere() {
        let mut run = run(3, Sign::Signed, 0.1);
        run.integrals_with_flow = false;
        assert_eq!(verdict(NAME, &run), "holds");
        let mut run = with_nan_dual(run);
        assert_eq!(
            verdict(NAME, &run),
            "holds",
            "q is not known, so its entries do not matter"
        );
        run.integrals_with_flow = true;
        assert_eq!(verdict(NAME, &run), "violated", "q is known, and not a number");
    }

    fn with_nan_dual(mut run: Evidence) -> Evidence {
        let mut trajectory = (*run.trajectory).clone();
        trajectory.dual.fill(f64::NAN);
        run.trajectory = std::sync::Arc::new(trajectory);
        run
    }

    #[test]
    fn it_needs_the_limit() {
        assert_eq!(verdict(NAME, &evidence()), "inapplicable");
    }
}
