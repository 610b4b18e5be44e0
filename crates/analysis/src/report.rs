//! What predictions are assessed on: the question that was asked, the table of a run and how it came about.

use std::collections::BTreeMap;
use std::sync::Arc;

use hadaflow_core::flow::Flow;
use hadaflow_core::initialization::{Initialization, Model};
use hadaflow_core::problem::Problem;
use hadaflow_core::trajectory::Trajectory;
use nalgebra::DMatrix;

use crate::prediction::Family;
use crate::reference::{FlowLimit, Limit, Minimiser, Origin, Projection, Reference};
use crate::series::Series;
use crate::stability::stability_edge;

/// What was asked: the problem, the model, and where its factors start.
#[derive(Clone)]
pub struct Setting {
    /// The flow of the run, with its problem and its mirror map.
    pub flow: Arc<dyn Flow>,
    /// Depth, sign and initialization.
    pub model: Model,
    /// The seed of a random initialization.
    pub seed: u64,
}

impl Setting {
    /// A, y and the truth.
    pub fn problem(&self) -> &Problem {
        self.flow.problem()
    }

    /// A, where it is stored densely.
    pub fn matrix(&self) -> Option<&DMatrix<f64>> {
        self.problem().operator.dense()
    }

    /// y.
    pub fn measurements(&self) -> &[f64] {
        &self.problem().measurements
    }

    /// The vector at which every factor starts (n entries), if all start alike.
    pub fn start(&self) -> Option<Vec<f64>> {
        match &self.model.initialization {
            Initialization::Identical(alpha) => Some(vec![*alpha; self.problem().operator.cols()]),
            Initialization::Vector(x0) => Some(x0.clone()),
            Initialization::PerFactor(_) | Initialization::Random { .. } => None,
        }
    }

    /// α, if every entry of every factor starts at it.
    pub fn scale(&self) -> Option<f64> {
        match &self.model.initialization {
            Initialization::Identical(alpha) => Some(*alpha),
            Initialization::Vector(x0) => x0.first().copied().filter(|first| x0.iter().all(|x| x == first)),
            Initialization::PerFactor(_) | Initialization::Random { .. } => None,
        }
    }
}

/// Everything a prediction may look at.
#[derive(Clone)]
pub struct Evidence {
    /// What was asked.
    pub setting: Setting,
    /// What was recorded; empty where only the table is known.
    pub trajectory: Arc<Trajectory>,
    /// What families of runs came to, by the name of the prediction that is about them.
    pub families: BTreeMap<String, Family>,
    /// The columns of the run by name; all of one length.
    pub columns: BTreeMap<String, Vec<f64>>,
    /// The references, prepared.
    pub references: Vec<Reference>,
    /// Σ U² of each reference on the mirror map, times the square of how much more accurate than w its logarithms are:
    /// what an error of the promised size costs in D near the reference. 0 outside the domain.
    pub reference_sizes: Vec<f64>,
    /// The promise on w the run was integrated with.
    pub tolerance: f64,
    /// Whether the integrals were integrated with the flow (false: reconstructed from samples).
    pub integrals_with_flow: bool,
    /// The run's own facts if it is gradient descent; `None` for the flow.
    pub descent: Option<Descent>,
}

/// A run by gradient descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Descent {
    /// Its step η.
    pub step: f64,
    /// The largest stable step where the run ended, see [`crate::stability`]; `None` where the factors are unknown.
    pub edge: Option<f64>,
}

