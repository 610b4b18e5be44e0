//! The grid, and work on it with cells that misbehave.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::grid::field_of;
use super::work::work_through;
use super::*;
use crate::scenario::hash;

const SWEEP: &str = r#"Sweep(
    seed: 3,
    template: Scenario(
        problem: Synthetic(measurements: 10, dimension: 40),
        model: (depth: 2),
    ),
    axes: [
        (name: "m/n", field: "problem.measurements", values: [0.25, 0.5], times: "problem.dimension"),
        (name: "s", field: "problem.signal.sparsity", values: [1, 2, 3]),
        (name: "alpha", field: "model.initialization", form: "Identical({})", values: [1e-2, 1e-3], paired: true),
    ],
    trials: 4,
)"#;

fn grid(text: &str) -> Grid {
    Grid::new(Sweep::parse::<&str>(text, Path::new("sweep.ron"), &[]).unwrap()).unwrap()
}

/// Every cell by its coordinates: its seed and the hash of its scenario.
fn cells(grid: &Grid) -> BTreeMap<String, (u64, String)> {
    let cell = |cell: u64| {
        let (place, trial) = grid.place(cell);
        let scenario = grid.scenario(cell).unwrap();
        let mut named: Vec<String> = (0..place.len())
            .map(|k| format!("{}={}", grid.axes()[k].name, grid.coordinate(k, &place).text()))
            .collect();
        named.sort();
        (
            format!("{named:?} {trial}"),
            (grid.seed(&place, trial), hash(&scenario)),
        )
    };
    (0..grid.cells).map(cell).collect()
}

#[test]
fn cells_are_points_times_trials_in_order() {
    let grid = grid(SWEEP);
    assert_eq!(grid.cells, 48);
    assert_eq!(grid.place(0), (vec![0, 0, 0], 0));
    assert_eq!(grid.place(7), (vec![0, 0, 1], 3));
    assert_eq!(grid.place(47), (vec![1, 2, 1], 3));
    assert_eq!(grid.describe(33), "m/n = 0.5, s = 2, alpha = 0.01, trial = 1");
    let scenario = grid.scenario(33).unwrap();
    for (path, value) in [
        ("problem.measurements", "20"),
        ("problem.signal.sparsity", "2"),
        ("model.initialization", "Identical(0.01)"),
        ("problem.dimension", "40"),
    ] {
        assert_eq!(field_of(&scenario, path), value);
    }
    assert_eq!(scenario.seed, grid.seed(&[1, 1, 0], 1));
    assert_eq!(cells(&grid).len(), 48);
}

/// Whatever happens to the grid around it, a cell keeps its seed and its identity; only a paired axis shares seeds.
#[test]
fn a_cell_depends_on_nothing_but_itself() {
    let original = cells(&grid(SWEEP));
    for (from, to) in [
        ("[1, 2, 3]", "[3, 7, 1, 2]"),
        ("[0.25, 0.5]", "Range(from: 0.25, to: 1, count: 4)"),
        ("trials: 4", "trials: 9"),
    ] {
        let text = SWEEP.replace(from, to);
        assert_ne!(text, SWEEP);
        let more = cells(&grid(&text));
        assert!(more.len() > original.len());
        original
            .iter()
            .for_each(|(cell, found)| assert_eq!(&more[cell], found, "{to}: {cell}"));
    }
    // the order of axes is no part of a cell either
    let lines: Vec<&str> = SWEEP.lines().collect();
    let mut swapped = lines.clone();
    swapped.swap(7, 8);
    assert_eq!(cells(&grid(&swapped.join("\n"))), original);
    let seeds: std::collections::BTreeSet<u64> = original.values().map(|(seed, _)| *seed).collect();
    assert_eq!(seeds.len(), 24, "two values of alpha share each seed");
    assert!(
        cells(&grid(&SWEEP.replace("seed: 3", "seed: 4")))
            .values()
            .all(|(seed, _)| !seeds.contains(seed))
    );
}

