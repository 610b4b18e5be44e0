//! The shipped sweeps show what they claim, and `sweep analyse` and `sweep plot` say so: each in a reduced form.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use serde_json::Value;
use support::{Place, repository};

/// A sweep of `scenarios/sweeps` with some fields set: what `analyse` says of it. It is drawn, too.
fn analysed(name: &str, sets: &[&str], figures: &[&str]) -> Value {
    let place = Place::new();
    let file = repository().join("scenarios/sweeps").join(format!("{name}.ron"));
    let mut arguments = vec!["sweep", "run", file.to_str().unwrap(), "--out", "out"];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    place.run(&arguments).exits(0);
    place.run(&["sweep", "plot", "out"]).exits(0).prints(figures);
    let drawn: Vec<String> = place.files("out/figures");
    for figure in figures {
        assert!(drawn.contains(&format!("{figure}.svg")), "{name}: {drawn:?}");
    }
    place
        .run(&["sweep", "analyse", "out"])
        .exits(0)
        .prints(&["points of the grid"]);
    place.run(&["sweep", "analyse", "out", "--json"]).exits(0).json()
}

fn entries<'a>(document: &'a Value, kind: &str) -> &'a [Value] {
    document[kind].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// The entry of a kind with these coordinates.
fn at<'a>(document: &'a Value, kind: &str, place: &[(&str, f64)]) -> &'a Value {
    let there = |entry: &&Value| place.iter().all(|(name, x)| number(&entry["at"][name]) == *x);
    entries(document, kind).iter().find(there).unwrap()
}

/// Whether half succeed within two widths and a step of the grid of where theory says.
fn near_theory(transition: &Value, step: f64) -> bool {
    let distance = (number(&transition["half"]) - number(&transition["theory"])).abs();
    distance <= 2.0 * number(&transition["width"]) + step
}

#[test]
fn every_shipped_sweep_is_listed() {
    let readme = std::fs::read_to_string(repository().join("scenarios/README.md")).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(repository().join("scenarios/sweeps")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            readme.contains(&format!("`sweeps/{name}`")),
            "{name} is not in the index"
        );
        let here = include_str!("shipped_sweeps.rs");
        assert!(
            here.contains(&format!("\"{}\"", name.trim_end_matches(".ron"))),
            "{name} has no test"
        );
        count += 1;
    }
    assert_eq!(count, readme.matches("`sweeps/").count());
}

#[test]
fn small_starts_recover_where_basis_pursuit_does_and_large_ones_do_not() {
    let sets = ["trials=6", "axes[2].values=[0.08, 0.16, 0.3]"];
    let found = analysed(
        "flows_recover_where_basis_pursuit_does",
        &sets,
        &["phase_diagram", "phase_diagram_3"],
    );
    let mut seen = [0; 3];
    for transition in entries(&found, "transitions") {
        let large = number(&transition["at"]["alpha"]) > 1.0;
        let kind = match (transition["column"].as_str().unwrap(), large) {
            ("success", true) => 2,
            ("success", false) => 1,
            _ => 0,
        };
        seen[kind] += 1;
        if kind == 2 {
            // least squares finds the truth with all measurements only
            let half = &transition["half"];
            assert!(half.is_null() || number(half) >= 45.0, "{transition}");
        } else {
            assert!(near_theory(transition, 5.0), "{transition}");
        }
    }
    // basis pursuit is the same for every model: one line for each sparsity
    assert_eq!(seen, [3, 6, 3]);
}

#[test]
fn measurements_are_a_line_in_s_log_n_over_s() {
    let sets = ["trials=8", "axes[0].values=[1, 4, 8, 16]"];
    let found = analysed(
        "measurements_grow_like_s_log_n_over_s",
        &sets,
        &["phase_diagram", "success_against_measurements"],
    );
    assert!(
        entries(&found, "transitions")
            .iter()
            .all(|transition| near_theory(transition, 4.0))
    );
    let requirement = &entries(&found, "requirements")[0];
    // nψ(s/n) itself is a line of slope about 1 here
    let constant = number(&requirement["constant"]);
    assert!((constant - 1.0).abs() < 0.25, "{requirement}");
    // far closer to the line than the line is long
    assert!(number(&requirement["scatter"]) < 3.0, "{requirement}");
}

#[test]
fn gaps_have_the_exponent_of_theory() {
    let found = analysed(
        "gaps_follow_the_power_of_their_depth",
        &["trials=6"],
        &["gap_against_alpha"],
    );
    for depth in [2.0, 3.0, 4.0, 5.0] {
        let law = at(&found, "laws", &[("depth", depth)]);
        let draws = &law["draws"];
        assert!(number(&draws["count"]) >= 5.0, "{law}");
        assert!(number(&draws["median_deviation"]) < 0.03, "{law}");
        if depth > 2.0 {
            assert_eq!(number(&law["predicted"]), depth);
            assert!((number(&law["slope"]) / depth - 1.0).abs() < 0.03, "{law}");
        }
    }
}

#[test]
fn deeper_models_are_nearer_to_the_truth() {
    let sets = ["trials=8", "axes[0].values=[2, 3, 5]", "axes[1].values=[3e-2, 1e-2]"];
    let found = analysed(
        "depth_helps_at_moderate_starts",
        &sets,
        &["depth_comparison", "gap_against_alpha"],
    );
    for alpha in [3e-2, 1e-2] {
        let error = |depth: f64| {
            let point = at(&found, "points", &[("depth", depth), ("alpha", alpha)]);
            number(&point["median"]["relative_error"])
        };
        assert!(
            error(3.0) < 0.5 * error(2.0) && error(5.0) < 0.5 * error(3.0),
            "{alpha}: {found}"
        );
    }
}

