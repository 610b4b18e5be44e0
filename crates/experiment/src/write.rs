//! Results: written whole or not at all, and with the same bytes for the same content.
//!
//! Every file is written under a temporary name beside its final one, flushed to the disk and then renamed; a crash
//! leaves the old file or none. The readers for what is written here stand beside the writers.

mod atomic;
mod cells;
mod error;
mod json;
mod npz;
mod table;

pub use atomic::{write_atomically, write_bytes};
pub use cells::{Cells, Kind, read_cells, read_some_cells, write_cells};
pub use error::WriteError;
pub use json::{from_json, json_number, json_numbers, write_json};
pub use npz::{Array, ArrayView, read_npz, write_npz};
pub use table::{Table, read_table_csv, read_table_parquet, write_table_csv, write_table_parquet};
