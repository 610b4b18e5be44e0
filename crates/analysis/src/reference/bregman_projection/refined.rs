//! Iterative refinement of a Newton step: residuals of its linear system evaluated exactly, corrections solved in doubles
//! (Higham, Accuracy and Stability of Numerical Algorithms, Ch. 12).
//!
//! ```text
//! δw_j − D_j (A_j·h) = D_j γ_j,     Â δw = r                 D = D⁺ + D⁻,   D γ = D⁺γ⁺ − D⁻γ⁻
//! ```
//!
//! Where the columns of the support span r' < r dimensions, y decides r' of them through weights of size one, and the others
//! through weights of size α^L. One solution in doubles knows the latter to a rounding of r, which may be far above α^L
//! until r has fallen to it; each correction gains the digits of a double.

use super::expansion::Expansion;
use super::half::Half;
use super::primal_dual::larger;
use super::scalar::Scalar;
use super::scaled::ScaledProblem;
use super::weighted_qr::WeightedQr;

/// Corrections of a step: rounding of r to that power is below every weight.
const CORRECTIONS: usize = 5;
/// A correction that changes no weight by more than this part of itself is the last one.
const SETTLED: f64 = 1e-3;
/// Slacks z of the support may be 1e-40; q̂ has to agree with them, each to its own size.
const CONSISTENT: f64 = 1e-12;

/// δw (n entries) and h = δq̂ (r entries), with the residuals of the system for them.
#[derive(Debug, Clone, Default)]
pub struct RefinedStep {
    /// δw = δp̂⁺ − δp̂⁻.
    pub weights: Vec<Expansion>,
    /// δq̂.
    pub dual: Vec<Expansion>,
    /// A_j·δq̂, rounded.
    pub along: Vec<f64>,
    sums: Vec<Expansion>,
}

/// What a step solves: d = √D, f = √D γ and r.
pub struct System<'a> {
    /// Â and the bounds.
    pub problem: &'a ScaledProblem,
    /// The weights of one sign.
    pub halves: &'a [Half],
    /// √D, n entries.
    pub d: &'a [f64],
    /// √D γ, n entries.
    pub f: &'a [f64],
    /// ŷ − Âp̂, r entries.
    pub residual: &'a [Expansion],
}

impl RefinedStep {
    /// Solves, and corrects `corrections` times at most where the residual is known beyond a double.
    pub fn solve<S: Scalar>(&mut self, system: &System, qr: &mut WeightedQr<S>, exact: bool) {
        let (m, n) = system.problem.matrix().shape();
        self.weights.clear();
        self.weights.resize(n, Expansion::ZERO);
        self.dual.clear();
        self.dual.resize(m, Expansion::ZERO);
        let mut x: Vec<S> = system.f.iter().map(|&f| f.into()).collect();
        let mut r: Vec<S> = system.residual.iter().map(S::rounded).collect();
        let corrections = if exact { CORRECTIONS } else { 0 };
        for correction in 0..=corrections {
            qr.solve(&mut x, &mut r);
            let change = self.add(system, &x, &r);
            if correction == corrections {
                break;
            }
            let mismatch = self.evaluate(system, &mut x, &mut r);
            // written so that NaN ends it
            if correction > 0 && !(change > SETTLED || mismatch > CONSISTENT) {
                break;
            }
        }
        let columns = 0..n;
        self.along.clear();
        if exact {
            self.along
                .extend(columns.map(|j| system.problem.dual(j, &self.dual, 0.0)));
        } else {
            let rounded: Vec<f64> = self.dual.iter().map(Expansion::value).collect();
            let column = |j| system.problem.matrix().column(j);
            let along = |j: usize| column(j).iter().zip(&rounded).map(|(a, h)| a * h).sum::<f64>();
            self.along.extend(columns.map(along));
        }
    }

    /// Adds what was solved for; the largest change of a weight relative to itself.
    fn add<S: Scalar>(&mut self, system: &System, x: &[S], r: &[S]) -> f64 {
        let n = system.d.len();
        let mut largest = 0.0f64;
        for (j, (weight, &x)) in self.weights.iter_mut().zip(x).enumerate() {
            let step: S = x * system.d[j].into();
            let other = system.halves.get(n + j).map_or(0.0, |half| half.p);
            let size: f64 = step.into();
            largest = larger(largest, size.abs() / system.halves[j].p.max(other));
            step.add_to(weight);
            weight.normalise();
        }
        for (q, &h) in self.dual.iter_mut().zip(r) {
            h.add_to(q);
            q.normalise();
        }
        largest
    }

    /// The residuals of both equations, in place of what was solved for; the largest of the first relative to the slack z
    /// of a weight on the support.
    fn evaluate<S: Scalar>(&mut self, system: &System, x: &mut [S], r: &mut [S]) -> f64 {
        let (problem, n) = (system.problem, system.d.len());
        let mut mismatch = 0.0f64;
        self.sums.clear();
        self.sums.extend_from_slice(system.residual);
        for (j, x) in x.iter_mut().enumerate() {
            let (d, weight) = (system.d[j], &self.weights[j]);
            let (scale, along): (S, S) = (d.into(), S::rounded(&problem.exact_dual(j, &self.dual, 0.0)));
            *x = S::from(system.f[j]) + scale * along - S::rounded(weight) / scale;
            let column = problem.matrix().column(j);
            let basic = [system.halves.get(j), system.halves.get(n + j)]
                .into_iter()
                .flatten()
                .find(|half| half.basic);
            if let Some(half) = basic
                && half.z > 0.0
            {
                let size: f64 = (*x).into();
                mismatch = larger(mismatch, size.abs() / (d * half.z));
            }
            for (sum, &a) in self.sums.iter_mut().zip(column.iter()) {
                sum.add_multiple(-a, weight);
            }
        }
        for (r, sum) in r.iter_mut().zip(&mut self.sums) {
            sum.normalise();
            *r = S::rounded(sum);
        }
        mismatch
    }
}
