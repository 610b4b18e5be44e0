//! The factorized model of the weights and where its factors start.
//!
//! Positive model: w = x_1 ∘ ⋯ ∘ x_L. Signed model: w = u_1 ∘ ⋯ ∘ u_L − v_1 ∘ ⋯ ∘ v_L. All factors start positive.

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_distr::StandardNormal;

use crate::error::{CoreError, Result};
use crate::measurement::check_finite;
use crate::randomness::{Purpose, stream};

/// The legal depths L.
pub const DEPTHS: std::ops::RangeInclusive<usize> = 2..=64;
/// The largest legal entry of a factor at the start.
pub const LARGEST_START: f64 = 1e6;

/// Which weights the model can represent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// w = x_1 ∘ ⋯ ∘ x_L.
    Positive,
    /// w = u_1 ∘ ⋯ ∘ u_L − v_1 ∘ ⋯ ∘ v_L.
    Signed,
}

/// Where the factors start; every entry lies in (0, 1e6].
#[derive(Debug, Clone, PartialEq)]
pub enum Initialization {
    /// Every entry of every factor starts at α.
    Identical(f64),
    /// Every factor starts at this vector x0 of n entries.
    Vector(Vec<f64>),
    /// Every entry of factor k starts at the k-th number; L numbers. In the signed model u_k and v_k start alike.
    PerFactor(Vec<f64>),
    /// Every entry of every factor (and, in the signed model, of u and of v) starts at its own scale · exp(spread · g),
    /// g ~ N(0, 1), all independent: log-normal with median `scale`.
    Random {
        /// The median of an entry.
        scale: f64,
        /// The standard deviation of the logarithm of an entry; 0 or more.
        spread: f64,
    },
}

/// The factorized model of the weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The number L of factors, 2 to 64.
    pub depth: usize,
    /// Positive or signed weights.
    pub sign: Sign,
    /// Where the factors start.
    pub initialization: Initialization,
}

/// The start of every factor, checked: all entries are finite and positive.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// All factors (of u and of v) start at this x0 of n entries.
    Identical(Vec<f64>),
    /// Factor k starts at the k-th of these L vectors of n entries; in the signed model u_k and v_k start alike.
    PerFactor(Vec<Vec<f64>>),
    /// Every factor has its own start: L vectors of n entries for x (or u), and L for v in the signed model, none in the
    /// positive model.
    Independent {
        /// The factors x_k or u_k.
        plus: Vec<Vec<f64>>,
        /// The factors v_k; empty in the positive model.
        minus: Vec<Vec<f64>>,
    },
}

impl Start {
    /// The smallest entry of any factor.
    pub fn smallest(&self) -> f64 {
        let least = |x: &[f64]| x.iter().fold(f64::INFINITY, |a, &b| a.min(b));
        let least_of = |levels: &[Vec<f64>]| levels.iter().fold(f64::INFINITY, |a, x| a.min(least(x)));
        match self {
            Self::Identical(x0) => least(x0),
            Self::PerFactor(levels) => least_of(levels),
            Self::Independent { plus, minus } => least_of(plus).min(least_of(minus)),
        }
    }
}

impl Model {
    /// Checks depth and initialization for weights of n entries.
    pub fn validate(&self, n: usize) -> Result<()> {
        if !DEPTHS.contains(&self.depth) {
            let value = self.depth.to_string();
            return Err(CoreError::OutOfRange {
                field: "depth",
                value,
                requirement: "it must be in 2..=64",
            });
        }
        match &self.initialization {
            Initialization::Identical(alpha) => check_start("initialization", *alpha),
            Initialization::Vector(x0) => check_starts(n, x0),
            Initialization::PerFactor(levels) => check_starts(self.depth, levels),
            Initialization::Random { scale, spread } => {
                check_start("scale", *scale)?;
                if *spread >= 0.0 && spread.is_finite() {
                    return Ok(());
                }
                let value = spread.to_string();
                Err(CoreError::OutOfRange {
                    field: "spread",
                    value,
                    requirement: "it must be finite and at least 0",
                })
            }
        }
    }

