//! The short table at the end of a run.

use std::fmt::Write;
use std::path::Path;

use hadaflow::analysis::prediction::{Assessment, NOT_EXPLORED, Verdict};
use hadaflow::experiment::limit::Limit;
use hadaflow::experiment::resolve::Experiment;
use hadaflow::experiment::run::Run;

/// Outcome, final values, predictions, files.
pub fn of_run(experiment: &Experiment, run: &Run, directory: &Path, files: usize) -> String {
    let mut out = String::new();
    let scenario = &experiment.scenario;
    let flow = &experiment.choice.flow;
    let sign = if flow.signed() { "signed" } else { "positive" };
    if !scenario.title.is_empty() {
        line(&mut out, "", &scenario.title);
    }
    let (m, n) = (experiment.problem.rows(), experiment.problem.cols());
    let what = format!(
        "{m} x {n}, {sign}, depth {}, tolerance {:e}",
        scenario.model.depth, scenario.integrate.tolerance
    );
    line(&mut out, "problem", &what);
    let formulation = flow.formulation().name().to_lowercase();
    line(
        &mut out,
        "flow",
        &format!(
            "{formulation} ({}), {}{}",
            experiment.choice.reason,
            experiment.integrator.name(),
            experiment
                .integrator
                .step()
                .map_or(String::new(), |step| format!("(step: {step:?})"))
        ),
    );
    let integration = &run.integration;
    let cost = format!("{} steps, {:.3} s", integration.statistics.steps, run.wall_seconds);
    let t = integration.end.t.hi;
    line(
        &mut out,
        "outcome",
        &format!("{} at t = {t:.6e} ({cost})", integration.outcome.explain()),
    );
    let shown = [
        "loss",
        "l1_norm",
        "dual_bound",
        "support_size",
        "bregman_divergence_truth",
        "distance_truth",
    ];
    for (position, name) in shown
        .iter()
        .filter(|name| !run.findings.evidence.column(name).is_empty())
        .enumerate()
    {
        let value = run.findings.evidence.column(name).last().copied().unwrap_or(f64::NAN);
        line(
            &mut out,
            if position == 0 { "final" } else { "" },
            &format!("{name:<26}{value:.9e}"),
        );
    }
    out.push_str(&of_assessments(&run.findings.assessments));
    line(&mut out, "files", &format!("{} ({files} files)", directory.display()));
    out
}

/// Weights shown of a limit, the largest first.
const SHOWN_WEIGHTS: usize = 10;

/// The limit, its norms and its largest weights.
pub fn of_limit(experiment: &Experiment, limit: &Limit) -> String {
    let mut out = String::new();
    let scenario = &experiment.scenario;
    if !scenario.title.is_empty() {
        line(&mut out, "", &scenario.title);
    }
    let sign = if experiment.choice.flow.signed() {
        "signed"
    } else {
        "positive"
    };
    let (m, n) = (experiment.problem.rows(), experiment.problem.cols());
    line(
        &mut out,
        "problem",
        &format!("{m} x {n}, {sign}, depth {}", scenario.model.depth),
    );
    let attained = match limit.attained() {
        Some(true) => "attained",
        Some(false) => "not attained",
        None => "unknown",
    };
    line(&mut out, "limit", &format!("{attained} ({})", limit.reason()));
    if let Some(end) = limit.end() {
        let set = end.set.name().replace('_', " ");
        line(
            &mut out,
            "tends to",
            &format!("the point nearest to the start among the {set}"),
        );
    }
    let least = limit.basis_pursuit.solved();
    let values = [
        ("l1_norm", limit.l1_norm()),
        ("least_l1_norm", least.map(|minimiser| minimiser.l1_norm)),
        ("l1_gap", limit.l1_gap),
        ("lower_bound", least.map(|minimiser| minimiser.certificate.lower_bound)),
        ("relative_mismatch", limit.relative_mismatch),
        ("distance_truth", limit.distance_truth),
    ];
    for (position, (name, value)) in values
        .into_iter()
        .filter_map(|(name, v)| v.map(|v| (name, v)))
        .enumerate()
    {
        let label = if position == 0 { "values" } else { "" };
        line(&mut out, label, &format!("{name:<26}{value:.9e}"));
    }
    if let Some(size) = limit.support_size(scenario.support_threshold) {
        line(&mut out, "", &format!("{:<26}{size}", "support_size"));
    }
    largest_weights(&mut out, limit);
    out
}

fn largest_weights(out: &mut String, limit: &Limit) {
    let Some(end) = limit.end() else { return };
    let mut order: Vec<usize> = (0..end.weights.len()).collect();
    order.sort_by(|&i, &j| end.weights[j].abs().total_cmp(&end.weights[i].abs()));
    for (position, &i) in order.iter().take(SHOWN_WEIGHTS).enumerate() {
        let label = if position == 0 { "weights" } else { "" };
        line(out, label, &format!("{:<26}{:.15e}", format!("w[{i}]"), end.weights[i]));
    }
    if order.len() > SHOWN_WEIGHTS {
        line(
            out,
            "",
            &format!("{} smaller ones (--json prints all)", order.len() - SHOWN_WEIGHTS),
        );
    }
}

/// One line per prediction that applies or has a hypothesis that fails; those about families that were not explored
/// together.
pub fn of_assessments(assessments: &[Assessment]) -> String {
    let mut out = String::new();
    let unexplored = |assessment: &&Assessment| match &assessment.verdict {
        Verdict::Inapplicable { reason } => reason.starts_with(NOT_EXPLORED),
        _ => false,
    };
    let (families, shown): (Vec<&Assessment>, Vec<&Assessment>) = assessments.iter().partition(unexplored);
    let width = shown.iter().map(|a| a.prediction.name().len()).max().unwrap_or(0) + 2;
    for (position, assessment) in shown.iter().enumerate() {
        let text = match &assessment.verdict {
            Verdict::Inapplicable { reason } => reason.clone(),
            Verdict::Holds(m) | Verdict::Violated(m) => {
                let allowed = m.bound + m.uncertainty;
                format!(
                    "measured {:.2e}, allowed {allowed:.2e}, margin {:.2e}",
                    m.measured.max(0.0),
                    m.margin()
                )
            }
        };
        let verdict = assessment.verdict.name();
        let label = if position == 0 { "predictions" } else { "" };
        line(
            &mut out,
            label,
            &format!("{verdict:<13}{:<width$}{text}", assessment.prediction.name()),
        );
    }
    for (position, some) in families.chunks(FAMILIES_PER_LINE).enumerate() {
        let label = if position == 0 { "not asked" } else { "" };
        let names: Vec<&str> = some.iter().map(|a| a.prediction.name()).collect();
        line(&mut out, label, &names.join(", "));
    }
    if !families.is_empty() {
        line(
            &mut out,
            "",
            "(about further runs: name them in `predictions`, or take `predictions: Everything`)",
        );
    }
    out
}

/// Names of predictions about families in a line.
const FAMILIES_PER_LINE: usize = 4;

fn line(out: &mut String, label: &str, text: &str) {
    // writing to a string cannot fail
    let _ = writeln!(out, "{label:<12}{text}");
}
