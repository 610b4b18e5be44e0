//! `hadaflow new`.

use std::path::PathBuf;

use hadaflow::experiment::scenario::commented_default;
use hadaflow::experiment::write::write_bytes;

use crate::arguments;
use crate::exit::{Exit, Failure, print};

/// Write a commented scenario to NAME.ron or to standard output.
pub fn execute(arguments: &arguments::New) -> Result<Exit, Failure> {
    let Some(name) = &arguments.name else {
        print(&commented_default("scenario"))?;
        return Ok(Exit::Done);
    };
    let path = PathBuf::from(format!("{}.ron", name.trim_end_matches(".ron")));
    if path.exists() {
        return Err(Failure::Output(format!(
            "{}: it exists already; choose another name",
            path.display()
        )));
    }
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    write_bytes(&path, commented_default(&stem).as_bytes())?;
    print(&format!("{}\n", path.display()))?;
    Ok(Exit::Done)
}
