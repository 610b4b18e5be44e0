//! The size of the ℓ¹ gap as the initialization shrinks: slopes within 2 % of theory, leading constants within 1 %.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::sync::Arc;

use hadaflow_analysis::observable::Context;
use hadaflow_analysis::prediction::{Verdict, assess, explore};
use hadaflow_analysis::reference::{Origin, Reference, basis_pursuit};
use hadaflow_analysis::report::{Evidence, Setting};
use hadaflow_analysis::series::Series;
use hadaflow_core::flow::choose;
use hadaflow_core::initialization::{Initialization, Model, Sign};
use hadaflow_core::measurement::{DenseOperator, Gaussian};
use hadaflow_core::problem::Problem;
use hadaflow_core::randomness::{Purpose, stream};
use hadaflow_core::signal::{Magnitude, SparseSignal};
use hadaflow_core::trajectory::Trajectory;
use nalgebra::DMatrix;
use rand::RngExt;

const NAMES: [&str; 6] = [
    "gap_slope_in_alpha",
    "gap_leading_constant",
    "slow_rate_at_the_limit",
    "selected_minimiser_among_many",
    "kernel_regime",
    "limit_covariances",
];

const SIZES: [(usize, usize, usize); 4] = [(8, 20, 2), (15, 30, 3), (20, 60, 3), (10, 16, 2)];

/// What is known of a question before anything is integrated.
fn asked(size: (usize, usize, usize), depth: usize, sign: Sign, seed: u64) -> Evidence {
    noisy(size, depth, sign, 0.0, seed).unwrap()
}

/// The same with noise; `None` if nothing solves Az = y.
fn noisy(size: (usize, usize, usize), depth: usize, sign: Sign, noise: f64, seed: u64) -> Option<Evidence> {
    let (m, n, sparsity) = size;
    let magnitude = Magnitude::Uniform(0.5, 1.5);
    let signal = SparseSignal { sparsity, magnitude };
    let problem = Problem::synthetic(&Gaussian, m, n, &signal, sign == Sign::Signed, noise, seed).unwrap();
    question(problem, depth, sign)
}

/// The same of any problem.
fn question(problem: Problem, depth: usize, sign: Sign) -> Option<Evidence> {
    let initialization = Initialization::Identical(0.1);
    let model = Model {
        depth,
        sign,
        initialization,
    };
    let flow = choose(&problem, &model, 0, None, 1e-8).unwrap().flow;
    let setting = Setting { flow, model, seed: 0 };
    let pursuit = basis_pursuit(setting.matrix().unwrap(), setting.measurements(), sign, None);
    let minimiser = pursuit.solved()?.clone();
    let reference = Reference::new("basis_pursuit", minimiser.point.clone(), setting.flow.as_ref());
    let context = Context {
        references: vec![reference.from(Origin::BasisPursuit(Box::new(minimiser)))],
        support_threshold: 1e-3,
    };
    let series = Series::new(context, Vec::new());
    Some(Evidence::new(setting, Trajectory::new(), &series, 1e-8, true))
}

fn verdict(name: &str, evidence: &mut Evidence) -> Verdict {
    let (families, completed) = explore(evidence, |wanted| wanted == name, &mut |_| true);
    assert!(completed);
    evidence.families = families;
    assess(evidence, |wanted| wanted == name).remove(0).verdict
}

/// Slopes and constants, measured against theory, of six instances at least; the worst of each.
#[test]
fn slopes_and_constants_agree_with_theory() {
    for sign in [Sign::Signed, Sign::Positive] {
        for depth in [2, 3, 4] {
            let (mut instances, mut worst) = (0, [0.0f64; 2]);
            for (k, size) in SIZES.into_iter().cycle().take(24).enumerate() {
                let mut run = asked(size, depth, sign, k as u64); // small
                let (_, minimiser) = run.basis_pursuit().unwrap();
                if minimiser.support.len() >= size.0 {
                    continue;
                }
                let Verdict::Holds(slope) = verdict("gap_slope_in_alpha", &mut run) else {
                    continue;
                };
                instances += 1;
                worst[0] = worst[0].max(slope.measured);
                if depth > 2 {
                    let constant = verdict("gap_leading_constant", &mut run);
                    worst[1] = worst[1].max(constant.measurement().unwrap().measured);
                }
            }
            println!(
                "{sign:?}, L = {depth}: {instances} instances, slopes {:.1e}, constants {:.1e}",
                worst[0], worst[1]
            );
            assert!(instances >= 6, "{sign:?}, L = {depth}: only {instances}");
            assert!(worst[0] < 0.02 && worst[1] < 0.01, "{sign:?}, L = {depth}: {worst:?}");
        }
    }
}

