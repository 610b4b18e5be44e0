//! From numbers to fractions of an axis.

use crate::chart::{Axis, Chart, Scale, Tile};

/// Linear axes end here, so that differences of ends never overflow.
const LARGEST: f64 = 1e300;
/// Room beyond the data, relative to their range.
const MARGIN: f64 = 0.04;
/// Relative width below which linear data count as constant.
const CONSTANT: f64 = 1e-9;

/// The visible interval of an axis; on a logarithmic one `low` and `high` are base-10 logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub scale: Scale,
    pub low: f64,
    pub high: f64,
    /// Ticks at whole numbers only.
    pub whole: bool,
}

impl Span {
    /// Fraction of the axis at which a value lies (outside [0, 1] when the axis does not reach it), or nothing where the
    /// axis has no place for it.
    pub fn fraction(&self, value: f64) -> Option<f64> {
        if !drawable(self.scale, value) {
            return None;
        }
        let coordinate = match self.scale {
            Scale::Linear => value.clamp(-LARGEST, LARGEST),
            Scale::Log10 => value.log10(),
        };
        Some((coordinate - self.low) / (self.high - self.low))
    }
}

/// Whether an axis has a place for this value.
pub(crate) fn drawable(scale: Scale, value: f64) -> bool {
    value.is_finite() && (scale == Scale::Linear || value > 0.0)
}

/// The horizontal span of a chart: its data, to the edge.
pub(crate) fn horizontal(chart: &Chart) -> Span {
    let mut extent = Extent::new(chart.x.scale);
    for series in &chart.series {
        for (&x, &y) in series.x.iter().zip(&series.y) {
            if drawable(chart.y.scale, y) {
                extent.include(x);
            }
        }
    }
    for band in &chart.bands {
        for (&x, &upper) in band.x.iter().zip(&band.upper) {
            if drawable(chart.y.scale, upper) {
                extent.include(x);
            }
        }
    }
    for points in &chart.points {
        for (&x, &y) in points.x.iter().zip(&points.y) {
            if drawable(chart.y.scale, y) {
                extent.include(x);
            }
        }
    }
    for tile in tiles(chart) {
        extent.include(tile.x.0);
        extent.include(tile.x.1);
    }
    // Points at the edge are drawn in full; a map fills the frame.
    let margin = if chart.points.is_empty() || chart.heatmap.is_some() {
        0.0
    } else {
        MARGIN
    };
    extent.span(&chart.x, margin, false)
}

fn tiles(chart: &Chart) -> impl Iterator<Item = &Tile> {
    let tiles = chart.heatmap.iter().flat_map(|map| &map.tiles);
    tiles.filter(|tile| tile.value.is_finite())
}

/// The vertical span of a chart: its data with a small margin.
pub(crate) fn vertical(chart: &Chart) -> Span {
    let mut extent = Extent::new(chart.y.scale);
    for series in &chart.series {
        for (&x, &y) in series.x.iter().zip(&series.y) {
            if drawable(chart.x.scale, x) {
                extent.include(y);
            }
        }
    }
    for band in &chart.bands {
        for ((&x, &lower), &upper) in band.x.iter().zip(&band.lower).zip(&band.upper) {
            if drawable(chart.x.scale, x) {
                extent.include(lower);
                extent.include(upper);
            }
        }
    }
    for level in &chart.levels {
        extent.include(level.value);
    }
    for points in &chart.points {
        let bars = points.bars.iter().copied().map(Some).chain(std::iter::repeat(None));
        for ((&x, &y), bar) in points.x.iter().zip(&points.y).zip(bars) {
            if drawable(chart.x.scale, x) && drawable(chart.y.scale, y) {
                extent.include(y);
                bar.iter().for_each(|bar| {
                    extent.include(bar.0);
                    extent.include(bar.1);
                });
            }
        }
    }
    for tile in tiles(chart) {
        extent.include(tile.y.0);
        extent.include(tile.y.1);
    }
    let margin = if chart.heatmap.is_some() { 0.0 } else { MARGIN };
    extent.span(&chart.y, margin, chart.heatmap.is_none())
}

/// Smallest and largest drawable value met.
struct Extent {
    scale: Scale,
    range: Option<(f64, f64)>,
}

impl Extent {
    fn new(scale: Scale) -> Self {
        Self { scale, range: None }
    }

    fn include(&mut self, value: f64) {
        if drawable(self.scale, value) {
            let (low, high) = self.range.unwrap_or((value, value));
            self.range = Some((low.min(value), high.max(value)));
        }
    }

    /// The span of an axis: its fixed range if that is usable, otherwise the data with a relative margin.
    fn span(&self, axis: &Axis, margin: f64, anchor: bool) -> Span {
        let fixed = axis.range.map(|(a, b)| (a.min(b), a.max(b)));
        let fixed = fixed.filter(|&(a, b)| drawable(axis.scale, a) && drawable(axis.scale, b) && a < b);
        let margin = if fixed.is_some() { 0.0 } else { margin };
        let range = fixed.or(self.range);
        match axis.scale {
            Scale::Linear => Span {
                whole: axis.whole,
                ..linear(range, margin, anchor && fixed.is_none())
            },
            Scale::Log10 => logarithmic(range, margin),
        }
    }
}

