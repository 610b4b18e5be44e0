//! A PDF page from the SVG of a picture.
//!
//! A picture is filled and stroked paths in solid colours, text included, and so is its page: the paths are written as they
//! stand, in canvas units under one matrix, and nothing is embedded. There is no clock and no identifier in the file: equal
//! pictures give equal bytes.

use std::collections::BTreeMap;

use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, TextStr};
use resvg::tiny_skia::{PathSegment, Point, Transform};
use resvg::usvg::{
    BlendMode, Fill, FillRule, Group, LineCap, LineJoin, Node, Paint, PaintOrder, Path, Stroke, Tree, roxmltree,
};

use crate::error::PlotError;
use crate::picture::parse;

/// Units of a PDF page in an inch.
const POINTS: f64 = 72.0;
/// Effort of the compression, of 10: beyond, files get no smaller.
const EFFORT: u8 = 6;
/// Width, in points, of the outline that closes the seams between neighbouring tiles.
const SEAM: f32 = 0.1;

const TRANSLUCENT: &str = "a translucent group";

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFORMATION: Ref = Ref::new(5);
/// Graphics states follow from here.
const STATES: i32 = 6;

/// Turns an SVG picture into a PDF file of one page of the same size.
///
/// ```
/// use hadaflow_plot::{Chart, Size, Theme, pdf, svg};
///
/// let page = pdf(&svg(&Chart::default(), Size::OneColumn, &Theme::light())?)?;
/// assert!(page.starts_with(b"%PDF-1.7"));
/// # Ok::<(), hadaflow_plot::PlotError>(())
/// ```
///
/// # Errors
/// If the text is no SVG picture, or one with more than paths in solid colours.
pub fn pdf(svg: &str) -> Result<Vec<u8>, PlotError> {
    let tree = parse(svg, POINTS)?;
    let mut page = Page {
        content: Content::new(),
        opacities: BTreeMap::new(),
    };
    // Up is positive on a page, down in a picture.
    let flip = Transform::from_row(1.0, 0.0, 0.0, -1.0, 0.0, tree.size().height());
    page.group(tree.root(), flip, 1.0)?;
    Ok(page.file(&tree, title(svg).as_deref()))
}

/// The name of the picture.
fn title(svg: &str) -> Option<String> {
    let document = roxmltree::Document::parse(svg).ok()?;
    let mut children = document.root_element().children();
    let title = children.find(|child| child.has_tag_name("title"))?;
    title.text().map(str::to_owned)
}

/// What is painted, and the opacities it is painted with.
struct Page {
    content: Content,
    /// Opacities in thousandths, in order of appearance.
    opacities: BTreeMap<u16, usize>,
}

impl Page {
    /// Everything in a group, whose parents have the opacity `above`.
    fn group(&mut self, group: &Group, to_page: Transform, above: f32) -> Result<(), PlotError> {
        let refuse = |what| Err(PlotError::NotOnPage { what });
        let opacity = above * group.opacity().get();
        // The opacity of a single path is that of its paint; several that overlap would show through each other.
        if opacity != 1.0 && group.children().len() > 1 {
            return refuse(TRANSLUCENT);
        }
        if group.blend_mode() != BlendMode::Normal {
            return refuse("colours that blend");
        }
        if group.clip_path().is_some() || group.mask().is_some() || !group.filters().is_empty() {
            return refuse("a clip path, a mask or a filter");
        }
        for node in group.children() {
            match node {
                Node::Group(inner) => self.group(inner, to_page, opacity)?,
                Node::Path(path) if path.is_visible() => self.path(path, to_page, opacity)?,
                Node::Path(_) => {}
                Node::Image(_) => return refuse("an image"),
                Node::Text(_) => return refuse("text that is not outlined"),
            }
        }
        Ok(())
    }

    fn path(&mut self, path: &Path, to_page: Transform, opacity: f32) -> Result<(), PlotError> {
        if opacity != 1.0 && path.fill().is_some() && path.stroke().is_some() {
            return Err(PlotError::NotOnPage { what: TRANSLUCENT });
        }
        let matrix = to_page.pre_concat(path.abs_transform());
        self.content
            .save_state()
            .transform([matrix.sx, matrix.ky, matrix.kx, matrix.sy, matrix.tx, matrix.ty]);
        // A page has no crisp edges; tiles overlap their neighbours by a hair instead.
        let crisp = !path.rendering_mode().use_shape_antialiasing() && path.stroke().is_none();
        let seam = crisp.then(|| SEAM / matrix.get_scale().0.max(f32::MIN_POSITIVE));
        let fill = |page: &mut Self| path.fill().map_or(Ok(()), |fill| page.fill(path, fill, opacity, seam));
        let stroke = |page: &mut Self| {
            path.stroke()
                .map_or(Ok(()), |stroke| page.stroke(path, stroke, opacity))
        };
        if path.paint_order() == PaintOrder::FillAndStroke {
            fill(self)?;
            stroke(self)?;
        } else {
            stroke(self)?;
            fill(self)?;
        }
        self.content.restore_state();
        Ok(())
    }

