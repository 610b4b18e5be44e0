//! From the rows of the shards to one table, sorted by cell.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::axis::Value as Coordinate;
use super::index::Index;
use super::{Plan, Row, SCHEMA, Success, SweepError, checksum};
use crate::error::ExperimentError;
use crate::resolve::hex;
use crate::write::{Cells, Kind, write_cells};

/// The merged table, within the plan's directory.
pub const TABLE: &str = "table.parquet";
/// Elapsed seconds per cell.
pub const TIMES: &str = "times.parquet";
/// Rows per row group.
const GROUP: usize = 1 << 16;

/// What was merged.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The table.
    pub table: PathBuf,
    /// Number of rows.
    pub cells: u64,
    /// Cells by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Cells that failed.
    pub failed: u64,
    /// Successes by column (`success`, `success_basis_pursuit`, …), where they are asked for.
    pub successes: BTreeMap<String, u64>,
    /// Theorems that were violated, over all cells.
    pub violated: u64,
    /// Elapsed seconds of all cells together.
    pub seconds: f64,
}

impl Merged {
    /// As one document.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "table": self.table.to_string_lossy(),
            "cells": self.cells,
            "outcomes": self.outcomes,
            "failed": self.failed,
            "successes": self.successes,
            "predictions_violated": self.violated,
            "cell_seconds": self.seconds,
        })
    }
}

/// Merges all shards into [`TABLE`] and [`TIMES`].
///
/// # Errors
/// If cells are missing, a shard is damaged, or a table cannot be written.
pub fn merge(plan: &Plan) -> Result<Merged, ExperimentError> {
    let shards = (1..=plan.shards)
        .map(|shard| Index::read(plan, shard, |_| Ok(())))
        .collect::<Result<Vec<_>, _>>()?;
    let missing: u64 = shards.iter().map(Index::missing).sum();
    let cells = plan.grid.cells;
    if missing > 0 {
        let directory = plan.directory.clone();
        return Err(SweepError::Unfinished {
            directory,
            missing,
            cells,
        }
        .into());
    }
    let layout = Layout::new(plan);
    let mut merged = Merged {
        table: plan.directory.join(TABLE),
        cells,
        outcomes: BTreeMap::new(),
        failed: 0,
        successes: layout.success.iter().map(|(name, _)| (name.clone(), 0)).collect(),
        violated: 0,
        seconds: 0.0,
    };
    let names: Vec<(&str, Kind)> = layout
        .columns
        .iter()
        .map(|(name, kind)| (name.as_str(), *kind))
        .collect();
    let metadata = metadata(plan);
    let rows = |cells: Range<u64>| -> Result<Vec<Row>, ExperimentError> {
        let mut rows = Vec::new();
        for (index, shard) in shards.iter().zip(1..) {
            rows.extend(index.rows(plan, shard, &cells)?);
        }
        rows.sort_by_key(|row| row.cell);
        Ok(rows)
    };
    write_cells(
        &merged.table.clone(),
        &names,
        &metadata,
        groups(cells).map(|cells| {
            let rows = rows(cells)?;
            rows.iter().for_each(|row| layout.count(row, &mut merged));
            Ok::<_, ExperimentError>(layout.group(plan, &rows))
        }),
    )?;
    checksum::note(&merged.table)?;
    let names = [("cell", Kind::Integer), ("seconds", Kind::Number)];
    write_cells(
        &plan.directory.join(TIMES),
        &names,
        &metadata,
        groups(cells).map(|cells| {
            let rows = rows(cells)?;
            Ok::<_, ExperimentError>(vec![
                Cells::Integers(rows.iter().map(|row| row.cell.cast_signed()).collect()),
                Cells::Numbers(rows.iter().map(|row| row.seconds).collect()),
            ])
        }),
    )?;
    Ok(merged)
}

/// The cells of each row group.
fn groups(cells: u64) -> impl Iterator<Item = Range<u64>> {
    (0..cells)
        .step_by(GROUP)
        .map(move |start| start..cells.min(start + GROUP as u64))
}

