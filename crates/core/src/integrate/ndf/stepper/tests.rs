use std::sync::Arc;

use nalgebra::DMatrix;

use super::*;
use crate::initialization::Sign;
use crate::measurement::{DenseOperator, by_name};
use crate::problem::Problem;
use crate::signal::{Magnitude, SparseSignal};

fn start(stepper: &mut Stepper, q: &[f64]) {
    let mut evaluation = Evaluation::new(stepper.m, stepper.n);
    stepper.flow.evaluate(q, &mut evaluation);
    stepper.start(q, &evaluation);
}

/// s has a history of its own, and must not drift from Aᵀq: extrapolated, a rounding error would be seen in 300 steps.
#[test]
fn s_stays_what_it_stands_for() {
    let matrix = DMatrix::from_fn(20, 50, |i, j| ((7 * i + 11 * j * j + 3) as f64).sin() / 4.0);
    let truth = (0..50).map(|j| if j % 17 == 3 { 1.0 } else { 0.0 });
    let y = &matrix * nalgebra::DVector::from_iterator(50, truth);
    let operator = Arc::new(DenseOperator::new(matrix.clone()).unwrap());
    let problem = Problem::new(operator, y.as_slice().to_vec(), None, 0.0).unwrap();
    let flow = DualFlow::new(problem, 2, Sign::Positive, &[1e-3; 50]).unwrap();
    let mut stepper = Stepper::new(&flow, &[], 1e-6);
    start(&mut stepper, &[0.0; 20]);
    let mut highest = 1;
    for _ in 0..300 {
        assert!(stepper.step());
        highest = highest.max(stepper.order);
    }
    assert!(highest >= 4, "only at high order does extrapolation grow");
    let (q, s) = (stepper.q(), stepper.s());
    let exact = matrix.transpose() * nalgebra::DVector::from_column_slice(&stepper.history.row(0)[q]);
    let s = &stepper.history.row(0)[s];
    let size = exact.amax();
    let drift = exact
        .iter()
        .zip(s)
        .fold(0.0f64, |worst, (a, b)| worst.max((a - b).abs()));
    assert!(drift <= 1e-12 * size, "{drift:e} of {size:e}");
}

/// With A in single precision s drifts, but never by a tolerance, and not at all once the residual has all but vanished.
#[test]
fn single_precision_is_never_seen() {
    let (m, n, tolerance) = (60, 120, 1e-6);
    let matrix = DMatrix::from_fn(m, n, |i, j| {
        (1e3 * ((7 * i + 1) as f64).sin() * ((11 * j + 3) as f64).cos()).sin() / 5.0
    });
    let truth = (0..n).map(|j| if j % 37 == 3 { 1.0 } else { 0.01 });
    let y = &matrix * nalgebra::DVector::from_iterator(n, truth);
    let operator = Arc::new(DenseOperator::new(matrix.clone()).unwrap());
    let problem = Problem::new(operator, y.as_slice().to_vec(), None, 0.0).unwrap();
    let flow = DualFlow::new(problem, 2, Sign::Positive, &vec![1e-3; n]).unwrap();
    let mut stepper = Stepper::new(&flow, &[], tolerance);
    start(&mut stepper, &vec![0.0; m]);
    let (q, s) = (stepper.q(), stepper.s());
    let drift = |stepper: &Stepper| {
        let exact = matrix.transpose() * nalgebra::DVector::from_column_slice(&stepper.history.row(0)[q.clone()]);
        let pairs = exact.iter().zip(&stepper.history.row(0)[s.clone()]);
        pairs.fold(0.0f64, |worst, (a, b)| worst.max((a - b).abs()))
    };
    let (mut worst, mut last) = (0.0f64, f64::NAN);
    for _ in 0..600 {
        assert!(stepper.step());
        last = drift(&stepper);
        worst = worst.max(last);
        if size(&stepper.evaluation.residual) <= 1e-11 * y.norm() {
            break;
        }
    }
    assert!(worst <= tolerance, "{worst:e}");
    assert!(worst >= 1e-9, "{worst:e}: single precision is in use");
    assert!(last <= 1e-12, "{last:e}: and given up in the end");
    let mut exact = Evaluation::new(m, n);
    flow.evaluate(&stepper.history.row(0)[q], &mut exact);
    assert!(size(&exact.residual) <= 1e-10 * y.norm(), "{:e}", size(&exact.residual));
}

