//! Gradient descent against recursions written out by hand, its own exact laws, and the flow it approximates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::Arc;

use common::{
    Numbers, Run, distance, flow, flow_of, gaussian, largest, matrix_of, model, problem, run_to, task, worse,
};
use hadaflow_core::event::{CoordinateActive, Event, LossBelow, Marked, TimeReached};
use hadaflow_core::flow::{FactorFlow, Flow, Formulation, descent};
use hadaflow_core::initialization::{Initialization, Sign, Start};
use hadaflow_core::integrate::{GradientDescent, Integrator, Method, Schedule, Task};
use hadaflow_core::outcome::Outcome;
use hadaflow_core::problem::Problem;
use hadaflow_core::trajectory::Trajectory;
use nalgebra::{DMatrix, DVector, dmatrix};

/// Descends until the task ends or `patience` steps are done, then as if interrupted.
fn descend_at_most(task: &Task, step: f64, patience: usize) -> Run {
    let mut trajectory = Trajectory::new();
    let integration = GradientDescent::new(step)
        .unwrap()
        .integrate(task, &mut trajectory, &mut |progress| progress.steps < patience)
        .unwrap();
    Run {
        integration,
        trajectory,
        flow: task.flow.clone(),
    }
}

fn descend(task: &Task, step: f64) -> Run {
    descend_at_most(task, step, usize::MAX)
}

/// A task of so many steps, each recorded.
fn steps(flow: &Arc<dyn Flow>, count: usize) -> Task {
    let mut task = task(flow, 1e-8, Schedule::EveryStep);
    task.max_steps = count;
    task
}

/// Descent on the factors of an identical start.
fn identical(problem: &Problem, depth: usize, sign: Sign, alpha: f64) -> Arc<dyn Flow> {
    let model = model(depth, sign, Initialization::Identical(alpha));
    descent(problem, &model, 5).unwrap().flow
}

/// x ← x + ηx·a(y − ax²), by hand.
#[test]
fn one_coordinate_is_the_scalar_recursion() {
    let (a, y, alpha, eta) = (1.5, 3.0, 0.1, 0.037);
    let run = descend(
        &steps(&identical(&problem(&dmatrix![a], &[y]), 2, Sign::Positive, alpha), 40),
        eta,
    );
    assert_eq!(run.integration.outcome, Outcome::StepLimit);
    assert_eq!(run.trajectory.len(), 41);
    let (mut x, mut integral, mut q) = (alpha, 0.0, 0.0);
    for row in 0..=40 {
        let w = x * x;
        let r = y - a * w;
        // The recursion is stable: roundings do not grow, 40 steps of a few each stay below 1e-14.
        assert!((run.weights(row)[0] - w).abs() <= 1e-14 * w, "row {row}");
        let t = run.trajectory.t[row];
        assert_eq!(t.hi, row as f64 * eta, "row {row}");
        assert!(
            (run.trajectory.loss_integral[row].hi - integral).abs() <= 1e-14 * (1.0 + integral),
            "row {row}"
        );
        assert!((run.dual(row)[0] - q).abs() <= 1e-14 * (1.0 + q), "row {row}");
        let increment = run.trajectory.increments[row];
        let gained = if row == 0 {
            0.0
        } else {
            integral - run.trajectory.loss_integral[row - 1].hi
        };
        assert!((increment - gained).abs() <= 1e-14 * (1.0 + integral), "row {row}");
        integral += eta * 0.5 * r * r;
        q += eta * r;
        x += eta * x * a * r;
    }
}

/// The same steps with whole matrices and vectors, factor by factor.
fn naive(problem: &Problem, mut factors: Vec<DVector<f64>>, signed: bool, eta: f64, count: usize) -> DVector<f64> {
    let a = matrix_of(problem.operator.as_ref());
    let y = DVector::from_column_slice(&problem.measurements);
    let depth = if signed { factors.len() / 2 } else { factors.len() };
    let product = |factors: &[DVector<f64>], skip: usize| {
        let ones = DVector::from_element(factors[0].len(), 1.0);
        let others = factors.iter().enumerate().filter(|(k, _)| *k != skip);
        others.fold(ones, |p, (_, x)| p.component_mul(x))
    };
    let weights = |factors: &[DVector<f64>]| {
        let plus = product(&factors[..depth], usize::MAX);
        if signed {
            plus - product(&factors[depth..], usize::MAX)
        } else {
            plus
        }
    };
    for _ in 0..count {
        let gradient = a.transpose() * (&a * weights(&factors) - &y);
        let old = factors.clone();
        for (k, x) in factors.iter_mut().enumerate() {
            let (branch, sign) = if k < depth {
                (&old[..depth], 1.0)
            } else {
                (&old[depth..], -1.0)
            };
            *x -= eta * sign * product(branch, k % depth).component_mul(&gradient);
        }
    }
    weights(&factors)
}

