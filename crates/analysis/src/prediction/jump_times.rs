//! The times at which the flow of a small start jumps from saddle to saddle: in τ = t/T(α) they tend to those of the jump
//! process as α → 0 (see [`crate::reference::jump_process`] and [`super::vanishing`]).
//!
//! Measured is the time at which the loss crosses the arithmetic mean of its values at the saddles before and after a jump.
//! In the limit the loss is piecewise constant in τ, and any level strictly between the two is crossed at the jump; the
//! geometric mean is none where the last saddle fits y. Jumps by which the loss falls by less than 1 % of ½|y|² would be
//! blurred by what the weights off the support add, and are left out. Jumps that happen at one τ are one jump of the process.

use hadaflow_core::event::{Event, LossBelow, Marked, TimeReached};
use hadaflow_core::integrate::{Progress, Schedule};
use hadaflow_core::trajectory::Trajectory;

use super::vanishing::{Small, Vanishing, explored, falls, floor, tabulated};
use super::{Family, Kind, Prediction, Statement, Verdict};
use crate::reference::jump_process::{JumpProcess, Phase};
use crate::report::Evidence;

pub(super) struct JumpTimes;

/// Falls of the loss below this part of ½|y|² are left out.
const CLEAR: f64 = 1e-2;
/// In units of the last jump's time: what has not jumped by then is taken to jump then.
const HORIZON: f64 = 3.0;

/// A jump that is looked for.
struct Jump {
    tau: f64,
    level: f64,
}

impl Prediction for JumpTimes {
    fn name(&self) -> &'static str {
        "jump_times"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "t_k/T(α) → τ_k as α → 0 for the times τ_k of the limiting jump process",
            hypotheses: "factors that start alike; A stored; some weight is pulled; jumps that lower the loss by 1 % of \
                         ½|y|². L = 2: α = 1e-4 to 1e-64 in units of √W, L > 2: α^{L−2} = 1e-2 to 1e-5; the largest \
                         relative error falls like 1/T, or below 2 % (L > 2: 0.1 %)",
            citation: "arXiv 2304.00488 for L = 2; the same process for L > 2",
        }
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        tabulated(evidence, hypotheses, |small, jumps, family| {
            add_member(evidence, small, jumps, family, watch)
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

/// The start and the clear jumps, or the hypothesis that fails.
fn hypotheses(evidence: &Evidence) -> Result<(Vanishing, Vec<Jump>), String> {
    let vanishing = Vanishing::of(evidence)?;
    let process = vanishing.process(evidence)?;
    let jumps = clear_jumps(&process);
    if jumps.is_empty() {
        return Err("no jump of the process lowers the loss by 1 % of ½|y|²".into());
    }
    Ok((vanishing, jumps))
}

fn clear_jumps(process: &JumpProcess) -> Vec<Jump> {
    let loss = |phase: &Phase| 0.5 * phase.residual.iter().map(|r| r * r).sum::<f64>();
    let whole = process.phases.first().map_or(0.0, loss);
    let jumps = process.phases.windows(2).map(|pair| {
        let (before, after) = (loss(&pair[0]), loss(&pair[1]));
        let jump = Jump {
            tau: pair[1].tau,
            level: 0.5 * (before + after),
        };
        (before - after >= CLEAR * whole && whole > 0.0).then_some(jump)
    });
    jumps.flatten().collect()
}

/// One row for each jump.
fn add_member(
    evidence: &Evidence,
    small: &Small,
    jumps: &[Jump],
    family: &mut Family,
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Option<()> {
    let last = jumps.last()?;
    let mut events: Vec<Box<dyn Event>> = vec![
        Box::new(LossBelow::absolute(0.999 * last.level)), // just after the last mark
        Box::new(TimeReached::new(HORIZON * last.tau * small.time_unit)),
    ];
    for jump in jumps {
        events.push(Box::new(Marked(Box::new(LossBelow::absolute(jump.level)))));
    }
    let member = small.member(evidence, Schedule::Times(Vec::new()), events);
    let ending = member.integrate(&mut Trajectory::without_weights(), watch)?;
    for (k, jump) in jumps.iter().enumerate() {
        let name = LossBelow::absolute(jump.level).name();
        let mark = ending.marks.iter().find(|mark| mark.event == name);
        let tau = mark.map_or(ending.t, |mark| mark.t.hi) / small.time_unit;
        family.push(&[
            ("alpha", small.alpha),
            ("time_unit", small.time_unit),
            ("jump", (k + 1) as f64),
            ("tau_measured", tau),
            ("tau_predicted", jump.tau),
            ("error", (tau / jump.tau - 1.0).abs()),
            ("outcome", ending.outcome),
        ]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use hadaflow_core::initialization::{Initialization, Sign};

    use super::super::testing::{
        a_family_is_taken_seriously, altered, asked_again, begun, explored, fitted, matrix_free, measuring, model,
        verdict,
    };

    const NAME: &str = "jump_times";

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

    #[test]
    fn other_times_are_seen() {
        for depth in [2, 3] {
            let run = explored(NAME, fitted(depth, Sign::Signed));
            let family = run.families[NAME].clone();
            let (tau, predicted) = (family.column("tau_measured"), family.column("tau_predicted"));
            assert!(family.column("jump").contains(&2.0), "more than one jump");
            for factor in [0.5, 0.85, 1.15, 2.0] {
                let wrong = altered(run.clone(), NAME, "error", |row, error| {
                    *error = (factor * tau[row] / predicted[row] - 1.0).abs();
                });
                assert_eq!(verdict(NAME, &wrong), "violated", "depth {depth}, factor {factor}");
            }
        }
    }

    #[test]
    fn the_hypotheses_are_named() {
        let run = fitted(3, Sign::Signed);
        let still = asked_again(run.clone(), measuring(&run, vec![0.0; 8]), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, still)), "inapplicable", "y = 0");
        let free = asked_again(run, matrix_free(), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, free)), "inapplicable", "no matrix");
        let unequal = begun(3, Sign::Signed, Initialization::PerFactor(vec![0.1, 0.2, 0.1]));
        assert_eq!(verdict(NAME, &explored(NAME, unequal)), "inapplicable");
        let far: Vec<f64> = (0..14).map(|i| if i == 3 { 1e-20 } else { 0.1 }).collect();
        let spread = begun(4, Sign::Signed, Initialization::Vector(far));
        assert_eq!(verdict(NAME, &explored(NAME, spread)), "inapplicable");
    }
}
