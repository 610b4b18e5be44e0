//! The lasso path: x(λ) = argmin ½|Az − y|² + λ‖z‖₁ for every λ from λ_max down to 0, exactly.
//!
//! Signed: z ∈ Rⁿ. Positive: z ≥ 0. With c = Aᵀ(y − Az) the optimality conditions are c_i = λ sgn z_i where z_i ≠ 0 and
//! |c_i| ≤ λ (positive: c_i ≤ λ) elsewhere, so that x vanishes above λ_max = max |Aᵀy|, is piecewise linear and continuous,
//! and at λ = 0 is a least-squares solution of least ℓ1 norm.
//!
//! Homotopy (Osborne, Presnell and Turlach, IMA Journal of Numerical Analysis 20(3), 2000). At a breakpoint let E be the
//! *tied* coordinates, |c_i| = λ with signs s. Lowering λ by h moves z by h v, and the conditions to first order say
//!
//! ```text
//! v = argmin ½|A v|² − s·v   subject to   v_i free where z_i ≠ 0,  s_i v_i ≥ 0 where z_i = 0 and i ∈ E,  v_i = 0 elsewhere.
//! ```
//!
//! Solving this little problem, instead of adding or dropping one coordinate, is what makes ties harmless: several
//! coordinates at once, duplicate columns, coordinates that touch zero or λ and turn back. The segment ends where a
//! coordinate becomes tied or one in motion reaches zero. On it z = b − λ v with b = A_P⁺ y, P the coordinates that move.
//!
//! With μ = 1/λ, μ x = μ b − v is piecewise linear in μ with slope b. *Monotone* means that each coordinate of
//! μ ↦ μ x(1/μ) is monotone, that is: no coordinate of b ever takes both signs. It is the hypothesis under which the
//! averages of the flow of vanishing initialization are the lasso path (Berthier, arXiv 2509.18766; see
//! [`super::jump_process`]).
//!
//! Where minimisers are not unique (dependent columns) the path is one continuous choice; A x is the same for all.

mod homotopy;

use nalgebra::DMatrix;

use homotopy::Tracer;

/// The optimality conditions are to hold to this part of λ_max (or to rounding of Aᵀy, where that is coarser), at each
/// breakpoint and between them.
pub const VERIFIED: f64 = 1e-9;

/// Coordinates with |c_i| ≥ λ(1 − this) are tied. What is tied by mistake costs an error of this size.
const TIED: f64 = 1e-10;

/// Breakpoints below this part of λ_max are the one at 0: with Az = y in reach all c_i vanish together there.
const FLOOR: f64 = 1e-11;

/// An entry of b turns where it is this far on the other side, relative to the largest entry of all b.
const TURNED: f64 = 1e-9;

/// A point where the path bends.
#[derive(Debug, Clone, PartialEq)]
pub struct Breakpoint {
    /// λ.
    pub lambda: f64,
    /// x(λ), n entries.
    pub point: Vec<f64>,
    /// P: the coordinates in motion just below λ, in increasing order; none at the end.
    pub active: Vec<usize>,
    /// b: the least-squares fit on P, the slope of μ x just above μ = 1/λ; zero at the end.
    pub fit: Vec<f64>,
}

/// How the computation of a path ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PathOutcome {
    /// λ = 0 was reached, and every breakpoint and midpoint verified.
    Complete,
    /// The optimality conditions fail at λ beyond rounding; the breakpoints above are good.
    NotOptimal {
        /// Where.
        lambda: f64,
        /// By how much, relative to λ_max.
        violation: f64,
    },
    /// The limit on the number of breakpoints is used up.
    TooManyBreakpoints,
    /// The data or what comes of them is not finite.
    NotFinite,
}

/// A coordinate of μ x(1/μ) that turns back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reversal {
    /// Which.
    pub coordinate: usize,
    /// It turns at this λ.
    pub lambda: f64,
    /// Its slope after the turn, relative to the largest slope of any coordinate.
    pub slope: f64,
}

/// x(λ) for all λ.
#[derive(Debug, Clone)]
pub struct LassoPath {
    /// From λ_max down; the last is at λ = 0 where the path is complete.
    pub breakpoints: Vec<Breakpoint>,
    /// How the computation ended.
    pub outcome: PathOutcome,
    /// The largest violation of the optimality conditions seen on the breakpoints kept, relative to λ_max.
    pub violation: f64,
}

