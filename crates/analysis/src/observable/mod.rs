//! Observables: one number per recorded time.

mod balancedness;
#[cfg(test)]
mod bounds_tests;
mod bregman_divergence;
mod distance;
mod dual_bound;
mod dual_bound_polished;
mod effective_sparsity;
mod l1_norm;
mod leading;
mod least_factor;
mod loss;
mod off_support;
mod product_drift;
mod steps;
mod support_size;
mod upper_bound;

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use crate::reference::Reference;

pub(crate) use leading::affordable_matrix;

/// How an observable is named and drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Column name.
    pub column: String,
    /// Symbol for an axis.
    pub symbol: String,
    /// Whether it is best drawn on a logarithmic axis.
    pub logarithmic: bool,
    /// What it is, in one sentence.
    pub description: String,
}

impl Label {
    fn new(column: impl Into<String>, symbol: impl Into<String>, logarithmic: bool, description: &str) -> Self {
        Self {
            column: column.into(),
            symbol: symbol.into(),
            logarithmic,
            description: description.into(),
        }
    }
}

/// What observables are measured against.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Reference points, in the order of the integrated mismatches.
    pub references: Vec<Reference>,
    /// |w_i| > this·max|w| counts as support.
    pub support_threshold: f64,
}

impl Context {
    /// The planted truth, if there is one.
    pub fn truth(&self) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.name == "truth")
    }
}

/// A number measured at each recorded time.
pub trait Observable: Send + Sync {
    /// Name, symbol, scale, sentence.
    fn label(&self) -> Label;
    /// The value at a recorded time.
    fn measure(&self, snapshot: &Snapshot, context: &Context) -> f64;
}

/// Builds the observables of one kind that make sense for a flow: none, one, or one per reference.
type Build = fn(&dyn Flow, &Context) -> Vec<Box<dyn Observable>>;

/// The catalogue: one line per file of this folder.
const CATALOGUE: &[Build] = &[
    loss::build,
    l1_norm::build,
    support_size::build,
    effective_sparsity::build,
    off_support::build,
    dual_bound::build,
    dual_bound_polished::build,
    upper_bound::build,
    balancedness::build,
    least_factor::build,
    product_drift::build,
    bregman_divergence::build,
    distance::build,
    steps::build,
];

/// All observables that make sense for a flow with the given references, in column order.
pub fn all(flow: &dyn Flow, context: &Context) -> Vec<Box<dyn Observable>> {
    CATALOGUE.iter().flat_map(|build| build(flow, context)).collect()
}
