//! One run of a lesson's family: its curves, and the lights that say what holds.

use std::collections::BTreeMap;

use hadaflow_analysis::prediction::{Assessment, Verdict};
use hadaflow_core::integrate::Progress;
use hadaflow_core::outcome::Outcome;
use hadaflow_plot::{Chart, Colour, Dash, Role, Series};

use super::{Goal, Lesson, origin};
use crate::error::ExperimentError;
use crate::resolve::{Experiment, resolve};
use crate::run::{self, NamedChart, Run};
use crate::scenario::parse;

/// A run of the family.
#[derive(Clone)]
pub struct Member {
    /// Which value every slider has.
    pub choice: Vec<usize>,
    /// What is run.
    pub scenario: String,
    /// The columns of its table.
    pub columns: BTreeMap<String, Vec<f64>>,
    /// Its figures.
    pub charts: Vec<NamedChart>,
    /// What holds of it.
    pub lights: Vec<Light>,
    /// How it ended.
    pub outcome: String,
    /// The earliest recorded time after 0, of this run or of the one beside it.
    pub began: f64,
}

/// A statement about a run with its verdict, as a light that can change while the run is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Light {
    /// A prediction's name, or what a goal says.
    pub name: String,
    /// The formula of a prediction; nothing for a goal.
    pub statement: String,
    /// `holds`, `violated` or `inapplicable`, of the whole run.
    pub verdict: &'static str,
    /// The numbers, or the hypothesis that fails.
    pub reason: String,
    /// When a prediction was first violated, or a goal reached for good.
    pub since: Option<f64>,
}

impl Light {
    /// Whether it is a hope rather than a prediction.
    #[must_use]
    pub fn is_goal(&self) -> bool {
        self.statement.is_empty()
    }
}

impl Member {
    /// Runs the member of a choice, and the run beside it; `None` if `watch` ended it.
    pub(super) fn compute(
        lesson: &Lesson,
        name: &str,
        choice: &[usize],
        watch: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, ExperimentError> {
        let scenario = lesson.scenario(choice);
        let Some((experiment, done)) = integrate(&scenario, name, watch)? else {
            return Ok(None);
        };
        let mut charts = untitled(run::charts(&experiment, &done.findings)?);
        let columns = done.findings.series.by_name();
        let mut began = earliest(&columns);
        if let (Some(other), Some(beside)) = (lesson.scenario_beside(choice), &lesson.beside) {
            let Some((other, other_done)) = integrate(&other, name, watch)? else {
                return Ok(None);
            };
            for (chart, other) in charts.iter_mut().zip(run::charts(&other, &other_done.findings)?) {
                draw_beside(&mut chart.chart, &other.chart, &beside.label);
            }
            began = began.min(earliest(&other_done.findings.series.by_name()));
        }
        let predictions = predictions(lesson, &experiment, &done);
        let goals = lesson.goals.iter().map(|goal| reached(goal, &columns));
        Ok(Some(Self {
            choice: choice.to_vec(),
            scenario,
            lights: predictions.into_iter().chain(goals).collect(),
            columns,
            charts,
            outcome: done.integration.outcome.explain(),
            began,
        }))
    }

    /// Recorded times.
    #[must_use]
    pub fn t(&self) -> &[f64] {
        self.columns.get("t").map_or(&[], Vec::as_slice)
    }

    /// The final value of a column, NaN if there is none.
    #[must_use]
    pub fn last(&self, column: &str) -> f64 {
        let values = self.columns.get(column);
        values.and_then(|values| values.last()).copied().unwrap_or(f64::NAN)
    }
}

/// The first positive time of a table.
fn earliest(columns: &BTreeMap<String, Vec<f64>>) -> f64 {
    let times = columns.get("t").map_or(&[][..], Vec::as_slice);
    times.iter().copied().find(|t| *t > 0.0).unwrap_or(f64::INFINITY)
}

/// A run that was not interrupted.
fn integrate(
    scenario: &str,
    name: &str,
    watch: &dyn Fn() -> bool,
) -> Result<Option<(Experiment, Run)>, ExperimentError> {
    let file = origin(name);
    let experiment = resolve(parse(scenario, &file)?, &file)?;
    let control = &mut |_: Progress| watch();
    let done = run::run(&experiment, None, control).map_err(|source| ExperimentError::Input { file, source })?;
    let complete = done.integration.outcome != Outcome::Interrupted && !done.families_interrupted;
    Ok(complete.then_some((experiment, done)))
}

/// The heading of the page is enough.
fn untitled(charts: Vec<NamedChart>) -> Vec<NamedChart> {
    let untitled = |mut named: NamedChart| {
        named.chart.title = None;
        named
    };
    charts.into_iter().map(untitled).collect()
}

/// Adds the lines of another run in grey, listed once; bounds and levels are those of the first run.
fn draw_beside(chart: &mut Chart, other: &Chart, label: &str) {
    let own = [Role::ReferenceLevel, Role::Integral, Role::OffSupport].map(Colour::Role);
    let lines = other.series.iter().filter(|series| !own.contains(&series.colour));
    let grey = |(k, series): (usize, &Series)| Series {
        label: label.to_owned(),
        colour: Colour::Ink,
        dash: Dash::Dotted,
        width: 1.1,
        legend: k == 0,
        halo: None,
        ..series.clone()
    };
    chart.series.extend(lines.enumerate().map(grey));
}

/// The predictions the scenario names, and when each was first violated.
fn predictions(lesson: &Lesson, experiment: &Experiment, done: &Run) -> Vec<Light> {
    let trajectory = &done.findings.trajectory;
    let chosen = &experiment.scenario.predictions;
    let after = |rows: usize, wanted: &dyn Fn(&str) -> bool| {
        run::assess_beginning(experiment, trajectory, rows, lesson.judged_as_flow, wanted)
    };
    let assessments = if lesson.judged_as_flow {
        after(trajectory.len(), &|name| chosen.contains(name))
    } else {
        done.findings.assessments.clone()
    };
    let light = |assessment: Assessment| {
        let name = assessment.prediction.name();
        let violated = |rows: usize| {
            let verdicts = after(rows, &|other| other == name);
            verdicts.iter().any(|a| matches!(a.verdict, Verdict::Violated(_)))
        };
        let since = matches!(assessment.verdict, Verdict::Violated(_))
            .then(|| first(trajectory.len(), violated))
            .and_then(|rows| trajectory.t.get(rows - 1))
            .map(|t| t.hi);
        Light {
            name: name.to_owned(),
            statement: assessment.prediction.statement().formula.to_owned(),
            verdict: assessment.verdict.name(),
            reason: reason(&assessment.verdict),
            since,
        }
    };
    assessments.into_iter().map(light).collect()
}

/// The smallest number of rows, at least one, after which something is so, by bisection: it is so after `all` of them, and
/// what is violated stays so.
fn first(all: usize, so: impl Fn(usize) -> bool) -> usize {
    let (mut not, mut is) = (0, all.max(1));
    while is - not > 1 {
        let middle = usize::midpoint(not, is);
        if so(middle) {
            is = middle;
        } else {
            not = middle;
        }
    }
    is
}

fn reason(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Inapplicable { reason } => reason.clone(),
        Verdict::Holds(m) | Verdict::Violated(m) => {
            let allowed = m.bound + m.uncertainty;
            format!("measured {:.2e}, allowed {allowed:.2e}", m.measured.max(0.0))
        }
    }
}

