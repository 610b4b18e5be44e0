//! `report.json`: how a run came about, what it found, and what it means.

use hadaflow_analysis::prediction::Assessment;
use hadaflow_analysis::reference::{Origin, Reference};
use hadaflow_core::flow::residual_rounding;
use hadaflow_core::integrate::Mark;
use serde_json::{Map, Value, json};

use super::Run;
use crate::limit;
use crate::resolve::Experiment;
use crate::write::json_number;

/// Version of the report's layout.
const SCHEMA: u32 = 1;

/// The report of a run whose files are named, relative to its directory.
#[must_use]
pub fn report(experiment: &Experiment, run: &Run, files: &[String]) -> Value {
    let integration = &run.integration;
    let statistics = &integration.statistics;
    json!({
        "schema": SCHEMA,
        "scenario": {
            "title": experiment.scenario.title,
            "hash": experiment.hash,
            "name": experiment.stem,
            "measurements": experiment.problem.rows(),
            "dimension": experiment.problem.cols(),
            "depth": experiment.scenario.model.depth,
            "sign": format!("{:?}", experiment.scenario.model.sign),
            "seed": experiment.scenario.seed,
        },
        "formulation": experiment.choice.flow.formulation().name(),
        "formulation_reason": experiment.choice.reason,
        "method": experiment.integrator.name(),
        "step": experiment.integrator.step().map(json_number),
        "tolerance": experiment.scenario.integrate.tolerance,
        "outcome": {
            "kind": integration.outcome.kind(),
            "message": integration.outcome.explain(),
        },
        "t_end": json_number(integration.end.t.hi),
        "t_end_lo": json_number(integration.end.t.lo),
        "marks": marks(run),
        "recorded_times": run.findings.series.len(),
        "statistics": {
            "steps": statistics.steps,
            "rhs": statistics.rhs,
            "jacobians": statistics.jacobians,
            "factorizations": statistics.factorizations,
            "newton_failures": statistics.newton_failures,
            "error_test_failures": statistics.error_test_failures,
            "restarts": statistics.restarts,
            "wall_seconds": json_number(run.wall_seconds),
            "cpu_seconds": json_number(run.cpu_seconds.unwrap_or(f64::NAN)),
        },
        "final": final_values(run),
        "references": references(experiment),
        "predictions": predictions(&run.findings.assessments),
        "notes": notes(experiment, run),
        "files": files,
        "provenance": provenance(experiment),
    })
}

/// The marked times, in order.
fn marks(run: &Run) -> Value {
    let mark =
        |mark: &Mark| json!({ "event": mark.event, "t": json_number(mark.t.hi), "t_lo": json_number(mark.t.lo) });
    run.integration.end.marks.iter().map(mark).collect()
}

/// The last row of the table.
fn final_values(run: &Run) -> Value {
    let last = |values: Vec<f64>| json_number(values.last().copied().unwrap_or(f64::NAN));
    run.findings
        .series
        .columns()
        .into_iter()
        .map(|(name, values)| (name, last(values)))
        .collect::<Map<_, _>>()
        .into()
}

fn references(experiment: &Experiment) -> Value {
    let describe = |r: &Reference| {
        let mut value = json!({
            "l1_norm": json_number(r.l1_norm),
            "relative_mismatch": json_number(r.relative_mismatch),
            "solves": r.is_exact(),
            "in_domain": r.anchor.is_some(),
        });
        match &r.origin {
            Origin::Given => {}
            Origin::BasisPursuit(minimiser) => value["certificate"] = limit::certificate(minimiser),
            Origin::BregmanProjection(flow) => {
                value["attained"] = json!(limit::attained(flow));
                value["reason"] = json!(limit::reason(flow));
            }
        }
        (r.name.clone(), value)
    };
    experiment.references.iter().map(describe).collect::<Map<_, _>>().into()
}