/// Whatever the instance, no verdict is false.
#[test]
fn no_instance_contradicts() {
    let mut seen = [0, 0];
    for seed in 0..60 {
        let sign = [Sign::Signed, Sign::Positive][(seed % 2) as usize];
        let depth = 2 + (seed / 2 % 5) as usize; // 2..=6
        let sizes = [
            (1, 5, 1),
            (5, 1, 1),
            (6, 6, 3),
            (12, 8, 2),
            (9, 25, 2),
            (14, 28, 9),
            (3, 30, 1),
            (15, 20, 4),
        ];
        let size = sizes[(seed % 7) as usize];
        let noise = if seed % 5 == 4 { 0.05 } else { 0.0 };
        let Some(mut run) = noisy(size, depth, sign, noise, seed) else {
            continue;
        };
        for name in NAMES {
            let found = verdict(name, &mut run);
            assert_ne!(
                found.name(),
                "violated",
                "{size:?}, L = {depth}, {sign:?}, seed {seed}: {found:?}"
            );
            seen[usize::from(found.name() == "holds")] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 10), "{seen:?}");
}

/// Small integers, repeated columns and rows, empty columns, equal entries: ties of every kind, and low rank.
#[test]
fn no_degenerate_instance_contradicts() {
    let mut seen = BTreeMap::new();
    for seed in 0..150u64 {
        let mut rng = stream(seed, Purpose::Matrix);
        let (m, n) = (rng.random_range(1..=12usize), rng.random_range(1..=24usize));
        let mut a = DMatrix::from_fn(m, n, |_, _| f64::from(rng.random_range(-2..=2)));
        let (from, to) = (rng.random_range(0..n), rng.random_range(0..n));
        let column = a.column(from).into_owned();
        a.set_column(to, &column);
        if seed % 3 == 0 {
            let row = a.row(0).into_owned();
            a.set_row(m - 1, &row);
        }
        let sign = [Sign::Signed, Sign::Positive][(seed % 2) as usize];
        let depth = 2 + (seed / 2 % 4) as usize; // 2..=5
        let mut x = DMatrix::zeros(n, 1);
        for _ in 0..rng.random_range(0..=m.min(4)) {
            let flip = sign == Sign::Signed && rng.random_bool(0.5);
            x[rng.random_range(0..n)] = if flip { -1.0 } else { 1.0 };
        }
        let y = (&a * x).as_slice().to_vec();
        let problem = Problem::new(Arc::new(DenseOperator::new(a).unwrap()), y, None, 0.0).unwrap();
        let Some(mut run) = question(problem, depth, sign) else {
            continue;
        };
        for name in NAMES {
            let found = verdict(name, &mut run);
            assert_ne!(
                found.name(),
                "violated",
                "{m} × {n}, L = {depth}, {sign:?}, seed {seed}, {name}: {found:?}"
            );
            *seen.entry((name, found.name())).or_insert(0) += 1;
        }
    }
    println!("{seen:?}");
    assert!(
        NAMES
            .iter()
            .all(|name| seen.get(&(*name, "holds")).is_some_and(|count| *count >= 5)),
        "{seen:?}"
    );
}

/// The slowest rate at the limit, against theory.
#[test]
fn slow_rates_agree_with_theory() {
    for sign in [Sign::Signed, Sign::Positive] {
        for depth in [2, 3, 4] {
            let (mut instances, mut worst) = (0, 0.0f64);
            for (k, size) in SIZES.into_iter().cycle().take(24).enumerate() {
                let mut run = asked(size, depth, sign, k as u64); // small
                if let Some(found) = verdict("slow_rate_at_the_limit", &mut run).measurement() {
                    instances += 1;
                    worst = worst.max(found.measured);
                }
            }
            println!("{sign:?}, L = {depth}: {instances} instances, slopes of rates {worst:.1e}");
            // for L = 2 nearly active columns matter until α is much smaller
            let allowed = if depth == 2 { 0.1 } else { 0.02 };
            assert!(
                instances >= 6 && worst < allowed,
                "{sign:?}, L = {depth}: {instances}, {worst}"
            );
        }
    }
}
