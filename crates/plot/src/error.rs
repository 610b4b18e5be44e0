//! What can be wrong with a request for a picture.

/// Why a chart or a picture could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlotError {
    /// Two sequences that belong together differ in length.
    #[error("{what} has {found} values where {expected} are needed")]
    LengthMismatch {
        /// Name of the sequence.
        what: String,
        /// Length it should have.
        expected: usize,
        /// Length it has.
        found: usize,
    },
    /// The resolution is not a usable number.
    #[error("{dpi} dots per inch is not a resolution between {lowest} and {highest}")]
    InvalidDpi {
        /// The requested resolution.
        dpi: f64,
        /// Lowest accepted one.
        lowest: f64,
        /// Highest accepted one.
        highest: f64,
    },
    /// The vector canvas refused a drawing command.
    #[error("drawing failed: {reason}")]
    Canvas {
        /// What the canvas said.
        reason: String,
    },
    /// A figure that moves has too little to show.
    #[error("an animation cannot be made: {reason}")]
    NoMotion {
        /// What is missing.
        reason: &'static str,
    },
    /// A number of a table has no meaning where it stands.
    #[error("{column} of {place}: {source}")]
    Unusable {
        /// Column of the table.
        column: &'static str,
        /// Which part of the table.
        place: String,
        /// What is wrong.
        source: hadaflow_core::error::CoreError,
    },
    /// A bundled font cannot be read.
    #[error("bundled font {font} cannot be read")]
    Font {
        /// Name of the font.
        font: &'static str,
    },
    /// The text is not an SVG picture.
    #[error("not an SVG picture: {reason}")]
    InvalidSvg {
        /// What the parser said.
        reason: String,
    },
    /// The picture holds something that a PDF page is not made of here.
    #[error("a PDF page of this picture cannot be made: it holds {what}")]
    NotOnPage {
        /// What it holds.
        what: &'static str,
    },
    /// The picture could not be turned into pixels.
    #[error("a picture of {width} x {height} pixels cannot be made: {reason}")]
    Raster {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Why.
        reason: String,
    },
}

/// Fails unless `found == expected`.
pub(crate) fn same_length(what: &str, expected: usize, found: usize) -> Result<(), PlotError> {
    if expected == found {
        return Ok(());
    }
    Err(PlotError::LengthMismatch {
        what: what.to_owned(),
        expected,
        found,
    })
}
