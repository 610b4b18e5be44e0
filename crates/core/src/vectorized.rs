//! Elementary functions in loops that are compiled for the instruction set found at run time.
//!
//! They are written without branches, so that the compiler turns them into vector instructions, and without fused
//! operations, so that every instruction set gives the same bits.

use pulp::{Arch, Simd, WithSimd};

/// ln 2 in two parts, the first of which has enough trailing zeros that a multiple of it up to 1100 is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// 1.5·2⁵²: added to a number below 2⁵¹, it leaves the nearest integer in the trailing bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Below this the exponential is taken as 0, above it as that of its negative plus one.
const LOWEST: f64 = -708.0;
/// 1/k!, k = 13..0.
const INVERSE_FACTORIALS: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];
/// 1/(2k + 1)!, k = 8..0.
const ODD_INVERSE_FACTORIALS: [f64; 9] = [
    1.0 / 355_687_428_096_000.0,
    1.0 / 1_307_674_368_000.0,
    1.0 / 6_227_020_800.0,
    1.0 / 39_916_800.0,
    1.0 / 362_880.0,
    1.0 / 5_040.0,
    1.0 / 120.0,
    1.0 / 6.0,
    1.0,
];

/// eˣ to about one rounding; 0 below −708, e⁷⁰⁹ above 709, NaN for NaN.
///
/// x = k ln 2 + r with |r| ≤ ½ ln 2, where the Taylor series of degree 13 leaves 1e-17.
#[inline(always)]
#[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
pub(crate) fn exp(x: f64) -> f64 {
    power(x, &INVERSE_FACTORIALS)
}

/// eˣ by that many terms of the series.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn power(x: f64, inverse_factorials: &[f64]) -> f64 {
    let highest = 1.0 - LOWEST;
    let bounded = if x > highest { highest } else { x };
    let bounded = if bounded < LOWEST { LOWEST } else { bounded };
    let shifted = bounded * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (bounded - k * LN_2[0]) - k * LN_2[1];
    let series = inverse_factorials
        .iter()
        .fold(0.0, |sum, coefficient| sum * r + coefficient);
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < LOWEST { 0.0 } else { series * power }
}

/// eˣ to 1e-5, where [`exp`] is eˣ.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
pub(crate) fn rough_exp(x: f64) -> f64 {
    power(x, &INVERSE_FACTORIALS[8..])
}

/// sinh x for |x| ≤ 1, to about one rounding.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
pub(crate) fn small_sinh(x: f64) -> f64 {
    let square = x * x;
    x * ODD_INVERSE_FACTORIALS
        .iter()
        .fold(0.0, |sum, coefficient| sum * square + coefficient)
}

/// A loop to be compiled for each instruction set.
pub(crate) trait Loop {
    /// The loop; must be `#[inline(always)]`.
    fn run(self);
}

struct Dispatched<L>(L);

impl<L: Loop> WithSimd for Dispatched<L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.0.run();
    }
}

/// Runs a loop with the best instruction set of this machine.
pub(crate) fn run(work: impl Loop) {
    instruction_set().dispatch(Dispatched(work));
}

/// The best instruction set of this machine.
#[inline]
pub(crate) fn instruction_set() -> Arch {
    #[cfg(test)]
    if let Some(chosen) = CHOSEN.get() {
        return chosen;
    }
    Arch::new()
}

#[cfg(test)]
thread_local! {
    static CHOSEN: std::cell::Cell<Option<Arch>> = const { std::cell::Cell::new(None) };
}

/// A test with each instruction set of this machine in turn: others have only some of them.
#[cfg(test)]
pub(crate) fn on_every_instruction_set(test: impl Fn()) {
    let mut all = vec![Arch::Scalar, Arch::new()];
    #[cfg(target_arch = "x86_64")]
    all.extend(pulp::x86::V3::try_new().map(Arch::V3));
    for chosen in all {
        CHOSEN.set(Some(chosen));
        test();
    }
    CHOSEN.set(None);
}

/// Parts of a sum or maximum that are formed side by side.
const LANES: usize = 8;

/// Reduces two vectors place by place: `part(so far, a_i, b_i)`, in [`LANES`] parts.
#[inline(always)]
#[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
fn reduce(a: &[f64], b: &[f64], part: impl Fn(f64, f64, f64) -> f64) -> [f64; LANES] {
    reduce_from(0.0, a, b, part)
}

