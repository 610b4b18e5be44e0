//! Which numbers a cell yields.

use hadaflow_analysis::observable::{self, Context};
use hadaflow_analysis::reference::Reference as Point;
use hadaflow_core::error::CoreError;
use hadaflow_core::flow::{FactorFlow, Flow};
use hadaflow_core::initialization::{Sign, Start};
use hadaflow_core::measurement::Gaussian;
use hadaflow_core::problem::Problem;
use hadaflow_core::signal::{Magnitude, SparseSignal};

use super::{Mode, Sweep};
use crate::error::ExperimentError;
use crate::resolve::REFERENCES;
use crate::scenario::{Fault, Selection};

/// Observables that are functions of the weights, and so make sense of a limit. Those of distances come besides.
const OF_WEIGHTS: [&str; 6] = [
    "loss",
    "l1_norm",
    "support_size",
    "effective_sparsity",
    "largest_off_support",
    "upper_bound",
];

/// ‖w‖₁ minus the least ℓ1 norm, of a limit.
pub(super) const L1_GAP: &str = "l1_gap";

/// The exponent of α in that gap as α → 0, by theory.
pub(super) const PREDICTED_SLOPE: &str = "predicted_slope";

/// When the weights first were as near to the truth as success asks for.
pub(super) const RECOVERY_TIME: &str = "recovery_time";

/// Columns that need the minimiser of basis pursuit.
const OF_MINIMISER: [&str; 2] = [L1_GAP, PREDICTED_SLOPE];

/// The verdicts of a cell's predictions: of theorems, and of asymptotic ones that are violated.
pub(super) const VERDICTS: [&str; 4] = [
    "predictions_hold",
    "predictions_violated",
    "predictions_inapplicable",
    "asymptotic_violated",
];

/// The columns of numbers of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Observables at the end.
    pub measured: Vec<String>,
    /// Reference points that cells compute, as in scenarios; the truth is among them.
    pub references: Vec<String>,
    /// Names of those besides the truth.
    pub points: Vec<String>,
    mode: Mode,
    verdicts: bool,
}

impl Columns {
    /// What a sweep asks for.
    ///
    /// # Errors
    /// If it asks for a column that does not exist.
    pub fn new(sweep: &Sweep) -> Result<Self, ExperimentError> {
        let settings = &sweep.settings;
        if let Some((k, found)) = settings.references.unknown(&REFERENCES) {
            let fault = Fault::UnknownVariant {
                found: found.to_owned(),
                known: REFERENCES.map(str::to_owned).to_vec(),
            };
            return Err(sweep.error(&format!("references[{k}]"), fault).into());
        }
        if settings.mode == Mode::Limit && settings.predictions != Selection::None {
            let fault = Fault::Incompatible {
                value: "predictions".to_owned(),
                other: "`mode: Limit`, which integrates nothing they could be about".to_owned(),
                remedy: "predictions: None, or mode: Flow".to_owned(),
            };
            return Err(sweep.error("predictions", fault).into());
        }
        let known = known(settings.mode).map_err(|source| ExperimentError::Input {
            file: sweep.file.clone(),
            source,
        })?;
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        if let Some((k, found)) = settings.measure.unknown(&names) {
            let fault = Fault::UnknownVariant {
                found: found.to_owned(),
                known,
            };
            return Err(sweep.error(&format!("measure[{k}]"), fault).into());
        }
        let listed = |name: &str| {
            REFERENCES
                .iter()
                .any(|r| settings.references.contains(r) && snake(r) == name)
        };
        let wanted = |column: &str, name: &str| match &settings.measure {
            Selection::Named(_) => {
                column.ends_with(&format!("_{name}")) || (OF_MINIMISER.contains(&column) && name == "basis_pursuit")
            }
            _ => false,
        };
        let measured: Vec<String> = match &settings.measure {
            Selection::Named(names) => names.clone(),
            Selection::None => Vec::new(),
            Selection::All | Selection::Everything => {
                let absent = |column: &String, name: &str| {
                    let of_minimiser = OF_MINIMISER.contains(&column.as_str()) && name == "basis_pursuit";
                    !listed(name) && (column.ends_with(&format!("_{name}")) || of_minimiser) && name != "truth"
                };
                let asked = settings.success.is_some() && settings.predictions == Selection::None;
                let there = |column: &String| {
                    !REFERENCES.iter().any(|reference| absent(column, &snake(reference)))
                        && (asked || column != RECOVERY_TIME)
                };
                known.into_iter().filter(there).collect()
            }
        };
        let needed = |reference: &&str| {
            let name = snake(reference);
            name == "truth" || listed(&name) || measured.iter().any(|column| wanted(column, &name))
        };
        let references: Vec<String> = REFERENCES.into_iter().filter(needed).map(str::to_owned).collect();
        let points = references
            .iter()
            .map(|reference| snake(reference))
            .filter(|name| name != "truth")
            .collect();
        let verdicts = settings.predictions != Selection::None && settings.mode == Mode::Flow;
        let columns = Self {
            measured,
            references,
            points,
            mode: settings.mode,
            verdicts,
        };
        columns.check_recovery(sweep)?;
        check_axes(sweep)?;
        Ok(columns)
    }

