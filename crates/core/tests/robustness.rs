//! Degenerate problems, every initialization, schedules, interruption and limits: a run ends as it says, and never calls
//! something finite or right that is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::Arc;

use common::{
    Numbers, Run, Stepper, WAYS, distance, flow, flow_of, gaussian, integrate, largest, matrix_of, model, norm,
    problem, run_to, task, usual_stops,
};
use hadaflow_core::event::{LossBelow, Stationary, TimeReached};
use hadaflow_core::flow::{Flow, Formulation, choose, residual_rounding};
use hadaflow_core::initialization::{Initialization, Sign};
use hadaflow_core::integrate::{Method, Schedule};
use hadaflow_core::measurement::{Rademacher, SubsampledDct};
use hadaflow_core::outcome::Outcome;
use hadaflow_core::problem::Problem;
use hadaflow_core::signal::{Magnitude, SparseSignal};
use hadaflow_core::trajectory::Trajectory;
use nalgebra::{DMatrix, DVector, dmatrix};

const SIGNS: [Sign; 2] = [Sign::Positive, Sign::Signed];
const TOLERANCE: f64 = 1e-8;

/// A run to the usual stops; panics unless it stopped with finite weights.
fn finish(flow: &Arc<dyn Flow>, stepper: impl Into<Stepper>) -> Run {
    let mut task = task(flow, TOLERANCE, Schedule::LogSpaced(60));
    task.events = usual_stops(flow.as_ref());
    task.max_steps = 40_000;
    let run = integrate(&task, stepper);
    assert!(run.integration.outcome.is_stopped(), "{:?}", run.integration.outcome);
    assert!(largest(&run.trajectory.weights).is_finite());
    run
}

fn stop_of(run: &Run) -> &str {
    match &run.integration.outcome {
        Outcome::Stopped { event } => event,
        other => panic!("{other:?}"),
    }
}

fn final_loss(run: &Run) -> f64 {
    run.look(run.trajectory.len() - 1).0.loss()
}

fn for_every_flow(
    problem: &Problem,
    models: &[(usize, f64)],
    mut test: impl FnMut(String, Sign, Arc<dyn Flow>, Stepper),
) {
    for &(depth, alpha) in models {
        for sign in SIGNS {
            for (formulation, stepper) in WAYS {
                let label = format!("L = {depth} {sign:?} {formulation:?} {stepper:?}");
                test(label, sign, flow(problem, depth, sign, alpha, formulation), stepper);
            }
        }
    }
}

#[test]
fn nothing_to_fit_ends_at_once() {
    let zero = Problem::new(gaussian(6, 15, 2, Sign::Signed, 1).operator, vec![0.0; 6], None, 0.0).unwrap();
    let sparse = gaussian(6, 15, 0, Sign::Signed, 1); // s = 0 measures nothing
    assert_eq!(sparse.measurements, [0.0; 6]);
    for problem in [zero, sparse] {
        for_every_flow(&problem, &[(2, 1e-3), (3, 0.1)], |label, _, flow, stepper| {
            let run = finish(&flow, stepper);
            assert_eq!(
                (run.integration.end.t.hi, run.integration.end.steps),
                (0.0, 0),
                "{label}"
            );
            assert_eq!(run.trajectory.len(), 1, "{label}");
        });
    }
}

/// Twin columns share one weight: w_2 = w_9 throughout, up to the tolerance.
#[test]
fn duplicate_columns_share_their_weight() {
    let plain = gaussian(10, 24, 3, Sign::Positive, 6);
    let mut matrix = matrix_of(plain.operator.as_ref());
    let support = plain.truth.as_ref().unwrap().iter().position(|&w| w != 0.0).unwrap();
    let twin = (support + 5) % 24;
    let column = matrix.column(support).clone_owned();
    matrix.set_column(twin, &column);
    let y = plain.measurements.clone();
    for_every_flow(
        &problem(&matrix, &y),
        &[(2, 1e-4), (3, 0.01), (5, 0.1)],
        |label, _, flow, stepper| {
            if label.contains("Dual") && flow.mirror().anchor(&[1.0; 24]).is_none() {
                return;
            }
            let run = finish(&flow, stepper);
            for row in 0..run.trajectory.len() {
                let w = run.weights(row);
                let split = (w[support] - w[twin]).abs();
                // Their difference is an unstable direction of no flow: it stays where the solver's error puts it.
                assert!(split <= 100.0 * TOLERANCE * largest(w), "{label} row {row}: {split:e}");
            }
            assert!(
                run.limit()[support] > 0.1,
                "{label}: the twins carry the signal together"
            );
        },
    );
}

