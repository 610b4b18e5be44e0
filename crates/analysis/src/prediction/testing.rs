//! A run with a closed form: n = m = A = 1, L = 2, positive. w = y/(1 + (y/w₀ − 1)e^{−2yt}).

use std::sync::Arc;

use hadaflow_core::flow::{Flow, LogFlow};
use hadaflow_core::initialization::Sign;
use hadaflow_core::measurement::DenseOperator;
use hadaflow_core::problem::Problem;

use super::{catalogue, judge};
use crate::reference::Reference;
use crate::report::{Descent, Evidence};

const Y: f64 = 2.0;
const ALPHA: f64 = 0.1;

/// Exact columns at t = 0, 0.2, …, 2.
pub(crate) fn evidence() -> Evidence {
    let w0 = ALPHA * ALPHA;
    let t: Vec<f64> = (0..11).map(|k| 0.2 * f64::from(k)).collect();
    let w: Vec<f64> = t
        .iter()
        .map(|t| Y / (1.0 + (Y / w0 - 1.0) * (-2.0 * Y * t).exp()))
        .collect();
    // D(z, w) = ½(z log(z/w) − z + w); 2∫ℓ = D(0) − D(t), exactly
    let d: Vec<f64> = w.iter().map(|w| 0.5 * (Y * (Y / w).ln() - Y + w)).collect();
    let integral: Vec<f64> = d.iter().map(|x| 0.5 * (d[0] - x)).collect();
    let mut increments = vec![0.0];
    increments.extend(d.windows(2).map(|pair| 0.5 * (pair[0] - pair[1])));
    let doubled: Vec<f64> = increments.iter().map(|x| 2.0 * x).collect();
    let operator = Arc::new(DenseOperator::new(nalgebra::DMatrix::from_element(1, 1, 1.0)).unwrap());
    let problem = Problem::new(operator, vec![Y], Some(vec![Y]), 0.0).unwrap();
    let flow = LogFlow::new(problem, 2, Sign::Positive, &[ALPHA]).unwrap();
    let truth = Reference::new("truth", vec![Y], &flow);
    let size = flow.mirror().size(truth.anchor.as_ref().unwrap());
    let columns = [
        ("loss", w.iter().map(|w| 0.5 * (w - Y) * (w - Y)).collect()),
        ("dual_bound", t.iter().map(|t| if *t > 0.0 { Y } else { 0.0 }).collect()),
        ("t", t),
        ("loss_integral", integral),
        ("loss_increment", increments),
        ("mismatch_increment_truth", doubled),
        ("bregman_divergence_truth", d),
    ];
    Evidence {
        columns: columns
            .into_iter()
            .map(|(name, column): (&str, Vec<f64>)| (name.into(), column))
            .collect(),
        references: vec![truth],
        reference_sizes: vec![size],
        tolerance: 1e-10,
        depth: 2,
        signed: false,
        integrals_with_flow: true,
        descent: None,
    }
}

/// The same columns as if gradient descent with a small, stable step had made them.
pub(crate) fn descended() -> Evidence {
    let mut run = evidence();
    run.descent = Some(Descent {
        step: 0.002,
        edge: Some(1.0 / Y),
    });
    let loss = run.columns.entry("loss".into()).or_default();
    if let Some(last) = loss.last_mut() {
        *last = 1e-9;
    }
    run
}

/// The verdict of the named prediction.
pub(crate) fn verdict(name: &str, evidence: &Evidence) -> &'static str {
    let prediction = catalogue().iter().find(|prediction| prediction.name() == name).unwrap();
    judge(*prediction, evidence).name()
}
