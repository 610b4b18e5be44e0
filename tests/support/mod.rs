//! What the tests of the command share: a scratch directory, the command run in it, and NumPy files from scratch.
// Every test target compiles this module for itself and uses its own part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use hadaflow::experiment::write::{Array, ArrayView, read_npz, write_npz};
use serde_json::Value;

/// The command under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_hadaflow");

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A scenario that runs in a moment.
pub const SMALL: &str = "Scenario(
    title: \"small\",
    seed: 3,
    problem: Synthetic(measurements: 12, dimension: 24, signal: Sparse(sparsity: 2)),
    model: (depth: 2, initialization: Identical(1e-3)),
    record: LogSpaced(60),
)
";

/// A directory that disappears with the test; the command runs in it.
pub struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// An empty directory.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    /// A directory with the scenario [`SMALL`] in `small.ron`.
    pub fn with_small() -> Self {
        let place = Self::new();
        place.write("small.ron", SMALL);
        place
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The bytes of a file.
    pub fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A command that will run here.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        command
    }

    /// Runs `hadaflow` with these arguments.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Done {
        Done::of(self.command(BINARY).args(arguments).output().unwrap())
    }

    /// Runs a scenario with results in `out`.
    pub fn run_text(&self, scenario: &str, more: &[&str]) -> Done {
        self.write("scenario.ron", scenario);
        let arguments = [&["run", "scenario.ron", "--out", "out", "--no-figures"], more].concat();
        self.run(&arguments)
    }

    /// All files below a directory, relative to it, sorted; none if there is no such directory.
    pub fn files(&self, name: &str) -> Vec<String> {
        let root = self.path(name);
        let (mut found, mut pending) = (Vec::new(), vec![root.clone()]);
        while let Some(directory) = pending.pop() {
            for entry in std::fs::read_dir(directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    found.push(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// The report of a run.
    pub fn report(&self, directory: &str) -> Value {
        serde_json::from_slice(&self.read(&format!("{directory}/report.json"))).unwrap()
    }

    /// The arrays of a run's trajectory.
    pub fn trajectory(&self, directory: &str) -> BTreeMap<String, Array> {
        read_npz(&self.path(directory).join("trajectory.npz")).unwrap()
    }

    /// Replaces a run's trajectory.
    pub fn set_trajectory(&self, directory: &str, arrays: &BTreeMap<String, Array>) {
        save_npz(&self.path(directory).join("trajectory.npz"), arrays);
    }
}

/// What a browser made of a page.
pub struct Seen {
    /// The document once its scripts have run.
    pub dom: String,
    /// What the browser wrote, and of that what it complained of.
    pub log: String,
    pub complaints: Vec<String>,
}

impl Place {
    /// Opens a file of this directory in Chromium, with more options; none where it is not installed.
    pub fn browse(&self, name: &str, options: &[&str]) -> Option<Seen> {
        let address = format!("file://{}", self.path(name).display());
        let profile = format!("--user-data-dir={}", self.path("profile").display());
        let common = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND", // as on a machine without a network
        ];
        let arguments = [&common[..], options, &[&profile, "--dump-dom", &address]].concat();
        let run = |browser: &&str| self.command(*browser).args(&arguments).output().ok();
        let done = ["chromium", "chromium-browser", "google-chrome"].iter().find_map(run)?;
        let log = String::from_utf8_lossy(&done.stderr).into_owned();
        Some(Seen {
            dom: String::from_utf8_lossy(&done.stdout).into_owned(),
            complaints: log
                .lines()
                .filter(|line| line.contains("CONSOLE"))
                .map(str::to_owned)
                .collect(),
            log,
        })
    }

    /// Opens a page in a frame of this size and runs a script beside it, which leaves JSON in the element `result`; none
    /// where there is no Chromium. Nothing may be complained of.
    pub fn drive(&self, page: &str, (width, height): (u32, u32), script: &str) -> Option<Value> {
        let inside = page.replace('&', "&amp;").replace('"', "&quot;");
        let outside = format!(
            "<!DOCTYPE html><meta charset=\"utf-8\"><body style=\"margin:0\">\
             <iframe style=\"border:0;width:{width}px;height:{height}px\" srcdoc=\"{inside}\"></iframe>\
             <pre id=\"result\"></pre><script>{script}</script>"
        );
        self.write("driver.html", outside);
        let seen = self.browse(
            "driver.html",
            &["--window-size=1400,900", "--virtual-time-budget=60000"],
        )?;
        assert!(seen.complaints.is_empty(), "{:?}", seen.complaints);
        let (_, result) = seen.dom.split_once("<pre id=\"result\">").unwrap();
        let (result, _) = result.split_once("</pre>").unwrap();
        let plain = result.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        Some(serde_json::from_str(&plain).unwrap_or_else(|_| panic!("no result: {plain:?}\n{}", seen.log)))
    }
}

/// Writes arrays.
pub fn save_npz(path: &Path, arrays: &BTreeMap<String, Array>) {
    let views: Vec<(&str, ArrayView)> = arrays.iter().map(|(name, a)| (name.as_str(), a.view())).collect();
    write_npz(path, &views).unwrap();
}

/// Row `k` of an array with two axes.
pub fn row(array: &Array, k: usize) -> &[f64] {
    let width = array.shape[1];
    &array.data[k * width..(k + 1) * width]
}

/// The last row of an array with two axes.
pub fn last_row(array: &Array) -> &[f64] {
    row(array, array.shape[0] - 1)
}

/// The largest difference of two vectors, relative to the largest entry of the second.
pub fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(f64::MIN_POSITIVE, |a, x| a.max(x.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs() / size)
        .fold(0.0, |a: f64, x| if x.is_nan() { f64::NAN } else { a.max(x) })
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Done {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Done {
    /// From the system's result. No command of ours ever panics.
    pub fn of(output: Output) -> Self {
        let done = Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!done.stderr.contains("panicked"), "{done:?}");
        assert!(!done.stdout.contains("panicked"), "{done:?}");
        done
    }

    /// Requires an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Requires a refusal: this exit code, one line on standard error with all these words, nothing on standard output.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) -> Self {
        let done = self.exits(code);
        assert_eq!(done.stdout, "", "a refusal prints no result");
        assert!(done.stderr.starts_with("error: "), "{}", done.stderr);
        assert_eq!(done.stderr.trim_end().lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.len() < 2000, "{}", done.stderr);
        done.says(words)
    }

    /// Requires words on standard error.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in: {}", self.stderr);
        }
        self
    }

    /// Requires words on standard output.
    #[track_caller]
    pub fn prints(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stdout.contains(word), "no {word:?} in: {}", self.stdout);
        }
        self
    }

    /// Standard output, which must be one JSON document and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }
}

/// A NumPy file with a header for this element type, memory order and shape, whatever the data.
pub fn npy(descr: &str, fortran: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
    let order = if fortran { "True" } else { "False" };
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({axes}), }}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let length = (10 + dictionary.len() + 1).next_multiple_of(64) - 10;
    file.extend_from_slice(&u16::try_from(length).unwrap().to_le_bytes());
    file.extend_from_slice(format!("{dictionary:<width$}\n", width = length - 1).as_bytes());
    file.extend_from_slice(data);
    file
}

/// A NumPy file of doubles, row-major.
pub fn npy_of(shape: &[usize], numbers: &[f64]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f8", false, shape, &data)
}
