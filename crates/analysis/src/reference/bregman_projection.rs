//! The exact limit t → ∞ of the flow from an identical start, without integrating.
//!
//! For A ∈ R^{m×n}, y ∈ R^m and every factor starting at x0 ∈ R^n (arXiv 2112.11027, Sect. 2; the limit of a mirror flow
//! on Aw = y is the Bregman projection of its start):
//!
//! ```text
//! w_∞ = argmin { D_F(z, w0) : A z = y }   (z ≥ 0 in a positive model)
//!
//! F′(w_∞) − F′(w0) = Aᵀq,     A w_∞ = y
//! ```
//!
//! with the mirror maps of `hadaflow_core::mirror` (w0 = x0^L, or 0 in a signed model, which is the positive one for
//! [A, −A]). The minimiser exists iff Az = y has a solution (with z > 0 in a positive model); otherwise q diverges and the
//! answer is [`Projection::NotAttained`], without numbers.
//!
//! A and y are taken as the doubles they are. If y was rounded, the exact data are not those of a sparse truth, and
//! the entries off its support are of the size of that rounding at least.

mod certificate;
mod dual_newton;
mod expansion;
mod primal_dual;
mod rows;
mod scaled;
mod weighted_qr;

use hadaflow_core::error::{CoreError, Result};
use hadaflow_core::initialization::{DEPTHS, Sign};
use nalgebra::DMatrix;

use dual_newton::DualNewton;
use expansion::Expansion;
use primal_dual::{Ending, PrimalDual, Strategy};
use rows::IndependentRows;
use scaled::ScaledProblem;
use weighted_qr::WeightedQr;

/// Newton steps allowed for one path: typical are 20 to 60.
const STEP_LIMIT: usize = 400;
/// log κ, κ = α^L/‖A⁺y‖: doubles hold D = p̂/(ez) and its inverse with room for squares.
const LOG_KAPPA: std::ops::RangeInclusive<f64> = -330.0..=600.0;
/// Depth > 2: the dual route is as exact as the primal-dual one while μ is above this (relative error eps/μ).
const MODERATE_MU: f64 = 0.1;
/// Depth 2: the dual route takes about ½ log 1/κ more steps.
const MODERATE_KAPPA: f64 = 1e-2;

/// The outcome of [`bregman_projection`].
#[derive(Debug, Clone, PartialEq)]
pub enum Projection {
    /// The limit, to rounding.
    Attained(Limit),
    /// There is no minimiser; the dual variable diverges.
    NotAttained(NotAttained),
    /// Newton's iteration failed; nothing is known.
    NotConverged(NotConverged),
}

impl Projection {
    /// The limit, where there is one.
    pub fn limit(&self) -> Option<&Limit> {
        match self {
            Self::Attained(limit) => Some(limit),
            _ => None,
        }
    }
}

/// Why there is no minimiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NotAttained {
    /// y is not in the range of A: a row that is a combination of others disagrees with them, by `mismatch` times what
    /// rounding explains (relative 1e-12).
    Unreachable {
        /// Mismatch over the allowed one; above 1.
        mismatch: f64,
    },
    /// Positive model: a certificate ν ≠ 0 with Aᵀν ≥ 0, ⟨ν, y⟩ ≤ 0 up to rounding, so that every z ≥ 0 with Az = y has a
    /// vanishing entry (⟨ν, y⟩ = 0), or there is none at all (⟨ν, y⟩ < 0).
    NoPositiveSolution {
        /// ⟨ν, y⟩/|Aᵀν|₁ in units of ‖A⁺y‖: no solution has all its entries above this.
        largest_smallest_entry: f64,
    },
}

/// How Newton's iteration failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NotConverged {
    /// Not at rest after that many steps, with that relative change in the last.
    StepLimit {
        /// Newton steps.
        steps: usize,
        /// Largest relative change of a weight in the last step.
        change: f64,
    },
    /// A step that is not finite.
    NotFinite {
        /// Newton steps.
        steps: usize,
    },
    /// The start is so small, or so large, that its powers leave the range of doubles.
    OutOfRange {
        /// log(α^L/‖A⁺y‖_∞).
        log_kappa: f64,
    },
}

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

