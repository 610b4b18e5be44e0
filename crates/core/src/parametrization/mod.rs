//! How the end-to-end weights w ∈ R^n are made of factors, coordinate by coordinate.
//!
//! The factor flow needs nothing else of a model than w_i as a function of that coordinate's k factors, with gradient
//! and Hessian: x_i′ = (Aᵀr)_i ∇w_i(x_i).

mod hadamard;

pub use hadamard::Hadamard;

/// A separable over-parametrization w_i = P(x_i), x_i ∈ R^k.
///
/// Gradient and Hessian are checked against finite differences of `weight` for every entry of the catalogue.
pub trait Parametrization: Send + Sync {
    /// The name used in scenarios.
    fn name(&self) -> &'static str;
    /// Number k of factors of one coordinate.
    fn factors(&self) -> usize;
    /// P(x).
    fn weight(&self, x: &[f64]) -> f64;
    /// `out = ∇P(x)`, k entries.
    fn gradient(&self, x: &[f64], out: &mut [f64]);
    /// `out = ∇²P(x)`, k×k entries, row-major.
    fn hessian(&self, x: &[f64], out: &mut [f64]);
}

/// Every parametrization, at the depths the tests use.
pub fn catalogue() -> Vec<Box<dyn Parametrization>> {
    vec![
        Box::new(Hadamard::new(2, false)),
        Box::new(Hadamard::new(2, true)),
        Box::new(Hadamard::new(3, false)),
        Box::new(Hadamard::new(3, true)),
        Box::new(Hadamard::new(6, false)),
        Box::new(Hadamard::new(6, true)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Conformance: analytic derivatives against central differences (their error is of order h² = 1e-10).
    #[test]
    fn derivatives_agree_with_differences() {
        let h = 1e-5;
        for p in catalogue() {
            let k = p.factors();
            let x: Vec<f64> = (0..k).map(|i| 0.7 + 0.31 * i as f64 - 0.04 * (i * i) as f64).collect();
            let (mut g, mut hess, mut plus, mut minus) = (vec![0.0; k], vec![0.0; k * k], vec![0.0; k], vec![0.0; k]);
            p.gradient(&x, &mut g);
            p.hessian(&x, &mut hess);
            for j in 0..k {
                let mut shifted = x.clone();
                shifted[j] = x[j] + h;
                let above = p.weight(&shifted);
                p.gradient(&shifted, &mut plus);
                shifted[j] = x[j] - h;
                let below = p.weight(&shifted);
                p.gradient(&shifted, &mut minus);
                let size = 1.0 + g[j].abs();
                assert!(
                    ((above - below) / (2.0 * h) - g[j]).abs() < 1e-8 * size,
                    "{} gradient {j}",
                    p.name()
                );
                for i in 0..k {
                    let difference = (plus[i] - minus[i]) / (2.0 * h);
                    let size = 1.0 + hess[i * k + j].abs();
                    assert!(
                        (difference - hess[i * k + j]).abs() < 1e-8 * size,
                        "{} Hessian {i},{j}",
                        p.name()
                    );
                }
            }
        }
    }
}