/// What the table says of itself: nothing that depends on threads, shards or time.
fn metadata(plan: &Plan) -> BTreeMap<String, String> {
    let sweep = &plan.grid.sweep.settings;
    let axes: Vec<&str> = plan.grid.axes().iter().map(|axis| axis.name.as_str()).collect();
    let mut pairs = vec![
        ("hadaflow_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("hadaflow_sweep_schema", SCHEMA.to_string()),
        ("plan", plan.hash.clone()),
        ("title", sweep.title.clone()),
        ("mode", format!("{:?}", sweep.mode)),
        ("axes", Value::from(axes).to_string()),
        ("trials", sweep.trials.to_string()),
    ];
    if let Some(Success::DistanceBelow(x)) = sweep.success {
        pairs.push(("success", format!("relative_error < {x:?}")));
    }
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The columns of the table.
struct Layout {
    columns: Vec<(String, Kind)>,
    /// Name of a success column and the number it is judged by.
    success: Vec<(String, usize)>,
    threshold: f64,
    violated: Option<usize>,
}

impl Layout {
    fn new(plan: &Plan) -> Self {
        let fixed = |name: &str, kind| (name.to_owned(), kind);
        let axis = |k: usize| {
            let axis = &plan.grid.axes()[k];
            let numbers = axis.values.list.iter().all(|value| value.number().is_some());
            (axis.name.clone(), if numbers { Kind::Number } else { Kind::Text })
        };
        let numbers = plan.columns.numbers();
        let (success, threshold) = match plan.grid.sweep.settings.success {
            None => (Vec::new(), f64::NAN),
            Some(Success::DistanceBelow(x)) => {
                let errors = plan.columns.errors().into_iter();
                (
                    errors
                        .map(|(suffix, index)| (format!("success{suffix}"), index))
                        .collect(),
                    x,
                )
            }
        };
        let mut columns = vec![fixed("cell", Kind::Integer)];
        columns.extend((0..plan.grid.axes().len()).map(axis));
        columns.extend([
            fixed("trial", Kind::Integer),
            fixed("seed", Kind::Integer),
            fixed("scenario", Kind::Text),
        ]);
        columns.extend([fixed("outcome", Kind::Text), fixed("message", Kind::Text)]);
        columns.extend(numbers.iter().map(|name| fixed(name, Kind::Number)));
        columns.extend(success.iter().map(|(name, _)| fixed(name, Kind::Truth)));
        let violated = numbers.iter().position(|name| name == "predictions_violated");
        Self {
            columns,
            success,
            threshold,
            violated,
        }
    }

    /// Below the threshold, and neither NaN nor from a run that failed.
    fn succeeded(&self, row: &Row, index: usize, own: bool) -> bool {
        row.numbers[index] < self.threshold && !(own && row.failed())
    }

    fn count(&self, row: &Row, merged: &mut Merged) {
        *merged.outcomes.entry(row.outcome.clone()).or_default() += 1;
        merged.failed += u64::from(row.failed());
        merged.seconds += row.seconds;
        for (k, (name, index)) in self.success.iter().enumerate() {
            *merged.successes.entry(name.clone()).or_default() += u64::from(self.succeeded(row, *index, k == 0));
        }
        let violated = self.violated.map_or(0.0, |index| row.numbers[index]);
        // a small count, or NaN of a cell that failed, which becomes 0
        merged.violated += violated as u64;
    }

    /// The columns of some rows.
    fn group(&self, plan: &Plan, rows: &[Row]) -> Vec<Cells> {
        let grid = &plan.grid;
        let places: Vec<(Vec<usize>, u64)> = rows.iter().map(|row| grid.place(row.cell)).collect();
        let integers =
            |f: &dyn Fn(usize) -> u64| Cells::Integers((0..rows.len()).map(|i| f(i).cast_signed()).collect());
        let texts = |f: &dyn Fn(usize) -> String| Cells::Texts((0..rows.len()).map(f).collect());
        let mut group = vec![integers(&|i| rows[i].cell)];
        for (k, (_, kind)) in self.columns[1..=grid.axes().len()].iter().enumerate() {
            let value = |i: usize| grid.coordinate(k, &places[i].0);
            group.push(match kind {
                Kind::Number => {
                    Cells::Numbers((0..rows.len()).map(|i| value(i).number().unwrap_or(f64::NAN)).collect())
                }
                _ => texts(&|i| Coordinate::text(value(i))),
            });
        }
        group.extend([
            integers(&|i| places[i].1),
            integers(&|i| rows[i].seed),
            texts(&|i| hex(&rows[i].scenario)),
        ]);
        group.extend([texts(&|i| rows[i].outcome.clone()), texts(&|i| rows[i].message.clone())]);
        for number in 0..plan.columns.numbers().len() {
            group.push(Cells::Numbers(rows.iter().map(|row| row.numbers[number]).collect()));
        }
        for (k, (_, index)) in self.success.iter().enumerate() {
            group.push(Cells::Truths(
                rows.iter().map(|row| self.succeeded(row, *index, k == 0)).collect(),
            ));
        }
        group
    }
}
