//! The lessons: in the terminal, and as pages in a browser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use hadaflow::experiment::lesson::{self, Lesson};
use serde_json::Value;
use support::Place;

/// More than this is too much to send by mail.
const MOST_BYTES: usize = 4_000_000;
/// Seconds a family may take, with much else going on; on two idle processors it takes less than a minute.
const MOST_SECONDS: f64 = 600.0;

/// Width and height of what a lecture and a pocket have.
const SCREENS: [(u32, u32); 2] = [(1280, 720), (360, 740)];

/// Computes the family of a lesson and gives its page.
fn page(name: &str) -> String {
    let place = Place::new();
    let begun = std::time::Instant::now();
    let done = place.run(&["demo", name, "--out", "pages"]).exits(0);
    let seconds = begun.elapsed().as_secs_f64();
    println!("{name}: {seconds:.1} s");
    assert_eq!(done.stdout.trim(), format!("pages/{name}.html"));
    assert!(seconds < MOST_SECONDS, "{name} took {seconds} s");
    String::from_utf8(place.read(&format!("pages/{name}.html"))).unwrap()
}

fn lessons() -> Vec<(&'static str, Lesson)> {
    let lesson = |(name, _): &(&'static str, &str)| (*name, lesson::lesson(name).unwrap().unwrap());
    lesson::catalogue().iter().map(lesson).collect()
}

#[test]
fn every_lesson_is_given_in_the_terminal() {
    let place = Place::new();
    let list = place.run(&["demo"]).exits(0).stdout;
    for (name, lesson) in lessons() {
        assert!(
            list.contains(&format!("  {name} ")) && list.contains(&lesson.title),
            "{list}"
        );
        let text = place.run(&["demo", name]).exits(0).stdout;
        assert!(
            text.contains("QUESTION") && text.contains("ANSWER") && text.contains('│'),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        let rows = lesson.sliders.iter().find(|s| s.name == lesson.across.slider).unwrap();
        for k in 0..rows.values.len() {
            let row = text
                .lines()
                .find(|line| line.starts_with(&format!("{} ", rows.shown(k))));
            assert_eq!(
                row.unwrap().split_whitespace().count(),
                1 + lesson.columns.len(),
                "{text}"
            );
        }
        assert!(!text.contains("NaN"), "{text}");
    }
    let done = place.run(&["demo", "sparsty"]).exits(3);
    assert!(done.stderr.contains("did you mean sparsity?"), "{}", done.stderr);
    place.write("file", "");
    place.run(&["demo", "depth", "--out", "file"]).exits(5);
}

/// The page of a lesson needs nothing, and is read without its script.
fn stands_alone(name: &str, lesson: &Lesson, page: &str) {
    assert!(page.len() < MOST_BYTES, "{name}: {} bytes", page.len());
    for outside in ["src=", "href=", "@import", "url(h", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(outside), "{name}: {outside}");
    }
    assert!(page.contains("default-src 'none'"), "{name}");
    let (text, _) = page
        .split_once("<script type=\"application/json\" id=\"family\">")
        .unwrap();
    assert!(
        text.contains(&lesson.title) && text.contains("<details class=\"answer\">"),
        "{name}"
    );
    let figures = text.matches("<figure ").count();
    assert!(figures >= 3, "{name}: {figures}");
    assert_eq!(text.matches("<svg role=\"img\"").count(), figures, "{name}");
    assert!(text.contains("class=\"verdict holds\""), "{name}");
}

/// Moves every slider of a page in a frame of some size, and tells what happened.
const DRIVER: &str = r##"
addEventListener("load", () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument, view = frame.contentWindow;
  const one = (selector) => page.querySelector(selector), all = (selector) => [...page.querySelectorAll(selector)];
  const curves = () => all(".live svg path, .live svg circle").map((p) => p.getAttribute("d") ?? p.getAttribute("cx")).join();
  const set = (input, value) => { input.value = value; input.dispatchEvent(new view.Event("input")); };
  const wide = () => page.scrollingElement.scrollWidth - page.scrollingElement.clientWidth;
  const colours = () => all(".lights .verdict").map((light) => [light.className, view.getComputedStyle(light).color, light.textContent]);
  const numbers = () => all(".numbers td").map((cell) => cell.textContent);
  const result = {
    live: all("figure .live").length, figures: all("figure").length, hidden: all(".paper[hidden]").length,
    requests: view.performance.getEntriesByType("resource").length, wide: [wide()], sliders: [],
    focusable: all("input, button, summary").every((control) => control.tabIndex >= 0),
    labelled: all("input").every((input) => input.labels.length === 1), controls: !one(".sliders").hidden,
  };
  const sliders = all("input[id^=slider]"), time = one("#time");
  const before = [curves(), one("#scenario pre").textContent];
  result.numbers = numbers();
  for (const slider of sliders) {
    const start = slider.value, other = start === "0" ? slider.max : "0";
    set(slider, other);
    result.sliders.push({ curves: curves() !== before[0], text: one("#scenario pre").textContent, wide: wide(),
      shown: one(`output[for=${slider.id}]`).textContent, numbers: numbers(), here: all(".across .here td").map((cell) => cell.textContent) });
    set(slider, start);
    result.sliders.at(-1).back = curves() === before[0] && one("#scenario pre").textContent === before[1];
  }
  result.end = colours();
  set(time, 0);
  result.start = colours();
  result.clipped = all(".live clipPath rect").some((rect) => Number(rect.getAttribute("width")) < 1);
  one(".answer").open = true;
  result.wide.push(wide());
  // the virtual time of a browser without a screen moves its timers, not its frames
  view.requestAnimationFrame = (step) => view.setTimeout(() => step(view.performance.now()), 16);
  view.cancelAnimationFrame = view.clearTimeout;
  one("#play").click();
  const seen = [];
  const watch = setInterval(() => {
    seen.push(Number(time.value));
    if (one("#play").textContent !== "▶ Play" && seen.length < 400) return;
    clearInterval(watch);
    result.played = seen;
    result.button = one("#play").textContent;
    document.querySelector("#result").textContent = JSON.stringify(result);
  }, 100);
});
"##;

