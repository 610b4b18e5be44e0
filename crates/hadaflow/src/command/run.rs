//! `hadaflow run`.

use std::path::Path;

use hadaflow::core::outcome::Outcome;
use hadaflow::core::profile;
use hadaflow::experiment::resolve::{Experiment, resolve};
use hadaflow::experiment::run::{Artifacts, Run, TableFormat, prepare_directory, report, resumable, run, save};
use hadaflow::experiment::scenario::{parse_with_overrides, read_text};

use super::judged;
use crate::account;
use crate::arguments::{self, Format};
use crate::exit::{Exit, Failure, print};
use crate::progress::Watcher;
use crate::table;

/// Integrate, assess, save, print.
pub fn execute(arguments: &arguments::Run) -> Result<Exit, Failure> {
    execute_judged(arguments, false)
}

/// The same; with `strict` violated asymptotic predictions count too.
pub fn execute_judged(arguments: &arguments::Run, strict: bool) -> Result<Exit, Failure> {
    let experiment = load(&arguments.scenario, &arguments.set)?;
    let directory = arguments.out.clone().unwrap_or_else(|| experiment.default_directory());
    prepare_directory(&experiment, &directory, arguments.force)?;
    let resume = if arguments.resume {
        Some(resumable(&experiment, &directory)?)
    } else {
        None
    };
    let mut watcher = Watcher::new();
    if arguments.profile {
        profile::start();
    }
    let finished = run(&experiment, resume, &mut |progress| watcher.step(progress));
    profile::stop();
    watcher.finish();
    let finished = finished.map_err(Failure::Core)?;
    if let Some(profile) = &finished.profile {
        eprint!("{}", account::of_time(&experiment, &finished, profile));
    }
    let artifacts = Artifacts {
        table: if arguments.format == Format::Csv {
            TableFormat::Csv
        } else {
            TableFormat::Parquet
        },
        figures: !arguments.no_figures,
    };
    let saved = save(&experiment, &finished, &directory, artifacts);
    // Whatever became of the files, what was computed is shown.
    let files = saved.as_ref().map_or(&[][..], |files| files.as_slice());
    print(&if arguments.json {
        super::json(&report(&experiment, &finished, files))
    } else {
        table::of_run(&experiment, &finished, &directory, files.len())
    })?;
    let exit = outcome(&finished).or(judged(&finished.findings.assessments, strict));
    match saved {
        Ok(_) => Ok(exit),
        Err(error) if exit == Exit::Interrupted => {
            eprintln!("error: {error}");
            Ok(exit)
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads and resolves a scenario.
pub fn load(path: &Path, overrides: &[String]) -> Result<Experiment, Failure> {
    let scenario = parse_with_overrides(&read_text(path)?, path, overrides)?;
    Ok(resolve(scenario, path)?)
}

/// What the outcome means for the exit code.
pub fn outcome(run: &Run) -> Exit {
    match run.integration.outcome {
        _ if run.families_interrupted => Exit::Interrupted,
        Outcome::Stopped { .. } => Exit::Done,
        Outcome::Interrupted => Exit::Interrupted,
        _ => Exit::NotStopped,
    }
}