#[test]
fn seeds_are_pinned() {
    let grid = grid(SWEEP);
    assert_eq!(grid.seed(&[0, 0, 0], 0), GOLDEN_SEED);
}

#[test]
fn a_ratio_follows_an_earlier_axis() {
    let text = SWEEP
        .replace(
            "(name: \"m/n\"",
            "(name: \"n\", field: \"problem.dimension\", values: [40, 30]), (name: \"m/n\"",
        )
        .replace(
            "\"problem.signal.sparsity\", values: [1, 2, 3]",
            "\"problem.signal.sparsity\", values: [0.1, 0.3], times: \"problem.measurements\"",
        );
    let grid = grid(&text);
    let last = grid.scenario(grid.cells - 1).unwrap();
    // n = 30, m = 15, s = 4.5 rounded away from zero
    assert_eq!(
        (
            field_of(&last, "problem.measurements"),
            field_of(&last, "problem.signal.sparsity")
        ),
        ("15".into(), "5".into())
    );
}

#[test]
fn a_sweep_reads_back_to_the_same_cells() {
    let original = grid(SWEEP);
    let again = grid(&original.sweep.to_ron().unwrap());
    assert_eq!(cells(&again), cells(&original));
    assert_eq!(again.sweep.to_ron().unwrap(), original.sweep.to_ron().unwrap());
}

#[test]
fn overrides_reach_the_sweep_and_its_template() {
    let set = [
        "trials=2",
        "problem.dimension=60",
        "template.seed=9",
        "axes[1].values=[5]",
        "mode=Limit",
        "seed=1",
    ];
    let sweep = Sweep::parse(SWEEP, Path::new("sweep.ron"), &set).unwrap();
    assert_eq!(
        (sweep.settings.trials, sweep.settings.mode, sweep.settings.seed),
        (2, Mode::Limit, 1)
    );
    assert_eq!(sweep.template.seed, 9);
    let grid = Grid::new(sweep).unwrap();
    assert_eq!(grid.cells, 8);
    assert_eq!(field_of(&grid.scenario(0).unwrap(), "problem.measurements"), "15");
}

fn plan(directory: &Path) -> Plan {
    let sweep = Sweep::parse::<&str>(SWEEP, Path::new("sweep.ron"), &[]).unwrap();
    Plan::freeze(sweep, directory, Some(2)).unwrap()
}

fn row(plan: &Plan, cell: u64) -> Row {
    Row {
        cell,
        seed: cell,
        scenario: [1; 32],
        outcome: "stopped".into(),
        message: String::new(),
        numbers: vec![cell as f64; plan.columns.numbers().len()], // small
        seconds: 0.0,
    }
}

/// A panic ends its cell only; the row says what it said.
#[test]
fn a_panicking_cell_is_a_row() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let computing = |cell: u64, _: &dyn Fn() -> bool| {
        assert!(cell % 10 != 3, "cell {cell} is unlucky");
        Some(row(&plan, cell))
    };
    for shard in [1, 2] {
        let done = work_through(&plan, shard, 2, Progress::default(), &|_| true, &computing).unwrap();
        assert_eq!((done.fresh, done.failed), (24, if shard == 2 { 5 } else { 0 }));
    }
    let merged = merge(&plan).unwrap();
    assert_eq!(
        merged.outcomes,
        BTreeMap::from([("panicked".into(), 5), ("stopped".into(), 43)])
    );
    let status = status(&plan).unwrap();
    assert!(status.example.unwrap().1.contains("cell 3 is unlucky"));
}

/// Stopped after a few cells, again and again: no cell is computed twice, and none is forgotten.
#[test]
fn interrupted_work_goes_on_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let computed = AtomicU64::new(0);
    let computing = |cell: u64, ask: &dyn Fn() -> bool| {
        if !ask() {
            return None;
        }
        computed.fetch_add(1, Ordering::Relaxed);
        Some(row(&plan, cell))
    };
    let mut rounds = 0;
    while !plan.rows(1).exists() {
        let seen = AtomicU64::new(0);
        let watch = |_: Progress| seen.fetch_add(1, Ordering::Relaxed) < 9;
        work_through(&plan, 1, 1, Progress::default(), &watch, &computing).unwrap();
        rounds += 1;
        assert!(rounds < 50);
    }
    assert!(rounds > 3, "{rounds}");
    assert_eq!(computed.load(Ordering::Relaxed), 24);
    let again = work_through(&plan, 1, 1, Progress::default(), &|_| true, &computing).unwrap();
    assert_eq!((again.done, again.fresh), (24, 0));
}