    /// The time of recovery needs to know what that is, and a flow that is not recorded as its predictions want.
    fn check_recovery(&self, sweep: &Sweep) -> Result<(), ExperimentError> {
        let Some(k) = self.measured.iter().position(|column| column == RECOVERY_TIME) else {
            return Ok(());
        };
        let (other, remedy) = match (sweep.settings.success, self.verdicts) {
            (None, _) => ("a sweep without `success`", "success: DistanceBelow(..)"),
            (_, true) => ("`predictions`", "predictions: None"),
            _ => return Ok(()),
        };
        let fault = Fault::Incompatible {
            value: RECOVERY_TIME.to_owned(),
            other: other.to_owned(),
            remedy: remedy.to_owned(),
        };
        Err(sweep.error(&format!("measure[{k}]"), fault).into())
    }

    /// Names of the numbers of a row, in order.
    #[must_use]
    pub fn numbers(&self) -> Vec<String> {
        let time = (self.mode == Mode::Flow).then(|| "t_end".to_owned());
        let points = self
            .points
            .iter()
            .flat_map(|name| [format!("l1_norm_{name}"), format!("relative_error_{name}")]);
        let verdicts = VERDICTS.iter().filter(|_| self.verdicts).map(|name| (*name).to_owned());
        time.into_iter()
            .chain(self.measured.clone())
            .chain(["relative_error".to_owned()])
            .chain(points)
            .chain(verdicts)
            .collect()
    }

    /// The errors that success is judged by: of the weights, then of each reference point, as (suffix, index of number).
    #[must_use]
    pub fn errors(&self) -> Vec<(String, usize)> {
        let names = self.numbers();
        let index = |column: &str| names.iter().position(|name| name == column);
        let suffixes = [String::new()]
            .into_iter()
            .chain(self.points.iter().map(|name| format!("_{name}")));
        suffixes
            .filter_map(|suffix| Some((suffix.clone(), index(&format!("relative_error{suffix}"))?)))
            .collect()
    }

    /// Whether verdicts are counted.
    pub(super) fn verdicts(&self) -> bool {
        self.verdicts
    }
}

/// `BasisPursuit` as in columns: `basis_pursuit`.
pub(super) fn snake(reference: &str) -> String {
    let mut name = String::new();
    for c in reference.chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// Columns of a table besides the numbers.
const RESERVED: [&str; 9] = [
    "cell",
    "trial",
    "seed",
    "scenario",
    "outcome",
    "message",
    "success",
    "t_end",
    "relative_error",
];
/// Beginnings of the columns of reference points.
const PREFIXES: [&str; 3] = ["success_", "l1_norm_", "relative_error_"];

/// No axis may take the name of a column, be it of this sweep or of another: who reads tables goes by names.
fn check_axes(sweep: &Sweep) -> Result<(), ExperimentError> {
    let mut taken: Vec<String> = RESERVED.into_iter().chain(VERDICTS).map(str::to_owned).collect();
    for mode in [Mode::Flow, Mode::Limit] {
        taken.extend(known(mode).map_err(|source| ExperimentError::Input {
            file: sweep.file.clone(),
            source,
        })?);
    }
    let clashes = |name: &String| taken.contains(name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    match sweep.settings.axes.iter().position(|axis| clashes(&axis.name)) {
        None => Ok(()),
        Some(k) => {
            let fault = Fault::Incompatible {
                value: format!("{:?}", sweep.settings.axes[k].name),
                other: "the table's column of that name".to_owned(),
                remedy: "another name".to_owned(),
            };
            Err(sweep.error(&format!("axes[{k}].name"), fault).into())
        }
    }
}

/// Whether a column needs the truth.
pub(super) fn needs_truth(column: &str) -> bool {
    column.ends_with("_truth") || column == "largest_off_support"
}

/// The columns that can be measured, by the flow that has all observables.
fn known(mode: Mode) -> Result<Vec<String>, CoreError> {
    let signal = SparseSignal {
        sparsity: 1,
        magnitude: Magnitude::Constant(1.0),
    };
    let problem = Problem::synthetic(&Gaussian, 1, 1, &signal, true, 0.0, 0)?;
    let flow = FactorFlow::new(problem, 2, Sign::Signed, &Start::Identical(vec![1.0]))?.with_shrinkage();
    let point = |reference: &&str| Point::new(&snake(reference), vec![1.0], &flow as &dyn Flow);
    let context = Context {
        references: REFERENCES.iter().map(point).collect(),
        support_threshold: 0.0,
    };
    let all = observable::all(&flow, &context)
        .into_iter()
        .map(|observable| observable.label().column);
    Ok(match mode {
        Mode::Flow => all.chain([RECOVERY_TIME.to_owned()]).collect(),
        Mode::Limit => {
            let of_weights = |name: &String| OF_WEIGHTS.contains(&name.as_str()) || name.starts_with("distance_");
            all.filter(of_weights).chain(OF_MINIMISER.map(str::to_owned)).collect()
        }
    })
}
