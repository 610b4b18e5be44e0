//! Scenarios, and everything that touches the file system.
//!
//! - [`scenario`]: the RON schema of an experiment, its defaults, ranges and error messages;
//! - [`read`]: matrices and vectors from `.npy`, `.mtx` and `.csv` files;
//! - [`resolve`]: from a scenario to objects that are valid by construction;
//! - [`limit`]: where the flow tends, without integrating;
//! - [`style`]: the colours of figures;
//! - [`run`]: integrating, assessing, saving, and loading what was saved;
//! - [`sweep`]: a scenario over a grid of parameters, in parallel, and safe from being killed;
//! - [`page`]: a run as one HTML page;
//! - [`lesson`]: guided families of runs, each as one HTML page;
//! - [`mod@write`]: results, written so that no half file ever stands under a final name.
//!
//! No reader panics, overflows the stack or allocates more than a file can justify, whatever the bytes are.

mod error;
pub mod lesson;
pub mod limit;
mod memory;
pub mod page;
pub mod read;
pub mod resolve;
pub mod run;
pub mod scenario;
pub mod style;
pub mod sweep;
pub mod write;

pub use error::ExperimentError;
