//! The primal-dual Newton step at one level κ.
//!
//! Unknown are p̂ > 0, z > 0 and q̂ (see `scaled.rs`); with t = ±Âᵀδq̂ a Newton step of each relation reads
//!
//! ```text
//! δp̂ = D (t + γ),    Â δp̂ = ŷ − Âp̂
//! L > 2:  D = p̂/(e z),  γ = zR − ρ,  ρ = c ∓ σ − z,  δz = ρ − t,  R = log(μ/(p̂^e z)) or μ/(p̂^e z) − 1 where p̂ is basic
//! L = 2:  D = 2T p̂,     γ = (log κ + 2 log(x0/a) ± 2Tσ − log p̂)/2T
//! ```
//!
//! Both forms of R have the same derivative; the first is exact where the dual determines p̂ (off the support), the
//! second where ŷ does (on it, "basic"). Decreasing p̂ off the support are multiplied by exp(δp̂/p̂), all others are
//! moved linearly up to 0.95 of the way to zero. Residuals are evaluated exactly once κ is small (`expansion.rs`).
//! While a barrier is up, D, γ and z are those of `barrier.rs`.

use nalgebra::DMatrix;

use super::expansion::Expansion;
use super::half::Half;
use super::refined::{RefinedStep, System};
use super::scalar::Scalar;
use super::scaled::ScaledProblem;
use super::weighted_qr::WeightedQr;

/// A weight is basic where its distance to the bound, z/c (L > 2) or log p̂/log κ (L = 2), is below this.
const BASIC: f64 = 0.1;
/// Fraction of the way to the boundary that a step may take.
pub const TO_BOUNDARY: f64 = 0.95;
/// Below this κ residuals are evaluated exactly: a weight off the support, of size κ, is known to the rounding of them.
const EXACT_BELOW: f64 = 1.0;
/// Below this κ steps are refined.
const REFINED_BELOW: f64 = 1e-6;

/// The state of the path, and its workspace.
#[derive(Debug, Clone)]
pub struct PrimalDual<'a> {
    /// What is solved.
    pub problem: &'a ScaledProblem,
    /// log κ of the present level.
    pub log_kappa: f64,
    /// β of the barrier, or 0 (see `barrier.rs`).
    pub barrier: f64,
    /// p̂⁺, then p̂⁻ in a signed model.
    pub weights: Vec<Expansion>,
    /// q̂, r entries.
    pub dual: Vec<Expansion>,
    /// The same weights with all that belongs to them.
    pub halves: Vec<Half>,
    residual: Vec<f64>,
    refined: RefinedStep,
    /// Newton steps so far.
    pub steps: usize,
    /// Largest relative change in the last step.
    pub change: f64,
    /// Step lengths of the last step (primal, dual).
    pub lengths: (f64, f64),
    rounded: Vec<f64>,
    sums: Vec<Expansion>,
    d: Vec<f64>,
    x: Vec<f64>,
}

impl<'a> PrimalDual<'a> {
    /// At κ = 1: p̂ = κ (x0/a)^L, q̂ = 0.
    pub fn new(problem: &'a ScaledProblem) -> Self {
        let n = problem.matrix().ncols();
        let sides = if problem.signed { 2 } else { 1 };
        let start = |j: usize| (problem.depth * problem.log_shape[j]).exp();
        let half = |j: usize| Half {
            p: start(j),
            log_p: problem.depth * problem.log_shape[j],
            z: problem.bound[j],
            ..Half::default()
        };
        let indices = (0..sides * n).map(|i| i % n);
        Self {
            problem,
            log_kappa: 0.0,
            barrier: 0.0,
            weights: indices.clone().map(|j| Expansion::new(start(j))).collect(),
            dual: vec![Expansion::ZERO; problem.matrix().nrows()],
            halves: indices.map(half).collect(),
            residual: Vec::new(),
            refined: RefinedStep::default(),
            steps: 0,
            change: f64::INFINITY,
            lengths: (0.0, 0.0),
            rounded: Vec::new(),
            sums: Vec::new(),
            d: Vec::new(),
            x: Vec::new(),
        }
    }

