//! What figures of sweeps are made from: columns with one entry for each run.

use std::collections::BTreeMap;

use hadaflow_core::initialization::Sign;

use crate::error::{PlotError, same_length};

/// The table of a sweep, borrowed: one row for each run (a cell of the grid and one of its trials).
///
/// A column has one entry for each row, or a single one that holds for all. Figures know these by name:
///
/// | column | content |
/// |---|---|
/// | `measurements`, `dimension`, `sparsity` | $m$, $n$, $s$ |
/// | `depth`, `alpha` | $L$, and the scale $\alpha$ of the start |
/// | `sign` (text) | `Signed` or `Positive` |
/// | `success`, `success_R` | 1 for a success of the run, or of a reference R such as `basis_pursuit`, 0 for a failure |
/// | `relative_error` | $\lvert w-w^*\rvert/\lvert w^*\rvert$ |
/// | `l1_gap`, `l1_norm` | $\lVert w\rVert_1$ minus the least one, and itself |
/// | `predicted_slope` | what theory says of the exponent of the gap, such as $2(1-\varrho)$ for $L=2$ |
/// | `recovery_time` | time of the recovery; NaN where there was none |
#[derive(Debug, Clone, Copy)]
pub struct SweepTable<'a> {
    /// Heading of the charts; none when empty.
    pub title: &'a str,
    /// Number of rows.
    pub rows: usize,
    /// Names of the columns that are coordinates, without the trial.
    pub axes: &'a [String],
    /// Columns of numbers.
    pub numbers: &'a BTreeMap<String, Vec<f64>>,
    /// Columns of words.
    pub texts: &'a BTreeMap<String, Vec<String>>,
    /// The seeds: rows of one seed share their random numbers. Empty where that is not known.
    pub seeds: &'a [i64],
}

/// The rows that go into one chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facet {
    /// Heading, with the coordinates that set it apart.
    pub title: Option<String>,
    pub rows: Vec<usize>,
}

/// A column of numbers, whether it has one entry or many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a>(&'a [f64]);

impl Column<'_> {
    pub fn at(&self, row: usize) -> f64 {
        self.0[if self.0.len() == 1 { 0 } else { row }]
    }

    /// Rows by value, ascending; rows without a finite number are left out.
    pub fn groups(&self, rows: &[usize]) -> Vec<(f64, Vec<usize>)> {
        let mut sorted: Vec<usize> = rows.iter().copied().filter(|&row| self.at(row).is_finite()).collect();
        // stable: rows of one value keep their order
        sorted.sort_by(|&a, &b| self.at(a).total_cmp(&self.at(b)));
        let groups = sorted.chunk_by(|&a, &b| self.at(a) == self.at(b));
        groups.map(|group| (self.at(group[0]), group.to_vec())).collect()
    }

    /// The value of all these rows, if they agree on one.
    pub fn common(&self, rows: &[usize]) -> Option<f64> {
        let first = self.at(*rows.first()?);
        rows.iter().all(|&row| self.at(row) == first).then_some(first)
    }
}

