//! Theorems on many runs: random instances, and legal but nasty ones. Each holds or names the hypothesis that fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use hadaflow_core::event::{Event, LossBelow, Stationary, TimeReached};
use hadaflow_core::flow::{Formulation, time_unit};
use hadaflow_core::initialization::{Initialization, Model, Sign};
use hadaflow_core::measurement::DenseOperator;
use hadaflow_core::problem::Problem;
use nalgebra::DMatrix;
use rand::RngExt;

use super::testing::{gaussian, integrated_as};
use super::{Kind, Verdict, assess};
use crate::reference::testing::rng;
use crate::report::Evidence;

/// Assesses the theorems, counts for each how often it held, and complains about each that did not.
struct Tally {
    held: BTreeMap<&'static str, usize>,
    violated: Vec<String>,
}

impl Tally {
    fn new() -> Self {
        Self {
            held: BTreeMap::new(),
            violated: Vec::new(),
        }
    }

    fn add(&mut self, run: &Evidence, about: &str) {
        for assessment in assess(run, |_| true) {
            let (name, kind) = (assessment.prediction.name(), assessment.prediction.kind());
            match assessment.verdict {
                Verdict::Holds(_) => *self.held.entry(name).or_insert(0) += 1,
                Verdict::Violated(found) if kind == Kind::Theorem => {
                    self.violated.push(format!("{about}: {name}: {found:?}"));
                }
                _ => {}
            }
        }
    }

    fn finish(&self, wanted: &[(&str, usize)]) {
        assert!(self.violated.is_empty(), "{}", self.violated.join("\n"));
        for (name, least) in wanted {
            let held = self.held.get(name).copied().unwrap_or(0);
            assert!(held >= *least, "{name} held {held} times: {:?}", self.held);
        }
    }
}

/// A sparse loss, rest, or a time: all that ends a run in these tests.
fn stops(problem: &Problem, model: &Model, units: f64) -> Vec<Box<dyn Event>> {
    let smallest = match &model.initialization {
        Initialization::Identical(alpha) => *alpha,
        Initialization::Vector(x0) | Initialization::PerFactor(x0) => x0.iter().fold(1.0, |a: f64, b| a.min(*b)),
        Initialization::Random { scale, .. } => *scale,
    };
    vec![
        Box::new(LossBelow::relative(1e-12, &problem.measurements)),
        Box::new(Stationary::new(1e-9, model.sign == Sign::Signed, problem)),
        Box::new(TimeReached::new(units * time_unit(model.depth, smallest))),
    ]
}

#[test]
fn random_instances_contradict_no_theorem() {
    let mut tally = Tally::new();
    for seed in 0..INSTANCES {
        let mut rng = rng(1000 + seed);
        let sign = [Sign::Signed, Sign::Positive][seed as usize % 2]; // small
        let depth = rng.random_range(2..=5usize);
        let m = rng.random_range(1..=15usize);
        let n = rng.random_range(1..=30usize);
        let s = rng.random_range(0..=n.min(4));
        let noise = [0.0, 0.0, 0.1][rng.random_range(0..3usize)];
        let alpha: f64 = [1.0, 0.3, 0.1, 1e-2, 1e-4][rng.random_range(0..5usize)];
        let alpha = if depth > 3 { alpha.max(1e-2) } else { alpha };
        let initialization = match rng.random_range(0..4) {
            0 => Initialization::Vector((0..n).map(|_| alpha * rng.random_range(0.5..2.0)).collect()),
            1 if alpha >= 0.1 => {
                Initialization::PerFactor((0..depth).map(|_| alpha * rng.random_range(0.5..2.0)).collect())
            }
            _ => Initialization::Identical(alpha),
        };
        let wanted = (seed % 5 == 0 && alpha >= 1e-2).then_some(Formulation::Factor);
        let problem = gaussian(m, n, s, sign, noise, seed);
        let model = Model {
            depth,
            sign,
            initialization,
        };
        let about = format!("seed {seed}: {m} x {n}, s = {s}, noise {noise}, {wanted:?}, {model:?}");
        let stops = stops(&problem, &model, 100.0);
        tally.add(&integrated_as(wanted, problem, model, 1e-8, stops), &about);
    }
    tally.finish(&[
        ("loss_below_dual_distance_over_time_squared", 10),
        ("limit_is_the_bregman_projection", 10),
        ("weights_stay_positive", 3),
        ("l1_gap_below_threshold_bound", 10),
        ("l1_gap_below_relative_bound", 10),
        ("limit_selects_weighted_l1", 2),
        ("recovery_under_null_space_property", 2),
        ("excess_loss_below_divergence_over_time", 3),
    ]);
}

/// How many random instances are run.
const INSTANCES: u64 = 60;

