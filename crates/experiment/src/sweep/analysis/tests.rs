use super::*;
use hadaflow_analysis::statistics::{EmpiricalTransition, Half};

/// A table whose columns are functions of the row.
fn table(rows: usize, axes: &[&str], columns: &[(&str, &dyn Fn(usize) -> f64)]) -> Described {
    let column = |(name, of): &(&str, &dyn Fn(usize) -> f64)| ((*name).to_owned(), (0..rows).map(of).collect());
    Described {
        title: String::new(),
        rows,
        axes: axes.iter().map(|axis| (*axis).to_owned()).collect(),
        numbers: columns.iter().map(column).collect(),
        texts: BTreeMap::from([("sign".to_owned(), vec!["Signed".to_owned()])]),
        seeds: (0..rows as i64).collect(),
        failed: Vec::new(),
    }
}

/// m = 10, 20, 30, 40 (ten trials each) for s = 2 and 4: of ten, 0, 3, 8, 10 succeed at s = 2, and 0, 0, 10, 10 at s = 4.
fn recovery() -> Described {
    let wins = [[0, 3, 8, 10], [0, 0, 10, 10]];
    let m = |row: usize| 10.0 * (1 + row / 10 % 4) as f64;
    table(
        80,
        &["measurements", "sparsity"],
        &[
            ("measurements", &m),
            ("sparsity", &|row| if row < 40 { 2.0 } else { 4.0 }),
            ("success", &|row| f64::from(row % 10 < wins[row / 40][row / 10 % 4])),
        ],
    )
}

#[test]
fn rates_and_transitions_are_those_of_the_counts() {
    let mut table = recovery();
    table.numbers.insert("dimension".to_owned(), vec![50.0]);
    let found = of(&table).unwrap();
    assert_eq!(found.points.len(), 8);
    let setting = |m: &str, s: &str| {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![pair("measurements", m), pair("sparsity", s)]
    };
    let point = found
        .points
        .iter()
        .find(|point| point.setting == setting("20", "2"))
        .unwrap();
    let (won, interval) = &point.rates["success"];
    assert_eq!((*won, point.trials), (3, 10));
    assert_eq!(*interval, wilson_interval(3, 10, CONFIDENCE).unwrap());

    assert_eq!(found.transitions.len(), 2);
    let EmpiricalTransition::Fitted(fit) = &found.transitions[0].found else {
        panic!("{:?}", found.transitions[0]);
    };
    // the likelihood equations of the logistic fit: Σ(k − Np) = Σ(k − Np)x = 0
    let counts = [(10.0, 0.0), (20.0, 3.0), (30.0, 8.0), (40.0, 10.0)];
    for power in [0, 1] {
        let excess: f64 = counts
            .iter()
            .map(|(x, k): &(f64, f64)| (k - 10.0 * fit.probability(*x)) * x.powi(power))
            .sum();
        assert!(excess.abs() < 1e-6, "{excess}");
    }
    let half = found.transitions[1].half.unwrap();
    assert_eq!((half.place, half.interval.low, half.interval.high), (25.0, 20.0, 30.0));
    // ψ(0.04)·50 lies between its tabulated neighbours at 0.01 and 0.05
    let (location, width) = found.transitions[0].theory.unwrap();
    assert!(3.0 < location && location < 10.2 && width > 0.0, "{location} {width}");

    let requirement = &found.requirements[0];
    let x = |s: f64| s * (std::f64::consts::E * 50.0 / s).ln();
    let slope = (25.0 - fit.half) / (x(4.0) - x(2.0));
    assert!((requirement.constant.0 - slope).abs() < 1e-12 * slope.abs());
    assert!(requirement.constant.1.is_none(), "two points have no interval");
}

/// Along a grid of m/n and s/m, where every m has sparsities of its own, lines go along s, and success falls.
#[test]
fn grids_of_ratios_have_lines_along_the_sparsity() {
    let s = |row: usize| ((1 + row % 4) * (row / 4 + 3)) as f64;
    let found = of(&table(
        16,
        &["measurements", "sparsity"],
        &[
            ("measurements", &|row| (10 * (row / 4 + 3)) as f64),
            ("sparsity", &s),
            ("success", &|row| f64::from(row % 4 < 2)),
        ],
    ))
    .unwrap();
    assert_eq!(found.transitions.len(), 4);
    let first = &found.transitions[0];
    assert_eq!((first.along, first.half.unwrap().place), ("sparsity", 7.5));
}

