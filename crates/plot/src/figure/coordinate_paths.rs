//! The weights over time, coordinate by coordinate.

use super::{Figure, FigureInput};
use crate::chart::{Axis, Band, Chart, Colour, Dash, Level, Role, Series};
use crate::error::{PlotError, same_length};

/// Without a planted signal, this many largest final weights count as the support.
const LARGEST: usize = 8;
/// At most this many coordinates are drawn as lines of their own.
const MOST_LINES: usize = 24;
/// Planted values are marked when there are at most this many.
const MOST_LEVELS: usize = 12;

/// Each coordinate on the support as a line, the others as the band they fill and the mean of their magnitudes.
pub(super) struct CoordinatePaths;

impl Figure for CoordinatePaths {
    fn name(&self) -> &'static str {
        "coordinate_paths"
    }

    fn description(&self) -> &'static str {
        "The weights over time: one line for each coordinate on the support, a band for all the others."
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some((weights, n)) = input.weights else {
            return Ok(Vec::new());
        };
        same_length("weights", input.t.len() * n, weights.len())?;
        if let Some(truth) = input.truth {
            same_length("truth", n, truth.len())?;
        }
        if weights.is_empty() {
            return Ok(Vec::new());
        }
        let last = &weights[weights.len() - n..];
        let support = input.truth_support().unwrap_or_else(|| largest(last));
        let mut series = paths(input, weights, n, &support);
        let mut bands = Vec::new();
        if support.len() < n {
            let others = Others::of(weights, n, &support);
            let mean = input.over_time("off support: mean |𝑤_{𝑗}|", others.mean, Colour::Role(Role::OffSupport));
            series.push(mean.stroked(Dash::Dashed, 0.9));
            bands.push(Band {
                label: "off support: range".to_owned(),
                x: input.t.to_vec(),
                lower: others.lower,
                upper: others.upper,
                colour: Colour::Role(Role::OffSupport),
            });
        }
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::linear("weights 𝑤_{𝑗}(𝑡)"),
            bands,
            levels: levels(input, &support),
            series,
            ..Chart::default()
        }])
    }
}

/// Positions of the largest magnitudes, in increasing order; those that are not numbers count as smallest.
fn largest(row: &[f64]) -> Vec<usize> {
    let size = |j: usize| if row[j].is_nan() { -1.0 } else { row[j].abs() };
    let mut order: Vec<usize> = (0..row.len()).collect();
    let count = LARGEST.min(row.len());
    if count < row.len() {
        order.select_nth_unstable_by(count, |&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    }
    order.truncate(count);
    order.sort_unstable();
    order
}

/// The lines of the support, evenly chosen by final size when there are too many; the legend lists them once.
fn paths(input: &FigureInput<'_>, weights: &[f64], n: usize, support: &[usize]) -> Vec<Series> {
    let last = &weights[weights.len() - n..];
    let mut order = support.to_vec();
    order.sort_by(|&a, &b| last[a].total_cmp(&last[b]).then(a.cmp(&b)));
    let shown = order.len().min(MOST_LINES);
    let chosen = (0..shown).map(|i| {
        order[if shown > 1 {
            i * (order.len() - 1) / (shown - 1)
        } else {
            0
        }]
    });
    let name = match (input.truth.is_some(), shown == order.len()) {
        (true, true) => format!("on support ({shown})"),
        (true, false) => format!("on support ({shown} of {})", order.len()),
        (false, _) => format!("{shown} largest final |𝑤_{{𝑗}}|"),
    };
    let line = |(i, j): (usize, usize)| {
        let path = weights.iter().skip(j).step_by(n).copied().collect();
        let label = if i == 0 { name.clone() } else { format!("𝑤_{{{j}}}") };
        let line = input.over_time(label, path, Colour::Role(Role::OnSupport));
        if i == 0 { line } else { line.unlisted() }
    };
    chosen.enumerate().map(line).collect()
}

/// The planted values as thin levels, listed once.
fn levels(input: &FigureInput<'_>, support: &[usize]) -> Vec<Level> {
    let Some(truth) = input.truth else { return Vec::new() };
    if support.len() > MOST_LEVELS {
        return Vec::new();
    }
    let level = |(i, &j): (usize, &usize)| Level {
        label: if i == 0 {
            "planted values 𝑤*_{𝑗}".to_owned()
        } else {
            String::new()
        },
        value: truth[j],
        colour: Colour::Role(Role::ReferenceLevel),
        dash: Dash::Dotted,
        width: 0.7,
    };
    support.iter().enumerate().map(level).collect()
}

/// What the coordinates off the support do together, at each time; those that are not numbers are ignored.
struct Others {
    lower: Vec<f64>,
    upper: Vec<f64>,
    mean: Vec<f64>,
}

impl Others {
    /// One pass over the k × n weights.
    fn of(weights: &[f64], n: usize, support: &[usize]) -> Self {
        let mut on_support = vec![false; n];
        support.iter().for_each(|&j| on_support[j] = true);
        let mut others = Self {
            lower: Vec::new(),
            upper: Vec::new(),
            mean: Vec::new(),
        };
        for row in weights.chunks_exact(n) {
            let (mut lower, mut upper, mut sum, mut count) = (f64::NAN, f64::NAN, 0.0, 0_u32);
            for (&w, _) in row.iter().zip(&on_support).filter(|(w, on)| !**on && !w.is_nan()) {
                lower = w.min(lower);
                upper = w.max(upper);
                sum += w.abs();
                count += 1;
            }
            others.lower.push(lower);
            others.upper.push(upper);
            others
                .mean
                .push(if count == 0 { f64::NAN } else { sum / f64::from(count) });
        }
        others
    }
}
