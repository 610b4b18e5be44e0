//! Other languages read the results: the programs of the book's page run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use std::path::PathBuf;

use support::{Done, Place, repository};

/// The page, whose commands are run by the test of all documents.
fn text() -> String {
    std::fs::read_to_string(repository().join("docs/src/reading.md")).unwrap()
}

/// The blocks of the page in a language.
fn programs(language: &str) -> Vec<String> {
    let text = text();
    let fence = format!("```{language}\n");
    let bodies = text.split(&fence).skip(1);
    bodies
        .map(|body| body.split("```").next().unwrap().to_owned())
        .collect()
}

/// The results that the programs read.
fn results() -> Place {
    let place = Place::new();
    std::os::unix::fs::symlink(repository().join("scenarios"), place.path("scenarios")).unwrap();
    for command in programs("console").iter().flat_map(|block| block.lines()) {
        let arguments = command.strip_prefix("$ hadaflow ").unwrap();
        place.run(&arguments.split(' ').collect::<Vec<_>>()).exits(0);
    }
    place
}

/// The Python of `target/python`, which `.ci/run` sets up, or the one of the system.
fn python() -> PathBuf {
    let own = repository().join("target/python/bin/python");
    if own.exists() { own } else { "python3".into() }
}

/// Whether a program ends well with these arguments; false where there is none.
fn works(place: &Place, program: &PathBuf, arguments: &[&str]) -> bool {
    let done = place.command(program).args(arguments).output();
    done.is_ok_and(|output| output.status.success())
}

/// Runs the programs of a language whose requirements are met; returns what they print.
fn run_all(
    place: &Place,
    language: &str,
    interpreter: &PathBuf,
    flag: &str,
    required: impl Fn(&str) -> String,
) -> usize {
    let mut run = 0;
    for program in programs(language) {
        let requirement = required(&program);
        if !works(place, interpreter, &[flag, &requirement]) {
            eprintln!("a program in {language} is not run: `{requirement}` does not work here");
            continue;
        }
        let done = Done::of(place.command(interpreter).args([flag, &program]).output().unwrap());
        assert_eq!(done.code, Some(0), "{program}\n{}\n{}", done.stdout, done.stderr);
        assert!(!done.stdout.is_empty(), "{program} says what it found");
        run += 1;
    }
    run
}

#[test]
fn programs_in_python_run() {
    let place = results();
    let imports = |program: &str| {
        let lines = program.lines().filter(|line| line.starts_with("import "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let run = run_all(&place, "python", &python(), "-c", imports);
    println!("{run} programs in Python");
}

#[test]
fn programs_in_r_run() {
    let place = results();
    let run = run_all(&place, "r", &"Rscript".into(), "-e", |_| "1".to_owned());
    println!("{run} programs in R");
}

/// The tables of runs and sweeps name the columns that the page speaks of, whether or not a language is there to read them.
#[test]
fn the_page_has_a_program_for_every_language_it_names() {
    assert_eq!(programs("python").len(), 2);
    assert_eq!(programs("r").len(), 1);
    assert_eq!(text().matches("```").count(), 2 * 4);
}