#[test]
fn exponents_are_found_and_compared_draw_by_draw() {
    // three draws of exponents 1, 2 and 6 with four α each
    let draw = |row: usize| row / 4;
    let alpha = |row: usize| 10f64.powi(-1 - (row % 4) as i32);
    let exponent = move |row: usize| [1.0, 2.0, 6.0][draw(row)];
    let mut table = table(
        12,
        &["alpha"],
        &[
            ("alpha", &alpha),
            ("l1_gap", &|row| 3.0 * alpha(row).powf(1.1 * exponent(row))),
            ("predicted_slope", &exponent),
            ("recovery_time", &|row| if draw(row) == 0 { 5.0 } else { f64::NAN }),
        ],
    );
    table.numbers.insert("depth".to_owned(), vec![2.0]);
    table.seeds = (0..12).map(|row| row / 4).collect();
    let found = of(&table).unwrap();
    assert_eq!(found.laws.len(), 1, "most runs have no time of recovery");
    let law = &found.laws[0];
    // the median over draws at each α is that of the draw of exponent 2
    assert!((law.slope.0 - 2.2).abs() < 1e-9, "{law:?}");
    assert_eq!((law.points, law.predicted), (4, Some(3.0)));
    let draws = law.draws.as_ref().unwrap();
    assert_eq!(draws.count, 3);
    assert!((draws.slope - 2.2).abs() < 1e-9);
    let (middle, largest) = draws.deviation.unwrap();
    // gaps of the third draw below rounding are left out; it is a power law all the same
    assert!(
        (middle - 0.1).abs() < 1e-9 && (largest - 0.1).abs() < 1e-9,
        "{middle} {largest}"
    );
    table.numbers.remove("predicted_slope");
    assert_eq!(of(&table).unwrap().laws[0].predicted, None);
    table.numbers.insert("depth".to_owned(), vec![3.0]);
    assert_eq!(of(&table).unwrap().laws[0].predicted, Some(3.0));
}

#[test]
fn tables_without_success_or_coordinates_say_little_and_that_is_all() {
    let found = of(&table(3, &[], &[("relative_error", &|row| [1.0, f64::NAN, 3.0][row])])).unwrap();
    assert_eq!(
        (found.points.len(), found.transitions.len(), found.laws.len()),
        (1, 0, 0)
    );
    assert_eq!(found.points[0].medians["relative_error"], 3.0);
    assert_eq!(found.document()["points"][0]["median"]["relative_error"], 3.0);
}

/// Two values of α lie on a line always; the error of an integrated run is what its stop leaves; and where a prediction
/// was asked for and there is none, there is none.
#[test]
fn laws_are_no_more_than_the_table_shows() {
    let alpha = |row: usize| 10f64.powi(-1 - (row % 3) as i32);
    let gap = |row: usize| alpha(row).powi(3);
    let mut table = table(
        12,
        &["alpha"],
        &[("alpha", &alpha), ("l1_gap", &gap), ("relative_error", &gap)],
    );
    table.numbers.insert("depth".to_owned(), vec![3.0]);
    let columns = |table: &Described| of(table).unwrap().laws.iter().map(|law| law.column).collect::<Vec<_>>();
    assert_eq!(columns(&table), ["l1_gap", "relative_error"]);
    assert_eq!(of(&table).unwrap().laws[0].predicted, Some(3.0));
    table.numbers.insert("predicted_slope".to_owned(), vec![f64::NAN; 12]);
    assert_eq!(of(&table).unwrap().laws[0].predicted, None);
    table.numbers.insert("t_end".to_owned(), vec![1.0; 12]);
    assert_eq!(columns(&table), ["l1_gap"]);
    let two = table.numbers.get_mut("l1_gap").unwrap();
    two.iter_mut().enumerate().for_each(|(row, gap)| {
        if row % 3 == 2 {
            *gap = 1e-20
        }
    });
    assert!(columns(&table).is_empty());
}

/// Transitions that run out of the grid are none, and no point of the requirement.
#[test]
fn requirements_are_drawn_through_what_was_seen() {
    // at m = 10, 20, 30, 40: s = 2 and 4 as before; at s = 8 a few succeed at the end, so that a fit puts half outside
    let wins = [[0, 3, 8, 10], [0, 0, 10, 10], [0, 1, 1, 2]];
    let mut table = table(
        120,
        &["measurements", "sparsity"],
        &[
            ("measurements", &|row| 10.0 * (1 + row / 10 % 4) as f64),
            ("sparsity", &|row| [2.0, 4.0, 8.0][row / 40]),
            ("success", &|row| f64::from(row % 10 < wins[row / 40][row / 10 % 4])),
        ],
    );
    table.numbers.insert("dimension".to_owned(), vec![50.0]);
    let found = of(&table).unwrap();
    let halves: Vec<bool> = found
        .transitions
        .iter()
        .map(|transition| transition.half.is_some())
        .collect();
    assert_eq!(halves, [true, true, false]);
    assert_eq!(found.requirements[0].points.len(), 2);
}

