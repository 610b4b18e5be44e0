//! What the documents say is true: their commands run, their scenarios parse, and every shipped scenario succeeds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

#[path = "../crates/hadaflow/examples/cost/report.rs"]
#[allow(dead_code)] // its `main`
mod cost;
#[path = "../crates/hadaflow/examples/methods/report.rs"]
#[allow(dead_code)] // its `main`
mod methods;
#[path = "../crates/hadaflow/examples/common/order.rs"]
mod order;
mod support;
#[path = "../crates/hadaflow/examples/work_precision.rs"]
#[allow(dead_code)] // its `main`
mod work_precision;

use std::path::{Path, PathBuf};

use hadaflow::analysis::prediction;
use hadaflow::experiment::resolve::Library;
use hadaflow::experiment::scenario::{parse, parse_with_overrides};
use hadaflow::experiment::sweep::{Columns, Grid, Sweep};
use support::{BINARY, Done, Place, repository};

/// Commands in documents that are not run here, by their beginnings: they build, test or serve rather than use.
const NOT_RUN: [&str; 13] = [
    "cargo run --release -p hadaflow --example",
    "python -m pip",
    "python benches/peers/compare.py",
    "cargo build",
    "cargo test",
    "cargo bench",
    "cargo install",
    "cargo doc",
    "cargo clippy",
    "cargo fmt",
    "mdbook",
    "git clone",
    ".ci/",
];

/// Shipped scenarios that take too long for a test without full optimisation: 65536 dimensions.
const SLOW: [&str; 2] = ["matrix_free_dct_65536.ron", "matrix_free_dct_65536_three_layers.ron"];

/// README.md and the pages of the book.
fn documents() -> Vec<PathBuf> {
    let root = repository();
    let mut pages = markdown(&root.join("docs/src"));
    assert!(!pages.is_empty(), "docs/src has pages");
    pages.sort();
    pages.insert(0, root.join("README.md"));
    pages
}

/// The .md files below a directory.
fn markdown(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(markdown(&path));
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
    found
}

/// A fenced block of a document: its language, the line where its text starts, and its text.
struct Block {
    language: String,
    line: usize,
    text: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            match open.take() {
                Some(block) => blocks.push(block),
                None => {
                    let (language, text) = (fence.trim().to_owned(), String::new());
                    open = Some(Block {
                        language,
                        line: number + 2,
                        text,
                    });
                }
            }
        } else if let Some(block) = &mut open {
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The commands of a console block, continued lines joined.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        let mut command = command.to_owned();
        while let Some(beginning) = command.strip_suffix('\\') {
            let next = lines.next().unwrap_or_default().trim_start_matches("> ").trim_start();
            command = format!("{} {next}", beginning.trim_end());
        }
        commands.push(command);
    }
    commands
}

