//! Random projections: the optimality conditions, evaluated from the answer alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use hadaflow_analysis::reference::{Limit, Projection, Projector};
use hadaflow_core::initialization::Sign;
use hadaflow_core::randomness::{Purpose, stream};
use nalgebra::DMatrix;
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_distr::StandardNormal;

/// A random instance; in a positive model of full sparsity a positive solution exists.
struct Instance {
    a: DMatrix<f64>,
    y: Vec<f64>,
    depth: usize,
    sign: Sign,
    alpha: f64,
    full: bool,
}

fn draw(seed: u64) -> Instance {
    let mut rng = stream(seed, Purpose::Matrix);
    let m = rng.random_range(1..=40usize);
    let n = rng.random_range(m.max(2)..=120usize);
    let entry = |rng: &mut ChaCha12Rng| match seed % 3 {
        0 => rng.sample::<f64, _>(StandardNormal) / (m as f64).sqrt(), // m <= 40
        1 => {
            if rng.random_bool(0.5) {
                1.0
            } else {
                -1.0
            }
        }
        _ => f64::from(rng.random_range(-4..=4i32)),
    };
    let a = DMatrix::from_fn(m, n, |_, _| entry(&mut rng));
    let sign = if seed.is_multiple_of(2) {
        Sign::Signed
    } else {
        Sign::Positive
    };
    let full = sign == Sign::Positive && seed % 4 == 1;
    let sparsity = if full { n } else { rng.random_range(1..=m.div_ceil(2)) };
    let mut x = DMatrix::zeros(n, 1);
    for _ in 0..sparsity {
        let j = rng.random_range(0..n);
        x[j] = rng.random_range(0.5..1.5)
            * if sign == Sign::Signed && rng.random_bool(0.5) {
                -1.0
            } else {
                1.0
            };
    }
    if full {
        x.iter_mut().for_each(|x| *x += 0.1);
    }
    let y = (&a * &x).as_slice().to_vec();
    let depth = 2 + (seed / 2 % 5) as usize; // 2..=6
    Instance {
        a,
        y,
        depth,
        sign,
        alpha: 10f64.powf(-rng.random_range(1.0..10.0)),
        full,
    }
}

/// |Aw − y|/|y| and the largest gap in σ = 1 − (α/u)^{L−2}, −σ = 1 − (α/v)^{L−2} (or log(u/α)/T, log(v/α)/T).
fn violations(instance: &Instance, limit: &Limit) -> (f64, f64) {
    let Instance { a, y, depth, alpha, .. } = instance;
    let y = DMatrix::from_column_slice(y.len(), 1, y);
    let w = DMatrix::from_column_slice(limit.weights.len(), 1, &limit.weights);
    let residual = (a * &w - &y).norm() / if y.norm() > 0.0 { y.norm() } else { 1.0 };
    let sigma = a.tr_mul(&DMatrix::from_column_slice(y.len(), 1, &limit.dual));
    let scaled = |log_factor: f64| {
        let rho = log_factor - alpha.ln();
        if *depth == 2 {
            rho / limit.log_dual_unit.exp()
        } else {
            -(-(*depth as f64 - 2.0) * rho).exp_m1()
        } // <= 6
    };
    let mut gap: f64 = 0.0;
    for (j, &sigma) in sigma.iter().enumerate() {
        let branches = [(1.0, limit.log_u.get(j)), (-1.0, limit.log_v.get(j))];
        for (sign, log_factor) in branches.into_iter().filter_map(|(s, l)| l.map(|l| (s, *l))) {
            // in a positive model σ may be far below 0: relative there
            let error = (scaled(log_factor) - sign * sigma).abs() / sigma.abs().max(1.0);
            gap = if error <= gap { gap } else { error };
        }
        assert!((limit.sigma[j] - sigma).abs() <= 1e-11 * sigma.abs().max(1.0));
        let positive = limit.plus[j] - limit.minus.get(j).unwrap_or(&0.0);
        // logarithms of 1e-60 have an absolute error of 3e-14
        assert!((positive - limit.weights[j]).abs() <= 1e-13 * limit.plus[j].max(limit.weights[j].abs()));
    }
    (residual, gap)
}

#[test]
fn optimality_conditions_of_400_random_projections() {
    let mut projector = Projector::default();
    let (mut steps, mut worst, mut none, mut failed) = (Vec::new(), (0.0f64, 0.0f64), 0, Vec::new());
    for seed in 0..400 {
        let instance = draw(seed);
        let Instance {
            a,
            y,
            depth,
            sign,
            alpha,
            full,
        } = &instance;
        let name = format!(
            "seed {seed}: {} × {}, L = {depth}, {sign:?}, alpha = {alpha:.1e}",
            a.nrows(),
            a.ncols()
        );
        match projector
            .project(a, y, *depth, *sign, &vec![*alpha; a.ncols()])
            .unwrap()
        {
            Projection::Attained(limit) => {
                let (residual, gap) = violations(&instance, &limit);
                assert!(
                    residual <= 1e-12 && gap <= 1e-10,
                    "{name}: residual {residual:e}, mirror relation {gap:e}"
                );
                worst = (worst.0.max(residual), worst.1.max(gap));
                steps.push(limit.steps);
            }
            Projection::NotAttained(reason) => {
                none += 1;
                assert!(*sign == Sign::Positive && !full, "{name}: {reason:?}");
            }
            Projection::NotConverged(reason) => failed.push(format!("{name}: {reason:?}")),
        }
    }
    steps.sort_unstable();
    let median = steps[steps.len() / 2];
    println!("{} limits, {none} not attained, {} failed", steps.len(), failed.len());
    println!(
        "steps: median {median}, 90% {}, largest {:?}",
        steps[steps.len() * 9 / 10],
        steps.last()
    );
    println!(
        "worst residual {:.1e}, worst mirror relation {:.1e}\n{}",
        worst.0,
        worst.1,
        failed.join("\n")
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
