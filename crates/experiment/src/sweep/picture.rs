//! The figures of a merged table.

use std::path::PathBuf;

use hadaflow_plot::sweep::catalogue;
use hadaflow_plot::{PlotError, Size, Theme, svg};

use super::{Described, Plan};
use crate::error::ExperimentError;
use crate::run::PictureFormat;
use crate::scenario::Selection;
use crate::write::write_bytes;

/// Most charts of a figure that is not asked for by name.
const MANY: usize = 12;

/// What was drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The files.
    pub written: Vec<PathBuf>,
    /// Figures passed over because they have too many charts to be meant, and how many.
    pub passed_over: Vec<(String, usize)>,
}

/// Draws the figures that the merged table allows, all or those of `names`, into `DIR/figures`. A figure that is not named
/// and would be more than a dozen charts is passed over.
///
/// # Errors
/// If there is no table of this plan, or a figure cannot be drawn or written.
pub fn plot(
    plan: &Plan,
    names: &Selection,
    format: PictureFormat,
    (size, theme): (Size, &Theme),
) -> Result<Drawn, ExperimentError> {
    let table = Described::read(plan)?;
    let directory = plan.directory.join("figures");
    std::fs::create_dir_all(&directory).map_err(|error| ExperimentError::Occupied {
        directory: directory.clone(),
        reason: error.to_string(),
    })?;
    let mut drawn = Drawn::default();
    for figure in catalogue().iter().filter(|figure| names.contains(figure.name())) {
        let failed = |source: PlotError| ExperimentError::Figure {
            figure: figure.name().to_owned(),
            source,
        };
        let charts = figure.charts(&table.view()).map_err(failed)?;
        if charts.len() > MANY && !matches!(names, Selection::Named(_)) {
            drawn.passed_over.push((figure.name().to_owned(), charts.len()));
            continue;
        }
        let path = |k: usize| {
            let number = if k == 0 { String::new() } else { format!("_{}", k + 1) };
            directory.join(format!("{}{number}.{}", figure.name(), format.extension()))
        };
        for (k, chart) in charts.iter().enumerate() {
            let picture = svg(chart, size, theme).map_err(failed)?;
            write_bytes(&path(k), &format.encode(&picture).map_err(failed)?)?;
            drawn.written.push(path(k));
        }
        // what is left of an earlier table with more charts shows nothing of this one; a file that will not go is no harm
        let stale = (charts.len()..).map(path).take_while(|path| path.exists());
        stale.for_each(|path| drop(std::fs::remove_file(path)));
    }
    Ok(drawn)
}