/// The Bregman projection of the start x0 (n positive entries) of a model of that depth and sign onto Az = y.
///
/// ```
/// use hadaflow_analysis::reference::bregman_projection;
/// use hadaflow_core::initialization::Sign;
/// use nalgebra::DMatrix;
///
/// // w₁ + 2 w₂ = 2 from α = 1e-8: nearly the solution (0, 1) of least l1 norm.
/// let a = DMatrix::from_row_slice(1, 2, &[1.0, 2.0]);
/// let projection = bregman_projection(&a, &[2.0], 3, Sign::Positive, &[1e-8; 2])?;
/// let limit = projection.limit().ok_or("no limit")?;
/// assert!((limit.weights[1] - 1.0).abs() < 1e-15);
/// assert!((limit.weights[0] / 8e-24 - 1.0).abs() < 1e-6);  // α³ (1 − ½)^{−3}
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bregman_projection(a: &DMatrix<f64>, y: &[f64], depth: usize, sign: Sign, x0: &[f64]) -> Result<Projection> {
    Projector::default().project(a, y, depth, sign, x0)
}

/// A workspace for many projections.
#[derive(Debug, Clone, Default)]
pub struct Projector {
    qr: WeightedQr,
}

impl Projector {
    /// See [`bregman_projection`].
    pub fn project(&mut self, a: &DMatrix<f64>, y: &[f64], depth: usize, sign: Sign, x0: &[f64]) -> Result<Projection> {
        check(a, y, depth, x0)?;
        let rows = IndependentRows::new(a, y, &mut self.qr);
        if !rows.is_consistent() {
            let mismatch = rows.mismatch;
            return Ok(Projection::NotAttained(NotAttained::Unreachable { mismatch }));
        }
        let problem = ScaledProblem::new(rows, depth, sign, x0);
        let log_kappa = problem.log_kappa();
        if !LOG_KAPPA.contains(&log_kappa) {
            return Ok(Projection::NotConverged(NotConverged::OutOfRange { log_kappa }));
        }
        let moderate = if depth == 2 {
            log_kappa >= MODERATE_KAPPA.ln()
        } else {
            problem.exponent() * log_kappa >= MODERATE_MU.ln()
        };
        Ok(if sign == Sign::Signed && moderate {
            self.dual(&problem, a.nrows())
        } else {
            self.primal_dual(&problem, a.nrows())
        })
    }

    fn dual(&mut self, problem: &ScaledProblem, m: usize) -> Projection {
        let mut newton = DualNewton::new(problem);
        if !newton.solve(&mut self.qr, STEP_LIMIT) {
            return Projection::NotConverged(not_converged(newton.steps, newton.change));
        }
        let dual: Vec<Expansion> = newton.dual.iter().map(|&q| Expansion::new(q)).collect();
        let mut limit = limit(problem, &dual, &[], m);
        (limit.steps, limit.change) = (newton.steps, newton.change);
        Projection::Attained(limit)
    }

    fn primal_dual(&mut self, problem: &ScaledProblem, m: usize) -> Projection {
        let mut steps = 0;
        let mut last = f64::NAN;
        for strategy in [Strategy::BOLD, Strategy::CAREFUL] {
            let mut path = PrimalDual::new(problem, strategy);
            let ending = path.follow(&mut self.qr, STEP_LIMIT);
            steps += path.steps;
            last = path.change;
            match ending {
                Ending::Converged => {
                    let mut limit = limit(problem, &path.dual, &path.weights, m);
                    (limit.steps, limit.change) = (steps, path.change);
                    return Projection::Attained(limit);
                }
                Ending::NoPositiveSolution(bound) => {
                    let reason = NotAttained::NoPositiveSolution {
                        largest_smallest_entry: bound,
                    };
                    return Projection::NotAttained(reason);
                }
                Ending::StepLimit | Ending::NotFinite => {}
            }
        }
        Projection::NotConverged(not_converged(steps, last))
    }
}

fn not_converged(steps: usize, change: f64) -> NotConverged {
    if change.is_finite() {
        NotConverged::StepLimit { steps, change }
    } else {
        NotConverged::NotFinite { steps }
    }
}

fn check(a: &DMatrix<f64>, y: &[f64], depth: usize, x0: &[f64]) -> Result<()> {
    if a.is_empty() {
        return Err(CoreError::OutOfRange {
            field: "matrix",
            value: format!("{} × {}", a.nrows(), a.ncols()),
            requirement: "it must have a row and a column",
        });
    }
    let shape = |what, expected, found| Err(CoreError::Shape { what, expected, found });
    if y.len() != a.nrows() {
        return shape("measurements", a.nrows(), y.len());
    }
    if x0.len() != a.ncols() {
        return shape("initialization", a.ncols(), x0.len());
    }
    if !DEPTHS.contains(&depth) {
        let (field, value) = ("depth", depth.to_string());
        return Err(CoreError::OutOfRange {
            field,
            value,
            requirement: "it must be in 2..=64",
        });
    }
    for (what, entries) in [("matrix", a.as_slice()), ("measurements", y)] {
        if let Some(index) = entries.iter().position(|x| !x.is_finite()) {
            return Err(CoreError::NotFinite {
                what,
                index,
                value: entries[index],
            });
        }
    }
    if let Some(x) = x0.iter().find(|x| !(x.is_finite() && **x > 0.0)) {
        let (field, value) = ("initialization", x.to_string());
        return Err(CoreError::OutOfRange {
            field,
            value,
            requirement: "every entry must be positive and finite",
        });
    }
    Ok(())
}

