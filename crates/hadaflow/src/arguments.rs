//! What the command line understands.

mod demo;
mod plot;
mod submit;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use demo::Demo;
pub use plot::{Drawing, Film, Picture, Plot, Size, SweepPlot};
pub use submit::SweepSubmit;

/// Gradient flow of Hadamard-factorized least squares: integrate it, check the theory, draw it.
///
/// A scenario (a RON file) says what is measured, which model reconstructs it and when the flow stops. `hadaflow run`
/// integrates the flow, assesses what theory predicts of it, draws figures, and writes everything to one directory.
#[derive(Debug, Parser)]
#[command(name = "hadaflow", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done and no prediction violated, 1 a prediction is violated, 2 usage, \
3 bad scenario or input, 4 the integration failed, 5 reading or writing failed, 130 interrupted.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Integrate a scenario, assess its predictions and draw its figures.
    Run(Run),
    /// Compute the exact limit of the flow without integrating.
    #[command(long_about = LIMIT)]
    Limit(Limit),
    /// Assess predictions again from what a run saved, or run a scenario and assess it.
    Check(Check),
    /// Draw the figures of a saved run again, or of several runs together.
    Plot(Plot),
    /// Run a scenario over a grid of parameters: plan, run, status, merge, submit, analyse, plot.
    #[command(subcommand, long_about = SWEEP)]
    Sweep(Sweep),
    /// Guided lessons: in the terminal, or as pages with sliders.
    #[command(long_about = demo::ABOUT)]
    Demo(Demo),
    /// Write a commented scenario with every default.
    New(New),
    /// List what there is: ensembles, models, observables, predictions, figures, events, scenarios.
    List(List),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// `hadaflow run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The scenario.
    pub scenario: PathBuf,
    /// Directory of the results [default: runs/<scenario>-<hash>].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace a field of the scenario, e.g. --set model.depth=3; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Print the report as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Draw no figures.
    #[arg(long)]
    pub no_figures: bool,
    /// Format of the table of observables.
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    pub format: Format,
    /// Replace the run of another scenario in DIR.
    #[arg(long)]
    pub force: bool,
    /// Continue the interrupted run in DIR from its checkpoint.
    #[arg(long)]
    pub resume: bool,
    /// Say where the time of the integration went, and how far it is from what reading A takes (on standard error).
    #[arg(long)]
    pub profile: bool,
}

/// `hadaflow limit`.
#[derive(Debug, Args)]
pub struct Limit {
    /// The scenario.
    pub scenario: PathBuf,
    /// Replace a field of the scenario, e.g. --set model.initialization=Identical(1e-8); may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Print one JSON document with all weights, the dual variable and certificates.
    #[arg(long)]
    pub json: bool,
}

const LIMIT: &str = "Compute the exact limit of the flow without integrating.

The flow tends to the solution of Aw = y that is nearest to its start in the Bregman divergence. Newton's method finds it to
rounding error for any start, also where integrating would take forever; record, stop and method of the scenario do not
matter. Its l1 norm is compared with the least one there is (basis pursuit), and l1_gap is the difference without
cancellation, with a certificate.

Where no weights solve Aw = y, or (positive model) no strictly positive ones, the limit is not attained: the answer says why,
and the weights are those the flow still tends to, the nearest to its start among the (nonnegative) least-squares solutions.

Needs a matrix that is stored densely and factors that all start alike (Identical or Vector).
Exit codes: 0 the limit is known, attained or not; 3 bad scenario or input; 4 the numerics failed.";

/// Formats of the table of observables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Parquet, snappy-compressed.
    Parquet,
    /// Comma-separated values with 17 significant digits.
    Csv,
}