#[test]
fn every_start_and_depth_takes_the_steps_of_the_definition() {
    let (m, n, eta) = (6, 9, 0.02);
    for depth in [2usize, 3, 5] {
        for sign in [Sign::Positive, Sign::Signed] {
            let problem = gaussian(m, n, 2, sign, 3);
            let signed = sign == Sign::Signed;
            let levels: Vec<f64> = (0..depth).map(|k| 0.4 + 0.1 * k as f64).collect();
            for initialization in [
                Initialization::Identical(0.5),
                Initialization::PerFactor(levels),
                Initialization::Random {
                    scale: 0.5,
                    spread: 0.3,
                },
            ] {
                let model = model(depth, sign, initialization);
                let start = |factors: &[Vec<f64>]| {
                    factors
                        .iter()
                        .map(|x| DVector::from_column_slice(x))
                        .collect::<Vec<_>>()
                };
                let factors = match model.start(n, 5).unwrap() {
                    Start::Identical(x0) => vec![DVector::from_vec(x0); if signed { 2 * depth } else { depth }],
                    Start::PerFactor(factors) if signed => [start(&factors), start(&factors)].concat(),
                    Start::PerFactor(factors) => start(&factors),
                    Start::Independent { plus, minus } => [start(&plus), start(&minus)].concat(),
                };
                let run = descend(&steps(&descent(&problem, &model, 5).unwrap().flow, 200), eta);
                let expected = naive(&problem, factors, signed, eta, 200);
                // Two orders of summation, 200 contracting steps.
                let error = distance(run.limit(), expected.as_slice());
                assert!(error <= 1e-12 * largest(run.limit()), "{model:?}: {error:e}");
            }
        }
    }
}

/// Factors that start alike are the same numbers for ever, even where they decay and rounding tears a solver's apart.
#[test]
fn identical_factors_stay_identical_to_the_last_bit() {
    let matrix = dmatrix![1.0, 0.5, 0.7, 0.2; 0.3, -1.0, 0.4, 0.9; -0.2, 0.6, 1.1, -0.5];
    for (depth, sign) in [
        (2, Sign::Positive),
        (3, Sign::Positive),
        (2, Sign::Signed),
        (5, Sign::Signed),
    ] {
        let flow = identical(&problem(&matrix, &[-0.3, 0.5, 0.8]), depth, sign, 0.3);
        let mut task = steps(&flow, 20_000);
        task.schedule = Schedule::LogSpaced(50);
        let run = descend(&task, 0.05);
        assert_eq!(run.integration.outcome, Outcome::StepLimit);
        for row in 0..run.trajectory.len() {
            let factors = flow.factors(run.state(row)).unwrap();
            for branch in factors.chunks_exact(depth) {
                assert!(
                    branch.iter().all(|x| x.to_bits() == branch[0].to_bits()),
                    "{depth} {branch:?}"
                );
            }
        }
    }
}

/// The worst | |u v| e^{−S} / α² − 1 | over a run.
fn product_residual(run: &Run, alpha: f64) -> f64 {
    let mut worst = 0.0;
    for row in 0..run.trajectory.len() {
        let state = run.state(row);
        let (x, logs) = (run.flow.factors(state).unwrap(), run.flow.shrinkage(state).unwrap());
        for (x, log) in x.chunks_exact(4).zip(logs) {
            let product = (x[0] / alpha) * (x[2] / alpha);
            worst = worse(worst, (product.abs() * (-log).exp() - 1.0).abs());
        }
    }
    worst
}

