//! From a scenario to an experiment: raw choices become objects that are valid by construction.

pub(crate) mod inputs;
mod library;
mod references;

use std::path::{Path, PathBuf};

use hadaflow_analysis::reference::Reference;
use hadaflow_analysis::report::Setting;
use hadaflow_analysis::{observable, prediction};
use hadaflow_core::error::CoreError;
use hadaflow_core::event::{Action, CoordinateActive, Event, LossBelow, Marked, Stationary, TimeReached};
use hadaflow_core::flow::{self, Choice, choose, descent, time_unit};
use hadaflow_core::initialization as core_model;
use hadaflow_core::integrate::{
    self, Checkpoint, DiffsolIntegrator, GradientDescent, Integrator, NdfIntegrator, Schedule, Task,
};
use hadaflow_core::problem::Problem;

use crate::error::ExperimentError;
use crate::scenario::{self, Fault, Formulation, Method, Record, Scenario, Stop, field_error};

pub use inputs::Input;
pub use library::Library;
pub(crate) use library::hex;
pub(crate) use references::CATALOGUE as REFERENCES;

/// Steps after which a run ends, unless the scenario says otherwise.
const MAX_STEPS: u64 = 1_000_000;
/// The same for gradient descent, whose steps are cheap and many: a step costs two products with the matrix.
const MAX_DESCENT_STEPS: u64 = 10_000_000;

/// A scenario made executable.
pub struct Experiment {
    /// The scenario, complete with its defaults.
    pub scenario: Scenario,
    /// Name of the scenario's file without extension.
    pub stem: String,
    /// The directory its relative paths count from.
    pub directory: PathBuf,
    /// SHA-256 of the scenario in canonical form, with input files represented by their content.
    pub hash: String,
    /// The input files and the SHA-256 of their content.
    pub inputs: Vec<Input>,
    /// The problem.
    pub problem: Problem,
    /// The flow and why it was chosen.
    pub choice: Choice,
    /// How it is stepped.
    pub integrator: Box<dyn Integrator>,
    /// What is asked: the problem, the model and its start.
    pub setting: Setting,
    /// Reference points.
    pub references: Vec<Reference>,
    /// Why references that the scenario lists are not among them.
    pub absent: Vec<String>,
}

/// Resolve a scenario whose relative paths count from `directory`; `file` is named in errors.
///
/// # Errors
/// If an input file cannot be used, a size exceeds the machine's memory, or a choice has no flow.
pub fn resolve(scenario: Scenario, file: &Path) -> Result<Experiment, ExperimentError> {
    resolve_with(scenario, file, &Library::without_memory())
}

/// [`resolve`] with input files from a library, for many experiments that share them.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_with(scenario: Scenario, file: &Path, library: &Library) -> Result<Experiment, ExperimentError> {
    check_names(&scenario, file)?;
    let directory = file.parent().unwrap_or(Path::new("")).to_owned();
    let (problem, start, inputs) = inputs::load(&scenario, &directory, file, library)?;
    let model = core_model::Model {
        depth: scenario.model.depth,
        sign: match scenario.model.sign {
            scenario::Sign::Positive => core_model::Sign::Positive,
            scenario::Sign::Signed => core_model::Sign::Signed,
        },
        initialization: start,
    };
    let wanted = match scenario.integrate.formulation {
        Formulation::Auto => None,
        Formulation::Factor => Some(flow::Formulation::Factor),
        Formulation::Log => Some(flow::Formulation::Log),
        Formulation::Dual => Some(flow::Formulation::Dual),
    };
    let refused = |source: CoreError| ExperimentError::Input {
        file: file.to_owned(),
        source,
    };
    scenario
        .integrate
        .validate_coordinates(problem.cols())
        .map_err(|error| field_error(file, error.field.as_deref().unwrap_or_default(), *error.fault))?;
    let integrator = integrator(scenario.integrate.method).map_err(refused)?;
    let choice = match integrator.step() {
        Some(_) => descent(&problem, &model, scenario.seed),
        None => choose(&problem, &model, scenario.seed, wanted, scenario.integrate.tolerance),
    };
    let choice = choice.map_err(refused)?;
    if scenario.integrate.method == Method::Ndf {
        NdfIntegrator::serves(choice.flow.as_ref()).map_err(refused)?;
    }
    let setting = Setting {
        flow: choice.flow.clone(),
        model,
        seed: scenario.seed,
    };
    let built = references::build(&scenario.references, &setting).map_err(refused)?;
    let stem = file
        .file_stem()
        .map_or_else(|| "scenario".into(), |stem| stem.to_string_lossy().into_owned());
    let hash = inputs::content_hash(&scenario, &inputs);
    let experiment = Experiment {
        scenario,
        stem,
        directory,
        hash,
        inputs,
        problem,
        choice,
        integrator,
        setting,
        references: built.references,
        absent: built.absent,
    };
    experiment.events().map_err(refused)?;
    Ok(experiment)
}

