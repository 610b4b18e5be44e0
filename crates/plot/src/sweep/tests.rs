use std::collections::BTreeMap;

use hadaflow_analysis::phase_transition::{Transition, TransitionCurve};
use hadaflow_analysis::statistics::wilson_interval;
use hadaflow_core::initialization::Sign;

use super::*;
use crate::chart::{Colour, Marker, Scale, Series};
use crate::font;
use crate::label::Label;
use crate::picture::{png, svg};
use crate::size::Size;
use crate::theme::Theme;

const NUMBERS: [&str; 10] = [
    "measurements",
    "dimension",
    "sparsity",
    "depth",
    "alpha",
    "success",
    "relative_error",
    "l1_gap",
    "recovery_time",
    "predicted_slope",
];

/// An owned table that tests may distort.
#[derive(Clone, Default)]
struct Owned {
    rows: usize,
    axes: Vec<String>,
    numbers: BTreeMap<String, Vec<f64>>,
    texts: BTreeMap<String, Vec<String>>,
    seeds: Vec<i64>,
}

impl Owned {
    fn new(axes: &[&str]) -> Self {
        Self {
            axes: axes.iter().map(|axis| (*axis).to_owned()).collect(),
            texts: BTreeMap::from([("sign".to_owned(), vec!["Signed".to_owned()])]),
            ..Self::default()
        }
    }

    fn push(&mut self, row: &[(&str, f64)]) {
        self.rows += 1;
        for (name, value) in row {
            self.numbers.entry((*name).to_owned()).or_default().push(*value);
        }
    }

    fn view(&self) -> SweepTable<'_> {
        SweepTable {
            title: "a sweep",
            rows: self.rows,
            axes: &self.axes,
            numbers: &self.numbers,
            texts: &self.texts,
            seeds: &self.seeds,
        }
    }

    fn charts(&self, name: &str) -> Result<Vec<Chart>, PlotError> {
        let figure = catalogue().iter().find(|figure| figure.name() == name).unwrap();
        figure.charts(&self.view())
    }

    fn chart(&self, name: &str) -> Chart {
        self.charts(name).unwrap().remove(0)
    }
}

/// Success of 10 trials at 10 sparsities and 10 numbers of measurements of dimension 100: all above the curve, none below.
fn sharp() -> Owned {
    let mut table = Owned::new(&["measurements", "sparsity"]);
    for s in (5..100).step_by(10) {
        let location = Transition::new(s, 100, Sign::Signed).unwrap().location();
        for m in (5..100).step_by(10).map(f64::from) {
            for _ in 0..10 {
                let success = f64::from(u8::from(m > location));
                table.push(&[("sparsity", s as f64), ("measurements", m), ("success", success)]);
            }
        }
    }
    table.numbers.insert("dimension".to_owned(), vec![100.0]);
    table
}

/// Every column, as exact laws: gap 2α^L, time T(α), errors that fall with depth; success rises with m.
fn lawful() -> Owned {
    let mut table = Owned::new(&["depth", "alpha", "measurements", "sparsity"]);
    for depth in [2.0_f64, 3.0, 4.0] {
        for alpha in [1e-3_f64, 1e-2, 1e-1] {
            for m in [10.0, 20.0, 30.0] {
                for s in [2.0, 4.0] {
                    for trial in 0..4 {
                        let exponent = if depth > 2.0 { depth } else { 0.5 };
                        let unit = if depth > 2.0 {
                            alpha.powf(2.0 - depth) / (depth - 2.0)
                        } else {
                            -alpha.ln()
                        };
                        table.push(&[
                            ("depth", depth),
                            ("alpha", alpha),
                            ("measurements", m),
                            ("sparsity", s),
                            ("dimension", 50.0),
                            ("success", f64::from(u8::from(f64::from(trial) * 10.0 < m))),
                            ("relative_error", alpha.powf(exponent)),
                            ("l1_gap", 2.0 * alpha.powf(exponent)),
                            ("recovery_time", 7.0 * unit),
                            ("predicted_slope", exponent),
                        ]);
                    }
                }
            }
        }
    }
    table
}

#[test]
fn names_are_unique_and_sorted_and_descriptions_are_sentences() {
    let names: Vec<&str> = catalogue().iter().map(|figure| figure.name()).collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    for name in crate::figure::catalogue().iter().map(|figure| figure.name()) {
        assert!(!names.contains(&name), "{name} names a figure of runs, too");
    }
    for figure in catalogue() {
        let text = figure.description();
        assert!(text.ends_with('.') && text.matches('.').count() == 1, "{text}");
    }
}

