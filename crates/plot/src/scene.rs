//! A picture as a list of marks on paper: millimetres from the upper left corner, y downwards, colours resolved.
//! Layout produces it, [`crate::render`] draws it; a test can inspect it.

use crate::label::Label;
use crate::theme::Rgb;

/// A position on paper, in millimetres.
pub(crate) type Point = (f64, f64);

/// An axis-parallel rectangle on paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// Something drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// A stroked polyline.
    Line {
        points: Vec<Point>,
        width: f64,
        colour: Rgb,
    },
    /// A filled polygon.
    Area {
        points: Vec<Point>,
        colour: Rgb,
        opacity: f64,
    },
    /// A filled rectangle that meets its neighbours without a seam.
    Tile { rect: Rect, colour: Rgb },
    /// A filled disc.
    Dot { centre: Point, radius: f64, colour: Rgb },
    /// A line of text starting at the left (when upright, the bottom) end of its baseline.
    Text {
        label: Label,
        baseline: Point,
        size: f64,
        upright: bool,
        colour: Rgb,
    },
}

impl Mark {
    /// The box a text occupies, with ascenders and descenders; `None` for other marks.
    #[cfg(test)]
    pub fn text_box(&self) -> Option<Rect> {
        let Self::Text {
            label,
            baseline: (x, y),
            size,
            upright,
            ..
        } = self
        else {
            return None;
        };
        let reach = |sign: f64, part: f64| {
            let extents = label.runs.iter().map(|run| sign * run.rise() + part * run.scale());
            size * extents.fold(0.0, f64::max)
        };
        let (ascent, descent, width) = (reach(1.0, 0.76), reach(-1.0, 0.24), label.width() * size);
        Some(match upright {
            false => Rect {
                left: *x,
                top: y - ascent,
                right: x + width,
                bottom: y + descent,
            },
            true => Rect {
                left: x - ascent,
                top: y - width,
                right: x + descent,
                bottom: *y,
            },
        })
    }
}

/// Everything on one page, first marks lowest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    /// Width and height in millimetres.
    pub size: (f64, f64),
    /// Page colour.
    pub background: Rgb,
    /// Name of the picture for readers that cannot see it.
    pub name: Option<String>,
    /// What is drawn.
    pub marks: Vec<Mark>,
}
