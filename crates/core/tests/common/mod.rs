//! What the integration tests share: problems, runs, and plain versions of the formulas.
#![allow(dead_code)] // every test file uses its own part of this module

use std::sync::Arc;

use hadaflow_core::event::{Event, LossBelow, Stationary, TimeReached};
use hadaflow_core::flow::{Evaluation, Flow, Formulation, choose};
use hadaflow_core::initialization::{Initialization, Model, Sign};
use hadaflow_core::integrate::{DiffsolIntegrator, Integration, Integrator, Method, NdfIntegrator, Schedule, Task};
use hadaflow_core::measurement::{DenseOperator, MeasurementOperator, by_name};
use hadaflow_core::mirror::Position;
use hadaflow_core::problem::Problem;
use hadaflow_core::signal::{Magnitude, SparseSignal};
use hadaflow_core::trajectory::Trajectory;
use nalgebra::DMatrix;

/// Irregular numbers in (−1, 1), the same on every machine.
pub struct Numbers(u64);

impl Numbers {
    /// The sequence of that seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    /// The next number, uniform in [−1, 1) (splitmix64).
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0 // 53 bits fit a double
    }

    /// `count` numbers.
    pub fn take(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// A dense operator.
pub fn dense(matrix: DMatrix<f64>) -> Arc<dyn MeasurementOperator> {
    Arc::new(DenseOperator::new(matrix).unwrap())
}

/// A problem with that matrix and those measurements.
pub fn problem(matrix: &DMatrix<f64>, y: &[f64]) -> Problem {
    Problem::new(dense(matrix.clone()), y.to_vec(), None, 0.0).unwrap()
}

/// The matrix of an operator.
pub fn matrix_of(operator: &dyn MeasurementOperator) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(operator.rows(), operator.cols());
    operator.columns(&(0..operator.cols()).collect::<Vec<_>>(), &mut matrix);
    matrix
}

/// Gaussian A, sparse truth with entries of size 0.5 to 1.5, exact y.
pub fn gaussian(m: usize, n: usize, sparsity: usize, sign: Sign, seed: u64) -> Problem {
    let signal = SparseSignal {
        sparsity,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    let ensemble = by_name("Gaussian").unwrap();
    Problem::synthetic(ensemble, m, n, &signal, sign == Sign::Signed, 0.0, seed).unwrap()
}

/// A model.
pub fn model(depth: usize, sign: Sign, initialization: Initialization) -> Model {
    Model {
        depth,
        sign,
        initialization,
    }
}

/// The flow of an identical start α.
pub fn flow(problem: &Problem, depth: usize, sign: Sign, alpha: f64, formulation: Formulation) -> Arc<dyn Flow> {
    flow_of(
        problem,
        &model(depth, sign, Initialization::Identical(alpha)),
        Some(formulation),
    )
}

/// The flow of a model; seed 5 for random starts.
pub fn flow_of(problem: &Problem, model: &Model, formulation: Option<Formulation>) -> Arc<dyn Flow> {
    choose(problem, model, 5, formulation, 1e-8).unwrap().flow
}

/// Whether rounding of q allows the dual flow of depth L from α to keep the tolerance.
pub fn dual_holds(depth: usize, alpha: f64, tolerance: f64) -> bool {
    depth == 2 || 1e-15 * alpha.powi(2 - depth as i32) <= tolerance // depths of the tests are small
}

/// A task without events.
pub fn task(flow: &Arc<dyn Flow>, tolerance: f64, schedule: Schedule) -> Task {
    Task {
        flow: flow.clone(),
        tolerance,
        max_steps: 200_000,
        schedule,
        events: Vec::new(),
        mismatches: Vec::new(),
        resume: None,
    }
}

/// A finished run.
pub struct Run {
    /// How it went.
    pub integration: Integration,
    /// What was recorded.
    pub trajectory: Trajectory,
    /// The flow.
    pub flow: Arc<dyn Flow>,
}

/// An implementation of the time steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepper {
    /// A method of the solver library, for every flow.
    Library(Method),
    /// The integrator of the dual flow.
    Ndf,
}

impl From<Method> for Stepper {
    fn from(method: Method) -> Self {
        Self::Library(method)
    }
}

