//! The same scenario gives the same bytes: twice, with any number of threads, and from the scenario that a run saved;
//! and what is written has the names, keys and columns that other programs rely on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use std::collections::BTreeMap;

use hadaflow::experiment::write::{read_table_csv, read_table_parquet};
use serde_json::Value;
use support::{BINARY, Done, Place, SMALL, npy_of};

/// Scenarios for each formulation, operator and method.
fn scenarios() -> Vec<(&'static str, String)> {
    let with = |model: &str, more: &str| {
        SMALL
            .replace("depth: 2, initialization: Identical(1e-3)", model)
            .replace("record", &format!("{more} record"))
    };
    vec![
        ("dual", SMALL.to_owned()),
        (
            "log",
            with(
                "depth: 3, initialization: Identical(1e-2)",
                "integrate: (formulation: Log),",
            ),
        ),
        (
            "factor",
            with("depth: 3, initialization: Random(scale: 0.1, spread: 0.2)", ""),
        ),
        (
            "positive",
            with(
                "depth: 4, sign: Positive, initialization: Identical(0.3)",
                "integrate: (method: Esdirk34),",
            ),
        ),
        (
            "cosine",
            SMALL.replace("dimension: 24", "dimension: 24, ensemble: SubsampledDct, noise: 0.01"),
        ),
        (
            "descent",
            with(
                "depth: 2, initialization: Identical(0.1)",
                "integrate: (method: GradientDescent(step: 0.1), stop: [RelativeLossBelow(1e-4)], mark: [LossBelow(0.1)]),",
            ),
        ),
        ("every_step", SMALL.replace("LogSpaced(60)", "EveryStep")),
    ]
}

/// Runs with so many threads.
fn run(place: &Place, scenario: &str, out: &str, threads: Option<&str>) -> Done {
    let mut command = place.command(BINARY);
    command
        .args(["run", scenario, "--out", out])
        .env_remove("RAYON_NUM_THREADS");
    if let Some(threads) = threads {
        command.env("RAYON_NUM_THREADS", threads);
    }
    Done::of(command.output().unwrap()).exits(0)
}

/// The files of a run except its report and the page made from it.
fn content(place: &Place, out: &str) -> BTreeMap<String, Vec<u8>> {
    let names = place.files(out).into_iter().filter(|name| !name.starts_with("report."));
    names
        .map(|name| (name.clone(), place.read(&format!("{out}/{name}"))))
        .collect()
}

/// The report without what may differ: times and host.
fn lasting(mut report: Value) -> Value {
    for (part, key) in [
        ("statistics", "wall_seconds"),
        ("statistics", "cpu_seconds"),
        ("provenance", "host"),
    ] {
        assert!(
            report[part].as_object_mut().unwrap().remove(key).is_some(),
            "{part}.{key}"
        );
    }
    report
}

/// The page without its rows of times and host.
fn lasting_page(place: &Place, out: &str) -> String {
    let page = String::from_utf8(place.read(&format!("{out}/report.html"))).unwrap();
    let varies = |line: &&str| {
        ["wall_<wbr>seconds", "cpu_<wbr>seconds", "data-key=\"host\""]
            .iter()
            .any(|key| line.contains(key))
    };
    assert_eq!(page.lines().filter(varies).count(), 3);
    page.lines().filter(|line| !varies(line)).collect::<Vec<_>>().join("\n")
}

/// As [`lasting`], also without the names of the scenario's and the input files.
fn portable(report: Value) -> Value {
    let mut report = lasting(report);
    report["scenario"].as_object_mut().unwrap().remove("name");
    for input in report["provenance"]["inputs"].as_array_mut().unwrap() {
        input.as_object_mut().unwrap().remove("path");
    }
    report
}

#[test]
fn the_same_scenario_gives_the_same_bytes() {
    for (name, text) in scenarios() {
        let place = Place::new();
        let file = format!("{name}.ron");
        place.write(&file, text);
        run(&place, &file, "first", None);
        let first = content(&place, "first");
        let report = place.report("first");
        for (out, threads) in [("second", None), ("one", Some("1")), ("two", Some("2"))] {
            run(&place, &file, out, threads);
            assert_eq!(content(&place, out), first, "{name}, {out}");
            assert_eq!(lasting(place.report(out)), lasting(report.clone()), "{name}, {out}");
            assert_eq!(
                lasting_page(&place, out),
                lasting_page(&place, "first"),
                "{name}, {out}"
            );
        }
        run(&place, "first/scenario.ron", "again", None);
        assert_eq!(content(&place, "again"), first, "{name}, from the saved scenario");
        assert_eq!(
            portable(place.report("again")),
            portable(report),
            "{name}, from the saved scenario"
        );
    }
}

