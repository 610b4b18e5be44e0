//! The legend: outside the frame, below it in narrow pictures and to its right in wide ones, so that it never covers data.

use crate::chart::{Chart, Marker};
use crate::data::Stroke;
use crate::label::{Label, wrap};
use crate::points::marker;
use crate::scale::{Span, drawable};
use crate::scene::{Mark, Point};
use crate::size::Measures;
use crate::theme::{Rgb, Theme};

/// Distance of baselines in units of the type size.
const LEADING: f64 = 1.39;
/// Length of a key and its distance from the text in units of the type size.
const KEY: f64 = 3.0;
const KEY_GAP: f64 = 0.6;
/// Distance of columns in units of the type size.
const COLUMN_GAP: f64 = 1.4;

/// What an entry shows beside its text.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Line(Stroke),
    Area(Rgb),
    Point(Marker, Rgb),
    Nothing,
}

/// A listed part of the chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    key: Key,
    text: String,
}

/// The entries of a chart: everything labelled and visible, points and series first.
pub(crate) fn entries(chart: &Chart, x: &Span, y: &Span, theme: &Theme) -> Vec<Entry> {
    let visible = |xs: &[f64], ys: &[f64]| {
        let mut points = xs.iter().zip(ys);
        points.any(|(&a, &b)| drawable(x.scale, a) && drawable(y.scale, b))
    };
    let series = chart
        .series
        .iter()
        .filter(|s| s.legend && visible(&s.x, &s.y))
        .map(|s| {
            let stroke = Stroke {
                dash: s.dash,
                width: s.width,
                colour: theme.paint(s.colour),
                halo: s.halo.map(|colour| theme.paint(colour)),
            };
            Entry {
                key: Key::Line(stroke),
                text: s.label.clone(),
            }
        });
    let bands = chart.bands.iter().filter(|b| visible(&b.x, &b.upper));
    let bands = bands.map(|b| Entry {
        key: Key::Area(theme.paint(b.colour)),
        text: b.label.clone(),
    });
    let levels = chart
        .levels
        .iter()
        .filter(|l| y.fraction(l.value).is_some_and(|at| (0.0..=1.0).contains(&at)));
    let levels = levels.map(|l| {
        let stroke = Stroke {
            dash: l.dash,
            width: l.width,
            colour: theme.paint(l.colour),
            halo: None,
        };
        Entry {
            key: Key::Line(stroke),
            text: l.label.clone(),
        }
    });
    let points = chart.points.iter().filter(|p| visible(&p.x, &p.y)).map(|p| Entry {
        key: Key::Point(p.marker, theme.paint(p.colour)),
        text: p.label.clone(),
    });
    let listed = points.chain(series).chain(bands).chain(levels);
    listed.filter(|entry| !entry.text.trim().is_empty()).collect()
}

/// A legend with every entry in its place relative to the upper left corner.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Legend {
    /// Width and height in millimetres; zero when there is nothing to list.
    pub size: (f64, f64),
    placed: Vec<(Point, Key, Vec<Label>)>,
}

impl Legend {
    /// A block in as many columns as fit a width.
    pub fn below(entries: &[Entry], width: f64, height: f64, measures: &Measures) -> Self {
        let type_size = measures.tick;
        let line = LEADING * type_size;
        let rows_most = ((height / line).floor() as usize).max(1);
        let columns_of = |entries: &[Entry]| columns(entries, width, type_size);
        let shown = shorten(entries, |entries| {
            entries.len().div_ceil(columns_of(entries).len().max(1)) <= rows_most
        });
        let widths = columns_of(&shown);
        let mut legend = Self::default();
        for (i, entry) in shown.iter().enumerate() {
            let (row, column) = (i / widths.len(), i % widths.len());
            let left = widths[..column].iter().map(|w| w + COLUMN_GAP * type_size).sum::<f64>();
            let lines = wrap(&entry.text, width / type_size - KEY - KEY_GAP, 1);
            legend.place((left, row as f64 * line), entry, lines, type_size);
        }
        legend
    }

    /// One column of wrapped entries.
    pub fn beside(entries: &[Entry], width: f64, height: f64, measures: &Measures) -> Self {
        let type_size = measures.tick;
        let lines = |entry: &Entry| wrap(&entry.text, width / type_size - KEY - KEY_GAP, 3);
        let tall = |count: usize| count as f64 * LEADING * type_size;
        let gap = 0.25 * type_size;
        let total = |entries: &[Entry]| entries.iter().map(|e| tall(lines(e).len()) + gap).sum::<f64>();
        let shown = shorten(entries, |entries| total(entries) <= height);
        let mut legend = Self::default();
        let mut top = 0.0;
        for entry in &shown {
            let lines = lines(entry);
            let below = top + tall(lines.len()) + gap;
            legend.place((0.0, top), entry, lines, type_size);
            top = below;
        }
        legend
    }

