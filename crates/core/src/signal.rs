//! The truth w*: a random sparse vector.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha12Rng;
use rand_distr::StandardNormal;

use crate::error::{CoreError, Result};
use crate::randomness::{Purpose, sample_indices, stream};

/// How the nonzero entries of a sparse signal are sized; every magnitude is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Magnitude {
    /// Every magnitude is this number, which is positive.
    Constant(f64),
    /// Uniform in [low, high) with 0 < low <= high.
    Uniform(f64, f64),
    /// |g| with g ~ N(0, 1).
    Gaussian,
    /// k^{−exponent} for k = 1, …, s in random places; `exponent >= 0`.
    PowerLaw {
        /// The decay exponent.
        exponent: f64,
    },
}

/// A vector with `sparsity` nonzero entries in uniformly random places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SparseSignal {
    /// Number s of nonzero entries, 0 <= s <= n.
    pub sparsity: usize,
    /// How they are sized.
    pub magnitude: Magnitude,
}

impl SparseSignal {
    /// Checks the parameters for vectors of n entries.
    pub fn validate(&self, n: usize) -> Result<()> {
        if self.sparsity > n {
            return Err(CoreError::OutOfRange {
                field: "sparsity",
                value: self.sparsity.to_string(),
                requirement: "it must be at most the dimension",
            });
        }
        self.magnitude.validate(self.sparsity)
    }

    /// Draws w* ∈ R^n; with `signed`, each nonzero entry is negative with probability ½.
    ///
    /// The support, in a random order, comes from [`Purpose::Support`], the magnitudes in that order from
    /// [`Purpose::Magnitudes`] and the signs from [`Purpose::Signs`]: the signed and the unsigned signal of a seed differ
    /// in signs only.
    pub fn draw(&self, n: usize, signed: bool, seed: u64) -> Result<Vec<f64>> {
        self.validate(n)?;
        let support = sample_indices(n, self.sparsity, &mut stream(seed, Purpose::Support));
        let mut magnitudes = stream(seed, Purpose::Magnitudes);
        let mut signs = stream(seed, Purpose::Signs);
        let mut signal = vec![0.0; n];
        for (rank, &index) in support.iter().enumerate() {
            let magnitude = self.magnitude.draw(rank + 1, &mut magnitudes);
            let negative = signed && signs.random::<bool>();
            signal[index] = if negative { -magnitude } else { magnitude };
        }
        Ok(signal)
    }
}

impl Magnitude {
    /// Checks the parameters for `count` entries.
    fn validate(&self, count: usize) -> Result<()> {
        let (value, legal, requirement) = match *self {
            Magnitude::Constant(c) => (
                format!("Constant({c})"),
                c > 0.0 && c.is_finite(),
                "it must be positive and finite",
            ),
            Magnitude::Uniform(low, high) => {
                let legal = 0.0 < low && low <= high && high.is_finite();
                (
                    format!("Uniform({low}, {high})"),
                    legal,
                    "it needs 0 < low <= high, both finite",
                )
            }
            Magnitude::Gaussian => return Ok(()),
            Magnitude::PowerLaw { exponent } => {
                let legal = exponent >= 0.0 && exponent.is_finite() && power(count.max(1), exponent) > 0.0;
                (
                    format!("PowerLaw(exponent: {exponent})"),
                    legal,
                    "the exponent must be >= 0 and leave the last entry > 0",
                )
            }
        };
        if legal {
            Ok(())
        } else {
            Err(CoreError::OutOfRange {
                field: "magnitude",
                value,
                requirement,
            })
        }
    }

    /// The magnitude of the entry of that rank (counted from 1).
    fn draw(&self, rank: usize, rng: &mut ChaCha12Rng) -> f64 {
        match *self {
            Magnitude::Constant(c) => c,
            Magnitude::Uniform(low, high) => low + (high - low) * rng.random::<f64>(),
            Magnitude::Gaussian => nonzero_normal(rng).abs(),
            Magnitude::PowerLaw { exponent } => power(rank, exponent),
        }
    }
}

/// rank^{−exponent}; a rank counts entries of a vector, far below 2^53.
fn power(rank: usize, exponent: f64) -> f64 {
    (rank as f64).powf(-exponent)
}