/// Rank 3 with 6 rows, y outside the range: the flow rests at a least-squares solution, with a loss above zero.
#[test]
fn inconsistent_data_end_at_rest() {
    let mut numbers = Numbers::new(17);
    let (left, right) = (
        DMatrix::from_vec(6, 3, numbers.take(18)),
        DMatrix::from_vec(3, 10, numbers.take(30)),
    );
    let matrix = left * right;
    let y = numbers.take(6);
    // Least squares, by the SVD: the residual orthogonal to the range.
    let svd = matrix.clone().svd(true, true);
    let target = DVector::from_column_slice(&y);
    let best = (&matrix * svd.solve(&target, 1e-10).unwrap() - &target).norm_squared() / 2.0;
    assert!(best > 1e-3);
    for_every_flow(
        &problem(&matrix, &y),
        &[(2, 1e-2), (3, 0.1)],
        |label, sign, flow, stepper| {
            let run = finish(&flow, stepper);
            assert_eq!(stop_of(&run), "Stationary(1e-9)", "{label}");
            let loss = final_loss(&run);
            if sign == Sign::Signed {
                // ∇ℓ = 1e-9 leaves a loss above the minimum of order 1e-18; what remains is rounding.
                assert!(
                    (loss - best).abs() <= 1e-12 * best,
                    "{label}: loss {loss} instead of {best}"
                );
            } else {
                assert!(loss >= best * (1.0 - 1e-12), "{label}");
                check_nonnegative_optimality(&matrix, &y, run.limit(), &label);
            }
        },
    );
}

/// Karush–Kuhn–Tucker conditions of nonnegative least squares, to the tolerance of `Stationary(1e-9)` with some air.
fn check_nonnegative_optimality(matrix: &DMatrix<f64>, y: &[f64], w: &[f64], label: &str) {
    let gradient = matrix.transpose() * (matrix * DVector::from_column_slice(w) - DVector::from_column_slice(y));
    let scale = (matrix.transpose() * DVector::from_column_slice(y)).amax();
    for (g, w) in gradient.iter().zip(w) {
        assert!(*w >= 0.0 && *g >= -2e-9 * scale, "{label}: pull {g:e} at weight {w:e}");
        assert!(
            (g * w).abs() <= 2e-9 * scale * largest(&[1.0, *w]),
            "{label}: {g:e} at {w:e}"
        );
    }
}

/// As many rows as columns or more, one row, one column.
#[test]
fn extreme_shapes_are_solved() {
    for (m, n) in [(1usize, 1usize), (1, 7), (7, 1), (9, 9), (20, 6)] {
        let mut numbers = Numbers::new((10 * m + n) as u64);
        let matrix = DMatrix::from_vec(m, n, numbers.take(m * n));
        let truth = DVector::from_fn(n, |j, _| if j % 3 == 0 { 0.5 + 0.1 * j as f64 } else { 0.0 });
        let y = &matrix * &truth;
        for_every_flow(
            &problem(&matrix, y.as_slice()),
            &[(2, 0.05), (3, 0.2)],
            |label, _, flow, stepper| {
                let run = finish(&flow, stepper);
                let misfit = (&matrix * DVector::from_column_slice(run.limit()) - &y).norm() / y.norm();
                // Stationary(1e-9) bounds |Aᵀ(Aw − y)|; the misfit along the worst singular value (0.03 of the largest) more.
                assert!(misfit <= 1e-4, "{m} x {n} {label}: |Aw - y|/|y| = {misfit:e}");
            },
        );
    }
}

