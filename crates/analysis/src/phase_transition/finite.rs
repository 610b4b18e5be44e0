//! The transition at finite n, with δ the statistical dimension of the descent cone and ψ, V of [`TransitionCurve`]:
//!
//! ```text
//! ψ − 2/√(sn) ≤ δ/n ≤ ψ                                   arXiv 1303.6672, proposition 4.5
//! |m − δ| ≥ a_η√n, a_η = √(8 log(4/η)):                   failure (below) or success (above) with probability ≥ 1 − η,
//!                                                         theorem II
//! P(success) ≈ Φ((m − nψ)/√(nV))                          normal approximation of the intrinsic volumes
//!                                                         (Goldstein, Nourdin, Peccati, Ann. Appl. Probab. 27, 2017)
//! ```
//!
//! The lower bound holds for both models: its proof needs that E min_τ dist²(g, τ∂f) falls short of min_τ E by at most
//! the root of the variances of the minimising τ (at most 1/s) and of the derivative in τ (at most 4n).

use std::f64::consts::FRAC_1_SQRT_2;

use hadaflow_core::error::{CoreError, Result};
use hadaflow_core::initialization::Sign;

use super::TransitionCurve;

/// The transition from failure to success as the number of measurements grows, for s nonzero entries out of n.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    sparsity: f64,
    dimension: f64,
    /// The curve at s/n.
    pub curve: TransitionCurve,
}

impl Transition {
    /// For s ≤ n nonzero entries out of n ≥ 1.
    pub fn new(sparsity: usize, dimension: usize, sign: Sign) -> Result<Self> {
        let wrong = |field, value: usize, requirement| CoreError::OutOfRange {
            field,
            value: value.to_string(),
            requirement,
        };
        if dimension == 0 {
            return Err(wrong("dimension", dimension, "at least one entry is needed"));
        }
        if sparsity > dimension {
            return Err(wrong("sparsity", sparsity, "it is at most the dimension"));
        }
        // Sizes of vectors are far below 2⁵³.
        let (s, n) = (sparsity as f64, dimension as f64);
        Ok(Self {
            sparsity: s,
            dimension: n,
            curve: TransitionCurve::at(s / n, sign)?,
        })
    }

    /// nψ: the number of measurements at which success is as likely as failure.
    pub fn location(&self) -> f64 {
        self.dimension * self.curve.psi
    }

    /// √(nV): the standard deviation of the number of measurements at which recovery sets in.
    pub fn width(&self) -> f64 {
        (self.dimension * self.curve.variance).sqrt()
    }

    /// Lower and upper bound of the statistical dimension δ.
    pub fn statistical_dimension(&self) -> (f64, f64) {
        if self.sparsity == 0.0 {
            return (0.0, 0.0);
        }
        let error = 2.0 * (self.dimension / self.sparsity).sqrt();
        ((self.location() - error).max(0.0), self.location())
    }

    /// a_η√n: the distance from δ beyond which theory decides with probability 1 − η, 0 < η < 1.
    pub fn certain_distance(&self, eta: f64) -> Result<f64> {
        if !(eta > 0.0 && eta < 1.0) {
            return Err(CoreError::OutOfRange {
                field: "eta",
                value: eta.to_string(),
                requirement: "a probability of error lies strictly between 0 and 1",
            });
        }
        Ok((8.0 * (4.0 / eta).ln() * self.dimension).sqrt())
    }

