//! Whatever is fed to the command, it answers with an exit code of the contract and one line that says what is wrong,
//! where, and what to try: it never panics, never prints a result, and leaves no file under a final name.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use std::time::{Duration, Instant};

use support::{Done, Place, SMALL, npy, npy_of, row};

/// Runs a scenario that must be refused with exit code 3 and these words; nothing may have been written.
#[track_caller]
fn refuse(text: impl AsRef<[u8]>, words: &[&str]) {
    let place = Place::new();
    place.write("bad.ron", text);
    refuse_file(&place, words);
}

/// As [`refuse`], with `bad.ron` and other files in place already.
#[track_caller]
fn refuse_file(place: &Place, words: &[&str]) {
    let start = Instant::now();
    place.run(&["run", "bad.ron", "--out", "out"]).refused(3, words);
    assert!(start.elapsed() < Duration::from_secs(5), "a refusal takes no time");
    assert_eq!(place.files("out"), [""; 0]);
}

/// A scenario of four lines: 1 `Scenario(`, 2 the problem, 3 the model, 4 more.
fn scenario(problem: &str, model: &str, more: &str) -> String {
    format!("Scenario(\n    problem: Synthetic({problem}),\n    model: ({model}),\n    {more}\n)\n")
}

#[test]
fn unknown_fields_come_with_a_suggestion() {
    let text = scenario("", "dept: 2", "");
    refuse(
        text,
        &["bad.ron:3:", "model.dept", "unknown field", "did you mean `depth`?"],
    );
    let text = scenario("mesurements: 3", "depth: 2", "");
    refuse(
        text,
        &["bad.ron:2:", "problem.mesurements", "did you mean `measurements`?"],
    );
    let text = scenario("", "depth: 2", "integrate: (tolerence: 1e-8),");
    refuse(
        text,
        &["bad.ron:4:", "integrate.tolerence", "did you mean `tolerance`?"],
    );
    let text = scenario("", "depth: 2", "colour: 3,");
    refuse(text, &["bad.ron:4:", "colour", "known here:", "problem"]);
    let text = scenario("", "depth: 2, sign: Signd", "");
    refuse(text, &["bad.ron:3:", "model.sign", "`Signd`", "did you mean `Signed`?"]);
    let text = scenario("ensemble: Gausian", "depth: 2", "");
    refuse(text, &["bad.ron:2:", "problem.ensemble", "did you mean `Gaussian`?"]);
}

#[test]
fn values_of_the_wrong_type() {
    let text = scenario("measurements: 20.5", "depth: 2", "");
    refuse(text, &["bad.ron:2:", "problem.measurements", "integer", "20.5"]);
    let text = scenario("", "depth: 2.0", "");
    refuse(text, &["bad.ron:3:", "model.depth", "integer", "2.0"]);
    let text = scenario("", "depth: 2", "integrate: (tolerance: \"1e-8\"),");
    refuse(text, &["bad.ron:4:", "integrate.tolerance", "without quotes"]);
    let text = scenario("dimension: \"200\"", "depth: 2", "");
    refuse(text, &["bad.ron:2:", "problem.dimension", "without quotes"]);
    let text = scenario("", "depth: 2", "title: 3,");
    refuse(text, &["bad.ron:4:", "title", "\"…\""]);
    let text = scenario("", "depth: 2", "seed: -1,");
    refuse(text, &["bad.ron:4:", "seed", "nonnegative integer", "-1"]);
    let text = scenario("measurements: -3", "depth: 2", "");
    refuse(
        text,
        &["bad.ron:2:", "problem.measurements", "nonnegative integer", "-3"],
    );
    let text = scenario("", "depth: 2", "references: Truth,");
    refuse(text, &["bad.ron:4:", "references", "list"]);
}

#[test]
fn absent_and_repeated_fields() {
    refuse(
        "Scenario(problem: Synthetic(), model: ())",
        &["bad.ron:1:", "model.depth", "required"],
    );
    refuse("Scenario(model: (depth: 2))", &["bad.ron:1:", "problem", "required"]);
    refuse("Scenario()", &["bad.ron:1:", "problem", "required"]);
    let text = scenario("", "depth: 2,\n depth: 3", "");
    refuse(text, &["bad.ron:4:", "model.depth", "given twice"]);
    let text = "Scenario(problem: Files(matrix: \"A.npy\"), model: (depth: 2))";
    refuse(text, &["bad.ron:1:", "problem.measurements", "required"]);
}

