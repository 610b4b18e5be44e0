//! From failure to success along a line of the grid, and how many measurements that takes at each sparsity.

use hadaflow_analysis::phase_transition;
use hadaflow_analysis::statistics::{EmpiricalTransition, Interval, LineFit, logistic_fit};
use hadaflow_core::error::CoreError;
use hadaflow_core::initialization::Sign;
use serde_json::{Value, json};

use super::groups::{Groups, finite};
use super::{CONFIDENCE, Setting, ends, object};

/// The transition along one line of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The column of success it is about.
    pub success: String,
    /// Where the line lies.
    pub setting: Setting,
    /// The coordinate along it: `measurements`, or `sparsity`.
    pub along: &'static str,
    /// What was found.
    pub found: EmpiricalTransition,
    /// Where half succeed, with its interval: by the fit, or anywhere between the last failure and the first success.
    pub half: Option<(f64, Interval)>,
    /// nψ and √(nV) for Gaussian measurements, where the line has one s and one n.
    pub theory: Option<(f64, f64)>,
    /// s and n, where they are the same along the line.
    size: Option<(f64, f64)>,
}

/// How many measurements a sparsity requires: m₅₀ ≈ `constant`·s log(en/s) + `offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// The column of success it is about.
    pub success: String,
    /// Where.
    pub setting: Setting,
    /// Slope of the line, with its interval from three points on.
    pub constant: (f64, Option<Interval>),
    /// Its height at 0.
    pub offset: f64,
    /// Standard deviation of the points about the line.
    pub scatter: f64,
    /// (s log(en/s), m₅₀).
    pub points: Vec<(f64, f64)>,
}

/// The transitions of all lines along m, or along s where the grid is one of m/n and s/m.
pub(super) fn of(groups: &Groups<'_>) -> Result<Vec<Transition>, CoreError> {
    let varies = |name: &str| groups.table.axes.iter().any(|axis| axis == name);
    let along = match (varies("measurements"), varies("sparsity")) {
        (true, true) if lines_along_sparsity(groups) => "sparsity",
        (true, _) => "measurements",
        (false, true) => "sparsity",
        (false, false) => return Ok(Vec::new()),
    };
    let mut transitions = Vec::new();
    for success in groups.successes() {
        for (setting, rows) in groups.without(&[along]) {
            transitions.push(transition(groups, success, along, setting, &rows)?);
        }
    }
    Ok(transitions)
}

/// A grid of m and s fills its rectangle; one of m/n and s/m has many different s, few of them at each m.
fn lines_along_sparsity(groups: &Groups<'_>) -> bool {
    groups.without(&["measurements", "sparsity"]).iter().any(|(_, rows)| {
        let count = |names: &[&str]| groups.by(names, rows).len();
        2 * count(&["measurements", "sparsity"]) < count(&["measurements"]) * count(&["sparsity"])
    })
}

fn transition(
    groups: &Groups<'_>,
    success: &str,
    along: &'static str,
    setting: Setting,
    rows: &[usize],
) -> Result<Transition, CoreError> {
    let (mut x, mut won, mut trials) = (Vec::new(), Vec::new(), Vec::new());
    for (place, rows) in groups.along(along, rows) {
        let (k, n) = groups.won(success, &rows);
        x.push(place);
        won.push(k);
        trials.push(n);
    }
    let found = logistic_fit(&x, &won, &trials)?;
    // more measurements help, a larger sparsity does not
    let half = half(&found, along == "measurements")?;
    let common = |name| groups.common(name, rows).filter(|x: &f64| *x >= 1.0);
    let size = common("sparsity").zip(common("dimension")).filter(|(s, n)| s <= n);
    let sign = match groups.common_word("sign", rows) {
        Some("Signed") => Some(Sign::Signed),
        Some("Positive") => Some(Sign::Positive),
        _ => None,
    };
    let theory = match size.zip(sign) {
        // integers that were sizes before
        Some(((s, n), sign)) => Some(phase_transition::Transition::new(s as usize, n as usize, sign)?),
        None => None,
    };
    Ok(Transition {
        success: success.to_owned(),
        setting,
        along,
        found,
        half,
        theory: theory.map(|theory| (theory.location(), theory.width())),
        size,
    })
}

fn half(found: &EmpiricalTransition, rising: bool) -> Result<Option<(f64, Interval)>, CoreError> {
    Ok(match found {
        EmpiricalTransition::Fitted(fit) if (fit.slope > 0.0) == rising => {
            Some((fit.half, fit.half_interval(CONFIDENCE)?))
        }
        EmpiricalTransition::Separated { low, high, rising: way } if *way == rising => {
            let between = Interval { low: *low, high: *high };
            Some((f64::midpoint(*low, *high), between))
        }
        _ => None,
    })
}

/// The 50 % points against s·log(en/s), for each setting with two different sparsities or more.
pub(super) fn requirements(groups: &Groups<'_>, transitions: &[Transition]) -> Result<Vec<Requirement>, CoreError> {
    let mut found: Vec<Requirement> = Vec::new();
    if !groups.table.axes.iter().any(|axis| axis == "sparsity") {
        return Ok(found);
    }
    for transition in transitions {
        let (Some((half, _)), Some((s, n))) = (&transition.half, transition.size) else {
            continue;
        };
        let rest = transition.setting.iter().filter(|(name, _)| name != "sparsity");
        let setting: Setting = rest.cloned().collect();
        let point = (s * (1.0 + (n / s).ln()), *half);
        let same = |there: &&mut Requirement| there.success == transition.success && there.setting == setting;
        match found.iter_mut().find(same) {
            Some(there) => there.points.push(point),
            None => found.push(Requirement {
                success: transition.success.clone(),
                setting,
                constant: (f64::NAN, None),
                offset: f64::NAN,
                scatter: f64::NAN,
                points: vec![point],
            }),
        }
    }
    found.retain(|requirement| requirement.points.len() > 1);
    for requirement in &mut found {
        let (x, y): (Vec<f64>, Vec<f64>) = requirement.points.iter().copied().unzip();
        let line = LineFit::new(&x, &y)?;
        requirement.constant = (line.slope, line.slope_interval(CONFIDENCE)?);
        requirement.offset = line.intercept;
        requirement.scatter = line.scatter;
    }
    Ok(found)
}

impl Transition {
    pub(super) fn document(&self) -> Value {
        let found = match &self.found {
            EmpiricalTransition::Fitted(_) => "fitted",
            EmpiricalTransition::Separated { .. } => "separated",
            _ => "none",
        };
        let slope = match &self.found {
            EmpiricalTransition::Fitted(fit) => Some(fit.slope),
            _ => None,
        };
        json!({
            "column": self.success,
            "at": object(&self.setting),
            "along": self.along,
            "found": found,
            "half": self.half.as_ref().map(|(half, _)| half),
            "interval": self.half.as_ref().map(|(_, interval)| ends(interval)),
            "logits_per_unit": slope,
            "theory": self.theory.map(|(location, _)| location),
            "width": self.theory.map(|(_, width)| width),
        })
    }
}

impl Requirement {
    pub(super) fn document(&self) -> Value {
        json!({
            "column": self.success,
            "at": object(&self.setting),
            "constant": self.constant.0,
            "interval": self.constant.1.as_ref().map(ends),
            "offset": self.offset,
            "scatter": finite(self.scatter),
            "points": self.points,
        })
    }
}
