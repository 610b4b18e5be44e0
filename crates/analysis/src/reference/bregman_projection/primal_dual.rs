//! Primal-dual Newton path-following: from κ = 1, where the projection is an easy problem, to the wanted κ.
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

use nalgebra::DMatrix;

use super::certificate::no_positive_solution;
use super::expansion::Expansion;
use super::scaled::ScaledProblem;
use super::weighted_qr::WeightedQr;

/// Fraction of the way to the boundary that a step may take.
const TO_BOUNDARY: f64 = 0.95;
/// μ (L > 2) or κ (L = 2) is reduced at least by this between two levels …
const REDUCTION: f64 = 0.1;
/// … and log κ at most multiplied by this.

/// A level is left when no p̂ or z has changed by more than this factor e^….
const LEVEL_CHANGE: f64 = 1.0;
/// Newton converges quadratically: after a relative change of every p̂ and z below this, what is left is rounding.
const CONVERGED: f64 = 1e-10;
/// A change that no longer shrinks is accepted below this.
const STALLED: f64 = 1e-8;
/// Steps at one level after which a certificate that there is no minimiser is looked for.
const PATIENCE: usize = 12;
/// Below this κ residuals are evaluated exactly.
const EXACT_BELOW: f64 = 1e-6;
/// A coordinate is basic where its distance z/c to the bound is below this.

/// The same for L = 2: log p̂/log κ.

/// Largest decrease of log p̂ in one step.
const LONGEST_DESCENT: f64 = 60.0;
/// Stands for every smaller p̂: its square root must not vanish.
const SMALLEST: f64 = 1e-290;

/// How boldly the path is followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strategy {
    /// A weight is basic where its distance to the bound, z/c (L > 2) or log p̂/log κ (L = 2), is below this.
    basic: f64,
    /// log κ is multiplied by this at most between two levels.
    acceleration: f64,
}

impl Strategy {
    /// Twenty to sixty steps where it succeeds, which is nearly always.
    pub const BOLD: Self = Self {
        basic: 0.1,
        acceleration: 2.0,
    };
    /// Two or three times as many; holds where the limit has weights on many scales (rounding of y seen at α = 1e-60).
    pub const CAREFUL: Self = Self {
        basic: 0.5,
        acceleration: 1.25,
    };
}

/// Why the path ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ending {
    /// At the wanted κ, to rounding.
    Converged,
    /// Too many steps.
    StepLimit,
    /// A step that is not finite.
    NotFinite,
    /// Positive model: no solution has its smallest entry above this, which is 0 or negative up to rounding.
    NoPositiveSolution(f64),
}

/// One weight of one sign.
#[derive(Debug, Clone, Copy)]
struct Half {
    p: f64,
    /// log p̂, which for L = 2 goes below the range of p̂.
    log_p: f64,
    z: f64,
    basic: bool,
    d: f64,
    gamma: f64,
    rho: f64,
    r: f64,
}

/// The state of the path, and its workspace.
#[derive(Debug, Clone)]
pub struct PrimalDual<'a> {
    problem: &'a ScaledProblem,
    strategy: Strategy,
    /// log κ of the present level.
    pub log_kappa: f64,
    /// p̂⁺, then p̂⁻ in a signed model.
    pub weights: Vec<Expansion>,
    /// q̂, r entries.
    pub dual: Vec<Expansion>,
    halves: Vec<Half>,
    residual: Vec<f64>,
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
    h: Vec<f64>,
}

