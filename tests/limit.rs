//! `hadaflow limit`: the exact limit from the files of a scenario, and the references that are computed with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use serde_json::Value;
use support::{Done, Place, npy_of, repository};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// A directory with a problem in files (row-major A) and a scenario with this model and more fields.
fn problem(a: &[f64], y: &[f64], model: &str, more: &str) -> Place {
    let place = Place::new();
    place.write("A.npy", npy_of(&[y.len(), a.len() / y.len()], a));
    place.write("y.npy", npy_of(&[y.len()], y));
    let text = format!(
        "Scenario(\n problem: Files(matrix: \"A.npy\", measurements: \"y.npy\"),\n model: ({model}),\n {more}\n)\n"
    );
    place.write("case.ron", text);
    place
}

fn limit(place: &Place) -> Value {
    let done = place.run(&["limit", "case.ron", "--json"]).exits(0);
    assert_eq!(done.stderr, "");
    done.json()
}

#[track_caller]
fn close(found: &Value, expected: &[f64], tolerance: f64) {
    let found = numbers(found);
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance, "{found:?} is not {expected:?}");
    }
}

/// All limits of the reference cases, by the command from files, to 1e-12.
#[test]
fn the_reference_limits() {
    let path = repository().join("crates/core/tests/data/reference_cases.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let a: Vec<f64> = case["A"].as_array().unwrap().iter().flat_map(numbers).collect();
        let sign = if case["signed"].as_bool().unwrap() {
            "Signed"
        } else {
            "Positive"
        };
        let (depth, alpha) = (case["L"].as_u64().unwrap(), case["alpha"].as_f64().unwrap());
        let model = format!("depth: {depth}, sign: {sign}, initialization: Identical({alpha:?})");
        let found = limit(&problem(&a, &numbers(&case["y"]), &model, ""));
        assert_eq!(found["attained"], true);
        assert_eq!(found["tends_to"], "solutions");
        let name = case["name"].as_str().unwrap();
        for (w, expected) in numbers(&found["w"]).iter().zip(numbers(&case["limit"])) {
            assert!((w - expected).abs() <= 1e-12, "{name}: {w} is not {expected}");
        }
        assert_eq!(
            found["w"].as_array().unwrap().len(),
            case["limit"].as_array().unwrap().len()
        );
        let l1: f64 = numbers(&found["w"]).iter().map(|w| w.abs()).sum();
        let (reported, gap) = (found["l1_norm"].as_f64().unwrap(), found["l1_gap"].as_f64().unwrap());
        let least = found["basis_pursuit"]["l1_norm"].as_f64().unwrap();
        assert!((l1 - reported).abs() <= 1e-14 * l1);
        // the gap without cancellation and the difference of the norms agree to a rounding of the norms
        assert!(
            gap >= 0.0 && (gap - (l1 - least)).abs() <= 1e-12 * l1,
            "{name}: {gap:e}, {:e}",
            l1 - least
        );
        let certificate = &found["certificate"];
        let bound = certificate["lower_bound"].as_f64().unwrap();
        assert!(
            bound <= least * (1.0 + 1e-12) && certificate["relative_gap"].as_f64().unwrap() <= 1e-12,
            "{name}"
        );
        // ν proves the bound by itself: y·ν, and |Aᵀν| ≤ 1 (Aᵀν ≤ 1)
        let (nu, y) = (numbers(&certificate["nu"]), numbers(&case["y"]));
        let product: f64 = nu.iter().zip(&y).map(|(nu, y)| nu * y).sum();
        assert!((product - bound).abs() <= 1e-12 * bound, "{name}");
        let n = a.len() / y.len();
        for j in 0..n {
            let slope: f64 = nu.iter().enumerate().map(|(i, nu)| nu * a[i * n + j]).sum();
            assert!(
                slope <= 1.0 + 1e-12 && (sign == "Positive" || slope >= -1.0 - 1e-12),
                "{name}: {slope}"
            );
        }
    }
}

