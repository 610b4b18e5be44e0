//! What was measured, as pictures and tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hadaflow::analysis::statistics::LineFit;
use hadaflow::plot::{Axis, Chart, Colour, Dash, Marker, PlotError, Points, Series, Size, Theme, svg};
use serde::{Deserialize, Serialize};

#[path = "quantities.rs"]
pub mod quantities;
use super::order::{median, sorted};
use quantities::{Case, Quantity, quantities};

/// Something that a run costs.
type Cost = fn(&Taken) -> f64;

/// What one run took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Taken {
    pub quantity: String,
    #[serde(flatten)]
    pub case: Case,
    pub seed: u64,
    pub formulation: String,
    pub outcome: String,
    pub cpu_s: f64,
    pub steps: usize,
    pub rhs: usize,
    pub jacobians: usize,
    /// Products with A or Aᵀ, those of the conjugate gradients included, where there is no matrix.
    pub products: usize,
    /// Seconds of one A w and one Aᵀr in double precision.
    pub pass_s: f64,
}

/// Results, one to a line.
pub fn parse(text: &str) -> Result<Vec<Taken>, serde_json::Error> {
    text.lines().map(serde_json::from_str).collect()
}

impl Taken {
    /// Number of right-hand sides, or of products where there is no matrix.
    fn many(&self) -> f64 {
        (if self.case.transform { self.products } else { self.rhs }) as f64 // a count
    }

    /// Seconds for each of them.
    fn each(&self) -> f64 {
        self.cpu_s / self.many()
    }

    /// The same in passes over A.
    fn passes(&self) -> f64 {
        self.each() / self.pass_s
    }
}

/// Some cost over x: the least, the median and the largest of the seeds.
struct Curve {
    x: Vec<f64>,
    middle: Vec<f64>,
    bars: Vec<(f64, f64)>,
}

impl Curve {
    fn of(quantity: &Quantity, results: &[Taken], cost: Cost) -> Self {
        let (mut x, mut middle, mut bars) = (Vec::new(), Vec::new(), Vec::new());
        for case in &quantity.cases {
            let sorted = sorted(rows(quantity, results, case).map(cost));
            if let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) {
                x.push((quantity.x)(case));
                middle.push(median(&sorted));
                bars.push((least, most));
            }
        }
        Self { x, middle, bars }
    }

    /// p of the least-squares fit log y = p log x + const; NaN for less than two points.
    fn exponent(&self) -> f64 {
        let logarithms = |v: &[f64]| v.iter().map(|v| v.ln()).collect::<Vec<f64>>();
        LineFit::new(&logarithms(&self.x), &logarithms(&self.middle)).map_or(f64::NAN, |line| line.slope)
    }
}

fn rows<'a>(quantity: &Quantity, results: &'a [Taken], case: &'a Case) -> impl Iterator<Item = &'a Taken> {
    let x = quantity.x;
    let (name, wanted) = (quantity.name, x(case));
    results
        .iter()
        .filter(move |row| row.quantity == name && (x(&row.case) / wanted - 1.0).abs() < 1e-9)
}

