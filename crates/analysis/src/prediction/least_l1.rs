//! How far weights are from the least (weighted) ℓ1 norm of all vectors with the same measurements.
//!
//! Each point of the flow is the Bregman projection of the start onto the vectors with *its* measurements: F′(w(t)) −
//! F′(w(0)) = Aᵀq(t) is what makes it so, be the flow at its end or not. Theorems about the limit therefore hold for every
//! w(t), with y replaced by Aw(t), and no allowance for r ≠ 0. Two points are looked at:
//!
//! - the limit, computed from A, y and the start to rounding, beside the least norm over Az = y;
//! - the last recorded weights w, accurate to the promise, beside the least norm over Az = Aw.
//!
//! With z a minimiser and ν its certificate the gap is Σ_j b_j|w_j| (1 − sgn(w_j) (Aᵀν)_j/b_j), in which the terms vanish
//! where z_j ≠ 0 has the sign of w_j (complementary slackness). No norms are subtracted.
//!
//! Uncertainty: ν knows its slack to [`TIGHT`], w_j off the support is known to 1e-8 relative; and z solves its equation up
//! to e, so that the least norm of the data as they are differs from that of z by at most ‖A⁺e‖₁ + |ν||e| (for z ≥ 0, where
//! z + A⁺e may leave the domain, this is an estimate: twice as much is allowed). What dies out in w_∞, but is not zero in
//! the data as they are, adds |ν||y − Aw_∞|. Recorded weights err by ε relative to their size, and then F′(w) − F′(w(0)) is
//! Aᵀq up to ε: that costs at most ε times the norms of w and z.

use hadaflow_core::compensated::mismatch;
use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;

use super::limit::norm;
use super::{Measurement, Verdict, allowance};
use crate::observable::affordable_matrix;
use crate::reference::{BasisPursuit, Computed, EXACT, End, Minimiser, Set, TIGHT, basis_pursuit, l1_gap, least_norm};
use crate::report::Evidence;

/// Why there is no linear program.
const TOO_LARGE: &str = "it solves linear programs in A, which is too large or not stored densely";
/// The relative accuracy of entries of w_∞ that are far below the others.
const RELATIVE: f64 = 1e-8;

/// Weights of which a theorem bounds the ℓ1 norm, beside a vector of least norm with the same measurements.
pub(super) struct Gap {
    /// Σ b_j|w_j| − Q.
    pub(super) value: f64,
    /// What is known of it.
    pub(super) uncertainty: f64,
    /// z, with Q = Σ b_j|z_j|.
    pub(super) minimiser: Minimiser,
    /// Which weights.
    pub(super) place: String,
}

impl Gap {
    /// Beside a bound of the same unit, both divided by `unit`.
    pub(super) fn against(&self, bound: f64, unit: f64) -> Measurement {
        Measurement {
            measured: self.value / unit,
            bound: bound / unit,
            uncertainty: self.uncertainty / unit,
            place: self.place.clone(),
        }
    }
}

/// The verdict on what is nearest to its bound, or beyond it; NaN is beyond.
pub(super) fn nearest(measurements: Vec<Measurement>, none: &str) -> Verdict {
    let used = |m: &Measurement| {
        let allowed = m.bound + m.uncertainty;
        if m.measured <= 0.0 { 0.0 } else { m.measured / allowed }
    };
    let worse = |a: Measurement, b: Measurement| {
        let (first, second) = (used(&a), used(&b));
        if second > first || (second.is_nan() && !first.is_nan()) {
            b
        } else {
            a
        }
    };
    match measurements.into_iter().reduce(worse) {
        Some(worst) => Verdict::of(worst),
        None => Verdict::inapplicable(none),
    }
}

/// The gaps of the limit and of the last recorded weights, with weights b (1 if there are none); why, if there is neither.
pub(super) fn gaps(evidence: &Evidence, b: Option<&[f64]>) -> Result<Vec<Gap>, String> {
    let a = affordable_matrix(evidence.setting.flow.as_ref()).ok_or(TOO_LARGE)?;
    let weighed = Weighed::new(a, evidence.setting.model.sign, b);
    let last = evidence.len().checked_sub(1).and_then(|row| evidence.weights(row));
    if last.is_some_and(|weights| weights.iter().any(|w| !w.is_finite())) {
        return Err("the last recorded weights are not finite".into());
    }
    let limit = at_the_limit(evidence, &weighed).map(|(_, gap)| gap);
    let found = [limit, at_the_end(evidence, &weighed)];
    if found.iter().all(Result::is_err) {
        let reasons: Vec<String> = found.into_iter().filter_map(Result::err).collect();
        return Err(reasons.join("; "));
    }
    Ok(found.into_iter().flatten().collect())
}

/// The limit, where it solves Az = y, and its gap; the norm has no weights.
pub(super) fn gap_of_limit(evidence: &Evidence) -> Result<(&End, Gap), String> {
    let a = affordable_matrix(evidence.setting.flow.as_ref()).ok_or(TOO_LARGE)?;
    at_the_limit(evidence, &Weighed::new(a, evidence.setting.model.sign, None))
}

