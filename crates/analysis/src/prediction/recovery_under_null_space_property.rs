//! Weights of nearly least ℓ1 norm are near every nearly sparse vector with the same measurements, where A has the null
//! space property.
//!
//! With r the constant of order s, r = max { |h_S|₁/|h_{S^c}|₁ : Ah = 0, h ≠ 0, |S| = s } < 1, and every solution w, x of
//! Az = y (Foucart, Rauhut, theorem 4.14; with it arXiv 2112.11027 turns small norms into recovery):
//!
//! ```text
//! ‖w − x‖₁ ≤ C (‖w‖₁ − ‖x‖₁ + 2σ_s(x)₁) ≤ C (gap + 2σ_s(x)₁),    C = (1 + r)/(1 − r),   gap = ‖w‖₁ − min ‖z‖₁ over Az = y
//! ```
//!
//! w is the limit of the flow, x the truth, s its number of nonzero entries (then σ_s = 0) or, where r of that order takes
//! too many linear programs, the largest order that does not; σ_s(x)₁ is the sum of all but the s largest |x_j|.
//!
//! Uncertainty: w_∞ is promised to 1e-12 of its size; x solves Az = y up to e, so that x + A⁺e does, at the distance
//! d = ‖A⁺e‖₁: that costs (1 + 3C)d, and what w_∞ leaves of the equation (no more than rounding can) (1 + C) times its own;
//! the gap is as uncertain as `least_l1` says, and multiplied by C.

use hadaflow_core::compensated::mismatch;
use hadaflow_core::initialization::Sign;

use super::least_l1::{Gap, gap_of_limit};
use super::limit::norm;
use super::{Measurement, Prediction, Statement, Verdict};
use crate::observable::affordable_matrix;
use crate::reference::{Computed, EXACT, End, NullSpaceConstant, Reference, least_norm, null_space_constant};
use crate::report::Evidence;

pub(super) struct RecoveryUnderNullSpaceProperty;

/// The largest number of linear programs spent on r. At n = 31 one takes 2 ms: they must not outlast the run by much.
const BUDGET: usize = 250;
/// The largest dimension, for the same reason.
const LARGEST: usize = 40;
/// The promised accuracy of a limit, relative.
const LIMIT: f64 = 1e-12;
/// r, by linear programs, is known to this.
const ACCURACY: f64 = 1e-9;

