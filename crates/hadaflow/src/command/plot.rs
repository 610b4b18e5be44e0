//! `hadaflow plot`.

use std::path::PathBuf;

use hadaflow::experiment::run::{self, Film, PictureFormat};
use hadaflow::experiment::scenario::{Selection, suggest};
use hadaflow::experiment::style;
use hadaflow::plot::{Figure, Size, Theme, catalogue};

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
            let (run, look) = ((&one.experiment, &one.findings), (size, &theme));
            match arguments.animate {
                Some(film) => {
                    let film = (kind(film), usize::from(arguments.frames));
                    run::animate(run.0, run.1, &folder, &selection, film, look)?
                }
                None => run::plot(run.0, run.1, &folder, &selection, format(drawing), look)?,
            }
        }
        _ if arguments.animate.is_some() => {
            return Err(Failure::Input("--animate takes one run, not several".into()));
        }
        (several, _) => {
            let folder = own.unwrap_or_else(|| PathBuf::from("comparison"));
            run::compare(several, &folder, &selection, format(drawing), (size, &theme))?
        }
    };
    let exit = show(&paths, "the runs hold no data for these figures")?;
    let animated = arguments.animate.is_some();
    lacking(&drawing.figure, &paths, animated).map_or(Ok(exit), |reason| Err(Failure::Input(reason)))
}

/// What the figures that were asked for by name, but could not be drawn, need.
fn lacking(names: &[String], drawn: &[PathBuf], animated: bool) -> Option<String> {
    let missing = |name: &&str| {
        let drawn = drawn.iter().filter_map(|path| path.file_stem());
        names.iter().any(|asked| asked == name) && !drawn.into_iter().any(|stem| stem == *name)
    };
    let moving = || {
        catalogue()
            .iter()
            .filter(|figure| figure.moves())
            .map(|figure| figure.name())
    };
    let reason = |figure: &&dyn Figure| match animated && !figure.moves() {
        true => format!(
            "{} does not move, but {} do",
            figure.name(),
            moving().collect::<Vec<_>>().join(" and ")
        ),
        false => format!("{} cannot be drawn: it needs {}", figure.name(), figure.needs()),
    };
    let reasons: Vec<String> = catalogue()
        .iter()
        .filter(|figure| missing(&figure.name()))
        .map(reason)
        .collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// As which animation.
fn kind(film: arguments::Film) -> Film {
    match film {
        arguments::Film::Gif => Film::Gif,
        arguments::Film::Html => Film::Html,
    }
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
