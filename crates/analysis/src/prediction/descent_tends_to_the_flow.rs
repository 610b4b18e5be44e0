//! Gradient descent is the explicit Euler method for the flow, of first order: |w_GD(t; η) − w(t)| = Cη + O(η²) at a fixed
//! time t, so that halving the step halves the error [theory of one-step methods].
//!
//! The family descends from the run's start with steps η = t/N, t/(2N), t/(4N), t/(8N), and compares with the flow at times
//! on the way, which a figure shows, and at t, which is assessed. The time t is taken within the transient: the last step of the flow before the loss is down to half for which
//! t·ρ(t) ≤ 20, ρ the largest rate of any motion so far, relative rates of u^L and the bound max|∇w_i|²·λ_max(AAᵀ) of
//! the linearization's eigenvalues alike. N = ⌈50 tρ⌉ then keeps ηρ ≤ 1/50, far below the edge of stability,
//! with at most 1000 steps. So a start that waits for ever does not cost for ever: the comparison is made while it waits.

use std::cell::Cell;

use hadaflow_core::event::{Event, LossBelow, TimeReached};
use hadaflow_core::flow::{Evaluation, Flow, choose, descent};
use hadaflow_core::integrate::{GradientDescent, Integrator, Progress, Schedule, Task};
use hadaflow_core::mirror::Position;
use hadaflow_core::outcome::Outcome;
use hadaflow_core::record::{Recorder, Snapshot};
use hadaflow_core::trajectory::Trajectory;

use super::covariances_of_the_flow::largest_start;
use super::member::{Member, all_ended, code, has_no_members, without_members};
use super::{Family, Kind, Measurement, Prediction, Statement, Subject, Verdict, family};
use crate::report::Evidence;
use crate::stability::fastest_rate;

pub(super) struct DescentTendsToTheFlow;

/// Promise on the flow that descent is compared with.
const TOLERANCE: f64 = 1e-10;
/// Its error in units of the promise: as everywhere.
const FLOW_UNITS: f64 = 1e3;
/// Promise on the flow whose pace is watched.
const PACE: f64 = 1e-6;
/// Steps per unit of 1/ρ.
const FINE: f64 = 50.0;
/// Times at which the family is compared with the flow, at most.
const TIMES: u32 = 24;
/// t·ρ at most.
const LONG: f64 = 20.0;
/// How far from 2 the last ratio may be: O(ηρ) at ηρ = 1/400 with a constant of 20, as small errors of the clock grow near
/// a jump.
const ALLOWANCE: f64 = 0.05;

impl Prediction for DescentTendsToTheFlow {
    fn name(&self) -> &'static str {
        "descent_tends_to_the_flow"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn about(&self) -> Subject {
        Subject::Any
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "|w_GD(t; η) − w(t)| = Cη + O(η²): halving the step of descent halves its distance from the flow",
            hypotheses: "a start that moves; steps η, η/2, η/4, η/8 with η at most 1/50 of the fastest time scale; the last \
                         ratio is 2 ± 0.05",
            citation: "Euler's method is of first order",
        }
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        let mut family = Family::new();
        let Some((t, rate)) = time(evidence, watch)? else {
            return Some(without_members());
        };
        let coarse = (FINE * t * rate).ceil().max(4.0);
        let times = common_times(t, coarse);
        let (exact, ended) = flowed(evidence, &times, watch)?;
        let mut members = Vec::new();
        for halving in 0..4 {
            let steps = coarse * f64::from(1 << halving);
            let (found, outcome) = descended(evidence, t / steps, &times, watch)?;
            members.push((steps, found, if ended == 0.0 { outcome } else { ended }));
        }
        for (k, at) in times.iter().enumerate() {
            for (steps, found, outcome) in &members {
                let rounding = steps * evidence.depth() as f64 * f64::EPSILON * start_size(evidence);
                family.push(&[
                    ("step", t / steps),
                    ("t", *at),
                    ("distance", distance(&exact[k], &found[k])),
                    ("noise", FLOW_UNITS * TOLERANCE * size(&exact[k]) + rounding),
                    ("outcome", *outcome),
                ]);
            }
        }
        Some(family)
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let family = match family(self, evidence) {
            Ok(family) if has_no_members(family) => {
                return Verdict::inapplicable("the start does not move, or its transient is over within a step");
            }
            Ok(family) => family,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        match all_ended(family, "step") {
            Ok(()) => judge(family),
            Err(reason) => Verdict::inapplicable(reason),
        }
    }
}

/// The last ratio of distances, at the last time, against 2.
fn judge(family: &Family) -> Verdict {
    let [steps, distances, noises] = ["step", "distance", "noise"].map(|name| family.column(name));
    let ([.., coarse, fine], Some(noise)) = (distances, noises.last()) else {
        return Verdict::inapplicable("the table of its family is damaged");
    };
    let [.., twice, once] = steps else {
        return Verdict::inapplicable("the table of its family is damaged");
    };
    if *fine <= 10.0 * noise {
        return Verdict::inapplicable(format!(
            "descent with the finest step is {fine:.1e} from the flow, and both are known to {noise:.1e} only"
        ));
    }
    // error of order one: the ratio of distances is that of the steps
    let ratio = coarse / fine;
    Verdict::of(Measurement {
        measured: (ratio - twice / once).abs(),
        bound: 0.0,
        uncertainty: ALLOWANCE + 3.0 * noise / fine,
        place: format!("ratio {ratio:.4} of the distances with steps {twice:.3e} and {once:.3e}"),
    })
}

