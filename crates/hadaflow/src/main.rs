//! The `hadaflow` command: arguments, one file per command, exit codes.
// Only this binary prints: results to stdout, progress and errors to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod account;
mod arguments;
mod command;
mod exit;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run(arguments) => command::run::execute(&arguments),
        Command::Limit(arguments) => command::limit::execute(&arguments),
        Command::Check(arguments) => command::check::execute(&arguments),
        Command::Plot(arguments) => command::plot::execute(&arguments),
        Command::Sweep(arguments) => command::sweep::execute(&arguments),
        Command::Demo(arguments) => command::demo::execute(&arguments),
        Command::New(arguments) => command::new::execute(&arguments),
        Command::List(arguments) => command::list::execute(&arguments),
        Command::Completions { shell } => command::manual::completions(shell),
        Command::Man => command::manual::man(),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit().into()
        }
    }
}
