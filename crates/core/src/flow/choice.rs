//! Which formulation serves a model, and the time unit of its escape from zero.

use std::sync::Arc;

use super::{DualFlow, FactorFlow, Flow, Formulation, LogFlow};
use crate::error::{CoreError, Result};
use crate::initialization::{Model, Start};
use crate::problem::Problem;

/// A flow together with the reason it was chosen.
#[derive(Clone)]
pub struct Choice {
    /// The flow to integrate.
    pub flow: Arc<dyn Flow>,
    /// One sentence: why this formulation.
    pub reason: String,
}

/// T(α): log(1/α) for L = 2, α^{2−L}/(L−2) for L > 2: the flow leaves 0 at about T/max|Aᵀy|.
///
/// For α ≥ 1 and L = 2 there is no plateau and T is of no meaning; it is then taken as 1.
pub fn time_unit(depth: usize, alpha: f64) -> f64 {
    if depth == 2 {
        let t = -alpha.ln();
        if t > 0.0 { t } else { 1.0 }
    } else {
        alpha.powi(2 - depth as i32) / (depth as f64 - 2.0) // depth <= 64
    }
}

/// Largest rounding error of s = Aᵀq relative to the distance from its barrier, for w of size 1: eps·x0^{2−L}.
fn dual_rounding(depth: usize, x0: &[f64]) -> f64 {
    let smallest = x0.iter().fold(f64::INFINITY, |a, &b| a.min(b));
    if depth == 2 {
        0.0
    } else {
        1e-15 * smallest.powi(2 - depth as i32)
    } // depth <= 64
}

/// The flow of `model` on `problem`, in the wanted formulation or the best one for `tolerance`.
pub fn choose(
    problem: &Problem,
    model: &Model,
    seed: u64,
    wanted: Option<Formulation>,
    tolerance: f64,
) -> Result<Choice> {
    let start = model.start(problem.operator.cols(), seed)?;
    let Start::Identical(x0) = &start else {
        return match wanted {
            None | Some(Formulation::Factor) => factor(problem, model, &start, "the factors start differently".into()),
            Some(other) => Err(CoreError::Unsupported {
                what: format!(
                    "the {} flow needs all factors to start alike",
                    other.name().to_lowercase()
                ),
                hint: "formulation: Factor (or Auto)",
            }),
        };
    };
    check_time_scale(model.depth, x0)?;
    let rounding = dual_rounding(model.depth, x0);
    let log = |reason: String| {
        let flow = Arc::new(LogFlow::new(problem.clone(), model.depth, model.sign, x0)?);
        Ok(Choice { flow, reason })
    };
    let dual = |reason: String| {
        let flow = Arc::new(DualFlow::new(problem.clone(), model.depth, model.sign, x0)?);
        Ok(Choice { flow, reason })
    };
    match wanted {
        Some(Formulation::Factor) => factor(problem, model, &start, "requested".into()),
        Some(Formulation::Log) => log("requested".into()),
        Some(Formulation::Dual) => dual("requested".into()),
        None if model.depth == 2 => dual("identical start, depth 2: the dual flow holds at every scale".into()),
        // A tenth: at the limit itself Newton's iteration already fights with rounding.
        None if rounding <= 0.1 * tolerance => dual(format!(
            "identical start; rounding of the dual variable costs {rounding:.0e} in w, within the tolerance"
        )),
        None => log(format!(
            "identical start; the dual variable would cost {rounding:.0e} in w by rounding"
        )),
    }
}

/// The factors of `model` on `problem`, for gradient descent: where u v shrinks by a known product, it is carried along.
pub fn descent(problem: &Problem, model: &Model, seed: u64) -> Result<Choice> {
    let start = model.start(problem.operator.cols(), seed)?;
    if let Start::Identical(x0) = &start {
        check_time_scale(model.depth, x0)?;
    }
    let flow = FactorFlow::new(problem.clone(), model.depth, model.sign, &start)?.with_shrinkage();
    Ok(Choice {
        flow: Arc::new(flow),
        reason: "gradient descent moves the factors themselves".into(),
    })
}

fn factor(problem: &Problem, model: &Model, start: &Start, reason: String) -> Result<Choice> {
    let flow = Arc::new(FactorFlow::new(problem.clone(), model.depth, model.sign, start)?);
    Ok(Choice { flow, reason })
}

/// The clock must be a double: x0^{2−L} far below the overflow threshold.
fn check_time_scale(depth: usize, x0: &[f64]) -> Result<()> {
    let smallest = x0.iter().fold(f64::INFINITY, |a, &b| a.min(b));
    let decades = (2.0 - depth as f64) * smallest.log10();
    if decades > 150.0 {
        return Err(CoreError::OutOfRange {
            field: "model.initialization",
            value: format!("{smallest:e} at depth {depth}"),
            requirement: "the escape time alpha^(2-L) must stay below 1e150: use a larger alpha or a smaller depth",
        });
    }
    Ok(())
}