/// Every nonnegative combination of these columns has a positive first entry, and y_1 < 0.
#[test]
fn a_positive_model_without_a_solution_rests_above_zero() {
    let matrix = dmatrix![1.0, 0.5, 0.7, 0.2; 0.3, -1.0, 0.4, 0.9; -0.2, 0.6, 1.1, -0.5];
    let y = [-0.3, 0.5, 0.8];
    for (depth, alpha) in [(2usize, 1e-3), (3, 0.05), (4, 0.2)] {
        for (formulation, stepper) in WAYS {
            let flow = flow(&problem(&matrix, &y), depth, Sign::Positive, alpha, formulation);
            if (formulation, depth) == (Formulation::Factor, 2) {
                // Two factors that decay exponentially for ever lose each other in rounding: the run must say so.
                let mut task = task(&flow, TOLERANCE, Schedule::LogSpaced(60));
                task.events = usual_stops(flow.as_ref());
                let run = integrate(&task, stepper);
                assert!(
                    matches!(run.integration.outcome, Outcome::LeftDomain { .. }),
                    "{:?}",
                    run.integration.outcome
                );
                // The run ends where it was last sound, not where its clock was last restarted.
                assert!(run.integration.end.t.hi > 10.0 && run.trajectory.t.last() == Some(&run.integration.end.t));
                assert!(largest(&run.integration.end.state).is_finite());
                continue;
            }
            let run = finish(&flow, stepper);
            assert_eq!(stop_of(&run), "Stationary(1e-9)");
            assert!(final_loss(&run) > 0.5 * 0.3f64.powi(2));
            check_nonnegative_optimality(&matrix, &y, run.limit(), &format!("L = {depth} {formulation:?}"));
        }
    }
}

#[test]
fn ten_factors_keep_the_identity() {
    for sign in SIGNS {
        let problem = gaussian(12, 24, 3, sign, 4);
        for (formulation, stepper) in WAYS {
            for alpha in [0.3, 0.7] {
                if formulation == Formulation::Dual && !common::dual_holds(10, alpha, TOLERANCE) {
                    continue;
                }
                let run = finish(&flow(&problem, 10, sign, alpha, formulation), stepper);
                let identity = run.identity_residual(problem.truth.as_deref().unwrap());
                assert!(
                    identity <= 1e-5,
                    "{sign:?} {formulation:?} {stepper:?} {alpha}: {identity:e}"
                );
            }
        }
    }
}

/// x0 from 1e-6 to 1: entry by entry its own mirror map and its own time scale.
#[test]
fn vector_starts_of_very_different_size_agree() {
    let n = 24;
    let x0: Vec<f64> = (0..n)
        .map(|i| 10f64.powf(-6.0 * ((7 * i) % n) as f64 / (n - 1) as f64))
        .collect();
    assert!((largest(&x0) - 1.0).abs() < 1e-12 && x0.iter().any(|&x| x < 1.1e-6));
    for depth in [2, 3] {
        for sign in SIGNS {
            let problem = gaussian(12, n, 3, sign, 4);
            let truth = problem.truth.clone().unwrap();
            let model = model(depth, sign, Initialization::Vector(x0.clone()));
            let log = finish(&flow_of(&problem, &model, Some(Formulation::Log)), Method::Bdf);
            for (formulation, stepper) in WAYS {
                let run = finish(&flow_of(&problem, &model, Some(formulation)), stepper);
                let label = format!("L = {depth} {sign:?} {formulation:?}");
                let identity = run.identity_residual(&truth);
                assert!(identity <= 1e-5, "{label}: {identity:e}");
                let apart = distance(run.limit(), log.limit()) / largest(log.limit());
                // Both end at relative loss 1e-12, the times of which differ by the tolerance.
                assert!(apart <= 1e-6, "{label}: {apart:e}");
            }
        }
    }
}

