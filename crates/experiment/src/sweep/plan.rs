//! A frozen sweep: a directory that says what its cells are, whatever becomes of the files it came from.
//!
//! ```text
//! DIR/sweep.ron              the sweep with its template within
//! DIR/plan.json              versions, hash, input files and their SHA-256: written last
//! DIR/shards/0001.journal    a shard at work; 0001.rows once it is finished
//! DIR/table.parquet          the merged table; DIR/table.parquet.sha256 its checksum; DIR/times.parquet the seconds per cell
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Columns, Grid, Sweep, SweepError};
use crate::error::ExperimentError;
use crate::resolve::{Library, hex};
use crate::run::relative;
use crate::write::{write_bytes, write_json};

/// Version of plan, rows and table together.
pub const SCHEMA: u64 = 1;
/// Most shards of a plan.
const MAX_SHARDS: u64 = 1_000_000;

/// A plan that was checked: the sweep is the one it was made from, and so are the inputs.
pub struct Plan {
    /// Its directory.
    pub directory: PathBuf,
    /// The cells.
    pub grid: Grid,
    /// The numbers of a row.
    pub columns: Columns,
    /// Into how many shards the cells are divided: cell i belongs to shard i mod shards.
    pub shards: u64,
    /// SHA-256 of sweep, inputs, schema and version.
    pub hash: String,
    /// The input files.
    pub library: Library,
}

impl Plan {
    /// Freezes a sweep in a directory, after checking all of its cells. A directory that holds this very plan is left as
    /// it is.
    ///
    /// # Errors
    /// If a cell is invalid, an input cannot be read, or the directory cannot be written to or holds another plan.
    pub fn freeze(sweep: Sweep, directory: &Path, shards: Option<u64>) -> Result<Self, ExperimentError> {
        Self::freeze_watched(sweep, directory, shards, &|_, _| ())
    }

    /// The same, with `watch` told how many points of the grid, of how many, are checked.
    ///
    /// # Errors
    /// Those of [`Plan::freeze`].
    pub fn freeze_watched(
        sweep: Sweep,
        directory: &Path,
        shards: Option<u64>,
        watch: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Self, ExperimentError> {
        let columns = Columns::new(&sweep)?;
        let grid = Grid::new(sweep)?;
        let library = Library::new();
        let paths = grid.check_watched(&library, watch)?;
        let most = grid.cells.min(MAX_SHARDS);
        let wanted = shards.unwrap_or(1);
        if wanted == 0 || wanted > most {
            let reason = format!("--shards {wanted}: must be between 1 and {most}");
            return Err(SweepError::Plan {
                directory: directory.to_owned(),
                reason,
            }
            .into());
        }
        let occupied = |reason: String| ExperimentError::Occupied {
            directory: directory.to_owned(),
            reason,
        };
        if directory.exists() && !directory.is_dir() {
            return Err(occupied("it is a file; --out takes a directory".to_owned()));
        }
        std::fs::create_dir_all(directory.join("shards"))
            .map_err(|error| occupied(format!("cannot be written to: {error}")))?;
        let origin = grid
            .sweep
            .origin
            .parent()
            .filter(|origin| !origin.as_os_str().is_empty());
        let base = relative(directory, origin.unwrap_or(Path::new(".")));
        let mut plan = Self {
            directory: directory.to_owned(),
            shards: wanted,
            hash: String::new(),
            columns,
            grid,
            library,
        };
        let inputs = plan.inputs_of(paths.iter())?;
        let text = plan.grid.sweep.to_ron()?;
        plan.hash = hash(&text, &inputs);
        if let Some(there) = saved(directory)? {
            if there.hash != plan.hash {
                return Err(occupied(
                    "it holds the plan of another sweep, or of other inputs; choose another --out".to_owned(),
                ));
            }
            if shards.is_some_and(|shards| shards != there.shards) {
                return Err(occupied(format!("it holds this sweep in {} shards", there.shards)));
            }
            plan.shards = there.shards;
            return Ok(plan);
        }
        write_bytes(&directory.join("sweep.ron"), text.as_bytes())?;
        write_json(&directory.join("plan.json"), &plan.document(&base, &inputs))?;
        Ok(plan)
    }

    /// Loads a plan.
    ///
    /// # Errors
    /// If there is none, or what it was made from has changed: the sweep, an input, the schema or the version.
    pub fn load(directory: &Path) -> Result<Self, ExperimentError> {
        let wrong = |reason: String| {
            ExperimentError::from(SweepError::Plan {
                directory: directory.to_owned(),
                reason,
            })
        };
        let Some(saved) = saved(directory)? else {
            return Err(wrong(
                "there is no plan (make one with `hadaflow sweep plan SWEEP.ron --out DIR`)".to_owned(),
            ));
        };
        let mut sweep = Sweep::read::<&str>(&directory.join("sweep.ron"), &[])?;
        sweep.origin = directory.join(&saved.base).join("sweep.ron");
        let columns = Columns::new(&sweep)?;
        let plan = Self {
            directory: directory.to_owned(),
            grid: Grid::new(sweep)?,
            columns,
            shards: saved.shards,
            hash: saved.hash,
            library: Library::new(),
        };
        let inputs = plan.inputs_of(saved.inputs.keys())?;
        if let Some((path, _)) = inputs
            .iter()
            .find(|(path, digest)| saved.inputs.get(*path) != Some(*digest))
        {
            return Err(wrong(format!(
                "the input {path} has changed since the sweep was planned; restore it or plan anew"
            )));
        }
        if hash(&plan.grid.sweep.to_ron()?, &inputs) != plan.hash {
            return Err(wrong(
                "sweep.ron has changed since the sweep was planned; restore it or plan anew".to_owned(),
            ));
        }
        Ok(plan)
    }

    /// Digests of input files, by their paths in scenarios.
    fn inputs_of<'a>(
        &self,
        paths: impl Iterator<Item = &'a String>,
    ) -> Result<BTreeMap<String, String>, ExperimentError> {
        let base = self.grid.sweep.origin.parent().unwrap_or(Path::new(""));
        let digest = |path: &String| Ok((path.clone(), self.library.digest(&base.join(path))?));
        paths.map(digest).collect()
    }

