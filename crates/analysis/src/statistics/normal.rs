//! The normal distribution Φ(x) = ½ erfc(−x/√2) and its two-sided quantiles.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use hadaflow_core::error::Result;

use super::check_confidence;

/// Φ(x), to relative rounding in the lower tail.
pub fn normal_distribution(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The z > 0 with P(|G| ≤ z) = confidence, 0 < confidence < 1.
pub fn normal_quantile(confidence: f64) -> Result<f64> {
    check_confidence(confidence)?;
    // f(z) = P(|G| > z) − (1 − confidence) falls and is convex, so Newton's method from 0 stays below the zero; where
    // steps have become rounding it ends. 1 − confidence ≥ 1e-16 takes about z²/2 < 40 steps.
    let outside = 1.0 - confidence;
    let mut z = 0.0_f64;
    for _ in 0..200 {
        let density = (2.0 / PI).sqrt() * (-0.5 * z * z).exp();
        // Near confidence 0 the distribution itself has the digits, not its complement.
        let excess = if confidence < 0.5 {
            confidence - libm::erf(z * FRAC_1_SQRT_2)
        } else {
            libm::erfc(z * FRAC_1_SQRT_2) - outside
        };
        let step = excess / density;
        z += step.max(0.0);
        if step <= 2.0 * f64::EPSILON * z {
            break;
        }
    }
    Ok(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_have_their_known_values_and_invert_the_distribution() {
        // from an evaluation with 30 digits
        for (confidence, expected) in [
            (0.5, 0.674_489_750_196_081_7),
            (0.9, 1.644_853_626_951_472_7),
            (0.95, 1.959_963_984_540_054_2),
            (0.99, 2.575_829_303_548_900_4),
            (0.999_999, 4.891_638_475_699_026),
            (1e-12, 1.253_314_137_315_500_3e-12),
        ] {
            let z = normal_quantile(confidence).unwrap();
            // 1 − 0.999999 is known to 1e-10 relative, which moves z by 1e-11.
            assert!((z / expected - 1.0).abs() < 1e-11, "{confidence}: {z}");
            assert!((1.0 - 2.0 * normal_distribution(-z) - confidence).abs() < 4e-16);
        }
        for wrong in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
            let error = normal_quantile(wrong).unwrap_err().to_string();
            assert!(error.starts_with("confidence is"), "{error}");
        }
        assert!(normal_quantile(1.0 - f64::EPSILON / 2.0).unwrap() > 8.0);
        assert!(normal_quantile(f64::MIN_POSITIVE).unwrap() > 0.0);
    }

    #[test]
    fn the_lower_tail_has_its_digits() {
        assert_eq!(normal_distribution(0.0), 0.5);
        assert!((normal_distribution(-20.0) / 2.753_624_118_606_233_7e-89 - 1.0).abs() < 1e-13);
        assert_eq!(normal_distribution(f64::INFINITY), 1.0);
    }
}