/// The line goes where the intervals are short.
#[test]
fn requirements_weigh_their_points() {
    let place = |s: f64, place: f64, radius: f64| Transition {
        success: "success".to_owned(),
        setting: vec![("sparsity".to_owned(), s.to_string())],
        along: "measurements",
        found: EmpiricalTransition::OnePlace,
        half: Some(Half {
            place,
            interval: Interval {
                low: place - radius,
                high: place + radius,
            },
        }),
        theory: None,
        size: Some((s, 100.0)),
    };
    let table = table(1, &["sparsity"], &[]);
    let x = |s: f64| s * (1.0 + (100.0 / s).ln());
    let on_line = |s: f64, radius: f64| place(s, 2.0 * x(s) + 1.0, radius);
    let outlier = place(4.0, 50.0, 1e6);
    let found = transitions::requirements(
        &Groups::new(&table),
        &[on_line(1.0, 1.0), on_line(2.0, 1.0), outlier, on_line(8.0, 1.0)],
    )
    .unwrap();
    assert!((found[0].constant.0 - 2.0).abs() < 1e-6, "{:?}", found[0]);
    assert_eq!(found[0].points.len(), 4);
}

/// References are those of the problem: told once, whatever models are swept beside them.
#[test]
fn transitions_of_references_are_told_once() {
    let m = |row: usize| 10.0 * (1 + row / 10 % 4) as f64;
    let won = |row: usize| f64::from(row % 10 < [0, 3, 8, 10][row / 10 % 4]);
    let mut table = table(
        120,
        &["depth", "measurements"],
        &[
            ("measurements", &m),
            ("depth", &|row| [2.0, 3.0, 4.0][row / 40]),
            ("success", &won),
            ("success_basis_pursuit", &won),
        ],
    );
    table.numbers.insert("dimension".to_owned(), vec![50.0]);
    let found = of(&table).unwrap().transitions;
    let names: Vec<&str> = found.iter().map(|transition| transition.success.as_str()).collect();
    assert_eq!(names, ["success", "success", "success", "success_basis_pursuit"]);
    assert!(found[3].setting.is_empty());
    assert_eq!(found[3].half, found[0].half);
}

/// Along the sparsity, theory is where nψ(s/n) = m, and as wide as what √(nV) measurements are worth in s.
#[test]
fn theory_stands_beside_lines_along_the_sparsity() {
    let mut table = table(
        4,
        &["sparsity"],
        &[
            ("sparsity", &|row| (5 + 10 * row) as f64),
            ("success", &|row| f64::from(row < 2)),
        ],
    );
    table.numbers.insert("dimension".to_owned(), vec![200.0]);
    table
        .numbers
        .insert("measurements".to_owned(), vec![0.3287935055 * 200.0]);
    let (place, width) = of(&table).unwrap().transitions[0].theory.unwrap();
    // ψ(0.1) = 0.3287935055, V(0.1) = 0.216382
    assert!((place - 20.0).abs() < 1e-5, "{place}");
    let psi = |s: f64| {
        hadaflow_analysis::phase_transition::TransitionCurve::at(s / 200.0, hadaflow_core::initialization::Sign::Signed)
            .unwrap()
            .psi
    };
    let measurements_per_entry = 200.0 * (psi(20.5) - psi(19.5));
    let expected = (200.0 * 0.216382_f64).sqrt() / measurements_per_entry;
    assert!((width / expected - 1.0).abs() < 1e-3, "{width} {expected}");
}

#[test]
fn failed_cells_are_counted() {
    let mut table = table(
        4,
        &[],
        &[
            ("relative_error", &|row| row as f64),
            ("success", &|row| f64::from(row < 2)),
        ],
    );
    table.failed = vec![false, false, true, true];
    let point = &of(&table).unwrap().points[0];
    assert_eq!((point.trials, point.failed), (4, 2));
    assert_eq!(of(&table).unwrap().document()["points"][0]["failed"], 2);
}