impl Stepper {
    /// The integrator.
    pub fn integrator(self) -> Box<dyn Integrator> {
        match self {
            Self::Library(method) => Box::new(DiffsolIntegrator::new(method)),
            Self::Ndf => Box::new(NdfIntegrator),
        }
    }

    /// Whether it integrates that formulation.
    pub fn serves(self, formulation: Formulation) -> bool {
        self != Self::Ndf || formulation == Formulation::Dual
    }
}

/// Every formulation by the default method, and the dual flow by its own integrator as well.
pub const WAYS: [(Formulation, Stepper); 4] = [
    (Formulation::Factor, Stepper::Library(Method::Bdf)),
    (Formulation::Log, Stepper::Library(Method::Bdf)),
    (Formulation::Dual, Stepper::Library(Method::Bdf)),
    (Formulation::Dual, Stepper::Ndf),
];

/// Integrates a task.
pub fn integrate(task: &Task, method: impl Into<Stepper>) -> Run {
    let mut trajectory = Trajectory::new();
    let integration = method
        .into()
        .integrator()
        .integrate(task, &mut trajectory, &mut |_| true)
        .unwrap();
    Run {
        integration,
        trajectory,
        flow: task.flow.clone(),
    }
}

/// Runs a flow to the last of the given times, which are recorded.
pub fn run_to(flow: &Arc<dyn Flow>, tolerance: f64, method: impl Into<Stepper>, times: &[f64]) -> Run {
    let mut task = task(flow, tolerance, Schedule::Times(times.to_vec()));
    task.events = vec![Box::new(TimeReached::new(*times.last().unwrap()))];
    let method = method.into();
    let run = integrate(&task, method);
    assert!(
        run.integration.outcome.is_stopped(),
        "{:?} {method:?}: {:?} at t = {}",
        flow.formulation(),
        run.integration.outcome,
        run.integration.end.t.hi
    );
    run
}

/// The usual stops: relative loss 1e-12, or stationary to 1e-9.
pub fn usual_stops(flow: &dyn Flow) -> Vec<Box<dyn Event>> {
    let problem = flow.problem();
    vec![
        Box::new(LossBelow::relative(1e-12, &problem.measurements)),
        Box::new(Stationary::new(1e-9, flow.signed(), problem)),
    ]
}

impl Run {
    /// m, n.
    pub fn shape(&self) -> (usize, usize) {
        let problem = self.flow.problem();
        (problem.rows(), problem.cols())
    }

    /// The row recorded at time t (the schedule's own double, or the nearest one).
    pub fn row_at(&self, t: f64) -> usize {
        let row = (0..self.trajectory.len())
            .min_by(|&i, &j| {
                let distance = |row: usize| (self.trajectory.t[row].hi - t).abs();
                distance(i).total_cmp(&distance(j))
            })
            .unwrap();
        let found = self.trajectory.t[row].hi;
        // A time may be located on the clock to a few roundings.
        assert!((found - t).abs() <= 1e-13 * t, "nothing recorded at {t}, only {found}");
        row
    }

    /// Weights recorded at time t.
    pub fn weights_at(&self, t: f64) -> Vec<f64> {
        self.weights(self.row_at(t)).to_vec()
    }

    /// Weights of a recorded row.
    pub fn weights(&self, row: usize) -> &[f64] {
        self.trajectory.weights_at(row, self.shape().1).unwrap()
    }

    /// The weights at the end.
    pub fn limit(&self) -> &[f64] {
        self.weights(self.trajectory.len() - 1)
    }

    /// q of a recorded row.
    pub fn dual(&self, row: usize) -> &[f64] {
        let m = self.shape().0;
        &self.trajectory.dual[row * m..(row + 1) * m]
    }

    /// The state of a recorded row.
    pub fn state(&self, row: usize) -> &[f64] {
        let d = self.flow.dim();
        &self.trajectory.state[row * d..(row + 1) * d]
    }

    /// Evaluation and mirror position of a recorded row.
    pub fn look(&self, row: usize) -> (Evaluation, Position) {
        let (m, n) = self.shape();
        let mut evaluation = Evaluation::new(m, n);
        let mut position = Position::new(n, self.flow.signed());
        self.flow.evaluate(self.state(row), &mut evaluation);
        self.flow.position(self.state(row), &evaluation, &mut position);
        (evaluation, position)
    }

