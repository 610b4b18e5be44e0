//! The limit of a scenario's flow without integrating, and how near it is to the least ℓ1 norm.

use std::path::Path;

use hadaflow_analysis::reference::{
    BasisPursuit, Computed, End, FlowLimit, Minimiser, NotAttained, Projection, Set, Uniqueness, basis_pursuit,
    flow_limit, l1_gap,
};
use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;
use serde_json::{Value, json};

use crate::error::ExperimentError;
use crate::resolve::Experiment;
use crate::scenario::{Fault, Initialization, Method, Problem, field_error};
use crate::write::{json_number, json_numbers};

/// Version of the document's layout.
const SCHEMA: u32 = 1;

/// The limit of a flow, with what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The limit, and how it is known.
    pub flow: FlowLimit,
    /// The least ℓ1 norm among the points with the same Az (z ≥ 0 in a positive model).
    pub basis_pursuit: BasisPursuit,
    /// ‖w‖₁ minus that, without cancellation; `None` if either is unknown, or w is known relative to its largest entry only.
    pub l1_gap: Option<f64>,
    /// |Aw − y|/|y| (0 where both vanish); `None` if w is unknown.
    pub relative_mismatch: Option<f64>,
    /// |w − w*|, where the truth w* is known.
    pub distance_truth: Option<f64>,
}

/// Computes the limit; `file` is the scenario, named in errors.
///
/// # Errors
/// If the operator has no dense matrix, or the factors do not start alike.
pub fn limit(experiment: &Experiment, file: &Path) -> Result<Limit, ExperimentError> {
    let a = matrix(experiment, file)?;
    let x0 = start(experiment, file)?;
    let y = &experiment.problem.measurements;
    let depth = experiment.scenario.model.depth;
    let sign = if experiment.choice.flow.signed() {
        Sign::Signed
    } else {
        Sign::Positive
    };
    let flow = flow_limit(a, y, depth, sign, &x0).map_err(|source| ExperimentError::Input {
        file: file.to_owned(),
        source,
    })?;
    let end = known(&flow);
    let basis_pursuit = basis_pursuit(a, end.map_or(y, |end| &end.reached), sign, None);
    Ok(Limit {
        l1_gap: end
            .zip(basis_pursuit.solved())
            .filter(|_| !matches!(flow.projection, Projection::NotConverged(_)))
            .and_then(|(end, minimiser)| l1_gap(a, &end.weights, &minimiser.certificate.nu).ok()),
        relative_mismatch: end.map(|end| relative_mismatch(a, &end.weights, y)),
        distance_truth: end
            .zip(experiment.problem.truth.as_deref())
            .map(|(end, truth)| norm(end.weights.iter().zip(truth).map(|(w, z)| w - z))),
        flow,
        basis_pursuit,
    })
}

/// The matrix, which must be stored.
fn matrix<'a>(experiment: &'a Experiment, file: &Path) -> Result<&'a DMatrix<f64>, ExperimentError> {
    experiment.problem.operator.dense().ok_or_else(|| {
        let (field, value, remedy) = match &experiment.scenario.problem {
            Problem::Synthetic(problem) => (
                "problem.ensemble",
                format!("{:?}", problem.ensemble),
                "ensemble: Gaussian or Rademacher, or integrate with `hadaflow run`",
            ),
            Problem::Files(files) => (
                "problem.matrix",
                format!("the sparse matrix in {}", files.matrix.display()),
                "a dense file (.npy, .csv or .mtx array), or integrate with `hadaflow run`",
            ),
        };
        let fault = Fault::Incompatible {
            value,
            other: "`limit`, which needs the matrix stored densely".into(),
            remedy: remedy.into(),
        };
        field_error(file, field, fault).into()
    })
}

/// Where every factor starts.
fn start(experiment: &Experiment, file: &Path) -> Result<Vec<f64>, ExperimentError> {
    experiment.setting.start().ok_or_else(|| {
        let kind = match experiment.scenario.model.initialization {
            Initialization::PerFactor(_) => "PerFactor",
            _ => "Random",
        };
        let fault = Fault::Incompatible {
            value: kind.into(),
            other: "`limit`, whose theorem needs all factors to start alike".into(),
            remedy: "initialization: Identical(..) or Vector(..), or integrate with `hadaflow run`".into(),
        };
        field_error(file, "model.initialization", fault).into()
    })
}

fn known(flow: &FlowLimit) -> Option<&End> {
    match &flow.end {
        Computed::Value(end) => Some(end),
        Computed::Failed { .. } => None,
    }
}

fn norm(entries: impl Iterator<Item = f64>) -> f64 {
    entries.map(|x| x * x).sum::<f64>().sqrt()
}

fn relative_mismatch(a: &DMatrix<f64>, w: &[f64], y: &[f64]) -> f64 {
    let image = a * DMatrix::from_column_slice(w.len(), 1, w);
    let gap = norm(image.iter().zip(y).map(|(image, y)| image - y));
    if gap == 0.0 { 0.0 } else { gap / norm(y.iter().copied()) }
}

impl Limit {
    /// The limit, if it is known.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        known(&self.flow)
    }

    /// ‖w‖₁.
    #[must_use]
    pub fn l1_norm(&self) -> Option<f64> {
        self.end().map(|end| end.weights.iter().map(|w| w.abs()).sum())
    }

    /// How many entries count as the support: |w_i| above this fraction of the largest.
    #[must_use]
    pub fn support_size(&self, threshold: f64) -> Option<usize> {
        let weights = &self.end()?.weights;
        let largest = weights.iter().fold(0.0, |top: f64, w| top.max(w.abs()));
        Some(weights.iter().filter(|w| w.abs() > threshold * largest).count())
    }

    /// Whether the projection onto Az = y is attained; `None` if that is not known.
    #[must_use]
    pub fn attained(&self) -> Option<bool> {
        attained(&self.flow)
    }

    /// Why it is, or why not, in one sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        reason(&self.flow)
    }
}

