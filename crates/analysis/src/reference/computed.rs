//! What a computation in this folder comes to: a value with its certificate, or the reason why there is none.

/// A value, or why it could not be computed. Failure of the numerics is an outcome like any other, never an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Computed<T> {
    /// The value; it passed its own checks.
    Value(T),
    /// No trustworthy value.
    Failed {
        /// What went wrong, in one sentence.
        reason: String,
    },
}

impl<T> Computed<T> {
    /// A failure for this reason.
    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into() }
    }

    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Failed { .. } => None,
        }
    }
}
