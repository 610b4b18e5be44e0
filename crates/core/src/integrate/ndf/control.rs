//! Order and step size.

use super::formula::{self, MAX_ORDER};
use super::history::History;
use super::tolerance::Norm;

/// Steps grow at most by this factor at a time, and only if by at least that much.
const MAX_GROWTH: f64 = 10.0;
const WORTHWHILE: f64 = 1.15;

/// The order, and the factor on h, with which the next steps should be taken, from the differences after an accepted step
/// of order k whose error was `error` tolerances; `None`: go on as before.
pub(super) fn better(history: &History, norm: &Norm, order: usize, error: f64) -> Option<(usize, f64)> {
    let growth = |order: usize, error: f64, safety: f64| {
        let root = (order + 1) as f64; // a small integer
        1.0 / (safety * error.powf(1.0 / root)).max(1.0 / MAX_GROWTH)
    };
    let mut best = (order, growth(order, error, 1.2));
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

/// Factor on h after the error test of order k failed with `error` > 1 (or NaN) tolerances for the given time in a row.
pub(super) fn retreat(order: usize, error: f64, failures: usize) -> f64 {
    if failures > 1 || !error.is_finite() {
        return 0.25;
    }
    let root = (order + 1) as f64; // a small integer
    (0.8 / error.powf(1.0 / root)).clamp(0.1, 0.9)
}
