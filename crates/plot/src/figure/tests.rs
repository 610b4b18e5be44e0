use std::collections::BTreeMap;

use super::*;
use crate::chart::{Dash, Scale};
use crate::font;
use crate::label::Label;
use crate::picture::{png, svg};
use crate::size::Size;
use crate::theme::Theme;

const COLUMNS: [&str; 8] = [
    "loss",
    "loss_integral",
    "l1_norm",
    "support_size",
    "dual_bound",
    "bregman_divergence_truth",
    "bregman_divergence_pair_truth",
    "bregman_divergence_bregman_projection",
];

/// An owned input that tests may distort.
struct Run {
    t: Vec<f64>,
    columns: BTreeMap<String, Vec<f64>>,
    weights: Vec<f64>,
    n: usize,
    truth: Option<Vec<f64>>,
    references: Vec<(String, f64)>,
}

impl Run {
    /// Every column filled by a function of time.
    fn filled(t: Vec<f64>, value: impl Fn(f64) -> f64) -> Self {
        let column = |name: &str| (name.to_owned(), t.iter().map(|&t| value(t)).collect());
        let columns = COLUMNS.into_iter().map(column).collect();
        let n = 12;
        let weights = t
            .iter()
            .flat_map(|&t| (0..n).map(move |j| (t, j as f64)))
            .map(|(t, j)| value(t) * (j - 4.0))
            .collect();
        let truth = Some((0..n).map(|j| if j % 4 == 0 { j as f64 - 5.0 } else { 0.0 }).collect());
        let references = vec![
            ("truth".to_owned(), 3.0),
            ("basis_pursuit".to_owned(), 3.0 + 1e-9),
            ("x".to_owned(), 4.0),
        ];
        Self {
            t,
            columns,
            weights,
            n,
            truth,
            references,
        }
    }

    fn normal() -> Self {
        let t = [0.0]
            .into_iter()
            .chain((0..100).map(|k| 10_f64.powf(f64::from(k) / 20.0 - 2.0)))
            .collect();
        Self::filled(t, |t| 1.0 / (1.0 + t))
    }

    fn input(&self) -> FigureInput<'_> {
        FigureInput {
            title: "a run",
            t: &self.t,
            columns: &self.columns,
            weights: Some((&self.weights, self.n)),
            truth: self.truth.as_deref(),
            references: &self.references,
        }
    }

    fn charts(&self, name: &str) -> Result<Vec<Chart>, PlotError> {
        catalogue()
            .iter()
            .find(|figure| figure.name() == name)
            .unwrap()
            .charts(&self.input())
    }

    fn chart(&self, name: &str) -> Chart {
        self.charts(name).unwrap().remove(0)
    }
}

#[test]
fn names_are_unique_and_sorted_and_descriptions_are_sentences() {
    let names: Vec<&str> = catalogue().iter().map(|figure| figure.name()).collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    for figure in catalogue() {
        let text = figure.description();
        assert!(text.ends_with('.') && text.matches('.').count() == 1, "{text}");
    }
}

#[test]
fn every_figure_draws_whatever_was_recorded() {
    let times = || vec![0.0, 1e-3, 0.1, 1.0, 50.0, 1e4];
    let runs = [
        ("normal", Run::normal()),
        ("empty", Run::filled(Vec::new(), |_| 1.0)),
        ("only the start", Run::filled(vec![0.0], |_| 1.0)),
        ("one time", Run::filled(vec![2.0], |_| 1.0)),
        ("constant", Run::filled(times(), |_| 0.25)),
        ("zero", Run::filled(times(), |_| 0.0)),
        ("not a number", Run::filled(times(), |_| f64::NAN)),
        (
            "some not a number",
            Run::filled(times(), |t| if t < 1.0 { f64::NAN } else { 1.0 / t }),
        ),
        (
            "infinite",
            Run::filled(times(), |t| if t > 1.0 { f64::INFINITY } else { t }),
        ),
        (
            "huge",
            Run::filled(vec![0.0, 1e-300, 1e-9, 1e50, 1e120], |t| {
                1e-300_f64.max(1e300 / (1.0 + t * t))
            }),
        ),
        ("negative", Run::filled(times(), |t| -t)),
    ];
    for (what, run) in runs {
        for figure in catalogue() {
            for chart in figure.charts(&run.input()).unwrap() {
                for size in Size::ALL {
                    let picture = svg(&chart, size, &Theme::light()).unwrap();
                    assert!(
                        !picture.contains("NaN") && !picture.contains("inf"),
                        "{what}: {}",
                        figure.name()
                    );
                    assert!(png(&picture, 40.0).unwrap().len() > 100);
                }
            }
        }
    }
}

#[test]
fn every_figure_draws_a_normal_run_and_nothing_without_its_columns() {
    let mut run = Run::normal();
    for figure in catalogue() {
        assert_eq!(figure.charts(&run.input()).unwrap().len(), 1, "{}", figure.name());
    }
    run.columns.clear();
    let bare = FigureInput {
        weights: None,
        ..run.input()
    };
    for figure in catalogue() {
        assert_eq!(figure.charts(&bare), Ok(Vec::new()), "{}", figure.name());
    }
}

#[test]
fn columns_of_the_wrong_length_are_named() {
    let mut run = Run::normal();
    run.columns.insert("loss".to_owned(), vec![1.0]);
    let error = PlotError::LengthMismatch {
        what: "column loss".to_owned(),
        expected: 101,
        found: 1,
    };
    assert_eq!(run.charts("loss_decay"), Err(error));
    run.weights.pop();
    assert!(matches!(
        run.charts("coordinate_paths"),
        Err(PlotError::LengthMismatch { .. })
    ));
}