/// The run's start as a flow until one of the events.
fn flow(evidence: &Evidence, tolerance: f64, schedule: Schedule, events: Vec<Box<dyn Event>>) -> Member<'_> {
    Member {
        problem: evidence.setting.problem(),
        model: &evidence.setting.model,
        seed: evidence.setting.seed,
        formulation: None,
        tolerance,
        schedule,
        events,
    }
}

/// |u^L| + |v^L| at the start, as a vector of n entries: what the rounding of w is relative to where factors are rounded.
fn start_size(evidence: &Evidence) -> f64 {
    let power = largest_start(&evidence.setting.model.initialization).powi(evidence.depth() as i32); // depth <= 64
    2.0 * power * (evidence.setting.problem().cols() as f64).sqrt()
}

/// Times on the way to t that are whole numbers of the coarsest of `steps` steps, evenly spaced in log t; t is the last.
fn common_times(t: f64, steps: f64) -> Vec<f64> {
    let parts = f64::from(TIMES - 1);
    let mut counts: Vec<f64> = (0..TIMES).map(|k| steps.powf(f64::from(k) / parts).round()).collect();
    counts.dedup();
    counts.iter().map(|count| t * (count / steps)).collect()
}

/// |a − b|; NaN where one of them is missing.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return f64::NAN;
    }
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// |w|.
fn size(w: &[f64]) -> f64 {
    w.iter().map(|w| w * w).sum::<f64>().sqrt()
}

/// The weights at these times, the last of which ended the integration; none where they were not reached. The first
/// record is that of the start.
fn weights_at(trajectory: &Trajectory, times: &[f64], n: usize) -> Vec<Vec<f64>> {
    let last = trajectory.len().saturating_sub(1);
    let place = |k: usize| if k + 1 == times.len() { last } else { k + 1 };
    let row = |k: usize| {
        trajectory
            .weights_at(place(k), n)
            .map(<[f64]>::to_vec)
            .unwrap_or_default()
    };
    (0..times.len()).map(row).collect()
}

/// Where to record, and where to end.
fn itinerary(times: &[f64]) -> Option<(Schedule, Vec<Box<dyn Event>>)> {
    let (end, before) = times.split_last()?;
    Some((Schedule::Times(before.to_vec()), vec![Box::new(TimeReached::new(*end))]))
}

/// The weights of the flow at these times, and how it ended; `None` once `watch` returns false.
fn flowed(evidence: &Evidence, times: &[f64], watch: &mut dyn FnMut(Progress) -> bool) -> Option<(Vec<Vec<f64>>, f64)> {
    let (schedule, events) = itinerary(times)?;
    let mut trajectory = Trajectory::new();
    let ending = flow(evidence, TOLERANCE, schedule, events).integrate(&mut trajectory, watch)?;
    Some((
        weights_at(&trajectory, times, evidence.setting.problem().cols()),
        ending.outcome,
    ))
}

/// The time of comparison and ρ up to it; the inner `None` if nothing moves, the outer once `watch` returns false.
fn time(evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Option<(f64, f64)>> {
    let setting = &evidence.setting;
    let problem = setting.problem();
    let Ok(choice) = choose(problem, &setting.model, setting.seed, None, PACE) else {
        return Some(None);
    };
    let curvature = fastest_rate(problem.operator.as_ref(), &vec![1.0; problem.cols()]);
    let over = Cell::new(false);
    let mut transient = Transient::new(choice.flow.as_ref(), evidence.depth() as f64, curvature, &over);
    let first = transient.rate_at(&choice.flow.initial_state());
    if !(first > 0.0 && first.is_finite()) {
        return Some(None);
    }
    let mut evaluation = Evaluation::new(problem.rows(), problem.cols());
    choice.flow.evaluate(&choice.flow.initial_state(), &mut evaluation);
    let events: Vec<Box<dyn Event>> = vec![
        Box::new(LossBelow::absolute(0.5 * evaluation.loss())),
        Box::new(TimeReached::new(LONG / first)),
    ];
    let member = flow(evidence, PACE, Schedule::EveryStep, events);
    let ending = member.integrate(&mut transient, &mut |progress| !over.get() && watch(progress));
    if ending.is_none() && !over.get() {
        return None;
    }
    Some(transient.found)
}

/// Watches the pace of the flow, step by step.
struct Transient<'a> {
    flow: &'a dyn Flow,
    /// λ_max(AAᵀ).
    curvature: f64,
    /// L: w = u^L is as many times faster than u.
    depth: f64,
    rate: f64,
    found: Option<(f64, f64)>,
    /// Set when t·ρ has become too large.
    over: &'a Cell<bool>,
    squares: Vec<f64>,
    position: Position,
}

