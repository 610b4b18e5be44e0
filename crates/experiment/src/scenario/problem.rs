//! What is measured: a synthetic problem drawn from the seed, or files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::number;

/// The operator A and the measurements y.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Problem {
    /// Drawn from the scenario's seed: y = A w* + e.
    Synthetic(Synthetic),
    /// Read from files.
    Files(Files),
}

/// A random operator applied to a random signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Synthetic {
    /// Number m of measurements, the rows of A. Default: 80.
    #[serde(default = "default_measurements", deserialize_with = "number::count")]
    pub measurements: usize,
    /// Dimension n of the signal, the columns of A. Default: 200.
    #[serde(default = "default_dimension", deserialize_with = "number::count")]
    pub dimension: usize,
    /// Law of A. Default: `Gaussian`.
    #[serde(default)]
    pub ensemble: Ensemble,
    /// Law of the truth w*. Default: `Sparse(sparsity: 5, magnitude: Uniform(0.5, 1.5))`.
    #[serde(default)]
    pub signal: Signal,
    /// Standard deviation of each entry of the noise e. Default: 0.
    #[serde(default)]
    pub noise: f64,
}

/// Sparsity of the default signal, unless the dimension is smaller.
pub(super) const DEFAULT_SPARSITY: usize = 5;

fn default_measurements() -> usize {
    80
}

fn default_dimension() -> usize {
    200
}

fn default_sparsity() -> usize {
    DEFAULT_SPARSITY
}

/// A problem given by files; paths are relative to the scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The matrix A: `.npy`, `.mtx` or `.csv`.
    pub matrix: PathBuf,
    /// The measurements y.
    pub measurements: PathBuf,
    /// The truth w*, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<PathBuf>,
    /// Which problem of a stack is meant: the index along the first axis.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number::optional_count"
    )]
    pub index: Option<usize>,
}

/// Law of a random measurement operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ensemble {
    /// Independent entries N(0, 1/m).
    #[default]
    Gaussian,
    /// Independent entries ±1/√m.
    Rademacher,
    /// Rows of the orthogonal cosine transform, chosen at random and rescaled.
    SubsampledDct,
}

/// Law of the truth w*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Signal {
    /// A random support, magnitudes on it, and random signs when the model is signed.
    Sparse {
        /// Number of nonzero entries. Default: 5, or the dimension where that is smaller.
        #[serde(default = "default_sparsity", deserialize_with = "number::count")]
        sparsity: usize,
        /// Law of their absolute values. Default: `Uniform(0.5, 1.5)`.
        #[serde(default)]
        magnitude: Magnitude,
    },
}

impl Default for Signal {
    fn default() -> Self {
        Self::Sparse {
            sparsity: DEFAULT_SPARSITY,
            magnitude: Magnitude::default(),
        }
    }
}

/// Law of the absolute value of a nonzero entry.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Magnitude {
    /// Always this value.
    Constant(f64),
    /// Uniform between the two bounds.
    Uniform(f64, f64),
    /// Absolute value of a standard normal.
    Gaussian,
    /// The k-th largest is k^(−exponent).
    PowerLaw(f64),
}

impl Default for Magnitude {
    fn default() -> Self {
        Self::Uniform(0.5, 1.5)
    }
}
