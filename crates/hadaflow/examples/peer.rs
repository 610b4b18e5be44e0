//! One flow on matrices from `.npy` files, timed: the side of `benches/peers/` that is this project's.
//!
//! ```text
//! peer METHOD FOLDER DEPTH SIGN ALPHA T_END TOLERANCE REPEATS [PATH.json] [--stop LOSS]
//! ```
//!
//! METHOD is `Ndf`, `Bdf`, `Esdirk34`, `TrBdf2` or `Tsit45`, SIGN `positive` or `signed`; FOLDER holds `A.npy`, `y.npy`,
//! `wstar.npy`. Stops at LOSS, 1e-10 where it is not given, or at T_END; keeps w at 0 and at 199 log-spaced times from 1e-2 to
//! T_END. Prints one line of JSON with the mean CPU time of a solve, and writes t, loss, divergence of `wstar` and ∫ℓ at these
//! times to PATH.json.

#![allow(clippy::print_stdout)] // printing is what it is for

#[path = "common/clock.rs"]
#[allow(dead_code)] // `timed`: here a solve is repeated as often as is asked for, too
mod clock;

use std::path::Path;
use std::time::Instant;

use clock::seconds;
use hadaflow::core::event::{LossBelow, TimeReached};
use hadaflow::core::flow::choose;
use hadaflow::core::initialization::{Initialization, Model, Sign};
use hadaflow::core::integrate::{DiffsolIntegrator, Integrator, Method, NdfIntegrator, Schedule, Task};
use hadaflow::core::measurement::DenseOperator;
use hadaflow::core::problem::Problem;
use hadaflow::core::record::{Recorder, Snapshot};
use hadaflow::experiment::read::{MatrixData, read_matrix, read_vector};
use serde_json::json;

/// What is kept of each output time.
#[derive(Default)]
struct Path200 {
    t: Vec<f64>,
    loss: Vec<f64>,
    integral: Vec<f64>,
    weights: Vec<f64>,
    states: Vec<f64>,
}

/// Output times, and the end.
const TIMES: usize = 201;

impl Path200 {
    /// For that many weights and entries of the state: storage is no part of what is timed.
    fn with_capacity(weights: usize, states: usize) -> Self {
        Self {
            t: Vec::with_capacity(TIMES),
            loss: Vec::with_capacity(TIMES),
            integral: Vec::with_capacity(TIMES),
            weights: Vec::with_capacity(TIMES * weights),
            states: Vec::with_capacity(TIMES * states),
        }
    }

    /// For another solve.
    fn clear(&mut self) {
        let Self {
            t,
            loss,
            integral,
            weights,
            states,
        } = self;
        for kept in [t, loss, integral, weights, states] {
            kept.clear();
        }
    }
}

impl Recorder for Path200 {
    fn record(&mut self, snapshot: &Snapshot) {
        self.t.push(snapshot.t.hi);
        self.loss.push(snapshot.loss);
        self.integral.push(snapshot.loss_integral.hi);
        self.weights.extend_from_slice(&snapshot.evaluation.weights);
        self.states.extend_from_slice(snapshot.state);
    }

    fn retain(&mut self, _keep: &[bool]) {}
}

