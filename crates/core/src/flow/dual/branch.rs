//! The map s = Aᵀq ↦ (log u, log v) ↦ w of one start, entry by entry and for whole vectors.

use crate::initialization::Sign;
use crate::vectorized::{self, Loop, exp, rough_exp, small_sinh};

/// The map s ↦ (log u, log v) ↦ w of one start.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) depth: usize,
    pub(super) signed: bool,
    pub(super) log_x0: Vec<f64>,
    /// x0^{2−L} (L > 2 only).
    pub(super) barrier: Vec<f64>,
    x0: Vec<f64>,
    /// x0².
    square: Vec<f64>,
    /// Exponents of u^L are clamped here: an implicit predictor may overshoot by hundreds.
    clamp: f64,
    /// Largest factor that is told apart.
    largest: f64,
}

impl Branch {
    /// For weights up to about `reach`.
    pub(super) fn new(depth: usize, sign: Sign, x0: &[f64], reach: f64) -> Self {
        let log_x0: Vec<f64> = x0.iter().map(|x| x.ln()).collect();
        let largest = log_x0.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        let data = reach.max(1.0).ln();
        let clamp = (data.max(depth as f64 * largest) + 60.0).min(690.0); // depth <= 64
        Self {
            depth,
            signed: sign == Sign::Signed,
            barrier: x0.iter().map(|x| x.powi(2 - depth as i32)).collect(), // depth <= 64
            clamp,
            largest: (clamp / depth as f64).exp(),
            square: x0.iter().map(|x| x * x).collect(),
            x0: x0.to_vec(),
            log_x0,
        }
    }

    pub(super) fn power(&self) -> f64 {
        self.depth as f64
    }

    /// log u at +s, log v at −s; NaN beyond the barrier.
    pub(super) fn log_factor(&self, i: usize, s: f64) -> f64 {
        self.log_x0[i] + self.log_growth(i, s)
    }

    /// log(u/x0) at +s, log(v/x0) at −s, accurate relative to itself; NaN beyond the barrier.
    pub(super) fn log_growth(&self, i: usize, s: f64) -> f64 {
        if self.depth == 2 {
            return s;
        }
        // ln(x0^{2−L} − (L−2)s) = (2−L) ln x0 + ln(1 − σ)
        let l2 = self.power() - 2.0;
        let sigma = l2 * s / self.barrier[i];
        -(-sigma).ln_1p() / l2
    }

    pub(super) fn weight(&self, i: usize, s: f64) -> f64 {
        let l = self.power();
        let plus = l * self.log_factor(i, s);
        if !self.signed {
            return plus.min(self.clamp).exp();
        }
        let minus = l * self.log_factor(i, -s);
        let half = 0.5 * (plus - minus);
        if half.abs() < 1.0 {
            // u^L − v^L = 2 (uv)^{L/2} sinh(log(u/v) L/2): no cancellation near w = 0.
            let half = if self.depth == 2 {
                2.0 * s
            } else {
                self.half_log_ratio(i, s)
            };
            return 2.0 * (0.5 * (plus + minus)).exp() * half.sinh();
        }
        plus.min(self.clamp).exp() - minus.min(self.clamp).exp()
    }

    /// (L/2) log(u/v) = L/(L−2) · atanh σ.
    pub(super) fn half_log_ratio(&self, i: usize, s: f64) -> f64 {
        let l = self.power();
        l / (l - 2.0) * ((l - 2.0) * s / self.barrier[i]).atanh()
    }

    /// w′(s) = L (u^{2L−2} + v^{2L−2}).
    pub(super) fn slope(&self, i: usize, s: f64) -> f64 {
        let l = self.power();
        let cap = self.clamp * (2.0 * l - 2.0) / l;
        let term = |s: f64| ((2.0 * l - 2.0) * self.log_factor(i, s)).min(cap).exp();
        l * (term(s) + if self.signed { term(-s) } else { 0.0 })
    }
}

