//! Pictures: self-contained SVG with outlined text, and pixels made from that same SVG.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Indent, Options, Tree, WriteOptions};

use crate::chart::Chart;
use crate::error::{PlotError, same_length};
use crate::scene::Scene;
use crate::size::Size;
use crate::theme::Theme;
use crate::{font, layout, render};

/// Resolutions accepted by [`png`].
const DPI: (f64, f64) = (10.0, 1200.0);
/// Pictures of more pixels than this are refused.
const MOST_PIXELS: u64 = 100_000_000;
/// The usual resolution of printed figures, in dots per inch.
pub const PRINT_DPI: f64 = 300.0;

/// Draws a chart as an SVG picture.
///
/// The picture has its size in millimetres, contains no fonts, styles or links, and all of its text as outlines, so that
/// it looks the same everywhere; equal charts give equal bytes.
///
/// ```
/// use hadaflow_plot::{Axis, Chart, Colour, Role, Series, Size, Theme, svg};
///
/// let t: Vec<f64> = (0..50).map(|i| 10_f64.powf(f64::from(i) / 10.0)).collect();
/// let loss = t.iter().map(|t| 1.0 / (1.0 + t)).collect();
/// let chart = Chart {
///     x: Axis::log10("time 𝑡"),
///     y: Axis::log10("loss"),
///     series: vec![Series::line("ℓ(𝑤(𝑡))", t, loss, Colour::Role(Role::Loss))],
///     ..Chart::default()
/// };
/// let picture = svg(&chart, Size::OneColumn, &Theme::light())?;
/// assert!(picture.starts_with("<svg width=\"85mm\""));
/// # Ok::<(), hadaflow_plot::PlotError>(())
/// ```
pub fn svg(chart: &Chart, size: Size, theme: &Theme) -> Result<String, PlotError> {
    font::check()?;
    check(chart)?;
    let scene = layout::scene(chart, size, theme);
    Ok(framed(&content(&scene, true)?, &scene))
}

/// Turns an SVG picture into a PNG file at a resolution in dots per inch.
pub fn png(svg: &str, dpi: f64) -> Result<Vec<u8>, PlotError> {
    let pixmap = raster(svg, dpi)?;
    let encoded = pixmap.encode_png().map_err(|error| PlotError::Raster {
        width: pixmap.width(),
        height: pixmap.height(),
        reason: error.to_string(),
    })?;
    Ok(with_resolution(&encoded, dpi))
}

/// Turns an SVG picture into pixels at a resolution in dots per inch.
pub(crate) fn raster(svg: &str, dpi: f64) -> Result<Pixmap, PlotError> {
    if !(DPI.0..=DPI.1).contains(&dpi) {
        return Err(PlotError::InvalidDpi {
            dpi,
            lowest: DPI.0,
            highest: DPI.1,
        });
    }
    let tree = parse(svg, dpi)?;
    let pixels = tree.size().to_int_size();
    let (width, height) = (pixels.width(), pixels.height());
    let failed = |reason: &str| PlotError::Raster {
        width,
        height,
        reason: reason.to_owned(),
    };
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(failed("too large"));
    }
    let mut pixmap = Pixmap::new(width, height).ok_or_else(|| failed("too large"))?;
    // The nearest whole number of pixels, filled exactly.
    let fill = Transform::from_scale(width as f32 / tree.size().width(), height as f32 / tree.size().height());
    resvg::render(&tree, fill, &mut pixmap.as_mut());
    Ok(pixmap)
}

