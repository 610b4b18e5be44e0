//! `hadaflow sweep submit`.

use std::fmt::Write;

use hadaflow::experiment::sweep::{Job, Plan, Profile, Submission, Submitted, Sweep, Wish};
use serde_json::json;

use crate::arguments::SweepSubmit;
use crate::exit::{Exit, Failure, print};

/// Submits, or shows what would be submitted.
pub fn execute(arguments: &SweepSubmit) -> Result<Exit, Failure> {
    let profile = match &arguments.profile {
        Some(file) => Profile::read(file)?,
        None => Profile::default(),
    };
    let plan = open(arguments)?;
    let wish = Wish {
        missing: arguments.missing,
        dry_run: arguments.dry_run,
    };
    let submission = Submission::prepare(&plan, &profile, wish)?;
    for note in submission.notes() {
        eprintln!("note: {note}");
    }
    let submitted = if arguments.dry_run {
        None
    } else {
        Some(submission.submit()?)
    };
    print(&match (&submitted, arguments.json) {
        (_, true) => super::super::json(&document(&submission, submitted.as_ref())),
        (_, false) if submission.is_empty() => nothing(&plan, &submission),
        (None, false) => rehearsal(&submission),
        (Some(submitted), false) => lines(&plan, submitted),
    })?;
    Ok(Exit::Done)
}

/// The plan in the target, or of it.
fn open(arguments: &SweepSubmit) -> Result<Plan, Failure> {
    let target = arguments.target.display();
    if !arguments.target.is_dir() {
        let sweep = Sweep::read(&arguments.target, &arguments.set)?;
        let Some(out) = &arguments.out else {
            let what = "a sweep file needs --out DIR for its plan and its table";
            return Err(Failure::Input(format!("{target}: {what}")));
        };
        return super::freeze(sweep, out, arguments.shards);
    }
    if arguments.out.is_some() || !arguments.set.is_empty() {
        let what = "a plan is frozen: --out and --set go with a sweep file";
        return Err(Failure::Input(format!("{target}: {what}")));
    }
    let plan = Plan::load(&arguments.target)?;
    match arguments.shards {
        Some(shards) if shards != plan.shards => {
            let there = plan.shards;
            let what = format!("--shards {shards}: the plan has {there} shards (they are fixed when it is made)");
            Err(Failure::Input(format!("{target}: {what}")))
        }
        _ => Ok(plan),
    }
}

fn document(submission: &Submission<'_>, submitted: Option<&Submitted>) -> serde_json::Value {
    let mut document = submission.document();
    document["dry_run"] = json!(submitted.is_none());
    document["jobs"] = json!(submitted.map_or(&[][..], |submitted| &submitted.jobs));
    document["cancelled"] = json!(submitted.map_or(&[][..], |submitted| &submitted.cancelled));
    document
}

/// Why there is nothing to submit.
fn nothing(plan: &Plan, submission: &Submission<'_>) -> String {
    let (finished, queued, all) = (submission.finished(), submission.queued(), plan.shards);
    format!(
        "{}: nothing to submit: {finished} of {all} shards finished, {queued} in the queue\n",
        plan.directory.display()
    )
}

/// Scripts and commands, in a form that a shell would take.
fn rehearsal(submission: &Submission<'_>) -> String {
    let mut out = String::new();
    // writing to a string cannot fail
    for (path, text) in submission.scripts() {
        let _ = writeln!(out, "# {}\n{text}", path.display());
    }
    let _ = writeln!(out, "# commands");
    for line in submission.lines() {
        let _ = writeln!(out, "{line}");
    }
    out
}

fn lines(plan: &Plan, submitted: &Submitted) -> String {
    let mut out = job_lines(&submitted.jobs);
    for id in &submitted.cancelled {
        super::line(&mut out, "cancelled", &format!("merge {id}, replaced by the new one"));
    }
    let directory = plan.directory.display();
    super::line(&mut out, "next", &format!("hadaflow sweep status {directory}"));
    out
}

/// Jobs, a line each.
pub fn job_lines(jobs: &[Job]) -> String {
    let mut out = String::new();
    for (k, job) in jobs.iter().enumerate() {
        super::line(&mut out, if k == 0 { "jobs" } else { "" }, &job.describe());
    }
    out
}