impl LassoPath {
    /// Computes the path of `matrix` (m × n) and `measurements` (m entries), over z ≥ 0 unless `signed`.
    pub fn new(matrix: &DMatrix<f64>, measurements: &[f64], signed: bool) -> Self {
        let zero = vec![0.0; matrix.ncols()];
        let mut tracer = Tracer::new(matrix, measurements, signed);
        let start = tracer.reach(&tracer.correlations(&zero));
        let mut path = Self {
            breakpoints: vec![Breakpoint::end(0.0, zero)],
            outcome: PathOutcome::Complete,
            violation: 0.0,
        };
        if !(start.is_finite() && tracer.noise.is_finite()) {
            path.outcome = PathOutcome::NotFinite;
        } else if start > tracer.noise {
            path.breakpoints[0].lambda = start;
            tracer.lambda_max = start;
            path.trace(&mut tracer);
        }
        path
    }

    /// λ_max: from here on x = 0.
    pub fn lambda_max(&self) -> f64 {
        self.breakpoints.first().map_or(0.0, |first| first.lambda)
    }

    /// x(λ) for λ ≥ 0; `None` below the last breakpoint of a path that is not complete, and for a λ that is no number ≥ 0.
    pub fn at(&self, lambda: f64) -> Option<Vec<f64>> {
        let (first, last) = (self.breakpoints.first()?, self.breakpoints.last()?);
        if lambda.is_nan() || lambda < last.lambda {
            return None;
        }
        if lambda >= first.lambda {
            return Some(first.point.clone());
        }
        let below = self
            .breakpoints
            .partition_point(|breakpoint| breakpoint.lambda > lambda);
        let (high, low) = (&self.breakpoints[below - 1], &self.breakpoints[below]);
        let share = (high.lambda - lambda) / (high.lambda - low.lambda);
        let between = |(a, b): (&f64, &f64)| (1.0 - share) * a + share * b;
        Some(high.point.iter().zip(&low.point).map(between).collect())
    }

    /// Whether each coordinate of μ ↦ μ x(1/μ) is monotone; `None` where the path ends before that is decided.
    pub fn is_monotone(&self) -> Option<bool> {
        match (self.first_reversal(), self.outcome) {
            (Some(_), _) => Some(false),
            (None, PathOutcome::Complete) => Some(true),
            (None, _) => None,
        }
    }

    /// The coordinate of μ x(1/μ) that turns back first, at the largest λ.
    pub fn first_reversal(&self) -> Option<Reversal> {
        let fits = || self.breakpoints.iter().flat_map(|breakpoint| &breakpoint.fit);
        let scale = fits().fold(0.0f64, |a, b| a.max(b.abs()));
        let mut direction = vec![0.0f64; self.breakpoints.first()?.point.len()];
        for breakpoint in &self.breakpoints {
            for (coordinate, slope) in breakpoint.fit.iter().enumerate() {
                if slope.abs() <= TURNED * scale {
                    continue;
                }
                if direction[coordinate] * slope < 0.0 {
                    return Some(Reversal {
                        coordinate,
                        lambda: breakpoint.lambda,
                        slope: slope / scale,
                    });
                }
                direction[coordinate] = slope.signum();
            }
        }
        None
    }

    /// Follows the path from its first breakpoint.
    fn trace(&mut self, tracer: &mut Tracer<'_>) {
        let n = tracer.matrix.ncols();
        let mut signs = tracer.tied(tracer.lambda_max, &tracer.correlations(&vec![0.0; n]));
        // worst cases are exponential in n; 3^n/2 for the largest n at which that is below the limit
        for _ in 0..20 * (tracer.matrix.nrows() + n) + 1000 {
            let Some(here) = self.breakpoints.last_mut() else {
                return;
            };
            let (lambda, next, next_signs) = tracer.advance(here, &signs);
            if next.iter().any(|z| !z.is_finite()) {
                self.outcome = PathOutcome::NotFinite;
                return;
            }
            let middle: Vec<f64> = here.point.iter().zip(&next).map(|(a, b)| 0.5 * (a + b)).collect();
            let checks = [(0.5 * (lambda + here.lambda), &middle), (lambda, &next)];
            for (lambda, point) in checks {
                let violation = tracer.violation(lambda, point);
                if violation * tracer.lambda_max > tracer.allowed() {
                    self.outcome = PathOutcome::NotOptimal { lambda, violation };
                    return;
                }
                self.violation = self.violation.max(violation);
            }
            self.breakpoints.push(Breakpoint::end(lambda, next));
            if lambda == 0.0 {
                return;
            }
            signs = next_signs;
        }
        self.outcome = PathOutcome::TooManyBreakpoints;
    }
}

