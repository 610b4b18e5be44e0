use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

mod errors;
mod overriding;

/// A scenario with the given lines besides a small problem.
fn with_lines(lines: &str) -> String {
    format!("Scenario(\n    problem: Synthetic(measurements: 20, dimension: 50),\n    model: (depth: 3),\n{lines})")
}

fn origin() -> &'static Path {
    Path::new("here.ron")
}

fn parsed(text: &str) -> Scenario {
    parse(text, origin()).unwrap()
}

#[test]
fn everything_but_problem_and_depth_has_its_default() {
    let scenario = parsed("Scenario(problem: Synthetic(), model: (depth: 2))");
    let expected = Scenario {
        title: String::new(),
        seed: 0,
        problem: Problem::Synthetic(Synthetic {
            measurements: 80,
            dimension: 200,
            ensemble: Ensemble::Gaussian,
            signal: Signal::Sparse {
                sparsity: 5,
                magnitude: Magnitude::Uniform(0.5, 1.5),
            },
            noise: 0.0,
        }),
        model: Model {
            depth: 2,
            sign: Sign::Signed,
            initialization: Initialization::Identical(1e-4),
        },
        integrate: Integrate {
            formulation: Formulation::Auto,
            method: Method::Bdf,
            tolerance: 1e-8,
            stop: vec![Stop::RelativeLossBelow(1e-12), Stop::Stationary(1e-9)],
            mark: vec![],
            max_steps: None,
        },
        record: Record::LogSpaced(400),
        references: Selection::All,
        predictions: Selection::All,
        figures: Selection::All,
        support_threshold: 1e-3,
    };
    assert_eq!(scenario, expected);
}

#[test]
fn the_default_sparsity_fits_a_small_dimension() {
    let sparsity = |text: &str| {
        let Problem::Synthetic(problem) = parsed(text).problem else {
            panic!("not synthetic")
        };
        let Signal::Sparse { sparsity, .. } = problem.signal;
        sparsity
    };
    assert_eq!(
        sparsity("(problem: Synthetic(measurements: 2, dimension: 3), model: (depth: 2))"),
        3
    );
    assert_eq!(
        sparsity("(problem: Synthetic(signal: Sparse(magnitude: Gaussian)), model: (depth: 2))"),
        5
    );
    let given = "(problem: Synthetic(dimension: 3, signal: Sparse(sparsity: 5)), model: (depth: 2))";
    assert_eq!(
        parse(given, origin()).unwrap_err().field.as_deref(),
        Some("problem.signal.sparsity")
    );
}

#[test]
fn none_runs_none_and_is_not_an_absent_field() {
    let chosen = |lines: &str| parsed(&with_lines(lines)).predictions;
    assert_eq!(chosen("predictions: None"), Selection::None);
    assert_eq!(chosen("predictions: All"), Selection::All);
    assert_eq!(chosen("predictions: []"), Selection::Named(vec![]));
    let names = Selection::Named(vec!["a".to_owned(), "b-c".to_owned()]);
    assert_eq!(chosen("predictions: [ a , \"b-c\", ] /* , */,"), names);
    assert!(names.contains("a") && !names.contains("b"));
    assert!(Selection::All.contains("b") && !Selection::None.contains("b"));
    assert_eq!(names.unknown(&["a", "b"]), Some((1, "b-c")));
    assert_eq!(Selection::All.unknown(&[]), None);
}

#[test]
fn every_choice_of_the_contract_is_read() {
    for lines in [
        "record: Times([0.0, 1.0, 2.5])",
        "record: EveryStep",
        "integrate: (formulation: Dual, method: Tsit45, stop: [LossBelow(1e-3), TimeReached(10), TimeUnits(2)])",
        "integrate: (formulation: Log, method: Esdirk34, max_steps: 10)",
        "integrate: (formulation: Factor, method: TrBdf2)",
        "integrate: (method: Ndf)",
        "integrate: (formulation: Dual, method: Ndf)",
        "integrate: (method: GradientDescent(step: 0.01))",
        "integrate: (formulation: Factor, method: GradientDescent(step: 1), stop: [CoordinateActive(index: 49, threshold: 0.5)])",
        "integrate: (mark: [CoordinateActive(index: 0, threshold: 1e-3), LossBelow(1), TimeUnits(0.5)])",
        "predictions: None, figures: None, references: []",
    ] {
        parsed(&with_lines(lines));
    }
    for initialization in [
        "Vector([1, 2e-3])",
        "Vector(\"x0.npy\")",
        "PerFactor([1e-3, 2])",
        "Random(scale: 1, spread: 0)",
    ] {
        for problem in [
            "Synthetic(measurements: 1, dimension: 2, ensemble: Rademacher)",
            "Synthetic(measurements: 1, dimension: 2, ensemble: SubsampledDct, signal: Sparse(sparsity: 0, magnitude: Constant(2)))",
            "Synthetic(measurements: 1, dimension: 2, signal: Sparse(sparsity: 2, magnitude: PowerLaw(0.5)))",
        ] {
            parsed(&format!(
                "(problem: {problem}, model: (depth: 2, sign: Positive, initialization: {initialization}))"
            ));
        }
    }
    let text =
        "(problem: Files(matrix: \"A.npy\", measurements: \"y.npy\", truth: \"w.npy\", index: 2), model: (depth: 2))";
    let Problem::Files(files) = parsed(text).problem else {
        panic!("not files")
    };
    assert_eq!((files.truth, files.index), (Some(PathBuf::from("w.npy")), Some(2)));
}

