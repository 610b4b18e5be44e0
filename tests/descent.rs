//! Gradient descent through the command: its verdicts, marks, divergence, and a resumption that changes no byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use std::path::Path;

use hadaflow::experiment::resolve::resolve;
use hadaflow::experiment::run::{Artifacts, TableFormat, prepare_directory, resumable, run, save};
use hadaflow::experiment::scenario::parse;
use serde_json::Value;
use support::{Place, SMALL};

/// The small problem by gradient descent.
fn descent(step: &str, more: &str) -> String {
    SMALL.replace("Identical(1e-3)", "Identical(0.1)").replace(
        "record: LogSpaced(60)",
        &format!("integrate: (method: GradientDescent(step: {step}), {more}), record: LogSpaced(60)"),
    )
}

fn prediction<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["predictions"].as_array().unwrap();
    all.iter().find(|p| p["name"] == name).unwrap()
}

#[test]
fn descent_is_judged_by_its_own_laws() {
    let place = Place::new();
    let text = descent("0.1", "stop: [RelativeLossBelow(1e-8)]");
    place
        .run_text(&text, &[])
        .exits(0)
        .prints(&["GradientDescent(step: 0.1)", "factor"]);
    let report = place.report("out");
    assert_eq!(
        (&report["method"], &report["step"]),
        (&"GradientDescent".into(), &0.1.into())
    );
    assert_eq!(report["formulation"], "Factor");
    let t_end = report["t_end"].as_f64().unwrap();
    let steps = report["statistics"]["steps"].as_f64().unwrap();
    assert!(
        (steps - 1.0) * 0.1 <= t_end && t_end <= steps * 0.1 * (1.0 + 1e-12),
        "{t_end} {steps}"
    );
    for name in ["divergence_identity", "loss_decreases", "factor_differences_conserved"] {
        let found = prediction(&report, name);
        assert_eq!(found["verdict"], "inapplicable");
        assert_eq!(found["reason"], "gradient descent with step 0.1 is not the flow");
    }
    for name in [
        "product_identity_of_descent",
        "stability_edge_of_descent",
        "dual_bound_below_references",
    ] {
        assert_eq!(prediction(&report, name)["verdict"], "holds", "{name}");
    }
    assert_eq!(prediction(&report, "stability_edge_of_descent")["kind"], "asymptotic");
    place
        .run(&["check", "out"])
        .exits(0)
        .prints(&["product_identity_of_descent"]);
    // a state that is altered breaks the law; `check` sees it (w, which would give it away, is left out)
    let mut arrays = place.trajectory("out");
    arrays.remove("w");
    let state = arrays.get_mut("state").unwrap();
    let width = state.shape[1];
    state.data[3 * width] *= 1.0 + 1e-9;
    place.set_trajectory("out", &arrays);
    let done = place.run(&["check", "out"]).exits(1);
    let line = done
        .stdout
        .lines()
        .find(|line| line.contains("product_identity"))
        .unwrap();
    assert!(line.contains("violated"), "{line}");
}

#[test]
fn the_flow_is_not_judged_by_the_laws_of_descent() {
    let place = Place::with_small();
    place
        .run(&["run", "small.ron", "--out", "out", "--no-figures"])
        .exits(0);
    let report = place.report("out");
    assert_eq!(report["step"], Value::Null);
    assert_eq!(report["marks"], Value::Array(vec![]));
    assert_eq!(
        prediction(&report, "product_identity_of_descent")["verdict"],
        "inapplicable"
    );
    assert_eq!(prediction(&report, "divergence_identity")["verdict"], "holds");
}

#[test]
fn a_step_that_is_too_large_is_an_outcome() {
    for (step, limit, kind) in [
        ("50", "", "not_finite"),
        ("1e300", "", "not_finite"),
        ("1e-3", "max_steps: 10", "step_limit"),
    ] {
        let place = Place::new();
        place
            .run_text(&descent(step, limit), &[])
            .exits(4)
            .prints(&["outcome", "predictions"]);
        assert_eq!(place.report("out")["outcome"]["kind"], kind);
        place.run(&["check", "out"]).exits(0);
    }
}

