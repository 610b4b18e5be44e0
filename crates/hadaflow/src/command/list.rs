//! `hadaflow list`.

use std::path::Path;

use clap::ValueEnum;
use hadaflow::analysis::observable::{self, Context};
use hadaflow::analysis::prediction;
use hadaflow::analysis::reference::Reference;
use hadaflow::core::flow::FactorFlow;
use hadaflow::core::initialization::{Sign, Start};
use hadaflow::core::measurement::{self, Gaussian};
use hadaflow::core::problem::Problem;
use hadaflow::core::signal::{Magnitude, SparseSignal};
use hadaflow::experiment::scenario;
use serde_json::{Map, Value, json};

use crate::arguments::{self, Kind};
use crate::exit::{Exit, Failure, print};

/// An entry: name, one sentence, and more where there is more to say.
struct Entry {
    name: String,
    description: String,
    details: Vec<(&'static str, String)>,
}

impl Entry {
    fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            details: Vec::new(),
        }
    }
}

/// List one kind or all.
pub fn execute(arguments: &arguments::List) -> Result<Exit, Failure> {
    let kinds = arguments
        .kind
        .map_or(Kind::value_variants().to_vec(), |kind| vec![kind]);
    let mut text = String::new();
    let mut document = Map::new();
    for kind in kinds {
        let title = kind
            .to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default();
        let entries = entries(kind)?;
        document.insert(title.clone(), entries.iter().map(as_json).collect());
        text.push_str(&format!("{title}\n"));
        for entry in &entries {
            text.push_str(&format!("  {:<34}{}\n", entry.name, entry.description));
            for (label, detail) in &entry.details {
                text.push_str(&format!("  {:<34}{label}: {detail}\n", ""));
            }
        }
        text.push('\n');
    }
    print(&if arguments.json {
        super::json(&Value::Object(document))
    } else {
        text
    })?;
    Ok(Exit::Done)
}

fn as_json(entry: &Entry) -> Value {
    let mut object = json!({ "name": entry.name, "description": entry.description });
    for (label, detail) in &entry.details {
        object[label] = json!(detail);
    }
    object
}

fn entries(kind: Kind) -> Result<Vec<Entry>, Failure> {
    Ok(match kind {
        Kind::Ensembles => measurement::catalogue()
            .iter()
            .map(|e| Entry::new(e.name(), e.description()))
            .collect(),
        Kind::Models => models(),
        Kind::Observables => observables()?,
        Kind::Predictions => predictions(),
        Kind::Figures => figures(),
        Kind::SweepFigures => sweep_figures(),
        Kind::Events => events(),
        Kind::Scenarios => scenarios(Path::new("scenarios")),
    })
}

/// Figures of runs, then those of sweeps.
fn figures() -> Vec<Entry> {
    let catalogue = hadaflow::plot::catalogue().iter();
    catalogue
        .map(|figure| Entry::new(figure.name(), figure.description()))
        .collect()
}

fn sweep_figures() -> Vec<Entry> {
    let catalogue = hadaflow::plot::sweep::catalogue().iter();
    catalogue
        .map(|figure| {
            let mut entry = Entry::new(figure.name(), figure.description());
            entry.details = vec![("columns", figure.columns().join(", "))];
            entry
        })
        .collect()
}

fn models() -> Vec<Entry> {
    vec![
        Entry::new("Positive", "w = x₁ ∘ … ∘ x_L with nonnegative factors"),
        Entry::new("Signed", "w = u₁ ∘ … ∘ u_L − v₁ ∘ … ∘ v_L"),
        Entry::new("Identical(alpha)", "every factor starts at alpha"),
        Entry::new("Vector([..] or file)", "every factor starts at this vector"),
        Entry::new("PerFactor([a1, .., aL])", "factor k starts at a_k"),
        Entry::new(
            "Random(scale: .., spread: ..)",
            "every entry starts at scale·exp(spread·N(0,1)), independently",
        ),
    ]
}

fn events() -> Vec<Entry> {
    vec![
        Entry::new("RelativeLossBelow(x)", "ℓ ≤ x·½|y|²"),
        Entry::new("LossBelow(x)", "ℓ ≤ x"),
        Entry::new(
            "Stationary(x)",
            "the optimality conditions of min ℓ hold to x relative to ‖Aᵀy‖_∞",
        ),
        Entry::new("TimeReached(t)", "t is reached"),
        Entry::new(
            "TimeUnits(k)",
            "t = k·T(α), T = log(1/α) for L = 2 and α^{2−L}/(L−2) for L > 2",
        ),
        Entry::new(
            "CoordinateActive(index: i, threshold: x)",
            "|w_i| ≥ x, i counted from 0",
        ),
    ]
}

fn predictions() -> Vec<Entry> {
    let entry = |prediction: &&dyn prediction::Prediction| {
        let statement = prediction.statement();
        let mut entry = Entry::new(prediction.name(), statement.formula);
        entry.details = vec![
            ("kind", prediction.kind().name().to_owned()),
            ("hypotheses", statement.hypotheses.to_owned()),
            ("citation", statement.citation.to_owned()),
        ];
        entry
    };
    prediction::catalogue().iter().map(entry).collect()
}

/// The observables of the flow that has them all: a signed factor flow with a dense matrix and a reference, as gradient
/// descent sees it.
fn observables() -> Result<Vec<Entry>, Failure> {
    let signal = SparseSignal {
        sparsity: 1,
        magnitude: Magnitude::Constant(1.0),
    };
    let problem = Problem::synthetic(&Gaussian, 1, 1, &signal, true, 0.0, 0).map_err(Failure::Core)?;
    let flow = FactorFlow::new(problem, 2, Sign::Signed, &Start::Identical(vec![1.0])).map_err(Failure::Core)?;
    let flow = flow.with_shrinkage();
    let references = vec![Reference::new("truth", vec![1.0], &flow)];
    let context = Context {
        references,
        support_threshold: 1e-3,
    };
    let entry = |observable: Box<dyn observable::Observable>| {
        let label = observable.label();
        let mut entry = Entry::new(label.column, label.description);
        entry.details = vec![("symbol", label.symbol)];
        entry
    };
    Ok(observable::all(&flow, &context).into_iter().map(entry).collect())
}

/// The scenarios of a directory, by name; files that are none are passed over.
fn scenarios(directory: &Path) -> Vec<Entry> {
    let files = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut paths: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "ron"))
        .collect();
    paths.sort();
    let entry = |path: &std::path::PathBuf| {
        let scenario = scenario::read(path).ok()?;
        Some(Entry::new(path.display().to_string(), scenario.title))
    };
    paths.iter().filter_map(entry).collect()
}