impl<'a> Transient<'a> {
    fn new(flow: &'a dyn Flow, depth: f64, curvature: f64, over: &'a Cell<bool>) -> Self {
        let n = flow.problem().cols();
        Self {
            flow,
            curvature,
            depth,
            rate: 0.0,
            found: None,
            over,
            squares: vec![0.0; n],
            position: Position::new(n, flow.signed()),
        }
    }

    /// The fastest rate at a state.
    fn rate_at(&mut self, state: &[f64]) -> f64 {
        let problem = self.flow.problem();
        let mut evaluation = Evaluation::new(problem.rows(), problem.cols());
        self.flow.evaluate(state, &mut evaluation);
        self.flow.position(state, &evaluation, &mut self.position);
        self.flow.mirror().inverse_metric(&self.position, &mut self.squares);
        let steepest = self.squares.iter().fold(0.0f64, |a, d| a.max(*d));
        (self.depth * self.flow.relative_rate(state, &evaluation)).max(steepest * self.curvature)
    }
}

impl Recorder for Transient<'_> {
    fn record(&mut self, snapshot: &Snapshot) {
        self.rate = self.rate.max(self.rate_at(snapshot.state));
        let t = snapshot.t.hi;
        if t * self.rate > LONG {
            self.over.set(true);
        } else if t > 0.0 && self.rate > 0.0 && !self.over.get() {
            self.found = Some((t, self.rate));
        }
    }

    fn retain(&mut self, _keep: &[bool]) {}
}

/// The weights that descent with this step has at these times (none where it does not come), and how it ended.
fn descended(
    evidence: &Evidence,
    step: f64,
    times: &[f64],
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Option<(Vec<Vec<f64>>, f64)> {
    let setting = &evidence.setting;
    let wrong = Some((vec![Vec::new(); times.len()], code("wrong_input")));
    let Ok(choice) = descent(setting.problem(), &setting.model, setting.seed) else {
        return wrong;
    };
    let (schedule, events) = itinerary(times)?;
    let task = Task {
        flow: choice.flow,
        tolerance: TOLERANCE,
        max_steps: 100_000,
        schedule,
        events,
        mismatches: Vec::new(),
        resume: None,
    };
    let mut trajectory = Trajectory::new();
    let method = GradientDescent::new(step).and_then(|method| method.integrate(&task, &mut trajectory, watch));
    let Ok(integration) = method else { return wrong };
    (integration.outcome != Outcome::Interrupted).then(|| {
        let weights = weights_at(&trajectory, times, setting.problem().cols());
        (weights, code(integration.outcome.kind()))
    })
}

#[cfg(test)]
mod tests {
    use hadaflow_core::initialization::{Initialization, Sign};

    use super::super::testing::{
        a_family_is_taken_seriously, altered, asked_again, begun, descended, explored, fitted, matrix_free, measuring,
        model, verdict,
    };

    const NAME: &str = "descent_tends_to_the_flow";

    #[test]
    fn it_holds_for_each_model_and_start() {
        let random = Initialization::Random {
            scale: 0.3,
            spread: 0.2,
        };
        for sign in [Sign::Signed, Sign::Positive] {
            for depth in [2, 3, 6] {
                a_family_is_taken_seriously(NAME, "distance", &fitted(depth, sign));
                for start in [
                    random.clone(),
                    Initialization::Identical(1e-4),
                    Initialization::Identical(4.0),
                ] {
                    let run = explored(NAME, begun(depth, sign, start));
                    assert_eq!(verdict(NAME, &run), "holds", "{depth} {sign:?} {:?}", run.families);
                }
            }
        }
        let descent = explored(NAME, descended());
        assert_eq!(verdict(NAME, &descent), "holds", "a run of descent has the same start");
        let free = asked_again(fitted(3, Sign::Signed), matrix_free(), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, free)), "holds", "no matrix is needed");
    }

    /// A method of second order, and one that tends to another flow.
    #[test]
    fn another_order_is_seen() {
        let run = explored(NAME, fitted(3, Sign::Signed));
        let family = run.families[NAME].clone();
        let (step, distance) = (family.column("step"), family.column("distance"));
        let second = altered(run.clone(), NAME, "distance", |row, d| {
            *d = (step[row] / step[0]).powi(2) * distance[distance.len() - 4]
        });
        assert_eq!(verdict(NAME, &second), "violated");
        let offset = 0.2 * distance[distance.len() - 1];
        assert_eq!(
            verdict(NAME, &altered(run, NAME, "distance", |_, d| *d += offset)),
            "violated"
        );
    }

    #[test]
    fn a_start_that_does_not_move_says_nothing() {
        let run = fitted(3, Sign::Signed);
        let still = asked_again(run.clone(), measuring(&run, vec![0.0; 8]), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, still)), "inapplicable", "y = 0");
    }

    /// u² − v² of factors near 1e6 has no digits left below 1e-4, and descent moves the factors themselves.
    #[test]
    fn rounding_is_no_distance() {
        for depth in [2, 3] {
            let large = explored(NAME, begun(depth, Sign::Signed, Initialization::Identical(1e6)));
            assert_eq!(verdict(NAME, &large), "inapplicable", "{:?}", large.families);
        }
    }
}
