//! Independent random signs.

use rand::RngExt;
use rand_chacha::ChaCha12Rng;

use super::{DenseOperator, Ensemble, MeasurementOperator};
use crate::error::Result;

/// A_ij = ±1/√m with probability ½ each, independent; drawn column by column, A_11, A_21, …, A_m1, A_12, …, so that every
/// column has unit norm.
#[derive(Debug, Clone, Copy)]
pub struct Rademacher;

impl Ensemble for Rademacher {
    fn name(&self) -> &'static str {
        "Rademacher"
    }

    fn description(&self) -> &'static str {
        "independent entries ±1/√m with equal probability, stored densely"
    }

    fn draw(&self, m: usize, n: usize, rng: &mut ChaCha12Rng) -> Result<Box<dyn MeasurementOperator>> {
        let scale = 1.0 / (m as f64).sqrt();
        let entry = || if rng.random::<bool>() { scale } else { -scale };
        Ok(Box::new(DenseOperator::from_entries(m, n, entry)?))
    }
}
