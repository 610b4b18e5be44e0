//! The arithmetic in which a Newton step is solved: doubles, or pairs of them.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::expansion::Expansion;
use super::pair::Pair;

/// Its numbers, and what is rounding among them.
pub trait Scalar:
    Copy
    + Default
    + PartialOrd
    + From<f64>
    + Into<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// A fall of the pivots by this factor is looked at: what is left of the large rows may be rounding.
    const FALL: f64;
    /// What elimination has left of a row is rounding below this share of it.
    const ROUNDING: f64;

    /// x, which is normalised, rounded to this arithmetic.
    fn rounded(x: &Expansion) -> Self;

    /// x + self, not yet normalised.
    fn add_to(self, x: &mut Expansion);

    /// √self.
    fn root(self) -> Self;
}

impl Scalar for f64 {
    const FALL: f64 = 1e-6;
    const ROUNDING: f64 = 1e-13;

    fn rounded(x: &Expansion) -> Self {
        x.value()
    }

    fn add_to(self, x: &mut Expansion) {
        x.add(self);
    }

    fn root(self) -> Self {
        self.sqrt()
    }
}

impl Scalar for Pair {
    const FALL: f64 = 1e-12;
    const ROUNDING: f64 = 1e-28;

    fn rounded(x: &Expansion) -> Self {
        Self::rounded(x)
    }

    fn add_to(self, x: &mut Expansion) {
        self.parts().into_iter().for_each(|part| x.add(part));
    }

    fn root(self) -> Self {
        Self::root(self)
    }
}
