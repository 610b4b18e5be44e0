//! Exit codes, and the errors behind them.

use std::fmt;
use std::process::ExitCode;

use hadaflow::core::error::CoreError;
use hadaflow::experiment::ExperimentError;

/// How the command ended. Where several hold, the larger of `rank` wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, and no prediction violated.
    Done,
    /// A prediction is violated.
    Violated,
    /// The scenario or an input is bad.
    BadInput,
    /// The integration did not end by one of its events.
    NotStopped,
    /// Reading or writing failed.
    Files,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Violated => 1,
            Self::BadInput => 3,
            Self::NotStopped => 4,
            Self::Files => 5,
            Self::Interrupted => 130,
        }
    }

    /// The graver of two.
    pub fn or(self, other: Self) -> Self {
        if other.code() > self.code() { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error that ends the command.
#[derive(Debug)]
pub enum Failure {
    /// From the experiment.
    Experiment(ExperimentError),
    /// The mathematics refuses the input.
    Core(CoreError),
    /// Standard output or a file cannot be written.
    Output(String),
    /// Wrong combination of arguments (exit code 3: the input, not the grammar, is wrong).
    Input(String),
}

impl Failure {
    /// Its exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Experiment(error) if error.concerns_output() => Exit::Files,
            Self::Experiment(_) | Self::Core(_) | Self::Input(_) => Exit::BadInput,
            Self::Output(_) => Exit::Files,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Experiment(error) => error.fmt(formatter),
            Self::Core(error) => error.fmt(formatter),
            Self::Output(message) | Self::Input(message) => message.fmt(formatter),
        }
    }
}

impl<E: Into<ExperimentError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Experiment(error.into())
    }
}

/// Prints to stdout; a closed pipe is not an error of ours, any other failure is.
pub fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Output(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
