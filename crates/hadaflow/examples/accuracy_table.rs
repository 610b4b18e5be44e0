//! Prints the table of the book's page on accuracy: `cargo run --release --example accuracy_table`.
//!
//! 80 × 200, s = 5, seed 7, stopped by `RelativeLossBelow(1e-12)` or `Stationary(1e-9)`. For each depth, sign and α: how the
//! run ends at tolerance 1e-8, ‖Aw − y‖/‖y‖ there, the residual of D(0) − D(t) = 2∫ℓ relative to D(0) at tolerances
//! 1e-8 and 1e-10, and the largest difference of log and dual flow in units of
//! tolerance·max(‖w‖_∞, t‖w′‖_∞) at 20 log-spaced times.
#![allow(clippy::print_stdout)] // printing is what it is for

use hadaflow::analysis::observable::{Context, all};
use hadaflow::analysis::reference::Reference;
use hadaflow::analysis::series::Series;
use hadaflow::core::error::CoreError;
use hadaflow::core::event::{Event, LossBelow, Stationary, TimeReached};
use hadaflow::core::flow::{Choice, Evaluation, Formulation, choose, time_unit};
use hadaflow::core::initialization::{Initialization, Model, Sign};
use hadaflow::core::integrate::{DiffsolIntegrator, Integration, Integrator, Method, Schedule, Task};
use hadaflow::core::measurement::by_name;
use hadaflow::core::mirror::Position;
use hadaflow::core::problem::Problem;
use hadaflow::core::signal::{Magnitude, SparseSignal};
use hadaflow::core::trajectory::Trajectory;

const SEED: u64 = 7;
const TOLERANCE: f64 = 1e-8;

fn main() -> Result<(), CoreError> {
    println!(
        "| L | sign | α | flow | steps | ends by | ‖Aw−y‖/‖y‖ | identity 1e-8 | identity 1e-10 | log against dual |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for depth in [2, 3, 4, 6] {
        for sign in [Sign::Signed, Sign::Positive] {
            for alpha in [1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-60] {
                if alpha > 1e-20 || depth == 2 {
                    row(depth, sign, alpha)?;
                }
            }
        }
    }
    Ok(())
}

