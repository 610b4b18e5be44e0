//! Overrides mean what the same line in the file means.

use super::*;

fn applied(assignment: &str) -> Scenario {
    parsed(&apply_override(&with_lines("figures: [a, \"b-c\"]"), assignment).unwrap())
}

fn refused(assignment: &str) -> ScenarioError {
    apply_override(&with_lines(""), assignment).unwrap_err()
}

#[test]
fn fields_are_replaced() {
    assert_eq!(applied("model.depth=5").model.depth, 5);
    assert_eq!(applied("integrate.tolerance = 1e-6").integrate.tolerance, 1e-6);
    assert_eq!(
        applied("model.initialization=Identical(1e-6)").model.initialization,
        Initialization::Identical(1e-6)
    );
    assert_eq!(
        applied("integrate.stop=[TimeReached(1e3)]").integrate.stop,
        [Stop::TimeReached(1e3)]
    );
    assert_eq!(
        applied("integrate.stop[1]=Stationary(1e-5)").integrate.stop[1],
        Stop::Stationary(1e-5)
    );
    assert_eq!(applied("integrate.max_steps=77").integrate.max_steps, Some(77));
    assert_eq!(applied("figures=None").figures, Selection::None);
    assert_eq!(
        applied("figures=[loss]").figures,
        Selection::Named(vec!["loss".to_owned()])
    );
    assert_eq!(applied("record=Times([0, 1])").record, Record::Times(vec![0.0, 1.0]));
    let Problem::Synthetic(problem) = applied("problem.measurements=40").problem else {
        panic!("not synthetic")
    };
    assert_eq!((problem.measurements, problem.dimension), (40, 50));
    let Problem::Synthetic(problem) = applied("problem.signal.magnitude=PowerLaw(2)").problem else {
        panic!("not synthetic")
    };
    assert_eq!(
        problem.signal,
        Signal::Sparse {
            sparsity: 5,
            magnitude: Magnitude::PowerLaw(2.0)
        }
    );
    let files = "problem=Files(matrix: \"a.npy\", measurements: \"y.npy\")";
    assert!(matches!(applied(files).problem, Problem::Files(_)));
}

#[test]
fn text_needs_no_quotes() {
    assert_eq!(applied("title=two layers = fine").title, "two layers = fine");
    assert_eq!(applied("title=\"quoted\"").title, "quoted");
    assert_eq!(applied("title=say \"hi\" // twice").title, "say \"hi\" // twice");
    let files = "(problem: Files(matrix: \"a.npy\", measurements: \"y.npy\"), model: (depth: 2))";
    let Problem::Files(problem) = parsed(&apply_override(files, "problem.matrix=runs/b.npy").unwrap()).problem else {
        panic!("not files")
    };
    assert_eq!(problem.matrix, Path::new("runs/b.npy"));
}

#[test]
fn several_are_judged_together() {
    let sets = ["problem.dimension=3", "problem.signal.sparsity=2", "seed=9"];
    let scenario = parse_with_overrides(&with_lines(""), origin(), &sets).unwrap();
    assert_eq!(scenario.seed, 9);
    let nothing: [&str; 0] = [];
    assert_eq!(
        parse_with_overrides(&with_lines(""), origin(), &nothing),
        Ok(parsed(&with_lines("")))
    );
}

#[test]
fn what_a_file_lacks_may_be_set() {
    let without_depth = "(problem: Synthetic(), model: ())";
    assert_eq!(
        parsed(&apply_override(without_depth, "model.depth=4").unwrap())
            .model
            .depth,
        4
    );
    let error = apply_override(without_depth, "seed=1").unwrap_err();
    assert_eq!(error.field.as_deref(), Some("model.depth"));
    assert!(error.position.is_some(), "the file's own fault keeps its place");
}

#[test]
fn unknown_paths_get_suggestions() {
    for (assignment, hint) in [
        ("problem.measurments=3", "did you mean `measurements`?"),
        ("modl.depth=3", "did you mean `model`?"),
        ("seeed=3", "did you mean `seed`?"),
        ("integrate.tolerence=1e-3", "did you mean `tolerance`?"),
        ("problem.signl.sparsity=1", "did you mean `signal`?"),
    ] {
        assert_eq!(refused(assignment).hint().as_deref(), Some(hint), "{assignment}");
    }
    assert!(refused("model.depth.x=3").to_string().contains("model.depth.x"));
    assert!(
        refused("integrate.stop[9]=Stationary(1)")
            .to_string()
            .contains("integrate.stop[9]")
    );
}

#[test]
fn values_cannot_spill_into_their_surroundings() {
    for assignment in [
        "seed=1, title: \"x\"",
        "seed=3)",
        "seed=(3",
        "seed=1 // x",
        "seed=\"",
        "seed=/*",
        "seed=",
        "seed",
        "=3",
        "seed=#![enable(x)] 1",
    ] {
        let fault = *refused(assignment).fault;
        assert!(matches!(fault, Fault::BadOverride { .. }), "{assignment}: {fault:?}");
    }
}

#[test]
fn values_of_the_wrong_type_or_range_name_the_field() {
    for (assignment, message) in [
        ("seed=1.5", "here.ron: seed: expected a nonnegative integer, found 1.5"),
        (
            "model.depth=1",
            "here.ron: model.depth: 1 is out of range: must be between 2 and 64",
        ),
        (
            "integrate.method=Bdff",
            "here.ron: integrate.method: unknown choice `Bdff` (did you mean `Bdf`?)",
        ),
    ] {
        let error = parse_with_overrides(&with_lines(""), origin(), &[assignment]).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let error = parse_with_overrides(&with_lines("support_threshold: 2"), origin(), &["seed=1"]).unwrap_err();
    assert_eq!(
        error.position,
        Some(Position { line: 4, column: 20 }),
        "the file's own fault keeps its place"
    );
}