#[test]
fn sizes_out_of_range() {
    let text = scenario("measurements: 0", "depth: 2", "");
    refuse(text, &["bad.ron:2:", "problem.measurements", "at least 1"]);
    let text = scenario("dimension: 0", "depth: 2", "");
    refuse(text, &["bad.ron:2:", "problem.dimension", "at least 1"]);
    let text = scenario("dimension: 10, signal: Sparse(sparsity: 11)", "depth: 2", "");
    refuse(
        text,
        &[
            "bad.ron:2:",
            "problem.signal.sparsity",
            "11",
            "between 0 and the dimension 10",
        ],
    );
    let text = scenario("measurements: 9, dimension: 8, ensemble: SubsampledDct", "depth: 2", "");
    refuse(text, &["bad.ron:2:", "problem.measurements", "9", "SubsampledDct"]);
    for depth in ["0", "1", "65", "18446744073709551615"] {
        let text = scenario("", &format!("depth: {depth}"), "");
        refuse(text, &["bad.ron:3:", "model.depth", depth, "between 2 and 64"]);
    }
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_allocated() {
    for sizes in [
        "dimension: 1000000000000",
        "measurements: 1000000000000",
        "measurements: 1000000000000, dimension: 1000000000000",
        "dimension: 18446744073709551615",
        "measurements: 18446744073709551615, dimension: 18446744073709551615",
        "measurements: 18446744073709551615, ensemble: Rademacher",
        "measurements: 1, dimension: 18446744073709551615, ensemble: SubsampledDct",
        "measurements: 1, dimension: 1000000000000, ensemble: SubsampledDct",
    ] {
        refuse(
            scenario(sizes, "depth: 2", ""),
            &["bad.ron:2:", "problem.", "memory", "this machine has"],
        );
    }
    for sizes in ["dimension: 100000000000000000000", "dimension: 1e12"] {
        refuse(
            scenario(sizes, "depth: 2", ""),
            &["bad.ron:2:", "problem.dimension", "integer"],
        );
    }
}

#[test]
fn starts_out_of_range() {
    for alpha in [
        "0",
        "0.0",
        "-0.0",
        "-1e-3",
        "inf",
        "-inf",
        "NaN",
        "1e7",
        "1e400",
        "1000000.1",
    ] {
        let text = scenario("", &format!("depth: 2, initialization: Identical({alpha})"), "");
        refuse(text, &["bad.ron:3:", "model.initialization", "above 0 and at most 1e6"]);
    }
    let text = scenario("", "depth: 3, initialization: PerFactor([0.1, 0.2])", "");
    refuse(
        text,
        &[
            "bad.ron:3:",
            "model.initialization",
            "a list of 2 numbers",
            "a list of 3 numbers",
        ],
    );
    let text = scenario("", "depth: 3, initialization: PerFactor([0.1, 0.2, -1.0])", "");
    refuse(text, &["bad.ron:3:", "model.initialization[2]", "-1.0"]);
    let text = scenario("dimension: 5", "depth: 2, initialization: Vector([0.1, 0.2])", "");
    refuse(
        text,
        &[
            "bad.ron:3:",
            "model.initialization",
            "a list of 2 numbers",
            "a list of 5 numbers",
        ],
    );
    let text = scenario(
        "dimension: 2, signal: Sparse(sparsity: 1)",
        "depth: 2, initialization: Vector([0.1, 0.0])",
        "",
    );
    refuse(text, &["bad.ron:3:", "model.initialization[1]", "0.0"]);
    let text = scenario("", "depth: 2, initialization: Random(scale: 0.1, spread: -1.0)", "");
    refuse(text, &["bad.ron:3:", "model.initialization.spread", "-1.0"]);
    let text = scenario("", "depth: 2, initialization: Random(scale: 0.0, spread: 1.0)", "");
    refuse(text, &["bad.ron:3:", "model.initialization.scale", "0.0"]);
}

#[test]
fn choices_of_the_integration_out_of_range() {
    for tolerance in ["0.0", "-1e-8", "9e-14", "0.011", "1.0", "inf", "NaN"] {
        let text = scenario("", "depth: 2", &format!("integrate: (tolerance: {tolerance}),"));
        refuse(text, &["bad.ron:4:", "integrate.tolerance", "between 1e-13 and 1e-2"]);
    }
    for (stop, field) in [
        ("[]", "integrate.stop"),
        ("[Stationary(1e-9), LossBelow(0.0)]", "integrate.stop[1]"),
        ("[RelativeLossBelow(-1.0)]", "integrate.stop[0]"),
        ("[TimeReached(inf)]", "integrate.stop[0]"),
        ("[TimeUnits(NaN)]", "integrate.stop[0]"),
    ] {
        let text = scenario("", "depth: 2", &format!("integrate: (stop: {stop}),"));
        refuse(text, &["bad.ron:4:", field]);
    }
    let text = scenario("", "depth: 2", "integrate: (max_steps: 0),");
    refuse(text, &["bad.ron:4:", "integrate.max_steps", "at least 1"]);
    for (record, field) in [
        ("LogSpaced(1)", "record"),
        ("LogSpaced(1000000000000)", "record"),
        ("Times([])", "record"),
        ("Times([-1.0])", "record[0]"),
        ("Times([0.0, 1.0, 1.0])", "record[2]"),
        ("Times([0.0, inf])", "record[1]"),
    ] {
        let text = scenario("", "depth: 2", &format!("record: {record},"));
        refuse(text, &["bad.ron:4:", field, "out of range"]);
    }
    for threshold in ["-0.1", "1.0", "NaN"] {
        let text = scenario("", "depth: 2", &format!("support_threshold: {threshold},"));
        refuse(text, &["bad.ron:4:", "support_threshold", "at least 0 and below 1"]);
    }
    for (signal, field) in [
        ("Sparse(magnitude: Constant(0.0))", "problem.signal.magnitude"),
        ("Sparse(magnitude: Uniform(2.0, 1.0))", "problem.signal.magnitude"),
        ("Sparse(magnitude: PowerLaw(-1.0))", "problem.signal.magnitude"),
    ] {
        refuse(
            scenario(&format!("signal: {signal}"), "depth: 2", ""),
            &["bad.ron:2:", field],
        );
    }
    for noise in ["-0.1", "inf", "NaN"] {
        refuse(
            scenario(&format!("noise: {noise}"), "depth: 2", ""),
            &["bad.ron:2:", "problem.noise"],
        );
    }
}

#[test]
fn names_that_do_not_exist() {
    let text = scenario("", "depth: 2", "predictions: [loss_decreases, divergence_identiti],");
    refuse(
        text,
        &[
            "bad.ron:4:",
            "predictions[1]",
            "`divergence_identiti`",
            "did you mean `divergence_identity`?",
        ],
    );
    let text = scenario("", "depth: 2", "figures: [loss_dekay],");
    refuse(
        text,
        &["bad.ron:4:", "figures", "`loss_dekay`", "did you mean `loss_decay`?"],
    );
    let text = scenario("", "depth: 2", "figures: [something_else_entirely],");
    refuse(text, &["bad.ron:4:", "known here:", "coordinate_paths"]);
    let text = scenario("", "depth: 2", "predictions: [loss_decreases, loss_decreases],");
    refuse(text, &["bad.ron:4:", "predictions", "twice"]);
    let text = scenario("", "depth: 2", "predictions: Anything,");
    refuse(text, &["bad.ron:4:", "predictions", "All, Everything, None or a list"]);
}

#[test]
fn references_that_do_not_exist() {
    let text = scenario("", "depth: 2", "references: [Truth, BasisPursuits],");
    refuse(
        text,
        &[
            "bad.ron:4:",
            "references[1]",
            "`BasisPursuits`",
            "did you mean `BasisPursuit`?",
        ],
    );
    let text = scenario("", "depth: 2", "references: [BregmanProjection, BregmanProjection],");
    refuse(text, &["bad.ron:4:", "references", "BregmanProjection", "listed twice"]);
}

#[test]
fn gradient_descent_that_cannot_be() {
    for step in ["0.0", "-0.1", "NaN", "inf"] {
        let text = scenario(
            "",
            "depth: 2",
            &format!("integrate: (method: GradientDescent(step: {step})),"),
        );
        refuse(text, &["bad.ron:4:", "integrate.method.step", "above 0"]);
    }
    for formulation in ["Log", "Dual"] {
        let lines = format!("integrate: (method: GradientDescent(step: 0.01), formulation: {formulation}),");
        refuse(
            scenario("", "depth: 2", &lines),
            &[
                "bad.ron:4:",
                "integrate.formulation",
                "GradientDescent",
                "try formulation: Factor",
            ],
        );
    }
    let text = scenario("", "depth: 2", "integrate: (method: GradientDescent(stepp: 0.01)),");
    refuse(text, &["bad.ron:4:", "did you mean `step`?"]);
}

#[test]
fn a_coordinate_that_does_not_exist() {
    for field in ["stop", "mark"] {
        let lines = format!("integrate: ({field}: [CoordinateActive(index: 100000, threshold: 0.1)]),");
        refuse(
            scenario("", "depth: 2", &lines),
            &[
                "bad.ron:4:",
                &format!("integrate.{field}[0].index"),
                "below the dimension",
            ],
        );
    }
    let text = scenario(
        "",
        "depth: 2",
        "integrate: (stop: [CoordinateActive(index: -1, threshold: 0.1)]),",
    );
    refuse(text, &["bad.ron:4:", "expected a nonnegative integer"]);
}

#[test]
fn a_time_scale_beyond_the_doubles() {
    let text = scenario("", "depth: 64, initialization: Identical(1e-6)", "");
    refuse(
        text,
        &[
            "bad.ron",
            "model.initialization",
            "depth 64",
            "larger alpha or a smaller depth",
        ],
    );
    let text = scenario("", "depth: 3, initialization: Identical(1e-300)", "");
    refuse(
        text,
        &["bad.ron", "model.initialization", "larger alpha or a smaller depth"],
    );
    let text = scenario(
        "",
        "depth: 2, initialization: PerFactor([0.1, 0.2])",
        "integrate: (stop: [TimeUnits(2.0)]),",
    );
    refuse(text, &["bad.ron", "TimeUnits", "TimeReached"]);
    for formulation in ["Log", "Dual"] {
        let more = format!("integrate: (formulation: {formulation}),");
        let text = scenario("", "depth: 2, initialization: PerFactor([0.1, 0.2])", &more);
        refuse(text, &["bad.ron", "all factors to start alike", "formulation: Factor"]);
    }
}

#[test]
fn files_that_are_no_scenarios() {
    refuse("", &["bad.ron:1:1", "the scenario is empty"]);
    refuse(" \n\t\n", &["bad.ron", "the scenario is empty"]);
    refuse(b"\x00\x01\x02\x03\x04", &["bad.ron"]);
    refuse(
        b"Scenario(\n    title: \"\xff\xfe\",\n)",
        &["bad.ron", "not UTF-8", "line 2"],
    );
    refuse(b"\x7fELF\x02\x01\x01\x00\xff\xff\xff", &["bad.ron", "not UTF-8"]);
    refuse("{\"problem\": {}}", &["bad.ron:1:"]);
    refuse(
        "Scenario(problem: Synthetic(), model: (depth: 2)) trailing",
        &["bad.ron:1:"],
    );
    refuse("Scenario(problem: Synthetic(", &["bad.ron:1:"]);
    refuse("\"", &["bad.ron:1:"]);
    refuse("/* never closed", &["bad.ron:1:"]);
    let place = Place::new();
    place
        .run(&["run", "absent.ron"])
        .refused(3, &["absent.ron", "No such file"]);
    place.run(&["run", "."]).refused(3, &["it is a directory"]);
    place.run(&["check", "absent"]).refused(3, &["absent", "No such file"]);
    assert_eq!(place.files("."), [""; 0]);
}

#[test]
fn endless_nesting_and_endless_text() {
    for bracket in [
        "(",
        "[",
        "{",
        "Some(",
        "Sparse(",
        "a:(",
        "/*",
        "r#",
        "\"\\",
        "-",
        "'",
        "#![enable(",
    ] {
        refuse(bracket.repeat(100_000), &["bad.ron"]);
        refuse(format!("Scenario(problem: {}", bracket.repeat(100_000)), &["bad.ron"]);
    }
    let nested = format!("{}{}", "(".repeat(50_000), ")".repeat(50_000));
    refuse(
        scenario("", "depth: 2", &format!("predictions: {nested},")),
        &["bad.ron:4:"],
    );
    refuse(
        scenario("", "depth: 2", &format!("title: \"{}\",", "x".repeat(17 << 20))),
        &["bad.ron", "16777216"],
    );
}

/// A scenario on files, with a good `A.npy` (2 × 3) and a good `y.npy`.
fn on_files() -> Place {
    let place = Place::new();
    place.write("bad.ron", FILES);
    place.write("A.npy", npy_of(&[2, 3], &[1.0, 0.5, 0.25, -0.5, 1.0, 0.75]));
    place.write("y.npy", npy_of(&[2], &[1.0, 0.5]));
    place
}

const FILES: &str = "Scenario(problem: Files(matrix: \"A.npy\", measurements: \"y.npy\"), model: (depth: 2))";

#[test]
fn the_good_files_of_these_tests_are_good() {
    on_files()
        .run(&["run", "bad.ron", "--out", "out", "--no-figures"])
        .exits(0);
}

#[test]
fn damaged_numpy_files() {
    let good = npy_of(&[2, 3], &[1.0, 0.5, 0.25, -0.5, 1.0, 0.75]);
    let with = |value: f64| npy_of(&[2, 3], &[1.0, 0.5, value, -0.5, 1.0, 0.75]);
    let huge = npy("<f8", false, &[1_000_000_000_000, 3], &[0; 48]);
    let beyond = npy("<f8", false, &[usize::MAX, usize::MAX], &[0; 48]);
    let longer = [&good[..], &[0]].concat();
    let deep = npy(&"(".repeat(30_000), false, &[2, 3], &[0; 48]);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "not a number",
            with(f64::NAN),
            &["entry [0, 2]", "NaN is not a finite number"],
        ),
        (
            "infinite",
            with(f64::INFINITY),
            &["entry [0, 2]", "inf is not a finite number"],
        ),
        (
            "truncated data",
            good[..good.len() - 1].to_vec(),
            &["48 bytes", "47", "copied completely"],
        ),
        (
            "no data",
            good[..good.len() - 48].to_vec(),
            &["48 bytes", "copied completely"],
        ),
        ("truncated header", good[..20].to_vec(), &[]),
        ("only the magic", good[..6].to_vec(), &[]),
        ("too long", longer, &["48 bytes", "49"]),
        (
            "another magic",
            b"PK\x03\x04 something else entirely".to_vec(),
            &["not a valid"],
        ),
        ("text", b"1,2,3\n4,5,6\n".to_vec(), &["not a valid"]),
        ("empty", Vec::new(), &["empty"]),
        ("10^12 rows", huge, &["copied completely"]),
        ("more than any file", beyond, &["copied completely"]),
        ("objects", npy("|O", false, &[2, 3], &[0; 48]), &["not supported"]),
        (
            "complex numbers",
            npy("<c16", false, &[2, 3], &[0; 96]),
            &["not supported", "float64"],
        ),
        (
            "text elements",
            npy("<U8", false, &[2, 3], &[0; 192]),
            &["not supported"],
        ),
        ("nested header", deep, &[]),
        ("no rows", npy_of(&[0, 3], &[]), &["empty"]),
        ("a scalar", npy_of(&[], &[1.0]), &["matrix"]),
        ("a vector", npy_of(&[6], &[1.0; 6]), &["expected a matrix", "[6]"]),
        ("a stack", npy_of(&[1, 2, 3], &[1.0; 6]), &["stack", "index: k"]),
        ("four axes", npy_of(&[1, 1, 2, 3], &[1.0; 6]), &["matrix"]),
    ];
    for (label, bytes, words) in cases {
        println!("{label}");
        let place = on_files();
        place.write("A.npy", bytes);
        refuse_file(&place, &[&["A.npy"], words].concat());
    }
}

