//! Input that looks wrong and is not: it must run, end by one of its events, and say what there is to say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use serde_json::Value;
use support::{BINARY, Done, Place, SMALL, difference, last_row, npy, npy_of};

/// A small matrix of integers (3 × 5, row-major) and measurements of (1, 0, 0, 2, 0).
const A: [f64; 15] = [
    2.0, 1.0, 0.0, -1.0, 1.0, 0.0, 1.0, 3.0, 1.0, -1.0, 1.0, -1.0, 1.0, 2.0, 0.0,
];
const Y: [f64; 3] = [0.0, 2.0, 5.0];

/// A scenario on files with more fields of the problem and of the model.
fn on(matrix: &str, measurements: &str, problem: &str, model: &str) -> String {
    format!(
        "Scenario(problem: Files(matrix: \"{matrix}\", measurements: \"{measurements}\"{problem}), \
         model: (depth: 2{model}), record: LogSpaced(50))"
    )
}

/// Runs a scenario to `out`, checks what was saved, and gives the final weights and the report.
#[track_caller]
fn weights(place: &Place, scenario: &str) -> (Vec<f64>, Value) {
    place.write("s.ron", scenario);
    place.run(&["run", "s.ron", "--out", "out", "--force"]).exits(0);
    place.run(&["check", "out"]).exits(0);
    place.run(&["plot", "out", "--format", "png"]).exits(0);
    (last_row(&place.trajectory("out")["w"]).to_vec(), place.report("out"))
}

/// Weights for a matrix and measurements given as numbers, with a title, depth and sign.
#[track_caller]
fn solve(shape: [usize; 2], a: &[f64], y: &[f64], model: &str) -> (Vec<f64>, Value) {
    let place = Place::new();
    place.write("A.npy", npy_of(&shape, a));
    place.write("y.npy", npy_of(&[y.len()], y));
    weights(&place, &on("A.npy", "y.npy", "", model))
}

/// The final weights of the matrix [`A`].
fn expected() -> Vec<f64> {
    solve([3, 5], &A, &Y, "").0
}

fn stopped_by(report: &Value, event: &str) -> bool {
    report["outcome"]["message"]
        .as_str()
        .unwrap()
        .starts_with(&format!("stopped by {event}"))
}