/// A goal, and since when the column has kept it.
fn reached(goal: &Goal, columns: &BTreeMap<String, Vec<f64>>) -> Light {
    let values = columns.get(&goal.column).map_or(&[][..], Vec::as_slice);
    let t = columns.get("t").map_or(&[][..], Vec::as_slice);
    let kept = |value: &f64| *value <= goal.at_most; // false for what is no number
    let from = values.iter().rposition(|value| !kept(value)).map_or(0, |row| row + 1);
    let last = values.last().copied().unwrap_or(f64::NAN);
    Light {
        name: goal.says.clone(),
        statement: String::new(),
        verdict: if from < values.len() { "holds" } else { "violated" },
        reason: format!("at the end {last:.2e}, wanted {:.0e}", goal.at_most),
        since: t.get(from).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bisection_finds_the_first_violation() {
        for all in 1..20 {
            for broken in 1..=all {
                assert_eq!(first(all, |rows| rows >= broken), broken);
            }
        }
    }

    #[test]
    fn goals_are_reached_for_good_or_not_at_all() {
        let goal = Goal {
            says: "small".to_owned(),
            column: "x".to_owned(),
            at_most: 1.0,
        };
        let light = |x: &[f64]| {
            let t = (0..x.len()).map(|k| k as f64).collect();
            reached(
                &goal,
                &BTreeMap::from([("t".to_owned(), t), ("x".to_owned(), x.to_vec())]),
            )
        };
        assert_eq!(light(&[2.0, 0.5, 3.0, 1.0, 0.0]).since, Some(3.0));
        assert_eq!(light(&[2.0, 0.5, 3.0, 1.0, 0.0]).verdict, "holds");
        for x in [&[0.0, f64::NAN][..], &[0.0, 2.0], &[]] {
            assert_eq!((light(x).verdict, light(x).since), ("violated", None));
        }
    }
}