#[test]
fn the_ranges_include_their_ends() {
    for model in [
        "depth: 2",
        "depth: 64",
        "depth: 2, initialization: Identical(1e6)",
        "depth: 2, initialization: Identical(5e-324)",
    ] {
        parsed(&format!("(problem: Synthetic(), model: ({model}))"));
    }
    for lines in [
        "integrate: (tolerance: 1e-13)",
        "integrate: (tolerance: 1e-2)",
        "record: LogSpaced(2)",
        "record: LogSpaced(1000000)",
        "record: Times([0])",
        "seed: 18446744073709551615",
        "support_threshold: 0",
    ] {
        parsed(&with_lines(lines));
    }
}

#[test]
fn the_commented_default_is_the_default_and_names_every_field() {
    let text = commented_default("a \"quoted\" title\\");
    let scenario = parsed(&text);
    assert_eq!(scenario.title, "a \"quoted\" title\\");
    let default = parsed("(problem: Synthetic(), model: (depth: 2))");
    assert_eq!(
        Scenario {
            title: String::new(),
            ..scenario
        },
        default
    );
    let mut fields: Vec<String> = to_ron(&default)
        .lines()
        .filter_map(|line| line.trim().split_once(':').map(|(name, _)| format!("{name}: ")))
        .collect();
    assert!(fields.len() > 20, "{fields:?}");
    fields.extend(
        [
            "matrix: ",
            "truth: ",
            "index: ",
            "max_steps: ",
            "scale: ",
            "spread: ",
            "step: ",
        ]
        .map(str::to_owned),
    );
    for field in fields {
        assert!(text.contains(&field), "{field} is not explained");
    }
    for choice in [
        "Rademacher",
        "SubsampledDct",
        "Constant(",
        "PowerLaw(",
        "Positive",
        "Vector(",
        "PerFactor(",
        "Random(",
    ] {
        assert!(text.contains(choice), "{choice} is not explained");
    }
}

#[test]
fn the_hash_is_that_of_the_meaning() {
    let short = parsed("(problem: Synthetic(), model: (depth: 2))");
    let commented = parsed(&commented_default(""));
    assert_eq!(hash(&short), hash(&commented));
    assert_eq!(
        hash(&short),
        "7e2c09b9ac521b219b4d37a51af76846ab4bfa8e607a60a73c1dc7a63b2244c9",
        "a change of the canonical text moves every run's directory"
    );
    assert_ne!(hash(&short), hash(&parsed("(problem: Synthetic(), model: (depth: 3))")));
}

#[test]
fn reading_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.ron");
    let fault = |path: &Path| *read(path).unwrap_err().fault;
    assert!(matches!(fault(&path), Fault::Unreadable { .. }));
    assert!(matches!(fault(directory.path()), Fault::Unreadable { reason } if reason.contains("directory")));
    std::fs::write(&path, b"(\n\xff)").unwrap();
    assert!(matches!(fault(&path), Fault::Unreadable { reason } if reason.contains("line 2")));
    std::fs::File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
    assert!(matches!(fault(&path), Fault::TooLarge { .. }));
    std::fs::write(&path, commented_default("x")).unwrap();
    assert_eq!(read(&path).unwrap().title, "x");
    std::fs::write(&path, format!("\u{feff}{}", commented_default("y"))).unwrap();
    assert_eq!(read(&path).unwrap().title, "y");
}

#[test]
fn every_path_can_be_rewritten() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut scenario = read(&corpus.join("files.ron")).unwrap();
    for path in scenario.paths_mut() {
        *path = Path::new("elsewhere").join(&*path);
    }
    let text = to_ron(&scenario);
    assert_eq!(text.matches("elsewhere/").count(), text.matches(".npy").count());
    assert_eq!(text.matches("elsewhere/").count(), 4);
}

#[test]
fn the_corpus_is_valid() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for name in ["minimal", "contract", "files", "vector"] {
        let scenario = read(&corpus.join(name).with_extension("ron")).unwrap();
        assert_eq!(parsed(&to_ron(&scenario)), scenario);
    }
}