#[test]
fn marks_are_reported_for_flow_and_descent() {
    let place = Place::new();
    let mark = "mark: [LossBelow(1e-2), CoordinateActive(index: 0, threshold: 1e-9), LossBelow(1e3)]";
    let flow = SMALL.replace("record", &format!("integrate: ({mark}), record"));
    let stop = format!("{mark}, stop: [RelativeLossBelow(1e-6)]");
    for text in [flow, descent("0.05", &stop)] {
        place.run_text(&text, &["--force"]).exits(0);
        let report = place.report("out");
        let marks = report["marks"].as_array().unwrap();
        let names: Vec<&str> = marks.iter().map(|mark| mark["event"].as_str().unwrap()).collect();
        // what holds at the start is marked there
        assert_eq!((names[0], &marks[0]["t"]), ("LossBelow(1e3)", &0.0.into()));
        let t: Vec<f64> = marks.iter().map(|mark| mark["t"].as_f64().unwrap()).collect();
        assert!(t.windows(2).all(|pair| pair[0] <= pair[1]), "{t:?}");
        assert!(names.contains(&"LossBelow(1e-2)"), "{names:?}");
        assert!(
            names.contains(&"CoordinateActive(index: 0, threshold: 1e-9)"),
            "{names:?}"
        );
    }
    let stopped = SMALL.replace(
        "record",
        "integrate: (stop: [CoordinateActive(index: 0, threshold: 1e-5)]), record",
    );
    place
        .run_text(&stopped, &["--force"])
        .exits(0)
        .prints(&["stopped by CoordinateActive(index: 0"]);
    let w = &place.trajectory("out")["w"];
    let last = w.data[w.data.len() - 24].abs();
    assert!((last / 1e-5 - 1.0).abs() < 1e-6, "{last:e}");
}

/// Interrupted after some steps and resumed: the same bytes of table and trajectory, and the marks of both parts.
#[test]
fn resumption_changes_no_byte() {
    let place = Place::new();
    let more = "stop: [TimeReached(20.03)], mark: [LossBelow(0.1), LossBelow(0.01)]";
    for mark in [more, "stop: [TimeReached(20.03)]"] {
        let text = descent("0.05", mark).replace("LogSpaced(60)", "EveryStep");
        let file = place.write("s.ron", &text);
        let experiment = resolve(parse(&text, &file).unwrap(), &file).unwrap();
        let artifacts = Artifacts {
            table: TableFormat::Parquet,
            figures: false,
        };
        let to = |name: &str| {
            let directory = place.path(name);
            prepare_directory(&experiment, &directory, true).unwrap();
            directory
        };
        let part = |directory: &Path, resume: bool, patience: usize| {
            let earlier = resume.then(|| resumable(&experiment, directory).unwrap());
            let run = run(&experiment, earlier, &mut |progress| progress.steps < patience).unwrap();
            save(&experiment, &run, directory, artifacts).unwrap();
            run
        };
        part(&to("whole"), false, usize::MAX);
        let parts = to("parts");
        part(&parts, false, 101);
        part(&parts, true, 250);
        part(&parts, true, usize::MAX);
        for name in ["trajectory.npz", "series.parquet", "scenario.ron"] {
            assert_eq!(
                place.read(&format!("parts/{name}")),
                place.read(&format!("whole/{name}")),
                "{name}"
            );
        }
        let (parts, whole) = (place.report("parts"), place.report("whole"));
        assert_eq!(parts["marks"], whole["marks"]);
        assert_eq!(
            whole["marks"].as_array().unwrap().len(),
            if mark == more { 2 } else { 0 }
        );
        assert_eq!(parts["statistics"]["steps"], whole["statistics"]["steps"]);
    }
}
