//! Between its jumps the flow of a small start rests at the saddles of the jump process: w(τT(α)) → w_k as α → 0 for τ
//! between τ_k and τ_{k+1} (see [`crate::reference::jump_process`] and [`super::vanishing`]).
//!
//! Measured is max_i |w_i − w_{k,i}| at the middle of each plateau, in units of the largest weight of any saddle. The last
//! saddle rests for ever and is visited at 3/2 of the last jump's time. A plateau is left out if at its middle the limit
//! is not clear yet at these α: where |σ| of a weight that is not there is above 0.95, or that of one that has just come
//! would have grown to less than 1.05 (for L = 2 a weight of α^{2(1−|σ|)} W remains). That leaves out saddles with
//! dependent columns at their bounds, too, whose weights are not unique: the process gives weight to independent ones
//! only. Where the error comes from the weights off the support it falls like a power of α, faster than 1/T.

use hadaflow_core::event::TimeReached;
use hadaflow_core::integrate::{Progress, Schedule};
use hadaflow_core::trajectory::Trajectory;

use super::vanishing::{Small, Vanishing, explored, falls, floor, larger, tabulated};
use super::{Family, Kind, Prediction, Statement, Verdict};
use crate::reference::jump_process::{JumpProcess, Phase};
use crate::report::Evidence;

pub(super) struct SaddlesOfTheJumpProcess;

/// How far |σ| must be from 1 where it decides whether a weight is there: for L = 2 an e^{−2·0.05·T} of weight remains.
const CLEAR: f64 = 0.05;
/// When the last saddle is visited, in units of the last jump's time.
const AFTER: f64 = 1.5;

/// A saddle and when to look at it.
struct Visit {
    tau: f64,
    weights: Vec<f64>,
}

impl Prediction for SaddlesOfTheJumpProcess {
    fn name(&self) -> &'static str {
        "saddles_of_the_jump_process"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "w(τ T(α)) → w_k as α → 0 between the jumps at τ_k and τ_{k+1} of the limiting process",
            hypotheses: "factors that start alike; A stored; some weight is pulled; plateaus with |σ_i| off 1 by 0.05 at \
                         their middle wherever w_i = 0. L = 2: α = 1e-4 to 1e-64 in \
                         units of √W, L > 2: α^{L−2} = 1e-2 to 1e-5; the largest error, relative to the largest \
                         weight, falls like 1/T, or below 2 % (L > 2: 0.1 %)",
            citation: "arXiv 2304.00488 for L = 2; the same process for L > 2",
        }
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        tabulated(evidence, hypotheses, |small, visits, family| {
            add_member(evidence, small, visits, family, watch)
        })
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let family = match explored(self, evidence, hypotheses) {
            Ok(family) => family,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        Verdict::of(falls(family, "error", floor(evidence), 0.0))
    }
}

/// The start and the saddles to visit, or the hypothesis that fails.
fn hypotheses(evidence: &Evidence) -> Result<(Vanishing, Vec<Visit>), String> {
    let vanishing = Vanishing::of(evidence)?;
    let process = vanishing.process(evidence)?;
    let visits = visits(&process, evidence.signed());
    if visits.is_empty() {
        return Err("no saddle after the first jump has |σ| clear of 1 wherever a weight is 0".into());
    }
    Ok((vanishing, visits))
}

fn visits(process: &JumpProcess, signed: bool) -> Vec<Visit> {
    let nexts = process.phases.iter().skip(2).map(Some).chain([None]);
    let plateaus = process.phases.windows(2).zip(nexts);
    let clear = plateaus.filter_map(|(pair, next)| {
        let tau = next.map_or(AFTER * pair[1].tau, |next| 0.5 * (pair[1].tau + next.tau));
        is_clear(&pair[0], &pair[1], next, tau, signed).then(|| Visit {
            tau,
            weights: pair[1].weights.clone(),
        })
    });
    clear.collect()
}

/// Whether at τ, between `now` and `next`, every weight is either at its bound, and would be well beyond it had it gone on
/// as before, or well below it. (σ of the last saddle moves away from the bounds if at all.)
fn is_clear(before: &Phase, now: &Phase, next: Option<&Phase>, tau: f64, signed: bool) -> bool {
    let size = |s: f64| if signed { s.abs() } else { s };
    let share = next.map_or(0.0, |next| (tau - now.tau) / (next.tau - now.tau));
    (0..now.weights.len()).all(|i| {
        let s = now.sigma[i];
        let there = next.map_or(s, |next| s + share * (next.sigma[i] - s));
        let gone_on = s + (tau - now.tau) / (now.tau - before.tau) * (s - before.sigma[i]);
        match (now.weights[i] != 0.0, before.weights[i] != 0.0) {
            (true, true) => true,
            (true, false) => size(gone_on) >= 1.0 + CLEAR,
            (false, _) => size(there) <= 1.0 - CLEAR,
        }
    })
}