#[test]
fn a_saved_scenario_on_files_gives_the_same_bytes_from_anywhere() {
    let place = Place::new();
    place.write("in/A.npy", npy_of(&[2, 3], &[1.0, 0.5, 0.25, -0.5, 1.0, 0.75]));
    place.write("in/y.csv", "1\n0.5\n");
    place.write("in/x0.csv", "0.01,0.02,0.03");
    let text = "Scenario(problem: Files(matrix: \"A.npy\", measurements: \"y.csv\"), model: (depth: 2, initialization: Vector(\"x0.csv\")))";
    place.write("in/s.ron", text);
    run(&place, "in/s.ron", "a/b/first", None);
    run(&place, "a/b/first/scenario.ron", "second", None);
    let (mut first, mut second) = (content(&place, "a/b/first"), content(&place, "second"));
    // the saved scenario names the files as seen from where it lies
    let text = String::from_utf8(first.remove("scenario.ron").unwrap()).unwrap();
    assert!(text.contains("\"../../../in/A.npy\""), "{text}");
    let text = String::from_utf8(second.remove("scenario.ron").unwrap()).unwrap();
    assert!(text.contains("\"../in/A.npy\""), "{text}");
    assert_eq!(first, second);
    assert_eq!(portable(place.report("a/b/first")), portable(place.report("second")));
}

#[test]
fn overrides_are_part_of_the_scenario() {
    let place = Place::with_small();
    let set = [
        "--set",
        "model.depth=3",
        "--set",
        "model.initialization=Identical(0.05)",
    ];
    place
        .run(&[&["run", "small.ron", "--out", "set"][..], &set].concat())
        .exits(0);
    run(&place, "set/scenario.ron", "again", None);
    assert_eq!(content(&place, "set"), content(&place, "again"));
    assert_eq!(place.report("set")["scenario"]["depth"], 3);
    place.write(
        "same.ron",
        SMALL.replace(
            "depth: 2, initialization: Identical(1e-3)",
            "depth: 3, initialization: Identical(0.05)",
        ),
    );
    run(&place, "same.ron", "same", None);
    assert_eq!(content(&place, "set"), content(&place, "same"));
}

#[test]
fn the_seed_matters_and_the_layout_of_the_file_does_not() {
    let place = Place::with_small();
    run(&place, "small.ron", "first", None);
    place.write(
        "commented.ron",
        format!("// a comment\n{}", SMALL.replace("\n    ", " /* and another */ ")),
    );
    run(&place, "commented.ron", "commented", None);
    assert_eq!(content(&place, "first"), content(&place, "commented"));
    place.write("other.ron", SMALL.replace("seed: 3", "seed: 4"));
    run(&place, "other.ron", "other", None);
    assert_ne!(place.read("first/trajectory.npz"), place.read("other/trajectory.npz"));
}

/// The keys of an object.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[track_caller]
fn has(found: &[&str], wanted: &[&str]) {
    for name in wanted {
        assert!(found.contains(name), "{name} in {found:?}");
    }
}

