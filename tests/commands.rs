//! Each command as a newcomer meets it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use hadaflow::analysis::prediction::NOT_EXPLORED;
use serde_json::Value;
use support::{Place, SMALL, save_npz};

const KINDS: [&str; 8] = [
    "ensembles",
    "models",
    "observables",
    "predictions",
    "figures",
    "sweep-figures",
    "events",
    "scenarios",
];

#[test]
fn help_and_version() {
    let place = Place::new();
    let commands = ["run", "limit", "check", "plot", "new", "list", "completions", "man"];
    let help = place
        .run(&["--help"])
        .exits(0)
        .prints(&commands)
        .prints(&["Exit codes", "130 interrupted"]);
    assert_eq!(help.stderr, "");
    place.run(&["help"]).exits(0).prints(&commands);
    place.run(&["-h"]).exits(0).prints(&commands);
    for command in commands {
        place.run(&[command, "--help"]).exits(0).prints(&["Usage", command]);
        place.run(&["help", command]).exits(0).prints(&["Usage", command]);
    }
    place.run(&["run", "--help"]).prints(&[
        "--out",
        "--set",
        "--json",
        "--no-figures",
        "--format",
        "--force",
        "--resume",
        "--profile",
    ]);
    place
        .run(&["--version"])
        .exits(0)
        .prints(&["hadaflow ", env!("CARGO_PKG_VERSION")]);
    place
        .run(&["run", "--version"])
        .exits(0)
        .prints(&[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn every_kind_is_listed() {
    let place = Place::with_small();
    place.write("scenarios/b.ron", SMALL.replace("\"small\"", "\"the second\""));
    place.write("scenarios/a.ron", SMALL);
    place.write("scenarios/broken.ron", "(");
    place.write("scenarios/notes.txt", "nothing");
    let all = place.run(&["list", "--json"]).exits(0).json();
    for kind in KINDS {
        let text = place.run(&["list", kind]).exits(0).prints(&[kind]);
        let document = place.run(&["list", kind, "--json"]).exits(0).json();
        let entries = document[kind].as_array().unwrap();
        assert_eq!(document.as_object().unwrap().len(), 1);
        assert_eq!(all[kind].as_array().unwrap(), entries);
        assert!(!entries.is_empty(), "{kind}");
        for entry in entries {
            let (name, description) = (entry["name"].as_str().unwrap(), entry["description"].as_str().unwrap());
            assert!(!name.is_empty() && !description.is_empty());
            assert!(text.stdout.contains(name), "{name}");
        }
    }
    assert_eq!(all.as_object().unwrap().len(), KINDS.len());
    for prediction in all["predictions"].as_array().unwrap() {
        for key in ["kind", "hypotheses", "citation"] {
            assert!(!prediction[key].as_str().unwrap().is_empty(), "{prediction}");
        }
    }
    let titles: Vec<&str> = all["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["description"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["small", "the second"]);
    // no scenarios here
    let empty = Place::new().run(&["list", "scenarios", "--json"]).exits(0).json();
    assert_eq!(empty["scenarios"], Value::Array(Vec::new()));
}

#[test]
fn what_is_listed_exists() {
    let place = Place::with_small();
    let all = place.run(&["list", "--json"]).exits(0).json();
    let names = |kind: &str| {
        all[kind]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for ensemble in names("ensembles") {
        let set = format!("problem.ensemble={ensemble}");
        place
            .run(&["run", "small.ron", "--out", &ensemble, "--no-figures", "--set", &set])
            .exits(0);
    }
    let set = [
        format!("predictions=[{}]", names("predictions").join(", ")),
        format!("figures=[{}]", names("figures").join(", ")),
    ];
    let arguments = [
        "run",
        "small.ron",
        "--out",
        "named",
        "--set",
        &set[0],
        "--set",
        &set[1],
        "--set",
    ];
    // the observables are those of gradient descent, which has them all
    let descent = [
        "integrate.method=GradientDescent(step: 0.1)",
        "--set",
        "integrate.stop=[RelativeLossBelow(1e-3)]",
    ];
    place.run(&[&arguments[..], &descent].concat()).exits(0);
    let report = place.report("named");
    let assessed: Vec<String> = report["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(assessed, names("predictions"));
    for name in names("observables") {
        assert!(report["final"].get(&name).is_some(), "{name}");
    }
    // limits are those of the flow alone
    let gaps = ["--set", "predictions=[gap_slope_in_alpha]"];
    place
        .run(&[&["run", "small.ron", "--out", "flow"], &gaps[..]].concat())
        .exits(0);
    for figure in names("figures") {
        let run = if figure == "limit_against_alpha" {
            "flow"
        } else {
            "named"
        };
        assert!(place.path(format!("{run}/figures/{figure}.svg")).exists(), "{figure}");
        place
            .run(&["plot", run, "--figure", &figure])
            .exits(0)
            .prints(&[&format!("{figure}.svg")]);
    }
}

#[test]
fn a_new_scenario_runs() {
    let place = Place::new();
    place.run(&["new", "mine"]).exits(0);
    assert_eq!(place.files("."), ["mine.ron"]);
    let text = String::from_utf8(place.read("mine.ron")).unwrap();
    assert!(text.contains("title: \"mine\"") && text.contains("//"));
    place
        .run(&["run", "mine.ron", "--no-figures"])
        .exits(0)
        .prints(&["mine", "80 x 200"]);
    let report = place
        .files("runs")
        .into_iter()
        .find(|name| name.ends_with("report.json"))
        .unwrap();
    let directory = report.strip_suffix("/report.json").unwrap();
    let hash = place.report(&format!("runs/{directory}"))["scenario"]["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(directory, format!("mine-{}", &hash[..8]));
    // an existing file is not overwritten; a name may have its extension already
    place.write("mine.ron", "precious");
    place.run(&["new", "mine"]).refused(5, &["mine.ron", "exists already"]);
    place
        .run(&["new", "mine.ron"])
        .refused(5, &["mine.ron", "exists already"]);
    assert_eq!(place.read("mine.ron"), b"precious");
    place
        .run(&["new", "no/such/directory"])
        .refused(5, &["no/such/directory.ron"]);
    // a name with characters that RON must escape
    place.run(&["new", "a \"quoted\" \\ name"]).exits(0);
    place
        .run(&["run", "a \"quoted\" \\ name.ron", "--out", "quoted", "--no-figures"])
        .exits(0);
    assert_eq!(place.report("quoted")["scenario"]["title"], "a \"quoted\" \\ name");
    // without a name it goes to standard output
    let text = place.run(&["new"]).exits(0).stdout;
    place.write("printed.ron", text);
    place
        .run(&["run", "printed.ron", "--out", "printed", "--no-figures"])
        .exits(0);
}

#[test]
fn completions_and_manual() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = place
            .run(&["completions", shell])
            .exits(0)
            .prints(&["hadaflow", "completions", "no-figures"]);
        assert_eq!(done.stderr, "");
    }
    let script = place.run(&["completions", "bash"]).stdout;
    place.write("hadaflow.bash", script);
    if let Ok(output) = place.command("bash").args(["-n", "hadaflow.bash"]).output() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let page = place.run(&["man"]).exits(0).prints(&[".TH", "hadaflow", "Exit codes"]);
    assert_eq!(page.stderr, "");
    assert_eq!(place.files("."), ["hadaflow.bash"]);
}

/// Width and height of an SVG in its own units, of a PNG in pixels and of a PDF page in points.
fn size_of(name: &str, bytes: &[u8]) -> (f64, f64) {
    if name.ends_with(".pdf") {
        assert!(bytes.starts_with(b"%PDF-") && bytes.ends_with(b"%%EOF"));
        let text = String::from_utf8_lossy(bytes);
        let numbers = text.split_once("/MediaBox [0 0 ").unwrap().1.split_once(']').unwrap().0;
        let (width, height) = numbers.split_once(' ').unwrap();
        return (width.parse().unwrap(), height.parse().unwrap());
    }
    if name.ends_with(".png") {
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        let number = |at: usize| f64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()));
        return (number(16), number(20));
    }
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.contains("<svg") && text.trim_end().ends_with("</svg>"));
    let head = &text[text.find("<svg").unwrap()..];
    let attribute = |name: &str| {
        let at = head.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        let value: String = head[at..]
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        value.parse::<f64>().unwrap()
    };
    (attribute("width"), attribute("height"))
}

#[test]
fn figures_in_every_format_and_size() {
    let place = Place::with_small();
    place
        .run(&["run", "small.ron", "--out", "out", "--no-figures"])
        .exits(0);
    assert!(
        !place.files("out").iter().any(|name| name.starts_with("figures/")),
        "--no-figures draws none"
    );
    let mut widths = Vec::new();
    for format in ["svg", "png", "pdf"] {
        for size in ["one-column", "two-column", "slide"] {
            let arguments = [
                "plot",
                "out",
                "--figure",
                "loss_decay",
                "--format",
                format,
                "--size",
                size,
            ];
            let done = place.run(&arguments).exits(0);
            let path = done.stdout.trim_end();
            assert_eq!(path, format!("out/figures/loss_decay.{format}"));
            let (width, height) = size_of(path, &place.read(path));
            assert!(width > height && height > 50.0, "{format}, {size}: {width} x {height}");
            widths.push(width);
        }
    }
    assert!(widths[0] < widths[1] && widths[3] < widths[4], "{widths:?}");
    // 85 mm at 300 dots per inch
    assert!((widths[3] - 85.0 / 25.4 * 300.0).abs() < 2.0, "{widths:?}");
    // 85, 175 and 254 mm in points
    for (width, millimetres) in widths[6..].iter().zip([85.0, 175.0, 254.0]) {
        assert!((width - millimetres / 25.4 * 72.0).abs() < 1e-3, "{widths:?}");
    }
    let slide = size_of("s.svg", &{
        place
            .run(&["plot", "out", "--figure", "l1_norm", "--size", "slide"])
            .exits(0);
        place.read("out/figures/l1_norm.svg")
    });
    assert!((slide.0 / slide.1 - 16.0 / 9.0).abs() < 0.02, "{slide:?}");
    // several at once, and all
    let done = place
        .run(&["plot", "out", "--figure", "l1_norm", "--figure", "bregman_decay"])
        .exits(0);
    assert_eq!(done.stdout.lines().count(), 2);
    let done = place.run(&["plot", "out"]).exits(0);
    assert!(done.stdout.lines().count() >= 4, "{}", done.stdout);
    for path in done.stdout.lines() {
        size_of(path, &place.read(path));
    }
}

#[test]
fn figures_drawn_again_are_those_of_the_run() {
    let place = Place::with_small();
    place.run(&["run", "small.ron", "--out", "out"]).exits(0);
    let figures: Vec<String> = place
        .files("out")
        .into_iter()
        .filter(|name| name.starts_with("figures/"))
        .collect();
    assert!(figures.len() >= 8);
    let before: Vec<Vec<u8>> = figures.iter().map(|name| place.read(&format!("out/{name}"))).collect();
    std::fs::remove_dir_all(place.path("out/figures")).unwrap();
    place.run(&["plot", "out"]).exits(0);
    place.run(&["plot", "out", "--format", "png"]).exits(0);
    let after: Vec<Vec<u8>> = figures.iter().map(|name| place.read(&format!("out/{name}"))).collect();
    assert_eq!(before, after);
}

#[test]
fn figures_named_in_the_scenario_and_none() {
    let place = Place::new();
    place.write("s.ron", SMALL.replace("record", "figures: [l1_norm], record"));
    place.run(&["run", "s.ron", "--out", "out"]).exits(0);
    let figures = |out: &str| {
        place
            .files(out)
            .into_iter()
            .filter(|name| name.starts_with("figures/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(figures("out"), ["figures/l1_norm.png", "figures/l1_norm.svg"]);
    place.write(
        "none.ron",
        SMALL.replace("record", "figures: None, predictions: None, record"),
    );
    place.run(&["run", "none.ron", "--out", "none"]).exits(0);
    assert_eq!(figures("none"), [""; 0]);
    assert_eq!(place.report("none")["predictions"], Value::Array(Vec::new()));
    place.write(
        "one.ron",
        SMALL.replace("record", "predictions: [loss_decreases], record"),
    );
    place.run(&["run", "one.ron", "--out", "one", "--no-figures"]).exits(0);
    assert_eq!(place.report("one")["predictions"].as_array().unwrap().len(), 1);
}

#[test]
fn checking_a_saved_run_repeats_its_verdicts() {
    for (name, more) in [
        ("dual", ""),
        ("log", "integrate: (formulation: Log),"),
        ("factor", "integrate: (formulation: Factor),"),
        ("noisy", "support_threshold: 0.01,"),
    ] {
        let place = Place::new();
        let text = SMALL.replace("record", &format!("{more} record"));
        let text = if name == "noisy" {
            text.replace("Sparse(sparsity: 2)", "Sparse(sparsity: 2), noise: 0.05")
        } else {
            text
        };
        place.write("s.ron", text);
        let run = place
            .run(&["run", "s.ron", "--out", "out", "--no-figures", "--json"])
            .exits(0)
            .json();
        let before = place.files("out");
        let check = place.run(&["check", "out", "--json"]).exits(0).json();
        assert_eq!(check["predictions"], run["predictions"], "{name}");
        assert!(
            run["predictions"]
                .as_array()
                .unwrap()
                .iter()
                .any(|p| p["verdict"] == "holds")
        );
        assert_eq!(place.files("out"), before, "checking writes nothing");
        place.run(&["check", "out", "--strict"]).exits(0).prints(&["holds"]);
    }
}

#[test]
fn checking_a_scenario_runs_it() {
    let place = Place::with_small();
    let document = place.run(&["check", "small.ron", "--json"]).exits(0).json();
    assert!(
        document["predictions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|p| p["verdict"] == "holds")
    );
    place
        .run(&["check", "small.ron", "--strict"])
        .exits(0)
        .prints(&["holds"]);
}

#[test]
fn a_trajectory_from_elsewhere() {
    for model in [
        "depth: 2, initialization: Identical(1e-3)",
        "depth: 3, initialization: Identical(0.05)",
        "depth: 3, sign: Positive, initialization: Identical(0.05)",
    ] {
        let place = Place::new();
        place.write(
            "s.ron",
            SMALL.replace("depth: 2, initialization: Identical(1e-3)", model),
        );
        place.run(&["run", "s.ron", "--out", "out", "--no-figures"]).exits(0);
        let mut arrays = place.trajectory("out");
        arrays.retain(|name, _| name == "t" || name == "w");
        save_npz(&place.path("export.npz"), &arrays);
        for target in ["s.ron", "out"] {
            let done = place
                .run(&["check", target, "--trajectory", "export.npz", "--json"])
                .exits(0);
            let document = done.json();
            let verdict = |name: &str| {
                let all = document["predictions"].as_array().unwrap();
                all.iter().find(|p| p["name"] == name).unwrap()["verdict"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            assert_eq!(verdict("bregman_divergence_decreases"), "holds", "{model}");
            assert_eq!(verdict("loss_decreases"), "holds", "{model}");
            assert_eq!(
                verdict("divergence_identity"),
                "inapplicable",
                "{model}: nobody integrated the loss"
            );
        }
        // a jump that no flow makes
        let n = 24;
        let rows = arrays["t"].data.len();
        let mut corrupted = arrays.clone();
        for entry in &mut corrupted.get_mut("w").unwrap().data[(rows - 5) * n..(rows - 4) * n] {
            *entry *= 2.0;
        }
        save_npz(&place.path("corrupted.npz"), &corrupted);
        place
            .run(&["check", "s.ron", "--trajectory", "corrupted.npz"])
            .exits(1)
            .prints(&["violated"]);
        // what is no trajectory at all
        let mut swapped = arrays.clone();
        swapped.get_mut("t").unwrap().data.swap(3, 4);
        save_npz(&place.path("swapped.npz"), &swapped);
        place
            .run(&["check", "s.ron", "--trajectory", "swapped.npz"])
            .refused(3, &["swapped.npz", "increasing times"]);
        let mut nan = arrays.clone();
        nan.get_mut("w").unwrap().data[7 * n] = f64::NAN;
        save_npz(&place.path("nan.npz"), &nan);
        place
            .run(&["check", "s.ron", "--trajectory", "nan.npz"])
            .refused(3, &["nan.npz", "row 7 of w"]);
        let mut missing = arrays.clone();
        missing.remove("w");
        save_npz(&place.path("missing.npz"), &missing);
        place
            .run(&["check", "s.ron", "--trajectory", "missing.npz"])
            .refused(3, &["missing.npz", "w is missing"]);
        place
            .run(&["check", "s.ron", "--trajectory", "absent.npz"])
            .refused(3, &["absent.npz", "no such file"]);
        let mut short = arrays.clone();
        short.get_mut("w").unwrap().data.truncate(n);
        short.get_mut("w").unwrap().shape = vec![1, n];
        save_npz(&place.path("short.npz"), &short);
        place
            .run(&["check", "s.ron", "--trajectory", "short.npz"])
            .refused(3, &["short.npz", "entries"]);
    }
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let place = Place::with_small();
    let done = place.run(&["run", "small.ron", "--out", "out", "--json"]).exits(0);
    assert_eq!(done.stderr, "");
    assert_eq!(
        done.json(),
        place.report("out"),
        "the report on the screen is the report in the file"
    );
    let text = String::from_utf8(place.read("out/report.json")).unwrap();
    assert!(!text.contains("NaN") && !text.contains("Infinity") && text.ends_with("}\n"));
    // numbers that JSON lacks are strings: a reference outside the domain is infinitely far
    place.write("A.csv", "1,2\n");
    place.write("y.csv", "1\n");
    place.write("z.csv", "-1,1\n");
    let text = "Scenario(problem: Files(matrix: \"A.csv\", measurements: \"y.csv\", truth: \"z.csv\"), model: (depth: 2, sign: Positive))";
    place.write("outside.ron", text);
    let document = place
        .run(&["run", "outside.ron", "--out", "outside", "--json"])
        .exits(0)
        .json();
    assert_eq!(document["final"]["bregman_divergence_truth"], "inf");
}

#[test]
fn the_table_in_either_format() {
    let place = Place::with_small();
    place
        .run(&["run", "small.ron", "--out", "out", "--no-figures"])
        .exits(0);
    assert!(place.path("out/series.parquet").exists() && !place.path("out/series.csv").exists());
    place
        .run(&["run", "small.ron", "--out", "out", "--no-figures", "--format", "csv"])
        .exits(0);
    assert!(
        !place.path("out/series.parquet").exists(),
        "no table of an older run stays"
    );
    let text = String::from_utf8(place.read("out/series.csv")).unwrap();
    let header = text.lines().next().unwrap();
    assert!(header.starts_with("t,") && header.contains(",loss,"), "{header}");
    assert!(
        text.lines()
            .all(|line| line.split(',').count() == header.split(',').count())
    );
    place
        .run(&[
            "run",
            "small.ron",
            "--out",
            "out",
            "--no-figures",
            "--format",
            "parquet",
        ])
        .exits(0);
    assert!(place.path("out/series.parquet").exists() && !place.path("out/series.csv").exists());
}

#[test]
fn the_screen_shows_what_the_report_says() {
    let place = Place::with_small();
    let done = place.run(&["run", "small.ron", "--out", "out"]).exits(0);
    assert_eq!(done.stderr, "", "no progress where nobody watches");
    let report = place.report("out");
    let files = report["files"].as_array().unwrap().len();
    let done = done.prints(&[
        "small",
        "12 x 24",
        "signed",
        "depth 2",
        "dual",
        "Bdf",
        "stopped by RelativeLossBelow(1e-12)",
        &format!("out ({files} files)"),
    ]);
    for prediction in report["predictions"].as_array().unwrap() {
        let name = prediction["name"].as_str().unwrap();
        let line = done
            .stdout
            .lines()
            .find(|line| line.split_whitespace().any(|word| word.trim_end_matches(',') == name))
            .unwrap();
        // families that nobody asked for share a line, without their verdicts
        let asked = !prediction["reason"].as_str().unwrap().starts_with(NOT_EXPLORED);
        let verdict = prediction["verdict"].as_str().unwrap();
        assert!(!asked || line.contains(verdict), "{line}");
    }
    // a second run in the same place replaces the first
    place.run(&["run", "small.ron", "--out", "out"]).exits(0);
}

/// The clocks add up to the whole, and count what the report counts; the results are those of a run without them.
#[test]
fn a_profile_says_where_the_time_went() {
    let place = Place::with_small();
    let plain = place.run(&["run", "small.ron", "--out", "plain"]).exits(0);
    let told = place.run(&["run", "small.ron", "--out", "told", "--profile"]).exits(0);
    assert!(!plain.stderr.contains("where the time went"));
    let table = told.stderr.split_once("where the time went").expect("a table").1;
    let number = |line: &str, column: usize| -> f64 {
        let words: Vec<&str> = line.split_whitespace().rev().collect();
        words[column].trim_end_matches('%').parse().expect("a number")
    };
    let row = |name: &str| {
        table
            .lines()
            .find(|line| line.trim().starts_with(name))
            .expect(name)
            .to_owned()
    };
    let report = place.report("told");
    let statistics = &report["statistics"];
    let count = |name: &str| statistics[name].as_f64().expect(name);
    let (products, matrices) = (number(&row("products with A"), 0), number(&row("Newton matrices"), 0));
    assert!(products >= 2.0 * count("rhs") - 10.0, "{table}");
    assert_eq!(matrices, count("factorizations"), "{table}");
    let shares: f64 = [
        "products with A",
        "Newton matrices",
        "Newton solves",
        "observables and records",
    ]
    .iter()
    .map(|name| number(&row(name), 1))
    .sum::<f64>()
        + number(&row("steps and their control"), 0)
        + number(&row("products in single precision"), 0);
    assert!((shares - 100.0).abs() <= 3.0, "{table}");
    let limit = row("pass limit");
    assert!(limit.contains(&format!("{} right-hand sides", count("rhs"))), "{limit}");
    assert_eq!(place.read("plain/trajectory.npz"), place.read("told/trajectory.npz"));
}
