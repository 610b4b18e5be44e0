//! `Ndf` at sizes and tolerances where it reads A in single precision: it must not be seen, neither in w nor in how a run ends
//! and what it costs. `Bdf`, which is in double precision throughout, takes the same runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::{Arc, Mutex};

use common::{Run, Stepper, flow, gaussian, integrate, matrix_of, norm, problem, task, usual_stops};
use hadaflow_core::event::{Event, EventView, LossBelow, Marked};
use hadaflow_core::flow::{Evaluation, Flow, Formulation};
use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::{Method, Progress, Schedule};
use hadaflow_core::outcome::Outcome;
use hadaflow_core::problem::Problem;
use hadaflow_core::record::{Recorder, Snapshot};
use nalgebra::DVector;

const TOLERANCE: f64 = 1e-6;
const BOTH: [Stepper; 2] = [Stepper::Ndf, Stepper::Library(Method::Bdf)];

/// Both integrators to the usual stops, `Ndf` first; panics unless both stopped for the same reason after about the same
/// number of steps.
fn both(problem: &Problem, depth: usize, sign: Sign, alpha: f64) -> [Run; 2] {
    let flow = flow(problem, depth, sign, alpha, Formulation::Dual);
    let runs = BOTH.map(|stepper| {
        let mut task = task(&flow, TOLERANCE, Schedule::Times(times()));
        task.events = usual_stops(flow.as_ref());
        task.max_steps = 20_000;
        integrate(&task, stepper)
    });
    let label = format!("L = {depth} {sign:?} alpha = {alpha}");
    let [ours, theirs] = &runs;
    let (outcome, steps) = (&ours.integration.outcome, ours.integration.statistics.steps);
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{label}: {outcome:?}");
    assert_eq!(*outcome, theirs.integration.outcome, "{label}");
    // it takes fewer, as a rule
    let most = 3 * theirs.integration.statistics.steps / 2;
    assert!(steps <= most, "{label}: {steps} steps, Bdf {most}·2/3");
    runs
}

/// Log-spaced from 1e-2 to 1e12.
fn times() -> Vec<f64> {
    (0..70).map(|k| 1e-2 * 10f64.powf(0.2 * f64::from(k))).collect()
}

/// The largest difference of w at the times both have, in tolerances of max(|w|, t|w′|).
fn difference_of_paths([ours, theirs]: &[Run; 2]) -> f64 {
    let largest = |v: &[f64]| v.iter().fold(0.0f64, |a, x| a.max(x.abs()));
    let rows = ours.trajectory.len().min(theirs.trajectory.len()) - 1;
    (1..rows).fold(0.0, |worst: f64, row| {
        let t = ours.trajectory.t[row].hi;
        let other = theirs.row_at(t);
        let (a, b) = (ours.weights(row), theirs.weights(other));
        let apart = a.iter().zip(b).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
        let unit = TOLERANCE * largest(b).max(t * largest(&theirs.slopes(other)));
        worst.max(apart / unit)
    })
}

/// ‖w − w′‖/‖w′‖ at the end.
fn difference([ours, theirs]: &[Run; 2]) -> f64 {
    let end = |run: &Run| DVector::from_column_slice(run.limit());
    (end(ours) - end(theirs)).norm() / end(theirs).norm()
}

/// From a large start hardly any weight is small: what rounding does to the residual adds up over all columns.
#[test]
fn many_weights_of_one_size_do_not_hold_the_steps_up() {
    let data = gaussian(60, 400, 5, Sign::Positive, 3);
    for (depth, sign, alpha) in [(2, Sign::Positive, 0.3), (2, Sign::Signed, 1.0), (3, Sign::Signed, 0.3)] {
        let runs = both(&data, depth, sign, alpha);
        let (end, path) = (difference(&runs), difference_of_paths(&runs));
        assert!(end <= 1e-5, "L = {depth} {sign:?}: {end:e}");
        assert!(path <= 50.0, "L = {depth} {sign:?}: {path} tolerances");
    }
}

