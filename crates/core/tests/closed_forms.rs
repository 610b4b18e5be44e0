//! Flows with known solutions: every formulation and every time-stepping method against a formula.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::Arc;

use common::{Stepper, distance, flow, largest, problem, run_to, worse};
use hadaflow_core::flow::{Flow, Formulation};
use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Method;
use nalgebra::{DMatrix, dmatrix};

const FORMULATIONS: [Formulation; 3] = [Formulation::Factor, Formulation::Log, Formulation::Dual];
const METHODS: [Stepper; 5] = [
    Stepper::Library(Method::Bdf),
    Stepper::Library(Method::Esdirk34),
    Stepper::Library(Method::TrBdf2),
    Stepper::Library(Method::Tsit45),
    Stepper::Ndf,
];

/// Asked of the solver, per step.
const TOLERANCE: f64 = 1e-9;
/// Local errors of some 100 steps add up, and each may be amplified by the growth of a perturbation along the escape from
/// zero, which t·w′ accounts for: w is right to this many tolerances of max(|w|, t|w′|). A method of order p takes about
/// 1e9^{1/(p+1)} steps per unit of the logarithm of w, so those of order 3 and 2 add up more of them.
fn accumulation(method: Stepper) -> f64 {
    match method {
        Stepper::Ndf | Stepper::Library(Method::Bdf | Method::Tsit45) => 100.0,
        Stepper::Library(Method::Esdirk34) => 300.0,
        Stepper::Library(Method::TrBdf2) => 1000.0,
    }
}

/// Checks a run of one coordinate against w(t) with slope w′(t).
fn check(flow: &Arc<dyn Flow>, method: Stepper, times: &[f64], exact: impl Fn(f64) -> (f64, f64)) -> f64 {
    let run = run_to(flow, TOLERANCE, method, times);
    let mut worst = 0.0;
    for &t in times {
        let (w, slope) = exact(t);
        let scale = w.abs().max(t * slope.abs());
        worst = worse(worst, (run.weights_at(t)[0] - w).abs() / (TOLERANCE * scale));
    }
    assert!(
        worst <= accumulation(method),
        "{:?} {method:?}: off by {worst:.1} tolerances",
        flow.formulation()
    );
    worst
}

/// n = m = 1, L = 2: w = (y/a) / (1 + ((y/a)/w0 − 1) e^{−2ayt}), from 1e-2 and from 1e-20.
#[test]
fn one_coordinate_of_depth_two_is_logistic() {
    let (a, y) = (1.5, 3.0);
    for alpha in [0.1, 1e-10] {
        let problem = problem(&dmatrix![a], &[y]);
        let exact = |t: f64| {
            let w = (y / a) / (1.0 + ((y / a) / (alpha * alpha) - 1.0) * (-2.0 * a * y * t).exp());
            (w, 2.0 * w * a * (y - a * w))
        };
        let escape = -f64::ln(alpha) / (a * y);
        let times = [0.01, 0.3, 0.8, 1.0, 1.1, 1.5].map(|part| part * escape);
        for formulation in FORMULATIONS {
            let flow = flow(&problem, 2, Sign::Positive, alpha, formulation);
            for method in METHODS.into_iter().filter(|method| method.serves(formulation)) {
                check(&flow, method, &times, exact);
            }
        }
    }
}

