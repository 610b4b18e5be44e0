//! Backward differences of everything that is integrated, at one step size.

#![allow(clippy::needless_range_loop)] // indices as in the formulas

use super::formula::{self, MAX_ORDER};

/// ∇⁰…∇^{k+2} of a vector function, one row each.
pub(super) struct History {
    rows: [Vec<f64>; MAX_ORDER + 3],
    /// Row used while rescaling.
    spare: Vec<[f64; MAX_ORDER + 1]>,
}

impl History {
    /// A history of order 1: value and ∇¹ = h·velocity are to be filled in.
    pub(super) fn new(length: usize) -> Self {
        Self {
            rows: std::array::from_fn(|_| vec![0.0; length]),
            spare: Vec::new(),
        }
    }

    /// ∇ʲ.
    pub(super) fn row(&self, j: usize) -> &[f64] {
        &self.rows[j]
    }

    /// ∇ʲ, to be set.
    pub(super) fn row_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.rows[j]
    }

    /// y⁰ = Σ_{j≤k} ∇ʲ and ψ = Σ_{j≥1} γ_j ∇ʲ/((1 − κ)γ_k).
    pub(super) fn predict(&self, order: usize, predictor: &mut [f64], psi: &mut [f64]) {
        predictor.copy_from_slice(&self.rows[0]);
        psi.fill(0.0);
        for j in 1..=order {
            let factor = formula::memory(order, j);
            for ((y, psi), d) in predictor.iter_mut().zip(psi.iter_mut()).zip(&self.rows[j]) {
                *y += d;
                *psi += factor * d;
            }
        }
    }

    /// Takes over the correction d of an accepted step of that order.
    pub(super) fn accept(&mut self, order: usize, correction: &[f64]) {
        let (lower, upper) = self.rows.split_at_mut(order + 2);
        for ((next, last), d) in upper[0].iter_mut().zip(&mut lower[order + 1]).zip(correction) {
            *next = d - *last;
            *last = *d;
        }
        for j in (0..=order).rev() {
            let (lower, upper) = self.rows.split_at_mut(j + 1);
            for (d, above) in lower[j].iter_mut().zip(&upper[0]) {
                *d += above;
            }
        }
    }

    /// Differences ∇¹…∇^k of the same polynomial at step `factor`·h.
    pub(super) fn rescale(&mut self, order: usize, factor: f64) {
        let matrix = formula::rescaling(order, factor);
        let length = self.rows[0].len();
        self.spare.resize(length, [0.0; MAX_ORDER + 1]);
        for (i, old) in self.spare.iter_mut().enumerate() {
            for j in 1..=order {
                old[j] = self.rows[j][i];
            }
        }
        for j in 1..=order {
            for (new, old) in self.rows[j].iter_mut().zip(&self.spare) {
                *new = (1..=order).map(|l| old[l] * matrix[l][j]).sum();
            }
        }
    }

    /// Entries `range` of the interpolating polynomial, θ ∈ [−1, 0] steps after the end of the last step.
    pub(super) fn interpolate(&self, order: usize, theta: f64, range: std::ops::Range<usize>, out: &mut [f64]) {
        let basis = formula::newton_polynomials(order, theta);
        out.copy_from_slice(&self.rows[0][range.clone()]);
        for j in 1..=order {
            for (out, d) in out.iter_mut().zip(&self.rows[j][range.clone()]) {
                *out += basis[j] * d;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cubic(t: f64) -> f64 {
        1.0 + t * (2.0 + t * (-0.5 + 0.25 * t))
    }

    /// ∇ʲ of the cubic at t = 2.
    fn history(h: f64) -> History {
        let mut history = History::new(1);
        let mut values: Vec<f64> = (0..4).map(|back| cubic(2.0 - h * f64::from(back))).collect();
        for j in 0..4 {
            history.row_mut(j)[0] = values[0];
            values = values.windows(2).map(|pair| pair[0] - pair[1]).collect();
        }
        history
    }

    #[test]
    fn a_polynomial_stays_itself_at_another_step() {
        let mut rescaled = history(0.5);
        rescaled.rescale(3, 0.37);
        let direct = history(0.5 * 0.37);
        for j in 0..4 {
            assert!((rescaled.row(j)[0] - direct.row(j)[0]).abs() <= 1e-14, "row {j}");
        }
    }

    #[test]
    fn a_polynomial_is_interpolated_and_predicted_exactly() {
        let (mut value, mut psi) = ([0.0], [0.0]);
        let history = history(0.5);
        for theta in [-1.0, -0.3, 0.0] {
            history.interpolate(3, theta, 0..1, &mut value);
            assert!((value[0] - cubic(2.0 + 0.5 * theta)).abs() <= 1e-14);
        }
        history.predict(3, &mut value, &mut psi);
        assert!((value[0] - cubic(2.5)).abs() <= 1e-14);
        // d = c f − ψ with d = 0: ψ is c times the derivative at the new time
        let slope = 2.0 - 2.5 + 0.75 * 2.5 * 2.5;
        assert!((psi[0] - 0.5 / formula::leading(3) * slope).abs() <= 1e-14);
    }
}
