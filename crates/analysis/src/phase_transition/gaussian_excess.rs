//! Moments of what a standard Gaussian exceeds a threshold τ ≥ 0 by,
//!
//! ```text
//! M_k(τ) = E (|G| − τ)₊^k = 2∫_τ^∞ (u − τ)^k φ(u) du,      φ(u) = e^{−u²/2}/√(2π)
//! M_0 = erfc(τ/√2),   M_1 = 2φ − τM_0,   M_{k+1} = kM_{k−1} − τM_k
//! ```
//!
//! which give the closed forms M_2 = (1+τ²)M_0 − 2τφ and M_4 = (τ⁴+6τ²+3)M_0 − 2τ(τ²+5)φ. For large τ these cancel (M_k is
//! the minimal solution of the recursion: M_4 ~ 48φ/τ⁵ from terms of the size τ³φ), so there the ratios come from the
//! continued fraction of the same recursion,
//!
//! ```text
//! M_k/M_{k−1} = k/(τ + M_{k+1}/M_k) = k/(τ + (k+1)/(τ + (k+2)/(τ + …)))
//! ```
//!
//! which has positive terms only.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// From here on the continued fraction is used. Below it the forward recursion loses less than two digits.
const FRACTION_FROM: f64 = 1.0;

/// Levels of the continued fraction at τ ≥ 1. Its error falls like exp(−2τ√k) with the level k: below exp(−44).
fn levels(tau: f64) -> u32 {
    // between 10 and 510
    10 + (500.0 / (tau * tau)) as u32
}

/// M_0 to M_4 at a threshold τ ≥ 0, each to relative rounding (as long as it does not underflow, τ < 37).
pub(super) fn moments(tau: f64) -> [f64; 5] {
    let tail = libm::erfc(tau * FRAC_1_SQRT_2);
    let mut m = [tail, 0.0, 0.0, 0.0, 0.0];
    if tau < FRACTION_FROM {
        m[1] = (2.0 / PI).sqrt() * (-0.5 * tau * tau).exp() - tau * tail;
        for k in 1..4 {
            m[k + 1] = k as f64 * m[k - 1] - tau * m[k];
        }
        return m;
    }
    let mut ratio = 0.0;
    let mut ratios = [0.0; 5];
    for k in (1..=levels(tau)).rev() {
        ratio = f64::from(k) / (tau + ratio);
        if k <= 4 {
            ratios[k as usize] = ratio;
        }
    }
    for k in 1..=4 {
        m[k] = ratios[k] * m[k - 1];
    }
    m
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2∫_τ^∞ (u − τ)^k φ(u) du by Simpson's rule up to where the integrand is below e^{−45} of its beginning.
    fn by_quadrature(tau: f64, k: i32) -> f64 {
        let (steps, width) = (20_000, 14.0_f64.min(45.0 / tau));
        let h = width / f64::from(steps);
        let f = |i: i32| {
            let x = h * f64::from(i);
            let weight = if i == 0 || i == steps {
                1.0
            } else if i % 2 == 1 {
                4.0
            } else {
                2.0
            };
            // (0)⁰ = 1, as M_0 wants it
            weight * x.powi(k) * (-0.5 * (tau + x) * (tau + x)).exp()
        };
        2.0 / (2.0 * PI).sqrt() * h / 3.0 * (0..=steps).map(f).sum::<f64>()
    }

    #[test]
    fn moments_agree_with_quadrature() {
        for tau in [0.0, 1e-9, 0.3, 0.999_999, 1.0, 1.5, 3.0, 8.0, 20.0] {
            let m = moments(tau);
            for k in 0..5 {
                let expected = by_quadrature(tau, k);
                let found = m[usize::try_from(k).unwrap()];
                // Simpson's rule is off by (hτ)⁴/180 < 2e-13, and rounding of 20000 terms is below that.
                assert!(
                    (found / expected - 1.0).abs() < 1e-12,
                    "M_{k}({tau}) = {found}, quadrature {expected}"
                );
            }
        }
    }

    #[test]
    fn both_routes_meet_and_far_tails_follow_their_asymptotics() {
        let below = moments(FRACTION_FROM * (1.0 - 1e-15));
        let above = moments(FRACTION_FROM);
        for k in 0..5 {
            // Their derivative is −kM_{k−1}, so the step itself moves them by 1e-15 or so.
            assert!((below[k] / above[k] - 1.0).abs() < 3e-14, "{k}");
        }
        // M_k = 2 k! φ/τ^{k+1} (1 + O(1/τ²)), with the constant (k+1)(k+2)/2.
        let tau: f64 = 36.0;
        let phi = (-0.5 * tau * tau).exp() / (2.0 * PI).sqrt();
        let factorials = [1.0, 1.0, 2.0, 6.0, 24.0];
        for (k, m) in moments(tau).into_iter().enumerate() {
            let order = k as f64;
            let leading = 2.0 * factorials[k] * phi / tau.powi(k as i32 + 1);
            let second = 1.0 - 0.5 * (order + 1.0) * (order + 2.0) / (tau * tau);
            assert!((m / (leading * second) - 1.0).abs() < 2e-4, "{k}: {m} {leading}");
        }
    }
}
