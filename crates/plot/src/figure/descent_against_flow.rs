//! How far gradient descent strays from the flow, for several steps.

use hadaflow_analysis::prediction::Family;

use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Series};
use crate::error::PlotError;
use crate::sweep::number;

/// The prediction whose family of runs is drawn.
const FAMILY: &str = "descent_tends_to_the_flow";
/// Stroke patterns, as in grey some colours are alike.
const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::DashDot, Dash::Dotted];

/// |w_GD(t; η) − w(t)|₂ for each step η, and what the finest step predicts for the others: Cη with the same C(t).
pub(super) struct DescentAgainstFlow;

impl Figure for DescentAgainstFlow {
    fn name(&self) -> &'static str {
        "descent_against_flow"
    }

    fn description(&self) -> &'static str {
        "The distance of gradient descent from the flow over time for several steps, with the distances in proportion to the \
         step that the finest one predicts."
    }

    fn needs(&self) -> &'static str {
        "the family of runs of descent_tends_to_the_flow: list it in `predictions`, and its hypotheses must hold"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let Some(family) = input.families.get(FAMILY) else {
            return Ok(Vec::new());
        };
        let members = members(family);
        // the steps are in falling order, and a family without a second time has no curves
        let Some(((finest, times, distances), coarser)) = members.split_last().filter(|(last, _)| last.1.len() > 1)
        else {
            return Ok(Vec::new());
        };
        let mut series = Vec::new();
        for (k, (step, times, distances)) in members.iter().enumerate() {
            let label = format!("η = {}", number(*step));
            let line = Series::line(label, times.clone(), distances.clone(), Colour::Palette(k));
            let line = line.stroked(DASHES[k % DASHES.len()], 1.4).unlisted();
            series.push(Series { direct: true, ..line });
        }
        for (k, (step, ..)) in coarser.iter().enumerate() {
            let predicted = distances.iter().map(|d| d * (step / finest)).collect();
            let line = Series::line("predicted ∝ η", times.clone(), predicted, Colour::Ink);
            let line = line.stroked(Dash::Dotted, 0.8);
            series.push(if k == 0 { line } else { line.unlisted() });
        }
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::log10("‖𝑤_{GD}(𝑡) − 𝑤(𝑡)‖₂"),
            series,
            ..Chart::default()
        }])
    }
}

/// A step, and the times and distances at them.
type Member = (f64, Vec<f64>, Vec<f64>);

/// The members by falling step. Where the distance is no more than the numerical noise of the comparison, or the member did
/// not end as it should, it is not a number.
fn members(family: &Family) -> Vec<Member> {
    let [steps, times, distances, noises, outcomes] =
        ["step", "t", "distance", "noise", "outcome"].map(|name| family.column(name));
    let mut members: Vec<Member> = Vec::new();
    if [times, distances, noises, outcomes]
        .iter()
        .any(|column| column.len() != steps.len())
    {
        return members;
    }
    for (row, step) in steps.iter().enumerate() {
        let sound = distances[row] > noises[row] && outcomes[row] == 0.0;
        let distance = if sound { distances[row] } else { f64::NAN };
        match members.iter_mut().find(|member| member.0 == *step) {
            Some(member) => {
                member.1.push(times[row]);
                member.2.push(distance);
            }
            None => members.push((*step, vec![times[row]], vec![distance])),
        }
    }
    members.sort_by(|a, b| b.0.total_cmp(&a.0));
    members
}