/// Every curve needs as many ordinates as abscissas.
pub(crate) fn check(chart: &Chart) -> Result<(), PlotError> {
    for series in &chart.series {
        same_length(&format!("series \"{}\"", series.label), series.x.len(), series.y.len())?;
    }
    for points in &chart.points {
        let what = format!("points \"{}\"", points.label);
        same_length(&what, points.x.len(), points.y.len())?;
        if !points.bars.is_empty() {
            same_length(&format!("bars of {what}"), points.x.len(), points.bars.len())?;
        }
    }
    for band in &chart.bands {
        same_length(
            &format!("lower curve of \"{}\"", band.label),
            band.x.len(),
            band.lower.len(),
        )?;
        same_length(
            &format!("upper curve of \"{}\"", band.label),
            band.x.len(),
            band.upper.len(),
        )?;
    }
    Ok(())
}

/// Reads SVG with the bundled fonts only.
pub(crate) fn parse(svg: &str, dpi: f64) -> Result<Tree, PlotError> {
    let options = Options {
        // Resolutions are small numbers: f32 holds them.
        dpi: dpi as f32,
        font_family: font::FAMILY.to_owned(),
        fontdb: font::database(),
        ..Options::default()
    };
    Tree::from_str(svg, &options).map_err(|error| PlotError::InvalidSvg {
        reason: error.to_string(),
    })
}

/// What a scene draws, on its ground or on none, with its text as outlines.
pub(crate) fn content(scene: &Scene, ground: bool) -> Result<String, PlotError> {
    let canvas = render::draw(scene, ground)?;
    // Bends without spikes, and letters where the layout measured them.
    let canvas = canvas.replacen("<svg ", "<svg stroke-linejoin=\"round\" ", 1);
    // Neighbouring tiles share an edge; smoothing it for each of them would let the ground shine through.
    let canvas = canvas.replace("<rect ", "<rect shape-rendering=\"crispEdges\" ");
    let canvas = canvas.replace("<text ", "<text style=\"font-kerning:none\" ");
    let tree = parse(&canvas, 96.0)?;
    let options = WriteOptions {
        coordinates_precision: 1,
        transforms_precision: 6,
        indent: Indent::None,
        ..WriteOptions::default()
    };
    let body = tree.to_string(&options);
    let inside = body.split_once('>').map_or("", |(_, inside)| inside);
    Ok(inside.trim_end().trim_end_matches("</svg>").to_owned())
}

/// A picture of this content in the size of a scene on paper.
pub(crate) fn framed(content: &str, scene: &Scene) -> String {
    let (width, height) = scene.size;
    let (w, h) = (width * render::UNITS, height * render::UNITS);
    let name = scene
        .name
        .as_deref()
        .map(|name| format!("<title>{}</title>", escaped(name)))
        .unwrap_or_default();
    format!(
        "<svg width=\"{width}mm\" height=\"{height}mm\" viewBox=\"0 0 {w} {h}\" \
         xmlns=\"http://www.w3.org/2000/svg\">{name}{content}</svg>\n"
    )
}

/// Text as XML character data.
fn escaped(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
        out
    })
}

/// Writes the resolution into a PNG file (a pHYs chunk after the header), so that programs place it in its true size.
fn with_resolution(png: &[u8], dpi: f64) -> Vec<u8> {
    // Signature (8 bytes) and header chunk (4 + 4 + 13 + 4 bytes) come first in every PNG.
    let (header, rest) = png.split_at(png.len().min(33));
    let per_metre = (dpi / 0.0254).round() as u32;
    let mut chunk = b"pHYs".to_vec();
    chunk.extend(per_metre.to_be_bytes());
    chunk.extend(per_metre.to_be_bytes());
    chunk.push(1);
    let checksum = crc32(&chunk);
    [header, &9_u32.to_be_bytes(), &chunk, &checksum.to_be_bytes(), rest].concat()
}

/// The cyclic redundancy check of PNG chunks.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| {
        if crc & 1 == 1 {
            0xEDB8_8320 ^ (crc >> 1)
        } else {
            crc >> 1
        }
    };
    let table = |crc: u32| (0..8).fold(crc, |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        table((crc ^ u32::from(byte)) & 0xFF) ^ (crc >> 8)
    })
}

#[cfg(test)]
mod tests;
