//! Submission of a plan to Slurm: a job array with one task per shard, and a merge job behind it.
//!
//! ```text
//! DIR/slurm/array.sh     a task: shard = index + offset, `hadaflow sweep run DIR --shard shard/N`
//! DIR/slurm/merge.sh     `hadaflow sweep merge DIR`
//! DIR/slurm/jobs.json    the jobs that were submitted
//! DIR/slurm/*.log        what they said
//! ```
//!
//! The merge job waits with `afterany` for the arrays to end in whatever way, and not with `afterok` for their success. The
//! merge itself decides whether all rows are there, and it knows better than exit codes do: a task that was killed may have
//! been computed by another since, while a dependency on it can never be fulfilled any more and leaves the job in the queue.
//!
//! Shards are divided into blocks of the longest array the site takes, and an array has the missing shards of one block. So
//! its indices stay small, and index plus offset is the shard, which is how the queue is read again.

mod arrays;
mod commands;
mod jobs;
mod profile;
mod script;
mod slurm;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::arrays::{Array, split};
use self::commands::cancel_command;
use self::slurm::{Entry, Tools};
use super::{Plan, SweepError, TABLE};
use crate::error::ExperimentError;
use crate::write::{WriteError, write_bytes};

pub use jobs::{Job, Kind, jobs};
pub use profile::Profile;

/// Where scripts, logs and the record of jobs stand, within the plan's directory.
const FOLDER: &str = "slurm";

/// What is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Submit again what is missing; without it, only a plan that was never submitted is.
    pub missing: bool,
    /// Slurm need not be there, because nothing will be submitted.
    pub dry_run: bool,
}

/// What would be submitted now.
pub struct Submission<'a> {
    plan: &'a Plan,
    profile: &'a Profile,
    tools: Tools,
    /// DIR/slurm, absolute.
    folder: PathBuf,
    /// DIR and the program, absolute, as text.
    words: script::Words,
    /// The jobs of earlier submissions.
    known: Vec<Job>,
    arrays: Vec<Array>,
    /// Arrays of earlier submissions that are still in the queue.
    waiting: Vec<Job>,
    /// Merge jobs of earlier submissions that would come too early now.
    stale: Vec<Job>,
    merge: bool,
    finished: u64,
    queued: u64,
    /// Words of caution.
    notes: Vec<String>,
}

/// What was submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// The new jobs.
    pub jobs: Vec<Job>,
    /// Merge jobs of earlier submissions that were cancelled.
    pub cancelled: Vec<String>,
}

impl<'a> Submission<'a> {
    /// Looks at the plan, the queue and the site, and decides what to submit. Nothing is written.
    ///
    /// # Errors
    /// If the plan was submitted before and `missing` is not wished, a path is no text, or Slurm does not answer.
    pub fn prepare(plan: &'a Plan, profile: &'a Profile, wish: Wish) -> Result<Self, ExperimentError> {
        let known = jobs(plan)?;
        if let (Some(job), false) = (known.last(), wish.missing) {
            let reason = format!(
                "it was submitted already ({}); --missing submits what is neither finished nor in the queue",
                job.describe()
            );
            return Err(SweepError::Plan {
                directory: plan.directory.clone(),
                reason,
            }
            .into());
        }
        let words = script::Words::new(plan, profile)?;
        let tools = Tools { optional: wish.dry_run };
        let mut submission = Self {
            plan,
            profile,
            tools,
            folder: Path::new(&words.directory).join(FOLDER),
            words,
            known,
            arrays: Vec::new(),
            waiting: Vec::new(),
            stale: Vec::new(),
            merge: false,
            finished: 0,
            queued: 0,
            notes: Vec::new(),
        };
        submission.decide()?;
        Ok(submission)
    }

    fn decide(&mut self) -> Result<(), ExperimentError> {
        let entries = self.tools.queue(&self.known)?;
        let here = |job: &Job| entries.iter().any(|entry| entry.id == job.id);
        let of = |kind: Kind| {
            self.known
                .iter()
                .filter(move |job| job.kind == kind && here(job))
                .cloned()
        };
        let (waiting, merges): (Vec<Job>, Vec<Job>) = (of(Kind::Array).collect(), of(Kind::Merge).collect());
        let queued = shards_of(&entries, &waiting);
        let unfinished: Vec<u64> = (1..=self.plan.shards)
            .filter(|shard| !self.plan.rows(*shard).exists())
            .collect();
        let missing: Vec<u64> = unfinished
            .iter()
            .copied()
            .filter(|shard| !queued.contains(shard))
            .collect();
        self.finished = self.plan.shards - unfinished.len() as u64;
        self.queued = (unfinished.len() - missing.len()) as u64;
        self.waiting = waiting;
        if missing.is_empty() {
            self.merge = merges.is_empty() && !self.plan.directory.join(TABLE).exists();
            return Ok(());
        }
        let (longest, note) = self.tools.longest_array()?;
        self.notes.extend(note);
        self.arrays = split(&missing, longest);
        self.stale = merges;
        self.merge = true;
        Ok(())
    }

