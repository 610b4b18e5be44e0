//! The jobs a plan was submitted as: `slurm/jobs.json`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::FOLDER;
use super::arrays::Array;
use crate::error::ExperimentError;
use crate::sweep::{Plan, SweepError};
use crate::write::write_json;

const SCHEMA: u64 = 1;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Works through shards.
    Array,
    /// Merges them.
    Merge,
}

/// A job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What it does.
    pub kind: Kind,
    /// Its number.
    pub id: String,
    /// The cluster that has it, where Slurm named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Its shards, such as `1-3,7`; empty for a merge.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shards: String,
    /// The shard of an array's task is its index plus this.
    #[serde(default)]
    pub offset: u64,
}

impl Job {
    pub(super) fn array(id: String, cluster: Option<String>, array: &Array) -> Self {
        Self {
            kind: Kind::Array,
            id,
            cluster,
            shards: array.shards.clone(),
            offset: array.offset,
        }
    }

    pub(super) fn merge(id: String, cluster: Option<String>) -> Self {
        Self {
            kind: Kind::Merge,
            id,
            cluster,
            shards: String::new(),
            offset: 0,
        }
    }

    /// In words: `array 17 (shards 1-4)`, `merge 18`.
    #[must_use]
    pub fn describe(&self) -> String {
        const LONGEST: usize = 40;
        let on = self
            .cluster
            .as_ref()
            .map_or(String::new(), |cluster| format!(" on {cluster}"));
        match self.kind {
            Kind::Merge => format!("merge {}{on}", self.id),
            Kind::Array => {
                let dots = if self.shards.len() > LONGEST { "…" } else { "" };
                let shards: String = self.shards.chars().take(LONGEST).collect();
                format!("array {}{on} (shards {shards}{dots})", self.id)
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    schema: u64,
    jobs: Vec<Job>,
}

fn file(plan: &Plan) -> PathBuf {
    plan.directory.join(FOLDER).join("jobs.json")
}

/// The jobs a plan was submitted as, oldest first; none if it never was.
///
/// # Errors
/// If the record is damaged.
pub fn jobs(plan: &Plan) -> Result<Vec<Job>, ExperimentError> {
    let wrong = |reason: String| {
        let hint = "remove the file if none of its jobs is in the queue";
        ExperimentError::from(SweepError::Plan {
            directory: plan.directory.clone(),
            reason: format!("{FOLDER}/jobs.json {reason} ({hint})"),
        })
    };
    let bytes = match std::fs::read(file(plan)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
    };
    let record: Record = serde_json::from_slice(&bytes).map_err(|error| wrong(format!("is damaged: {error}")))?;
    if record.schema != SCHEMA {
        return Err(wrong(format!("has schema {}, known is {SCHEMA}", record.schema)));
    }
    Ok(record.jobs)
}

/// Writes them.
pub(super) fn record(plan: &Plan, jobs: &[Job]) -> Result<(), ExperimentError> {
    let record = Record {
        schema: SCHEMA,
        jobs: jobs.to_vec(),
    };
    Ok(write_json(&file(plan), &record)?)
}