/// The integrator of a method.
fn integrator(method: Method) -> Result<Box<dyn Integrator>, CoreError> {
    let flow = |method| -> Box<dyn Integrator> { Box::new(DiffsolIntegrator::new(method)) };
    Ok(match method {
        Method::Ndf => Box::new(NdfIntegrator),
        Method::Bdf => flow(integrate::Method::Bdf),
        Method::Esdirk34 => flow(integrate::Method::Esdirk34),
        Method::TrBdf2 => flow(integrate::Method::TrBdf2),
        Method::Tsit45 => flow(integrate::Method::Tsit45),
        Method::GradientDescent { step } => Box::new(GradientDescent::new(step)?),
    })
}

/// References, predictions and figures that are named must exist.
pub(crate) fn check_names(scenario: &Scenario, file: &Path) -> Result<(), ExperimentError> {
    let references: Vec<&str> = references::CATALOGUE.to_vec();
    let predictions: Vec<&str> = prediction::catalogue().iter().map(|p| p.name()).collect();
    let figures: Vec<&str> = hadaflow_plot::catalogue().iter().map(|f| f.name()).collect();
    for (field, selection, known) in [
        ("references", &scenario.references, references),
        ("predictions", &scenario.predictions, predictions),
        ("figures", &scenario.figures, figures),
    ] {
        if let Some((k, found)) = selection.unknown(&known) {
            let known = known.iter().map(|name| (*name).to_owned()).collect();
            let fault = Fault::UnknownVariant {
                found: found.to_owned(),
                known,
            };
            return Err(field_error(file, &format!("{field}[{k}]"), fault).into());
        }
    }
    Ok(())
}

impl Experiment {
    /// The default directory of its results: `runs/<stem>-<first 8 digits of the hash>`.
    #[must_use]
    pub fn default_directory(&self) -> PathBuf {
        Path::new("runs").join(format!("{}-{}", self.stem, &self.hash[..8]))
    }

    /// What observables are measured against.
    #[must_use]
    pub fn context(&self) -> observable::Context {
        observable::Context {
            references: self.references.clone(),
            support_threshold: self.scenario.support_threshold,
        }
    }

    /// The integration task, from the start or from a checkpoint.
    ///
    /// # Errors
    /// If a stopping condition needs a time unit that the initialization does not have.
    pub fn task(&self, resume: Option<Checkpoint>) -> Result<Task, CoreError> {
        let usual = match self.integrator.step() {
            Some(_) => MAX_DESCENT_STEPS,
            None => MAX_STEPS,
        };
        let limit = self.scenario.integrate.max_steps.unwrap_or(usual);
        Ok(Task {
            flow: self.choice.flow.clone(),
            tolerance: self.scenario.integrate.tolerance,
            max_steps: usize::try_from(limit).unwrap_or(usize::MAX),
            schedule: match &self.scenario.record {
                Record::LogSpaced(count) => Schedule::LogSpaced(*count),
                Record::Times(times) => Schedule::Times(times.clone()),
                Record::EveryStep => Schedule::EveryStep,
            },
            events: self.events()?,
            mismatches: self
                .references
                .iter()
                .map(|reference| reference.mismatch.clone())
                .collect(),
            resume,
        })
    }

    /// The conditions that stop, then those that mark.
    pub(crate) fn events(&self) -> Result<Vec<Box<dyn Event>>, CoreError> {
        let signed = self.choice.flow.signed();
        let y = &self.problem.measurements;
        let event = |stop: &Stop| -> Result<Box<dyn Event>, CoreError> {
            Ok(match *stop {
                Stop::RelativeLossBelow(fraction) => Box::new(LossBelow::relative(fraction, y)),
                Stop::LossBelow(threshold) => Box::new(LossBelow::absolute(threshold)),
                Stop::Stationary(tolerance) => Box::new(Stationary::new(tolerance, signed, &self.problem)),
                Stop::TimeReached(time) => Box::new(TimeReached::new(time)),
                Stop::TimeUnits(units) => Box::new(TimeReached::units(units, self.time_unit()?)),
                Stop::CoordinateActive { index, threshold } => {
                    Box::new(CoordinateActive::new(index, threshold, Action::Stop))
                }
            })
        };
        let stops = self.scenario.integrate.stop.iter().map(event);
        let mark = |stop| event(stop).map(|event| Box::new(Marked(event)) as Box<dyn Event>);
        stops.chain(self.scenario.integrate.mark.iter().map(mark)).collect()
    }

    /// T(α) of an identical start.
    fn time_unit(&self) -> Result<f64, CoreError> {
        match self.scenario.model.initialization {
            scenario::Initialization::Identical(alpha) => Ok(time_unit(self.scenario.model.depth, alpha)),
            _ => Err(CoreError::Unsupported {
                what: "TimeUnits counts in T(alpha), which only an Identical initialization has".into(),
                hint: "stop: [TimeReached(..)]",
            }),
        }
    }
}
