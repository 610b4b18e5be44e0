//! `report.html`: a run as one page that needs nothing else.
//!
//! Every number comes from the document that is written to `report.json`, in full as the `value` of a `<data>` element and
//! rounded as its text. The figures are the pictures of the run, drawn again by the script as charts that show values
//! and zoom; without the script, and on paper, the pictures stay. The page asks for nothing from anywhere, and says so to
//! the browser.

pub(crate) mod live;
pub(crate) mod markup;
pub(crate) mod player;

use hadaflow_plot::{Chart, Theme};
use serde_json::Value;

use markup::{cell, escaped, formula, row, table};

/// A picture of the run.
pub struct Picture {
    /// File stem.
    pub name: String,
    /// What is seen, in one sentence.
    pub description: &'static str,
    /// What is drawn.
    pub chart: Chart,
    /// How it is drawn on paper.
    pub svg: String,
}

/// The page of a run: its report, its scenario and its pictures.
#[must_use]
pub fn page(report: &Value, scenario: &str, pictures: &[Picture]) -> String {
    let title = escaped(text(report, "/scenario/title"));
    let sections = [
        section("problem", "Problem and outcome", &problem(report)),
        section("predictions", "Predictions", &predictions(report)),
        section("figures", "Figures", &figures(pictures)),
        section("numbers", "Final values", &values(report, "/final", "column")),
        section("references", "References", &references(report)),
        section("solver", "Solver", &values(report, "/statistics", "count")),
        section("scenario", "Scenario", &scenario_text(scenario)),
        section("provenance", "Provenance", &provenance(report)),
    ];
    let content = format!(
        "<header>\n<h1>{title}</h1>\n{}</header>\n{}",
        verdicts(report),
        sections.concat()
    );
    document(&title, "", &content, include_str!("page/report.js"))
}

/// A page that stands alone: its title and content in HTML, styles beyond those of all pages, and what its script does with
/// the charts.
pub(crate) fn document(title: &str, style: &str, content: &str, script: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{common}{style}{dark}</style>\n</head>\n<body>\n<main>\n{content}</main>\n\
         <script>\n{charts}{script}{copy}</script>\n</body>\n</html>\n",
        common = include_str!("page/style.css"),
        dark = markup::dark_colours(&Theme::light(), &Theme::dark()),
        charts = include_str!("page/chart.js"),
        copy = include_str!("page/copy.js"),
    )
}

/// The text at a place in the report, empty if there is none.
fn text<'a>(report: &'a Value, place: &str) -> &'a str {
    report.pointer(place).and_then(Value::as_str).unwrap_or("")
}

/// The members of an object of the report.
fn members<'a>(report: &'a Value, place: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    report.pointer(place).and_then(Value::as_object).into_iter().flatten()
}

/// The items of a list of the report.
fn items<'a>(report: &'a Value, place: &str) -> impl Iterator<Item = &'a Value> {
    report.pointer(place).and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn section(id: &str, heading: &str, content: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n<h2 id=\"{id}-heading\">{heading}</h2>\n{content}</section>\n"
    )
}

/// A name of the program, which may break after an underscore.
fn code(name: &str) -> String {
    format!("<code>{}</code>", escaped(name).replace('_', "_<wbr>"))
}

/// How many predictions hold, are violated, do not apply.
fn verdicts(report: &Value) -> String {
    let count = |verdict: &str| {
        items(report, "/predictions")
            .filter(|p| p["verdict"] == verdict)
            .count()
    };
    let part = |verdict: &str, words: &str| match count(verdict) {
        0 => format!("<span>0 {words}</span>"),
        some => format!("<span class=\"{verdict}\">{some} {words}</span>"),
    };
    format!(
        "<p class=\"verdicts\">{} · {} · {}</p>\n<p>{}</p>\n",
        part("holds", "hold"),
        part("violated", "violated"),
        part("inapplicable", "not applicable"),
        escaped(text(report, "/outcome/message")),
    )
}

/// What is solved, how, and how it ended.
fn problem(report: &Value) -> String {
    let factors = match text(report, "/scenario/sign") {
        "Positive" => "w = x₁∘…∘x_L",
        _ => "w = u₁∘…∘u_L − v₁∘…∘v_L",
    };
    let rows = [
        (
            "loss",
            formula("ℓ(w) = ½‖Aw − y‖², minimised by the gradient flow of the factors"),
        ),
        (
            "model",
            formula(&format!("{factors}, L = {}", report["scenario"]["depth"])),
        ),
        ("measurements m", cell(&report["scenario"]["measurements"])),
        ("dimension n", cell(&report["scenario"]["dimension"])),
        ("seed", cell(&report["scenario"]["seed"])),
        (
            "formulation",
            escaped(&format!(
                "{}: {}",
                text(report, "/formulation"),
                text(report, "/formulation_reason")
            )),
        ),
        ("method", escaped(text(report, "/method"))),
        ("step", cell(&report["step"])),
        ("tolerance", cell(&report["tolerance"])),
        ("outcome", escaped(text(report, "/outcome/kind"))),
        ("final time", cell(&report["t_end"])),
        ("recorded times", cell(&report["recorded_times"])),
    ];
    let described = rows.iter().filter(|(_, value)| !value.is_empty());
    let body: String = described
        .map(|(name, value)| row(name, std::slice::from_ref(value)))
        .collect();
    let marks: String = items(report, "/marks")
        .map(|mark| row(&escaped(text(mark, "/event")), &[format!("t = {}", cell(&mark["t"]))]))
        .collect();
    let notes: String = items(report, "/notes")
        .map(|note| format!("<li>{}</li>\n", formula(note.as_str().unwrap_or(""))))
        .collect();
    let notes = if notes.is_empty() {
        notes
    } else {
        format!("<ul class=\"notes\">\n{notes}</ul>\n")
    };
    table("problem", &[], &(body + &marks)) + &notes
}

