//! Sweeps: killed, damaged, out of space, on any number of threads and shards, and always the same table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use hadaflow::experiment::sweep::{Cells, read_table};
use support::{BINARY, Done, Place, npy_of};

/// 2000 small cells: limits and basis pursuits of 4 × 8 problems.
const MANY: &str = "Sweep(
    title: \"many small limits\",
    seed: 11,
    template: Scenario(
        problem: Synthetic(measurements: 4, dimension: 8, signal: Sparse(sparsity: 2)),
        model: (depth: 2, initialization: Identical(1e-2)),
    ),
    axes: [
        (name: \"m\", field: \"problem.measurements\", values: Range(from: 2, to: 6)),
        (name: \"s\", field: \"problem.signal.sparsity\", values: [1, 2]),
        (name: \"alpha\", field: \"model.initialization\", form: \"Identical({})\",
         values: LogRange(from: 1e-1, to: 1e-4, count: 4), paired: true),
    ],
    trials: 50,
    mode: Limit,
    measure: [l1_norm, l1_gap, distance_truth],
    success: DistanceBelow(1e-2),
)
";

/// 24 cells that integrate, over words and numbers.
const FLOWS: &str = "Sweep(
    template: \"small.ron\",
    axes: [
        (field: \"model.sign\", values: [Positive, Signed]),
        (name: \"m/n\", field: \"problem.measurements\", values: [0.25, 0.5], times: \"problem.dimension\"),
        (name: \"s/m\", field: \"problem.signal.sparsity\", values: [0.1, 0.34], times: \"problem.measurements\"),
    ],
    trials: 3,
    measure: [loss, l1_norm, distance_basis_pursuit],
    success: DistanceBelow(1e-2),
)
";

/// A sweep run from start to end in `whole`; the bytes of its table.
fn undisturbed(place: &Place, text: &str) -> Vec<u8> {
    place.write("sweep.ron", text);
    place.run(&["sweep", "run", "sweep.ron", "--out", "whole"]).exits(0);
    place.read("whole/table.parquet")
}

/// A generator of the moments at which processes are killed: splitmix64.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn done(place: &Place, directory: &str) -> u64 {
    let status = place.run(&["sweep", "status", directory, "--json"]).exits(0).json();
    status["done"].as_u64().unwrap()
}

#[test]
fn killed_ten_times_it_ends_in_the_same_table() {
    let place = Place::new();
    let start = Instant::now();
    let table = undisturbed(&place, MANY);
    let whole = start.elapsed();
    place
        .run(&["sweep", "plan", "sweep.ron", "--out", "killed"])
        .exits(0)
        .prints(&["2000 cells"]);
    let mut moments = Moments(2112_11027);
    let (mut killed, mut before) = (0, 0);
    for _ in 0..10 {
        let mut child = place
            .command(BINARY)
            .args(["sweep", "run", "killed", "--threads", "3"])
            .spawn()
            .unwrap();
        std::thread::sleep(whole.mul_f64(0.15 * moments.next()));
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().signal() == Some(9));
        let now = done(&place, "killed");
        assert!(now >= before, "rows were lost: {now} after {before}");
        before = now;
    }
    assert!(killed >= 5, "only {killed} of 10 were killed in time");
    assert!(before > 0, "nothing was done before the last kill");
    place.run(&["sweep", "run", "killed"]).exits(0);
    assert!(
        place.read("killed/table.parquet") == table,
        "another table after {killed} kills"
    );
}

#[test]
fn the_table_is_the_same_for_any_number_of_threads_and_shards() {
    let place = Place::with_small();
    let table = undisturbed(&place, FLOWS);
    for threads in ["1", "2", "3"] {
        let out = format!("threads{threads}");
        place
            .run(&["sweep", "run", "sweep.ron", "--out", &out, "--threads", threads])
            .exits(0);
        assert!(
            place.read(&format!("{out}/table.parquet")) == table,
            "{threads} threads"
        );
    }
    place
        .run(&["sweep", "plan", "sweep.ron", "--out", "four", "--shards", "4"])
        .exits(0);
    for shard in ["3/4", "1/4", "4/4"] {
        place
            .run(&["sweep", "run", "four", "--shard", shard, "--json"])
            .exits(0);
    }
    place
        .run(&["sweep", "merge", "four"])
        .refused(3, &["four", "6 of 24 cells are missing"]);
    let status = place.run(&["sweep", "status", "four", "--json"]).exits(0).json();
    assert_eq!(
        (status["done"].as_u64(), status["missing"].as_u64()),
        (Some(18), Some(6))
    );
    assert_eq!(status["shards"][1]["done"], 0);
    place.run(&["sweep", "run", "four", "--shard", "2/4"]).exits(0);
    let merged = place.run(&["sweep", "merge", "four", "--json"]).exits(0).json();
    assert_eq!(merged["cells"], 24);
    assert!(place.read("four/table.parquet") == table, "four shards");
    place
        .run(&["sweep", "run", "four", "--shard", "1/2"])
        .refused(3, &["4 shards"]);
    place
        .run(&["sweep", "run", "four", "--shard", "0/4"])
        .refused(3, &["counted from 1"]);
    place.run(&["sweep", "run", "four", "--shard", "two"]).exits(2);
}

/// The table holds coordinates, seeds, identities and outcomes, and a cell's identity is that of the run it stands for.
#[test]
fn a_row_is_what_a_run_of_its_scenario_finds() {
    let place = Place::with_small();
    undisturbed(&place, FLOWS);
    let (columns, metadata) = read_table(&place.path("whole/table.parquet")).unwrap();
    assert_eq!(metadata["axes"], "[\"sign\",\"m/n\",\"s/m\"]");
    let column = |name: &str| {
        &columns
            .iter()
            .find(|(found, _)| found == name)
            .unwrap_or_else(|| panic!("{name}"))
            .1
    };
    let number = |name: &str, row: usize| match column(name) {
        Cells::Numbers(values) => values[row],
        other => panic!("{name}: {other:?}"),
    };
    let text = |name: &str, row: usize| match column(name) {
        Cells::Texts(values) => values[row].clone(),
        other => panic!("{name}: {other:?}"),
    };
    let Cells::Integers(seeds) = column("seed") else {
        panic!("seeds are integers")
    };
    let Cells::Truths(success) = column("success") else {
        panic!("success is true or false")
    };
    assert_eq!(seeds.len(), 24);
    assert_eq!(
        seeds.iter().collect::<std::collections::BTreeSet<_>>().len(),
        24,
        "every cell has its own seed"
    );
    for row in [0, 10, 23] {
        let m = 24.0 * number("m/n", row);
        let s = (m * number("s/m", row)).round();
        let set = [
            format!("model.sign={}", text("sign", row)),
            format!("problem.measurements={m}"),
            format!("problem.signal.sparsity={s}"),
            format!("seed={}", seeds[row]),
        ];
        let mut arguments = vec![
            "run",
            "small.ron",
            "--out",
            "single",
            "--json",
            "--no-figures",
            "--force",
        ];
        set.iter()
            .for_each(|assignment| arguments.extend(["--set", assignment]));
        let report = place.run(&arguments).exits(0).json();
        assert_eq!(text("scenario", row), report["scenario"]["hash"].as_str().unwrap());
        assert_eq!(text("outcome", row), report["outcome"]["kind"].as_str().unwrap());
        let found = report["final"]["distance_truth"].as_f64().unwrap();
        let truth = place.trajectory("single")["truth"]
            .data
            .iter()
            .map(|w| w * w)
            .sum::<f64>()
            .sqrt();
        // two integrations of one flow, each to 1e-8 of w
        let error = (number("relative_error", row) - found / truth).abs();
        assert!(error < 1e-7, "cell {row}: {error:e}");
        assert!((number("l1_norm", row) / report["final"]["l1_norm"].as_f64().unwrap() - 1.0).abs() < 1e-7);
        assert_eq!(success[row], found / truth < 1e-2);
    }
    assert!(success.contains(&true) && success.contains(&false), "{success:?}");
}

/// The flow, integrated to rest, ends where `Limit` says.
#[test]
fn both_modes_tell_the_same() {
    let place = Place::new();
    let sweep = MANY
        .replace("count: 4", "count: 2")
        .replace("trials: 50", "trials: 2")
        .replace(
            "l1_norm, l1_gap, distance_truth",
            "l1_norm, distance_truth, effective_sparsity, largest_off_support",
        );
    place.write("sweep.ron", sweep);
    let stop = "integrate.stop=[RelativeLossBelow(1e-24)]";
    place.run(&["sweep", "run", "sweep.ron", "--out", "limit"]).exits(0);
    place
        .run(&[
            "sweep",
            "run",
            "sweep.ron",
            "--out",
            "flow",
            "--set",
            "mode=Flow",
            "--set",
            stop,
        ])
        .exits(0);
    let numbers = |directory: &str, name: &str| {
        let (columns, _) = read_table(&place.path(directory).join("table.parquet")).unwrap();
        match columns.into_iter().find(|(found, _)| found == name).unwrap().1 {
            Cells::Numbers(values) => values,
            other => panic!("{other:?}"),
        }
    };
    for name in [
        "l1_norm",
        "distance_truth",
        "effective_sparsity",
        "largest_off_support",
        "relative_error",
    ] {
        let (limit, flow) = (numbers("limit", name), numbers("flow", name));
        assert_eq!(limit.len(), 40);
        for (cell, (a, b)) in limit.iter().zip(&flow).enumerate() {
            // the flow is integrated to 1e-8 of w, of size one
            assert!(
                (a - b).abs() < 1e-6 * (1.0 + b.abs()),
                "{name} of cell {cell}: {a} in the limit, {b} by the flow"
            );
        }
    }
}

#[test]
fn damaged_shards_are_named_and_a_torn_one_goes_on() {
    let place = Place::new();
    let text = MANY.replace("trials: 50", "trials: 5");
    let table = undisturbed(&place, &text);
    let whole = place.read("whole/shards/0001.rows");
    place.run(&["sweep", "plan", "sweep.ron", "--out", "cut"]).exits(0);
    for cut in [0, 7, 60, whole.len() / 3, whole.len() / 2 + 5, whole.len() - 1] {
        place.write("cut/shards/0001.journal", &whole[..cut]);
        let _ = std::fs::remove_file(place.path("cut/shards/0001.rows"));
        let _ = std::fs::remove_file(place.path("cut/table.parquet"));
        place.run(&["sweep", "run", "cut"]).exits(0);
        assert!(place.read("cut/table.parquet") == table, "cut at {cut}");
    }
    for place_of_bit in [3, 100, whole.len() / 2, whole.len() - 2] {
        let mut flipped = whole.clone();
        flipped[place_of_bit] ^= 16;
        place.write("cut/shards/0001.rows", &flipped);
        place
            .run(&["sweep", "merge", "cut"])
            .refused(3, &["0001.rows", "remove the file"]);
        place.run(&["sweep", "status", "cut"]).refused(3, &["0001.rows"]);
        std::fs::rename(
            place.path("cut/shards/0001.rows"),
            place.path("cut/shards/0001.journal"),
        )
        .unwrap();
        place.run(&["sweep", "run", "cut"]).refused(3, &["0001.journal"]);
        std::fs::remove_file(place.path("cut/shards/0001.journal")).unwrap();
    }
    // a finished shard that ends too early, even between two rows
    place.write("cut/shards/0001.rows", &whole[..whole.len() / 2]);
    place
        .run(&["sweep", "merge", "cut"])
        .refused(3, &["0001.rows", "cut off"]);
    // what the errors say helps
    std::fs::remove_file(place.path("cut/shards/0001.rows")).unwrap();
    place.run(&["sweep", "run", "cut"]).exits(0);
    assert!(place.read("cut/table.parquet") == table);
}

/// Nothing of a sweep changes behind its back.
#[test]
fn a_changed_plan_is_refused() {
    let place = Place::with_small();
    let table = undisturbed(&place, FLOWS);
    // the scenario it came from is of no importance any more
    place.write("small.ron", "nonsense");
    place.run(&["sweep", "merge", "whole"]).exits(0);
    assert!(place.read("whole/table.parquet") == table);
    let frozen = String::from_utf8(place.read("whole/sweep.ron")).unwrap();
    place.write("whole/sweep.ron", frozen.replace("trials: 3", "trials: 4"));
    place
        .run(&["sweep", "run", "whole"])
        .refused(3, &["whole", "sweep.ron has changed"]);
    place.write("whole/sweep.ron", &frozen);
    let plan = String::from_utf8(place.read("whole/plan.json")).unwrap();
    for (from, to) in [
        ("\"schema\": 1", "\"schema\": 99"),
        ("\"version\": \"", "\"version\": \"9."),
    ] {
        assert!(plan.contains(from));
        place.write("whole/plan.json", plan.replace(from, to));
        place
            .run(&["sweep", "run", "whole"])
            .refused(3, &["whole", "planned with version", "plan anew"]);
        place
            .run(&["sweep", "status", "whole"])
            .refused(3, &["planned with version"]);
    }
    place.write("whole/plan.json", &plan[..plan.len() / 2]);
    place
        .run(&["sweep", "merge", "whole"])
        .refused(3, &["plan.json is damaged"]);
    place.write("whole/plan.json", &plan);
    place.write("small.ron", support::SMALL);
    place
        .run(&["sweep", "run", "sweep.ron", "--out", "whole", "--set", "seed=1"])
        .refused(5, &["another sweep"]);
    place.run(&["sweep", "run", "sweep.ron", "--out", "whole"]).exits(0);
    place
        .run(&["sweep", "run", "small.ron", "--out", "x"])
        .refused(3, &["small.ron", "`Sweep`", "`Scenario`"]);
    place.run(&["sweep", "run", "sweep.ron"]).refused(3, &["--out"]);
    place
        .run(&["sweep", "run", "whole", "--set", "trials=1"])
        .refused(3, &["frozen"]);
    place.run(&["sweep", "status", "."]).refused(3, &["there is no plan"]);
}

/// A stack of problems in files, chosen by index; a change of a file is noticed.
#[test]
fn stacks_of_files_are_swept_and_guarded() {
    let place = Place::new();
    let stack = |shape: &[usize], shift: f64| {
        let count = shape.iter().product::<usize>();
        let entry = |k: usize| (0.7 * (k * k) as f64 + shift).sin(); // small
        npy_of(shape, &(0..count).map(entry).collect::<Vec<_>>())
    };
    for m in [2, 3] {
        place.write(&format!("A{m}.npy"), stack(&[4, m, 6], 0.1));
        place.write(&format!("y{m}.npy"), stack(&[4, m], 0.2));
        place.write(&format!("w{m}.npy"), stack(&[4, 6], 0.3));
    }
    let sweep = "Sweep(
        template: Scenario(
            problem: Files(matrix: \"A2.npy\", measurements: \"y2.npy\", truth: \"w2.npy\"),
            model: (depth: 3, initialization: Identical(0.1)),
        ),
        axes: [
            (name: \"m\", values: [2, 3], set: {
                \"problem.matrix\": \"A{}.npy\", \"problem.measurements\": \"y{}.npy\", \"problem.truth\": \"w{}.npy\",
            }),
            (name: \"k\", field: \"problem.index\", values: Range(from: 0, to: 3)),
        ],
        success: DistanceBelow(0.5),
    )";
    let table = undisturbed(&place, sweep);
    place
        .run(&["sweep", "run", "sweep.ron", "--out", "limit", "--set", "mode=Limit"])
        .exits(0)
        .prints(&["attained"]);
    // from elsewhere: paths count from the sweep, wherever the plan lies
    place
        .run(&["sweep", "run", "sweep.ron", "--out", "deep/in/here"])
        .exits(0);
    assert!(place.read("deep/in/here/table.parquet") == table);
    let set = ["--set", "axes[1].values=[0, 4]"];
    let refused = place.run(&[&["sweep", "plan", "sweep.ron", "--out", "bad"][..], &set].concat());
    refused.refused(3, &["cell 1 (m = 2, k = 4, trial = 0)", "A2.npy", "4"]);
    place.run(&["sweep", "plan", "sweep.ron", "--out", "later"]).exits(0);
    place.write("y3.npy", stack(&[4, 3], 0.25));
    place
        .run(&["sweep", "run", "later"])
        .refused(3, &["y3.npy has changed"]);
    std::fs::remove_file(place.path("y3.npy")).unwrap();
    place.run(&["sweep", "run", "later"]).refused(3, &["y3.npy"]);
}

#[test]
fn bad_sweeps_are_named_before_anything_runs() {
    let place = Place::with_small();
    let cases: [(&str, &str, &[&str]); 17] = [
        (
            "values: [Positive, Signed]",
            "values: []",
            &["sweep.ron:4:", "axes[0].values", "empty axis"],
        ),
        (
            "values: [Positive, Signed]",
            "values: [Positive, Sigend]",
            &["cell 12 (sign = Sigend", "did you mean `Signed`?"],
        ),
        (
            "values: [Positive, Signed]",
            "values: [Positive, Positive]",
            &["axes[0].values", "listed once"],
        ),
        (
            "name: \"s/m\"",
            "name: \"m/n\"",
            &["sweep.ron:6:", "axes[2].name", "no other axis"],
        ),
        ("name: \"s/m\"", "name: \"seed\"", &["axes[2].name", "another name"]),
        (
            "problem.signal.sparsity",
            "problem.signal.sparsty",
            &["axes[2].field", "unknown", "did you mean `sparsity`?"],
        ),
        (
            "\"model.sign\"",
            "\"modle.sign\"",
            &["sweep.ron:4:", "axes[0].field", "did you mean `model`?"],
        ),
        (
            "\"model.sign\"",
            "\"problem.measurements\"",
            &["axes[0].values", "expected"],
        ),
        (
            "times: \"problem.dimension\"",
            "times: \"problem.ensemble\"",
            &["axes[1].times", "a number"],
        ),
        (
            "times: \"problem.dimension\"",
            "times: \"problem.signal.sparsity\"",
            &["axes[1].times", "comes later"],
        ),
        (
            "[0.25, 0.5]",
            "[0.25, 0.0]",
            &[
                "cell 6 (sign = Positive, m/n = 0, s/m = 0.1, trial = 0)",
                "problem.measurements",
            ],
        ),
        ("trials: 3", "trials: 0", &["sweep.ron:8:", "trials", "at least 1"]),
        ("trials: 3", "trails: 3", &["sweep.ron:8:", "did you mean `trials`?"]),
        (
            "l1_norm, distance",
            "l1_nrom, distance",
            &["sweep.ron:9:", "measure", "did you mean `l1_norm`?"],
        ),
        ("DistanceBelow(1e-2)", "DistanceBelow(-1.0)", &["success", "above 0"]),
        ("small.ron", "absent.ron", &["absent.ron", "cannot be read"]),
        (
            "field: \"model.sign\", values: [Positive, Signed]",
            "field: \"problem.ensemble\", values: [SubsampledDct]), (field: \"integrate.formulation\", values: [Dual], name: \"f\"), (name: \"i\", field: \"model.initialization\", values: [\"PerFactor([1.0, 0.1])\"]",
            &["cell 0", "dual flow needs all factors to start alike"],
        ),
    ];
    for (from, to, words) in cases {
        assert!(FLOWS.contains(from), "{from}");
        place.write("sweep.ron", FLOWS.replace(from, to));
        place
            .run(&["sweep", "run", "sweep.ron", "--out", "bad"])
            .refused(3, words);
        assert_eq!(place.files("bad"), Vec::<String>::new(), "{to}: nothing is written");
    }
    place.write("sweep.ron", FLOWS);
    let limit = ["sweep", "plan", "sweep.ron", "--out", "bad", "--set", "mode=Limit"];
    let with = |more: &[&str]| place.run(&[&limit[..], more].concat());
    with(&["--set", "measure=[t_end]"]).refused(3, &["measure", "unknown choice `t_end`"]);
    with(&["--set", "problem.ensemble=SubsampledDct"]).refused(3, &["cell 0", "problem.ensemble", "densely"]);
    with(&["--set", "problem.ensembel=Gaussian"]).refused(3, &["small.ron", "did you mean `ensemble`?"]);
    with(&["--set", "trials"]).refused(3, &["`trials`", "no `=`"]);
    with(&["--shards", "25"]).refused(3, &["between 1 and 24"]);
    place.write("file", "");
    place
        .run(&["sweep", "plan", "sweep.ron", "--out", "file"])
        .refused(5, &["it is a file"]);
}

/// An error in a template within a sweep has its line in the sweep.
#[test]
fn errors_within_a_template_have_their_place() {
    let place = Place::new();
    place.write(
        "sweep.ron",
        MANY.replace("signal: Sparse(sparsity: 2)", "signal: Sparse(sparsity: 9)"),
    );
    let done = place.run(&["sweep", "plan", "sweep.ron", "--out", "bad"]);
    done.refused(3, &["sweep.ron:5:84:", "problem.signal.sparsity"]);
}

/// A cell that fails is a row, and its failure no reason to stop.
#[test]
fn failures_are_rows() {
    let place = Place::with_small();
    place.write("sweep.ron", FLOWS);
    let arguments = [
        "sweep",
        "run",
        "sweep.ron",
        "--out",
        "out",
        "--json",
        "--set",
        "integrate.max_steps=20",
    ];
    let merged = place.run(&arguments).exits(0).json();
    assert_eq!(merged["failed"], 24);
    assert_eq!(merged["outcomes"]["step_limit"], 24);
    assert_eq!(merged["successes"]["success"], 0);
    place
        .run(&["sweep", "status", "out"])
        .exits(0)
        .prints(&["cell 0 (sign = Positive", "step limit was reached"]);
}

/// Verdicts are counted where they are asked for.
#[test]
fn predictions_can_be_assessed_in_every_cell() {
    let place = Place::with_small();
    place.write("sweep.ron", FLOWS.replace("trials: 3", "trials: 1"));
    let arguments = ["sweep", "run", "sweep.ron", "--out", "out", "--set", "predictions=All"];
    place.run(&arguments).exits(0);
    let (columns, _) = read_table(&place.path("out/table.parquet")).unwrap();
    let numbers = |name: &str| match &columns.iter().find(|(found, _)| found == name).unwrap().1 {
        Cells::Numbers(values) => values.clone(),
        other => panic!("{other:?}"),
    };
    assert!(numbers("predictions_hold").iter().all(|count| *count >= 3.0));
    assert_eq!(numbers("predictions_violated"), [0.0; 8]);
}

fn start(place: &Place, arguments: &[&str]) -> std::process::Child {
    use std::process::Stdio;
    place
        .command(BINARY)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn an_interrupt_stops_it_cleanly() {
    let place = Place::new();
    let table = undisturbed(&place, MANY);
    place.run(&["sweep", "plan", "sweep.ron", "--out", "out"]).exits(0);
    let child = start(&place, &["sweep", "run", "out", "--json"]);
    let begin = Instant::now();
    while std::fs::metadata(place.path("out/shards/0001.journal")).map_or(0, |data| data.len()) < 4000 {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing happens");
        std::thread::sleep(Duration::from_millis(2));
    }
    // a second process keeps its hands off
    place
        .run(&["sweep", "run", "out"])
        .refused(5, &["0001.journal", "another process"]);
    let id = child.id().to_string();
    assert!(place.command("kill").args(["-INT", &id]).status().unwrap().success());
    let document = Done::of(child.wait_with_output().unwrap()).exits(130).json();
    assert_eq!(document["interrupted"], true);
    assert_eq!(document["done"].as_u64().unwrap(), done(&place, "out"));
    assert!(document["done"].as_u64().unwrap() < 2000);
    place.run(&["sweep", "run", "out"]).exits(0);
    assert!(place.read("out/table.parquet") == table);
}

/// A limit on the size of files is a disk that is full: writing fails in the middle of a row.
#[test]
fn a_full_disk_is_an_error_that_names_the_file_and_work_goes_on_later() {
    let place = Place::new();
    let table = undisturbed(&place, MANY);
    place.run(&["sweep", "plan", "sweep.ron", "--out", "out"]).exits(0);
    // 64 blocks of 1024 bytes; the signal that comes with it is ignored, so that the write fails instead
    let script = format!("trap '' XFSZ; ulimit -f 64; exec {BINARY} sweep run out");
    let full = Done::of(place.command("bash").args(["-c", &script]).output().unwrap());
    full.refused(5, &["0001.journal", "cannot be written"]);
    let now = done(&place, "out");
    assert!(now > 0 && now < 2000, "{now}");
    place.run(&["sweep", "run", "out"]).exits(0);
    assert!(place.read("out/table.parquet") == table);
}

/// The real thing: a file system of 256 KiB, where the system lets us mount one.
#[test]
fn a_full_file_system_is_survived() {
    let place = Place::new();
    let table = undisturbed(&place, MANY);
    std::fs::create_dir(place.path("tiny")).unwrap();
    let mount = |size: &str| {
        let options = format!("size={size}");
        let mounted = place
            .command("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs", "tiny"])
            .output();
        mounted.is_ok_and(|output| output.status.success())
    };
    if !mount("256k") {
        eprintln!("skipped: mounting a small file system is not permitted here");
        return;
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        place.run(&["sweep", "plan", "sweep.ron", "--out", "tiny/out"]).exits(0);
        place
            .run(&["sweep", "run", "tiny/out"])
            .refused(5, &["tiny/out/", "No space left"]);
        let more = ["-o", "remount,size=16m", "tiny"];
        assert!(place.command("mount").args(more).status().unwrap().success());
        place.run(&["sweep", "run", "tiny/out"]).exits(0);
        assert!(place.read("tiny/out/table.parquet") == table);
    }));
    assert!(place.command("umount").arg("tiny").status().unwrap().success());
    outcome.unwrap();
}

/// 10⁵ points are planned in seconds, and in two files.
#[test]
fn many_cells_take_little() {
    let place = Place::new();
    place.write("sweep.ron", MANY);
    let start = Instant::now();
    let set = [
        "--set",
        "axes[2].values=LogRange(from: 1e-1, to: 1e-4, count: 2000)",
        "--set",
        "trials=5",
    ];
    let planned = place.run(&[&["sweep", "plan", "sweep.ron", "--out", "large"][..], &set].concat());
    planned.exits(0).prints(&["100000 cells"]);
    // 20000 points; a busy machine may be slow, and a check that draws every problem would be slower still
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(place.files("large"), ["plan.json", "sweep.ron"]);
}
