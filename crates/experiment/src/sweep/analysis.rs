//! What a merged table says: rates, transitions and exponents, each with its interval and with theory beside it.
//!
//! ```text
//! rate         of each point of the grid, with its Wilson interval
//! transition   of each line of the grid along m (or s): its 50 % point beside that of nψ(s/n) = m and its width (1303.6672)
//! requirement  the 50 % points m₅₀(s) as a line in s·log(en/s)                                    (2112.11027, Sect. 1)
//! law          y ~ α^b along α: b of the medians, and of each draw of its own beside what is predicted for it
//! ```

mod groups;
mod laws;
mod transitions;

use std::collections::BTreeMap;

use hadaflow_analysis::statistics::{Interval, wilson_interval};
use hadaflow_core::error::CoreError;
use serde_json::{Value, json};

pub use laws::Law;
pub use transitions::{Requirement, Transition};

use super::{Described, Plan};
use crate::error::ExperimentError;
use groups::{Groups, finite, median};

/// Confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;
/// Columns whose medians are worth knowing.
const MEDIANS: [&str; 3] = ["relative_error", "l1_gap", "recovery_time"];

/// Coordinates in words: name and value.
pub type Setting = Vec<(String, String)>;

/// What a table says.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// By point of the grid.
    pub points: Vec<Point>,
    /// By line of the grid, of the runs and of each reference.
    pub transitions: Vec<Transition>,
    /// What sparsity requires.
    pub requirements: Vec<Requirement>,
    /// Power laws in α.
    pub laws: Vec<Law>,
}

/// All trials of one point of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Where.
    pub setting: Setting,
    /// Cells.
    pub trials: u64,
    /// Those among them that failed: they are no successes, and larger than all others in medians.
    pub failed: u64,
    /// Successes by column, with the Wilson interval of the rate.
    pub rates: BTreeMap<String, (u64, Interval)>,
    /// Medians of columns; infinite where more than half of the trials have none.
    pub medians: BTreeMap<String, f64>,
}

/// Analyses the merged table of a plan.
///
/// # Errors
/// If there is none.
pub fn analyse(plan: &Plan) -> Result<Analysis, ExperimentError> {
    of(&Described::read(plan)?).map_err(|source| ExperimentError::Input {
        file: plan.directory.join(super::TABLE),
        source,
    })
}

/// Analyses a table.
fn of(table: &Described) -> Result<Analysis, CoreError> {
    let groups = Groups::new(table);
    let transitions = transitions::of(&groups)?;
    Ok(Analysis {
        points: points(&groups)?,
        requirements: transitions::requirements(&groups, &transitions)?,
        transitions,
        laws: laws::of(&groups)?,
    })
}

fn points(groups: &Groups<'_>) -> Result<Vec<Point>, CoreError> {
    let mut points = Vec::new();
    for (setting, rows) in groups.without(&[]) {
        let mut rates = BTreeMap::new();
        for name in groups.successes() {
            let (won, trials) = groups.won(name, &rows);
            rates.insert(name.to_owned(), (won, wilson_interval(won, trials, CONFIDENCE)?));
        }
        let medians = MEDIANS.iter().filter(|name| groups.has(name));
        let median = |name: &&str| {
            let values = rows.iter().map(|&row| groups.number(name, row));
            ((*name).to_owned(), median(values))
        };
        points.push(Point {
            setting,
            trials: rows.len() as u64,
            failed: groups.failed(&rows),
            rates,
            medians: medians.map(median).collect(),
        });
    }
    Ok(points)
}

impl Analysis {
    /// As one document. Numbers that there are not are null.
    #[must_use]
    pub fn document(&self) -> Value {
        let point = |point: &Point| {
            let rate = |(name, (won, interval)): (&String, &(u64, Interval))| {
                let rate = *won as f64 / point.trials as f64; // counts of rows in memory
                (
                    name.clone(),
                    json!({ "successes": won, "rate": rate, "interval": ends(interval) }),
                )
            };
            let rates: serde_json::Map<String, Value> = point.rates.iter().map(rate).collect();
            let medians: BTreeMap<_, _> = point.medians.iter().map(|(name, x)| (name, finite(*x))).collect();
            json!({
                "at": object(&point.setting),
                "trials": point.trials,
                "failed": point.failed,
                "success": rates,
                "median": medians,
            })
        };
        json!({
            "confidence": CONFIDENCE,
            "points": self.points.iter().map(point).collect::<Vec<_>>(),
            "transitions": self.transitions.iter().map(Transition::document).collect::<Vec<_>>(),
            "requirements": self.requirements.iter().map(Requirement::document).collect::<Vec<_>>(),
            "laws": self.laws.iter().map(Law::document).collect::<Vec<_>>(),
        })
    }
}

fn object(setting: &Setting) -> Value {
    let entry = |(name, value): &(String, String)| {
        let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
        (
            name.clone(),
            number.map_or_else(|| json!(value), |number| json!(number)),
        )
    };
    Value::Object(setting.iter().map(entry).collect())
}

fn ends(interval: &Interval) -> [f64; 2] {
    [interval.low, interval.high]
}

#[cfg(test)]
mod tests;
