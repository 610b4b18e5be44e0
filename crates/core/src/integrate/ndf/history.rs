//! Backward differences of everything that is integrated, at one step size.

#![allow(clippy::needless_range_loop)] // indices as in the formulas

use super::formula::{self, Differences, MAX_ORDER};
use crate::vectorized::{self, Loop};

/// ∇⁰…∇^{k+2} of a vector function, one row each.
#[cfg_attr(test, derive(Clone))]
pub(super) struct History {
    rows: Rows,
}

type Rows = [Vec<f64>; MAX_ORDER + 3];

impl History {
    /// A history of order 1: value and ∇¹ = h·velocity are to be filled in.
    pub(super) fn new(length: usize) -> Self {
        Self {
            rows: std::array::from_fn(|_| vec![0.0; length]),
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
        let factors = std::array::from_fn(|j| formula::memory(order, j));
        run(
            order,
            &mut Predict {
                rows: &self.rows,
                factors,
                predictor,
                psi,
            },
        );
    }

    /// Entries `range` of Σ_{j≤k} b_j ∇ʲ, where b_0 is one.
    pub(super) fn combine(
        &self,
        order: usize,
        basis: [f64; MAX_ORDER + 1],
        range: std::ops::Range<usize>,
        out: &mut [f64],
    ) {
        run(
            order,
            &mut Combine {
                rows: &self.rows,
                basis,
                start: range.start,
                out,
            },
        );
    }

    /// Takes over the correction d of an accepted step of that order.
    pub(super) fn accept(&mut self, order: usize, correction: &[f64]) {
        run(
            order,
            &mut Accept {
                rows: &mut self.rows,
                correction,
            },
        );
    }

    /// Differences ∇¹…∇^k of the same polynomial at step `factor`·h.
    pub(super) fn rescale(&mut self, order: usize, factor: f64) {
        let matrix = formula::rescaling(order, factor);
        run(
            order,
            &mut Rescale {
                rows: &mut self.rows,
                matrix,
            },
        );
    }

    /// Entries `range` of the interpolating polynomial, θ ∈ [−1, 0] steps after the end of the last step.
    pub(super) fn interpolate(&self, order: usize, theta: f64, range: std::ops::Range<usize>, out: &mut [f64]) {
        self.combine(order, formula::newton_polynomials(order, theta), range, out);
    }
}

/// Entries that are worked on together: all rows are read once.
const LANES: usize = 8;

/// What is done to the entries of all rows at one place, given the order as a constant.
trait Entries {
    fn length(&self) -> usize;
    /// `W` entries from `i` on.
    fn at<const K: usize, const W: usize>(&mut self, i: usize);
}

struct Sweep<'a, const K: usize, E>(&'a mut E);

impl<const K: usize, E: Entries> Loop for Sweep<'_, K, E> {
    #[inline(always)]
    fn run(self) {
        let length = self.0.length();
        let whole = length - length % LANES;
        for i in (0..whole).step_by(LANES) {
            self.0.at::<K, LANES>(i);
        }
        for i in whole..length {
            self.0.at::<K, 1>(i);
        }
    }
}

fn run(order: usize, entries: &mut impl Entries) {
    match order {
        1 => vectorized::run(Sweep::<1, _>(entries)),
        2 => vectorized::run(Sweep::<2, _>(entries)),
        3 => vectorized::run(Sweep::<3, _>(entries)),
        4 => vectorized::run(Sweep::<4, _>(entries)),
        _ => vectorized::run(Sweep::<MAX_ORDER, _>(entries)),
    }
}

#[inline(always)]
#[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
fn load<const W: usize>(row: &[f64], i: usize) -> [f64; W] {
    let mut out = [0.0; W];
    out.copy_from_slice(&row[i..i + W]);
    out
}

struct Predict<'a> {
    rows: &'a Rows,
    factors: [f64; MAX_ORDER + 1],
    predictor: &'a mut [f64],
    psi: &'a mut [f64],
}

impl Entries for Predict<'_> {
    fn length(&self) -> usize {
        self.predictor.len()
    }

    #[inline(always)]
    fn at<const K: usize, const W: usize>(&mut self, i: usize) {
        let mut y = load::<W>(&self.rows[0], i);
        let mut psi = [0.0; W];
        for j in 1..=K {
            let d = load::<W>(&self.rows[j], i);
            for l in 0..W {
                y[l] += d[l];
                psi[l] += self.factors[j] * d[l];
            }
        }
        self.predictor[i..i + W].copy_from_slice(&y);
        self.psi[i..i + W].copy_from_slice(&psi);
    }
}

