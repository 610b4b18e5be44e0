//! Where recovery succeeds: success rates over sparsity and measurements.

use hadaflow_analysis::phase_transition::TransitionCurve;
use hadaflow_core::initialization::Sign;

use super::success::Counts;
use super::table::{Column, Facet};
use super::{SweepFigure, SweepTable};
use crate::chart::{Axis, Chart, Colour, Dash, Heatmap, Series, Tile};
use crate::error::PlotError;

/// Points of the theoretical curve.
const CURVE: u32 = 240;
/// Standard deviations between the curve and the edge of its width.
const WIDTHS: f64 = 2.0;

/// Success rates as a map, the place where half of the runs succeed (for each row of the grid by a logistic fit), and
/// ψ(s/n) ± 2√(V/n) from the statistical dimension of the descent cone.
pub(super) struct PhaseDiagram;

impl SweepFigure for PhaseDiagram {
    fn name(&self) -> &'static str {
        "phase_diagram"
    }

    fn description(&self) -> &'static str {
        "The success rate over sparsity and measurements, with the place where half of the runs succeed and the transition \
         predicted for Gaussian measurements with its width."
    }

    fn columns(&self) -> &'static [&'static str] {
        &["dimension", "measurements", "sparsity", "success"]
    }

    fn charts(&self, table: &SweepTable<'_>) -> Result<Vec<Chart>, PlotError> {
        let columns = |name| table.number(name);
        let (Some(n), Some(m), Some(s), Some(success)) = (
            columns("dimension")?,
            columns("measurements")?,
            columns("sparsity")?,
            columns("success")?,
        ) else {
            return Ok(Vec::new());
        };
        let mut charts = Vec::new();
        for facet in table.facets(&["measurements", "sparsity"])? {
            let Some(n) = n.common(&facet.rows).filter(|n| *n >= 1.0) else {
                continue;
            };
            let plane = Plane::of(m, s, n, &facet.rows);
            if plane.has_area(&facet.rows) {
                charts.push(plane.chart(table, &facet, success)?);
            }
        }
        Ok(charts)
    }
}

/// The coordinates of the diagram: (s/n, m/n) if the grid is one of s and m, otherwise (m/n, s/m).
struct Plane<'a> {
    n: f64,
    /// What is the same along a column of tiles, and what varies.
    across: Column<'a>,
    along: Column<'a>,
    by_sparsity: bool,
}

impl<'a> Plane<'a> {
    fn of(m: Column<'a>, s: Column<'a>, n: f64, rows: &[usize]) -> Self {
        let (ms, ss) = (m.groups(rows), s.groups(rows));
        let pairs: usize = ms.iter().map(|(_, rows)| s.groups(rows).len()).sum();
        // A grid of m and s fills its rectangle; one of m/n and s/m has many different s, few of them at each m.
        let by_sparsity = 2 * pairs >= ms.len() * ss.len();
        let (across, along) = if by_sparsity { (s, m) } else { (m, s) };
        Self {
            n,
            across,
            along,
            by_sparsity,
        }
    }

    /// Whether there is more than a line to see.
    fn has_area(&self, rows: &[usize]) -> bool {
        self.across.groups(rows).len() > 1 && self.along.groups(rows).len() > 1
    }

    /// The vertical coordinate of a value of `along` in the column of a value of `across`.
    fn height(&self, across: f64, along: f64) -> f64 {
        if self.by_sparsity {
            along / self.n
        } else {
            along / across
        }
    }

    fn chart(&self, table: &SweepTable<'_>, facet: &Facet, success: Column<'_>) -> Result<Chart, PlotError> {
        let heatmap = Heatmap {
            tiles: self.tiles(success, &facet.rows),
            range: (0.0, 1.0),
            label: "success rate".to_owned(),
        };
        let mut series = Vec::new();
        if let Some(sign) = table.sign(&facet.rows)? {
            series.extend(self.theory(sign)?);
        }
        series.extend(self.contours(table, facet, success)?);
        let (x, y) = if self.by_sparsity {
            ("sparsity 𝑠/𝑛", "measurements 𝑚/𝑛")
        } else {
            ("measurements 𝑚/𝑛", "sparsity 𝑠/𝑚")
        };
        let (x_range, y_range) = frame(&heatmap.tiles);
        let axis = |label, range| Axis {
            range,
            ..Axis::linear(label)
        };
        Ok(Chart {
            title: facet.title.clone(),
            x: axis(x, x_range),
            y: axis(y, y_range),
            heatmap: Some(heatmap),
            series,
            ..Chart::default()
        })
    }