/// Positive numbers of every magnitude up to 1e6.
fn scale() -> impl Strategy<Value = f64> {
    (-300.0..6.0).prop_map(|exponent: f64| 10_f64.powf(exponent))
}

fn initialization(dimension: usize, depth: usize) -> impl Strategy<Value = Initialization> {
    let list = |length| proptest::collection::vec(scale(), length);
    prop_oneof![
        scale().prop_map(Initialization::Identical),
        list(dimension).prop_map(|values| Initialization::Vector(VectorSource::Values(values))),
        "[a-zé \"\\\\]{1,8}".prop_map(|path| Initialization::Vector(VectorSource::File(PathBuf::from(path)))),
        list(depth).prop_map(Initialization::PerFactor),
        (scale(), scale()).prop_map(|(scale, spread)| Initialization::Random { scale, spread }),
    ]
}

fn selection() -> impl Strategy<Value = Selection> {
    let name = "[a-zA-Z][a-z_]{0,5}|r|b|None|[-é \"]{0,3}";
    prop_oneof![
        Just(Selection::All),
        Just(Selection::None),
        proptest::collection::btree_set(name, 0..4).prop_map(|names| Selection::Named(names.into_iter().collect())),
    ]
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let magnitude = prop_oneof![
        scale().prop_map(Magnitude::Constant),
        scale().prop_map(|high| Magnitude::Uniform(high / 3.0, high)),
        Just(Magnitude::Gaussian),
        scale().prop_map(Magnitude::PowerLaw),
    ];
    let stop = proptest::collection::vec(
        prop_oneof![scale().prop_map(Stop::LossBelow), scale().prop_map(Stop::TimeUnits)],
        1..4,
    );
    let record = prop_oneof![
        (2_usize..1_000_000).prop_map(Record::LogSpaced),
        proptest::collection::btree_set(0_u32..99, 1..5)
            .prop_map(|times| Record::Times(times.into_iter().map(|time| f64::from(time) / 7.0).collect())),
        Just(Record::EveryStep),
    ];
    let run = (
        stop,
        record,
        selection(),
        selection(),
        proptest::option::of(1_u64..u64::MAX),
    );
    (
        1_usize..9,
        2_usize..9,
        any::<u64>(),
        any::<String>(),
        magnitude,
        scale(),
        run,
    )
        .prop_flat_map(|(dimension, depth, seed, title, magnitude, noise, run)| {
            (
                initialization(dimension, depth),
                Just((dimension, depth, seed, title, magnitude, noise, run)),
            )
        })
        .prop_map(
            |(initialization, (dimension, depth, seed, title, magnitude, noise, run))| {
                let (stop, record, predictions, figures, max_steps) = run;
                let mut scenario = parsed("(problem: Synthetic(), model: (depth: 2))");
                scenario.problem = Problem::Synthetic(Synthetic {
                    measurements: 3,
                    dimension,
                    ensemble: Ensemble::Rademacher,
                    signal: Signal::Sparse { sparsity: 1, magnitude },
                    noise,
                });
                scenario.model = Model {
                    depth,
                    sign: Sign::Positive,
                    initialization,
                };
                scenario.integrate = Integrate {
                    stop,
                    max_steps,
                    ..Integrate::default()
                };
                Scenario {
                    title,
                    seed,
                    record,
                    predictions,
                    figures,
                    ..scenario
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn written_scenarios_read_back_identically(scenario in any_scenario()) {
        let text = to_ron(&scenario);
        prop_assert_eq!(parse(&text, origin()), Ok(scenario), "{}", text);
    }

    #[test]
    fn garbage_never_panics(text in any::<String>(), pieces in proptest::collection::vec(0_usize..16, 0..40)) {
        let _ = parse(&text, origin()).map_err(|error| error.to_string());
        let alphabet = ["(", ")", "[", "]", ",", ":", "\"", "//", "/*", "\n", "r#", "depth", "Synthetic", "1e-3", "problem", "\\"];
        let soup: String = pieces.iter().map(|piece| alphabet[*piece]).collect();
        let _ = parse(&soup, origin()).map_err(|error| error.to_string());
        let _ = apply_override(&with_lines(""), &format!("model.depth={soup}"));
        let _ = apply_override(&with_lines(""), &soup);
        let _ = apply_override(&with_lines(&soup), "seed=1");
    }

    #[test]
    fn a_broken_scenario_names_an_existing_place(at in any::<prop::sample::Index>(), byte in 32_u8..127) {
        let mut bytes = commented_default("x").into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        if let Err(error) = parse(&text, origin()) {
            let lines: Vec<&str> = text.lines().collect();
            let Position { line, column } = error.position.unwrap();
            prop_assert!(line <= lines.len() + 1 && column <= 200, "{}", error);
        }
    }
}
