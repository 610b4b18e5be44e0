//! The transition curve ψ(ρ) of sparsity ρ = s/n ∈ [0, 1], with c = 1 (signed) or c = ½ (positive), and
//! M_k = E (|G| − τ)₊^k ([`super::gaussian_excess`]):
//!
//! ```text
//! ψ(ρ) = min_{τ≥0} ρ(1+τ²) + (1−ρ)c·M_2(τ)                    arXiv 1303.6672, proposition 4.5
//! τ:     ρτ = (1−ρ)c·M_1(τ)
//! ψ′(ρ) = 1 + τ² − c·M_2(τ) > 0, as the minimising τ does not move to first order
//! V(ρ) = ρ(2+4τ²) + (1−ρ)(cM_4 − (cM_2)²) − 2ψ
//! ```
//!
//! The terms are the squared distances of one Gaussian entry from τ times the subdifferential: (g − τ)² on the support,
//! (|g| − τ)₊² or (g − τ)₊² off it. n times the variance of one entry is that of |Π_D(g)|², and 2δ less is the variance of
//! the intrinsic volumes of the cone, which is that of the number of measurements at which recovery sets in.

use hadaflow_core::error::{CoreError, Result};
use hadaflow_core::initialization::Sign;

use super::gaussian_excess::moments;

/// More Newton steps than the smallest positive ρ takes: about τ²/2 of them, with τ < 39.
const STEPS: usize = 2000;

/// The transition curve at one sparsity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransitionCurve {
    /// ψ(ρ): measurements per dimension at which recovery sets in.
    pub psi: f64,
    /// The minimising multiple τ of the subdifferential; +∞ at ρ = 0.
    pub tau: f64,
    /// V(ρ): variance of the transition per dimension. Its relative rounding error is about 1e-15/(1−ρ), and 1 − ρ ≥ 1/n.
    pub variance: f64,
}

impl TransitionCurve {
    /// The curve at ρ = s/n ∈ [0, 1].
    pub fn at(rho: f64, sign: Sign) -> Result<Self> {
        if !(0.0..=1.0).contains(&rho) {
            return Err(CoreError::OutOfRange {
                field: "rho",
                value: rho.to_string(),
                requirement: "the sparsity per dimension lies between 0 and 1",
            });
        }
        if rho == 0.0 {
            return Ok(Self {
                psi: 0.0,
                tau: f64::INFINITY,
                variance: 0.0,
            });
        }
        let weight = (1.0 - rho) * half(sign);
        let tau = minimiser(rho, weight);
        let [_, _, m2, _, m4] = moments(tau);
        // V with 2ψ distributed over the terms: what remains off the support is small only where ρ is near 1.
        let off_support = m4 - 2.0 * m2 - half(sign) * m2 * m2;
        Ok(Self {
            psi: rho * (1.0 + tau * tau) + weight * m2,
            tau,
            variance: (2.0 * rho * tau * tau + weight * off_support).max(0.0),
        })
    }

    /// ψ′(ρ): how many more measurements one more nonzero entry takes; +∞ at ρ = 0.
    pub fn slope(&self, sign: Sign) -> f64 {
        if self.tau.is_infinite() {
            return f64::INFINITY;
        }
        let [_, _, m2, ..] = moments(self.tau);
        1.0 + self.tau * self.tau - half(sign) * m2
    }

    /// The inverse: the ρ with ψ(ρ) = psi ∈ [0, 1], to an ulp, by bisection, as ψ increases from 0 to 1.
    pub fn sparsity(psi: f64, sign: Sign) -> Result<f64> {
        if !(0.0..=1.0).contains(&psi) {
            return Err(CoreError::OutOfRange {
                field: "psi",
                value: psi.to_string(),
                requirement: "the measurements per dimension lie between 0 and 1",
            });
        }
        // ψ ≥ ρ
        let (mut low, mut high) = (0.0, psi);
        loop {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                return Ok(high);
            }
            if Self::at(middle, sign)?.psi < psi {
                low = middle;
            } else {
                high = middle;
            }
        }
    }
}

/// c: the part of the off-support entries that can push outwards.
fn half(sign: Sign) -> f64 {
    match sign {
        Sign::Signed => 1.0,
        Sign::Positive => 0.5,
    }
}