/// By another program: SHA-256 over the parts, each behind its length.
const GOLDEN_SEED: u64 = 660_766_205_516_293_831;

/// Two machines that know nothing of each other's locks may both compute a cell. What they found is the same, or an error.
#[test]
fn of_equal_rows_of_one_cell_the_first_counts() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let append = |row: &Row| {
        let mut journal = journal::Journal::open(&plan.journal(1), &plan.header(1), |_, _| Ok(())).unwrap();
        journal.append(&row.encode()).unwrap();
    };
    for cell in [0, 2, 4, 2, 4, 2] {
        append(&Row {
            seconds: std::f64::consts::PI * f64::from(u8::try_from(cell).unwrap()),
            ..row(&plan, cell)
        });
    }
    append(&Row {
        seconds: 1e9,
        ..row(&plan, 0)
    });
    assert_eq!(status(&plan).unwrap().done(), 3);
    let computing = |cell: u64, _: &dyn Fn() -> bool| Some(row(&plan, cell));
    for shard in [1, 2] {
        work_through(&plan, shard, 1, Progress::default(), &|_| true, &computing).unwrap();
    }
    assert!(merge(&plan).unwrap().seconds < 1e3, "not the later row of cell 0");

    std::fs::rename(plan.rows(1), plan.journal(1)).unwrap();
    append(&Row {
        numbers: vec![0.5; plan.columns.numbers().len()],
        ..row(&plan, 4)
    });
    let worked = work_through(&plan, 1, 1, Progress::default(), &|_| true, &computing).map(|_| ());
    for error in [worked.unwrap_err(), status(&plan).unwrap_err()] {
        let error = error.to_string();
        assert!(
            error.contains("0001.journal: cell 4 has two rows that differ"),
            "{error}"
        );
    }
}

/// A number of cells that could be counted, but not be kept in mind, is refused by whoever would have to.
#[test]
fn shards_that_exceed_the_memory_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let text = SWEEP.replace("trials: 4", "trials: 80000000000");
    let sweep = Sweep::parse::<&str>(&text, Path::new("sweep.ron"), &[]).unwrap();
    let plan = Plan::freeze(sweep, directory.path(), Some(2)).unwrap();
    let computing = |cell: u64, _: &dyn Fn() -> bool| Some(row(&plan, cell));
    let worked = work_through(&plan, 1, 1, Progress::default(), &|_| true, &computing).map(|_| ());
    for error in [
        worked.unwrap_err(),
        status(&plan).unwrap_err(),
        merge(&plan).unwrap_err(),
    ] {
        assert!(error.to_string().contains("more --shards"), "{error}");
    }
}

/// A finished and merged sweep whose rows are not computed.
fn merged(directory: &Path, of: &(dyn Fn(Row) -> Row + Sync)) -> Plan {
    let plan = plan(directory);
    let computing = |cell: u64, _: &dyn Fn() -> bool| Some(of(row(&plan, cell)));
    for shard in [1, 2] {
        work_through(&plan, shard, 1, Progress::default(), &|_| true, &computing).unwrap();
    }
    merge(&plan).unwrap();
    plan
}

