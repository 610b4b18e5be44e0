//! Many curves of one kind over time: those on the support as lines, the others together as a band.

use super::FigureInput;
use crate::chart::{Band, Colour, Dash, Role, Series};

/// At most this many coordinates are drawn as lines of their own.
const MOST_LINES: usize = 24;

/// The curves of n coordinates.
pub(super) struct Bundle {
    /// Those on the support, and the mean magnitude of the others.
    pub lines: Vec<Series>,
    /// The range of the others.
    pub bands: Vec<Band>,
}

impl Bundle {
    /// From the k × n `values` of what is called `symbol`.
    pub fn new(input: &FigureInput<'_>, values: &[f64], n: usize, support: &[usize], symbol: &str) -> Self {
        let mut bundle = Self {
            lines: lines(input, values, n, support, symbol),
            bands: Vec::new(),
        };
        if support.len() < n {
            let others = Others::of(values, n, support);
            let label = format!("off support: mean |{symbol}|");
            let mean = input.over_time(label, others.mean, Colour::Role(Role::OffSupport));
            bundle.lines.push(mean.stroked(Dash::Dashed, 0.9));
            bundle.bands.push(Band {
                label: "off support: range".to_owned(),
                x: input.t.to_vec(),
                lower: others.lower,
                upper: others.upper,
                colour: Colour::Role(Role::OffSupport),
            });
        }
        bundle
    }
}

/// The lines of the support, evenly chosen by final size when there are too many; the legend lists them once.
fn lines(input: &FigureInput<'_>, values: &[f64], n: usize, support: &[usize], symbol: &str) -> Vec<Series> {
    let last = &values[values.len() - n..];
    let mut order = support.to_vec();
    order.sort_by(|&a, &b| last[a].total_cmp(&last[b]).then(a.cmp(&b)));
    let shown = order.len().min(MOST_LINES);
    let chosen = (0..shown).map(|i| {
        order[if shown > 1 {
            i * (order.len() - 1) / (shown - 1)
        } else {
            0
        }]
    });
    let name = match (input.truth.is_some(), shown == order.len()) {
        (true, true) => format!("on support ({shown})"),
        (true, false) => format!("on support ({shown} of {})", order.len()),
        (false, _) => format!("{shown} largest final |𝑤_{{𝑗}}|"),
    };
    let line = |(i, j): (usize, usize)| {
        let path = values.iter().skip(j).step_by(n).copied().collect();
        let label = if i == 0 {
            name.clone()
        } else {
            format!("{symbol}, 𝑗 = {j}")
        };
        let line = input.over_time(label, path, Colour::Role(Role::OnSupport));
        if i == 0 { line } else { line.unlisted() }
    };
    chosen.enumerate().map(line).collect()
}

/// What the coordinates off the support do together, at each time; those that are not numbers are ignored.
struct Others {
    lower: Vec<f64>,
    upper: Vec<f64>,
    mean: Vec<f64>,
}

impl Others {
    /// One pass over the k × n values.
    fn of(values: &[f64], n: usize, support: &[usize]) -> Self {
        let mut on_support = vec![false; n];
        support.iter().for_each(|&j| on_support[j] = true);
        let mut others = Self {
            lower: Vec::new(),
            upper: Vec::new(),
            mean: Vec::new(),
        };
        for row in values.chunks_exact(n) {
            let (mut lower, mut upper, mut sum, mut count) = (f64::NAN, f64::NAN, 0.0, 0_u32);
            for (&w, _) in row.iter().zip(&on_support).filter(|(w, on)| !**on && !w.is_nan()) {
                lower = w.min(lower);
                upper = w.max(upper);
                sum += w.abs();
                count += 1;
            }
            others.lower.push(lower);
            others.upper.push(upper);
            others
                .mean
                .push(if count == 0 { f64::NAN } else { sum / f64::from(count) });
        }
        others
    }
}