#[test]
fn every_figure_draws_whatever_the_table_holds() {
    let filled = |value: fn(usize) -> f64| {
        let mut table = lawful();
        let rows = table.rows;
        for name in NUMBERS {
            table.numbers.insert(name.to_owned(), (0..rows).map(value).collect());
        }
        table
    };
    let one = |value: f64| {
        let mut table = Owned::new(&["measurements"]);
        table.push(&NUMBERS.map(|name| (name, value)));
        table
    };
    let tables = [
        ("lawful", lawful()),
        ("sharp", sharp()),
        ("empty", Owned::new(&["depth"])),
        ("one row", one(1.0)),
        ("one row of zeros", one(0.0)),
        ("zeros", filled(|_| 0.0)),
        ("ones", filled(|_| 1.0)),
        ("not a number", filled(|_| f64::NAN)),
        ("infinite", filled(|_| f64::INFINITY)),
        ("negative", filled(|i| -(i as f64))),
        ("huge", filled(|i| 1e300 * (1.0 + (i % 7) as f64 / 10.0))),
        ("tiny", filled(|i| 1e-310 * (1 + i % 7) as f64)),
        ("counts", filled(|i| (i % 7) as f64)),
        ("fractions", filled(|i| (i % 7) as f64 / 7.0)),
    ];
    for (what, table) in tables {
        for figure in catalogue() {
            // tables without repetitions fall apart into hundreds of charts that look alike
            for chart in figure.charts(&table.view()).unwrap().into_iter().take(2) {
                for size in Size::ALL {
                    let picture = svg(&chart, size, &Theme::light()).unwrap();
                    let clean = !picture.contains("NaN") && !picture.contains("inf");
                    assert!(clean, "{what}: {}", figure.name());
                    assert!(png(&picture, 40.0).unwrap().len() > 100);
                }
            }
        }
    }
}

#[test]
fn every_figure_needs_its_columns_and_no_others() {
    // an axis that no formula knows, for the figure of such axes
    let mut full = lawful();
    full.axes.push("stop".to_owned());
    full.numbers
        .insert("stop".to_owned(), (0..full.rows).map(|row| (row % 4) as f64).collect());
    for figure in catalogue() {
        assert!(!figure.charts(&full.view()).unwrap().is_empty(), "{}", figure.name());
        for column in figure.columns() {
            let mut table = full.clone();
            table.numbers.remove(*column);
            assert_eq!(
                figure.charts(&table.view()),
                Ok(Vec::new()),
                "{} without {column}",
                figure.name()
            );
        }
        let mut least = full.clone();
        least.texts.clear();
        // the comparison of depths takes an error, or else a gap
        least
            .numbers
            .retain(|name, _| figure.columns().contains(&name.as_str()) || ["l1_gap", "stop"].contains(&name.as_str()));
        least.axes.retain(|axis| least.numbers.contains_key(axis));
        assert!(!figure.charts(&least.view()).unwrap().is_empty(), "{}", figure.name());
    }
}

#[test]
fn columns_of_the_wrong_length_are_named() {
    let mut table = lawful();
    table.numbers.insert("success".to_owned(), vec![1.0; 3]);
    let expected = table.rows;
    let error = PlotError::LengthMismatch {
        what: "column success".to_owned(),
        expected,
        found: 3,
    };
    assert_eq!(table.charts("phase_diagram"), Err(error.clone()));
    assert_eq!(table.charts("success_against_measurements"), Err(error));
}

#[test]
fn the_font_covers_every_label() {
    let mut table = lawful();
    table.numbers.insert("success_basis_pursuit".to_owned(), vec![1.0]);
    for figure in catalogue() {
        for chart in figure.charts(&table.view()).unwrap() {
            let labels = chart
                .series
                .iter()
                .map(|s| &s.label)
                .chain(chart.points.iter().map(|p| &p.label));
            let map = chart.heatmap.iter().map(|map| &map.label);
            for text in labels
                .chain(map)
                .chain([&chart.x.label, &chart.y.label])
                .chain(&chart.title)
            {
                for run in Label::parse(text).runs {
                    for c in run.text.chars() {
                        assert!(font::covers(c, run.oblique), "no glyph for {c:?} of {text:?}");
                    }
                }
            }
        }
    }
}