    /// The start of each factor for weights of n entries; only a random initialization looks at the seed.
    ///
    /// A random start is drawn from [`Purpose::Initialization`]: x_1 (or u_1) entry by entry, then x_2, …, x_L, then
    /// v_1, …, v_L. A draw outside (0, 1e6] (the spread is too large) is an error.
    pub fn start(&self, n: usize, seed: u64) -> Result<Start> {
        self.validate(n)?;
        match &self.initialization {
            Initialization::Identical(alpha) => Ok(Start::Identical(vec![*alpha; n])),
            Initialization::Vector(x0) => Ok(Start::Identical(x0.clone())),
            Initialization::PerFactor(levels) => {
                Ok(Start::PerFactor(levels.iter().map(|&level| vec![level; n]).collect()))
            }
            Initialization::Random { scale, spread } => {
                let mut rng = stream(seed, Purpose::Initialization);
                let plus = self.draw_factors(n, *scale, *spread, &mut rng)?;
                let minus = match self.sign {
                    Sign::Positive => Vec::new(),
                    Sign::Signed => self.draw_factors(n, *scale, *spread, &mut rng)?,
                };
                Ok(Start::Independent { plus, minus })
            }
        }
    }

    /// L factors of n entries scale · exp(spread · g).
    fn draw_factors(&self, n: usize, scale: f64, spread: f64, rng: &mut ChaCha12Rng) -> Result<Vec<Vec<f64>>> {
        let mut entry = || {
            let value = scale * (spread * rng.sample::<f64, _>(StandardNormal)).exp();
            check_start("spread", value).map(|()| value)
        };
        (0..self.depth).map(|_| (0..n).map(|_| entry()).collect()).collect()
    }
}

/// A vector of starts of the right length.
fn check_starts(expected: usize, entries: &[f64]) -> Result<()> {
    if entries.len() != expected {
        return Err(CoreError::Shape {
            what: "initialization",
            expected,
            found: entries.len(),
        });
    }
    check_finite("initialization", entries)?;
    entries
        .iter()
        .try_for_each(|&entry| check_start("initialization", entry))
}

