//! Drawing a scene on the SVG canvas of plotters. The only file that imports plotters.
//!
//! The canvas has integer coordinates: one unit is a hundredth of a millimetre. Text leaves this file as SVG text in the
//! bundled font; [`crate::picture`] turns it into outlines.

use plotters::prelude::{DrawingBackend, RGBColor, SVGBackend, ShapeStyle, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, FontTransform, IntoTextStyle, register_font};

use crate::error::PlotError;
use crate::font::{FAMILY, OBLIQUE, REGULAR};
use crate::label::Label;
use crate::scene::{Mark, Point, Scene};
use crate::theme::Rgb;

/// Canvas units in a millimetre.
pub(crate) const UNITS: f64 = 100.0;
/// The canvas divides font sizes by this.
const FONT_SCALE: f64 = 1.24;
/// The canvas puts the baseline of a text this far below the given point, in units of the type size.
const BASELINE: f64 = 0.76;

/// The scene as SVG whose text still needs the bundled font, on its ground or on none.
pub(crate) fn draw(scene: &Scene, ground: bool) -> Result<String, PlotError> {
    for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Italic, OBLIQUE)] {
        register_font(FAMILY, style, bytes).map_err(|_| PlotError::Font { font: FAMILY })?;
    }
    let (width, height) = (unit(scene.size.0), unit(scene.size.1));
    let mut svg = String::new();
    let mut canvas = SVGBackend::with_string(&mut svg, (width.unsigned_abs(), height.unsigned_abs()));
    let page = ShapeStyle {
        color: rgb(scene.background).to_rgba(),
        filled: true,
        stroke_width: 0,
    };
    if ground {
        canvas
            .draw_rect((0, 0), (width, height), &page, true)
            .map_err(refused)?;
    }
    for mark in &scene.marks {
        draw_mark(&mut canvas, mark)?;
    }
    canvas.present().map_err(refused)?;
    drop(canvas);
    Ok(svg)
}

fn draw_mark(canvas: &mut SVGBackend<'_>, mark: &Mark) -> Result<(), PlotError> {
    match mark {
        Mark::Line { points, width, colour } => {
            let style = ShapeStyle {
                color: rgb(*colour).to_rgba(),
                filled: false,
                stroke_width: thickness(*width),
            };
            canvas.draw_path(units(points), &style).map_err(refused)
        }
        Mark::Area {
            points,
            colour,
            opacity,
        } => {
            let style = ShapeStyle {
                color: rgb(*colour).mix(*opacity),
                filled: true,
                stroke_width: 0,
            };
            canvas.fill_polygon(units(points), &style).map_err(refused)
        }
        Mark::Tile { rect, colour } => {
            let style = ShapeStyle {
                color: rgb(*colour).to_rgba(),
                filled: true,
                stroke_width: 0,
            };
            let corner = |x, y| (unit(x), unit(y));
            let (from, to) = (corner(rect.left, rect.top), corner(rect.right, rect.bottom));
            canvas.draw_rect(from, to, &style, true).map_err(refused)
        }
        Mark::Dot { centre, radius, colour } => {
            let style = ShapeStyle {
                color: rgb(*colour).to_rgba(),
                filled: true,
                stroke_width: 0,
            };
            let centre = (unit(centre.0), unit(centre.1));
            canvas
                .draw_circle(centre, thickness(*radius), &style, true)
                .map_err(refused)
        }
        Mark::Text {
            label,
            baseline,
            size,
            upright,
            colour,
        } => draw_label(canvas, label, *baseline, *size, *upright, *colour),
    }
}

/// Draws the runs of a label one after the other along its baseline.
fn draw_label(
    canvas: &mut SVGBackend<'_>,
    label: &Label,
    baseline: Point,
    size: f64,
    upright: bool,
    colour: Rgb,
) -> Result<(), PlotError> {
    let mut along = 0.0;
    for run in &label.runs {
        let run_size = size * run.scale();
        // From the baseline of the line to the point the canvas asks for: up by the rise and by its own offset.
        let lift = BASELINE * run_size + run.rise() * size;
        let place = match upright {
            false => (baseline.0 + along, baseline.1 - lift),
            true => (baseline.0 - lift, baseline.1 - along),
        };
        let slant = if run.oblique {
            FontStyle::Italic
        } else {
            FontStyle::Normal
        };
        let turn = if upright {
            FontTransform::Rotate270
        } else {
            FontTransform::None
        };
        let font = FontDesc::new(FontFamily::Name(FAMILY), run_size * UNITS * FONT_SCALE, slant).transform(turn);
        let style: TextStyle<'_> = font
            .color(&rgb(colour))
            .into_text_style(&(1, 1))
            .pos(Pos::new(HPos::Left, VPos::Top));
        // Plain spaces at the ends of an SVG text would be dropped.
        let text = run.text.replace(' ', "\u{a0}");
        canvas
            .draw_text(&text, &style, (unit(place.0), unit(place.1)))
            .map_err(refused)?;
        along += run.width() * size;
    }
    Ok(())
}

fn rgb(colour: Rgb) -> RGBColor {
    RGBColor(colour.0, colour.1, colour.2)
}

/// Millimetres to canvas units. Layout and clipping keep everything on the page, far inside the range of `i32`.
fn unit(millimetres: f64) -> i32 {
    (millimetres * UNITS).round() as i32
}

/// A positive length in canvas units, at least one.
fn thickness(millimetres: f64) -> u32 {
    unit(millimetres).max(1).unsigned_abs()
}

/// Points in canvas units, without repetitions.
fn units(points: &[Point]) -> Vec<(i32, i32)> {
    let mut points: Vec<_> = points.iter().map(|p| (unit(p.0), unit(p.1))).collect();
    points.dedup();
    points
}

fn refused(error: impl std::fmt::Display) -> PlotError {
    PlotError::Canvas {
        reason: error.to_string(),
    }
}