/// The verdicts, with statements.
#[must_use]
pub fn predictions(assessments: &[Assessment]) -> Value {
    let describe = |assessment: &Assessment| {
        let statement = assessment.prediction.statement();
        let numbers = assessment.verdict.measurement();
        let number = |f: fn(&hadaflow_analysis::prediction::Measurement) -> f64| {
            numbers.map_or(Value::Null, |measurement| json_number(f(measurement)))
        };
        let reason = match &assessment.verdict {
            hadaflow_analysis::prediction::Verdict::Inapplicable { reason } => reason.clone(),
            _ => numbers
                .map(|measurement| format!("worst: {}", measurement.place))
                .unwrap_or_default(),
        };
        json!({
            "name": assessment.prediction.name(),
            "verdict": assessment.verdict.name(),
            "kind": assessment.prediction.kind().name(),
            "measured": number(|m| m.measured),
            "bound": number(|m| m.bound),
            "uncertainty": number(|m| m.uncertainty),
            "margin": number(|m| m.margin()),
            "reason": reason,
            "statement": statement.formula,
            "hypotheses": statement.hypotheses,
            "citation": statement.citation,
        })
    };
    assessments.iter().map(describe).collect()
}

/// What a reader should know of this run that no number says.
fn notes(experiment: &Experiment, run: &Run) -> Vec<String> {
    let mut notes = Vec::new();
    let y = &experiment.problem.measurements;
    if y.iter().all(|y| *y == 0.0) {
        notes.push("y = 0: there is nothing to fit, and the flow is stopped where it starts".to_owned());
    }
    let half_square: f64 = 0.5 * y.iter().map(|y| y * y).sum::<f64>();
    let evidence = &run.findings.evidence;
    let loss = evidence.column("loss").last().copied().unwrap_or(f64::NAN);
    let stationary = matches!(&run.integration.outcome,
        hadaflow_core::outcome::Outcome::Stopped { event } if event.starts_with("Stationary"));
    if stationary && loss > 1e-9 * half_square {
        let rounding = residual_rounding(&experiment.problem) * evidence.column("l1_norm").last().unwrap_or(&f64::NAN);
        let why = if loss <= 0.5 * rounding * rounding {
            "Aw is so large beside y that r = y - Aw is rounding, and cannot become smaller; w is as accurate as promised"
        } else if experiment.choice.flow.signed() {
            "no weights reach y (Aw = y has no solution); the flow ends at a least-squares solution"
        } else {
            "no nonnegative weights reach y; the flow tends to the nonnegative least-squares solution"
        };
        notes.push(why.to_owned());
    }
    for reference in experiment.references.iter().filter(|r| !r.is_exact()) {
        notes.push(format!(
            "{}: |Az - y|/|y| = {:.1e}, so it is no solution and its divergence may rise",
            reference.name, reference.relative_mismatch
        ));
    }
    notes.extend(experiment.absent.iter().cloned());
    if run.families_interrupted {
        notes.push("interrupted while families of runs were integrated: run again to have them".to_owned());
    }
    if !run.findings.trajectory.keep_weights {
        notes.push("the weights at all recorded times would not fit; they can be recomputed from `state`".to_owned());
    }
    notes
}

fn provenance(experiment: &Experiment) -> Value {
    let inputs = experiment
        .inputs
        .iter()
        .map(|input| json!({"path": input.path.to_string_lossy(), "sha256": input.sha256}));
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "instruction_sets": instruction_sets(),
        "host": std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned()).ok(),
        "inputs": inputs.collect::<Vec<_>>(),
    })
}

/// Instruction sets the numerical kernels choose from at run time: the same set gives the same bytes.
fn instruction_sets() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let found = [
            ("avx2", std::is_x86_feature_detected!("avx2")),
            ("fma", std::is_x86_feature_detected!("fma")),
            // AVX-512 is used where there are all of these
            ("avx512f", std::is_x86_feature_detected!("avx512f")),
            ("avx512bw", std::is_x86_feature_detected!("avx512bw")),
            ("avx512cd", std::is_x86_feature_detected!("avx512cd")),
            ("avx512dq", std::is_x86_feature_detected!("avx512dq")),
            ("avx512vl", std::is_x86_feature_detected!("avx512vl")),
        ];
        found
            .into_iter()
            .filter(|(_, present)| *present)
            .map(|(name, _)| name)
            .collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        Vec::new()
    }
}