fn notes(report: &Value) -> String {
    report["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn nothing_to_fit() {
    for model in ["", ", sign: Positive", ", initialization: PerFactor([0.1, 0.2])"] {
        let (_, report) = solve([3, 5], &A, &[0.0; 3], model);
        assert_eq!(report["t_end"], 0.0, "{model}");
        assert_eq!(report["recorded_times"], 1);
        assert!(notes(&report).contains("y = 0"), "{report:#}");
    }
    // a signal without any entry, and without noise
    let place = Place::new();
    let text =
        "Scenario(problem: Synthetic(measurements: 4, dimension: 9, signal: Sparse(sparsity: 0)), model: (depth: 3))";
    let (w, report) = weights(&place, text);
    assert_eq!(w, [0.0; 9]);
    assert_eq!(report["t_end"], 0.0);
    assert!(notes(&report).contains("y = 0"));
    // with noise there is something to fit, but the truth is still 0
    let (_, report) = weights(
        &place,
        &text
            .replace("Sparse(sparsity: 0)", "Sparse(sparsity: 0), noise: 0.1")
            .replace("depth: 3", "depth: 2"),
    );
    assert_eq!(report["references"]["truth"]["l1_norm"], 0.0);
    assert!(notes(&report).contains("truth"), "{report:#}");
}

#[test]
fn no_pull_on_any_weight() {
    let (w, report) = solve([2, 2], &[0.0; 4], &[1.0, 2.0], "");
    assert_eq!(w, [0.0; 2]);
    assert!(stopped_by(&report, "Stationary"));
    assert!(notes(&report).contains("no weights reach y"), "{report:#}");
    let (w, report) = solve([2, 2], &[1.0, 1.0, -1.0, -1.0], &[1.0, 1.0], "");
    assert_eq!(w, [0.0; 2]);
    assert_eq!(report["t_end"], 0.0);
}

#[test]
fn repeated_rows_and_columns() {
    let columns: Vec<f64> = A.chunks_exact(5).flat_map(|row| [row, row].concat()).collect();
    let (w, _) = solve([3, 10], &columns, &Y, "");
    assert!(
        difference(&w[..5], &w[5..]) < 1e-7,
        "equal columns have equal weights: {w:?}"
    );
    let residual: Vec<f64> = columns
        .chunks_exact(10)
        .map(|row| row.iter().zip(&w).map(|(a, w)| a * w).sum())
        .collect();
    assert!(difference(&residual, &Y) < 1e-5, "{residual:?}");

    let (rows, y) = ([A, A].concat(), [Y, Y].concat());
    let (w, _) = solve([6, 5], &rows, &y, "");
    assert!(
        difference(&w, &expected()) < 1e-4,
        "repeated measurements say nothing new"
    );
    let zero = [&A[..], &[0.0; 5]].concat();
    let (w, _) = solve([4, 5], &zero, &[Y[0], Y[1], Y[2], 0.0], "");
    assert!(difference(&w, &expected()) < 1e-4);
    // a column of zeros: its weight stays where it starts
    let (w, _) = solve(
        [1, 2],
        &[1.0, 0.0],
        &[1.0],
        ", sign: Positive, initialization: Identical(0.1)",
    );
    assert!((w[0] - 1.0).abs() < 1e-5 && (w[1] - 0.01).abs() < 1e-9, "{w:?}");
}

#[test]
fn measurements_out_of_reach() {
    // the least-squares value of w1 + w2 is 3/2
    for depth in [
        "",
        ", initialization: Identical(1e-2)",
        ", initialization: PerFactor([0.1, 0.2])",
    ] {
        let (w, report) = solve([2, 2], &[1.0; 4], &[1.0, 2.0], depth);
        assert!((w[0] + w[1] - 1.5).abs() < 1e-6, "{w:?}");
        assert!(stopped_by(&report, "Stationary"), "{report:#}");
        assert!((report["final"]["loss"].as_f64().unwrap() - 0.25).abs() < 1e-9);
        assert!(notes(&report).contains("least-squares"), "{report:#}");
    }
    // a signed model reaches (-3/2, 1); a positive one only the boundary, where min |(w1 - 1, -1)|²
    let (a, y) = ([1.0, 0.5, 0.0, -1.0], [-1.0, -1.0]);
    let (w, report) = solve([2, 2], &a, &y, "");
    assert!(difference(&w, &[-1.5, 1.0]) < 1e-5, "{w:?}");
    assert!(stopped_by(&report, "RelativeLossBelow"));
    for model in [", sign: Positive", ", sign: Positive, initialization: Identical(0.3)"] {
        let (w, report) = solve([2, 2], &a, &y, model);
        // w1 = 0 and w2 minimises (w2/2 + 1)² + (1 - w2)²: 5/4 w2 = 1/2
        assert!(w[0] >= 0.0 && w[0] < 1e-6 && (w[1] - 0.4).abs() < 1e-6, "{w:?}");
        assert!(stopped_by(&report, "Stationary"), "{report:#}");
        assert!(notes(&report).contains("no nonnegative weights reach y"), "{report:#}");
    }
    let place = Place::new();
    place.write("A.npy", npy_of(&[2, 2], &a));
    place.write("y.npy", npy_of(&[2], &y));
    let three =
        on("A.npy", "y.npy", "", ", sign: Positive, initialization: Identical(0.1)").replace("depth: 2", "depth: 3");
    let (w, report) = weights(&place, &three);
    assert!(w[0] >= 0.0 && w[0] < 1e-4 && (w[1] - 0.4).abs() < 1e-4, "{w:?}");
    assert!(notes(&report).contains("no nonnegative weights reach y"), "{report:#}");
}

#[test]
fn a_single_nonnegative_solution() {
    // many measurements of a nonnegative vector: no strictly positive solution, entries off the support decay slowly
    let place = Place::new();
    let text = "Scenario(problem: Synthetic(measurements: 9, dimension: 12, signal: Sparse(sparsity: 2)), \
                model: (depth: 2, sign: Positive), record: LogSpaced(50))";
    let (_, report) = weights(&place, text);
    assert!(report["final"]["distance_truth"].as_f64().unwrap() < 1e-4, "{report:#}");
}

#[test]
fn more_measurements_than_unknowns_and_a_single_one() {
    let place = Place::new();
    let text = "Scenario(problem: Synthetic(measurements: 30, dimension: 10, signal: Sparse(sparsity: 10)), \
                model: (depth: 3, initialization: Identical(0.1)), record: LogSpaced(50))";
    let (_, report) = weights(&place, text);
    assert!(report["final"]["distance_truth"].as_f64().unwrap() < 1e-4, "{report:#}");
    let tall = "Scenario(problem: Synthetic(measurements: 5, dimension: 1), model: (depth: 2))";
    assert!(weights(&place, tall).1["final"]["distance_truth"].as_f64().unwrap() < 1e-5);
    let wide = "Scenario(problem: Synthetic(measurements: 1, dimension: 7), model: (depth: 2))";
    weights(&place, wide);

    for (sign, y) in [("Signed", -3.0), ("Positive", 3.0)] {
        let (w, report) = solve([1, 1], &[1.5], &[y], &format!(", sign: {sign}"));
        assert!((w[0] - y / 1.5).abs() < 1e-5, "{w:?}");
        assert_eq!(report["scenario"]["dimension"], 1);
    }
    let (w, _) = solve([1, 1], &[-1.5], &[3.0], ", sign: Positive");
    assert!(w[0] >= 0.0 && w[0] < 1e-7, "a positive weight cannot reach -2: {w:?}");
}

#[test]
fn every_layout_of_a_numpy_file() {
    let expected = expected();
    let bytes = |f: &dyn Fn(f64) -> Vec<u8>| A.iter().flat_map(|a| f(*a)).collect::<Vec<u8>>();
    let columns: Vec<f64> = (0..5).flat_map(|j| (0..3).map(move |i| A[i * 5 + j])).collect();
    let fortran: Vec<u8> = columns.iter().flat_map(|a| a.to_le_bytes()).collect();
    let fortran_big: Vec<u8> = columns.iter().flat_map(|a| (*a as f32).to_be_bytes()).collect();
    let files = [
        (
            "doubles",
            npy("<f8", false, &[3, 5], &bytes(&|a| a.to_le_bytes().into())),
        ),
        (
            "big-endian doubles",
            npy(">f8", false, &[3, 5], &bytes(&|a| a.to_be_bytes().into())),
        ),
        (
            "singles",
            npy("<f4", false, &[3, 5], &bytes(&|a| (a as f32).to_le_bytes().into())),
        ),
        (
            "integers",
            npy("<i8", false, &[3, 5], &bytes(&|a| (a as i64).to_le_bytes().into())),
        ),
        (
            "big-endian integers",
            npy(">i4", false, &[3, 5], &bytes(&|a| (a as i32).to_be_bytes().into())),
        ),
        (
            "short integers",
            npy("<i2", false, &[3, 5], &bytes(&|a| (a as i16).to_le_bytes().into())),
        ),
        (
            "bytes",
            npy("|i1", false, &[3, 5], &bytes(&|a| (a as i8).to_le_bytes().into())),
        ),
        ("column-major", npy("<f8", true, &[3, 5], &fortran)),
        (
            "column-major big-endian singles",
            npy(">f4", true, &[3, 5], &fortran_big),
        ),
    ];
    for (label, file) in files {
        let place = Place::new();
        place.write("A.npy", file);
        place.write(
            "y.npy",
            npy(
                "<i4",
                false,
                &[3, 1],
                &Y.iter().flat_map(|y| (*y as i32).to_le_bytes()).collect::<Vec<_>>(),
            ),
        );
        let (w, _) = weights(&place, &on("A.npy", "y.npy", "", ""));
        assert_eq!(w, expected, "{label}: the same numbers, the same bits");
    }
}

#[test]
fn every_text_format() {
    let expected = expected();
    let dense: String = (0..5)
        .flat_map(|j| (0..3).map(move |i| format!("{}\n", A[i * 5 + j])))
        .collect();
    let sparse: String = (0..15)
        .rev()
        .filter(|k| A[*k] != 0.0)
        .map(|k| format!("{} {} {:e}\n", k / 5 + 1, k % 5 + 1, A[k]))
        .collect();
    let table = |separator: &str, end: &str| {
        A.chunks_exact(5)
            .map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(separator) + end)
            .collect::<String>()
    };
    let files = [
        ("a table", "A.csv", table(",", "\n"), 0.0),
        ("a header", "A.csv", format!("a,b,c,d,e\n{}", table(",", "\n")), 0.0),
        (
            "a mark, comments, carriage returns",
            "A.csv",
            format!("\u{feff}# five columns\r\n\r\n{}", table(" , ", "\r\n")),
            0.0,
        ),
        (
            "semicolons and quotation marks",
            "A.CSV",
            table("\";\"", "\"\n\"").trim_end_matches('"').trim_end().to_owned(),
            0.0,
        ),
        (
            "blanks, no last line end",
            "A.csv",
            table("  \t", "\n").trim_end().to_owned(),
            0.0,
        ),
        (
            "dense",
            "A.mtx",
            format!("%%MatrixMarket matrix array real general\n% columns\n3 5\n{dense}"),
            0.0,
        ),
        (
            "sparse",
            "A.mtx",
            format!(
                "%%MatrixMarket matrix coordinate real general\n3 5 {}\n{sparse}",
                sparse.lines().count()
            ),
            1e-6,
        ),
    ];
    for (label, name, text, allowed) in files {
        let text = if label.starts_with("semicolons") {
            format!("\"{text}")
        } else {
            text
        };
        let place = Place::new();
        place.write(name, text);
        place.write("y.csv", "measured\n0\n2\n5\n");
        let (w, _) = weights(&place, &on(name, "y.csv", "", ""));
        assert!(difference(&w, &expected) <= allowed, "{label}: {w:?} {expected:?}");
    }
}