#[test]
fn noisy_flows_are_best_stopped_early() {
    let sets = ["trials=8", "axes[1].values=[16, 64, 256, 4096]"];
    let found = analysed("noise_asks_for_an_early_stop", &sets, &["error_along_axis"]);
    let errors = |noise: f64| {
        let of = |stop: f64| {
            let point = at(&found, "points", &[("noise", noise), ("stop", stop)]);
            number(&point["median"]["relative_error"])
        };
        [16.0, 64.0, 256.0, 4096.0].map(of)
    };
    let best = |errors: [f64; 4]| errors.into_iter().fold(f64::INFINITY, f64::min);
    let (clean, noisy) = (errors(0.0), errors(0.1));
    assert!(clean[3] <= 1.01 * best(clean), "{clean:?}");
    assert!(noisy[3] > 1.3 * best(noisy), "{noisy:?}");
    assert!(best(clean) < 0.1 * best(noisy), "{clean:?} {noisy:?}");
}

#[test]
fn the_time_of_recovery_grows_like_the_time_unit() {
    let sets = ["trials=6", "axes[1].values=[1e-2, 3e-3, 1e-3]"];
    let found = analysed("small_starts_cost_time", &sets, &["recovery_time_against_alpha"]);
    let slope = |depth: f64| {
        let laws = entries(&found, "laws")
            .iter()
            .filter(|law| law["column"] == "recovery_time");
        let law = laws
            .into_iter()
            .find(|law| number(&law["at"]["depth"]) == depth)
            .unwrap();
        number(&law["slope"])
    };
    // T(α) = α^{2−L}/(L−2), and a logarithm for L = 2
    assert!((slope(3.0) + 1.0).abs() < 0.15, "{}", slope(3.0));
    assert!((slope(4.0) + 2.0).abs() < 0.15, "{}", slope(4.0));
    assert!(slope(2.0) < 0.0 && slope(2.0) > -0.5, "{}", slope(2.0));
    for point in entries(&found, "points") {
        assert!(number(&point["median"]["recovery_time"]) > 0.0, "{point}");
    }
}

#[test]
fn ensembles_have_one_transition() {
    let sets = ["trials=10", "axes[1].values=[12, 16, 20, 24, 28, 32]"];
    let found = analysed(
        "ensembles_recover_alike",
        &sets,
        &["success_against_measurements", "success_against_measurements_3"],
    );
    let names: Vec<&str> = entries(&found, "transitions")
        .iter()
        .map(|transition| transition["at"]["ensemble"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Gaussian", "Rademacher", "SubsampledDct"]);
    assert!(
        entries(&found, "transitions")
            .iter()
            .all(|transition| near_theory(transition, 4.0)),
        "{found}"
    );
}

/// Constants of the template and axes of any name are columns that figures understand.
#[test]
fn coordinates_are_those_of_the_scenarios() {
    let sets = [
        "trials=1",
        "axes[1].values=[0.2, 0.5]",
        "axes[2].values=[0.1, 0.2]",
        "references=None",
    ];
    let found = analysed("flows_recover_where_basis_pursuit_does", &sets, &[]);
    let points = entries(&found, "points");
    assert_eq!(points.len(), 12);
    let names: Vec<&String> = points[0]["at"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["alpha", "depth", "measurements", "sparsity"]);
    assert_eq!(
        number(&at(&found, "points", &[("measurements", 25.0), ("sparsity", 10.0)])["trials"]),
        1.0
    );
}

#[test]
fn what_cannot_be_analysed_or_drawn_is_said() {
    let place = Place::new();
    let file = repository().join("scenarios/sweeps/gaps_follow_the_power_of_their_depth.ron");
    let file = file.to_str().unwrap();
    place
        .run(&["sweep", "plan", file, "--out", "out", "--set", "trials=1"])
        .exits(0);
    for command in ["analyse", "plot"] {
        place
            .run(&["sweep", command, "out"])
            .refused(3, &["table.parquet", "no merged table yet"]);
        place
            .run(&["sweep", command, "absent"])
            .refused(3, &["there is no plan"]);
    }
    place
        .run(&["sweep", "plot", "out", "--figure", "phase_digram"])
        .refused(3, &["did you mean phase_diagram?"]);
    place.run(&["sweep", "run", "out"]).exits(0);
    let drawn = place
        .run(&["sweep", "plot", "out", "--figure", "phase_diagram"])
        .exits(0);
    assert!(drawn.stderr.contains("nothing to draw"), "{}", drawn.stderr);
    // a table of another plan
    place
        .run(&["sweep", "run", file, "--out", "other", "--set", "trials=2"])
        .exits(0);
    std::fs::copy(place.path("other/table.parquet"), place.path("out/table.parquet")).unwrap();
    place
        .run(&["sweep", "analyse", "out"])
        .refused(3, &["not the table of this plan"]);
    let set = ["--set", "mode=Flow", "--set", "measure=[recovery_time]"];
    let plan = [&["sweep", "plan", file, "--out", "third"][..], &set].concat();
    place
        .run(&plan)
        .refused(3, &["measure[0]", "recovery_time", "success: DistanceBelow"]);
    place
        .run(&["list", "sweep-figures"])
        .exits(0)
        .prints(&["phase_diagram", "columns"]);
}
