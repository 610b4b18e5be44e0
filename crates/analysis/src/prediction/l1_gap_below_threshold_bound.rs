//! The ℓ1 norm of the limit exceeds the least one by at most ε, where α is below a threshold h(Q, ε) (arXiv 2112.11027).
//!
//! For all factors starting at α, Q = min ‖z‖₁ over Az = y (z ≥ 0 in a positive model), N = n (2n in a signed model):
//!
//! ```text
//! L = 2:  h = exp(−½ − (Q² + N/e)/(2ε))                      ε = (Q² + N/e)/(2 log(1/α) − 1)             if α < e^{−1/2}
//! L > 2:  h = (2ε/(L(N + Q + ε)))^{1/(L−2)}                  ε = θ(N + Q)/(2 − θ),   θ = L α^{L−2}       if θ < 2
//! ```
//!
//! with ε the solution of h(Q, ε) = α. Proof: w minimises F − ⟨F′(w(0)), ·⟩ over the vectors with its measurements; compared
//! with z, and with W = ‖w‖₁, L = 2: (2 log(1/α) − 1)(W − Q) ≤ Σ z log z − Σ w log w ≤ Q² + N/e, and L > 2:
//! α^{2−L}(W − Q) ≤ (L/2)(Σ w^{2/L} − Σ z^{2/L}) ≤ (L/2)(N + W).
//!
//! The statement depends on the unit of y, as it is published; `l1_gap_below_relative_bound` does not. It is assessed for
//! the limit and for the last recorded weights among all vectors with their measurements; see `least_l1` for both, and for
//! the uncertainty of the gap, which is evaluated without subtracting norms.

use super::least_l1::{gaps, nearest};
use super::{Prediction, Statement, Verdict};
use crate::report::Evidence;

pub(super) struct L1GapBelowThresholdBound;

impl Prediction for L1GapBelowThresholdBound {
    fn name(&self) -> &'static str {
        "l1_gap_below_threshold_bound"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "‖w‖₁ − Q ≤ ε if α ≤ h(Q, ε), for w = w_∞ and Q = min ‖z‖₁ over Az = y (z ≥ 0 when positive), and for \
                      w = w(t), Az = Aw(t); N = n (signed: 2n); L = 2: h = exp(−½ − (Q² + N/e)/(2ε)); \
                      L > 2: h = (2ε/(L(N + Q + ε)))^{1/(L−2)}",
            hypotheses: "all factors start at one α; L = 2: α < e^{−1/2}; L > 2: Lα^{L−2} < 2; A stored densely and not \
                         too large",
            citation: "arXiv 2112.11027, the theorem on the l1 norm of the limit (constants re-derived)",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let Some(alpha) = evidence.setting.scale() else {
            return Verdict::inapplicable("the factors do not all start at one number");
        };
        let depth = evidence.depth();
        let Some(threshold) = Threshold::new(depth, evidence.signed(), evidence.setting.problem().cols(), alpha) else {
            let needed = if depth == 2 {
                "α < e^{−1/2} for L = 2"
            } else {
                "Lα^{L−2} < 2"
            };
            return Verdict::inapplicable(format!("the start {alpha:e} is too large: {needed}"));
        };
        let gaps = match gaps(evidence, None) {
            Ok(gaps) => gaps,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let measure = |gap: &super::least_l1::Gap| gap.against(threshold.epsilon(gap.minimiser.l1_norm), 1.0);
        nearest(gaps.iter().map(measure).collect(), "there is no gap")
    }
}

/// ε as a function of Q.
struct Threshold {
    depth: usize,
    branches: f64,
    /// 2 log(1/α) − 1 for L = 2, θ/(2 − θ) for L > 2.
    factor: f64,
}

