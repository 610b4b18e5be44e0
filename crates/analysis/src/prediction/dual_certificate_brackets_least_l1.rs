//! Duality encloses the least ℓ1 norm Q of a solution at every time: lower bounds ≤ Q ≤ upper bounds.
//!
//! Q does not depend on time, so that *every* lower bound of the run, plain or polished, is below *every* upper bound,
//! whether they are of one time or not; upper bounds are the observable and the norms of all solutions among the
//! references. Where basis pursuit was solved its norm is Q, and must not exceed an upper bound either.

use super::worst::Worst;
use super::{Prediction, Statement, UNITS, Verdict};
use crate::report::Evidence;

pub(super) struct DualCertificateBracketsLeastL1;

/// The reference whose norm is Q.
const BASIS_PURSUIT: &str = "basis_pursuit";

impl Prediction for DualCertificateBracketsLeastL1 {
    fn name(&self) -> &'static str {
        "dual_certificate_brackets_least_l1"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "lower bounds at any time ≤ min ‖z‖₁ over Az = y (positive model: z ≥ 0) ≤ upper bounds at any time",
            hypotheses: "bounds of both kinds: the column upper_bound, or a solution Az = y (to 1e-12 relative) as reference",
            citation: "linear programming duality; q as in arXiv 2112.11027, Sect. 2",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let lower: Vec<_> = ["dual_bound", "dual_bound_polished"]
            .map(|name| (name, evidence.column(name)))
            .into_iter()
            .filter(|(_, column)| !column.is_empty())
            .collect();
        if lower.is_empty() {
            return Verdict::inapplicable("no dual variable was recorded");
        }
        let nonnegative = |z: &[f64]| z.iter().all(|&z| z >= 0.0);
        let solutions = || {
            let solves = evidence.references.iter().filter(|r| r.is_exact());
            solves.filter(|r| evidence.signed() || nonnegative(&r.point))
        };
        let upper = evidence.column("upper_bound");
        if upper.is_empty() && solutions().next().is_none() {
            return Verdict::inapplicable(
                "no reference z solves Az = y within the domain, and there are no upper bounds",
            );
        }
        let least = least(solutions().map(|r| r.l1_norm).chain(upper.iter().copied()));
        let mut worst = Worst::new();
        for (name, column) in lower {
            for (row, bound) in column.iter().enumerate() {
                worst.see(ratio(*bound, least), evidence, row, name);
            }
        }
        for pursuit in solutions().filter(|r| r.name == BASIS_PURSUIT) {
            for (row, bound) in upper.iter().enumerate() {
                worst.see(ratio(pursuit.l1_norm, *bound), evidence, row, "upper_bound");
            }
        }
        Verdict::of(worst.against(1.0, UNITS * evidence.tolerance))
    }
}

/// The least of the numbers; NaN if one is.
fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, |a, b| {
        if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
    })
}

/// low/high; 0/0, where the solution is z = 0 and the bounds say so, is as good as it gets, and counts as 1.
fn ratio(low: f64, high: f64) -> f64 {
    if low == high { 1.0 } else { low / high }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};
    use crate::reference::Reference;
    use crate::report::Evidence;

    const NAME: &str = "dual_certificate_brackets_least_l1";

    /// The run of `testing` with all bounds: Q = 2.
    fn bracketed() -> Evidence {
        let mut run = evidence();
        let lower = run.columns["dual_bound"].clone();
        run.columns.insert("dual_bound_polished".into(), lower);
        run.columns.insert("upper_bound".into(), vec![2.0; run.len()]);
        run
    }

    #[test]
    fn a_lower_bound_above_a_solution_is_seen() {
        assert_eq!(verdict(NAME, &evidence()), "holds");
        assert_eq!(verdict(NAME, &bracketed()), "holds");
        for name in ["dual_bound", "dual_bound_polished"] {
            let mut run = bracketed();
            run.columns.get_mut(name).unwrap()[6] = 2.001;
            assert_eq!(verdict(NAME, &run), "violated", "{name}");
            run.references.clear();
            assert_eq!(
                verdict(NAME, &run),
                "violated",
                "{name}: the upper bounds alone show it"
            );
        }
    }

    #[test]
    fn an_upper_bound_below_a_lower_one_of_another_time_is_seen() {
        let mut run = bracketed();
        run.references.clear();
        assert_eq!(verdict(NAME, &run), "holds");
        // at t = 0 the lower bound is 0: only the others contradict
        run.columns.get_mut("upper_bound").unwrap()[0] = 1.9;
        assert_eq!(verdict(NAME, &run), "violated");
    }

    #[test]
    fn an_upper_bound_below_basis_pursuit_is_seen() {
        let mut run = bracketed();
        for name in ["dual_bound", "dual_bound_polished"] {
            run.columns.get_mut(name).unwrap().fill(1.0);
        }
        run.columns.get_mut("upper_bound").unwrap()[3] = 1.9;
        assert_eq!(verdict(NAME, &run), "holds", "the truth need not have the least norm");
        let truth = run.references[0].clone();
        run.references.push(Reference {
            name: "basis_pursuit".into(),
            ..truth
        });
        assert_eq!(verdict(NAME, &run), "violated");
    }

    #[test]
    fn infinite_upper_bounds_say_nothing_and_nan_is_no_bound() {
        let mut run = bracketed();
        run.references.clear();
        run.columns.get_mut("upper_bound").unwrap().fill(f64::INFINITY);
        assert_eq!(verdict(NAME, &run), "holds");
        run.columns.get_mut("upper_bound").unwrap()[2] = f64::NAN;
        assert_eq!(verdict(NAME, &run), "violated");
        let mut run = bracketed();
        run.columns.get_mut("dual_bound_polished").unwrap()[2] = f64::NAN;
        assert_eq!(verdict(NAME, &run), "violated");
    }

    #[test]
    fn zero_is_bracketed_by_zeros() {
        let mut run = bracketed();
        run.references.clear();
        run.columns.get_mut("upper_bound").unwrap().fill(0.0);
        assert_eq!(verdict(NAME, &run), "violated");
        for name in ["dual_bound", "dual_bound_polished"] {
            run.columns.get_mut(name).unwrap().fill(0.0);
        }
        assert_eq!(verdict(NAME, &run), "holds");
    }

    #[test]
    fn without_bounds_of_both_kinds_there_is_nothing_to_compare() {
        let mut run = evidence();
        run.references.clear();
        assert_eq!(verdict(NAME, &run), "inapplicable");
        let mut run = bracketed();
        run.columns.remove("dual_bound");
        run.columns.remove("dual_bound_polished");
        assert_eq!(verdict(NAME, &run), "inapplicable");
    }
}
