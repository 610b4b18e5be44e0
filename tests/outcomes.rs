//! How a run can end other than well: full disks, interruption and resumption, step limits, violated predictions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{BINARY, Done, Place, SMALL, difference, last_row, save_npz};

/// Runs the small scenario with files limited to so many blocks of 512 bytes; what exceeds the limit fails like a disk
/// that is full.
fn with_file_limit(place: &Place, blocks: u32, arguments: &[&str]) -> Done {
    let script = format!("trap '' XFSZ; ulimit -f {blocks} || exit 99; exec \"$0\" \"$@\"");
    let mut command = place.command("sh");
    command.args(["-c", &script, BINARY]).args(arguments);
    Done::of(command.output().unwrap())
}

/// What must hold of a run whose results could not all be written.
#[track_caller]
fn failed_to_write(done: Done, name: &str) {
    let done = done.exits(5).says(&["error: ", name, "cannot be written"]);
    assert_eq!(done.stderr.trim_end().lines().count(), 1, "{}", done.stderr);
    done.prints(&["outcome", "stopped by", "predictions", "holds"]);
}

#[test]
fn a_file_that_does_not_fit_is_absent_and_the_result_is_shown() {
    let whole = Place::with_small();
    whole.run(&["run", "small.ron", "--out", "out"]).exits(0);
    let size = |name: &str| whole.read(&format!("out/{name}")).len();
    let figures: Vec<String> = whole
        .files("out")
        .into_iter()
        .filter(|f| f.starts_with("figures"))
        .collect();
    let largest = figures.iter().map(|name| size(name)).max().unwrap();
    assert!(size("series.parquet") < size("trajectory.npz") && size("trajectory.npz") < largest);

    for (limit, missing) in [(4096, "trajectory.npz"), (size("trajectory.npz") + 512, "figures/")] {
        let place = Place::with_small();
        let blocks = u32::try_from(limit / 512).unwrap();
        let done = with_file_limit(&place, blocks, &["run", "small.ron", "--out", "out"]);
        failed_to_write(done, missing);
        let files = place.files("out");
        assert!(
            !files
                .iter()
                .any(|f| f == "report.json" || f.contains(".tmp") || f.contains("probe")),
            "{files:?}"
        );
        for name in files {
            assert_eq!(
                place.read(&format!("out/{name}")),
                whole.read(&format!("out/{name}")),
                "{name}"
            );
        }
        // the directory is not spoilt: once there is room, the same command completes it
        place.run(&["run", "small.ron", "--out", "out"]).exits(0);
        place.run(&["check", "out"]).exits(0);
    }
}

#[test]
fn earlier_results_survive_a_full_disk() {
    let place = Place::with_small();
    place
        .run(&["run", "small.ron", "--out", "out", "--no-figures"])
        .exits(0);
    let before = place.read("out/trajectory.npz");
    let done = with_file_limit(&place, 8, &["run", "small.ron", "--out", "out", "--no-figures"]);
    failed_to_write(done, "trajectory.npz");
    assert_eq!(place.read("out/trajectory.npz"), before);
    place.run(&["check", "out"]).exits(0);
}

#[test]
fn json_is_still_one_document_when_the_disk_is_full() {
    let place = Place::with_small();
    let done = with_file_limit(&place, 8, &["run", "small.ron", "--out", "out", "--json"]).exits(5);
    assert_eq!(done.json()["outcome"]["kind"], "stopped");
}

/// A real file system without space, where the system lets this user mount one.
#[test]
fn a_full_file_system() {
    let place = Place::with_small();
    std::fs::create_dir(place.path("disk")).unwrap();
    let mount = |size: &str, then: &str| {
        let script = format!("mount -t tmpfs -o size={size} none disk || exit 99; {then}");
        Done::of(
            place
                .command("unshare")
                .args(["-rm", "sh", "-c", &script, BINARY])
                .output()
                .unwrap(),
        )
    };
    if place.command("unshare").arg("--version").output().is_err() || mount("32k", "true").code != Some(0) {
        println!("no file system can be mounted here; the limit on file sizes stands for a full disk");
        return;
    }
    let then = "\"$0\" run small.ron --out disk/out; code=$?; echo; echo LEFT; find disk -type f; exit $code";
    for (size, missing) in [("16k", "trajectory.npz"), ("64k", "figures/")] {
        let done = mount(size, then);
        let left: Vec<String> = done
            .stdout
            .split("LEFT\n")
            .nth(1)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        failed_to_write(done, missing);
        assert!(
            !left
                .iter()
                .any(|f| f.contains("report.json") || f.contains(".tmp") || f.contains("probe")),
            "{left:?}"
        );
        assert_eq!(
            left.iter().any(|f| f.ends_with("trajectory.npz")),
            missing == "figures/",
            "{left:?}"
        );
    }
    // not even room for the first byte: refused before any work
    let done = mount(
        "4k",
        "head -c 4096 /dev/zero > disk/filler; \"$0\" run small.ron --out disk",
    )
    .exits(5);
    assert_eq!(done.stdout, "");
    done.says(&["disk", "cannot be written to"]);
}

