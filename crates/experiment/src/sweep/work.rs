//! Working through shards: threads that take the next cell, and one journal that takes their rows.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::index::Places;
use super::journal::Journal;
use super::{Plan, Row, SweepError, compute};
use crate::error::ExperimentError;

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Cells that have a row, those of earlier runs included.
    pub done: u64,
    /// Out of how many.
    pub cells: u64,
    /// Cells of this run so far.
    pub fresh: u64,
    /// Failures among them.
    pub failed: u64,
}

/// How work on shards ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// How far it came.
    pub progress: Progress,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

/// Works through shards (counted from 1) on `threads` threads. `watch` is told after every row, and ends the work by
/// returning false; it is also asked, with the latest progress, at every step of a cell.
///
/// # Errors
/// If a journal is damaged or cannot be written to. What is written is kept, and work can go on from there.
pub fn work(
    plan: &Plan,
    shards: &[u64],
    threads: usize,
    watch: &(dyn Fn(Progress) -> bool + Sync),
) -> Result<Worked, ExperimentError> {
    let stopped = AtomicBool::new(false);
    let go_on = |progress: Progress| {
        let go_on = watch(progress);
        if !go_on {
            stopped.store(true, Ordering::Relaxed);
        }
        go_on && !stopped.load(Ordering::Relaxed)
    };
    let mut progress = Progress {
        cells: shards.iter().map(|shard| plan.cells_of(*shard)).sum(),
        ..Progress::default()
    };
    for &shard in shards {
        let computing =
            |cell: u64, ask: &dyn Fn() -> bool| compute(&plan.grid, &plan.columns, &plan.library, cell, ask);
        progress = work_through(plan, shard, threads, progress, &go_on, &computing)?;
        if stopped.load(Ordering::Relaxed) {
            return Ok(Worked {
                progress,
                interrupted: true,
            });
        }
    }
    Ok(Worked {
        progress,
        interrupted: false,
    })
}

/// Computes a cell, or nothing if it was interrupted.
pub(super) type Computing<'a> = &'a (dyn Fn(u64, &dyn Fn() -> bool) -> Option<Row> + Sync);

/// What the workers share.
struct Desk<'a> {
    journal: Mutex<(Journal, Progress)>,
    /// The first error; all stop at it.
    error: Mutex<Option<ExperimentError>>,
    halted: AtomicBool,
    /// The next cell of the shard, by rank.
    next: AtomicU64,
    done: &'a [bool],
}

/// Works through one shard.
pub(super) fn work_through(
    plan: &Plan,
    shard: u64,
    threads: usize,
    mut progress: Progress,
    watch: &(dyn Fn(Progress) -> bool + Sync),
    computing: Computing<'_>,
) -> Result<Progress, ExperimentError> {
    let cells = plan.cells_of(shard);
    let (path, finished) = (plan.journal(shard), plan.rows(shard));
    if finished.exists() {
        progress.done += cells;
        watch(progress);
        return Ok(progress);
    }
    let header = plan.header(shard);
    let mut places = Places::new(plan, shard)?;
    let mut seen = |place: u64, content: &[u8]| places.see(plan, shard, place, content).map(|_| ());
    let journal = Journal::open(&path, &header, &mut seen)?;
    if let Some(mut reader) = journal.reader(&header)? {
        places.compare(&mut reader)?;
    }
    let done = places.done();
    drop(places);
    if finished.exists() {
        // another process was just ready with it; an empty journal that was begun meanwhile is of no use
        let _ = std::fs::remove_file(&path);
        progress.done += cells;
        return Ok(progress);
    }
    progress.done += done.iter().filter(|done| **done).count() as u64;
    watch(progress);
    let desk = Desk {
        journal: Mutex::new((journal, progress)),
        error: Mutex::new(None),
        halted: AtomicBool::new(false),
        next: AtomicU64::new(0),
        done: &done,
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| desk.work(plan, shard, watch, computing));
        }
    });
    if let Some(error) = unpoisoned(desk.error.into_inner()) {
        return Err(error);
    }
    let (journal, end) = unpoisoned(desk.journal.into_inner());
    if !desk.halted.load(Ordering::Relaxed) {
        journal.finish(&finished)?;
    }
    Ok(end)
}

