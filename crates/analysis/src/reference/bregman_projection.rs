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

mod barrier;
mod certificate;
mod dual_newton;
mod expansion;
mod half;
mod limit;
mod outcome;
mod pair;
mod path;
mod primal_dual;
mod refined;
mod rows;
mod scalar;
mod scaled;
mod weighted_qr;

use hadaflow_core::error::{CoreError, Result};
use hadaflow_core::initialization::{DEPTHS, Sign};
use nalgebra::DMatrix;

pub use limit::Limit;
pub use outcome::{NotAttained, NotConverged, Projection};

use dual_newton::DualNewton;
use expansion::Expansion;
use limit::limit;
use pair::Pair;
use path::{Ending, Way};
use primal_dual::PrimalDual;
use rows::IndependentRows;
use scalar::Scalar;
use scaled::ScaledProblem;
pub(super) use weighted_qr::WeightedQr;

/// Newton steps allowed for one path: typical are 20 to 60.
const STEP_LIMIT: usize = 400;
/// log κ, κ = α^L/‖A⁺y‖: doubles hold D = p̂/(ez) and its inverse with room for squares.
const LOG_KAPPA: std::ops::RangeInclusive<f64> = -330.0..=600.0;
/// Depth > 2: the dual route is as exact as the primal-dual one while μ is above this (relative error eps/μ).
const MODERATE_MU: f64 = 0.1;
/// Depth 2: the dual route takes about ½ log 1/κ more steps.
const MODERATE_KAPPA: f64 = 1e-2;

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

    /// Along the path, by the barrier where it has kinks, and both in twice the precision where doubles do not suffice.
    fn primal_dual(&mut self, problem: &ScaledProblem, m: usize) -> Projection {
        let mut precise = WeightedQr::<Pair>::default();
        let mut failed = Failed::default();
        for way in [Way::Path, Way::Barrier] {
            match follow(problem, way, &mut self.qr, m) {
                Ok(projection) => return projection,
                Err(vain) => failed.add(vain),
            }
        }
        for way in [Way::Path, Way::Barrier] {
            match follow(problem, way, &mut precise, m) {
                Ok(projection) => return projection,
                Err(vain) => failed.add(vain),
            }
        }
        Projection::NotConverged(not_converged(failed.steps, failed.change))
    }
}

/// Steps taken in vain, and the last change.
#[derive(Default)]
struct Failed {
    steps: usize,
    change: f64,
}

impl Failed {
    fn add(&mut self, more: Self) {
        let steps = self.steps + more.steps;
        *self = Self { steps, ..more };
    }
}

/// That way to its end in the arithmetic of `qr`.
fn follow<S: Scalar>(
    problem: &ScaledProblem,
    way: Way,
    qr: &mut WeightedQr<S>,
    m: usize,
) -> std::result::Result<Projection, Failed> {
    let mut path = PrimalDual::new(problem);
    match path.follow(way, qr, STEP_LIMIT) {
        Ending::Converged => {
            let mut limit = limit(problem, &path.dual, &path.weights, m);
            (limit.steps, limit.change) = (path.steps, path.change);
            Ok(Projection::Attained(limit))
        }
        Ending::NoPositiveSolution(bound) => Ok(Projection::NotAttained(NotAttained::NoPositiveSolution {
            largest_smallest_entry: bound,
        })),
        Ending::StepLimit | Ending::NotFinite => Err(Failed {
            steps: path.steps,
            change: path.change,
        }),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two routes that share the reduction and the linear algebra only, where both are exact to eps/μ.
    #[test]
    fn the_dual_route_agrees() {
        let a = DMatrix::from_fn(6, 15, |i, j| (1.3 * ((i + 1) * (j + 2)) as f64 + 0.3 * j as f64).sin()); // small indices
        let y = [1.0, -0.5, 0.3, 2.0, 0.0, -1.2];
        let mut qr = WeightedQr::<f64>::default();
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