struct Accept<'a> {
    rows: &'a mut Rows,
    correction: &'a [f64],
}

impl Entries for Accept<'_> {
    fn length(&self) -> usize {
        self.correction.len()
    }

    #[inline(always)]
    fn at<const K: usize, const W: usize>(&mut self, i: usize) {
        let d = load::<W>(self.correction, i);
        let mut next = load::<W>(&self.rows[K + 1], i);
        for l in 0..W {
            next[l] = d[l] - next[l];
        }
        self.rows[K + 2][i..i + W].copy_from_slice(&next);
        self.rows[K + 1][i..i + W].copy_from_slice(&d);
        let mut above = d;
        for j in (0..=K).rev() {
            let row = load::<W>(&self.rows[j], i);
            for l in 0..W {
                above[l] += row[l];
            }
            self.rows[j][i..i + W].copy_from_slice(&above);
        }
    }
}

struct Rescale<'a> {
    rows: &'a mut Rows,
    matrix: Differences,
}

impl Entries for Rescale<'_> {
    fn length(&self) -> usize {
        self.rows[0].len()
    }

    #[inline(always)]
    fn at<const K: usize, const W: usize>(&mut self, i: usize) {
        let mut old = [[0.0; W]; MAX_ORDER + 1];
        for j in 1..=K {
            old[j] = load::<W>(&self.rows[j], i);
        }
        for j in 1..=K {
            let mut new = [0.0; W];
            for k in 1..=K {
                for l in 0..W {
                    new[l] += old[k][l] * self.matrix[k][j];
                }
            }
            self.rows[j][i..i + W].copy_from_slice(&new);
        }
    }
}

struct Combine<'a> {
    rows: &'a Rows,
    basis: [f64; MAX_ORDER + 1],
    start: usize,
    out: &'a mut [f64],
}

impl Entries for Combine<'_> {
    fn length(&self) -> usize {
        self.out.len()
    }

    #[inline(always)]
    fn at<const K: usize, const W: usize>(&mut self, i: usize) {
        let mut y = load::<W>(&self.rows[0], self.start + i);
        for j in 1..=K {
            let d = load::<W>(&self.rows[j], self.start + i);
            for l in 0..W {
                y[l] += self.basis[j] * d[l];
            }
        }
        self.out[i..i + W].copy_from_slice(&y);
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
        crate::vectorized::on_every_instruction_set(|| {
            let mut rescaled = history(0.5);
            rescaled.rescale(3, 0.37);
            let direct = history(0.5 * 0.37);
            for j in 0..4 {
                assert!((rescaled.row(j)[0] - direct.row(j)[0]).abs() <= 1e-14, "row {j}");
            }
        });
    }

    #[test]
    fn a_polynomial_is_interpolated_and_predicted_exactly() {
        crate::vectorized::on_every_instruction_set(|| {
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
        });
    }

    /// After a step of order k with correction d, the look of whatever order and step ahead is the prediction of that history.
    #[test]
    fn a_step_is_foreseen_whatever_its_order_and_size() {
        let value = |seed: usize| (0.7 * seed as f64 + 0.3).sin();
        for order in 1..=MAX_ORDER {
            for next in [order - 1, order, order + 1] {
                for factor in [0.4, 1.0, 1.7] {
                    if !(1..=MAX_ORDER).contains(&next) {
                        continue;
                    }
                    let mut history = History::new(1);
                    (0..MAX_ORDER + 3).for_each(|j| history.row_mut(j)[0] = value(j));
                    let d = value(31);
                    let (basis, of_correction) = formula::second_prediction(next, factor);
                    let mut foreseen = [0.0];
                    history.combine(order, basis, 0..1, &mut foreseen);
                    foreseen[0] += of_correction * d;
                    history.accept(order, &[d]);
                    history.rescale(next, factor);
                    let (mut predicted, mut psi) = ([0.0], [0.0]);
                    history.predict(next, &mut predicted, &mut psi);
                    let error = (foreseen[0] - predicted[0]).abs();
                    assert!(
                        error <= 1e-13 * predicted[0].abs().max(1.0),
                        "{order} to {next}, {factor}: {error:e}"
                    );
                }
            }
        }
    }
}