/// Whether the projection onto Az = y is attained; `None` if that is not known.
pub(crate) fn attained(flow: &FlowLimit) -> Option<bool> {
    match flow.projection {
        Projection::Attained(_) => Some(true),
        Projection::NotAttained(_) => Some(false),
        Projection::NotConverged(_) => known(flow).map(|end| end.set == Set::Solutions),
    }
}

/// Why the limit is attained, or why not, in one sentence.
pub(crate) fn reason(flow: &FlowLimit) -> String {
    let why = match (&flow.projection, known(flow).map(|end| end.set)) {
        (Projection::Attained(limit), _) => return format!("Newton's iteration came to rest in {} steps", limit.steps),
        (Projection::NotConverged(_), None) => "the numerics failed",
        (Projection::NotConverged(_), Some(Set::Solutions)) => {
            "known to 1e-12 of the largest weight; to find small weights to their own accuracy, the numerics failed"
        }
        (Projection::NotConverged(_), Some(_)) => {
            "y has one nonnegative solution only, known to 1e-12 of its largest entry"
        }
        (Projection::NotAttained(_), Some(Set::NonnegativeLeastSquaresSolutions)) => {
            "no nonnegative weights solve Aw = y; the flow tends to nonnegative least squares"
        }
        (Projection::NotAttained(NotAttained::NoPositiveSolution { .. }), Some(_)) => {
            "Aw = y has no strictly positive solution; entries that are 0 in all solutions die out"
        }
        (Projection::NotAttained(NotAttained::Unreachable { .. }), _) => {
            "no weights solve Aw = y; the flow tends to a least-squares solution"
        }
        (Projection::NotAttained(NotAttained::NoPositiveSolution { .. }), None) => {
            "Aw = y has no strictly positive solution"
        }
    };
    match &flow.end {
        Computed::Value(_) => why.to_owned(),
        Computed::Failed { reason } => format!("{why}: {reason}"),
    }
}

/// The numbers that certify an ℓ1 minimiser.
pub(crate) fn certificate(minimiser: &Minimiser) -> Value {
    let certificate = &minimiser.certificate;
    json!({
        "lower_bound": json_number(certificate.lower_bound),
        "relative_gap": json_number(certificate.relative_gap),
        "relative_mismatch": json_number(certificate.relative_mismatch),
        "slack": json_number(certificate.slack),
        "uniqueness": match minimiser.uniqueness {
            Uniqueness::Unique => "unique",
            Uniqueness::NotUnique { .. } => "not_unique",
            Uniqueness::Undecided { .. } => "undecided",
        },
    })
}

/// The limit as one document.
#[must_use]
pub fn document(experiment: &Experiment, limit: &Limit) -> Value {
    let number = |value: Option<f64>| value.map_or(Value::Null, json_number);
    let model = &experiment.scenario.model;
    json!({
        "schema": SCHEMA,
        "scenario": {
            "title": experiment.scenario.title,
            "hash": experiment.hash,
            "name": experiment.stem,
            "measurements": experiment.problem.rows(),
            "dimension": experiment.problem.cols(),
            "depth": model.depth,
            "sign": format!("{:?}", model.sign),
            "seed": experiment.scenario.seed,
        },
        "w": limit.end().map_or(Value::Null, |end| json_numbers(&end.weights)),
        "l1_norm": number(limit.l1_norm()),
        "l1_gap": number(limit.l1_gap),
        "support_size": limit.support_size(experiment.scenario.support_threshold),
        "relative_mismatch": number(limit.relative_mismatch),
        "distance_truth": number(limit.distance_truth),
        "attained": limit.attained(),
        "reason": limit.reason(),
        "tends_to": limit.end().map(|end| end.set.name()),
        "dual": dual(&limit.flow),
        "certificate": limit.basis_pursuit.solved().map(|minimiser| {
            let mut document = certificate(minimiser);
            document["nu"] = json_numbers(&minimiser.certificate.nu);
            document
        }),
        "basis_pursuit": least_l1(&limit.basis_pursuit),
        "notes": notes(experiment),
    })
}

/// q of the limit in units that neither over- nor underflow: q = `q` · exp(`log_unit`).
fn dual(flow: &FlowLimit) -> Value {
    match &flow.projection {
        Projection::Attained(limit) => json!({
            "q": json_numbers(&limit.dual),
            "log_unit": json_number(limit.log_dual_unit),
            "newton_steps": limit.steps,
            "last_change": json_number(limit.change),
        }),
        _ => Value::Null,
    }
}

fn least_l1(found: &BasisPursuit) -> Value {
    match found {
        BasisPursuit::Solved(minimiser) => json!({
            "l1_norm": json_number(minimiser.l1_norm),
            "support_size": minimiser.support.len(),
            "w": json_numbers(&minimiser.point),
            "reason": Value::Null,
        }),
        BasisPursuit::Infeasible { reason, .. } | BasisPursuit::Failed { reason } => {
            json!({ "l1_norm": Value::Null, "support_size": Value::Null, "w": Value::Null, "reason": reason })
        }
    }
}

fn notes(experiment: &Experiment) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if experiment.problem.measurements.iter().all(|y| *y == 0.0) {
        notes.push("y = 0: there is nothing to fit");
    }
    if matches!(experiment.scenario.integrate.method, Method::GradientDescent { .. }) {
        notes.push("this is the limit of the flow; gradient descent with a finite step ends elsewhere");
    }
    notes
}
