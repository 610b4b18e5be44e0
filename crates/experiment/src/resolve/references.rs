//! The points a trajectory is compared with: the truth, and what is computed from A and y.

use hadaflow_analysis::reference::{BasisPursuit, Computed, Origin, Reference, basis_pursuit, flow_limit};
use hadaflow_analysis::report::Setting;
use hadaflow_core::error::CoreError;
use nalgebra::DMatrix;

use crate::scenario::Selection;

/// The references there are, in their order.
pub(crate) const CATALOGUE: [&str; 3] = ["Truth", "BasisPursuit", "BregmanProjection"];

/// m·n·min(m, n) up to which references that are computed come with the run: a second of work, at most.
const WORK: f64 = 2e7;

/// The references of a scenario.
#[derive(Debug, Clone, Default)]
pub(super) struct Built {
    /// Those there are.
    pub(super) references: Vec<Reference>,
    /// Those there are not: name and reason.
    pub(super) absent: Vec<String>,
}

/// A point and its origin, or why there is none.
type Found = Result<(Vec<f64>, Origin), String>;

/// Computes what `wanted` lists. One that does not exist is no error, but has a reason.
pub(super) fn build(wanted: &Selection, setting: &Setting) -> Result<Built, CoreError> {
    let mut built = Built::default();
    let mut add = |name: &str, found: Found| match found {
        Ok((point, origin)) => {
            let reference = Reference::new(name, point, setting.flow.as_ref());
            built.references.push(reference.from(origin));
        }
        Err(reason) => built
            .absent
            .push(format!("{name} is not among the references: {reason}")),
    };
    if let (true, Some(truth)) = (wanted.contains("Truth"), &setting.problem().truth) {
        add("truth", Ok((truth.clone(), Origin::Given)));
    }
    if wanted.contains("BasisPursuit") {
        let a = matrix(setting, wanted.insists_on("BasisPursuit"));
        add("basis_pursuit", a.and_then(|a| least_l1(a, setting)));
    }
    if wanted.contains("BregmanProjection") {
        let found = match matrix(setting, wanted.insists_on("BregmanProjection")) {
            Ok(a) => limit(a, setting)?,
            Err(reason) => Err(reason),
        };
        add("bregman_projection", found);
    }
    Ok(built)
}

/// A, where it is stored and, unless the scenario insists, small enough for computations with all of it.
fn matrix(setting: &Setting, insists: bool) -> Result<&DMatrix<f64>, String> {
    let a = setting
        .matrix()
        .ok_or("it needs the matrix itself, which this operator does not store densely")?;
    let (m, n) = (a.nrows() as f64, a.ncols() as f64); // sizes are exact
    if insists || m * n * m.min(n) <= WORK {
        Ok(a)
    } else {
        Err("with a matrix of this size it takes long; list it in `references` to have it".into())
    }
}

fn least_l1(a: &DMatrix<f64>, setting: &Setting) -> Found {
    match basis_pursuit(a, setting.measurements(), setting.model.sign, None) {
        BasisPursuit::Solved(minimiser) => Ok((minimiser.point.clone(), Origin::BasisPursuit(minimiser))),
        BasisPursuit::Infeasible { reason, .. } | BasisPursuit::Failed { reason } => Err(reason),
    }
}

fn limit(a: &DMatrix<f64>, setting: &Setting) -> Result<Found, CoreError> {
    let Some(x0) = setting.start() else {
        return Ok(Err(
            "it needs factors that all start alike (Identical or Vector)".to_owned()
        ));
    };
    let model = &setting.model;
    let limit = flow_limit(a, setting.measurements(), model.depth, model.sign, &x0)?;
    Ok(match &limit.end {
        Computed::Value(end) => Ok((end.weights.clone(), Origin::BregmanProjection(Box::new(limit)))),
        Computed::Failed { reason } => Err(reason.clone()),
    })
}