#[test]
fn damaged_text_files() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        (
            "nan",
            "A.csv",
            "1,2,3\n4,nan,6\n",
            &["A.csv:2:3", "nan is not a finite number"],
        ),
        (
            "inf",
            "A.csv",
            "1,2,inf\n4,5,6\n",
            &["A.csv:1:5", "inf is not a finite number"],
        ),
        (
            "-Infinity",
            "A.csv",
            "1,2,3\n4,5,-Infinity\n",
            &["A.csv:2:5", "not a finite number"],
        ),
        (
            "overflow",
            "A.csv",
            "1,2,3\n4,5,1e999\n",
            &["A.csv:2:5", "1e999 is not a finite number"],
        ),
        (
            "words",
            "A.csv",
            "1,2,3\n4,five,6\n",
            &["A.csv:2:3", "`five` is not a number"],
        ),
        (
            "a hole",
            "A.csv",
            "1,2,3\n4,,6\n",
            &["A.csv:2:3", "a value is missing here"],
        ),
        (
            "a ragged row",
            "A.csv",
            "1,2,3\n4,5\n",
            &["A.csv:2:", "this row has 2 numbers"],
        ),
        ("only a header", "A.csv", "a,b,c\n", &["A.csv", "empty"]),
        (
            "decimal commas",
            "A.csv",
            "1,5;2;3\n4;5;6\n",
            &["A.csv:1:1", "decimals with a point"],
        ),
        ("blank", "A.csv", "\n\n", &["A.csv", "empty"]),
        ("no banner", "A.mtx", "2 3 1\n1 1 1.0\n", &["A.mtx:1"]),
        (
            "an index beyond",
            "A.mtx",
            "%%MatrixMarket matrix coordinate real general\n2 3 1\n3 1 1.0\n",
            &["A.mtx:3", "`3` is not an index from 1 to 2"],
        ),
        (
            "index 0",
            "A.mtx",
            "%%MatrixMarket matrix coordinate real general\n2 3 1\n0 1 1.0\n",
            &["A.mtx:3", "`0` is not an index"],
        ),
        (
            "too few entries",
            "A.mtx",
            "%%MatrixMarket matrix coordinate real general\n2 3 2\n1 1 1.0\n",
            &["A.mtx", "2 entries", "copied completely"],
        ),
        (
            "too many entries",
            "A.mtx",
            "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 1 1.0\n1 2 1.0\n",
            &["A.mtx:4", "1 entries"],
        ),
        (
            "not finite",
            "A.mtx",
            "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 1 nan\n",
            &["A.mtx:3", "not a finite number"],
        ),
        (
            "complex",
            "A.mtx",
            "%%MatrixMarket matrix coordinate complex general\n2 3 1\n1 1 1 1\n",
            &["A.mtx:1", "not supported"],
        ),
        (
            "10^12 entries",
            "A.mtx",
            "%%MatrixMarket matrix coordinate real general\n2 3 1000000000000\n1 1 1\n",
            &["A.mtx:2", "1000000000000 entries"],
        ),
        (
            "10^12 columns",
            "A.mtx",
            "%%MatrixMarket matrix coordinate real general\n2 1000000000000 1\n1 1 1\n",
            &["A.mtx"],
        ),
        (
            "10^12 dense",
            "A.mtx",
            "%%MatrixMarket matrix array real general\n1000000 1000000\n1\n",
            &["A.mtx:2"],
        ),
        ("empty", "A.csv", "", &["A.csv", "empty"]),
        (
            "unknown format",
            "A.txt",
            "1 2 3\n4 5 6\n",
            &["A.txt", "`.txt`", "use .npy, .mtx or .csv"],
        ),
        ("no extension", "A", "1 2 3\n4 5 6\n", &["use .npy, .mtx or .csv"]),
    ];
    for (label, name, content, words) in table {
        println!("{label}");
        let place = on_files();
        place.write("bad.ron", FILES.replace("A.npy", name));
        place.write(name, content);
        refuse_file(&place, words);
    }
    let place = on_files();
    place.write("bad.ron", FILES.replace("A.npy", "A.csv"));
    place.write("A.csv", b"1,2,3\n4,\xff,6\n");
    refuse_file(&place, &["A.csv:2", "not UTF-8"]);
}