/// Once a few columns hold nearly all of w, their s_j do not drift, however roughly the others are known.
#[test]
fn what_is_seen_in_the_residual_stays_in_double_precision() {
    let (m, n) = (60, 300);
    let signal = SparseSignal {
        sparsity: 4,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    let problem = Problem::synthetic(by_name("Gaussian").unwrap(), m, n, &signal, false, 0.0, 3).unwrap();
    let matrix = problem.operator.dense().unwrap().clone();
    let (y, truth) = (size(&problem.measurements), problem.truth.clone().unwrap());
    let flow = DualFlow::new(problem, 2, Sign::Positive, &vec![1e-3; n]).unwrap();
    let mut stepper = Stepper::new(&flow, &[], 1e-6);
    start(&mut stepper, &vec![0.0; m]);
    let (q, s) = (stepper.q(), stepper.s());
    let (mut worst, mut others) = (0.0f64, 0.0f64);
    for _ in 0..600 {
        assert!(stepper.step());
        let exact = matrix.transpose() * nalgebra::DVector::from_column_slice(&stepper.history.row(0)[q.clone()]);
        let found = &stepper.history.row(0)[s.clone()];
        let principal = stepper.corrector.passes.principal();
        for (j, (exact, found)) in exact.iter().zip(found).enumerate() {
            let size = if principal.contains(&j) {
                &mut worst
            } else {
                &mut others
            };
            *size = size.max((exact - found).abs());
        }
        if size(&stepper.evaluation.residual) <= 1e-8 * y {
            break;
        }
    }
    let principal = stepper.corrector.passes.principal();
    let found = (0..n).filter(|&j| truth[j] > 0.0).all(|j| principal.contains(&j));
    assert!(found, "{principal:?}");
    assert!(worst <= 1e-12, "{worst:e}");
    assert!(others >= 1e-10, "{others:e}: single precision is in use");
}

/// Where L > 2, s_j may drift the further the smaller the factor, but no factor feels half a tolerance of it.
#[test]
fn drift_is_weighed_by_what_factors_feel() {
    let (m, n, tolerance) = (60, 300, 1e-6);
    let signal = SparseSignal {
        sparsity: 4,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    let problem = Problem::synthetic(by_name("Gaussian").unwrap(), m, n, &signal, false, 0.0, 3).unwrap();
    let matrix = problem.operator.dense().unwrap().clone();
    let y = size(&problem.measurements);
    let flow = DualFlow::new(problem, 3, Sign::Positive, &vec![1e-2; n]).unwrap();
    let mut stepper = Stepper::new(&flow, &[], tolerance);
    start(&mut stepper, &vec![0.0; m]);
    let (q, s) = (stepper.q(), stepper.s());
    let (mut furthest, mut felt) = (0.0f64, 0.0f64);
    let mut sensitivity = vec![0.0; n];
    for _ in 0..2000 {
        assert!(stepper.step());
        let exact = matrix.transpose() * nalgebra::DVector::from_column_slice(&stepper.history.row(0)[q.clone()]);
        let found = &stepper.history.row(0)[s.clone()];
        flow.sensitivity(found, &mut sensitivity);
        for ((exact, found), weight) in exact.iter().zip(found).zip(&sensitivity) {
            furthest = furthest.max((exact - found).abs());
            felt = felt.max(weight * (exact - found).abs());
        }
        if size(&stepper.evaluation.residual) <= 1e-6 * y {
            break;
        }
    }
    assert!(size(&stepper.evaluation.residual) <= 1e-6 * y);
    assert!(felt <= 0.5 * tolerance, "{felt:e} is felt, more than half a tolerance");
    assert!(furthest >= tolerance, "{furthest:e}: more than of large factors");
}

/// What was looked at is the predictor of the next step, whatever has become of order and h, and only then.
#[test]
fn what_is_looked_at_ahead_is_the_next_step() {
    let (m, n, tolerance) = (60, 120, 1e-6);
    for (depth, start_at) in [(2, 1e-3), (3, 1e-2)] {
        for endless in [false, true] {
            let matrix = DMatrix::from_fn(m, n, |i, j| {
                (1e3 * ((7 * i + 1) as f64).sin() * ((11 * j + 3) as f64).cos()).sin() / 5.0
            });
            let truth = (0..n).map(|j| if j % 37 == 3 { 1.0 } else { 0.01 });
            let y = &matrix * nalgebra::DVector::from_iterator(n, truth);
            let operator = Arc::new(DenseOperator::new(matrix).unwrap());
            let problem = Problem::new(operator, y.as_slice().to_vec(), None, 0.0).unwrap();
            let flow = DualFlow::new(problem, depth, Sign::Positive, &vec![start_at; n]).unwrap();
            let mut stepper = Stepper::new(&flow, &[], tolerance);
            stepper.corrector.passes.exceed_caches(endless);
            start(&mut stepper, &vec![0.0; m]);
            let (mut foreseen, mut changes, mut changes_foreseen) = (0, 0, 0);
            for _ in 0..300 {
                assert!(stepper.step());
                let change = stepper.next;
                changes += usize::from(change.is_some());
                let Some((s, c)) = stepper.corrector.ahead.foreseen() else {
                    continue;
                };
                foreseen += 1;
                changes_foreseen += usize::from(change.is_some());
                let (order, factor) = change.unwrap_or((stepper.order, 1.0));
                let mut history = stepper.history.clone();
                if change.is_some() {
                    history.rescale(order, factor);
                }
                let length = m + n + 1;
                let (mut predictor, mut psi) = (vec![0.0; length], vec![0.0; length]);
                history.predict(order, &mut predictor, &mut psi);
                assert!((c / (factor * stepper.h / formula::leading(order)) - 1.0).abs() <= 1e-14);
                let size = predictor[stepper.s()].iter().fold(0.0f64, |a, s| a.max(s.abs()));
                for (s, predicted) in s.iter().zip(&predictor[stepper.s()]) {
                    assert!(
                        (s - predicted).abs() <= 1e-12 * size,
                        "{depth}, {endless}: {s} {predicted}"
                    );
                }
            }
            assert!(foreseen > 200, "{depth}, {endless}: {foreseen}");
            if endless {
                assert!(
                    2 * changes_foreseen > changes,
                    "{depth}: {changes_foreseen} of {changes}"
                );
            } else {
                assert_eq!(changes_foreseen, 0, "{depth}");
            }
        }
    }
}