    /// One Newton step at the present level.
    pub fn step<S: Scalar>(&mut self, qr: &mut WeightedQr<S>) {
        self.linearise();
        self.assemble();
        qr.factorize(self.problem.matrix(), &self.d);
        let mut refined = std::mem::take(&mut self.refined);
        let system = System {
            problem: self.problem,
            halves: &self.halves,
            d: &self.d,
            f: &self.x,
            residual: &self.sums,
        };
        refined.solve(&system, qr, self.is_refined());
        self.advance(&refined);
        self.refined = refined;
        self.steps += 1;
    }

    /// Whether the digits of a step in doubles may not suffice.
    fn is_refined(&self) -> bool {
        self.barrier == 0.0 && self.log_kappa < REFINED_BELOW.ln()
    }

    /// D, γ, ρ and R of each half, and the primal residual.
    fn linearise(&mut self) {
        let n = self.problem.matrix().ncols();
        self.rounded.clear();
        self.rounded.extend(self.dual.iter().map(Expansion::value));
        for j in 0..n {
            let sigma = dot(self.problem.matrix(), j, &self.rounded);
            self.linearise_half(j, j, 1.0, sigma);
            if self.problem.signed {
                self.linearise_half(n + j, j, -1.0, sigma);
            }
        }
        self.primal_residual();
    }

    /// The i-th half, of coordinate j, at ±σ.
    fn linearise_half(&mut self, i: usize, j: usize, sign: f64, sigma: f64) {
        if self.barrier > 0.0 {
            return self.linearise_barrier(i, j, sign, sigma);
        }
        let (problem, half) = (self.problem, &mut self.halves[i]);
        if problem.depth == 2.0 {
            let unit = 2.0 * ScaledProblem::entropy_unit(self.log_kappa);
            let base = self.log_kappa + 2.0 * problem.log_shape[j];
            half.gamma = (base - half.log_p) / unit + sign * sigma;
            half.d = unit * half.p;
            half.basic = half.log_p > -BASIC * unit;
            return;
        }
        let (e, bound) = (problem.exponent(), problem.bound[j]);
        half.basic = half.z < BASIC * bound;
        // c ∓ σ ≥ 0.1 c is accurate enough in doubles; on the support it may be 1e-80.
        half.rho = if half.basic && self.log_kappa < EXACT_BELOW.ln() {
            -sign * problem.dual(j, &self.dual, -sign * bound) - half.z
        } else {
            (bound - sign * sigma) - half.z
        };
        let log_gap = e * self.log_kappa - (e * half.log_p + half.z.ln());
        half.r = if half.basic && log_gap < 0.0 {
            log_gap.exp_m1()
        } else {
            log_gap
        };
        half.d = half.p / (e * half.z);
        half.gamma = half.z * half.r - half.rho;
    }

    /// ŷ − Â(p̂⁺ − p̂⁻).
    fn primal_residual(&mut self) {
        let (problem, n) = (self.problem, self.problem.matrix().ncols());
        let exact = self.log_kappa < EXACT_BELOW.ln();
        // For L > 2 all weights off the support are of one size, and their rounding is that of the smallest ones.
        let rounds = |half: &Half| !exact || (problem.depth > 2.0 && !half.basic);
        self.residual.clear();
        self.residual.resize(problem.matrix().nrows(), 0.0);
        self.sums.clear();
        self.sums
            .extend(problem.rows.measurements.iter().map(|&y| Expansion::new(y)));
        for (i, (half, weight)) in self.halves.iter().zip(&self.weights).enumerate() {
            let (column, sign) = if i < n {
                (problem.matrix().column(i), -1.0)
            } else {
                (problem.matrix().column(i - n), 1.0)
            };
            if rounds(half) {
                let p = sign * half.p;
                self.residual
                    .iter_mut()
                    .zip(column.iter())
                    .for_each(|(r, a)| *r += p * a);
            } else {
                self.sums
                    .iter_mut()
                    .zip(column.iter())
                    .for_each(|(r, &a)| r.add_multiple(sign * a, weight));
            }
        }
        for (r, sum) in self.residual.iter().zip(&mut self.sums) {
            sum.add(*r);
            sum.normalise();
        }
    }

