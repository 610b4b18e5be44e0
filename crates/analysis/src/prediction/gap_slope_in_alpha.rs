//! The ℓ¹ gap of the limit vanishes like a power of the initialization: |w_∞|₁ − Q ~ α^{2(1−ρ)} for L = 2, α^L for L > 2.
//!
//! With σ = Aᵀq/T, T = log(1/α) or α^{2−L}/(L−2), the weights off the support are ~ α^{2(1−|σ_j|)} (L = 2) or α^L h(σ_j)
//! (L > 2), and A_Sᵀq/T → sgn(z_S); for L = 2 the limit of q/T minimises the largest |σ_j|, which is the ρ of the source
//! condition. (The form α^{2(1−ρ)}, α^L is that of Matt, Stöger, arXiv 2506.01143.) Positive model: ρ⁺, which may be
//! negative.
//!
//! Measured: the slope of log gap against log α by least squares over the smallest two decades of the family, and how far
//! it is from the exponent, relative to it. The gap is a sum of positive terms (no cancellation) over exact data, so what
//! separates the slope from the exponent is α > 0: for L > 2 terms of relative size α^{L−2}, for L = 2 a change of the
//! active set of ρ, which costs at most the order of log(max|z|/min|z|)/log(1/α). Both show in how much the slope still
//! changes from the decade before, which is the uncertainty.

use hadaflow_core::integrate::Progress;

use super::sparse_limits::{HYPOTHESES, SparseLimits, all_found, family, slope, solved};
use super::{Family, Kind, Measurement, Prediction, Statement, Verdict};
use crate::report::Evidence;

pub(super) struct GapSlopeInAlpha;

/// The distance of the slope from the exponent that counts as agreement.
const TOLERANCE: f64 = 0.02;
/// Members in the smallest two decades.
const LAST: usize = 3;