/// w₁ + 2w₂ = 2 from 1e-10 at L = 4: the gap is w₁/2, of size 1e-40, where the norms differ by rounding only.
#[test]
fn a_gap_far_below_rounding() {
    let model = "depth: 4, initialization: Identical(1e-10)";
    let found = limit(&problem(&[1.0, 2.0], &[2.0], model, ""));
    let gap = found["l1_gap"].as_f64().unwrap();
    let half = 0.5 * numbers(&found["w"])[0];
    assert!(
        gap > 0.0 && gap < 1e-39 && (gap / half - 1.0).abs() < 1e-14,
        "{gap:e}, {half:e}"
    );
    assert_eq!(found["certificate"]["uniqueness"], "unique");
}

#[test]
fn nothing_to_fit() {
    let found = limit(&problem(&[1.0, 2.0, 3.0, -1.0], &[0.0, 0.0], "depth: 3", ""));
    close(&found["w"], &[0.0, 0.0], 0.0);
    assert_eq!(
        (&found["attained"], &found["l1_norm"], &found["l1_gap"]),
        (&true.into(), &0.0.into(), &0.0.into())
    );
    assert!(found["notes"][0].as_str().unwrap().contains("y = 0"));
    // positive weights die out: 0 is the only solution
    let found = limit(&problem(&[1.0, 2.0], &[0.0], "depth: 2, sign: Positive", ""));
    close(&found["w"], &[0.0, 0.0], 0.0);
    assert_eq!(
        (&found["attained"], &found["tends_to"]),
        (&false.into(), &"nonnegative_solutions".into())
    );
}

/// Rows (1, 2) twice with y = (3, 1): nearest is (2, 2), so the limit is that of w₁ + 2w₂ = 2.
#[test]
fn out_of_reach() {
    let model = "depth: 3, initialization: Identical(0.5)";
    let found = limit(&problem(&[1.0, 2.0, 1.0, 2.0], &[3.0, 1.0], model, ""));
    let expected = limit(&problem(&[1.0, 2.0], &[2.0], model, ""));
    close(&found["w"], &numbers(&expected["w"]), 1e-14);
    assert_eq!(
        (&found["attained"], &found["tends_to"]),
        (&false.into(), &"least_squares_solutions".into())
    );
    assert!(
        found["reason"].as_str().unwrap().contains("no weights solve"),
        "{found}"
    );
    // |(1, -1)|/|(3, 1)|
    assert!((found["relative_mismatch"].as_f64().unwrap() - 0.2f64.sqrt()).abs() < 1e-14);
    assert!((found["l1_gap"].as_f64().unwrap() - expected["l1_gap"].as_f64().unwrap()).abs() < 1e-14);
    // positive: w₂ = −1 is out of reach
    let model = "depth: 2, sign: Positive, initialization: Identical(0.1)";
    let found = limit(&problem(&[1.0, 0.0, 0.0, 1.0], &[1.0, -1.0], model, ""));
    close(&found["w"], &[1.0, 0.0], 1e-15);
    assert_eq!(
        (&found["attained"], &found["tends_to"]),
        (&false.into(), &"nonnegative_least_squares_solutions".into())
    );
    assert!(
        found["reason"].as_str().unwrap().contains("no nonnegative weights"),
        "{found}"
    );
}

/// Where nonnegative least squares has many solutions, the flow chooses one: (x, x²) with 2x² + x = 2 from 1 at L = 2.
#[test]
fn the_flow_chooses_among_least_squares_solutions() {
    let model = "depth: 2, sign: Positive, initialization: Identical(1.0)";
    let place = problem(&[1.0, 2.0, 0.5, 0.0, 0.0, 1.0], &[2.0, -1.0], model, "");
    let found = limit(&place);
    let x = (17f64.sqrt() - 1.0) / 4.0;
    close(&found["w"], &[x, x * x, 0.0], 1e-14);
    // and the integrated flow goes there
    place.run(&["run", "case.ron", "--out", "out", "--no-figures"]).exits(0);
    let w = place.trajectory("out");
    let end = support::last_row(&w["w"]).to_vec();
    close(&found["w"], &end, 1e-7);
}

