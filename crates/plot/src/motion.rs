//! Figures in motion: what a chart shows up to a time, in the frame of the whole.

use crate::chart::{Band, Chart, Colour, Marker, Points, Role, Scale, Series};
use crate::scale::vertical;

/// A figure that moves: the chart whose axes and legend stand still, and what is inside its frame at a time.
pub struct Motion<'a> {
    /// One sentence on what is seen.
    pub about: &'static str,
    /// Axes, legend and captions.
    pub stage: Chart,
    /// What is drawn at the time t.
    pub at: Box<dyn Fn(f64) -> Chart + 'a>,
}

impl Motion<'_> {
    /// A chart over time whose curves grow.
    pub(crate) fn growing(chart: Chart, about: &'static str) -> Self {
        Self {
            about,
            stage: chart.clone(),
            at: Box::new(move |t| until(&chart, t)),
        }
    }
}

/// The curves of a chart over time up to the time t, a line that marks t, and a dot at the end of each curve.
fn until(chart: &Chart, t: f64) -> Chart {
    let scale = chart.x.scale;
    let series: Vec<Series> = chart
        .series
        .iter()
        .map(|line| {
            let (x, [y]) = cut(&line.x, [&line.y], t, scale);
            Series { x, y, ..line.clone() }
        })
        .collect();
    let bands = chart.bands.iter().map(|band| {
        let (x, [lower, upper]) = cut(&band.x, [&band.lower, &band.upper], t, scale);
        Band {
            x,
            lower,
            upper,
            ..band.clone()
        }
    });
    let ends = series.iter().filter_map(|line| {
        let (&x, &y) = (line.x.last()?, line.y.last()?);
        Some(Points {
            label: String::new(),
            x: vec![x],
            y: vec![y],
            bars: Vec::new(),
            colour: line.colour,
            marker: Marker::Disc,
        })
    });
    Chart {
        bands: bands.collect(),
        points: ends.collect(),
        series: std::iter::once(mark(chart, t)).chain(series.iter().cloned()).collect(),
        ..chart.clone()
    }
}

/// The line across the frame at the time t.
fn mark(chart: &Chart, t: f64) -> Series {
    let span = vertical(chart);
    let ends = match span.scale {
        Scale::Linear => vec![span.low, span.high],
        Scale::Log10 => vec![10f64.powf(span.low), 10f64.powf(span.high)],
    };
    let line = Series::line("now", vec![t, t], ends, Colour::Role(Role::ReferenceLevel));
    Series { width: 0.6, ..line }.unlisted()
}

/// The points up to t, the last one on the straight line that the chart draws between its neighbours.
fn cut<const N: usize>(x: &[f64], y: [&[f64]; N], t: f64, scale: Scale) -> (Vec<f64>, [Vec<f64>; N]) {
    let count = x.partition_point(|x| *x <= t);
    let (mut times, mut values) = (x[..count].to_vec(), y.map(|y| y[..count].to_vec()));
    if (1..x.len()).contains(&count) && x[count - 1] < t {
        let share = share(x[count - 1], x[count], t, scale);
        for (values, y) in values.iter_mut().zip(y) {
            values.push(y[count - 1] + share * (y[count] - y[count - 1]));
        }
        times.push(t);
    }
    (times, values)
}

/// How far t is on the way from a to b on an axis; at b where a has no place on it.
pub(crate) fn share(a: f64, b: f64, t: f64, scale: Scale) -> f64 {
    match scale {
        Scale::Log10 if a > 0.0 => (t / a).ln() / (b / a).ln(),
        Scale::Log10 => 1.0,
        Scale::Linear => (t - a) / (b - a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Axis;

    fn chart() -> Chart {
        let x = vec![0.0, 1.0, 100.0, 10_000.0];
        Chart {
            x: Axis::log10("𝑡"),
            series: vec![Series::line(
                "a",
                x.clone(),
                vec![0.0, 1.0, 3.0, 7.0],
                Colour::Palette(0),
            )],
            bands: vec![Band {
                label: "b".to_owned(),
                x,
                lower: vec![0.0; 4],
                upper: vec![0.0, 2.0, 4.0, 6.0],
                colour: Colour::Palette(1),
            }],
            ..Chart::default()
        }
    }

    #[test]
    fn curves_end_at_the_time_on_the_line_that_is_drawn() {
        let motion = Motion::growing(chart(), "A line.");
        let shown = (motion.at)(10.0);
        let [mark, line] = &shown.series[..] else {
            panic!("the mark and the curve")
        };
        assert_eq!(line.x, [0.0, 1.0, 10.0]);
        assert!(
            (line.y[2] - 2.0).abs() < 1e-15,
            "half way from 1 to 100 on the axis: {:?}",
            line.y
        );
        assert!((shown.bands[0].upper[2] - 3.0).abs() < 1e-15);
        assert_eq!(mark.x, [10.0, 10.0]);
        assert_eq!((shown.points[0].x[0], shown.points[0].y[0]), (10.0, line.y[2]));
        assert_eq!(motion.stage, chart(), "the frame is that of the whole");
        let end = (motion.at)(10_000.0);
        assert_eq!(end.series[1], chart().series[0]);
        assert!(
            (motion.at)(0.5).series[1].x == [0.0, 0.5],
            "zero has no place on the axis"
        );
    }
}