#[test]
fn a_stack_of_problems() {
    let expected = expected();
    let other: Vec<f64> = A.iter().map(|a| 2.0 * a).collect();
    let place = Place::new();
    place.write("A.npy", npy_of(&[2, 3, 5], &[&other[..], &A].concat()));
    place.write("y.npy", npy_of(&[2, 3], &[&[1.0; 3], &Y[..]].concat()));
    place.write(
        "w.npy",
        npy_of(&[2, 5], &[[9.0; 5], [1.0, 0.0, 0.0, 2.0, 0.0]].concat()),
    );
    let (w, report) = weights(&place, &on("A.npy", "y.npy", ", truth: \"w.npy\", index: 1", ""));
    // the truth is followed along, which changes the steps
    assert!(difference(&w, &expected) < 1e-8, "{w:?} {expected:?}");
    assert_eq!(report["references"]["truth"]["l1_norm"], 3.0);
    // one matrix for a stack of measurements, and the other way round in a table
    place.write("B.npy", npy_of(&[3, 5], &A));
    let (w, _) = weights(&place, &on("B.npy", "y.npy", ", index: 1", ""));
    assert_eq!(w, expected);
    place.write("y.csv", "1,1,1\n0,2,5\n");
    let (w, _) = weights(&place, &on("A.npy", "y.csv", ", index: 1", ""));
    assert_eq!(w, expected);
}

