//! The weights over time, coordinate by coordinate.

use super::bundle::Bundle;
use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Level, Role};
use crate::error::{PlotError, same_length};
use crate::motion::Motion;

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

    fn needs(&self) -> &'static str {
        "weights at all recorded times: ask for fewer times in `record`"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some((weights, n)) = input.weights else {
            return Ok(Vec::new());
        };
        same_length("weights", input.t.len() * n, weights.len())?;
        let Some(support) = input.support()? else {
            return Ok(Vec::new());
        };
        let bundle = Bundle::new(input, weights, n, &support, "𝑤_{𝑗}");
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::linear("weights 𝑤_{𝑗}(𝑡)"),
            bands: bundle.bands,
            levels: levels(input, &support),
            series: bundle.lines,
            ..Chart::default()
        }])
    }

    fn moves(&self) -> bool {
        true
    }

    fn motion<'a>(&self, input: &FigureInput<'a>) -> Result<Option<Motion<'a>>, PlotError> {
        let chart = self.charts(input)?.into_iter().next();
        Ok(chart.map(|chart| Motion::growing(chart, self.description())))
    }
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
