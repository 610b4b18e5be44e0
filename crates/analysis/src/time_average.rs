//! The time average of a recorded trajectory beside the lasso path it tends to.
//!
//! For a small start the average w̄(t) = (1/t)∫₀ᵗ w of the flow is near the lasso solution x(λ), λ = T(α)/t = 1/τ, as long as
//! μ x(1/μ) is monotone (Berthier, arXiv 2509.18766; see [`crate::reference::jump_process`]). ∫w is summed by the
//! trapezoidal rule over the recorded times. Whatever the average is, with P the objective of the lasso
//!
//! ```text
//! 0 ≤ P(w̄) − P(x(λ)) ≤ P(w̄) − D(ν),    ν = q/t shrunk until |Aᵀν|_∞ ≤ λ,
//! ```
//!
//! so that the duality gap on the right bounds how far it is from optimal, without knowing x.

use hadaflow_core::problem::Problem;
use hadaflow_core::trajectory::Trajectory;

use crate::column_qr::{add, dot, largest};
use crate::reference::lasso_path::LassoPath;

/// See the module documentation. Rows are those recorded times at which 0 < t.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeAverage {
    /// n.
    pub dimension: usize,
    /// τ = t/T(α), k numbers.
    pub tau: Vec<f64>,
    /// w̄, k × n.
    pub average: Vec<f64>,
    /// x(1/τ), k × n; not numbers where the path was not computed.
    pub lasso: Vec<f64>,
    /// (P(w̄) − P(x))/P(w̄), k numbers.
    pub excess: Vec<f64>,
    /// (P(w̄) − D(ν))/P(w̄), k numbers.
    pub gap: Vec<f64>,
    /// τ of the first and the last change of direction of the lasso path, if it has one.
    pub span: Option<(f64, f64)>,
    /// τ at which a coordinate of the path turns back first: beyond, nothing is predicted.
    pub reversal: Option<f64>,
}

impl TimeAverage {
    /// Of the recorded weights and the dual variable. `unit` is T(α). `None` where A or the weights are not stored, or no
    /// weight is pulled.
    pub fn new(problem: &Problem, trajectory: &Trajectory, unit: f64, signed: bool) -> Option<Self> {
        let matrix = problem.operator.dense().filter(|_| trajectory.keep_weights)?;
        let (m, n) = (problem.rows(), problem.cols());
        let path = LassoPath::new(matrix, &problem.measurements, signed);
        let bends = || {
            path.breakpoints
                .iter()
                .map(|point| point.lambda)
                .filter(|lambda| *lambda > 0.0)
        };
        let span = bends().next().zip(bends().next_back());
        let mut found = Self {
            dimension: n,
            tau: Vec::new(),
            average: Vec::new(),
            lasso: Vec::new(),
            excess: Vec::new(),
            gap: Vec::new(),
            span: Some(span.map(|(first, last)| (1.0 / first, 1.0 / last))?),
            reversal: path.first_reversal().map(|turn| 1.0 / turn.lambda),
        };
        let mut integral = vec![0.0; n];
        let rows = trajectory.weights.chunks_exact(n).zip(trajectory.dual.chunks_exact(m));
        let mut before: Option<(f64, &[f64])> = None;
        for (at, (weights, dual)) in trajectory.t.iter().zip(rows) {
            let t = at.hi;
            if let Some((earlier, others)) = before {
                let half = 0.5 * (t - earlier);
                add(half, others, &mut integral);
                add(half, weights, &mut integral);
            }
            before = Some((t, weights));
            if t > 0.0 {
                found.push(problem, signed, &path, (t, unit), (&integral, dual));
            }
        }
        Some(found)
    }

    /// One more time.
    fn push(
        &mut self,
        problem: &Problem,
        signed: bool,
        path: &LassoPath,
        (t, unit): (f64, f64),
        (integral, dual): (&[f64], &[f64]),
    ) {
        let lambda = unit / t;
        let mean: Vec<f64> = integral.iter().map(|w| w / t).collect();
        let value = objective(problem, lambda, &mean);
        let bound = dual_value(problem, lambda, dual, signed, t);
        let solution = path.at(lambda).unwrap_or_else(|| vec![f64::NAN; mean.len()]);
        self.tau.push(t / unit);
        self.excess
            .push((value - objective(problem, lambda, &solution)) / value);
        self.gap.push((value - bound) / value);
        self.average.extend(mean);
        self.lasso.extend(solution);
    }
}

