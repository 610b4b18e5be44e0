//! The ranges of a scenario's values. After this, no code asks again.

use super::{
    Ensemble, Fault, Files, Formulation, Initialization, Integrate, Magnitude, Method, Model, Problem, Record,
    Scenario, ScenarioError, Signal, Stop, Synthetic, VectorSource,
};

type Checked = Result<(), ScenarioError>;

/// Refuses a value outside its range.
fn ensure(holds: bool, field: &str, value: impl std::fmt::Display, allowed: &str) -> Checked {
    if holds {
        return Ok(());
    }
    let fault = Fault::OutOfRange {
        value: value.to_string(),
        allowed: allowed.to_owned(),
    };
    Err(ScenarioError::of_field(field, fault))
}

/// Refuses a real number outside its range; numbers are shown the way RON writes them.
fn ensure_real(holds: bool, field: &str, value: f64, allowed: &str) -> Checked {
    ensure(holds, field, format_args!("{value:?}"), allowed)
}

impl Scenario {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// Names the first field whose value is out of range; without file and position, which
    /// [`parse`](super::parse) adds.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        match &self.problem {
            Problem::Synthetic(problem) => problem.validate()?,
            Problem::Files(files) => files.validate()?,
        }
        self.model.validate()?;
        self.validate_initial_vector()?;
        self.integrate.validate()?;
        self.validate_coordinates()?;
        self.record.validate()?;
        let threshold = self.support_threshold;
        ensure_real(
            (0.0..1.0).contains(&threshold),
            "support_threshold",
            threshold,
            "at least 0 and below 1",
        )
    }

    /// An initial vector must have an entry for every dimension.
    fn validate_initial_vector(&self) -> Checked {
        let (Problem::Synthetic(problem), Initialization::Vector(VectorSource::Values(values))) =
            (&self.problem, &self.model.initialization)
        else {
            return Ok(());
        };
        let (found, wanted) = (values.len(), problem.dimension);
        let allowed = format!("a list of {wanted} numbers, one per dimension");
        let value = format_args!("a list of {found} numbers");
        ensure(found == wanted, "model.initialization", value, &allowed)
    }

    /// A coordinate that is watched must exist, where the scenario itself says how many there are.
    fn validate_coordinates(&self) -> Checked {
        match &self.problem {
            Problem::Synthetic(problem) => self.integrate.validate_coordinates(problem.dimension),
            Problem::Files(_) => Ok(()),
        }
    }
}

impl Synthetic {
    fn validate(&self) -> Checked {
        ensure(
            self.measurements >= 1,
            "problem.measurements",
            self.measurements,
            "at least 1",
        )?;
        ensure(self.dimension >= 1, "problem.dimension", self.dimension, "at least 1")?;
        if self.ensemble == Ensemble::SubsampledDct {
            let allowed = "at most the dimension, because SubsampledDct chooses among that many rows";
            ensure(
                self.measurements <= self.dimension,
                "problem.measurements",
                self.measurements,
                allowed,
            )?;
        }
        let Signal::Sparse { sparsity, magnitude } = &self.signal;
        let allowed = format!("between 0 and the dimension {}", self.dimension);
        ensure(
            *sparsity <= self.dimension,
            "problem.signal.sparsity",
            sparsity,
            &allowed,
        )?;
        magnitude.validate()?;
        let noise = self.noise;
        ensure_real(
            noise.is_finite() && noise >= 0.0,
            "problem.noise",
            noise,
            "finite and at least 0",
        )
    }
}

impl Magnitude {
    fn validate(&self) -> Checked {
        let field = "problem.signal.magnitude";
        match *self {
            Self::Constant(c) => ensure_real(c.is_finite() && c > 0.0, field, c, "finite and above 0"),
            Self::Uniform(low, high) => ensure(
                low >= 0.0 && low <= high && high.is_finite(),
                field,
                format_args!("Uniform({low:?}, {high:?})"),
                "two finite numbers, at least 0, the smaller one first",
            ),
            Self::Gaussian => Ok(()),
            Self::PowerLaw(exponent) => ensure_real(
                exponent.is_finite() && exponent >= 0.0,
                field,
                exponent,
                "finite and at least 0",
            ),
        }
    }
}

impl Files {
    fn validate(&self) -> Checked {
        let paths = [
            ("matrix", Some(&self.matrix)),
            ("measurements", Some(&self.measurements)),
            ("truth", self.truth.as_ref()),
        ];
        for (name, path) in paths {
            let empty = path.is_some_and(|path| path.as_os_str().is_empty());
            ensure(
                !empty,
                &format!("problem.{name}"),
                "\"\"",
                "the path of a .npy, .mtx or .csv file",
            )?;
        }
        Ok(())
    }
}

const SCALE: &str = "above 0 and at most 1e6";

fn ensure_scale(field: &str, value: f64) -> Checked {
    ensure_real(value > 0.0 && value <= 1e6, field, value, SCALE)
}

fn ensure_scales(field: &str, values: &[f64]) -> Checked {
    for (k, value) in values.iter().enumerate() {
        ensure_scale(&format!("{field}[{k}]"), *value)?;
    }
    Ok(())
}

