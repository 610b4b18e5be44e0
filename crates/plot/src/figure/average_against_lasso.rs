//! The time average of the flow beside the lasso path.

use hadaflow_analysis::time_average::TimeAverage;

use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Role, Series};
use crate::error::{PlotError, same_length};

/// At most so many coordinates are drawn.
const MOST_LINES: usize = 12;
/// The figure begins before the first coordinate of the lasso appears and ends after its last change, by these factors.
const AROUND: (f64, f64) = (0.5, 4.0);

/// w̄(t) = (1/t)∫₀ᵗ w and x(λ), λ = T(α)/t, coordinate by coordinate against τ = t/T(α); and how far w̄ is from the least
/// value of the lasso's objective, below the bound by the duality gap.
pub(super) struct AverageAgainstLasso;

impl Figure for AverageAgainstLasso {
    fn name(&self) -> &'static str {
        "average_against_lasso"
    }

    fn description(&self) -> &'static str {
        "The time average of the flow against the lasso solution with penalty T(α)/t, coordinate by coordinate, and the \
         excess of its objective with the bound by the duality gap."
    }

    fn needs(&self) -> &'static str {
        "an identical start below 1, such as `initialization: Identical(1e-3)`, a densely stored A with m·n·min(m, n) at \
         most 2e7, and data that pull some weight"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some(known) = input.average else {
            return Ok(Vec::new());
        };
        let (k, n) = (known.tau.len(), known.dimension);
        for (what, found, expected) in [
            ("averages", known.average.len(), k * n),
            ("lasso solutions", known.lasso.len(), k * n),
            ("excess", known.excess.len(), k),
            ("duality gap", known.gap.len(), k),
        ] {
            same_length(what, expected, found)?;
        }
        let x = Axis {
            range: range(known),
            ..Axis::log10("τ = 𝑡 / 𝑇(α) = 1 / λ")
        };
        let paths = Chart {
            title: input.heading(),
            x: x.clone(),
            y: Axis::linear("time average and lasso"),
            series: paths(known),
            ..Chart::default()
        };
        // what lies before the frame would only stretch its height
        let begin = x.range.map_or(0.0, |(begin, _)| begin);
        let over = |label: &str, y: &[f64], role| {
            let shown = known
                .tau
                .iter()
                .zip(y)
                .map(|(tau, y)| if *tau < begin { f64::NAN } else { *y });
            Series::line(label, known.tau.clone(), shown.collect(), Colour::Role(role))
        };
        let excess = Chart {
            title: input.heading(),
            x,
            y: Axis::log10("relative excess of the lasso objective"),
            series: vec![
                over("of the average 𝑤̄(𝑡)", &known.excess, Role::Divergence).stroked(Dash::Solid, 1.4),
                over("bound by the duality gap", &known.gap, Role::DualBound).stroked(Dash::Dashed, 1.0),
            ],
            ..Chart::default()
        };
        Ok(vec![paths, excess])
    }
}

/// Where the path is not constant.
fn range(known: &TimeAverage) -> Option<(f64, f64)> {
    let (first, last) = known.span?;
    let end = known
        .tau
        .iter()
        .copied()
        .filter(|tau| tau.is_finite())
        .fold(first, f64::max);
    let range = (AROUND.0 * first, (AROUND.1 * last).min(end));
    (range.0 > 0.0 && range.1 > range.0).then_some(range)
}

/// Broad lines of the average with thin ones of the lasso on top, and where the path turns back, if it does.
fn paths(known: &TimeAverage) -> Vec<Series> {
    let n = known.dimension;
    let chosen = largest(&known.lasso, n);
    let path = |values: &[f64], j: usize| values.iter().skip(j).step_by(n).copied().collect::<Vec<_>>();
    let mut series = Vec::new();
    let mut draw = |label: &str, values: &[f64], colour: Colour, dash: Dash, width: f64| {
        for (place, &j) in chosen.iter().enumerate() {
            let line = Series::line(label, known.tau.clone(), path(values, j), colour).stroked(dash, width);
            series.push(if place == 0 { line } else { line.unlisted() });
        }
    };
    let average = "average 𝑤̄_{𝑗}(𝑡)";
    draw(average, &known.average, Colour::Role(Role::OnSupport), Dash::Solid, 2.0);
    draw("lasso 𝑥_{𝑗}(λ)", &known.lasso, Colour::Ink, Dash::Dashed, 0.8);
    if let Some(turn) = known.reversal {
        let drawn = || series.iter().flat_map(|line| &line.y).filter(|y| y.is_finite());
        let (low, high) = (
            drawn().fold(0.0, |a: f64, y| a.min(*y)),
            drawn().fold(0.0, |a: f64, y| a.max(*y)),
        );
        let mark = Series::line(
            "no prediction beyond",
            vec![turn; 2],
            vec![low, high],
            Colour::Role(Role::ReferenceLevel),
        );
        series.push(mark.stroked(Dash::Dotted, 1.0));
    }
    series
}

/// The coordinates that are largest somewhere on the path, in increasing order; those that are always zero are none.
fn largest(path: &[f64], n: usize) -> Vec<usize> {
    let mut size = vec![0.0f64; n];
    for row in path.chunks_exact(n.max(1)) {
        size.iter_mut().zip(row).for_each(|(size, x)| *size = size.max(x.abs()));
    }
    let mut order: Vec<usize> = (0..n).filter(|&j| size[j] > 0.0).collect();
    order.sort_by(|&a, &b| size[b].total_cmp(&size[a]).then(a.cmp(&b)));
    order.truncate(MOST_LINES);
    order.sort_unstable();
    order
}