/// Non-identical starts: x_j² − x_k² is conserved, and D(0) − D(t) = 2∫ℓ with the mirror map of these very factors.
#[test]
fn unequal_factors_conserve_their_differences_and_the_identity() {
    for depth in [2usize, 3, 4] {
        for sign in SIGNS {
            let problem = gaussian(12, 24, 3, sign, 4);
            let truth = problem.truth.clone().unwrap();
            let starts = [
                Initialization::PerFactor((0..depth).map(|k| 0.2 + 0.15 * k as f64).collect()),
                Initialization::Random {
                    scale: 0.3,
                    spread: 0.4,
                },
            ];
            for start in starts {
                let label = format!("L = {depth} {sign:?} {start:?}");
                let run = finish(&flow_of(&problem, &model(depth, sign, start), None), Method::Bdf);
                assert_eq!(run.flow.formulation(), Formulation::Factor);
                let first = run.flow.initial_state();
                for row in 0..run.trajectory.len() {
                    let coordinates = run.state(row).chunks_exact(depth).zip(first.chunks_exact(depth));
                    for (x, x0) in coordinates {
                        let size = x.iter().fold(0.0f64, |a, x| a.max(x * x));
                        for k in 1..depth {
                            let drift = (x[k].powi(2) - x[0].powi(2)) - (x0[k].powi(2) - x0[0].powi(2));
                            // Each factor is kept to tol/(2L) per step; errors of a thousand steps add up.
                            assert!(drift.abs() <= 100.0 * TOLERANCE * size, "{label} row {row}: {drift:e}");
                        }
                    }
                }
                let identity = run.identity_residual(&truth);
                assert!(identity <= 1e-5, "{label}: {identity:e}");
            }
        }
    }
}

/// A run that is interrupted, and continued from where it ended, agrees with the uninterrupted one.
#[test]
fn an_interrupted_run_can_be_resumed() {
    for (depth, alpha) in [(2usize, 1e-4), (3, 1e-2)] {
        let problem = gaussian(20, 50, 3, Sign::Signed, 4);
        for (formulation, stepper) in WAYS {
            let flow = flow(&problem, depth, Sign::Signed, alpha, formulation);
            let new_task = || {
                let mut task = task(&flow, TOLERANCE, Schedule::EveryStep);
                task.events = vec![Box::new(LossBelow::relative(1e-10, &problem.measurements))];
                task.mismatches = vec![vec![0.0; 20]];
                task
            };
            let whole = integrate(&new_task(), stepper);
            for stop in [1usize, 40, 150] {
                let mut trajectory = Trajectory::new();
                let first = stepper
                    .integrator()
                    .integrate(&new_task(), &mut trajectory, &mut |progress| progress.steps < stop)
                    .unwrap();
                assert_eq!((&first.outcome, first.end.steps), (&Outcome::Interrupted, stop));
                assert_eq!(trajectory.len(), stop + 1);
                let mut task = new_task();
                task.resume = Some(first.end.clone());
                let second = integrate(&task, stepper);
                assert_eq!(second.integration.outcome, whole.integration.outcome);
                assert!(second.integration.end.steps > stop);
                // Resuming does not repeat the record it starts from.
                assert!(second.trajectory.t[0].minus(first.end.t) > 0.0);
                let label = format!("L = {depth} {formulation:?} {stepper:?} after {stop}");
                // Both keep the tolerance; an early difference of one tolerance may shift the jumps.
                let apart = distance(second.limit(), whole.limit()) / largest(whole.limit());
                assert!(apart <= 100.0 * TOLERANCE, "{label}: weights {apart:e}");
                for (ours, theirs) in second
                    .integration
                    .end
                    .integrals
                    .iter()
                    .zip(&whole.integration.end.integrals)
                {
                    let scale = theirs.hi.abs().max(whole.integration.end.integrals[0].hi);
                    assert!(
                        (ours.hi - theirs.hi).abs() <= 100.0 * TOLERANCE * scale,
                        "{label}: an integral"
                    );
                }
                let clock = second.integration.end.t.minus(whole.integration.end.t) / whole.integration.end.t.hi;
                assert!(clock.abs() <= 1e-5, "{label}: ends {clock:e} later");
            }
        }
    }
}

