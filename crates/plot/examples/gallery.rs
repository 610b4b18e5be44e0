//! Draws every figure from a synthetic run into a directory: `cargo run -p hadaflow-plot --example gallery -- DIR`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use hadaflow_plot::{FigureInput, PRINT_DPI, Size, Theme, catalogue, png, svg};

/// Recorded times and coordinates of the synthetic run.
const TIMES: usize = 400;
const DIMENSION: usize = 200;

fn main() -> ExitCode {
    let Some(directory) = std::env::args().nth(1) else {
        return ExitCode::from(2);
    };
    match draw_all(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Every figure in every size.
fn draw_all(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(directory)?;
    let run = Run::new();
    let input = FigureInput {
        title: "Two layers recover a sparse vector",
        t: &run.t,
        columns: &run.columns,
        weights: Some((&run.weights, DIMENSION)),
        truth: Some(&run.truth),
        references: &run.references,
        vanishing: None,
        families: &BTreeMap::new(),
        average: None,
    };
    let sizes = [
        (Size::OneColumn, "one-column"),
        (Size::TwoColumn, "two-column"),
        (Size::Slide, "slide"),
    ];
    for figure in catalogue() {
        for chart in figure.charts(&input)? {
            for (size, name) in sizes {
                let picture = svg(&chart, size, &Theme::light())?;
                let stem = directory.join(format!("{}-{name}", figure.name()));
                std::fs::write(stem.with_extension("png"), png(&picture, PRINT_DPI)?)?;
                std::fs::write(stem.with_extension("svg"), picture)?;
            }
        }
    }
    Ok(())
}

/// n independent scalar problems (A = I) with two layers in closed form, with invented columns beside them: pictures to
/// look at, not results.
struct Run {
    t: Vec<f64>,
    columns: BTreeMap<String, Vec<f64>>,
    weights: Vec<f64>,
    truth: Vec<f64>,
    references: Vec<(String, f64)>,
}

impl Run {
    fn new() -> Self {
        let mut truth = vec![0.0; DIMENSION];
        for (j, value) in [(3, 1.4), (31, 0.55), (77, 1.05), (120, 0.8), (180, 0.62)] {
            truth[j] = value;
        }
        let spread = |j: usize| 1e-8 * (1.0 + (j * 37 % 101) as f64 / 50.0);
        let mut t = vec![0.0];
        t.extend((1..TIMES).map(|k| 10_f64.powf(-2.0 + 4.0 * k as f64 / TIMES as f64)));
        let weights: Vec<f64> = t
            .iter()
            .flat_map(|&t| (0..DIMENSION).map(move |j| (t, j)))
            .map(|(t, j)| weight(t, truth[j], spread(j)))
            .collect();
        let rows = || weights.chunks(DIMENSION);
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            rows()
                .map(|row| row.iter().zip(&truth).map(|(&w, &z)| f(z, w)).sum())
                .collect()
        };
        let loss = sum(&|z, w| 0.5 * (w - z) * (w - z));
        let divergence = sum(&|z, w| 0.5 * (if z > 0.0 { z * (z / w).ln() } else { 0.0 } - z + w));
        let integral = divergence.iter().map(|d| 0.5 * (divergence[0] - d)).collect();
        let norm = sum(&|_, w| w.abs());
        let total: f64 = truth.iter().sum();
        let bound = t.iter().map(|t| total * (1.0 - 1.0 / (1.0 + t * t))).collect();
        let nearby = divergence.iter().map(|d| d * 1.02 + 1e-4).collect();
        let columns = [
            ("loss", loss),
            ("loss_integral", integral),
            ("l1_norm", norm),
            ("dual_bound", bound),
            ("bregman_divergence_truth", divergence.clone()),
            ("bregman_divergence_basis_pursuit", divergence),
            ("bregman_divergence_bregman_projection", nearby),
        ];
        let columns = columns
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values))
            .collect();
        let references = [
            ("truth", total),
            ("basis_pursuit", total),
            ("bregman_projection", 1.03 * total),
        ];
        let references = references
            .into_iter()
            .map(|(name, norm)| (name.to_owned(), norm))
            .collect();
        Self {
            t,
            columns,
            weights,
            truth,
            references,
        }
    }
}

/// The logistic solution of w' = 2w(y − w), w(0) = start, and its limit 1 / (2t + 1/start) for y = 0.
fn weight(t: f64, target: f64, start: f64) -> f64 {
    if target == 0.0 {
        // Off the support, a passing disturbance that makes the band visible.
        let disturbance = 0.12 * (start * 1e8 - 2.0) * (-(t / 9.0).ln().powi(2)).exp();
        return 1.0 / (2.0 * t + 1.0 / start) + if t > 0.0 { disturbance.abs() } else { 0.0 };
    }
    target / (1.0 + (target / start - 1.0) * (-2.0 * target * t).exp())
}
