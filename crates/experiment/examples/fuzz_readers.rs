//! Mutates a corpus and feeds it to every reader; a panic is saved and reported.
//!
//! ```text
//! cargo run --release --example fuzz_readers -- SECONDS SEED [CORPUS] [DIRECTORY FOR FINDINGS]
//! ```
//!
//! Without a corpus it takes `tests/corpus` of this crate. The exit code is 1 if anything was found. What a reader
//! accepts is also read again: scenarios must survive being written.

#![allow(clippy::print_stdout, reason = "a tool for developers")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hadaflow_experiment::{read, scenario, write};

/// A generator of bits that needs no crate: splitmix64.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        // Bounds are far below 2^32: the bias of the remainder is of no consequence here.
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Pieces that tend to hurt.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "'",
    "\\",
    "/*",
    "*/",
    "//",
    "#",
    "r#\"",
    "#![enable(",
    "None",
    "All",
    "Some(",
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e999",
    "20.5",
    "18446744073709551616",
    "99999999999",
    "1e-400",
    "é",
    "\u{feff}",
    "\n",
    "\r\n",
    "\t",
    ";",
    " ",
    "%",
    "Vector(",
    "Times([",
    "Identical(",
    "TimeReached(",
    "index: ",
    "'shape': (",
    "4611686018427387904",
    ", ",
    "'descr': ",
    "<f8",
    ">f4",
    "PK\x03\x04",
    "PK\x01\x02",
    "PK\x05\x06",
    "PAR1",
    "symmetric",
    "coordinate",
    "array",
    "pattern",
    "0x",
    "_",
    "..",
    "b'",
    "br\"",
    "Synthetic",
    "Files",
];

fn mutate(bits: &mut Bits, corpus: &[(PathBuf, Vec<u8>)], bytes: &mut Vec<u8>) {
    for _ in 0..=bits.below(6) {
        let at = bits.below(bytes.len() + 1);
        match bits.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << bits.below(8),
            1 if at < bytes.len() => bytes[at] = bits.next() as u8,
            2 => bytes.truncate(at),
            3 => {
                let end = (at + bits.below(12)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let piece = PIECES[bits.below(PIECES.len())];
                bytes.splice(at..at, piece.bytes());
            }
            5 => {
                let end = (at + bits.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let repeats = 1 + bits.below(4);
                let target = bits.below(bytes.len() + 1);
                bytes.splice(target..target, copy.repeat(repeats));
            }
            6 => {
                let other = &corpus[bits.below(corpus.len())].1;
                let start = bits.below(other.len());
                let end = (start + bits.below(60)).min(other.len());
                bytes.splice(at..at, other[start..end].iter().copied());
            }
            7 if at + 4 <= bytes.len() => {
                let extreme = [0, 1, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000_u32][bits.below(5)];
                bytes[at..at + 4].copy_from_slice(&extreme.to_le_bytes());
            }
            8 => {
                let piece = PIECES[bits.below(PIECES.len())].repeat(1 + bits.below(300));
                bytes.splice(at..at, piece.bytes());
            }
            _ => {}
        }
    }
    bytes.truncate(1 << 20);
}

/// Reads the file in every way its extension allows.
fn exercise(path: &Path, bytes: &[u8]) {
    match path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
    {
        "ron" => exercise_scenario(bytes),
        "npz" => drop(write::read_npz(path)),
        "parquet" => drop(write::read_table_parquet(path)),
        _ => {
            for index in [None, Some(0), Some(1)] {
                drop(read::read_matrix(path, index));
                drop(read::read_vector(path, index));
            }
            drop(write::read_table_csv(path));
        }
    }
}

fn exercise_scenario(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let origin = Path::new("fuzzed.ron");
    match scenario::parse(&text, origin) {
        Err(error) => drop(error.to_string()),
        Ok(parsed) => {
            let written = scenario::to_ron(&parsed);
            let again = scenario::parse(&written, origin);
            assert_eq!(again.as_ref(), Ok(&parsed), "not the same after writing:\n{written}");
        }
    }
    let minimal = "(problem: Synthetic(measurements: 20, dimension: 50), model: (depth: 3))";
    let value: String = text.chars().take(60).collect();
    drop(scenario::apply_override(minimal, &value));
    drop(scenario::apply_override(
        minimal,
        &format!("model.initialization={value}"),
    ));
    drop(scenario::apply_override(&text, "problem.noise=0.5"));
}

/// Sorted, so that the same seed mutates the same files.
fn load(directory: &Path) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        paths.push(entry?.path());
    }
    paths.sort();
    let read = |path: PathBuf| std::fs::read(&path).map(|bytes| (path, bytes));
    paths.into_iter().map(read).collect()
}

fn main() -> std::io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |k: usize, default: u64| arguments.get(k).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seconds, seed) = (number(0, 10), number(1, 1));
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let corpus = load(arguments.get(2).map_or(default.as_path(), Path::new))?;
    let findings = arguments
        .get(3)
        .map_or_else(|| std::env::temp_dir().join("fuzz_findings"), PathBuf::from);
    let scratch = tempfile::tempdir()?;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut bits = Bits(seed);
    let (mut runs, mut found, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    std::panic::set_hook(Box::new(|_| {}));
    while Instant::now() < deadline {
        let (original, bytes) = &corpus[bits.below(corpus.len())];
        let mut bytes = bytes.clone();
        mutate(&mut bits, &corpus, &mut bytes);
        let name = Path::new("input").with_extension(original.extension().unwrap_or_default());
        let path = scratch.path().join(&name);
        std::fs::write(&path, &bytes)?;
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| exercise(&path, &bytes)));
        runs += 1;
        let slow = start.elapsed() > Duration::from_secs(2);
        slowest = slowest.max(start.elapsed());
        if result.is_err() || slow {
            found += 1;
            std::fs::create_dir_all(&findings)?;
            let saved = findings.join(format!("{seed}-{runs}-{}", name.display()));
            std::fs::write(&saved, &bytes)?;
            let message = result
                .err()
                .map_or_else(|| "slow".to_owned(), |panic| describe(&*panic));
            println!("{}: {message}", saved.display());
        }
    }
    println!("seed {seed}: {runs} inputs, {found} findings, slowest {slowest:?}");
    Ok(if found == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn describe(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}
