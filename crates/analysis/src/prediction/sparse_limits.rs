//! Exact limits along a family of uniform starts α → 0 whose data are those of the only solution of basis pursuit.
//!
//! The data are the run's, with the columns and entries of the support rounded to about 24 bits so that y = Ax is exact
//! ([`sparse_data`](crate::reference)): only then are the weights off the support those of the initialization down to
//! 1e-100, and not the rounding of y. ρ, ν and the constants belong to these data.

use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Progress;
use nalgebra::DMatrix;

use super::Family;
use crate::reference::{
    Computed, Limit, Minimiser, Projection, Set, SourceCondition, SparseData, Uniqueness, bregman_projection,
    flow_limit, l1_gap, source_condition, sparse_data,
};
use crate::report::Evidence;

/// Slack 1 − ρ from here on: nearer to 1 the asymptotic regime is out of reach.
pub(super) const LEAST_SLACK: f64 = 0.1;
/// ρ from here on (signed): nearer to 0 what is left off the support cancels between u and v.
const LEAST_RHO: f64 = 0.05;
/// The hypotheses in words.
pub(super) const HYPOTHESES: &str = "all factors start at the same α; A is stored; the reference basis_pursuit is listed, \
                                     solves Az = y and is the only minimiser, with ρ <= 0.9 (signed: ρ >= 0.05 too)";

/// A member of the family was solved: the limit is where t = ∞ and the loss is 0.
pub(super) fn solved(member: usize) -> Progress {
    Progress {
        t: f64::INFINITY,
        loss: 0.0,
        steps: member,
    }
}

/// A and y, if they are stored and all factors start at one α.
pub(super) fn uniform_start(evidence: &Evidence) -> Result<(&DMatrix<f64>, &[f64]), String> {
    if evidence.setting.scale().is_none() {
        return Err("the factors do not all start at the same α".into());
    }
    let matrix = evidence.setting.matrix().ok_or("A is not stored")?;
    Ok((matrix, evidence.setting.measurements()))
}

/// A and the only solution of basis pursuit, or the hypothesis that fails.
pub(super) fn only_minimiser(evidence: &Evidence) -> Result<(&DMatrix<f64>, &Minimiser), String> {
    let (a, _) = uniform_start(evidence)?;
    let (reference, minimiser) = evidence
        .basis_pursuit()
        .ok_or("the reference basis_pursuit is not listed, or nothing solves Az = y")?;
    if !reference.is_exact() {
        return Err(format!(
            "basis pursuit solves Az = y only to {:.1e}",
            reference.relative_mismatch
        ));
    }
    if minimiser.support.is_empty() {
        return Err("y = 0: the minimiser is 0".into());
    }
    match &minimiser.uniqueness {
        Uniqueness::Unique => {}
        Uniqueness::NotUnique { .. } => return Err("basis pursuit has more than one solution".into()),
        Uniqueness::Undecided { reason } => return Err(format!("whether basis pursuit has one solution: {reason}")),
    }
    let slack = minimiser.certificate.slack;
    if slack < LEAST_SLACK {
        return Err(format!("ρ = {:.3} is too close to 1", 1.0 - slack));
    }
    if evidence.signed() && slack > 1.0 - LEAST_RHO {
        return Err(format!("ρ = {:.3} is too close to 0", 1.0 - slack));
    }
    Ok((a, minimiser))
}

/// A problem with exact data and what is known of its solution.
pub(super) struct SparseLimits {
    pub(super) data: SparseData,
    pub(super) depth: usize,
    pub(super) sign: Sign,
    /// ρ.
    pub(super) rho: f64,
    /// A dual solution, m entries.
    pub(super) nu: Vec<f64>,
}

impl SparseLimits {
    /// Of a run, or the hypothesis that fails.
    pub(super) fn of(evidence: &Evidence) -> Result<Self, String> {
        let (a, minimiser) = only_minimiser(evidence)?;
        let model = &evidence.setting.model;
        let data = sparse_data(a, &minimiser.point)
            .ok_or("the entries of the minimiser differ too much in size for data without rounding")?;
        let (rho, nu) = match source_condition(&data.matrix, &data.point, model.sign) {
            Computed::Value(SourceCondition { rho, nu: Some(nu), .. }) => (rho, nu),
            Computed::Value(SourceCondition { rho, .. }) if rho > 0.0 => {
                return Err("no dual variable belongs to the minimiser".into());
            }
            Computed::Value(_) => return Err("the minimiser is the only nonnegative solution: there is no gap".into()),
            Computed::Failed { reason } => return Err(format!("ρ is not known: {reason}")),
        };
        Ok(Self {
            data,
            depth: model.depth,
            sign: model.sign,
            rho,
            nu,
        })
    }

