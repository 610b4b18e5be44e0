//! Every structured Newton solve against its naive twin: J from unit vectors against central differences of the
//! velocity, and (I − cJ)⁻¹ b against a dense LU factorization.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::Arc;

use common::{Numbers, dense, largest, matrix_of, worse};
use hadaflow_core::flow::{DualFlow, Evaluation, FactorFlow, Flow, LogFlow};
use hadaflow_core::initialization::{Sign, Start};
use hadaflow_core::measurement::{MeasurementOperator, SubsampledDctOperator};
use hadaflow_core::newton::GramSolver;
use hadaflow_core::problem::Problem;
use nalgebra::{DMatrix, DVector};

const DEPTHS: [usize; 3] = [2, 3, 5];
const SIGNS: [Sign; 2] = [Sign::Positive, Sign::Signed];
/// More columns than rows (the m×m core) and fewer (the core on the support).
const SHAPES: [(usize, usize); 2] = [(6, 14), (20, 8)];

/// Which flow, and from where its factors start.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Dual,
    Log,
    FactorAlike,
    FactorDifferent,
}

const KINDS: [Kind; 4] = [Kind::Dual, Kind::Log, Kind::FactorAlike, Kind::FactorDifferent];

/// A flow at a state.
struct Case {
    label: String,
    flow: Arc<dyn Flow>,
    state: Vec<f64>,
    evaluation: Evaluation,
}

/// m × n numbers in (−1, 1)/√m.
fn wild_matrix(m: usize, n: usize) -> DMatrix<f64> {
    DMatrix::from_vec(m, n, Numbers::new(31).take(m * n)) / (m as f64).sqrt()
}

/// The measurements that leave the residual r at a state.
fn measurements_for(flow: &dyn Flow, state: &[f64], r: &[f64]) -> Vec<f64> {
    let problem = flow.problem();
    let mut evaluation = Evaluation::new(problem.rows(), problem.cols());
    flow.evaluate(state, &mut evaluation);
    let mut image = vec![0.0; problem.rows()];
    problem.operator.apply(&evaluation.weights, &mut image);
    image.iter().zip(r).map(|(image, r)| image + r).collect()
}

fn build(problem: Problem, kind: Kind, depth: usize, sign: Sign, x0: f64) -> Arc<dyn Flow> {
    let n = problem.cols();
    match kind {
        Kind::Dual => Arc::new(DualFlow::new(problem, depth, sign, &vec![x0; n]).unwrap()),
        Kind::Log => Arc::new(LogFlow::new(problem, depth, sign, &vec![x0; n]).unwrap()),
        Kind::FactorAlike => {
            let start = Start::Identical(vec![x0; n]);
            Arc::new(FactorFlow::new(problem, depth, sign, &start).unwrap())
        }
        Kind::FactorDifferent => {
            let start = Start::PerFactor((0..depth).map(|k| vec![x0 * (1.0 + 0.3 * k as f64); n]).collect());
            Arc::new(FactorFlow::new(problem, depth, sign, &start).unwrap())
        }
    }
}

/// A state with weights of very different sizes whose residual is `pull` times a vector of size one.
fn case(operator: Arc<dyn MeasurementOperator>, kind: Kind, depth: usize, sign: Sign, pull: f64) -> Case {
    let (m, n) = (operator.rows(), operator.cols());
    let x0 = 0.4;
    let at = |y: Vec<f64>| {
        build(
            Problem::new(operator.clone(), y, None, 0.0).unwrap(),
            kind,
            depth,
            sign,
            x0,
        )
    };
    let flow = at(vec![1.0; m]);
    let mut numbers = Numbers::new(100 * depth as u64 + n as u64);
    let state: Vec<f64> = match kind {
        Kind::Dual => {
            // Well inside the domain: |s| at most 0.6 of the barrier (or of 1, where there is none).
            let mut q = numbers.take(m);
            let mut s = vec![0.0; n];
            operator.apply_adjoint(&q, &mut s);
            let edge = if depth == 2 {
                1.0
            } else {
                x0.powi(2 - depth as i32) / (depth as f64 - 2.0)
            };
            let scale = 0.6 * edge / largest(&s);
            q.iter_mut().for_each(|q| *q *= scale);
            q
        }
        Kind::Log => numbers.take(flow.dim()).iter().map(|x| x - 0.6 - x0.ln()).collect(),
        Kind::FactorAlike => {
            let factors = numbers.take(flow.dim() / depth);
            let repeated = factors
                .iter()
                .flat_map(|x| std::iter::repeat_n((x - 0.6f64).exp(), depth));
            repeated.collect()
        }
        Kind::FactorDifferent => numbers.take(flow.dim()).iter().map(|x| (x - 0.6).exp()).collect(),
    };
    let r: Vec<f64> = numbers.take(m).iter().map(|r| pull * r).collect();
    let flow = at(measurements_for(flow.as_ref(), &state, &r));
    let mut evaluation = Evaluation::new(m, n);
    flow.evaluate(&state, &mut evaluation);
    Case {
        label: format!("{kind:?} L = {depth} {sign:?}, pull {pull:e}"),
        flow,
        state,
        evaluation,
    }
}