impl<'a> PrimalDual<'a> {
    /// At κ = 1: p̂ = κ (x0/a)^L, q̂ = 0.
    pub fn new(problem: &'a ScaledProblem, strategy: Strategy) -> Self {
        let n = problem.matrix().ncols();
        let sides = if problem.signed { 2 } else { 1 };
        let start = |j: usize| (problem.depth * problem.log_shape[j]).exp();
        let half = |j: usize| Half {
            p: start(j),
            log_p: problem.depth * problem.log_shape[j],
            z: problem.bound[j],
            basic: false,
            d: 0.0,
            gamma: 0.0,
            rho: 0.0,
            r: 0.0,
        };
        let indices = (0..sides * n).map(|i| i % n);
        Self {
            problem,
            strategy,
            log_kappa: 0.0,
            weights: indices.clone().map(|j| Expansion::new(start(j))).collect(),
            dual: vec![Expansion::ZERO; problem.matrix().nrows()],
            halves: indices.map(half).collect(),
            residual: Vec::new(),
            steps: 0,
            change: f64::INFINITY,
            lengths: (0.0, 0.0),
            rounded: Vec::new(),
            sums: Vec::new(),
            d: Vec::new(),
            x: Vec::new(),
            h: Vec::new(),
        }
    }

    /// Follow the path to its end, at most `limit` steps altogether.
    pub fn follow(&mut self, qr: &mut WeightedQr, limit: usize) -> Ending {
        let ending = self.follow_to_rest(qr, limit);
        let suspicious = match ending {
            Ending::Converged => self.has_vanishing_weights(),
            Ending::StepLimit | Ending::NotFinite => true,
            Ending::NoPositiveSolution(_) => false,
        };
        let certificate = if suspicious { self.certificate() } else { None };
        certificate.map_or(ending, Ending::NoPositiveSolution)
    }

    fn follow_to_rest(&mut self, qr: &mut WeightedQr, limit: usize) -> Ending {
        let end = self.problem.log_kappa();
        let (mut last, mut at_level) = (f64::INFINITY, 0);
        while self.steps < limit {
            self.step(qr);
            at_level += 1;
            if !self.change.is_finite() {
                return Ending::NotFinite;
            }
            if (at_level % PATIENCE == 0 || (at_level >= 3 && self.change >= LONGEST_DESCENT))
                && let Some(bound) = self.certificate()
            {
                return Ending::NoPositiveSolution(bound);
            }
            if self.log_kappa == end {
                let change = self.change;
                if change <= CONVERGED || (change >= 0.5 * last && change.max(last) <= STALLED) {
                    return Ending::Converged;
                }
                last = change;
            } else if self.lengths.0.min(self.lengths.1) > 0.5 && self.change < LEVEL_CHANGE {
                self.next_level(end);
                at_level = 0;
            }
        }
        Ending::StepLimit
    }

    /// A bound on the smallest entry of every solution, if q̂ shows that it is 0 up to rounding.
    fn certificate(&self) -> Option<f64> {
        if self.problem.signed {
            return None;
        }
        let q: Vec<f64> = self.dual.iter().map(Expansion::value).collect();
        let p: Vec<f64> = self.halves.iter().map(|half| half.p).collect();
        no_positive_solution(self.problem, &q, &p)
    }

    /// Whether a weight has been pushed far below its start to the size of rounding.
    fn has_vanishing_weights(&self) -> bool {
        let largest = self.halves.iter().fold(0.0f64, |a, half| a.max(half.p));
        let start = |j: usize| self.log_kappa + self.problem.depth * self.problem.log_shape[j];
        let vanishing = |j: usize, half: &Half| half.p < 1e-9 * largest && half.log_p < start(j) - 2.0;
        !self.problem.signed && self.halves.iter().enumerate().any(|(j, half)| vanishing(j, half))
    }

    fn next_level(&mut self, end: f64) {
        let e = self.problem.exponent();
        let stride = REDUCTION.ln() / if e > 0.0 { e } else { 1.0 };
        self.log_kappa = if end < self.log_kappa {
            (self.log_kappa + stride)
                .min(self.log_kappa * self.strategy.acceleration)
                .max(end)
        } else {
            (self.log_kappa - stride)
                .max(self.log_kappa * self.strategy.acceleration)
                .min(end)
        };
    }