/// y = (in the range of A) + (orthogonal to it): r stays large, and Aᵀr, which decides when a run is at rest, vanishes.
#[test]
fn rest_is_found_where_y_is_out_of_reach() {
    let matrix_of = |problem: Problem| matrix_of(problem.operator.as_ref());
    let wide = matrix_of(gaussian(30, 200, 5, Sign::Positive, 4));
    let tall = matrix_of(gaussian(60, 30, 2, Sign::Positive, 5));
    let y: Vec<f64> = (0..60).map(|i| f64::from(i % 7) - 2.5).collect();
    let problem = problem(&(tall * wide), &y);
    for (sign, alpha) in [(Sign::Signed, 0.1), (Sign::Signed, 1e-6)] {
        let runs = both(&problem, 2, sign, alpha);
        let (end, path) = (difference(&runs), difference_of_paths(&runs));
        assert!(end <= 1e-4, "{sign:?} {alpha}: {end:e}");
        // 44 in double precision
        assert!(path <= 50.0, "{sign:?} {alpha}: {path} tolerances");
    }
}

/// A row of positive entries with a negative measurement: of the columns left at zero Aᵀr does not vanish.
#[test]
fn rest_is_found_where_no_weights_are_nonnegative() {
    let data = gaussian(60, 200, 5, Sign::Positive, 6);
    let mut matrix = matrix_of(data.operator.as_ref());
    matrix.row_mut(0).apply(|entry| *entry = entry.abs());
    let mut y = data.measurements.to_vec();
    y[0] = -y[0].abs();
    let problem = problem(&matrix, &y);
    for alpha in [0.1, 1e-3, 1e-6, 1e-12] {
        let runs = both(&problem, 2, Sign::Positive, alpha);
        let (end, path) = (difference(&runs), difference_of_paths(&runs));
        assert!(end <= 1e-4, "{alpha}: {end:e}");
        assert!(path <= 20.0, "{alpha}: {path} tolerances");
    }
}

/// A of 4 MiB in single precision: from there on one reading serves both products.
#[test]
fn a_long_matrix_is_read_once_a_step_and_gives_the_same() {
    let problem = gaussian(256, 4100, 10, Sign::Positive, 7);
    let runs = both(&problem, 2, Sign::Positive, 1e-3);
    let found = difference(&runs);
    assert!(found <= 1e-6, "{found:e}");
    let [ours, theirs] = &runs;
    let rows = ours.trajectory.len().min(theirs.trajectory.len()) - 1;
    let first = ours.look(0).0.loss();
    for row in 0..rows {
        let (t, loss) = (ours.trajectory.t[row].hi, ours.look(row).0.loss());
        let other = theirs.look(theirs.row_at(t)).0.loss();
        assert!((loss - other).abs() <= 2e-4 * first, "t = {t}: {loss:e} {other:e}");
    }
    // no more than an evaluation and a half for each step and record: otherwise the look ahead is in vain
    let statistics = &ours.integration.statistics;
    let most = 3 * (statistics.steps + ours.trajectory.len()) / 2;
    assert!(
        statistics.rhs <= most,
        "{} evaluations, {} steps",
        statistics.rhs,
        statistics.steps
    );
    assert!(norm(&ours.look(ours.trajectory.len() - 1).0.residual) <= 1e-5 * norm(&problem.measurements));
}

/// Compares what is recorded with what the flow itself says of the state.
struct Recomputed {
    flow: Arc<dyn Flow>,
    t: Vec<f64>,
    /// Largest relative difference of r and of w.
    worst: [f64; 2],
    /// ∫ℓ from the increments, and as it is recorded last.
    integral: [f64; 2],
}

impl Recorder for Recomputed {
    fn record(&mut self, snapshot: &Snapshot) {
        let problem = self.flow.problem();
        let mut exact = Evaluation::new(problem.rows(), problem.cols());
        self.flow.evaluate(snapshot.state, &mut exact);
        let apart = |a: &[f64], b: &[f64]| {
            let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
            norm(&difference) / norm(b)
        };
        let found = snapshot.evaluation;
        self.worst[0] = self.worst[0].max(apart(&found.residual, &exact.residual));
        self.worst[1] = self.worst[1].max(apart(&found.weights, &exact.weights));
        assert!((snapshot.loss / found.loss() - 1.0).abs() <= 1e-15);
        self.t.push(snapshot.t.hi);
        self.integral = [self.integral[0] + snapshot.increments[0], snapshot.loss_integral.hi];
    }

