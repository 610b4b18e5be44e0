//! For L > 2 the ℓ¹ gap of the limit has a leading constant: (|w_∞|₁ − Q)/α^L → C as α → 0.
//!
//! C is that of [`leading_constant`]: off the support w_j = α^L h(σ_j)(1 + o(1)), σ = Aᵀν* with ν* the minimiser of a
//! convex function that does not know α, and the gap is Σ |w_j|(1 − |σ_j|). (The order α^L is in arXiv 2506.01143.)
//!
//! Measured: |gap/(C α^L) − 1| at the smallest α of the family, where α^{L−2} is 1e-2·10^{−3(L−2)} in units of the smallest
//! weight: the corrections are of that relative size. The uncertainty is how much gap/α^L changes from the member before,
//! times the factor 10^{−(L−2)} by which the corrections fall from one member to the next.

use hadaflow_core::integrate::Progress;

use super::sparse_limits::{HYPOTHESES, SparseLimits, all_found, family, solved};
use super::{Family, Kind, Measurement, Prediction, Statement, Verdict};
use crate::reference::{Computed, leading_constant};
use crate::report::Evidence;

pub(super) struct GapLeadingConstant;

/// The distance of gap/(C α^L) from 1 that counts as agreement.
const TOLERANCE: f64 = 0.01;

impl GapLeadingConstant {
    /// The verdict, or why there is none.
    fn verdict(&self, evidence: &Evidence) -> Result<Verdict, String> {
        let depth = depth(evidence)?;
        let family = family(self, evidence)?;
        all_found(family, "constant").map_err(|_| "the leading constant was not found, or is 0: there is no gap")?;
        all_found(family, "gap")?;
        let columns = ["alpha", "gap", "constant"].map(|name| family.column(name));
        let ratio = |k: usize| columns[1][k] / (columns[2][k] * columns[0][k].powf(depth));
        let last = family.len() - 1;
        let before = ratio(last.saturating_sub(1));
        Ok(Verdict::of(Measurement {
            measured: (ratio(last) - 1.0).abs(),
            bound: TOLERANCE,
            uncertainty: (ratio(last) - before).abs() * 10f64.powf(2.0 - depth),
            place: format!("C = {:.6e}, α = {:.1e}", columns[2][last], columns[0][last]),
        }))
    }
}

/// L, if it is above 2.
fn depth(evidence: &Evidence) -> Result<f64, String> {
    match evidence.depth() {
        0..=2 => Err("for L = 2 the gap/α^{2(1−ρ)} has no constant that is known".into()),
        depth => Ok(depth as f64), // at most 64
    }
}

impl Prediction for GapLeadingConstant {
    fn name(&self) -> &'static str {
        "gap_leading_constant"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "(‖w_∞‖₁ − Q)/α^L → C = Σ over j off the support of |h(σ_j)|(1 − |σ_j|), L > 2, as α → 0",
            hypotheses: HYPOTHESES,
            citation: "arXiv 2506.01143 for the order; C follows from the optimality conditions",
        }
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        depth(evidence).ok()?;
        let start = SparseLimits::of(evidence).ok()?;
        let constant = match leading_constant(&start.data.matrix, &start.data.point, start.depth, start.sign) {
            Computed::Value(found) => found.constant,
            Computed::Failed { .. } => f64::NAN,
        };
        let mut family = Family::new();
        for (member, alpha) in start.starts().into_iter().enumerate() {
            let row = [
                ("alpha", alpha),
                ("gap", start.gap(alpha)),
                ("constant", constant),
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
        self.verdict(evidence).unwrap_or_else(Verdict::inapplicable)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{asked, explored, gaussian, measured, model, reason, verdict};
    use crate::report::Evidence;
    use hadaflow_core::initialization::{Initialization, Model, Sign};

    const NAME: &str = "gap_leading_constant";

    fn sparse(depth: usize, sign: Sign) -> Evidence {
        explored(NAME, asked(gaussian(10, 25, 2, sign, 0.0, 6), model(depth, sign, 0.1)))
    }

    #[test]
    fn a_wrong_constant_is_seen() {
        for sign in [Sign::Signed, Sign::Positive] {
            for depth in [3, 4, 10] {
                let mut run = sparse(depth, sign);
                assert_eq!(verdict(NAME, &run), "holds", "{sign:?} {depth}");
                let constant = run.families.get_mut(NAME).unwrap().columns.get_mut("constant").unwrap();
                constant.iter_mut().for_each(|c| *c *= 1.02);
                assert_eq!(verdict(NAME, &run), "violated", "{sign:?} {depth}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        for (column, words) in [
            ("gap", "was not found to enough digits"),
            ("constant", "leading constant was not found"),
        ] {
            let mut run = sparse(3, Sign::Signed);
            run.families.get_mut(NAME).unwrap().columns.get_mut(column).unwrap()[1] = f64::NAN;
            assert!(reason(NAME, &run).contains(words), "{column}");
        }
    }

    #[test]
    fn a_hypothesis_that_fails_is_named() {
        assert!(reason(NAME, &sparse(2, Sign::Signed)).contains("L = 2"));
        let twins = measured(&[&[1.0, 1.0]], &[1.0, 0.0]);
        let run = explored(NAME, asked(twins, model(3, Sign::Signed, 0.1)));
        assert!(reason(NAME, &run).contains("more than one solution"));
        let unequal = Model {
            depth: 3,
            sign: Sign::Signed,
            initialization: Initialization::Random {
                scale: 0.1,
                spread: 0.2,
            },
        };
        let run = explored(NAME, asked(gaussian(10, 25, 2, Sign::Signed, 0.0, 6), unequal));
        assert!(reason(NAME, &run).contains("the same α"));
    }

    /// w₁ + 2w₂ = 2: w₁ = α³(1 − ½)^{−3} to leading order, and the gap is half of it.
    #[test]
    fn a_closed_form() {
        let run = explored(
            NAME,
            asked(measured(&[&[1.0, 2.0]], &[0.0, 1.0]), model(3, Sign::Positive, 0.1)),
        );
        let family = &run.families[NAME];
        assert!((family.column("constant")[0] - 4.0).abs() < 1e-12);
        assert_eq!(verdict(NAME, &run), "holds");
    }
}