#[test]
fn a_start_from_a_file() {
    let place = Place::new();
    place.write("A.npy", npy_of(&[3, 5], &A));
    place.write("y.npy", npy_of(&[3], &Y));
    let start = [0.1, 0.01, 0.2, 0.05, 0.3];
    place.write("x0.npy", npy_of(&[5], &start));
    place.write("x0.csv", "0.1,0.01,0.2,0.05,0.3\n");
    let model = |start: &str| format!(", sign: Positive, initialization: Vector({start})");
    let (w, report) = weights(&place, &on("A.npy", "y.npy", "", &model("\"x0.npy\"")));
    let begin: Vec<f64> = start.iter().map(|x| x * x).collect();
    assert!(difference(&place.trajectory("out")["w"].data[..5], &begin) < 1e-15);
    assert_eq!(report["provenance"]["inputs"].as_array().unwrap().len(), 3);
    let (same, _) = weights(&place, &on("A.npy", "y.npy", "", &model("\"x0.csv\"")));
    assert_eq!(w, same);
    let (same, _) = weights(&place, &on("A.npy", "y.npy", "", &model("[0.1, 0.01, 0.2, 0.05, 0.3]")));
    assert_eq!(w, same);
    // a signed model starts at 0 wherever its factors do
    let signed = on("A.npy", "y.npy", "", ", initialization: Vector(\"x0.npy\")");
    weights(&place, &signed);
    assert_eq!(place.trajectory("out")["w"].data[..5], [0.0; 5]);
}

