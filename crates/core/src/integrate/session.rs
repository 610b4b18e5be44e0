//! What happens at a step, whatever the integrator: events, records, the clock, and the limits.

use super::schedule::{Clockwork, Key};
use super::waiting::Waiting;
use super::{Checkpoint, Integration, Mark, Progress, Task};
use crate::event::{Action, EventView};
use crate::flow::{Evaluation, Flow};
use crate::mirror::{Anchor, Position};
use crate::outcome::{Outcome, Statistics};
use crate::profile::{self, Part};
use crate::record::Recorder;
use crate::special::DoubleDouble;
use crate::vectorized;

/// The clock restarts when τ exceeds this many steps: positions inside a step then keep 1e-10 of it.
const CLOCK_RATIO: f64 = 1e6;
/// The integrals restart when one step adds less than this fraction: its increment then keeps 1e-9 relative.
const INTEGRAL_RATIO: f64 = 2e-7;
/// An event is located to where its value is negative, but no further below zero than this.
const CROSSED: f64 = 1e-10;
/// At least this many steps between restarts, each of which costs the integrator its history.
const STEPS_BETWEEN_RESTARTS: usize = 60;

/// An integrator's continuous output over its last step (from, to] of the local clock.
pub trait DenseOutput {
    /// Local time at the end of the step.
    fn time(&self) -> f64;
    /// State at local time τ within the step.
    fn state(&self, tau: f64, out: &mut [f64]) -> bool;
    /// Integrals since the clock's last restart, at local time τ within the step.
    fn integrals(&self, tau: f64, out: &mut [f64]) -> bool;
    /// The evaluation at the end of the step, as accurate as the step itself; `storage` is there for one that is not at hand.
    fn evaluation<'a>(&'a self, storage: &'a mut Evaluation) -> &'a Evaluation;
    /// Begins the evaluation at local time τ within the step, where [`DenseOutput::state`] is `state`. Once completed, it is
    /// exact for that state up to rounding.
    fn begin_evaluation(&self, flow: &dyn Flow, _tau: f64, state: &[f64], out: &mut Evaluation) {
        flow.evaluate(state, out);
    }
    /// How many evaluations, of this step and of earlier ones, may wait for each other to be completed.
    fn together(&self) -> usize {
        1
    }
    /// Completes evaluations that were begun in this step or in earlier ones.
    fn complete(&self, _flow: &dyn Flow, _evaluations: &mut [Evaluation]) {}
}

/// What the integrator is to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Take another step.
    Continue,
    /// Start again from [`Session::state`] with the local clock and the integrals at zero.
    Restart,
    /// The run has ended.
    End(Outcome),
}

/// What happens at a step, whatever the integrator: events, records, the clock, and the limits.
///
/// The flow is autonomous, so the integrator runs on a *local* clock τ that starts again at 0 whenever the flow has become
/// fast compared with the time elapsed (t + h would lose digits: a jump of width 1 happens at t = 1e48) or the integrals
/// have become large compared with their present increments. Totals are kept in double-double.
pub struct Session<'a> {
    task: &'a Task,
    recorder: &'a mut dyn Recorder,
    control: &'a mut dyn FnMut(Progress) -> bool,
    base: DoubleDouble,
    integral_base: Vec<DoubleDouble>,
    /// Local integrals at the last record, and what they gained between that record and the last restart.
    recorded: Vec<f64>,
    carried: Vec<f64>,
    /// State at the last restart, then at the end.
    state: Vec<f64>,
    tau: f64,
    /// Local time at which `state` was taken.
    located: f64,
    /// Whether the clock has its zero at the beginning of each step: see [`Session::without_history`].
    memoryless: bool,
    steps_since_restart: usize,
    clockwork: Clockwork,
    keys: Vec<Key>,
    values: Vec<f64>,
    marks: Vec<Mark>,
    waiting: Waiting,
    last_recorded: Option<DoubleDouble>,
    /// Work counters; the integrator adds its own.
    pub statistics: Statistics,
    scratch: Scratch,
}

