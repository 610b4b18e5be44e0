//! The Hadamard product: P(x) = x_1 ⋯ x_L (positive) or u_1 ⋯ u_L − v_1 ⋯ v_L (signed, factors u first).

use super::Parametrization;

/// The Hadamard product: P(x) = x_1 ⋯ x_L (positive) or u_1 ⋯ u_L − v_1 ⋯ v_L (signed, factors u first).
///
/// Source: arXiv 2112.11027, Sect. 1.
#[derive(Debug, Clone, Copy)]
pub struct Hadamard {
    depth: usize,
    signed: bool,
}

impl Hadamard {
    /// The product of `depth` factors, or the difference of two such products.
    pub fn new(depth: usize, signed: bool) -> Self {
        Self { depth, signed }
    }

    /// The products a coordinate consists of, with their signs.
    fn products<'a>(&self, x: &'a [f64]) -> impl Iterator<Item = (f64, &'a [f64])> {
        x.chunks_exact(self.depth)
            .zip([1.0, -1.0])
            .map(|(factors, sign)| (sign, factors))
    }
}

/// ∏_{j ≠ skip} x_j, multiplied in the order of j.
fn product_of_others(x: &[f64], skip: usize) -> f64 {
    let (before, after) = x.split_at(skip);
    before.iter().chain(&after[1..]).product()
}

/// ∏_{j ∉ skip} x_j
fn product_without(x: &[f64], skip: [usize; 2]) -> f64 {
    x.iter()
        .enumerate()
        .filter(|(j, _)| !skip.contains(j))
        .map(|(_, x)| x)
        .product()
}

impl Parametrization for Hadamard {
    fn name(&self) -> &'static str {
        if self.signed { "Signed" } else { "Positive" }
    }

    fn factors(&self) -> usize {
        if self.signed { 2 * self.depth } else { self.depth }
    }

    fn weight(&self, x: &[f64]) -> f64 {
        self.products(x)
            .map(|(sign, factors)| sign * factors.iter().product::<f64>())
            .sum()
    }

    fn gradient(&self, x: &[f64], out: &mut [f64]) {
        for ((sign, factors), out) in self.products(x).zip(out.chunks_exact_mut(self.depth)) {
            for (k, out) in out.iter_mut().enumerate() {
                *out = sign * product_of_others(factors, k);
            }
        }
    }

    fn hessian(&self, x: &[f64], out: &mut [f64]) {
        let (depth, width) = (self.depth, self.factors());
        out.fill(0.0);
        for (block, (sign, factors)) in self.products(x).enumerate() {
            for i in 0..depth {
                for j in (0..depth).filter(|&j| j != i) {
                    out[(block * depth + i) * width + block * depth + j] = sign * product_without(factors, [i, j]);
                }
            }
        }
    }
}
