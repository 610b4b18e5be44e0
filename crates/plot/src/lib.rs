//! Publication-quality figures of the gradient flow of Hadamard-factorized least squares.
//!
//! A [`Figure`] turns the recorded numbers of a run ([`FigureInput`]) into [`Chart`]s, which are plain data; [`svg`]
//! draws a chart on a page of a journal column or a slide, [`png`] makes pixels from that drawing, and [`pdf`] a page.
//!
//! An [`Animation`] is a figure at many times, drawn as one [`gif`](gif()) or as the [`Layers`] of an SVG picture.
//!
//! [`sketch()`] draws a chart in characters, for the terminal.
//!
//! A [`SweepFigure`] does the same for the table of a sweep ([`SweepTable`]), one row for each run.
//!
//! The same chart gives the same bytes on every machine: the fonts are bundled, text is written as outlines, and nothing
//! depends on the clock, the locale or the order of a hash table.

mod animation;
mod axes;
mod chart;
mod colour_bar;
mod colour_map;
mod compare;
mod curve;
mod data;
mod direct;
mod error;
pub mod figure;
mod font;
mod gif;
mod heat;
mod label;
mod layout;
mod legend;
mod motion;
mod pdf;
mod picture;
mod points;
mod render;
mod scale;
mod scene;
mod size;
mod sketch;
pub mod sweep;
mod theme;
mod ticks;

pub use animation::{Animation, Layers};
pub use chart::{Axis, Band, Chart, Colour, Dash, Heatmap, Level, Marker, Points, Role, Scale, Series, Tile};
pub use compare::compare;
pub use error::PlotError;
pub use figure::{Figure, FigureInput, VanishingStart, catalogue};
pub use gif::gif;
pub use motion::Motion;
pub use pdf::pdf;
pub use picture::{PRINT_DPI, png, svg};
pub use size::Size;
pub use sketch::sketch;
pub use sweep::{SweepFigure, SweepTable};
pub use theme::{Rgb, Theme};
