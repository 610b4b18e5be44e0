//! The problem and the start of the factors: drawn from the seed, or read from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hadaflow_core::error::CoreError;
use hadaflow_core::initialization::Initialization;
use hadaflow_core::measurement::{DenseOperator, MeasurementOperator, SparseOperator, by_name};
use hadaflow_core::problem::{Problem, storage_bytes};
use hadaflow_core::signal::{Magnitude, SparseSignal};
use nalgebra::DMatrix;

use super::library::Library;
use crate::error::ExperimentError;
use crate::memory;
use crate::read::{MatrixData, ReadError};
use crate::scenario::{self, Fault, Files, Scenario, Signal, Synthetic, VectorSource, field_error};

/// An input file and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The path as in the scenario.
    pub path: PathBuf,
    /// SHA-256 of the content, in hexadecimal digits.
    pub sha256: String,
}

/// Problem, start and input files of a scenario.
pub(crate) fn load(
    scenario: &Scenario,
    directory: &Path,
    file: &Path,
    library: &Library,
) -> Result<(Problem, Initialization, Vec<Input>), ExperimentError> {
    let refused = |source: CoreError| ExperimentError::Input {
        file: file.to_owned(),
        source,
    };
    let problem = match &scenario.problem {
        scenario::Problem::Synthetic(synthetic) => {
            check_memory(synthetic, file)?;
            draw(scenario, synthetic).map_err(refused)?
        }
        scenario::Problem::Files(files) => read_problem(files, directory, file, library)?,
    };
    let dimension = problem.operator.cols();
    let start = match &scenario.model.initialization {
        scenario::Initialization::Identical(alpha) => Initialization::Identical(*alpha),
        scenario::Initialization::PerFactor(factors) => Initialization::PerFactor(factors.clone()),
        scenario::Initialization::Random { scale, spread } => Initialization::Random {
            scale: *scale,
            spread: *spread,
        },
        scenario::Initialization::Vector(source) => {
            Initialization::Vector(start_vector(source, dimension, directory, file, library)?)
        }
    };
    let mut paths = scenario.clone();
    let mut inputs: Vec<Input> = Vec::new();
    for path in paths.paths_mut() {
        let sha256 = library.digest(&directory.join(&*path))?;
        inputs.push(Input {
            path: path.clone(),
            sha256,
        });
    }
    Ok((problem, start, inputs))
}

/// The vector at which every factor starts: an entry for every dimension, each of them in range.
fn start_vector(
    source: &VectorSource,
    dimension: usize,
    directory: &Path,
    file: &Path,
    library: &Library,
) -> Result<Vec<f64>, ExperimentError> {
    let refused = |value: String, allowed: String| {
        let fault = Fault::OutOfRange { value, allowed };
        Err(field_error(file, "model.initialization", fault).into())
    };
    let (entries, what) = match source {
        VectorSource::Values(values) => (values.clone(), "a list".to_owned()),
        VectorSource::File(path) => (
            library.vector(&directory.join(path), None)?,
            format!("the vector in {}", path.display()),
        ),
    };
    if entries.len() != dimension {
        let value = format!("{what} of {} numbers", entries.len());
        return refused(value, format!("of {dimension} numbers, one per dimension"));
    }
    if let Some(k) = entries.iter().position(|x| !(*x > 0.0 && *x <= 1e6)) {
        let value = format!("entry {k} of {what}, {:?},", entries[k]);
        return refused(value, "above 0 and at most 1e6".to_owned());
    }
    Ok(entries)
}

/// SHA-256 of the scenario with each path replaced by the digest of its content: the same wherever the files lie.
pub(crate) fn content_hash(scenario: &Scenario, inputs: &[Input]) -> String {
    let mut portable = scenario.clone();
    for (path, input) in portable.paths_mut().into_iter().zip(inputs) {
        *path = PathBuf::from(format!("sha256:{}", input.sha256));
    }
    scenario::hash(&portable)
}