impl Model {
    fn validate(&self) -> Checked {
        let field = "model.initialization";
        ensure(
            (2..=64).contains(&self.depth),
            "model.depth",
            self.depth,
            "between 2 and 64",
        )?;
        match &self.initialization {
            Initialization::Identical(alpha) => ensure_scale(field, *alpha),
            Initialization::Vector(VectorSource::Values(values)) => ensure_scales(field, values),
            Initialization::Vector(VectorSource::File(path)) => {
                let given = !path.as_os_str().is_empty();
                ensure(
                    given,
                    field,
                    "\"\"",
                    "a list of numbers or the path of a .npy, .mtx or .csv file",
                )
            }
            Initialization::PerFactor(scales) => {
                let (found, depth) = (scales.len(), self.depth);
                let allowed = format!("a list of {depth} numbers, one per factor");
                ensure(
                    found == depth,
                    field,
                    format_args!("a list of {found} numbers"),
                    &allowed,
                )?;
                ensure_scales(field, scales)
            }
            Initialization::Random { scale, spread } => {
                ensure_scale("model.initialization.scale", *scale)?;
                let allowed = "finite and at least 0";
                ensure_real(
                    spread.is_finite() && *spread >= 0.0,
                    "model.initialization.spread",
                    *spread,
                    allowed,
                )
            }
        }
    }
}

impl Integrate {
    fn validate(&self) -> Checked {
        let tolerance = self.tolerance;
        let allowed = "between 1e-13 and 1e-2";
        ensure_real(
            (1e-13..=1e-2).contains(&tolerance),
            "integrate.tolerance",
            tolerance,
            allowed,
        )?;
        ensure(
            !self.stop.is_empty(),
            "integrate.stop",
            "an empty list",
            "a list of at least one condition",
        )?;
        for (field, condition) in self.conditions() {
            let (field, x) = match *condition {
                Stop::RelativeLossBelow(x)
                | Stop::LossBelow(x)
                | Stop::Stationary(x)
                | Stop::TimeReached(x)
                | Stop::TimeUnits(x) => (field, x),
                Stop::CoordinateActive { threshold, .. } => (format!("{field}.threshold"), threshold),
            };
            ensure_real(x > 0.0 && x.is_finite(), &field, x, "finite and above 0")?;
        }
        if let Some(steps) = self.max_steps {
            ensure(steps >= 1, "integrate.max_steps", steps, "at least 1")?;
        }
        match self.method {
            Method::GradientDescent { step } => self.validate_descent(step),
            Method::Ndf => self.validate_dual(),
            Method::Bdf | Method::Esdirk34 | Method::TrBdf2 | Method::Tsit45 => Ok(()),
        }
    }

    /// Ndf integrates the dual flow alone.
    fn validate_dual(&self) -> Checked {
        match self.formulation {
            Formulation::Auto | Formulation::Dual => Ok(()),
            Formulation::Log | Formulation::Factor => Err(ScenarioError::of_field(
                "integrate.formulation",
                Fault::Incompatible {
                    value: format!("{:?}", self.formulation),
                    other: "Ndf, which integrates the dual flow".to_owned(),
                    remedy: "method: Bdf".to_owned(),
                },
            )),
        }
    }

    /// Descent has a step, and moves the factors themselves.
    fn validate_descent(&self, step: f64) -> Checked {
        let allowed = "finite and above 0";
        ensure_real(step > 0.0 && step.is_finite(), "integrate.method.step", step, allowed)?;
        match self.formulation {
            Formulation::Auto | Formulation::Factor => Ok(()),
            Formulation::Log | Formulation::Dual => Err(ScenarioError::of_field(
                "integrate.formulation",
                Fault::Incompatible {
                    value: format!("{:?}", self.formulation),
                    other: "GradientDescent, which moves the factors themselves".to_owned(),
                    remedy: "formulation: Factor (or Auto)".to_owned(),
                },
            )),
        }
    }

    /// Stops and marks with their fields.
    fn conditions(&self) -> impl Iterator<Item = (String, &Stop)> {
        let named = |name: &'static str| move |(k, stop)| (format!("integrate.{name}[{k}]"), stop);
        let stops = self.stop.iter().enumerate().map(named("stop"));
        stops.chain(self.mark.iter().enumerate().map(named("mark")))
    }

    /// Every coordinate that is watched lies below the dimension.
    pub(crate) fn validate_coordinates(&self, dimension: usize) -> Checked {
        for (field, condition) in self.conditions() {
            if let Stop::CoordinateActive { index, .. } = *condition {
                let allowed = format!("below the dimension {dimension}");
                ensure(index < dimension, &format!("{field}.index"), index, &allowed)?;
            }
        }
        Ok(())
    }
}

impl Record {
    fn validate(&self) -> Checked {
        match self {
            Self::LogSpaced(count) => ensure(
                (2..=1_000_000).contains(count),
                "record",
                count,
                "between 2 and 1000000",
            ),
            Self::EveryStep => Ok(()),
            Self::Times(times) => {
                ensure(
                    !times.is_empty(),
                    "record",
                    "an empty list",
                    "a list of at least one time",
                )?;
                for (k, time) in times.iter().enumerate() {
                    let follows = k == 0 || *time > times[k - 1];
                    let allowed = "finite, at least 0 and above the time before it";
                    ensure_real(
                        time.is_finite() && *time >= 0.0 && follows,
                        &format!("record[{k}]"),
                        *time,
                        allowed,
                    )?;
                }
                Ok(())
            }
        }
    }
}
