//! The results of `benches/peers/compare.py` as work–precision diagrams and as a table.
//!
//! ```text
//! work_precision RESULTS.json FOLDER
//! ```
//!
//! Draws `FOLDER/CASE.svg` for each case with several tolerances, and prints a table in Markdown of those at 1e-6.

#![allow(clippy::print_stdout)] // printing is what it is for

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use hadaflow::plot::{Axis, Chart, Colour, Dash, Marker, PlotError, Points, Series, Size, Theme, svg};
use serde::Deserialize;

/// What one solver took for one case at one tolerance.
#[derive(Debug, Clone, Deserialize)]
pub struct Taken {
    case: String,
    solver: String,
    tolerance: f64,
    cpu_s: f64,
    error: f64,
    rhs: u64,
    jacobians: u64,
    of_pass_limit: f64,
    best_cvode: f64,
}

/// The tolerance of the table.
const OF_TABLE: f64 = 1e-6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [results, folder] = arguments.as_slice() else {
        return Err("work_precision RESULTS.json FOLDER".into());
    };
    let results: Vec<Taken> = serde_json::from_str(&std::fs::read_to_string(results)?)?;
    for (case, picture) in pictures(&results)? {
        std::fs::write(Path::new(folder).join(format!("{case}.svg")), picture)?;
    }
    print!("{}", table(&results));
    Ok(())
}

/// One picture for each case that was run at several tolerances.
pub fn pictures(results: &[Taken]) -> Result<BTreeMap<String, String>, PlotError> {
    let mut cases: BTreeMap<&str, Vec<&Taken>> = BTreeMap::new();
    for result in results {
        cases.entry(&result.case).or_default().push(result);
    }
    cases.retain(|_, rows| rows.iter().any(|row| row.tolerance != rows[0].tolerance));
    let draw = |(case, rows): (&str, Vec<&Taken>)| {
        let picture = svg(&chart(&rows), Size::OneColumn, &Theme::light())?;
        Ok((case.to_owned(), picture))
    };
    cases.into_iter().map(draw).collect()
}

/// Seconds over errors: a line through the tolerances for each solver.
fn chart(rows: &[&Taken]) -> Chart {
    let mut solvers: Vec<&str> = rows.iter().map(|row| row.solver.as_str()).collect();
    solvers.sort_unstable();
    solvers.dedup();
    let mut chart = Chart {
        x: Axis::log10("largest error of ℓ/ℓ(0)"),
        y: Axis::log10("seconds of CPU"),
        ..Chart::default()
    };
    for (i, solver) in solvers.into_iter().enumerate() {
        let mut own: Vec<&&Taken> = rows.iter().filter(|row| row.solver == solver).collect();
        own.sort_by(|a, b| a.error.total_cmp(&b.error));
        let (x, y): (Vec<f64>, Vec<f64>) = own.iter().map(|row| (row.error, row.cpu_s)).unzip();
        let colour = Colour::Palette(i);
        chart.series.push(
            Series::line("", x.clone(), y.clone(), colour)
                .stroked(Dash::Solid, 0.6)
                .unlisted(),
        );
        chart.points.push(Points {
            label: solver.to_owned(),
            x,
            y,
            bars: Vec::new(),
            colour,
            marker: Marker::of(i),
        });
    }
    chart
}

/// The rows at one tolerance.
pub fn table(results: &[Taken]) -> String {
    let mut out = String::from(
        "| case | solver | CPU ms | error of the loss | right-hand sides | Jacobians | of the pass limit | best CVODE / it |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in results.iter().filter(|row| row.tolerance == OF_TABLE) {
        // writing to a string cannot fail
        let _ = writeln!(
            out,
            "| {} | {} | {:.2} | {:.1e} | {} | {} | {:.1} | {:.1} |",
            row.case,
            row.solver,
            1e3 * row.cpu_s,
            row.error,
            row.rhs,
            row.jacobians,
            row.of_pass_limit,
            row.best_cvode
        );
    }
    out
}
