use hadaflow_plot::{Axis, Colour, Series, Size, svg};
use serde_json::json;

use super::*;
use crate::write::from_json;

fn report() -> Value {
    json!({
        "scenario": {"title": "a <b> & \"c\"", "hash": "abc", "measurements": 3, "dimension": 5, "depth": 2, "sign": "Signed", "seed": 1},
        "formulation": "Dual", "formulation_reason": "why", "method": "Bdf", "step": null, "tolerance": 1e-8,
        "outcome": {"kind": "stopped", "message": "stopped by <x>"},
        "t_end": 2461251.496246032, "marks": [{"event": "LossBelow(1)", "t": 0.1234567890123}], "recorded_times": 7,
        "statistics": {"steps": 1169, "wall_seconds": 0.25, "cpu_seconds": "nan"},
        "final": {"loss": 2.2114685049395692e-12, "upper_bound": "inf"},
        "references": {"truth": {"l1_norm": 4.201317847255756, "relative_mismatch": 0.0, "solves": true}},
        "predictions": [
            {"name": "good_one", "verdict": "holds", "kind": "theorem", "measured": 2.6171977373708e-08, "bound": 0.0,
             "uncertainty": 1e-6, "margin": 9.73828022626292e-07, "reason": "worst: basis_pursuit at t = 5",
             "statement": "D_F(z, w(t)) < 2 ∫ ℓ", "hypotheses": "Az = y", "citation": "arXiv"},
            {"name": "no_one", "verdict": "inapplicable", "kind": "asymptotic", "measured": null, "bound": null,
             "uncertainty": null, "margin": null, "reason": "not asked", "statement": "s", "hypotheses": "h", "citation": "c"},
        ],
        "notes": ["y = 0"], "files": ["report.html"],
        "provenance": {"version": "0", "target": "t", "instruction_sets": ["a", "b"], "host": "h",
                       "inputs": [{"path": "/home/somebody/A.npy", "sha256": "123"}]},
    })
}

fn picture() -> Picture {
    let chart = Chart {
        x: Axis::log10("time 𝑡"),
        series: vec![Series::line("ℓ", vec![1.0, 2.0], vec![3.0, 4.0], Colour::Palette(0))],
        ..Chart::default()
    };
    Picture {
        name: "loss_decay".to_owned(),
        description: "What is seen.",
        svg: svg(&chart, Size::OneColumn, &Theme::light()).unwrap(),
        chart,
    }
}

/// Every number of a document.
fn numbers(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| numbers(item, found)),
        Value::Object(map) => map.values().for_each(|item| numbers(item, found)),
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => found.push(number.to_string()),
        Value::String(text) => found.extend(from_json(value).map(|_| text.clone())),
    }
}

#[test]
fn every_number_of_the_report_is_on_the_page() {
    let html = page(&report(), "Scenario()", &[]);
    let mut all = Vec::new();
    numbers(&report(), &mut all);
    assert!(all.len() > 18, "{all:?}");
    for number in all.iter().filter(|number| **number != "2") {
        assert!(html.contains(&format!("<data value=\"{number}\">")), "{number}");
    }
    // the depth stands in the model's formula
    assert!(html.contains("L = 2"));
}

#[test]
fn a_page_needs_nothing_and_tells_no_place() {
    let html = page(&report(), "Scenario(title: \"</pre><script>\")", &[picture()]);
    let outside = [
        "http://", "https://", "src=", "href=", "@import", "url(h", "/home", "somebody",
    ];
    for word in outside {
        let found = html
            .match_indices(word)
            .map(|(at, _)| &html[at..html.len().min(at + 40)]);
        let links: Vec<&str> = found.filter(|text| !text.starts_with("http://www.w3.org/")).collect();
        assert!(links.is_empty(), "{links:?}");
    }
    assert!(html.contains("default-src 'none'"));
    assert!(html.contains("A.npy") && html.contains("<h1>a &lt;b&gt; &amp; &quot;c&quot;</h1>"));
    assert!(
        html.contains("&lt;/pre&gt;&lt;script&gt;"),
        "what a scenario says is text"
    );
}

#[test]
fn figures_are_pictures_with_names_and_data() {
    let html = page(&report(), "", &[picture()]);
    assert!(html.contains("<svg role=\"img\" aria-label=\"What is seen.\" width=\"85mm\""));
    let data = html
        .split_once("<script type=\"application/json\">")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["series"][0]["y"], json!([3.0, 4.0]));
    assert!(page(&report(), "", &[]).contains("None were drawn."));
}

#[test]
fn elements_are_balanced() {
    let html = page(&report(), "x", &[picture(), picture()]);
    let body = html.split_once("<body>").unwrap().1.split_once("<script>").unwrap().0;
    for tag in [
        "section", "table", "tbody", "tr", "td", "th", "figure", "div", "details", "span", "svg", "data", "main",
    ] {
        let opened = body.matches(&format!("<{tag} ")).count() + body.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, body.matches(&format!("</{tag}>")).count(), "{tag}");
        assert!(opened > 0, "{tag}");
    }
}
