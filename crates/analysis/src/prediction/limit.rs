//! The limit of a run, where it has a dual variable, and how far the recorded residual may be from the exact one.

use super::allowance;
use crate::reference::{Limit, NotAttained, Projection, Reference};
use crate::report::Evidence;

/// The limit w_∞ with q_∞ and the reference it is, or why there is none.
pub(super) fn attained(evidence: &Evidence) -> Result<(&Reference, &Limit), String> {
    if let Some(found) = evidence.attained_limit() {
        return Ok(found);
    }
    let setting = &evidence.setting;
    Err(match evidence.flow_limit().map(|(_, limit)| &limit.projection) {
        Some(Projection::NotAttained(NotAttained::Unreachable { .. })) => {
            "Az = y has no solution, and the dual variable diverges".into()
        }
        Some(Projection::NotAttained(NotAttained::NoPositiveSolution { .. })) => {
            "Az = y has no solution with all entries positive, and the dual variable diverges".into()
        }
        Some(_) => "the dual variable of the limit could not be computed".into(),
        None if setting.start().is_none() => "the factors do not all start alike, so the limit is not known".into(),
        None if setting.matrix().is_none() => "the limit is known for matrices that are stored densely only".into(),
        None => "the reference bregman_projection is not listed, or could not be computed".into(),
    })
}

/// log|q_∞|; −∞ where the start is the limit.
pub(super) fn log_dual_norm(limit: &Limit) -> f64 {
    norm(&limit.dual).ln() + limit.log_dual_unit
}

/// |v|₂ of numbers of ordinary size.
pub(super) fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// What an error of the promised size in every weight comes to in r = y − Aw.
///
/// A weight errs relative to itself or, where w = u^L − v^L is small, relative to the products it is the difference of, to
/// which the integrator is asked to be the more accurate the larger they start. The errors of the columns may add up.
pub(super) struct ResidualNoise {
    columns: Vec<f64>,
    measured: f64,
    start: f64,
}

impl ResidualNoise {
    pub(super) fn of(evidence: &Evidence) -> Self {
        let (setting, flow) = (&evidence.setting, &evidence.setting.flow);
        let n = setting.problem().operator.cols();
        let largest = setting.start().map(|x0| x0.into_iter().fold(0.0, f64::max));
        let start = largest.filter(|_| evidence.signed()).map_or(0.0, |x0: f64| {
            flow.cancellation() * x0.powi(evidence.depth() as i32) // depth <= 64
        });
        Self {
            // a matrix-free operator has columns of about unit norm
            columns: setting.matrix().map_or_else(
                || vec![1.0; n],
                |a| a.column_iter().map(|column| column.norm()).collect(),
            ),
            measured: norm(setting.measurements()),
            start,
        }
    }

    /// At recorded time `row`, in units of |r|.
    pub(super) fn at(&self, evidence: &Evidence, row: usize) -> f64 {
        allowance(evidence, 0, row) * self.unit(evidence, row)
    }

    /// What an error of 1 in the logarithms would come to, |y| + Σ |w_j|‖a_j‖.
    pub(super) fn unit(&self, evidence: &Evidence, row: usize) -> f64 {
        let weighed = match evidence.weights(row) {
            Some(weights) => self.columns.iter().zip(weights).map(|(a, w)| a * w.abs()).sum::<f64>(),
            None => {
                let l1_norm = evidence.column("l1_norm").get(row).copied().unwrap_or(0.0);
                self.columns.iter().fold(0.0, |top: f64, a| top.max(*a)) * l1_norm
            }
        };
        let started = self.columns.iter().sum::<f64>() * self.start;
        self.measured + weighed + started
    }
}
