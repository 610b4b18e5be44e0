//! One figure of several runs.

use crate::chart::{Chart, Colour, Dash, Series};

/// What is drawn of each run: the first labelled line of its chart, and the lines that belong to it.
fn own(chart: &Chart) -> impl Iterator<Item = &Series> {
    let first = chart.series.iter().find(|series| series.legend || series.direct);
    let same = move |series: &&Series| {
        first.is_some_and(|first| std::ptr::eq(*series, first) || (!series.legend && series.colour == first.colour))
    };
    chart.series.iter().filter(same)
}

/// The same chart of several runs in one, each run labelled at the end of its line; `None` if none of them has a line.
///
/// Of each run its main line is drawn, with a colour and a stroke of its own. Levels that all runs share stay.
///
/// ```
/// use hadaflow_plot::{Axis, Chart, Colour, Series, compare};
/// let chart = |y: f64| {
///     let line = Series::line("loss", vec![1.0, 10.0], vec![1.0, y], Colour::Palette(0));
///     Chart { x: Axis::log10("time 𝑡"), y: Axis::log10("loss"), series: vec![line], ..Chart::default() }
/// };
/// let both = compare(&[("𝐿 = 2".to_owned(), chart(0.1)), ("𝐿 = 3".to_owned(), chart(0.01))]).unwrap();
/// assert_eq!(both.series.len(), 2);
/// assert_eq!(both.series[1].label, "𝐿 = 3");
/// ```
#[must_use]
pub fn compare(runs: &[(String, Chart)]) -> Option<Chart> {
    const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::DashDot, Dash::Dotted];
    let (_, first) = runs.iter().find(|(_, chart)| own(chart).next().is_some())?;
    let lines = runs.iter().enumerate().flat_map(|(run, (label, chart))| {
        own(chart).enumerate().map(move |(k, line)| Series {
            label: label.clone(),
            colour: Colour::Palette(run),
            // the palette repeats, and in grey some of its colours are alike
            dash: DASHES[run % DASHES.len()],
            width: 1.2,
            legend: false,
            direct: k == 0,
            ..line.clone()
        })
    });
    let shared = |level: &&crate::chart::Level| runs.iter().all(|(_, chart)| chart.levels.contains(level));
    let what = own(first).next().map(|line| line.label.clone());
    Some(Chart {
        title: what,
        x: first.x.clone(),
        y: first.y.clone(),
        levels: first.levels.iter().filter(shared).cloned().collect(),
        series: lines.collect(),
        ..Chart::default()
    })
}