#[test]
fn the_step_limit_is_an_outcome() {
    let problem = gaussian(12, 24, 3, Sign::Signed, 4);
    let library = [Method::Bdf, Method::Esdirk34, Method::TrBdf2, Method::Tsit45].map(Stepper::Library);
    for formulation in [Formulation::Factor, Formulation::Log, Formulation::Dual] {
        let methods = library.into_iter().chain([Stepper::Ndf]);
        for method in methods.filter(|method| method.serves(formulation)) {
            let flow = flow(&problem, 3, Sign::Signed, 0.05, formulation);
            let mut task = task(&flow, TOLERANCE, Schedule::EveryStep);
            task.max_steps = 17;
            let run = integrate(&task, method);
            assert_eq!(run.integration.outcome, Outcome::StepLimit);
            assert_eq!((run.integration.end.steps, run.integration.statistics.steps), (17, 17));
            assert_eq!(run.trajectory.len(), 18, "the start and every step");
        }
    }
}

/// Counts, order, and the sum of the increments for each schedule.
#[test]
fn schedules_record_what_they_say() {
    let problem = gaussian(20, 50, 3, Sign::Signed, 4);
    for (depth, alpha) in [(2usize, 1e-4), (3, 1e-2), (6, 1e-6)] {
        for (formulation, stepper) in WAYS {
            if formulation == Formulation::Factor {
                continue;
            }
            if formulation == Formulation::Dual && !common::dual_holds(depth, alpha, TOLERANCE) {
                continue;
            }
            let flow = flow(&problem, depth, Sign::Signed, alpha, formulation);
            let run = |schedule: Schedule| {
                let mut task = task(&flow, TOLERANCE, schedule);
                task.events = usual_stops(flow.as_ref());
                task.mismatches = vec![problem.measurements.iter().map(|y| 0.5 * y).collect()];
                integrate(&task, stepper)
            };
            let every = run(Schedule::EveryStep);
            assert!(
                every.integration.outcome.is_stopped(),
                "{:?}",
                every.integration.outcome
            );
            assert_eq!(every.trajectory.len(), every.integration.end.steps + 1);
            let end = every.integration.end.t.hi;
            let times: Vec<f64> = [1e-3, 0.1, 0.3, 0.30001, 0.9, 2.0].map(|part| part * end).to_vec();
            let timed = run(Schedule::Times([vec![0.0], times.clone()].concat()));
            // The start, the five times that are reached, and the end.
            assert_eq!(timed.trajectory.len(), 7);
            times[..5].iter().for_each(|&t| _ = timed.row_at(t));
            for count in [2usize, 10, 100, 1000] {
                let spaced = run(Schedule::LogSpaced(count));
                let records = spaced.trajectory.len();
                // The start and the end are kept besides, and one point of each kind per restart of the clock at most.
                assert!(records <= count + 6, "{records} records for LogSpaced({count})");
                // Thinning halves a kind at a time: at least a quarter of the budget is used, as far as there are steps.
                assert!(
                    records >= count.min(every.trajectory.len()) / 4,
                    "{records} for LogSpaced({count})"
                );
                check_records(&spaced);
            }
            check_records(&every);
            check_records(&timed);
        }
    }
}

/// Times increase strictly, and what the integrals gained between the records adds up to the integrals.
fn check_records(run: &Run) {
    let t = &run.trajectory;
    assert_eq!((t.t[0].hi, t.loss_integral[0].hi), (0.0, 0.0));
    for pair in t.t.windows(2) {
        let increases = pair[1].hi > pair[0].hi || (pair[1].hi == pair[0].hi && pair[1].lo > pair[0].lo);
        assert!(increases, "{:?} then {:?}", pair[0], pair[1]);
    }
    assert_eq!(*t.t.last().unwrap(), run.integration.end.t);
    let integrals = t.increments.len() / t.len();
    assert_eq!(integrals, 2);
    let last = run.integration.end.integrals.last().unwrap().hi;
    for (which, total) in [(0, t.loss_integral.last().unwrap().hi), (1, last)] {
        let sum: f64 = (0..t.len()).map(|row| t.increments[row * integrals + which]).sum();
        // A thousand roundings.
        assert!(
            (sum - total).abs() <= 1e-12 * total.abs(),
            "integral {which}: {sum} of {total}"
        );
    }
    // With a mismatch of y/2 the second integrand is ⟨r, r − y/2⟩ = 2ℓ − ⟨r, y⟩/2, where ∫r = q.
    let q = run.dual(t.len() - 1);
    let product: f64 = q.iter().zip(&run.flow.problem().measurements).map(|(q, y)| q * y).sum();
    let expected = 2.0 * t.loss_integral.last().unwrap().hi - 0.5 * product;
    assert!(
        (last - expected).abs() <= 1e-5 * product.abs(),
        "{last} against {expected}"
    );
}

