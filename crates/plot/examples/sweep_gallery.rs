//! Draws every figure of sweeps from synthetic tables into a directory:
//! `cargo run -p hadaflow-plot --example sweep_gallery -- DIR`.
//!
//! The tables are invented: pictures to look at, not results.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use hadaflow_analysis::phase_transition::Transition;
use hadaflow_core::initialization::Sign;
use hadaflow_plot::sweep::catalogue;
use hadaflow_plot::{PRINT_DPI, Size, SweepTable, Theme, png, svg};

fn main() -> ExitCode {
    let Some(directory) = std::env::args().nth(1) else {
        return ExitCode::from(2);
    };
    match draw_all(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The first chart of every figure of every table, in every size.
fn draw_all(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(directory)?;
    let styles = [
        (Size::OneColumn, Theme::light(), "one-column"),
        (Size::TwoColumn, Theme::light(), "two-column"),
        (Size::Slide, Theme::dark(), "slide-dark"),
    ];
    let tables = [
        ("grid", recovery(false, 200)?, "Recovery by two layers"),
        ("ratios", recovery(true, 100)?, "Recovery over ratios"),
        ("line", line()?, "How many measurements depth needs"),
        ("scales", scales(), "Smaller starts, sparser limits"),
    ];
    for (name, table, title) in &tables {
        for figure in catalogue() {
            for chart in figure.charts(&table.view(title))?.iter().take(1) {
                for (size, theme, style) in &styles {
                    let picture = svg(chart, *size, theme)?;
                    let stem = directory.join(format!("{}-{name}-{style}", figure.name()));
                    std::fs::write(stem.with_extension("png"), png(&picture, PRINT_DPI)?)?;
                    std::fs::write(stem.with_extension("svg"), picture)?;
                }
            }
        }
    }
    Ok(())
}

/// An owned table.
#[derive(Default)]
struct Table {
    rows: usize,
    axes: Vec<String>,
    numbers: BTreeMap<String, Vec<f64>>,
    texts: BTreeMap<String, Vec<String>>,
    random: u64,
}

impl Table {
    fn new(axes: &[&str], sign: &str) -> Self {
        Self {
            axes: axes.iter().map(|axis| (*axis).to_owned()).collect(),
            texts: BTreeMap::from([("sign".to_owned(), vec![sign.to_owned()])]),
            random: 20_260_101,
            ..Self::default()
        }
    }

    fn push(&mut self, row: &[(&str, f64)]) {
        self.rows += 1;
        for (name, value) in row {
            self.numbers.entry((*name).to_owned()).or_default().push(*value);
        }
    }

    fn view<'a>(&'a self, title: &'a str) -> SweepTable<'a> {
        SweepTable {
            title,
            rows: self.rows,
            axes: &self.axes,
            numbers: &self.numbers,
            texts: &self.texts,
            seeds: &[],
        }
    }

    /// Uniform in [0, 1): a linear congruential generator, whose upper bits are good enough to look at.
    fn uniform(&mut self) -> f64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn success(&mut self, probability: f64) -> f64 {
        f64::from(u8::from(self.uniform() < probability))
    }
}

/// A phase diagram over s and m, or over m/n and s/m.
fn recovery(ratios: bool, n: usize) -> Result<Table, Box<dyn std::error::Error>> {
    let mut table = Table::new(&["measurements", "sparsity"], "Signed");
    let (n_real, shares) = (n as f64, (1..=20).map(|i| f64::from(i) / 20.0));
    for a in shares.clone() {
        for b in shares.clone() {
            let (m, s) = if ratios {
                (a * n_real, (a * b * n_real).round())
            } else {
                (a * n_real, (b * n_real).round())
            };
            if s > m && ratios || s < 1.0 {
                continue;
            }
            let transition = Transition::new(s as usize, n, Sign::Signed)?;
            for _ in 0..50 {
                let flow = transition.success_probability(m - 0.02 * n_real);
                let success = table.success(flow);
                let pursuit = table.success(transition.success_probability(m + 0.01 * n_real));
                table.push(&[
                    ("measurements", m),
                    ("sparsity", s),
                    ("dimension", n_real),
                    ("success", success),
                    ("success_basis_pursuit", pursuit),
                ]);
            }
        }
    }
    Ok(table)
}

/// Success against m at one sparsity for three depths.
fn line() -> Result<Table, Box<dyn std::error::Error>> {
    let mut table = Table::new(&["depth", "measurements"], "Signed");
    let transition = Transition::new(5, 100, Sign::Signed)?;
    for depth in [2.0, 3.0, 4.0] {
        for m in (8..=40).step_by(2).map(f64::from) {
            for _ in 0..50 {
                let success = table.success(transition.success_probability(m - 6.0 / depth));
                let pursuit = table.success(transition.success_probability(m));
                table.push(&[
                    ("depth", depth),
                    ("measurements", m),
                    ("sparsity", 5.0),
                    ("dimension", 100.0),
                    ("success", success),
                    ("success_basis_pursuit", pursuit),
                ]);
            }
        }
    }
    Ok(table)
}

/// Gaps, errors and times over α and depth.
fn scales() -> Table {
    let mut table = Table::new(&["depth", "alpha"], "Signed");
    for depth in [2.0_f64, 3.0, 4.0, 5.0] {
        for k in 0..9 {
            let alpha = 10_f64.powf(-0.5 - 0.35 * f64::from(k));
            for trial in 0..20 {
                let noise = (2.0 * table.uniform() - 1.0).exp();
                let exponent = if depth > 2.0 { depth } else { 0.67 };
                let gap = (0.05 + 4.0 * alpha) / 0.05 * noise * alpha.powf(exponent);
                let time = if depth > 2.0 {
                    alpha.powf(2.0 - depth) / (depth - 2.0)
                } else {
                    -alpha.ln()
                };
                let slope = if depth > 2.0 { f64::NAN } else { 0.67 };
                table.push(&[
                    ("depth", depth),
                    ("alpha", alpha),
                    ("l1_gap", gap),
                    ("l1_norm", 5.0),
                    ("predicted_slope", slope),
                    ("relative_error", 0.4 * gap + 1e-9 * noise),
                    (
                        "recovery_time",
                        if trial % 7 == 0 {
                            f64::NAN
                        } else {
                            (1.0 + alpha) * noise * 9.0 * time
                        },
                    ),
                ]);
            }
        }
    }
    table
}
