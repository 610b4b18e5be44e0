//! Exact limits against computations with more digits: `data/limits_200_digits.json`, and the limits of the core's
//! reference cases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use hadaflow_analysis::reference::{Limit, Projection, bregman_projection};
use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;
use serde_json::Value;

/// Every entry of every limit, those off the support (1e-40 at L = 4) included.
const RELATIVE: f64 = 1e-10;

struct Instance {
    name: String,
    depth: usize,
    sign: Sign,
    x0: Vec<f64>,
    a: DMatrix<f64>,
    y: Vec<f64>,
    value: Value,
}

/// Numbers, or decimal digits in strings.
fn numbers(value: &Value) -> Vec<f64> {
    let number = |x: &Value| x.as_f64().unwrap_or_else(|| x.as_str().unwrap().parse().unwrap());
    value.as_array().unwrap().iter().map(number).collect()
}

fn read(value: &Value, depth: &str, x0: impl Fn(usize) -> Vec<f64>) -> Instance {
    let rows: Vec<Vec<f64>> = value["A"].as_array().unwrap().iter().map(numbers).collect();
    let (m, n) = (rows.len(), rows[0].len());
    Instance {
        name: value["name"].as_str().unwrap().into(),
        depth: value[depth].as_u64().unwrap() as usize, // single digits
        sign: if value["signed"].as_bool().unwrap() {
            Sign::Signed
        } else {
            Sign::Positive
        },
        x0: x0(n),
        a: DMatrix::from_row_slice(m, n, &rows.concat()),
        y: numbers(&value["y"]),
        value: value.clone(),
    }
}

fn instances() -> Vec<Instance> {
    let file: Value = serde_json::from_str(include_str!("data/limits_200_digits.json")).unwrap();
    let instances = file["instances"].as_array().unwrap();
    instances
        .iter()
        .map(|value| read(value, "depth", |_| numbers(&value["x0"])))
        .collect()
}

fn reference_cases() -> Vec<Instance> {
    let file: Value = serde_json::from_str(include_str!("../../core/tests/data/reference_cases.json")).unwrap();
    let start = |value: &Value, n| vec![value["alpha"].as_f64().unwrap(); n];
    file["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| read(value, "L", |n| start(value, n)))
        .collect()
}

fn limit(instance: &Instance) -> Limit {
    let Instance {
        name,
        depth,
        sign,
        x0,
        a,
        y,
        ..
    } = instance;
    match bregman_projection(a, y, *depth, *sign, x0).unwrap() {
        Projection::Attained(limit) => limit,
        other => panic!("{name}: {other:?}"),
    }
}

/// Largest |a − b|/|b|; b = 0 must be met exactly.
fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let error = |(a, b): (&f64, &f64)| if a == b { 0.0 } else { ((a - b) / b).abs() };
    a.iter()
        .zip(b)
        .map(error)
        .fold(0.0, |worst, e| if e <= worst { worst } else { e })
}

#[test]
fn every_entry_agrees_with_200_digits() {
    let mut failures = Vec::new();
    let instances = instances();
    assert!(instances.len() >= 34);
    for instance in &instances {
        let limit = limit(instance);
        let errors = [
            ("weights", &limit.weights),
            ("plus", &limit.plus),
            ("minus", &limit.minus),
        ]
        .map(|(key, ours)| relative(ours, &numbers(&instance.value[key])));
        let logs = |logs: &[f64]| -> Vec<f64> { logs.iter().map(|u| (instance.depth as f64 * u).exp()).collect() };
        let factors = relative(&logs(&limit.log_u), &limit.plus).max(relative(&logs(&limit.log_v), &limit.minus));
        let line = format!(
            "{:<22} {errors:?} {factors:.1e} in {} steps",
            instance.name, limit.steps
        );
        println!("{line}");
        if !errors.iter().chain([&factors]).all(|&error| error <= RELATIVE) {
            failures.push(line);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What the tolerance is worth: dropping the entries off the support misses it.
#[test]
fn the_least_l1_solution_would_not_pass() {
    let tiny = |w: &f64| w.abs() < 1e-14;
    let exact: Vec<Vec<f64>> = instances()
        .iter()
        .map(|instance| numbers(&instance.value["weights"]))
        .collect();
    let dropped = |w: &[f64]| -> Vec<f64> { w.iter().map(|w| if tiny(w) { 0.0 } else { *w }).collect() };
    assert!(exact.iter().filter(|w| w.iter().any(tiny)).count() >= 25);
    assert!(
        exact
            .iter()
            .filter(|w| w.iter().any(tiny))
            .all(|w| relative(&dropped(w), w) > RELATIVE)
    );
}

#[test]
fn limits_of_the_reference_cases() {
    let cases = reference_cases();
    assert_eq!(cases.len(), 9);
    for case in &cases {
        let limit = limit(case);
        let expected = numbers(&case.value["limit"]);
        let error = limit
            .weights
            .iter()
            .zip(&expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        println!("{:<22} {error:.1e} in {} steps", case.name, limit.steps);
        assert!(error <= 1e-12, "{}: {error:e}", case.name);
    }
}