#[test]
fn shapes_that_disagree() {
    let place = on_files();
    place.write("y.npy", npy_of(&[3], &[1.0, 0.5, 0.25]));
    refuse_file(&place, &["y.npy", "3 entries", "2, the number of rows of A.npy"]);

    let place = on_files();
    place.write("y.npy", npy_of(&[2, 2], &[1.0; 4]));
    refuse_file(&place, &["y.npy", "index: k"]);

    let place = on_files();
    place.write("bad.ron", FILES.replace("\"y.npy\"", "\"y.npy\", truth: \"w.npy\""));
    place.write("w.npy", npy_of(&[2], &[1.0, 0.5]));
    refuse_file(&place, &["w.npy", "2 entries", "3, the number of columns of A.npy"]);

    let place = on_files();
    place.write("bad.ron", FILES.replace("\"y.npy\"", "\"y.npy\", index: 2"));
    place.write("y.npy", npy_of(&[2, 2], &[1.0; 4]));
    refuse_file(&place, &["y.npy", "index 2 is out of range", "the stack has 2"]);

    for (start, words) in [
        ("Vector([0.1, 0.1])", ["model.initialization", "3"]),
        ("Vector(\"x0.npy\")", ["model.initialization", "3"]),
    ] {
        let place = on_files();
        place.write(
            "bad.ron",
            FILES.replace("depth: 2", &format!("depth: 2, initialization: {start}")),
        );
        place.write("x0.npy", npy_of(&[2], &[0.1, 0.1]));
        refuse_file(&place, &words);
    }
    let place = on_files();
    place.write(
        "bad.ron",
        FILES.replace("depth: 2", "depth: 2, initialization: Vector(\"x0.npy\")"),
    );
    place.write("x0.npy", npy_of(&[3], &[0.1, 0.0, 0.1]));
    refuse_file(&place, &["bad.ron", "model.initialization"]);
}

