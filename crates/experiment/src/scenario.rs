//! The scenario: everything that decides the bytes of a run, as one RON document.
//!
//! ```
//! use std::path::Path;
//! let text = "Scenario(problem: Synthetic(measurements: 20, dimension: 50), model: (depth: 3))";
//! let scenario = hadaflow_experiment::scenario::parse(text, Path::new("three_layers.ron"))?;
//! assert_eq!(scenario.model.depth, 3);
//! assert_eq!(scenario.integrate.tolerance, 1e-8);
//! # Ok::<(), hadaflow_experiment::scenario::ScenarioError>(())
//! ```

mod canonical;
mod error;
mod integrate;
mod model;
mod number;
mod outline;
mod overrides;
mod parse;
mod problem;
mod record;
mod selection;
mod suggest;
mod template;
mod translate;
mod validate;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use canonical::{hash, to_ron};
pub use error::{Fault, Position, ScenarioError};
pub use integrate::{Formulation, Integrate, Method, Stop};
pub use model::{Initialization, Model, Sign, VectorSource};
pub(crate) use outline::{Lexer, Outline, Token};
pub(crate) use overrides::{Hole, bad_override, replace_in, split as split_override, without_position};
pub use overrides::{apply_override, parse_with_overrides};
pub use parse::{MAX_BYTES, parse, read, read_text};
pub(crate) use parse::{deserialize, dialect, field_error, from_ron, locate};
pub use problem::{Ensemble, Files, Magnitude, Problem, Signal, Synthetic};
pub use record::Record;
pub use selection::Selection;
pub use suggest::suggest;
pub use template::commented_default;

/// One experiment, complete: what is measured, which flow reconstructs it, and what is recorded, assessed and drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One line for humans; it appears in reports and figures. Default: empty.
    #[serde(default)]
    pub title: String,
    /// Master seed of all randomness. Default: 0.
    #[serde(default, deserialize_with = "number::natural")]
    pub seed: u64,
    /// The measurement operator and the measurements. Required.
    pub problem: Problem,
    /// The factorized model. Required, because its depth is.
    pub model: Model,
    /// How the flow is integrated, and until when.
    #[serde(default)]
    pub integrate: Integrate,
    /// Which times are recorded. Default: `LogSpaced(400)`.
    #[serde(default)]
    pub record: Record,
    /// The points the trajectory is compared with. Default: `All`.
    #[serde(default)]
    pub references: Selection,
    /// The predictions that are assessed. Default: `All`.
    #[serde(default)]
    pub predictions: Selection,
    /// The figures that are drawn. Default: `All`.
    #[serde(default)]
    pub figures: Selection,
    /// `support_size` counts the coordinates above this fraction of the largest. Default: 1e-3.
    #[serde(default = "record::default_support_threshold")]
    pub support_threshold: f64,
}

impl Scenario {
    /// Every file the scenario refers to, to be resolved against its directory or rewritten when it moves.
    pub fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = Vec::new();
        if let Problem::Files(files) = &mut self.problem {
            paths.extend([&mut files.matrix, &mut files.measurements]);
            paths.extend(&mut files.truth);
        }
        if let Initialization::Vector(VectorSource::File(path)) = &mut self.model.initialization {
            paths.push(path);
        }
        paths
    }
}

#[cfg(test)]
mod tests;