/// Factors and weights from q̂ and, where they are known better from it, from p̂.
fn limit(problem: &ScaledProblem, dual: &[Expansion], weights: &[Expansion], m: usize) -> Limit {
    let n = problem.matrix().ncols();
    let (l, log_kappa) = (problem.depth, problem.log_kappa());
    let unit = problem.unit;
    let size = |log: f64| log.exp() * unit;
    let mut limit = Limit {
        weights: vec![0.0; n],
        plus: vec![0.0; n],
        minus: Vec::new(),
        log_u: vec![0.0; n],
        log_v: Vec::new(),
        sigma: vec![0.0; n],
        dual: vec![0.0; m],
        log_dual_unit: 0.0,
        steps: 0,
        change: 0.0,
    };
    if problem.signed {
        (limit.minus, limit.log_v) = (vec![0.0; n], vec![0.0; n]);
    }
    for j in 0..n {
        let sigma = problem.dual(j, dual, 0.0);
        let (mut plus, mut minus) = problem.log_weights(j, log_kappa, sigma);
        let (mut p, mut v) = (size(plus), size(minus));
        let mut w = if problem.signed {
            problem.signed_weight(j, log_kappa, sigma) * unit
        } else {
            p
        };
        // Near its bound σ has lost what p̂ keeps.
        let ratio = if l == 2.0 {
            plus.max(minus) / log_kappa
        } else {
            1.0 - sigma.abs() / problem.bound[j]
        };
        if !weights.is_empty() && ratio < 0.5 && (problem.signed || sigma > 0.0) {
            let heavy = if sigma > 0.0 { j } else { n + j };
            let value = weights[heavy].value();
            let (log, side) = if sigma > 0.0 {
                (&mut plus, &mut p)
            } else {
                (&mut minus, &mut v)
            };
            *log = value.ln();
            *side = value * unit;
            w = if problem.signed { p - v } else { p };
        }
        limit.weights[j] = w;
        limit.sigma[j] = sigma;
        limit.plus[j] = p;
        limit.log_u[j] = (plus + problem.log_unit) / l;
        if problem.signed {
            limit.minus[j] = v;
            limit.log_v[j] = (minus + problem.log_unit) / l;
        }
    }
    let reported = rescale_dual(problem, &mut limit.sigma, &mut limit.log_dual_unit);
    for ((&row, factor), q) in problem.rows.kept.iter().zip(&problem.rows.factors).zip(dual) {
        limit.dual[row] = q.value() * factor * reported;
    }
    limit
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two routes that share the reduction and the linear algebra only, where both are exact to eps/μ.
    #[test]
    fn the_dual_route_agrees() {
        let a = DMatrix::from_fn(6, 15, |i, j| (1.3 * ((i + 1) * (j + 2)) as f64 + 0.3 * j as f64).sin()); // small indices
        let y = [1.0, -0.5, 0.3, 2.0, 0.0, -1.2];
        let mut qr = WeightedQr::default();
        let rows = IndependentRows::new(&a, &y, &mut qr);
        for depth in 2..=7 {
            for alpha in [0.9, 0.5, 0.2, 0.05] {
                let x0: Vec<f64> = (0..15).map(|j| alpha * (1.0 + 0.02 * j as f64)).collect(); // small indices
                let problem = ScaledProblem::new(rows.clone(), depth, Sign::Signed, &x0);
                let mut projector = Projector::default();
                let (Projection::Attained(dual), Projection::Attained(primal)) =
                    (projector.dual(&problem, 6), projector.primal_dual(&problem, 6))
                else {
                    panic!("L = {depth}, alpha = {alpha}");
                };
                let mu = (problem.exponent() * problem.log_kappa()).exp();
                for j in 0..15 {
                    let error = (dual.weights[j] / primal.weights[j] - 1.0).abs();
                    assert!(
                        error < 1e-12 + 1e-13 / mu,
                        "L = {depth}, alpha = {alpha}, {j}: {error:e}"
                    );
                }
                let error = dual
                    .dual
                    .iter()
                    .zip(&primal.dual)
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f64::max);
                assert!(error < 1e-12, "L = {depth}, alpha = {alpha}: dual {error:e}");
            }
        }
    }
}