#[test]
fn files_that_are_missing_or_no_files() {
    let place = on_files();
    place.write("bad.ron", FILES.replace("A.npy", "B.npy"));
    refuse_file(
        &place,
        &["B.npy", "there is no such file", "relative to the scenario file"],
    );

    let place = on_files();
    place.write("bad.ron", FILES.replace("y.npy", "z.npy"));
    refuse_file(&place, &["z.npy", "there is no such file"]);

    let place = on_files();
    std::fs::create_dir(place.path("D.npy")).unwrap();
    place.write("bad.ron", FILES.replace("A.npy", "D.npy"));
    refuse_file(&place, &["D.npy", "it is a directory"]);

    let place = on_files();
    place.write("bad.ron", FILES.replace("A.npy", ""));
    refuse_file(&place, &["bad.ron:1:", "problem.matrix", "the path of"]);

    let place = on_files();
    place.write(
        "bad.ron",
        FILES.replace("depth: 2", "depth: 2, initialization: Vector(\"x0.csv\")"),
    );
    refuse_file(&place, &["x0.csv", "there is no such file"]);

    if std::path::Path::new("/dev/zero").exists() {
        let place = on_files();
        std::os::unix::fs::symlink("/dev/zero", place.path("Z.npy")).unwrap();
        place.write("bad.ron", FILES.replace("A.npy", "Z.npy"));
        refuse_file(&place, &["Z.npy", "not a regular file"]);
        std::os::unix::fs::symlink("/dev/zero", place.path("zero.ron")).unwrap();
        place
            .run(&["run", "zero.ron", "--out", "out"])
            .refused(3, &["zero.ron"]);
    }
}

