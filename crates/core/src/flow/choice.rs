//! Which formulation serves a model, and the time unit of its escape from zero.

use std::sync::Arc;

use super::{DualFlow, FactorFlow, Flow, Formulation, LogFlow};
use crate::error::{CoreError, Result};
use crate::initialization::{Model, Sign, Start};
use crate::problem::Problem;

/// A flow together with the reason it was chosen.
#[derive(Clone)]
pub struct Choice {
    /// The flow to integrate.
    pub flow: Arc<dyn Flow>,
    /// One sentence: why this formulation.
    pub reason: String,
}

/// Blur of w by rounding of the dual variable that no stop notices.
const FINEST_BLUR: f64 = 1e-10;

/// |Az − y|/|y| of a truth that solves.
const SOLVED: f64 = 1e-12;

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

/// The flow of `model` on `problem`, in the wanted formulation or the best one for `tolerance`.
pub fn choose(
    problem: &Problem,
    model: &Model,
    seed: u64,
    wanted: Option<Formulation>,
    tolerance: f64,
) -> Result<Choice> {
    let start = model.start(problem.operator.cols(), seed)?;
    check_scales(problem, model.depth, &start)?;
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
    let log = |reason: String| -> Result<Choice> {
        let flow = Arc::new(LogFlow::new(problem.clone(), model.depth, model.sign, x0)?);
        Ok(Choice { flow, reason })
    };
    let dual = DualFlow::new(problem.clone(), model.depth, model.sign, x0)?;
    let rounding = dual.rounding();
    let dual = |reason: String| -> Result<Choice> {
        let flow = Arc::new(dual);
        Ok(Choice { flow, reason })
    };
    match wanted {
        Some(Formulation::Factor) => factor(problem, model, &start, "requested".into()),
        Some(Formulation::Log) => log("requested".into()),
        Some(Formulation::Dual) => dual("requested".into()),
        None if model.depth == 2 => dual("identical start, depth 2: the dual flow holds at every scale".into()),
        // Where nothing nonnegative reaches y, q grows without end, and for L > 2 rounding of it is in the end all that is
        // left of the slacks of the support.
        None if model.sign == Sign::Positive && !truth_solves(problem) => log(
            "identical start; whether nonnegative weights reach y is not known, and where none do the dual variable diverges"
                .into(),
        ),
        // A tenth: at the limit itself Newton's iteration already fights with rounding. And a blur of w above 1e-10 would
        // hide from `Stationary(1e-9)`, the usual stop where y cannot be reached, that the flow is at rest.
        None if rounding <= (0.1 * tolerance).min(FINEST_BLUR) => dual(format!(
            "identical start; rounding of the dual variable costs {rounding:.0e} in w, within the tolerance"
        )),
        None => log(format!(
            "identical start; the dual variable would cost {rounding:.0e} in w by rounding"
        )),
    }
}

/// Whether there is a truth z with Az = y, up to rounding.
fn truth_solves(problem: &Problem) -> bool {
    let Some(truth) = &problem.truth else {
        return false;
    };
    let mut image = vec![0.0; problem.rows()];
    problem.operator.apply(truth, &mut image);
    let squares = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>();
    let size = squares(&mut problem.measurements.iter().copied());
    let rest = squares(&mut image.iter().zip(&problem.measurements).map(|(a, y)| a - y));
    rest <= SOLVED * SOLVED * size
}

/// The factors of `model` on `problem`, for gradient descent: where u v shrinks by a known product, it is carried along.
pub fn descent(problem: &Problem, model: &Model, seed: u64) -> Result<Choice> {
    let start = model.start(problem.operator.cols(), seed)?;
    check_scales(problem, model.depth, &start)?;
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

/// The loss and the clock must be doubles with room to spare: ½|y|² and the escape time 1/(x0^{L−2} ‖Aᵀy‖_∞).
fn check_scales(problem: &Problem, depth: usize, start: &Start) -> Result<()> {
    let largest = |v: &[f64]| v.iter().fold(0.0f64, |a, y| a.max(y.abs()));
    let size = largest(&problem.measurements);
    if size == 0.0 {
        return Ok(()); // nothing to fit: the flow is at rest
    }
    if !(1e-130..=1e130).contains(&size) {
        return Err(CoreError::OutOfRange {
            field: "problem.measurements",
            value: format!("{size:e}"),
            requirement: "the largest |y| must lie in [1e-130, 1e130], where the loss |y|^2/2 is a double: \
                          choose another unit for y (w and alpha^L change in proportion)",
        });
    }
    // A^T (y/size), so that nothing underflows before its logarithm is taken
    let unit: Vec<f64> = problem.measurements.iter().map(|y| y / size).collect();
    let mut pull = vec![0.0; problem.operator.cols()];
    problem.operator.apply_adjoint(&unit, &mut pull);
    let pull = largest(&pull);
    if pull == 0.0 {
        return Ok(()); // no weight is pulled: at rest, too
    }
    let smallest = start.smallest();
    let decades = -(pull.log10() + size.log10() + (depth as f64 - 2.0) * smallest.log10()); // depth <= 64
    if (-100.0..=150.0).contains(&decades) {
        return Ok(());
    }
    let by_start = (2.0 - depth as f64) * smallest.log10() > decades.abs() / 2.0;
    Err(CoreError::OutOfRange {
        field: if by_start { "model.initialization" } else { "problem" },
        value: if by_start {
            format!("{smallest:e} at depth {depth}")
        } else {
            format!("|A^T y| of about 1e{:.0}", pull.log10() + size.log10())
        },
        requirement: if by_start {
            "the escape time alpha^(2-L)/|A^T y| must stay below 1e150: use a larger alpha or a smaller depth"
        } else {
            "the escape time alpha^(2-L)/|A^T y| must lie in [1e-100, 1e150]: choose another unit for A and y \
             (A, y -> k A, k y leaves w unchanged and divides the time by k^2)"
        },
    })
}
