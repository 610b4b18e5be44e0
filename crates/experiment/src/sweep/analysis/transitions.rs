//! From failure to success along a line of the grid, and how many measurements that takes at each sparsity.

use hadaflow_analysis::phase_transition::{self, TransitionCurve};
use hadaflow_analysis::statistics::{EmpiricalTransition, Half, Interval, LineFit, half, logistic_fit};
use hadaflow_core::error::CoreError;
use hadaflow_core::initialization::Sign;
use serde_json::{Value, json};

use super::groups::{Groups, finite};
use super::{CONFIDENCE, Setting, ends, object};

/// The column of the runs' own success.
const OWN: &str = "success";
/// Coordinates of the model, on which references do not depend.
const MODEL: [&str; 2] = ["depth", "alpha"];

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
    /// Where half succeed, if the line shows it.
    pub half: Option<Half>,
    /// Place and width for Gaussian measurements and minimisers of the ℓ1 norm, whatever the start of the runs is: along m,
    /// nψ(s/n) and √(nV), where the line has one s and one n; along s, the s of nψ(s/n) = m and √(nV)/ψ′, where it has one m.
    pub theory: Option<(f64, f64)>,
    /// s and n, where they are the same along the line.
    pub(super) size: Option<(f64, f64)>,
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
    /// Weighted standard deviation of the points about the line.
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
        let mut seen: Vec<Setting> = Vec::new();
        for (mut setting, rows) in groups.without(&[along]) {
            if success != OWN {
                // a reference does not depend on the model, whose rows may share their draws: those of the first are enough
                setting.retain(|(name, _)| !MODEL.contains(&name.as_str()));
                if seen.contains(&setting) {
                    continue;
                }
                seen.push(setting.clone());
            }
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
    let half = half(&x, &won, &trials, along == "measurements", CONFIDENCE)?;
    let common = |name| groups.common(name, rows).filter(|x: &f64| *x >= 1.0);
    let size = common("sparsity").zip(common("dimension")).filter(|(s, n)| s <= n);
    let sign = match groups.common_word("sign", rows) {
        Some("Signed") => Some(Sign::Signed),
        Some("Positive") => Some(Sign::Positive),
        _ => None,
    };
    let theory = match (size, common("measurements").zip(common("dimension")), sign) {
        (Some((s, n)), _, Some(sign)) if along == "measurements" => {
            // integers that were sizes before
            let theory = phase_transition::Transition::new(s as usize, n as usize, sign)?;
            Some((theory.location(), theory.width()))
        }
        (_, Some((m, n)), Some(sign)) if along == "sparsity" && m < n => {
            let rho = TransitionCurve::sparsity(m / n, sign)?;
            let curve = TransitionCurve::at(rho, sign)?;
            Some((n * rho, (n * curve.variance).sqrt() / curve.slope(sign)))
        }
        _ => None,
    };
    Ok(Transition {
        success: success.to_owned(),
        setting,
        along,
        found,
        half,
        theory,
        size,
    })
}

/// The 50 % points against s·log(en/s), for each setting with two different sparsities or more, each point with the weight
/// of its interval.
pub(super) fn requirements(groups: &Groups<'_>, transitions: &[Transition]) -> Result<Vec<Requirement>, CoreError> {
    let mut found: Vec<(Requirement, Vec<f64>)> = Vec::new();
    if !groups.table.axes.iter().any(|axis| axis == "sparsity") {
        return Ok(Vec::new());
    }
    for transition in transitions
        .iter()
        .filter(|transition| transition.along == "measurements")
    {
        let (Some(half), Some((s, n))) = (&transition.half, transition.size) else {
            continue;
        };
        let rest = transition.setting.iter().filter(|(name, _)| name != "sparsity");
        let setting: Setting = rest.cloned().collect();
        let point = (s * (1.0 + (n / s).ln()), half.place);
        let width = half.interval.high - half.interval.low;
        let same = |(there, _): &&mut (Requirement, _)| there.success == transition.success && there.setting == setting;
        match found.iter_mut().find(same) {
            Some((there, widths)) => {
                there.points.push(point);
                widths.push(width);
            }
            None => {
                let requirement = Requirement {
                    success: transition.success.clone(),
                    setting,
                    constant: (f64::NAN, None),
                    offset: f64::NAN,
                    scatter: f64::NAN,
                    points: vec![point],
                };
                found.push((requirement, vec![width]));
            }
        }
    }
    found.retain(|(requirement, _)| requirement.points.len() > 1);
    for (requirement, widths) in &mut found {
        let (x, y): (Vec<f64>, Vec<f64>) = requirement.points.iter().copied().unzip();
        let line = LineFit::with_errors(&x, &y, widths)?;
        requirement.constant = (line.slope, line.slope_interval(CONFIDENCE)?);
        requirement.offset = line.intercept;
        requirement.scatter = line.scatter;
    }
    Ok(found.into_iter().map(|(requirement, _)| requirement).collect())
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
            "half": self.half.map(|half| half.place),
            "interval": self.half.map(|half| ends(&half.interval)),
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
