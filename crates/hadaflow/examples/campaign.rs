//! Random scenarios over the whole range of sizes, depths, signs, starts, noise and tolerances, each run and assessed:
//! `cargo run --release --example campaign -- [COUNT] [FIRST]`.
//!
//! Every theorem must hold on every run that meets its hypotheses. For each prediction: on how many runs it applied, and
//! the largest measured value in units of what was allowed; for each run that failed or contradicted a theorem, its
//! scenario.
#![allow(clippy::print_stdout)] // printing is what it is for

use std::collections::BTreeMap;
use std::path::Path;

use hadaflow::experiment::resolve::resolve;
use hadaflow::experiment::run::run;
use hadaflow::experiment::scenario::parse;

/// A small generator of choices (SplitMix64): reproducible, and independent of the library's own streams.
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.next() as usize % choices.len()] // any remainder fits
    }
}

/// The scenario of a seed.
fn scenario(seed: u64) -> String {
    let mut choices = Choices(seed);
    let m = choices.between(1, 40);
    let n = choices.between(1, 120);
    let s = choices.between(0, n.min(12));
    let depth = choices.between(2, 7);
    let ensemble = choices.of(&["Gaussian", "Gaussian", "Rademacher"]);
    let magnitude = choices.of(&["Uniform(0.5, 1.5)", "Constant(1.0)", "Gaussian"]);
    let sign = choices.of(&["Signed", "Positive"]);
    let noise = choices.of(&["0.0", "0.0", "0.05"]);
    let tolerance = choices.of(&["1e-6", "1e-8", "1e-10"]);
    // Up to 1e-8 at depth 7 the clock runs to 1e40; at depth 2 nothing is too small.
    let exponent = if depth == 2 {
        choices.between(0, 30)
    } else {
        choices.between(0, 8)
    };
    let mantissa = choices.between(1, 9);
    let start = match choices.between(0, 5) {
        0 if n <= 40 => format!("Random(scale: {mantissa}e-{}, spread: 0.3)", exponent.min(3)),
        1 if n <= 40 => {
            let levels = (0..depth).map(|_| format!("{}e-{}", choices.between(1, 9), choices.between(1, 4)));
            format!("PerFactor([{}])", levels.collect::<Vec<_>>().join(", "))
        }
        2 => format!("Identical({mantissa}e{})", choices.between(0, 3)),
        _ => format!("Identical({mantissa}e-{exponent})"),
    };
    format!(
        "Scenario(seed: {seed}, problem: Synthetic(measurements: {m}, dimension: {n}, ensemble: {ensemble}, \
         signal: Sparse(sparsity: {s}, magnitude: {magnitude}), noise: {noise}), \
         model: (depth: {depth}, sign: {sign}, initialization: {start}), \
         integrate: (tolerance: {tolerance}), record: LogSpaced(100), figures: None)"
    )
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let (count, first) = (
        numbers.first().copied().unwrap_or(100),
        numbers.get(1).copied().unwrap_or(1),
    );
    let mut ratios: BTreeMap<&str, (usize, f64, u64)> = BTreeMap::new();
    let mut failed = 0;
    for seed in first..first + count {
        let text = scenario(seed);
        let experiment = resolve(parse(&text, Path::new("campaign.ron"))?, Path::new("campaign.ron"))?;
        let run = run(&experiment, None, &mut |_| true)?;
        let mut complaints = Vec::new();
        if !run.integration.outcome.is_stopped() || run.wall_seconds > 20.0 {
            complaints.push(run.integration.outcome.explain());
        }
        for assessment in &run.findings.assessments {
            let Some(numbers) = assessment.verdict.measurement() else {
                continue;
            };
            let ratio = numbers.measured / (numbers.bound + numbers.uncertainty);
            let entry = ratios
                .entry(assessment.prediction.name())
                .or_insert((0, f64::NEG_INFINITY, 0));
            entry.0 += 1;
            if ratio.is_nan() || ratio > entry.1 {
                (entry.1, entry.2) = (ratio, seed);
            }
            if assessment.verdict.name() == "violated" {
                let name = assessment.prediction.name();
                complaints.push(format!("{name}: {:.2} times the allowance, {}", ratio, numbers.place));
            }
        }
        if !complaints.is_empty() {
            failed += 1;
            let (steps, seconds) = (run.integration.statistics.steps, run.wall_seconds);
            println!(
                "seed {seed}: {} ({steps} steps, {seconds:.1} s)\n    {text}",
                complaints.join("; ")
            );
        }
    }
    println!("{count} runs, {failed} with a complaint");
    for (name, (applied, ratio, seed)) in ratios {
        println!("{name:<34} applied {applied:>5}   largest measured/allowed {ratio:>9.2e}   (seed {seed})");
    }
    Ok(())
}