/// Whole vectors at once: one loop per depth, in which the square and the cube need no logarithm.
impl Branch {
    /// w(s) for the coordinates from `first` on, as many as there are entries; beyond the barrier of L > 2 NaN (L = 3) or far more
    /// than any weight (L > 3).
    pub(super) fn weights(&self, first: usize, s: &[f64], out: &mut [f64]) {
        let branch = self;
        match self.depth {
            2 => vectorized::run(Squares { branch, first, s, out }),
            3 => vectorized::run(Cubes { branch, first, s, out }),
            _ => self.weights_within(first, s, out),
        }
    }

    /// The same within a loop.
    #[inline(always)]
    #[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
    pub(super) fn weights_within(&self, first: usize, s: &[f64], out: &mut [f64]) {
        let branch = self;
        match self.depth {
            2 => Squares { branch, first, s, out }.run(),
            3 => Cubes { branch, first, s, out }.run(),
            _ => out
                .iter_mut()
                .zip(s)
                .enumerate()
                .for_each(|(i, (w, &s))| *w = self.weight(first + i, s)),
        }
    }

    /// w′(s), n entries, where w(s) is known.
    pub(super) fn slopes(&self, s: &[f64], w: &[f64], out: &mut [f64]) {
        match self.depth {
            2 => vectorized::run(SquareSlopes { branch: self, w, out }),
            3 => vectorized::run(CubeSlopes { branch: self, s, out }),
            _ => out
                .iter_mut()
                .zip(s)
                .enumerate()
                .for_each(|(i, (slope, &s))| *slope = self.slope(i, s)),
        }
    }

    /// |d log x/ds|/(1 + ξ/x) for the larger factor x of each coordinate, n entries: times an error of s, the relative
    /// error of x, which counts the less the further x is below ξ = min(x0, largest x of all).
    pub(super) fn sensitivity(&self, s: &[f64], out: &mut [f64]) {
        let l2 = self.power() - 2.0;
        let larger = |s: f64| if self.signed { s.abs() } else { s };
        if self.depth == 2 {
            return vectorized::run(SquareSensitivity { branch: self, s, out });
        }
        if self.depth == 3 {
            return vectorized::run(CubeSensitivity { branch: self, s, out });
        }
        let mut largest = 0.0f64;
        for ((out, &s), &barrier) in out.iter_mut().zip(s).zip(&self.barrier) {
            // x^{L−2}, which is both the rate and, up to a root, x itself
            *out = inside(barrier - l2 * larger(s), f64::INFINITY);
            largest = largest.max(*out);
        }
        for (out, &barrier) in out.iter_mut().zip(&self.barrier) {
            *out /= 1.0 + (largest.min(1.0 / barrier) / *out).powf(1.0 / l2);
        }
    }
}

/// w = (x0 eˢ)² − (x0 e⁻ˢ)² or its first term.
struct Squares<'a> {
    branch: &'a Branch,
    first: usize,
    s: &'a [f64],
    out: &'a mut [f64],
}

impl Loop for Squares<'_> {
    #[inline(always)]
    fn run(self) {
        let clamp = self.branch.clamp;
        let entries = self.out.iter_mut().zip(self.s).zip(&self.branch.log_x0[self.first..]);
        if self.branch.signed {
            for (((w, &s), &log_x0), &square) in entries.zip(&self.branch.square[self.first..]) {
                // the larger of u² and v², and the other from u v = x0²
                let large = exp((2.0 * (log_x0 + s.abs())).min(clamp));
                let difference = large - square / large * square;
                let small = 2.0 * square * small_sinh(2.0 * s);
                *w = if s.abs() < 0.5 { small } else { difference.copysign(s) };
            }
        } else {
            for ((w, &s), &log_x0) in entries {
                *w = exp((2.0 * (log_x0 + s)).min(clamp));
            }
        }
    }
}

/// w′ = 2 (u² + v²) = 2 √(w² + 4 x0⁴), or 2 u² = 2 w.
struct SquareSlopes<'a> {
    branch: &'a Branch,
    w: &'a [f64],
    out: &'a mut [f64],
}