fn all_cases(operator: &Arc<dyn MeasurementOperator>, pull: f64) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for depth in DEPTHS {
            for sign in SIGNS {
                cases.push(case(operator.clone(), kind, depth, sign, pull));
            }
        }
    }
    cases
}

impl Case {
    /// J, column by column.
    fn jacobian(&self) -> DMatrix<f64> {
        let d = self.flow.dim();
        let mut newton = self.flow.newton();
        newton.linearize(&self.state, &self.evaluation);
        let mut jacobian = DMatrix::zeros(d, d);
        let mut column = vec![f64::NAN; d];
        for j in 0..d {
            let mut unit = vec![0.0; d];
            unit[j] = 1.0;
            newton.apply_jacobian(&unit, &mut column);
            jacobian.set_column(j, &DVector::from_column_slice(&column));
        }
        jacobian
    }

    fn velocity(&self, state: &[f64]) -> DVector<f64> {
        let problem = self.flow.problem();
        let mut evaluation = Evaluation::new(problem.rows(), problem.cols());
        let mut out = vec![f64::NAN; state.len()];
        self.flow.evaluate(state, &mut evaluation);
        self.flow.velocity(state, &evaluation, &mut out);
        DVector::from_vec(out)
    }

    /// The solutions of (I − cJ) x = b for the columns b of a matrix, by the structured solver.
    fn solve(&self, c: f64, right: &DMatrix<f64>) -> DMatrix<f64> {
        let mut newton = self.flow.newton();
        newton.linearize(&self.state, &self.evaluation);
        assert!(newton.factorize(c), "{} c = {c:e}: no factorization", self.label);
        let mut solution = right.clone();
        for mut column in solution.column_iter_mut() {
            let mut b = column.clone_owned();
            assert!(newton.solve(b.as_mut_slice()), "{} c = {c:e}: no solution", self.label);
            column.copy_from(&b);
        }
        solution
    }
}

/// Solutions of a system by LU of the row-equilibrated matrix: accurate where rows differ by a hundred decades.
fn naive_solve(matrix: &DMatrix<f64>, right: &DMatrix<f64>) -> DMatrix<f64> {
    let (mut matrix, mut right) = (matrix.clone(), right.clone());
    for i in 0..matrix.nrows() {
        let scale = 1.0 / matrix.row(i).amax();
        matrix.row_mut(i).scale_mut(scale);
        right.row_mut(i).scale_mut(scale);
    }
    matrix.full_piv_lu().solve(&right).unwrap()
}

fn newton_matrix(jacobian: &DMatrix<f64>, c: f64) -> DMatrix<f64> {
    DMatrix::identity(jacobian.nrows(), jacobian.ncols()) - c * jacobian
}

/// Richardson-extrapolated central differences: error h⁴ of a function that varies over lengths of order 0.1, and rounding eps/h.
#[test]
fn jacobians_agree_with_differences_of_the_velocity() {
    let operator = dense(wild_matrix(6, 14));
    for case in all_cases(&operator, 1.0) {
        let jacobian = case.jacobian();
        let size = jacobian.amax();
        for j in 0..case.flow.dim() {
            let h = 2e-4 * case.state[j].abs().max(0.05);
            let difference = |h: f64| {
                let shifted = |h: f64| {
                    let mut state = case.state.clone();
                    state[j] += h;
                    case.velocity(&state)
                };
                (shifted(h) - shifted(-h)) / (2.0 * h)
            };
            let numerical = (4.0 * difference(h) - difference(2.0 * h)) / 3.0;
            let column = jacobian.column(j);
            // Relative to the column, with the floor that rounding of a velocity of the size of J leaves.
            let error = (numerical - column).amax();
            assert!(
                error <= 1e-8 * column.amax() + 1e-9 * size,
                "{} column {j}: {error:e} of {:e}",
                case.label,
                column.amax()
            );
        }
    }
}

