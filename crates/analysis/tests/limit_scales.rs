//! Limits whose weights lie on many scales: rounded data seen from a tiny start, uneven starts, nearly singular matrices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use hadaflow_analysis::reference::{Computed, Feasibility, Projection, bregman_projection, strict_feasibility};
use hadaflow_core::initialization::Sign;
use hadaflow_core::randomness::{Purpose, stream};
use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::StandardNormal;

/// A family of instances: y = Ax, rounded, of an s-sparse x, for a Gaussian A.
struct Family {
    shape: (usize, usize, usize),
    depth: usize,
    sign: Sign,
    alpha: f64,
    /// Whether the start is α·1 or α times entries from 1 to 99.
    even: bool,
}

impl Family {
    fn draw(&self, seed: u64) -> (DMatrix<f64>, Vec<f64>, Vec<f64>) {
        let mut rng = stream(seed, Purpose::Matrix);
        let (m, n, s) = self.shape;
        let a = DMatrix::from_fn(m, n, |_, _| rng.sample::<f64, _>(StandardNormal) / (m as f64).sqrt()); // small
        let mut x = DMatrix::zeros(n, 1);
        for _ in 0..s {
            let j = rng.random_range(0..n);
            let negative = self.sign == Sign::Signed && rng.random_bool(0.5);
            x[j] = rng.random_range(0.5..1.5) * if negative { -1.0 } else { 1.0 };
        }
        let y = (&a * &x).as_slice().to_vec();
        let factor = |_| {
            if self.even {
                1.0
            } else {
                f64::from(rng.random_range(1..100u32))
            }
        };
        let x0 = (0..n).map(factor).map(|factor| self.alpha * factor).collect();
        (a, y, x0)
    }

    /// Every limit is attained with optimality to rounding, or there is no positive solution by another criterion.
    fn check(&self, seeds: std::ops::Range<u64>) {
        for seed in seeds {
            let (a, y, x0) = self.draw(seed);
            match bregman_projection(&a, &y, self.depth, self.sign, &x0).unwrap() {
                Projection::Attained(limit) => {
                    let image = &a * DMatrix::from_column_slice(limit.weights.len(), 1, &limit.weights);
                    let y = DMatrix::from_column_slice(y.len(), 1, &y);
                    let residual = (image - &y).norm() / y.norm();
                    let gap = self.mirror_gap(&a, &x0, &limit);
                    println!(
                        "{seed}: {} steps, residual {residual:.1e}, mirror relation {gap:.1e}",
                        limit.steps
                    );
                    assert!(residual <= 1e-14, "seed {seed}: {residual:e}");
                    assert!(gap <= 1e-10, "seed {seed}: mirror relation {gap:e}");
                    assert!(limit.steps <= 250, "seed {seed}: {} steps", limit.steps);
                }
                Projection::NotAttained(_) => {
                    let Computed::Value(found) = strict_feasibility(&a, &y) else {
                        panic!("seed {seed}");
                    };
                    assert!(self.sign == Sign::Positive, "seed {seed}");
                    assert!(!matches!(found.verdict, Feasibility::StrictlyPositive), "seed {seed}");
                }
                Projection::NotConverged(why) => panic!("seed {seed}: {why:?}"),
            }
        }
    }

    /// σ = Aᵀq/T against what the factors say: log(u/x0)/T (L = 2), (x0^{2−L} − u^{2−L})/((L−2)T) (L > 2), −σ for v.
    fn mirror_gap(&self, a: &DMatrix<f64>, x0: &[f64], limit: &hadaflow_analysis::reference::Limit) -> f64 {
        let sigma = a.tr_mul(&DMatrix::from_column_slice(limit.dual.len(), 1, &limit.dual));
        let power = self.depth as f64 - 2.0; // small
        let largest = x0.iter().fold(0.0f64, |a, x| a.max(*x));
        let scaled = |j: usize, log_u: f64| {
            if self.depth == 2 {
                (log_u - x0[j].ln()) / limit.log_dual_unit.exp()
            } else {
                (largest / x0[j]).powf(power) - (power * (largest.ln() - log_u)).exp()
            }
        };
        let gap = |j: usize, sign: f64, log_u: f64| {
            (scaled(j, log_u) - sign * sigma[j]).abs() / sigma[j].abs().max((largest / x0[j]).powf(power))
        };
        let plus = limit.log_u.iter().enumerate().map(|(j, u)| gap(j, 1.0, *u));
        let minus = limit.log_v.iter().enumerate().map(|(j, v)| gap(j, -1.0, *v));
        plus.chain(minus)
            .fold(0.0, |worst, gap| if gap <= worst { worst } else { gap })
    }
}

/// The limit has entries of 1e-17, the rounding of y, off the support: far above α².
#[test]
fn rounding_of_the_data_is_seen_from_a_tiny_start() {
    let family = |shape, sign, alpha| Family {
        shape,
        depth: 2,
        sign,
        alpha,
        even: true,
    };
    family((27, 52, 4), Sign::Positive, 6e-19).check(0..10);
    family((37, 102, 3), Sign::Signed, 7e-29).check(0..10);
    family((80, 200, 5), Sign::Signed, 1e-60).check(0..3);
    family((80, 200, 5), Sign::Positive, 1e-60).check(0..3);
}

/// x0^L over eight decades.
#[test]
fn an_uneven_start_of_a_deep_model() {
    let family = Family {
        shape: (35, 58, 12),
        depth: 4,
        sign: Sign::Positive,
        alpha: 1e-4,
        even: false,
    };
    family.check(0..30);
}

/// m = n: w = A⁻¹y, with entries off the support between its rounding and α³.
#[test]
fn a_square_matrix_of_large_condition() {
    let family = Family {
        shape: (50, 50, 10),
        depth: 3,
        sign: Sign::Signed,
        alpha: 1e-2,
        even: true,
    };
    for seed in [94, 139, 156, 234, 263, 297] {
        family.check(seed..seed + 1);
    }
}
