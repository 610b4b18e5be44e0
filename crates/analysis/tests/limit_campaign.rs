//! Random projections: the optimality conditions, evaluated from the answer alone, and a second route.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::time::Instant;

use hadaflow_analysis::reference::{Projection, Projector};
use hadaflow_core::initialization::Sign;
use hadaflow_core::measurement::by_name;
use hadaflow_core::problem::Problem;
use hadaflow_core::signal::{Magnitude, SparseSignal};

#[test]
fn explore() {
    let mut projector = Projector::default();
    for depth in [2usize, 3, 4, 6, 10] {
        for alpha in [1e-1, 1e-2, 1e-4, 1e-7, 1e-10, 1e-60] {
            if alpha < 1e-50 && depth > 2 { continue; }
            for sign in [Sign::Signed, Sign::Positive] {
                let mut line = String::new();
                let mut time = 0.0;
                for seed in 0..12u64 {
                    let (m, n, s) = [(20, 60, 4), (20, 60, 10), (10, 30, 3), (5, 12, 2)][(seed % 4) as usize];
                    let s = if sign == Sign::Positive && seed % 2 == 1 { n } else { s };
                    let signal = SparseSignal { sparsity: s, magnitude: Magnitude::Uniform(0.5, 1.5) };
                    let problem = Problem::synthetic(by_name("Gaussian").unwrap(), m, n, &signal, sign == Sign::Signed, 0.0, seed).unwrap();
                    let a = problem.operator.dense().unwrap();
                    let start = Instant::now();
                    let projection = projector.project(a, &problem.measurements, depth, sign, &vec![alpha; n]).unwrap();
                    time += start.elapsed().as_secs_f64();
                    line += &match projection {
                        Projection::Attained(limit) => format!("{} ", limit.steps),
                        Projection::NotAttained(_) => "NA ".into(),
                        Projection::NotConverged(why) => format!("{why:?} "),
                    };
                }
                println!("{depth} {alpha:.0e} {sign:?} {:.2}ms {line}", time / 12.0 * 1e3);
            }
        }
    }
}
#[test]
fn one() {
    let get = |k: &str, d: f64| std::env::var(k).ok().map_or(d, |v| v.parse().unwrap());
    let seed = get("SEED", 0.0) as u64;
    let sign = if get("POS", 0.0) > 0.0 { Sign::Positive } else { Sign::Signed };
    let (m, n, s) = [(20, 60, 4), (20, 60, 10), (10, 30, 3), (5, 12, 2)][(seed % 4) as usize];
    let s = if sign == Sign::Positive && seed % 2 == 1 { n } else { s };
    let signal = SparseSignal { sparsity: s, magnitude: Magnitude::Uniform(0.5, 1.5) };
    let problem = Problem::synthetic(by_name("Gaussian").unwrap(), m, n, &signal, sign == Sign::Signed, 0.0, seed).unwrap();
    let a = problem.operator.dense().unwrap();
    let p = Projector::default().project(a, &problem.measurements, get("L", 2.0) as usize, sign, &vec![get("ALPHA", 1e-60); n]).unwrap();
    println!("{p:?}");
}
