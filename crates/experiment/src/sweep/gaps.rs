//! The gaps of a template: where its text differs from cell to cell.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Grid;
use super::axis::{Axis, Value, number_text};
use super::grid::{incompatible, out_of_range};
use crate::scenario::{Fault, Hole, ScenarioError, deserialize};

/// A place of the template's text that is filled in per cell.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) span: Range<usize>,
    /// What it becomes at each value of its axis; of a ratio and of the seed, only the frame around the number.
    pub(super) fillings: Vec<String>,
    pub(super) source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    Axis(usize),
    Ratio(usize),
    Seed,
}

/// The number that a ratio is multiplied with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    Constant(f64),
    Axis(usize),
}

impl Grid {
    /// Finds the fields of axis k, and tries its first value alone.
    pub(super) fn add_axis(&mut self, k: usize) -> Result<(), ScenarioError> {
        let axis = &self.sweep.settings.axes[k];
        let base = axis.times.as_deref().map(|path| self.base(k, path)).transpose()?;
        let mut gaps = Vec::new();
        for (path, form) in axis.fields() {
            let wrong = |fault| self.sweep.error(&format!("axes[{k}].{}", place_of(axis)), fault);
            let hole = Hole::of(&self.text, path).map_err(wrong)?;
            if !form.contains("{}") {
                let fault = out_of_range(format!("{form:?}"), "a form with {} for the value");
                return Err(self.sweep.error(
                    &format!("axes[{k}].{}", if axis.form.is_some() { "form" } else { "set" }),
                    fault,
                ));
            }
            let fill = |value: &str| {
                let filled = form.replace("{}", value);
                hole.fill(&filled).map_err(|reason| {
                    let fault = Fault::BadOverride {
                        text: format!("{path}={filled}"),
                        reason: reason.to_owned(),
                    };
                    self.sweep.error(&format!("axes[{k}].values"), fault)
                })
            };
            let (source, fillings) = if base.is_some() {
                // the number stands for itself where it will be put
                (Source::Ratio(k), vec![fill(MARK)?])
            } else {
                let fillings: Result<Vec<_>, _> = axis.values.list.iter().map(|value| fill(&value.text())).collect();
                (Source::Axis(k), fillings?)
            };
            gaps.push(Gap {
                span: hole.span.clone(),
                fillings,
                source,
            });
        }
        let first = gaps
            .iter()
            .map(|gap| (gap.span.clone(), gap.fillings[0].replace(MARK, "1")))
            .collect();
        let trial = deserialize(&fill_in(&self.text, first), &self.sweep.file);
        if let Err(error) = trial {
            let field = if matches!(*error.fault, Fault::UnknownField { .. }) {
                place_of(axis)
            } else {
                "values"
            };
            return Err(self.sweep.error(&format!("axes[{k}].{field}"), *error.fault));
        }
        self.gaps.extend(gaps);
        self.bases.push(base);
        Ok(())
    }

    /// The number at a path: set by an earlier axis, or the template's own.
    fn base(&self, k: usize, path: &str) -> Result<Base, ScenarioError> {
        let wrong = |fault| self.sweep.error(&format!("axes[{k}].times"), fault);
        let sets = |axis: &Axis| axis.fields().iter().any(|(field, _)| *field == path);
        match self.axes().iter().position(sets) {
            Some(other) if other < k => {
                let plain = self.axes()[other].fields() == [(path, "{}")];
                return if plain {
                    Ok(Base::Axis(other))
                } else {
                    Err(wrong(incompatible(
                        path,
                        "an axis with a form",
                        "an axis that sets this field to its values",
                    )))
                };
            }
            Some(other) if other == k => {
                return Err(wrong(incompatible(
                    path,
                    "an axis that sets this very field",
                    "the field that it is a fraction of",
                )));
            }
            Some(other) => {
                let name = &self.axes()[other].name;
                let after = format!("the axis {name:?}, which comes later");
                return Err(wrong(incompatible(path, &after, "listing that axis first")));
            }
            None => {}
        }
        let hole = Hole::of(&self.text, path).map_err(wrong)?;
        let found = self.text.get(hole.span).unwrap_or_default();
        let number = found.parse().map_err(|_| {
            wrong(Fault::WrongType {
                expected: "a field that is a number".to_owned(),
                found: found.to_owned(),
            })
        })?;
        Ok(Base::Constant(number))
    }

