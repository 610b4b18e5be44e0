//! Independent normal entries.

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_distr::StandardNormal;

use super::{DenseOperator, Ensemble, MeasurementOperator};
use crate::error::Result;

/// A_ij ~ N(0, 1/m), independent; drawn column by column, A_11, A_21, …, A_m1, A_12, …, each as g/√m with g ~ N(0, 1).
#[derive(Debug, Clone, Copy)]
pub struct Gaussian;

impl Ensemble for Gaussian {
    fn name(&self) -> &'static str {
        "Gaussian"
    }

    fn description(&self) -> &'static str {
        "independent entries N(0, 1/m), stored densely"
    }

    fn draw(&self, m: usize, n: usize, rng: &mut ChaCha12Rng) -> Result<Box<dyn MeasurementOperator>> {
        let scale = 1.0 / (m as f64).sqrt();
        let entry = || scale * rng.sample::<f64, _>(StandardNormal);
        Ok(Box::new(DenseOperator::from_entries(m, n, entry)?))
    }
}