    /// d = (D⁺ + D⁻)^{1/2}, f = (D⁺γ⁺ − D⁻γ⁻)/d: the two halves of a coordinate share one row.
    fn assemble(&mut self) {
        let n = self.problem.matrix().ncols();
        self.d.clear();
        self.x.clear();
        for j in 0..n {
            let plus = self.halves[j];
            let (mut d, mut f) = (plus.d, plus.d * plus.gamma);
            if let Some(minus) = self.halves.get(n + j) {
                d += minus.d;
                f -= minus.d * minus.gamma;
            }
            let d = d.sqrt();
            self.d.push(d);
            self.x.push(f / d);
        }
    }

    /// Move p̂, z and q̂ along δw and δq̂.
    fn advance(&mut self, step: &RefinedStep) {
        let n = step.weights.len();
        for (j, (dw, &t)) in step.weights.iter().zip(&step.along).enumerate() {
            let dw = dw.value();
            let (mut plus, mut minus) = (dw, 0.0);
            if let Some(half) = self.halves.get(n + j) {
                // The lighter half follows its own equation, the heavier one keeps Âδŵ = r.
                if self.halves[j].d >= half.d {
                    minus = half.d * (half.gamma - t);
                    plus = dw + minus;
                } else {
                    plus = self.halves[j].d * (self.halves[j].gamma + t);
                    minus = plus - dw;
                }
            }
            self.set_step(j, plus, t);
            if self.problem.signed {
                self.set_step(n + j, minus, -t);
            }
        }
        self.lengths = self.step_lengths();
        self.take_step(&step.dual);
    }

    /// δp̂ and δz of the i-th half. Where p̂ is basic, δz from its own equation: c ∓ σ may have lost z to rounding.
    fn set_step(&mut self, i: usize, dp: f64, t: f64) {
        let e = self.problem.exponent();
        let barrier = self.barrier;
        let half = &mut self.halves[i];
        let dz = if barrier > 0.0 {
            barrier / half.p - half.z * (1.0 + dp / half.p)
        } else if half.basic {
            half.z * (half.r - e * dp / half.p)
        } else {
            half.rho - t
        };
        half.step = (dp, dz);
    }

    /// How far basic p̂, and z, may go along their steps.
    fn step_lengths(&self) -> (f64, f64) {
        let (mut primal, mut dual) = (1.0f64, 1.0f64);
        let reach = self.reach();
        for half in &self.halves {
            if half.basic && half.step.0 < 0.0 {
                primal = primal.min(-reach * half.p / half.step.0);
            }
            if half.step.1 < 0.0 {
                dual = dual.min(-reach * half.z / half.step.1);
            }
        }
        if self.barrier > 0.0 {
            (primal.min(dual), primal.min(dual))
        } else if self.problem.depth == 2.0 {
            (primal, primal)
        } else {
            (primal, dual)
        }
    }

    fn take_step(&mut self, h: &[Expansion]) {
        let (primal, dual) = self.lengths;
        let (entropy, exact) = (self.problem.depth == 2.0, self.log_kappa < EXACT_BELOW.ln());
        let refined = self.is_refined();
        self.change = 0.0;
        for (half, weight) in self.halves.iter_mut().zip(&mut self.weights) {
            let before = half.log_p;
            half.move_weight(weight, primal * half.step.0, exact);
            self.change = larger(self.change, (half.log_p - before).abs());
            if !entropy || self.barrier > 0.0 {
                self.change = larger(self.change, dual * half.step.1.abs() / half.z);
                if half.basic && refined {
                    // z follows the weights; it is the slack of q̂ only once both agree
                    self.change = larger(self.change, half.rho.abs() / half.z);
                }
                half.z += dual * half.step.1;
            }
        }
        for (q, h) in self.dual.iter_mut().zip(h) {
            q.add_multiple(dual, h);
            q.normalise();
            if !q.value().is_finite() {
                self.change = f64::NAN;
            }
        }
    }
}

/// max(a, b), or NaN if either is.
pub fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b <= a { a } else { b }
}

/// ⟨a_j, x⟩ for the j-th column.
fn dot(a: &DMatrix<f64>, j: usize, x: &[f64]) -> f64 {
    a.column(j).iter().zip(x).map(|(a, x)| a * x).sum()
}
