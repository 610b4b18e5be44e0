use std::sync::Arc;

use nalgebra::DMatrix;

use super::*;
use crate::initialization::Sign;
use crate::measurement::DenseOperator;
use crate::problem::Problem;

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
    stepper.start(&[0.0; 20]);
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