    /// The exponent of α in the gap, and in the weights off the support.
    pub(super) fn exponent(&self) -> f64 {
        if self.depth == 2 {
            2.0 * (1.0 - self.rho)
        } else {
            self.depth as f64 // at most 64
        }
    }

    /// α at which a factor is as large as those of the minimiser: of its smallest entry for L > 2, where corrections are
    /// (α/|x_j|^{1/L})^{L−2}, of the geometric mean for L = 2, where they are log(|x_j|^{1/2})/log(1/α).
    pub(super) fn unit(&self) -> f64 {
        let entries = self.data.point.iter().filter(|x| **x != 0.0).map(|x| x.abs().ln());
        let log = if self.depth == 2 {
            entries.clone().sum::<f64>() / entries.count() as f64 // an index
        } else {
            entries.fold(f64::INFINITY, f64::min)
        };
        (log / self.depth as f64).exp()
    }

    /// The starts α, descending.
    ///
    /// L > 2: α^{L−2} (in the unit above) falls from 1e-2, α over three decades. L = 2: what decides, 1/log(1/α), falls
    /// slowly, so that α falls to 1e-20, or the gap to 1e-36 if that comes first: there Newton's method still takes tens
    /// of steps.
    pub(super) fn starts(&self) -> Vec<f64> {
        let decades = if self.depth == 2 {
            let last = (LAST_GAP / self.exponent()).clamp(DECADES.0, DECADES.1);
            vec![last / 4.0, last / 2.0, last - 2.0, last - 1.0, last]
        } else {
            let first = 2.0 / (self.depth as f64 - 2.0);
            vec![first, first + 1.0, first + 2.0, first + 3.0]
        };
        let unit = self.unit();
        decades.into_iter().map(|d: f64| unit * 10f64.powf(-d)).collect()
    }

    /// w_∞ from α.
    pub(super) fn weights(&self, alpha: f64) -> Option<Vec<f64>> {
        let (a, y) = (&self.data.matrix, &self.data.measurements);
        let found = flow_limit(a, y, self.depth, self.sign, &vec![alpha; a.ncols()]).ok()?;
        let end = found.end.value()?;
        matches!(end.set, Set::Solutions | Set::NonnegativeSolutions).then_some(end.weights)
    }

    /// The limit from α with its factors; `None` if it is not attained or was not found.
    pub(super) fn limit(&self, alpha: f64) -> Option<Limit> {
        let (a, y) = (&self.data.matrix, &self.data.measurements);
        match bregman_projection(a, y, self.depth, self.sign, &vec![alpha; a.ncols()]) {
            Ok(Projection::Attained(limit)) => Some(limit),
            _ => None,
        }
    }

    /// The ℓ¹ gap of the limit from α; NaN if it was not found.
    pub(super) fn gap(&self, alpha: f64) -> f64 {
        let gap = self
            .weights(alpha)
            .and_then(|w| l1_gap(&self.data.matrix, &w, &self.nu).ok());
        gap.unwrap_or(f64::NAN)
    }
}

/// The gap at L = 2 goes down to ten to minus this, ...
const LAST_GAP: f64 = 36.0;
/// ... but α at least to ten to minus the first, and at most to ten to minus the second.
const DECADES: (f64, f64) = (8.0, 20.0);

/// The family of a prediction: its hypotheses name why there is none.
pub(super) fn family<'a>(prediction: &dyn super::Prediction, evidence: &'a Evidence) -> Result<&'a Family, String> {
    only_minimiser(evidence)?;
    super::family(prediction, evidence).map_err(|missing| SparseLimits::of(evidence).err().unwrap_or(missing))
}

/// An error that names the first member whose `column` is no positive number.
pub(super) fn all_found(family: &Family, column: &str) -> Result<(), String> {
    if family.is_empty() || family.column("alpha").len() != family.len() || family.column(column).is_empty() {
        return Err(format!(
            "its family has no column {column}, or columns that differ in length"
        ));
    }
    let members = family.column("alpha").iter().zip(family.column(column));
    for (alpha, value) in members {
        if !(*value > 0.0 && value.is_finite()) {
            return Err(format!(
                "the limit from α = {alpha:.3e} was not found to enough digits: its {column} is {value:e}"
            ));
        }
    }
    Ok(())
}

/// The slope of log y against log x by least squares.
pub(super) fn slope(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64; // an index
    let logs = |v: &[f64]| -> Vec<f64> { v.iter().map(|v| v.ln()).collect() };
    let (x, y) = (logs(x), logs(y));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (centre_x, centre_y) = (mean(&x), mean(&y));
    let products = x.iter().zip(&y).map(|(x, y)| (x - centre_x) * (y - centre_y));
    products.sum::<f64>() / x.iter().map(|x| (x - centre_x).powi(2)).sum::<f64>()
}