    fn retain(&mut self, keep: &[bool]) {
        assert_eq!(
            keep.len(),
            self.t.len(),
            "every record has arrived before it is dropped"
        );
        let mut keep = keep.iter();
        self.t.retain(|_| *keep.next().unwrap());
    }
}

/// Outputs wait for each other, over many steps, to share a reading of A; they are what they would be one by one.
#[test]
fn outputs_that_waited_are_those_of_their_times() {
    let problem = gaussian(60, 200, 5, Sign::Positive, 8);
    let flow = flow(&problem, 2, Sign::Positive, 1e-3, Formulation::Dual);
    let times: Vec<f64> = (0..61).map(|k| 1e-2 * 10f64.powf(0.1 * f64::from(k))).collect();
    let spaced = Schedule::LogSpaced(40);
    for (schedule, interrupted) in [
        (Schedule::Times(times.clone()), false),
        (spaced, false),
        (Schedule::EveryStep, true),
    ] {
        let mut task = task(&flow, TOLERANCE, schedule.clone());
        task.events = vec![Box::new(LossBelow::relative(1e-12, &problem.measurements))];
        let mut recorder = Recomputed {
            flow: flow.clone(),
            t: Vec::new(),
            worst: [0.0; 2],
            integral: [0.0; 2],
        };
        let mut goes_on = |progress: Progress| !(interrupted && progress.steps == 101);
        let integration = Stepper::Ndf
            .integrator()
            .integrate(&task, &mut recorder, &mut goes_on)
            .unwrap();
        let Recomputed { t, worst, integral, .. } = recorder;
        let end = integration.end.t.hi;
        assert!(
            t.windows(2).all(|pair| pair[0] < pair[1]) && t[0] == 0.0,
            "{schedule:?}: {t:?}"
        );
        assert_eq!(*t.last().unwrap(), end, "{schedule:?}");
        match &schedule {
            Schedule::Times(times) => assert_eq!(t.len(), times.iter().filter(|&&time| time < end).count() + 2),
            Schedule::LogSpaced(_) => assert!((15..=60).contains(&t.len()), "{} records", t.len()),
            Schedule::EveryStep => assert_eq!(t.len(), 102, "the start and every step before the interruption"),
        }
        // what s has drifted by is seen in w by less than the tolerance, and in r by less than a hundredth of it
        assert!(worst[0] <= 1e-2 && worst[1] <= TOLERANCE, "{schedule:?}: {worst:?}");
        assert!(
            (integral[0] / integral[1] - 1.0).abs() <= 1e-12,
            "{schedule:?}: {integral:?}"
        );
    }
}

/// Sees at every step whether the weights are those of s, for a start at `alpha`.
struct Watch {
    alpha: f64,
    worst: Arc<Mutex<f64>>,
}

impl Event for Watch {
    fn name(&self) -> String {
        "Watch".into()
    }

    fn value(&self, view: &EventView) -> f64 {
        let Evaluation { weights, adjoint, .. } = view.evaluation;
        let exact = |s: &f64| self.alpha.powi(2) * (2.0 * s).exp();
        let apart = weights.iter().zip(adjoint).map(|(w, s)| (w / exact(s) - 1.0).abs());
        let mut worst = self.worst.lock().unwrap();
        *worst = apart.fold(*worst, f64::max);
        1.0
    }
}

/// At the end of a step weights are formed only if an event asks for them.
#[test]
fn an_event_reads_the_weights_of_the_step() {
    let problem = gaussian(60, 200, 5, Sign::Positive, 8);
    let alpha = 1e-3;
    let flow = flow(&problem, 2, Sign::Positive, alpha, Formulation::Dual);
    let worst = Arc::new(Mutex::new(0.0));
    let watch = Watch {
        alpha,
        worst: worst.clone(),
    };
    let mut task = task(&flow, TOLERANCE, Schedule::EveryStep);
    task.events = vec![
        Box::new(LossBelow::relative(1e-12, &problem.measurements)),
        Box::new(Marked(Box::new(watch))),
    ];
    integrate(&task, Stepper::Ndf);
    let worst = *worst.lock().unwrap();
    assert!(worst <= 1e-13, "{worst:e}");
}