/// x at time t of x′ = x²(y − x³): the inverse of t = ∫_α^x dx/(x²(y − x³)), by bisection over a quadrature in log x.
fn cubic_factor(alpha: f64, y: f64, t: f64) -> f64 {
    // Composite Simpson rule; the integrand in η = log x is smooth, so 4000 intervals leave about 1e-13.
    let time = |x: f64| {
        let (from, to) = (alpha.ln(), x.ln());
        let h = (to - from) / 4000.0;
        let f = |k: usize| {
            let x = (from + h * k as f64).exp();
            1.0 / (x * (y - x * x * x))
        };
        let inner: f64 = (1..4000)
            .map(|k| if k % 2 == 1 { 4.0 * f(k) } else { 2.0 * f(k) })
            .sum();
        (f(0) + inner + f(4000)) * h / 3.0
    };
    let (mut low, mut high) = (alpha, y.cbrt());
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if time(middle) < t { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[test]
fn one_coordinate_of_depth_three_follows_its_implicit_formula() {
    let (alpha, y) = (0.1, 2.0);
    // The last time is before w comes within 1e-3 of y, where the quadrature would need finer intervals.
    let times = [0.1, 1.0, 4.0, 4.6, 4.9, 5.0];
    let exact = |t: f64| {
        let x = cubic_factor(alpha, y, t);
        (x.powi(3), 3.0 * x.powi(4) * (y - x.powi(3)))
    };
    // The quadrature itself: known values of w(1) and w(4) to 12 digits.
    assert!((exact(1.0).0 / 0.0019520956479049181 - 1.0).abs() < 1e-10);
    assert!((exact(4.0).0 / 0.11473735782768205 - 1.0).abs() < 1e-10);
    let problem = problem(&dmatrix![1.0], &[y]);
    for formulation in FORMULATIONS {
        let flow = flow(&problem, 3, Sign::Positive, alpha, formulation);
        for method in METHODS.into_iter().filter(|method| method.serves(formulation)) {
            check(&flow, method, &times, exact);
        }
    }
}

/// y = 0, A = 1: w = (w0^{−(2−2/L)} + (2L−2)t)^{−L/(2L−2)}, for any depth. The clock alone stops the run.
#[test]
fn without_measurements_the_weights_decay_algebraically() {
    for depth in [2usize, 3, 5, 10] {
        let alpha = 0.9f64;
        let l = depth as f64;
        let exact = |t: f64| {
            let base = alpha.powf(2.0 - 2.0 * l) + (2.0 * l - 2.0) * t;
            let w = base.powf(-l / (2.0 * l - 2.0));
            (w, -l * w / base)
        };
        let problem = problem(&dmatrix![1.0], &[0.0]);
        for formulation in FORMULATIONS {
            let flow = flow(&problem, depth, Sign::Positive, alpha, formulation);
            for method in METHODS.into_iter().filter(|method| method.serves(formulation)) {
                // An explicit method has no business beyond a hundred time units.
                let long = [0.01, 1.0, 30.0, 1e3, 1e5];
                let times = if method == Stepper::Library(Method::Tsit45) {
                    &long[..3]
                } else {
                    &long[..]
                };
                check(&flow, method, times, exact);
            }
        }
    }
}

/// Signed model, y = 0: w = 0 is at rest, and the identical factors of u and v shrink together: w stays exactly 0.
#[test]
fn a_signed_model_without_measurements_stays_at_zero() {
    let matrix = dmatrix![1.0, 0.4; -0.3, 2.0];
    for depth in [2, 3] {
        for formulation in FORMULATIONS {
            let flow = flow(&problem(&matrix, &[0.0, 0.0]), depth, Sign::Signed, 0.9, formulation);
            for method in METHODS.into_iter().filter(|method| method.serves(formulation)) {
                let run = run_to(&flow, TOLERANCE, method, &[1.0, 50.0]);
                assert!((0..run.trajectory.len()).all(|row| run.weights(row) == [0.0, 0.0]));
            }
        }
    }
}

/// Three orthogonal columns of different length in R^5, y with a part outside their span: three scalar problems
/// w_j′ = L w^{2−2/L} |a_j| (⟨a_j, y⟩/|a_j| − |a_j| w_j).
fn orthogonal() -> (DMatrix<f64>, Vec<f64>) {
    let third = 1.0 / 3.0;
    let matrix = DMatrix::from_columns(&[
        2.0 * nalgebra::dvector![third, 2.0 * third, 2.0 * third, 0.0, 0.0],
        0.5 * nalgebra::dvector![2.0 * third, third, -2.0 * third, 0.0, 0.0],
        nalgebra::dvector![0.0, 0.0, 0.0, 0.6, 0.8],
    ]);
    (matrix, vec![1.9, 2.0, 0.1, 1.0, 0.0])
}

#[test]
fn orthogonal_columns_are_independent_scalar_problems() {
    let (matrix, y) = orthogonal();
    let whole = problem(&matrix, &y);
    for depth in [2usize, 3] {
        for sign in [Sign::Positive, Sign::Signed] {
            let times = [0.5, 2.0, 6.0, 12.0];
            for formulation in FORMULATIONS {
                let together = flow(&whole, depth, sign, 0.1, formulation);
                for method in METHODS.into_iter().filter(|method| method.serves(formulation)) {
                    let run = run_to(&together, TOLERANCE, method, &times);
                    for j in 0..3 {
                        let a = matrix.column(j).norm();
                        let along = matrix.column(j).dot(&nalgebra::DVector::from_column_slice(&y)) / a;
                        let single = problem(&dmatrix![a], &[along]);
                        let alone = run_to(
                            &flow(&single, depth, sign, 0.1, Formulation::Log),
                            1e-11,
                            Method::Bdf,
                            &times,
                        );
                        for &t in &times {
                            let (ours, scalar) = (run.weights_at(t)[j], alone.weights_at(t)[0]);
                            let slope = |w: f64| scalar_slope(depth, sign, 0.1, a, along, w);
                            // Errors are relative to the largest weight: the dual flow controls q, not each w_j.
                            let scale = largest(&run.weights_at(t)).max(t * slope(scalar).abs());
                            assert!(
                                (ours - scalar).abs() <= accumulation(method) * TOLERANCE * scale,
                                "L = {depth} {sign:?} {formulation:?} {method:?} w_{j}({t}) = {ours}, alone {scalar}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// w′ of one coordinate, bounded from above for the signed model (u ≤ (|w| + α^L)^{1/L} from v ≤ α).
fn scalar_slope(depth: usize, sign: Sign, alpha: f64, a: f64, y: f64, w: f64) -> f64 {
    let l = depth as f64;
    let shift = if sign == Sign::Signed { alpha.powf(l) } else { 0.0 };
    let metric = l * (w.abs() + shift).powf(2.0 - 2.0 / l);
    metric * a * (y - a * w)
}

/// y → −y flips the signed trajectory: to the last bit in the dual flow of depth 2, where both runs do the same arithmetic
/// on −q; up to the tolerance where u and v exchange their places in sums, or where a library function (atanh) is odd only
/// up to rounding.
#[test]
fn opposite_measurements_flip_the_signed_trajectory() {
    let (matrix, y) = orthogonal();
    let matrix = matrix.insert_column(3, 0.3);
    let minus: Vec<f64> = y.iter().map(|y| -y).collect();
    let times = [0.5, 1.0, 3.0, 10.0];
    for depth in [2usize, 3, 5] {
        for formulation in FORMULATIONS {
            for method in METHODS.into_iter().filter(|method| method.serves(formulation)) {
                let run = |y: &[f64]| {
                    let flow = flow(&problem(&matrix, y), depth, Sign::Signed, 0.3, formulation);
                    run_to(&flow, TOLERANCE, method, &times)
                };
                let (ours, flipped) = (run(&y), run(&minus));
                assert_eq!(ours.trajectory.len(), flipped.trajectory.len());
                for row in 0..ours.trajectory.len() {
                    let opposite: Vec<f64> = flipped.weights(row).iter().map(|w| -w).collect();
                    let difference = distance(ours.weights(row), &opposite);
                    let allowed = if depth == 2 && formulation == Formulation::Dual {
                        0.0
                    } else {
                        accumulation(method) * TOLERANCE
                    };
                    assert!(
                        difference <= allowed * largest(ours.weights(row)).max(1e-3),
                        "L = {depth} {formulation:?} {method:?} row {row}: {difference:e}"
                    );
                }
            }
        }
    }
}