fn series<'a>(chart: &'a Chart, label: &str) -> &'a Series {
    chart.series.iter().find(|series| series.label == label).unwrap()
}

#[test]
fn the_phase_diagram_shows_rates_the_place_of_half_and_the_theory() {
    let table = sharp();
    let charts = table.charts("phase_diagram").unwrap();
    assert_eq!(charts.len(), 1);
    let chart = &charts[0];
    let map = chart.heatmap.as_ref().unwrap();
    assert_eq!((map.tiles.len(), map.range), (100, (0.0, 1.0)));
    for tile in &map.tiles {
        let (rho, m) = (0.5 * (tile.x.0 + tile.x.1), 0.5 * (tile.y.0 + tile.y.1));
        let above = m > TransitionCurve::at(rho, Sign::Signed).unwrap().psi;
        assert_eq!(tile.value, f64::from(u8::from(above)), "{tile:?}");
    }
    // Rates jump from 0 to 1, so the place of half is the middle between two neighbours, 0.1 apart.
    let (half, theory) = (series(chart, "50 % of the runs"), series(chart, "theory ψ(𝑠/𝑛)"));
    let mut seen = 0;
    for (&rho, &y) in half.x.iter().zip(&half.y).filter(|(_, y)| !y.is_nan()) {
        let psi = TransitionCurve::at(rho, Sign::Signed).unwrap().psi;
        assert!((y - psi).abs() <= 0.05 + 1e-12, "{rho}: {y} {psi}");
        seen += 1;
    }
    // ψ passes the last row, 0.95, at ρ = 0.72: there every run fails.
    assert_eq!(seen, 7);
    for (&rho, &y) in theory.x.iter().zip(&theory.y) {
        assert_eq!(y, TransitionCurve::at(rho, Sign::Signed).unwrap().psi);
    }
    // The edges are two standard deviations away.
    let edges: Vec<&Series> = chart.series.iter().filter(|s| s.width < 1.0).collect();
    let (i, n) = (120, 100.0_f64);
    let curve = TransitionCurve::at(theory.x[i], Sign::Signed).unwrap();
    for (edge, side) in edges.iter().zip([-1.0, 1.0]) {
        let offset = side * 2.0 * (curve.variance / n).sqrt();
        assert!((edge.y[i] - curve.psi - offset).abs() < 1e-15);
    }
    assert_eq!(edges.len(), 2);
}

#[test]
fn a_grid_of_ratios_is_drawn_over_ratios() {
    let mut table = Owned::new(&["measurements", "sparsity"]);
    for m in (10..=100).step_by(10).map(f64::from) {
        for share in 1..=9 {
            let s = (m * f64::from(share) / 10.0).round();
            let psi = TransitionCurve::at(s / 100.0, Sign::Signed).unwrap().psi;
            let success = f64::from(u8::from(m > 100.0 * psi));
            table.push(&[
                ("measurements", m),
                ("sparsity", s),
                ("dimension", 100.0),
                ("success", success),
            ]);
        }
    }
    let chart = table.chart("phase_diagram");
    assert_eq!(
        (chart.x.label.as_str(), chart.y.label.as_str()),
        ("measurements 𝑚/𝑛", "sparsity 𝑠/𝑚")
    );
    let half = series(&chart, "50 % of the runs");
    let seen = half.x.iter().zip(&half.y).filter(|(_, y)| !y.is_nan());
    let seen: Vec<f64> = seen
        .map(|(&x, &y)| x - TransitionCurve::at(x * y, Sign::Signed).unwrap().psi)
        .collect();
    // Half a step of s/m moves ψ by at most its slope, 4 or less here, times 0.05 m/n.
    assert!(
        seen.len() >= 7 && seen.iter().all(|error| error.abs() < 0.2),
        "{seen:?}"
    );
    // The curve runs through (ψ, ρ/ψ).
    let theory = series(&chart, "theory ψ(𝑠/𝑛)");
    let (x, y) = (theory.x[100], theory.y[100]);
    assert!((TransitionCurve::at(x * y, Sign::Signed).unwrap().psi / x - 1.0).abs() < 1e-12);
}

#[test]
fn a_success_that_is_no_number_is_a_failure() {
    let mut table = sharp();
    let success = table.numbers.get_mut("success").unwrap();
    success.iter_mut().for_each(|value| *value = f64::NAN);
    let chart = table.chart("phase_diagram");
    assert!(chart.heatmap.unwrap().tiles.iter().all(|tile| tile.value == 0.0));
}

