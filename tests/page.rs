//! The page of a run: the numbers of its report, and what a browser makes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use hadaflow::experiment::write::from_json;
use serde_json::Value;
use support::{Place, SMALL, repository};

/// More than this is too much to send by mail.
const MOST_BYTES: usize = 3_000_000;

fn page(place: &Place, out: &str) -> String {
    String::from_utf8(place.read(&format!("{out}/report.html"))).unwrap()
}

/// The numbers that a page shows, with the text that is shown.
fn shown(page: &str) -> Vec<(f64, String)> {
    let cells = page
        .split("<data value=\"")
        .skip(1)
        .map(|cell| cell.split_once("</data>").unwrap().0);
    cells
        .map(|cell| {
            let (value, text) = cell.split_once("\">").unwrap();
            (value.parse().unwrap(), text.to_owned())
        })
        .collect()
}

/// Every number below a place of the report.
fn numbers(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| numbers(item, found)),
        Value::Object(map) => map.values().for_each(|item| numbers(item, found)),
        other => found.extend(from_json(other)),
    }
}

/// Equal but for the last bit, which the JSON library of this test may miss.
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 4e-16 * a.abs()
}

#[test]
fn the_page_has_the_numbers_of_the_report() {
    let place = Place::new();
    let listed = "references: [Truth, BasisPursuit, BregmanProjection], record";
    place.write("s.ron", SMALL.replace("record", listed));
    place.run(&["run", "s.ron", "--out", "out"]).exits(0);
    says_what_the_report_says(&place);
}

/// Numbers, verdicts and pictures of the page in `out` are those of its report.
fn says_what_the_report_says(place: &Place) {
    let (report, page) = (place.report("out"), page(place, "out"));
    let cells = shown(&page);
    for part in ["statistics", "final", "predictions"] {
        let mut found = Vec::new();
        numbers(&report[part], &mut found);
        assert!(found.len() >= 9, "{part}");
        for number in found {
            assert!(cells.iter().any(|(value, _)| same(*value, number)), "{part}: {number}");
        }
    }
    for (value, text) in &cells {
        // the rounded text says the same to six digits
        let plain = text.replace('−', "-").replace("·10<sup>", "e").replace("</sup>", "");
        let read = match plain.as_str() {
            "not a number" => f64::NAN,
            "∞" => f64::INFINITY,
            other => other.parse().unwrap_or_else(|_| panic!("{text}")),
        };
        assert!(
            same(read, *value) || (read - value).abs() <= 1e-5 * value.abs(),
            "{value} shown as {text}"
        );
    }
    for prediction in report["predictions"].as_array().unwrap() {
        let name = prediction["name"].as_str().unwrap().replace('_', "_<wbr>");
        let row = page
            .lines()
            .find(|line| line.contains(&format!("<code>{name}</code>")))
            .unwrap();
        assert!(
            row.contains(&format!(
                "class=\"verdict {}\"",
                prediction["verdict"].as_str().unwrap()
            )),
            "{name}"
        );
        // its own numbers stand in its own row, in the order of the columns
        let mut expected = Vec::new();
        for part in ["measured", "bound", "uncertainty", "margin"] {
            numbers(&prediction[part], &mut expected);
        }
        assert_eq!(
            expected.len(),
            if prediction["verdict"] == "inapplicable" { 0 } else { 4 },
            "{name}"
        );
        let found: Vec<f64> = shown(row).into_iter().map(|(value, _)| value).collect();
        assert_eq!(found.len(), expected.len(), "{name}");
        assert!(
            found.iter().zip(&expected).all(|(a, b)| same(*a, *b)),
            "{name}: {found:?} {expected:?}"
        );
    }
    // every figure that was drawn is on the page, as it was drawn
    let svgs: Vec<String> = place
        .files("out")
        .into_iter()
        .filter(|name| name.ends_with(".svg"))
        .collect();
    assert!(svgs.len() > 6, "{svgs:?}");
    for name in &svgs {
        let svg = String::from_utf8(place.read(&format!("out/{name}"))).unwrap();
        assert!(page.contains(svg.trim_end().strip_prefix("<svg ").unwrap()), "{name}");
    }
    let here = place.path("").to_string_lossy().into_owned();
    assert!(!page.contains(here.trim_end_matches('/')), "no place of this machine");
}

#[test]
fn without_figures_and_predictions_there_is_a_page_still() {
    let place = Place::new();
    place.write(
        "s.ron",
        SMALL.replace("record", "figures: None, predictions: None, record"),
    );
    place.run(&["run", "s.ron", "--out", "out"]).exits(0);
    let page = page(&place, "out");
    assert!(page.contains("None were drawn.") && page.contains("The scenario asks for none."));
}

/// The page in Chromium, where it is installed: every figure comes to life, and nothing is complained of.
#[test]
fn a_browser_opens_the_page_without_complaint() {
    let place = Place::new();
    let scenario = repository().join("scenarios/two_layers_recover_a_sparse_vector.ron");
    place
        .run(&["run".as_ref(), scenario.as_os_str(), "--out".as_ref(), "out".as_ref()])
        .exits(0);
    says_what_the_report_says(&place);
    let text = page(&place, "out");
    for outside in ["src=", "href=", "@import", "url(h", "fetch(", "XMLHttpRequest"] {
        assert!(!text.contains(outside), "the page asks for nothing: {outside}");
    }
    assert!(text.contains("default-src 'none'"), "and forbids itself to");
    let figures = text.matches("<figure ").count();
    assert!(figures >= 9, "{figures}");
    let size = place.read("out/report.html").len();
    assert!(size < MOST_BYTES, "{size} bytes");
    let Some(seen) = place.browse("out/report.html", &[]) else {
        println!("skipped: there is no Chromium here");
        return;
    };
    assert!(seen.complaints.is_empty(), "{:?}", seen.complaints);
    let page = seen.dom;
    assert_eq!(page.matches("class=\"live\"").count(), figures);
    assert_eq!(page.matches("class=\"paper\" hidden").count(), figures);
}