impl Prediction for RecoveryUnderNullSpaceProperty {
    fn name(&self) -> &'static str {
        "recovery_under_null_space_property"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "‖w_∞ − x‖₁ ≤ (1 + r)/(1 − r) · (gap + 2σ_s(x)₁), gap = ‖w_∞‖₁ − min ‖z‖₁ over Az = y \
                      (z ≥ 0 when positive), r the constant of the null space property of order s",
            hypotheses: "the truth x solves Az = y (to 1e-12 relative), x ≥ 0 when positive; r < 1, by at most 250 linear \
                         programs and n ≤ 40; the reference bregman_projection",
            citation: "Foucart, Rauhut, A Mathematical Introduction to Compressive Sensing, theorem 4.14; arXiv 2112.11027",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let truth = match truth(evidence) {
            Ok(truth) => truth,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let (end, gap) = match gap_of_limit(evidence) {
            Ok(found) => found,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        match null_space(evidence, &truth.point) {
            Ok((order, constant)) => match measure(evidence, truth, end, &gap, order, constant.constant) {
                Ok(measurement) => Verdict::of(measurement),
                Err(reason) => Verdict::inapplicable(reason),
            },
            Err(reason) => Verdict::inapplicable(reason),
        }
    }
}

/// The truth, where it solves Az = y within the domain.
fn truth(evidence: &Evidence) -> Result<&Reference, String> {
    let truth = evidence.references.iter().find(|reference| reference.name == "truth");
    let truth = truth.ok_or("there is no truth among the references")?;
    if !truth.is_exact() {
        return Err(format!(
            "|Ax - y|/|y| = {:.1e} for the truth: it is no solution",
            truth.relative_mismatch
        ));
    }
    if evidence.setting.model.sign == Sign::Positive && truth.point.iter().any(|x| *x < 0.0) {
        return Err("the truth has negative entries, which a positive model cannot represent".into());
    }
    Ok(truth)
}

/// An order and its constant, below 1.
fn null_space(evidence: &Evidence, truth: &[f64]) -> Result<(usize, NullSpaceConstant), String> {
    let a = affordable_matrix(evidence.setting.flow.as_ref())
        .filter(|a| a.ncols() <= LARGEST)
        .ok_or_else(|| format!("the null space property takes too many linear programs beyond n = {LARGEST}"))?;
    let sparsity = truth.iter().filter(|x| **x != 0.0).count();
    let mut reasons = String::new();
    for order in (1..=sparsity.max(1)).rev() {
        match null_space_constant(a, order, BUDGET) {
            Computed::Value(found) if found.constant < 1.0 - ACCURACY => return Ok((order, found)),
            Computed::Value(found) => {
                return Err(format!(
                    "A lacks the null space property of order {order}: r = {:.3}",
                    found.constant
                ));
            }
            Computed::Failed { reason } => reasons = reason,
        }
    }
    Err(reasons)
}

fn measure(
    evidence: &Evidence,
    truth: &Reference,
    end: &End,
    gap: &Gap,
    order: usize,
    constant: f64,
) -> Result<Measurement, String> {
    let a = evidence.setting.matrix().ok_or("A is not stored densely")?;
    let constant = constant + ACCURACY;
    let factor = (1.0 + constant) / (1.0 - constant);
    let y = evidence.setting.measurements();
    let correction = shortest_l1(a, &mismatch(a, &truth.point, y))?;
    let missed = mismatch(a, &end.weights, y);
    // a point that misses y by more than counts as a solution has no such excuse
    let excused = norm(&missed) <= EXACT * norm(y);
    let own = if excused { shortest_l1(a, &missed)? } else { 0.0 };
    let mut sizes: Vec<f64> = truth.point.iter().map(|x| x.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let tail: f64 = sizes.iter().skip(order).sum();
    let distance = end.weights.iter().zip(&truth.point).map(|(w, x)| (w - x).abs()).sum();
    let whole = truth.l1_norm + end.weights.iter().map(|w| w.abs()).sum::<f64>();
    Ok(Measurement {
        measured: distance,
        bound: factor * (gap.value + 2.0 * tail),
        uncertainty: factor * gap.uncertainty
            + (1.0 + 3.0 * factor) * correction
            + (1.0 + factor) * own
            + LIMIT * whole,
        place: format!("the limit, with r = {:.6} of order {order}", constant - ACCURACY),
    })
}

/// ‖A⁺e‖₁, for e however small.
fn shortest_l1(a: &nalgebra::DMatrix<f64>, e: &[f64]) -> Result<f64, String> {
    let size = norm(e);
    if size == 0.0 {
        return Ok(0.0);
    }
    let direction: Vec<f64> = e.iter().map(|e| e / size).collect();
    match least_norm(a, &direction) {
        Computed::Value(found) => Ok(size * found.point.iter().map(|h| h.abs()).sum::<f64>()),
        Computed::Failed { reason } => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use hadaflow_core::event::LossBelow;

    use super::super::testing::{evidence, gaussian, integrated, limits, model, verdict, with_limit_weights};
    use super::*;

    const NAME: &str = "recovery_under_null_space_property";

    fn run(m: usize, s: usize, depth: usize, sign: Sign, alpha: f64) -> Evidence {
        let problem = gaussian(m, 14, s, sign, 0.0, 3);
        let stop = LossBelow::relative(1e-6, &problem.measurements);
        integrated(problem, model(depth, sign, alpha), 1e-8, vec![Box::new(stop)])
    }

    #[test]
    fn a_limit_far_from_the_truth_is_seen() {
        for (depth, sign, alpha) in [
            (2, Sign::Signed, 1e-2),
            (2, Sign::Signed, 1e-10),
            (3, Sign::Signed, 0.1),
            (3, Sign::Positive, 1e-3),
        ] {
            let run = run(11, 1, depth, sign, alpha);
            assert_eq!(
                verdict(NAME, &run),
                "holds",
                "{:?}",
                RecoveryUnderNullSpaceProperty.assess(&run)
            );
            // a limit that is no solution: nothing in its norm tells
            let mut moved = run.clone();
            for limit in limits(&mut moved) {
                if let Computed::Value(end) = &mut limit.end {
                    let top = end.weights.iter().fold(0.0f64, |top, w| top.max(w.abs()));
                    end.weights
                        .iter_mut()
                        .filter(|w| w.abs() == top)
                        .for_each(|w| *w *= 0.5);
                }
            }
            assert_eq!(verdict(NAME, &moved), "violated", "L = {depth}");
            // another solution is farther, and its norm tells
            assert_eq!(verdict(NAME, &with_limit_weights(run, 1.0)), "holds", "L = {depth}");
        }
    }

    /// The bound is no overstatement: a constant C ten times smaller is refuted.
    #[test]
    fn the_constant_matters() {
        let run = run(11, 1, 2, Sign::Signed, 0.1);
        let Verdict::Holds(found) = RecoveryUnderNullSpaceProperty.assess(&run) else {
            panic!("{:?}", RecoveryUnderNullSpaceProperty.assess(&run));
        };
        assert!(found.measured > 0.1 * (found.bound + found.uncertainty), "{found:?}");
        assert!(found.uncertainty < 1e-7 * found.bound, "{found:?}");
    }

    #[test]
    fn it_needs_the_property_and_an_exact_truth() {
        let reason = |run: &Evidence| match RecoveryUnderNullSpaceProperty.assess(run) {
            Verdict::Inapplicable { reason } => reason,
            other => panic!("{other:?}"),
        };
        assert!(reason(&run(5, 4, 2, Sign::Signed, 1e-2)).contains("lacks the null space property"));
        assert!(reason(&evidence()).contains("bregman_projection"));
        let mut noisy = run(11, 1, 2, Sign::Signed, 1e-2);
        noisy.references[0].relative_mismatch = 1e-3;
        assert!(reason(&noisy).contains("no solution"));
        noisy.references.remove(0);
        assert!(reason(&noisy).contains("no truth"));
    }
}
