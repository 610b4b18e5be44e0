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
