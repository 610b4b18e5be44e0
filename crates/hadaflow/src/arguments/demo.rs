//! `hadaflow demo`.

use std::path::PathBuf;

use clap::Args;

pub(super) const ABOUT: &str = "Guided lessons on small problems, with numbers computed on the spot.

Without a name the lessons are listed. With one, the lesson is given in the terminal: a text, a chart in characters, what
holds of the run, a table, a question and its answer.

With --out it is written as one HTML page that needs nothing else: sliders over a family of runs, a play button on
logarithmic time, lights that turn red when a bound breaks. Without a name all lessons are written. A family takes some
seconds to compute.";

/// `hadaflow demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Which lesson [default: list them].
    pub name: Option<String>,
    /// Write pages to this directory, NAME.html each, instead of giving the lesson here.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