/// Where no column is dropped and no block replaced the structured solve is the exact inverse.
///
/// The residual r is so small that the blocks of I − cM stay near I (in an unstable direction they would be replaced by
/// design). c = 10 to 1e8 keeps all columns of these states; the errors are those of a backward stable solve: a few eps
/// times the condition number, here bounded by c‖J‖.
#[test]
fn solves_are_exact_where_nothing_is_dropped() {
    for (m, n) in SHAPES {
        let operator = dense(wild_matrix(m, n));
        let mut exact = 0;
        for c in [1.0, 10.0, 1e2, 1e4, 1e6, 1e8] {
            for case in all_cases(&operator, 0.05 / c) {
                if !keeps_all_columns(&case, c) {
                    continue;
                }
                exact += 1;
                let jacobian = case.jacobian();
                let right = DMatrix::from_vec(case.flow.dim(), 3, Numbers::new(77).take(3 * case.flow.dim()));
                let ours = case.solve(c, &right);
                let naive = naive_solve(&newton_matrix(&jacobian, c), &right);
                let error = (&ours - &naive).amax() / naive.amax();
                let tolerance = 1e-9f64.max(1e-14 * c * jacobian.amax());
                assert!(error <= tolerance, "{m} x {n} {} c = {c:e}: {error:e}", case.label);
            }
        }
        assert!(
            exact >= 60,
            "only {exact} cases keep all columns: the test has lost its point"
        );
    }
}

/// d_j ‖a_j‖² of the case, from the naive twin: the rank-m part of cJ is −c R AᵀA Cᵀ.
fn keeps_all_columns(case: &Case, c: f64) -> bool {
    let matrix = matrix_of(case.flow.problem().operator.as_ref());
    let mut slopes = vec![0.0; matrix.ncols()];
    weight_slopes(case, &mut slopes);
    (0..slopes.len()).all(|j| c * slopes[j] * matrix.column(j).norm_squared() > 0.1)
}

/// dw_j/ds of the flow at the state: Σ over branches of L x^{2L−2}, or Σ (∂w/∂x_k)² over unequal factors.
fn weight_slopes(case: &Case, slopes: &mut [f64]) {
    let problem = case.flow.problem();
    if let (Some(factors), Some((k, depth))) = (case.flow.factors(&case.state), case.flow.factor_layout()) {
        for (slope, x) in slopes.iter_mut().zip(factors.chunks_exact(k)) {
            *slope = x
                .chunks_exact(depth)
                .map(|x| (0..depth).map(|k| others(x, k).powi(2)).sum::<f64>())
                .sum();
        }
        return;
    }
    let mut position = hadaflow_core::mirror::Position::new(problem.cols(), case.flow.signed());
    case.flow.position(&case.state, &case.evaluation, &mut position);
    case.flow.mirror().inverse_metric(&position, slopes);
}

fn others(x: &[f64], k: usize) -> f64 {
    (0..x.len()).filter(|&j| j != k).map(|j| x[j]).product()
}

/// From c = 1e-6 to 1e8 the structured solve is a good approximate inverse M⁻¹ of I − cJ: the iteration
/// x ← x + M⁻¹(b − (I − cJ)x) contracts. Dropped columns have d_j‖a_j‖² < 0.02 each; over 14 columns they perturb K by
/// at most 0.28.
#[test]
fn newton_iterations_contract_for_every_step_size() {
    let operators = SHAPES.map(|(m, n)| dense(wild_matrix(m, n)));
    let mut table = Vec::new();
    for exponent in -6..=8 {
        let c = 10f64.powi(exponent);
        let mut worst = (0.0, String::new());
        let cases = operators
            .iter()
            .flat_map(|operator| all_cases(operator, 0.05 / c.max(1.0)));
        for case in cases {
            let matrix = newton_matrix(&case.jacobian(), c);
            let d = case.flow.dim();
            let error = DMatrix::identity(d, d) - case.solve(c, &matrix);
            let rate = worse(spectral_radius(&error), 0.0);
            if rate.is_nan() || rate > worst.0 {
                worst = (rate, case.label.clone());
            }
        }
        table.push(format!("c = {c:e}: {:.1e} ({})", worst.0, worst.1));
        assert!(worst.0 <= 0.3, "{}", table.last().unwrap());
    }
    println!("{}", table.join("\n"));
}

/// Largest modulus of the eigenvalues, from above: ‖E⁶⁴‖^{1/64} in the Frobenius norm, with a factor of at most d^{1/64}.
fn spectral_radius(matrix: &DMatrix<f64>) -> f64 {
    let mut power = matrix.clone();
    let mut log_norm = 0.0;
    for _ in 0..6 {
        let norm = power.norm();
        if norm == 0.0 {
            return 0.0;
        }
        power /= norm;
        power = &power * &power;
        log_norm = 2.0 * (log_norm + norm.ln());
    }
    ((log_norm + power.norm().ln()) / 64.0).exp()
}

