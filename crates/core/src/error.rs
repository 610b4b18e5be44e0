//! Wrong input to the mathematics. Failure of the numerics is never an error: it is an [`crate::outcome::Outcome`].

use thiserror::Error;

/// What can be wrong with the data of a flow.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CoreError {
    /// Two shapes that must agree do not.
    #[error("{what}: expected {expected} entries, found {found}")]
    Shape {
        /// Which object has the wrong shape.
        what: &'static str,
        /// The shape it must have.
        expected: usize,
        /// The shape it has.
        found: usize,
    },
    /// A number that must be finite is not.
    #[error("{what}: entry {index} is {value}, but every entry must be finite")]
    NotFinite {
        /// Which object holds the number.
        what: &'static str,
        /// Where it stands.
        index: usize,
        /// The number itself.
        value: f64,
    },
    /// A parameter outside its legal range.
    #[error("{field} is {value}, but {requirement}")]
    OutOfRange {
        /// The name of the parameter, as in the scenario.
        field: &'static str,
        /// The value found.
        value: String,
        /// What is required of it.
        requirement: &'static str,
    },
    /// The combination of choices has no flow (for example a dual flow without a mirror map).
    #[error("{what}; try {hint}")]
    Unsupported {
        /// What was asked for and why it does not exist.
        what: String,
        /// What to do instead.
        hint: &'static str,
    },
}

/// Result of a constructor in this crate.
pub type Result<T> = std::result::Result<T, CoreError>;