#[test]
fn every_other_coordinate_makes_charts_of_its_own() {
    let mut table = sharp();
    let rows = table.rows;
    assert_eq!(table.chart("phase_diagram").title.as_deref(), Some("a sweep"));
    let depths = (0..rows).map(|i| if i % 2 == 0 { 2.0 } else { 3.0 }).collect();
    let ensembles = (0..rows).map(|i| if i % 10 < 5 { "Gaussian" } else { "Rademacher" }.to_owned());
    table.numbers.insert("depth".to_owned(), depths);
    table.texts.insert("ensemble".to_owned(), ensembles.collect());
    table.axes.extend(["depth".to_owned(), "ensemble".to_owned()]);
    let titles = table
        .charts("phase_diagram")
        .unwrap()
        .into_iter()
        .filter_map(|chart| chart.title);
    assert_eq!(
        titles.collect::<Vec<_>>(),
        [
            "a sweep: 𝐿 = 2, ensemble = Gaussian",
            "a sweep: 𝐿 = 2, ensemble = Rademacher",
            "a sweep: 𝐿 = 3, ensemble = Gaussian",
            "a sweep: 𝐿 = 3, ensemble = Rademacher",
        ]
    );
}

#[test]
fn success_rates_have_wilson_bars_and_the_predicted_curve() {
    let mut table = lawful();
    table.numbers.insert("success_basis_pursuit".to_owned(), vec![1.0]);
    let charts = table.charts("success_against_measurements").unwrap();
    // three α times two s
    assert_eq!(charts.len(), 6);
    let chart = &charts[0];
    let labels: Vec<&str> = chart.points.iter().map(|points| points.label.as_str()).collect();
    assert_eq!(labels, ["𝐿 = 2", "𝐿 = 3", "𝐿 = 4", "basis pursuit"]);
    assert_ne!(chart.points[0].marker, chart.points[1].marker);
    // trials 0 to 3 succeed where 10·trial < m: 1, 2 and 3 of 4
    let points = &chart.points[0];
    assert_eq!(
        (&points.x[..], &points.y[..]),
        (&[10.0, 20.0, 30.0][..], &[0.25, 0.5, 0.75][..])
    );
    for (bar, k) in points.bars.iter().zip(1..) {
        let interval = wilson_interval(k, 4, 0.95).unwrap();
        assert_eq!(*bar, (interval.low, interval.high));
    }
    let predicted = series(chart, "predicted Φ((𝑚−𝑛ψ)/√(𝑛𝑉))");
    let transition = Transition::new(2, 50, Sign::Signed).unwrap();
    for (&m, &p) in predicted.x.iter().zip(&predicted.y) {
        assert_eq!(p, transition.success_probability(m));
    }
    // A sparsity that varies within the chart has no single prediction.
    table.axes.retain(|axis| axis != "sparsity");
    let pooled = table.chart("success_against_measurements");
    assert!(
        pooled
            .series
            .iter()
            .all(|series| !series.label.starts_with("predicted"))
    );
}

#[test]
fn gaps_have_fitted_and_predicted_slopes() {
    let charts = lawful().charts("gap_against_alpha").unwrap();
    let chart = &charts[0];
    let labels: Vec<&str> = chart.points.iter().map(|points| points.label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "𝐿 = 2: fitted 0.5000, predicted 0.5",
            "𝐿 = 3: fitted 3.0000, predicted 3",
            "𝐿 = 4: fitted 4.0000, predicted 4"
        ]
    );
    assert_eq!((chart.x.scale, chart.y.scale), (Scale::Log10, Scale::Log10));
    let predicted: Vec<&Series> = chart.series.iter().filter(|s| s.label == "predicted slope").collect();
    assert_eq!(predicted.iter().filter(|series| series.legend).count(), 1);
    for (points, line) in chart.points.iter().zip(predicted) {
        for (a, b) in points.y.iter().zip(&line.y) {
            assert!((a / b - 1.0).abs() < 1e-12);
        }
        assert_eq!(points.bars[0].0, points.y[0], "all trials agree");
    }
}

