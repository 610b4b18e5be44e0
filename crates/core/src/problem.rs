//! The least-squares problem: find w with A w = y.

use std::fmt;
use std::sync::Arc;

use rand::RngExt;
use rand_distr::StandardNormal;

use crate::error::{CoreError, Result};
use crate::measurement::{Ensemble, MeasurementOperator, check_finite};
use crate::randomness::{Purpose, stream};
use crate::signal::SparseSignal;

/// A measurement operator A ∈ R^{m×n} with measurements y ∈ R^m, and the truth w* ∈ R^n where it is known.
///
/// The loss is ℓ(w) = ½|A w − y|². Shapes and finiteness are checked once, by the constructors.
#[derive(Clone)]
#[non_exhaustive]
pub struct Problem {
    /// The operator A.
    pub operator: Arc<dyn MeasurementOperator>,
    /// The measurements y, m entries.
    pub measurements: Vec<f64>,
    /// The truth w*, n entries, where it is known.
    pub truth: Option<Vec<f64>>,
    /// Standard deviation of each entry of e in y = A w* + e; 0 where y is exact or nothing is known.
    pub noise: f64,
}

impl Problem {
    /// Checks that m, n >= 1, that y has m entries and the truth n, that all are finite and that `noise >= 0` is finite.
    pub fn new(
        operator: Arc<dyn MeasurementOperator>,
        measurements: Vec<f64>,
        truth: Option<Vec<f64>>,
        noise: f64,
    ) -> Result<Self> {
        crate::measurement::check_sizes(operator.rows(), operator.cols())?;
        check_length("measurements", operator.rows(), &measurements)?;
        check_finite("measurements", &measurements)?;
        if let Some(truth) = &truth {
            check_length("truth", operator.cols(), truth)?;
            check_finite("truth", truth)?;
        }
        check_noise(noise)?;
        Ok(Self {
            operator,
            measurements,
            truth,
            noise,
        })
    }

    /// Draws A from the ensemble, w* from the signal and e_i ~ N(0, noise²), and measures y = A w* + e.
    ///
    /// Each part has a stream of its own ([`Purpose`]): the matrix of a seed does not depend on the signal or the noise,
    /// and e/noise is the same for every noise level.
    ///
    /// ```
    /// use hadaflow_core::measurement::by_name;
    /// use hadaflow_core::problem::Problem;
    /// use hadaflow_core::signal::{Magnitude, SparseSignal};
    ///
    /// let signal = SparseSignal { sparsity: 5, magnitude: Magnitude::Uniform(0.5, 1.5) };
    /// let problem = Problem::synthetic(by_name("Gaussian")?, 80, 200, &signal, true, 0.0, 7)?;
    /// assert_eq!((problem.rows(), problem.cols()), (80, 200));
    /// # Ok::<(), hadaflow_core::error::CoreError>(())
    /// ```
    pub fn synthetic(
        ensemble: &dyn Ensemble,
        m: usize,
        n: usize,
        signal: &SparseSignal,
        signed: bool,
        noise: f64,
        seed: u64,
    ) -> Result<Self> {
        check_noise(noise)?;
        signal.validate(n)?;
        let operator: Arc<dyn MeasurementOperator> =
            Arc::from(ensemble.draw(m, n, &mut stream(seed, Purpose::Matrix))?);
        let truth = signal.draw(n, signed, seed)?;
        let mut measurements = vec![0.0; m];
        operator.apply(&truth, &mut measurements);
        if noise > 0.0 {
            let mut rng = stream(seed, Purpose::Noise);
            for entry in &mut measurements {
                *entry += noise * rng.sample::<f64, _>(StandardNormal);
            }
        }
        Self::new(operator, measurements, Some(truth), noise)
    }

    /// y − `product`, in its place, m entries: the residual where the product is A w.
    pub fn subtract_from_measurements(&self, product: &mut [f64]) {
        for (entry, y) in product.iter_mut().zip(&self.measurements) {
            *entry = y - *entry;
        }
    }

    /// Number of measurements m.
    pub fn rows(&self) -> usize {
        self.operator.rows()
    }

    /// Dimension n of the weights.
    pub fn cols(&self) -> usize {
        self.operator.cols()
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Problem")
            .field("operator", &format_args!("{} × {}", self.rows(), self.cols()))
            .field("measurements", &self.measurements)
            .field("truth", &self.truth)
            .field("noise", &self.noise)
            .finish()
    }
}

/// Bytes of a synthetic problem, to be compared with the machine's memory before anything is allocated: the operator, y
/// (m), w* and the random order of its support (2n). Saturates instead of overflowing.
pub fn storage_bytes(ensemble: &dyn Ensemble, m: usize, n: usize) -> u128 {
    ensemble
        .storage_bytes(m, n)
        .saturating_add(8 * (m as u128 + 2 * n as u128))
}

/// A vector of the right length.
fn check_length(what: &'static str, expected: usize, entries: &[f64]) -> Result<()> {
    if entries.len() == expected {
        return Ok(());
    }
    Err(CoreError::Shape {
        what,
        expected,
        found: entries.len(),
    })
}