/// Two equal columns make A diag(d) Aᵀ and N = δD⁻¹ + A_SᵀA_S as singular as they get: the solution must still be that of
/// the dense matrix, and treat the twins alike.
#[test]
fn duplicate_columns_are_treated_alike() {
    for (m, n) in SHAPES {
        duplicate_columns(m, n);
    }
}

fn duplicate_columns(m: usize, n: usize) {
    let mut matrix = wild_matrix(m, n);
    let first = matrix.column(2).clone_owned();
    matrix.set_column(7, &first);
    let operator = dense(matrix);
    for c in [10.0, 1e2, 1e5, 1e8] {
        for kind in KINDS {
            for depth in DEPTHS {
                for sign in SIGNS {
                    let mut case = case(operator.clone(), kind, depth, sign, 0.05 / c);
                    let k = case.flow.dim() / n;
                    if kind != Kind::Dual {
                        let (twin, other) = (2 * k..3 * k, 7 * k);
                        case.state.copy_within(twin, other);
                        let flow = case.flow.clone();
                        flow.evaluate(&case.state, &mut case.evaluation);
                        // Keep the residual small although the twin's weight has changed.
                        let mut y = vec![0.0; m];
                        operator.apply(&case.evaluation.weights, &mut y);
                        let problem = Problem::new(operator.clone(), y, None, 0.0).unwrap();
                        case.flow = build(problem, kind, depth, sign, 0.4);
                        case.flow.evaluate(&case.state, &mut case.evaluation);
                    }
                    if !keeps_all_columns(&case, c) {
                        continue;
                    }
                    let d = case.flow.dim();
                    let mut right = DMatrix::from_vec(d, 1, Numbers::new(5).take(d));
                    if kind != Kind::Dual {
                        for e in 0..k {
                            right[7 * k + e] = right[2 * k + e];
                        }
                    }
                    let ours = case.solve(c, &right);
                    let naive = naive_solve(&newton_matrix(&case.jacobian(), c), &right);
                    let error = (&ours - &naive).amax() / naive.amax();
                    // N is regularised at 1e-13 relative, and its condition number is c‖J‖ for a pair of twins.
                    let tolerance = 1e-8f64.max(1e-13 * c * case.jacobian().amax());
                    assert!(error <= tolerance, "{} c = {c:e}: {error:e}", case.label);
                    if kind != Kind::Dual {
                        for e in 0..k {
                            let split = (ours[7 * k + e] - ours[2 * k + e]).abs();
                            assert!(split <= tolerance * naive.amax(), "{} c = {c:e}: {split:e}", case.label);
                        }
                    }
                }
            }
        }
    }
}

/// The matrix-free operator against the same matrix stored densely.
#[test]
fn matrix_free_solves_agree_with_dense_ones() {
    let (m, n) = (8, 20);
    let rows = vec![0, 2, 3, 7, 8, 12, 15, 19];
    assert_eq!(rows.len(), m);
    let free: Arc<dyn MeasurementOperator> = Arc::new(SubsampledDctOperator::new(n, rows).unwrap());
    let stored = dense(matrix_of(free.as_ref()));
    for exponent in [-6, -3, -1, 0, 1, 2, 4, 6, 8] {
        let c = 10f64.powi(exponent);
        let pull = 0.05 / c.max(1.0);
        for (ours, twin) in all_cases(&free, pull).into_iter().zip(all_cases(&stored, pull)) {
            // Transform and product differ by rounding only.
            let (jacobian, dense_jacobian) = (ours.jacobian(), twin.jacobian());
            let difference = (&jacobian - &dense_jacobian).amax();
            assert!(
                difference <= 1e-12 * dense_jacobian.amax(),
                "{}: {difference:e}",
                ours.label
            );
            // Conjugate gradients stop at 1e-4 in the energy norm; ten times that in the maximum norm of the solution
            // leaves room for the (modest) condition of the preconditioned matrix.
            let right = DMatrix::from_vec(ours.flow.dim(), 2, Numbers::new(9).take(2 * ours.flow.dim()));
            let naive = naive_solve(&newton_matrix(&dense_jacobian, c), &right);
            let solved = ours.solve(c, &right);
            let error = (&solved - &naive).amax() / naive.amax();
            assert!(error <= 1e-3, "{} c = {c:e}: {error:e}", ours.label);
        }
    }
}