/// Every statement with its verdict and its numbers.
fn predictions(report: &Value) -> String {
    let describe = |p: &Value| {
        let verdict = text(p, "/verdict");
        let kind = match text(p, "/kind") {
            "theorem" => String::new(),
            other => format!("<br>{}", escaped(other)),
        };
        let statement = format!(
            "<span class=\"formula\">{}</span><details><summary>if and source</summary>{}. {}</details>",
            formula(text(p, "/statement")),
            formula(text(p, "/hypotheses")),
            escaped(text(p, "/citation")),
        );
        let verdict = format!("<span class=\"verdict {verdict}\">{verdict}</span>{kind}");
        let allowed = match p["bound"].is_null() {
            true => String::new(),
            false => format!("{} + {}", cell(&p["bound"]), cell(&p["uncertainty"])),
        };
        let cells = [
            verdict,
            statement,
            cell(&p["measured"]),
            allowed,
            cell(&p["margin"]),
            formula(text(p, "/reason")),
        ];
        row(&code(text(p, "/name")), &cells)
    };
    let body: String = items(report, "/predictions").map(describe).collect();
    if body.is_empty() {
        return "<p>The scenario asks for none.</p>\n".to_owned();
    }
    let explained = "<p>Allowed is the bound of the statement plus what the accuracy of the integration adds; the margin is \
                     what is left.</p>\n";
    let columns = [
        "prediction",
        "verdict",
        "statement",
        "measured",
        "allowed",
        "margin",
        "reason",
    ];
    explained.to_owned() + &table("predictions", &columns, &body)
}

/// Every picture with its data.
fn figures(pictures: &[Picture]) -> String {
    if pictures.is_empty() {
        return "<p>None were drawn.</p>\n".to_owned();
    }
    let figure = |picture: &Picture| {
        let data = live::data(&picture.chart, &Theme::light());
        figure_element(picture, &format!("<script type=\"application/json\">{data}</script>\n"))
    };
    format!(
        "<div class=\"figures\">\n{}</div>\n",
        pictures.iter().map(figure).collect::<String>()
    )
}

/// A picture as it is printed, with its name, and what the script needs in the same element.
pub(crate) fn figure_element(picture: &Picture, data: &str) -> String {
    let (name, description) = (escaped(&picture.name), escaped(picture.description));
    let label = format!("<svg role=\"img\" aria-label=\"{description}\" ");
    format!(
        "<figure id=\"figure-{name}\">\n<div class=\"paper\">{}</div>\n{data}\
         <figcaption><code>{name}</code> {description}</figcaption>\n</figure>\n",
        picture.svg.replacen("<svg ", &label, 1).trim_end(),
    )
}

/// An object of numbers as a table.
fn values(report: &Value, place: &str, what: &str) -> String {
    let body: String = members(report, place)
        .map(|(name, value)| row(&code(name), &[cell(value)]))
        .collect();
    table(place.trim_start_matches('/'), &[what, "value"], &body)
}

fn references(report: &Value) -> String {
    let describe = |(name, r): (&String, &Value)| {
        let solves = if r["solves"] == true { "yes" } else { "no" };
        let certificate = match r.get("certificate") {
            Some(c) => format!("≥ {}, {}", cell(&c["lower_bound"]), escaped(text(c, "/uniqueness"))),
            None => escaped(text(r, "/reason")),
        };
        let cells = [
            cell(&r["l1_norm"]),
            cell(&r["relative_mismatch"]),
            solves.to_owned(),
            certificate,
        ];
        row(&code(name), &cells)
    };
    let body: String = members(report, "/references").map(describe).collect();
    if body.is_empty() {
        return "<p>There are none.</p>\n".to_owned();
    }
    let columns = ["reference z", "‖z‖₁", "‖Az − y‖/‖y‖", "Az = y", "certificate"];
    table("references", &columns, &body)
}

fn scenario_text(scenario: &str) -> String {
    format!(
        "<p>With every default. <button type=\"button\" class=\"copy\" hidden>Copy</button></p>\n\
         <pre tabindex=\"0\" aria-label=\"scenario\"><code>{}</code></pre>\n",
        escaped(scenario)
    )
}

fn provenance(report: &Value) -> String {
    let words = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.as_str().unwrap_or("unknown").to_owned(),
    };
    let program = members(report, "/provenance")
        .filter(|(name, _)| *name != "inputs")
        .map(|(name, value)| {
            row(
                &escaped(&name.replace('_', " ")),
                &[format!(
                    "<span data-key=\"{}\">{}</span>",
                    escaped(name),
                    escaped(&words(value))
                )],
            )
        });
    let hash = row(
        "scenario, SHA-256",
        &[format!("<code>{}</code>", escaped(text(report, "/scenario/hash")))],
    );
    // The name alone: where it lay is of no use elsewhere.
    let inputs = items(report, "/provenance/inputs").map(|input| {
        let name = text(input, "/path").rsplit(['/', '\\']).next().unwrap_or("");
        row(
            &format!("{}, SHA-256", escaped(name)),
            &[format!("<code>{}</code>", escaped(text(input, "/sha256")))],
        )
    });
    let files = items(report, "/files")
        .filter_map(Value::as_str)
        .map(escaped)
        .collect::<Vec<_>>();
    let files = row("files beside this page", &[files.join(", ")]);
    let body: String = program.chain([hash]).chain(inputs).chain([files]).collect();
    table("provenance", &[], &body)
}

#[cfg(test)]
mod tests;
