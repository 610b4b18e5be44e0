//! A scenario run and assessed, and what there is to complain of.

use std::path::Path;

use hadaflow::analysis::prediction::{Kind, Verdict};
use hadaflow::analysis::reference::CERTIFIED;
use hadaflow::experiment::resolve::resolve;
use hadaflow::experiment::run::{Run, run};
use hadaflow::experiment::scenario::parse;

/// What became of a scenario.
pub struct Assessed {
    /// The run.
    pub run: Run,
    /// The relative gap of basis pursuit, where it was solved.
    pub gap: Option<f64>,
    /// False verdicts on theorems, basis pursuit without a certificate, limits that failed.
    pub complaints: Vec<String>,
    /// How the integration ended, if it did not reach one of its stops.
    pub unfinished: Option<String>,
    /// Contradicted statements that hold in a limit only.
    pub remarks: Vec<String>,
}

/// Runs a scenario given as text.
pub fn assessed(text: &str) -> Result<Assessed, Box<dyn std::error::Error>> {
    let origin = Path::new("campaign.ron");
    let experiment = resolve(parse(text, origin)?, origin)?;
    let run = run(&experiment, None, &mut |_| true)?;
    let (mut complaints, mut remarks) = (Vec::new(), Vec::new());
    let outcome = &run.integration.outcome;
    let unfinished = (!outcome.is_stopped()).then(|| outcome.explain());
    let gap = run
        .findings
        .evidence
        .basis_pursuit()
        .map(|(_, minimiser)| minimiser.certificate.relative_gap);
    if gap.is_some_and(|gap| gap > CERTIFIED || gap.is_nan()) {
        complaints.push(format!("basis pursuit is certified to {gap:?} only"));
    }
    // what cannot be is no complaint: no nonnegative solution, no matrix, no common start
    let failures = ["found no", "not at rest", "not finite", "rounding", "stopped at"];
    let failed = |reason: &&String| failures.iter().any(|failure| reason.contains(failure));
    complaints.extend(experiment.absent.iter().filter(failed).cloned());
    for assessment in &run.findings.assessments {
        if let Verdict::Violated(numbers) = &assessment.verdict {
            let (name, ratio) = (
                assessment.prediction.name(),
                ratio(numbers.measured, numbers.bound + numbers.uncertainty),
            );
            let text = format!("{name}: {ratio:.2e} times the allowance, {}", numbers.place);
            match assessment.prediction.kind() {
                Kind::Theorem => complaints.push(text),
                Kind::Asymptotic => remarks.push(text),
            }
        }
    }
    Ok(Assessed {
        run,
        gap,
        complaints,
        unfinished,
        remarks,
    })
}

/// measured/allowed; 0/0 is 0.
pub fn ratio(measured: f64, allowed: f64) -> f64 {
    if measured == 0.0 { 0.0 } else { measured / allowed }
}
