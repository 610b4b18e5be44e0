//! Publication-quality figures of the gradient flow of Hadamard-factorized least squares.
//!
//! A [`Figure`] turns the recorded numbers of a run ([`FigureInput`]) into [`Chart`]s, which are plain data; [`svg`]
//! draws a chart on a page of a journal column or a slide, and [`png`] makes pixels from that drawing.
//!
//! The same chart gives the same bytes on every machine: the fonts are bundled, text is written as outlines, and nothing
//! depends on the clock, the locale or the order of a hash table.

mod axes;
mod chart;
mod curve;
mod data;
mod error;
pub mod figure;
mod font;
mod label;
mod layout;
mod legend;
mod picture;
mod render;
mod scale;
mod scene;
mod size;
mod theme;
mod ticks;

pub use chart::{Axis, Band, Chart, Colour, Dash, Level, Role, Scale, Series};
pub use error::PlotError;
pub use figure::{Figure, FigureInput, catalogue};
pub use picture::{PRINT_DPI, png, svg};
pub use size::Size;
pub use theme::{Rgb, Theme};