/// Three draws of exponents 1, 1.2 and 6: each has its prediction, and the medians follow none of them.
#[test]
fn gaps_of_paired_draws_have_the_exponents_of_draws() {
    let mut table = Owned::new(&["alpha"]);
    for (seed, exponent) in [(7, 1.0), (8, 1.2), (9, 6.0)] {
        for alpha in [1e-3_f64, 1e-2, 1e-1, 1.0] {
            let constant = if exponent > 1.1 { 1.0 } else { 1e-3 };
            table.push(&[
                ("alpha", alpha),
                ("l1_gap", constant * alpha.powf(1.05 * exponent)),
                ("predicted_slope", exponent),
            ]);
            table.seeds.push(seed);
        }
    }
    table.numbers.insert("depth".to_owned(), vec![2.0]);
    assert_eq!(
        table.chart("gap_against_alpha").points[0].label,
        "𝐿 = 2: draws 1.26, predicted 1.2"
    );
    let dashed = table.chart("gap_against_alpha").series.remove(1);
    assert!((dashed.y[1] / dashed.y[0] / 10_f64.powf(1.2) - 1.0).abs() < 1e-12);
    assert_eq!(dashed.colour, Colour::Ink, "the legend speaks of all depths");
    table.seeds.clear();
    let fitted = table.chart("gap_against_alpha").points[0].label.clone();
    assert!(
        fitted.contains("fitted") && fitted.ends_with("predicted 1.2"),
        "{fitted}"
    );
    // no prediction where one was asked for and there is none, even if L > 2
    table.numbers.insert("depth".to_owned(), vec![3.0]);
    table.numbers.insert("predicted_slope".to_owned(), vec![f64::NAN]);
    let label = table.chart("gap_against_alpha").points[0].label.clone();
    assert!(!label.contains("predicted"), "{label}");
    table.numbers.remove("predicted_slope");
    let label = table.chart("gap_against_alpha").points[0].label.clone();
    assert!(label.ends_with("predicted 3"), "{label}");
}

#[test]
fn one_depth_is_compared_with_nothing() {
    let mut table = lawful();
    let alpha = table.numbers["alpha"].clone();
    let depth = table.numbers.get_mut("depth").unwrap();
    depth.iter_mut().zip(&alpha).for_each(|(depth, alpha)| {
        if *alpha == 1e-2 {
            *depth = 2.0;
        }
    });
    let labels = |chart: Chart| chart.points.into_iter().map(|points| points.label).collect::<Vec<_>>();
    assert_eq!(labels(table.chart("depth_comparison")), ["α = 10^{−3}", "α = 0.1"]);
    table.numbers.insert("depth".to_owned(), vec![2.0]);
    assert!(table.charts("depth_comparison").unwrap().is_empty());
}

/// An axis that no other figure knows: the error along it, one curve for each value of another.
#[test]
fn errors_are_drawn_along_axes_of_their_own() {
    let mut table = Owned::new(&["noise", "stop", "depth"]);
    for depth in [2.0, 3.0] {
        for noise in [0.0, 0.1, 0.2] {
            for stop in [4.0_f64, 16.0, 64.0, 256.0] {
                for trial in [1.0, 2.0, 3.0] {
                    table.push(&[
                        ("depth", depth),
                        ("noise", noise),
                        ("stop", stop),
                        ("relative_error", trial * (1.0 / stop + noise * depth)),
                    ]);
                }
            }
        }
    }
    let charts = table.charts("error_along_axis").unwrap();
    assert_eq!(charts.len(), 2, "one for each depth");
    let chart = &charts[1];
    assert_eq!((chart.x.label.as_str(), chart.x.scale), ("stop", Scale::Log10));
    assert_eq!(chart.title.as_deref(), Some("a sweep: 𝐿 = 3"));
    let labels: Vec<&str> = chart.points.iter().map(|points| points.label.as_str()).collect();
    assert_eq!(labels, ["noise = 0", "noise = 0.1", "noise = 0.2"]);
    let points = &chart.points[1];
    assert_eq!(points.x, [4.0, 16.0, 64.0, 256.0]);
    assert!((points.y[0] - 2.0 * (0.25 + 0.3)).abs() < 1e-12);
    assert!(
        lawful().charts("error_along_axis").unwrap().is_empty(),
        "its axes have figures"
    );
}

