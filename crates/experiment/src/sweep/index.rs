//! Where the rows of a shard stand in the file that holds them.

use std::ops::Range;
use std::path::PathBuf;

use super::error::damaged;
use super::journal::Reader;
use super::row::{cell_of, same_result};
use super::{Plan, Row, SweepError};
use crate::error::ExperimentError;
use crate::memory::{in_words, physical};

/// Where each row stands. Where a file system knows no locks, two processes may have computed one cell: of two rows that
/// differ in nothing but the time it took, the first counts.
pub(super) struct Places {
    /// By rank; 0 where there is no row.
    first: Vec<u64>,
    /// Further rows of a cell: its first place, and the other.
    again: Vec<(u64, u64)>,
}

impl Places {
    /// No row yet.
    ///
    /// # Errors
    /// If the shard has more cells than memory has room for their places.
    pub(super) fn new(plan: &Plan, shard: u64) -> Result<Self, ExperimentError> {
        let cells = plan.cells_of(shard);
        let bytes = u128::from(cells) * 8;
        let mut first = Vec::new();
        let fits = bytes < physical() && usize::try_from(cells).is_ok_and(|n| first.try_reserve_exact(n).is_ok());
        if !fits {
            let reason = format!(
                "shard {shard} has {cells} cells, and an index of {} is more than the memory; plan with more --shards",
                in_words(bytes)
            );
            let directory = plan.directory.clone();
            return Err(SweepError::Plan { directory, reason }.into());
        }
        first.resize(cells as usize, 0); // fits, as was just found
        let again = Vec::new();
        Ok(Self { first, again })
    }

    /// Notes a row; whether it is the first of its cell.
    pub(super) fn see(&mut self, plan: &Plan, shard: u64, place: u64, content: &[u8]) -> Result<bool, String> {
        let cell = cell_of(content).ok_or("a row is too short")?;
        let known = &mut self.first[plan.rank(shard, cell)? as usize]; // below the number of cells, which is in memory
        let first = *known == 0;
        if first {
            *known = place;
        } else {
            self.again.push((*known, place));
        }
        Ok(first)
    }

    /// Further rows of a cell say what its first one says.
    pub(super) fn compare(&self, reader: &mut Reader) -> Result<(), ExperimentError> {
        for &(first, place) in &self.again {
            let one = reader.read_at(first)?.to_vec();
            if !same_result(&one, reader.read_at(place)?) {
                let cell = cell_of(&one).unwrap_or_default();
                return Err(damaged(reader.path(), format!("cell {cell} has two rows that differ")));
            }
        }
        Ok(())
    }

    /// Which cells have a row, by rank.
    pub(super) fn done(&self) -> Vec<bool> {
        self.first.iter().map(|place| *place > 0).collect()
    }
}

/// The rows of a shard, in the file that holds them.
pub(super) struct Index {
    /// The file; `None` where there is no row yet.
    path: Option<PathBuf>,
    places: Places,
}

impl Index {
    /// Reads a shard, finished or not, and tells `each` the content of its rows.
    pub(super) fn read<F>(plan: &Plan, shard: u64, mut each: F) -> Result<Self, ExperimentError>
    where
        F: FnMut(&[u8]) -> Result<(), String>,
    {
        let mut places = Places::new(plan, shard)?;
        let (finished, journal) = (plan.rows(shard), plan.journal(shard));
        let whole = finished.exists();
        let path = if whole { finished } else { journal };
        if !path.exists() {
            return Ok(Self { path: None, places });
        }
        let Some(mut reader) = Reader::open(&path, &plan.header(shard))? else {
            return if whole {
                Err(damaged(&path, "it is cut off"))
            } else {
                Ok(Self { path: None, places })
            };
        };
        reader.for_each(|place, content| match places.see(plan, shard, place, content)? {
            true => each(content),
            false => Ok(()),
        })?;
        places.compare(&mut reader)?;
        let index = Self {
            path: Some(path),
            places,
        };
        match (&index.path, index.missing()) {
            (Some(path), missing @ 1..) if whole => Err(damaged(
                path,
                format!(
                    "it is cut off: {missing} of {} rows are missing",
                    index.places.first.len()
                ),
            )),
            _ => Ok(index),
        }
    }

    /// Number of cells without a row.
    pub(super) fn missing(&self) -> u64 {
        self.places.first.iter().filter(|place| **place == 0).count() as u64
    }

    /// The rows of the cells within a range, those of other shards left out. The file is open only meanwhile.
    pub(super) fn rows(&self, plan: &Plan, shard: u64, cells: &Range<u64>) -> Result<Vec<Row>, ExperimentError> {
        let first = (cells.start + plan.shards - shard) / plan.shards;
        let within = (first..)
            .map(|rank| (rank, plan.cell(shard, rank)))
            .take_while(|(_, cell)| *cell < cells.end);
        let Some(path) = &self.path else { return Ok(Vec::new()) };
        let lost = |cell: u64| damaged(path, format!("the row of cell {cell} is damaged"));
        let mut reader = Reader::open(path, &plan.header(shard))?.ok_or_else(|| damaged(path, "it is cut off"))?;
        let mut rows = Vec::new();
        for (rank, cell) in within {
            let place = self.places.first[rank as usize]; // below the number of cells, which is in memory
            let row = Row::decode(reader.read_at(place)?, plan.columns.numbers().len());
            rows.push(row.filter(|row| row.cell == cell).ok_or_else(|| lost(cell))?);
        }
        Ok(rows)
    }
}
