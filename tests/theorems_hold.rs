//! Every theorem holds on every random scenario that meets its hypotheses, and basis pursuit is certified on all.
//!
//! The first seeds of `cargo run --release --example campaign`, which runs any number of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test may panic and print

#[path = "../crates/hadaflow/examples/campaign/assessed.rs"]
mod assessed;
#[path = "../crates/hadaflow/examples/campaign/random_scenario.rs"]
mod random_scenario;

use std::collections::BTreeMap;

use assessed::assessed;
use random_scenario::random_scenario;

#[test]
fn no_theorem_is_contradicted_by_a_random_scenario() {
    let (mut applied, mut certified, mut unfinished) = (BTreeMap::<&str, usize>::new(), 0, 0);
    for seed in 1..=60 {
        let text = random_scenario(seed, 5, "All");
        let assessed = assessed(&text).unwrap();
        assert!(assessed.complaints.is_empty(), "{:?}\n{text}", assessed.complaints);
        println!("seed {seed}, asymptotically: {:?}", assessed.remarks);
        if let Some(outcome) = &assessed.unfinished {
            println!("seed {seed}: {outcome}");
            unfinished += 1;
        }
        certified += usize::from(assessed.gap.is_some());
        for assessment in &assessed.run.findings.assessments {
            let counts = assessment.verdict.measurement().is_some();
            *applied.entry(assessment.prediction.name()).or_default() += usize::from(counts);
        }
    }
    println!("certified {certified}, applied {applied:?}");
    assert!(certified >= 25, "{certified}");
    // reported outcomes, and rare: many copies of a column, a deep model, a tiny start and a tight tolerance at once
    assert!(unfinished <= 3, "{unfinished}");
    for name in [
        "divergence_identity",
        "limit_is_the_nearest_solution",
        "dual_certificate_brackets_least_l1",
    ] {
        assert!(applied[name] >= 20, "{applied:?}");
    }
}
