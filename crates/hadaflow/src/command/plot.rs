//! `hadaflow plot`.

use hadaflow::experiment::run::{self, PictureFormat};
use hadaflow::experiment::scenario::{Selection, suggest};
use hadaflow::plot::{Size, catalogue};

use crate::arguments::{self, Picture};
use crate::exit::{Exit, Failure, print};

/// Draw the figures of a saved run.
pub fn execute(arguments: &arguments::Plot) -> Result<Exit, Failure> {
    let known: Vec<&str> = catalogue().iter().map(|figure| figure.name()).collect();
    let selection = if arguments.figure.is_empty() {
        Selection::All
    } else {
        Selection::Named(arguments.figure.clone())
    };
    if let Some((_, unknown)) = selection.unknown(&known) {
        let hint = match suggest(unknown, known.iter().copied()) {
            Some(close) => format!("did you mean {close}?"),
            None => format!("there are {}", known.join(", ")),
        };
        return Err(Failure::Input(format!("there is no figure {unknown} ({hint})")));
    }
    let size = match arguments.size {
        arguments::Size::OneColumn => Size::OneColumn,
        arguments::Size::TwoColumn => Size::TwoColumn,
        arguments::Size::Slide => Size::Slide,
    };
    let saved = run::load(&arguments.directory)?;
    let format = match arguments.format {
        Picture::Svg => PictureFormat::Svg,
        Picture::Png => PictureFormat::Png,
        Picture::Pdf => PictureFormat::Pdf,
    };
    let paths = run::plot(
        &saved.experiment,
        &saved.findings,
        &arguments.directory,
        &selection,
        format,
        size,
    )?;
    if paths.is_empty() {
        eprintln!("nothing to draw: the run holds no data for these figures");
    }
    print(
        &paths
            .iter()
            .map(|path| format!("{}\n", path.display()))
            .collect::<String>(),
    )?;
    Ok(Exit::Done)
}