impl Loop for SquareSlopes<'_> {
    #[inline(always)]
    fn run(self) {
        let signed = self.branch.signed;
        for ((slope, &w), &square) in self.out.iter_mut().zip(self.w).zip(&self.branch.square) {
            *slope = 2.0
                * if signed {
                    (w * w + 4.0 * square * square).sqrt()
                } else {
                    w
                };
        }
    }
}

/// w = u³ − v³ or its first term, u = 1/(1/x0 − s), v = 1/(1/x0 + s).
struct Cubes<'a> {
    branch: &'a Branch,
    first: usize,
    s: &'a [f64],
    out: &'a mut [f64],
}

impl Loop for Cubes<'_> {
    #[inline(always)]
    fn run(self) {
        let largest = self.branch.largest;
        let entries = self.out.iter_mut().zip(self.s).zip(&self.branch.barrier[self.first..]);
        if self.branch.signed {
            for ((w, &s), &barrier) in entries {
                let (u, v) = (inside(barrier - s, largest), inside(barrier + s, largest));
                // u − v = 2s uv: no cancellation near w = 0
                *w = 2.0 * s * u * v * (u * u + u * v + v * v);
            }
        } else {
            for ((w, &s), &barrier) in entries {
                let u = inside(barrier - s, largest);
                *w = u * u * u;
            }
        }
    }
}

/// w′ = 3 (u⁴ + v⁴) or its first term.
struct CubeSlopes<'a> {
    branch: &'a Branch,
    s: &'a [f64],
    out: &'a mut [f64],
}

impl Loop for CubeSlopes<'_> {
    #[inline(always)]
    fn run(self) {
        let largest = self.branch.largest;
        let fourth = |x: f64| (x * x) * (x * x);
        let entries = self.out.iter_mut().zip(self.s).zip(&self.branch.barrier);
        if self.branch.signed {
            for ((slope, &s), &barrier) in entries {
                let (u, v) = (inside(barrier - s, largest), inside(barrier + s, largest));
                *slope = 3.0 * (fourth(u) + fourth(v));
            }
        } else {
            for ((slope, &s), &barrier) in entries {
                *slope = 3.0 * fourth(inside(barrier - s, largest));
            }
        }
    }
}

/// x/(1 + ξ/x) = 1/(δ (1 + ξδ)) with ξ = min(x0, largest x), where δ = 1/x is the distance to the barrier; NaN beyond it.
struct CubeSensitivity<'a> {
    branch: &'a Branch,
    s: &'a [f64],
    out: &'a mut [f64],
}

impl Loop for CubeSensitivity<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { branch, s, out } = self;
        let distance = |barrier: f64, s: f64| {
            let distance = barrier - if branch.signed { s.abs() } else { s };
            if distance > 0.0 { distance } else { f64::NAN }
        };
        let nearest = -vectorized::most_within(&branch.barrier, s, |barrier, s| -distance(barrier, s));
        let largest = 1.0 / nearest;
        for (((out, &s), &barrier), &x0) in out.iter_mut().zip(s).zip(&branch.barrier).zip(&branch.x0) {
            let distance = distance(barrier, s);
            let reference = if largest < x0 { largest } else { x0 };
            *out = 1.0 / (distance * (1.0 + reference * distance));
        }
    }
}

/// 1/(1 + ξ/x) with ξ/x = min(1, largest/x0)·e^{−s}, to 1e-5.
struct SquareSensitivity<'a> {
    branch: &'a Branch,
    s: &'a [f64],
    out: &'a mut [f64],
}

impl Loop for SquareSensitivity<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { branch, s, out } = self;
        let larger = |s: f64| if branch.signed { s.abs() } else { s };
        let largest = vectorized::most_within(&branch.log_x0, s, |log_x0, s| log_x0 + larger(s));
        for ((out, &s), log_x0) in out.iter_mut().zip(s).zip(&branch.log_x0) {
            let below = if largest < *log_x0 { largest - log_x0 } else { 0.0 };
            *out = 1.0 / (1.0 + rough_exp(below - larger(s)));
        }
    }
}