struct Scratch {
    state: Vec<f64>,
    integrals: Vec<f64>,
    evaluation: Evaluation,
    /// The state of which the evaluation is, to the last bit; empty if that is not known.
    evaluated: Vec<f64>,
    due: Vec<(f64, Key)>,
    values: Vec<f64>,
}

impl<'a> Session<'a> {
    /// A session at the start (or the checkpoint) of a task.
    pub fn new(task: &'a Task, recorder: &'a mut dyn Recorder, control: &'a mut dyn FnMut(Progress) -> bool) -> Self {
        let flow = &task.flow;
        let (m, n) = (flow.problem().operator.rows(), flow.problem().operator.cols());
        let outputs = outputs(task);
        let start = task.resume.clone().unwrap_or_else(|| Checkpoint {
            state: flow.initial_state(),
            integrals: vec![DoubleDouble::ZERO; outputs],
            ..Checkpoint::default()
        });
        let scratch = Scratch {
            state: start.state.clone(),
            integrals: vec![0.0; outputs],
            evaluation: Evaluation::new(m, n),
            evaluated: Vec::new(),
            due: Vec::new(),
            values: Vec::new(),
        };
        Self {
            task,
            recorder,
            control,
            base: start.t,
            integral_base: start.integrals,
            recorded: vec![0.0; outputs],
            carried: vec![0.0; outputs],
            state: start.state,
            tau: 0.0,
            located: 0.0,
            memoryless: false,
            steps_since_restart: 0,
            clockwork: Clockwork::new(task.schedule.clone(), 0.0),
            keys: Vec::new(),
            values: Vec::new(),
            marks: start.marks,
            waiting: Waiting::default(),
            last_recorded: None,
            statistics: Statistics {
                steps: start.steps,
                ..Statistics::default()
            },
            scratch,
        }
    }

    /// For an integrator without history, whose next step depends on the state alone: each step starts at local time 0
    /// from [`Session::state`], with integrals of its own step only, and no restart is ever asked for.
    ///
    /// The elapsed time is then a sum of steps in double-double and the integrals sums of the parts they are given,
    /// whether or not the run was interrupted on the way.
    pub fn without_history(mut self) -> Self {
        self.memoryless = true;
        self.clockwork.count_from_start();
        self
    }

