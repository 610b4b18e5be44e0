//! How closely the least l1 norm is enclosed.

use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Role, Series};
use crate::error::PlotError;

/// Distances below this share of the norm are rounding.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// With Q = min ‖z‖₁ over Az = y: the relative distances (Q − lower)/Q of the lower bounds and (upper − Q)/Q of the upper
/// one where Q is known, and the width (upper − lower)/lower of the best bounds found until then, which needs no Q.
pub(super) struct CertificateBracket;

impl Figure for CertificateBracket {
    fn name(&self) -> &'static str {
        "certificate_bracket"
    }

    fn description(&self) -> &'static str {
        "The distances of the bounds on the least l1 norm from both sides over time on logarithmic axes, where one that is \
         exact has no place."
    }

    fn needs(&self) -> &'static str {
        "a densely stored A with m·n·min(m, n) at most 2e7, and a run of the flow"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let (dual, polished) = (input.column("dual_bound")?, input.column("dual_bound_polished")?);
        let upper = input.column("upper_bound")?;
        let (Some(lower), Some(upper)) = (polished.or(dual), upper) else {
            return Ok(Vec::new());
        };
        let mut series = Vec::new();
        let least = input.references.iter().find(|(name, _)| name == "basis_pursuit");
        if let Some(least) = least.map(|(_, norm)| *norm).filter(|norm| *norm > 0.0) {
            let distance =
                |values: &[f64], sign: f64| values.iter().map(|v| visible(sign * (v - least) / least)).collect();
            let mut line = |label: &str, values: Option<&[f64]>, sign: f64, role: Role, dash: Dash, width: f64| {
                let line = values.map(|values| input.over_time(label, distance(values, sign), Colour::Role(role)));
                series.extend(line.map(|line| line.stroked(dash, width)));
            };
            line("upper bound", Some(upper), 1.0, Role::L1Norm, Dash::Solid, 2.4);
            line("dual bound", dual, -1.0, Role::DualBound, Dash::DashDot, 1.0);
            line(
                "dual bound, polished",
                polished,
                -1.0,
                Role::DualBound,
                Dash::Solid,
                1.2,
            );
        }
        series.push(width(input, lower, upper));
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::log10("relative to the least ‖𝑧‖₁"),
            series,
            ..Chart::default()
        }])
    }
}

/// A distance that is more than rounding.
fn visible(distance: f64) -> f64 {
    if distance > ROUNDING { distance } else { f64::NAN }
}

/// Bounds hold at all times, so that the best ones so far enclose the norm.
fn width(input: &FigureInput<'_>, lower: &[f64], upper: &[f64]) -> Series {
    let (mut low, mut high) = (f64::NAN, f64::NAN);
    let best = |(l, u): (&f64, &f64)| {
        (low, high) = (l.max(low), u.min(high));
        if low > 0.0 {
            visible((high - low) / low)
        } else {
            f64::NAN
        }
    };
    let widths = lower.iter().zip(upper).map(best).collect();
    let line = input.over_time("width of the best bracket", widths, Colour::Role(Role::Integral));
    line.stroked(Dash::Dashed, 0.9)
}
