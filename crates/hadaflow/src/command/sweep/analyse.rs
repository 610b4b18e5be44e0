//! `hadaflow sweep analyse`.

use std::fmt::Write;

use hadaflow::analysis::statistics::{Half, Interval};
use hadaflow::experiment::sweep::{self, Analysis, Law, Plan, Point, Requirement, Setting, Transition};

use crate::arguments::SweepDirectory;
use crate::exit::{Exit, Failure, print};

/// Say what the merged table shows.
pub fn execute(arguments: &SweepDirectory) -> Result<Exit, Failure> {
    let analysis = sweep::analyse(&Plan::load(&arguments.directory)?)?;
    print(&if arguments.json {
        crate::command::json(&analysis.document())
    } else {
        text(&analysis)
    })?;
    Ok(Exit::Done)
}

fn text(analysis: &Analysis) -> String {
    let mut out = String::new();
    section(
        &mut out,
        "points of the grid, with 95 % intervals",
        &analysis.points,
        point,
    );
    section(
        &mut out,
        "transitions: where half succeed",
        &analysis.transitions,
        transition,
    );
    let title = "measurements required: m at 50 % = C s log(en/s) + offset";
    section(&mut out, title, &analysis.requirements, requirement);
    section(&mut out, "powers of alpha", &analysis.laws, law);
    out
}

fn section<T>(out: &mut String, title: &str, entries: &[T], words: fn(&T) -> String) {
    if entries.is_empty() {
        return;
    }
    // writing to a string cannot fail
    let _ = writeln!(out, "{title}");
    for entry in entries {
        let _ = writeln!(out, "  {}", words(entry));
    }
    out.push('\n');
}

fn place(setting: &Setting) -> String {
    let pairs = setting.iter().map(|(name, value)| format!("{name} = {value}"));
    let words = pairs.collect::<Vec<_>>().join(", ");
    if words.is_empty() { "all".to_owned() } else { words }
}

fn point(point: &Point) -> String {
    let rate = |(name, (won, interval)): (&String, &(u64, Interval))| {
        format!(
            "{name} {won}/{} [{:.3}, {:.3}]",
            point.trials, interval.low, interval.high
        )
    };
    let rates = point.rates.iter().map(rate);
    let failed = (point.failed > 0).then(|| format!("{} failed", point.failed));
    let medians = point.medians.iter().map(|(name, x)| format!("median {name} {x:.3e}"));
    format!(
        "{}: {}",
        place(&point.setting),
        failed
            .into_iter()
            .chain(rates)
            .chain(medians)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

fn transition(transition: &Transition) -> String {
    let found = match &transition.half {
        Some(Half { place, interval }) => format!("{place:.2} [{:.2}, {:.2}]", interval.low, interval.high),
        None => "not within the grid".to_owned(),
    };
    let theory = match transition.theory {
        Some((location, width)) => format!(", theory of least l1 {location:.2} ± {width:.2}"),
        None => String::new(),
    };
    let (column, along) = (&transition.success, transition.along);
    format!("{}: {column} at {along} {found}{theory}", place(&transition.setting))
}

fn with_interval(value: f64, interval: &Option<Interval>) -> String {
    match interval {
        Some(interval) => format!("{value:.3} [{:.3}, {:.3}]", interval.low, interval.high),
        None => format!("{value:.3}"),
    }
}

fn requirement(requirement: &Requirement) -> String {
    format!(
        "{}: {} C = {}, offset {:.2}",
        place(&requirement.setting),
        requirement.success,
        with_interval(requirement.constant.0, &requirement.constant.1),
        requirement.offset,
    )
}

fn law(law: &Law) -> String {
    let mut words = format!("{}: {} ", place(&law.setting), law.column);
    // writing to a string cannot fail
    if let Some(draws) = &law.draws {
        let _ = write!(words, "of exponent {:.3}, median of {} draws", draws.slope, draws.count);
        if let Some((median, largest)) = draws.deviation {
            let (median, largest) = (100.0 * median, 100.0 * largest);
            let _ = write!(
                words,
                ", off the prediction of each by {median:.2} % (median), {largest:.2} % (largest)"
            );
        }
        words.push_str("; the medians ");
    }
    let _ = write!(words, "of exponent {}", with_interval(law.slope.0, &law.slope.1));
    if let Some(predicted) = law.predicted {
        let mean = if law.draws.is_some() {
            "predicted in the mean"
        } else {
            "predicted"
        };
        let _ = write!(words, ", {mean} {predicted:.3}");
    }
    words
}