/// 1/distance to the barrier up to a largest value, NaN beyond it.
#[inline(always)]
#[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
fn inside(distance: f64, largest: f64) -> f64 {
    let x = 1.0 / distance;
    let bounded = if x > largest { largest } else { x };
    if distance > 0.0 { bounded } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// |d log x/ds|/(1 + ξ/x) from log x itself.
    fn sensitivities(branch: &Branch, s: &[f64]) -> Vec<f64> {
        let larger = |s: f64| if branch.signed { s.abs() } else { s };
        let x: Vec<f64> = (0..s.len()).map(|j| branch.log_factor(j, larger(s[j])).exp()).collect();
        let largest = x.iter().copied().filter(|x| !x.is_nan()).fold(0.0, f64::max);
        let power = branch.depth as i32 - 2; // small
        let of = |(j, x): (usize, &f64)| x.powi(power) / (1.0 + branch.log_x0[j].exp().min(largest) / x);
        x.iter().enumerate().map(of).collect()
    }

    /// What loops find for all coordinates at once is what the formulas say of each; one beyond the barrier has nothing, and
    /// changes nothing for the others.
    #[test]
    fn whole_vectors_are_mapped_as_their_entries_are() {
        vectorized::on_every_instruction_set(|| {
            for depth in [2, 3, 4] {
                for sign in [Sign::Positive, Sign::Signed] {
                    for scale in [1e-40, 1e-3, 2.0] {
                        map_and_compare(depth, sign, scale);
                    }
                }
            }
        });
    }

    fn map_and_compare(depth: usize, sign: Sign, scale: f64) {
        let count = 21u32;
        let x0: Vec<f64> = (0..count).map(|j| scale * (1.0 + 0.1 * f64::from(j % 5))).collect();
        let branch = Branch::new(depth, sign, &x0, 10.0);
        // most of the way to the barrier, which −s has, too, where there are signs
        let reach = |j: usize| {
            if depth == 2 {
                3.0
            } else {
                0.9 * branch.barrier[j] / (branch.power() - 2.0)
            }
        };
        let sunk: Vec<f64> = (0..x0.len()).map(|j| -reach(j) * (1.0 + j as f64) / 21.0).collect();
        let spread: Vec<f64> = (0..x0.len()).map(|j| reach(j) * (7.0 * j as f64).sin()).collect();
        let mut beyond = spread.clone();
        beyond[4] = 2.0 * branch.barrier[4];
        for s in [sunk, spread, beyond] {
            let [mut w, mut slopes, mut found] = [(); 3].map(|()| vec![0.0; s.len()]);
            branch.weights(0, &s, &mut w);
            branch.slopes(&s, &w, &mut slopes);
            branch.sensitivity(&s, &mut found);
            let expected = sensitivities(&branch, &s);
            for j in 0..s.len() {
                let context = format!("{depth}, {sign:?}, {scale:e}: {j} at {:e}", s[j]);
                if depth > 2 && s[j] > branch.barrier[j] {
                    let outside = depth > 3 || (w[j].is_nan() && slopes[j].is_nan());
                    assert!(outside && found[j].is_nan(), "{context}");
                    continue;
                }
                let close = |a: f64, b: f64, error: f64| (a - b).abs() <= error * b.abs();
                let (weight, slope) = (branch.weight(j, s[j]), branch.slope(j, s[j]));
                assert!(close(w[j], weight, 1e-11), "{context}: {:e} {weight:e}", w[j]);
                assert!(close(slopes[j], slope, 1e-11), "{context}: {:e} {slope:e}", slopes[j]);
                // the exponential of depth 2 is rough
                assert!(
                    close(found[j], expected[j], 2e-5),
                    "{context}: {:e} {:e}",
                    found[j],
                    expected[j]
                );
            }
        }
    }
}
