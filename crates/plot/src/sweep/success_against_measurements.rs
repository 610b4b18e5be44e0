//! How success sets in as the number of measurements grows.

use hadaflow_analysis::phase_transition::Transition;
use hadaflow_analysis::statistics::{EmpiricalTransition, wilson_interval};

use super::scaling::{depth_label, depths};
use super::success::Counts;
use super::table::Column;
use super::{CONFIDENCE, SweepFigure, SweepTable};
use crate::chart::{Axis, Chart, Colour, Dash, Marker, Points, Series};
use crate::error::PlotError;

/// Points of a smooth curve.
const CURVE: u32 = 200;
/// Room above 1 and below 0, so that points there are whole.
const ROOM: f64 = 0.05;

/// Success rates with Wilson intervals and a logistic fit for each depth, beside the predicted probability of success.
pub(super) struct SuccessAgainstMeasurements;

impl SweepFigure for SuccessAgainstMeasurements {
    fn name(&self) -> &'static str {
        "success_against_measurements"
    }

    fn description(&self) -> &'static str {
        "The success rate of each depth against the number of measurements, with 95 % intervals, logistic fits, and the \
         probability of success predicted for Gaussian measurements."
    }

    fn columns(&self) -> &'static [&'static str] {
        &["measurements", "success"]
    }

    fn charts(&self, table: &SweepTable<'_>) -> Result<Vec<Chart>, PlotError> {
        let (Some(m), Some(success)) = (table.number("measurements")?, table.number("success")?) else {
            return Ok(Vec::new());
        };
        let mut charts = Vec::new();
        for facet in table.facets(&["measurements", "depth"])? {
            if m.groups(&facet.rows).len() < 2 {
                continue;
            }
            let (mut points, mut series) = (Vec::new(), Vec::new());
            for (i, (label, column, rows)) in groups(table, success, &facet.rows)?.into_iter().enumerate() {
                let counts = Counts::of(column, m, &rows);
                series.extend(fit(&counts, Colour::Palette(i))?);
                points.push(rates(label, &counts, i)?);
            }
            series.extend(predicted(table, m, &facet.rows)?);
            charts.push(Chart {
                title: facet.title,
                x: Axis::whole("measurements 𝑚"),
                y: Axis {
                    range: Some((-ROOM, 1.0 + ROOM)),
                    ..Axis::linear("success rate")
                },
                points,
                series,
                ..Chart::default()
            });
        }
        Ok(charts)
    }
}

/// What is compared, with its name and its rows.
type Group<'a> = (String, Column<'a>, Vec<usize>);

/// The runs of each depth, and the references: they do not depend on the depth, so those of the first one are all there is.
fn groups<'a>(table: &SweepTable<'a>, success: Column<'a>, rows: &[usize]) -> Result<Vec<Group<'a>>, PlotError> {
    let depths = depths(table.number("depth")?, rows);
    let first = depths.first().map(|(_, rows)| rows.clone()).unwrap_or_default();
    let runs = depths
        .into_iter()
        .map(|(depth, rows)| (depth_label(depth), success, rows));
    let references = table.reference_successes()?.into_iter();
    Ok(runs
        .chain(references.map(|(name, column)| (name, column, first.clone())))
        .collect())
}

fn rates(label: String, counts: &Counts, i: usize) -> Result<Points, PlotError> {
    let mut bars = Vec::new();
    for (&k, &n) in counts.successes.iter().zip(&counts.trials) {
        let interval = wilson_interval(k, n, CONFIDENCE).map_err(|source| PlotError::Unusable {
            column: "success",
            place: label.clone(),
            source,
        })?;
        bars.push((interval.low, interval.high));
    }
    Ok(Points {
        label,
        x: counts.x.clone(),
        y: counts.rates(),
        bars,
        colour: Colour::Palette(i),
        marker: Marker::of(i),
    })
}

/// The logistic curve through the rates, where there is one.
fn fit(counts: &Counts, colour: Colour) -> Result<Option<Series>, PlotError> {
    let EmpiricalTransition::Fitted(fit) = counts.transition()? else {
        return Ok(None);
    };
    let x = between(&counts.x);
    let y = x.iter().map(|&m| fit.probability(m)).collect();
    Ok(Some(Series::line("", x, y, colour).stroked(Dash::Solid, 0.8)))
}

/// Φ((m − nψ)/√(nV)), if all rows have one sparsity, dimension and model.
fn predicted(table: &SweepTable<'_>, m: Column<'_>, rows: &[usize]) -> Result<Option<Series>, PlotError> {
    let common = |name| -> Result<Option<f64>, PlotError> { Ok(table.number(name)?.and_then(|c| c.common(rows))) };
    let (Some(s), Some(n), Some(sign)) = (common("sparsity")?, common("dimension")?, table.sign(rows)?) else {
        return Ok(None);
    };
    let counts = (1.0..1e15).contains(&n) && (0.0..=n).contains(&s) && s.fract() == 0.0 && n.fract() == 0.0;
    if !counts {
        return Ok(None);
    }
    // integers between 0 and 1e15
    let transition = Transition::new(s as usize, n as usize, sign).map_err(|source| PlotError::Unusable {
        column: "sparsity",
        place: "the predicted probability".to_owned(),
        source,
    })?;
    let places: Vec<f64> = m.groups(rows).into_iter().map(|(m, _)| m).collect();
    let x = between(&places);
    let y = x.iter().map(|&m| transition.success_probability(m)).collect();
    let line = Series::line("predicted Φ((𝑚−𝑛ψ)/√(𝑛𝑉))", x, y, Colour::Ink);
    Ok(Some(line.stroked(Dash::Dashed, 1.0)))
}

/// Many places from the first to the last of a few ascending ones.
fn between(places: &[f64]) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (places.first(), places.last()) else {
        return Vec::new();
    };
    let place = |i: u32| first + (last - first) * f64::from(i) / f64::from(CURVE);
    (0..=CURVE).map(place).collect()
}
