//! Every mistake has its place, its field and its hint.

use super::*;

/// The message for a scenario.
fn message(text: &str) -> String {
    match parse(text, origin()) {
        Ok(scenario) => panic!("accepted: {text}\n{scenario:?}"),
        Err(error) => error.to_string(),
    }
}

/// The mark `^` stands where the error is expected to point.
#[test]
fn mistakes_are_explained() {
    for (mistake, explanation) in [
        (
            "problem: Synthetic(measurements: ^20.5), model: (depth: 3)",
            "problem.measurements: expected a nonnegative integer, found 20.5",
        ),
        (
            "problem: Synthetic(measurements: ^-20), model: (depth: 3)",
            "problem.measurements: expected a nonnegative integer, found -20",
        ),
        (
            "problem: Synthetic(measurements: ^\"20\"), model: (depth: 3)",
            "problem.measurements: expected a nonnegative integer, found \"20\" (write numbers without quotes)",
        ),
        (
            "problem: Synthetic(noise: ^\"0\"), model: (depth: 3)",
            "problem.noise: expected a number, found \"0\" (write numbers without quotes)",
        ),
        (
            "problem: Synthetic(^mesurements: 20), model: (depth: 3)",
            "problem.mesurements: unknown field `mesurements` (did you mean `measurements`?)",
        ),
        (
            "problem: Synthetic(ensemble: ^Gausian), model: (depth: 3)",
            "problem.ensemble: unknown choice `Gausian` (did you mean `Gaussian`?)",
        ),
        (
            "problem: Synthetic(signal: Sparse(sparsity: 2, ^magnitud: Gaussian)), model: (depth: 3)",
            "problem.signal.magnitud: unknown field `magnitud` (did you mean `magnitude`?)",
        ),
        (
            "problem: Synthetic(), model: (sign: Signed^)",
            "model.depth: the field `depth` is required",
        ),
        ("model: (depth: 3)^", "problem: the field `problem` is required"),
        ("problem: Synthetic()^", "model: the field `model` is required"),
        (
            "problem: Synthetic(), model: (depth: 3, ^depth: 3)",
            "model.depth: the field `depth` is given twice",
        ),
        (
            "problem: Synthetic(), model: ^3",
            "model: expected a group in parentheses, found 3",
        ),
        (
            "problem: Files(matrix: \"A.npy\"^), model: (depth: 3)",
            "problem.measurements: the field `measurements` is required",
        ),
        (
            "problem: Files(matrix: ^A, measurements: \"y.npy\"), model: (depth: 3)",
            "problem.matrix: expected text in double quotes, found A (write text as \"…\")",
        ),
        (
            "problem: Synthetic(), model: (depth: 2, initialization: Vector([1, ^x]))",
            "model.initialization[1]: expected a number, found x",
        ),
    ] {
        let text = format!("Scenario(\n{}", mistake.replace('^', "")) + ")";
        let column = 1 + mistake.find('^').unwrap();
        assert_eq!(message(&text), format!("here.ron:2:{column}: {explanation}"));
    }
}

#[test]
fn values_out_of_range_are_named_with_place_and_range() {
    for (lines, expected) in [
        (
            "integrate: (tolerance: 1e-14)",
            "here.ron:4:24: integrate.tolerance: 1e-14 is out of range: must be between 1e-13 and 1e-2",
        ),
        (
            "integrate: (tolerance: NaN)",
            "here.ron:4:24: integrate.tolerance: NaN is out of range: must be between 1e-13 and 1e-2",
        ),
        (
            "integrate: (stop: [LossBelow(1), TimeReached(0)])",
            "here.ron:4:34: integrate.stop[1]: 0.0 is out of range: must be finite and above 0",
        ),
        (
            "integrate: (stop: [])",
            "here.ron:4:19: integrate.stop: an empty list is out of range: must be a list of at least one condition",
        ),
        (
            "integrate: (max_steps: 0)",
            "here.ron:4:24: integrate.max_steps: 0 is out of range: must be at least 1",
        ),
        (
            "record: LogSpaced(1)",
            "here.ron:4:9: record: 1 is out of range: must be between 2 and 1000000",
        ),
        (
            "record: LogSpaced(1000001)",
            "here.ron:4:9: record: 1000001 is out of range: must be between 2 and 1000000",
        ),
        (
            "record: Times([])",
            "here.ron:4:9: record: an empty list is out of range: must be a list of at least one time",
        ),
        (
            "record: Times([0, 1, 1])",
            "here.ron:4:22: record[2]: 1.0 is out of range: must be finite, at least 0 and above the time before it",
        ),
        (
            "record: Times([-1])",
            "here.ron:4:16: record[0]: -1.0 is out of range: must be finite, at least 0 and above the time before it",
        ),
        (
            "record: Times([0, inf])",
            "here.ron:4:19: record[1]: inf is out of range: must be finite, at least 0 and above the time before it",
        ),
        (
            "support_threshold: 1.0",
            "here.ron:4:20: support_threshold: 1.0 is out of range: must be at least 0 and below 1",
        ),
        (
            "integrate: (method: GradientDescent(step: 0))",
            "here.ron:4:43: integrate.method.step: 0.0 is out of range: must be finite and above 0",
        ),
        (
            "integrate: (method: GradientDescent(step: inf))",
            "here.ron:4:43: integrate.method.step: inf is out of range: must be finite and above 0",
        ),
        (
            "integrate: (method: GradientDescent(step: NaN))",
            "here.ron:4:43: integrate.method.step: NaN is out of range: must be finite and above 0",
        ),
        (
            "integrate: (method: GradientDescent(step: 0.1), formulation: Log)",
            "here.ron:4:62: integrate.formulation: Log does not go with GradientDescent, which moves the factors themselves (try formulation: Factor (or Auto))",
        ),
        (
            "integrate: (formulation: Log, method: Ndf)",
            "here.ron:4:26: integrate.formulation: Log does not go with Ndf, which integrates the dual flow (try method: Bdf)",
        ),
        (
            "integrate: (formulation: Dual, method: GradientDescent(step: 0.1))",
            "here.ron:4:26: integrate.formulation: Dual does not go with GradientDescent, which moves the factors themselves (try formulation: Factor (or Auto))",
        ),
        (
            "integrate: (stop: [LossBelow(1), CoordinateActive(index: 50, threshold: 1)])",
            "here.ron:4:58: integrate.stop[1].index: 50 is out of range: must be below the dimension 50",
        ),
        (
            "integrate: (mark: [CoordinateActive(index: 3, threshold: 0)])",
            "here.ron:4:58: integrate.mark[0].threshold: 0.0 is out of range: must be finite and above 0",
        ),
    ] {
        assert_eq!(message(&with_lines(lines)), expected);
    }
}

