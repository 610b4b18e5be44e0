//! `hadaflow limit`.

use hadaflow::experiment::limit::{document, limit};

use super::run::load;
use crate::arguments;
use crate::exit::{Exit, Failure, print};
use crate::table;

/// Compute the limit and print it.
pub fn execute(arguments: &arguments::Limit) -> Result<Exit, Failure> {
    let experiment = load(&arguments.scenario, &arguments.set)?;
    let found = limit(&experiment, &arguments.scenario)?;
    print(&if arguments.json {
        super::json(&document(&experiment, &found))
    } else {
        table::of_limit(&experiment, &found)
    })?;
    Ok(if found.end().is_some() {
        Exit::Done
    } else {
        Exit::NotStopped
    })
}