impl<'a> SweepTable<'a> {
    /// A column of numbers, if the table has it.
    pub(super) fn number(&self, name: &str) -> Result<Option<Column<'a>>, PlotError> {
        let Some(values) = self.numbers.get(name) else {
            return Ok(None);
        };
        if values.len() != 1 {
            same_length(&format!("column {name}"), self.rows, values.len())?;
        }
        Ok((self.rows > 0).then_some(Column(values)))
    }

    /// The success columns of references, such as ("basis pursuit", column).
    pub(super) fn reference_successes(&self) -> Result<Vec<(String, Column<'a>)>, PlotError> {
        let mut found = Vec::new();
        for name in self.numbers.keys() {
            if let Some(reference) = name.strip_prefix("success_")
                && let Some(column) = self.number(name)?
            {
                found.push((reference.replace('_', " "), column));
            }
        }
        Ok(found)
    }

    /// The model of all these rows, if they agree on one.
    pub(super) fn sign(&self, rows: &[usize]) -> Result<Option<Sign>, PlotError> {
        let Some(words) = self.words("sign")? else {
            return Ok(None);
        };
        let mut signs = rows.iter().map(|&row| word(words, row));
        let Some(first) = signs.next() else {
            return Ok(None);
        };
        let one = signs.all(|sign| sign == first);
        Ok(match first {
            "Signed" if one => Some(Sign::Signed),
            "Positive" if one => Some(Sign::Positive),
            _ => None,
        })
    }

    fn words(&self, name: &str) -> Result<Option<&'a [String]>, PlotError> {
        let Some(values) = self.texts.get(name) else {
            return Ok(None);
        };
        if values.len() != 1 {
            same_length(&format!("column {name}"), self.rows, values.len())?;
        }
        Ok((self.rows > 0).then_some(values))
    }

    /// One facet for each combination of the coordinates that a figure does not show on its axes or by its curves.
    pub(super) fn facets(&self, shown: &[&str]) -> Result<Vec<Facet>, PlotError> {
        let mut facets = vec![(Vec::new(), (0..self.rows).collect::<Vec<usize>>())];
        for axis in self.axes.iter().filter(|axis| !shown.contains(&axis.as_str())) {
            let mut finer = Vec::new();
            for (said, rows) in facets {
                for (value, rows) in self.values(axis, &rows)? {
                    let mut said: Vec<String> = said.clone();
                    said.push(value);
                    finer.push((said, rows));
                }
            }
            // A coordinate that takes one value sets nothing apart.
            let several = finer.windows(2).any(|pair| pair[0].0.last() != pair[1].0.last());
            if !several {
                finer.iter_mut().for_each(|(said, _)| {
                    said.pop();
                });
            }
            facets = finer;
        }
        let heading = |said: Vec<String>| {
            let parts = [self.title.trim().to_owned(), said.join(", ")];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            (!parts.is_empty()).then(|| parts.join(": "))
        };
        let facets = facets.into_iter().filter(|(_, rows)| !rows.is_empty());
        Ok(facets
            .map(|(said, rows)| Facet {
                title: heading(said),
                rows,
            })
            .collect())
    }

    /// Rows by the value of a coordinate, each with the words for it.
    pub(super) fn values(&self, axis: &str, rows: &[usize]) -> Result<Vec<(String, Vec<usize>)>, PlotError> {
        let words = |value: String| format!("{} = {value}", symbol(axis));
        if let Some(column) = self.number(axis)? {
            let groups = column.groups(rows).into_iter();
            return Ok(groups.map(|(value, rows)| (words(number(value)), rows)).collect());
        }
        let Some(texts) = self.words(axis)? else {
            return Ok(vec![(String::new(), rows.to_vec())]);
        };
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for &row in rows {
            groups.entry(word(texts, row)).or_default().push(row);
        }
        Ok(groups
            .into_iter()
            .map(|(value, rows)| (words(value.to_owned()), rows))
            .collect())
    }
}

fn word(words: &[String], row: usize) -> &str {
    &words[if words.len() == 1 { 0 } else { row }]
}

/// A coordinate as formulas call it.
pub(super) fn symbol(axis: &str) -> String {
    match axis {
        "measurements" => "𝑚".to_owned(),
        "dimension" => "𝑛".to_owned(),
        "sparsity" => "𝑠".to_owned(),
        "depth" => "𝐿".to_owned(),
        "alpha" => "α".to_owned(),
        other => other.replace('_', " "),
    }
}

/// A number as it is read, with three digits unless it is an integer: `0.25`, `10^{−3}`, `2.51×10^{−3}`.
pub(crate) fn number(value: f64) -> String {
    let value = if value.fract() == 0.0 {
        value
    } else {
        format!("{value:.2e}").parse().unwrap_or(value)
    };
    let size = value.abs();
    if value == 0.0 || (1e-2..1e5).contains(&size) || !value.is_finite() {
        return minus(&format!("{value}"));
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power = format!("10^{{{}}}", minus(exponent));
    match mantissa {
        "1" => power,
        "-1" => format!("−{power}"),
        other => format!("{}×{power}", minus(other)),
    }
}

/// With the sign of mathematics.
fn minus(text: &str) -> String {
    text.replace('-', "−")
}
