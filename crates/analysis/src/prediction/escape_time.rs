//! The time at which the flow leaves the saddle at 0: t_esc ≈ min_i T(x0_i)/|Aᵀy|_i.
//!
//! While w is far from y's reach, r ≈ y and s = Aᵀq ≈ tAᵀy. A weight is as large as W when s_i = T(x0_i): for L = 2
//! x0²e^{2s} = W at s = log(√W/x0), for L > 2 at the pole of w(s) = (x0^{2−L} − (L−2)s)^{−L/(L−2)}, x0^{2−L}/(L−2). What
//! happens at O(1) in s − T is O(1/T) of the time.
//!
//! Measured is the time at which the loss is down by a tenth of ½|y|², or by half of what the first coordinate alone
//! explains, cos²(a_i, y), if that is less. The limiting loss is piecewise constant and falls by at least cos² at the first
//! jump, so that any level in between will do.

use hadaflow_core::event::{Event, LossBelow, TimeReached};
use hadaflow_core::integrate::{Progress, Schedule};
use hadaflow_core::trajectory::Trajectory;
use nalgebra::DMatrix;

use super::vanishing::{Small, Vanishing, explored, falls, floor, pulls};
use super::{Family, Kind, Prediction, Statement, Verdict};
use crate::report::Evidence;

pub(super) struct EscapeTime;

/// The loss counts as down when it has fallen by this part of ½|y|².
const DOWN: f64 = 0.1;
/// In units of the prediction: a flow that has not escaped by then never will.
const HORIZON: f64 = 20.0;

impl Prediction for EscapeTime {
    fn name(&self) -> &'static str {
        "escape_time"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "t_esc·max_i|Aᵀy|_i/T(α) → 1 as α → 0, T = log(√W/α) for L = 2, α^{2−L}/(L−2) for L > 2 (positive: \
                      max_i (Aᵀy)_i; vector start: min_i T(x0_i)/|Aᵀy|_i)",
            hypotheses: "factors that start alike; some weight is pulled. L = 2: α = 1e-4 to 1e-64 in units of √W, L > 2: \
                         α^{L−2} = 1e-2 to 1e-5; the error falls like 1/T, or below 2 % (L > 2: 0.1 %)",
            citation: "linearization at 0; arXiv 2304.00488 for L = 2",
        }
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        let vanishing = Vanishing::of(evidence).ok()?;
        let pulls = pulls(&evidence.setting);
        let mut family = Family::new();
        for small in vanishing.members() {
            family.push(&escape(evidence, &vanishing, &small, &pulls, watch)?);
        }
        Some(family)
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let family = match explored(self, evidence, |_| Ok(())) {
            Ok(family) => family,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        Verdict::of(falls(family, "error", floor(evidence), 0.0))
    }
}

/// The row of one member.
fn escape(
    evidence: &Evidence,
    vanishing: &Vanishing,
    small: &Small,
    pulls: &[f64],
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Option<[(&'static str, f64); 6]> {
    let problem = evidence.setting.problem();
    let start = vanishing.start(small.alpha);
    let time = |i: usize| vanishing.time_unit(start[i]) / pulls[i].max(0.0);
    let first = (0..pulls.len()).fold(0, |best, i| if time(i) < time(best) { i } else { best });
    let predicted = time(first);
    let mut column = DMatrix::zeros(problem.rows(), 1);
    problem.operator.columns(&[first], &mut column);
    let half_square = 0.5 * problem.measurements.iter().map(|y| y * y).sum::<f64>();
    let explained = (pulls[first] / column.norm()).powi(2) / (2.0 * half_square);
    let level = (1.0 - DOWN.min(0.5 * explained)) * half_square;
    let events: Vec<Box<dyn Event>> = vec![
        Box::new(LossBelow::absolute(level)),
        Box::new(TimeReached::new(HORIZON * predicted)),
    ];
    let member = small.member(evidence, Schedule::Times(Vec::new()), events);
    let ending = member.integrate(&mut Trajectory::without_weights(), watch)?;
    Some([
        ("alpha", small.alpha),
        ("time_unit", small.time_unit),
        ("t_measured", ending.t),
        ("t_predicted", predicted),
        ("error", (ending.t / predicted - 1.0).abs()),
        ("outcome", ending.outcome),
    ])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hadaflow_core::initialization::{Initialization, Sign};
    use hadaflow_core::measurement::DenseOperator;
    use hadaflow_core::problem::Problem;

    use super::super::testing::{
        a_family_is_taken_seriously, altered, asked_again, begun, explored, fitted, matrix_free, measuring, model,
        verdict,
    };

    const NAME: &str = "escape_time";

    #[test]
    fn it_holds_for_each_model_and_start() {
        for sign in [Sign::Signed, Sign::Positive] {
            for depth in [2, 3, 6] {
                a_family_is_taken_seriously(NAME, "error", &fitted(depth, sign));
                let shape = (0..14).map(|i| 0.02 + 0.01 * f64::from(i)).collect();
                let run = explored(NAME, begun(depth, sign, Initialization::Vector(shape)));
                assert_eq!(
                    verdict(NAME, &run),
                    "holds",
                    "vector start, {depth} {sign:?} {:?}",
                    run.families
                );
            }
        }
    }

    #[test]
    fn a_wrong_time_unit_is_seen() {
        for depth in [2, 3] {
            let run = explored(NAME, fitted(depth, Sign::Signed));
            for factor in [0.5, 0.9, 1.1, 2.0] {
                let family = run.families[NAME].clone();
                let (t, predicted) = (family.column("t_measured"), family.column("t_predicted"));
                let wrong = altered(run.clone(), NAME, "error", |row, error| {
                    *error = (factor * t[row] / predicted[row] - 1.0).abs();
                });
                assert_eq!(verdict(NAME, &wrong), "violated", "depth {depth}, factor {factor}");
            }
        }
    }

    /// Other units of y and of A, y: the members are the same, seen in these units.
    #[test]
    fn the_family_does_not_depend_on_units() {
        let run = fitted(3, Sign::Signed);
        let errors = |problem: Problem| {
            let run = explored(NAME, asked_again(run.clone(), problem, model(3, Sign::Signed, 0.1)));
            run.families[NAME].column("error").to_vec()
        };
        let y = run.setting.measurements().to_vec();
        let scaled = |factor: f64| y.iter().map(|y| factor * y).collect::<Vec<f64>>();
        let plain = errors(measuring(&run, y.clone()));
        let matrix = run.setting.matrix().unwrap() * 1e-3;
        let operator = Arc::new(DenseOperator::new(matrix).unwrap());
        let both = Problem::new(operator, scaled(1e-3), None, 0.0).unwrap();
        for problem in [measuring(&run, scaled(1e6)), both] {
            for (a, b) in errors(problem).iter().zip(&plain) {
                assert!((a / b - 1.0).abs() < 1e-2, "{a} {b}");
            }
        }
    }

    #[test]
    fn the_hypotheses_are_named() {
        let run = fitted(3, Sign::Signed);
        let still = asked_again(run.clone(), measuring(&run, vec![0.0; 8]), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, still)), "inapplicable", "y = 0");
        let unequal = begun(3, Sign::Signed, Initialization::PerFactor(vec![0.1, 0.2, 0.1]));
        assert_eq!(verdict(NAME, &explored(NAME, unequal)), "inapplicable");
        let free = asked_again(run, matrix_free(), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, free)), "holds", "no matrix is needed");
    }
}
