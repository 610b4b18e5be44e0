//! Legal but nasty input of the Bregman projection, with answers known otherwise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use hadaflow_analysis::reference::{Limit, NotAttained, NotConverged, Projection, bregman_projection};
use hadaflow_core::initialization::Sign::{self, Positive, Signed};
use nalgebra::{DMatrix, DVector};

fn project(m: usize, a: &[f64], y: &[f64], depth: usize, sign: Sign, alpha: f64) -> Projection {
    let n = a.len() / m;
    bregman_projection(&DMatrix::from_row_slice(m, n, a), y, depth, sign, &vec![alpha; n]).unwrap()
}

fn limit(m: usize, a: &[f64], y: &[f64], depth: usize, sign: Sign, alpha: f64) -> Limit {
    match project(m, a, y, depth, sign, alpha) {
        Projection::Attained(limit) => limit,
        other => panic!("L = {depth}, {sign:?}, alpha = {alpha:e}: {other:?}"),
    }
}

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= tolerance * b.abs(), "{a:e} is not {b:e}");
    }
}

const DEPTHS: [usize; 5] = [2, 3, 4, 6, 10];
const STARTS: [f64; 4] = [1e-10, 1e-3, 0.5, 3.0];

#[test]
fn one_weight() {
    for (depth, alpha) in DEPTHS.into_iter().flat_map(|depth| STARTS.map(|alpha| (depth, alpha))) {
        close(&limit(1, &[1.5], &[3.0], depth, Positive, alpha).weights, &[2.0], 1e-14);
        close(&limit(1, &[1.5], &[-3.0], depth, Signed, alpha).weights, &[-2.0], 1e-14);
        let none = project(1, &[1.5], &[-3.0], depth, Positive, alpha);
        assert!(
            matches!(none, Projection::NotAttained(NotAttained::NoPositiveSolution { .. })),
            "{none:?}"
        );
    }
}

/// Every z solves Az = 0: the projection is the start itself.
#[test]
fn a_zero_matrix_keeps_the_start() {
    for (depth, alpha) in DEPTHS.into_iter().flat_map(|depth| STARTS.map(|alpha| (depth, alpha))) {
        let start = alpha.powi(depth as i32); // small
        close(
            &limit(2, &[0.0; 6], &[0.0; 2], depth, Positive, alpha).weights,
            &[start; 3],
            1e-13,
        );
        assert_eq!(limit(2, &[0.0; 6], &[0.0; 2], depth, Signed, alpha).weights, [0.0; 3]);
    }
}

#[test]
fn no_measurements() {
    for (depth, alpha) in DEPTHS.into_iter().flat_map(|depth| STARTS.map(|alpha| (depth, alpha))) {
        assert_eq!(limit(1, &[1.0, -2.0], &[0.0], depth, Signed, alpha).weights, [0.0; 2]);
        // z = 0 is the only solution: none is positive
        let none = project(1, &[1.0, 2.0], &[0.0], depth, Positive, alpha);
        assert!(
            matches!(none, Projection::NotAttained(NotAttained::NoPositiveSolution { .. })),
            "{none:?}"
        );
    }
    // w = (2t, t): 2 log(2t/α²)·… = 0 gives 4t³ = α⁶ at L = 2.
    for alpha in STARTS {
        let t = alpha * alpha / 4f64.cbrt();
        close(
            &limit(1, &[1.0, -2.0], &[0.0], 2, Positive, alpha).weights,
            &[2.0 * t, t],
            1e-12,
        );
    }
}

#[test]
fn zero_columns_keep_their_start() {
    for (depth, alpha) in DEPTHS.into_iter().flat_map(|depth| STARTS.map(|alpha| (depth, alpha))) {
        let start = alpha.powi(depth as i32); // small
        let a = [1.0, 0.0, 1.0, 2.0, 0.0, -1.0];
        close(
            &limit(2, &a, &[3.0, 3.0], depth, Positive, alpha).weights,
            &[2.0, start, 1.0],
            1e-13,
        );
        let signed = limit(2, &a, &[3.0, 3.0], depth, Signed, alpha).weights;
        close(&[signed[0], signed[2]], &[2.0, 1.0], 1e-13);
        assert_eq!(signed[1], 0.0);
    }
}

#[test]
fn equal_columns_share_their_weight() {
    for (depth, alpha) in DEPTHS.into_iter().flat_map(|depth| STARTS.map(|alpha| (depth, alpha))) {
        let a = [1.0, 1.0, 0.5, 2.0, 2.0, -1.0];
        for sign in [Positive, Signed] {
            let w = limit(2, &a, &[3.0, 4.0], depth, sign, alpha).weights;
            close(&w, &[1.25, 1.25, 1.0], 1e-13);
        }
    }
}

