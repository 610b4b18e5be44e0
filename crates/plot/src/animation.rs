//! A figure in motion as pictures: layers that stand still, and frames between them.

use crate::chart::Scale;
use crate::error::PlotError;
use crate::figure::{Figure, FigureInput};
use crate::font;
use crate::label::Label;
use crate::layout::Stage;
use crate::motion::share;
use crate::picture::{check, content, framed};
use crate::scene::{Mark, Scene};
use crate::size::Size;
use crate::theme::Theme;

/// The frames of a figure over times that are evenly spaced on a logarithmic axis.
pub struct Animation {
    about: &'static str,
    times: Vec<f64>,
    /// The scene without marks: its size, ground and name.
    page: Scene,
    below: Vec<Mark>,
    frames: Vec<Vec<Mark>>,
    above: Vec<Mark>,
}

/// The same as SVG: the parts of a picture that stand still, and what changes between them.
pub struct Layers {
    /// The picture of the first frame, from `<svg` on, in which `<g class="moving">` holds what changes.
    pub first: String,
    /// What that element holds, frame by frame.
    pub moving: Vec<String>,
}

impl Animation {
    /// So many frames of a figure; `None` if it does not move.
    ///
    /// # Errors
    /// If there are fewer than two frames, or fewer than two positive times recorded.
    pub fn new(
        figure: &dyn Figure,
        input: &FigureInput<'_>,
        frames: usize,
        (size, theme): (Size, &Theme),
    ) -> Result<Option<Self>, PlotError> {
        font::check()?;
        let Some(motion) = figure.motion(input)? else {
            return Ok(None);
        };
        check(&motion.stage)?;
        let times = times(input.t, frames)?;
        let stage = Stage::new(&motion.stage, size, theme);
        let mut drawn = Vec::with_capacity(times.len());
        for &t in &times {
            let chart = (motion.at)(t);
            check(&chart)?;
            let mut marks = stage.data(&chart);
            marks.push(stage.beside_x_label(Label::parse(&clock(t))));
            drawn.push(marks);
        }
        Ok(Some(Self {
            about: motion.about,
            times,
            page: stage.page(motion.stage.title.clone()),
            below: stage.below(),
            frames: drawn,
            above: stage.above(),
        }))
    }

    /// One sentence on what is seen.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// The times of the frames.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// Width on paper, in millimetres.
    pub(crate) fn width(&self) -> f64 {
        self.page.size.0
    }

    /// One frame as a picture of its own.
    ///
    /// # Errors
    /// If the canvas refuses it.
    pub fn frame(&self, k: usize) -> Result<String, PlotError> {
        let moving = self.frames.get(k).map_or(&[][..], Vec::as_slice);
        let marks = [&self.below, moving, &self.above].concat();
        let scene = self.with(marks);
        Ok(framed(&content(&scene, true)?, &scene))
    }

    /// All frames as one picture and what changes in it.
    ///
    /// # Errors
    /// If the canvas refuses a frame.
    pub fn layers(&self) -> Result<Layers, PlotError> {
        let moving = self
            .frames
            .iter()
            .map(|marks| content(&self.with(marks.clone()), false));
        let moving = moving.collect::<Result<Vec<_>, _>>()?;
        let first = format!(
            "{}<g class=\"moving\">{}</g>{}",
            content(&self.with(self.below.clone()), true)?,
            moving.first().map_or("", String::as_str),
            content(&self.with(self.above.clone()), false)?,
        );
        Ok(Layers {
            first: framed(&first, &self.page),
            moving,
        })
    }

    fn with(&self, marks: Vec<Mark>) -> Scene {
        Scene {
            marks,
            ..self.page.clone()
        }
    }
}

/// Times from the first positive one recorded to the last, evenly spaced in log t.
fn times(recorded: &[f64], frames: usize) -> Result<Vec<f64>, PlotError> {
    let mut positive = recorded.iter().copied().filter(|t| *t > 0.0 && t.is_finite());
    let ends = positive.next().zip(positive.next_back());
    let Some((first, last)) = ends.filter(|(first, last)| first < last) else {
        return Err(PlotError::NoMotion {
            reason: "fewer than two positive times were recorded: ask for more in `record`",
        });
    };
    if frames < 2 {
        return Err(PlotError::NoMotion {
            reason: "there are fewer than two frames",
        });
    }
    let part = |k: usize| k as f64 / (frames - 1) as f64; // few frames
    let inside = (1..frames - 1).map(|k| first * (last / first).powf(part(k)));
    Ok(std::iter::once(first).chain(inside).chain([last]).collect())
}

/// The time as it stands beside the axis, always of the same form.
fn clock(t: f64) -> String {
    let text = format!("{t:.1e}").replace('-', "−");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("𝑡 = {mantissa}×10^{{{exponent}}}")
}

/// The n weights at the time t, between two rows of the record as a line over log t; those of the nearest row beyond.
pub(crate) fn weights_at(t: &[f64], weights: &[f64], n: usize, at: f64) -> Vec<f64> {
    let row = |k: usize| &weights[k * n..(k + 1) * n];
    let after = t.partition_point(|t| *t <= at);
    match after {
        0 => row(0).to_vec(),
        last if last == t.len() => row(last - 1).to_vec(),
        k => {
            let share = share(t[k - 1], t[k], at, Scale::Log10);
            let pairs = row(k - 1).iter().zip(row(k));
            pairs.map(|(a, b)| a + share * (b - a)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_even_on_the_axis_and_have_its_ends() {
        let found = times(&[0.0, 0.01, 3.0, 100.0], 5).unwrap();
        assert_eq!((found[0], found[4]), (0.01, 100.0));
        for (found, expected) in found.iter().zip([0.01, 0.1, 1.0, 10.0, 100.0]) {
            assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
        }
        for recorded in [&[][..], &[0.0], &[0.0, 1.0], &[2.0, 2.0]] {
            assert!(
                matches!(times(recorded, 5), Err(PlotError::NoMotion { .. })),
                "{recorded:?}"
            );
        }
        assert!(matches!(times(&[1.0, 2.0], 1), Err(PlotError::NoMotion { .. })));
    }

    #[test]
    fn weights_between_records_lie_on_the_line_that_is_drawn() {
        let (t, weights) = ([0.0, 1.0, 100.0], [0.0, 0.0, 1.0, 4.0, 3.0, 8.0]);
        assert_eq!(weights_at(&t, &weights, 2, 10.0), [2.0, 6.0]);
        assert_eq!(weights_at(&t, &weights, 2, 1.0), [1.0, 4.0]);
        assert_eq!(weights_at(&t, &weights, 2, 1e9), [3.0, 8.0]);
        assert_eq!(weights_at(&t, &weights, 2, 0.5), [1.0, 4.0]);
    }

    #[test]
    fn the_clock_has_one_form() {
        assert_eq!(clock(0.00123), "𝑡 = 1.2×10^{−3}");
        assert_eq!(clock(96.0), "𝑡 = 9.6×10^{1}");
    }
}