#[test]
fn the_font_covers_every_label() {
    let run = Run::normal();
    for figure in catalogue() {
        for chart in figure.charts(&run.input()).unwrap() {
            let series = chart.series.iter().map(|s| &s.label);
            let others = chart
                .bands
                .iter()
                .map(|b| &b.label)
                .chain(chart.levels.iter().map(|l| &l.label));
            for text in series.chain(others).chain([&chart.x.label, &chart.y.label]) {
                for run in Label::parse(text).runs {
                    for c in run.text.chars() {
                        assert!(font::covers(c, run.oblique), "no glyph for {c:?} of {text:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_integral_is_drawn_on_top_of_the_divergence_it_equals() {
    let mut run = Run::normal();
    let divergence: Vec<f64> = run.t.iter().map(|t| 2.0 * (-t).exp()).collect();
    let integral: Vec<f64> = run.t.iter().map(|t| 1.0 - (-t).exp()).collect();
    run.columns.retain(|name, _| !name.contains("bregman_projection"));
    run.columns.insert("bregman_divergence_truth".to_owned(), divergence);
    run.columns.insert("loss_integral".to_owned(), integral);
    let chart = run.chart("bregman_decay");
    let [broad, thin] = &chart.series[..] else {
        panic!("two curves expected, the pair repeats the first")
    };
    assert!(broad.width > 2.0 * thin.width && thin.dash != Dash::Solid);
    let agree = broad
        .y
        .iter()
        .zip(&thin.y)
        .filter(|(d, i)| (*d - *i).abs() <= 1e-12)
        .count();
    assert!(agree > 65, "{agree} points agree");
    let lost = thin.y.iter().filter(|value| value.is_nan()).count();
    assert!(lost > 0 && thin.y.iter().all(|value| value.is_nan() || *value > 0.0));
}

#[test]
fn references_of_equal_norm_share_a_level() {
    let chart = Run::normal().chart("l1_norm");
    let labels: Vec<&str> = chart.levels.iter().map(|level| level.label.as_str()).collect();
    assert_eq!(labels, ["‖·‖₁ of 𝑤*, basis pursuit", "‖·‖₁ of x"]);
    assert_ne!(chart.levels[0].dash, chart.levels[1].dash);
    assert_eq!((chart.x.scale, chart.y.scale), (Scale::Log10, Scale::Linear));
    assert_eq!(chart.series.len(), 2);
}

#[test]
fn paths_follow_the_support_and_the_band_holds_the_others() {
    let run = Run::normal();
    let chart = run.chart("coordinate_paths");
    let support = [0, 4, 8];
    assert_eq!(run.input().truth_support().unwrap(), support);
    let listed: Vec<&str> = chart
        .series
        .iter()
        .filter(|s| s.legend)
        .map(|s| s.label.as_str())
        .collect();
    assert_eq!(listed, ["on support (3)", "off support: mean |𝑤_{𝑗}|"]);
    for (k, row) in run.weights.chunks(run.n).enumerate() {
        let others = || (0..run.n).filter(|j| !support.contains(j)).map(|j| row[j]);
        assert_eq!(chart.bands[0].lower[k], others().fold(f64::INFINITY, f64::min));
        assert_eq!(chart.bands[0].upper[k], others().fold(f64::NEG_INFINITY, f64::max));
        let mean = others().map(f64::abs).sum::<f64>() / 9.0;
        assert!((chart.series[3].y[k] - mean).abs() < 1e-15);
        assert_eq!(chart.series[2].y[k], row[8]);
    }
    assert_eq!(chart.levels.len(), 3);
}

#[test]
fn without_a_truth_the_largest_final_weights_are_followed() {
    let mut run = Run::normal();
    run.truth = None;
    let last = run.weights.len() - run.n;
    run.weights[last + 3] = f64::NAN;
    let chart = run.chart("coordinate_paths");
    let mut finals: Vec<f64> = chart
        .series
        .iter()
        .take(8)
        .map(|s| s.y[run.t.len() - 1].abs())
        .collect();
    finals.sort_by(f64::total_cmp);
    let mut all: Vec<f64> = run.weights[last..]
        .iter()
        .map(|w| w.abs())
        .filter(|w| !w.is_nan())
        .collect();
    all.sort_by(f64::total_cmp);
    assert_eq!(finals, all[all.len() - 8..]);
    assert_eq!(chart.series.len(), 9);
    assert!(chart.levels.is_empty());
}

#[test]
fn large_runs_give_small_pictures() {
    let n = 65_536;
    let t: Vec<f64> = (0..60).map(|k| 10_f64.powf(f64::from(k) / 10.0)).collect();
    let weights: Vec<f64> = (0..t.len() * n).map(|i| ((i * 7919) % 1009) as f64 * 1e-3).collect();
    let truth: Vec<f64> = (0..n).map(|j| if j % 10 == 0 { 1.0 } else { 0.0 }).collect();
    let columns = BTreeMap::new();
    let input = FigureInput {
        title: "",
        t: &t,
        columns: &columns,
        weights: Some((&weights, n)),
        truth: Some(&truth),
        references: &[],
    };
    let chart = &coordinate_paths::CoordinatePaths.charts(&input).unwrap()[0];
    assert_eq!(chart.series.len(), 25);
    assert_eq!(chart.series[0].label, "on support (24 of 6554)");
    assert!(svg(chart, Size::OneColumn, &Theme::light()).unwrap().len() < 150_000);
}