    /// Shards that are finished.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// Shards that earlier submissions have in the queue.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// Words of caution, such as about a limit that had to be guessed.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether there is nothing to submit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrays.is_empty() && !self.merge
    }

    /// The scripts: their files and texts.
    #[must_use]
    pub fn scripts(&self) -> [(PathBuf, String); 2] {
        [
            (
                self.folder.join("array.sh"),
                script::array(self.plan, self.profile, &self.words),
            ),
            (self.folder.join("merge.sh"), script::merge(self.profile, &self.words)),
        ]
    }

    /// As one document.
    #[must_use]
    pub fn document(&self) -> Value {
        let script = |(path, text): (PathBuf, String)| (path.to_string_lossy().into_owned(), Value::from(text));
        json!({
            "directory": self.words.directory,
            "shards": self.plan.shards,
            "finished": self.finished,
            "queued": self.queued,
            "scripts": self.scripts().into_iter().map(script).collect::<serde_json::Map<_, _>>(),
            "commands": self.commands(),
        })
    }

    /// Writes the scripts and submits; each job is recorded as soon as Slurm has taken it.
    ///
    /// # Errors
    /// If a file cannot be written or Slurm refuses a job. What was submitted before stays so, and is recorded.
    pub fn submit(&self) -> Result<Submitted, ExperimentError> {
        let mut submitted = Submitted::default();
        if self.is_empty() {
            return Ok(submitted);
        }
        std::fs::create_dir_all(&self.folder).map_err(|error| WriteError::io(&self.folder, &error))?;
        for (path, text) in self.scripts() {
            write_bytes(&path, text.as_bytes())?;
        }
        // a full disk must show before a job is out whose number could not be kept
        jobs::record(self.plan, &self.known)?;
        let mut ids: Vec<String> = Vec::new();
        for (k, array) in self.arrays.iter().enumerate() {
            let command = self.array_command(k, ids.last().map(String::as_str));
            let (id, cluster) = self.sbatch(&command, &submitted.jobs)?;
            ids.push(id.clone());
            self.keep(&mut submitted.jobs, Job::array(id, cluster, array))?;
        }
        if self.merge {
            let (id, cluster) = self.sbatch(&self.merge_command(&ids), &submitted.jobs)?;
            self.keep(&mut submitted.jobs, Job::merge(id, cluster))?;
        }
        for job in &self.stale {
            // should it have begun already, it finds that rows are missing, and says so: no reason to fail
            if self.tools.run(&cancel_command(job)).is_ok() {
                submitted.cancelled.push(job.id.clone());
            }
        }
        Ok(submitted)
    }

    fn sbatch(&self, command: &[String], before: &[Job]) -> Result<(String, Option<String>), ExperimentError> {
        let error = match self.tools.sbatch(command) {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        let SweepError::Slurm { command, reason } = error else {
            return Err(error.into());
        };
        let reason = match before {
            [] => reason,
            before => {
                let words: Vec<String> = before.iter().map(Job::describe).collect();
                format!(
                    "{reason} (submitted before it and recorded: {}; --missing submits the rest)",
                    words.join(", ")
                )
            }
        };
        Err(SweepError::Slurm { command, reason }.into())
    }

    fn keep(&self, new: &mut Vec<Job>, job: Job) -> Result<(), ExperimentError> {
        let id = job.id.clone();
        new.push(job);
        let all: Vec<Job> = self.known.iter().chain(new.iter()).cloned().collect();
        jobs::record(self.plan, &all).map_err(|error| {
            let reason = format!("job {id} was submitted but cannot be recorded: {error} (scancel {id} takes it back)");
            let command = "sbatch".to_owned();
            SweepError::Slurm { command, reason }.into()
        })
    }
}

/// The shards that tasks in the queue stand for.
fn shards_of(entries: &[Entry], arrays: &[Job]) -> BTreeSet<u64> {
    let shard = |entry: &Entry| {
        let array = arrays.iter().find(|array| array.id == entry.id)?;
        Some(entry.index? + array.offset)
    };
    entries.iter().filter_map(shard).collect()
}