    /// Where several values of a ratio share their random numbers, those that round to one integer would be one cell twice.
    pub(super) fn check_ratios(&self) -> Result<(), ScenarioError> {
        let seeds = self.gaps.iter().all(|gap| gap.source != Source::Seed);
        for (k, axis) in self.axes().iter().enumerate().filter(|(_, axis)| axis.paired || seeds) {
            let bases = match self.bases[k] {
                None => continue,
                Some(Base::Constant(base)) => vec![base],
                Some(Base::Axis(other)) => self.numbers(other),
            };
            for base in bases {
                let mut seen: BTreeMap<String, String> = BTreeMap::new();
                for value in &axis.values.list {
                    let number = number_text((value.number().unwrap_or(f64::NAN) * base).round());
                    let Some(other) = seen.insert(number.clone(), value.text()) else {
                        continue;
                    };
                    let fault = out_of_range(
                        format!("{other} and {} times {}", value.text(), number_text(base)),
                        &format!("different after rounding, as these values share their seeds (both are {number})"),
                    );
                    return Err(self.sweep.error(&format!("axes[{k}].values"), fault));
                }
            }
        }
        Ok(())
    }

    /// All numbers that axis k sets, each once.
    fn numbers(&self, k: usize) -> Vec<f64> {
        let values = self.axes()[k].values.list.iter().filter_map(Value::number);
        let mut numbers: Vec<f64> = match self.bases[k] {
            None => values.collect(),
            Some(Base::Constant(base)) => values.map(|value| (value * base).round()).collect(),
            Some(Base::Axis(other)) => {
                let bases = self.numbers(other);
                values
                    .flat_map(|value| bases.iter().map(move |base| (value * base).round()))
                    .collect()
            }
        };
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        numbers
    }

    /// Unless an axis sets the seed itself, every cell has its own.
    pub(super) fn add_seed(&mut self) -> Result<(), ScenarioError> {
        if let Some(k) = self
            .axes()
            .iter()
            .position(|axis| axis.fields().iter().any(|(field, _)| *field == "seed"))
        {
            if self.sweep.settings.trials > 1 {
                let fault = incompatible(
                    "an axis over the seed",
                    "trials, which would all be the same",
                    "trials: 1",
                );
                return Err(self.sweep.error(&format!("axes[{k}].field"), fault));
            }
            return Ok(());
        }
        let hole = Hole::of(&self.text, "seed").map_err(|fault| self.sweep.error("template", fault))?;
        let gap = Gap {
            span: hole.span,
            fillings: Vec::new(),
            source: Source::Seed,
        };
        self.gaps.push(gap);
        Ok(())
    }

    /// No field may be set twice, nor one within another.
    pub(super) fn check_overlaps(&mut self) -> Result<(), ScenarioError> {
        self.gaps.sort_by_key(|gap| (gap.span.start, gap.span.end));
        let fields: Vec<&str> = self
            .axes()
            .iter()
            .flat_map(Axis::fields)
            .map(|(field, _)| field)
            .collect();
        let mut seen = BTreeSet::new();
        let twice = fields.into_iter().find(|field| !seen.insert(*field));
        let clash = self.gaps.windows(2).find(|pair| pair[0].span.end > pair[1].span.start);
        if let Some(pair) = clash {
            let at = |gap: &Gap| match gap.source {
                Source::Axis(k) | Source::Ratio(k) => k,
                Source::Seed => 0,
            };
            let (a, b) = (at(&pair[0]).min(at(&pair[1])), at(&pair[0]).max(at(&pair[1])));
            let other = format!(
                "the axis {:?}, which sets the same field or one around it",
                self.axes()[a].name
            );
            let name = format!("the axis {:?}", self.axes()[b].name);
            return Err(self
                .sweep
                .error(&format!("axes[{b}]"), incompatible(&name, &other, "one axis per field")));
        }
        match twice {
            Some(field) => Err(self
                .sweep
                .error("axes", Fault::DuplicateField { name: field.to_owned() })),
            None => Ok(()),
        }
    }
}

/// Stands for a number within the form of a ratio.
pub(super) const MARK: &str = "98765432123456789";

/// A text with replaced parts, which are in order and do not overlap.
pub(super) fn fill_in(text: &str, mut parts: Vec<(Range<usize>, String)>) -> String {
    parts.sort_by_key(|(span, _)| (span.start, span.end));
    let mut filled = String::with_capacity(text.len() + 64);
    let mut end = 0;
    for (span, part) in parts {
        filled.push_str(text.get(end..span.start).unwrap_or_default());
        filled.push_str(&part);
        end = span.end;
    }
    filled.push_str(text.get(end..).unwrap_or_default());
    filled
}

fn place_of(axis: &Axis) -> &'static str {
    if axis.field.is_some() { "field" } else { "set" }
}
