//! An upper bound on min ‖z‖₁ subject to Az = y (positive model: z ≥ 0): the norm of a solution near w.
//!
//! Signed: z = w + A⁺(y − Aw) is a solution, and ‖z‖₁ ≤ ‖w‖₁ + ‖A⁺(y − Aw)‖₁. Positive: the same z where it is ≥ 0;
//! elsewhere nonnegative least squares, a few rounds from the weights that look like a support, or, where that finds no
//! solution, the solution found from zero, once per run. Never ‖w‖₁ of a w that solves nothing: the bound is +∞ where no
//! solution is at hand.
//!
//! A⁺ by a QR factorization of independent rows of A, once per run: A_Iᵀ = QR, A⁺e = Q R⁻ᵀe_I for e in the range of A. The
//! correction is repeated once, and what then remains of y − Az, a rounding, is paid for with its own correction.

use std::sync::OnceLock;

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;
use nalgebra::DMatrix;

use super::leading::{Leading, affordable_matrix};
use super::{Context, Label, Observable};
use crate::column_qr::{ColumnQr, add, dot};
use crate::reference::EXACT;
use crate::reference::sign_constrained::{Constraint, SignConstrained, Target};

/// Columns that may enter in the repair of one row.
const ROUNDS: usize = 16;

#[derive(Default)]
struct UpperBound {
    inverse: OnceLock<RightInverse>,
    /// The bound from nonnegative least squares started at zero.
    from_zero: OnceLock<f64>,
}

pub(super) fn build(flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    match affordable_matrix(flow) {
        Some(_) => vec![Box::new(UpperBound::default())],
        None => Vec::new(),
    }
}

impl Observable for UpperBound {
    fn label(&self) -> Label {
        let text =
            "Upper bound on the least ℓ1 norm of a solution: the norm of one near the weights (infinite if none is).";
        Label::new("upper_bound", "‖w + A⁺(y − Aw)‖₁", false, text)
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        let problem = snapshot.flow.problem();
        let Some(matrix) = problem.operator.dense() else {
            return f64::INFINITY;
        };
        let inverse = self.inverse.get_or_init(|| RightInverse::new(matrix));
        let (y, w) = (&problem.measurements, &snapshot.evaluation.weights);
        let mut z = w.clone();
        for _ in 0..2 {
            let correction = inverse.apply(&rest(snapshot.flow, &z));
            add(1.0, &correction, &mut z);
        }
        let direct = priced(snapshot.flow, inverse, &z);
        if snapshot.flow.signed() || direct.is_infinite() || z.iter().all(|z| *z >= 0.0) {
            return direct;
        }
        let repair = |start: &[f64], rounds: usize| {
            let z = nonnegative(matrix, y, start, rounds);
            if z.iter().all(|z| *z >= 0.0) {
                priced(snapshot.flow, inverse, &z)
            } else {
                f64::INFINITY
            }
        };
        let leading = Leading::new(w, matrix.nrows().min(w.len()));
        let mut start = vec![0.0; w.len()];
        // where factors start differently one of them may change its sign, and w with it
        leading.order[..leading.deepest]
            .iter()
            .for_each(|&i| start[i] = w[i].max(0.0));
        let everything = || repair(&vec![0.0; w.len()], 10 * w.len() + 100);
        repair(&start, ROUNDS).min(*self.from_zero.get_or_init(everything))
    }
}

/// y − Az.
fn rest(flow: &dyn Flow, z: &[f64]) -> Vec<f64> {
    let problem = flow.problem();
    let mut image = vec![0.0; problem.rows()];
    problem.operator.apply(z, &mut image);
    problem
        .measurements
        .iter()
        .zip(image)
        .map(|(y, image)| y - image)
        .collect()
}

/// ‖z‖₁ and the price of what rounding leaves of y − Az; infinite where that is more than rounding.
fn priced(flow: &dyn Flow, inverse: &RightInverse, z: &[f64]) -> f64 {
    let e = rest(flow, z);
    let (gap, size) = (
        dot(&e, &e).sqrt(),
        dot(&flow.problem().measurements, &flow.problem().measurements).sqrt(),
    );
    let norm: f64 = z.iter().chain(&inverse.apply(&e)).map(|x| x.abs()).sum();
    // a NaN compares as false
    if gap <= EXACT * size && norm.is_finite() {
        norm
    } else {
        f64::INFINITY
    }
}

/// Nonnegative least squares from a nonnegative start, refined once on its support.
fn nonnegative(matrix: &DMatrix<f64>, y: &[f64], start: &[f64], rounds: usize) -> Vec<f64> {
    let mut solver = SignConstrained::new(matrix);
    let constraints = vec![Constraint::Nonnegative; start.len()];
    let mut z = solver.minimize(&constraints, Target::Vector(y), start, rounds).point;
    let correction = solver.fit(&solver.residual(y, &z));
    if z.iter().zip(&correction).all(|(z, c)| z + c >= 0.0) {
        add(1.0, &correction, &mut z);
    }
    z
}

/// A⁺ on the range of A.
struct RightInverse {
    /// Factorization of independent rows of A, as columns.
    qr: ColumnQr,
    /// Which rows.
    rows: Vec<usize>,
}

impl RightInverse {
    fn new(matrix: &DMatrix<f64>) -> Self {
        let mut qr = ColumnQr::new(matrix.ncols());
        let columns = matrix.transpose();
        let rows = (0..matrix.nrows())
            .filter(|&i| qr.push(columns.column(i).as_slice()))
            .collect();
        Self { qr, rows }
    }

    /// The shortest x with A x = e, for e in the range of A.
    fn apply(&self, e: &[f64]) -> Vec<f64> {
        let mut b: Vec<f64> = self.rows.iter().map(|&i| e[i]).collect();
        self.qr.solve_transposed(&mut b);
        self.qr.combine(&b)
    }
}
