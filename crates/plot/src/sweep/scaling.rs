//! Power laws in α, one for each depth.

use hadaflow_analysis::statistics::LineFit;

use super::CONFIDENCE;
use super::quantiles::medians;
use super::table::{Column, number};
use crate::chart::{Colour, Dash, Marker, Points, Series};

/// The rows of each depth, or all of them under no name.
pub(super) fn depths(depth: Option<Column<'_>>, rows: &[usize]) -> Vec<(Option<f64>, Vec<usize>)> {
    match depth {
        None => vec![(None, rows.to_vec())],
        Some(depth) => {
            let groups = depth.groups(rows).into_iter();
            groups.map(|(depth, rows)| (Some(depth), rows)).collect()
        }
    }
}

/// `𝐿 = 3`, or "runs" where the depth is not known.
pub(super) fn depth_label(depth: Option<f64>) -> String {
    depth.map_or_else(|| "runs".to_owned(), |depth| format!("𝐿 = {}", number(depth)))
}

/// Medians over trials against α in the colour and shape of the i-th group.
pub(super) fn group(label: String, x: Column<'_>, y: Column<'_>, rows: &[usize], floor: f64, i: usize) -> Points {
    Points {
        label,
        colour: Colour::Palette(i),
        marker: Marker::of(i),
        ..medians(x, y, rows, floor)
    }
}

/// Fewest values of α that show a power: two lie on a line always.
const FEWEST: usize = 3;

/// The power law through the medians; none through fewer than three.
pub(super) fn power_law(points: &Points) -> Option<LineFit> {
    let fit = LineFit::log_log(&points.x, &points.y).ok();
    fit.filter(|fit| fit.points >= FEWEST)
}

/// `2.98 ± 0.04`, with as many digits as the interval is worth.
pub(super) fn slope(fit: &LineFit) -> String {
    let interval = fit.slope_interval(CONFIDENCE).ok().flatten();
    let Some(radius) = interval.map(|interval| 0.5 * (interval.high - interval.low)) else {
        return format!("{:.2}", fit.slope).replace('-', "−");
    };
    // Two digits of the radius, at most four places; the logarithm of a finite number is small.
    let places = if radius > 0.0 {
        (1.0 - radius.log10().floor()).clamp(0.0, 4.0) as usize
    } else {
        4
    };
    if radius < 5e-5 {
        return format!("{:.4}", fit.slope).replace('-', "−");
    }
    format!("{:.places$} ± {radius:.places$}", fit.slope).replace('-', "−")
}

/// The fitted law over the places of the points.
pub(super) fn fitted(fit: &LineFit, points: &Points, colour: Colour) -> Series {
    let y = points.x.iter().map(|x| 10_f64.powf(fit.at(x.log10()))).collect();
    Series::line("", points.x.clone(), y, colour).stroked(Dash::Solid, 0.8)
}

/// A law known up to its constant, through the median at the smallest α: there it should hold best. In ink, as one entry of
/// the legend stands for those of all depths.
pub(super) fn anchored(label: &str, points: &Points, law: impl Fn(f64) -> f64) -> Option<Series> {
    let (&first, &height) = (points.x.first()?, points.y.first()?);
    let y = points.x.iter().map(|&x| height * (law(x) / law(first))).collect();
    let line = Series::line(label, points.x.clone(), y, Colour::Ink);
    Some(line.stroked(Dash::Dashed, 0.9))
}

/// Lists only the first of the lines with one label.
pub(super) fn list_once(series: &mut [Series]) {
    let mut seen: Vec<String> = Vec::new();
    for line in series {
        if seen.contains(&line.label) {
            line.legend = false;
        } else {
            seen.push(line.label.clone());
        }
    }
}
