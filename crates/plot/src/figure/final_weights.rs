//! The weights at the end, beside the planted ones.

use super::{Figure, FigureInput};
use crate::animation::weights_at;
use crate::chart::{Axis, Chart, Colour, Dash, Level, Marker, Points, Role, Series};
use crate::error::{PlotError, same_length};
use crate::motion::Motion;

/// Found weights of at least this part of the largest one count; the others cannot be told from zero on this axis.
const LEAST: f64 = 1e-3;

/// Half the width of the bar that marks a planted value, relative to the number of coordinates.
const BAR: f64 = 0.025;

/// Room above and below the weights of all times, relative to their range.
const MARGIN: f64 = 0.04;

/// w_j at the last recorded time as a stem with a disc where there is weight, and the planted value as a bar across it.
pub(super) struct FinalWeights;

impl Figure for FinalWeights {
    fn name(&self) -> &'static str {
        "final_weights"
    }

    fn description(&self) -> &'static str {
        "The weights at the last recorded time, coordinate by coordinate, against the planted ones."
    }

    fn needs(&self) -> &'static str {
        "weights at all recorded times: ask for fewer times in `record`"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some((weights, n)) = input.weights.filter(|(weights, n)| !weights.is_empty() && *n > 0) else {
            return Ok(Vec::new());
        };
        same_length("weights", input.t.len() * n, weights.len())?;
        if let Some(truth) = input.truth {
            same_length("truth", n, truth.len())?;
        }
        let last = &weights[weights.len() - n..];
        let which = heavy(last, &planted(input));
        Ok(vec![stage(input, &which, last, Axis::linear("weight at the end"))])
    }

    fn moves(&self) -> bool {
        true
    }

    fn motion<'a>(&self, input: &FigureInput<'a>) -> Result<Option<Motion<'a>>, PlotError> {
        let (Some((weights, n)), false) = (input.weights, self.charts(input)?.is_empty()) else {
            return Ok(None);
        };
        let mut peaks = vec![0.0f64; n];
        for row in weights.chunks_exact(n) {
            peaks
                .iter_mut()
                .zip(row)
                .for_each(|(peak, w)| *peak = peak.max(w.abs()));
        }
        // a coordinate that had weight only for a while is drawn too
        let (input, which) = (*input, heavy(&peaks, &planted(input)));
        let all = weights
            .iter()
            .chain(input.truth.into_iter().flatten())
            .filter(|w| w.is_finite());
        let (low, high) = all.fold((0.0f64, 0.0f64), |(low, high), w| (low.min(*w), high.max(*w)));
        let room = MARGIN * (high - low);
        let y = Axis {
            range: (room > 0.0 && room.is_finite()).then_some((low - room, high + room)),
            ..Axis::linear("weights 𝑤_{𝑗}(𝑡)")
        };
        Ok(Some(Motion {
            about: "The weights at each time, coordinate by coordinate, against the planted ones.",
            stage: stage(&input, &which, &weights[weights.len() - n..], y),
            at: Box::new(move |t| drawing(&input, &which, &weights_at(input.t, weights, n, t))),
        }))
    }
}

/// The coordinates of the planted support.
fn planted(input: &FigureInput<'_>) -> Vec<usize> {
    input.truth_support().unwrap_or_default()
}

/// Some of the weights `now` beside the planted ones, and the axes.
fn stage(input: &FigureInput<'_>, which: &[usize], now: &[f64], y: Axis) -> Chart {
    Chart {
        title: input.heading(),
        x: Axis {
            range: Some((-1.0, now.len() as f64)), // far below 2^53
            ..Axis::whole("coordinate 𝑗")
        },
        y,
        ..drawing(input, which, now)
    }
}

/// Some of the weights `now` beside the planted ones.
fn drawing(input: &FigureInput<'_>, which: &[usize], now: &[f64]) -> Chart {
    let found = Points {
        label: format!("found 𝑤_{{𝑗}} ({})", which.len()),
        x: which.iter().map(|&j| j as f64).collect(), // far below 2^53
        y: which.iter().map(|&j| now[j]).collect(),
        bars: Vec::new(),
        colour: Colour::Role(Role::OnSupport),
        marker: Marker::Disc,
    };
    let mut series = vec![stems(which, now)];
    series.extend(input.truth.map(|truth| bars(&planted(input), truth)));
    Chart {
        levels: vec![Level {
            label: String::new(),
            value: 0.0,
            colour: Colour::Role(Role::ReferenceLevel),
            dash: Dash::Solid,
            width: 0.5,
        }],
        series,
        points: vec![found],
        ..Chart::default()
    }
}

/// The coordinates that are drawn.
fn heavy(last: &[f64], planted: &[usize]) -> Vec<usize> {
    let largest = last.iter().fold(0.0_f64, |largest, w| largest.max(w.abs()));
    let mut on_support = vec![false; last.len()];
    planted.iter().for_each(|&j| on_support[j] = true);
    (0..last.len())
        .filter(|&j| on_support[j] || last[j].abs() > LEAST * largest)
        .collect()
}

/// One broken line for all stems.
fn stems(which: &[usize], values: &[f64]) -> Series {
    let x = which.iter().flat_map(|&j| [j as f64, j as f64, f64::NAN]);
    let y = which.iter().flat_map(|&j| [0.0, values[j], f64::NAN]);
    let line = Series::line("stems", x.collect(), y.collect(), Colour::Role(Role::OnSupport));
    line.stroked(Dash::Solid, 0.7).unlisted()
}

/// One broken line for all planted values.
fn bars(planted: &[usize], truth: &[f64]) -> Series {
    let half = BAR * truth.len() as f64;
    let x = planted
        .iter()
        .flat_map(|&j| [j as f64 - half, j as f64 + half, f64::NAN]);
    let y = planted.iter().flat_map(|&j| [truth[j], truth[j], f64::NAN]);
    let label = format!("planted 𝑤*_{{𝑗}} ({})", planted.len());
    Series::line(label, x.collect(), y.collect(), Colour::Role(Role::Integral)).stroked(Dash::Solid, 1.2)
}
