//! The reference cases of `data/reference_cases.json`, computed once with other programs, through files and the command:
//! weights, dual variable, loss integral and Bregman divergences along the flow, and its limit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use hadaflow::experiment::write::read_table_csv;
use serde_json::Value;
use support::{Place, difference, last_row, npy_of, repository, row};

/// A case of the file.
struct Case(Value);

impl Case {
    fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap()
    }

    fn size(&self, key: &str) -> usize {
        usize::try_from(self.0[key].as_u64().unwrap()).unwrap()
    }

    fn signed(&self) -> bool {
        self.0["signed"].as_bool().unwrap()
    }

    /// The recorded points; none where only the limit is known.
    fn points(&self) -> &[Value] {
        self.0["trajectory"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The formulations that are exact for it: the dual variable must resolve the initialization.
    fn formulations(&self) -> Vec<&'static str> {
        let mut all = vec!["Factor", "Log"];
        if self.size("L") == 2 || 1e-15 * self.number("alpha").powi(2 - self.size("L") as i32) <= 1e-10 {
            all.push("Dual");
        }
        all
    }

    /// Writes the case's files, and a scenario with these choices.
    fn write(&self, place: &Place, truth: Option<&[f64]>, integrate: &str, record: &str) {
        let (m, n) = (self.size("m"), self.size("n"));
        let a: Vec<f64> = self.0["A"].as_array().unwrap().iter().flat_map(numbers).collect();
        place.write("A.npy", npy_of(&[m, n], &a));
        place.write("y.npy", npy_of(&[m], &numbers(&self.0["y"])));
        let truth = truth.map_or(String::new(), |z| {
            place.write("z.npy", npy_of(&[n], z));
            ", truth: \"z.npy\"".to_owned()
        });
        let sign = if self.signed() { "Signed" } else { "Positive" };
        let (depth, alpha) = (self.size("L"), self.number("alpha"));
        let text = format!(
            "Scenario(\n problem: Files(matrix: \"A.npy\", measurements: \"y.npy\"{truth}),\n \
             model: (depth: {depth}, sign: {sign}, initialization: Identical({alpha:?})),\n \
             integrate: ({integrate}),\n record: {record},\n)\n"
        );
        place.write("case.ron", text);
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(repository().join("tests/data/reference_cases.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let cases: Vec<Case> = document["cases"]
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .map(Case)
        .collect();
    assert_eq!(cases.len(), 9);
    cases
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name() == name).unwrap()
}

/// Integrates a case in all its formulations, once for each z, and compares every number on record.
fn along_the_flow(name: &str) {
    let case = case(name);
    let points = case.points();
    assert!(!points.is_empty());
    let times: Vec<f64> = points.iter().map(|point| point["t"].as_f64().unwrap()).collect();
    let last = times[times.len() - 1];
    for formulation in case.formulations() {
        let integrate = format!("formulation: {formulation}, tolerance: 1e-10, stop: [TimeReached({last:?})]");
        for (k, z) in case.0["z"].as_array().unwrap().iter().enumerate() {
            let place = Place::new();
            case.write(&place, Some(&numbers(z)), &integrate, &format!("Times({times:?})"));
            let label = format!("{name}, {formulation}, z[{k}]");
            place
                .run(&["run", "case.ron", "--out", "out", "--no-figures", "--format", "csv"])
                .exits(0);
            let arrays = place.trajectory("out");
            let table = read_table_csv(&place.path("out/series.csv")).unwrap();
            let column = |name: &str| table.column(name).unwrap_or_else(|| panic!("no column {name}"));
            assert_eq!(
                arrays["t"].data[1..],
                times,
                "{label}: the recorded times are those asked for"
            );
            let at_start = case.0["D_F_at_0"][k].as_f64().unwrap();
            let check = |what: &str, found: f64, expected: f64, scale: f64| {
                let error = (found - expected).abs() / scale;
                assert!(
                    error <= 1e-7,
                    "{label}, {what}: {found:e} instead of {expected:e}, off by {error:e}"
                );
            };
            check("D(0)", column("bregman_divergence_truth")[0], at_start, at_start);
            for (i, point) in points.iter().enumerate() {
                let (j, t) = (i + 1, times[i]);
                let error = difference(row(&arrays["w"], j), &numbers(&point["w"]));
                assert!(error <= 1e-7, "{label}: w({t}) is off by {error:e}");
                let error = difference(row(&arrays["q"], j), &numbers(&point["q"]));
                assert!(error <= 1e-7, "{label}: q({t}) is off by {error:e}");
                let integral = point["two_int_loss"].as_f64().unwrap();
                check("2 int loss", 2.0 * column("loss_integral")[j], integral, integral);
                let l1 = point["l1"].as_f64().unwrap();
                check("l1", column("l1_norm")[j], l1, l1);
                let loss = point["loss"].as_f64().unwrap();
                // the loss is quadratic in what the tolerance promises: near 0 it is compared with what it was
                check("loss", column("loss")[j], loss, loss.max(1e-6 * column("loss")[0]));
                for (key, name) in [
                    ("D_F", "bregman_divergence_truth"),
                    ("D_pair", "bregman_divergence_pair_truth"),
                ] {
                    if let Some(expected) = point.get(key) {
                        let expected = expected[k].as_f64().unwrap();
                        // as the loss, the divergence is quadratic at its end
                        check(key, column(name)[j], expected, expected.max(1e-6 * at_start));
                    }
                }
            }
        }
    }
}

#[test]
fn scalar_of_depth_2() {
    along_the_flow("scalar-L2-positive");
}

#[test]
fn scalar_of_depth_3() {
    along_the_flow("scalar-L3-positive");
}

#[test]
fn one_row_of_depth_2() {
    along_the_flow("row-1x2-L2-signed");
}

#[test]
fn positive_of_depth_2() {
    along_the_flow("L2-positive");
}

#[test]
fn signed_of_depth_2() {
    along_the_flow("L2-signed");
}

#[test]
fn signed_of_depth_3() {
    along_the_flow("L3-signed");
}

#[test]
fn signed_of_depth_4() {
    along_the_flow("L4-signed");
}

/// All 9 limits, in the formulation that the command chooses, to what the stop leaves open: the residual is 1e-10 of y.
#[test]
fn the_limits() {
    for case in cases() {
        let place = Place::new();
        let integrate = "tolerance: 1e-10, stop: [RelativeLossBelow(1e-20), Stationary(1e-10)]";
        case.write(&place, None, integrate, "LogSpaced(20)");
        let done = place.run(&["run", "case.ron", "--out", "out", "--no-figures"]).exits(0);
        let error = difference(last_row(&place.trajectory("out")["w"]), &numbers(&case.0["limit"]));
        println!("{}: {error:e}\n{}", case.name(), done.stdout);
        assert!(error <= 1e-8, "{}: the limit is off by {error:e}", case.name());
    }
}