impl Prediction for GapSlopeInAlpha {
    fn name(&self) -> &'static str {
        "gap_slope_in_alpha"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "d log(‖w_∞‖₁ − Q)/d log α → 2(1−ρ) for L = 2, → L for L > 2, as α → 0",
            hypotheses: HYPOTHESES,
            citation: "arXiv 2506.01143, main theorem",
        }
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        let start = SparseLimits::of(evidence).ok()?;
        let mut family = Family::new();
        for (member, alpha) in start.starts().into_iter().enumerate() {
            let row = [
                ("alpha", alpha),
                ("gap", start.gap(alpha)),
                ("exponent", start.exponent()),
            ];
            family.push(&row);
            if !watch(solved(member + 1)) {
                return None;
            }
        }
        Some(family)
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let family = match family(self, evidence).and_then(|family| all_found(family, "gap").map(|()| family)) {
            Ok(family) if family.len() > LAST => family,
            Ok(_) => return Verdict::inapplicable("its family has too few members"),
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let (alpha, gap) = (family.column("alpha"), family.column("gap"));
        let exponent = family.column("exponent").last().copied().unwrap_or(f64::NAN);
        let last = alpha.len() - LAST;
        let fitted = slope(&alpha[last..], &gap[last..]);
        let before = slope(&alpha[last - 1..=last], &gap[last - 1..=last]);
        let place = format!(
            "slope {fitted:.5} against {exponent:.5} for α from {:.1e} to {:.1e}",
            alpha[alpha.len() - 1],
            alpha[last]
        );
        Verdict::of(Measurement {
            measured: (fitted / exponent - 1.0).abs(),
            bound: TOLERANCE,
            uncertainty: ((fitted - before) / exponent).abs(),
            place,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{asked, explored, gaussian, measured, model, reason, verdict};
    use crate::report::Evidence;
    use hadaflow_core::initialization::{Initialization, Model, Sign};

    const NAME: &str = "gap_slope_in_alpha";

    fn sparse(depth: usize, sign: Sign) -> Evidence {
        explored(NAME, asked(gaussian(10, 25, 2, sign, 0.0, 6), model(depth, sign, 0.1)))
    }

    fn altered(mut run: Evidence, column: &str, change: impl Fn(usize, &mut f64)) -> Evidence {
        let family = run.families.get_mut(NAME).unwrap();
        let column = family.columns.get_mut(column).unwrap();
        column.iter_mut().enumerate().for_each(|(k, value)| change(k, value));
        run
    }

    #[test]
    fn a_wrong_exponent_is_seen() {
        for sign in [Sign::Signed, Sign::Positive] {
            for depth in [2, 3, 4] {
                let run = sparse(depth, sign);
                assert_eq!(verdict(NAME, &run), "holds", "{sign:?} {depth}");
                let wrong = altered(run.clone(), "exponent", |_, e| *e *= 1.05);
                assert_eq!(verdict(NAME, &wrong), "violated", "{sign:?} {depth}");
                // gaps that fall like α^{1.05 e}
                let alpha = run.families[NAME].column("alpha").to_vec();
                let exponent = run.families[NAME].column("exponent")[0];
                let wrong = altered(run, "gap", |k, gap| *gap *= alpha[k].powf(0.05 * exponent));
                assert_eq!(verdict(NAME, &wrong), "violated", "{sign:?} {depth}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        for value in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
            let run = altered(sparse(3, Sign::Signed), "gap", |k, gap| {
                if k == 2 {
                    *gap = value;
                }
            });
            assert!(reason(NAME, &run).contains("was not found to enough digits"), "{value}");
        }
        let run = altered(sparse(3, Sign::Signed), "exponent", |_, e| *e = f64::NAN);
        assert_eq!(verdict(NAME, &run), "violated");
        let mut run = sparse(3, Sign::Signed);
        run.families.get_mut(NAME).unwrap().columns.remove("gap");
        assert!(reason(NAME, &run).contains("no column gap"));
    }

    #[test]
    fn a_hypothesis_that_fails_is_named() {
        let twins = measured(&[&[1.0, 1.0]], &[1.0, 0.0]);
        let run = explored(NAME, asked(twins, model(3, Sign::Signed, 0.1)));
        assert!(reason(NAME, &run).contains("more than one solution"));
        let zero = measured(&[&[1.0, 2.0]], &[0.0, 0.0]);
        assert!(reason(NAME, &asked(zero, model(3, Sign::Signed, 0.1))).contains("y = 0"));
        let near_one = measured(&[&[1.0, 0.95]], &[1.0, 0.0]);
        assert!(reason(NAME, &asked(near_one, model(2, Sign::Signed, 0.1))).contains("too close to 1"));
        let near_zero = measured(&[&[1.0, 0.01]], &[1.0, 0.0]);
        assert!(reason(NAME, &asked(near_zero, model(2, Sign::Signed, 0.1))).contains("too close to 0"));
        let only = measured(&[&[1.0, 0.0], &[0.0, 1.0]], &[1.0, 1.0]);
        let run = explored(NAME, asked(only, model(2, Sign::Positive, 0.1)));
        assert!(
            reason(NAME, &run).contains("the only nonnegative solution"),
            "{}",
            reason(NAME, &run)
        );
        let small = measured(&[&[1.0, 0.0, 0.4], &[0.0, 1.0, 0.4]], &[1.0, 1e-9, 0.0]);
        let run = explored(NAME, asked(small, model(3, Sign::Positive, 0.1)));
        assert!(reason(NAME, &run).contains("differ too much"), "{}", reason(NAME, &run));
        let unequal = Model {
            depth: 3,
            sign: Sign::Signed,
            initialization: Initialization::Vector((0..25).map(|j| 0.1 + 0.01 * f64::from(j)).collect()),
        };
        let run = explored(NAME, asked(gaussian(10, 25, 2, Sign::Signed, 0.0, 6), unequal));
        assert!(reason(NAME, &run).contains("the same α"));
        let mut run = asked(gaussian(10, 25, 2, Sign::Signed, 0.0, 6), model(3, Sign::Signed, 0.1));
        assert!(reason(NAME, &run).contains("was not integrated"));
        run.references.clear();
        assert!(reason(NAME, &run).contains("basis_pursuit is not listed"));
    }

    #[test]
    fn units_do_not_matter() {
        for depth in [2, 3] {
            let of = |unit: f64| {
                let mut problem = gaussian(10, 25, 2, Sign::Signed, 0.0, 6);
                problem.measurements.iter_mut().for_each(|y| *y *= unit);
                explored(NAME, asked(problem, model(depth, Sign::Signed, 0.1))).families[NAME].clone()
            };
            let (one, other) = (of(1.0), of(2f64.powi(60)));
            for (a, b) in one.column("gap").iter().zip(other.column("gap")) {
                assert!((b / a / 2f64.powi(60) - 1.0).abs() < 1e-6, "{a} {b}");
            }
        }
    }

    /// w₁ + 2w₂ = 2: the gap is w₁/2, and w₁ = α²(w₂/α²)^{1/2} for L = 2 up to signs: slope 1.
    #[test]
    fn a_closed_form() {
        let run = explored(
            NAME,
            asked(measured(&[&[1.0, 2.0]], &[0.0, 1.0]), model(2, Sign::Positive, 0.1)),
        );
        let family = &run.families[NAME];
        assert_eq!(family.column("exponent")[0], 1.0);
        for (alpha, gap) in family.column("alpha").iter().zip(family.column("gap")) {
            assert!((gap / (0.5 * alpha) - 1.0).abs() < 2.0 * alpha + 1e-12, "{alpha} {gap}");
        }
    }
}