/// The dual flow where the distance to its barrier is below rounding follows some other trajectory; the identity over
/// neighbouring records sees it, although the weights look fine.
#[test]
fn a_wrong_flow_breaks_the_identity_between_records() {
    let problem = gaussian(20, 50, 3, Sign::Signed, 4);
    let truth = problem.truth.as_deref().unwrap();
    let (depth, alpha) = (4, 1e-6);
    assert!(!common::dual_holds(depth, alpha, TOLERANCE));
    let residual = |formulation| {
        let flow = flow(&problem, depth, Sign::Signed, alpha, formulation);
        let mut task = task(&flow, TOLERANCE, Schedule::LogSpaced(200));
        task.events = usual_stops(flow.as_ref());
        task.max_steps = 20_000;
        let run = integrate(&task, Method::Bdf);
        println!("{formulation:?}: {:?}", run.integration.outcome);
        run.interval_residual(truth)
    };
    let (log, dual) = (residual(Formulation::Log), residual(Formulation::Dual));
    println!("per interval: log {log:e}, dual {dual:e}");
    assert!(log <= 1e-5, "{log:e}");
    // eps·α^{2−L} = 1e-3 relative in w.
    assert!(dual >= 1e-4 || dual.is_nan(), "{dual:e}");
}

/// A run past its convergence reaches its time: rounding noise of a loss that is zero must not hold up the clock.
#[test]
fn a_run_past_convergence_reaches_its_time() {
    for depth in [2usize, 3] {
        let problems = [
            problem(&dmatrix![1.5], &[3.0]),
            gaussian(20, 50, 3, Sign::Signed, 3),
            gaussian(5, 3, 2, Sign::Signed, 3),
        ];
        for problem in problems {
            for (formulation, stepper) in WAYS {
                for tolerance in [1e-4, 1e-6, 1e-8, 1e-10] {
                    let flow = flow(&problem, depth, Sign::Signed, 0.05, formulation);
                    for time in [1e2, 1e5, 1e8] {
                        let mut task = task(&flow, tolerance, Schedule::LogSpaced(20));
                        task.max_steps = 20_000;
                        task.events = vec![Box::new(TimeReached::new(time))];
                        let run = integrate(&task, stepper);
                        assert!(
                            run.integration.outcome.is_stopped(),
                            "{} x {} L = {depth} {formulation:?} tolerance {tolerance:e}: {:?} at {:e} of {time:e}",
                            problem.rows(),
                            problem.cols(),
                            run.integration.outcome,
                            run.integration.end.t.hi
                        );
                    }
                }
            }
        }
    }
}

/// The decades by which the loss or the clock leave the ordinary.
fn size_of_clock(a: f64, b: f64) -> f64 {
    let (matrix, measurements) = (a.log10(), b.log10());
    [measurements, matrix + measurements]
        .into_iter()
        .fold(0.0, |x: f64, y| x.max(y.abs()))
}

