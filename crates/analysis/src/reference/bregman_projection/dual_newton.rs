//! Damped Newton on the dual problem min Φ(q), ∇Φ = Âŵ(Âᵀq̂) − ŷ: a signed model at a start that is not small.
//!
//! ŵ comes from σ = Âᵀq̂ alone, through expm1, so that it keeps its relative accuracy where û^L and v̂^L nearly cancel
//! (the kernel regime α ≫ 1, where the limit tends to the solution of least norm). What limits it is 1 − |σ|, known to
//! eps only: the relative error of ŵ is about eps/μ.

use super::primal_dual::larger;
use super::scaled::ScaledProblem;
use super::weighted_qr::WeightedQr;

/// Newton converges quadratically: a change of every log û and log v̂ below this leaves only rounding.
const CONVERGED: f64 = 1e-10;
const STALLED: f64 = 1e-8;

/// State and workspace.
#[derive(Debug, Clone)]
pub struct DualNewton<'a> {
    problem: &'a ScaledProblem,
    /// q̂, r entries.
    pub dual: Vec<f64>,
    /// Newton steps so far.
    pub steps: usize,
    /// Largest change of log û, log v̂ or ŵ that the last full step asked for.
    pub change: f64,
    slopes: Vec<f64>,
    sizes: Vec<f64>,
}

/// ŵ and dŵ/dσ at σ, with the largest d log û/dσ of the two branches.
fn weight(problem: &ScaledProblem, j: usize, sigma: f64) -> (f64, f64, f64) {
    let log_kappa = problem.log_kappa();
    let (plus, minus) = problem.log_weights(j, log_kappa, sigma);
    let w = problem.signed_weight(j, log_kappa, sigma);
    if problem.depth == 2.0 {
        let rate = 2.0 * ScaledProblem::entropy_unit(log_kappa);
        return (w, rate * (plus.exp() + minus.exp()), rate);
    }
    let (c, e) = (problem.bound[j], problem.exponent());
    let slope = (plus.exp() / (c - sigma) + minus.exp() / (c + sigma)) / e;
    (w, slope, 1.0 / (e * (c - sigma.abs())))
}

impl<'a> DualNewton<'a> {
    /// At q̂ = 0.
    pub fn new(problem: &'a ScaledProblem) -> Self {
        let (m, n) = problem.matrix().shape();
        Self {
            problem,
            dual: vec![0.0; m],
            steps: 0,
            change: f64::INFINITY,
            slopes: vec![0.0; n],
            sizes: vec![0.0; n],
        }
    }

    /// Newton to its end, at most `limit` steps; whether it converged.
    pub fn solve(&mut self, qr: &mut WeightedQr, limit: usize) -> bool {
        let mut last = f64::INFINITY;
        while self.steps < limit {
            self.step(qr);
            if !self.change.is_finite() {
                return false;
            }
            if self.change <= CONVERGED || (self.change >= 0.5 * last && last <= STALLED) {
                return true;
            }
            last = self.change;
        }
        false
    }

    fn step(&mut self, qr: &mut WeightedQr) {
        let matrix = self.problem.matrix();
        let n = matrix.ncols();
        let mut h = self.problem.rows.measurements.clone();
        let along = |q: &[f64], j: usize| -> f64 { matrix.column(j).iter().zip(q).map(|(a, q)| a * q).sum() };
        for j in 0..n {
            let (w, slope, rate) = weight(self.problem, j, along(&self.dual, j));
            self.slopes[j] = slope.sqrt();
            self.sizes[j] = rate;
            h.iter_mut().zip(matrix.column(j).iter()).for_each(|(h, a)| *h -= a * w);
        }
        qr.factorize(matrix, &self.slopes);
        qr.solve(&mut vec![0.0; n], &mut h);
        let (mut factors, mut weights) = (0.0, 0.0);
        for j in 0..n {
            let step = along(&h, j).abs();
            factors = larger(factors, self.sizes[j] * step);
            weights = larger(weights, self.slopes[j].powi(2) * step);
        }
        // Where û^L and v̂^L nearly cancel, ŵ (of size 1) is more sensitive than either.
        self.change = larger(factors, weights);
        // log(1 + x)/x, the damping of generalised self-concordant functions (Bach 2010): decrease without a line
        // search, and full steps in the end. The barrier is at a change of 1/e of the factors.
        let e = self.problem.exponent();
        let reach = if e > 0.0 { 0.9 / (e * factors) } else { f64::INFINITY };
        let length = if factors > 1e-3 {
            (factors.ln_1p() / factors).min(reach)
        } else {
            1.0
        };
        self.dual.iter_mut().zip(&h).for_each(|(q, h)| *q += length * h);
        self.steps += 1;
    }
}
