//! The three formulations follow one trajectory, over depths, signs and starts from 1e-1 to 1e-60, and keep the divergence
//! identity. The table printed here (`cargo test -p hadaflow-core --test agreement -- --nocapture`) is the one in the book.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::{
    Run, Stepper, distance, dual_holds, flow, gaussian, integrate, largest, log_spaced, norm, task, usual_stops, worse,
};
use hadaflow_core::flow::{Formulation, time_unit};
use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::{Method, Schedule};
use hadaflow_core::problem::Problem;

const TOLERANCE: f64 = 1e-8;
/// A formulation and what integrates it.
type Way = (Formulation, Stepper);
const FACTOR: Way = (Formulation::Factor, Stepper::Library(Method::Bdf));
const LOG: Way = (Formulation::Log, Stepper::Library(Method::Bdf));
const DUAL: [Way; 2] = [
    (Formulation::Dual, Stepper::Library(Method::Bdf)),
    (Formulation::Dual, Stepper::Ndf),
];
const SIGNS: [Sign; 2] = [Sign::Positive, Sign::Signed];
/// Weights agree to this many tolerances of max(max|w|, t·max|w′|): local errors of some thousand steps, and t·w′ for the
/// shift of a jump that an early relative error causes.
const ACCUMULATION: f64 = 100.0;

/// Depths with starts; below 1e-12 only depth 2 has a clock worth running.
fn models() -> Vec<(usize, f64)> {
    let mut models = Vec::new();
    for depth in [2, 3, 4, 6] {
        models.extend([1e-1, 1e-3, 1e-6, 1e-12].map(|alpha| (depth, alpha)));
    }
    models.push((2, 1e-60));
    models
}

/// Runs to the usual stops, recording at the given times.
fn run(
    problem: &Problem,
    depth: usize,
    sign: Sign,
    alpha: f64,
    (formulation, stepper): Way,
    tolerance: f64,
    times: &[f64],
) -> Run {
    let flow = flow(problem, depth, sign, alpha, formulation);
    let schedule = if times.is_empty() {
        Schedule::LogSpaced(4)
    } else {
        Schedule::Times(times.to_vec())
    };
    let mut task = task(&flow, tolerance, schedule);
    task.max_steps = 50_000;
    task.events = usual_stops(flow.as_ref());
    let run = integrate(&task, stepper);
    let label = format!("L = {depth} {sign:?} alpha = {alpha:e} {formulation:?} {stepper:?}");
    assert!(
        run.integration.outcome.is_stopped(),
        "{label}: {:?}",
        run.integration.outcome
    );
    assert!(largest(&run.trajectory.weights).is_finite(), "{label}: not finite");
    let (evaluation, _) = run.look(run.trajectory.len() - 1);
    let misfit = norm(&evaluation.residual) / norm(&problem.measurements);
    assert!(misfit <= 1e-5, "{label}: |Aw - y|/|y| = {misfit:e}");
    run
}

/// Worst distance of two runs over the common times, in tolerances of max(max|w|, t·max|w′|).
fn disagreement(first: &Run, second: &Run, times: &[f64]) -> (f64, usize) {
    let end = first.integration.end.t.hi.min(second.integration.end.t.hi);
    let (mut worst, mut compared) = (0.0, 0);
    for &t in times.iter().filter(|t| **t <= end) {
        let row = first.row_at(t);
        let (w, other) = (first.weights(row), second.weights_at(t));
        let scale = largest(w).max(t * largest(&first.slopes(row)));
        worst = worse(worst, distance(w, &other) / (TOLERANCE * scale));
        compared += 1;
    }
    (worst, compared)
}

/// Log-spaced times from a thousandth of the time unit to the end of a run.
fn times_of(problem: &Problem, depth: usize, sign: Sign, alpha: f64) -> Vec<f64> {
    let scout = run(problem, depth, sign, alpha, LOG, 1e-4, &[]);
    let first = time_unit(depth, alpha) * 1e-3;
    let last = scout.integration.end.t.hi;
    log_spaced(first.min(1e-2 * last), last, 20)
}

