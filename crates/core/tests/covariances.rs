//! Exact covariances of the flow: transformed data must give the transformed trajectory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::Arc;

use common::{distance, flow, gaussian, largest, matrix_of, problem, run_to, worse};
use hadaflow_core::flow::{Flow, Formulation};
use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Method;
use hadaflow_core::problem::Problem;
use nalgebra::{DMatrix, DVector};

const FORMULATIONS: [Formulation; 3] = [Formulation::Factor, Formulation::Log, Formulation::Dual];
const SIGNS: [Sign; 2] = [Sign::Positive, Sign::Signed];
const TOLERANCE: f64 = 1e-9;
/// Both runs accumulate local errors of a few hundred steps, each relative to max(|w|, t|w′|).
const ACCUMULATION: f64 = 200.0;

/// Depths with a start that is small but leaves every formulation accurate.
const MODELS: [(usize, f64); 3] = [(2, 1e-3), (3, 0.03), (4, 0.15)];

/// Recording times around the escape from zero, from the pull on the weights.
fn times(problem: &Problem, depth: usize, alpha: f64) -> Vec<f64> {
    let mut pull = vec![0.0; problem.cols()];
    problem.operator.apply_adjoint(&problem.measurements, &mut pull);
    let escape = hadaflow_core::flow::time_unit(depth, alpha) / largest(&pull);
    [0.1, 0.7, 1.0, 1.5, 3.0, 10.0].map(|part| part * escape).to_vec()
}

/// Runs both flows and compares `map` of the second's weights at `stretch`·t with the first's weights at t.
fn compare(
    label: &str,
    first: &Arc<dyn Flow>,
    second: &Arc<dyn Flow>,
    times: &[f64],
    stretch: f64,
    map: impl Fn(&[f64]) -> Vec<f64>,
) {
    let stretched: Vec<f64> = times.iter().map(|t| t * stretch).collect();
    let ours = run_to(first, TOLERANCE, Method::Bdf, times);
    let theirs = run_to(second, TOLERANCE, Method::Bdf, &stretched);
    let mut worst = 0.0;
    for (&t, &other) in times.iter().zip(&stretched) {
        let (w, transformed) = (ours.weights_at(t), map(&theirs.weights_at(other)));
        let slope = ours.slopes(ours.row_at(t));
        let scale = largest(&w).max(t * largest(&slope));
        worst = worse(worst, distance(&w, &transformed) / (TOLERANCE * scale));
    }
    assert!(worst <= ACCUMULATION, "{label}: off by {worst:.1} tolerances");
    println!("{label}: {worst:.1} tolerances");
}

/// Every model in every formulation on a 12 × 24 problem.
fn for_all(mut test: impl FnMut(&str, &Problem, usize, Sign, f64, Formulation)) {
    for (depth, alpha) in MODELS {
        for sign in SIGNS {
            let problem = gaussian(12, 24, 3, sign, 3);
            for formulation in FORMULATIONS {
                let label = format!("L = {depth} {sign:?} {}", formulation.name());
                test(&label, &problem, depth, sign, alpha, formulation);
            }
        }
    }
}

fn with(matrix: &DMatrix<f64>, y: &[f64]) -> Problem {
    problem(matrix, y)
}

/// y → c y, α → c^{1/L} α, t → c^{2/L−2} t gives w → c w.
#[test]
fn scaling_the_measurements_scales_the_weights() {
    for_all(|label, problem, depth, sign, alpha, formulation| {
        let (c, l) = (7.3f64, depth as f64);
        let y: Vec<f64> = problem.measurements.iter().map(|y| c * y).collect();
        let scaled = Problem::new(problem.operator.clone(), y, None, 0.0).unwrap();
        compare(
            label,
            &flow(problem, depth, sign, alpha, formulation),
            &flow(&scaled, depth, sign, c.powf(1.0 / l) * alpha, formulation),
            &times(problem, depth, alpha),
            c.powf(2.0 / l - 2.0),
            |w| w.iter().map(|w| w / c).collect(),
        );
    });
}

/// (A, y) → k(A, y), t → t/k² leaves w as it was.
#[test]
fn scaling_the_problem_scales_the_clock() {
    for_all(|label, problem, depth, sign, alpha, formulation| {
        for k in [1e-3f64, 40.0] {
            let matrix = k * matrix_of(problem.operator.as_ref());
            let y: Vec<f64> = problem.measurements.iter().map(|y| k * y).collect();
            compare(
                &format!("{label} k = {k}"),
                &flow(problem, depth, sign, alpha, formulation),
                &flow(&with(&matrix, &y), depth, sign, alpha, formulation),
                &times(problem, depth, alpha),
                1.0 / (k * k),
                <[f64]>::to_vec,
            );
        }
    });
}

/// (A, y) → (UA, Uy) with U orthogonal leaves w as it was.
#[test]
fn orthogonal_row_mixing_changes_nothing() {
    for_all(|label, problem, depth, sign, alpha, formulation| {
        let m = problem.rows();
        let mix = DMatrix::from_vec(m, m, common::Numbers::new(8).take(m * m)).qr().q();
        let matrix = &mix * matrix_of(problem.operator.as_ref());
        let y = &mix * DVector::from_column_slice(&problem.measurements);
        compare(
            label,
            &flow(problem, depth, sign, alpha, formulation),
            &flow(&with(&matrix, y.as_slice()), depth, sign, alpha, formulation),
            &times(problem, depth, alpha),
            1.0,
            <[f64]>::to_vec,
        );
    });
}

#[test]
fn permuted_columns_permute_the_weights() {
    for_all(|label, problem, depth, sign, alpha, formulation| {
        let n = problem.cols();
        let order: Vec<usize> = (0..n).map(|j| (7 * j + 3) % n).collect(); // 7 and 24 have no common factor
        let matrix = matrix_of(problem.operator.as_ref()).select_columns(&order);
        compare(
            label,
            &flow(problem, depth, sign, alpha, formulation),
            &flow(&with(&matrix, &problem.measurements), depth, sign, alpha, formulation),
            &times(problem, depth, alpha),
            1.0,
            |w| {
                let mut back = vec![f64::NAN; n];
                order.iter().zip(w).for_each(|(&j, &w)| back[j] = w);
                back
            },
        );
    });
}

/// The positive model with [A, −A] is the signed model with A: w = w₊ − w₋.
#[test]
fn a_signed_model_is_a_positive_one_with_both_signs_of_a() {
    for (depth, alpha) in MODELS {
        let problem = gaussian(12, 24, 3, Sign::Signed, 3);
        let matrix = matrix_of(problem.operator.as_ref());
        let n = problem.cols();
        let both = DMatrix::from_fn(
            12,
            2 * n,
            |i, j| if j < n { matrix[(i, j)] } else { -matrix[(i, j - n)] },
        );
        for formulation in FORMULATIONS {
            compare(
                &format!("L = {depth} {}", formulation.name()),
                &flow(&problem, depth, Sign::Signed, alpha, formulation),
                &flow(
                    &with(&both, &problem.measurements),
                    depth,
                    Sign::Positive,
                    alpha,
                    formulation,
                ),
                &times(&problem, depth, alpha),
                1.0,
                |w| (0..n).map(|j| w[j] - w[n + j]).collect(),
            );
        }
    }
}