/// One row for each saddle.
fn add_member(
    evidence: &Evidence,
    small: &Small,
    visits: &[Visit],
    family: &mut Family,
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Option<()> {
    let n = evidence.setting.problem().cols();
    let times: Vec<f64> = visits.iter().map(|visit| visit.tau * small.time_unit).collect();
    let end = times.last()? * (1.0 + 1e-9);
    let member = small.member(evidence, Schedule::Times(times), vec![Box::new(TimeReached::new(end))]);
    let mut trajectory = Trajectory::new();
    let ending = member.integrate(&mut trajectory, watch)?;
    let size = |w: &[f64]| w.iter().fold(0.0f64, |a, w| a.max(w.abs()));
    let scale = visits.iter().map(|visit| size(&visit.weights)).fold(0.0, f64::max);
    for (k, visit) in visits.iter().enumerate() {
        // row 0 is the start
        let error = trajectory.weights_at(k + 1, n).map_or(f64::NAN, |weights| {
            let differences = weights.iter().zip(&visit.weights).map(|(w, z)| (w - z).abs());
            differences.fold(0.0, larger) / scale
        });
        family.push(&[
            ("alpha", small.alpha),
            ("time_unit", small.time_unit),
            ("saddle", (k + 1) as f64),
            ("tau", visit.tau),
            ("error", error),
            ("outcome", ending.outcome),
        ]);
    }
    Some(())
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
    use super::super::vanishing::Vanishing;
    use super::{Family, add_member, falls, hypotheses};

    const NAME: &str = "saddles_of_the_jump_process";

    #[test]
    fn it_holds_for_each_model_and_start() {
        for sign in [Sign::Signed, Sign::Positive] {
            for depth in [2, 3, 6] {
                a_family_is_taken_seriously(NAME, "error", &fitted(depth, sign));
            }
            let shape: Vec<f64> = (0..14).map(|i| 0.1 + 0.01 * f64::from(i)).collect();
            for depth in [2, 4] {
                let run = explored(NAME, begun(depth, sign, Initialization::Vector(shape.clone())));
                assert_eq!(
                    verdict(NAME, &run),
                    "holds",
                    "vector start, {depth} {sign:?} {:?}",
                    run.families
                );
            }
        }
    }

    /// The last saddle with its weights 5 % larger, and the saddles of a start of another shape.
    #[test]
    fn other_saddles_are_seen() {
        let run = fitted(3, Sign::Signed);
        let (vanishing, mut visits) = hypotheses(&run).unwrap();
        visits.last_mut().unwrap().weights.iter_mut().for_each(|w| *w *= 1.05);
        let mut family = Family::new();
        for small in vanishing.members() {
            add_member(&run, &small, &visits, &mut family, &mut |_| true).unwrap();
        }
        let result = falls(&family, "error", 1e-3, 0.0);
        assert!(result.margin() < 0.0, "{result:?}");
        let run = explored(NAME, run);
        let stuck = altered(run, NAME, "error", |_, error| *error = 0.01);
        assert_eq!(verdict(NAME, &stuck), "violated", "an error that does not fall");
    }

    #[test]
    fn the_hypotheses_are_named() {
        let run = fitted(3, Sign::Signed);
        let still = asked_again(run.clone(), measuring(&run, vec![0.0; 8]), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, still)), "inapplicable", "y = 0");
        let free = asked_again(run.clone(), matrix_free(), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, free)), "inapplicable", "no matrix");
        // every column twice: the weights of no saddle are unique
        let matrix = run.setting.matrix().unwrap();
        let twice = nalgebra::DMatrix::from_fn(8, 14, |i, j| matrix[(i, j / 2)]);
        let operator = Arc::new(DenseOperator::new(twice).unwrap());
        let problem = Problem::new(operator, run.setting.measurements().to_vec(), None, 0.0).unwrap();
        let double = asked_again(run, problem, model(3, Sign::Signed, 0.1));
        assert!(Vanishing::of(&double).is_ok());
        assert!(hypotheses(&double).err().unwrap().contains("clear of 1"));
        assert_eq!(verdict(NAME, &explored(NAME, double)), "inapplicable");
    }
}
