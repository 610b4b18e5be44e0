//! `hadaflow check`.

use hadaflow::analysis::prediction::Assessment;
use hadaflow::experiment::run;

use super::{judged, run as run_command};
use crate::arguments::{self, Format};
use crate::exit::{Exit, Failure, print};
use crate::table;

/// Assess a saved run, a trajectory from elsewhere, or a scenario that is run first.
pub fn execute(arguments: &arguments::Check) -> Result<Exit, Failure> {
    if let Some(trajectory) = &arguments.trajectory {
        let experiment = if arguments.target.is_dir() {
            run_command::load(&arguments.target.join("scenario.ron"), &[])?
        } else {
            run_command::load(&arguments.target, &[])?
        };
        let findings = run::external(&experiment, trajectory)?;
        return show(&findings.assessments, arguments);
    }
    if arguments.target.is_dir() {
        let saved = run::load(&arguments.target)?;
        return show(&saved.findings.assessments, arguments);
    }
    let run = arguments::Run {
        scenario: arguments.target.clone(),
        out: None,
        set: Vec::new(),
        json: arguments.json,
        no_figures: true,
        format: Format::Parquet,
        force: false,
        resume: false,
        profile: false,
    };
    run_command::execute_judged(&run, arguments.strict)
}

fn show(assessments: &[Assessment], arguments: &arguments::Check) -> Result<Exit, Failure> {
    if arguments.json {
        print(&super::json(
            &serde_json::json!({ "predictions": run::predictions(assessments) }),
        ))?;
    } else {
        print(&table::of_assessments(assessments))?;
    }
    Ok(judged(assessments, arguments.strict))
}