/// A standard deviation.
fn check_noise(noise: f64) -> Result<()> {
    if noise >= 0.0 && noise.is_finite() {
        return Ok(());
    }
    Err(CoreError::OutOfRange {
        field: "noise",
        value: noise.to_string(),
        requirement: "a standard deviation must be finite and at least 0",
    })
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::measurement::{DenseOperator, Gaussian, SubsampledDct, catalogue};
    use crate::signal::Magnitude;

    const SIGNAL: SparseSignal = SparseSignal {
        sparsity: 4,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };

    #[test]
    fn measurements_are_the_image_of_the_truth() {
        for ensemble in catalogue() {
            let problem = Problem::synthetic(*ensemble, 20, 50, &SIGNAL, true, 0.0, 7).unwrap();
            let truth = problem.truth.as_deref().unwrap();
            assert_eq!(truth, SIGNAL.draw(50, true, 7).unwrap());
            let mut image = vec![f64::NAN; 20];
            problem.operator.apply(truth, &mut image);
            assert_eq!(problem.measurements, image, "{}", ensemble.name());
            assert!(image.iter().any(|&entry| entry != 0.0));
        }
    }

    #[test]
    fn noise_has_its_level_and_a_stream_of_its_own() {
        let draw = |noise| Problem::synthetic(&Gaussian, 2000, 20, &SIGNAL, true, noise, 7).unwrap();
        let (clean, noisy, twice) = (draw(0.0), draw(0.1), draw(0.2));
        assert_eq!(clean.truth, noisy.truth);
        let error = |problem: &Problem| -> Vec<f64> {
            problem
                .measurements
                .iter()
                .zip(&clean.measurements)
                .map(|(noisy, clean)| noisy - clean)
                .collect()
        };
        let (once, double) = (error(&noisy), error(&twice));
        assert!(once.iter().zip(&double).all(|(a, b)| (2.0 * a - b).abs() < 1e-14));
        let deviation = (once.iter().map(|e| e * e).sum::<f64>() / 2000.0).sqrt();
        assert!((deviation - 0.1).abs() < 4.0 * 0.1 / 4000f64.sqrt(), "{deviation}");
        let mean = once.iter().sum::<f64>() / 2000.0;
        assert!(mean.abs() < 4.0 * 0.1 / 2000f64.sqrt(), "{mean}");
    }

    #[test]
    fn no_signal_gives_zero_measurements() {
        let signal = SparseSignal { sparsity: 0, ..SIGNAL };
        let problem = Problem::synthetic(&Gaussian, 5, 9, &signal, true, 0.0, 7).unwrap();
        assert_eq!(problem.measurements, [0.0; 5]);
    }

    #[test]
    fn the_numbers_are_pinned() {
        let problem = Problem::synthetic(&Gaussian, 3, 20, &SIGNAL, true, 0.1, 7).unwrap();
        assert_eq!(problem.measurements, GOLDEN_MEASUREMENTS);
    }

    #[test]
    fn wrong_data_is_a_named_error() {
        let operator = || Arc::new(DenseOperator::new(DMatrix::from_element(2, 3, 1.0)).unwrap());
        let new = |y: &[f64], truth: Option<&[f64]>, noise| {
            Problem::new(operator(), y.to_vec(), truth.map(<[f64]>::to_vec), noise).map(|_| ())
        };
        assert_eq!(new(&[1.0, 2.0], Some(&[0.0; 3]), 0.0), Ok(()));
        assert_eq!(
            new(&[1.0], None, 0.0),
            Err(CoreError::Shape {
                what: "measurements",
                expected: 2,
                found: 1
            })
        );
        assert_eq!(
            new(&[1.0, 2.0], Some(&[0.0; 2]), 0.0),
            Err(CoreError::Shape {
                what: "truth",
                expected: 3,
                found: 2
            })
        );
        assert!(matches!(
            new(&[1.0, f64::NAN], None, 0.0),
            Err(CoreError::NotFinite { index: 1, .. })
        ));
        assert!(matches!(
            new(&[1.0, 2.0], Some(&[f64::INFINITY, 0.0, 0.0]), 0.0),
            Err(CoreError::NotFinite {
                what: "truth",
                index: 0,
                ..
            })
        ));
        for noise in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(
                new(&[1.0, 2.0], None, noise),
                Err(CoreError::OutOfRange { field: "noise", .. })
            ));
            let synthetic = Problem::synthetic(&Gaussian, 2, 9, &SIGNAL, true, noise, 0);
            assert!(matches!(synthetic, Err(CoreError::OutOfRange { field: "noise", .. })));
        }
        let overfull = SparseSignal { sparsity: 10, ..SIGNAL };
        assert!(Problem::synthetic(&Gaussian, 2, 9, &overfull, true, 0.0, 0).is_err());
        let huge = SparseSignal {
            sparsity: 200,
            magnitude: Magnitude::Constant(1e308),
        };
        let overflow = Problem::synthetic(&Gaussian, 3, 200, &huge, false, 0.0, 0);
        assert!(matches!(
            overflow,
            Err(CoreError::NotFinite {
                what: "measurements",
                ..
            })
        ));
    }

    #[test]
    fn storage_is_estimated_without_overflow() {
        assert_eq!(storage_bytes(&Gaussian, 80, 200), 8 * (80 * 200 + 80 + 400));
        assert!(storage_bytes(&Gaussian, usize::MAX, usize::MAX) > u64::MAX as u128);
        let n = 1 << 20;
        assert!(storage_bytes(&SubsampledDct, n / 4, n) < 1 << 30);
        assert!(storage_bytes(&Gaussian, n / 4, n) > 1 << 40);
    }

    const GOLDEN_MEASUREMENTS: [f64; 3] = [-1.4417091296418107, 0.1023001499994273, 1.642503568113405];
}
