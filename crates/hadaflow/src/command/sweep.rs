//! `hadaflow sweep`.

mod analyse;
mod plot;
mod submit;

use std::fmt::Write;
use std::num::NonZero;
use std::path::Path;

use hadaflow::experiment::sweep::{self, Merged, Plan, Status, Sweep, Worked};
use serde_json::{Value, json};

use crate::arguments::{self, SweepDirectory, SweepPlan, SweepRun};
use crate::exit::{Exit, Failure, print};
use crate::progress::{PlanWatcher, SweepWatcher};

/// One of its commands.
pub fn execute(arguments: &arguments::Sweep) -> Result<Exit, Failure> {
    match arguments {
        arguments::Sweep::Plan(arguments) => plan(arguments),
        arguments::Sweep::Run(arguments) => run(arguments),
        arguments::Sweep::Status(arguments) => status(arguments),
        arguments::Sweep::Merge(arguments) => merge(arguments),
        arguments::Sweep::Submit(arguments) => submit::execute(arguments),
        arguments::Sweep::Analyse(arguments) => analyse::execute(arguments),
        arguments::Sweep::Plot(arguments) => plot::execute(arguments),
    }
}

fn plan(arguments: &SweepPlan) -> Result<Exit, Failure> {
    let sweep = Sweep::read(&arguments.sweep, &arguments.set)?;
    let plan = freeze(sweep, &arguments.out, arguments.shards)?;
    print(&if arguments.json {
        super::json(&json!({
            "directory": plan.directory.to_string_lossy(),
            "cells": plan.grid.cells,
            "shards": plan.shards,
            "hash": plan.hash,
            "columns": plan.columns.numbers(),
        }))
    } else {
        let (cells, shards) = (plan.grid.cells, plan.shards);
        format!(
            "{}: {cells} cells in {shards} shard{}\n",
            plan.directory.display(),
            plural(shards)
        )
    })?;
    Ok(Exit::Done)
}

fn run(arguments: &SweepRun) -> Result<Exit, Failure> {
    let plan = open(arguments)?;
    let shards = plan.chosen(arguments.shard)?;
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok());
    let watcher = SweepWatcher::new();
    quiet_panics();
    let worked = sweep::work(&plan, &shards, threads.map_or(1, NonZero::get), &|progress| {
        watcher.step(progress)
    });
    watcher.finish();
    let worked = worked?;
    if worked.interrupted || arguments.shard.is_some() {
        print(&if arguments.json {
            super::json(&of_work(&worked))
        } else {
            work_line(&worked, &plan.directory)
        })?;
        return Ok(if worked.interrupted {
            Exit::Interrupted
        } else {
            Exit::Done
        });
    }
    show_merged(&sweep::merge(&plan)?, arguments.json)
}

/// The plan in the target, or of it.
fn open(arguments: &SweepRun) -> Result<Plan, Failure> {
    if arguments.target.is_dir() {
        if arguments.out.is_some() || !arguments.set.is_empty() {
            let what = "a plan is frozen: --out and --set go with a sweep file";
            return Err(Failure::Input(format!("{}: {what}", arguments.target.display())));
        }
        return Ok(Plan::load(&arguments.target)?);
    }
    let sweep = Sweep::read(&arguments.target, &arguments.set)?;
    let Some(out) = &arguments.out else {
        let what = "a sweep file needs --out DIR for its plan and its table";
        return Err(Failure::Input(format!("{}: {what}", arguments.target.display())));
    };
    let shards = arguments.shard.map(|(_, of)| of);
    freeze(sweep, out, shards)
}

/// Plans, with a line of progress.
fn freeze(sweep: Sweep, directory: &Path, shards: Option<u64>) -> Result<Plan, Failure> {
    let watcher = PlanWatcher::new();
    let plan = Plan::freeze_watched(sweep, directory, shards, &|done, points| watcher.step(done, points));
    watcher.finish();
    Ok(plan?)
}

/// A cell that panics is a row that says so; the default message would be in the way of the progress line.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

fn status(arguments: &SweepDirectory) -> Result<Exit, Failure> {
    let plan = Plan::load(&arguments.directory)?;
    let (status, jobs) = (sweep::status(&plan)?, sweep::jobs(&plan)?);
    print(&if arguments.json {
        let mut document = status.document();
        document["jobs"] = json!(jobs);
        super::json(&document)
    } else {
        status_lines(&status) + &submit::job_lines(&jobs)
    })?;
    Ok(Exit::Done)
}

fn merge(arguments: &SweepDirectory) -> Result<Exit, Failure> {
    let plan = Plan::load(&arguments.directory)?;
    show_merged(&sweep::merge(&plan)?, arguments.json)
}

fn show_merged(merged: &Merged, json: bool) -> Result<Exit, Failure> {
    print(&if json {
        super::json(&merged.document())
    } else {
        merged_lines(merged)
    })?;
    Ok(if merged.violated > 0 {
        Exit::Violated
    } else {
        Exit::Done
    })
}

fn of_work(worked: &Worked) -> Value {
    let progress = worked.progress;
    json!({
        "interrupted": worked.interrupted,
        "cells": progress.cells,
        "done": progress.done,
        "computed_now": progress.fresh,
        "failed_now": progress.failed,
    })
}

fn work_line(worked: &Worked, directory: &Path) -> String {
    let progress = worked.progress;
    let how = if worked.interrupted { "interrupted" } else { "finished" };
    let (done, cells, failed) = (progress.done, progress.cells, progress.failed);
    format!(
        "{}: {how}, {done} of {cells} cells done, {failed} failed now\n",
        directory.display()
    )
}

fn status_lines(status: &Status) -> String {
    let mut out = format!("{:<12}{} of {} done\n", "cells", status.done(), status.cells());
    outcome_lines(&mut out, status.outcomes.iter());
    if let Some((_, example)) = &status.example {
        line(&mut out, "failure", example);
    }
    let finished = status.shards.iter().filter(|shard| shard.finished).count();
    line(
        &mut out,
        "shards",
        &format!("{finished} of {} finished", status.shards.len()),
    );
    for shard in status.shards.iter().filter(|shard| !shard.finished && shard.done > 0) {
        line(
            &mut out,
            "",
            &format!("{}: {} of {} cells", shard.shard, shard.done, shard.cells),
        );
    }
    out
}

fn merged_lines(merged: &Merged) -> String {
    let mut out = String::new();
    line(&mut out, "cells", &merged.cells.to_string());
    outcome_lines(&mut out, merged.outcomes.iter());
    for (column, count) in &merged.successes {
        line(&mut out, "", &format!("{column:<26}{count}"));
    }
    if merged.violated > 0 {
        line(&mut out, "violated", &format!("{} predictions", merged.violated));
    }
    line(&mut out, "time", &format!("{:.3} s in all cells", merged.seconds));
    line(&mut out, "table", &merged.table.display().to_string());
    out
}

fn outcome_lines<'a>(out: &mut String, outcomes: impl Iterator<Item = (&'a String, &'a u64)>) {
    for (position, (outcome, count)) in outcomes.enumerate() {
        let label = if position == 0 { "outcomes" } else { "" };
        line(out, label, &format!("{outcome:<26}{count}"));
    }
}

fn line(out: &mut String, label: &str, text: &str) {
    // writing to a string cannot fail
    let _ = writeln!(out, "{label:<12}{text}");
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