/// No bit of a table may flip between the merge and who reads it.
#[test]
fn a_table_that_changed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let plan = merged(directory.path(), &|row| row);
    Described::read(&plan).unwrap();
    let path = directory.path().join(TABLE);
    let noted = directory.path().join("table.parquet.sha256");
    let line = std::fs::read_to_string(&noted).unwrap();
    assert!(
        line.len() == 64 + 2 + 14 && line.ends_with("  table.parquet\n"),
        "{line}"
    );
    let bytes = std::fs::read(&path).unwrap();
    let mut changed = 0;
    for place in (4..bytes.len()).step_by(97) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        let error = Described::read(&plan).unwrap_err().to_string();
        // a flipped name of the plan is another plan
        let said =
            ["it is not as it was written", "it is not the table of this plan"].map(|words| error.contains(words));
        assert!(
            error.contains("table.parquet: ") && said != [false; 2],
            "{place}: {error}"
        );
        changed += u32::from(said[0]);
    }
    assert!(changed > 20, "{changed}");
    std::fs::write(&path, &bytes).unwrap();
    Described::read(&plan).unwrap();
    std::fs::remove_file(noted).unwrap();
    assert!(Described::read(&plan).unwrap_err().to_string().contains("merge anew"));
}

/// What an unfinished run had reached is not its result, and what no run has is not told.
#[test]
fn failed_cells_have_no_results() {
    let directory = tempfile::tempdir().unwrap();
    let half = |row: Row| Row {
        outcome: ["stopped", "step_limit"][(row.cell % 2) as usize].to_owned(),
        ..row
    };
    let analysis = analyse(&merged(directory.path(), &half)).unwrap();
    let point = &analysis.points[0];
    assert_eq!((point.trials, point.failed), (4, 2));
    assert_eq!(
        point.medians["relative_error"],
        f64::INFINITY,
        "two of four are larger than all others"
    );

    let directory = tempfile::tempdir().unwrap();
    let truthless = |row: Row| Row {
        numbers: vec![f64::NAN; row.numbers.len()],
        ..row
    };
    let analysis = analyse(&merged(directory.path(), &truthless)).unwrap();
    assert!(analysis.points[0].medians.is_empty(), "{:?}", analysis.points[0]);
}

fn refusal(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let frozen = Sweep::parse::<&str>(text, Path::new("sweep.ron"), &[])
        .map_err(Into::into)
        .and_then(|sweep| Plan::freeze(sweep, directory.path(), None));
    frozen.map_or_else(|error| error.to_string(), |_| format!("nothing is refused of {text}"))
}

/// Whatever would mean something else than it says is refused.
#[test]
fn sweeps_that_say_something_else_than_they_mean_are_refused() {
    for (from, to, words) in [
        // no column of any sweep, of this mode or not
        ("name: \"s\"", "name: \"l1_gap\"", &["axes[1].name", "another name"][..]),
        (
            "name: \"s\"",
            "name: \"success_rate\"",
            &["axes[1].name", "another name"],
        ),
        (
            "name: \"s\"",
            "name: \"success_basis_pursuit\"",
            &["axes[1].name", "another name"],
        ),
        (
            "name: \"s\"",
            "name: \"recovery_time\"",
            &["axes[1].name", "another name"],
        ),
        (
            "name: \"s\"",
            "name: \"relative_error\"",
            &["axes[1].name", "another name"],
        ),
        (
            "name: \"s\"",
            "name: \"predictions_hold\"",
            &["axes[1].name", "another name"],
        ),
        // predictions are about what is integrated
        (
            "trials: 4",
            "trials: 4, mode: Limit, predictions: All",
            &["predictions", "mode: Flow"],
        ),
        // 0.25 and 0.26 of 40 are 10 both
        (
            "[0.25, 0.5], times: \"problem.dimension\"",
            "[0.25, 0.5, 0.26], times: \"problem.dimension\", paired: true",
            &["axes[0].values", "0.25 and 0.26 times 40", "both are 10"],
        ),
        (
            "[1, 2, 3]",
            "[0.2, 0.21, 0.4], times: \"problem.measurements\", paired: true",
            &["axes[1].values", "0.2 and 0.21 times 10", "both are 2"],
        ),
        (
            "values: [1, 2, 3]",
            "values: [1], times: \"problem.signal.sparsity\"",
            &["axes[1].times", "sets this very field"],
        ),
        (
            "(name: \"s\", field: \"problem.signal.sparsity\"",
            "(name: \"s\", set: {\"problem.noise\": \"{}\", \"problem.noise\": \"0.{}\"}",
            &["sweep.ron:9:", "twice"],
        ),
    ] {
        assert!(SWEEP.contains(from), "{from}");
        let error = refusal(&SWEEP.replace(from, to));
        for word in words {
            assert!(error.contains(word), "{to}: {error}");
        }
    }
    // ratios that round alike are different draws where they do not share seeds
    grid(&SWEEP.replace("[0.25, 0.5]", "[0.25, 0.5, 0.26]"));
    assert!(refusal("").contains("the sweep is empty"));
    assert!(refusal("// nothing\n").contains("the sweep is empty"));
}

