//! Sums of doubles without rounding: x = c₀ + c₁ + …, each component a rounding error of the one before it.
//!
//! Where the support of the limit has fewer than m entries, the entries off it (of size α^L: 1e-40 at L = 4, α = 1e-10)
//! are what is left of y − A_S w_S, a difference of numbers of size 1. Residuals are therefore evaluated exactly and
//! rounded once, while every Newton step is taken in doubles: the mixed-precision iterative refinement of linear algebra
//! (Higham, Accuracy and Stability of Numerical Algorithms, Ch. 12). Error-free transformations after Knuth and Dekker,
//! expansions after Shewchuk (Discrete Comput. Geom. 18, 1997).

/// Components kept: 12 · 53 bits, about 190 digits.
const COMPONENTS: usize = 12;

/// See the module documentation. Normalised: components decrease and zeros come last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expansion([f64; COMPONENTS]);

impl Expansion {
    /// Zero.
    pub const ZERO: Self = Self([0.0; COMPONENTS]);

    /// One double.
    pub fn new(x: f64) -> Self {
        let mut sum = Self::ZERO;
        sum.0[0] = x;
        sum
    }

    /// self + x, not yet normalised.
    pub fn add(&mut self, x: f64) {
        let mut carry = x;
        for component in &mut self.0 {
            (*component, carry) = two_sum(*component, carry);
            if carry == 0.0 {
                return;
            }
        }
    }

    /// self + a·b, not yet normalised.
    pub fn add_product(&mut self, a: f64, b: f64) {
        let (product, error) = two_product(a, b);
        self.add(product);
        self.add(error);
    }

    /// self + x·other, not yet normalised; `other` is normalised.
    pub fn add_multiple(&mut self, x: f64, other: &Self) {
        for component in other.components() {
            self.add_product(x, component);
        }
    }

    /// The nonzero components of a normalised expansion.
    pub fn components(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().copied().take_while(|&component| component != 0.0)
    }

    /// Sorts the components by size without changing the sum. After a cancellation the leading ones may have vanished:
    /// each pass lets the next ones move up by one place.
    pub fn normalise(&mut self) {
        for _ in 0..COMPONENTS {
            let mut changed = false;
            for k in (1..COMPONENTS).rev() {
                if self.0[k] == 0.0 {
                    continue;
                }
                let (sum, error) = two_sum(self.0[k - 1], self.0[k]);
                changed |= error != self.0[k];
                (self.0[k - 1], self.0[k]) = (sum, error);
            }
            if !changed {
                return;
            }
        }
    }

    /// The sum, rounded to a double.
    pub fn value(&self) -> f64 {
        let mut sum = *self;
        sum.normalise();
        sum.0[0]
    }
}

/// Knuth: a + b = s + e exactly.
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let bb = s - a;
    (s, (a - (s - bb)) + (b - bb))
}

/// Dekker: a·b = p + e exactly (away from overflow and underflow), without a fused multiply-add, which the baseline
/// instruction set does not have.
pub(super) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    let ((ah, al), (bh, bl)) = (split(a), split(b));
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// a = h + l with 26 bits each.
fn split(a: f64) -> (f64, f64) {
    let c = 134_217_729.0 * a; // 2²⁷ + 1
    let h = c - (c - a);
    (h, a - h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_survive_any_cancellation() {
        let mut sum = Expansion::ZERO;
        let terms = [1e30, 1.0, 1e-30, -1e30, 1e-60, 3e15, -1.0, -3e15, -1e-30];
        terms.into_iter().for_each(|x| sum.add(x));
        assert_eq!(sum.value(), 1e-60);
    }

    #[test]
    fn products_are_exact() {
        let eps = f64::EPSILON;
        let mut sum = Expansion::new(-1.0);
        sum.add_product(1.0 + eps, 1.0 - eps);
        assert_eq!(sum.value(), -eps * eps);
    }

    /// (1/3)·x for the expansion x = 3 + 3e-20 + 3e-40, minus its parts.
    #[test]
    fn multiples_take_every_component() {
        let mut x = Expansion::new(3.0);
        x.add(3e-20);
        x.add(3e-40);
        x.normalise();
        assert_eq!(x.components().count(), 3);
        let mut sum = Expansion::ZERO;
        sum.add_multiple(0.5, &x);
        sum.add(-1.5);
        assert_eq!(sum.value(), 1.5e-20);
        sum.add(-1.5e-20);
        assert_eq!(sum.value(), 1.5e-40);
    }
}