    fn place(&mut self, corner: Point, entry: &Entry, lines: Vec<Label>, type_size: f64) {
        let text = lines.iter().map(Label::width).fold(0.0, f64::max);
        let right = corner.0 + (KEY + KEY_GAP + text) * type_size;
        let bottom = corner.1 + lines.len() as f64 * LEADING * type_size;
        self.size = (self.size.0.max(right), self.size.1.max(bottom));
        self.placed.push((corner, entry.key.clone(), lines));
    }

    /// The marks of the legend with its upper left corner at a position.
    pub fn marks(&self, corner: Point, measures: &Measures, theme: &Theme) -> Vec<Mark> {
        let size = measures.tick;
        let mut marks = Vec::new();
        for (offset, key, lines) in &self.placed {
            let (left, top) = (corner.0 + offset.0, corner.1 + offset.1);
            let baseline = top + 0.95 * size;
            let (middle, right) = (baseline - 0.3 * size, left + KEY * size);
            match key {
                Key::Line(stroke) => marks.extend(stroke.marks(&[(left, middle), (right, middle)], measures)),
                Key::Area(colour) => {
                    let (low, high) = (middle + 0.3 * size, middle - 0.3 * size);
                    let points = vec![(left, low), (right, low), (right, high), (left, high)];
                    marks.push(Mark::Area {
                        points,
                        colour: *colour,
                        opacity: theme.band_opacity,
                    });
                }
                Key::Point(shape, colour) => {
                    marks.push(marker(*shape, (0.5 * (left + right), middle), *colour, measures));
                }
                Key::Nothing => {}
            }
            let indent = if *key == Key::Nothing {
                0.0
            } else {
                (KEY + KEY_GAP) * size
            };
            for (i, label) in lines.iter().enumerate() {
                let baseline = (left + indent, baseline + i as f64 * LEADING * size);
                marks.push(Mark::Text {
                    label: label.clone(),
                    baseline,
                    size,
                    upright: false,
                    colour: theme.foreground,
                });
            }
        }
        marks
    }
}

/// Column widths, in millimetres, of the widest arrangement in rows that fits.
fn columns(entries: &[Entry], width: f64, type_size: f64) -> Vec<f64> {
    let wide = |entry: &Entry| ((KEY + KEY_GAP + Label::parse(&entry.text).width()) * type_size).min(width);
    let widths = |count: usize| -> Vec<f64> {
        let column = |c: usize| entries.iter().skip(c).step_by(count).map(wide).fold(0.0, f64::max);
        (0..count).map(column).collect()
    };
    let total = |widths: &[f64]| widths.iter().sum::<f64>() + (widths.len() as f64 - 1.0) * COLUMN_GAP * type_size;
    // More columns than this never fit a page.
    let most = entries.len().min(8);
    (1..=most)
        .rev()
        .map(widths)
        .find(|widths| widths.len() == 1 || total(widths) <= width)
        .unwrap_or_default()
}

/// The longest beginning that fits; a last entry says how many were left out.
fn shorten(entries: &[Entry], fits: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
    if fits(entries) {
        return entries.to_vec();
    }
    let beginning = |count: usize| {
        let mut shown = entries[..count].to_vec();
        shown.push(Entry {
            key: Key::Nothing,
            text: format!("and {} more", entries.len() - count),
        });
        shown
    };
    (0..entries.len())
        .map(beginning)
        .take_while(|shown| fits(shown))
        .last()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::Size;

    fn many(count: usize) -> Vec<Entry> {
        (0..count)
            .map(|i| Entry {
                key: Key::Area(Rgb(0, 0, 0)),
                text: format!("coordinate number {i}"),
            })
            .collect()
    }

    #[test]
    fn legends_fit_their_room_and_count_what_they_leave_out() {
        let measures = Size::OneColumn.measures();
        for count in [0, 1, 2, 5, 40, 1000] {
            for legend in [
                Legend::below(&many(count), 80.0, 20.0, &measures),
                Legend::beside(&many(count), 40.0, 20.0, &measures),
            ] {
                assert!(
                    legend.size.0 <= 80.0 && legend.size.1 <= 20.0 + 1e-9,
                    "{count} entries need {:?}",
                    legend.size
                );
                assert_eq!(legend.placed.is_empty(), count == 0);
            }
        }
        let legend = Legend::below(&many(1000), 80.0, 20.0, &measures);
        let last = legend
            .placed
            .last()
            .map(|(_, _, lines)| lines[0].runs[0].text.clone())
            .unwrap();
        assert_eq!(last, format!("and {} more", 1000 - (legend.placed.len() - 1)));
    }
}