/// The same, where each part begins as `start`.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn reduce_from(start: f64, a: &[f64], b: &[f64], part: impl Fn(f64, f64, f64) -> f64) -> [f64; LANES] {
    let mut parts = [start; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_blocks.remainder().iter().zip(b_blocks.remainder());
    for (a, b) in a_blocks.zip(b_blocks) {
        for l in 0..LANES {
            parts[l] = part(parts[l], a[l], b[l]);
        }
    }
    for (out, (&a, &b)) in parts.iter_mut().zip(rest) {
        *out = part(*out, a, b);
    }
    parts
}

/// A reduction on its own.
struct Reduction<'a, F> {
    a: &'a [f64],
    b: &'a [f64],
    part: F,
    out: &'a mut [f64; LANES],
}

impl<F: Fn(f64, f64, f64) -> f64> Loop for Reduction<'_, F> {
    #[inline(always)]
    fn run(self) {
        *self.out = reduce(self.a, self.b, self.part);
    }
}

fn reduced(a: &[f64], b: &[f64], part: impl Fn(f64, f64, f64) -> f64) -> [f64; LANES] {
    let mut out = [0.0; LANES];
    run(Reduction {
        a,
        b,
        part,
        out: &mut out,
    });
    out
}

/// Σ (a_i b_i)², to be used within a loop.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
pub(crate) fn weighted_square_within(a: &[f64], b: &[f64]) -> f64 {
    total(reduce(a, b, |sum, a, b| sum + (a * b) * (a * b)))
}

/// Σ (a_i + b_i)², to be used within a loop.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
pub(crate) fn square_of_sum_within(a: &[f64], b: &[f64]) -> f64 {
    total(reduce(a, b, |sum, a, b| sum + (a + b) * (a + b)))
}

/// Σ a_i b_i, to be used within a loop.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
pub(crate) fn dot_within(a: &[f64], b: &[f64]) -> f64 {
    total(reduce(a, b, |sum, a, b| sum + a * b))
}

/// Σ a_i b_i.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    total(reduced(a, b, |sum, a, b| sum + a * b))
}

/// The i with a_i b_i > `limit`, in increasing order.
pub(crate) fn products_above(a: &[f64], b: &[f64], limit: f64) -> Vec<usize> {
    let mut found = Vec::new();
    run(Above {
        a,
        b,
        limit,
        found: &mut found,
    });
    found
}

/// See [`products_above`].
struct Above<'a> {
    a: &'a [f64],
    b: &'a [f64],
    limit: f64,
    found: &'a mut Vec<usize>,
}

impl Loop for Above<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { a, b, limit, found } = self;
        for (block, (a, b)) in a.chunks(LANES).zip(b.chunks(LANES)).enumerate() {
            // few blocks have any
            if a.iter().zip(b).fold(false, |any, (a, b)| any | (a * b > limit)) {
                let above = |i: &usize| a[*i] * b[*i] > limit;
                found.extend((0..a.len()).filter(above).map(|i| LANES * block + i));
            }
        }
    }
}

/// Σ a_i².
pub(crate) fn square(a: &[f64]) -> f64 {
    total(reduced(a, a, |sum, a, b| sum + a * b))
}

/// Σ (a_i b_i)².
pub(crate) fn weighted_square(a: &[f64], b: &[f64]) -> f64 {
    total(reduced(a, b, |sum, a, b| sum + (a * b) * (a * b)))
}

/// The largest `value(a_i, b_i)`, −∞ if there is none; a NaN is passed over. To be used within a loop.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
pub(crate) fn most_within(a: &[f64], b: &[f64], value: impl Fn(f64, f64) -> f64) -> f64 {
    let none = f64::NEG_INFINITY;
    let parts = reduce_from(none, a, b, |most, a, b| larger(most, value(a, b), a));
    parts.iter().fold(none, |most, &part| larger(most, part, part))
}

/// The largest entry, at least 0; a NaN is passed over.
pub(crate) fn largest(a: &[f64]) -> f64 {
    greatest(reduced(a, a, larger))
}

/// The largest |a_i b_i|; a NaN is passed over.
pub(crate) fn largest_product(a: &[f64], b: &[f64]) -> f64 {
    greatest(reduced(a, b, |most, a, b| larger(most, (a * b).abs(), a)))
}