/// Data of absurd scale: whatever the outcome, a run that claims to have stopped has finite weights and has reached what
/// it claims, and its clock has moved.
#[test]
fn absurd_scales_never_pass_for_success() {
    let plain = gaussian(4, 9, 2, Sign::Positive, 4);
    let matrix = matrix_of(plain.operator.as_ref());
    for (a, b) in [
        (1.0, 1e150),
        (1.0, 1e-150),
        (1e150, 1.0),
        (1e-150, 1.0),
        (1e150, 1e150),
        (1e-150, 1e-150),
        (1.0, 1e-200),
        (1e100, 1e-100),
    ] {
        let scaled = &matrix * a;
        let y: Vec<f64> = plain.measurements.iter().map(|y| y * b).collect();
        let problem = problem(&scaled, &y);
        for depth in [2usize, 3] {
            for sign in SIGNS {
                for (formulation, stepper) in WAYS {
                    let model = model(depth, sign, Initialization::Identical(0.1));
                    let flow = match choose(&problem, &model, 5, Some(formulation), 1e-6) {
                        Ok(choice) => choice.flow,
                        Err(error) => {
                            // refused with a remedy; the scales one can do with are not
                            assert!(error.to_string().contains("choose another unit"), "{error}");
                            assert!(size_of_clock(a, b).abs() > 120.0, "A {a:e} y {b:e}: {error}");
                            continue;
                        }
                    };
                    let mut task = task(&flow, 1e-6, Schedule::LogSpaced(20));
                    task.events = usual_stops(flow.as_ref());
                    task.max_steps = 3000;
                    let run = integrate(&task, stepper);
                    let label = format!("A {a:e} y {b:e} L = {depth} {sign:?} {formulation:?}");
                    println!("{label}: {:?}", run.integration.outcome);
                    let Outcome::Stopped { event } = &run.integration.outcome else {
                        continue;
                    };
                    assert!(
                        largest(run.limit()).is_finite(),
                        "{label}: {event} with weights that are not finite"
                    );
                    let image = &scaled * DVector::from_column_slice(run.limit());
                    // Relative to the largest entry: the squares themselves may leave the range of a double.
                    let size = largest(&y);
                    let off: Vec<f64> = image.iter().zip(&y).map(|(image, y)| (image - y) / size).collect();
                    let misfit = norm(&off) / norm(&y.iter().map(|y| y / size).collect::<Vec<_>>());
                    if event.starts_with("RelativeLossBelow") {
                        assert!(misfit <= 1.01e-6, "{label}: {event}, but |Aw - y|/|y| = {misfit:e}");
                    } else {
                        let pull = scaled.transpose() * DVector::from_column_slice(&off);
                        let scale =
                            (scaled.transpose() * DVector::from_vec(y.iter().map(|y| y / size).collect())).amax();
                        let negative = pull.iter().fold(0.0f64, |a, g| a.max(-g)) / scale;
                        // beside weights that solve Aw = y by cancellation r is rounding, and no rest of it a pull
                        let l1: f64 = run.limit().iter().map(|w| w.abs()).sum();
                        let column = scaled.column_iter().fold(0.0f64, |a, c| a.max(c.norm()));
                        let rounding = residual_rounding(&problem) * l1 / size * (column / scale);
                        assert!(
                            negative <= 1e-8 + 2.0 * rounding,
                            "{label}: {event}, but a pull of {negative:e} remains"
                        );
                    }
                }
            }
        }
    }
}

/// A stop must not be taken for reached by a comparison with NaN: an event's value is a number at every record.
#[test]
fn event_values_are_numbers() {
    let problem = gaussian(12, 24, 3, Sign::Signed, 4);
    for (formulation, stepper) in WAYS {
        let flow = flow(&problem, 3, Sign::Signed, 0.05, formulation);
        let run = run_to(&flow, TOLERANCE, stepper, &[1.0, 100.0]);
        let events = usual_stops(flow.as_ref());
        for row in 0..run.trajectory.len() {
            let (evaluation, _) = run.look(row);
            let view = hadaflow_core::event::EventView::new(run.trajectory.t[row], flow.as_ref(), &evaluation);
            assert!(events.iter().all(|event| event.value(&view).is_finite()));
            // The cheap lower bound inside `Stationary` must not exceed the measure it stands for.
            let stationary = Stationary::new(1e-9, true, &problem);
            let mut pull = vec![0.0; 24];
            problem.operator.apply_adjoint(&problem.measurements, &mut pull);
            let exact = (largest(view.pull()) / (1e-9 * largest(&pull))).ln();
            use hadaflow_core::event::Event;
            assert!(
                stationary.value(&view) <= exact + 1e-12,
                "{} > {exact}",
                stationary.value(&view)
            );
        }
    }
}

