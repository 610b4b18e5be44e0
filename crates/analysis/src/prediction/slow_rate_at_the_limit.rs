//! If the limit is sparser than there are measurements, the flow comes to rest slowly: the slowest of its nonzero rates,
//! the eigenvalues of A diag(w′(s)) Aᵀ at the limit, is ~ α^{2L−2} for L > 2 and ~ α^{2(1−ρ)} for L = 2.
//!
//! w′ = L(u^{2L−2} + v^{2L−2}) is O(1) on the support S only, which leaves rank(A) − |S| directions, orthogonal to A_S, to the
//! weights off the support. For L > 2 these all have u, v ~ α. For L = 2, w′ ~ α^{2(1−|σ_j|)}, and |σ_j| → ρ where the ν of
//! the source condition is active; the exponent is that of the slowest direction if the active columns span all of them
//! (they do where ν is the only minimiser). (Weights off the support: arXiv 2506.01143.)
//!
//! Measured: the slope of the log of the least nonzero rate against log α over the smallest two decades of the family, and
//! its relative distance from the exponent. The rates are relatively accurate ([`relaxation_rates`]), the weights, too; what
//! separates the slope from the exponent is α > 0, as for the gap, and shows in the change since the decade before.

use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Progress;
use nalgebra::DMatrix;

use super::sparse_limits::{HYPOTHESES, SparseLimits, all_found, only_minimiser, slope, solved};
use super::{Family, Kind, Measurement, Prediction, Statement, Verdict};
use crate::reference::{Limit, rank_beside, relaxation_rates};
use crate::report::Evidence;

pub(super) struct SlowRateAtTheLimit;

/// The relative distance of the slope from the exponent that counts as agreement, for L > 2 ...
const TOLERANCE: f64 = 0.02;
/// ... and for L = 2, where columns that are nearly active, |σ_j| < ρ, support the slowest direction beside the active ones
/// until α^{2(ρ−|σ_j|)} is small: at α = 1e-20 and ρ − |σ_j| = 0.02 it is 0.16.
const TOLERANCE_SHALLOW: f64 = 0.1;
/// Members in the smallest two decades.
const LAST: usize = 3;
/// |A_j·ν| within this of ρ is active.
const ACTIVE: f64 = 1e-9;

/// The exact data and the number of slow directions, or the hypothesis that fails.
fn start(evidence: &Evidence) -> Result<SparseLimits, String> {
    let start = SparseLimits::of(evidence)?;
    let (a, point) = (&start.data.matrix, &start.data.point);
    let support: Vec<usize> = (0..point.len()).filter(|&j| point[j] != 0.0).collect();
    let off: Vec<usize> = (0..point.len()).filter(|&j| point[j] == 0.0).collect();
    let slow = rank_beside(a, &support, &off);
    if slow == 0 {
        return Err("the minimiser has as many entries as A has rank: no rate is slow".into());
    }
    if start.depth == 2 {
        let products = a.tr_mul(&DMatrix::from_column_slice(a.nrows(), 1, &start.nu));
        let size = |j: usize| match start.sign {
            Sign::Signed => products[j].abs(),
            Sign::Positive => products[j],
        };
        let active: Vec<usize> = off.iter().copied().filter(|&j| size(j) >= start.rho - ACTIVE).collect();
        if rank_beside(a, &support, &active) < slow {
            return Err("the columns with |A_j·ν| = ρ leave directions that are slower still".into());
        }
    }
    Ok(start)
}

/// The exponent of the slowest rate.
fn exponent(start: &SparseLimits) -> f64 {
    if start.depth == 2 {
        start.exponent()
    } else {
        2.0 * start.depth as f64 - 2.0 // at most 64
    }
}

/// log w′ = log L(u^{2L−2} + v^{2L−2}), n entries.
fn log_derivative(limit: &Limit, depth: usize) -> Vec<f64> {
    let (depth, power) = (depth as f64, 2.0 * depth as f64 - 2.0); // at most 64
    let of = |j: usize| {
        let u = power * limit.log_u[j];
        let Some(v) = limit.log_v.get(j).map(|v| power * v) else {
            return depth.ln() + u;
        };
        depth.ln() + u.max(v) + (-(u - v).abs()).exp().ln_1p()
    };
    (0..limit.log_u.len()).map(of).collect()
}

/// The slowest and the fastest rate at the limit from α; NaN if it was not found.
fn rates(start: &SparseLimits, alpha: f64) -> [f64; 2] {
    let found = start.limit(alpha);
    let logs = found.map(|limit| relaxation_rates(&start.data.matrix, &log_derivative(&limit, start.depth)));
    let ends = logs.as_ref().and_then(|logs| logs.last().zip(logs.first()));
    ends.map_or([f64::NAN; 2], |(slow, fast)| [slow.exp(), fast.exp()])
}