#[test]
fn standard_output_that_is_full_or_closed() {
    let place = Place::with_small();
    let into = |target: &str, arguments: &str| {
        let script = format!("exec \"$0\" {arguments} > {target}");
        Done::of(place.command("sh").args(["-c", &script, BINARY]).output().unwrap())
    };
    if std::path::Path::new("/dev/full").exists() {
        into("/dev/full", "list").exits(5).says(&["standard output"]);
        into("/dev/full", "man").exits(5).says(&["standard output"]);
        into("/dev/full", "run small.ron --out out --no-figures")
            .exits(5)
            .says(&["standard output"]);
        place.run(&["check", "out"]).exits(0);
    }
    let mut child = place
        .command(BINARY)
        .args(["list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(
        child.wait().unwrap().code(),
        Some(0),
        "a reader that went away is no error"
    );
}

/// Some seconds of work: many steps of a low order. It ends at a given time, so that final weights can be compared.
const LONG: &str = "Scenario(
    title: \"long\",
    seed: 5,
    problem: Synthetic(measurements: 30, dimension: 60, signal: Sparse(sparsity: 3)),
    model: (depth: 3, initialization: Identical(1e-2)),
    integrate: (formulation: Log, method: TrBdf2, tolerance: 1e-11, stop: [TimeReached(1e4)]),
    record: LogSpaced(100),
)
";

/// Starts a command and lets it work for a while.
fn start(place: &Place, arguments: &[&str]) -> Child {
    let mut command = place.command(BINARY);
    let child = command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while !place.path("out/figures").exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "the run does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(400));
    child
}

