//! `hadaflow plot` and `hadaflow sweep plot`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `hadaflow plot`.
#[derive(Debug, Args)]
pub struct Plot {
    /// The directory of the run; of several runs one picture is drawn for all.
    #[arg(required = true, value_name = "DIRECTORY")]
    pub directories: Vec<PathBuf>,
    /// Where the pictures go [default: figures/ in the run; comparison/ for several runs].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The figures in motion over log t (coordinate_paths, final_weights), instead of pictures.
    #[arg(long, value_enum, value_name = "FILM", conflicts_with = "format")]
    pub animate: Option<Film>,
    /// How many frames.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(2..=500), requires = "animate")]
    pub frames: u16,
    /// What is drawn.
    #[command(flatten)]
    pub drawing: Drawing,
}

/// Kinds of animations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Film {
    /// A GIF file, 640 pixels wide.
    Gif,
    /// A page with a play button and a slider that needs nothing else.
    Html,
}

/// `hadaflow sweep plot`.
#[derive(Debug, Args)]
pub struct SweepPlot {
    /// The directory of the sweep.
    pub directory: PathBuf,
    /// What is drawn.
    #[command(flatten)]
    pub drawing: Drawing,
}

/// What is drawn, and how.
#[derive(Debug, Args)]
pub struct Drawing {
    /// Which figure; may be repeated [default: all].
    #[arg(long, value_name = "NAME")]
    pub figure: Vec<String>,
    /// File format.
    #[arg(long, value_enum, default_value_t = Picture::Svg)]
    pub format: Picture,
    /// Size of the figure.
    #[arg(long, value_enum, default_value_t = Size::OneColumn)]
    pub size: Size,
    /// Colours, as a RON file: Style(ground: Dark) is enough for slides [default: on white].
    #[arg(long, value_name = "FILE.ron")]
    pub style: Option<PathBuf>,
}

/// Picture formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Picture {
    /// Vector graphics, text as paths.
    Svg,
    /// Pixels at 300 dpi.
    Png,
    /// A page of the size of the figure, text as paths.
    Pdf,
}

/// Sizes of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// One column of a journal, 85 mm wide.
    OneColumn,
    /// Two columns, 175 mm wide.
    TwoColumn,
    /// A 16:9 slide.
    Slide,
}
