//! Two-sided quantiles of Student's t distribution with ν = 1, 2, … degrees of freedom.
//!
//! With θ = arctan(t/√ν), P(|T| ≤ t) is a finite sum of positive terms (Abramowitz, Stegun, Handbook of Mathematical
//! Functions, 26.7.3 and 26.7.4):
//!
//! ```text
//! ν odd:   (2/π){θ + sin θ [cos θ + (2/3)cos³θ + … + (2·4⋯(ν−3))/(3·5⋯(ν−2)) cos^{ν−2}θ]}
//! ν even:  sin θ {1 + (1/2)cos²θ + (1·3)/(2·4) cos⁴θ + … + (1·3⋯(ν−3))/(2·4⋯(ν−2)) cos^{ν−2}θ}
//! ```

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use hadaflow_core::error::{CoreError, Result};

use super::check_confidence;
use super::normal::normal_quantile;

/// From here on the expansion in 1/ν is used, whose next term is below 1e-13 relative for every confidence up to 1 − 1e-9.
const EXPANDED_FROM: usize = 100_000;

/// The t > 0 with P(|T| ≤ t) = confidence, for ν ≥ 1 degrees of freedom and 0 < confidence < 1.
pub fn student_quantile(confidence: f64, freedom: usize) -> Result<f64> {
    check_confidence(confidence)?;
    if freedom == 0 {
        return Err(CoreError::OutOfRange {
            field: "freedom",
            value: freedom.to_string(),
            requirement: "Student's distribution needs at least one degree of freedom",
        });
    }
    // Numbers of observations are far below 2⁵³.
    let nu = freedom as f64;
    if freedom >= EXPANDED_FROM {
        return Ok(expansion(normal_quantile(confidence)?, nu));
    }
    let (mut low, mut high) = (0.0_f64, FRAC_PI_2);
    // P increases with θ; bisection until the interval is one ulp wide.
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return Ok(nu.sqrt() * low.tan());
        }
        if probability(middle, freedom) < confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// P(|T| ≤ √ν tan θ).
fn probability(theta: f64, freedom: usize) -> f64 {
    let (sine, cosine) = theta.sin_cos();
    let square = cosine * cosine;
    let odd = freedom % 2 == 1;
    let (mut term, mut sum) = if odd { (cosine, 0.0) } else { (1.0, 0.0) };
    // `term` runs over the powers cos^k θ with their coefficients, k = 1, 3, … or 0, 2, … up to ν − 2.
    let mut power = usize::from(odd);
    while power + 2 <= freedom {
        sum += term;
        term *= square * (power + 1) as f64 / (power + 2) as f64;
        power += 2;
    }
    if odd {
        FRAC_2_PI * (theta + sine * sum)
    } else {
        sine * sum
    }
}

/// z + (z³ + z)/(4ν) + (5z⁵ + 16z³ + 3z)/(96ν²) (Abramowitz, Stegun, 26.7.5).
fn expansion(z: f64, nu: f64) -> f64 {
    let square = z * z;
    z + z * (square + 1.0) / (4.0 * nu) + z * ((5.0 * square + 16.0) * square + 3.0) / (96.0 * nu * nu)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From an evaluation of the regularised incomplete beta function with 30 digits.
    #[test]
    fn quantiles_have_their_known_values() {
        for (confidence, freedom, expected) in [
            (0.5, 1, 1.0),
            (0.5, 2, 0.816496580927726),
            (0.5, 3, 0.7648923284043453),
            (0.5, 5, 0.7266868438004227),
            (0.5, 10, 0.6998120613124317),
            (0.5, 98, 0.6770014387806849),
            (0.5, 1001, 0.6747349193584471),
            (0.9, 1, 6.313751514675045),
            (0.9, 2, 2.919985580353726),
            (0.9, 3, 2.353363434801824),
            (0.9, 5, 2.0150483733330244),
            (0.9, 10, 1.8124611228116765),
            (0.9, 98, 1.660551217065734),
            (0.9, 1001, 1.6463772921994683),
            (0.95, 1, 12.706204736174693),
            (0.95, 2, 4.302652729749462),
            (0.95, 3, 3.182446305283708),
            (0.95, 5, 2.5705818356363148),
            (0.95, 10, 2.2281388519862742),
            (0.95, 98, 1.9844674545084814),
            (0.95, 1001, 1.9623367052808795),
            (0.999, 1, 636.6192487687191),
            (0.999, 2, 31.599054576443607),
            (0.999, 3, 12.92397863668748),
            (0.999, 5, 6.868826625881109),
            (0.999, 10, 4.586893858702635),
            (0.999, 98, 3.392588114128188),
            (0.999, 1001, 3.3002728760660089),
        ] {
            let found = student_quantile(confidence, freedom).unwrap();
            // 1 − confidence is what matters: ½ulp of the confidence is 1e-15 of it at 0.9, 1e-13 at 0.999.
            assert!(
                (found / expected - 1.0).abs() < 1e-11,
                "{confidence} {freedom}: {found}"
            );
        }
    }

    /// The density integrated by Simpson's rule, its constant from the recursion of Γ.
    #[test]
    fn probabilities_agree_with_quadrature() {
        for freedom in [1_usize, 2, 3, 4, 7, 10, 31] {
            let nu = freedom as f64;
            // ∫(1 + t²/ν)^{−(ν+1)/2} dt = √ν ∫cos^{ν−1}θ dθ over (−π/2, π/2): W_k = (k−1)/k·W_{k−2}, W_0 = π, W_1 = 2
            let mut whole = if freedom % 2 == 1 { std::f64::consts::PI } else { 2.0 };
            let mut k = if freedom % 2 == 1 { 0 } else { 1 };
            while k + 2 < freedom {
                k += 2;
                whole *= (k - 1) as f64 / k as f64;
            }
            for confidence in [0.1, 0.5, 0.95, 0.999] {
                let t = student_quantile(confidence, freedom).unwrap();
                let end = (t / nu.sqrt()).atan();
                let steps = 2000;
                let h = end / f64::from(steps);
                let f = |x: f64| x.cos().powf(nu - 1.0);
                let half: f64 = (0..steps)
                    .map(|i| h * f64::from(i))
                    .map(|x| h / 6.0 * (f(x) + 4.0 * f(x + 0.5 * h) + f(x + h)))
                    .sum();
                assert!(
                    (2.0 * half / whole - confidence).abs() < 1e-12,
                    "{freedom} {confidence}: {} {whole}",
                    2.0 * half / whole
                );
            }
        }
    }

    #[test]
    fn both_routes_meet_and_the_limit_is_normal() {
        for confidence in [0.5, 0.95, 0.999] {
            let below = student_quantile(confidence, EXPANDED_FROM - 1).unwrap();
            let above = student_quantile(confidence, EXPANDED_FROM).unwrap();
            // They differ by z³/(4ν²) = 1e-10 or so; rounding of 5·10⁴ terms is 1e-12.
            let z = normal_quantile(confidence).unwrap();
            let slope = (z * z * z + z) / (4.0 * (EXPANDED_FROM as f64).powi(2));
            assert!((below - above - slope).abs() < 1e-10 * z, "{below} {above}");
            let far = student_quantile(confidence, usize::MAX).unwrap();
            assert!((far / z - 1.0).abs() < 1e-15);
        }
        assert!(student_quantile(0.95, 0).is_err() && student_quantile(1.0, 3).is_err());
    }
}
