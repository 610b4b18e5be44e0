//! Series, bands and levels of a chart as marks inside the frame.

use crate::chart::{Band, Chart, Dash, Level, Series};
use crate::curve::{clip_line, dashes, pattern, thin};
use crate::scale::{Span, drawable};
use crate::scene::{Mark, Point, Rect};
use crate::size::Measures;
use crate::theme::{Rgb, Theme};

/// Fractions of an axis are cut here: far enough outside to be invisible, near enough to compute with.
const FAR: f64 = 1e6;
/// Width of a curve, in millimetres, for which the dash patterns are made.
const PATTERN_WIDTH: f64 = 0.36;

/// How much broader a halo is than its line.
const HALO: f64 = 2.1;

/// The frame on paper and what it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub x: Span,
    pub y: Span,
    pub frame: Rect,
    pub measures: Measures,
    pub theme: &'a Theme,
}

/// A stroke as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub dash: Dash,
    /// Relative to a normal curve.
    pub width: f64,
    pub colour: Rgb,
    /// Paint of a broader line below.
    pub halo: Option<Rgb>,
}

impl Stroke {
    /// The marks of a polyline drawn with this stroke.
    pub fn marks(&self, points: &[Point], measures: &Measures) -> Vec<Mark> {
        let stretch = measures.line / PATTERN_WIDTH;
        let lengths: Vec<f64> = pattern(self.dash).iter().map(|length| length * stretch).collect();
        let width = measures.line
            * if self.width.is_finite() {
                self.width.clamp(0.1, 20.0)
            } else {
                1.0
            };
        let halo = self.halo.map(|colour| Mark::Line {
            points: points.to_vec(),
            width: HALO * width,
            colour,
        });
        let strokes = dashes(points, &lengths).into_iter().map(|points| Mark::Line {
            points,
            width,
            colour: self.colour,
        });
        halo.into_iter().chain(strokes).collect()
    }
}

impl View<'_> {
    /// Everything inside the frame, a map lowest.
    pub fn marks(&self, chart: &Chart) -> Vec<Mark> {
        let heat = chart.heatmap.iter().flat_map(|map| self.heat(map));
        let bands = chart.bands.iter().flat_map(|band| self.band(band));
        let levels = chart.levels.iter().flat_map(|level| self.level(level));
        let series = chart.series.iter().flat_map(|series| self.series(series));
        let points = chart.points.iter().flat_map(|points| self.points(points));
        heat.chain(bands).chain(levels).chain(series).chain(points).collect()
    }

    pub(crate) fn horizontal(&self, x: f64) -> Option<f64> {
        let at = self.x.fraction(x)?.clamp(-FAR, FAR);
        Some(self.frame.left + at * self.frame.width())
    }

    pub(crate) fn vertical(&self, y: f64) -> Option<f64> {
        let at = self.y.fraction(y)?.clamp(-FAR, FAR);
        Some(self.frame.bottom - at * self.frame.height())
    }

    /// The line of a series, broken where a point cannot be drawn; a point without neighbours becomes a dot.
    fn series(&self, series: &Series) -> Vec<Mark> {
        let stroke = Stroke {
            dash: series.dash,
            width: series.width,
            colour: self.theme.paint(series.colour),
            halo: series.halo.map(|colour| self.theme.paint(colour)),
        };
        let points: Vec<Option<Point>> = series
            .x
            .iter()
            .zip(&series.y)
            .map(|(&x, &y)| self.horizontal(x).zip(self.vertical(y)))
            .collect();
        let mut marks = Vec::new();
        for run in points.split(Option::is_none) {
            let run: Vec<Point> = thin(&run.iter().flatten().copied().collect::<Vec<_>>());
            if let [centre] = run[..] {
                marks.extend(self.dot(centre, stroke));
            }
            for piece in clip_line(&run, &self.frame) {
                marks.extend(stroke.marks(&piece, &self.measures));
            }
        }
        marks
    }

    /// Whether a position lies in the frame.
    pub(crate) fn shows(&self, place: Point) -> bool {
        let inside = |v: f64, low: f64, high: f64| low - 1e-9 <= v && v <= high + 1e-9;
        inside(place.0, self.frame.left, self.frame.right) && inside(place.1, self.frame.top, self.frame.bottom)
    }

    fn dot(&self, centre: Point, stroke: Stroke) -> Option<Mark> {
        self.shows(centre).then_some(Mark::Dot {
            centre,
            radius: 1.6 * self.measures.line,
            colour: stroke.colour,
        })
    }

    fn level(&self, level: &Level) -> Vec<Mark> {
        let Some(y) = self.vertical(level.value) else {
            return Vec::new();
        };
        let stroke = Stroke {
            dash: level.dash,
            width: level.width,
            colour: self.theme.paint(level.colour),
            halo: None,
        };
        let across = [(self.frame.left, y), (self.frame.right, y)];
        clip_line(&across, &self.frame)
            .iter()
            .flat_map(|piece| stroke.marks(piece, &self.measures))
            .collect()
    }

    /// The polygons between the two curves of a band, one for each stretch without undrawable points.
    fn band(&self, band: &Band) -> Vec<Mark> {
        let edges = band.x.iter().zip(&band.lower).zip(&band.upper);
        let points: Vec<Option<(Point, Point)>> = edges
            .map(|((&x, &lower), &upper)| {
                let (x, upper) = (self.horizontal(x)?, self.vertical(upper)?);
                let floor = self.frame.bottom + self.frame.height();
                let reaches_down = lower.is_finite() && !drawable(self.y.scale, lower);
                let lower = if reaches_down { floor } else { self.vertical(lower)? };
                Some(((x, lower), (x, upper)))
            })
            .collect();
        let (colour, opacity) = (self.theme.paint(band.colour), self.theme.band_opacity);
        let runs = points.split(Option::is_none).filter(|run| run.len() > 1);
        runs.map(|run| {
            let (lower, upper): (Vec<Point>, Vec<Point>) = run.iter().flatten().copied().unzip();
            let mut outline = thin(&upper);
            outline.extend(thin(&lower).into_iter().rev());
            Mark::Area {
                points: self.clip_area(outline),
                colour,
                opacity,
            }
        })
        .filter(|mark| matches!(mark, Mark::Area { points, .. } if points.len() > 2))
        .collect()
    }

    /// Sutherland–Hodgman clipping of a polygon to the frame.
    fn clip_area(&self, polygon: Vec<Point>) -> Vec<Point> {
        let frame = self.frame;
        let polygon = clip_half_plane(polygon, |p| p.0 - frame.left);
        let polygon = clip_half_plane(polygon, |p| frame.right - p.0);
        let polygon = clip_half_plane(polygon, |p| p.1 - frame.top);
        clip_half_plane(polygon, |p| frame.bottom - p.1)
    }
}

