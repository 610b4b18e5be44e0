//! Order and step size.

use super::formula::{self, MAX_ORDER};
use super::history::History;
use super::tolerance::Norm;

/// Steps grow at most by this factor at a time, and only if by at least that much.
const MAX_GROWTH: f64 = 10.0;
const WORTHWHILE: f64 = 1.15;
/// By which a step stays below what the error allows.
const SAFETY: f64 = 1.2;
/// Growth of the error from one step to the next that is believed, and the error that is then aimed at.
const MAX_TREND: f64 = 3.0;
const AIM: f64 = 0.25;

/// The order, and the factor on h, with which the next steps should be taken after `steady` steps of order k at one h, the
/// last two of which had these errors, in tolerances; `None`: go on as before.
pub(super) fn next(
    history: &History,
    norm: &Norm,
    order: usize,
    steady: usize,
    [last, error]: [f64; 2],
) -> Option<(usize, f64)> {
    // the differences are those of one h after k + 1 steps, the errors after two
    let better = (steady > order).then(|| better(history, norm, order, error));
    better
        .flatten()
        .or_else(|| (steady > 1).then(|| ahead(order, error, last)).flatten())
}

/// Whether steps are likely to change after the next one, which would be the `steady`th at its h, if its error is about `last`.
pub(super) fn is_due(order: usize, steady: usize, last: f64) -> bool {
    let root = (order + 1) as f64; // a small integer
    steady > order && WORTHWHILE * SAFETY * last.powf(1.0 / root) <= 1.0
}

/// What promises larger steps, if anything does.
fn better(history: &History, norm: &Norm, order: usize, error: f64) -> Option<(usize, f64)> {
    let growth = |order: usize, error: f64, safety: f64| {
        let root = (order + 1) as f64; // a small integer
        1.0 / (safety * error.powf(1.0 / root)).max(1.0 / MAX_GROWTH)
    };
    let mut best = (order, growth(order, error, SAFETY));
    if order > 1 {
        let lower = formula::error_constant(order - 1).abs() * norm.of(history.row(order));
        let growth = growth(order - 1, lower, 1.3);
        if growth > best.1 {
            best = (order - 1, growth);
        }
    }
    if order < MAX_ORDER {
        let upper = formula::error_constant(order + 1).abs() * norm.of(history.row(order + 2));
        let growth = growth(order + 1, upper, 1.4);
        if growth > best.1 {
            best = (order + 1, growth);
        }
    }
    (best.1 >= WORTHWHILE).then_some(best)
}

/// A smaller h where the next step at this h is expected to fail: errors go on growing by the factor of the last step.
///
/// A step that fails costs its passes over A, a shorter one nothing; and errors of a factor that is about to leave its plateau
/// grow from step to step, while h is held for the differences to settle.
fn ahead(order: usize, error: f64, last: f64) -> Option<(usize, f64)> {
    let expected = error * (error / last).clamp(1.0, MAX_TREND);
    let root = (order + 1) as f64; // a small integer
    (expected > 1.0).then(|| (order, (AIM / expected).powf(1.0 / root)))
}

/// Factor on h after the error test of order k failed with `error` > 1 (or NaN) tolerances for the given time in a row.
pub(super) fn retreat(order: usize, error: f64, failures: usize) -> f64 {
    if failures > 1 || !error.is_finite() {
        return 0.25;
    }
    let root = (order + 1) as f64; // a small integer
    (0.8 / error.powf(1.0 / root)).clamp(0.1, 0.9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_due_to_grow_after_small_errors() {
        assert!(
            is_due(3, 4, 0.2) && !is_due(3, 4, 0.4),
            "1.15·1.2·0.25^(1/4) is about 1"
        );
        assert!(!is_due(3, 3, 1e-3), "the differences are not yet those of one h");
    }

    #[test]
    fn a_step_is_shortened_where_the_growth_of_errors_leads_beyond_a_tolerance() {
        assert_eq!(ahead(3, 0.6, 0.5), None);
        assert_eq!(ahead(3, 0.9, 2.0), None, "errors that fall are not extrapolated");
        // 0.8·(0.8/0.5) = 1.28 is expected, and at h·(0.25/1.28)^(1/4) a quarter
        let (order, factor) = ahead(3, 0.8, 0.5).unwrap();
        assert_eq!(order, 3);
        assert!((1.28 * factor.powi(4) - AIM).abs() <= 1e-15, "{factor}");
        let (_, factor) = ahead(1, 0.5, 0.001).unwrap();
        assert!(
            (1.5 * factor.powi(2) - AIM).abs() <= 1e-15,
            "no growth beyond {MAX_TREND}: {factor}"
        );
    }
}
