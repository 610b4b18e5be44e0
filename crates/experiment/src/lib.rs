//! Scenarios, and everything that touches the file system.
//!
//! - [`scenario`]: the RON schema of an experiment, its defaults, ranges and error messages;
//! - [`read`]: matrices and vectors from `.npy`, `.mtx` and `.csv` files;
//! - [`mod@write`]: results, written so that no half file ever stands under a final name.
//!
//! No reader panics, overflows the stack or allocates more than a file can justify, whatever the bytes are.

pub mod read;
pub mod scenario;
pub mod write;
