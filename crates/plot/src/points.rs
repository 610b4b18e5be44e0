//! Measured points as marks: a shape, and a bar with caps from the lower to the upper end of its interval.

use std::f64::consts::PI;

use crate::chart::{Marker, Points};
use crate::curve::clip_line;
use crate::data::View;
use crate::scale::drawable;
use crate::scene::{Mark, Point};
use crate::size::Measures;
use crate::theme::Rgb;

/// Radius of a point, relative to the width of a curve.
const RADIUS: f64 = 2.3;
/// Half the width of the caps of a bar, relative to the width of a curve.
const CAP: f64 = 1.8;

impl View<'_> {
    /// Bars first, so that points lie on top.
    pub fn points(&self, points: &Points) -> Vec<Mark> {
        let colour = self.theme.paint(points.colour);
        let places = points.x.iter().zip(&points.y);
        let places: Vec<Option<Point>> = places
            .map(|(&x, &y)| {
                self.horizontal(x)
                    .zip(self.vertical(y))
                    .filter(|place| self.shows(*place))
            })
            .collect();
        let bars = places.iter().zip(&points.bars);
        let bars = bars.filter_map(|(place, bar)| Some((*place.as_ref()?, *bar)));
        let bars = bars.flat_map(|(place, bar)| self.bar(place.0, bar, colour));
        let shapes = places.iter().flatten();
        let shapes = shapes.map(|&place| marker(points.marker, place, colour, &self.measures));
        bars.chain(shapes).collect()
    }

    /// A vertical bar; an end without a place on the axis reaches to the frame and has no cap.
    fn bar(&self, x: f64, (low, high): (f64, f64), colour: Rgb) -> Vec<Mark> {
        let (frame, line) = (self.frame, self.measures.line);
        let falls_out = |value: f64| !value.is_nan() && !drawable(self.y.scale, value);
        let end = |value: f64, edge: f64| {
            if falls_out(value) {
                Some(edge)
            } else {
                self.vertical(value)
            }
        };
        let (Some(from), Some(to)) = (end(low, frame.bottom), end(high, frame.top)) else {
            return Vec::new();
        };
        let cap = |value: f64, y: f64| (!falls_out(value)).then_some([(x - CAP * line, y), (x + CAP * line, y)]);
        let strokes = [Some([(x, from), (x, to)]), cap(low, from), cap(high, to)];
        let pieces = strokes
            .into_iter()
            .flatten()
            .flat_map(|stroke| clip_line(&stroke, &frame));
        pieces
            .map(|points| Mark::Line {
                points,
                width: 0.6 * line,
                colour,
            })
            .collect()
    }
}

/// One point of about the same area whatever its shape.
pub(crate) fn marker(marker: Marker, centre: Point, colour: Rgb, measures: &Measures) -> Mark {
    let radius = RADIUS * measures.line;
    let corners = |count: u32, turn: f64, reach: f64| {
        let corner = |i: u32| {
            let angle = turn + 2.0 * PI * f64::from(i) / f64::from(count);
            (
                centre.0 + reach * radius * angle.sin(),
                centre.1 - reach * radius * angle.cos(),
            )
        };
        Mark::Area {
            points: (0..count).map(corner).collect(),
            colour,
            opacity: 1.0,
        }
    };
    match marker {
        Marker::Disc => Mark::Dot { centre, radius, colour },
        Marker::Square => corners(4, 0.25 * PI, 1.25),
        Marker::Triangle => corners(3, 0.0, 1.4),
        Marker::Diamond => corners(4, 0.0, 1.35),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, Chart, Colour};
    use crate::scale;
    use crate::scene::Rect;
    use crate::size::Size;
    use crate::theme::Theme;

    fn marks(chart: &Chart) -> Vec<Mark> {
        let theme = Theme::light();
        let frame = Rect {
            left: 10.0,
            top: 10.0,
            right: 70.0,
            bottom: 50.0,
        };
        let (x, y) = (scale::horizontal(chart), scale::vertical(chart));
        View {
            x,
            y,
            frame,
            measures: Size::OneColumn.measures(),
            theme: &theme,
        }
        .points(&chart.points[0])
    }

    fn chart(y: Vec<f64>, bars: Vec<(f64, f64)>) -> Chart {
        let points = Points {
            label: String::new(),
            x: (0..y.len()).map(|i| i as f64).collect(),
            y,
            bars,
            colour: Colour::Palette(0),
            marker: Marker::Disc,
        };
        Chart {
            y: Axis::log10(""),
            points: vec![points],
            ..Chart::default()
        }
    }

    fn lines(marks: &[Mark]) -> Vec<Vec<Point>> {
        let line = |mark: &Mark| match mark {
            Mark::Line { points, .. } => Some(points.clone()),
            _ => None,
        };
        marks.iter().filter_map(line).collect()
    }

    #[test]
    fn every_drawable_point_has_a_shape_and_a_bar_with_caps() {
        let marks = marks(&chart(
            vec![1.0, f64::NAN, 10.0, 0.0],
            vec![(0.5, 2.0), (0.5, 2.0), (5.0, 20.0), (1.0, 1.0)],
        ));
        let dots = marks.iter().filter(|mark| matches!(mark, Mark::Dot { .. })).count();
        assert_eq!((dots, lines(&marks).len()), (2, 6));
        // The highest end is the highest thing on the axis and lies below the margin.
        let top = lines(&marks)
            .iter()
            .flatten()
            .map(|p| p.1)
            .fold(f64::INFINITY, f64::min);
        assert!((10.5..13.0).contains(&top), "{top}");
        assert!(matches!(marks.last(), Some(Mark::Dot { .. })), "points lie above bars");
    }

    #[test]
    fn an_end_without_a_place_reaches_to_the_frame() {
        let open = marks(&chart(vec![1.0, 2.0], vec![(0.0, 4.0), (f64::NAN, 4.0)]));
        let lines = lines(&open);
        assert_eq!(lines.len(), 2, "a bar and one cap; no bar for what is no number");
        assert_eq!(lines[0][0].1, 50.0);
    }

    #[test]
    fn points_outside_a_fixed_range_are_not_drawn() {
        let mut chart = chart(vec![1.0, 100.0], vec![(0.1, 10.0), (50.0, 200.0)]);
        chart.y.range = Some((0.5, 5.0));
        let marks = marks(&chart);
        assert_eq!(marks.iter().filter(|mark| matches!(mark, Mark::Dot { .. })).count(), 1);
        for point in lines(&marks).iter().flatten() {
            assert!((10.0..=50.0).contains(&point.1), "{point:?}");
        }
    }
}