/// u v = α² ∏(1 − η²g²), at iterates and on the polygon between them, for gentle and for violent steps.
#[test]
fn the_product_of_u_and_v_shrinks_as_the_identity_says() {
    let problem = gaussian(12, 24, 2, Sign::Signed, 3);
    for (alpha, eta) in [(1e-3, 0.01), (0.1, 0.1), (0.5, 0.4)] {
        let flow = identical(&problem, 2, Sign::Signed, alpha);
        for schedule in [Schedule::EveryStep, Schedule::Times(vec![0.3, 1.234, 7.0, 15.77])] {
            let mut task = steps(&flow, 2000);
            task.schedule = schedule;
            task.events = vec![Box::new(TimeReached::new(16.0 + 0.3 * eta))];
            let run = descend(&task, eta);
            assert!(run.integration.outcome.is_stopped());
            let residual = product_residual(&run, alpha);
            // At most 1600 steps with two roundings each in u and v: 1600·4·1e-16.
            assert!(residual <= 1e-12, "α = {alpha}, η = {eta}: {residual:e}");
        }
    }
    // Where descent is not gentle the product really moves: the identity is no empty one.
    let run = descend(&steps(&identical(&problem, 2, Sign::Signed, 0.1), 200), 0.1);
    let logs = run.flow.shrinkage(run.state(200)).unwrap();
    assert!(logs.iter().any(|log| *log < -0.05), "{logs:?}");
    assert!(logs.iter().all(|log| *log <= 0.0), "{logs:?}");
}

/// η = 1/g annihilates a factor: descent is stuck there, and nothing is infinite.
#[test]
fn an_annihilated_factor_stays_zero() {
    let run = descend(
        &steps(&identical(&problem(&dmatrix![1.0], &[2.0]), 2, Sign::Signed, 1.0), 5),
        0.5,
    );
    assert_eq!(run.integration.outcome, Outcome::StepLimit);
    let state = run.state(1);
    assert_eq!(run.flow.factors(state).unwrap()[2], 0.0);
    assert!(run.flow.shrinkage(state).unwrap()[0] < -700.0);
    assert!(run.trajectory.state.iter().all(|x| x.is_finite()));
}

/// max |w_descent − w_flow| at fixed times halves with η.
#[test]
fn descent_converges_to_the_flow_at_first_order() {
    let times = [0.5, 1.0, 2.0, 4.0];
    for (depth, sign, alpha) in [
        (2, Sign::Signed, 0.05),
        (2, Sign::Positive, 0.1),
        (3, Sign::Signed, 0.3),
    ] {
        let problem = gaussian(8, 16, 2, sign, 4);
        let exact = run_to(
            &flow(&problem, depth, sign, alpha, Formulation::Factor),
            1e-11,
            Method::Bdf,
            &times,
        );
        let error = |eta: f64| {
            let mut task = task(
                &identical(&problem, depth, sign, alpha),
                1e-8,
                Schedule::Times(times.to_vec()),
            );
            task.events = vec![Box::new(TimeReached::new(4.0))];
            let run = descend(&task, eta);
            times
                .iter()
                .map(|&t| distance(&run.weights_at(t), &exact.weights_at(t)))
                .fold(0.0, worse)
        };
        let errors = [0.004, 0.002, 0.001].map(error);
        let ratios = [errors[0] / errors[1], errors[1] / errors[2]];
        println!("L = {depth} {sign:?}: {errors:?} {ratios:?}");
        // The ratio is 2 + O(η).
        assert!(ratios.iter().all(|r| (r - 2.0).abs() < 0.04), "{ratios:?}");
        assert!((ratios[1] - 2.0).abs() < 0.02, "{ratios:?}");
    }
}

/// A step beyond all bounds: an outcome, and the last record is finite.
#[test]
fn a_step_that_is_too_large_is_an_outcome() {
    for (depth, sign) in [
        (2, Sign::Positive),
        (2, Sign::Signed),
        (3, Sign::Signed),
        (7, Sign::Positive),
    ] {
        let problem = gaussian(6, 12, 2, sign, 1);
        for eta in [10.0, 1e3, 1e200, f64::MAX] {
            let run = descend(&steps(&identical(&problem, depth, sign, 0.5), 10_000), eta);
            assert_eq!(
                run.integration.outcome,
                Outcome::NotFinite,
                "L = {depth} {sign:?} η = {eta:e}"
            );
            assert!(run.trajectory.weights.iter().all(|w| w.is_finite()));
            assert!(run.integration.end.state.iter().all(|x| x.is_finite()));
        }
    }
}