/// The part of a polygon where `inside` (an affine function) is not negative.
fn clip_half_plane(polygon: Vec<Point>, inside: impl Fn(Point) -> f64) -> Vec<Point> {
    let mut kept = Vec::with_capacity(polygon.len());
    let previous = polygon.iter().cycle().skip(polygon.len().saturating_sub(1));
    for (&a, &b) in previous.zip(&polygon) {
        let (ia, ib) = (inside(a), inside(b));
        if (ia < 0.0) != (ib < 0.0) {
            let s = ia / (ia - ib);
            kept.push((a.0 + s * (b.0 - a.0), a.1 + s * (b.1 - a.1)));
        }
        if ib >= 0.0 {
            kept.push(b);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, Colour};
    use crate::scale;
    use crate::size::Size;

    fn marks(chart: &Chart) -> Vec<Mark> {
        let theme = Theme::light();
        let frame = Rect {
            left: 10.0,
            top: 10.0,
            right: 70.0,
            bottom: 50.0,
        };
        let measures = Size::OneColumn.measures();
        let (x, y) = (scale::horizontal(chart), scale::vertical(chart));
        View {
            x,
            y,
            frame,
            measures,
            theme: &theme,
        }
        .marks(chart)
    }

    fn line(x: Vec<f64>, y: Vec<f64>) -> Chart {
        let series = vec![Series::line("", x, y, Colour::Palette(0))];
        Chart {
            x: Axis::linear(""),
            y: Axis::log10(""),
            series,
            ..Chart::default()
        }
    }

    #[test]
    fn undrawable_points_break_the_line_and_lonely_ones_become_dots() {
        let chart = line(
            (0..7).map(f64::from).collect(),
            vec![1.0, 2.0, f64::NAN, 4.0, 0.0, 6.0, 1e3],
        );
        let kinds: Vec<&str> = marks(&chart)
            .iter()
            .map(|mark| match mark {
                Mark::Line { .. } => "line",
                Mark::Dot { .. } => "dot",
                _ => "other",
            })
            .collect();
        assert_eq!(kinds, ["line", "dot", "line"]);
    }

    #[test]
    fn bands_stay_inside_and_reach_down_on_logarithmic_axes() {
        let mut chart = line(vec![0.0, 4.0], vec![1.0, 100.0]);
        chart.y.range = Some((0.1, 10.0));
        chart.bands.push(Band {
            label: String::new(),
            x: vec![0.0, 2.0, 4.0],
            lower: vec![0.0, 0.5, -1.0],
            upper: vec![1.0, 1e9, 2.0],
            colour: Colour::Palette(1),
        });
        let areas: Vec<_> = marks(&chart)
            .into_iter()
            .filter(|m| matches!(m, Mark::Area { .. }))
            .collect();
        let [Mark::Area { points, .. }] = &areas[..] else {
            panic!("one polygon expected")
        };
        assert!(
            points
                .iter()
                .all(|p| (10.0..=70.0).contains(&p.0) && (10.0..=50.0).contains(&p.1))
        );
        assert!(points.iter().any(|p| p.1 == 50.0) && points.iter().any(|p| p.1 == 10.0));
    }

    #[test]
    fn a_level_outside_a_fixed_range_is_not_drawn() {
        let mut chart = line(vec![0.0, 1.0], vec![1.0, 2.0]);
        chart.y.range = Some((0.5, 4.0));
        let level = |value| Level {
            label: String::new(),
            value,
            colour: Colour::Palette(0),
            dash: Dash::Solid,
            width: 1.0,
        };
        let before = marks(&chart).len();
        chart.levels = vec![level(8.0), level(-1.0), level(f64::NAN)];
        assert_eq!(marks(&chart).len(), before);
        chart.levels = vec![level(1.5)];
        assert_eq!(marks(&chart).len(), before + 1);
    }
}
