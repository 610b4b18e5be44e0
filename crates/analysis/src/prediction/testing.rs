//! A run with a closed form: n = m = A = 1, L = 2, positive. w = y/(1 + (y/w₀ − 1)e^{−2yt}).

use std::collections::BTreeMap;
use std::sync::Arc;

use hadaflow_core::event::{Event, LossBelow};
use hadaflow_core::flow::{Flow, Formulation, LogFlow, choose};
use hadaflow_core::initialization::{Initialization, Model, Sign};
use hadaflow_core::integrate::{DiffsolIntegrator, Integrator, Method, Schedule, Task};
use hadaflow_core::measurement::{DenseOperator, Gaussian, SubsampledDct};
use hadaflow_core::outcome::Outcome;
use hadaflow_core::problem::Problem;
use hadaflow_core::signal::{Magnitude, SparseSignal};
use hadaflow_core::trajectory::Trajectory;

use super::{Verdict, catalogue, explore, judge};
use crate::observable::{self, Context};
use crate::reference::{BasisPursuit, Computed, FlowLimit, Origin, Projection, Reference, basis_pursuit, flow_limit};
use crate::report::{Descent, Evidence, Setting};
use crate::series::Series;

const Y: f64 = 2.0;
const ALPHA: f64 = 0.1;

/// Exact columns at t = 0, 0.2, …, 2.
pub(crate) fn evidence() -> Evidence {
    let w0 = ALPHA * ALPHA;
    let t: Vec<f64> = (0..11).map(|k| 0.2 * f64::from(k)).collect();
    let w: Vec<f64> = t
        .iter()
        .map(|t| Y / (1.0 + (Y / w0 - 1.0) * (-2.0 * Y * t).exp()))
        .collect();
    // D(z, w) = ½(z log(z/w) − z + w); 2∫ℓ = D(0) − D(t), exactly
    let d: Vec<f64> = w.iter().map(|w| 0.5 * (Y * (Y / w).ln() - Y + w)).collect();
    let integral: Vec<f64> = d.iter().map(|x| 0.5 * (d[0] - x)).collect();
    let mut increments = vec![0.0];
    increments.extend(d.windows(2).map(|pair| 0.5 * (pair[0] - pair[1])));
    let doubled: Vec<f64> = increments.iter().map(|x| 2.0 * x).collect();
    let operator = Arc::new(DenseOperator::new(nalgebra::DMatrix::from_element(1, 1, 1.0)).unwrap());
    let problem = Problem::new(operator, vec![Y], Some(vec![Y]), 0.0).unwrap();
    let flow = LogFlow::new(problem, 2, Sign::Positive, &[ALPHA]).unwrap();
    let truth = Reference::new("truth", vec![Y], &flow);
    let size = flow.mirror().size(truth.anchor.as_ref().unwrap());
    let columns = [
        ("loss", w.iter().map(|w| 0.5 * (w - Y) * (w - Y)).collect()),
        ("dual_bound", t.iter().map(|t| if *t > 0.0 { Y } else { 0.0 }).collect()),
        ("t", t),
        ("loss_integral", integral),
        ("loss_increment", increments),
        ("mismatch_increment_truth", doubled),
        ("bregman_divergence_truth", d),
    ];
    Evidence {
        setting: Setting {
            flow: Arc::new(flow),
            model: Model {
                depth: 2,
                sign: Sign::Positive,
                initialization: Initialization::Identical(ALPHA),
            },
            seed: 0,
        },
        trajectory: Arc::default(),
        families: BTreeMap::new(),
        columns: columns
            .into_iter()
            .map(|(name, column): (&str, Vec<f64>)| (name.into(), column))
            .collect(),
        references: vec![truth],
        reference_sizes: vec![size],
        tolerance: 1e-10,
        integrals_with_flow: true,
        descent: None,
    }
}