    /// A filled path; `seam` is the width of an outline in the same colour.
    fn fill(&mut self, path: &Path, fill: &Fill, opacity: f32, seam: Option<f32>) -> Result<(), PlotError> {
        let rgb = colour(fill.paint())?;
        self.opacity(opacity * fill.opacity().get());
        self.content.set_fill_rgb(rgb[0], rgb[1], rgb[2]);
        if let Some(width) = seam {
            self.content
                .set_stroke_rgb(rgb[0], rgb[1], rgb[2])
                .set_line_width(width);
        }
        self.outline(path);
        match (fill.rule(), seam.is_some()) {
            (FillRule::NonZero, false) => self.content.fill_nonzero(),
            (FillRule::EvenOdd, false) => self.content.fill_even_odd(),
            (FillRule::NonZero, true) => self.content.fill_nonzero_and_stroke(),
            (FillRule::EvenOdd, true) => self.content.fill_even_odd_and_stroke(),
        };
        Ok(())
    }

    fn stroke(&mut self, path: &Path, stroke: &Stroke, opacity: f32) -> Result<(), PlotError> {
        let rgb = colour(stroke.paint())?;
        self.opacity(opacity * stroke.opacity().get());
        let cap = match stroke.linecap() {
            LineCap::Butt => LineCapStyle::ButtCap,
            LineCap::Round => LineCapStyle::RoundCap,
            LineCap::Square => LineCapStyle::ProjectingSquareCap,
        };
        let join = match stroke.linejoin() {
            LineJoin::Miter | LineJoin::MiterClip => LineJoinStyle::MiterJoin,
            LineJoin::Round => LineJoinStyle::RoundJoin,
            LineJoin::Bevel => LineJoinStyle::BevelJoin,
        };
        self.content
            .set_stroke_rgb(rgb[0], rgb[1], rgb[2])
            .set_line_width(stroke.width().get())
            .set_line_cap(cap)
            .set_line_join(join)
            .set_miter_limit(stroke.miterlimit().get());
        if let Some(dashes) = stroke.dasharray() {
            self.content
                .set_dash_pattern(dashes.iter().copied(), stroke.dashoffset());
        }
        self.outline(path);
        self.content.stroke();
        Ok(())
    }

    /// The opacity of what is painted next, until the state is restored.
    fn opacity(&mut self, opacity: f32) {
        let thousandths = (opacity * 1000.0).round() as u16; // an opacity lies in [0, 1]
        let next = self.opacities.len();
        let index = *self.opacities.entry(thousandths).or_insert(next);
        self.content.set_parameters(Name(state_name(index).as_bytes()));
    }

    fn outline(&mut self, path: &Path) {
        let mut last = Point::zero();
        for segment in path.data().segments() {
            match segment {
                PathSegment::MoveTo(to) => {
                    self.content.move_to(to.x, to.y);
                    last = to;
                }
                PathSegment::LineTo(to) => {
                    self.content.line_to(to.x, to.y);
                    last = to;
                }
                PathSegment::QuadTo(bend, to) => {
                    // A page has cubic curves only: the same curve has its controls two thirds of the way to the bend.
                    let toward = |from: Point| (from.x + (bend.x - from.x) / 1.5, from.y + (bend.y - from.y) / 1.5);
                    let ((ax, ay), (bx, by)) = (toward(last), toward(to));
                    self.content.cubic_to(ax, ay, bx, by, to.x, to.y);
                    last = to;
                }
                PathSegment::CubicTo(a, b, to) => {
                    self.content.cubic_to(a.x, a.y, b.x, b.y, to.x, to.y);
                    last = to;
                }
                PathSegment::Close => {
                    self.content.close_path();
                }
            }
        }
    }

    /// The file: catalogue, page, paths, opacities, name.
    fn file(self, tree: &Tree, title: Option<&str>) -> Vec<u8> {
        let mut pdf = Pdf::new();
        pdf.catalog(CATALOG).pages(PAGES);
        pdf.pages(PAGES).kids([PAGE]).count(1);
        let state = |index: usize| Ref::new(STATES + index as i32); // at most 1001 opacities
        let mut page = pdf.page(PAGE);
        page.parent(PAGES).contents(CONTENT);
        page.media_box(Rect::new(0.0, 0.0, tree.size().width(), tree.size().height()));
        let mut resources = page.resources();
        let mut states = resources.ext_g_states();
        let mut by_index: Vec<(usize, u16)> = self
            .opacities
            .iter()
            .map(|(&opacity, &index)| (index, opacity))
            .collect();
        by_index.sort_unstable();
        for &(index, _) in &by_index {
            states.pair(Name(state_name(index).as_bytes()), state(index));
        }
        states.finish();
        resources.finish();
        page.finish();
        let content = compress_to_vec_zlib(&self.content.finish(), EFFORT);
        pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
        let mut information = pdf.document_info(INFORMATION);
        information.producer(TextStr(concat!("Hadaflow ", env!("CARGO_PKG_VERSION"))));
        if let Some(title) = title {
            information.title(TextStr(title));
        }
        information.finish();
        for (index, opacity) in by_index {
            let opacity = f32::from(opacity) / 1000.0;
            pdf.ext_graphics(state(index))
                .non_stroking_alpha(opacity)
                .stroking_alpha(opacity);
        }
        pdf.finish()
    }
}

/// What a page calls its graphics states.
fn state_name(index: usize) -> String {
    format!("g{index}")
}

/// A solid colour in [0, 1]³.
fn colour(paint: &Paint) -> Result<[f32; 3], PlotError> {
    let Paint::Color(colour) = paint else {
        let what = "a gradient or a pattern";
        return Err(PlotError::NotOnPage { what });
    };
    Ok([colour.red, colour.green, colour.blue].map(|channel| f32::from(channel) / 255.0))
}

#[cfg(test)]
mod tests;