/// The exit code a document announces behind a command, as in `# exit code 3`; 0 without.
fn announced(command: &str) -> i32 {
    let Some((_, comment)) = command.split_once("# exit code ") else {
        return 0;
    };
    comment
        .chars()
        .take_while(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap()
}

/// A copy of what the documents' commands may use, so that nothing is written to the repository.
fn workshop() -> Place {
    let place = Place::new();
    copy(&repository().join("scenarios"), &place.path("scenarios"));
    // `hadaflow` is found as a command of that name
    std::fs::create_dir(place.path(".bin")).unwrap();
    std::os::unix::fs::symlink(BINARY, place.path(".bin/hadaflow")).unwrap();
    place
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn the_commands_of_the_documents_run() {
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        // the commands of one document build on each other
        let place = workshop();
        let path = format!("{}:{}", place.path(".bin").display(), std::env::var("PATH").unwrap());
        for block in blocks(&text) {
            // "With this text in `NAME`," behind a block makes it a file that commands find
            let behind = text.split(&block.text).nth(1).unwrap_or_default();
            if let Some(named) = behind
                .trim_start_matches(['`', '\n'])
                .strip_prefix("With this text in `")
            {
                place.write(named.split('`').next().unwrap(), &block.text);
            }
            if block.language != "console" {
                continue;
            }
            for command in commands(&block.text) {
                let place_in_text = format!("{}:{}: {command}", document.display(), block.line);
                let slow = SLOW.iter().any(|name| command.contains(name));
                if slow || NOT_RUN.iter().any(|beginning| command.starts_with(beginning)) {
                    continue;
                }
                let line = command
                    .replace("cargo run --release --", "hadaflow")
                    .replace("./target/release/hadaflow", "hadaflow");
                assert!(
                    !line.contains("cargo"),
                    "{place_in_text}: neither run nor listed as not run"
                );
                let mut shell = place.command("sh");
                let done = Done::of(shell.args(["-c", &line]).env("PATH", &path).output().unwrap());
                assert_eq!(
                    done.code,
                    Some(announced(&command)),
                    "{place_in_text}\n{}\n{}",
                    done.stdout,
                    done.stderr
                );
                count += 1;
            }
        }
    }
    assert!(
        count >= 20,
        "the documents show how to use the command: {count} commands"
    );
}

/// The page on speed, and what `compare.py` has kept in a file.
fn page_on_speed() -> PathBuf {
    repository().join("docs/src/speed.md")
}

fn kept<T: serde::de::DeserializeOwned>(file: &str) -> Vec<T> {
    let text = std::fs::read_to_string(repository().join("benches/peers").join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn seconds(row: &serde_json::Value, of: &str) -> f64 {
    row[of].as_f64().unwrap()
}

/// Descent beside the flow to the same loss.
fn table_of_descent(rows: &[serde_json::Value]) -> String {
    let mut out = String::from("| case | steps of descent | CPU s | steps of `Ndf` | CPU s | ratio |\n");
    out.push_str("|---|---|---|---|---|---|\n");
    for pair in rows.chunks(2) {
        let [descent, ours] = pair else { panic!("{pair:?}") };
        let (theirs, ndf) = (seconds(descent, "cpu_s"), seconds(ours, "cpu_s"));
        let (case, steps) = (descent["case"].as_str().unwrap(), &descent["steps"]);
        let (of_ndf, ratio) = (&ours["steps"], theirs / ndf);
        out.push_str(&format!(
            "| {case} | {steps} | {theirs:.2} | {of_ndf} | {ndf:.4} | {ratio:.0} |\n"
        ));
    }
    out
}

/// What the rows of a sweep are called on the page: solver, threads, what is looked for, by what.
const OF_SWEEP: [(&str, u64, &str, &str); 7] = [
    ("Ndf", 1, "the flow to loss 1e-10", "`Ndf`"),
    ("Ndf", 2, "", "`Ndf`"),
    ("Bdf", 1, "", "`Bdf`"),
    ("CVODE dense", 1, "", "CVODE dense"),
    ("Limit at 0.001", 1, "its limit, $\\alpha$ = 1e-3", "`Limit`"),
    ("Limit at 1e-06", 1, "its limit, $\\alpha$ = 1e-6", "`Limit`"),
    ("HiGHS", 1, "least $\\ell_1$ norm", "HiGHS"),
];

fn table_of_sweep(rows: &[serde_json::Value]) -> String {
    for row in rows
        .iter()
        .filter(|row| row["threads"] == 1 && row.get("cpu_s").is_some())
    {
        let solver = row["solver"].as_str().unwrap();
        assert!(
            OF_SWEEP.iter().any(|(known, ..)| *known == solver),
            "{solver} has no row"
        );
    }
    let mut out = String::from("| what | by | threads | CPU s | wall s | successes |\n|---|---|---|---|---|---|\n");
    for (solver, threads, what, by) in OF_SWEEP {
        let row = rows
            .iter()
            .find(|row| row["solver"] == solver && row["threads"] == threads);
        let row = row.unwrap_or_else(|| panic!("no {solver} on {threads}"));
        let (cpu, wall) = (seconds(row, "cpu_s"), seconds(row, "wall_s"));
        let what = if what.is_empty() {
            String::new()
        } else {
            format!("{what} ")
        };
        out.push_str(&format!(
            "| {what}| {by} | {threads} | {cpu:.2} | {wall:.2} | {} |\n",
            row["successes"]
        ));
    }
    out
}

/// That a page shows a picture of the book as it is drawn now; with UPDATE_BOOK set, it is drawn anew.
fn shows_picture(page: &str, shown: &str, picture: &str) {
    assert!(page.contains(shown), "{shown}");
    let path = repository().join("docs/src").join(shown);
    if std::env::var_os("UPDATE_BOOK").is_some() {
        std::fs::write(&path, picture).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), picture, "{}", path.display());
}

/// The text between the comments that name a table.
fn between(page: &str, name: &str) -> std::ops::Range<usize> {
    let (opening, closing) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let start = page.find(&opening).unwrap_or_else(|| panic!("no {opening}")) + opening.len();
    start..start + page[start..].find(&closing).unwrap_or_else(|| panic!("no {closing}"))
}

/// The tables and the pictures of the page on speed are what the examples make of the results that are kept; with UPDATE_BOOK
/// set, they are written anew.
#[test]
fn the_page_on_speed_shows_what_was_measured() {
    let results: Vec<work_precision::Taken> = kept("results.json");
    let read = |file: &str| std::fs::read_to_string(repository().join("benches").join(file)).unwrap();
    let measured = cost::parse(&read("cost.jsonl")).unwrap();
    let compared = methods::parse(&read("methods.jsonl")).unwrap();
    let mut page = std::fs::read_to_string(page_on_speed()).unwrap();
    for (name, table) in [
        ("peers at one tolerance", work_precision::table(&results)),
        ("descent", table_of_descent(&kept("descent.json"))),
        ("the sweep", table_of_sweep(&kept("sweep.json"))),
        ("exponents of the cost", cost::exponents(&measured)),
        ("details of the cost", cost::details(&measured)),
        ("choice of the integrator", methods::table(&compared)),
    ] {
        let shown = between(&page, name);
        let table = format!("\n{table}\n");
        if std::env::var_os("UPDATE_BOOK").is_some() {
            page.replace_range(shown, &table);
        } else {
            assert_eq!(page[shown], table, "{name}");
        }
    }
    if std::env::var_os("UPDATE_BOOK").is_some() {
        std::fs::write(page_on_speed(), &page).unwrap();
    }
    let pictures = work_precision::pictures(&results).unwrap();
    assert!(pictures.len() >= 2);
    for (case, picture) in pictures {
        shows_picture(&page, &format!("speed/{case}.svg"), &picture);
    }
    let pictures = cost::pictures(&measured).unwrap();
    assert_eq!(pictures.len(), 7);
    for (name, picture) in pictures {
        shows_picture(&page, &format!("speed/{name}"), &picture);
    }
}

#[test]
fn the_scenarios_in_the_documents_parse() {
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for block in blocks(&text) {
            let language = block.language.split([',', ' ']).next().unwrap_or_default();
            if language != "ron" {
                continue;
            }
            if block.text.starts_with("axes:") {
                // a part of a sweep, about files that need not be there
                let template =
                    "Scenario(problem: Files(matrix: \"A.npy\", measurements: \"y.npy\"), model: (depth: 2))";
                let sweep = format!("Sweep(template: {template}, {})", block.text);
                Columns::new(&Sweep::parse::<&str>(&sweep, &document, &[]).unwrap()).unwrap();
                count += 1;
                continue;
            }
            if !block.text.contains("Scenario(") {
                assert!(
                    block.text.starts_with("Slurm("),
                    "{}: neither parsed nor run",
                    block.text
                );
                continue; // the file of a command below it
            }
            if block.text.starts_with("Sweep(") {
                let sweep = Sweep::parse::<&str>(&block.text, &document, &[]).unwrap();
                Columns::new(&sweep).unwrap();
                Grid::new(sweep).unwrap().check(&Library::new()).unwrap();
                count += 1;
                continue;
            }
            let parsed = parse(&block.text, &document);
            assert!(
                parsed.is_ok(),
                "{}:{}: {}",
                document.display(),
                block.line,
                parsed.unwrap_err()
            );
            count += 1;
        }
    }
    assert!(count >= 5, "the documents show scenarios: {count}");
}

/// The page on the scenario.
fn page_of_the_scenario() -> String {
    std::fs::read_to_string(repository().join("docs/src/scenario.md")).unwrap()
}

/// Texts with a name that does not exist: the errors list the names that do, as the types of the scenario know them.
const UNKNOWN: [&str; 19] = [
    "nope: 1, problem: Synthetic(), model: (depth: 2)",
    "problem: Nope(), model: (depth: 2)",
    "problem: Synthetic(nope: 1), model: (depth: 2)",
    "problem: Synthetic(ensemble: Nope), model: (depth: 2)",
    "problem: Synthetic(signal: Nope()), model: (depth: 2)",
    "problem: Synthetic(signal: Sparse(nope: 1)), model: (depth: 2)",
    "problem: Synthetic(signal: Sparse(magnitude: Nope)), model: (depth: 2)",
    "problem: Files(nope: 1), model: (depth: 2)",
    "problem: Synthetic(), model: (depth: 2, nope: 1)",
    "problem: Synthetic(), model: (depth: 2, sign: Nope)",
    "problem: Synthetic(), model: (depth: 2, initialization: Nope(1))",
    "problem: Synthetic(), model: (depth: 2, initialization: Random(nope: 1))",
    "problem: Synthetic(), model: (depth: 2), integrate: (nope: 1)",
    "problem: Synthetic(), model: (depth: 2), integrate: (formulation: Nope)",
    "problem: Synthetic(), model: (depth: 2), integrate: (method: Nope)",
    "problem: Synthetic(), model: (depth: 2), integrate: (method: GradientDescent(nope: 1))",
    "problem: Synthetic(), model: (depth: 2), integrate: (stop: [Nope])",
    "problem: Synthetic(), model: (depth: 2), integrate: (stop: [CoordinateActive(nope: 1)])",
    "problem: Synthetic(), model: (depth: 2), record: Nope",
];

/// Every field and every choice that the types have is on the page, in code.
#[test]
fn the_page_of_the_scenario_has_every_name() {
    let page = page_of_the_scenario();
    let code: Vec<&str> = page.split('`').skip(1).step_by(2).collect();
    let word = |code: &str, name: &str| {
        code.split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| word == name)
    };
    let mut count = 0;
    for text in UNKNOWN {
        let error = parse(&format!("Scenario({text})"), Path::new("s.ron"))
            .unwrap_err()
            .to_string();
        let (_, known) = error
            .split_once("(known here: ")
            .unwrap_or_else(|| panic!("{text}: {error}"));
        for name in known.split(')').next().unwrap().split(", ") {
            assert!(
                code.iter().any(|code| word(code, name)),
                "{name} of {text} is not on the page"
            );
            count += 1;
        }
    }
    assert!(count > 60, "{count} names");
}