/// A run that is really integrated, by the method of the command, with the references that can be computed.
pub(crate) fn integrated(problem: Problem, model: Model, tolerance: f64, stop: Vec<Box<dyn Event>>) -> Evidence {
    integrated_as(None, problem, model, tolerance, stop)
}

/// The same in the formulation that is wanted.
pub(crate) fn integrated_as(
    formulation: Option<Formulation>,
    problem: Problem,
    model: Model,
    tolerance: f64,
    stop: Vec<Box<dyn Event>>,
) -> Evidence {
    let choice = choose(&problem, &model, 0, formulation, tolerance).unwrap();
    let setting = Setting {
        flow: choice.flow.clone(),
        model,
        seed: 0,
    };
    let references = references(&setting);
    let task = Task {
        flow: choice.flow,
        tolerance,
        max_steps: 100_000,
        schedule: Schedule::LogSpaced(100),
        events: stop,
        mismatches: references.iter().map(|r| r.mismatch.clone()).collect(),
        resume: None,
    };
    let context = Context {
        references,
        support_threshold: 1e-3,
    };
    let observables = observable::all(setting.flow.as_ref(), &context);
    let mut series = Series::new(context, observables);
    let mut trajectory = Trajectory::new();
    let integrator = DiffsolIntegrator::new(Method::Bdf);
    let integration = integrator
        .integrate(&task, &mut (&mut series, &mut trajectory), &mut |_| true)
        .unwrap();
    assert!(
        matches!(integration.outcome, Outcome::Stopped { .. }),
        "{:?}",
        integration.outcome
    );
    Evidence::new(setting, trajectory, &series, tolerance, true)
}

/// What is known before anything is integrated: the setting and its references, for statements about limits.
pub(crate) fn asked(problem: Problem, model: Model) -> Evidence {
    let flow = choose(&problem, &model, 0, None, 1e-8).unwrap().flow;
    let setting = Setting { flow, model, seed: 0 };
    let context = Context {
        references: references(&setting),
        support_threshold: 1e-3,
    };
    Evidence::new(
        setting,
        Trajectory::new(),
        &Series::new(context, Vec::new()),
        1e-8,
        true,
    )
}

/// A problem with this matrix and the measurements of x, signed.
pub(crate) fn measured(a: &[&[f64]], x: &[f64]) -> Problem {
    let a = nalgebra::DMatrix::from_fn(a.len(), x.len(), |i, j| a[i][j]);
    let y = &a * nalgebra::DVector::from_column_slice(x);
    let operator = Arc::new(DenseOperator::new(a).unwrap());
    Problem::new(operator, y.as_slice().to_vec(), None, 0.0).unwrap()
}

