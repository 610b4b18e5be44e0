//! The factorized model: depth, sign and initialization.

use std::fmt;
use std::path::PathBuf;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number;

/// w as a componentwise product of factors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Number L of factors, 2 to 64. Required.
    #[serde(deserialize_with = "number::count")]
    pub depth: usize,
    /// `Signed` (default) or `Positive`.
    #[serde(default)]
    pub sign: Sign,
    /// Where the factors start. Default: `Identical(1e-4)`.
    #[serde(default)]
    pub initialization: Initialization,
}

/// Which weights the model can represent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    /// w = x₁ ∘ … ∘ x_L: nonnegative weights.
    Positive,
    /// w = u₁ ∘ … ∘ u_L − v₁ ∘ … ∘ v_L: any weights.
    #[default]
    Signed,
}

/// Where the factors start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Initialization {
    /// Every factor starts at α times the vector of ones.
    Identical(f64),
    /// Every factor starts at this vector.
    Vector(VectorSource),
    /// Factor k starts at α_k times the vector of ones.
    PerFactor(Vec<f64>),
    /// Every factor starts at its own random positive vector around `scale`.
    Random {
        /// The typical value.
        scale: f64,
        /// How far the entries are apart; 0 is `Identical(scale)`.
        spread: f64,
    },
}

impl Default for Initialization {
    fn default() -> Self {
        Self::Identical(1e-4)
    }
}

/// A vector given by its entries or by a file.
#[derive(Clone, Debug, PartialEq)]
pub enum VectorSource {
    /// The entries themselves.
    Values(Vec<f64>),
    /// A `.npy`, `.mtx` or `.csv` file, relative to the scenario file.
    File(PathBuf),
}

impl Serialize for VectorSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Values(values) => values.serialize(serializer),
            Self::File(path) => path.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for VectorSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = VectorSource;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of numbers or the path of a file in double quotes")
    }

    fn visit_str<E>(self, path: &str) -> Result<VectorSource, E> {
        Ok(VectorSource::File(PathBuf::from(path)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<VectorSource, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = entries.next_element::<f64>()? {
            values.push(value);
        }
        Ok(VectorSource::Values(values))
    }
}
