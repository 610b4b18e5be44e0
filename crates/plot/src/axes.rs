//! What surrounds the data: grid, frame, ticks with their labels, title and axis labels.

use crate::label::Label;
use crate::layout::{BELOW, LEADING, Page, Texts};
use crate::scene::{Mark, Point, Rect};
use crate::size::Measures;
use crate::ticks::Tick;

impl Page<'_> {
    /// Light lines at the labelled ticks.
    pub fn grid(&self, frame: &Rect, x_ticks: &[Tick], y_ticks: &[Tick]) -> Vec<Mark> {
        let inner = |tick: &&Tick| tick.label.is_some() && tick.at > 0.005 && tick.at < 0.995;
        let line = |from: Point, to: Point| Mark::Line {
            points: vec![from, to],
            width: self.measures.hairline,
            colour: self.theme.grid,
        };
        let upright = x_ticks.iter().filter(inner).map(|tick| {
            let x = frame.left + tick.at * frame.width();
            line((x, frame.bottom), (x, frame.top))
        });
        let level = y_ticks.iter().filter(inner).map(|tick| {
            let y = frame.bottom - tick.at * frame.height();
            line((frame.left, y), (frame.right, y))
        });
        upright.chain(level).collect()
    }

    /// Frame, ticks (inwards) and tick labels.
    pub fn axes(&self, frame: &Rect, x_ticks: &[Tick], y_ticks: &[Tick]) -> Vec<Mark> {
        let Measures {
            tick: size, hairline, ..
        } = self.measures;
        let (gap, colour) = (self.measures.gap(), self.theme.foreground);
        let line = |points: Vec<Point>, width: f64| Mark::Line { points, width, colour };
        let long = |tick: &Tick| if tick.label.is_some() { 0.5 * size } else { 0.25 * size };
        let mut marks = Vec::new();
        for tick in x_ticks {
            let x = frame.left + tick.at * frame.width();
            marks.push(line(vec![(x, frame.bottom), (x, frame.bottom - long(tick))], hairline));
            if let Some(text) = &tick.label {
                let label = Label::parse(text);
                let baseline = (x - 0.5 * label.width() * size, frame.bottom + gap + 1.11 * size);
                marks.push(Mark::Text {
                    label,
                    baseline,
                    size,
                    upright: false,
                    colour,
                });
            }
        }
        for tick in y_ticks {
            let y = frame.bottom - tick.at * frame.height();
            marks.push(line(vec![(frame.left, y), (frame.left + long(tick), y)], hairline));
            if let Some(text) = &tick.label {
                let label = Label::parse(text);
                let baseline = (frame.left - 0.7 * gap - label.width() * size, y + 0.36 * size);
                marks.push(Mark::Text {
                    label,
                    baseline,
                    size,
                    upright: false,
                    colour,
                });
            }
        }
        let corners = [
            (frame.left, frame.top),
            (frame.right, frame.top),
            (frame.right, frame.bottom),
            (frame.left, frame.bottom),
        ];
        let outline = corners.into_iter().chain(corners.into_iter().take(2)).collect();
        marks.push(line(outline, 1.4 * hairline));
        marks
    }

    /// Title and axis labels, centred on the frame as far as the page allows.
    pub fn captions(&self, texts: &Texts, frame: &Rect) -> Vec<Mark> {
        let Measures {
            tick,
            label: label_size,
            title,
            ..
        } = self.measures;
        let (gap, colour) = (self.measures.gap(), self.theme.foreground);
        let centre = 0.5 * (frame.left + frame.right);
        let centred = |label: &Label, size: f64, baseline: f64| {
            let width = label.width() * size;
            let x = (centre - 0.5 * width)
                .min(self.size.0 - self.border - width)
                .max(self.border);
            Mark::Text {
                label: label.clone(),
                baseline: (x, baseline),
                size,
                upright: false,
                colour,
            }
        };
        let mut marks = Vec::new();
        for (i, label) in texts.title.iter().enumerate() {
            marks.push(centred(label, title, self.border + (0.85 + i as f64 * LEADING) * title));
        }
        let below_ticks = frame.bottom + gap + BELOW * tick + 0.3 * gap;
        for (i, label) in texts.x.iter().enumerate() {
            marks.push(centred(
                label,
                label_size,
                below_ticks + (0.85 + i as f64 * LEADING) * label_size,
            ));
        }
        let middle = 0.5 * (frame.top + frame.bottom);
        for (i, label) in texts.y.iter().enumerate() {
            let length = label.width() * label_size;
            let start = (middle + 0.5 * length)
                .min(self.size.1 - self.border)
                .max(self.border + length);
            let baseline = (self.border + (0.85 + i as f64 * LEADING) * label_size, start);
            marks.push(Mark::Text {
                label: label.clone(),
                baseline,
                size: label_size,
                upright: true,
                colour,
            });
        }
        marks
    }

    /// What an empty frame says.
    pub fn nothing(&self, frame: &Rect) -> Mark {
        let (label, size) = (Label::parse("nothing to draw"), self.measures.label);
        let x = 0.5 * (frame.left + frame.right - label.width() * size);
        let baseline = (x, 0.5 * (frame.top + frame.bottom));
        Mark::Text {
            label,
            baseline,
            size,
            upright: false,
            colour: self.theme.muted,
        }
    }
}
