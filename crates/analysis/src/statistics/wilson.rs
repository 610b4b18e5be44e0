//! Wilson's interval for a probability p from k successes in N trials: the p with |k/N − p| ≤ z√(p(1−p)/N),
//!
//! ```text
//! (k + z²/2 ± z√(k(N−k)/N + z²/4)) / (N + z²)                 z = two-sided normal quantile
//! ```
//!
//! (E. B. Wilson, J. Amer. Statist. Assoc. 22, 1927). It stays in [0, 1] and has positive length also at k = 0 and k = N.

use hadaflow_core::error::{CoreError, Result};

use super::{Interval, normal_quantile};

/// The interval at a confidence in (0, 1); [0, 1] without trials.
pub fn wilson_interval(successes: u64, trials: u64, confidence: f64) -> Result<Interval> {
    if successes > trials {
        return Err(CoreError::OutOfRange {
            field: "successes",
            value: successes.to_string(),
            requirement: "there are at most as many successes as trials",
        });
    }
    let z = normal_quantile(confidence)?;
    if trials == 0 {
        return Ok(Interval { low: 0.0, high: 1.0 });
    }
    // Counts of trials are far below 2⁵³.
    let (k, n) = (successes as f64, trials as f64);
    // With f = N − k, (k + z²/2)² − z²(kf/N + z²/4) = k²(1 + z²/N): the smaller root is k²/N over the larger numerator, and
    // exactly 0 at k = 0. The upper end mirrors it where it is near 1, so that both ends have all their digits.
    let numerator = |k: f64, f: f64| k + 0.5 * z * z + z * (k * f / n + 0.25 * z * z).sqrt();
    let smaller = |k: f64, f: f64| k * (k / n) / numerator(k, f);
    let f = n - k;
    let high = if k <= f {
        numerator(k, f) / (n + z * z)
    } else {
        1.0 - smaller(f, k)
    };
    Ok(Interval {
        low: smaller(k, f),
        high,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_their_known_values() {
        // The formula above, evaluated with 30 digits.
        for (k, n, confidence, low, high) in [
            (0, 10, 0.95, 0.0, 0.27753279986288917),
            (1, 10, 0.95, 0.01787621309507291, 0.4041500267952384),
            (5, 10, 0.9, 0.26927182113826717, 0.7307281788617328),
            (49, 50, 0.95, 0.8950455641036219, 0.9964607407283538),
            (50, 50, 0.99, 0.882847908282372, 1.0),
            (614, 1000, 0.95, 0.5834448620601524, 0.643682637005141),
            (1, 1000000000, 0.95, 1.765245549569632e-10, 5.664934243297438e-09),
        ] {
            let found = wilson_interval(k, n, confidence).unwrap();
            assert!((found.low - low).abs() <= 1e-14 * low, "{k}/{n}: {found:?}");
            assert!((found.high - high).abs() <= 1e-14 * high, "{k}/{n}: {found:?}");
        }
    }

    /// The definition: at both ends the distance is z standard deviations.
    #[test]
    fn the_ends_solve_the_equation_of_the_test() {
        let z = normal_quantile(0.9).unwrap();
        for n in [1_u64, 2, 10, 999, 1_000_000_000] {
            for k in [0, 1, n / 3, n / 2, n] {
                let interval = wilson_interval(k, n, 0.9).unwrap();
                let p = k as f64 / n as f64;
                assert!(interval.contains(p) && interval.low < interval.high);
                assert!(interval.low >= 0.0 && interval.high <= 1.0);
                for end in [interval.low, interval.high] {
                    let distance = (p - end).abs();
                    let deviation = z * (end * (1.0 - end) / n as f64).sqrt();
                    // p − end and 1 − end cancel where N is large: 1e-16/1e-9 relative at k = N = 10⁹.
                    assert!(
                        (distance - deviation).abs() <= 1e-6 * deviation,
                        "{k}/{n}: {distance} {deviation}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_exact() {
        assert_eq!(wilson_interval(0, 0, 0.95).unwrap(), Interval { low: 0.0, high: 1.0 });
        assert_eq!(wilson_interval(0, 7, 0.95).unwrap().low, 0.0);
        assert_eq!(wilson_interval(7, 7, 0.95).unwrap().high, 1.0);
        assert!(wilson_interval(8, 7, 0.95).is_err() && wilson_interval(1, 7, 0.0).is_err());
    }
}