    /// One Newton step at the present level.
    pub fn step(&mut self, qr: &mut WeightedQr) {
        self.linearise();
        self.assemble();
        qr.factorize(self.problem.matrix(), &self.d);
        let (mut x, mut h) = (std::mem::take(&mut self.x), std::mem::take(&mut self.h));
        qr.solve(&mut x, &mut h);
        self.advance(&x, &h);
        (self.x, self.h) = (x, h);
        self.steps += 1;
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
        let (problem, half) = (self.problem, &mut self.halves[i]);
        if problem.depth == 2.0 {
            let unit = 2.0 * ScaledProblem::entropy_unit(self.log_kappa);
            let base = self.log_kappa + 2.0 * problem.log_shape[j];
            half.gamma = (base - half.log_p) / unit + sign * sigma;
            half.d = unit * half.p;
            half.basic = half.log_p > -self.strategy.basic * unit;
            return;
        }
        let (e, bound) = (problem.exponent(), problem.bound[j]);
        half.basic = half.z < self.strategy.basic * bound;
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
        for (r, sum) in self.residual.iter_mut().zip(&mut self.sums) {
            sum.add(*r);
            *r = sum.value();
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
        self.h.clear();
        self.h.extend_from_slice(&self.residual);
    }

    /// Move p̂, z and q̂ along x = δw/d and h = δq̂.
    fn advance(&mut self, x: &[f64], h: &[f64]) {
        let (problem, n) = (self.problem, self.problem.matrix().ncols());
        // Per half: δp̂ in γ, δz in ρ.
        for j in 0..n {
            let t = dot(problem.matrix(), j, h);
            let dw = self.d[j] * x[j];
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
            if problem.signed {
                self.set_step(n + j, minus, -t);
            }
        }
        self.take_step(h);
    }

    fn set_step(&mut self, i: usize, dp: f64, t: f64) {
        let e = self.problem.exponent();
        let half = &mut self.halves[i];
        half.gamma = dp;
        half.rho = if half.basic {
            half.z * (half.r - e * dp / half.p)
        } else {
            half.rho - t
        };
    }

    fn take_step(&mut self, h: &[f64]) {
        let entropy = self.problem.depth == 2.0;
        let (mut primal, mut dual) = (1.0f64, 1.0f64);
        for half in &self.halves {
            if half.basic && half.gamma < 0.0 {
                primal = primal.min(-TO_BOUNDARY * half.p / half.gamma);
            }
            if !entropy && half.rho < 0.0 {
                dual = dual.min(-TO_BOUNDARY * half.z / half.rho);
            }
        }
        if entropy {
            dual = primal;
        }
        self.lengths = (primal, dual);
        let exact = self.log_kappa < EXACT_BELOW.ln();
        self.change = 0.0;
        for (half, weight) in self.halves.iter_mut().zip(&mut self.weights) {
            let (step, before) = (primal * half.gamma, half.log_p);
            if half.basic || step > 0.0 {
                if exact {
                    weight.add(step);
                    weight.normalise();
                    half.p = weight.value();
                } else {
                    half.p += step;
                    *weight = Expansion::new(half.p);
                }
                half.log_p = if before > SMALLEST.ln() {
                    half.p.ln()
                } else {
                    before + (step / SMALLEST).ln_1p()
                };
            } else {
                half.log_p += (step / half.p).max(-LONGEST_DESCENT);
                half.p = half.log_p.exp().max(SMALLEST);
                *weight = Expansion::new(half.p);
            }
            let mut change = (half.log_p - before).abs();
            if !entropy {
                change = change.max(dual * half.rho.abs() / half.z);
                half.z += dual * half.rho;
            }
            // max would swallow a NaN
            self.change = if change.is_nan() {
                change
            } else {
                self.change.max(change)
            };
            if self.change.is_nan() {
                return;
            }
        }
        for (q, h) in self.dual.iter_mut().zip(h) {
            q.add(dual * h);
            q.normalise();
            if !q.value().is_finite() {
                self.change = f64::NAN;
            }
        }
    }
}

/// ⟨a_j, x⟩ for the j-th column.
fn dot(a: &DMatrix<f64>, j: usize, x: &[f64]) -> f64 {
    a.column(j).iter().zip(x).map(|(a, x)| a * x).sum()
}