#[test]
fn every_range_names_its_field() {
    for (problem, model, field) in [
        ("measurements: 0", "depth: 2", "problem.measurements"),
        ("dimension: 0", "depth: 2", "problem.dimension"),
        (
            "measurements: 201, ensemble: SubsampledDct",
            "depth: 2",
            "problem.measurements",
        ),
        ("noise: -0.1", "depth: 2", "problem.noise"),
        ("noise: inf", "depth: 2", "problem.noise"),
        ("noise: 1e999", "depth: 2", "problem.noise"),
        ("signal: Sparse(sparsity: 201)", "depth: 2", "problem.signal.sparsity"),
        (
            "signal: Sparse(magnitude: Uniform(2, 1))",
            "depth: 2",
            "problem.signal.magnitude",
        ),
        (
            "signal: Sparse(magnitude: Uniform(0, inf))",
            "depth: 2",
            "problem.signal.magnitude",
        ),
        (
            "signal: Sparse(magnitude: Uniform(NaN, 1))",
            "depth: 2",
            "problem.signal.magnitude",
        ),
        (
            "signal: Sparse(magnitude: Constant(0))",
            "depth: 2",
            "problem.signal.magnitude",
        ),
        (
            "signal: Sparse(magnitude: PowerLaw(-1))",
            "depth: 2",
            "problem.signal.magnitude",
        ),
        ("", "depth: 1", "model.depth"),
        ("", "depth: 65", "model.depth"),
        ("", "depth: 2, initialization: Identical(0)", "model.initialization"),
        ("", "depth: 2, initialization: Identical(-1)", "model.initialization"),
        (
            "",
            "depth: 2, initialization: Identical(1000000.1)",
            "model.initialization",
        ),
        ("", "depth: 2, initialization: Identical(NaN)", "model.initialization"),
        ("", "depth: 2, initialization: Vector([1])", "model.initialization"),
        ("", "depth: 2, initialization: Vector(\"\")", "model.initialization"),
        (
            "dimension: 1, measurements: 1",
            "depth: 2, initialization: Vector([0])",
            "model.initialization[0]",
        ),
        ("", "depth: 2, initialization: PerFactor([1])", "model.initialization"),
        (
            "",
            "depth: 2, initialization: PerFactor([1, 0])",
            "model.initialization[1]",
        ),
        (
            "",
            "depth: 2, initialization: Random(scale: 0, spread: 0)",
            "model.initialization.scale",
        ),
        (
            "",
            "depth: 2, initialization: Random(scale: 1, spread: -1)",
            "model.initialization.spread",
        ),
    ] {
        let text = format!("(problem: Synthetic({problem}), model: ({model}))");
        let error = parse(&text, origin()).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{text}");
        assert!(matches!(*error.fault, Fault::OutOfRange { .. }), "{error}");
        assert!(error.position.is_some(), "{error}");
    }
    let error = parse(
        "(problem: Files(matrix: \"\", measurements: \"y.npy\"), model: (depth: 2))",
        origin(),
    )
    .unwrap_err();
    assert_eq!(error.field.as_deref(), Some("problem.matrix"));
}

#[test]
fn selections_explain_themselves() {
    for (selection, explanation) in [
        ("Non", "expected All, Everything, None or a list [Name, ..], found Non"),
        ("3", "expected All, Everything, None or a list [Name, ..]"),
        ("[a, 3]", "expected a name in the list, found 3"),
        ("[a, a]", "`a` is listed twice"),
        (
            "Some(All)",
            "expected All, Everything, None or a list [Name, ..], found Some",
        ),
    ] {
        let error = parse(&with_lines(&format!("predictions: {selection}")), origin()).unwrap_err();
        assert_eq!(error.fault.to_string(), explanation);
        assert!(error.field.is_some_and(|field| field.starts_with("predictions")));
    }
}

#[test]
fn deep_and_huge_texts_are_errors() {
    for unit in ["(", "[", "{", "Some(", "a(", "(a:", "[[", "/*", "\"", "r#", "((a,"] {
        for prefix in [
            "",
            "Scenario(predictions: ",
            "Scenario(title: ",
            "Scenario(problem: Synthetic(noise: ",
        ] {
            let text = format!("{prefix}{}", unit.repeat(100_000));
            assert!(parse(&text, origin()).is_err());
        }
    }
    let deep = format!("Scenario(predictions: {}", "[".repeat(100_000));
    assert_eq!(*parse(&deep, origin()).unwrap_err().fault, Fault::TooDeep);
    let huge = " ".repeat(1 + usize::try_from(MAX_BYTES).unwrap());
    assert!(matches!(
        *parse(&huge, origin()).unwrap_err().fault,
        Fault::TooLarge { .. }
    ));
}