fn linear(range: Option<(f64, f64)>, margin: f64, anchor: bool) -> Span {
    let (low, high) = range.unwrap_or((0.0, 1.0));
    let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
    let size = low.abs().max(high.abs());
    let (low, high) = if high - low > CONSTANT * size && high - low > 1e-290 {
        // Data that start near zero show it: heights are then comparable.
        let anchored = anchor && low >= 0.0 && low < 0.4 * high;
        let pad = margin * (high - low);
        (if anchored { -margin * high } else { low - pad }, high + pad)
    } else if size > 1e-290 {
        (low - 0.1 * size, high + 0.1 * size)
    } else {
        (-1.0, 1.0)
    };
    Span {
        scale: Scale::Linear,
        low,
        high,
        whole: false,
    }
}

fn logarithmic(range: Option<(f64, f64)>, margin: f64) -> Span {
    let (low, high) = range.map_or((0.0, 1.0), |(low, high)| (low.log10(), high.log10()));
    let (low, high) = if high - low > CONSTANT {
        let pad = margin * (high - low);
        (low - pad, high + pad)
    } else {
        (low - 0.5, high + 0.5)
    };
    Span {
        scale: Scale::Log10,
        low,
        high,
        whole: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Colour, Series};

    fn chart(x: Axis, y: Axis, values: &[f64]) -> Chart {
        let line = Series::line("", values.to_vec(), values.to_vec(), Colour::Palette(0));
        Chart {
            x,
            y,
            series: vec![line],
            ..Chart::default()
        }
    }

    #[test]
    fn spans_are_proper_whatever_the_data() {
        let cases: [&[f64]; 9] = [
            &[],
            &[f64::NAN],
            &[0.0],
            &[3.0, 3.0],
            &[1e-300, 1e300],
            &[f64::MIN, f64::MAX],
            &[5e-324, 1e-323],
            &[-1.0, 2.0],
            &[1.0, 1.0 + 1e-15],
        ];
        for values in cases {
            for scale in [Scale::Linear, Scale::Log10] {
                let axis = || Axis {
                    scale,
                    ..Axis::default()
                };
                let chart = chart(axis(), axis(), values);
                for span in [horizontal(&chart), vertical(&chart)] {
                    assert!(
                        span.low < span.high && (span.high - span.low).is_finite(),
                        "{values:?} gives {span:?}"
                    );
                    for &v in values.iter().filter(|v| drawable(scale, **v)) {
                        let at = span.fraction(v).unwrap();
                        assert!((-1e-9..=1.0 + 1e-9).contains(&at), "{v} of {values:?} lies at {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_an_axis_cannot_show_has_no_place_and_no_influence() {
        let span = horizontal(&chart(
            Axis::log10(""),
            Axis::log10(""),
            &[-1.0, 0.0, 1.0, 100.0, f64::INFINITY],
        ));
        assert_eq!((span.low, span.high), (0.0, 2.0));
        assert_eq!(span.fraction(0.0), None);
        assert_eq!(span.fraction(10.0), Some(0.5));
    }

    #[test]
    fn points_have_room_on_both_axes_and_a_map_fills_them() {
        use crate::chart::{Heatmap, Marker, Points, Tile};
        let mut chart = chart(Axis::linear(""), Axis::linear(""), &[]);
        chart.points.push(Points {
            label: String::new(),
            x: vec![10.0, 110.0],
            y: vec![50.0, 60.0],
            bars: vec![(40.0, 60.0), (50.0, 90.0)],
            colour: Colour::Ink,
            marker: Marker::Disc,
        });
        let ends = |span: Span| (span.low, span.high);
        assert_eq!(ends(horizontal(&chart)), (6.0, 114.0));
        assert_eq!(ends(vertical(&chart)), (38.0, 92.0));
        chart.heatmap = Some(Heatmap {
            tiles: vec![Tile {
                x: (0.0, 120.0),
                y: (30.0, 100.0),
                value: 0.0,
            }],
            range: (0.0, 1.0),
            label: String::new(),
        });
        assert_eq!(ends(horizontal(&chart)), (0.0, 120.0));
        assert_eq!(ends(vertical(&chart)), (30.0, 100.0));
    }

    #[test]
    fn a_fixed_range_is_used_when_it_makes_sense() {
        let fixed = |range| Axis {
            range: Some(range),
            ..Axis::log10("")
        };
        let low_high = |range| {
            let span = vertical(&chart(Axis::log10(""), fixed(range), &[1.0, 10.0]));
            (span.low, span.high)
        };
        assert_eq!(low_high((1e-4, 1e4)), (-4.0, 4.0));
        assert_eq!(low_high((1e4, 1e-4)), (-4.0, 4.0));
        assert_eq!(low_high((0.0, 1.0)), (-0.04, 1.04));
    }
}
