//! For L > 2 a start that is not uniform selects a *weighted* ℓ1 norm: that with the weights b_j = x0_j^{−(L−2)}.
//!
//! w minimises F − ⟨F′(w(0)), ·⟩ = −L/(2(L−2)) Σ w^{2/L} + 1/(L−2) Σ b_j w_j over the vectors with its measurements (in a
//! signed model over the pairs (∏u, ∏v), whose sum is at least |w|). With z of the least weighted norm Q_b = Σ b_j|z_j| and
//! X = Σ b_j|w_j|,
//!
//! ```text
//! X − Q_b ≤ (L/2) (Σ w^{2/L} − Σ |z|^{2/L}),        Σ w^{2/L} ≤ C^p X^{2/L},    C = Σ x0_j² (signed: twice),  p = 1 − 2/L
//! ```
//!
//! the second by Hölder: w^{2/L} = (b w)^{2/L} b^{−2/L}, and b^{−2/(L−2)} = x0². X^{2/L} lies below its tangent at Q_b, so that
//!
//! ```text
//! X/Q_b − 1 ≤ ε = (L/2) (c − Σ|z|^{2/L}/Q_b)/(1 − c),        c = (C/Q_b)^p < 1
//! ```
//!
//! which is a-priori and tends to 0 with the scale of the start: c does, and the other term is at most c in a solution.
//! ‖w‖₁ itself tends to the ℓ1 norm of the weighted solution, which in general is not the least one. Nothing depends on the
//! units of y and A; b is taken relative to that of the largest start.
//!
//! It is assessed for the limit and for the last recorded weights, as in `l1_gap_below_threshold_bound`.

use super::least_l1::{Gap, gaps, nearest};
use super::{Prediction, Statement, Verdict};
use crate::report::Evidence;

pub(super) struct LimitSelectsWeightedL1;

impl Prediction for LimitSelectsWeightedL1 {
    fn name(&self) -> &'static str {
        "limit_selects_weighted_l1"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "Σ b_j|w_j|/Q_b − 1 ≤ (L/2)(c − Σ|z|^{2/L}/Q_b)/(1 − c), b_j = x0_j^{−(L−2)}, c = (Σx0²/Q_b)^{1−2/L} \
                      (signed: 2Σx0²), for w = w_∞ and z of least Q_b = Σ b_j|z_j| over Az = y (z ≥ 0 when positive), and for \
                      w = w(t), Az = Aw(t)",
            hypotheses: "L > 2; all factors start at a vector x0 that is not uniform; c < 1; A stored densely and not too large",
            citation: "arXiv 2112.11027, proof of the theorem on the l1 norm, for other starts; 2002.09277 (shape of the start)",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        if evidence.depth() == 2 {
            return Verdict::inapplicable(
                "for L = 2 the shape of the start does not matter (l1_gap_below_relative_bound)",
            );
        }
        let Some(x0) = evidence.setting.start() else {
            return Verdict::inapplicable("the factors do not all start alike");
        };
        if evidence.setting.scale().is_some() {
            return Verdict::inapplicable("the start is uniform: all weights are equal (l1_gap_below_relative_bound)");
        }
        let start = Start::new(evidence.depth(), evidence.signed(), &x0);
        let weights = start.weights(&x0);
        if weights.iter().any(|b| !b.is_finite()) {
            return Verdict::inapplicable("the weights x0^{-(L-2)} differ by more than a double can hold");
        }
        let gaps = match gaps(evidence, Some(&weights)) {
            Ok(gaps) => gaps,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let measure = |gap: &Gap| {
            let least = gap.minimiser.l1_norm;
            let epsilon = start.epsilon(least, &gap.minimiser.point);
            epsilon.map(|epsilon| gap.against(epsilon * least, least))
        };
        let none = "the least weighted norm does not exceed the sum of x0²: the start is too large";
        nearest(gaps.iter().filter_map(measure).collect(), none)
    }
}

/// The start, relative to its largest entry.
struct Start {
    depth: f64,
    largest: f64,
    /// log of C = Σ x0² (twice in a signed model), in the unit of the weights.
    log_size: f64,
}

impl Start {
    fn new(depth: usize, signed: bool, x0: &[f64]) -> Self {
        let depth = depth as f64;
        let largest = x0.iter().fold(0.0f64, |top, x| top.max(*x));
        let squares: f64 = x0.iter().map(|x| (x / largest) * (x / largest)).sum();
        let branches = if signed { 2.0 } else { 1.0 };
        Self {
            depth,
            largest,
            log_size: depth * largest.ln() + (branches * squares).ln(),
        }
    }

    /// b relative to that of the largest start: at least 1.
    fn weights(&self, x0: &[f64]) -> Vec<f64> {
        x0.iter().map(|x| (self.largest / x).powf(self.depth - 2.0)).collect()
    }

    /// ε for z with Q_b = `least`; `None` unless c < 1.
    fn epsilon(&self, least: f64, z: &[f64]) -> Option<f64> {
        let distance = (1.0 - 2.0 / self.depth) * (least.ln() - self.log_size);
        if distance <= 0.0 || distance.is_nan() {
            return None;
        }
        let c = (-distance).exp();
        let powers: f64 = z.iter().map(|z| z.abs().powf(2.0 / self.depth)).sum();
        let saved = powers * self.largest.powf(self.depth - 2.0) / least;
        // at most c by Hölder's inequality, but for rounding
        Some(0.5 * self.depth * (c - saved).max(0.0) / -(-distance).exp_m1())
    }
}

