use super::*;

#[test]
fn every_lesson_is_one_and_runs_where_it_starts() {
    for (name, _) in catalogue() {
        let lesson = lesson(name).unwrap().unwrap();
        assert!(
            lesson.text.len() >= 2 && !lesson.question.is_empty() && lesson.answer.len() > 50,
            "{name}"
        );
        for needed in ["alpha", "depth", "sparsity", "m", "seed"] {
            assert!(
                lesson.sliders.iter().any(|slider| slider.name == needed),
                "{name}: {needed}"
            );
        }
        let scenario = lesson.scenario(&lesson.start());
        let parsed = crate::scenario::parse(&scenario, &origin(name)).unwrap();
        assert!(!scenario.contains('{'), "{name}");
        assert_eq!(scenario.contains("seed"), parsed.seed > 0, "{name}");
    }
    assert_eq!(lesson("nothing"), Ok(None));
}

#[test]
fn values_are_written_exactly_and_shown_as_a_reader_would() {
    let slider = Slider {
        name: "x".into(),
        symbol: "x".into(),
        about: "x".into(),
        values: vec![1e-32, 2.5e-7, 0.05, 1.0, 40.0, 0.0, 2e7],
        start: 0,
    };
    let shown: Vec<String> = (0..7).map(|k| slider.shown(k)).collect();
    assert_eq!(shown, ["10⁻³²", "2.5·10⁻⁷", "0.05", "1", "40", "0", "2·10⁷"]);
    for (k, value) in slider.values.iter().enumerate() {
        assert_eq!(slider.written(k).parse::<f64>().unwrap(), *value);
    }
    assert_eq!(slider.written(4), "40", "a count is written as one");
}

#[test]
fn a_lesson_that_does_not_fit_together_is_refused() {
    let text = catalogue()[0].1;
    for (from, to, field) in [
        ("name: \"alpha\"", "name: \"beta\"", "sliders[0].name"),
        ("start: 4", "start: 6", "sliders[0].start"),
        ("slider: \"alpha\"", "slider: \"beta\"", "across.slider"),
    ] {
        assert!(text.contains(from));
        let error = Lesson::parse(&text.replace(from, to), Path::new("x.ron")).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field));
    }
}