/// (1, 0, 2) is the only nonnegative solution: z₂ = 0 is forced.
#[test]
fn a_single_nonnegative_solution() {
    let model = "depth: 3, sign: Positive, initialization: Identical(1e-2)";
    let found = limit(&problem(
        &[1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, -3.0, 1.0],
        &[1.0, 2.0, 3.0],
        model,
        "",
    ));
    close(&found["w"], &[1.0, 0.0, 2.0], 1e-14);
    assert_eq!(
        (&found["attained"], &found["tends_to"]),
        (&false.into(), &"nonnegative_solutions".into())
    );
    assert!(
        found["reason"].as_str().unwrap().contains("strictly positive"),
        "{found}"
    );
    assert!(found["l1_gap"].as_f64().unwrap().abs() < 1e-14);
}

/// The start of the scenario is what counts, entry by entry.
#[test]
fn overrides_and_vector_starts() {
    let place = problem(
        &[1.0, 2.0],
        &[2.0],
        "depth: 2, sign: Positive, initialization: Identical(1.0)",
        "",
    );
    let first = limit(&place);
    let set = "model.initialization=Vector([2.0, 1.0])";
    let second = place
        .run(&["limit", "case.ron", "--json", "--set", set])
        .exits(0)
        .json();
    // log(w₁/4) = s, log(w₂) = 2s: w = (4x, x²), 4x + 2x² = 2
    let x = 2f64.sqrt() - 1.0;
    close(&second["w"], &[4.0 * x, x * x], 1e-14);
    assert_ne!(first["scenario"]["hash"], second["scenario"]["hash"]);
}

#[test]
fn a_table_for_people() {
    let place = Place::with_small();
    let done: Done = place.run(&["limit", "small.ron"]).exits(0);
    let done = done.prints(&[
        "small",
        "12 x 24, signed, depth 2",
        "attained",
        "l1_gap",
        "w[",
        "14 smaller ones",
        "solutions",
    ]);
    assert_eq!(done.stderr, "");
    place
        .run(&["limit", "--help"])
        .exits(0)
        .prints(&["Newton", "basis pursuit", "not attained", "4 the numerics"]);
    assert_eq!(place.files("."), ["small.ron"], "nothing is written");
}

#[test]
fn what_is_refused() {
    let place = Place::with_small();
    let limit = |set: &str| place.run(&["limit", "small.ron", "--set", set]);
    limit("problem.ensemble=SubsampledDct").refused(
        3,
        &[
            "small.ron:4:",
            "problem.ensemble",
            "SubsampledDct does not go with `limit`",
            "try ",
            "hadaflow run",
        ],
    );
    let alike = "needs all factors to start alike";
    limit("model.initialization=PerFactor([1e-3, 1e-2])").refused(
        3,
        &[
            "small.ron:5:",
            "model.initialization",
            "PerFactor",
            alike,
            "Identical(..)",
        ],
    );
    limit("model.initialization=Random(scale: 1e-3, spread: 0.1)")
        .refused(3, &["model.initialization", "Random", alike]);
    place.run(&["limit", "absent.ron"]).refused(3, &["absent.ron"]);
    place.write("bad.ron", "Scenario(problem: Synthetic(), model: (depth: 1))");
    place
        .run(&["limit", "bad.ron"])
        .refused(3, &["bad.ron:1:", "model.depth"]);
    place.write(
        "s.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1.0\n2 2 1.0\n",
    );
    place.write("y.csv", "1,2\n");
    place.write(
        "sparse.ron",
        "Scenario(problem: Files(matrix: \"s.mtx\", measurements: \"y.csv\"), model: (depth: 2))",
    );
    place
        .run(&["limit", "sparse.ron"])
        .refused(3, &["problem.matrix", "s.mtx", "dense"]);
    place.run(&["limit"]).exits(2);
}

