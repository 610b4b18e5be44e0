//! `hadaflow completions` and `hadaflow man`.

use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::exit::{Exit, Failure, print};

/// Print a completion script.
pub fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hadaflow", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Print the manual page in roff.
pub fn man() -> Result<Exit, Failure> {
    let mut page = Vec::new();
    let manual = clap_mangen::Man::new(Arguments::command());
    manual
        .render(&mut page)
        .map_err(|error| Failure::Output(format!("manual page: {error}")))?;
    print(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}
