//! The effective support when its columns are dependent: duplicates, or more active columns than measurements.
//!
//! N = δD⁻¹ + A_SᵀA_S is then singular up to δD⁻¹, which may be 1e-47 of the rest: weight moves freely between the
//! columns of a dependent set, and no factorization of N resolves that. Let B be the heaviest (in d_j‖a_j‖²) independent
//! columns and A_j = A_B X_j the others (j ∈ O). With the weight seen through the basis, y′ = y_B + X y_O,
//!
//! ```text
//! K_S = δI + A_B D′ A_Bᵀ,                  D′ = D_B + X D_O Xᵀ
//! (δD′⁻¹ + A_BᵀA_B) y′ = δ D′⁻¹ (D_B β_B + X D_O β_O) − A_Bᵀ z₀
//! (D_O⁻¹ + XᵀD_B⁻¹X) y_O = β_O − Xᵀ(β_B − D_B⁻¹ y′),    y_B = y′ − X y_O
//! ```
//!
//! are the same equations with every matrix of the size of one: with Y = D_B^{−½} X D_O^{½} and T = I + YYᵀ,
//! D′⁻¹ = D_B^{−½} T⁻¹ D_B^{−½} and (D_O⁻¹ + XᵀD_B⁻¹X)⁻¹ = D_O^{½} (I − YᵀT⁻¹Y) D_O^{½}. Each A_j depends only on heavier
//! columns, so Y stays of order one.

use faer::Mat;

use super::cholesky::Cholesky;
use super::gram::axpy;
use super::support::Columns;
use crate::vectorized::dot;

/// A column whose part outside the span of heavier ones is smaller than this is one of O.
const DEPENDENT: f64 = 1e-6;

/// See the module documentation. Indices count within the support.
pub(super) struct Basis {
    heavy: Vec<usize>,
    others: Vec<usize>,
    /// X, |B| × |O|.
    combination: Mat<f64>,
    /// Y, |B| × |O|.
    scaled: Mat<f64>,
    /// D^{½}.
    root: Vec<f64>,
    /// T = I + YYᵀ.
    mixture: Cholesky,
    /// δD′⁻¹ + A_BᵀA_B.
    core: Cholesky,
    delta: f64,
}

impl Basis {
    /// From the columns A_S, their d and δ; `None` if a matrix is not positive.
    pub(super) fn new(columns: &Columns, d: &[f64], delta: f64) -> Option<Self> {
        let (heavy, others, combination) = split(columns, d);
        let root: Vec<f64> = d.iter().map(|d| d.sqrt()).collect();
        let (r, p) = (heavy.len(), others.len());
        let scaled = Mat::from_fn(r, p, |i, j| combination[(i, j)] * (root[others[j]] / root[heavy[i]]));
        let identity = Mat::<f64>::identity(r, r);
        let mixture = Cholesky::new(&scaled * scaled.transpose() + &identity)?;
        let inverse = mixture.solved(identity);
        let gram = |i: usize, j: usize| dot(columns.column(heavy[i]), columns.column(heavy[j]));
        let core = Mat::from_fn(r, r, |i, j| {
            gram(i, j) + delta * (inverse[(i, j)] / root[heavy[i]] / root[heavy[j]])
        });
        Some(Self {
            core: Cholesky::new(core)?,
            heavy,
            others,
            combination,
            scaled,
            root,
            mixture,
            delta,
        })
    }

    /// y_S from β_S (on entry in `y`) and z₀; the caller then has δz = z₀ + A_S y_S.
    pub(super) fn solve(&self, columns: &Columns, y: &mut [f64], z: &[f64]) {
        let (r, p) = (self.heavy.len(), self.others.len());
        let beta: Vec<f64> = y.to_vec();
        let root = |which: &[usize], i: usize| self.root[which[i]];
        // D_B^{−½}(D_B β_B + X D_O β_O), and T⁻¹ of it
        let inner = Mat::from_fn(p, 1, |j, _| root(&self.others, j) * beta[self.others[j]]);
        let mixed = &self.scaled * &inner;
        let through = Mat::from_fn(r, 1, |i, _| root(&self.heavy, i) * beta[self.heavy[i]] + mixed[(i, 0)]);
        let through = self.mixture.solved(through);
        let right = Mat::from_fn(r, 1, |i, _| {
            self.delta * through[(i, 0)] / root(&self.heavy, i) - dot(columns.column(self.heavy[i]), z)
        });
        let seen = self.core.solved(right);
        // v = D_O^{½}(β_O − Xᵀ(β_B − D_B⁻¹y′)), y_O = D_O^{½}(v − YᵀT⁻¹Yv)
        let rest = Mat::from_fn(r, 1, |i, _| {
            beta[self.heavy[i]] - seen[(i, 0)] / root(&self.heavy, i) / root(&self.heavy, i)
        });
        let pulled = self.combination.transpose() * &rest;
        let v = Mat::from_fn(p, 1, |j, _| {
            root(&self.others, j) * (beta[self.others[j]] - pulled[(j, 0)])
        });
        let correction = self.scaled.transpose() * self.mixture.solved(&self.scaled * &v);
        let others = Mat::from_fn(p, 1, |j, _| root(&self.others, j) * (v[(j, 0)] - correction[(j, 0)]));
        let shared = &self.combination * &others;
        for (j, &o) in self.others.iter().enumerate() {
            y[o] = others[(j, 0)];
        }
        for (i, &b) in self.heavy.iter().enumerate() {
            y[b] = seen[(i, 0)] - shared[(i, 0)];
        }
    }
}