/// What a result says of the page of a lesson.
fn judge(name: &str, lesson: &Lesson, result: &Value) {
    assert_eq!(result["live"], result["figures"], "{name}");
    assert_eq!(result["hidden"], result["figures"], "{name}");
    assert_eq!(result["requests"], 0, "{name}: it asks for nothing");
    for fact in ["focusable", "labelled", "controls", "clipped"] {
        assert_eq!(result[fact], true, "{name}: {fact}");
    }
    let wide = |value: &Value| value.as_i64().unwrap() <= 0;
    assert!(
        result["wide"].as_array().unwrap().iter().all(wide),
        "{name} is too wide: {}",
        result["wide"]
    );
    let moved = result["sliders"].as_array().unwrap();
    assert_eq!(moved.len(), lesson.sliders.len());
    for (k, (slider, seen)) in lesson.sliders.iter().zip(moved).enumerate() {
        let mut choice = lesson.start();
        choice[k] = if slider.start == 0 { slider.values.len() - 1 } else { 0 };
        assert_eq!(
            seen["text"],
            lesson.scenario(&choice),
            "{name}: {} is copied as it is run",
            slider.name
        );
        assert_eq!(seen["shown"], slider.shown(choice[k]), "{name}: {}", slider.name);
        assert_eq!(seen["curves"], true, "{name}: {} moves the curves", slider.name);
        assert_eq!(seen["back"], true, "{name}: {} comes back", slider.name);
        assert_eq!(
            seen["here"], seen["numbers"],
            "{name}: the table across the family has the member that is shown"
        );
        assert!(wide(&seen["wide"]), "{name}: {} makes it too wide", slider.name);
    }
    let played: Vec<f64> = result["played"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    assert!(
        played.len() > 20 && played.windows(2).all(|pair| pair[0] <= pair[1]),
        "{name}: {played:?}"
    );
    assert_eq!(played.last(), Some(&200.0), "{name}: it plays to the end");
    assert_eq!(result["button"], "▶ Play", "{name}: it stops there");
}

/// Classes of the lights.
fn classes<'a>(result: &'a Value, when: &str) -> Vec<&'a str> {
    let lights = result[when].as_array().unwrap().iter();
    lights
        .map(|light| light[0].as_str().unwrap().trim_start_matches("verdict "))
        .collect()
}

/// What a page shows of a scenario is what a run of the copied scenario reports.
fn numbers_are_those_of_a_run(lesson: &Lesson, result: &Value) {
    let moved = &result["sliders"][0];
    let place = Place::new();
    let text = moved["text"].as_str().unwrap();
    place.write("s.ron", text);
    place.run(&["run", "s.ron", "--out", "out", "--no-figures"]);
    let report = place.report("out");
    for (column, cell) in lesson.columns.iter().zip(moved["numbers"].as_array().unwrap()) {
        let expected = match column.as_str() {
            "t" => report["t_end"].as_f64().unwrap(),
            other => report["final"][other].as_f64().unwrap(),
        };
        let shown = cell.as_str().unwrap().replace('−', "-").replace("·10", "e");
        let shown: f64 = shown.parse().unwrap_or_else(|_| panic!("{shown}"));
        assert!(
            (shown - expected).abs() <= 1e-5 * expected.abs(),
            "{column}: {shown}, {expected}"
        );
    }
}