/// A positive model that starts at weights of 1e17 ends at weights as large, which solve Aw = y by cancellation: r cannot
/// fall below the rounding of Aw, and the flow is at rest there. It used to run on, through rounding, to the step limit.
#[test]
fn weights_so_large_that_the_residual_is_rounding_are_at_rest() {
    for (depth, alpha, seed) in [(6, 800.0, 1), (7, 90.0, 2), (5, 8000.0, 3), (2, 1e6, 4)] {
        let problem = gaussian(5, 40, 3, Sign::Positive, seed);
        for (formulation, stepper) in WAYS {
            let flow = flow(&problem, depth, Sign::Positive, alpha, formulation);
            let mut task = task(&flow, TOLERANCE, Schedule::LogSpaced(50));
            task.events = usual_stops(flow.as_ref());
            task.max_steps = 20_000;
            let run = integrate(&task, stepper);
            let label = format!("L = {depth}, {formulation:?}: {:?}", run.integration.outcome);
            assert!(matches!(&run.integration.outcome, Outcome::Stopped { .. }), "{label}");
        }
    }
}

/// On a plateau of a deep model c is 1e17 or more: products with I + cA D Aᵀ keep no digit of the slow coordinates, with a
/// matrix or without one. The approach to a jump then took thousands of steps without a matrix.
#[test]
fn a_plateau_costs_no_more_steps_without_a_matrix() {
    for (m, n, s, depth, alpha, sign) in [(12, 20, 1, 5, 1e-7, Sign::Signed), (10, 30, 3, 4, 1e-8, Sign::Positive)] {
        let signal = SparseSignal {
            sparsity: s,
            magnitude: Magnitude::Uniform(0.5, 1.5),
        };
        let signed = sign == Sign::Signed;
        let free = Problem::synthetic(&SubsampledDct, m, n, &signal, signed, 0.05, 76).unwrap();
        let stored = problem(&matrix_of(free.operator.as_ref()), &free.measurements);
        let steps = [&free, &stored].map(|problem| {
            let flow = flow(problem, depth, sign, alpha, Formulation::Log);
            let mut task = task(&flow, 1e-6, Schedule::LogSpaced(50));
            task.events = usual_stops(flow.as_ref());
            task.max_steps = 20_000;
            let run = integrate(&task, Method::Bdf);
            println!(
                "{:?} {:?} {}",
                run.integration.outcome, run.integration.statistics, run.integration.end.t.hi
            );
            run.integration.statistics.steps
        });
        println!("L = {depth}, alpha = {alpha:e}: {steps:?} steps");
        assert!(steps[0] < 2 * steps[1], "{steps:?}");
    }
}

/// Columns of ±1 with more of them active than there are measurements: copies, and sets that depend on each other. The
/// rounding of Aᵀr times a step of 1e17 used to move weight between them, and the runs ended at the step limit.
#[test]
fn weight_does_not_wander_between_dependent_columns() {
    for (m, n, depth, alpha, sign, seed) in [
        (3, 30, 5, 1e-7, Sign::Positive, 1),
        (3, 30, 5, 1e-7, Sign::Signed, 2),
        (4, 40, 6, 1e-6, Sign::Signed, 3),
        (3, 60, 7, 1e-7, Sign::Positive, 4),
    ] {
        let signal = SparseSignal {
            sparsity: 3,
            magnitude: Magnitude::Uniform(0.5, 1.5),
        };
        let problem = Problem::synthetic(&Rademacher, m, n, &signal, sign == Sign::Signed, 0.05, seed).unwrap();
        let flow = flow(&problem, depth, sign, alpha, Formulation::Log);
        let mut task = task(&flow, 1e-8, Schedule::LogSpaced(50));
        task.events = usual_stops(flow.as_ref());
        task.max_steps = 25_000;
        let run = integrate(&task, Method::Bdf);
        let label = format!("{m} x {n}, L = {depth}: {:?}", run.integration.outcome);
        assert!(run.integration.outcome.is_stopped(), "{label}");
        // equal columns start alike and stay alike
        let matrix = matrix_of(problem.operator.as_ref());
        for i in 0..n {
            for j in 0..i {
                if matrix.column(i) == matrix.column(j) {
                    let (a, b) = (run.limit()[i], run.limit()[j]);
                    assert!((a - b).abs() <= 1e-5 * largest(run.limit()), "{label}: {a} and {b}");
                }
            }
        }
    }
}