/// A lock whose holder panicked still holds what it held: nothing here panics between two halves of a change.
fn unpoisoned<T>(locked: Result<T, std::sync::PoisonError<T>>) -> T {
    locked.unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Desk<'_> {
    /// One worker: cell after cell, until there is none or all are to stop.
    fn work(&self, plan: &Plan, shard: u64, watch: &(dyn Fn(Progress) -> bool + Sync), computing: Computing<'_>) {
        let cells = self.done.len() as u64;
        let mut buffer = unpoisoned(self.journal.lock()).1;
        while !self.halted.load(Ordering::Relaxed) {
            let rank = self.next.fetch_add(1, Ordering::Relaxed);
            if rank >= cells {
                return;
            }
            if self.done[rank as usize] {
                continue;
            }
            let latest = buffer;
            let ask = || !self.halted.load(Ordering::Relaxed) && watch(latest);
            let Some(row) = guarded(plan, plan.cell(shard, rank), computing, &ask) else {
                self.halted.store(true, Ordering::Relaxed);
                return;
            };
            match self.write(&row) {
                Ok(progress) => buffer = progress,
                Err(error) => {
                    self.halted.store(true, Ordering::Relaxed);
                    unpoisoned(self.error.lock()).get_or_insert(error);
                    return;
                }
            }
            if !watch(buffer) {
                self.halted.store(true, Ordering::Relaxed);
            }
        }
    }

    fn write(&self, row: &Row) -> Result<Progress, ExperimentError> {
        let content = row.encode();
        let mut desk = unpoisoned(self.journal.lock());
        desk.0.append(&content)?;
        desk.1.done += 1;
        desk.1.fresh += 1;
        desk.1.failed += u64::from(row.failed());
        Ok(desk.1)
    }
}

/// A cell with its time; a panic is an outcome.
fn guarded(plan: &Plan, cell: u64, computing: Computing<'_>, ask: &dyn Fn() -> bool) -> Option<Row> {
    let start = Instant::now();
    // a cell owns all it changes
    let mut row = catch_unwind(AssertUnwindSafe(|| computing(cell, ask))).unwrap_or_else(|panic| {
        let (place, trial) = plan.grid.place(cell);
        Some(Row {
            cell,
            seed: plan.grid.seed(&place, trial),
            scenario: [0; 32],
            outcome: "panicked".to_owned(),
            message: words(panic.as_ref()),
            numbers: vec![f64::NAN; plan.columns.numbers().len()],
            seconds: 0.0,
        })
    })?;
    row.seconds = start.elapsed().as_secs_f64();
    Some(row)
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Which shards are meant by `k` of `of`: all without.
pub(super) fn chosen(plan: &Plan, shard: Option<(u64, u64)>) -> Result<Vec<u64>, SweepError> {
    let wrong = |reason: String| SweepError::Plan {
        directory: plan.directory.clone(),
        reason,
    };
    match shard {
        None => Ok((1..=plan.shards).collect()),
        Some((_, of)) if of != plan.shards => Err(wrong(format!(
            "--shard ../{of}: the plan has {} shards (they are fixed by `sweep plan --shards`)",
            plan.shards
        ))),
        Some((k, of)) if k == 0 || k > of => Err(wrong(format!("--shard {k}/{of}: shards are counted from 1 to {of}"))),
        Some((k, _)) => Ok(vec![k]),
    }
}

impl Plan {
    /// The shards meant by `k/of`, all without.
    ///
    /// # Errors
    /// If the plan has another number of shards.
    pub fn chosen(&self, shard: Option<(u64, u64)>) -> Result<Vec<u64>, ExperimentError> {
        Ok(chosen(self, shard)?)
    }
}
