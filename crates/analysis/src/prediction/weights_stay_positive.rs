//! Factors that all start alike at x0 > 0 never reach zero, and with them the positive model's weights.
//!
//! x′ = x^{L−1} Aᵀr with x = 0 an equilibrium of each coordinate for L ≥ 2: by uniqueness no other solution arrives there in
//! finite time. (|x′/x| ≤ x^{L−2}|Aᵀr| is bounded on bounded times.) Factors that start differently may change their sign:
//! for L = 2 and x_1² − x_2² = c ≠ 0, w = (c/2) sinh(..) has any.
//!
//! Measured is −min x/x0 where the factors themselves are integrated; the logarithmic and the dual formulation have the
//! statement built in. Of a trajectory from elsewhere only w is known: −min w/max w in a positive model, while a signed w
//! tells nothing of u and v. Uncertainty: the integrator controls a factor relative to itself down to a hundredth of its
//! start, and absolutely below, so that zero is known to a hundredth of the promise, in units of the start.

use super::worst::Worst;
use super::{Prediction, Statement, UNITS, Verdict, allowance};
use crate::report::Evidence;

pub(super) struct WeightsStayPositive;

/// Below this share of its start a factor is controlled absolutely.
const ABSOLUTE_BELOW: f64 = 1e-2;

impl Prediction for WeightsStayPositive {
    fn name(&self) -> &'static str {
        "weights_stay_positive"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "x_k(t) > 0 (signed: u_k(t), v_k(t) > 0) in every coordinate at every t; positive model: w(t) > 0",
            hypotheses: "all factors start alike; the factors themselves are integrated (formulation: Factor), or the \
                         trajectory of a positive model comes from elsewhere",
            citation: "arXiv 2112.11027, Sect. 2; uniqueness of solutions at the equilibrium x = 0",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        if evidence.setting.start().is_none() {
            return Verdict::inapplicable("the factors do not all start alike, and may change their sign");
        }
        let common = UNITS * evidence.tolerance;
        let mut worst = Worst::new();
        let least = evidence.column("least_factor");
        if !least.is_empty() {
            for (row, &value) in least.iter().enumerate() {
                // errors add up over all steps since the start
                worst.see(-value * common / allowance(evidence, 0, row), evidence, row, "factor");
            }
            return Verdict::of(worst.against(0.0, ABSOLUTE_BELOW * common));
        }
        if evidence.integrals_with_flow {
            return Verdict::inapplicable(
                "this formulation has it built in (formulation: Factor integrates the factors)",
            );
        }
        if evidence.signed() {
            return Verdict::inapplicable("w alone does not tell the factors of a signed model");
        }
        for row in 0..evidence.len() {
            let Some(weights) = evidence.weights(row) else {
                return Verdict::inapplicable("the weights were not kept");
            };
            let largest = weights.iter().fold(0.0f64, |top, w| top.max(w.abs()));
            for w in weights {
                worst.see(-w / largest, evidence, row, "weight");
            }
        }
        Verdict::of(worst.against(0.0, common))
    }
}

#[cfg(test)]
mod tests {
    use hadaflow_core::event::TimeReached;
    use hadaflow_core::flow::Formulation;
    use hadaflow_core::initialization::{Initialization, Model, Sign};

    use super::super::testing::{evidence, gaussian, integrated_as, model, verdict};
    use super::*;

    const NAME: &str = "weights_stay_positive";

    fn run(model: Model, noise: f64) -> Evidence {
        let problem = gaussian(8, 16, 2, model.sign, noise, 5);
        let stop = TimeReached::new(300.0);
        integrated_as(Some(Formulation::Factor), problem, model, 1e-8, vec![Box::new(stop)])
    }

    /// Weights die out here, most of them by many orders of magnitude.
    #[test]
    fn dying_weights_stay_positive_and_a_negative_one_is_seen() {
        for (depth, sign, alpha) in [
            (2, Sign::Positive, 0.5),
            (3, Sign::Positive, 0.8),
            (2, Sign::Signed, 0.1),
            (4, Sign::Signed, 0.4),
        ] {
            let mut run = run(model(depth, sign, alpha), 0.5);
            assert_eq!(verdict(NAME, &run), "holds");
            let least = *run.columns["least_factor"].last().unwrap();
            assert!(least < 0.8, "L = {depth}, {sign:?}: {least}");
            run.columns.get_mut("least_factor").unwrap()[4] = -1e-6;
            assert_eq!(verdict(NAME, &run), "violated");
            run.columns.get_mut("least_factor").unwrap()[4] = f64::NAN;
            assert_eq!(verdict(NAME, &run), "violated");
        }
    }

    /// Two factors that start differently: w does change its sign, were it asked for.
    #[test]
    fn factors_that_start_differently_are_not_meant() {
        let model = Model {
            depth: 2,
            sign: Sign::Positive,
            initialization: Initialization::PerFactor(vec![0.5, 0.1]),
        };
        let run = run(model, 0.5);
        assert_eq!(verdict(NAME, &run), "inapplicable");
        assert!(*run.columns["least_factor"].last().unwrap() < -0.1);
    }

    #[test]
    fn what_is_built_in_is_not_confirmed() {
        let mut run = evidence();
        assert_eq!(verdict(NAME, &run), "inapplicable");
        run.integrals_with_flow = false;
        let mut trajectory = (*run.trajectory).clone();
        trajectory.weights = vec![1.0; run.len()];
        run.trajectory = std::sync::Arc::new(trajectory.clone());
        assert_eq!(verdict(NAME, &run), "holds");
        for bad in [-1.0, f64::NAN] {
            trajectory.weights[3] = bad;
            run.trajectory = std::sync::Arc::new(trajectory.clone());
            assert_eq!(verdict(NAME, &run), "violated");
        }
    }
}
