//! The figures of a run: what they are drawn from, and their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hadaflow_analysis::prediction::Family;
use hadaflow_analysis::reference::jump_process::{JumpProcess, Phase};
use hadaflow_analysis::time_average::TimeAverage;
use hadaflow_core::flow::time_unit;
use hadaflow_core::trajectory::Trajectory;
use hadaflow_plot::{Chart, Figure, FigureInput, PRINT_DPI, PlotError, Size, Theme, VanishingStart, catalogue};

use super::Findings;
use crate::error::ExperimentError;
use crate::page::Picture;
use crate::resolve::Experiment;
use crate::scenario::Selection;
use crate::write::write_bytes;

/// Aᵀq at all recorded times is computed up to this many numbers (64 MiB).
const MOST_PULLS: usize = 1 << 23;
/// m·n·min(m, n) up to which the jumps of vanishing starts are computed, as for the bounds that need the matrix.
const JUMP_WORK: f64 = 2e7;

/// Format of a figure; all are made from the same SVG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PictureFormat {
    /// Vector graphics, text as paths.
    #[default]
    Svg,
    /// Pixels at the resolution of print.
    Png,
    /// A page with nothing but the figure.
    Pdf,
}

impl PictureFormat {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }

    pub(crate) fn encode(self, svg: &str) -> Result<Vec<u8>, PlotError> {
        match self {
            Self::Svg => Ok(svg.as_bytes().to_vec()),
            Self::Png => hadaflow_plot::png(svg, PRINT_DPI),
            Self::Pdf => hadaflow_plot::pdf(svg),
        }
    }
}

/// Draws the figures the scenario asks for.
pub(super) fn draw_all(experiment: &Experiment, findings: &Findings) -> Result<Vec<Picture>, ExperimentError> {
    let data = FigureData::new(experiment, findings);
    let input = data.input(experiment);
    let chosen = catalogue()
        .iter()
        .filter(|figure| experiment.scenario.figures.contains(figure.name()));
    let drawn = chosen.map(|figure| draw(*figure, &input, (Size::OneColumn, &Theme::light())));
    Ok(drawn.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Writes pictures in SVG and PNG.
pub(super) fn save_figures(pictures: &[Picture], directory: &Path) -> Result<Vec<String>, ExperimentError> {
    let mut names = Vec::new();
    for picture in pictures {
        for format in [PictureFormat::Svg, PictureFormat::Png] {
            let name = format!("figures/{}.{}", picture.name, format.extension());
            write_picture(picture, format, &directory.join(&name))?;
            names.push(name);
        }
    }
    Ok(names)
}

pub(super) fn write_picture(picture: &Picture, format: PictureFormat, path: &Path) -> Result<(), ExperimentError> {
    let bytes = format
        .encode(&picture.svg)
        .map_err(|source| failed(&picture.name, source))?;
    Ok(write_bytes(path, &bytes)?)
}

pub(super) fn failed(figure: &str, source: PlotError) -> ExperimentError {
    ExperimentError::Figure {
        figure: figure.to_owned(),
        source,
    }
}

/// What figures are drawn from.
pub(super) struct FigureData {
    title: String,
    columns: BTreeMap<String, Vec<f64>>,
    weights: Option<(Vec<f64>, usize)>,
    truth: Option<Vec<f64>>,
    references: Vec<(String, f64)>,
    vanishing: Option<Vanishing>,
    families: BTreeMap<String, Family>,
}

/// What is known of the flow for vanishing starts.
struct Vanishing {
    unit: f64,
    pull: Option<Vec<f64>>,
    jumps: Vec<(f64, f64)>,
    average: Option<TimeAverage>,
}

impl FigureData {
    pub(super) fn new(experiment: &Experiment, findings: &Findings) -> Self {
        let trajectory = &findings.trajectory;
        let weights = (trajectory.weights.clone(), experiment.problem.cols());
        let norm = |r: &hadaflow_analysis::reference::Reference| (r.name.clone(), r.l1_norm);
        Self {
            title: experiment.scenario.title.clone(),
            columns: findings.series.by_name(),
            weights: trajectory.keep_weights.then_some(weights),
            truth: experiment.problem.truth.clone(),
            references: experiment.references.iter().map(norm).collect(),
            vanishing: vanishing(experiment, trajectory),
            families: findings.evidence.families.clone(),
        }
    }

    /// Lends it to a figure.
    pub(super) fn input<'a>(&'a self, experiment: &Experiment) -> FigureInput<'a> {
        let n = experiment.problem.cols();
        let vanishing = self.vanishing.as_ref().map(|known| VanishingStart {
            unit: known.unit,
            pull: known.pull.as_deref().map(|pull| (pull, n)),
            signed: experiment.choice.flow.signed(),
            jumps: &known.jumps,
        });
        FigureInput {
            title: &self.title,
            t: self.columns.get("t").map_or(&[], Vec::as_slice),
            columns: &self.columns,
            weights: self.weights.as_ref().map(|(weights, n)| (weights.as_slice(), *n)),
            truth: self.truth.as_deref(),
            references: &self.references,
            vanishing,
            families: &self.families,
            average: self.vanishing.as_ref().and_then(|known| known.average.as_ref()),
        }
    }
}

