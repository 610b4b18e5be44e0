//! How far a sweep is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::index::Index;
use super::{Plan, Row};
use crate::error::ExperimentError;

/// How far a shard is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardStatus {
    /// Its number, from 1.
    pub shard: u64,
    /// Number of its cells.
    pub cells: u64,
    /// Cells that have a row.
    pub done: u64,
    /// Whether it is finished.
    pub finished: bool,
}

/// How far all are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// By shard.
    pub shards: Vec<ShardStatus>,
    /// Cells by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Cells that failed.
    pub failed: u64,
    /// The failed cell of the lowest index: with coordinates and message.
    pub example: Option<(u64, String)>,
}

impl Status {
    /// Cells that have a row.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.shards.iter().map(|shard| shard.done).sum()
    }

    /// All cells.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.shards.iter().map(|shard| shard.cells).sum()
    }

    /// As one document.
    #[must_use]
    pub fn document(&self) -> Value {
        let shard = |shard: &ShardStatus| json!({ "shard": shard.shard, "cells": shard.cells, "done": shard.done, "finished": shard.finished });
        json!({
            "cells": self.cells(),
            "done": self.done(),
            "missing": self.cells() - self.done(),
            "failed": self.failed,
            "outcomes": self.outcomes,
            "first_failure": self.example.as_ref().map(|(_, words)| words),
            "shards": self.shards.iter().map(shard).collect::<Vec<_>>(),
        })
    }

    fn count(&mut self, plan: &Plan, row: &Row) {
        *self.outcomes.entry(row.outcome.clone()).or_default() += 1;
        if row.failed() {
            self.failed += 1;
            if self.example.as_ref().is_none_or(|(cell, _)| *cell > row.cell) {
                let place = plan.grid.describe(row.cell);
                let words = format!("cell {} ({place}): {}: {}", row.cell, row.outcome, row.message);
                self.example = Some((row.cell, words));
            }
        }
    }
}

/// Reads all shards.
///
/// # Errors
/// If one is damaged.
pub fn status(plan: &Plan) -> Result<Status, ExperimentError> {
    let mut status = Status {
        shards: Vec::new(),
        outcomes: BTreeMap::new(),
        failed: 0,
        example: None,
    };
    let count = plan.columns.numbers().len();
    for shard in 1..=plan.shards {
        let index = Index::read(plan, shard, |content| {
            status.count(plan, &Row::decode(content, count).ok_or("a row is damaged")?);
            Ok(())
        })?;
        let cells = plan.cells_of(shard);
        let (done, finished) = (cells - index.missing(), plan.rows(shard).exists());
        status.shards.push(ShardStatus {
            shard,
            cells,
            done,
            finished,
        });
    }
    Ok(status)
}