    /// The place where half of the runs succeed, and that of each reference.
    fn contours(&self, table: &SweepTable<'_>, facet: &Facet, success: Column<'_>) -> Result<Vec<Series>, PlotError> {
        let dashes = [Dash::Solid, Dash::Dashed, Dash::DashDot, Dash::Dotted];
        let references = table.reference_successes()?.into_iter();
        let references = references.map(|(name, column)| (format!("50 %, {name}"), column));
        let runs = std::iter::once(("50 % of the runs".to_owned(), success));
        let mut contours = Vec::new();
        for (i, (label, column)) in runs.chain(references).enumerate() {
            let (x, y) = self.halves(column, &facet.rows)?;
            let line = Series::line(label, x, y, Colour::White).haloed(Colour::Black);
            contours.push(line.stroked(dashes[i % dashes.len()], 1.1));
        }
        Ok(contours)
    }

    fn tiles(&self, success: Column<'_>, rows: &[usize]) -> Vec<Tile> {
        let columns = self.across.groups(rows);
        let centres: Vec<f64> = columns.iter().map(|(value, _)| value / self.n).collect();
        let mut tiles = Vec::new();
        for ((across, rows), x) in columns.into_iter().zip(edges(&centres, 0.5 / self.n)) {
            let counts = Counts::of(success, self.along, &rows);
            let heights: Vec<f64> = counts.x.iter().map(|&along| self.height(across, along)).collect();
            let heights = edges(&heights, self.height(across, 0.5));
            tiles.extend(
                heights
                    .into_iter()
                    .zip(counts.rates())
                    .map(|(y, value)| Tile { x, y, value }),
            );
        }
        tiles
    }

    /// The place where half of the runs succeed in each column.
    fn halves(&self, success: Column<'_>, rows: &[usize]) -> Result<(Vec<f64>, Vec<f64>), PlotError> {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (across, rows) in self.across.groups(rows) {
            let counts = Counts::of(success, self.along, &rows);
            // More measurements help, a larger sparsity does not.
            let half = counts.half(self.by_sparsity)?;
            x.push(across / self.n);
            y.push(half.map_or(f64::NAN, |half| self.height(across, half)));
        }
        Ok((x, y))
    }

    /// The predicted transition and both edges of its width.
    fn theory(&self, sign: Sign) -> Result<Vec<Series>, PlotError> {
        let mut curves = [const { (Vec::new(), Vec::new()) }; 3];
        for i in 0..=CURVE {
            // denser near the ends, where the curve is steep
            let u = f64::from(i) / f64::from(CURVE);
            let rho = u * u * (3.0 - 2.0 * u);
            let curve = TransitionCurve::at(rho, sign).map_err(|source| PlotError::Unusable {
                column: "sparsity",
                place: "the theoretical curve".to_owned(),
                source,
            })?;
            let width = WIDTHS * (curve.variance / self.n).sqrt();
            // An edge ends where it would leave the diagram, and where there is no width.
            let edge = |psi: f64| {
                if width > 0.0 && psi > 0.0 && psi < 1.0 {
                    psi
                } else {
                    f64::NAN
                }
            };
            let psis = [curve.psi, edge(curve.psi - width), edge(curve.psi + width)];
            for ((x, y), psi) in curves.iter_mut().zip(psis) {
                let (a, b) = if self.by_sparsity { (rho, psi) } else { (psi, rho / psi) };
                x.push(a);
                y.push(b);
            }
        }
        let labels = ["theory ψ(𝑠/𝑛)", "ψ ± 2√(𝑉/𝑛)", ""];
        let lines = curves.into_iter().zip(labels).enumerate().map(|(i, ((x, y), label))| {
            let line = Series::line(label, x, y, Colour::Black).haloed(Colour::White);
            if i == 0 {
                line.stroked(Dash::Solid, 1.1)
            } else {
                line.stroked(Dash::Dotted, 0.7)
            }
        });
        Ok(lines.collect())
    }
}

/// The interval around each centre, half way to its neighbours; `alone` is half the length for a single one.
fn edges(centres: &[f64], alone: f64) -> Vec<(f64, f64)> {
    let between = |i: usize| 0.5 * (centres[i] + centres[i + 1]);
    let last = centres.len().saturating_sub(1);
    let edge = |i: usize| match (i, last) {
        (_, 0) => (centres[0] - alone, centres[0] + alone),
        (0, _) => ((2.0 * centres[0] - between(0)).max(0.0).min(centres[0]), between(0)),
        (i, last) if i == last => (between(i - 1), 2.0 * centres[i] - between(i - 1)),
        (i, _) => (between(i - 1), between(i)),
    };
    (0..centres.len()).map(edge).collect()
}

/// A range of an axis.
type Range = Option<(f64, f64)>;

/// The box around the tiles: the theoretical curve, which goes from corner to corner, does not widen it.
fn frame(tiles: &[Tile]) -> (Range, Range) {
    let widen = |range: Range, (low, high): (f64, f64)| {
        let (a, b) = range.unwrap_or((low, high));
        Some((a.min(low), b.max(high)))
    };
    tiles
        .iter()
        .fold((None, None), |(x, y), tile| (widen(x, tile.x), widen(y, tile.y)))
}
