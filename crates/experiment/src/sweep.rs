//! Sweeps: one scenario over a grid of parameters.
//!
//! A [`Sweep`] is a template, axes over any of its fields, and trials. Its *cells* are the points of the grid times the
//! trials, numbered in the order of the axes, the last one fastest, and trials fastest of all. Cell i is computed from
//! i alone, so that nothing needs memory in proportion to their number:
//!
//! ```text
//! index → coordinates → scenario (template with the fields of the axes and the seed of the cell) → row
//! seed  = SHA-256(master seed, trial, names and values of the axes that are not paired)
//! id    = SHA-256(the scenario in canonical form, input files represented by their content)
//! ```
//!
//! No seed depends on the number or the order of cells: a value added to an axis leaves every other cell as it was.
//!
//! A [`Plan`] freezes a sweep in a directory. Its shards are worked through by [`work()`], one row per cell in a journal
//! that survives being killed at any moment, and [`merge()`] makes one table of them, the same bytes for any number of
//! threads, shards and interruptions.

mod analysis;
mod axis;
mod cell;
mod check;
mod checksum;
mod column;
mod described;
mod error;
mod gaps;
mod grid;
mod index;
mod journal;
mod merge;
mod picture;
mod plan;
mod row;
mod schema;
mod status;
mod submit;
mod table;
mod work;

pub use analysis::{Analysis, Law, Point, Requirement, Setting, Transition, analyse};
pub use axis::{Axis, Value};
pub use cell::compute;
pub use column::Columns;
pub use described::Described;
pub use error::SweepError;
pub use grid::Grid;
pub use merge::{Merged, TABLE, TIMES, merge};
pub use picture::{Drawn, plot};
pub use plan::{Plan, SCHEMA};
pub use row::Row;
pub use schema::{Mode, Success, Sweep};
pub use status::{ShardStatus, Status, status};
pub use submit::{Job, Kind as JobKind, Profile, Submission, Submitted, Wish, jobs};
pub use table::{Cells, read_table};
pub use work::{Progress, Worked, work};

#[cfg(test)]
mod tests;