/// The defaults on the page are those of the types: set explicitly, they change nothing.
#[test]
fn the_page_of_the_scenario_has_the_defaults() {
    let least = "Scenario(problem: Synthetic(), model: (depth: 2))";
    let path = Path::new("s.ron");
    let default = parse(least, path).unwrap();
    let (mut prefix, mut count) = (None, 0);
    for line in page_of_the_scenario().lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            prefix = match heading {
                "Top level" => Some(""),
                "`problem: Synthetic(..)`" => Some("problem."),
                "`model`" => Some("model."),
                "`integrate`" => Some("integrate."),
                _ => None,
            };
        }
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let (Some(prefix), [field, _, value, _]) = (prefix, cells.as_slice()) else {
            continue;
        };
        let field = field.trim_matches('`');
        let value = match value.split('`').nth(1) {
            Some(code) => code.to_owned(),
            None => value.split(',').next().unwrap().replace(' ', ""),
        };
        let value = match value.as_str() {
            "default" | "required" | "alldefaults" => continue,
            _ if field == "max_steps" => continue, // it depends on the method, and is not a value of the type
            "empty" if field == "title" => "\"\"".to_owned(),
            "empty" => "[]".to_owned(),
            other => other.to_owned(),
        };
        let set = [format!("{prefix}{field}={value}")];
        let found = parse_with_overrides(least, path, &set);
        assert_eq!(found.as_ref(), Ok(&default), "{prefix}{field}: {value}");
        count += 1;
    }
    assert!(count >= 18, "{count} defaults");
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") || !file.contains('.') {
                continue;
            }
            let path = document.parent().unwrap().join(file);
            assert!(path.exists(), "{}: {target} leads nowhere", document.display());
        }
    }
}