#[test]
fn log_and_dual_flow_agree() {
    println!(
        "| L | sign | α | t at the end | log: steps, identity, per interval | dual: steps, identity, per interval | max|Δw| / (tol·scale) | Ndf: steps, identity, per interval | max|Δw| / (tol·scale) |\n|---|---|---|---|---|---|---|---|---|"
    );
    for (depth, alpha) in models() {
        for sign in SIGNS {
            let problem = gaussian(80, 200, 5, sign, 1);
            let times = times_of(&problem, depth, sign, alpha);
            let log = run(&problem, depth, sign, alpha, LOG, TOLERANCE, &times);
            let truth = problem.truth.as_deref().unwrap();
            let allowed = if depth == 2 { 1e-6 } else { 1e-5 };
            let describe = |run: &Run| {
                let identity = run.identity_residual(truth);
                let label = format!("L = {depth} {sign:?} alpha = {alpha:e} {:?}", run.flow.formulation());
                assert!(identity <= allowed, "{label}: identity residual {identity:e}");
                format!(
                    "{}, {identity:.0e}, {:.0e}",
                    run.integration.end.steps,
                    run.interval_residual(truth)
                )
            };
            let mut line = format!(
                "| {depth} | {sign:?} | {alpha:e} | {:.2e} | {} |",
                log.integration.end.t.hi,
                describe(&log)
            );
            if dual_holds(depth, alpha, TOLERANCE) {
                for way in DUAL {
                    let dual = run(&problem, depth, sign, alpha, way, TOLERANCE, &times);
                    let (worst, compared) = disagreement(&log, &dual, &times);
                    line += &format!(" {} | {worst:.1} |", describe(&dual));
                    assert!(compared >= 18, "only {compared} common times");
                    assert!(
                        worst <= ACCUMULATION,
                        "L = {depth} {sign:?} alpha = {alpha:e} {way:?}: {worst} tolerances"
                    );
                }
            } else {
                line += " – | – | – | – |";
            }
            println!("{line}");
        }
    }
}

#[test]
fn factor_and_log_flow_agree() {
    println!("| L | sign | α | factor: steps, identity | max|Δw| / (tol·scale) |\n|---|---|---|---|---|");
    for depth in [2usize, 3, 4] {
        for alpha in [1e-1, 1e-2, 1e-3, 1e-4] {
            for sign in SIGNS {
                let problem = gaussian(24, 60, 3, sign, 2);
                let times = times_of(&problem, depth, sign, alpha);
                let log = run(&problem, depth, sign, alpha, LOG, TOLERANCE, &times);
                let factor = run(&problem, depth, sign, alpha, FACTOR, TOLERANCE, &times);
                let identity = factor.identity_residual(problem.truth.as_deref().unwrap());
                let (worst, compared) = disagreement(&log, &factor, &times);
                let steps = factor.integration.end.steps;
                println!("| {depth} | {sign:?} | {alpha:e} | {steps}, {identity:.0e} | {worst:.1} |");
                assert!(compared >= 18, "only {compared} common times");
                assert!(
                    worst <= ACCUMULATION,
                    "L = {depth} {sign:?} alpha = {alpha:e}: {worst} tolerances"
                );
                assert!(
                    identity <= 1e-5,
                    "L = {depth} {sign:?} alpha = {alpha:e}: identity {identity:e}"
                );
            }
        }
    }
}

/// The identity holds the better the smaller the tolerance: a hundredth of the tolerance leaves at most a tenth.
#[test]
fn the_identity_follows_the_tolerance() {
    for (depth, alpha) in [(2usize, 1e-3), (2, 1e-12), (3, 1e-2), (4, 1e-3), (6, 1e-2)] {
        for sign in SIGNS {
            let problem = gaussian(24, 60, 3, sign, 2);
            let truth = problem.truth.as_deref().unwrap();
            let times = times_of(&problem, depth, sign, alpha);
            for way in [LOG, DUAL[0], DUAL[1]] {
                if way.0 == Formulation::Dual && !dual_holds(depth, alpha, 1e-10) {
                    continue;
                }
                let residual =
                    |tolerance: f64| run(&problem, depth, sign, alpha, way, tolerance, &times).identity_residual(truth);
                let [coarse, middle, fine] = [1e-6, 1e-8, 1e-10].map(residual);
                println!("L = {depth} {sign:?} alpha = {alpha:e} {way:?}: {coarse:.1e} {middle:.1e} {fine:.1e}");
                // The rounding of D and ∫ℓ themselves is the floor.
                let floor = 1e-12;
                assert!(
                    middle <= 0.1 * coarse + floor && fine <= 0.1 * middle + floor,
                    "{coarse:e} {middle:e} {fine:e}"
                );
            }
        }
    }
}