/// The largest |entry|; a NaN is passed over.
pub(crate) fn largest_magnitude(a: &[f64]) -> f64 {
    greatest(reduced(a, a, |most, a, _| larger(most, a.abs(), a)))
}

#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn larger(most: f64, a: f64, _: f64) -> f64 {
    if a > most { a } else { most }
}

#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn greatest(parts: [f64; LANES]) -> f64 {
    parts.iter().fold(0.0, |a, &b| if b > a { b } else { a })
}

/// Whether every entry is finite.
pub(crate) fn all_finite(a: &[f64]) -> bool {
    // NaN once, NaN for good
    reduced(a, a, |sum, a, _| sum + 0.0 * a).iter().all(|part| *part == 0.0)
}

#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn total(parts: [f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = parts;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_a_rounding_or_two() {
        for i in -7080..=7090 {
            let x = f64::from(i) * 0.1 + f64::from(i % 7) * 1e-3;
            if (LOWEST..=709.0).contains(&x) {
                let (ours, theirs) = (exp(x), x.exp());
                assert!((ours / theirs - 1.0).abs() <= 4e-16, "{x}: {ours:e} {theirs:e}");
            }
        }
        for x in [-700.0, -1.5, -0.34, 0.0, 0.34, 1.5, 700.0] {
            assert!((rough_exp(x) / exp(x) - 1.0).abs() <= 1e-5, "{x}");
        }
        assert_eq!((rough_exp(-709.0), rough_exp(0.0)), (0.0, 1.0));
        assert!(rough_exp(f64::NAN).is_nan());
        assert_eq!((exp(0.0), exp(-709.0), exp(-f64::INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp(f64::INFINITY).is_finite() && exp(f64::INFINITY) > 1e307);
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn reductions_are_what_their_names_say() {
        crate::vectorized::on_every_instruction_set(|| {
            let a: Vec<f64> = (0..21).map(|i| f64::from(i) - 7.5).collect();
            let b: Vec<f64> = (0..21).map(|i| f64::from(i % 4)).collect();
            let pairs = || a.iter().zip(&b);
            let product = pairs().map(|(a, b)| a * b).sum::<f64>();
            assert_eq!((dot_within(&a, &b), dot(&a, &b)), (product, product));
            assert_eq!(
                square_of_sum_within(&a, &b),
                pairs().map(|(a, b)| (a + b) * (a + b)).sum::<f64>()
            );
            assert_eq!(square(&a), a.iter().map(|a| a * a).sum::<f64>());
            assert_eq!(
                weighted_square(&a, &b),
                pairs().map(|(a, b)| a * a * b * b).sum::<f64>()
            );
            assert_eq!((largest(&a), largest(&[-1.0; 9]), largest(&[])), (12.5, 0.0, 0.0));
            assert_eq!(products_above(&a, &b, 3.0), [10, 11, 13, 14, 15, 17, 18, 19]);
            let products = pairs().map(|(a, b)| (a * b).abs());
            assert_eq!(largest_product(&a, &b), products.fold(0.0, f64::max));
            assert_eq!(largest_product(&a[..9], &b[..9]), 13.5, "of a product below zero");
            assert_eq!(most_within(&a[..7], &b[..7], |a, b| a - b), -3.5, "below zero");
            assert_eq!(most_within(&[1.0, f64::NAN, -2.0], &[0.0; 3], |a, _| a), 1.0);
            assert_eq!(most_within(&[], &[], |a, _| a), f64::NEG_INFINITY);
            assert_eq!((largest_magnitude(&a[..9]), largest_magnitude(&[])), (7.5, 0.0));
            for place in [0, 7, 8, 20] {
                for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY] {
                    let mut broken = a.clone();
                    broken[place] = bad;
                    assert!(!all_finite(&broken) && all_finite(&a));
                }
            }
        });
    }

    #[test]
    fn the_hyperbolic_sine_is_odd_and_right_up_to_one() {
        for i in 0..=100 {
            let x = f64::from(i) * 0.01;
            assert!((small_sinh(x) - x.sinh()).abs() <= 4e-16 * x.sinh(), "{x}");
            assert_eq!(small_sinh(-x), -small_sinh(x));
        }
    }
}