/// The two factors of the cost, relative to their values at the first x, and the powers that bound them through there.
fn chart(quantity: &Quantity, results: &[Taken]) -> Chart {
    let counted = if quantity.name == "dct" {
        "product"
    } else {
        "right-hand side"
    };
    let parts: [(String, Cost, Option<f64>); 3] = [
        (format!("seconds per {counted}"), Taken::each, Some(quantity.each)),
        (format!("{counted}s"), Taken::many, Some(quantity.many)),
        ("the first in passes over 𝐴".to_owned(), Taken::passes, None),
    ];
    let mut chart = Chart {
        x: Axis::log10(quantity.label),
        y: Axis::log10("relative to the first"),
        ..Chart::default()
    };
    for (i, (label, cost, power)) in parts.into_iter().enumerate() {
        let curve = Curve::of(quantity, results, cost);
        let (Some(&x0), Some(&y0)) = (curve.x.first(), curve.middle.first()) else {
            continue;
        };
        let colour = Colour::Palette(i);
        if let Some(power) = power {
            let stated = curve.x.iter().map(|x| (x / x0).powf(power)).collect();
            let name = if power == 0.0 {
                "at most: constant".to_owned()
            } else {
                format!("at most: power {power}")
            };
            let dash = if i == 0 { Dash::Dashed } else { Dash::Dotted };
            chart
                .series
                .push(Series::line(name, curve.x.clone(), stated, colour).stroked(dash, 0.8));
        }
        chart.points.push(Points {
            label,
            x: curve.x,
            y: curve.middle.iter().map(|y| y / y0).collect(),
            bars: curve.bars.iter().map(|(least, most)| (least / y0, most / y0)).collect(),
            colour,
            marker: Marker::of(i),
        });
    }
    chart
}

/// A picture for each quantity that was measured, by its file name.
pub fn pictures(results: &[Taken]) -> Result<BTreeMap<String, String>, PlotError> {
    let measured = |quantity: &Quantity| results.iter().any(|row| row.quantity == quantity.name);
    let draw = |quantity: Quantity| {
        let picture = svg(&chart(&quantity, results), Size::OneColumn, &Theme::light())?;
        Ok((format!("cost-{}.svg", quantity.name), picture))
    };
    quantities().into_iter().filter(measured).map(draw).collect()
}

/// The exponents, stated and measured.
pub fn exponents(results: &[Taken]) -> String {
    let mut out = String::from(
        "| over | from … to | seconds per right-hand side: power at most | measured | in passes over $A$ \
         | right-hand sides: power at most | measured |\n|---|---|---|---|---|---|---|\n",
    );
    for quantity in quantities() {
        let each = Curve::of(&quantity, results, Taken::each);
        let (Some(first), Some(last)) = (each.x.first(), each.x.last()) else {
            continue;
        };
        let many = Curve::of(&quantity, results, Taken::many).exponent();
        // writing to a string cannot fail
        let _ = writeln!(
            out,
            "| {} | {} … {} | {} | {:.2} | {:.2} | {} | {:.2} |",
            quantity.symbol,
            short(*first),
            short(*last),
            quantity.each,
            each.exponent(),
            Curve::of(&quantity, results, Taken::passes).exponent(),
            quantity.many,
            many
        );
    }
    out
}

/// A number in few characters.
fn short(x: f64) -> String {
    if x < 1e5 { format!("{x:.0}") } else { format!("{x:.1e}") }
}

/// The medians of everything that was counted.
pub fn details(results: &[Taken]) -> String {
    let mut out = String::from(
        "| | | CPU ms | steps | right-hand sides | Jacobians | µs per right-hand side | passes over $A$ per right-hand side \
         |\n|---|---|---|---|---|---|---|---|\n",
    );
    for quantity in quantities() {
        for case in &quantity.cases {
            let middle = |of: Cost| median(&sorted(rows(&quantity, results, case).map(of)));
            if rows(&quantity, results, case).next().is_none() {
                continue;
            }
            let value = match quantity.name {
                "alpha" => format!("{:.0e}", case.alpha),
                "tolerance" => format!("{:.0e}", case.tolerance),
                "dct" => format!("$n$ = {}", case.n),
                "L" => case.depth.to_string(),
                _ => short((quantity.x)(case)),
            };
            // counts are exact in a double; writing to a string cannot fail
            let _ = writeln!(
                out,
                "| {} | {value} | {:.1} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} |",
                quantity.name,
                1e3 * middle(|row| row.cpu_s),
                middle(|row| row.steps as f64),
                middle(|row| row.rhs as f64),
                middle(|row| row.jacobians as f64),
                1e6 * middle(|row| row.cpu_s / row.rhs as f64),
                middle(|row| row.cpu_s / (row.rhs as f64 * row.pass_s)),
            );
        }
    }
    out
}