#[test]
fn extreme_but_finite() {
    for (label, problem, model) in [
        (
            "the largest start",
            "measurements: 5, dimension: 8, signal: Sparse(sparsity: 2)",
            "depth: 2, initialization: Identical(1e6)",
        ),
        (
            "the largest start of a deep model",
            "measurements: 5, dimension: 8, signal: Sparse(sparsity: 2)",
            "depth: 6, initialization: Identical(1e6)",
        ),
        (
            "a start of 1",
            "measurements: 5, dimension: 8, signal: Sparse(sparsity: 2)",
            "depth: 2, initialization: Identical(1.0)",
        ),
        (
            "a start of 1e-150",
            "measurements: 5, dimension: 8, signal: Sparse(sparsity: 2)",
            "depth: 2, initialization: Identical(1e-150)",
        ),
        (
            "64 layers",
            "measurements: 5, dimension: 8, signal: Sparse(sparsity: 2)",
            "depth: 64, initialization: Identical(0.9)",
        ),
        (
            "all signals equal",
            "measurements: 8, dimension: 8, signal: Sparse(sparsity: 8, magnitude: Constant(1.0))",
            "depth: 2",
        ),
        (
            "tiny signals",
            "measurements: 5, dimension: 8, signal: Sparse(sparsity: 2, magnitude: Constant(1e-12))",
            "depth: 2, initialization: Identical(1e-8)",
        ),
        (
            "large signals",
            "measurements: 5, dimension: 8, signal: Sparse(sparsity: 2, magnitude: Constant(1e12))",
            "depth: 2",
        ),
        ("loud noise", "measurements: 5, dimension: 8, noise: 100.0", "depth: 2"),
    ] {
        println!("{label}");
        let place = Place::new();
        weights(
            &place,
            &format!("Scenario(problem: Synthetic({problem}), model: ({model}), record: LogSpaced(40))"),
        );
    }
}

/// The small matrix and its measurements times such factors: the outcome within 20 seconds.
fn scaled(matrix: f64, measurements: f64) -> (Place, Done) {
    let place = Place::new();
    place.write("A.npy", npy_of(&[3, 5], &A.map(|a| a * matrix)));
    place.write("y.npy", npy_of(&[3], &Y.map(|y| y * measurements)));
    place.write("s.ron", on("A.npy", "y.npy", "", ""));
    let mut command = place.command("timeout");
    command.args(["-s", "KILL", "20", BINARY, "run", "s.ron", "--out", "out"]);
    let done = Done::of(command.output().unwrap());
    (place, done)
}

