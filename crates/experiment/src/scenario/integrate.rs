//! How the flow is integrated, and when it stops.

use serde::{Deserialize, Serialize};

use super::number;

/// Formulation, method, accuracy and horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Integrate {
    /// In which variables the flow is written. Default: `Auto`.
    pub formulation: Formulation,
    /// The time stepper, or gradient descent instead of the flow. Default: `Bdf`.
    pub method: Method,
    /// The promise on w, between 1e-13 and 1e-2. Default: 1e-8.
    pub tolerance: f64,
    /// The integration ends at whichever comes first. Default: `[RelativeLossBelow(1e-12), Stationary(1e-9)]`.
    pub stop: Vec<Stop>,
    /// Conditions whose times are noted in the report without ending the integration. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mark: Vec<Stop>,
    /// Most steps that are taken, where a limit of one's own is wanted.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number::optional_natural"
    )]
    pub max_steps: Option<u64>,
}

impl Default for Integrate {
    fn default() -> Self {
        Self {
            formulation: Formulation::Auto,
            method: Method::Bdf,
            tolerance: 1e-8,
            stop: vec![Stop::RelativeLossBelow(1e-12), Stop::Stationary(1e-9)],
            mark: Vec::new(),
            max_steps: None,
        }
    }
}

/// In which variables the flow is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Formulation {
    /// The best that is exact for the model; the report says which and why.
    #[default]
    Auto,
    /// All entries of all factors.
    Factor,
    /// Logarithms of the common factor.
    Log,
    /// The dual variable q, one entry per measurement.
    Dual,
}

/// The time stepper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Method {
    /// Backward differentiation formulas of variable order.
    #[default]
    Bdf,
    /// Numerical differentiation formulas of order 1 to 5 made for the dual flow, which they need.
    Ndf,
    /// Singly diagonally implicit Runge–Kutta of order 4.
    Esdirk34,
    /// Trapezoidal rule and second-order backward difference in turn.
    TrBdf2,
    /// Explicit Runge–Kutta of order 5, for problems that are not stiff.
    Tsit45,
    /// Gradient descent on the factors, which is explicit Euler of the flow with a fixed step and not the flow.
    GradientDescent {
        /// The step size η.
        step: f64,
    },
}

/// A condition that ends the integration, or marks its time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Stop {
    /// ℓ ≤ x · ½‖y‖².
    RelativeLossBelow(f64),
    /// ℓ ≤ x.
    LossBelow(f64),
    /// The flow has come to rest up to this tolerance.
    Stationary(f64),
    /// t = x.
    TimeReached(f64),
    /// t = x characteristic times T(α).
    TimeUnits(f64),
    /// |w_index| ≥ threshold.
    CoordinateActive {
        /// Which coordinate, counted from 0.
        #[serde(deserialize_with = "number::count")]
        index: usize,
        /// The magnitude it reaches.
        threshold: f64,
    },
}
