//! `hadaflow plot`.

use std::path::PathBuf;

use hadaflow::experiment::run::{self, PictureFormat};
use hadaflow::experiment::scenario::{Selection, suggest};
use hadaflow::experiment::style;
use hadaflow::plot::{Size, Theme, catalogue};

use crate::arguments::{self, Picture};
use crate::exit::{Exit, Failure, print};

/// Draw the figures of a saved run, or of several in one.
pub fn execute(arguments: &arguments::Plot) -> Result<Exit, Failure> {
    let known: Vec<&str> = catalogue().iter().map(|figure| figure.name()).collect();
    let drawing = &arguments.drawing;
    let (selection, size) = wanted(drawing, &known)?;
    let saved = arguments.directories.iter().map(|directory| run::load(directory));
    let saved = saved.collect::<Result<Vec<_>, _>>()?;
    let own = arguments.out.clone();
    let theme = theme(drawing)?;
    let paths = match (&saved[..], &arguments.directories[..]) {
        ([one], [directory]) => {
            let folder = own.unwrap_or_else(|| directory.join("figures"));
            run::plot(
                &one.experiment,
                &one.findings,
                &folder,
                &selection,
                format(drawing),
                (size, &theme),
            )?
        }
        (several, _) => {
            let folder = own.unwrap_or_else(|| PathBuf::from("comparison"));
            run::compare(several, &folder, &selection, format(drawing), (size, &theme))?
        }
    };
    let exit = show(&paths, "the runs hold no data for these figures")?;
    lacking(&drawing.figure, &paths).map_or(Ok(exit), |reason| Err(Failure::Input(reason)))
}

/// What the figures that were asked for by name, but could not be drawn, need.
fn lacking(names: &[String], drawn: &[PathBuf]) -> Option<String> {
    let missing = |name: &&str| {
        let drawn = drawn.iter().filter_map(|path| path.file_stem());
        names.iter().any(|asked| asked == name) && !drawn.into_iter().any(|stem| stem == *name)
    };
    let figures = catalogue().iter().filter(|figure| missing(&figure.name()));
    let reasons: Vec<String> = figures
        .map(|figure| format!("{} cannot be drawn: it needs {}", figure.name(), figure.needs()))
        .collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// In which colours.
pub fn theme(arguments: &arguments::Drawing) -> Result<Theme, Failure> {
    let read = arguments.style.as_deref().map(style::read);
    Ok(read.transpose()?.unwrap_or_default())
}

/// As which file.
pub fn format(arguments: &arguments::Drawing) -> PictureFormat {
    match arguments.format {
        Picture::Svg => PictureFormat::Svg,
        Picture::Png => PictureFormat::Png,
        Picture::Pdf => PictureFormat::Pdf,
    }
}

/// Which figures are meant, and how large.
pub fn wanted(arguments: &arguments::Drawing, known: &[&str]) -> Result<(Selection, Size), Failure> {
    let selection = if arguments.figure.is_empty() {
        Selection::All
    } else {
        Selection::Named(arguments.figure.clone())
    };
    if let Some((_, unknown)) = selection.unknown(known) {
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
    Ok((selection, size))
}

/// Names what was drawn.
pub fn show(paths: &[PathBuf], nothing: &str) -> Result<Exit, Failure> {
    if paths.is_empty() {
        eprintln!("nothing to draw: {nothing}");
    }
    let lines = paths.iter().map(|path| format!("{}\n", path.display()));
    print(&lines.collect::<String>())?;
    Ok(Exit::Done)
}
