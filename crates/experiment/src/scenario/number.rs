//! Integers that complain about `20.5` by name.
//!
//! RON itself reads `20` from `20.5` and then misses a comma. Here the whole number is read before it is judged.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// Deserializes a nonnegative integer.
pub(super) fn natural<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Natural::deserialize(deserializer).map(|natural| natural.0)
}

/// Deserializes a size or an index.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let value = natural(deserializer)?;
    usize::try_from(value).map_err(|_| D::Error::invalid_value(Unexpected::Unsigned(value), &NaturalVisitor))
}

/// Deserializes an optional nonnegative integer.
pub(super) fn optional_natural<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Option::<Natural>::deserialize(deserializer)?;
    Ok(value.map(|natural| natural.0))
}

/// Deserializes an optional index.
pub(super) fn optional_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    match optional_natural(deserializer)? {
        None => Ok(None),
        Some(value) => usize::try_from(value)
            .map(Some)
            .map_err(|_| D::Error::invalid_value(Unexpected::Unsigned(value), &NaturalVisitor)),
    }
}

struct Natural(u64);

impl<'de> Deserialize<'de> for Natural {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NaturalVisitor).map(Natural)
    }
}

struct NaturalVisitor;

impl Visitor<'_> for NaturalVisitor {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a nonnegative integer")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<u64, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<u64, E> {
        u64::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }
}