/// More rows than columns: A is injective and the solution the only one.
#[test]
fn tall_and_rank_deficient_systems() {
    for (depth, alpha) in DEPTHS.into_iter().flat_map(|depth| STARTS.map(|alpha| (depth, alpha))) {
        let a = [1.0, 2.0, 3.0, -1.0, 4.0, 1.0, 0.0, 0.0];
        let y = |w: [f64; 2]| [w[0] + 2.0 * w[1], 3.0 * w[0] - w[1], 4.0 * w[0] + w[1], 0.0];
        for sign in [Positive, Signed] {
            close(
                &limit(4, &a, &y([2.0, 0.5]), depth, sign, alpha).weights,
                &[2.0, 0.5],
                1e-13,
            );
            let unreachable = project(4, &a, &[1.0, 1.0, 2.5, 0.0], depth, sign, alpha);
            assert!(
                matches!(unreachable, Projection::NotAttained(NotAttained::Unreachable { .. })),
                "{unreachable:?}"
            );
            let unreachable = project(4, &a, &[4.0, 1.0, 5.0, 1e-6], depth, sign, alpha);
            assert!(
                matches!(unreachable, Projection::NotAttained(NotAttained::Unreachable { .. })),
                "{unreachable:?}"
            );
        }
        // Twice the same row: as if it stood there once.
        let (once, twice) = ([1.0, 2.0, -1.0], [1.0, 2.0, -1.0, 1.0, 2.0, -1.0]);
        let expected = limit(1, &once, &[2.0], depth, Signed, alpha);
        let found = limit(2, &twice, &[2.0, 2.0], depth, Signed, alpha);
        close(&found.weights, &expected.weights, 1e-14);
        assert!(found.dual.contains(&0.0) && found.dual.iter().sum::<f64>() == expected.dual[0]);
    }
}

/// A nonnegative row of measurements that vanish, a planted singleton, and no nonnegative solution at all.
#[test]
fn positive_models_without_a_positive_solution() {
    let matrix = DMatrix::from_fn(8, 12, |i, j| (1.3 * ((i + 1) * (j + 2)) as f64 + 0.3 * j as f64).sin()); // small indices
    let mut a: Vec<f64> = matrix.transpose().as_slice().to_vec();
    let mut x = DVector::zeros(12);
    (x[3], x[8]) = (1.0, 2.0);
    for first_row_vanishes in [true, false] {
        if first_row_vanishes {
            // Σ_{j ≠ 3, 8} w_j = 0
            (0..12).for_each(|j| a[j] = if j == 3 || j == 8 { 0.0 } else { 1.0 });
        } else {
            (0..12).for_each(|j| a[j] = 1.0);
        }
        let y = DMatrix::from_row_slice(8, 12, &a) * &x;
        let infeasible: Vec<f64> = y
            .iter()
            .enumerate()
            .map(|(i, y)| if i == 0 { -0.1 } else { *y })
            .collect();
        for (depth, alpha) in DEPTHS.into_iter().flat_map(|depth| STARTS.map(|alpha| (depth, alpha))) {
            let none = project(8, &a, &infeasible, depth, Positive, alpha);
            assert!(
                matches!(none, Projection::NotAttained(NotAttained::NoPositiveSolution { largest_smallest_entry }) if largest_smallest_entry < -1e-6),
                "L = {depth}, alpha = {alpha:e}: {none:?}"
            );
            if first_row_vanishes {
                let none = project(8, &a, y.as_slice(), depth, Positive, alpha);
                assert!(
                    matches!(none, Projection::NotAttained(NotAttained::NoPositiveSolution { largest_smallest_entry }) if largest_smallest_entry.abs() < 1e-11),
                    "L = {depth}, alpha = {alpha:e}: {none:?}"
                );
            }
        }
    }
}

/// α → ∞, signed: the solution of least norm, up to α^{-2L} relative.
#[test]
fn the_kernel_regime() {
    let a = DMatrix::from_fn(4, 9, |i, j| (1.3 * ((i + 1) * (j + 2)) as f64 + 0.3 * j as f64).sin()); // small indices
    let y = [1.0, -0.3, 2.0, 0.4];
    let least_norm = a
        .clone()
        .svd(true, true)
        .solve(&DVector::from_column_slice(&y), 1e-12)
        .unwrap();
    for depth in DEPTHS {
        for alpha in [1e3, 1e6] {
            let projection = bregman_projection(&a, &y, depth, Signed, &[alpha; 9]).unwrap();
            close(&projection.limit().unwrap().weights, least_norm.as_slice(), 1e-11);
        }
    }
}