/// A plateau of a deep model at step sizes up to 1e40: two active weights, two tiny ones with a pull, right-hand sides as
/// an implicit step has them (large where the state is stiff).
///
/// The twin is dense LU of the row-equilibrated 4×4 (8×8) matrix. The correction must be finite and agree in every entry
/// relative to the largest one.
#[test]
fn huge_steps_on_a_plateau_give_finite_corrections() {
    let matrix = DMatrix::from_row_slice(3, 4, &[0.9, -0.2, 0.5, 0.3, 0.1, 0.8, 0.4, -0.6, 0.3, 0.2, -0.7, 0.5]);
    for (depth, tiny) in [(3usize, 1e-40f64), (4, 1e-20), (6, 1e-10)] {
        for sign in SIGNS {
            for c in [1e10, 1e20, 1e30, 1e38, 0.1 * tiny.powi(2 - depth as i32)] {
                // u = (1, 0.7, tiny, tiny); r is orthogonal to the two active columns, as on a plateau.
                let entries = if sign == Sign::Signed { 2 } else { 1 };
                let mut state = Vec::new();
                for (i, log) in [0.0, 0.7f64.ln(), tiny.ln(), tiny.ln()].into_iter().enumerate() {
                    state.push(log);
                    if entries == 2 {
                        // The partner of an active factor is about tiny / 2^{1/(L−2)}.
                        let partner = tiny.ln() - if i < 2 { 2f64.ln() / (depth as f64 - 2.0) } else { 0.0 };
                        state.push(partner);
                    }
                }
                let (a, b) = (matrix.column(0), matrix.column(1));
                let mut r = DVector::from_vec(vec![
                    a[1] * b[2] - a[2] * b[1],
                    a[2] * b[0] - a[0] * b[2],
                    a[0] * b[1] - a[1] * b[0],
                ]);
                r *= 0.5 / r.norm();
                let start = vec![tiny; 4];
                let at = |y: &[f64]| {
                    let problem = Problem::new(dense(matrix.clone()), y.to_vec(), None, 0.0).unwrap();
                    Arc::new(LogFlow::new(problem, depth, sign, &start).unwrap())
                };
                let y = measurements_for(at(&[1.0; 3]).as_ref(), &state, r.as_slice());
                let flow: Arc<dyn Flow> = at(&y);
                let mut evaluation = Evaluation::new(3, 4);
                flow.evaluate(&state, &mut evaluation);
                // The exact pull on an active coordinate is zero; what rounding leaves of it would be magnified by c.
                evaluation.adjoint[0] = 0.0;
                evaluation.adjoint[1] = 0.0;
                let case = Case {
                    label: format!("plateau L = {depth} {sign:?}"),
                    flow,
                    state,
                    evaluation,
                };
                let jacobian = case.jacobian();
                let newton = newton_matrix(&jacobian, c);
                // b: c times a velocity of size one in the active entries, of size one elsewhere.
                let d = case.flow.dim();
                let numbers = Numbers::new(3).take(d);
                let right = DMatrix::from_fn(d, 1, |i, _| {
                    let row = newton.row(i).amax();
                    numbers[i] * row.max(1.0)
                });
                let ours = case.solve(c, &right);
                let naive = naive_solve(&newton, &right);
                let size = naive.amax();
                assert!(
                    size > 1e-3 && size < 1e3,
                    "{} c = {c:e}: twin of size {size:e}",
                    case.label
                );
                let error = (&ours - &naive).amax() / size;
                // The tiny columns may be dropped (d below 0.02), which the contraction of the iteration covers.
                assert!(
                    error <= 0.1,
                    "{} c = {c:e}: {error:e}\nours {ours}\nnaive {naive}",
                    case.label
                );
            }
        }
    }
}

/// An escape from a saddle can make d_j negative: the matrix then has none of it.
#[test]
fn negative_entries_of_the_diagonal_count_as_zero() {
    for (m, n) in SHAPES {
        let operator = dense(wild_matrix(m, n));
        let solved = |d: &[f64]| {
            let mut gram = GramSolver::new(operator.clone());
            let mut b = Numbers::new(5).take(m);
            assert!(gram.factorize(d) && gram.solve(&mut b));
            b
        };
        let mut d: Vec<f64> = Numbers::new(9).take(n).iter().map(|d| 1.0 + d.abs()).collect();
        (d[1], d[n - 1]) = (-0.3, -0.5);
        let clipped: Vec<f64> = d.iter().map(|d| d.max(0.0)).collect();
        assert_eq!(solved(&d), solved(&clipped), "{m} x {n}");
    }
}