/// Matrices, measurements and truths that are legal and nasty.
fn nasty() -> Vec<(&'static str, DMatrix<f64>, Vec<f64>)> {
    let wide = DMatrix::from_fn(3, 6, |i, j| (1.3 * ((i + 1) * (j + 2)) as f64).sin()); // small indices
    let mut repeated = wide.clone().insert_row(3, 0.0);
    let sum = repeated.row(0) + repeated.row(1);
    repeated.set_row(3, &sum);
    let mut zero_columns = wide.clone();
    zero_columns.column_mut(1).fill(0.0);
    zero_columns.column_mut(4).fill(0.0);
    let ties = nalgebra::dmatrix![1.0, 0.5, 2.0 / 3.0, 0.0; 0.0, 0.5, 1.0 / 3.0, 1.0];
    let twins = nalgebra::dmatrix![1.0, 1.0, 0.5; 0.3, 0.3, -1.0];
    let tall = DMatrix::from_fn(5, 2, |i, j| ((i + 1) as f64).powi(j as i32)); // small indices
    let times = |a: &DMatrix<f64>, x: &[f64]| (a * DMatrix::from_column_slice(x.len(), 1, x)).as_slice().to_vec();
    let sparse = [0.0, 2.0, 0.0, 0.0, 0.5, 0.0];
    vec![
        ("dependent rows", repeated.clone(), times(&repeated, &sparse)),
        ("dependent rows that disagree", repeated, vec![1.0, 2.0, 0.5, 0.1]),
        (
            "zero columns",
            zero_columns.clone(),
            times(&zero_columns, &[1.0, 3.0, 0.0, 0.0, 0.0, 0.2]),
        ),
        ("many minimisers", ties.clone(), times(&ties, &[1.0, 0.6, 0.3, 0.5])),
        ("equal columns", twins.clone(), times(&twins, &[1.0, 0.0, 0.0])),
        ("y = 0", wide.clone(), vec![0.0; 3]),
        (
            "a dense solution",
            wide.clone(),
            times(&wide, &[1.0, 0.5, 0.2, 0.7, 0.4, 0.1]),
        ),
        (
            "negative measurements of positive columns",
            DMatrix::from_element(1, 3, 1.0),
            vec![-1.0],
        ),
        ("one row", DMatrix::from_row_slice(1, 3, &[1.0, 2.0, 0.5]), vec![1.0]),
        (
            "one column",
            DMatrix::from_column_slice(3, 1, &[1.0, 2.0, 0.5]),
            vec![1.0, 2.0, 0.5],
        ),
        (
            "one column that does not reach",
            DMatrix::from_column_slice(3, 1, &[1.0, 2.0, 0.5]),
            vec![1.0, 1.0, 1.0],
        ),
        ("one number", DMatrix::from_element(1, 1, -2.0), vec![3.0]),
        ("more rows than columns", tall.clone(), times(&tall, &[0.5, 0.25])),
        ("an overdetermined fit", tall, vec![1.0, -1.0, 2.0, 0.0, 1.0]),
        (
            "tiny units",
            wide.clone() * 1e-3,
            times(&wide, &sparse).iter().map(|y| y * 1e-9).collect(),
        ),
        (
            "huge units",
            wide.clone() * 1e3,
            times(&wide, &sparse).iter().map(|y| y * 1e9).collect(),
        ),
    ]
}

#[test]
fn legal_but_nasty_instances_contradict_no_theorem() {
    let mut tally = Tally::new();
    for (name, a, y) in nasty() {
        let n = a.ncols();
        for (depth, scale) in [(2, 1e-60), (2, 1e-3), (2, 2.0), (3, 1e-2), (3, 10.0), (6, 0.2)] {
            for sign in [Sign::Signed, Sign::Positive] {
                for shape in 0..2 {
                    let initialization = match shape {
                        0 => Initialization::Identical(scale),
                        _ => Initialization::Vector((0..n).map(|j| scale * (1.0 + 0.3 * j as f64)).collect()), // small
                    };
                    let model = Model {
                        depth,
                        sign,
                        initialization,
                    };
                    let operator = Arc::new(DenseOperator::new(a.clone()).unwrap());
                    let problem = Problem::new(operator, y.clone(), None, 0.0).unwrap();
                    let stops = stops(&problem, &model, 30.0);
                    let about = format!("{name}, {model:?}");
                    tally.add(&integrated_as(None, problem, model, 1e-8, stops), &about);
                }
            }
        }
    }
    tally.finish(&[
        ("loss_below_dual_distance_over_time_squared", 50),
        ("limit_is_the_bregman_projection", 50),
        ("l1_gap_below_threshold_bound", 50),
        ("excess_loss_below_divergence_over_time", 30),
    ]);
}
