//! The numerical differentiation formulas of order 1 to 5 (Shampine & Reichelt, SIAM J. Sci. Comput. 18 (1997), Table 1).
//!
//! With backward differences ∇ʲ at a constant step h, predictor y⁰ = Σ_{j≤k} ∇ʲy_n and correction d = y_{n+1} − y⁰:
//!
//! ```text
//! d = c f(y⁰ + d) − ψ,    c = h/((1 − κ_k) γ_k),    ψ = Σ_{j=1..k} γ_j ∇ʲy_n/((1 − κ_k) γ_k),    γ_j = Σ_{i≤j} 1/i
//! local error ≈ (κ_k γ_k + 1/(k+1)) d,              d ≈ h^{k+1} y^{(k+1)}
//! ```

#![allow(clippy::needless_range_loop)] // indices as in the formulas

/// Highest order.
pub(super) const MAX_ORDER: usize = 5;

/// κ_k: what the formula takes of the extrapolation error, for a smaller error at little loss of stability.
const KAPPA: [f64; MAX_ORDER + 1] = [0.0, -0.185, -1.0 / 9.0, -0.0823, -0.0415, 0.0];

/// γ_k.
const GAMMA: [f64; MAX_ORDER + 2] = [0.0, 1.0, 3.0 / 2.0, 11.0 / 6.0, 25.0 / 12.0, 137.0 / 60.0, 147.0 / 60.0];

/// (1 − κ_k) γ_k = h/c.
pub(super) fn leading(order: usize) -> f64 {
    (1.0 - KAPPA[order]) * GAMMA[order]
}

/// Coefficient of ∇ʲy_n in ψ.
pub(super) fn memory(order: usize, j: usize) -> f64 {
    GAMMA[j] / leading(order)
}

/// Local error in units of ∇^{k+1}y; order 6 is only compared with, never used.
pub(super) fn error_constant(order: usize) -> f64 {
    let kappa = KAPPA.get(order).copied().unwrap_or(0.0);
    kappa * GAMMA[order] + 1.0 / (order + 1) as f64 // small integers
}

/// A square matrix that acts on ∇¹…∇^k: entry [i][j], i, j = 1..k.
pub(super) type Differences = [[f64; MAX_ORDER + 1]; MAX_ORDER + 1];

/// ∇ʲ of the same polynomial at step `factor`·h is Σ_i ∇ⁱ M[i][j]: the product R(factor) U of the paper, U = R(1).
pub(super) fn rescaling(order: usize, factor: f64) -> Differences {
    let (ratio, unit) = (values(order, factor), values(order, 1.0));
    let mut product = Differences::default();
    for i in 1..=order {
        for j in 1..=order {
            product[i][j] = (1..=order).map(|l| ratio[i][l] * unit[l][j]).sum();
        }
    }
    product
}

/// R[i][j] = Π_{l≤i} (l − 1 − factor·j)/l: the i-th Newton polynomial at j steps of `factor`·h back.
fn values(order: usize, factor: f64) -> Differences {
    let mut r = Differences::default();
    for j in 1..=order {
        let mut product = 1.0;
        for i in 1..=order {
            let (l, back) = (i as f64, factor * j as f64); // small integers
            product *= (l - 1.0 - back) / l;
            r[i][j] = product;
        }
    }
    r
}

/// Π_{i<j} (θ + i)/(i + 1), j = 1..order: what ∇ʲ counts at θ ≥ −1 steps after the end of the last step.
pub(super) fn newton_polynomials(order: usize, theta: f64) -> [f64; MAX_ORDER + 1] {
    let mut out = [1.0; MAX_ORDER + 1];
    for j in 1..=order {
        let i = (j - 1) as f64; // a small integer
        out[j] = out[j - 1] * (theta + i) / (i + 1.0);
    }
    out
}

/// What ∇ⁱ before a step (i = 0, 1, …) and its correction d count in the predictor, of order k and `factor`·h further on, of
/// the step after it.
///
/// With N_j of [`newton_polynomials`] it is Σ_{j≤k} N_j(factor) ∇ʲ after the step, where ∇ʲ = d + Σ_{i≥j} ∇ⁱ.
pub(super) fn second_prediction(order: usize, factor: f64) -> ([f64; MAX_ORDER + 1], f64) {
    let basis = newton_polynomials(order, factor);
    let mut sum = 0.0;
    let mut sums = [0.0; MAX_ORDER + 1];
    for i in 0..=MAX_ORDER {
        if i <= order {
            sum += basis[i];
        }
        sums[i] = sum;
    }
    (sums, sum)
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;

    /// Coefficients of x = 1/ζ in what the formula makes of y′ = zy/h with y_n = ζⁿ: Σ_{m≤k} (1 − x)^m/m − κγ_k (1 − x)^{k+1} − z.
    fn characteristic(order: usize, z: f64) -> Vec<f64> {
        let mut sum = vec![0.0; order + 2];
        let mut power = vec![1.0]; // (1 − x)^m
        for m in 1..=order + 1 {
            let mut next = vec![0.0; m + 1];
            for (i, c) in power.iter().enumerate() {
                next[i] += c;
                next[i + 1] -= c;
            }
            power = next;
            let factor = if m <= order {
                1.0 / m as f64
            } else {
                -KAPPA[order] * GAMMA[order]
            };
            power.iter().enumerate().for_each(|(i, c)| sum[i] += factor * c);
        }
        sum[0] -= z;
        sum
    }

    /// Moduli of the roots ζ, in decreasing order.
    fn moduli(order: usize, z: f64) -> Vec<f64> {
        // Σ c_i ζ^{−i} = 0: the companion matrix of c_0 ζ^d + c_1 ζ^{d−1} + …
        let c = characteristic(order, z);
        let d = c.len() - 1;
        let companion = DMatrix::from_fn(d, d, |i, j| match (i, j) {
            (0, j) => -c[j + 1] / c[0],
            (i, j) if i == j + 1 => 1.0,
            _ => 0.0,
        });
        let mut moduli: Vec<f64> = companion.complex_eigenvalues().iter().map(|root| root.norm()).collect();
        moduli.sort_by(|a, b| b.total_cmp(a));
        moduli
    }

    /// −J of the dual flow is symmetric: all its eigenvalues are there. What is left of an error after a step counts for
    /// [`super::super::drift`].
    #[test]
    fn at_constant_steps_every_order_is_stable_on_the_whole_negative_axis() {
        for order in 1..=MAX_ORDER {
            let at_zero = moduli(order, 0.0);
            assert!((at_zero[0] - 1.0).abs() <= 1e-9, "consistent");
            assert!(at_zero[1] <= 0.71, "order {order}: {at_zero:?}");
            for i in -60..=120 {
                let z = -10f64.powf(f64::from(i) / 20.0);
                let largest = moduli(order, z)[0];
                assert!(largest < 1.0, "order {order}, z = {z}: {largest}");
                assert!(z > -1.0 || largest <= 0.79, "order {order}, z = {z}: {largest}");
            }
        }
    }
}
