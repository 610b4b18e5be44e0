//! The ℓ1 norm of the limit exceeds the least one by at most a share ε of it, whatever the units.
//!
//! Q = min ‖z‖₁ over Az = y (z ≥ 0 in a positive model); β₁ = Σ w(0), βₘ = min w(0) over the N = n entries, or over the 2n of
//! (∏u, ∏v) in a signed model. If Q > β₁,
//!
//! ```text
//! L = 2, any start:      ε = log(β₁/βₘ)/log(Q/β₁)
//! L > 2, uniform start:  ε = (L/2) (β₁^p − βₘ^p)/(Q^p − β₁^p),    p = 1 − 2/L
//! ```
//!
//! Proof, with W = ‖w‖₁: w minimises F − ⟨F′(w(0)), ·⟩ over the vectors with its measurements, among which is z of norm Q.
//! L = 2: φ(W) = W log(W/β₁) − W ≤ Σ w log(w/w(0)) − W ≤ Σ z log(z/w(0)) − Q ≤ Q log(Q/βₘ) − Q by the log-sum inequality, and
//! φ(W) ≥ φ(Q) + φ′(Q)(W − Q). L > 2: W − Q ≤ (L/2)(β₁^p W^{2/L} − βₘ^p Q^{2/L}) by the means and as Σ z^{2/L} ≥ Q^{2/L}, and
//! W^{2/L} lies below its tangent at Q.
//!
//! It is assessed as `l1_gap_below_threshold_bound` is, in units of Q. For a non-uniform start and L > 2 there is no such
//! bound: see `limit_selects_weighted_l1`.

use super::least_l1::{Gap, gaps, nearest};
use super::{Prediction, Statement, Verdict};
use crate::report::Evidence;

pub(super) struct L1GapBelowRelativeBound;

impl Prediction for L1GapBelowRelativeBound {
    fn name(&self) -> &'static str {
        "l1_gap_below_relative_bound"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "‖w‖₁/Q − 1 ≤ ε for w = w_∞ and Q = min ‖z‖₁ over Az = y (z ≥ 0 when positive), and for w = w(t), \
                      Az = Aw(t); L = 2: ε = log(β₁/βₘ)/log(Q/β₁); L > 2: ε = (L/2)(β₁^p − βₘ^p)/(Q^p − β₁^p), p = 1 − 2/L; \
                      β₁, βₘ the sum and the least entry of w(0) (signed: of (∏u, ∏v))",
            hypotheses: "all factors start alike, at one α if L > 2; Q > β₁; A stored densely and not too large",
            citation: "arXiv 2112.11027, the theorem on the l1 norm of the limit (sharper constants, derived in the module)",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let Some(x0) = evidence.setting.start() else {
            return Verdict::inapplicable("the factors do not all start alike");
        };
        let depth = evidence.depth();
        if depth > 2 && evidence.setting.scale().is_none() {
            return Verdict::inapplicable("for L > 2 a start that is not uniform selects a weighted l1 norm");
        }
        let start = Start::new(depth, evidence.signed(), &x0);
        let gaps = match gaps(evidence, None) {
            Ok(gaps) => gaps,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let measure = |gap: &Gap| {
            let least = gap.minimiser.l1_norm;
            start.epsilon(least).map(|epsilon| gap.against(epsilon * least, least))
        };
        let none = "the least norm Q does not exceed the sum of w(0): the start is too large";
        nearest(gaps.iter().filter_map(measure).collect(), none)
    }
}

/// The start by the logarithms of β₁ and βₘ.
struct Start {
    depth: f64,
    log_sum: f64,
    log_least: f64,
}

impl Start {
    fn new(depth: usize, signed: bool, x0: &[f64]) -> Self {
        let depth = depth as f64;
        let largest = x0.iter().fold(0.0f64, |top, x| top.max(*x));
        let sum: f64 = x0.iter().map(|x| (x / largest).powf(depth)).sum();
        let branches = if signed { 2.0f64 } else { 1.0 };
        Self {
            depth,
            log_sum: depth * largest.ln() + (branches * sum).ln(),
            log_least: depth * x0.iter().fold(largest, |least, x| least.min(*x)).ln(),
        }
    }

