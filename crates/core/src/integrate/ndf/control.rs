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
/// By how much a step that is taken again stays below what the error allows: the differences are now those of two steps.
const RETREAT: f64 = 0.72;
/// A plan for larger steps is given up where the error has grown by that much.
const STILL: f64 = 1.4;

/// The order, and the factor on h, with which the next steps should be taken after `steady` steps of order k at one h, the
/// last two of which had these errors, in tolerances; `None`: go on as before.
pub(super) fn next(
    history: &History,
    norm: &Norm,
    order: usize,
    steady: usize,
    errors: [f64; 2],
) -> Option<(usize, f64)> {
    // the differences are those of one h after k + 1 steps
    let better = (steady > order).then(|| better(history, norm, order, errors[1]));
    better.flatten().or_else(|| shorter(order, steady, errors))
}

/// Whether steps are likely to change after the next one, which would be the `steady`th at its h, if its error is about `last`.
pub(super) fn is_due(order: usize, steady: usize, last: f64) -> bool {
    let root = (order + 1) as f64; // a small integer
    steady > order && WORTHWHILE * SAFETY * last.powf(1.0 / root) <= 1.0
}

/// What is intended for the step after the next one, before the next one is taken: see [`super::ahead`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    /// Order, and factor on h.
    pub(super) order: usize,
    pub(super) factor: f64,
    /// Whether that is a change, and the error of the next step up to which it is made.
    changes: bool,
    limit: f64,
}

impl Plan {
    /// To go on as before.
    pub(super) fn steady(order: usize) -> Self {
        Self {
            order,
            factor: 1.0,
            changes: false,
            limit: f64::INFINITY,
        }
    }

    /// Larger steps, if anything promises them after `steady` steps of order k at one h, the last of which had that error.
    pub(super) fn larger(history: &History, norm: &Norm, order: usize, steady: usize, error: f64) -> Self {
        // after one more step, the differences are those of one h
        let better = (steady >= order.max(2)).then(|| better(history, norm, order, error));
        better.flatten().map_or(Self::steady(order), |(order, factor)| Self {
            order,
            factor,
            changes: true,
            limit: STILL * error,
        })
    }

    /// The order and factor to go on with after the step it was made for, and whether that is the plan: see [`next`].
    pub(super) fn carried_out(self, order: usize, steady: usize, errors: [f64; 2]) -> (Option<(usize, f64)>, bool) {
        if self.changes && errors[1] <= self.limit {
            return (Some((self.order, self.factor)), true);
        }
        let shorter = shorter(order, steady, errors);
        (shorter, !self.changes && shorter.is_none())
    }
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
fn shorter(order: usize, steady: usize, [last, error]: [f64; 2]) -> Option<(usize, f64)> {
    let expected = error * (error / last).clamp(1.0, MAX_TREND);
    let root = (order + 1) as f64; // a small integer
    // the errors are those of one h after two steps
    (steady > 1 && expected > 1.0).then(|| (order, (AIM / expected).powf(1.0 / root)))
}

/// Factor on h after the error test of order k failed with `error` > 1 (or NaN) tolerances for the given time in a row.
pub(super) fn retreat(order: usize, error: f64, failures: usize) -> f64 {
    if failures > 1 || !error.is_finite() {
        return 0.25;
    }
    let root = (order + 1) as f64; // a small integer
    (RETREAT / error.powf(1.0 / root)).max(0.1)
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
        assert_eq!(shorter(3, 2, [0.5, 0.6]), None);
        assert_eq!(shorter(3, 2, [2.0, 0.9]), None, "errors that fall are not extrapolated");
        // 0.8·(0.8/0.5) = 1.28 is expected, and at h·(0.25/1.28)^(1/4) a quarter
        let (order, factor) = shorter(3, 2, [0.5, 0.8]).unwrap();
        assert_eq!(order, 3);
        assert!((1.28 * factor.powi(4) - AIM).abs() <= 1e-15, "{factor}");
        let (_, factor) = shorter(1, 2, [0.001, 0.5]).unwrap();
        assert!(
            (1.5 * factor.powi(2) - AIM).abs() <= 1e-15,
            "no growth beyond {MAX_TREND}: {factor}"
        );
    }

    #[test]
    fn a_plan_is_carried_out_unless_the_error_has_grown() {
        let plan = Plan {
            order: 4,
            factor: 1.3,
            changes: true,
            limit: 0.3,
        };
        assert_eq!(plan.carried_out(3, 4, [0.2, 0.29]), (Some((4, 1.3)), true));
        assert_eq!(
            plan.carried_out(3, 4, [0.2, 0.31]),
            (None, false),
            "what was looked at is another step"
        );
        let (shorter, planned) = plan.carried_out(3, 4, [0.5, 0.8]);
        assert!(shorter.is_some_and(|(order, factor)| order == 3 && factor < 1.0) && !planned);
        assert_eq!(Plan::steady(3).carried_out(3, 4, [0.2, 0.31]), (None, true));
        assert!(!Plan::steady(3).carried_out(3, 4, [0.5, 0.8]).1);
    }
}