/// The zero of f(τ) = ρτ − weight·M_1(τ). f increases and is concave (f′ = ρ + weight·M_0), so Newton's method from 0
/// never passes the zero and ends where the steps are rounding.
fn minimiser(rho: f64, weight: f64) -> f64 {
    let mut tau = 0.0;
    for _ in 0..STEPS {
        let [m0, m1, ..] = moments(tau);
        let step = (weight * m1 - rho * tau) / (rho + weight * m0);
        tau += step.max(0.0);
        if step <= 2.0 * f64::EPSILON * tau {
            break;
        }
    }
    tau
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use Sign::{Positive, Signed};

    use super::*;

    /// Published to ten digits, V to six: (ρ, sign, ψ, τ, V).
    #[test]
    fn the_curve_has_its_known_values() {
        for (rho, sign, psi, tau, variance) in [
            (0.01, Signed, 0.06124395944, 1.945111375, 0.0639616),
            (0.05, Signed, 0.2038998563, 1.398377125, 0.162565),
            (0.1, Signed, 0.3287935055, 1.140171146, 0.216382),
            (0.2, Signed, 0.5111296104, 0.8615921124, 0.250338),
            (0.3, Signed, 0.645572292, 0.6844758994, 0.241026),
            (0.5, Signed, 0.8312999057, 0.4363265638, 0.169565),
            (0.01, Positive, 0.05221862958, 1.720783262, 0.0497797),
            (0.05, Positive, 0.1670818737, 1.158921572, 0.11436),
            (0.1, Positive, 0.2653043248, 0.9014615963, 0.144488),
            (0.2, Positive, 0.4099034554, 0.6360272846, 0.16038),
            (0.3, Positive, 0.5214901927, 0.4777486379, 0.154493),
            (0.5, Positive, 0.6956312936, 0.2760298048, 0.119903),
        ] {
            let found = TransitionCurve::at(rho, sign).unwrap();
            // half a unit of the last digit given
            assert!((found.psi / psi - 1.0).abs() < 6e-10, "{rho} {sign:?}: ψ {}", found.psi);
            assert!((found.tau / tau - 1.0).abs() < 6e-10, "{rho} {sign:?}: τ {}", found.tau);
            assert!(
                (found.variance / variance - 1.0).abs() < 1e-5,
                "{rho} {sign:?}: V {}",
                found.variance
            );
        }
    }

    #[test]
    fn the_inverse_inverts_and_the_slope_is_that_of_differences() {
        for sign in [Signed, Positive] {
            for rho in [1e-6, 0.01, 0.2, 0.5, 0.9] {
                let curve = TransitionCurve::at(rho, sign).unwrap();
                let found = TransitionCurve::sparsity(curve.psi, sign).unwrap();
                assert!((found / rho - 1.0).abs() < 1e-12, "{rho} {sign:?}: {found}");
                let h = 1e-4 * rho.min(1.0 - rho);
                let psi = |rho: f64| TransitionCurve::at(rho, sign).unwrap().psi;
                let difference = (psi(rho + h) - psi(rho - h)) / (2.0 * h);
                // the remainder is h²ψ‴/6, and ψ″ρ and ψ‴ρ² are at most of the size of ψ′
                let slope = curve.slope(sign);
                assert!(
                    (difference / slope - 1.0).abs() < 1e-6,
                    "{rho} {sign:?}: {slope} {difference}"
                );
            }
            assert_eq!(TransitionCurve::sparsity(0.0, sign).unwrap(), 0.0);
            assert!((TransitionCurve::sparsity(1.0, sign).unwrap() - 1.0).abs() < 1e-6);
            assert_eq!(TransitionCurve::at(0.0, sign).unwrap().slope(sign), f64::INFINITY);
            assert!(TransitionCurve::sparsity(1.5, sign).is_err());
        }
    }

    /// From an evaluation of the closed forms with 60 digits: (ρ, sign, τ, ψ, V), ρ the nearest double.
    #[test]
    fn digits_hold_near_both_ends() {
        for (rho, sign, tau, psi, variance) in [
            (
                1e-250,
                Signed,
                33.61170069745948,
                1.1327411454721715e-247,
                2.2555244248275598e-247,
            ),
            (
                1e-250,
                Positive,
                33.59112675559614,
                1.1313585119790724e-247,
                2.252759209040436e-247,
            ),
            (
                1e-30,
                Signed,
                11.100196611688677,
                1.2616823404095188e-28,
                2.4269862444870267e-28,
            ),
            (
                1e-30,
                Positive,
                11.0390533717182,
                1.248140828524504e-28,
                2.399940639784198e-28,
            ),
            (
                1e-6,
                Signed,
                4.265460470519055,
                2.0949013406089778e-05,
                3.368305560283189e-05,
            ),
            (
                1e-6,
                Positive,
                4.122525089448223,
                1.9737070264043347e-05,
                3.134508760924458e-05,
            ),
            (0.5, Signed, 0.4363265637936516, 0.8312999057064562, 0.1695648328709958),
            (
                0.5,
                Positive,
                0.2760298047981433,
                0.6956312935673172,
                0.11990345553992156,
            ),
            (
                0.99,
                Signed,
                0.00797909959739458,
                0.999936336671754,
                0.00012571618862909384,
            ),
            (
                0.99,
                Positive,
                0.004009502383085438,
                0.9949840044426179,
                0.0024999780369536627,
            ),
            (
                0.999999,
                Signed,
                7.978845608260631e-07,
                0.9999999999993634,
                1.2732379236708009e-12,
            ),
            (
                0.999999,
                Positive,
                3.9894247988417623e-07,
                0.9999994999998408,
                2.5000000000716716e-07,
            ),
        ] {
            let found = TransitionCurve::at(rho, sign).unwrap();
            let near = |found: f64, exact: f64, tolerance: f64| (found / exact - 1.0).abs() < tolerance;
            // erfc at τ/√2 turns a relative error ε of τ into τ²ε: 1e-13 at τ = 33.
            let tail = 1e-14 + 2e-16 * tau * tau;
            assert!(near(found.tau, tau, tail), "{rho} {sign:?}: τ {}", found.tau);
            assert!(near(found.psi, psi, tail), "{rho} {sign:?}: ψ {}", found.psi);
            assert!(
                near(found.variance, variance, tail + 2e-15 / (1.0 - rho)),
                "{rho} {sign:?}: V {}",
                found.variance
            );
        }
    }

    /// The integral form, by Simpson's rule, minimised by golden section: shares nothing with erfc or Newton.
    #[test]
    fn the_curve_is_the_minimum_of_the_integral_form() {
        let excess = |tau: f64| {
            let h = 1e-3;
            let f = |x: f64| x * x * (-0.5 * (tau + x) * (tau + x)).exp();
            let inner: f64 = (0..12_000)
                .map(|i| h * f64::from(i))
                .map(|x| f(x) + 4.0 * f(x + 0.5 * h) + f(x + h))
                .sum();
            (2.0 / PI).sqrt() * h / 6.0 * inner
        };
        let golden = 0.5 * (5_f64.sqrt() - 1.0);
        for (rho, sign) in [
            (0.003, Signed),
            (0.1, Signed),
            (0.1, Positive),
            (0.7, Positive),
            (0.95, Signed),
        ] {
            let objective = |tau: f64| rho * (1.0 + tau * tau) + (1.0 - rho) * half(sign) * excess(tau);
            let (mut low, mut high) = (0.0, 6.0);
            while high - low > 1e-7 {
                let (a, b) = (high - golden * (high - low), low + golden * (high - low));
                if objective(a) < objective(b) {
                    high = b;
                } else {
                    low = a;
                }
            }
            let found = TransitionCurve::at(rho, sign).unwrap();
            // The objective is flat at its minimum: an error e of τ costs e², and e is the root of the rounding.
            assert!((found.tau - low).abs() < 1e-6, "{rho}: {} {low}", found.tau);
            assert!((found.psi / objective(low) - 1.0).abs() < 1e-12, "{rho}: {}", found.psi);
        }
    }

    #[test]
    fn the_ends_are_exact_and_outside_is_an_error() {
        for sign in [Signed, Positive] {
            let none = TransitionCurve::at(0.0, sign).unwrap();
            assert_eq!((none.psi, none.tau, none.variance), (0.0, f64::INFINITY, 0.0));
            let all = TransitionCurve::at(1.0, sign).unwrap();
            assert_eq!((all.psi, all.tau, all.variance), (1.0, 0.0, 0.0));
            for tiny in [f64::from_bits(1), f64::MIN_POSITIVE, 1e-300] {
                let curve = TransitionCurve::at(tiny, sign).unwrap();
                assert!(curve.tau > 30.0 && curve.tau < 40.0 && curve.psi >= tiny, "{curve:?}");
            }
            for wrong in [-1e-9, 1.0 + 1e-15, f64::NAN, f64::INFINITY] {
                let error = TransitionCurve::at(wrong, sign).unwrap_err();
                assert!(error.to_string().contains("between 0 and 1"), "{error}");
            }
        }
    }

    #[test]
    fn the_curve_increases_and_the_positive_model_needs_less() {
        let mut before = (0.0, 0.0);
        for i in 1..1000 {
            let rho = f64::from(i) / 1000.0;
            let signed = TransitionCurve::at(rho, Signed).unwrap();
            let positive = TransitionCurve::at(rho, Positive).unwrap();
            assert!(signed.psi > before.0 && positive.psi > before.1 && positive.psi < signed.psi);
            assert!(rho < positive.psi && signed.psi < 1.0 && signed.variance > 0.0 && positive.variance > 0.0);
            before = (signed.psi, positive.psi);
        }
    }
}
