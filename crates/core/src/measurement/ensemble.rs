//! Distributions of measurement operators, and their catalogue.

use rand_chacha::ChaCha12Rng;

use super::{Gaussian, MeasurementOperator, Rademacher, SubsampledDct};
use crate::error::{CoreError, Result};

/// A distribution of operators A: R^n → R^m, normalised so that E |A e_j|² = 1 for the average column.
pub trait Ensemble: Sync {
    /// The name in a scenario.
    fn name(&self) -> &'static str;
    /// One sentence with the formula.
    fn description(&self) -> &'static str;
    /// Draws one operator; the same state of `rng` gives the same operator on every machine.
    fn draw(&self, m: usize, n: usize, rng: &mut ChaCha12Rng) -> Result<Box<dyn MeasurementOperator>>;
    /// Bytes one operator occupies: 8 m n for a stored matrix. Saturates instead of overflowing.
    fn storage_bytes(&self, m: usize, n: usize) -> u128 {
        8u128.saturating_mul(m as u128).saturating_mul(n as u128)
    }
}

/// Every ensemble a scenario can name.
///
/// ```
/// use hadaflow_core::measurement::{by_name, catalogue};
///
/// assert!(catalogue().iter().all(|ensemble| by_name(ensemble.name()).is_ok()));
/// ```
pub fn catalogue() -> &'static [&'static dyn Ensemble] {
    &[&Gaussian, &Rademacher, &SubsampledDct]
}

/// The ensemble of that name.
pub fn by_name(name: &str) -> Result<&'static dyn Ensemble> {
    catalogue()
        .iter()
        .copied()
        .find(|ensemble| ensemble.name() == name)
        .ok_or_else(|| CoreError::Unsupported {
            what: format!("there is no ensemble `{name}`"),
            hint: "`hadaflow list ensembles`",
        })
}