/// Solves are repeated for at least as many seconds.
const LEAST_SECONDS: f64 = 0.4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = arguments.iter().position(|word| word == "--stop");
    let option = option.map(|place| arguments.split_off(place));
    let stop: f64 = match option.as_deref() {
        None => 1e-10,
        Some([_, loss]) => loss.parse()?,
        Some(_) => return Err("--stop LOSS comes last".into()),
    };
    let [method, folder, depth, sign, alpha, t_end, tolerance, repeats, rest @ ..] = arguments.as_slice() else {
        return Err("peer METHOD FOLDER DEPTH SIGN ALPHA T_END TOLERANCE REPEATS [PATH.json] [--stop LOSS]".into());
    };
    let folder = Path::new(folder);
    let MatrixData::Dense { rows, cols, row_major } = read_matrix(&folder.join("A.npy"), None)? else {
        return Err("A.npy is not dense".into());
    };
    let measurements = read_vector(&folder.join("y.npy"), None)?;
    let truth = read_vector(&folder.join("wstar.npy"), None)?;
    let sign = if sign == "signed" { Sign::Signed } else { Sign::Positive };
    let (alpha, t_end, tolerance): (f64, f64, f64) = (alpha.parse()?, t_end.parse()?, tolerance.parse()?);
    let model = Model {
        depth: depth.parse()?,
        sign,
        initialization: Initialization::Identical(alpha),
    };
    let matrix = nalgebra::DMatrix::from_row_slice(rows, cols, &row_major);
    let operator = std::sync::Arc::new(DenseOperator::new(matrix)?);
    let problem = Problem::new(operator, measurements, Some(truth.clone()), 0.0)?;
    let flow = choose(&problem, &model, 0, None, tolerance)?.flow;
    let ratio = (t_end / 1e-2).powf(1.0 / 198.0);
    let later = (0..199).map(|k| 1e-2 * ratio.powi(k));
    let task = Task {
        flow: flow.clone(),
        tolerance,
        max_steps: 1_000_000,
        schedule: Schedule::Times(std::iter::once(0.0).chain(later).collect()),
        events: vec![Box::new(LossBelow::absolute(stop)), Box::new(TimeReached::new(t_end))],
        mismatches: Vec::new(),
        resume: None,
    };
    let integrator: Box<dyn Integrator> = match method.as_str() {
        "Ndf" => Box::new(NdfIntegrator),
        other => {
            let known = [Method::Bdf, Method::Esdirk34, Method::TrBdf2, Method::Tsit45];
            let method = known.into_iter().find(|method| method.name() == other);
            Box::new(DiffsolIntegrator::new(
                method.ok_or_else(|| format!("no method {other}"))?,
            ))
        }
    };
    // The system's clock ticks too slowly for one short solve: only their sum is measured.
    let mut path = Path200::with_capacity(flow.problem().cols(), flow.dim());
    let start = Instant::now();
    let before = seconds(start);
    let mut solves = 0u32;
    let integration = loop {
        path.clear();
        let integration = integrator.integrate(&task, &mut path, &mut |_| true)?;
        solves += 1;
        if solves >= repeats.parse()? && seconds(start) - before >= LEAST_SECONDS {
            break integration;
        }
    };
    let each = (seconds(start) - before) / f64::from(solves);
    let mirror = flow.mirror();
    let anchor = mirror.anchor(&truth).ok_or("wstar is outside the domain")?;
    let (m, n) = (flow.problem().rows(), flow.problem().cols());
    let mut evaluation = hadaflow::core::flow::Evaluation::new(m, n);
    let mut position = hadaflow::core::mirror::Position::new(n, flow.signed());
    let mut divergence = |state: &[f64]| {
        flow.evaluate(state, &mut evaluation);
        flow.position(state, &evaluation, &mut position);
        mirror.divergence(&anchor, &position)
    };
    let divergences: Vec<f64> = path.states.chunks_exact(flow.dim()).map(&mut divergence).collect();
    let identity = |(d, g): (&f64, &f64)| ((divergences[0] - d - 2.0 * g) / divergences[0]).abs();
    let identity = divergences.iter().zip(&path.integral).map(identity).fold(0.0, f64::max);
    let statistics = integration.statistics;
    println!(
        "{}",
        json!({
            "method": method, "formulation": flow.formulation().name(), "outcome": integration.outcome.kind(),
            "cpu_s": each, "t": integration.end.t.hi, "records": path.t.len(),
            "loss": path.loss.last(), "steps": statistics.steps, "rhs": statistics.rhs,
            "jacobians": statistics.jacobians, "factorizations": statistics.factorizations,
            "newton_failures": statistics.newton_failures, "error_test_failures": statistics.error_test_failures,
            "restarts": statistics.restarts, "identity": identity,
        })
    );
    if let Some(file) = rest.first() {
        let path = json!({"t": path.t, "loss": path.loss, "D": divergences, "integral": path.integral});
        std::fs::write(file, path.to_string())?;
    }
    Ok(())
}
