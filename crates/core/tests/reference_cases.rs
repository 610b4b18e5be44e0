//! Trajectories and limits computed elsewhere in higher precision (`data/reference_cases.json`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::{Run, Stepper, WAYS, distance, dual_holds, flow, integrate, largest, norm, problem, run_to, task, worse};
use hadaflow_core::event::{LossBelow, Stationary};
use hadaflow_core::flow::Formulation;
use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Schedule;
use hadaflow_core::problem::Problem;
use nalgebra::DMatrix;
use serde_json::Value;

const TOLERANCE: f64 = 1e-10;
/// The references are good to 1e-11 or better; a run at 1e-10 accumulates and amplifies local errors by a few hundred.
const ALLOWED: f64 = 1e-7;

/// One entry of the file.
struct Case {
    name: String,
    depth: usize,
    sign: Sign,
    alpha: f64,
    problem: Problem,
    limit: Vec<f64>,
    /// Points z at which divergences are listed.
    points: Vec<Vec<f64>>,
    value: Value,
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn cases() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("data/reference_cases.json")).unwrap();
    let read = |value: &Value| {
        let size = |key: &str| value[key].as_u64().unwrap() as usize; // single digits
        let rows: Vec<f64> = value["A"].as_array().unwrap().iter().flat_map(numbers).collect();
        let matrix = DMatrix::from_row_slice(size("m"), size("n"), &rows);
        Case {
            name: value["name"].as_str().unwrap().into(),
            depth: size("L"),
            sign: if value["signed"].as_bool().unwrap() {
                Sign::Signed
            } else {
                Sign::Positive
            },
            alpha: value["alpha"].as_f64().unwrap(),
            problem: problem(&matrix, &numbers(&value["y"])),
            limit: numbers(&value["limit"]),
            points: value["z"]
                .as_array()
                .map_or(Vec::new(), |z| z.iter().map(numbers).collect()),
            value: value.clone(),
        }
    };
    file["cases"].as_array().unwrap().iter().map(read).collect()
}

/// The formulations that keep the tolerance in that case, and what integrates them.
fn ways(case: &Case) -> impl Iterator<Item = (Formulation, Stepper)> {
    let dual = dual_holds(case.depth, case.alpha, TOLERANCE);
    WAYS.into_iter().filter(move |(f, _)| *f != Formulation::Dual || dual)
}

#[test]
fn the_file_holds_the_nine_cases() {
    let cases = cases();
    assert_eq!(cases.len(), 9);
    assert_eq!(
        cases.iter().filter(|case| case.value["trajectory"].is_array()).count(),
        7
    );
}

/// Weights, loss, q, 2∫ℓ and divergences at every listed time, in every formulation.
#[test]
fn trajectories_agree_with_the_references() {
    let mut failures = Vec::new();
    for case in cases() {
        let Some(points) = case.value["trajectory"].as_array() else {
            continue;
        };
        let times: Vec<f64> = points.iter().map(|point| point["t"].as_f64().unwrap()).collect();
        for (formulation, stepper) in ways(&case) {
            let flow = flow(&case.problem, case.depth, case.sign, case.alpha, formulation);
            let run = run_to(&flow, TOLERANCE, stepper, &times);
            let mut worst = [0.0; 6];
            let start = numbers(&case.value["D_F_at_0"]);
            for (z, expected) in case.points.iter().zip(&start) {
                worst[4] = worse(worst[4], (run.divergence(z, false, 0) / expected - 1.0).abs());
            }
            for (point, &t) in points.iter().zip(&times) {
                for (worst, error) in worst.iter_mut().zip(errors(&case, &run, point, t)) {
                    *worst = worse(*worst, error);
                }
            }
            let line = format!(
                "{:<20} {:<15} w {:.1e}  loss {:.1e}  q {:.1e}  2∫ℓ {:.1e}  D {:.1e}  D_pair {:.1e}",
                case.name,
                format!("{formulation:?} {stepper:?}"),
                worst[0],
                worst[1],
                worst[2],
                worst[3],
                worst[4],
                worst[5]
            );
            println!("{line}");
            if !worst.iter().all(|&error| error <= ALLOWED) {
                failures.push(line);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Errors of (w, ℓ, q, 2∫ℓ, D_F, D_pair) at one time.
fn errors(case: &Case, run: &Run, point: &Value, t: f64) -> [f64; 6] {
    let row = run.row_at(t);
    let (w, q) = (numbers(&point["w"]), numbers(&point["q"]));
    let loss = point["loss"].as_f64().unwrap();
    let (evaluation, _) = run.look(row);
    // The loss is the square of the residual, of which an error δ|Aw| remains however small it has become.
    let y = norm(&case.problem.measurements);
    let loss_scale = loss.max(y * (2.0 * loss).sqrt());
    let integral = 2.0 * run.trajectory.loss_integral[row].hi;
    let divergences = |key: &str, pair: bool| {
        let Some(expected) = point[key].as_array() else {
            return 0.0;
        };
        let mirror = run.flow.mirror();
        let mut worst = 0.0;
        for (z, expected) in case.points.iter().zip(expected) {
            let expected = expected.as_f64().unwrap();
            let anchor = mirror.pair_anchor(z).unwrap();
            // D is a square near its minimum: an error δ of log u costs √(D ΣU²) δ (see `MirrorMap::size`).
            let scale = expected.max((expected * mirror.size(&anchor)).sqrt());
            worst = worse(worst, (run.divergence(z, pair, row) - expected).abs() / scale);
        }
        worst
    };
    [
        // An error of the clock of one tolerance moves w by t·w′.
        distance(run.weights(row), &w) / largest(&w).max(t * largest(&run.slopes(row))),
        (evaluation.loss() - loss).abs() / loss_scale,
        distance(run.dual(row), &q) / largest(&q),
        (integral / point["two_int_loss"].as_f64().unwrap() - 1.0).abs(),
        divergences("D_F", false),
        divergences("D_pair", true),
    ]
}

/// The limit, where the flow gets there: it runs until the loss is 1e-20 of the start's (a residual of 1e-10, as accurate as
/// the tolerance) or the flow is at rest to 1e-11. Slow directions may then be a few hundred times farther from the limit.
#[test]
fn limits_agree_with_the_references() {
    let mut failures = Vec::new();
    for case in cases() {
        for (formulation, stepper) in ways(&case) {
            let flow = flow(&case.problem, case.depth, case.sign, case.alpha, formulation);
            let mut task = task(&flow, TOLERANCE, Schedule::LogSpaced(50));
            task.events = vec![
                Box::new(LossBelow::relative(1e-20, &case.problem.measurements)),
                Box::new(Stationary::new(1e-11, case.sign == Sign::Signed, &case.problem)),
            ];
            task.max_steps = 50_000;
            let run = integrate(&task, stepper);
            let error = distance(run.limit(), &case.limit) / largest(&case.limit);
            let line = format!(
                "{:<20} {:<15} {:.1e} after {} steps at t = {:.3e}: {:?}",
                case.name,
                format!("{formulation:?} {stepper:?}"),
                error,
                run.integration.end.steps,
                run.integration.end.t.hi,
                run.integration.outcome
            );
            println!("{line}");
            if !(run.integration.outcome.is_stopped() && error <= ALLOWED) {
                failures.push(line);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