impl Evidence {
    /// What a record tells, of a run of the flow.
    pub fn new(
        setting: Setting,
        trajectory: Trajectory,
        series: &Series,
        tolerance: f64,
        integrals_with_flow: bool,
    ) -> Self {
        let references = series.context().references.clone();
        let mirror = setting.flow.mirror();
        // the accuracy of log u, relative to the promise on w, squared as D is quadratic in it
        let accuracy = setting.flow.cancellation().powi(2);
        let size = |reference: &Reference| {
            let size = reference.anchor.as_ref().map(|anchor| accuracy * mirror.size(anchor));
            size.unwrap_or(0.0)
        };
        let mut columns = series.by_name();
        if !integrals_with_flow {
            // nobody integrated them, and w alone does not tell the factors: better no column than an empty one
            let unknown = [
                "integral",
                "increment",
                "dual_bound",
                "conserved_drift",
                "product_drift",
            ];
            columns.retain(|name, _| !unknown.iter().any(|part| name.contains(part)));
        }
        Self {
            setting,
            trajectory: Arc::new(trajectory),
            families: BTreeMap::new(),
            columns,
            reference_sizes: references.iter().map(size).collect(),
            references,
            tolerance,
            integrals_with_flow,
            descent: None,
        }
    }

    /// The same as a record of gradient descent with this step.
    #[must_use]
    pub fn of_descent(mut self, step: f64) -> Self {
        let flow = self.setting.flow.as_ref();
        let last = self.trajectory.state.len().checked_sub(flow.dim());
        let known = last.filter(|_| self.integrals_with_flow);
        let edge = known.and_then(|last| stability_edge(flow, &self.trajectory.state[last..]));
        self.descent = Some(Descent { step, edge });
        self
    }

    /// Depth L.
    pub fn depth(&self) -> usize {
        self.setting.model.depth
    }

    /// Whether the model is signed.
    pub fn signed(&self) -> bool {
        self.setting.flow.signed()
    }

    /// The solution of least ℓ1 norm with its certificate, if it is among the references.
    pub fn basis_pursuit(&self) -> Option<(&Reference, &Minimiser)> {
        self.references.iter().find_map(|reference| match &reference.origin {
            Origin::BasisPursuit(minimiser) => Some((reference, minimiser.as_ref())),
            _ => None,
        })
    }

    /// The limit of the flow, attained or not, if it is among the references.
    pub fn flow_limit(&self) -> Option<(&Reference, &FlowLimit)> {
        self.references.iter().find_map(|reference| match &reference.origin {
            Origin::BregmanProjection(limit) => Some((reference, limit.as_ref())),
            _ => None,
        })
    }

    /// The limit of the flow with its dual variable, if it is among the references and attained.
    pub fn attained_limit(&self) -> Option<(&Reference, &Limit)> {
        self.flow_limit()
            .and_then(|(reference, limit)| match &limit.projection {
                Projection::Attained(limit) => Some((reference, limit)),
                _ => None,
            })
    }

    /// The weights at recorded time `row` (n entries), where they were kept.
    pub fn weights(&self, row: usize) -> Option<&[f64]> {
        let n = self.setting.problem().operator.cols();
        self.trajectory.weights_at(row, n)
    }

    /// q at recorded time `row` (m entries), where it was integrated.
    pub fn dual(&self, row: usize) -> Option<&[f64]> {
        if !self.integrals_with_flow {
            return None;
        }
        let m = self.setting.problem().operator.rows();
        self.trajectory.dual.get(row * m..(row + 1) * m)
    }

    /// A column, empty if there is none.
    pub fn column(&self, name: &str) -> &[f64] {
        self.columns.get(name).map_or(&[], |column| column)
    }

    /// Time between recorded time `row` and the one before it, where t alone cannot tell them apart, too.
    pub fn elapsed(&self, row: usize) -> f64 {
        let difference = |name: &str| {
            let column = self.column(name);
            if row < column.len() {
                column[row] - column[row - 1]
            } else {
                0.0
            }
        };
        difference("t") + difference("t_lo")
    }

    /// Steps the integrator took between two recorded times (0 where it is not known).
    pub fn steps_between(&self, from: usize, to: usize) -> f64 {
        let at = |row: usize| self.column("steps").get(row).copied().unwrap_or(0.0);
        at(to) - at(from)
    }

    /// Number of recorded times.
    pub fn len(&self) -> usize {
        self.column("t").len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