/// For an identical start below 1: the unit of time, Aᵀq where it fits, the jumps and the lasso path where they are cheap.
fn vanishing(experiment: &Experiment, trajectory: &Trajectory) -> Option<Vanishing> {
    let alpha = experiment.setting.scale().filter(|alpha| *alpha < 1.0)?;
    let (m, n) = (experiment.problem.rows(), experiment.problem.cols());
    let operator = &experiment.problem.operator;
    let pull = (trajectory.len().saturating_mul(n) <= MOST_PULLS).then(|| {
        let mut pull = vec![0.0; trajectory.len() * n];
        for (q, out) in trajectory.dual.chunks_exact(m).zip(pull.chunks_exact_mut(n)) {
            operator.apply_adjoint(q, out);
        }
        pull
    });
    let affordable = (m as f64) * (n as f64) * (m.min(n) as f64) <= JUMP_WORK; // exact below 2^53
    let unit = time_unit(experiment.scenario.model.depth, alpha);
    let signed = experiment.choice.flow.signed();
    let jumps = operator.dense().filter(|_| affordable).map_or_else(Vec::new, |a| {
        let process = JumpProcess::new(a, &experiment.problem.measurements, signed);
        let norm = |phase: &Phase| phase.weights.iter().map(|w| w.abs()).sum();
        process
            .phases
            .iter()
            .skip(1)
            .map(|phase| (phase.tau, norm(phase)))
            .collect()
    });
    Some(Vanishing {
        unit,
        pull,
        jumps,
        average: affordable
            .then(|| TimeAverage::new(&experiment.problem, trajectory, unit, signed))
            .flatten(),
    })
}

/// The charts of the figures the scenario asks for, not drawn.
pub(crate) fn charts(experiment: &Experiment, findings: &Findings) -> Result<Vec<NamedChart>, ExperimentError> {
    let data = FigureData::new(experiment, findings);
    let input = data.input(experiment);
    let chosen = catalogue()
        .iter()
        .filter(|figure| experiment.scenario.figures.contains(figure.name()));
    let charts = chosen.map(|figure| named_charts(*figure, &input));
    Ok(charts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// A chart of a figure.
#[derive(Debug, Clone)]
pub struct NamedChart {
    /// Name of the figure, numbered from its second chart on.
    pub name: String,
    /// What is seen, in one sentence.
    pub description: &'static str,
    /// What is drawn.
    pub chart: Chart,
}

impl NamedChart {
    /// The chart as a picture.
    pub(crate) fn drawn(self, size: Size, theme: &Theme) -> Result<Picture, ExperimentError> {
        let svg = hadaflow_plot::svg(&self.chart, size, theme).map_err(|source| failed(&self.name, source))?;
        Ok(Picture {
            name: self.name,
            description: self.description,
            chart: self.chart,
            svg,
        })
    }
}

/// The charts of a figure, by name.
pub(super) fn named_charts(figure: &dyn Figure, input: &FigureInput<'_>) -> Result<Vec<NamedChart>, ExperimentError> {
    let charts = figure.charts(input).map_err(|source| failed(figure.name(), source))?;
    let name = |k: usize| {
        if k == 0 {
            figure.name().to_owned()
        } else {
            format!("{}_{}", figure.name(), k + 1)
        }
    };
    let named = |(k, chart): (usize, Chart)| NamedChart {
        name: name(k),
        description: figure.description(),
        chart,
    };
    Ok(charts.into_iter().enumerate().map(named).collect())
}

/// The charts of a figure, drawn.
fn draw(
    figure: &dyn Figure,
    input: &FigureInput<'_>,
    (size, theme): (Size, &Theme),
) -> Result<Vec<Picture>, ExperimentError> {
    let charts = named_charts(figure, input)?.into_iter();
    charts.map(|chart| chart.drawn(size, theme)).collect()
}

/// Draws figures of a run again into a folder: all the scenario names, or those of `names`.
///
/// # Errors
/// If a figure does not exist or a file cannot be written.
pub fn plot(
    experiment: &Experiment,
    findings: &Findings,
    folder: &Path,
    names: &Selection,
    format: PictureFormat,
    look: (Size, &Theme),
) -> Result<Vec<PathBuf>, ExperimentError> {
    let data = FigureData::new(experiment, findings);
    let input = data.input(experiment);
    std::fs::create_dir_all(folder).map_err(|error| ExperimentError::Occupied {
        directory: folder.to_owned(),
        reason: error.to_string(),
    })?;
    let mut written = Vec::new();
    let chosen = catalogue().iter().filter(|figure| names.contains(figure.name()));
    for figure in chosen {
        for picture in draw(*figure, &input, look)? {
            let path = folder.join(format!("{}.{}", picture.name, format.extension()));
            write_picture(&picture, format, &path)?;
            written.push(path);
        }
    }
    Ok(written)
}
