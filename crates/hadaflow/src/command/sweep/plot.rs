//! `hadaflow sweep plot`.

use hadaflow::experiment::sweep::{self, Plan};
use hadaflow::plot::sweep::catalogue;

use crate::arguments::SweepPlot;
use crate::command::plot::{format, show, theme, wanted};
use crate::exit::{Exit, Failure};

/// Draw the figures of a merged table.
pub fn execute(arguments: &SweepPlot) -> Result<Exit, Failure> {
    let known: Vec<&str> = catalogue().iter().map(|figure| figure.name()).collect();
    let (selection, size) = wanted(&arguments.drawing, &known)?;
    let plan = Plan::load(&arguments.directory)?;
    let drawn = sweep::plot(
        &plan,
        &selection,
        format(&arguments.drawing),
        (size, &theme(&arguments.drawing)?),
    )?;
    for (figure, charts) in &drawn.passed_over {
        eprintln!("{figure} would be {charts} charts: draw them with --figure {figure}");
    }
    if drawn.written.is_empty() && !drawn.passed_over.is_empty() {
        return Ok(Exit::Done);
    }
    show(
        &drawn.written,
        "the table lacks the columns of these figures (`hadaflow list sweep-figures` names them)",
    )
}