/// The limit and its gap.
fn at_the_limit<'a>(evidence: &'a Evidence, weighed: &Weighed) -> Result<(&'a End, Gap), String> {
    let (_, limit) = evidence
        .flow_limit()
        .ok_or("the reference bregman_projection is not there")?;
    let end = match &limit.end {
        Computed::Value(end) => end,
        Computed::Failed { reason } => return Err(reason.clone()),
    };
    if !matches!(end.set, Set::Solutions | Set::NonnegativeSolutions) {
        return Err("Az = y has no solution".into());
    }
    let y = evidence.setting.measurements();
    let known = evidence.basis_pursuit().filter(|_| weighed.b.is_none());
    let minimiser = match known {
        Some((_, minimiser)) => minimiser.clone(),
        None => weighed.minimiser(y)?,
    };
    let mut gap = weighed.gap(&end.weights, y, minimiser, "the limit".into())?;
    if end.set == Set::NonnegativeSolutions {
        // a point that misses y by more than counts as a solution has no such excuse
        let missed = norm(&mismatch(weighed.a, &end.weights, y)).min(10.0 * EXACT * norm(y));
        gap.uncertainty += norm(&gap.minimiser.certificate.nu) * missed;
    }
    Ok((end, gap))
}

/// The gap of the last recorded weights among all vectors with their measurements.
fn at_the_end(evidence: &Evidence, weighed: &Weighed) -> Result<Gap, String> {
    let row = evidence.len().checked_sub(1).ok_or("nothing was recorded")?;
    let weights = evidence.weights(row).ok_or("the weights were not kept")?;
    let image: Vec<f64> = mismatch(weighed.a, weights, &vec![0.0; weighed.a.nrows()]);
    let image: Vec<f64> = image.into_iter().map(|minus| -minus).collect();
    let t = evidence.column("t")[row];
    let minimiser = weighed.minimiser(&image)?;
    let mut gap = weighed.gap(weights, &image, minimiser, format!("the last weights, t = {t:.6e}"))?;
    gap.uncertainty += allowance(evidence, 0, row) * (gap.value + 2.0 * gap.minimiser.l1_norm);
    Ok(gap)
}

/// A and the weights b of the norm.
struct Weighed<'a> {
    a: &'a DMatrix<f64>,
    sign: Sign,
    b: Option<&'a [f64]>,
    /// A diag(1/b), for which b∘w has the plain norm.
    scaled: DMatrix<f64>,
}

impl<'a> Weighed<'a> {
    fn new(a: &'a DMatrix<f64>, sign: Sign, b: Option<&'a [f64]>) -> Self {
        let mut scaled = a.clone();
        for (mut column, b) in scaled.column_iter_mut().zip(b.into_iter().flatten()) {
            column /= *b;
        }
        Self { a, sign, b, scaled }
    }

    /// b∘w.
    fn weigh(&self, w: &[f64]) -> Vec<f64> {
        match self.b {
            Some(b) => w.iter().zip(b).map(|(w, b)| w * b).collect(),
            None => w.to_vec(),
        }
    }

    /// A vector of least norm among those with these measurements.
    fn minimiser(&self, image: &[f64]) -> Result<Minimiser, String> {
        match basis_pursuit(self.a, image, self.sign, self.b) {
            BasisPursuit::Solved(minimiser) => Ok(*minimiser),
            BasisPursuit::Infeasible { reason, .. } | BasisPursuit::Failed { reason } => Err(reason),
        }
    }

    /// The gap of w among the vectors with measurements `image` = Aw.
    fn gap(&self, w: &[f64], image: &[f64], minimiser: Minimiser, place: String) -> Result<Gap, String> {
        let mut off = self.weigh(w);
        for (off, z) in off.iter_mut().zip(&minimiser.point) {
            if *z != 0.0 && *off * z > 0.0 {
                *off = 0.0;
            }
        }
        let value =
            l1_gap(&self.scaled, &off, &minimiser.certificate.nu).map_err(|error| format!("{place}: {error}"))?;
        let loose: f64 = off.iter().map(|x| x.abs()).sum();
        Ok(Gap {
            value,
            uncertainty: TIGHT * loose + RELATIVE * value + self.of_data(image, &minimiser)?,
            minimiser,
            place,
        })
    }

    /// By how much the least norm of the data as they are may exceed that of z.
    fn of_data(&self, image: &[f64], minimiser: &Minimiser) -> Result<f64, String> {
        let missed = mismatch(self.a, &minimiser.point, image);
        let size = norm(&missed);
        if size == 0.0 {
            return Ok(0.0);
        }
        let direction: Vec<f64> = missed.iter().map(|e| e / size).collect();
        let correction = match least_norm(self.a, &direction) {
            Computed::Value(correction) => self.weigh(&correction.point),
            Computed::Failed { reason } => return Err(reason),
        };
        let correction: f64 = correction.iter().map(|h| h.abs()).sum();
        Ok(2.0 * size * (correction + norm(&minimiser.certificate.nu)))
    }
}