/// Refuses what the machine cannot hold, before allocating: the operator, the state, and the solver's history of it.
pub(crate) fn check_memory(synthetic: &Synthetic, file: &Path) -> Result<(), ExperimentError> {
    let (m, n) = (synthetic.measurements, synthetic.dimension);
    let ensemble = by_name(ensemble_name(synthetic.ensemble)).map_err(|source| ExperimentError::Input {
        file: file.to_owned(),
        source,
    })?;
    // The state has at most 2L entries per coordinate; solver and Newton matrix hold about 20 copies of the smaller
    // of the log and dual states. Even without them the operator itself must fit.
    let history = 20_u128 * 8 * (m as u128 + 2 * n as u128);
    let needed = storage_bytes(ensemble, m, n).saturating_add(history);
    let available = memory::physical();
    if needed <= available {
        return Ok(());
    }
    let field = if n >= m {
        "problem.dimension"
    } else {
        "problem.measurements"
    };
    let fault = Fault::OutOfRange {
        value: format!("a {m} x {n} problem"),
        allowed: format!(
            "small enough for memory: it needs {}, this machine has {}",
            memory::in_words(needed),
            memory::in_words(available)
        ),
    };
    Err(field_error(file, field, fault).into())
}

fn ensemble_name(ensemble: scenario::Ensemble) -> &'static str {
    match ensemble {
        scenario::Ensemble::Gaussian => "Gaussian",
        scenario::Ensemble::Rademacher => "Rademacher",
        scenario::Ensemble::SubsampledDct => "SubsampledDct",
    }
}

fn draw(scenario: &Scenario, synthetic: &Synthetic) -> Result<Problem, CoreError> {
    let Signal::Sparse { sparsity, magnitude } = &synthetic.signal;
    let magnitude = match *magnitude {
        scenario::Magnitude::Constant(value) => Magnitude::Constant(value),
        scenario::Magnitude::Uniform(low, high) => Magnitude::Uniform(low, high),
        scenario::Magnitude::Gaussian => Magnitude::Gaussian,
        scenario::Magnitude::PowerLaw(exponent) => Magnitude::PowerLaw { exponent },
    };
    Problem::synthetic(
        by_name(ensemble_name(synthetic.ensemble))?,
        synthetic.measurements,
        synthetic.dimension,
        &SparseSignal {
            sparsity: *sparsity,
            magnitude,
        },
        scenario.model.sign == scenario::Sign::Signed,
        synthetic.noise,
        scenario.seed,
    )
}

fn read_problem(
    files: &Files,
    directory: &Path,
    scenario: &Path,
    library: &Library,
) -> Result<Problem, ExperimentError> {
    let refused = |source: CoreError| ExperimentError::Input {
        file: scenario.to_owned(),
        source,
    };
    let matrix = library.matrix(&directory.join(&files.matrix), files.index)?;
    let operator: Arc<dyn MeasurementOperator> = match matrix {
        MatrixData::Dense { rows, cols, row_major } => {
            Arc::new(DenseOperator::new(DMatrix::from_row_slice(rows, cols, &row_major)).map_err(refused)?)
        }
        MatrixData::Sparse { rows, cols, triplets } => {
            Arc::new(SparseOperator::from_triplets(rows, cols, &triplets).map_err(refused)?)
        }
    };
    let read = |path: &PathBuf, axis: &str, expected: usize| {
        let path = directory.join(path);
        let vector = library.vector(&path, files.index)?;
        if vector.len() == expected {
            return Ok(vector);
        }
        let fault = crate::read::ReadFault::Shape {
            found: format!("{} entries", vector.len()),
            expected: format!("{expected}, the number of {axis} of {}", files.matrix.display()),
        };
        Err(ExperimentError::from(ReadError::whole(&path, fault)))
    };
    let measurements = read(&files.measurements, "rows", operator.rows())?;
    let truth = files
        .truth
        .as_ref()
        .map(|path| read(path, "columns", operator.cols()))
        .transpose()?;
    Problem::new(operator, measurements, truth, 0.0).map_err(refused)
}