#[cfg(test)]
mod tests {
    use hadaflow_core::event::LossBelow;
    use hadaflow_core::initialization::{Initialization, Model, Sign};
    use rand::RngExt;

    use super::super::testing::{
        evidence, gaussian, integrated, model, verdict, with_last_weights, with_limit_weights,
    };
    use super::*;
    use crate::reference::{Computed, basis_pursuit, flow_limit};

    const NAME: &str = "limit_selects_weighted_l1";

    fn start(n: u32, scale: f64) -> Vec<f64> {
        (0..n).map(|j| scale * (1.0 + f64::from(j * 7 % 5))).collect()
    }

    fn run(depth: usize, sign: Sign, scale: f64) -> Evidence {
        let problem = gaussian(5, 16, 2, sign, 0.0, 5);
        let stop = LossBelow::relative(1e-12, &problem.measurements);
        let model = Model {
            depth,
            sign,
            initialization: Initialization::Vector(start(16, scale)),
        };
        integrated(problem, model, 1e-8, vec![Box::new(stop)])
    }

    #[test]
    fn weights_of_another_point_of_the_same_measurements_are_seen() {
        for (depth, sign, scale) in [
            (3, Sign::Signed, 1e-4),
            (4, Sign::Signed, 1e-2),
            (3, Sign::Positive, 1e-4),
        ] {
            let run = run(depth, sign, scale);
            assert_eq!(verdict(NAME, &run), "holds", "L = {depth}");
            assert_eq!(
                verdict(NAME, &with_limit_weights(run.clone(), 30.0)),
                "violated",
                "L = {depth}, {sign:?}"
            );
            assert_eq!(verdict(NAME, &with_last_weights(run, 30.0)), "violated", "L = {depth}");
        }
    }

    /// The bound against limits of random instances, by differences of norms: nothing in common with the file but Newton's
    /// method and linear programming. And it says something: the gap is a fair part of it at a large start, and vanishes.
    #[test]
    fn random_limits_satisfy_it() {
        let (mut closest, mut seen) = (0.0f64, 0);
        for seed in 0..120u64 {
            let mut rng = crate::reference::testing::rng(seed);
            let (m, sign) = (
                rng.random_range(1..=8usize),
                [Sign::Signed, Sign::Positive][seed as usize % 2],
            ); // small
            let n = m + rng.random_range(1..=10usize);
            let problem = gaussian(m, n, 2.min(n), sign, 0.0, seed);
            let depth = rng.random_range(3..=5usize);
            let scale = [0.5, 0.2, 0.05][rng.random_range(0..3usize)];
            let x0: Vec<f64> = (0..n).map(|_| scale * rng.random_range(0.5..2.0)).collect();
            let (a, y) = (problem.operator.dense().unwrap(), &problem.measurements);
            let Computed::Value(end) = flow_limit(a, y, depth, sign, &x0).unwrap().end else {
                continue;
            };
            let power = 2 - depth as i32;
            let b: Vec<f64> = x0.iter().map(|x| x.powi(power)).collect();
            let Some(z) = basis_pursuit(a, y, sign, Some(&b)).solved().cloned() else {
                continue;
            };
            let norm = |w: &[f64]| w.iter().zip(&b).map(|(w, b)| w.abs() * b).sum::<f64>();
            let (l, p) = (depth as f64, 1.0 - 2.0 / depth as f64); // at most 5
            let branches = if sign == Sign::Signed { 2.0 } else { 1.0 };
            let c = (branches * x0.iter().map(|x| x * x).sum::<f64>() / norm(&z.point)).powf(p);
            if c >= 1.0 {
                continue;
            }
            let saved = z.point.iter().map(|z| z.abs().powf(2.0 / l)).sum::<f64>() / norm(&z.point);
            let bound = 0.5 * l * (c - saved) / (1.0 - c);
            let gap = norm(&end.weights) / norm(&z.point) - 1.0;
            assert!(gap <= bound + 1e-11, "seed {seed}: {gap} {bound}");
            let start = Start::new(depth, sign == Sign::Signed, &x0);
            let least = norm(&z.point) * start.largest.powi(depth as i32 - 2);
            let found = start.epsilon(least, &z.point).unwrap();
            assert!(
                (found - bound).abs() <= 1e-9 * (1.0 + bound),
                "seed {seed}: {found} {bound}"
            );
            closest = closest.max(gap / bound);
            seen += 1;
        }
        assert!(seen > 40 && closest > 0.05, "{seen} {closest}");
    }

    #[test]
    fn it_needs_three_factors_and_a_start_that_is_not_uniform() {
        assert_eq!(verdict(NAME, &evidence()), "inapplicable");
        let uniform = |depth| {
            let problem = gaussian(4, 8, 1, Sign::Signed, 0.0, 5);
            let stop = LossBelow::relative(1e-6, &problem.measurements);
            integrated(problem, model(depth, Sign::Signed, 1e-2), 1e-8, vec![Box::new(stop)])
        };
        assert_eq!(verdict(NAME, &uniform(3)), "inapplicable");
        assert_eq!(verdict(NAME, &run(3, Sign::Signed, 1.0)), "inapplicable", "too large");
    }
}
