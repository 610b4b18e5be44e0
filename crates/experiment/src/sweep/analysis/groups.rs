//! Rows that share coordinates.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Setting;
use crate::sweep::Described;
use crate::sweep::axis::number_text;

/// A table, and how to take it apart.
pub(super) struct Groups<'a> {
    pub(super) table: &'a Described,
}

/// A coordinate of a row.
#[derive(Clone, Debug, PartialEq)]
enum Coordinate<'a> {
    Number(f64),
    Word(&'a str),
}

impl Eq for Coordinate<'_> {}

impl PartialOrd for Coordinate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Coordinate<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::Number(_), Self::Word(_)) => Ordering::Less,
            (Self::Word(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl<'a> Groups<'a> {
    pub(super) fn new(table: &'a Described) -> Self {
        Self { table }
    }

    /// Whether there is a column of numbers.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.numbers.contains_key(name)
    }

    /// A number; NaN where there is none.
    pub(super) fn number(&self, name: &str, row: usize) -> f64 {
        let values = self.table.numbers.get(name).map_or(&[][..], Vec::as_slice);
        values
            .get(if values.len() == 1 { 0 } else { row })
            .copied()
            .unwrap_or(f64::NAN)
    }

    fn word(&self, name: &str, row: usize) -> &'a str {
        let values = self.table.texts.get(name).map_or(&[][..], Vec::as_slice);
        let value = values.get(if values.len() == 1 { 0 } else { row });
        value.map_or("", String::as_str)
    }

    /// The columns of success: that of the runs, then those of the references.
    pub(super) fn successes(&self) -> impl Iterator<Item = &'a str> {
        let names = self.table.numbers.keys().map(String::as_str);
        names.filter(|name| *name == "success" || name.starts_with("success_"))
    }

    /// Successes among some rows, and their number.
    pub(super) fn won(&self, success: &str, rows: &[usize]) -> (u64, u64) {
        let won = rows.iter().filter(|&&row| self.number(success, row) > 0.0).count();
        (won as u64, rows.len() as u64)
    }

    /// How many of some rows failed.
    pub(super) fn failed(&self, rows: &[usize]) -> u64 {
        let failed = |row: &&usize| self.table.failed.get(**row).is_some_and(|failed| *failed);
        rows.iter().filter(failed).count() as u64
    }

    /// Rows by all coordinates but some.
    pub(super) fn without(&self, left_out: &[&str]) -> Vec<(Setting, Vec<usize>)> {
        let all: Vec<usize> = (0..self.table.rows).collect();
        let names = self.table.axes.iter().map(String::as_str);
        self.by(&names.filter(|name| !left_out.contains(name)).collect::<Vec<_>>(), &all)
    }

    /// Some rows by coordinates, ascending.
    pub(super) fn by(&self, names: &[&str], rows: &[usize]) -> Vec<(Setting, Vec<usize>)> {
        let mut groups: BTreeMap<Vec<Coordinate<'a>>, Vec<usize>> = BTreeMap::new();
        for &row in rows {
            let coordinate = |name: &&str| match self.has(name) {
                true => Coordinate::Number(self.number(name, row)),
                false => Coordinate::Word(self.word(name, row)),
            };
            groups
                .entry(names.iter().map(coordinate).collect())
                .or_default()
                .push(row);
        }
        let words = |value: &Coordinate<'_>| match value {
            Coordinate::Number(number) => number_text(*number),
            Coordinate::Word(word) => (*word).to_owned(),
        };
        let said = |place: Vec<Coordinate<'_>>| {
            let pairs = names.iter().zip(&place);
            pairs.map(|(name, value)| ((*name).to_owned(), words(value))).collect()
        };
        groups.into_iter().map(|(place, rows)| (said(place), rows)).collect()
    }

    /// Some rows by one number, ascending; those without are left out.
    pub(super) fn along(&self, name: &str, rows: &[usize]) -> Vec<(f64, Vec<usize>)> {
        let with: Vec<usize> = rows
            .iter()
            .copied()
            .filter(|&row| self.number(name, row).is_finite())
            .collect();
        let groups = self.by(&[name], &with).into_iter();
        groups.map(|(_, rows)| (self.number(name, rows[0]), rows)).collect()
    }

    /// The number that all these rows have.
    pub(super) fn common(&self, name: &str, rows: &[usize]) -> Option<f64> {
        let first = self.number(name, *rows.first()?);
        rows.iter().all(|&row| self.number(name, row) == first).then_some(first)
    }

    /// The word that all these rows have.
    pub(super) fn common_word(&self, name: &str, rows: &[usize]) -> Option<&'a str> {
        let first = self.word(name, *rows.first()?);
        rows.iter().all(|&row| self.word(name, row) == first).then_some(first)
    }
}

/// The median, the mean of the middle two of an even number. A run without a number did not get there: it counts as larger
/// than all others.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.map(|v| if v.is_nan() { f64::INFINITY } else { v }).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

/// A number that is one.
pub(super) fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}