    /// ε for Q; `None` unless Q > β₁.
    fn epsilon(&self, least: f64) -> Option<f64> {
        let distance = least.ln() - self.log_sum;
        // log(β₁/βₘ) of a single entry is 0, not the rounding of it
        let spread = (self.log_sum - self.log_least).max(0.0);
        if distance <= 0.0 || distance.is_nan() {
            return None;
        }
        if self.depth == 2.0 {
            return Some(spread / distance);
        }
        let p = 1.0 - 2.0 / self.depth;
        // divided by β₁^p
        Some(-0.5 * self.depth * (-p * spread).exp_m1() / (p * distance).exp_m1())
    }
}

#[cfg(test)]
mod tests {
    use hadaflow_core::event::LossBelow;
    use hadaflow_core::initialization::{Initialization, Model, Sign};

    use super::super::testing::{
        evidence, gaussian, integrated, model, verdict, with_last_weights, with_limit_weights,
    };
    use super::*;

    const NAME: &str = "l1_gap_below_relative_bound";

    #[test]
    fn the_bound_has_its_known_values() {
        let start = |depth, n, alpha: f64| Start::new(depth, false, &vec![alpha; n]);
        for (start, q, expected) in [
            (start(2, 10, 1e-3), 1.0, 0.2),
            (start(3, 10, 1e-2), 1.0, 1.7697808067e-2),
            (start(4, 10, 0.1), 1.0, 4.4657755427e-2),
            (start(2, 100, 1e-4), 5.0, 1.4927667975),
            (start(3, 100, 1e-2), 5.0, 0.16417751866),
        ] {
            let found = q * start.epsilon(q).unwrap();
            assert!((found / expected - 1.0f64).abs() < 1e-9, "{found} {expected}");
        }
        assert_eq!(start(2, 10, 0.4).epsilon(1.5), None);
        assert_eq!(start(2, 10, 0.4).epsilon(f64::NAN), None);
        assert_eq!(start(2, 10, 0.4).epsilon(0.0), None);
        assert_eq!(start(3, 1, 1e-3).epsilon(1.0), Some(0.0));
    }

    fn run(model: Model) -> Evidence {
        let problem = gaussian(5, 16, 2, model.sign, 0.0, 5);
        let stop = LossBelow::relative(1e-12, &problem.measurements);
        integrated(problem, model, 1e-8, vec![Box::new(stop)])
    }

    #[test]
    fn weights_of_another_point_of_the_same_measurements_are_seen() {
        for (depth, sign, alpha) in [
            (2, Sign::Signed, 1e-10),
            (3, Sign::Signed, 1e-3),
            (3, Sign::Positive, 1e-3),
        ] {
            let run = run(model(depth, sign, alpha));
            assert_eq!(verdict(NAME, &run), "holds", "L = {depth}");
            assert_eq!(
                verdict(NAME, &with_limit_weights(run.clone(), 30.0)),
                "violated",
                "L = {depth}, {sign:?}"
            );
            assert_eq!(verdict(NAME, &with_last_weights(run, 30.0)), "violated", "L = {depth}");
        }
    }

    #[test]
    fn a_vector_start_is_meant_for_two_factors_only() {
        let at = |depth| Model {
            depth,
            sign: Sign::Signed,
            initialization: Initialization::Vector((0..16).map(|j| 1e-3 * (1.0 + f64::from(j))).collect()),
        };
        assert_eq!(verdict(NAME, &run(at(2))), "holds");
        assert_eq!(verdict(NAME, &run(at(3))), "inapplicable");
        assert_eq!(
            verdict(NAME, &run(model(2, Sign::Signed, 2.0))),
            "inapplicable",
            "too large"
        );
        assert_eq!(verdict(NAME, &evidence()), "inapplicable", "neither limit nor weights");
    }
}