/// y → cy and α → c^{1/L} α multiply w by c; rows may be scaled and mixed.
#[test]
fn covariances() {
    let a = DMatrix::from_fn(4, 9, |i, j| (1.3 * ((i + 1) * (j + 2)) as f64 + 0.3 * j as f64).sin()); // small indices
    let y = DVector::from_column_slice(&[1.0, -0.3, 2.0, 0.4]);
    let mixing = DMatrix::from_fn(4, 4, |i, j| if i == j { 1e4 } else { (i + 2 * j) as f64 }); // small integers
    for (depth, alpha) in DEPTHS
        .into_iter()
        .flat_map(|depth| [1e-8, 1e-3, 0.5, 3.0].map(|alpha| (depth, alpha)))
    {
        let weights = |a: &DMatrix<f64>, y: &DVector<f64>, alpha: f64| {
            let projection = bregman_projection(a, y.as_slice(), depth, Signed, &[alpha; 9]).unwrap();
            projection.limit().unwrap().weights.clone()
        };
        let (w, c) = (weights(&a, &y, alpha), 1e5f64);
        let scaled: Vec<f64> = w.iter().map(|w| c * w).collect();
        close(
            &weights(&a, &(&y * c), alpha * c.powf(1.0 / depth as f64)),
            &scaled,
            1e-10,
        ); // small depths
        // Mixing rounds A and y: the entries off the support feel that at L = 2, where their exponent has a factor.
        let mixed = weights(&(&mixing * &a), &(&mixing * &y), alpha);
        let size = w.iter().fold(0.0f64, |a, w| a.max(w.abs()));
        assert!(w.iter().zip(&mixed).all(|(a, b)| (a - b).abs() < 1e-11 * size));
    }
}

#[test]
fn the_deepest_model() {
    let a = [1.0, 2.0, 0.5, -1.0, 1.0, 3.0];
    for alpha in [0.1, 0.5, 0.9] {
        let limit = limit(2, &a, &[1.0, 2.0], 64, Signed, alpha);
        let w = DVector::from_column_slice(&limit.weights);
        let residual = DMatrix::from_row_slice(2, 3, &a) * &w - DVector::from_column_slice(&[1.0, 2.0]);
        assert!(residual.amax() < 1e-13);
    }
    // α^L beyond doubles: said, not computed.
    let beyond = project(2, &a, &[1.0, 2.0], 64, Signed, 1e-10);
    assert!(
        matches!(beyond, Projection::NotConverged(NotConverged::OutOfRange { .. })),
        "{beyond:?}"
    );
}

/// Non-unique ℓ1 minimisers: maximal entropy at L = 2, max Σ z^{2/L} at L > 2.
#[test]
fn non_unique_minimisers() {
    let a = [1.0, 0.5, 2.0 / 3.0, 0.0, 0.0, 0.5, 1.0 / 3.0, 1.0];
    let y = [1.0 + 0.3 + 0.2, 0.3 + 0.1 + 0.5];
    for (depth, expected) in [
        (2, [0.79366, 0.56700, 0.63426, 0.40508]),
        (3, [0.79979, 0.56170, 0.62904, 0.40947]),
        (4, [0.80287, 0.55915, 0.62634, 0.41165]),
        (6, [0.80595, 0.55667, 0.62358, 0.41381]),
    ] {
        // Here 2/3 + 1/3 is not 1 to the last bit: α is kept above the size of that at L > 2.
        let limit = limit(2, &a, &y, depth, Positive, if depth == 2 { 1e-8 } else { 1e-2 });
        for (w, expected) in limit.weights.iter().zip(expected) {
            assert!((w - expected).abs() < 1e-5, "L = {depth}: {:?}", limit.weights);
        }
    }
}

#[test]
fn wrong_input_is_an_error() {
    let a = DMatrix::from_row_slice(1, 2, &[1.0, 2.0]);
    let fails = |y: &[f64], depth, x0: &[f64]| bregman_projection(&a, y, depth, Signed, x0).is_err();
    assert!(!fails(&[1.0], 3, &[0.1; 2]));
    assert!(fails(&[1.0, 2.0], 3, &[0.1; 2]) && fails(&[1.0], 3, &[0.1]));
    assert!(fails(&[f64::NAN], 3, &[0.1; 2]) && fails(&[1.0], 3, &[0.1, 0.0]) && fails(&[1.0], 3, &[f64::INFINITY; 2]));
    assert!(fails(&[1.0], 1, &[0.1; 2]) && fails(&[1.0], 65, &[0.1; 2]));
    assert!(bregman_projection(&DMatrix::zeros(0, 2), &[], 3, Signed, &[0.1; 2]).is_err());
    assert!(bregman_projection(&DMatrix::from_element(1, 1, f64::NAN), &[1.0], 3, Signed, &[0.1]).is_err());
}