#[test]
fn overrides_that_lead_nowhere() {
    let set = |assignments: &[&str]| -> Done {
        let place = Place::with_small();
        let mut arguments = vec!["run", "small.ron", "--out", "out"];
        for assignment in assignments {
            arguments.extend(["--set", assignment]);
        }
        let done = place.run(&arguments);
        if done.code != Some(0) {
            assert_eq!(place.files("out"), [""; 0]);
        }
        done
    };
    set(&["model.depht=3"]).refused(3, &["small.ron", "model.depht", "did you mean `depth`?"]);
    set(&["modell.depth=3"]).refused(3, &["small.ron", "modell.depth", "did you mean `model`?"]);
    set(&["model.depth"]).refused(3, &["small.ron", "there is no `=`", "--set problem.measurements=40"]);
    set(&["=3"]).refused(3, &["small.ron", "there is no path"]);
    set(&["model.depth="]).refused(3, &["small.ron", "model.depth="]);
    set(&["model.depth=1"]).refused(3, &["small.ron", "model.depth", "between 2 and 64"]);
    set(&["model.depth=2.5"]).refused(3, &["small.ron", "model.depth", "integer"]);
    set(&["model.depth=(((("]).refused(3, &["small.ron"]);
    set(&["model.depth=3, sign: Positive"]).refused(3, &["small.ron", "model.depth=3, sign: Positive"]);
    set(&[&format!("model.depth={}", "(".repeat(50_000))]).refused(3, &["small.ron"]);
    set(&["integrate.tolerance=5"]).refused(3, &["small.ron", "integrate.tolerance"]);
    set(&["seed=4", "problem.dimension=0"]).refused(3, &["small.ron", "problem.dimension", "at least 1"]);
    set(&["figures=[loss_dekay]"]).refused(3, &["small.ron", "figures", "did you mean `loss_decay`?"]);
    let place = Place::with_small();
    place.run(&["run", "small.ron", "--set"]).exits(2);
}

