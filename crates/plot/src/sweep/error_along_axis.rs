//! How the error depends on whatever else is swept.

use super::scaling::group;
use super::table::Column;
use super::{SweepFigure, SweepTable};
use crate::chart::{Axis, Chart, Colour, Dash, Series};
use crate::error::PlotError;

/// Coordinates that other figures are about.
const ELSEWHERE: [&str; 5] = ["measurements", "dimension", "sparsity", "depth", "alpha"];
/// Most curves of a chart.
const CURVES: usize = 7;
/// From this ratio of its ends on, an axis of positive numbers is logarithmic.
const DECADES: f64 = 20.0;

/// Median of the relative error against the free coordinate of most values, such as the time of the stop; one curve for each
/// value of the coordinate that has most of the others, if they are few enough to tell apart.
pub(super) struct ErrorAlongAxis;

impl SweepFigure for ErrorAlongAxis {
    fn name(&self) -> &'static str {
        "error_along_axis"
    }

    fn description(&self) -> &'static str {
        "The median relative error along an axis of its own, such as the time of the stop, with quartiles."
    }

    fn columns(&self) -> &'static [&'static str] {
        &["relative_error"]
    }

    fn charts(&self, table: &SweepTable<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some(error) = table.number("relative_error")? else {
            return Ok(Vec::new());
        };
        let Some((name, along)) = longest(table)? else {
            return Ok(Vec::new());
        };
        let between = curves(table, name)?;
        let shown: Vec<&str> = [name].into_iter().chain(between).collect();
        let mut charts = Vec::new();
        for facet in table.facets(&shown)? {
            let groups = match between {
                Some(axis) => table.values(axis, &facet.rows)?,
                None => vec![("runs".to_owned(), facet.rows.clone())],
            };
            let (mut points, mut series) = (Vec::new(), Vec::new());
            for (i, (label, rows)) in groups.into_iter().enumerate() {
                let of_group = group(label, along, error, &rows, 0.0, i);
                let line = Series::line("", of_group.x.clone(), of_group.y.clone(), Colour::Palette(i));
                series.push(line.stroked(Dash::Solid, 0.6));
                points.push(of_group);
            }
            charts.push(Chart {
                title: facet.title,
                x: axis(name, along, &facet.rows),
                y: Axis::log10("relative error"),
                points,
                series,
                ..Chart::default()
            });
        }
        Ok(charts)
    }
}

/// The coordinate of numbers with most values, two at least, among those that no other figure is about.
fn longest<'a>(table: &SweepTable<'a>) -> Result<Option<(&'a str, Column<'a>)>, PlotError> {
    let all: Vec<usize> = (0..table.rows).collect();
    let mut found: Option<(usize, &str, Column<'_>)> = None;
    for name in table.axes.iter().filter(|name| !ELSEWHERE.contains(&name.as_str())) {
        let Some(column) = table.number(name)? else { continue };
        let count = column.groups(&all).len();
        if count > found.map_or(1, |(most, ..)| most) {
            found = Some((count, name, column));
        }
    }
    Ok(found.map(|(_, name, column)| (name, column)))
}

/// The coordinate that tells the curves apart.
fn curves<'a>(table: &SweepTable<'a>, along: &str) -> Result<Option<&'a str>, PlotError> {
    let all: Vec<usize> = (0..table.rows).collect();
    let mut found = None;
    let mut most = 1;
    for name in table.axes.iter().filter(|name| *name != along) {
        let count = table.values(name, &all)?.len();
        if count > most && count <= CURVES {
            (found, most) = (Some(name.as_str()), count);
        }
    }
    Ok(found)
}

fn axis(name: &str, along: Column<'_>, rows: &[usize]) -> Axis {
    let label = super::table::symbol(name);
    let places: Vec<f64> = along.groups(rows).into_iter().map(|(place, _)| place).collect();
    match (places.first(), places.last()) {
        (Some(&first), Some(&last)) if first > 0.0 && last / first > DECADES => Axis::log10(label),
        _ => Axis::linear(label),
    }
}