    /// The task.
    pub fn task(&self) -> &'a Task {
        self.task
    }

    /// The state to start (or restart) from.
    pub fn state(&self) -> &[f64] {
        &self.state
    }

    /// After [`Session::begin`] and before the first step, the evaluation of the state to start from.
    pub fn evaluation(&self) -> &Evaluation {
        &self.scratch.evaluation
    }

    /// Records the initial state and checks the events there. `Some` if the run ends before its first step.
    pub fn begin(&mut self) -> Option<Outcome> {
        self.scratch.state.copy_from_slice(&self.state);
        self.evaluate_exactly();
        if let Some(outcome) = self.broken(&self.state, &self.scratch.evaluation) {
            return Some(outcome);
        }
        if self.memoryless {
            self.clockwork.restart(self.earliest_time());
        }
        self.measure_events_here(0.0);
        std::mem::swap(&mut self.values, &mut self.scratch.values);
        self.scratch.integrals.fill(0.0);
        if self.task.resume.is_none() {
            self.record_here();
            let held = (0..self.values.len()).filter(|&i| self.values[i] <= 0.0 && !self.stops(i));
            let mark = |i: usize| Mark {
                event: self.task.events[i].name(),
                t: self.base,
            };
            self.marks = held.map(mark).collect();
        }
        let fired = (0..self.values.len()).find(|&i| self.values[i] <= 0.0 && self.stops(i));
        fired.map(|i| Outcome::Stopped {
            event: self.task.events[i].name(),
        })
    }

    /// Where no first step is announced: a thousandth of the fastest relative time scale of the factors at the start.
    fn earliest_time(&self) -> f64 {
        let fastest = self.task.flow.relative_rate(&self.state, &self.scratch.evaluation);
        if fastest > 0.0 && fastest.is_finite() {
            1e-3 / fastest
        } else {
            1e-3
        }
    }

    /// Digest one accepted step.
    pub fn advance(&mut self, dense: &dyn DenseOutput) -> Verdict {
        let to = dense.time();
        let h = to - self.tau;
        self.statistics.steps += 1;
        self.steps_since_restart += 1;
        if !dense.state(to, &mut self.scratch.state) {
            return Verdict::End(Outcome::SolverFailure {
                message: "no interpolant at the end of a step".into(),
            });
        }
        let mut storage = std::mem::take(&mut self.scratch.evaluation);
        self.scratch.evaluated.clear();
        let evaluation = dense.evaluation(&mut storage);
        let loss = evaluation.loss();
        let broken = self.broken(&self.scratch.state, evaluation);
        if broken.is_none() {
            self.measure_events(to, evaluation);
        }
        self.scratch.evaluation = storage;
        if let Some(outcome) = broken {
            self.fall_back(dense);
            return Verdict::End(outcome);
        }
        if self.crossed().next().is_some() {
            self.evaluate_exactly();
            self.measure_events_here(to);
        }
        let values = std::mem::take(&mut self.scratch.values);
        let stop = self.locate(dense, to, &values);
        let end = stop.as_ref().map_or(to, |(tau, _)| *tau);
        profile::within(Part::Output, || self.record_due(dense, end));
        self.scratch.values = std::mem::replace(&mut self.values, values);
        self.tau = to;
        if let Some((tau, event)) = stop {
            self.release(dense);
            self.take_state(dense, tau);
            return Verdict::End(Outcome::Stopped { event });
        }
        let verdict = self.limits(dense, to, h, loss);
        if matches!(verdict, Verdict::End(_)) {
            self.release(dense);
        }
        if verdict != Verdict::Continue || self.memoryless {
            self.take_state(dense, to);
        }
        verdict
    }

    /// Step limit, interruption, and the restart of the clock.
    fn limits(&mut self, dense: &dyn DenseOutput, to: f64, h: f64, loss: f64) -> Verdict {
        let progress = Progress {
            t: self.base.plus(to).hi,
            loss,
            steps: self.statistics.steps,
        };
        if !(self.control)(progress) {
            return Verdict::End(Outcome::Interrupted);
        }
        if self.statistics.steps >= self.task.max_steps {
            return Verdict::End(Outcome::StepLimit);
        }
        if self.memoryless || self.steps_since_restart < STEPS_BETWEEN_RESTARTS {
            return Verdict::Continue;
        }
        let slow_clock = to > CLOCK_RATIO * h;
        let integral = if dense.integrals(to, &mut self.scratch.integrals) {
            self.scratch.integrals[0]
        } else {
            0.0
        };
        if slow_clock || (loss > 0.0 && loss * h < INTEGRAL_RATIO * integral) {
            return Verdict::Restart;
        }
        Verdict::Continue
    }

    /// The integrator failed after its last accepted step: the next segment starts from there.
    pub fn fall_back(&mut self, dense: &dyn DenseOutput) {
        self.release(dense);
        if self.tau > 0.0 {
            self.take_state(dense, self.tau);
        }
    }

    /// The integrator is about to start again from `state`: the local clock and integrals are zero from now on.
    ///
    /// Where even the trailing part of the clock cannot resolve the coming steps, the clock is moved up to the next
    /// double: by less than 1e-15 of t, far below what any tolerance promises for it.
    pub fn restarted(&mut self, first_step: f64) {
        if self.base.lo.abs() * f64::EPSILON > 1e-6 * first_step {
            let up = if self.base.lo > 0.0 {
                self.base.hi.next_up()
            } else {
                self.base.hi
            };
            self.base = DoubleDouble::new(up, 0.0);
        }
        self.steps_since_restart = 0;
        self.tau = 0.0;
        self.statistics.restarts += 1;
        self.clockwork.restart(first_step);
    }

    /// Ends the run: records the final state and hands out the result.
    pub fn finish(mut self, outcome: Outcome) -> Integration {
        // an integrator that gave up without a word about its last step
        let flow = self.task.flow.as_ref();
        self.waiting.release(flow, self.recorder, |records, evaluations| {
            for (record, evaluation) in records.iter().zip(evaluations) {
                flow.evaluate(&record.state, evaluation);
            }
        });
        self.scratch.integrals.fill(0.0);
        let state = self.state.clone();
        self.scratch.state.copy_from_slice(&state);
        if self.scratch.evaluated != state {
            self.task.flow.evaluate(&state, &mut self.scratch.evaluation);
        }
        // An event is located to 1e-13 of the local time: a record within that is the final one.
        let blur = 2e-13 * self.located;
        let already = self.last_recorded.is_some_and(|last| self.base.minus(last) <= blur);
        if !already {
            self.record_here();
        }
        let end = Checkpoint {
            t: self.base,
            state,
            integrals: self.integral_base.clone(),
            steps: self.statistics.steps,
            marks: self.marks,
        };
        Integration {
            outcome,
            end,
            statistics: self.statistics,
        }
    }

    /// Moves base, integrals and state to local time τ of the last step.
    fn take_state(&mut self, dense: &dyn DenseOutput, tau: f64) {
        let found = dense.state(tau, &mut self.scratch.state) && dense.integrals(tau, &mut self.scratch.integrals);
        // The interpolant of a step that ended in NaN is NaN at its beginning, too.
        if found && self.scratch.state.iter().all(|x| x.is_finite()) {
            self.state.copy_from_slice(&self.scratch.state);
            self.base = self.base.plus(tau);
            self.located = tau;
            for (i, &part) in self.scratch.integrals.iter().enumerate() {
                self.integral_base[i] = self.integral_base[i].plus(part);
                self.carried[i] += part - std::mem::take(&mut self.recorded[i]);
            }
        }
        self.tau = 0.0;
    }

    /// Not finite, or outside the domain of the mirror map.
    fn broken(&self, state: &[f64], evaluation: &Evaluation) -> Option<Outcome> {
        if !vectorized::all_finite(state) {
            return Some(Outcome::NotFinite);
        }
        let weights = &evaluation.weights;
        if !vectorized::all_finite(weights) {
            let coordinate = weights.iter().position(|w| !w.is_finite()).unwrap_or_default();
            return Some(Outcome::LeftDomain { coordinate });
        }
        if let Some(coordinate) = self.task.flow.left_domain(state) {
            return Some(Outcome::LeftDomain { coordinate });
        }
        (!evaluation.loss().is_finite()).then_some(Outcome::NotFinite)
    }

    fn stops(&self, event: usize) -> bool {
        self.task.events[event].action() == Action::Stop
    }

    /// Puts the values of the events at local time τ, where the flow has that evaluation, into `scratch.values`.
    fn measure_events(&mut self, tau: f64, evaluation: &Evaluation) {
        let values = &mut self.scratch.values;
        let view = EventView::new(self.base.plus(tau), self.task.flow.as_ref(), evaluation);
        values.clear();
        values.extend(self.task.events.iter().map(|event| event.value(&view)));
    }

    /// The same at `scratch.evaluation`.
    fn measure_events_here(&mut self, tau: f64) {
        let evaluation = std::mem::take(&mut self.scratch.evaluation);
        self.measure_events(tau, &evaluation);
        self.scratch.evaluation = evaluation;
    }

    /// The first stopping event within the step, with its local time; marks on the way are noted.
    fn locate(&mut self, dense: &dyn DenseOutput, to: f64, values: &[f64]) -> Option<(f64, String)> {
        let crossed = |i: &usize| self.values[*i] > 0.0 && values[*i] <= 0.0;
        let crossed: Vec<usize> = (0..values.len()).filter(crossed).collect();
        let mut found: Vec<(f64, usize)> = crossed
            .into_iter()
            .map(|i| (self.crossing(dense, to, i, values[i]), i))
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (tau, i) in found {
            let name = self.task.events[i].name();
            if self.stops(i) {
                return Some((tau, name));
            }
            self.marks.push(Mark {
                event: name,
                t: self.base.plus(tau),
            });
        }
        None
    }

    /// Illinois iteration for the sign change of event `i` in (self.tau, to]; returns a time at which it holds.
    fn crossing(&mut self, dense: &dyn DenseOutput, to: f64, i: usize, value: f64) -> f64 {
        if let Some(time) = self.task.events[i].time() {
            return DoubleDouble::new(time, 0.0).minus(self.base).clamp(self.tau, to);
        }
        let (mut low, mut high) = ((self.tau, self.values[i]), (to, value));
        let mut last = None;
        for iteration in 0..80 {
            let width = high.0 - low.0;
            if width <= 1e-13 * high.0 || high.1 == 0.0 {
                break;
            }
            // aimed at the middle of what is accepted
            let secant = high.0 - (high.1 + 0.5 * CROSSED) * width / (high.1 - low.1);
            let inside = secant > low.0 && secant < high.0;
            let middle = if inside && iteration % 4 != 3 {
                secant
            } else {
                0.5 * (low.0 + high.0)
            };
            if middle <= low.0 || middle >= high.0 || !dense.state(middle, &mut self.scratch.state) {
                break;
            }
            let now = self.event_at(i, middle);
            let side = now <= 0.0;
            if side {
                high = (middle, now);
                if now > -CROSSED {
                    break;
                }
            } else {
                low = (middle, now);
            }
            // an end that stays for a second time counts half, or it might stay for good
            if last == Some(side) {
                let stays = if side { &mut low.1 } else { &mut high.1 };
                *stays *= 0.5;
            }
            last = Some(side);
        }
        high.0
    }

    /// The events that changed sign between the last step and `scratch.values`.
    fn crossed(&self) -> impl Iterator<Item = usize> {
        let (before, now) = (&self.values, &self.scratch.values);
        (0..now.len()).filter(|&i| before[i] > 0.0 && now[i] <= 0.0)
    }

    /// The same of the very state, whatever the interpolant says: what an event says holds for the state that is handed on.
    fn evaluate_exactly(&mut self) {
        let Scratch {
            state,
            evaluation,
            evaluated,
            ..
        } = &mut self.scratch;
        self.task.flow.evaluate(state, evaluation);
        evaluated.clone_from(state);
        self.statistics.rhs += 1;
    }

    fn event_at(&mut self, i: usize, tau: f64) -> f64 {
        self.evaluate_exactly();
        let view = EventView::new(self.base.plus(tau), self.task.flow.as_ref(), &self.scratch.evaluation);
        self.task.events[i].value(&view)
    }

    /// Records what the schedule asks for in (self.tau, end].
    fn record_due(&mut self, dense: &dyn DenseOutput, end: f64) {
        let mut due = std::mem::take(&mut self.scratch.due);
        self.clockwork
            .due(self.base.hi, self.statistics.steps, self.tau, end, &mut due);
        for &(tau, key) in &due {
            if dense.state(tau, &mut self.scratch.state) && dense.integrals(tau, &mut self.scratch.integrals) {
                let flow = self.task.flow.as_ref();
                self.note(tau, key, |state, out| dense.begin_evaluation(flow, tau, state, out));
                self.statistics.rhs += 1;
                let keep = self.clockwork.thin(&self.keys);
                if keep.is_some() || self.waiting.count() >= dense.together() {
                    self.release(dense);
                }
                if let Some(keep) = keep {
                    self.recorder.retain(&keep);
                    let mut flags = keep.iter();
                    self.keys.retain(|_| flags.next().copied().unwrap_or(true));
                }
            }
        }
        self.scratch.due = due;
    }

    /// Records the state, integrals and evaluation in `scratch` at local time 0.
    fn record_here(&mut self) {
        let evaluation = std::mem::take(&mut self.scratch.evaluation);
        self.note(0.0, Key::Always, |_, out| out.copy_from(&evaluation));
        self.waiting.release(self.task.flow.as_ref(), self.recorder, |_, _| ());
        self.scratch.evaluation = evaluation;
    }

    /// Puts the state and integrals in `scratch` among the records that wait, with the evaluation that `begin` makes of the
    /// state.
    fn note(&mut self, tau: f64, key: Key, begin: impl FnOnce(&[f64], &mut Evaluation)) {
        let flow = self.task.flow.as_ref();
        let t = self.base.plus(tau);
        let Scratch { state, integrals, .. } = &self.scratch;
        let (record, evaluation) = self.waiting.next(flow);
        record.t = t;
        record.steps = self.statistics.steps;
        record.state.clone_from(state);
        let total = |i: usize| self.integral_base[i].plus(integrals[i]);
        let first_mismatch = integrals.len() - self.task.mismatches.len();
        record.loss_integral = total(0);
        record.dual.clear();
        record.dual.extend((1..first_mismatch).map(|i| total(i).hi));
        let gained = |i: usize| self.carried[i] + (integrals[i] - self.recorded[i]);
        record.increments.clear();
        record.increments.push(gained(0));
        record.increments.extend((first_mismatch..integrals.len()).map(gained));
        begin(state, evaluation);
        self.recorded.copy_from_slice(integrals);
        self.carried.fill(0.0);
        self.last_recorded = Some(t);
        self.keys.push(key);
    }

    /// Completes the records that wait and hands them to the recorder.
    fn release(&mut self, dense: &dyn DenseOutput) {
        let flow = self.task.flow.as_ref();
        profile::within(Part::Output, || {
            self.waiting
                .release(flow, self.recorder, |_, evaluations| dense.complete(flow, evaluations));
        });
    }
}