    /// w′ of a recorded row, from w_i′ = (Aᵀr)_i Σ (∂w_i/∂x_k)² over all factors x_k, where identical factors move as one.
    pub fn slopes(&self, row: usize) -> Vec<f64> {
        let problem = self.flow.problem();
        let (evaluation, position) = self.look(row);
        let mut pull = vec![0.0; problem.cols()];
        problem.operator.apply_adjoint(&evaluation.residual, &mut pull);
        if let Some((k, depth)) = self.flow.factor_layout() {
            let without = |x: &[f64], k: usize| (0..x.len()).filter(|&j| j != k).map(|j| x[j]).product::<f64>();
            let squares = |x: &[f64]| (0..depth).map(|k| without(x, k).powi(2)).sum::<f64>();
            let metric = |x: &[f64]| x.chunks_exact(depth).map(squares).sum::<f64>();
            let coordinates = self.state(row).chunks_exact(k);
            return pull.iter().zip(coordinates).map(|(pull, x)| pull * metric(x)).collect();
        }
        let mut metric = vec![0.0; problem.cols()];
        self.flow.mirror().inverse_metric(&position, &mut metric);
        pull.iter().zip(metric).map(|(pull, metric)| pull * metric).collect()
    }

    /// Divergence of z (the scalar potential's, or the pair's) from the weights of a recorded row.
    pub fn divergence(&self, z: &[f64], pair: bool, row: usize) -> f64 {
        let mirror = self.flow.mirror();
        let anchor = if pair { mirror.pair_anchor(z) } else { mirror.anchor(z) };
        mirror.divergence(&anchor.unwrap(), &self.look(row).1)
    }

    /// The worst |D(0) − D(t) − 2∫ℓ| / D(0) over all records, for a solution z.
    pub fn identity_residual(&self, z: &[f64]) -> f64 {
        let mirror = self.flow.mirror();
        let anchor = mirror.anchor(z).unwrap();
        let divergence = |row: usize| mirror.divergence(&anchor, &self.look(row).1);
        let start = divergence(0);
        (1..self.trajectory.len())
            .map(|row| ((start - divergence(row) - 2.0 * self.trajectory.loss_integral[row].hi) / start).abs())
            .fold(0.0, worse)
    }

    /// The worst |D(t_i) − D(t_{i+1}) − 2∫ℓ| over neighbouring records, relative to max(D(t_i), 2∫ℓ) but no finer than
    /// √(D ΣU²): near its minimum D is a square, and an error δ of log u costs √(D ΣU²) δ.
    pub fn interval_residual(&self, z: &[f64]) -> f64 {
        let mirror = self.flow.mirror();
        let anchor = mirror.anchor(z).unwrap();
        let size = mirror.size(&anchor);
        let divergence = |row: usize| mirror.divergence(&anchor, &self.look(row).1);
        let integrals = self.trajectory.increments.len() / self.trajectory.len();
        (1..self.trajectory.len())
            .map(|row| {
                let (before, gained) = (divergence(row - 1), 2.0 * self.trajectory.increments[row * integrals]);
                let scale = before.max(gained).max((before * size).sqrt());
                ((before - divergence(row) - gained) / scale).abs()
            })
            .fold(0.0, worse)
    }
}

/// The larger of two errors, where NaN is the largest of all.
pub fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// Largest difference of two vectors, NaN if there is one.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, worse)
}

/// max |w|, NaN if there is one.
pub fn largest(w: &[f64]) -> f64 {
    w.iter().map(|w| w.abs()).fold(0.0, worse)
}

/// |v|₂.
pub fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// `count` log-spaced times from `first` to `last`, both included.
pub fn log_spaced(first: f64, last: f64, count: usize) -> Vec<f64> {
    let ratio = (last / first).ln() / (count - 1) as f64;
    (0..count)
        .map(|k| {
            if k + 1 == count {
                last
            } else {
                first * (ratio * k as f64).exp()
            }
        })
        .collect()
}