/// The numbers at the end of a member of a lesson, with its sliders where they are said to be.
fn end_of(name: &str, set: &[(&str, f64)]) -> Value {
    let lesson = lesson::lesson(name).unwrap().unwrap();
    let mut choice = lesson.start();
    for (slider, value) in set {
        let k = lesson.sliders.iter().position(|s| s.name == *slider).unwrap();
        choice[k] = lesson.sliders[k].values.iter().position(|v| v == value).unwrap();
    }
    let place = Place::new();
    place.write("s.ron", lesson.scenario(&choice));
    place
        .run(&[
            "run",
            "s.ron",
            "--out",
            "out",
            "--no-figures",
            "--set",
            "predictions=None",
        ])
        .exits(0);
    place.report("out")
}

/// The answers of lessons that name numbers: these are the numbers.
#[test]
fn answers_say_what_the_members_show() {
    let last = |report: &Value, column: &str| report["final"][column].as_f64().unwrap();
    // recovery: at m = 16 the truth is not found in draws 1 and 2, however close the least norm comes; in draw 3 it is
    for seed in [1.0, 2.0, 3.0] {
        let ends = [(1e-2, 2.0), (1e-6, 2.0), (1e-6, 3.0)].map(|(alpha, depth)| {
            end_of(
                "recovery",
                &[
                    ("m", 16.0),
                    ("sparsity", 5.0),
                    ("seed", seed),
                    ("alpha", alpha),
                    ("depth", depth),
                ],
            )
        });
        let truth = ends.each_ref().map(|end| last(end, "distance_truth"));
        let least = ends.each_ref().map(|end| last(end, "distance_basis_pursuit"));
        assert!(least.is_sorted_by(|a, b| a > b) && least[2] < 1e-3, "{least:?}");
        assert!(truth[1] > 1.0, "two layers never find it: {truth:?}");
        assert_eq!(truth[2] < 1e-3, seed > 2.5, "{truth:?}");
    }
    // depth: time and steps of two and of six layers
    let [two, six] = [2.0, 6.0].map(|depth| end_of("depth", &[("depth", depth), ("alpha", 0.01)]));
    let steps = |report: &Value| report["statistics"]["steps"].as_f64().unwrap();
    assert!((steps(&two) / 860.0 - 1.0).abs() < 0.1 && (steps(&six) / 4600.0 - 1.0).abs() < 0.1);
    assert!(six["t_end"].as_f64() > Some(1e4 * two["t_end"].as_f64().unwrap()));
    // descent: half the step, nearly half the distance, above the one that the stop leaves
    let [wide, half] =
        [0.4, 0.2].map(|step| last(&end_of("descent", &[("step", step)]), "distance_bregman_projection"));
    assert!((1.8..2.2).contains(&(wide / half)), "{wide} {half}");
    // sparsity: the least norm is below that of the truth
    let end = end_of("sparsity", &[("sparsity", 10.0), ("m", 20.0), ("alpha", 1e-8)]);
    let norm = |reference: &str| end["references"][reference]["l1_norm"].as_f64().unwrap();
    assert!(norm("basis_pursuit") < 0.9 * norm("truth") && last(&end, "distance_truth") > 1.0);
}

/// The page of a lesson, as text and in a browser.
fn check(name: &str) {
    let lesson = lesson::lesson(name).unwrap().unwrap();
    let page = page(name);
    stands_alone(name, &lesson, &page);
    for screen in SCREENS {
        let Some(result) = Place::new().drive(&page, screen, DRIVER) else {
            println!("skipped: there is no Chromium here");
            return;
        };
        judge(name, &lesson, &result);
        numbers_are_those_of_a_run(&lesson, &result);
        assert!(
            name == "descent" || !classes(&result, "end").contains(&"inapplicable"),
            "{name}: a light is out"
        );
        let broken = |when: &str| classes(&result, when).contains(&"violated");
        assert!(!broken("start"), "{name}: nothing is broken at the start");
        if name == "descent" {
            let lights = result["end"].as_array().unwrap();
            let red = lights.iter().find(|light| light[0] == "verdict violated");
            assert_eq!(
                red.expect("descent breaks what holds for the flow")[1],
                "rgb(179, 38, 30)"
            );
        }
    }
}

macro_rules! pages {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        #[test]
        fn every_lesson_has_a_test_of_its_page() {
            let names: Vec<&str> = lesson::catalogue().iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}
pages!(sparsity depth divergence saddles recovery descent least_squares);