#[test]
fn output_directories_that_cannot_be() {
    let place = Place::with_small();
    place.write("occupied", "mine");
    place
        .run(&["run", "small.ron", "--out", "occupied"])
        .refused(5, &["occupied", "it is a file", "--out takes a directory"]);
    place
        .run(&["run", "small.ron", "--out", "occupied/below"])
        .refused(5, &["occupied/below", "cannot be written to"]);
    assert_eq!(place.read("occupied"), b"mine");
    place
        .run(&["run", "small.ron", "--out", "/proc/self/here"])
        .refused(5, &["/proc/self/here", "cannot be written to"]);
    assert_eq!(place.files("."), ["occupied", "small.ron"]);
}

#[test]
fn the_run_of_another_scenario_is_not_overwritten() {
    let place = Place::with_small();
    place
        .run(&["run", "small.ron", "--out", "out", "--no-figures"])
        .exits(0);
    let before = place.read("out/report.json");
    let other = ["run", "small.ron", "--out", "out", "--no-figures", "--set", "seed=4"];
    place.run(&other).refused(5, &["out", "another scenario", "--force"]);
    assert_eq!(place.read("out/report.json"), before);
    place.run(&[&other[..], &["--force"]].concat()).exits(0);
    assert_ne!(
        place.report("out")["scenario"]["hash"],
        serde_json::from_slice::<serde_json::Value>(&before).unwrap()["scenario"]["hash"]
    );
    assert_eq!(place.report("out")["scenario"]["seed"], 4);
    // a report that is none does not count as this scenario's either
    place.write("out/report.json", "{");
    place.run(&other).refused(5, &["out", "--force"]);
}

#[test]
fn the_grammar_of_the_command_line() {
    let place = Place::with_small();
    for arguments in [
        &["frobnicate"][..],
        &[],
        &["run"],
        &["run", "small.ron", "--format", "xml"],
        &["run", "small.ron", "--nonsense"],
        &["run", "small.ron", "another.ron"],
        &["run", "small.ron", "--out"],
        &["run", "small.ron", "--out", ""],
        &["run", ""],
        &["plot", "out", "--size", "huge"],
        &["plot", "out", "--format", "gif"],
        &["list", "everything"],
        &["completions", "tcl"],
        &["check"],
    ] {
        let done = place.run(arguments).exits(2);
        assert_eq!(done.stdout, "", "{arguments:?}");
        assert!(!done.stderr.is_empty());
    }
    place
        .run(&["frobnicate"])
        .says(&["unrecognized subcommand", "frobnicate"]);
    place.run(&["rum", "small.ron"]).exits(2).says(&["run"]);
    assert_eq!(place.files("."), ["small.ron"]);
}

#[test]
fn directories_without_a_run() {
    let place = Place::with_small();
    std::fs::create_dir(place.path("empty")).unwrap();
    for command in ["plot", "check"] {
        place
            .run(&[command, "empty"])
            .refused(3, &["empty", "no run", "scenario.ron"]);
    }
    place.run(&["plot", "absent"]).refused(3, &["absent", "no run"]);
    place.run(&["plot", "small.ron"]).refused(3, &["small.ron"]);
    place
        .run(&["run", "small.ron", "--out", "empty", "--resume"])
        .refused(3, &["empty", "no interrupted run", "checkpoint.npz"]);
    place.write("half/scenario.ron", SMALL);
    place
        .run(&["check", "half"])
        .refused(3, &["trajectory.npz", "there is no such file"]);
    place.write("broken/scenario.ron", "(");
    place.run(&["check", "broken"]).refused(3, &["broken/scenario.ron"]);
    place
        .run(&["plot", "half", "--figure", "loss_dekay"])
        .refused(3, &["loss_dekay", "did you mean loss_decay?"]);
}