#[test]
fn gaps_of_rounding_size_are_neither_drawn_nor_fitted() {
    let mut table = lawful();
    table.numbers.insert("l1_norm".to_owned(), vec![3.0]);
    let (alpha, depth) = (table.numbers["alpha"].clone(), table.numbers["depth"].clone());
    let gap = table.numbers.get_mut("l1_gap").unwrap();
    for i in 0..gap.len() {
        if depth[i] == 4.0 && alpha[i] == 1e-3 {
            gap[i] = 1e-15;
        }
        if depth[i] == 3.0 && alpha[i] == 1e-3 {
            gap[i] = -1e-12;
        }
    }
    let chart = table.chart("gap_against_alpha");
    let sizes: Vec<usize> = chart.points.iter().map(|points| points.x.len()).collect();
    assert_eq!(sizes, [3, 2, 2]);
    // two points lie on every line: they show no exponent
    let labels: Vec<&str> = chart.points.iter().map(|points| points.label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "𝐿 = 2: fitted 0.5000, predicted 0.5",
            "𝐿 = 3, predicted 3",
            "𝐿 = 4, predicted 4"
        ]
    );
}

#[test]
fn times_follow_the_time_unit_and_unfinished_runs_count_as_later() {
    let mut table = lawful();
    let chart = table.chart("recovery_time_against_alpha");
    for (points, line) in chart.points.iter().zip(&chart.series) {
        for (a, b) in points.y.iter().zip(&line.y) {
            assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
        }
    }
    // One run of four without recovery moves the upper quartile, three of four leave no median.
    let depth = table.numbers["depth"].clone();
    for (i, time) in table.numbers.get_mut("recovery_time").unwrap().iter_mut().enumerate() {
        let lost = if depth[i] == 2.0 { 3 } else { 1 };
        if i % 4 < lost {
            *time = f64::NAN;
        }
    }
    let chart = table.chart("recovery_time_against_alpha");
    assert!(chart.points[0].y.is_empty());
    assert_eq!(chart.points[1].y.len(), 3);
    assert!(chart.points[1].bars.iter().all(|bar| bar.1 == f64::INFINITY));
}

#[test]
fn depths_are_compared_at_each_scale() {
    let chart = lawful().chart("depth_comparison");
    let labels: Vec<&str> = chart.points.iter().map(|points| points.label.as_str()).collect();
    assert_eq!(labels, ["α = 10^{−3}", "α = 0.01", "α = 0.1"]);
    assert_eq!(chart.points[0].x, [2.0, 3.0, 4.0]);
    assert!((chart.points[0].y[1] / 1e-9 - 1.0).abs() < 1e-12);
    let colours: Vec<Colour> = chart.points.iter().map(|points| points.colour).collect();
    assert_eq!(colours, [Colour::Ramp(0), Colour::Ramp(127), Colour::Ramp(255)]);
    assert_eq!(chart.points[3 - 1].marker, Marker::Triangle);
    assert!(chart.x.whole && chart.y.label == "relative error");
}

#[test]
fn numbers_are_read_as_numbers() {
    for (value, text) in [
        (0.0, "0"),
        (3.0, "3"),
        (-2.0, "−2"),
        (0.25, "0.25"),
        (1e-3, "10^{−3}"),
        (2.511886e-3, "2.51×10^{−3}"),
        (-1e-7, "−10^{−7}"),
        (1e7, "10^{7}"),
        (0.123456, "0.123"),
        (12345.0, "12345"),
    ] {
        assert_eq!(table::number(value), text);
    }
}

#[test]
fn a_large_diagram_stays_small() {
    let mut table = Owned::new(&["measurements", "sparsity"]);
    for s in 1..=60 {
        let transition = Transition::new(s * 3, 200, Sign::Signed).unwrap();
        for m in (1..=60).map(|i| f64::from(i) * 3.0) {
            // ten trials, as many successes as the probability says
            let rate = (10.0 * transition.success_probability(m)).round();
            for trial in 0..10 {
                let success = f64::from(u8::from(f64::from(trial) < rate));
                table.push(&[("sparsity", 3.0 * s as f64), ("measurements", m), ("success", success)]);
            }
        }
    }
    table.numbers.insert("dimension".to_owned(), vec![200.0]);
    let picture = svg(&table.chart("phase_diagram"), Size::OneColumn, &Theme::light()).unwrap();
    // 3600 tiles would take 430 kB by themselves.
    assert!(picture.len() < 200_000, "{} bytes", picture.len());
    let tiles = picture.matches("crispEdges").count();
    assert!(tiles > 128 + 60 && tiles < 1000, "{tiles}");
}
