//! `hadaflow demo`.

use std::path::Path;

use hadaflow::experiment::lesson::{self, Extent, Family, Lesson, Light, Member};
use hadaflow::experiment::scenario::suggest;
use hadaflow::experiment::sweep::Progress;
use hadaflow::experiment::write::write_bytes;
use hadaflow::plot::sketch;

use crate::arguments;
use crate::exit::{Exit, Failure, print};
use crate::progress::SweepWatcher;

/// Width of a terminal that everyone has.
const COLUMNS: usize = 100;
/// Room for a verdict, and what is left beside it.
const INDENT: usize = 14;
const BESIDE: usize = COLUMNS - INDENT;
/// Height of a chart in characters.
const ROWS: usize = 14;

/// List the lessons, give one, or write their pages.
pub fn execute(arguments: &arguments::Demo) -> Result<Exit, Failure> {
    let lessons = chosen(arguments.name.as_deref())?;
    let watcher = SweepWatcher::new();
    match (&arguments.out, &lessons[..]) {
        (Some(directory), _) => {
            for (name, lesson) in &lessons {
                if !write_page(name, lesson, directory, &watcher)? {
                    return Ok(Exit::Interrupted);
                }
            }
        }
        (None, [(name, lesson)]) => match family(name, lesson, Extent::Line, &watcher)? {
            Some(family) => print(&told(name, lesson, &family))?,
            None => return Ok(Exit::Interrupted),
        },
        (None, _) => print(&listed(&lessons))?,
    }
    Ok(Exit::Done)
}

/// The lesson of a name, or all.
fn chosen(name: Option<&str>) -> Result<Vec<(&'static str, Lesson)>, Failure> {
    let mut lessons = Vec::new();
    let known = lesson::catalogue().iter().map(|(known, _)| *known);
    for known in known.clone().filter(|known| name.is_none_or(|name| name == *known)) {
        lessons.extend(lesson::lesson(known)?.map(|lesson| (known, lesson)));
    }
    match (name, lessons.is_empty()) {
        (Some(name), true) => {
            let hint = match suggest(name, known.clone()) {
                Some(close) => format!("did you mean {close}?"),
                None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
            };
            Err(Failure::Input(format!("there is no lesson {name} ({hint})")))
        }
        _ => Ok(lessons),
    }
}

fn listed(lessons: &[(&str, Lesson)]) -> String {
    let line = |(name, lesson): &(&str, Lesson)| format!("  {name:<16}{}\n", lesson.title);
    let lines: String = lessons.iter().map(line).collect();
    format!(
        "lessons\n{lines}\n`hadaflow demo NAME` gives one here, `hadaflow demo [NAME] --out DIR` writes pages with sliders.\n"
    )
}

fn family(name: &str, lesson: &Lesson, extent: Extent, watcher: &SweepWatcher) -> Result<Option<Family>, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let family = Family::compute(lesson, name, extent, threads, &|done, all| {
        let (done, cells) = (done as u64, all as u64);
        watcher.step(Progress {
            done,
            cells,
            fresh: done,
            failed: 0,
        })
    });
    watcher.finish();
    Ok(family?)
}

/// Writes a page and says where it is; false if interrupted.
fn write_page(name: &str, lesson: &Lesson, directory: &Path, watcher: &SweepWatcher) -> Result<bool, Failure> {
    let Some(family) = family(name, lesson, Extent::All, watcher)? else {
        return Ok(false);
    };
    let failed = |error: std::io::Error| Failure::Output(format!("{}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    let path = directory.join(format!("{name}.html"));
    let page = lesson::page(lesson, &family)?;
    write_bytes(&path, page.as_bytes())?;
    print(&format!("{}\n", path.display()))?;
    Ok(true)
}

/// The lesson as text, with numbers and charts of runs made just now.
fn told(name: &str, lesson: &Lesson, family: &Family) -> String {
    let start = lesson.start();
    let mut out = format!("{}\n\n", lesson.title.to_uppercase());
    for paragraph in &lesson.text {
        out.push_str(&format!("{}\n\n", wrapped(paragraph, COLUMNS)));
    }
    let values = lesson.sliders.iter().zip(&start);
    let values: Vec<String> = values.map(|(s, &k)| format!("{} = {}", s.symbol, s.shown(k))).collect();
    out.push_str(&format!("{}\n\n", values.join(", ")));
    if let Some(member) = family.member(&start) {
        for named in member.charts.iter().take(1) {
            out.push_str(&format!("{}\n", sketch(&named.chart, COLUMNS, ROWS)));
        }
        out.push_str(&format!("{}\n", lights(member)));
    }
    out.push_str(&format!("{}\n", across(lesson, family)));
    out.push_str(&format!(
        "{}\n",
        sketch(&lesson.chart_across(family, &start), COLUMNS, ROWS)
    ));
    out.push_str(&format!("QUESTION\n{}\n\n", wrapped(&lesson.question, COLUMNS)));
    out.push_str(&format!("ANSWER\n{}\n\n", wrapped(&lesson.answer, COLUMNS)));
    out.push_str(&format!("With sliders, in a browser: hadaflow demo {name} --out DIR\n"));
    out
}

/// A verdict in a word, and what it is about beside it.
fn lights(member: &Member) -> String {
    let line = |light: &Light| {
        let word = match (light.is_goal(), light.verdict) {
            (true, "holds") => "reached",
            (true, _) => "missed",
            (false, verdict) => verdict,
        };
        let says = if light.is_goal() {
            light.name.clone()
        } else {
            format!("{}: {}", light.name, light.statement)
        };
        let since = match light.since {
            Some(t) => format!(", since t = {t:.3e}"),
            None => String::new(),
        };
        let text = format!(
            "{}\n{}",
            wrapped(&says, BESIDE),
            wrapped(&format!("{}{since}", light.reason), BESIDE)
        );
        let indented = text.replace('\n', &format!("\n{:INDENT$}", ""));
        format!("{word:<INDENT$}{indented}\n")
    };
    member.lights.iter().map(line).collect()
}

/// A table of the members that differ in one slider.
fn across(lesson: &Lesson, family: &Family) -> String {
    let slider = lesson.sliders.iter().find(|slider| slider.name == lesson.across.slider);
    let Some(slider) = slider else { return String::new() };
    let width = |column: &str| column.len().max(10) + 2;
    let heading: String = lesson
        .columns
        .iter()
        .map(|c| format!("{c:>w$}", w = width(c)))
        .collect();
    let mut out = format!("{:<10}{heading}\n", slider.symbol);
    for (k, choice) in lesson.line_across(&lesson.start()).iter().enumerate() {
        let Some(member) = family.member(choice) else { continue };
        let cells = lesson
            .columns
            .iter()
            .map(|c| format!("{:>w$}", number(member.last(c)), w = width(c)));
        out.push_str(&format!("{:<10}{}\n", slider.shown(k), cells.collect::<String>()));
    }
    out
}

fn number(value: f64) -> String {
    match value == value.trunc() && value.abs() < 1e6 {
        true => format!("{value:.0}"),
        false => format!("{value:.3e}"),
    }
}

/// A paragraph in lines of some width.
fn wrapped(paragraph: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