impl Breakpoint {
    fn end(lambda: f64, point: Vec<f64>) -> Self {
        Self {
            lambda,
            fit: vec![0.0; point.len()],
            point,
            active: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DVector, dmatrix};

    use super::*;
    use crate::reference::small_problems::{entries, lasso, least_l1, problem};

    fn objective(a: &DMatrix<f64>, y: &DVector<f64>, lambda: f64, z: &[f64]) -> f64 {
        let z = DVector::from_column_slice(z);
        0.5 * (a * &z - y).norm_squared() + lambda * z.lp_norm(1)
    }

    #[test]
    fn one_row_by_hand() {
        // min ½(z₁ + 2z₂ − 1)² + λ(|z₁| + |z₂|): only z₂ = (2 − λ)/4 is worth its price
        let path = LassoPath::new(&dmatrix![1.0, 2.0], &[1.0], true);
        assert_eq!(path.outcome, PathOutcome::Complete);
        assert_eq!(path.lambda_max(), 2.0);
        assert_eq!(path.breakpoints.len(), 2);
        assert_eq!(path.breakpoints[0].active, [1]);
        for lambda in [0.0f64, 0.3, 1.0, 1.7, 2.0, 5.0] {
            let x = path.at(lambda).unwrap();
            assert_eq!(x[0], 0.0);
            assert!((x[1] - (2.0 - lambda).max(0.0) / 4.0).abs() < 1e-15);
        }
        assert_eq!(path.is_monotone(), Some(true));
        assert_eq!(path.at(-1.0), None);
        assert_eq!(path.at(f64::NAN), None);
    }

    #[test]
    fn soft_thresholding_with_all_coordinates_at_once() {
        let path = LassoPath::new(&DMatrix::identity(3, 3), &[2.0, -2.0, 2.0], true);
        assert_eq!(path.outcome, PathOutcome::Complete);
        assert_eq!(path.breakpoints.len(), 2, "three coordinates start together");
        assert_eq!(path.at(0.5).unwrap(), [1.5, -1.5, 1.5]);
        let positive = LassoPath::new(&DMatrix::identity(3, 3), &[2.0, -2.0, 1.0], false);
        assert_eq!(positive.at(0.5).unwrap(), [1.5, 0.0, 0.5]);
        assert_eq!(positive.at(0.0).unwrap(), [2.0, 0.0, 1.0]);
    }

    #[test]
    fn agrees_with_all_signs_and_supports_tried() {
        for seed in 0..240 {
            let (a, y, signed) = problem(seed);
            let path = LassoPath::new(&a, y.as_slice(), signed);
            assert_eq!(path.outcome, PathOutcome::Complete, "{seed}");
            let at_breakpoints: Vec<f64> = path.breakpoints.iter().map(|b| b.lambda).collect();
            let between = (0..8).map(|k| path.lambda_max() * (f64::from(k) + 0.37) / 8.0);
            for lambda in at_breakpoints.iter().copied().chain(between) {
                let (least, _) = lasso(&a, &y, lambda, signed);
                let found = objective(&a, &y, lambda, &path.at(lambda).unwrap());
                assert!((found - least).abs() < 1e-10, "{seed} at {lambda}: {found} {least}");
            }
        }
    }

    #[test]
    fn ends_at_a_least_squares_solution_of_least_l1_norm() {
        for seed in 0..240 {
            let (a, y, signed) = problem(seed);
            let end = LassoPath::new(&a, y.as_slice(), signed).at(0.0).unwrap();
            let norm: f64 = end.iter().map(|z| z.abs()).sum();
            let least = least_l1(&a, &y, signed);
            assert!((norm - least).abs() < 1e-8 * (1.0 + least), "{seed}: {norm} {least}");
        }
    }

    #[test]
    fn duplicate_opposite_and_zero_columns_do_not_disturb() {
        let a = entries(4, 5, 11);
        let y = a.column(0) * 2.0 - a.column(3) * 0.5 + a.column(1) * 0.1;
        let mut wide = DMatrix::zeros(4, 12);
        for j in 0..5 {
            wide.set_column(j, &a.column(j));
            wide.set_column(11 - j, &(-a.column(j)));
        }
        wide.set_column(5, &a.column(0));
        let (plain, doubled) = (
            LassoPath::new(&a, y.as_slice(), true),
            LassoPath::new(&wide, y.as_slice(), true),
        );
        assert_eq!(doubled.outcome, PathOutcome::Complete);
        assert_eq!(plain.breakpoints.len(), doubled.breakpoints.len());
        for (one, other) in plain.breakpoints.iter().zip(&doubled.breakpoints) {
            assert!((one.lambda - other.lambda).abs() < 1e-12 * plain.lambda_max());
            let image = &a * DVector::from_column_slice(&one.point);
            let twin = &wide * DVector::from_column_slice(&other.point);
            assert!((image - twin).amax() < 1e-12);
        }
    }

    #[test]
    fn a_coordinate_may_leave_and_the_hypothesis_fails() {
        let reverses = |seed: usize| {
            let (a, y, signed) = problem(seed);
            let path = LassoPath::new(&a, y.as_slice(), signed);
            let Some(reversal) = path.first_reversal() else {
                return false;
            };
            assert_eq!(path.is_monotone(), Some(false));
            // seen directly on μ x(1/μ)
            let slope_at = |mu: f64| {
                let h = 1e-4 * mu;
                let value = |mu: f64| mu * path.at(1.0 / mu).unwrap()[reversal.coordinate];
                (value(mu + h) - value(mu - h)) / (2.0 * h)
            };
            let below = path
                .breakpoints
                .iter()
                .find(|b| b.lambda < reversal.lambda)
                .unwrap()
                .lambda;
            let after = slope_at(2.0 / (reversal.lambda + below));
            let before = (1..200).map(|k| slope_at((1.0 - f64::from(k) / 201.0) / reversal.lambda * 0.999));
            assert!(before.into_iter().any(|slope| slope * after < 0.0), "{seed}");
            true
        };
        let count = (0..240).filter(|seed| reverses(*seed)).count();
        assert!((5..200).contains(&count), "both happen: {count}");
    }

    #[test]
    fn nothing_to_fit_is_a_path_too() {
        for (a, y, signed) in [
            (dmatrix![1.0, 2.0; 0.0, 1.0], vec![0.0, 0.0], true),
            (dmatrix![1.0, 2.0; 1.0, 1.0], vec![-1.0, -1.0], false),
            (dmatrix![0.0, 0.0; 0.0, 0.0], vec![1.0, 1.0], true),
            (dmatrix![1.0, 2.0; 0.0, 0.0], vec![0.0, 3.0], true),
        ] {
            let path = LassoPath::new(&a, &y, signed);
            assert_eq!((path.outcome, path.lambda_max()), (PathOutcome::Complete, 0.0));
            assert_eq!(path.at(0.0).unwrap(), [0.0, 0.0]);
            assert_eq!(path.is_monotone(), Some(true));
        }
    }

    #[test]
    fn what_is_not_finite_is_said() {
        for bad in [f64::NAN, f64::INFINITY, 1e200] {
            let path = LassoPath::new(&dmatrix![1.0, 2.0], &[bad], true);
            assert_eq!(path.outcome, PathOutcome::NotFinite);
            assert_eq!(path.is_monotone(), None);
            assert_eq!(path.at(-1.0), None);
        }
        assert_eq!(
            LassoPath::new(&dmatrix![f64::NAN, 2.0], &[1.0], true).outcome,
            PathOutcome::NotFinite
        );
    }

    #[test]
    fn a_path_that_does_not_verify_is_broken_off() {
        let a = entries(3, 5, 2);
        let y = [1.0, -0.5, 2.0];
        let mut tracer = Tracer::new(&a, &y, true);
        let good = LassoPath::new(&a, &y, true);
        tracer.lambda_max = good.lambda_max();
        // a start that is no point of the path
        let mut wrong = LassoPath {
            breakpoints: vec![Breakpoint::end(0.9 * good.lambda_max(), vec![0.1; 5])],
            outcome: PathOutcome::Complete,
            violation: 0.0,
        };
        wrong.trace(&mut tracer);
        assert!(
            matches!(wrong.outcome, PathOutcome::NotOptimal { .. }),
            "{:?}",
            wrong.outcome
        );
        assert_eq!(wrong.at(0.0), None);
        assert_eq!(wrong.is_monotone(), None);
    }

    #[test]
    fn larger_problems_are_followed_to_the_end() {
        for (m, n, signed) in [(20, 60, true), (20, 60, false), (40, 20, true), (30, 30, true)] {
            let a = entries(m, n, m + n);
            let y = entries(m, 1, 5);
            let path = LassoPath::new(&a, y.as_slice(), signed);
            assert_eq!(path.outcome, PathOutcome::Complete);
            assert!(path.violation < 1e-11, "{}", path.violation);
            assert!(path.breakpoints.len() > 10);
        }
    }
}