/// Sends a signal to a command and waits for its end.
fn interrupt(place: &Place, mut child: Child, signal: &str) -> Done {
    assert!(
        child.try_wait().unwrap().is_none(),
        "the long scenario is too short for this machine"
    );
    let sent = place
        .command("kill")
        .args([&format!("-{signal}"), &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("SIG{signal} did not end the run");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    let code = child.wait().unwrap().code();
    Done { code, stdout, stderr }
}

/// What must hold of an interrupted run in `out`.
#[track_caller]
fn is_interrupted(place: &Place) {
    let report = place.report("out");
    assert_eq!(report["outcome"]["kind"], "interrupted");
    let files = place.files("out");
    assert!(files.contains(&"checkpoint.npz".to_owned()), "{files:?}");
    assert!(
        report["files"]
            .as_array()
            .unwrap()
            .contains(&Value::from("checkpoint.npz"))
    );
    assert!(!files.iter().any(|f| f.contains(".tmp")), "{files:?}");
    assert!(report["t_end"].as_f64().unwrap() < 1e4);
    // what was computed until then is a run like any other
    place.run(&["check", "out"]).exits(0).prints(&["holds"]);
}

/// What must hold once the run in `out` was resumed to its end, and `whole` was never interrupted.
#[track_caller]
fn is_complete(place: &Place) {
    let (report, whole) = (place.report("out"), place.report("whole"));
    assert_eq!(report["outcome"]["kind"], "stopped");
    let (end, expected) = (report["t_end"].as_f64().unwrap(), whole["t_end"].as_f64().unwrap());
    assert!((end - expected).abs() <= 1e-12 * expected, "{end} {expected}");
    assert!(!place.path("out/checkpoint.npz").exists());
    assert_eq!(report["scenario"], whole["scenario"]);
    let (arrays, expected) = (place.trajectory("out"), place.trajectory("whole"));
    let t = &arrays["t"].data;
    assert_eq!(t[0], 0.0);
    assert!(t.windows(2).all(|pair| pair[0] < pair[1]));
    let error = difference(last_row(&arrays["w"]), last_row(&expected["w"]));
    assert!(error < 1e-8, "{error:e}");
    let error = difference(last_row(&arrays["q"]), last_row(&expected["q"]));
    assert!(error < 1e-8, "{error:e}");
    let error = difference(
        &arrays["loss_integral"].data[t.len() - 1..],
        &expected["loss_integral"].data[expected["t"].data.len() - 1..],
    );
    assert!(error < 1e-8, "{error:e}");
    place.run(&["check", "out"]).exits(0);
}

#[test]
fn an_interrupted_run_is_kept_and_can_be_resumed() {
    let place = Place::new();
    place.write("long.ron", LONG);
    place
        .run(&["run", "long.ron", "--out", "whole", "--no-figures"])
        .exits(0);

    let run = ["run", "long.ron", "--out", "out", "--no-figures"];
    let child = start(&place, &run);
    interrupt(&place, child, "INT")
        .exits(130)
        .prints(&["outcome", "interrupted"]);
    is_interrupted(&place);

    // a checkpoint belongs to its scenario
    place
        .run(&[&run[..], &["--resume", "--set", "seed=6"]].concat())
        .refused(5, &["another scenario"]);
    is_interrupted(&place);

    place.run(&[&run[..], &["--resume"]].concat()).exits(0);
    is_complete(&place);
    place
        .run(&[&run[..], &["--resume"]].concat())
        .refused(3, &["no interrupted run"]);
}

#[test]
fn termination_is_an_interruption_too_and_resuming_can_be_interrupted_again() {
    let place = Place::new();
    place.write("long.ron", LONG);
    place
        .run(&["run", "long.ron", "--out", "whole", "--no-figures"])
        .exits(0);

    let run = ["run", "long.ron", "--out", "out", "--no-figures", "--json"];
    let child = start(&place, &run);
    let done = interrupt(&place, child, "TERM").exits(130);
    assert_eq!(done.json()["outcome"]["kind"], "interrupted");
    is_interrupted(&place);
    let first = place.report("out")["t_end"].as_f64().unwrap();

    let again = [&run[..], &["--resume"]].concat();
    let child = start(&place, &again);
    interrupt(&place, child, "INT").exits(130);
    is_interrupted(&place);
    assert!(place.report("out")["t_end"].as_f64().unwrap() > first);

    place.run(&again).exits(0);
    is_complete(&place);
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let place = Place::new();
    place.write("long.ron", LONG);
    let run = ["run", "long.ron", "--out", "out", "--no-figures"];
    let child = start(&place, &run);
    interrupt(&place, child, "INT").exits(130);
    let checkpoint = place.read("out/checkpoint.npz");
    let resume = [&run[..], &["--resume"]].concat();
    for length in [
        0,
        10,
        checkpoint.len() / 2,
        checkpoint.len() - 4096.min(checkpoint.len() / 3),
    ] {
        place.write("out/checkpoint.npz", &checkpoint[..length]);
        place.run(&resume).refused(3, &["checkpoint.npz"]);
    }
    place.write("out/checkpoint.npz", &checkpoint);
    let whole = hadaflow::experiment::write::read_npz(&place.path("out/checkpoint.npz")).unwrap();
    for (name, value) in [
        ("state", f64::NAN),
        ("t", f64::NAN),
        ("t", -1.0),
        ("steps", f64::NAN),
        ("integrals", f64::NAN),
    ] {
        let mut arrays = whole.clone();
        arrays.get_mut(name).unwrap().data[0] = value;
        save_npz(&place.path("out/checkpoint.npz"), &arrays);
        place.run(&resume).refused(3, &["checkpoint", name]);
    }
    let mut arrays = whole.clone();
    arrays.remove("state");
    save_npz(&place.path("out/checkpoint.npz"), &arrays);
    place.run(&resume).refused(3, &["state", "missing"]);
}

#[test]
fn the_step_limit_ends_a_run_that_is_written_all_the_same() {
    let place = Place::with_small();
    let run = ["run", "small.ron", "--out", "out", "--set", "integrate.max_steps=50"];
    place
        .run(&run)
        .exits(4)
        .prints(&["outcome", "step limit", "integrate.max_steps", "predictions"]);
    let report = place.report("out");
    assert_eq!(report["outcome"]["kind"], "step_limit");
    assert_eq!(report["statistics"]["steps"], 50);
    let files = place.files("out");
    for name in [
        "report.json",
        "series.parquet",
        "trajectory.npz",
        "scenario.ron",
        "figures/loss_decay.svg",
    ] {
        assert!(files.contains(&name.to_owned()), "{name} in {files:?}");
    }
    assert!(!files.contains(&"checkpoint.npz".to_owned()));
    place.run(&["check", "out"]).exits(0);
    // the limit may be far beyond what fits a counter
    place
        .run(&[
            "run",
            "small.ron",
            "--out",
            "far",
            "--set",
            "integrate.max_steps=18446744073709551615",
        ])
        .exits(0);
    place
        .run(&["run", "small.ron", "--out", "one", "--set", "integrate.max_steps=1"])
        .exits(4);
}

#[test]
fn a_violated_prediction_is_told_by_the_exit_code() {
    let place = Place::new();
    place.write("small.ron", SMALL);
    place
        .run(&["run", "small.ron", "--out", "out", "--no-figures"])
        .exits(0);
    let mut arrays = place.trajectory("out");
    arrays.retain(|name, _| name == "t" || name == "w");
    save_npz(&place.path("good.npz"), &arrays);
    place
        .run(&["check", "small.ron", "--trajectory", "good.npz"])
        .exits(0)
        .prints(&["holds"]);
    // the same weights backwards in time: the loss rises
    let w = arrays.get_mut("w").unwrap();
    let rows: Vec<Vec<f64>> = w.data.chunks_exact(24).map(<[f64]>::to_vec).collect();
    w.data = rows.into_iter().rev().flatten().collect();
    save_npz(&place.path("backwards.npz"), &arrays);
    for more in [&[][..], &["--strict"]] {
        let arguments = [&["check", "small.ron", "--trajectory", "backwards.npz"], more].concat();
        let done = place.run(&arguments).exits(1);
        let line = done
            .stdout
            .lines()
            .find(|line| line.contains("loss_decreases"))
            .unwrap();
        assert!(line.contains("violated"), "{line}");
        assert_eq!(done.stderr, "");
    }
}