/// A saved run of the small scenario in `out`.
fn saved() -> Place {
    let place = Place::with_small();
    place
        .run(&["run", "small.ron", "--out", "out", "--no-figures"])
        .exits(0);
    place.run(&["check", "out"]).exits(0);
    place
}

#[test]
fn a_truncated_trajectory_is_refused() {
    let place = saved();
    let whole = place.read("out/trajectory.npz");
    for length in [0, 1, 20, 100, 1000, whole.len() / 2, whole.len() - 4096] {
        place.write("out/trajectory.npz", &whole[..length]);
        for command in ["check", "plot"] {
            place.run(&[command, "out"]).refused(3, &["trajectory.npz"]);
        }
    }
    // one flipped bit in the middle of the numbers: the checksum notices
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    place.write("out/trajectory.npz", &flipped);
    place.run(&["check", "out"]).refused(3, &["trajectory.npz"]);
    place.write("out/trajectory.npz", "not an archive at all");
    place.run(&["check", "out"]).refused(3, &["trajectory.npz"]);
    place.write("out/trajectory.npz", &whole);
    place.run(&["check", "out"]).exits(0);
}

#[test]
fn missing_or_misshapen_arrays_are_refused() {
    let place = saved();
    let arrays = place.trajectory("out");
    for name in [
        "t",
        "t_lo",
        "q",
        "state",
        "loss_integral",
        "loss_integral_lo",
        "increments",
    ] {
        let mut fewer = arrays.clone();
        fewer.remove(name);
        place.set_trajectory("out", &fewer);
        place.run(&["check", "out"]).refused(3, &["out", "array", name]);
        let mut shorter = arrays.clone();
        let array = shorter.get_mut(name).unwrap();
        array.data.pop();
        array.shape = vec![array.data.len()];
        place.set_trajectory("out", &shorter);
        place.run(&["check", "out"]).refused(3, &["out", "array", "entries"]);
    }
}

#[test]
fn altered_weights_are_noticed() {
    let place = saved();
    let arrays = place.trajectory("out");
    for (row, change) in [(20, 1.000_001), (20, f64::NAN), (20, f64::INFINITY), (0, 2.0)] {
        let mut altered = arrays.clone();
        let w = altered.get_mut("w").unwrap();
        let largest = (0..24)
            .max_by(|&i, &j| w.data[row * 24 + i].abs().total_cmp(&w.data[row * 24 + j].abs()))
            .unwrap();
        let entry = &mut w.data[row * 24 + largest];
        *entry = if *entry == 0.0 { change } else { *entry * change };
        place.set_trajectory("out", &altered);
        let words = ["out", &format!("row {row} of w"), "altered"];
        place.run(&["check", "out"]).refused(3, &words);
        place.run(&["plot", "out"]).refused(3, &words);
    }
}

#[test]
fn an_altered_state_violates_predictions() {
    let place = saved();
    let mut arrays = place.trajectory("out");
    assert_eq!(place.report("out")["formulation"], "Dual");
    let k = 30;
    let (m, n) = (12, 24);
    for entry in &mut arrays.get_mut("state").unwrap().data[k * m..(k + 1) * m] {
        *entry *= 1.01;
    }
    place.set_trajectory("out", &arrays);
    place
        .run(&["check", "out"])
        .refused(3, &["out", &format!("row {k} of w"), "altered"]);
    // whoever alters the weights consistently as well is found out by the theory
    let (q, a) = (row(&arrays["state"], k).to_vec(), arrays["A"].data.clone());
    for i in 0..n {
        let s: f64 = (0..m).map(|j| a[j * n + i] * q[j]).sum();
        arrays.get_mut("w").unwrap().data[k * n + i] = 2e-6 * (2.0 * s).sinh();
    }
    place.set_trajectory("out", &arrays);
    let done = place.run(&["check", "out", "--json"]).exits(1);
    let document = done.json();
    let verdicts = document["predictions"].as_array().unwrap();
    let violated = |name: &str| verdicts.iter().any(|p| p["name"] == name && p["verdict"] == "violated");
    assert!(violated("divergence_identity"), "{}", done.stdout);
    place.run(&["check", "out"]).exits(1).prints(&["violated"]);
    place.run(&["plot", "out"]).exits(0);
}

#[test]
fn times_that_are_none_are_refused() {
    let place = saved();
    let arrays = place.trajectory("out");
    for (row, time) in [(10, f64::NAN), (10, 0.0), (59, f64::INFINITY)] {
        let mut altered = arrays.clone();
        let t = &mut altered.get_mut("t").unwrap().data;
        let row = row.min(t.len() - 1);
        t[row] = time;
        place.set_trajectory("out", &altered);
        place
            .run(&["check", "out"])
            .refused(3, &["out", &format!("row {row} of t"), "altered"]);
    }
}
