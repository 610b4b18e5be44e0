//! How large a step gradient descent may take at a solution before it leaves it.
//!
//! Where Aw = y the Hessian of ℓ over all factors is JᵀJ with J = A diag-of-blocks(∇P(x_i)ᵀ), whose nonzero eigenvalues are
//! those of the m × m matrix A diag(|∇P(x_i)|²) Aᵀ. A step of size η multiplies its modes by 1 − ηλ, so it is stable iff
//!
//! ```text
//! η < η_c = 2 / λ_max(A diag(|∇P(x_i)|²) Aᵀ)        identical factors: |∇P|² = L(u^{2L−2} + v^{2L−2})
//! ```
//!
//! λ_max by Lanczos' iteration with full reorthogonalization, which needs products with A and Aᵀ only.

use hadaflow_core::flow::Flow;
use hadaflow_core::measurement::MeasurementOperator;
use nalgebra::{DMatrix, DVector};

/// Iterations: the largest eigenvalue has converged long before (and exactly after m of them).
const ITERATIONS: usize = 80;

/// η_c at a state that holds the factors; `None` for states that do not, +∞ where nothing moves.
pub fn stability_edge(flow: &dyn Flow, state: &[f64]) -> Option<f64> {
    let (x, (k, depth)) = (flow.factors(state)?, flow.factor_layout()?);
    let squares: Vec<f64> = x.chunks_exact(k).map(|x| gradient_square(x, depth)).collect();
    Some(2.0 / fastest_rate(flow.problem().operator.as_ref(), &squares))
}

/// λ_max(A diag(d) Aᵀ), d ≥ 0.
pub(crate) fn fastest_rate(operator: &dyn MeasurementOperator, squares: &[f64]) -> f64 {
    let mut adjoint = vec![0.0; operator.cols()];
    largest_eigenvalue(operator.rows(), |v, out| {
        operator.apply_adjoint(v, &mut adjoint);
        adjoint.iter_mut().zip(squares).for_each(|(a, d)| *a *= d);
        operator.apply(&adjoint, out);
    })
}

/// |∇P(x)|² for one coordinate: Σ over its products of Σ_k ∏_{j≠k} x_j².
fn gradient_square(x: &[f64], depth: usize) -> f64 {
    let others = |x: &[f64], k: usize| -> f64 { (0..x.len()).filter(|&j| j != k).map(|j| x[j] * x[j]).product() };
    x.chunks_exact(depth)
        .map(|x| (0..depth).map(|k| others(x, k)).sum::<f64>())
        .sum()
}

/// The largest eigenvalue of a symmetric positive semidefinite m × m matrix given by its products.
fn largest_eigenvalue(m: usize, mut apply: impl FnMut(&[f64], &mut [f64])) -> f64 {
    // Irregular signs and sizes: orthogonal to no eigenvector that has a name.
    let start = DVector::from_fn(m, |i, _| 1.0 + ((i as f64 + 1.0) * 1.7).sin());
    let mut basis = vec![start.normalize()];
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    loop {
        let v = &basis[basis.len() - 1];
        let mut next = DVector::zeros(m);
        apply(v.as_slice(), next.as_mut_slice());
        diagonal.push(v.dot(&next));
        let size = next.norm();
        for _ in 0..2 {
            for b in &basis {
                let along = b.dot(&next);
                next.axpy(-along, b, 1.0);
            }
        }
        let rest = next.norm();
        // What is left of an invariant subspace is rounding; a NaN ends the iteration as well.
        let goes_on = rest > 1e-13 * size && basis.len() < ITERATIONS.min(m);
        if !goes_on {
            break;
        }
        beside.push(rest);
        basis.push(next / rest);
    }
    let k = diagonal.len();
    let tridiagonal = DMatrix::from_fn(k, k, |i, j| match i.abs_diff(j) {
        0 => diagonal[i],
        1 => beside[i.min(j)],
        _ => 0.0,
    });
    if tridiagonal.iter().all(|x| x.is_finite()) {
        tridiagonal.symmetric_eigenvalues().max().max(0.0)
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hadaflow_core::flow::{DualFlow, FactorFlow};
    use hadaflow_core::initialization::{Sign, Start};
    use hadaflow_core::measurement::DenseOperator;
    use hadaflow_core::problem::Problem;

    use super::*;

    fn matrix(m: usize, n: usize) -> DMatrix<f64> {
        DMatrix::from_fn(m, n, |i, j| ((i * n + j) as f64 * 1.3 + 0.4).sin())
    }

    fn problem(a: &DMatrix<f64>) -> Problem {
        let y = vec![1.0; a.nrows()];
        Problem::new(Arc::new(DenseOperator::new(a.clone()).unwrap()), y, None, 0.0).unwrap()
    }

    /// The naive twin: a dense eigenvalue problem, |∇P|² written out. 130 rows are more than the iterations.
    #[test]
    fn the_edge_agrees_with_dense_eigenvalues() {
        for (m, n, depth) in [(1, 1, 2), (3, 7, 2), (20, 11, 3), (130, 150, 4)] {
            let a = matrix(m, n);
            let x0: Vec<f64> = (0..n).map(|i| 0.5 + 0.3 * (i as f64).cos()).collect();
            let flow = FactorFlow::new(problem(&a), depth, Sign::Signed, &Start::Identical(x0.clone())).unwrap();
            let power = 2 * depth as i32 - 2; // depth is small
            let d = DVector::from_iterator(n, x0.iter().map(|x| 2.0 * depth as f64 * x.powi(power)));
            let dense = &a * DMatrix::from_diagonal(&d) * a.transpose();
            let expected = 2.0 / dense.symmetric_eigenvalues().max();
            let found = stability_edge(&flow, &flow.initial_state()).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-9, "{m} x {n}: {found} {expected}");
        }
    }

    #[test]
    fn where_nothing_moves_every_step_is_stable() {
        let a = DMatrix::zeros(2, 3);
        let flow = FactorFlow::new(problem(&a), 2, Sign::Positive, &Start::Identical(vec![1.0; 3])).unwrap();
        assert_eq!(stability_edge(&flow, &flow.initial_state()), Some(f64::INFINITY));
        let dual = DualFlow::new(problem(&matrix(2, 3)), 2, Sign::Positive, &[1.0; 3]).unwrap();
        assert_eq!(stability_edge(&dual, &dual.initial_state()), None);
    }
}