impl Threshold {
    /// `None` if α is too large for any ε.
    fn new(depth: usize, signed: bool, n: usize, alpha: f64) -> Option<Self> {
        let branches = n as f64 * if signed { 2.0 } else { 1.0 }; // far below 2^53
        let factor = if depth == 2 {
            -2.0 * alpha.ln() - 1.0
        } else {
            let theta = depth as f64 * alpha.powi(depth as i32 - 2); // depth <= 64
            theta / (2.0 - theta)
        };
        // θ/(2 − θ) underflows to 0 at the smallest starts
        let legal = factor > 0.0 || (depth > 2 && factor == 0.0);
        (legal && factor.is_finite()).then_some(Self {
            depth,
            branches,
            factor,
        })
    }

    fn epsilon(&self, least: f64) -> f64 {
        if self.depth == 2 {
            (least * least + self.branches / std::f64::consts::E) / self.factor
        } else {
            self.factor * (self.branches + least)
        }
    }
}

#[cfg(test)]
mod tests {
    use hadaflow_core::event::LossBelow;
    use hadaflow_core::initialization::Sign;

    use super::super::testing::{
        evidence, gaussian, integrated, model, verdict, with_last_weights, with_limit_weights,
    };
    use super::*;

    const NAME: &str = "l1_gap_below_threshold_bound";

    /// h(n, Q, ε) of the theorem, and back.
    #[test]
    fn the_bound_inverts_the_threshold() {
        for (depth, n, q, epsilon, alpha) in [
            (2, 10, 1.0, 0.1, 4.1973944526e-11),
            (3, 10, 1.0, 0.1, 6.0060060060e-3),
            (4, 10, 1.0, 0.1, 6.7115605521e-2),
            (2, 100, 5.0, 0.5, 8.8856577372e-28),
            (3, 100, 5.0, 0.5, 3.1595576619e-3),
        ] {
            let found = Threshold::new(depth, false, n, alpha).unwrap().epsilon(q);
            assert!((found / epsilon - 1.0f64).abs() < 1e-9, "L = {depth}: {found}");
        }
        assert!(Threshold::new(2, true, 10, 0.61).is_none() && Threshold::new(2, true, 10, 0.6).is_some());
        assert!(Threshold::new(3, true, 10, 0.67).is_none() && Threshold::new(3, true, 10, 0.66).is_some());
        assert_eq!(Threshold::new(64, true, 10, 1e-20).unwrap().epsilon(1.0), 0.0);
    }

    fn run(depth: usize, sign: Sign, alpha: f64) -> Evidence {
        let problem = gaussian(5, 16, 2, sign, 0.0, 5);
        let stop = LossBelow::relative(1e-12, &problem.measurements);
        integrated(problem, model(depth, sign, alpha), 1e-8, vec![Box::new(stop)])
    }

    #[test]
    fn weights_of_another_point_of_the_same_measurements_are_seen() {
        for (depth, sign, alpha) in [
            (2, Sign::Signed, 1e-8),
            (3, Sign::Signed, 1e-4),
            (3, Sign::Positive, 1e-3),
        ] {
            let run = run(depth, sign, alpha);
            assert_eq!(verdict(NAME, &run), "holds", "L = {depth}");
            // the shortest solution instead, or a long one where entries must not be negative
            assert_eq!(
                verdict(NAME, &with_limit_weights(run.clone(), 30.0)),
                "violated",
                "L = {depth}, {sign:?}"
            );
            assert_eq!(verdict(NAME, &with_last_weights(run, 30.0)), "violated", "L = {depth}");
        }
    }

    #[test]
    fn it_needs_one_small_start() {
        assert_eq!(verdict(NAME, &run(2, Sign::Signed, 0.7)), "inapplicable");
        let mut vector = evidence();
        vector.setting.model.initialization = hadaflow_core::initialization::Initialization::PerFactor(vec![0.1, 0.1]);
        assert_eq!(verdict(NAME, &vector), "inapplicable");
        assert_eq!(verdict(NAME, &evidence()), "inapplicable", "neither limit nor weights");
    }
}