fn shipped() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository().join("scenarios")).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "ron"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 8, "{paths:?}");
    paths
}

/// The predictions that the index says a scenario shows: the catalogue's names in its row.
fn shown_by(scenario: &str) -> Vec<&'static str> {
    let index = std::fs::read_to_string(repository().join("scenarios/README.md")).unwrap();
    let row = index.lines().find(|line| line.starts_with(&format!("| `{scenario}`")));
    let row = row.unwrap_or_else(|| panic!("{scenario} is not in scenarios/README.md"));
    let names = prediction::catalogue().iter().map(|prediction| prediction.name());
    names.filter(|name| row.contains(&format!("`{name}`"))).collect()
}

#[test]
fn every_prediction_is_shown_by_a_scenario() {
    let names: Vec<String> = shipped()
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    for prediction in prediction::catalogue() {
        let name = prediction.name();
        assert!(
            names.iter().any(|scenario| shown_by(scenario).contains(&name)),
            "no scenario shows {name}"
        );
    }
}

/// The page of the book that is made from the catalogue itself; `UPDATE_BOOK=1 cargo test` writes it.
#[test]
fn the_catalogue_in_the_book_is_the_catalogue() {
    let mut page = "# The catalogue\n\nMade from the catalogue itself, like `hadaflow list predictions`; \
                    [Predictions](predictions.md) explains what is\nmeasured and what is allowed.\n"
        .to_owned();
    for prediction in prediction::catalogue() {
        let statement = prediction.statement();
        page += &format!(
            "\n## `{}`\n\n- statement: {}\n- hypotheses: {}\n- kind: {}{}\n- source: {}\n",
            prediction.name(),
            statement.formula,
            statement.hypotheses,
            prediction.kind().name(),
            if prediction.spans_runs() {
                ", about a family of runs"
            } else {
                ""
            },
            statement.citation,
        );
    }
    let path = repository().join("docs/src/catalogue.md");
    if std::env::var_os("UPDATE_BOOK").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/src/catalogue.md is out of date: UPDATE_BOOK=1 cargo test --test documents"
    );
}

