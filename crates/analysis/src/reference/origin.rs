//! How a reference point came about, with what proves it.

use super::basis_pursuit::Minimiser;
use super::flow_limit::FlowLimit;

/// Where a point comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Origin {
    /// It was given: the planted signal, say.
    #[default]
    Given,
    /// It has the least ℓ1 norm of all solutions, and a certificate of that.
    BasisPursuit(Box<Minimiser>),
    /// It is the limit of the flow.
    BregmanProjection(Box<FlowLimit>),
}
