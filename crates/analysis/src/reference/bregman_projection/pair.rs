//! Numbers of twice the precision: unevaluated sums h + l of two doubles with |l| ≤ ½ ulp(h), relative error a few 1e-32.
//!
//! Joldes, Muller, Popescu, "Tight and rigorous error bounds for basic building blocks of double-word arithmetic", ACM
//! Trans. Math. Softw. 44 (2017): sums by their algorithm 6, products by 10 (without fused multiply-add). Quotients and
//! roots are those of doubles with one correction.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::expansion::{Expansion, two_product, two_sum};

/// See the module documentation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pair {
    high: f64,
    low: f64,
}

impl Pair {
    /// a + b, for |a| ≥ |b| or a = 0.
    fn of_ordered(a: f64, b: f64) -> Self {
        let high = a + b;
        Self {
            high,
            low: b - (high - a),
        }
    }

    /// The nearest number to x, which is normalised.
    pub fn rounded(x: &Expansion) -> Self {
        let mut components = x.components();
        let mut next = || components.next().unwrap_or(0.0);
        Self::of_ordered(next(), next())
    }

    /// Both parts.
    pub fn parts(self) -> [f64; 2] {
        [self.high, self.low]
    }

    /// √self; 0 for what is not positive.
    pub fn root(self) -> Self {
        if self.high.is_nan() || self.high <= 0.0 {
            return Self::from(self.high.max(0.0));
        }
        let root = Self::from(self.high.sqrt());
        root + (self - root * root) / (root + root)
    }
}

impl From<f64> for Pair {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl From<Pair> for f64 {
    fn from(x: Pair) -> Self {
        x.high
    }
}

impl Neg for Pair {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            high: -self.high,
            low: -self.low,
        }
    }
}

impl Add for Pair {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (high, error) = two_sum(self.high, other.high);
        let (low, rest) = two_sum(self.low, other.low);
        let sum = Self::of_ordered(high, error + low);
        Self::of_ordered(sum.high, rest + sum.low)
    }
}

impl Sub for Pair {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Pair {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let (high, error) = two_product(self.high, other.high);
        let cross = self.high * other.low + self.low * other.high;
        Self::of_ordered(high, error + cross)
    }
}

impl Div for Pair {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let quotient = self.high / other.high;
        let rest = self - other * Self::from(quotient);
        Self::of_ordered(quotient, rest.high / other.high)
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.high.partial_cmp(&other.high) {
            Some(Ordering::Equal) => self.low.partial_cmp(&other.low),
            order => order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors beyond 1e-31 would be those of single doubles in some operation.
    #[test]
    fn inverse_operations_lead_back() {
        let x = Pair::from(1.3e20) + Pair::from(0.1);
        let y = Pair::from(-7.0) / Pair::from(3.0);
        let relative = |a: Pair, b: Pair| f64::from((a - b) / b).abs();
        assert!(relative((x + y) - y, x) < 1e-31);
        assert!(relative(x * y / y, x) < 1e-31);
        assert!(relative(x.root() * x.root(), x) < 1e-31);
        assert!(relative(y * Pair::from(3.0), Pair::from(-7.0)) < 1e-31);
        assert_eq!(f64::from(x - Pair::from(1.3e20)), 0.1);
        assert!(y < Pair::default() && x > y);
    }

    /// 1/3 to 32 digits.
    #[test]
    fn the_second_part_has_the_next_digits() {
        let third = Pair::from(1.0) / Pair::from(3.0);
        assert_eq!(third.parts(), [1.0 / 3.0, 1.850_371_707_708_594e-17]);
    }
}