    /// The probability that m Gaussian measurements determine x as the minimiser: normal approximation in between, and
    /// exact where no randomness is left. x = 0 is always found; m ≥ n leaves no kernel; with m < s some h ≠ 0 on the
    /// support is in the kernel, and h or −h descends. NaN for an m that is no number.
    pub fn success_probability(&self, m: f64) -> f64 {
        if m.is_nan() {
            return f64::NAN;
        }
        if self.sparsity == 0.0 || m >= self.dimension {
            return 1.0;
        }
        if m < self.sparsity {
            return 0.0;
        }
        // s ≤ m < n: V > 0.
        0.5 * libm::erfc((self.location() - m) / self.width() * FRAC_1_SQRT_2)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;
    use rand_distr::{Distribution, StandardNormal};

    use Sign::{Positive, Signed};

    use super::*;

    #[test]
    fn probabilities_have_their_known_values() {
        for (sign, values) in [
            (Signed, [(16.0, 0.150), (20.0, 0.530), (25.0, 0.928)]),
            (Positive, [(13.0, 0.161), (16.0, 0.511), (20.0, 0.917)]),
        ] {
            let transition = Transition::new(6, 60, sign).unwrap();
            for (m, expected) in values {
                let found = transition.success_probability(m);
                assert!((found - expected).abs() < 5e-4 + 1e-12, "{sign:?} m = {m}: {found}");
            }
        }
    }

    /// δ = E min_τ dist²(g, τ∂f) and its variance by random draws: mean within the band, variance nV + 2δ.
    #[test]
    fn random_projections_agree() {
        let (n, s, draws) = (200, 20, 20_000);
        let mut rng = ChaCha12Rng::seed_from_u64(4);
        for sign in [Signed, Positive] {
            let transition = Transition::new(s, n, sign).unwrap();
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..draws {
                let g: Vec<f64> = (0..n).map(|_| StandardNormal.sample(&mut rng)).collect();
                let d = distance(&g, s, sign);
                sum += d;
                squares += d * d;
            }
            let mean = sum / f64::from(draws);
            let variance = squares / f64::from(draws) - mean * mean;
            let (low, high) = transition.statistical_dimension();
            let error = 4.0 * (variance / f64::from(draws)).sqrt();
            assert!(
                low - error < mean && mean < high + error,
                "{sign:?}: {low} {mean} {high}"
            );
            // The gap to the upper bound is of the order 1 at any n; 1.5 is far inside the proven 6.3.
            assert!(high - mean < 1.5, "{sign:?}: {mean} {high}");
            // Four standard errors of a sample variance, 4√(2/draws), are 4 % of nV + 2δ ≈ 4nV; finite n adds 1/n or so.
            let expected = transition.width().powi(2);
            let found = variance - 2.0 * mean;
            assert!((found / expected - 1.0).abs() < 0.2, "{sign:?}: {found} {expected}");
        }
    }

    /// min_τ Σ_{i<s} (g_i − τ)² + Σ_{i≥s} (|g_i| − τ)₊² (positive: g_i), by bisection of the derivative.
    fn distance(g: &[f64], s: usize, sign: Sign) -> f64 {
        let excess = |g: f64, tau: f64| match sign {
            Signed => (g.abs() - tau).max(0.0),
            Positive => (g - tau).max(0.0),
        };
        let (on, off) = g.split_at(s);
        let descent = |tau: f64| -> f64 {
            on.iter().map(|g| g - tau).sum::<f64>() + off.iter().map(|&g| excess(g, tau)).sum::<f64>()
        };
        let (mut low, mut high) = (0.0, 10.0);
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if descent(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        let square = |x: f64| x * x;
        on.iter().map(|g| square(g - low)).sum::<f64>() + off.iter().map(|&g| square(excess(g, low))).sum::<f64>()
    }

    #[test]
    fn what_is_certain_is_exact() {
        for sign in [Signed, Positive] {
            let some = Transition::new(3, 10, sign).unwrap();
            assert_eq!(some.success_probability(2.0), 0.0);
            assert_eq!(some.success_probability(0.0), 0.0);
            assert_eq!(some.success_probability(10.0), 1.0);
            assert_eq!(some.success_probability(1e9), 1.0);
            assert!(some.success_probability(f64::NAN).is_nan());
            let none = Transition::new(0, 10, sign).unwrap();
            assert_eq!((none.success_probability(0.0), none.location()), (1.0, 0.0));
            assert_eq!(none.statistical_dimension(), (0.0, 0.0));
            for n in [1, 10] {
                let all = Transition::new(n, n, sign).unwrap();
                assert_eq!(all.success_probability(n as f64 - 0.5), 0.0);
                assert_eq!(all.success_probability(n as f64), 1.0);
                assert_eq!(all.width(), 0.0);
            }
            assert_eq!(some.success_probability(some.location()), 0.5);
            let probabilities: Vec<f64> = (0..=100)
                .map(|i| some.success_probability(f64::from(i) / 10.0))
                .collect();
            assert!(probabilities.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }

    #[test]
    fn far_tails_keep_their_digits() {
        let transition = Transition::new(1000, 10_000, Signed).unwrap();
        let m = transition.location() - 20.0 * transition.width();
        // Φ(−20) = 2.7536241186062337e-89; the argument is off by 1e-15 relative, which the tail multiplies by 400.
        let found = transition.success_probability(m);
        assert!((found / 2.753_624_118_606_233_7e-89 - 1.0).abs() < 1e-11, "{found}");
    }

    #[test]
    fn theory_is_certain_farther_out_than_the_standard_deviation() {
        let transition = Transition::new(20, 200, Signed).unwrap();
        let distance = transition.certain_distance(0.05).unwrap();
        // √(8·log 80·200)
        assert!((distance - 83.733_163_2).abs() < 1e-6, "{distance}");
        assert!(distance > 10.0 * transition.width());
        for eta in [0.0, 1.0, f64::NAN, -1.0] {
            assert!(transition.certain_distance(eta).is_err());
        }
    }

    #[test]
    fn impossible_sizes_are_named() {
        let text = |s, n| Transition::new(s, n, Signed).unwrap_err().to_string();
        assert!(text(0, 0).starts_with("dimension is 0"));
        assert!(text(4, 3).starts_with("sparsity is 4"));
    }
}
