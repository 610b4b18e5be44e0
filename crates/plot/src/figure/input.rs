//! What a figure is made from: the recorded numbers of one run.

use std::collections::BTreeMap;

use hadaflow_analysis::prediction::Family;
use hadaflow_analysis::time_average::TimeAverage;

use crate::chart::{Axis, Colour, Series};
use crate::error::{PlotError, same_length};

/// Label of every time axis.
const TIME: &str = "time 𝑡";
/// Without a planted signal, this many largest final weights count as the support.
const LARGEST: usize = 8;

/// The recorded numbers of one run, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct FigureInput<'a> {
    /// Heading of the charts; none when empty.
    pub title: &'a str,
    /// Recorded times, increasing.
    pub t: &'a [f64],
    /// Recorded quantities by column name (`loss`, `l1_norm`, `bregman_divergence_truth`, …), one number for each time.
    pub columns: &'a BTreeMap<String, Vec<f64>>,
    /// Recorded weights, one row for each time, and the length of a row.
    pub weights: Option<(&'a [f64], usize)>,
    /// The planted signal.
    pub truth: Option<&'a [f64]>,
    /// References by name with their l1 norms.
    pub references: &'a [(String, f64)],
    /// What is known of the flow where the start vanishes, for an identical start below 1.
    pub vanishing: Option<VanishingStart<'a>>,
    /// The families of runs that predictions are about, by the name of the prediction.
    pub families: &'a BTreeMap<String, Family>,
    /// The time average beside the lasso path, for an identical start below 1.
    pub average: Option<&'a TimeAverage>,
}

/// The scales on which the flow jumps as its start α vanishes, and the jumps.
#[derive(Debug, Clone, Copy)]
pub struct VanishingStart<'a> {
    /// The unit of time T(α).
    pub unit: f64,
    /// Aᵀq(t), one row of n entries for each time, and n.
    pub pull: Option<(&'a [f64], usize)>,
    /// Whether weights can be negative: Aᵀq/T then stays between −1 and 1, and below 1 otherwise.
    pub signed: bool,
    /// The predicted jumps: τ = t/T, and ‖w‖₁ from then on.
    pub jumps: &'a [(f64, f64)],
}

impl<'a> FigureInput<'a> {
    /// Positions of the nonzero entries of the planted signal.
    pub fn truth_support(&self) -> Option<Vec<usize>> {
        let entries = self.truth?.iter().enumerate();
        Some(entries.filter(|(_, value)| **value != 0.0).map(|(j, _)| j).collect())
    }

    /// The coordinates on the planted support, or those of the largest final weights; none without weights.
    pub(crate) fn support(&self) -> Result<Option<Vec<usize>>, PlotError> {
        let Some((weights, n)) = self.weights.filter(|(weights, _)| !weights.is_empty()) else {
            return Ok(None);
        };
        if let Some(truth) = self.truth {
            same_length("truth", n, truth.len())?;
        }
        let last = &weights[weights.len() - n..];
        Ok(Some(self.truth_support().unwrap_or_else(|| largest(last))))
    }

    /// A column, if it was recorded.
    pub fn column(&self, name: &str) -> Result<Option<&'a [f64]>, PlotError> {
        let Some(column) = self.columns.get(name) else {
            return Ok(None);
        };
        same_length(&format!("column {name}"), self.t.len(), column.len())?;
        Ok(Some(column))
    }

    /// The names of references that have a column starting with this prefix, the best known ones first.
    pub(crate) fn references_with(&self, prefix: &str) -> Vec<&'a str> {
        const FIRST: [&str; 3] = ["truth", "basis_pursuit", "bregman_projection"];
        let rank = |name: &str| FIRST.iter().position(|known| *known == name).unwrap_or(FIRST.len());
        let mut names: Vec<&str> = self
            .columns
            .keys()
            .filter_map(|column| column.strip_prefix(prefix))
            .collect();
        names.sort_by_key(|name| (rank(name), *name));
        names
    }

    /// The time axis: logarithmic, as everything happens on scales of its own; `t = 0` has no place on it.
    pub(crate) fn time_axis(&self) -> Axis {
        Axis::log10(TIME)
    }

    /// A curve over the recorded times.
    pub(crate) fn over_time(&self, label: impl Into<String>, values: Vec<f64>, colour: Colour) -> Series {
        Series::line(label, self.t.to_vec(), values, colour)
    }

    /// The heading, if there is one.
    pub(crate) fn heading(&self) -> Option<String> {
        let title = self.title.trim();
        (!title.is_empty()).then(|| title.to_owned())
    }
}

/// Positions of the largest magnitudes, in increasing order; those that are not numbers count as smallest.
fn largest(row: &[f64]) -> Vec<usize> {
    let size = |j: usize| if row[j].is_nan() { -1.0 } else { row[j].abs() };
    let mut order: Vec<usize> = (0..row.len()).collect();
    let count = LARGEST.min(row.len());
    if count < row.len() {
        order.select_nth_unstable_by(count, |&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    }
    order.truncate(count);
    order.sort_unstable();
    order
}

/// A reference as a reader calls it.
pub(crate) fn spoken(reference: &str) -> String {
    match reference {
        "truth" => "𝑤*".to_owned(),
        "bregman_projection" => "Bregman projection".to_owned(),
        other => other.replace('_', " "),
    }
}