/// A step a little too large neither converges nor diverges: x goes to and fro, and the step limit ends it.
#[test]
fn a_step_beyond_the_edge_goes_to_and_fro() {
    let mut task = steps(
        &identical(&problem(&dmatrix![1.0], &[1.0]), 2, Sign::Positive, 0.1),
        5000,
    );
    task.events = vec![Box::new(LossBelow::absolute(1e-12))];
    // At w = y = 1 the edge is 2/(2·1·1) = 1.
    let run = descend(&task, 1.1);
    assert_eq!(run.integration.outcome, Outcome::StepLimit);
    let [before, last] = [run.weights(4999)[0], run.weights(5000)[0]];
    assert!(
        (before - 1.0) * (last - 1.0) < 0.0 && (before - last).abs() > 0.1,
        "{before} {last}"
    );
    assert!(descend(&task, 0.9).integration.outcome.is_stopped());
}

/// Near its limit descent contracts below η_c = 2/(L λ_max(A diag(u^{2L−2} + v^{2L−2}) Aᵀ)) and leaves it above.
#[test]
fn the_edge_of_stability_is_where_the_formula_says() {
    for depth in [2usize, 3] {
        let problem = gaussian(5, 10, 2, Sign::Signed, 2);
        let mut task = task(
            &identical(&problem, depth, Sign::Signed, 0.4),
            1e-8,
            Schedule::LogSpaced(10),
        );
        task.max_steps = 2_000_000;
        task.events = vec![Box::new(LossBelow::absolute(1e-20))];
        let limit = descend(&task, 0.02);
        assert!(limit.integration.outcome.is_stopped());
        let factors = task.flow.factors(&limit.integration.end.state).unwrap();
        let power = 2 * depth as i32 - 2; // depth is small
        let d = DVector::from_iterator(
            10,
            factors
                .chunks_exact(2 * depth)
                .map(|x| x[0].powi(power) + x[depth].powi(power)),
        );
        let a = matrix_of(problem.operator.as_ref());
        let gram: DMatrix<f64> = &a * DMatrix::from_diagonal(&d) * a.transpose();
        let edge = 2.0 / (depth as f64 * gram.symmetric_eigenvalues().max());
        let mut numbers = Numbers::new(9);
        let mut nudge = |x: f64| x * (1.0 + 1e-6 * numbers.next());
        let branch: Vec<Vec<f64>> = (0..2)
            .map(|b| factors.chunks_exact(2 * depth).map(|x| nudge(x[b * depth])).collect())
            .collect();
        let start = Start::Independent {
            plus: vec![branch[0].clone(); depth],
            minus: vec![branch[1].clone(); depth],
        };
        let near: Arc<dyn Flow> = Arc::new(FactorFlow::new(problem.clone(), depth, Sign::Signed, &start).unwrap());
        let loss_ratio = |eta: f64| {
            let run = descend(&steps(&near, 200), eta);
            run.look(200).0.loss() / run.look(0).0.loss()
        };
        let (below, above) = (loss_ratio(0.97 * edge), loss_ratio(1.03 * edge));
        println!("L = {depth}: edge {edge}, {below:e} below, {above:e} above");
        // 200 steps multiply the leading mode of r by 0.94^200 = 4e-6 or 1.06^200 = 1e5, the loss by the squares.
        assert!(below < 1.0 && above > 1e4, "L = {depth}: {below:e} {above:e}");
    }
}

/// Interrupted and resumed, a run is the same run to the last bit.
#[test]
fn resumption_continues_the_same_numbers() {
    let problem = gaussian(8, 16, 2, Sign::Signed, 4);
    for depth in [2, 3] {
        let mut task = steps(&identical(&problem, depth, Sign::Signed, 0.1), 1000);
        task.mismatches = vec![problem.measurements.iter().map(|y| 0.1 * y).collect()];
        task.events = vec![
            Box::new(Marked(Box::new(LossBelow::relative(0.5, &problem.measurements)))),
            Box::new(TimeReached::new(24.3)),
        ];
        let whole = descend(&task, 0.05);
        assert!(whole.integration.outcome.is_stopped());
        let first = descend_at_most(&task, 0.05, 137);
        assert_eq!(first.integration.outcome, Outcome::Interrupted);
        assert_eq!(first.integration.end.steps, 137);
        task.resume = Some(first.integration.end.clone());
        let second = descend(&task, 0.05);
        assert_eq!(second.integration.end, whole.integration.end);
        let (a, b, c) = (&first.trajectory, &second.trajectory, &whole.trajectory);
        assert_eq!([&a.t[..], &b.t].concat(), c.t);
        assert_eq!([&a.state[..], &b.state].concat(), c.state);
        assert_eq!([&a.dual[..], &b.dual].concat(), c.dual);
        assert_eq!([&a.loss_integral[..], &b.loss_integral].concat(), c.loss_integral);
        assert_eq!([&a.increments[..], &b.increments].concat(), c.increments);
    }
}

