//! How much a limit w of the flow changes with its data, entry by entry.
//!
//! At the limit A w = y, w = w(s), s = Aᵀq. With D = diag(w′(s)), A ∈ R^{m×n}, to first order
//!
//! ```text
//! δw = W (δy − δA w) + K (δAᵀq + δs₀),     W = DAᵀ(ADAᵀ)⁻¹ ∈ R^{n×m},   K = D − WAD ∈ R^{n×n}
//! ```
//!
//! where δs₀ is what a change of the start amounts to: at most L T δα/α, T the unit of q. A relative change ε of the columns
//! of A, of y and of the start (in length, so that it covers the rounding of rotations) changes w_j by at most ε U_j,
//!
//! ```text
//! U_j = |W_j|₂ (Σ_k |A_k|₂|w_k| + |y|₂) + Σ_k |K_jk| (|A_k|₂|q|₂ + L T)
//! ```
//!
//! W and K are the two solutions of the least-squares problem of a Newton step, row by row accurate
//! (see `weighted_qr`); |W| is bounded by a number of A alone, whatever D (Stewart, Linear Algebra Appl. 112, 1989).

use hadaflow_core::compensated::norm;
use nalgebra::DMatrix;

use super::bregman_projection::{Limit, WeightedQr};
use super::orthogonal_basis::OrthogonalBasis;

/// U, n entries; NaN or ∞ where it leaves the range of doubles.
pub(crate) fn sensitivity(a: &DMatrix<f64>, y: &[f64], limit: &Limit, depth: usize) -> Vec<f64> {
    let n = a.ncols();
    let (_, rows) = OrthogonalBasis::spanning(&a.transpose());
    if rows.is_empty() {
        return vec![0.0; n];
    }
    let kept = a.select_rows(&rows);
    let roots = roots(limit, depth);
    let mut qr = WeightedQr::<f64>::default();
    qr.factorize(&kept, &roots);
    let lengths: Vec<f64> = a.column_iter().map(|column| column.norm()).collect();
    let pushed: f64 = lengths
        .iter()
        .zip(&limit.weights)
        .map(|(a, w)| a * w.abs())
        .sum::<f64>()
        + norm(y);
    let q = norm(&limit.dual);
    let mut squares = vec![0.0; n];
    let (mut x, mut h) = (vec![0.0; n], vec![0.0; rows.len()]);
    for i in 0..rows.len() {
        x.fill(0.0);
        h.fill(0.0);
        h[i] = 1.0;
        qr.solve(&mut x, &mut h);
        let column = x.iter().zip(&roots).map(|(x, root)| x * root);
        squares.iter_mut().zip(column).for_each(|(sum, w)| *sum += w * w);
    }
    let mut changes: Vec<f64> = squares.iter().map(|s| s.sqrt() * pushed).collect();
    for k in 0..n {
        x.fill(0.0);
        h.fill(0.0);
        x[k] = roots[k];
        qr.solve(&mut x, &mut h);
        let along = lengths[k] * q + depth as f64; // at most 64
        for ((change, x), root) in changes.iter_mut().zip(&x).zip(&roots) {
            *change += (x * root).abs() * along;
        }
    }
    changes
}

/// √(w′T), n entries: with it K is in units of T, and W as it is.
fn roots(limit: &Limit, depth: usize) -> Vec<f64> {
    let depth = depth as f64; // at most 64
    let power = depth - 1.0;
    let common = 0.5 * (depth.ln() + limit.log_dual_unit);
    (0..limit.log_u.len())
        .map(|j| {
            let u = (common + power * limit.log_u[j]).exp();
            limit.log_v.get(j).map_or(u, |v| u.hypot((common + power * v).exp()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::bregman_projection;
    use crate::reference::testing::{gaussian, rng, times};
    use hadaflow_core::initialization::Sign::{self, Positive, Signed};
    use rand::RngExt;

    fn limit(a: &DMatrix<f64>, y: &[f64], depth: usize, sign: Sign, alpha: f64) -> Limit {
        let found = bregman_projection(a, y, depth, sign, &vec![alpha; a.ncols()]).unwrap();
        found.limit().unwrap().clone()
    }

    /// Changes of the data, far above rounding, change the limit by less than they may, and not by much less.
    #[test]
    fn limits_move_as_much_as_they_may() {
        for (depth, sign, alpha) in [
            (2, Signed, 0.3),
            (2, Positive, 0.1),
            (3, Signed, 0.2),
            (4, Positive, 0.5),
        ] {
            let mut rng = rng(5);
            let a = gaussian(4, 9, &mut rng);
            let x: Vec<f64> = (0..9)
                .map(|j| if j < 2 || sign == Positive { 1.0 } else { 0.1 })
                .collect();
            let y = times(&a, &x);
            let start = limit(&a, &y, depth, sign, alpha);
            let allowed = sensitivity(&a, &y, &start, depth);
            let change = 1e-7;
            let mut closest = 0.0f64;
            for _ in 0..40 {
                let mut random = |length: f64| 2.0 * (rng.random::<f64>() - 0.5) * change * length / 4f64.sqrt();
                let moved = DMatrix::from_fn(4, 9, |i, j| a[(i, j)] + random(a.column(j).norm()));
                let aim: Vec<f64> = y.iter().map(|v| v + random(norm(&y))).collect();
                let scale = 1.0 + random(1.0);
                let end = limit(&moved, &aim, depth, sign, alpha * scale);
                for ((a, b), allowed) in end.weights.iter().zip(&start.weights).zip(&allowed) {
                    closest = closest.max((a - b).abs() / (change * allowed));
                }
            }
            assert!((0.02..=1.001).contains(&closest), "L = {depth}, {sign:?}: {closest}");
        }
    }

    #[test]
    fn one_equation_in_one_unknown() {
        // w = y/a: δw = w(δy/y − δa/a), whatever the start
        let a = nalgebra::dmatrix![2.0];
        let found = sensitivity(&a, &[3.0], &limit(&a, &[3.0], 3, Signed, 0.1), 3);
        assert!((found[0] / 3.0 - 1.0).abs() < 1e-12, "{found:?}");
        let a = DMatrix::zeros(1, 1);
        assert_eq!(sensitivity(&a, &[0.0], &limit(&a, &[0.0], 3, Signed, 0.1), 3), [0.0]);
    }
}