/// A run compares with the limit and the least ℓ1 norm, and says how they are known.
#[test]
fn references_of_a_run() {
    let place = Place::with_small();
    let all = "references=[Truth, BasisPursuit, BregmanProjection]";
    place
        .run(&["run", "small.ron", "--set", all, "--out", "out", "--format", "csv"])
        .exits(0);
    let report = place.report("out");
    let references = &report["references"];
    let certificate = &references["basis_pursuit"]["certificate"];
    assert_eq!(certificate["uniqueness"], "unique");
    assert!(certificate["relative_gap"].as_f64().unwrap() <= 1e-12);
    let least = references["basis_pursuit"]["l1_norm"].as_f64().unwrap();
    assert!((certificate["lower_bound"].as_f64().unwrap() / least - 1.0).abs() <= 1e-12);
    assert!(certificate["relative_mismatch"].as_f64().unwrap() <= 1e-12);
    assert_eq!(references["bregman_projection"]["attained"], true);
    assert_eq!(references["bregman_projection"]["solves"], true);
    assert!(references["truth"].get("certificate").is_none());
    // the run ends near its limit, farther from the others
    let last = |name: &str| report["final"][name].as_f64().unwrap();
    assert!(last("distance_bregman_projection") < 1e-5 * least);
    assert!(last("distance_bregman_projection") < last("distance_basis_pursuit"));
    let predictions = report["predictions"].as_array().unwrap();
    let nearest = predictions
        .iter()
        .find(|p| p["name"] == "limit_is_the_nearest_solution")
        .unwrap();
    assert_eq!(nearest["verdict"], "holds", "{nearest}");
    assert!(
        report["predictions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|p| p["verdict"] != "violated")
    );
    let found = place.run(&["limit", "small.ron", "--json"]).exits(0).json();
    assert_eq!(found["l1_norm"], references["bregman_projection"]["l1_norm"]);
    assert_eq!(
        found["basis_pursuit"]["l1_norm"],
        references["basis_pursuit"]["l1_norm"]
    );
    // what was saved is assessed alike
    place.run(&["check", "out"]).exits(0);
}

/// A reference that does not exist is left out with a reason, and the run goes on.
#[test]
fn absent_references_have_a_reason() {
    let place = Place::with_small();
    let all = "references=[Truth, BasisPursuit, BregmanProjection]";
    let run = |out: &str, set: &str| {
        place
            .run(&[
                "run",
                "small.ron",
                "--set",
                all,
                "--set",
                set,
                "--out",
                out,
                "--no-figures",
            ])
            .exits(0);
        let report = place.report(out);
        let names: Vec<String> = report["references"].as_object().unwrap().keys().cloned().collect();
        (names, report["notes"].to_string())
    };
    let (names, notes) = run("dct", "problem.ensemble=SubsampledDct");
    assert_eq!(names, ["truth"]);
    assert!(
        notes.contains("basis_pursuit is not among the references: it needs the matrix"),
        "{notes}"
    );
    assert!(
        notes.contains("bregman_projection is not among the references: it needs the matrix"),
        "{notes}"
    );
    let (names, notes) = run("factors", "model.initialization=PerFactor([1e-2, 2e-2])");
    assert_eq!(names, ["basis_pursuit", "truth"]);
    assert!(
        notes.contains("bregman_projection is not among the references: it needs factors"),
        "{notes}"
    );
}

/// Out of reach: the limit is still a reference, which says that it is not attained.
#[test]
fn a_reference_out_of_reach() {
    let place = problem(
        &[1.0, 0.0, 0.0, 1.0],
        &[1.0, -1.0],
        "depth: 2, sign: Positive, initialization: Identical(0.1)",
        "references: [BasisPursuit, BregmanProjection],",
    );
    place.run(&["run", "case.ron", "--out", "out", "--no-figures"]).exits(0);
    let report = place.report("out");
    let reference = &report["references"]["bregman_projection"];
    assert_eq!(
        (&reference["attained"], &reference["solves"]),
        (&false.into(), &false.into())
    );
    assert!(
        reference["reason"].as_str().unwrap().contains("no nonnegative weights"),
        "{reference}"
    );
    assert!(report["references"].get("basis_pursuit").is_none());
    assert!(
        report["notes"]
            .to_string()
            .contains("basis_pursuit is not among the references")
    );
    assert!(report["final"]["distance_bregman_projection"].as_f64().unwrap() < 1e-6);
}