/// `hadaflow check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The directory of a run, or a scenario.
    pub target: PathBuf,
    /// Assess a trajectory computed elsewhere: an .npz file with t (k) and w (k × n). TARGET is then the scenario it
    /// belongs to.
    #[arg(long, value_name = "FILE")]
    pub trajectory: Option<PathBuf>,
    /// Print the verdicts as JSON.
    #[arg(long)]
    pub json: bool,
    /// Violated asymptotic predictions count too.
    #[arg(long)]
    pub strict: bool,
}

const SWEEP: &str = "Run a scenario over a grid of parameters.

A sweep file names a template scenario, axes over any of its fields, trials, and what is measured of each cell. `plan` checks
all cells and freezes them in a directory; `run` works through them on all processors and `merge` makes one Parquet table of
their rows. `sweep run SWEEP.ron --out DIR` does all three. Then `analyse` and `plot` say what the table shows.

Killing it at any time loses only the cells being computed: run it again and it goes on. The table is the same, byte for byte,
for any number of threads, shards and interruptions. A cell that fails is a row with its outcome.";

/// `hadaflow sweep`.
#[derive(Debug, Subcommand)]
pub enum Sweep {
    /// Check all cells of a sweep and freeze them in a directory.
    Plan(SweepPlan),
    /// Work through a plan, or plan, run and merge a sweep file in one go.
    Run(SweepRun),
    /// Say how far a sweep is.
    Status(SweepDirectory),
    /// Merge the rows of a finished sweep into one table.
    Merge(SweepDirectory),
    /// Submit a plan to Slurm: a job array with a task per shard, and a merge job behind it.
    #[command(long_about = submit::ABOUT)]
    Submit(SweepSubmit),
    /// Say what the merged table shows: success rates, transitions and exponents, beside theory.
    Analyse(SweepDirectory),
    /// Draw the figures that the merged table allows, into DIR/figures.
    Plot(SweepPlot),
}

/// `hadaflow sweep plan`.
#[derive(Debug, Args)]
pub struct SweepPlan {
    /// The sweep file.
    pub sweep: PathBuf,
    /// Directory of the plan.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Into how many independent parts the cells are divided [default: 1].
    #[arg(long, value_name = "N")]
    pub shards: Option<u64>,
    /// Replace a field of the sweep or of its template, e.g. --set trials=5 or --set problem.dimension=50; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `hadaflow sweep run`.
#[derive(Debug, Args)]
pub struct SweepRun {
    /// The directory of a plan, or a sweep file (then with --out).
    pub target: PathBuf,
    /// Directory of the plan of a sweep file.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace a field of the sweep file or of its template; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Work through shard K of N only, and do not merge; counted from 1.
    #[arg(long, value_name = "K/N", value_parser = shard)]
    pub shard: Option<(u64, u64)>,
    /// How many cells are computed at a time [default: the number of processors].
    #[arg(long, value_name = "T")]
    pub threads: Option<std::num::NonZero<usize>>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `hadaflow sweep status`, `merge` and `analyse`.
#[derive(Debug, Args)]
pub struct SweepDirectory {
    /// The directory of a plan.
    pub directory: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `2/4`.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let numbers = text
        .split_once('/')
        .and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    numbers.ok_or_else(|| "expected K/N, such as 1/4".to_owned())
}

/// `hadaflow new`.
#[derive(Debug, Args)]
pub struct New {
    /// Name of the scenario, written to NAME.ron; without it the scenario goes to standard output.
    pub name: Option<String>,
}

/// `hadaflow list`.
#[derive(Debug, Args)]
pub struct List {
    /// What to list [default: everything].
    #[arg(value_enum)]
    pub kind: Option<Kind>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// Ensembles of measurement operators.
    Ensembles,
    /// Models and their initializations.
    Models,
    /// Observables: the columns of the table.
    Observables,
    /// Predictions, with statement, hypotheses and citation.
    Predictions,
    /// Figures of runs.
    Figures,
    /// Figures of sweeps, with the columns they need.
    SweepFigures,
    /// Events that stop a run.
    Events,
    /// Scenarios in ./scenarios.
    Scenarios,
}