impl SlowRateAtTheLimit {
    fn verdict(&self, evidence: &Evidence) -> Result<Verdict, String> {
        only_minimiser(evidence)?;
        let family = super::family(self, evidence).or_else(|missing| start(evidence).and(Err(missing)))?;
        all_found(family, "rate")?;
        if family.len() <= LAST {
            return Err("its family has too few members".into());
        }
        let (alpha, rate) = (family.column("alpha"), family.column("rate"));
        let exponent = family.column("exponent").last().copied().unwrap_or(f64::NAN);
        let last = alpha.len() - LAST;
        let fitted = slope(&alpha[last..], &rate[last..]);
        let before = slope(&alpha[last - 1..=last], &rate[last - 1..=last]);
        Ok(Verdict::of(Measurement {
            measured: (fitted / exponent - 1.0).abs(),
            bound: if evidence.depth() == 2 {
                TOLERANCE_SHALLOW
            } else {
                TOLERANCE
            },
            uncertainty: ((fitted - before) / exponent).abs(),
            place: format!(
                "slope {fitted:.5} against {exponent:.5} for α from {:.1e} to {:.1e}",
                alpha[alpha.len() - 1],
                alpha[last]
            ),
        }))
    }
}

impl Prediction for SlowRateAtTheLimit {
    fn name(&self) -> &'static str {
        "slow_rate_at_the_limit"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "d log λ/d log α → 2L−2 for L > 2, → 2(1−ρ) for L = 2, as α → 0: λ the least nonzero eigenvalue of \
                      A diag(w′) Aᵀ at the limit",
            hypotheses: HYPOTHESES,
            citation: "arXiv 2506.01143 for the weights off the support",
        }
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        let start = start(evidence).ok()?;
        let mut family = Family::new();
        for (member, alpha) in start.starts().into_iter().enumerate() {
            let [slow, fast] = rates(&start, alpha);
            let exponent = exponent(&start);
            family.push(&[
                ("alpha", alpha),
                ("rate", slow),
                ("fastest", fast),
                ("exponent", exponent),
            ]);
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
    use super::*;

    const NAME: &str = "slow_rate_at_the_limit";

    fn sparse(depth: usize, sign: Sign) -> Evidence {
        explored(NAME, asked(gaussian(10, 25, 2, sign, 0.0, 6), model(depth, sign, 0.1)))
    }

    #[test]
    fn a_wrong_exponent_is_seen() {
        for sign in [Sign::Signed, Sign::Positive] {
            for depth in [2, 3, 4, 6] {
                let run = sparse(depth, sign);
                assert_eq!(verdict(NAME, &run), "holds", "{sign:?} {depth}: {:?}", run.families);
                let mut wrong = run.clone();
                let column = wrong
                    .families
                    .get_mut(NAME)
                    .unwrap()
                    .columns
                    .get_mut("exponent")
                    .unwrap();
                column.iter_mut().for_each(|e| *e *= if depth == 2 { 1.3 } else { 1.1 });
                assert_eq!(verdict(NAME, &wrong), "violated", "{sign:?} {depth}");
                let mut wrong = run.clone();
                wrong.families.get_mut(NAME).unwrap().columns.get_mut("rate").unwrap()[3] = f64::NAN;
                assert!(reason(NAME, &wrong).contains("was not found to enough digits"));
            }
        }
    }

    /// The eigenvalues of the naive product, where they are accurate.
    #[test]
    fn the_naive_product_agrees() {
        for (depth, alpha) in [(2, 0.01), (3, 0.1), (4, 0.3)] {
            let run = asked(
                gaussian(10, 25, 2, Sign::Signed, 0.0, 6),
                model(depth, Sign::Signed, 0.1),
            );
            let start = start(&run).unwrap();
            let limit = start.limit(alpha).unwrap();
            let a = &start.data.matrix;
            let power = 2 * depth as i32 - 2; // small
            let mut weighted = a.clone();
            for (j, mut column) in weighted.column_iter_mut().enumerate() {
                column *= depth as f64 * (limit.log_u[j].exp().powi(power) + limit.log_v[j].exp().powi(power));
            }
            let values = (weighted * a.transpose()).symmetric_eigenvalues();
            let [slow, fast] = rates(&start, alpha);
            assert!(
                (slow / values.min() - 1.0).abs() < 1e-8,
                "{depth}: {slow} {}",
                values.min()
            );
            assert!(
                (fast / values.max() - 1.0).abs() < 1e-12,
                "{depth}: {fast} {}",
                values.max()
            );
        }
    }

    #[test]
    fn a_hypothesis_that_fails_is_named() {
        // as many entries as rows
        let full = measured(&[&[1.0, 0.0, 0.4], &[0.0, 1.0, 0.4]], &[1.0, 1.0, 0.0]);
        let run = explored(NAME, asked(full, model(3, Sign::Signed, 0.1)));
        assert!(reason(NAME, &run).contains("no rate is slow"), "{}", reason(NAME, &run));
        // two problems beside each other: ρ is that of the first, and the second is slower
        let rows: [&[f64]; 4] = [
            &[1.0, 0.0, 0.6, 0.0, 0.0, 0.0],
            &[0.0, 1.0, 0.5, 0.0, 0.0, 0.0],
            &[0.0, 0.0, 0.0, 1.0, 0.0, 0.2],
            &[0.0, 0.0, 0.0, 0.0, 1.0, 0.3],
        ];
        let blocks = measured(&rows, &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let run = explored(NAME, asked(blocks.clone(), model(2, Sign::Signed, 0.1)));
        assert!(reason(NAME, &run).contains("slower still"), "{}", reason(NAME, &run));
        let run = explored(NAME, asked(blocks, model(3, Sign::Signed, 0.1)));
        assert_eq!(verdict(NAME, &run), "holds");
        let run = asked(gaussian(10, 25, 2, Sign::Signed, 0.0, 6), model(3, Sign::Signed, 0.1));
        assert!(reason(NAME, &run).contains("was not integrated"));
    }
}
