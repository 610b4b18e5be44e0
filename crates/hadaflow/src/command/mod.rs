//! One file per command.

pub mod check;
pub mod demo;
pub mod limit;
pub mod list;
pub mod manual;
pub mod new;
pub mod plot;
pub mod run;
pub mod sweep;

use hadaflow::analysis::prediction::{Assessment, Kind, Verdict};

use crate::exit::Exit;

/// What the verdicts mean for the exit code.
fn judged(assessments: &[Assessment], strict: bool) -> Exit {
    let counts = |a: &&Assessment| strict || a.prediction.kind() == Kind::Theorem;
    let violated = assessments
        .iter()
        .filter(counts)
        .any(|a| matches!(a.verdict, Verdict::Violated(_)));
    if violated { Exit::Violated } else { Exit::Done }
}

/// A JSON document as text.
pub(crate) fn json(document: &serde_json::Value) -> String {
    format!("{document:#}\n")
}