fn row(depth: usize, sign: Sign, alpha: f64) -> Result<(), CoreError> {
    let signed = sign == Sign::Signed;
    let signal = SparseSignal {
        sparsity: 5,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    let problem = Problem::synthetic(by_name("Gaussian")?, 80, 200, &signal, signed, 0.0, SEED)?;
    let model = Model {
        depth,
        sign,
        initialization: Initialization::Identical(alpha),
    };
    let choice = |wanted, tolerance| choose(&problem, &model, SEED, wanted, tolerance);
    let best = choice(None, TOLERANCE)?;
    let (coarse, mut residual, mismatch) = identity(&best, &problem, TOLERANCE)?;
    // Residuals at two tolerances compare only for one formulation: that of the finer.
    let finer = choice(None, 1e-10)?;
    let formulation = finer.flow.formulation();
    if formulation != best.flow.formulation() {
        (_, residual, _) = identity(&choice(Some(formulation), TOLERANCE)?, &problem, TOLERANCE)?;
    }
    let (_, finer, _) = identity(&finer, &problem, 1e-10)?;
    let agreement = if best.flow.formulation() == Formulation::Dual {
        let log = choice(Some(Formulation::Log), TOLERANCE)?;
        format!(
            "{:.1}",
            disagreement((&best, &log), time_unit(depth, alpha), coarse.end.t.hi)?
        )
    } else {
        "–".into()
    };
    let name = if signed { "signed" } else { "positive" };
    println!(
        "| {depth} | {name} | {alpha:e} | {} | {} | {} | {mismatch:.1e} | {residual:.1e} | {finer:.1e} | {agreement} |",
        best.flow.formulation().name(),
        coarse.statistics.steps,
        coarse.outcome.explain().trim_start_matches("stopped by "),
    );
    Ok(())
}

/// The run, the worst residual of the identity relative to D(0), and ‖Aw − y‖/‖y‖ at the end.
fn identity(choice: &Choice, problem: &Problem, tolerance: f64) -> Result<(Integration, f64, f64), CoreError> {
    let flow = choice.flow.as_ref();
    let truth = problem.truth.clone().unwrap_or_default();
    let context = Context {
        references: vec![Reference::new("truth", truth, flow)],
        support_threshold: 1e-3,
    };
    let mismatches = vec![context.references[0].mismatch.clone()];
    let mut series = Series::new(context.clone(), all(flow, &context));
    let events: Vec<Box<dyn Event>> = vec![
        Box::new(LossBelow::relative(1e-12, &problem.measurements)),
        Box::new(Stationary::new(1e-9, flow.signed(), problem)),
    ];
    let task = task(choice, tolerance, Schedule::LogSpaced(100), events, mismatches);
    let integration = DiffsolIntegrator::new(Method::Bdf).integrate(&task, &mut series, &mut |_| true)?;
    let columns = series.by_name();
    let (d, integral) = (&columns["bregman_divergence_truth"], &columns["loss_integral"]);
    let residuals = d
        .iter()
        .zip(integral)
        .map(|(now, integral)| (d[0] - now - 2.0 * integral).abs() / d[0]);
    let worst = residuals.fold(0.0, f64::max);
    let loss = columns["loss"].last().copied().unwrap_or(f64::NAN);
    let square: f64 = problem.measurements.iter().map(|y| y * y).sum();
    Ok((integration, worst, (2.0 * loss / square).sqrt()))
}

fn task(
    choice: &Choice,
    tolerance: f64,
    schedule: Schedule,
    events: Vec<Box<dyn Event>>,
    mismatches: Vec<Vec<f64>>,
) -> Task {
    Task {
        flow: choice.flow.clone(),
        tolerance,
        max_steps: 1_000_000,
        schedule,
        events,
        mismatches,
        resume: None,
    }
}

/// max |Δw| in units of tolerance·max(‖w‖_∞, t‖w′‖_∞) over 20 log-spaced times in [T/1000, t_end].
fn disagreement((one, other): (&Choice, &Choice), unit: f64, end: f64) -> Result<f64, CoreError> {
    let first = (unit / 1000.0).min(end / 2.0);
    let times: Vec<f64> = (0..20)
        .map(|k| first * (end / first).powf(f64::from(k) / 19.0))
        .collect();
    let weights = |choice: &Choice| -> Result<Trajectory, CoreError> {
        let mut trajectory = Trajectory::new();
        let stop: Vec<Box<dyn Event>> = vec![Box::new(TimeReached::new(end * (1.0 + 1e-9)))];
        let task = task(choice, TOLERANCE, Schedule::Times(times.clone()), stop, vec![]);
        DiffsolIntegrator::new(Method::Bdf).integrate(&task, &mut trajectory, &mut |_| true)?;
        Ok(trajectory)
    };
    let (a, b) = (weights(one)?, weights(other)?);
    let n = one.flow.problem().cols();
    let mut worst = 0.0f64;
    for row in 1..a.len().min(b.len()) {
        let (Some(w), Some(v)) = (a.weights_at(row, n), b.weights_at(row, n)) else {
            continue;
        };
        let difference = w.iter().zip(v).fold(0.0f64, |worst, (w, v)| worst.max((w - v).abs()));
        let size = w.iter().fold(0.0f64, |a, w| a.max(w.abs()));
        let speed = weight_speed(other, &b.state[row * other.flow.dim()..(row + 1) * other.flow.dim()]);
        worst = worst.max(difference / (TOLERANCE * size.max(a.t[row].hi * speed)));
    }
    Ok(worst)
}

/// ‖w′‖_∞ at a state, w′ = (1/F″)∘Aᵀr.
fn weight_speed(choice: &Choice, state: &[f64]) -> f64 {
    let flow = choice.flow.as_ref();
    let (m, n) = (flow.problem().rows(), flow.problem().cols());
    let (mut evaluation, mut position) = (Evaluation::new(m, n), Position::new(n, flow.signed()));
    flow.evaluate(state, &mut evaluation);
    flow.position(state, &evaluation, &mut position);
    let (mut metric, mut pull) = (vec![0.0; n], vec![0.0; n]);
    flow.mirror().inverse_metric(&position, &mut metric);
    flow.problem().operator.apply_adjoint(&evaluation.residual, &mut pull);
    metric
        .iter()
        .zip(pull)
        .fold(0.0, |a, (metric, pull)| a.max((metric * pull).abs()))
}