/// B, O and X: columns in the order of their weight, each either orthogonalised against B (twice) or expressed by it.
fn split(columns: &Columns, d: &[f64]) -> (Vec<usize>, Vec<usize>, Mat<f64>) {
    let k = columns.count();
    let norm = |j: usize| dot(columns.column(j), columns.column(j));
    let weight: Vec<f64> = (0..k).map(|j| d[j] * norm(j)).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&i, &j| weight[j].total_cmp(&weight[i]).then(i.cmp(&j)));
    let (mut heavy, mut others) = (Vec::new(), Vec::new());
    // A_B = QR: the orthonormal columns and, per column of B, its coefficients; likewise for O
    let (mut q, mut triangle): (Vec<Vec<f64>>, Vec<Vec<f64>>) = Default::default();
    let mut coefficients: Vec<Vec<f64>> = Vec::new();
    for j in order {
        let mut rest = columns.column(j).to_vec();
        let mut along: Vec<f64> = vec![0.0; q.len()];
        for _ in 0..2 {
            for (along, q) in along.iter_mut().zip(&q) {
                let part = dot(q, &rest);
                axpy(-part, q, &mut rest);
                *along += part;
            }
        }
        let left = dot(&rest, &rest).sqrt();
        if left > DEPENDENT * norm(j).sqrt() {
            rest.iter_mut().for_each(|x| *x /= left);
            along.push(left);
            q.push(rest);
            triangle.push(along);
            heavy.push(j);
        } else {
            coefficients.push(along);
            others.push(j);
        }
    }
    let mut combination = Mat::zeros(heavy.len(), others.len());
    for (j, along) in coefficients.iter().enumerate() {
        for i in (0..along.len()).rev() {
            let known: f64 = (i + 1..along.len()).map(|l| triangle[l][i] * combination[(l, j)]).sum();
            combination[(i, j)] = (along[i] - known) / triangle[i][i];
        }
    }
    (heavy, others, combination)
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::linalg::solvers::{PartialPivLu, Solve};

    /// 4 × 7: a copy, a negative copy, and one column more than the rank.
    fn columns() -> Columns {
        let entry = |i: usize, j: usize| match j {
            3 => (i, 0, 1.0),
            4 => (i, 1, -1.0),
            _ => (i, j, 1.0),
        };
        let value = |(i, j, sign): (usize, usize, f64)| sign * (((3 * i + 5 * j + 1) * (i + 2 * j + 3)) as f64).sin();
        let places = (0..7).flat_map(|j| (0..4).map(move |i| (i, j)));
        Columns::new(4, places.map(|(i, j)| value(entry(i, j))).collect())
    }

    fn solved(d: &[f64], delta: f64, beta: &[f64], z: &[f64]) -> Vec<f64> {
        let columns = columns();
        let mut y = beta.to_vec();
        Basis::new(&columns, d, delta).unwrap().solve(&columns, &mut y, z);
        y
    }

    /// δD⁻¹y + A_SᵀA_S y = δβ − A_Sᵀz₀ by LU, where d is small enough for it.
    #[test]
    fn it_solves_the_equations_of_the_support() {
        let columns = columns();
        let (delta, z) = (1.5, [0.3, -0.2, 0.9, 0.1]);
        let d = [3.0, 50.0, 0.2, 7.0, 1.0, 20.0, 0.5];
        let beta = [0.1, -0.4, 0.3, 0.25, 0.7, -0.9, 0.2];
        let mut matrix = columns.matrix().transpose() * columns.matrix();
        let mut right = Mat::zeros(7, 1);
        for i in 0..7 {
            matrix[(i, i)] += delta / d[i];
            right[(i, 0)] = delta * beta[i] - dot(columns.column(i), &z);
        }
        let naive = PartialPivLu::new(matrix.as_ref()).solve(&right);
        let ours = solved(&d, delta, &beta, &z);
        for i in 0..7 {
            assert!((ours[i] - naive[(i, 0)]).abs() <= 1e-11, "{ours:?} {naive:?}");
        }
    }

    /// At d = 1e40 no factorization of N is left: y must fit −z₀ all the same, and what moves freely between a column and
    /// its copy is β alone: D_O⁻¹y_O − D_B⁻¹y_B = β_O − β_B.
    #[test]
    fn weight_moves_freely_between_copies() {
        let d = [2e40, 1e40, 3e39, 1e40, 4e40, 1e40, 5e39];
        let beta = [0.3, -0.4, 0.3, 0.3, 0.4, -0.9, 0.2].map(|b| b * 1e-40);
        let z = [0.3, -0.2, 0.9, 0.1];
        let y = solved(&d, 1.0, &beta, &z);
        let columns = columns();
        for (i, z) in z.iter().enumerate() {
            let fit: f64 = (0..7).map(|j| columns.column(j)[i] * y[j]).sum::<f64>() + z;
            assert!(fit.abs() <= 1e-12, "{fit:e} {y:?}");
        }
        for (copy, original, sign) in [(3, 0, 1.0), (4, 1, -1.0)] {
            let trade = sign * y[copy] / d[copy] - y[original] / d[original];
            let expected = sign * beta[copy] - beta[original];
            assert!((trade - expected).abs() <= 1e-12 * 1e-40, "{trade:e} {expected:e}");
        }
    }
}
