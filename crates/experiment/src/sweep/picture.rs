//! The figures of a merged table.

use std::path::PathBuf;

use hadaflow_plot::sweep::catalogue;
use hadaflow_plot::{PRINT_DPI, PlotError, Size, Theme, png, svg};

use super::{Described, Plan};
use crate::error::ExperimentError;
use crate::scenario::Selection;
use crate::write::write_bytes;

/// Draws the figures that the merged table allows, all or those of `names`, into `DIR/figures`; returns what was written.
///
/// # Errors
/// If there is no table of this plan, or a figure cannot be drawn or written.
pub fn plot(plan: &Plan, names: &Selection, pixels: bool, size: Size) -> Result<Vec<PathBuf>, ExperimentError> {
    let table = Described::read(plan)?;
    let directory = plan.directory.join("figures");
    std::fs::create_dir_all(&directory).map_err(|error| ExperimentError::Occupied {
        directory: directory.clone(),
        reason: error.to_string(),
    })?;
    let mut written = Vec::new();
    for figure in catalogue().iter().filter(|figure| names.contains(figure.name())) {
        let failed = |source: PlotError| ExperimentError::Figure {
            figure: figure.name().to_owned(),
            source,
        };
        for (k, chart) in figure.charts(&table.view()).map_err(failed)?.iter().enumerate() {
            let stem = match k {
                0 => figure.name().to_owned(),
                _ => format!("{}_{}", figure.name(), k + 1),
            };
            let picture = svg(chart, size, &Theme::light()).map_err(failed)?;
            let path = directory.join(format!("{stem}.{}", if pixels { "png" } else { "svg" }));
            if pixels {
                write_bytes(&path, &png(&picture, PRINT_DPI).map_err(failed)?)?;
            } else {
                write_bytes(&path, picture.as_bytes())?;
            }
            written.push(path);
        }
    }
    Ok(written)
}
