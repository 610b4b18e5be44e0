//! The page: how much room title, axis labels, tick labels and legend need, and the frame in what remains.

use crate::chart::Chart;
use crate::data::View;
use crate::direct::{labels, width};
use crate::label::{Label, wrap};
use crate::legend::{Legend, entries};
use crate::scale::{Span, horizontal, vertical};
use crate::scene::{Mark, Point, Rect, Scene};
use crate::size::{Measures, Size};
use crate::theme::Theme;
use crate::ticks::{Tick, ticks};

/// Distance of baselines in units of the type size.
pub(crate) const LEADING: f64 = 1.39;
/// Height of a tick label, with its exponent, in units of the type size.
pub(crate) const TICK_HEIGHT: f64 = 1.0;
/// Room for tick labels below a horizontal axis, which keep clear of the lowest one beside the vertical axis.
pub(crate) const BELOW: f64 = 1.41;

/// Places every part of a chart on a page.
pub(crate) fn scene(chart: &Chart, size: Size, theme: &Theme) -> Scene {
    let stage = Stage::new(chart, size, theme);
    Scene {
        marks: [stage.below(), stage.data(chart), stage.above()].concat(),
        ..stage.page(chart.title.clone())
    }
}

/// A page with everything in its place but the data.
pub(crate) struct Stage<'a> {
    page: Page<'a>,
    view: View<'a>,
    texts: Texts,
    legend: Legend,
    direct: Vec<(usize, Label)>,
    ticks: (Vec<Tick>, Vec<Tick>),
    /// Room between the frame and a legend on its right.
    beside: f64,
    bar: Vec<Mark>,
}

impl<'a> Stage<'a> {
    /// The page that this chart needs.
    pub fn new(chart: &Chart, size: Size, theme: &'a Theme) -> Self {
        let measures = size.measures();
        let page = Page {
            size: size.millimetres(),
            border: measures.gap(),
            measures,
            theme,
        };
        let (x, y) = (horizontal(chart), vertical(chart));
        let legend = page.legend(chart, &x, &y);
        let texts = page.texts(chart, &legend);
        let bar = chart
            .heatmap
            .as_ref()
            .map(|map| page.colour_bar(map, page.heights(&texts, &legend)));
        let direct = labels(chart, page.size.0, &page.measures);
        let beside = bar.as_ref().map_or(0.0, |bar| bar.width) + width(&direct, &page.measures);
        let (frame, x_ticks, y_ticks) = page.frame(&texts, &legend, beside, (&x, &y));
        let view = View {
            x,
            y,
            frame,
            measures: page.measures,
            theme,
        };
        Self {
            bar: bar.iter().flat_map(|bar| page.bar_marks(bar, &frame)).collect(),
            page,
            view,
            texts,
            legend,
            direct,
            ticks: (x_ticks, y_ticks),
            beside,
        }
    }

    /// The page without marks.
    pub fn page(&self, name: Option<String>) -> Scene {
        Scene {
            size: self.page.size,
            background: self.page.theme.background,
            name,
            marks: Vec::new(),
        }
    }

    /// What lies below the data.
    pub fn below(&self) -> Vec<Mark> {
        self.page.grid(&self.view.frame, &self.ticks.0, &self.ticks.1)
    }

    /// The data of a chart with the same axes, and the labels at its lines.
    pub fn data(&self, chart: &Chart) -> Vec<Mark> {
        let mut marks = self.view.marks(chart);
        if marks.is_empty() {
            marks.push(self.page.nothing(&self.view.frame));
        }
        marks.extend(self.view.direct_labels(chart, &self.direct));
        marks
    }

    /// What lies above the data.
    pub fn above(&self) -> Vec<Mark> {
        let frame = &self.view.frame;
        let mut marks = self.page.axes(frame, &self.ticks.0, &self.ticks.1);
        marks.extend(self.page.captions(&self.texts, frame));
        marks.extend(self.bar.iter().cloned());
        let corner = self.page.legend_corner(&self.legend, frame, self.beside);
        marks.extend(self.legend.marks(corner, &self.page.measures, self.page.theme));
        marks
    }

    /// A text at the right end of the line that holds the label of the horizontal axis.
    pub fn beside_x_label(&self, label: Label) -> Mark {
        let Measures { tick, label: size, .. } = self.page.measures;
        let (gap, frame) = (self.page.measures.gap(), &self.view.frame);
        Mark::Text {
            baseline: (
                frame.right - label.width() * size,
                frame.bottom + gap + BELOW * tick + 0.3 * gap + 0.85 * size,
            ),
            label,
            size,
            upright: false,
            colour: self.page.theme.foreground,
        }
    }
}

/// The wrapped lines of title and axis labels.
pub(crate) struct Texts {
    pub title: Vec<Label>,
    pub x: Vec<Label>,
    pub y: Vec<Label>,
}

/// Height of a few lines.
pub(crate) fn block(lines: &[Label], size: f64) -> f64 {
    lines.len() as f64 * LEADING * size
}

/// The page before anything is on it.
pub(crate) struct Page<'a> {
    /// Width and height in millimetres.
    pub size: (f64, f64),
    /// Width of the blank border, in millimetres.
    pub border: f64,
    pub measures: Measures,
    pub theme: &'a Theme,
}