/// One entry of a factor at the start.
fn check_start(field: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value <= LARGEST_START {
        return Ok(());
    }
    let requirement = "every entry of a factor must start in (0, 1e6]";
    Err(CoreError::OutOfRange {
        field,
        value: value.to_string(),
        requirement,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(depth: usize, sign: Sign, initialization: Initialization) -> Model {
        Model {
            depth,
            sign,
            initialization,
        }
    }

    fn field_of(result: Result<()>) -> &'static str {
        match result {
            Err(CoreError::OutOfRange { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_initialization_has_its_start() {
        for sign in [Sign::Positive, Sign::Signed] {
            let start = |initialization| model(3, sign, initialization).start(2, 0).unwrap();
            assert_eq!(
                start(Initialization::Identical(1e-60)),
                Start::Identical(vec![1e-60; 2])
            );
            assert_eq!(
                start(Initialization::Vector(vec![0.5, 2.0])),
                Start::Identical(vec![0.5, 2.0])
            );
            assert_eq!(
                start(Initialization::PerFactor(vec![1.0, 2.0, 3.0])),
                Start::PerFactor(vec![vec![1.0; 2], vec![2.0; 2], vec![3.0; 2]])
            );
        }
    }

    #[test]
    fn a_random_start_is_log_normal_and_independent() {
        let random = |sign| {
            model(
                3,
                sign,
                Initialization::Random {
                    scale: 1e-3,
                    spread: 0.5,
                },
            )
        };
        let Start::Independent { plus, minus } = random(Sign::Signed).start(1000, 7).unwrap() else {
            panic!("a random start is independent")
        };
        assert_eq!((plus.len(), minus.len()), (3, 3));
        let factors: Vec<Vec<f64>> = plus
            .iter()
            .chain(&minus)
            .map(|factor| factor.iter().map(|entry| (entry / 1e-3).ln() / 0.5).collect())
            .collect();
        for (k, factor) in factors.iter().enumerate() {
            assert_eq!(factor.len(), 1000);
            let mean = factor.iter().sum::<f64>() / 1000.0;
            let square = factor.iter().map(|g| g * g).sum::<f64>() / 1000.0;
            assert!(
                mean.abs() < 0.13 && (square - 1.0).abs() < 0.18,
                "4 deviations, factor {k}: {mean} {square}"
            );
            for (l, other) in factors[..k].iter().enumerate() {
                let correlation = factor.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() / 1000.0;
                assert!(
                    correlation.abs() < 0.13,
                    "4 deviations, factors {k} and {l}: {correlation}"
                );
            }
        }
        // the positive model of the same seed has the same x, and no v
        assert_eq!(
            random(Sign::Positive).start(1000, 7).unwrap(),
            Start::Independent { plus, minus: vec![] }
        );
    }

    #[test]
    fn the_seed_decides_a_random_start() {
        let model = model(
            2,
            Sign::Signed,
            Initialization::Random {
                scale: 1.0,
                spread: 1.0,
            },
        );
        assert_eq!(model.start(4, 1), model.start(4, 1));
        assert_ne!(model.start(4, 1), model.start(4, 2));
        let Start::Independent { plus, minus } = model.start(2, 7).unwrap() else {
            panic!("a random start is independent")
        };
        let drawn = plus.concat().into_iter().chain(minus.concat());
        for (value, golden) in drawn.zip(GOLDEN_START) {
            assert!((value / golden - 1.0).abs() < 1e-14, "{plus:?} {minus:?}");
        }
    }

    #[test]
    fn no_spread_is_the_scale_itself() {
        let model = model(
            2,
            Sign::Positive,
            Initialization::Random {
                scale: 0.25,
                spread: 0.0,
            },
        );
        let expected = Start::Independent {
            plus: vec![vec![0.25; 3]; 2],
            minus: vec![],
        };
        assert_eq!(model.start(3, 5).unwrap(), expected);
    }

    #[test]
    fn wrong_models_are_named_errors() {
        let identical = Initialization::Identical;
        for depth in [0, 1, 65] {
            assert_eq!(
                field_of(model(depth, Sign::Positive, identical(0.1)).validate(3)),
                "depth"
            );
        }
        for depth in [2, 64] {
            assert_eq!(model(depth, Sign::Positive, identical(0.1)).validate(3), Ok(()));
        }
        for alpha in [0.0, -1.0, 1.0000001e6, f64::NAN, f64::INFINITY] {
            assert_eq!(
                field_of(model(2, Sign::Signed, identical(alpha)).validate(3)),
                "initialization"
            );
            let random = Initialization::Random {
                scale: alpha,
                spread: 0.1,
            };
            assert_eq!(field_of(model(2, Sign::Signed, random).validate(3)), "scale");
        }
        assert_eq!(model(2, Sign::Signed, identical(1e6)).validate(3), Ok(()));
        for spread in [-0.1, f64::NAN, f64::INFINITY] {
            let random = Initialization::Random { scale: 0.1, spread };
            assert_eq!(field_of(model(2, Sign::Signed, random).validate(3)), "spread");
        }
        let wide = model(
            2,
            Sign::Signed,
            Initialization::Random {
                scale: 1.0,
                spread: 1000.0,
            },
        );
        assert_eq!(wide.validate(10), Ok(()));
        assert_eq!(field_of(wide.start(10, 0).map(|_| ())), "spread");
    }

    #[test]
    fn vectors_have_the_right_length_and_legal_entries() {
        let vector = |x0: &[f64]| {
            model(3, Sign::Positive, Initialization::Vector(x0.to_vec()))
                .start(2, 0)
                .map(|_| ())
        };
        let shape = |expected, found| {
            Err(CoreError::Shape {
                what: "initialization",
                expected,
                found,
            })
        };
        assert_eq!(vector(&[1.0, 1.0, 1.0]), shape(2, 3));
        assert_eq!(field_of(vector(&[1.0, 0.0])), "initialization");
        assert!(matches!(
            vector(&[1.0, f64::INFINITY]),
            Err(CoreError::NotFinite { index: 1, .. })
        ));
        let levels = |a: &[f64]| model(3, Sign::Positive, Initialization::PerFactor(a.to_vec())).validate(2);
        assert_eq!(levels(&[1.0, 1.0]), shape(3, 2));
        assert_eq!(field_of(levels(&[1.0, 1.0, -1.0])), "initialization");
        assert!(matches!(
            levels(&[f64::NAN, 1.0, 1.0]),
            Err(CoreError::NotFinite { index: 0, .. })
        ));
    }

    const GOLDEN_START: [f64; 8] = [
        1.7155165225210531,
        0.8623469653494569,
        1.2561430823069533,
        0.3167852499064797,
        0.23198303699973324,
        1.6529131747947987,
        1.729571138393916,
        1.8026297213634084,
    ];
}