#[test]
fn what_other_programs_rely_on() {
    let place = Place::with_small();
    run(&place, "small.ron", "out", None);
    let files = place.files("out");
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    has(
        &names,
        &[
            "report.json",
            "report.html",
            "scenario.ron",
            "series.parquet",
            "trajectory.npz",
            "figures/loss_decay.svg",
            "figures/loss_decay.png",
        ],
    );

    let report = place.report("out");
    let wanted = [
        "schema",
        "scenario",
        "formulation",
        "method",
        "outcome",
        "t_end",
        "statistics",
        "final",
        "references",
        "predictions",
        "files",
        "provenance",
    ];
    has(&keys(&report), &wanted);
    assert_eq!(report["schema"], 1);
    has(&keys(&report["scenario"]), &["title", "hash"]);
    assert_eq!(report["scenario"]["hash"].as_str().unwrap().len(), 64);
    has(&keys(&report["outcome"]), &["kind"]);
    let wanted = [
        "steps",
        "rhs",
        "jacobians",
        "factorizations",
        "newton_failures",
        "error_test_failures",
        "wall_seconds",
        "cpu_seconds",
    ];
    has(&keys(&report["statistics"]), &wanted);
    has(&keys(&report["references"]), &["truth"]);
    has(&keys(&report["references"]["truth"]), &["l1_norm"]);
    for prediction in report["predictions"].as_array().unwrap() {
        has(
            &keys(prediction),
            &[
                "name",
                "verdict",
                "kind",
                "measured",
                "bound",
                "margin",
                "reason",
                "statement",
                "citation",
            ],
        );
        assert!(["holds", "violated", "inapplicable"].contains(&prediction["verdict"].as_str().unwrap()));
        assert!(["theorem", "asymptotic"].contains(&prediction["kind"].as_str().unwrap()));
    }
    let listed: Vec<&str> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, names, "the report lists exactly the files");

    let columns = [
        "t",
        "loss",
        "loss_integral",
        "l1_norm",
        "support_size",
        "dual_bound",
        "bregman_divergence_truth",
        "bregman_divergence_pair_truth",
        "distance_truth",
    ];
    let table = read_table_parquet(&place.path("out/series.parquet")).unwrap();
    let found: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    has(&found, &columns);
    has(&keys(&report["final"]), &columns);
    assert_eq!(found[0], "t");
    assert_eq!(
        table.metadata["scenario_hash"],
        report["scenario"]["hash"].as_str().unwrap()
    );

    let arrays = place.trajectory("out");
    let k = table.rows();
    assert_eq!(report["recorded_times"], k);
    for (name, shape) in [
        ("t", vec![k]),
        ("t_lo", vec![k]),
        ("w", vec![k, 24]),
        ("q", vec![k, 12]),
        ("state", vec![k, 12]),
        ("A", vec![12, 24]),
        ("y", vec![12]),
        ("truth", vec![24]),
    ] {
        assert_eq!(arrays[name].shape, shape, "{name}");
    }
    assert_eq!(table.column("t").unwrap(), arrays["t"].data);
    assert_eq!(arrays["t"].data[0], 0.0);
    assert!((30..=62).contains(&k), "about 60 times: {k}");

    let sum: f64 = arrays["w"].data[(k - 1) * 24..].iter().map(|w| w.abs()).sum();
    assert!((table.column("l1_norm").unwrap()[k - 1] - sum).abs() < 1e-12 * sum);
    // the digits in the report read back exactly; the JSON library of this test may miss the last bit
    let close = |found: &Value, expected: f64| (found.as_f64().unwrap() - expected).abs() <= 4e-16 * expected;
    assert!(close(
        &report["final"]["l1_norm"],
        table.column("l1_norm").unwrap()[k - 1]
    ));
    assert!(close(&report["t_end"], arrays["t"].data[k - 1]));
    let largest = arrays["w"].data[(k - 1) * 24..]
        .iter()
        .fold(0.0f64, |a, w| a.max(w.abs()));
    let support = arrays["w"].data[(k - 1) * 24..]
        .iter()
        .filter(|w| w.abs() > 1e-3 * largest)
        .count();
    assert_eq!(report["final"]["support_size"].as_f64().unwrap(), support as f64);

    // the same table as text, to the last digit
    place
        .run(&["run", "small.ron", "--out", "text", "--no-figures", "--format", "csv"])
        .exits(0);
    let text = read_table_csv(&place.path("text/series.csv")).unwrap();
    for ((name, a), (other, b)) in table.columns.iter().zip(&text.columns) {
        assert_eq!(name, other);
        assert!(
            a.iter()
                .zip(b)
                .all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())),
            "{name}"
        );
    }
}

#[test]
fn recorded_times_are_those_asked_for() {
    let place = Place::new();
    place.write(
        "s.ron",
        SMALL.replace("LogSpaced(60)", "Times([0.0, 0.25, 1.0, 7.5, 1e30])"),
    );
    run(&place, "s.ron", "out", None);
    let t = &place.trajectory("out")["t"].data;
    assert_eq!(t[..4], [0.0, 0.25, 1.0, 7.5]);
    assert_eq!(
        t.len(),
        5,
        "the final state comes too, a time that is not reached does not"
    );
    assert!(t[4] > 7.5 && t[4] < 1e30);
    place.write("one.ron", SMALL.replace("LogSpaced(60)", "Times([1e30])"));
    run(&place, "one.ron", "one", None);
    assert_eq!(place.trajectory("one")["t"].data.len(), 2);
    place.write("two.ron", SMALL.replace("LogSpaced(60)", "LogSpaced(2)"));
    run(&place, "two.ron", "two", None);
    assert!(place.trajectory("two")["t"].data.len() >= 2);
}