    fn document(&self, base: &Path, inputs: &BTreeMap<String, String>) -> Value {
        let axes = self
            .grid
            .axes()
            .iter()
            .map(|axis| json!({ "name": axis.name, "values": axis.values.list.len() }));
        json!({
            "schema": SCHEMA,
            "version": env!("CARGO_PKG_VERSION"),
            "hash": self.hash,
            "title": self.grid.sweep.settings.title,
            "cells": self.grid.cells,
            "trials": self.grid.sweep.settings.trials,
            "shards": self.shards,
            "seal": seal(&self.hash, self.shards),
            "axes": axes.collect::<Vec<_>>(),
            "columns": self.columns.numbers(),
            "base": base.to_string_lossy(),
            "inputs": inputs,
        })
    }

    /// What the header of a shard's journal says; shards are counted from 1.
    pub(super) fn header(&self, shard: u64) -> Vec<u8> {
        format!("plan {} shard {shard} of {}", self.hash, self.shards).into_bytes()
    }

    /// The file of a shard at work.
    pub(super) fn journal(&self, shard: u64) -> PathBuf {
        self.directory.join(format!("shards/{shard:04}.journal"))
    }

    /// The file of a finished shard.
    pub(super) fn rows(&self, shard: u64) -> PathBuf {
        self.directory.join(format!("shards/{shard:04}.rows"))
    }

    /// Number of cells of a shard.
    #[must_use]
    pub fn cells_of(&self, shard: u64) -> u64 {
        (self.grid.cells + self.shards - shard) / self.shards
    }

    /// The k-th cell of a shard.
    pub(super) fn cell(&self, shard: u64, k: u64) -> u64 {
        shard - 1 + k * self.shards
    }

    /// Which cell of its shard a cell is; the reason if it belongs to another.
    pub(super) fn rank(&self, shard: u64, cell: u64) -> Result<u64, String> {
        if cell < self.grid.cells && cell % self.shards == shard - 1 {
            return Ok(cell / self.shards);
        }
        Err(format!("cell {cell} does not belong to it"))
    }
}

fn hash(text: &str, inputs: &BTreeMap<String, String>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("schema {SCHEMA} version {}\n", env!("CARGO_PKG_VERSION")));
    hasher.update(text);
    for (path, digest) in inputs {
        hasher.update(format!("{path} {digest}\n"));
    }
    hex(&hasher.finalize())
}

/// What ties the number of shards to the plan, whose hash they are no part of: no result depends on them.
fn seal(hash: &str, shards: u64) -> String {
    hex(&Sha256::digest(format!("{hash} in {shards} shards")))
}

/// What `plan.json` says.
struct Saved {
    hash: String,
    shards: u64,
    base: String,
    inputs: BTreeMap<String, String>,
}

/// Reads `plan.json`, if there is one.
fn saved(directory: &Path) -> Result<Option<Saved>, ExperimentError> {
    let wrong = |reason: String| {
        ExperimentError::from(SweepError::Plan {
            directory: directory.to_owned(),
            reason,
        })
    };
    let bytes = match std::fs::read(directory.join("plan.json")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(format!("plan.json cannot be read: {error}"))),
    };
    let document: Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("plan.json is damaged: {error}")))?;
    let (schema, version) = (document["schema"].as_u64(), document["version"].as_str());
    if schema != Some(SCHEMA) || version != Some(env!("CARGO_PKG_VERSION")) {
        let words = |known: Option<String>| known.unwrap_or_else(|| "?".to_owned());
        return Err(wrong(format!(
            "it was planned with version {} (schema {}), this is version {} (schema {SCHEMA}); plan anew, or use that version",
            words(version.map(str::to_owned)),
            words(schema.map(|schema| schema.to_string())),
            env!("CARGO_PKG_VERSION"),
        )));
    }
    let inputs = document["inputs"].as_object().and_then(|inputs| {
        inputs
            .iter()
            .map(|(path, digest)| Some((path.clone(), digest.as_str()?.to_owned())))
            .collect()
    });
    let read = || {
        Some(Saved {
            hash: document["hash"].as_str()?.to_owned(),
            shards: document["shards"]
                .as_u64()
                .filter(|shards| (1..=MAX_SHARDS).contains(shards))?,
            base: document["base"].as_str()?.to_owned(),
            inputs: inputs?,
        })
    };
    let saved = read().filter(|saved| document["seal"].as_str() == Some(&seal(&saved.hash, saved.shards)));
    saved
        .map(Some)
        .ok_or_else(|| wrong("plan.json is damaged or was edited; plan anew".to_owned()))
}