/// The reason why the named prediction is inapplicable.
pub(crate) fn reason(name: &str, evidence: &Evidence) -> String {
    let prediction = catalogue().iter().find(|prediction| prediction.name() == name).unwrap();
    match judge(*prediction, evidence) {
        Verdict::Inapplicable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn references(setting: &Setting) -> Vec<Reference> {
    let (a, y, model) = (setting.matrix().unwrap(), setting.measurements(), &setting.model);
    let mut references = Vec::new();
    let mut add = |name: &str, point: &[f64], origin: Origin| {
        references.push(Reference::new(name, point.to_vec(), setting.flow.as_ref()).from(origin));
    };
    if let Some(truth) = &setting.problem().truth {
        add("truth", truth, Origin::Given);
    }
    if let BasisPursuit::Solved(minimiser) = basis_pursuit(a, y, model.sign, None) {
        add(
            "basis_pursuit",
            &minimiser.point.clone(),
            Origin::BasisPursuit(minimiser),
        );
    }
    if let Some(x0) = setting.start() {
        let limit = flow_limit(a, y, model.depth, model.sign, &x0).unwrap();
        if let Computed::Value(end) = limit.end.clone() {
            add(
                "bregman_projection",
                &end.weights,
                Origin::BregmanProjection(Box::new(limit)),
            );
        }
    }
    references
}

/// A synthetic m × n Gaussian problem with an s-sparse truth.
pub(crate) fn gaussian(m: usize, n: usize, s: usize, sign: Sign, noise: f64, seed: u64) -> Problem {
    let signal = SparseSignal {
        sparsity: s,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    Problem::synthetic(&Gaussian, m, n, &signal, sign == Sign::Signed, noise, seed).unwrap()
}

/// The model of that depth whose factors all start at α.
pub(crate) fn model(depth: usize, sign: Sign, alpha: f64) -> Model {
    Model {
        depth,
        sign,
        initialization: Initialization::Identical(alpha),
    }
}

/// Explores the family of the named prediction and adds it to the evidence.
pub(crate) fn explored(name: &str, mut run: Evidence) -> Evidence {
    let (families, completed) = explore(&run, |wanted| wanted == name, &mut |_| true);
    assert!(completed);
    run.families = families;
    run
}

/// The limits among the references of a run.
pub(crate) fn limits(run: &mut Evidence) -> impl Iterator<Item = &mut FlowLimit> {
    run.references
        .iter_mut()
        .filter_map(|reference| match &mut reference.origin {
            Origin::BregmanProjection(limit) => Some(limit.as_mut()),
            _ => None,
        })
}

/// The same run as if the dual variable of its limit were `factor` times what it is.
pub(crate) fn corrupted_dual(mut run: Evidence, factor: f64) -> Evidence {
    for limit in limits(&mut run) {
        if let Projection::Attained(limit) = &mut limit.projection {
            limit.dual.iter_mut().for_each(|q| *q *= factor);
        }
    }
    run
}

/// The same run with the limit from α, another start, in place of its own.
pub(crate) fn with_limit_of(run: Evidence, alpha: f64) -> Evidence {
    let mut setting = run.setting.clone();
    setting.model.initialization = Initialization::Identical(alpha);
    let context = Context {
        references: references(&setting),
        support_threshold: 1e-3,
    };
    let observables = observable::all(run.setting.flow.as_ref(), &context);
    let mut series = Series::new(context, observables);
    run.trajectory.replay(run.setting.flow.as_ref(), &mut series);
    Evidence::new(run.setting, (*run.trajectory).clone(), &series, run.tolerance, true)
}

/// The weights of the limit from α in place of those of the run: another solution of the same problem.
fn solution_from(run: &Evidence, alpha: f64) -> Vec<f64> {
    let (a, y, model) = (
        run.setting.matrix().unwrap(),
        run.setting.measurements(),
        &run.setting.model,
    );
    let limit = flow_limit(a, y, model.depth, model.sign, &vec![alpha; a.ncols()]).unwrap();
    limit.end.value().unwrap().weights
}

/// The same run with the limit from α in the place of its own, in weights only.
pub(crate) fn with_limit_weights(mut run: Evidence, alpha: f64) -> Evidence {
    let weights = solution_from(&run, alpha);
    for limit in limits(&mut run) {
        if let Computed::Value(end) = &mut limit.end {
            end.weights.clone_from(&weights);
        }
    }
    run
}

/// The same run with the limit from α in the place of the last recorded weights.
pub(crate) fn with_last_weights(mut run: Evidence, alpha: f64) -> Evidence {
    let weights = solution_from(&run, alpha);
    let mut trajectory = (*run.trajectory).clone();
    let last = trajectory.weights.len() - weights.len();
    trajectory.weights[last..].copy_from_slice(&weights);
    run.trajectory = Arc::new(trajectory);
    run
}

/// A sparse problem of 8 × 14 from a start of 0.1, integrated until it is fitted.
pub(crate) fn fitted(depth: usize, sign: Sign) -> Evidence {
    started(model(depth, sign, 0.1))
}

/// The same problem from another start.
pub(crate) fn started(model: Model) -> Evidence {
    let problem = gaussian(8, 14, 2, model.sign, 0.0, 5);
    let stop = LossBelow::relative(1e-8, &problem.measurements);
    integrated(problem, model, 1e-8, vec![Box::new(stop)])
}

/// The same with another initialization.
pub(crate) fn begun(depth: usize, sign: Sign, initialization: Initialization) -> Evidence {
    started(Model {
        depth,
        sign,
        initialization,
    })
}

/// The run as if another question had been asked: what was recorded stays, and families are those of the question.
pub(crate) fn asked_again(mut run: Evidence, problem: Problem, model: Model) -> Evidence {
    run.setting.flow = choose(&problem, &model, 0, None, run.tolerance).unwrap().flow;
    run.setting.model = model;
    run
}

/// The run with one column of one of its families changed.
pub(crate) fn altered(mut run: Evidence, name: &str, column: &str, change: impl Fn(usize, &mut f64)) -> Evidence {
    let family = run.families.get_mut(name).unwrap();
    let column = family.columns.get_mut(column).unwrap();
    column.iter_mut().enumerate().for_each(|(row, x)| change(row, x));
    run
}

/// What is the same for all families of runs: NaN does not pass, a member that failed is named, a damaged table is seen, and
/// nothing is said before the family has been explored.
pub(crate) fn a_family_is_taken_seriously(name: &str, measured: &str, run: &Evidence) {
    let run = explored(name, run.clone());
    assert_eq!(verdict(name, &run), "holds", "{:?}", run.families);
    let last = run.families[name].len() - 1;
    let nan = altered(run.clone(), name, measured, |row, x| {
        if row == last {
            *x = f64::NAN
        }
    });
    assert_eq!(verdict(name, &nan), "violated", "NaN");
    let failed = altered(run.clone(), name, "outcome", |row, x| {
        *x = if row == last { 1.0 } else { *x }
    });
    assert_eq!(verdict(name, &failed), "inapplicable", "a member failed");
    let mut damaged = run.clone();
    damaged
        .families
        .get_mut(name)
        .unwrap()
        .columns
        .get_mut("outcome")
        .unwrap()
        .pop();
    assert_eq!(verdict(name, &damaged), "inapplicable", "a table with a hole");
    let mut none = run;
    none.families.clear();
    assert_eq!(verdict(name, &none), "inapplicable", "not explored");
}

/// A problem whose operator is not stored.
pub(crate) fn matrix_free() -> Problem {
    let signal = SparseSignal {
        sparsity: 2,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    Problem::synthetic(&SubsampledDct, 8, 14, &signal, true, 0.0, 5).unwrap()
}

/// The run's problem with other measurements.
pub(crate) fn measuring(run: &Evidence, y: Vec<f64>) -> Problem {
    Problem::new(run.setting.problem().operator.clone(), y, None, 0.0).unwrap()
}

/// The same columns as if gradient descent with a small, stable step had made them.
pub(crate) fn descended() -> Evidence {
    let mut run = evidence();
    run.descent = Some(Descent {
        step: 0.002,
        edge: Some(1.0 / Y),
    });
    let loss = run.columns.entry("loss".into()).or_default();
    if let Some(last) = loss.last_mut() {
        *last = 1e-9;
    }
    run
}

/// The verdict of the named prediction.
pub(crate) fn verdict(name: &str, evidence: &Evidence) -> &'static str {
    let prediction = catalogue().iter().find(|prediction| prediction.name() == name).unwrap();
    judge(*prediction, evidence).name()
}

#[test]
fn what_is_integrated_satisfies_every_theorem() {
    use super::assess;
    for sign in [Sign::Signed, Sign::Positive] {
        let problem = gaussian(10, 20, 2, sign, 0.0, 3);
        let stop = LossBelow::relative(1e-12, &problem.measurements);
        let run = integrated(problem, model(3, sign, 0.1), 1e-8, vec![Box::new(stop)]);
        for assessment in assess(&run, |_| true) {
            assert_ne!(
                assessment.verdict.name(),
                "violated",
                "{}: {:?}",
                assessment.prediction.name(),
                assessment.verdict
            );
        }
    }
}
