//! The colour bar of a map, to the right of the frame and as high.

use crate::chart::{Heatmap, Scale};
use crate::colour_map::{COLOURS, colour};
use crate::label::{Label, wrap};
use crate::layout::{LEADING, Page, TICK_HEIGHT, block};
use crate::scale::Span;
use crate::scene::{Mark, Rect};
use crate::ticks::Tick;

/// Width of the bar in units of the tick labels' type size.
const THICKNESS: f64 = 0.85;

/// A colour bar before it has its place.
pub(crate) struct ColourBar {
    /// From the frame to the end of the label, in millimetres.
    pub width: f64,
    ticks: Vec<Tick>,
    label: Vec<Label>,
}

impl Page<'_> {
    /// The colour bar of a map between two heights.
    pub fn colour_bar(&self, map: &Heatmap, (top, bottom): (f64, f64)) -> ColourBar {
        let (tick, size, gap) = (self.measures.tick, self.measures.label, self.measures.gap());
        let (a, b) = map.range;
        let proper = a.is_finite() && b.is_finite() && a != b;
        let (low, high) = if proper { (a.min(b), a.max(b)) } else { (0.0, 1.0) };
        let span = Span {
            scale: Scale::Linear,
            low,
            high,
            whole: false,
        };
        let ticks = self.fitting(&span, bottom - top, 3.0 * tick, |_| TICK_HEIGHT * tick);
        let label = wrap(&map.label, (bottom - top) / size, 2);
        let width = (1.0 + 0.7 + 0.6) * gap + THICKNESS * tick + self.widest(&ticks) + block(&label, size);
        ColourBar { width, ticks, label }
    }

    /// The bar beside a frame.
    pub fn bar_marks(&self, bar: &ColourBar, frame: &Rect) -> Vec<Mark> {
        let (tick, size, gap) = (self.measures.tick, self.measures.label, self.measures.gap());
        let (hairline, ink) = (self.measures.hairline, self.theme.foreground);
        let left = frame.right + gap;
        let right = left + THICKNESS * tick;
        let height = |fraction: f64| frame.bottom - fraction * frame.height();
        let share = |i: u32| f64::from(i) / f64::from(COLOURS);
        let mut marks: Vec<Mark> = (0..COLOURS)
            .map(|i| Mark::Tile {
                rect: Rect {
                    left,
                    top: height(share(i + 1)),
                    right,
                    bottom: height(share(i)),
                },
                colour: colour(f64::from(i) / f64::from(COLOURS - 1)),
            })
            .collect();
        let line = |points| Mark::Line {
            points,
            width: hairline,
            colour: ink,
        };
        let text = |label: Label, baseline, size, upright| Mark::Text {
            label,
            baseline,
            size,
            upright,
            colour: ink,
        };
        let (top, bottom) = (frame.top, frame.bottom);
        marks.push(line(vec![
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ]));
        for mark in &bar.ticks {
            let y = height(mark.at);
            marks.push(line(vec![(right - 0.3 * tick, y), (right, y)]));
            if let Some(words) = &mark.label {
                marks.push(text(
                    Label::parse(words),
                    (right + 0.7 * gap, y + 0.36 * tick),
                    tick,
                    false,
                ));
            }
        }
        let beyond = right + (0.7 + 0.3) * gap + self.widest(&bar.ticks);
        for (i, label) in bar.label.iter().enumerate() {
            let start = 0.5 * (top + bottom + label.width() * size);
            let baseline = beyond + (0.85 + i as f64 * LEADING) * size;
            marks.push(text(label.clone(), (baseline, start), size, true));
        }
        marks
    }
}