/// A standard normal number, drawn again in the (never observed) case that it is zero.
fn nonzero_normal(rng: &mut impl Rng) -> f64 {
    loop {
        let g: f64 = rng.sample(StandardNormal);
        if g != 0.0 {
            return g;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGNITUDES: [Magnitude; 4] = [
        Magnitude::Constant(2.0),
        Magnitude::Uniform(0.5, 1.5),
        Magnitude::Gaussian,
        Magnitude::PowerLaw { exponent: 1.0 },
    ];

    fn nonzero(signal: &[f64]) -> Vec<(usize, f64)> {
        signal
            .iter()
            .copied()
            .enumerate()
            .filter(|&(_, value)| value != 0.0)
            .collect()
    }

    #[test]
    fn the_number_of_nonzero_entries_is_the_sparsity() {
        for magnitude in MAGNITUDES {
            for sparsity in [0, 1, 7, 30] {
                let signal = SparseSignal { sparsity, magnitude }.draw(30, true, 4).unwrap();
                assert_eq!(signal.len(), 30);
                assert_eq!(nonzero(&signal).len(), sparsity, "{magnitude:?}");
            }
        }
    }

    #[test]
    fn signs_appear_only_where_asked_for_and_change_nothing_else() {
        for magnitude in MAGNITUDES {
            let signal = SparseSignal {
                sparsity: 400,
                magnitude,
            };
            let (unsigned, signed) = (
                signal.draw(1000, false, 4).unwrap(),
                signal.draw(1000, true, 4).unwrap(),
            );
            assert!(unsigned.iter().all(|&value| value >= 0.0));
            assert_eq!(signed.iter().map(|value| value.abs()).collect::<Vec<_>>(), unsigned);
            let negative = signed.iter().filter(|&&value| value < 0.0).count();
            assert!(
                (160..=240).contains(&negative),
                "200 expected, deviation 10: {negative}"
            );
        }
    }

    #[test]
    fn the_support_does_not_depend_on_the_magnitudes() {
        let support = |magnitude| {
            let signal = SparseSignal { sparsity: 6, magnitude }.draw(50, true, 9).unwrap();
            nonzero(&signal).into_iter().map(|(index, _)| index).collect::<Vec<_>>()
        };
        assert!(
            MAGNITUDES
                .iter()
                .all(|&magnitude| support(magnitude) == support(Magnitude::Constant(1.0)))
        );
        let other_seed = SparseSignal {
            sparsity: 6,
            magnitude: Magnitude::Constant(1.0),
        }
        .draw(50, true, 10)
        .unwrap();
        assert_ne!(
            nonzero(&other_seed).iter().map(|&(index, _)| index).collect::<Vec<_>>(),
            support(MAGNITUDES[0])
        );
    }

    #[test]
    fn magnitudes_follow_their_law() {
        let draw = |magnitude| {
            SparseSignal {
                sparsity: 2000,
                magnitude,
            }
            .draw(2000, false, 2)
            .unwrap()
        };
        assert!(draw(Magnitude::Constant(2.5)).iter().all(|&value| value == 2.5));

        let uniform = draw(Magnitude::Uniform(0.5, 1.5));
        assert!(uniform.iter().all(|&value| (0.5..1.5).contains(&value)));
        assert!(
            (uniform.iter().sum::<f64>() / 2000.0 - 1.0).abs() < 0.026,
            "4 deviations of the mean"
        );
        assert!(uniform.iter().any(|&value| value < 0.52) && uniform.iter().any(|&value| value > 1.48));

        let gaussian = draw(Magnitude::Gaussian);
        let mean = gaussian.iter().sum::<f64>() / 2000.0;
        assert!(
            (mean - (2.0 / std::f64::consts::PI).sqrt()).abs() < 0.054,
            "4 deviations of the mean: {mean}"
        );

        let mut power = draw(Magnitude::PowerLaw { exponent: 0.5 });
        assert!(!power.is_sorted_by(|a, b| a >= b), "randomly placed");
        power.sort_by(|a, b| b.total_cmp(a));
        assert!(
            power
                .iter()
                .enumerate()
                .all(|(k, value)| (value * ((k + 1) as f64).sqrt() - 1.0).abs() < 1e-14)
        );
    }

    #[test]
    fn the_numbers_are_pinned() {
        let draw = |magnitude| nonzero(&SparseSignal { sparsity: 5, magnitude }.draw(20, true, 7).unwrap());
        assert_eq!(draw(Magnitude::Uniform(0.5, 1.5)), GOLDEN_UNIFORM);
        assert_eq!(draw(Magnitude::Gaussian), GOLDEN_GAUSSIAN);
    }

    #[test]
    fn wrong_parameters_are_named_errors() {
        let error = SparseSignal {
            sparsity: 4,
            magnitude: Magnitude::Gaussian,
        }
        .draw(3, true, 0)
        .unwrap_err();
        assert!(
            matches!(error, CoreError::OutOfRange { field: "sparsity", .. }),
            "{error}"
        );
        for magnitude in [
            Magnitude::Constant(0.0),
            Magnitude::Constant(-1.0),
            Magnitude::Constant(f64::NAN),
            Magnitude::Constant(f64::INFINITY),
            Magnitude::Uniform(0.0, 1.0),
            Magnitude::Uniform(2.0, 1.0),
            Magnitude::Uniform(1.0, f64::INFINITY),
            Magnitude::Uniform(f64::NAN, 1.0),
            Magnitude::PowerLaw { exponent: -1.0 },
            Magnitude::PowerLaw { exponent: f64::NAN },
            Magnitude::PowerLaw { exponent: 2000.0 },
        ] {
            let error = SparseSignal { sparsity: 2, magnitude }.draw(3, true, 0).unwrap_err();
            assert!(
                matches!(error, CoreError::OutOfRange { field: "magnitude", .. }),
                "{magnitude:?}: {error}"
            );
        }
    }

    const GOLDEN_UNIFORM: [(usize, f64); 5] = [
        (2, 0.9652069403598694),
        (7, 0.5517797558250424),
        (11, -0.5830452744311504),
        (16, -1.3855421137591866),
        (17, 0.7157437628805073),
    ];
    const GOLDEN_GAUSSIAN: [(usize, f64); 5] = [
        (2, 0.15231724935917254),
        (7, 1.0414351291358086),
        (11, -1.771243117388903),
        (16, -0.6511381857327224),
        (17, 1.0912922908690768),
    ];
}
