//! A lesson as one page that needs nothing else: sliders over its family, lights, a question and its answer.
//!
//! Without the script the page shows the run the lesson starts with, and a table across the family.

mod data;

use hadaflow_plot::{Size, Theme};

use super::{Family, Lesson, Light, Member};
use crate::error::ExperimentError;
use crate::page::markup::{cell, escaped, formula, rounded, row, table};
use crate::page::{Picture, document, figure_element, live, section};
use crate::run::NamedChart;
use crate::write::json_number;

/// The page of a lesson with its whole family.
///
/// # Errors
/// If a figure cannot be drawn.
pub fn page(lesson: &Lesson, family: &Family) -> Result<String, ExperimentError> {
    let start = lesson.start();
    let Some(member) = family.member(&start) else {
        return Ok(String::new());
    };
    let title = escaped(&lesson.title);
    let text: String = lesson.text.iter().map(|p| format!("<p>{}</p>\n", formula(p))).collect();
    let run = controls(lesson) + &lights(member) + &numbers(lesson, member);
    let stage = section("run", "One run of the family", &run)
        + &section("figures", "What happens", &figures(lesson, family, member)?);
    let below = [
        section("question", "A question", &question(lesson)),
        section("across", "Across the family", &across(lesson, family)),
        section("scenario", "The scenario", &scenario(member)),
    ];
    let data = live::embedded(&data::family(lesson, family));
    let content = format!(
        "<header>\n<h1>{title}</h1>\n<div class=\"prose\">\n{text}</div>\n</header>\n\
         <div class=\"stage\">\n{stage}</div>\n{}\
         <script type=\"application/json\" id=\"family\">{data}</script>\n",
        below.concat()
    );
    Ok(document(
        &title,
        include_str!("lesson.css"),
        &content,
        include_str!("lesson.js"),
    ))
}

/// The sliders, which do nothing without the script and are hidden until it runs.
fn controls(lesson: &Lesson) -> String {
    let slider = |(k, slider): (usize, &super::Slider)| {
        format!(
            "<label for=\"slider-{k}\">{} <span class=\"formula\">{}</span></label>\
             <input type=\"range\" id=\"slider-{k}\" min=\"0\" max=\"{}\" step=\"1\" value=\"{}\" autocomplete=\"off\">\
             <output for=\"slider-{k}\">{}</output>\n",
            escaped(&slider.about),
            formula(&slider.symbol),
            slider.values.len() - 1,
            slider.start,
            escaped(&slider.shown(slider.start)),
        )
    };
    let sliders: String = lesson.sliders.iter().enumerate().map(slider).collect();
    format!(
        "<noscript><p>The sliders need JavaScript. Without it, this is the run the lesson starts with: {}.</p></noscript>\n\
         <div class=\"sliders\" hidden>\n{sliders}\
         <label for=\"time\">time <span class=\"formula\">t</span> (logarithmic)</label>\
         <input type=\"range\" id=\"time\" min=\"0\" max=\"200\" step=\"1\" value=\"200\" autocomplete=\"off\">\
         <output for=\"time\"></output>\n\
         <button type=\"button\" id=\"play\">▶ Play</button></div>\n",
        described(lesson, &lesson.start()),
    )
}

/// `α = 10⁻⁴, L = 2`.
fn described(lesson: &Lesson, choice: &[usize]) -> String {
    let values = lesson.sliders.iter().zip(choice);
    let values = values.map(|(slider, &k)| formula(&format!("{} = {}", slider.symbol, slider.shown(k))));
    values.collect::<Vec<_>>().join(", ")
}

/// What a light says in a word.
fn word(light: &Light) -> &'static str {
    match (light.is_goal(), light.verdict) {
        (true, "holds") => "reached",
        (true, _) => "missed",
        (false, "inapplicable") => "does not apply",
        (false, verdict) => verdict,
    }
}

fn lights(member: &Member) -> String {
    let light = |light: &Light| {
        format!(
            "<li><span class=\"verdict {}\">{}</span> <span class=\"says\">{}</span> \
             <span class=\"reason\">{}</span></li>\n",
            light.verdict,
            word(light),
            data::says(light),
            formula(&light.reason)
        )
    };
    let lights: String = member.lights.iter().map(light).collect();
    format!("<ul class=\"lights\" aria-label=\"lights\">\n{lights}</ul>\n")
}

fn numbers(lesson: &Lesson, member: &Member) -> String {
    let columns = lesson.columns.iter();
    let row = |column: &String| row(&data::spoken(column), &[cell(&json_number(member.last(column)))]);
    let body: String = columns.map(row).collect();
    format!(
        "<p class=\"outcome\">{}</p>\n{}",
        escaped(&member.outcome),
        table("numbers", &["at the end", ""], &body)
    )
}

fn figures(lesson: &Lesson, family: &Family, member: &Member) -> Result<String, ExperimentError> {
    let across = NamedChart {
        name: "across".to_owned(),
        description: "The same number for all values of one slider; the others stay.",
        chart: lesson.chart_across(family, &lesson.start()),
    };
    let drawn = member.charts.iter().cloned().chain([across]).map(|chart| {
        let picture: Picture = chart.drawn(Size::OneColumn, &Theme::light())?;
        Ok(figure_element(&picture, ""))
    });
    let drawn: Result<Vec<String>, ExperimentError> = drawn.collect();
    Ok(format!("<div class=\"figures\">\n{}</div>\n", drawn?.concat()))
}

/// The shown numbers of the members that differ in one slider from the start.
fn across(lesson: &Lesson, family: &Family) -> String {
    let slider = &lesson.sliders[lesson.across()];
    let line = lesson.line_across(&lesson.start());
    let rows = line.iter().enumerate().filter_map(|(k, choice)| {
        let member = family.member(choice)?;
        let cells: Vec<String> = lesson
            .columns
            .iter()
            .map(|c| cell(&json_number(member.last(c))))
            .collect();
        let heading = formula(&format!("{} = {}", slider.symbol, slider.shown(k)));
        Some(row(&heading, &cells))
    });
    let spoken: Vec<String> = lesson.columns.iter().map(|column| data::spoken(column)).collect();
    let columns: Vec<&str> = std::iter::once("").chain(spoken.iter().map(String::as_str)).collect();
    let about = "<p>Only the first column changes from row to row; all else is as the sliders say.</p>\n";
    about.to_owned() + &table("across", &columns, &rows.collect::<String>())
}

fn question(lesson: &Lesson) -> String {
    format!(
        "<div class=\"prose\">\n<p>{}</p>\n<details class=\"answer\"><summary>Answer</summary><p>{}</p></details>\n</div>\n",
        formula(&lesson.question),
        formula(&lesson.answer)
    )
}

fn scenario(member: &Member) -> String {
    format!(
        "<p>Save it as a file and take it further with <code>hadaflow run</code>. \
         <button type=\"button\" class=\"copy\" hidden>Copy as RON</button></p>\n\
         <pre tabindex=\"0\" aria-label=\"scenario\"><code>{}</code></pre>\n",
        escaped(&member.scenario)
    )
}

/// A number of the script's table, as it stands on the page.
fn shown(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else {
        rounded(value)
    }
}