/// Runs every shipped scenario whose place in the list leaves this remainder: two tests share the work.
fn run_shipped(remainder: usize) {
    let paths = shipped();
    for slow in SLOW {
        assert!(paths.iter().any(|path| path.ends_with(slow)), "{slow} is there");
    }
    let quick = paths
        .iter()
        .filter(|path| !SLOW.iter().any(|slow| path.ends_with(slow)));
    for path in quick
        .enumerate()
        .filter(|(k, _)| k % 2 == remainder)
        .map(|(_, path)| path)
    {
        let place = Place::new();
        let name = path.file_name().unwrap().to_str().unwrap();
        let start = std::time::Instant::now();
        let done = place.run(&[
            "run".as_ref(),
            path.as_os_str(),
            "--out".as_ref(),
            "out".as_ref(),
            "--no-figures".as_ref(),
        ]);
        println!("{name}: {:.1} s", start.elapsed().as_secs_f64());
        let done = done.exits(0);
        assert_eq!(done.stderr, "", "{name}");
        let report = place.report("out");
        assert_eq!(report["outcome"]["kind"], "stopped", "{name}");
        assert!(
            !report["scenario"]["title"].as_str().unwrap().is_empty(),
            "{name} has a title"
        );
        let verdicts = report["predictions"].as_array().unwrap();
        for shown in shown_by(name) {
            let found = verdicts.iter().find(|verdict| verdict["name"] == shown);
            let found = found.unwrap_or_else(|| panic!("{name} does not assess {shown}"));
            assert_eq!(found["verdict"], "holds", "{name}: {found}");
        }
        let checked = place.run(&["check", "out", "--json", "--strict"]).exits(0).json();
        assert_eq!(
            checked["predictions"], report["predictions"],
            "{name}: the same verdicts from what was saved"
        );
    }
}

#[test]
fn shipped_scenarios_succeed() {
    run_shipped(0);
}

#[test]
fn more_shipped_scenarios_succeed() {
    run_shipped(1);
}

#[test]
fn slow_scenarios_are_valid_too() {
    for path in shipped() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(parse(&text, &path).is_ok(), "{}", path.display());
    }
}