/// P(z) = ½|Az − y|² + λ|z|₁.
pub(crate) fn objective(problem: &Problem, lambda: f64, z: &[f64]) -> f64 {
    let misfit = misfit(problem, z);
    0.5 * dot(&misfit, &misfit) + lambda * z.iter().map(|z| z.abs()).sum::<f64>()
}

/// Az − y.
pub(crate) fn misfit(problem: &Problem, z: &[f64]) -> Vec<f64> {
    let mut misfit = vec![0.0; problem.rows()];
    problem.operator.apply(z, &mut misfit);
    add(-1.0, &problem.measurements, &mut misfit);
    misfit
}

/// D(ν) = y·ν − ½|ν|² at ν = q/t, shrunk until |Aᵀν|_∞ ≤ λ (positive: max Aᵀν ≤ λ): a lower bound of min P.
pub(crate) fn dual_value(problem: &Problem, lambda: f64, dual: &[f64], signed: bool, t: f64) -> f64 {
    let mut pull = vec![0.0; problem.cols()];
    problem.operator.apply_adjoint(dual, &mut pull);
    let steep = largest(pull.iter().map(|s| if signed { s.abs() } else { *s })) / t;
    let shrink = 1.0 / (steep / lambda).max(1.0) / t;
    shrink * dot(&problem.measurements, dual) - 0.5 * shrink * shrink * dot(dual, dual)
}

#[cfg(test)]
mod tests {
    use hadaflow_core::initialization::Sign;
    use hadaflow_core::special::DoubleDouble;

    use super::*;
    use crate::prediction::testing::measured;

    /// One coordinate, a = 1, y = 1, x(λ) = max(1 − λ, 0): an ideal jump at τ = 1, q = t before and 1 after.
    fn jump(signed: bool) -> TimeAverage {
        let problem = measured(&[&[1.0]], &[1.0]);
        let mut trajectory = Trajectory::new();
        for (t, w, q) in [
            (0.0, 0.0, 0.0),
            (1.0, 0.0, 1.0),
            (1.0, 1.0, 1.0),
            (2.0, 1.0, 1.0),
            (4.0, 1.0, 1.0),
        ] {
            trajectory.t.push(DoubleDouble::new(t, 0.0));
            trajectory.weights.push(w);
            trajectory.dual.push(q);
        }
        TimeAverage::new(&problem, &trajectory, 1.0, signed).unwrap()
    }

    #[test]
    fn an_ideal_jump_is_the_lasso_path() {
        for signed in [true, false] {
            let found = jump(signed);
            assert_eq!(found.tau, [1.0, 1.0, 2.0, 4.0]);
            assert_eq!(found.average, [0.0, 0.0, 0.5, 0.75]);
            assert_eq!(found.average, found.lasso);
            assert!(
                found.excess.iter().chain(&found.gap).all(|gap| gap.abs() < 1e-15),
                "{found:?}"
            );
            assert_eq!((found.span, found.reversal), (Some((1.0, 1.0)), None));
        }
    }

    /// P(½ + d) − P(½) = ½d² at λ = ½, and the bound does not move.
    #[test]
    fn the_excess_is_that_of_the_average_and_lies_below_the_gap() {
        let problem = measured(&[&[1.0]], &[1.0]);
        let value = objective(&problem, 0.5, &[0.5]);
        assert_eq!(value, 0.375);
        assert!((objective(&problem, 0.5, &[0.7]) - value - 0.02).abs() < 1e-15);
        // q/t = 0.8 has to shrink to 0.5 = λ
        assert_eq!(dual_value(&problem, 0.5, &[1.6], true, 2.0), 0.375);
        assert!(
            dual_value(&problem, 0.5, &[0.6], true, 2.0) < 0.375,
            "a smaller one is feasible and worse"
        );
    }

    /// A run from a finite start: bounds in order, and the average near the path.
    #[test]
    fn of_a_run_the_excess_is_positive_and_bounded() {
        for sign in [Sign::Signed, Sign::Positive] {
            let run = crate::prediction::testing::fitted(3, sign);
            let setting = &run.setting;
            let unit = hadaflow_core::flow::time_unit(3, setting.scale().unwrap());
            let found = TimeAverage::new(setting.problem(), &run.trajectory, unit, sign == Sign::Signed).unwrap();
            assert!(found.tau.len() > 20);
            for (excess, gap) in found.excess.iter().zip(&found.gap) {
                assert!(*excess > -1e-12 && excess <= gap, "{excess} {gap}");
            }
        }
    }
}
