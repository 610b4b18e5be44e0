//! A chart as plain data: what is drawn, in data coordinates, with nothing about how.
//!
//! Labels are Unicode. Sub- and superscript characters (`x₁`, `10⁻³`) and the brace forms `_{F}` and `^{L}` are typeset as
//! real scripts, mathematical italic letters (`𝑡`) as oblique ones.

/// One chart: two axes and what lies between them.
///
/// Points that cannot be drawn (not finite, or not positive on a logarithmic axis) break the line they belong to; a chart
/// without any drawable point is rendered as an empty frame that says so.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chart {
    /// Heading above the frame.
    pub title: Option<String>,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// A coloured map, drawn lowest, with its colour bar beside the frame.
    pub heatmap: Option<Heatmap>,
    /// Shaded regions, drawn first but for a map.
    pub bands: Vec<Band>,
    /// Horizontal reference lines, drawn above the bands and below the series.
    pub levels: Vec<Level>,
    /// Lines, drawn in the given order, the last one on top.
    pub series: Vec<Series>,
    /// Measured points with their errors, drawn above the lines.
    pub points: Vec<Points>,
}

/// One axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What the axis measures.
    pub label: String,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// Fixed range; without one, the range of the drawable data with a small margin.
    pub range: Option<(f64, f64)>,
    /// Whether only whole numbers have ticks, on a linear axis of counts.
    pub whole: bool,
}

impl Axis {
    /// A linear axis over the range of the data.
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Linear,
            ..Self::default()
        }
    }

    /// A linear axis of counts.
    pub fn whole(label: impl Into<String>) -> Self {
        Self {
            whole: true,
            ..Self::linear(label)
        }
    }

    /// A base-10 logarithmic axis over the range of the positive data.
    pub fn log10(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Log10,
            ..Self::default()
        }
    }
}

/// How an axis maps numbers to lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Proportional.
    #[default]
    Linear,
    /// Proportional to the base-10 logarithm.
    Log10,
}

/// A colour by meaning or by number; the [`crate::Theme`] turns it into a paint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// The colour that always stands for this quantity.
    Role(Role),
    /// Entry of the palette, modulo its length.
    Palette(usize),
    /// What text is drawn in.
    Ink,
    /// Black on any ground, for what is drawn over a map.
    Black,
    /// White on any ground.
    White,
    /// A place on a scale from dark (0) to light (255), for groups that have an order.
    Ramp(u8),
}

/// Quantities that have the same colour in every figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The loss.
    Loss,
    /// A Bregman divergence.
    Divergence,
    /// A time integral, drawn over what it should equal.
    Integral,
    /// An l1 norm.
    L1Norm,
    /// A lower bound from the dual problem.
    DualBound,
    /// A constant to compare with.
    ReferenceLevel,
    /// Coordinates on the support.
    OnSupport,
    /// Coordinates off the support.
    OffSupport,
}

impl Role {
    /// Every role, in order of declaration.
    pub const ALL: [Self; 8] = [
        Self::Loss,
        Self::Divergence,
        Self::Integral,
        Self::L1Norm,
        Self::DualBound,
        Self::ReferenceLevel,
        Self::OnSupport,
        Self::OffSupport,
    ];
}

/// Stroke pattern of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dash {
    /// Unbroken.
    #[default]
    Solid,
    /// Long strokes.
    Dashed,
    /// Dots.
    Dotted,
    /// Long strokes and dots in turn.
    DashDot,
}

/// A line through points, in the given order.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Legend text.
    pub label: String,
    /// Abscissas.
    pub x: Vec<f64>,
    /// Ordinates, as many as abscissas.
    pub y: Vec<f64>,
    /// Paint.
    pub colour: Colour,
    /// Stroke pattern.
    pub dash: Dash,
    /// Line width relative to the normal one of the figure size.
    pub width: f64,
    /// Whether the legend lists it.
    pub legend: bool,
    /// Whether its label stands at its end, right of the frame.
    pub direct: bool,
    /// Paint of a broader unbroken line below, which sets it off from a coloured ground.
    pub halo: Option<Colour>,
}

impl Series {
    /// A solid line of normal width, listed in the legend.
    pub fn line(label: impl Into<String>, x: Vec<f64>, y: Vec<f64>, colour: Colour) -> Self {
        Self {
            label: label.into(),
            x,
            y,
            colour,
            dash: Dash::Solid,
            width: 1.0,
            legend: true,
            direct: false,
            halo: None,
        }
    }

    /// The same line with this stroke pattern and relative width.
    pub fn stroked(self, dash: Dash, width: f64) -> Self {
        Self { dash, width, ..self }
    }

    /// The same line with a broader one below it.
    pub fn haloed(self, colour: Colour) -> Self {
        Self {
            halo: Some(colour),
            ..self
        }
    }

    /// The same line without a legend entry.
    pub fn unlisted(self) -> Self {
        Self { legend: false, ..self }
    }
}

/// The region between two curves over the same abscissas, always listed in the legend when labelled.
///
/// On a logarithmic axis a lower value that is zero or negative reaches down to the frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Legend text.
    pub label: String,
    /// Abscissas.
    pub x: Vec<f64>,
    /// Lower curve.
    pub lower: Vec<f64>,
    /// Upper curve.
    pub upper: Vec<f64>,
    /// Paint; drawn translucent.
    pub colour: Colour,
}

/// A horizontal line across the frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Legend text; an empty label is not listed.
    pub label: String,
    /// Height.
    pub value: f64,
    /// Paint.
    pub colour: Colour,
    /// Stroke pattern.
    pub dash: Dash,
    /// Line width relative to the normal one of the figure size.
    pub width: f64,
}

/// Measured points, each with an interval if there are any.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// Legend text; an empty label is not listed.
    pub label: String,
    /// Abscissas.
    pub x: Vec<f64>,
    /// Ordinates, as many as abscissas.
    pub y: Vec<f64>,
    /// Lower and upper ends of a vertical bar for each point, or none at all. An end that cannot be drawn (such as zero on
    /// a logarithmic axis) reaches to the frame.
    pub bars: Vec<(f64, f64)>,
    /// Paint.
    pub colour: Colour,
    /// Shape.
    pub marker: Marker,
}

/// Shape of a point, so that groups differ without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Marker {
    /// A disc.
    #[default]
    Disc,
    /// A square.
    Square,
    /// A triangle on its base.
    Triangle,
    /// A square on its corner.
    Diamond,
}

impl Marker {
    /// The marker of the i-th group.
    pub fn of(i: usize) -> Self {
        [Self::Disc, Self::Square, Self::Triangle, Self::Diamond][i % 4]
    }
}

/// Rectangles coloured by a value, with a colour bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// The rectangles; they should not overlap. Where there is none, the ground shows that nothing is known.
    pub tiles: Vec<Tile>,
    /// Values at the two ends of the colour bar; values outside get the colour of the nearer end.
    pub range: (f64, f64),
    /// What the colour bar measures.
    pub label: String,
}

/// One rectangle of a [`Heatmap`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tile {
    /// Left and right edge.
    pub x: (f64, f64),
    /// Lower and upper edge.
    pub y: (f64, f64),
    /// What is coloured; a tile without a finite value is not drawn.
    pub value: f64,
}