/// What is integrated: (ℓ, r unless the state is q, ⟨Aw − y, Aw − Az⟩ for each tracked z).
pub(super) fn integrands(flow: &dyn Flow, mismatches: &[Vec<f64>], evaluation: &Evaluation, out: &mut [f64]) {
    let r = &evaluation.residual;
    out[0] = evaluation.loss();
    let first_mismatch = out.len() - mismatches.len();
    if !flow.state_is_dual() {
        out[1..first_mismatch].copy_from_slice(r);
    }
    for (out, mismatch) in out[first_mismatch..].iter_mut().zip(mismatches) {
        *out = r.iter().zip(mismatch).map(|(r, e)| r * (r - e)).sum();
    }
}

/// Number of integrals of a task: ∫ℓ, ∫r (unless the state is q), one per mismatch.
pub(super) fn outputs(task: &Task) -> usize {
    let dual = if task.flow.state_is_dual() {
        0
    } else {
        task.flow.problem().operator.rows()
    };
    1 + dual + task.mismatches.len()
}

/// Absolute tolerance of ∫ℓ from zero on: what the first few steps h add to it, times the tolerance.
///
/// Only ∫ℓ is under error control. The others follow with the same steps and the same formula; components of r that
/// happen to vanish would only hold the steps up by their rounding errors. So would ∫ℓ itself once the loss is nothing
/// but rounding: it is asked for no more than a hundredth of ε² ΣU², by which an error ε of w blurs the divergence.
pub(super) fn integral_floor(flow: &dyn Flow, state: &[f64], evaluation: &Evaluation, h: f64, tolerance: f64) -> f64 {
    let mut position = Position::new(flow.problem().operator.cols(), flow.signed());
    flow.position(state, evaluation, &mut position);
    let here = Anchor {
        plus_weight: Vec::new(),
        minus_weight: Vec::new(),
        position,
    };
    let blur = 1e-2 * (flow.cancellation() * tolerance).powi(2) * flow.mirror().size(&here);
    // A factor that rounding has made negative has no logarithm: `max` then passes over the NaN.
    let first = 10.0 * tolerance * h * evaluation.loss();
    first.max(blur).max(f64::MIN_POSITIVE.sqrt())
}
