//! Random scenarios over the whole range of sizes, ensembles, depths, signs, starts, noise and tolerances, each run and
//! assessed: `cargo run --release --example campaign -- [COUNT] [FIRST] [DEEPEST] [All | Everything]`.
//!
//! Every theorem must hold on every run that meets its hypotheses, and basis pursuit be certified wherever there is a
//! solution. For each prediction: on how many runs it applied, and the largest measured value in units of what was
//! allowed; for each run with a complaint, its scenario.
#![allow(clippy::print_stdout)] // printing is what it is for

mod assessed;
mod random_scenario;

use std::collections::BTreeMap;

use assessed::{assessed, ratio};
use random_scenario::random_scenario;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |k: usize, default: u64| words.get(k).map_or(Ok(default), |word| word.parse::<u64>());
    let (count, first, deepest) = (number(0, 100)?, number(1, 1)?, number(2, 7)?);
    let predictions = words.get(3).map_or("All", String::as_str);
    let mut ratios: BTreeMap<&str, (usize, f64, u64)> = BTreeMap::new();
    let (mut complained, mut unfinished, mut certified, mut worst_gap) = (0, 0, 0, 0.0f64);
    for seed in first..first + count {
        let text = random_scenario(seed, deepest, predictions);
        let assessed = assessed(&text)?;
        certified += usize::from(assessed.gap.is_some());
        worst_gap = worst_gap.max(assessed.gap.unwrap_or(0.0));
        for assessment in &assessed.run.findings.assessments {
            let Some(numbers) = assessment.verdict.measurement() else {
                continue;
            };
            let ratio = ratio(numbers.measured, numbers.bound + numbers.uncertainty);
            let name = assessment.prediction.name();
            let entry = ratios.entry(name).or_insert((0, f64::NEG_INFINITY, 0));
            entry.0 += 1;
            if ratio.is_nan() || ratio > entry.1 {
                (entry.1, entry.2) = (ratio, seed);
            }
        }
        complained += usize::from(!assessed.complaints.is_empty());
        unfinished += usize::from(assessed.unfinished.is_some());
        if !assessed.complaints.is_empty() || assessed.unfinished.is_some() {
            let (steps, seconds) = (assessed.run.integration.statistics.steps, assessed.run.wall_seconds);
            let complaints: Vec<String> = assessed.complaints.into_iter().chain(assessed.unfinished).collect();
            let complaints = complaints.join("; ");
            println!("seed {seed}: {complaints} ({steps} steps, {seconds:.1} s)\n    {text}");
        }
        if !assessed.remarks.is_empty() {
            println!("seed {seed}, asymptotically: {}", assessed.remarks.join("; "));
        }
    }
    println!("{count} runs, {complained} with a complaint, {unfinished} not finished");
    println!("basis pursuit: {certified} certified, largest relative gap {worst_gap:.1e}");
    for (name, (applied, ratio, seed)) in ratios {
        println!("{name:<44} applied {applied:>5}   largest measured/allowed {ratio:>9.2e}   (seed {seed})");
    }
    Ok(())
}
