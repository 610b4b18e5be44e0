//! Several saved runs in one figure, each labelled by what its scenario has that the others have not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hadaflow_plot::{Chart, Size, Theme, catalogue};
use serde_json::Value;

use super::figures::{NamedChart, PictureFormat, named_charts, write_picture};
use super::{Saved, figures::FigureData};
use crate::error::ExperimentError;
use crate::scenario::{Scenario, Selection};

/// Draws figures of several runs into a directory, one picture for all runs; figures that lack their data in every run are
/// left out.
///
/// # Errors
/// If a figure cannot be drawn or a file cannot be written.
pub fn compare(
    runs: &[Saved],
    directory: &Path,
    names: &Selection,
    format: PictureFormat,
    (size, theme): (Size, &Theme),
) -> Result<Vec<PathBuf>, ExperimentError> {
    let scenarios: Vec<&Scenario> = runs.iter().map(|run| &run.experiment.scenario).collect();
    let labels = differences(&scenarios);
    let mut written = Vec::new();
    for figure in catalogue().iter().filter(|figure| names.contains(figure.name())) {
        let mut charts: Vec<(String, Chart)> = Vec::new();
        for (run, label) in runs.iter().zip(&labels) {
            let data = FigureData::new(&run.experiment, &run.findings);
            let first = named_charts(*figure, &data.input(&run.experiment))?.into_iter().next();
            charts.extend(first.map(|named| (label.clone(), named.chart)));
        }
        let Some(chart) = hadaflow_plot::compare(&charts) else {
            continue;
        };
        let named = NamedChart {
            name: figure.name().to_owned(),
            description: figure.description(),
            chart,
        };
        let path = directory.join(format!("{}.{}", figure.name(), format.extension()));
        std::fs::create_dir_all(directory).map_err(|error| ExperimentError::Occupied {
            directory: directory.to_owned(),
            reason: error.to_string(),
        })?;
        write_picture(&named.drawn(size, theme)?, format, &path)?;
        written.push(path);
    }
    Ok(written)
}

/// What does not change what is computed.
const BESIDE: [&str; 5] = ["title", "record", "references", "predictions", "figures"];

/// For every scenario what it has that not all have, such as `𝐿 = 3, α = 0.01`; numbered where there is no difference.
#[must_use]
pub fn differences(scenarios: &[&Scenario]) -> Vec<String> {
    let fields: Vec<BTreeMap<String, String>> = scenarios.iter().map(|scenario| fields(scenario)).collect();
    let differs = |name: &String| fields.iter().any(|other| other.get(name) != fields[0].get(name));
    let names: std::collections::BTreeSet<&String> = fields.iter().flat_map(BTreeMap::keys).collect();
    let names: Vec<&String> = names.into_iter().filter(|name| differs(name)).collect();
    let label = |(k, own): (usize, &BTreeMap<String, String>)| {
        let parts = names
            .iter()
            .filter_map(|name| own.get(*name).map(|value| format!("{}{value}", spoken(name))));
        match parts.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => format!("run {}", k + 1),
            parts => parts,
        }
    };
    fields.iter().enumerate().map(label).collect()
}

/// The fields of a scenario by path, as text.
fn fields(scenario: &Scenario) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Ok(Value::Object(all)) = serde_json::to_value(scenario) {
        for (name, value) in all.iter().filter(|(name, _)| !BESIDE.contains(&name.as_str())) {
            flatten(name.clone(), value, &mut found);
        }
    }
    found
}

fn flatten(path: String, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(format!("{path}.{name}"), value, found);
            }
        }
        Value::String(text) => {
            found.insert(path, text.clone());
        }
        other => {
            found.insert(path, other.to_string());
        }
    }
}

/// A field as a label begins: its symbol where it has one.
fn spoken(path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    match last {
        "depth" => "𝐿 = ".to_owned(),
        "Identical" => "α = ".to_owned(),
        "measurements" => "𝑚 = ".to_owned(),
        "dimension" => "𝑛 = ".to_owned(),
        "sparsity" => "𝑠 = ".to_owned(),
        "step" => "η = ".to_owned(),
        "noise" => "σ = ".to_owned(),
        "ensemble" | "method" | "sign" | "formulation" => String::new(),
        other => format!("{} ", other.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    fn scenario(text: &str) -> Scenario {
        let text = format!("Scenario(problem: Synthetic(measurements: 20, dimension: 50), {text})");
        parse(&text, Path::new("s.ron")).unwrap()
    }

    #[test]
    fn labels_say_what_differs_and_nothing_else() {
        let two = scenario("title: \"a\", model: (depth: 2, initialization: Identical(0.01))");
        let three = scenario("title: \"b\", model: (depth: 3, initialization: Identical(0.01))");
        let small = scenario("model: (depth: 3, initialization: Identical(1e-4))");
        let descent = scenario(
            "model: (depth: 2, initialization: Identical(0.01)), integrate: (method: GradientDescent(step: 0.5))",
        );
        assert_eq!(differences(&[&two, &three]), ["𝐿 = 2", "𝐿 = 3"]);
        assert_eq!(differences(&[&three, &small]), ["α = 0.01", "α = 0.0001"]);
        assert_eq!(differences(&[&two, &descent]), ["Bdf", "η = 0.5"]);
        assert_eq!(differences(&[&two, &two]), ["run 1", "run 2"]);
    }
}