/// t_k is kη to 32 digits, and a long run is recorded at most as often as asked, in increasing times.
#[test]
fn a_long_run_is_thinned_and_its_clock_is_exact() {
    let flow = identical(&gaussian(3, 6, 1, Sign::Signed, 4), 2, Sign::Signed, 0.1);
    let mut task = steps(&flow, 300_000);
    task.schedule = Schedule::LogSpaced(100);
    let run = descend(&task, 0.01);
    let records = run.trajectory.len();
    assert!((40..=103).contains(&records), "{records}");
    assert!(run.trajectory.t.windows(2).all(|pair| pair[1].minus(pair[0]) > 0.0));
    let end = run.integration.end.t;
    let eta = 0.01f64;
    // kη = hi + lo exactly, by a fused multiplication.
    let hi = 300_000.0 * eta;
    assert_eq!((end.hi, end.lo), (hi, 300_000f64.mul_add(eta, -hi)));
    // Increments add up to the integral, whatever was thinned out.
    let sum: f64 = run.trajectory.increments.iter().sum();
    let total = run.trajectory.loss_integral[records - 1].hi;
    assert!((sum - total).abs() <= 1e-13 * total, "{sum} {total}");
}

/// Coordinates of the truth become active one by one, each marked once, in order of time, and one that starts active at 0.
#[test]
fn marks_are_noted_on_the_way() {
    let problem = problem(&DMatrix::identity(3, 3), &[2.0, 1.0, 0.0]);
    let flow = identical(&problem, 2, Sign::Signed, 1e-3);
    let mut task = task(&flow, 1e-8, Schedule::LogSpaced(20));
    let active = |coordinate| {
        Box::new(Marked(Box::new(CoordinateActive::new(
            coordinate,
            0.5,
            hadaflow_core::event::Action::Stop,
        ))))
    };
    task.events = vec![
        active(2),
        active(1),
        active(0),
        Box::new(Marked(Box::new(LossBelow::absolute(100.0)))) as Box<dyn Event>,
        Box::new(TimeReached::new(12.0)),
    ];
    let eta = 0.01;
    let run = descend(&task, eta);
    let marks = &run.integration.end.marks;
    let names: Vec<&str> = marks.iter().map(|mark| mark.event.as_str()).collect();
    let name = |i: usize| format!("CoordinateActive(index: {i}, threshold: 5e-1)");
    assert_eq!(names, ["LossBelow(1e2)", &name(0), &name(1)]);
    assert_eq!(marks[0].t.hi, 0.0);
    for (mark, y) in marks[1..].iter().zip([2.0, 1.0]) {
        // w = y/(1 + (y/α² − 1)e^{−2yt}) reaches ½, to first order in η.
        let exact: f64 = (f64::ln(y * 1e6) - f64::ln(2.0 * y - 1.0)) / (2.0 * y);
        if y == 2.0 {
            assert!((mark.t.hi / exact - 1.0).abs() < 0.03, "{} {exact}", mark.t.hi);
        }
        let row = run.trajectory.t.iter().position(|t| t.hi > mark.t.hi).unwrap();
        let coordinate = if y == 2.0 { 0 } else { 1 };
        assert!(run.weights(row)[coordinate] >= 0.5 && run.weights(row - 1)[coordinate] <= 0.5);
    }
}

#[test]
fn other_formulations_and_steps_that_are_none_are_refused() {
    let problem = gaussian(4, 8, 1, Sign::Signed, 4);
    for formulation in [Formulation::Log, Formulation::Dual] {
        let flow = flow_of(
            &problem,
            &model(2, Sign::Signed, Initialization::Identical(0.1)),
            Some(formulation),
        );
        let refused =
            GradientDescent::new(0.1)
                .unwrap()
                .integrate(&steps(&flow, 5), &mut Trajectory::new(), &mut |_| true);
        assert!(refused.is_err());
    }
    for step in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(GradientDescent::new(step).is_err(), "{step}");
    }
}