/// w solves the problem; its scale is that of y over that of A.
#[test]
fn scales_far_from_one_are_ordinary() {
    for (matrix, measurements) in [
        (1e-20, 1e-20),
        (1e40, 1e40),
        (1.0, 1e-100),
        (1.0, 1e-20),
        (1e-60, 1.0),
        (1.0, 1e40),
    ] {
        let (place, done) = scaled(matrix, measurements);
        done.exits(0);
        place.run(&["check", "out"]).exits(0);
        let weights = last_row(&place.trajectory("out")["w"]).to_vec();
        let fit: Vec<f64> = A
            .chunks_exact(5)
            .map(|row| row.iter().zip(&weights).map(|(a, w)| a * matrix * w).sum())
            .collect();
        let wanted = Y.map(|y| y * measurements);
        assert!(
            difference(&fit, &wanted) < 1e-5,
            "{matrix:e} {measurements:e}: {fit:?} {wanted:?}"
        );
    }
}

#[test]
fn scales_beyond_the_doubles_are_refused_with_a_remedy() {
    for scale in [1e-140, 1e-160, 1e-300, 5e-324, 1e100, 1e160, 3e307] {
        let (_, done) = scaled(scale, scale);
        done.exits(3).says(&["choose another unit", "problem"]);
    }
    for (matrix, measurements) in [(1.0, 1e-160), (1.0, 1e160), (1e-160, 1.0), (1e-300, 1e100)] {
        scaled(matrix, measurements).1.exits(3).says(&["choose another unit"]);
    }
}

#[test]
fn names_with_blanks_and_other_letters() {
    let place = Place::new();
    place.write(
        "mein Ordner/Szenario ä.ron",
        SMALL.replace("\"small\"", "\"Größe <w> & \\\"Maß\\\" ∫ℓ 漢字\""),
    );
    place
        .run(&["run", "mein Ordner/Szenario ä.ron", "--out", "Ergebnis ü"])
        .exits(0)
        .prints(&["Größe <w> & \"Maß\""]);
    place.run(&["check", "Ergebnis ü"]).exits(0);
    place.run(&["plot", "Ergebnis ü", "--format", "png"]).exits(0);
    assert_eq!(place.report("Ergebnis ü")["scenario"]["name"], "Szenario ä");
}

#[test]
fn data_stay_found_wherever_results_go() {
    let place = Place::new();
    place.write("experiment/s.ron", on("data/A.npy", "../y.npy", "", ""));
    place.write("experiment/data/A.npy", npy_of(&[3, 5], &A));
    place.write("y.npy", npy_of(&[3], &Y));
    place
        .run(&["run", "experiment/s.ron", "--out", "results/deep/below", "--no-figures"])
        .exits(0);
    place.run(&["check", "results/deep/below"]).exits(0);
    place
        .run(&[
            "run",
            "results/deep/below/scenario.ron",
            "--out",
            "again",
            "--no-figures",
        ])
        .exits(0);
    assert_eq!(
        place.read("again/trajectory.npz"),
        place.read("results/deep/below/trajectory.npz")
    );
    assert_eq!(
        place.report("again")["scenario"]["hash"],
        place.report("results/deep/below")["scenario"]["hash"]
    );
}

#[test]
fn a_byte_order_mark_and_carriage_returns() {
    let place = Place::new();
    place.write("s.ron", format!("\u{feff}{}", SMALL.replace('\n', "\r\n")));
    place.run(&["run", "s.ron", "--out", "out", "--no-figures"]).exits(0);
    place.write(
        "bad.ron",
        format!(
            "\u{feff}{}",
            SMALL.replace('\n', "\r\n").replace("depth: 2", "depth: 1")
        ),
    );
    place
        .run(&["run", "bad.ron", "--out", "bad"])
        .refused(3, &["bad.ron:5:20:", "model.depth"]);
}