/// Seeds beyond the integers that doubles have are those that were written.
#[test]
fn seeds_of_63_bits_can_be_swept() {
    let text = SWEEP.replace("trials: 4", "trials: 1").replace(
        "values: [1, 2, 3])",
        "values: [1, 2, 3]), (name: \"draw\", field: \"seed\", values: [9007199254740993, 3])",
    );
    let first = grid(&text);
    let seeds: std::collections::BTreeSet<u64> = (0..first.cells)
        .map(|cell| first.scenario(cell).unwrap().seed)
        .collect();
    assert_eq!(seeds.into_iter().collect::<Vec<_>>(), [3, 9_007_199_254_740_993]);
    let error = refusal(&text.replace("9007199254740993", "9223372036854775808"));
    assert!(error.contains("cell 0") && error.contains("2^63 - 1"), "{error}");
    // with seeds of their own, ratios that round alike are one cell twice
    let error = refusal(&text.replace("[0.25, 0.5]", "[0.25, 0.26]"));
    assert!(error.contains("both are 10"), "{error}");
}

/// The number of shards is no part of the hash, but it is part of the plan.
#[test]
fn an_edited_number_of_shards_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    drop(plan(directory.path()));
    let path = directory.path().join("plan.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let edited = text.replace("\"shards\": 2", "\"shards\": 3");
    assert_ne!(text, edited);
    Plan::load(directory.path()).map(|_| ()).unwrap();
    std::fs::write(&path, edited).unwrap();
    let error = Plan::load(directory.path()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("edited"), "{error}");
}

/// Points are checked in parallel, and the first bad one is named always.
#[test]
fn the_first_bad_cell_is_named() {
    // sparsities above 40 cannot be: at s = 50, 51, …, in the last of 2000 points and before
    let values: Vec<String> = (1..=1000).map(|k| (k % 53 + k / 53 * 1000).to_string()).collect();
    let text = SWEEP.replace("[1, 2, 3]", &format!("[{}]", values.join(", ")));
    let first = values
        .iter()
        .position(|value| value.parse::<u32>().unwrap() > 40)
        .unwrap();
    for _ in 0..5 {
        let error = refusal(&text);
        assert!(error.contains(&format!("cell {} ", 8 * first)), "{error}");
    }
    let told = AtomicU64::new(0);
    let many = SWEEP.replace("[0.25, 0.5]", "Range(from: 0.1, to: 0.9, count: 81)");
    let grid = grid(&many);
    let watch = |done: u64, points: u64| {
        assert!(done <= points && points == 486);
        told.fetch_max(done, Ordering::Relaxed);
    };
    grid.check_watched(&crate::resolve::Library::new(), &watch).unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 486);
}

/// Pictures of an earlier table that this one does not have are not left beside it.
#[test]
fn stale_pictures_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let plan = merged(directory.path(), &|row| row);
    let figures = directory.path().join("figures");
    std::fs::create_dir_all(&figures).unwrap();
    for name in ["depth_comparison.svg", "depth_comparison_2.svg", "mine.svg"] {
        std::fs::write(figures.join(name), "").unwrap();
    }
    let size = hadaflow_plot::Size::OneColumn;
    plot(
        &plan,
        &crate::scenario::Selection::All,
        crate::run::PictureFormat::Svg,
        (size, &hadaflow_plot::Theme::light()),
    )
    .unwrap();
    let left = std::fs::read_dir(&figures)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["mine.svg"]);
}