impl Page<'_> {
    fn legend(&self, chart: &Chart, x: &Span, y: &Span) -> Legend {
        let entries = entries(chart, x, y, self.theme);
        let (width, height) = self.size;
        if self.measures.legend_right {
            Legend::beside(&entries, 0.3 * width, 0.8 * height, &self.measures)
        } else {
            Legend::below(&entries, width - 2.0 * self.border, 0.3 * height, &self.measures)
        }
    }

    fn texts(&self, chart: &Chart, legend: &Legend) -> Texts {
        let Measures {
            title,
            label,
            legend_right,
            ..
        } = self.measures;
        let width = self.size.0;
        let beside = if legend_right { legend.size.0 } else { 0.0 };
        let heading = chart.title.as_deref().unwrap_or_default();
        let mut texts = Texts {
            title: wrap(heading, (width - 2.0 * self.border) / title, 2),
            x: wrap(&chart.x.label, 0.7 * (width - beside) / label, 2),
            y: Vec::new(),
        };
        let (top, bottom) = self.heights(&texts, legend);
        texts.y = wrap(&chart.y.label, (bottom - top) / label, 2);
        texts
    }

    /// Top and bottom of the frame.
    fn heights(&self, texts: &Texts, legend: &Legend) -> (f64, f64) {
        let Measures {
            tick,
            label,
            title,
            legend_right,
            ..
        } = self.measures;
        let gap = self.measures.gap();
        let above = block(&texts.title, title) + if texts.title.is_empty() { 0.4 * tick } else { gap };
        let listed = !legend_right && legend.size.1 > 0.0;
        let legend_height = if listed { legend.size.1 + 0.6 * gap } else { 0.0 };
        let under_axis = gap + BELOW * tick + block(&texts.x, label) + 0.3 * gap;
        (
            self.border + above,
            self.size.1 - self.border - legend_height - under_axis,
        )
    }

    /// The frame and its ticks. The room for tick labels depends on the ticks, which depend on the length of the axis:
    /// heights come first, then the left edge, then the right one.
    /// `bar` is the width of a colour bar with its texts.
    fn frame(&self, texts: &Texts, legend: &Legend, bar: f64, (x, y): (&Span, &Span)) -> (Rect, Vec<Tick>, Vec<Tick>) {
        let Measures {
            tick,
            label,
            legend_right,
            ..
        } = self.measures;
        let gap = self.measures.gap();
        let (top, bottom) = self.heights(texts, legend);
        let y_ticks = self.fitting(y, bottom - top, 3.0 * tick, |_| TICK_HEIGHT * tick);
        let left = self.border + block(&texts.y, label) + 0.3 * gap + self.widest(&y_ticks) + gap;

        let listed = legend_right && legend.size.0 > 0.0;
        let beside = bar + if listed { legend.size.0 + 2.0 * gap } else { 0.0 };
        let edge = self.size.0 - self.border - beside;
        let wide = |label: &str| Label::parse(label).width() * tick;
        let first = self.fitting(x, edge - left, 4.0 * tick, wide);
        let right = edge - if beside == 0.0 { 0.5 * self.widest(&first) } else { 0.0 };
        let mut x_ticks = self.fitting(x, right - left, 4.0 * tick, wide);
        for tick in &mut x_ticks {
            let middle = left + tick.at * (right - left);
            tick.label
                .take_if(|label| middle + 0.5 * wide(label) > self.size.0 - 0.5 * self.border);
        }
        (
            Rect {
                left,
                top,
                right,
                bottom,
            },
            x_ticks,
            y_ticks,
        )
    }

    pub(crate) fn widest(&self, ticks: &[Tick]) -> f64 {
        let labels = ticks.iter().filter_map(|tick| tick.label.as_deref());
        labels.map(|label| Label::parse(label).width()).fold(0.0, f64::max) * self.measures.tick
    }

    /// As many ticks as keep a distance on an axis of some length; `extent` is the size of a label along it.
    pub(crate) fn fitting(&self, span: &Span, length: f64, distance: f64, extent: impl Fn(&str) -> f64) -> Vec<Tick> {
        // An axis has at most a few hundred millimetres.
        let most = ((length / distance) as usize).clamp(2, 8);
        let apart = |ticks: &[Tick]| {
            let mut labels: Vec<(f64, f64)> = ticks
                .iter()
                .filter_map(|t| Some((t.at * length, 0.5 * extent(t.label.as_deref()?))))
                .collect();
            labels.sort_by(|a, b| a.0.total_cmp(&b.0));
            labels
                .windows(2)
                .all(|pair| pair[1].0 - pair[0].0 >= pair[0].1 + pair[1].1 + 0.6 * self.measures.tick)
        };
        let attempts = (1..=most).rev().map(|wanted| ticks(span, wanted));
        let fallback = || {
            let mut ticks = ticks(span, 1);
            let labelled = ticks.iter_mut().filter(|tick| tick.label.is_some());
            labelled.skip(1).for_each(|tick| tick.label = None);
            ticks
        };
        let mut usable = attempts.filter(|ticks| apart(ticks));
        usable.next().unwrap_or_else(fallback)
    }

    fn legend_corner(&self, legend: &Legend, frame: &Rect, bar: f64) -> Point {
        let (width, height) = self.size;
        if self.measures.legend_right {
            return (frame.right + bar + 2.0 * self.measures.gap(), frame.top);
        }
        let left = frame.left.min(width - self.border - legend.size.0).max(self.border);
        (left, height - self.border - legend.size.1)
    }
}

#[cfg(test)]
mod tests;
