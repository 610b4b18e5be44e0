//! What an integration costs over m, n, s, L, α and the tolerance: measured, fitted and drawn.
//!
//! ```text
//! cost run RESULTS.json [NAME...]      measures all quantities, or those of the NAMEs: m n s L alpha tolerance dct
//! cost show RESULTS.json FOLDER        draws FOLDER/cost-NAME.svg and prints the tables of the book
//! ```
//!
//! One quantity varies at a time around n = 1000, m = 250, s = 15, L = 2, α = 1e-3, tolerance 1e-6 (positive model, Gaussian
//! A, method `Ndf`, seeds 1 to 3); L at α = 0.1, where the dual flow serves every depth, and tolerance 1e-8, where all passes
//! are in double precision. Runs end at loss 1e-10. `dct`: n/16 random rows of the cosine transform of length n, s = 32, the
//! first hundred steps.

#![allow(clippy::print_stdout, clippy::print_stderr)] // printing is what it is for

#[path = "../common/clock.rs"]
mod clock;
#[path = "../common/order.rs"]
mod order;
mod report;

use std::borrow::Cow;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hadaflow::core::event::{LossBelow, TimeReached};
use hadaflow::core::flow::choose;
use hadaflow::core::initialization::{Initialization, Model, Sign};
use hadaflow::core::integrate::{Integrator, NdfIntegrator, Schedule, Task};
use hadaflow::core::measurement::{Magnitudes, MeasurementOperator, by_name};
use hadaflow::core::problem::Problem;
use hadaflow::core::signal::{Magnitude, SparseSignal};
use hadaflow::core::trajectory::Trajectory;
use nalgebra::DMatrix;

use report::quantities::{Case, Quantity, quantities};
use report::{Taken, details, exponents, parse, pictures};

const SEEDS: [u64; 3] = [1, 2, 3];
/// Each run is timed so many times; the least counts.
const ROUNDS: usize = 2;
/// Steps of the runs without a matrix.
const FEW_STEPS: usize = 100;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["run", file, names @ ..] => run(file, names),
        ["show", file, folder] => {
            let results = parse(&std::fs::read_to_string(file)?)?;
            for (name, picture) in pictures(&results)? {
                std::fs::write(Path::new(folder).join(name), picture)?;
            }
            println!("{}\n{}", exponents(&results), details(&results));
            Ok(())
        }
        _ => Err("cost run RESULTS.json [NAME...] | cost show RESULTS.json FOLDER".into()),
    }
}

fn run(file: &str, names: &[&str]) -> Result<(), Failure> {
    let mut out = std::fs::File::create(file)?;
    let wanted = |quantity: &Quantity| names.is_empty() || names.contains(&quantity.name);
    for quantity in quantities().into_iter().filter(wanted) {
        for case in &quantity.cases {
            for seed in SEEDS {
                let taken = serde_json::to_string(&measure(case, quantity.name, seed)?)?;
                eprintln!("{taken}");
                writeln!(out, "{taken}")?;
            }
        }
    }
    Ok(())
}

/// Draws the problem and integrates it.
fn measure(case: &Case, quantity: &str, seed: u64) -> Result<Taken, Failure> {
    let signal = SparseSignal {
        sparsity: case.s,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    let ensemble = by_name(if case.transform { "SubsampledDct" } else { "Gaussian" })?;
    let problem = Problem::synthetic(ensemble, case.m, case.n, &signal, false, 0.0, seed)?;
    let counted = Arc::new(Counted {
        operator: problem.operator.clone(),
        products: AtomicUsize::new(0),
    });
    let problem = if case.transform {
        Problem::new(counted.clone(), problem.measurements, problem.truth, 0.0)?
    } else {
        problem
    };
    let initialization = Initialization::Identical(case.alpha);
    let model = Model {
        depth: case.depth,
        sign: Sign::Positive,
        initialization,
    };
    let flow = choose(&problem, &model, seed, None, case.tolerance)?.flow;
    let task = Task {
        flow: flow.clone(),
        tolerance: case.tolerance,
        max_steps: if case.transform { FEW_STEPS } else { 1_000_000 },
        schedule: Schedule::LogSpaced(200),
        events: vec![Box::new(LossBelow::absolute(1e-10)), Box::new(TimeReached::new(1e8))],
        mismatches: Vec::new(),
        resume: None,
    };
    let (w, mut image) = (vec![1.0; case.n], vec![0.0; case.m]);
    let mut pull = vec![0.0; case.n];
    let ((), pass_s) = clock::timed(|| {
        problem.operator.apply(&w, &mut image);
        problem.operator.apply_adjoint(&image, &mut pull);
    });
    let mut cpu_s = f64::INFINITY;
    let mut last = None;
    for _ in 0..if case.transform { 1 } else { ROUNDS } {
        let (integration, seconds) = clock::timed(|| {
            counted.products.store(0, Ordering::Relaxed);
            NdfIntegrator.integrate(&task, &mut Trajectory::without_weights(), &mut |_| true)
        });
        cpu_s = cpu_s.min(seconds);
        last = Some(integration?);
    }
    let integration = last.ok_or("nothing was run")?;
    let statistics = integration.statistics;
    Ok(Taken {
        quantity: quantity.to_owned(),
        case: *case,
        seed,
        formulation: flow.formulation().name().to_owned(),
        outcome: integration.outcome.kind().to_owned(),
        cpu_s,
        steps: statistics.steps,
        rhs: statistics.rhs,
        jacobians: statistics.jacobians,
        products: counted.products.load(Ordering::Relaxed),
        pass_s,
    })
}

/// An operator that counts its products.
struct Counted {
    operator: Arc<dyn MeasurementOperator>,
    products: AtomicUsize,
}

impl MeasurementOperator for Counted {
    fn rows(&self) -> usize {
        self.operator.rows()
    }

    fn cols(&self) -> usize {
        self.operator.cols()
    }

    fn apply(&self, w: &[f64], out: &mut [f64]) {
        self.products.fetch_add(1, Ordering::Relaxed);
        self.operator.apply(w, out);
    }

    fn apply_adjoint(&self, r: &[f64], out: &mut [f64]) {
        self.products.fetch_add(1, Ordering::Relaxed);
        self.operator.apply_adjoint(r, out);
    }

    fn columns(&self, which: &[usize], out: &mut DMatrix<f64>) {
        self.operator.columns(which, out);
    }

    fn dense(&self) -> Option<&DMatrix<f64>> {
        self.operator.dense()
    }

    fn magnitudes(&self) -> Option<Cow<'_, Magnitudes>> {
        self.operator.magnitudes()
    }
}
