//! Two scalar helpers that keep divergences and clocks free of cancellation.

/// φ(x) = eˣ − 1 − x ≥ 0, accurate to a few ulps for every x (for small x the two subtractions would cancel).
///
/// Every Bregman divergence of this crate is a sum of such terms, so that D ≥ 0 holds exactly and D is relatively
/// accurate even where w is within rounding of z.
pub fn exp_minus_linear(x: f64) -> f64 {
    if x.abs() > 0.5 {
        return x.exp_m1() - x;
    }
    // Taylor series: the term x^17/17! is below 1e-19 relative to x²/2 for |x| <= 1/2.
    let mut term = 0.5 * x * x;
    let mut sum = 0.0;
    for k in 3..=17 {
        sum += term;
        term *= x / f64::from(k);
    }
    sum
}

/// A sum of two doubles hi + lo, |lo| ≤ ulp(hi)/2: about 32 significant digits.
///
/// Used for the clock (jumps of width 1 at times 1e48) and for ∫ℓ (whose increments near the end are far below an ulp
/// of the total).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DoubleDouble {
    /// Leading part: the nearest double to the sum.
    pub hi: f64,
    /// Trailing part.
    pub lo: f64,
}

impl DoubleDouble {
    /// Zero.
    pub const ZERO: Self = Self { hi: 0.0, lo: 0.0 };

    /// hi + lo, normalised.
    pub fn new(hi: f64, lo: f64) -> Self {
        let (s, e) = two_sum(hi, lo);
        Self { hi: s, lo: e }
    }

    /// self + x.
    pub fn plus(self, x: f64) -> Self {
        let (s, e) = two_sum(self.hi, x);
        Self::new(s, e + self.lo)
    }

    /// self − other, rounded to a double: exact up to the last place even where the leading parts cancel.
    pub fn minus(self, other: Self) -> f64 {
        let (s, e) = two_sum(self.hi, -other.hi);
        s + (e + (self.lo - other.lo))
    }
}

/// Knuth's exact sum: a + b = s + e.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let bb = s - a;
    (s, (a - (s - bb)) + (b - bb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_minus_linear_is_accurate_on_both_sides_of_its_switch() {
        // e^x - 1 - x, evaluated with 50 digits and rounded.
        let cases = [
            (1e-9, 5.000000001666667e-19),
            (-1e-4, 4.999833337499917e-9),
            (0.49999, 0.14871478356985693),
            (0.50001, 0.1487277579952715),
            (-0.5, 0.1065306597126334),
            (3.0, 16.085536923187668),
        ];
        for (x, exact) in cases {
            let value = exp_minus_linear(x);
            assert!(
                (value / exact - 1.0f64).abs() < 1e-14,
                "phi({x}) = {value}, not {exact}"
            );
        }
        let below = exp_minus_linear(0.5);
        let above = exp_minus_linear(0.5 + f64::EPSILON);
        assert!((above / below - 1.0).abs() < 1e-14);
    }

    #[test]
    fn double_double_keeps_increments_below_an_ulp() {
        let start = DoubleDouble::new(1e48, 0.0);
        let mut clock = start;
        for _ in 0..1000 {
            clock = clock.plus(0.125);
        }
        assert_eq!(clock.hi, 1e48);
        assert_eq!(clock.minus(start), 125.0);
    }
}
