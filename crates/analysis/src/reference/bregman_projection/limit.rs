//! The limit in the units of the problem, from the scaled solution.

use super::expansion::Expansion;
use super::scaled::ScaledProblem;

/// A minimiser w_∞ with its dual certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// w_∞, n entries, each to its own relative accuracy.
    pub weights: Vec<f64>,
    /// u^L, n entries.
    pub plus: Vec<f64>,
    /// v^L; empty in a positive model.
    pub minus: Vec<f64>,
    /// log u.
    pub log_u: Vec<f64>,
    /// log v; empty in a positive model.
    pub log_v: Vec<f64>,
    /// σ = Aᵀq/T, n entries: in a model with uniform start |σ| < 1 (σ < 1 in a positive one).
    pub sigma: Vec<f64>,
    /// q/T, m entries; zero at rows that are combinations of others.
    pub dual: Vec<f64>,
    /// log T: T = log(1/α) for L = 2 (1 if α ≥ 1/e), α^{2−L}/(L−2) for L > 2, with α = max x0.
    pub log_dual_unit: f64,
    /// Newton steps.
    pub steps: usize,
    /// Largest relative change of a factor in the last step.
    pub change: f64,
}

/// From q̂ and, near the bound, from p̂ (empty where it is not known).
pub(super) fn limit(problem: &ScaledProblem, dual: &[Expansion], weights: &[Expansion], m: usize) -> Limit {
    let n = problem.matrix().ncols();
    let minus = if problem.signed { n } else { 0 };
    let mut limit = Limit {
        weights: vec![0.0; n],
        plus: vec![0.0; n],
        minus: vec![0.0; minus],
        log_u: vec![0.0; n],
        log_v: vec![0.0; minus],
        sigma: vec![0.0; n],
        dual: vec![0.0; m],
        log_dual_unit: 0.0,
        steps: 0,
        change: 0.0,
    };
    for j in 0..n {
        fill(&mut limit, problem, j, problem.dual(j, dual, 0.0), weights);
    }
    let reported = rescale_dual(problem, &mut limit.sigma, &mut limit.log_dual_unit);
    for ((&row, factor), q) in problem.rows.kept.iter().zip(&problem.rows.factors).zip(dual) {
        limit.dual[row] = q.value() * factor * reported;
    }
    limit
}

/// Coordinate j at σ: the weights of one sign, and w from whichever keeps its relative accuracy.
fn fill(limit: &mut Limit, problem: &ScaledProblem, j: usize, sigma: f64, weights: &[Expansion]) {
    let (log_kappa, n) = (problem.log_kappa(), limit.weights.len());
    let mut logs: [f64; 2] = problem.log_weights(j, log_kappa, sigma).into();
    let mut parts = logs.map(f64::exp);
    let mut w = if problem.signed {
        problem.signed_weight(j, log_kappa, sigma)
    } else {
        parts[0]
    };
    // Near its bound σ has lost what p̂ keeps.
    let distance = if problem.depth == 2.0 {
        logs[0].max(logs[1]) / log_kappa
    } else {
        1.0 - sigma.abs() / problem.bound[j]
    };
    if !weights.is_empty() && distance < 0.5 && (problem.signed || sigma > 0.0) {
        let heavy = usize::from(sigma < 0.0);
        parts[heavy] = weights[j + heavy * n].value();
        logs[heavy] = parts[heavy].ln();
        w = if problem.signed { parts[0] - parts[1] } else { parts[0] };
    }
    let log_factor = |log: f64| (log + problem.log_unit) / problem.depth;
    limit.weights[j] = w * problem.unit;
    limit.sigma[j] = sigma;
    (limit.plus[j], limit.log_u[j]) = (parts[0] * problem.unit, log_factor(logs[0]));
    if problem.signed {
        (limit.minus[j], limit.log_v[j]) = (parts[1] * problem.unit, log_factor(logs[1]));
    }
}

/// From the unit of the computation to the reported one: they differ for L = 2, where κ knows the size of y.
fn rescale_dual(problem: &ScaledProblem, sigma: &mut [f64], log_unit: &mut f64) -> f64 {
    let l2 = problem.depth - 2.0;
    if l2 > 0.0 {
        *log_unit = -l2 * problem.log_alpha - l2.ln();
        return 1.0;
    }
    let unit = (-problem.log_alpha).max(1.0);
    *log_unit = unit.ln();
    let ratio = ScaledProblem::entropy_unit(problem.log_kappa()) / unit;
    sigma.iter_mut().for_each(|sigma| *sigma *= ratio);
    ratio
}
