//! Figures of a run in motion, as files.

use std::path::{Path, PathBuf};

use hadaflow_plot::{Animation, Size, Theme, catalogue};

use super::Findings;
use super::figures::{FigureData, failed};
use crate::error::ExperimentError;
use crate::page::player::player;
use crate::resolve::Experiment;
use crate::scenario::Selection;
use crate::write::write_bytes;

/// How a figure in motion is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Film {
    /// Pixels that every viewer plays.
    Gif,
    /// A page with a button and a slider that needs nothing else.
    Html,
}

/// Writes the figures of a run that move into a folder, those of `names` alone; others are left out.
///
/// # Errors
/// If a figure cannot be drawn, such as with fewer than two recorded times, or a file cannot be written.
pub fn animate(
    experiment: &Experiment,
    findings: &Findings,
    folder: &Path,
    names: &Selection,
    (film, frames): (Film, usize),
    look: (Size, &Theme),
) -> Result<Vec<PathBuf>, ExperimentError> {
    let data = FigureData::new(experiment, findings);
    let input = data.input(experiment);
    let mut written = Vec::new();
    for figure in catalogue().iter().filter(|figure| names.contains(figure.name())) {
        let refused = |source| failed(figure.name(), source);
        let Some(animation) = Animation::new(*figure, &input, frames, look).map_err(refused)? else {
            continue;
        };
        let (bytes, extension) = match film {
            Film::Gif => (hadaflow_plot::gif(&animation).map_err(refused)?, "gif"),
            Film::Html => {
                let layers = animation.layers().map_err(refused)?;
                let about = (figure.name(), animation.about());
                let page = player(&experiment.scenario.title, about, animation.times(), &layers);
                (page.into_bytes(), "html")
            }
        };
        std::fs::create_dir_all(folder).map_err(|error| ExperimentError::Occupied {
            directory: folder.to_owned(),
            reason: error.to_string(),
        })?;
        let path = folder.join(format!("{}.{extension}", figure.name()));
        write_bytes(&path, &bytes)?;
        written.push(path);
    }
    Ok(written)
}
