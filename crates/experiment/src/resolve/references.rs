//! The points a trajectory is compared with: the truth, and what is computed from A and y.

use hadaflow_analysis::reference::{
    BasisPursuit, Computed, FlowLimit, Minimiser, Reference, basis_pursuit, flow_limit,
};
use hadaflow_core::error::CoreError;
use hadaflow_core::flow::Flow;
use hadaflow_core::initialization::{Initialization, Model};
use hadaflow_core::problem::Problem;
use nalgebra::DMatrix;

use crate::scenario;

/// How a reference came about.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The planted signal.
    Truth,
    /// The minimiser of the ℓ1 norm, with its certificate.
    BasisPursuit(Box<Minimiser>),
    /// The limit of the flow.
    BregmanProjection(Box<FlowLimit>),
}

/// The references of a scenario.
#[derive(Debug, Clone, Default)]
pub(super) struct Built {
    /// Those there are.
    pub(super) references: Vec<Reference>,
    /// How each came about.
    pub(super) origins: Vec<Origin>,
    /// Those there are not: name and reason.
    pub(super) absent: Vec<String>,
}

/// The vector at which every factor starts, if all start alike.
pub(crate) fn common_start(initialization: &Initialization, n: usize) -> Option<Vec<f64>> {
    match initialization {
        Initialization::Identical(alpha) => Some(vec![*alpha; n]),
        Initialization::Vector(x0) => Some(x0.clone()),
        Initialization::PerFactor(_) | Initialization::Random { .. } => None,
    }
}

/// Computes what `wanted` lists. One that does not exist is no error, but has a reason.
pub(super) fn build(
    wanted: &[scenario::Reference],
    problem: &Problem,
    model: &Model,
    flow: &dyn Flow,
) -> Result<Built, CoreError> {
    let mut built = Built::default();
    for reference in wanted {
        let (name, found) = match reference {
            scenario::Reference::Truth => {
                let Some(truth) = &problem.truth else { continue };
                ("truth", Ok((truth.clone(), Origin::Truth)))
            }
            scenario::Reference::BasisPursuit => (
                "basis_pursuit",
                dense(problem).and_then(|a| least_l1(a, problem, model)),
            ),
            scenario::Reference::BregmanProjection => ("bregman_projection", limit(problem, model)?),
        };
        match found {
            Ok((point, origin)) => {
                built.references.push(Reference::new(name, point, flow));
                built.origins.push(origin);
            }
            Err(reason) => built
                .absent
                .push(format!("{name} is not among the references: {reason}")),
        }
    }
    Ok(built)
}

type Found = Result<(Vec<f64>, Origin), String>;

fn dense(problem: &Problem) -> Result<&DMatrix<f64>, String> {
    let stored = problem.operator.dense();
    stored.ok_or_else(|| "it needs the matrix itself, which this operator does not store densely".to_owned())
}

fn least_l1(a: &DMatrix<f64>, problem: &Problem, model: &Model) -> Found {
    match basis_pursuit(a, &problem.measurements, model.sign, None) {
        BasisPursuit::Solved(minimiser) => Ok((minimiser.point.clone(), Origin::BasisPursuit(minimiser))),
        BasisPursuit::Infeasible { reason, .. } | BasisPursuit::Failed { reason } => Err(reason),
    }
}

fn limit(problem: &Problem, model: &Model) -> Result<Found, CoreError> {
    let a = match dense(problem) {
        Ok(a) => a,
        Err(reason) => return Ok(Err(reason)),
    };
    let Some(x0) = common_start(&model.initialization, problem.cols()) else {
        return Ok(Err(
            "it needs factors that all start alike (Identical or Vector)".to_owned()
        ));
    };
    let limit = flow_limit(a, &problem.measurements, model.depth, model.sign, &x0)?;
    Ok(match &limit.end {
        Computed::Value(end) => Ok((end.weights.clone(), Origin::BregmanProjection(Box::new(limit)))),
        Computed::Failed { reason } => Err(reason.clone()),
    })
}
