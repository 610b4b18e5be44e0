//! What varies, over which values, and how the cost may grow with it.

use serde::{Deserialize, Serialize};

/// One problem and model, but for the seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub m: usize,
    pub n: usize,
    pub s: usize,
    pub depth: usize,
    pub alpha: f64,
    pub tolerance: f64,
    /// Whether A is rows of the cosine transform and the run is short.
    pub transform: bool,
}

const BASE: Case = Case {
    m: 250,
    n: 1000,
    s: 15,
    depth: 2,
    alpha: 1e-3,
    tolerance: 1e-6,
    transform: false,
};

/// Something that varies, and how the cost is stated to grow with x at most: as the powers `each` and `many` of it.
pub struct Quantity {
    pub name: &'static str,
    pub cases: Vec<Case>,
    pub x: fn(&Case) -> f64,
    /// x on an axis, and in the tables.
    pub label: &'static str,
    pub symbol: &'static str,
    /// Power of the time of a right-hand side, or of a product without a matrix.
    pub each: f64,
    /// Power of their number.
    pub many: f64,
}

/// All quantities.
pub fn quantities() -> Vec<Quantity> {
    let vary = |values: &[usize], set: fn(usize) -> Case| values.iter().map(|&value| set(value)).collect();
    let vary_real = |values: &[f64], set: fn(f64) -> Case| values.iter().map(|&value| set(value)).collect();
    vec![
        Quantity {
            name: "m",
            cases: vary(&[50, 100, 200, 400, 800], |m| Case { m, ..BASE }),
            x: |case| case.m as f64, // a count
            label: "measurements 𝑚",
            symbol: "$m$",
            each: 1.0,
            many: 0.0,
        },
        Quantity {
            name: "n",
            cases: vary(&[250, 500, 1000, 2000, 4000, 8000, 16000], |n| Case { n, ..BASE }),
            x: |case| case.n as f64, // a count
            label: "dimension 𝑛",
            symbol: "$n$",
            each: 1.0,
            many: 0.0,
        },
        Quantity {
            name: "s",
            cases: vary(&[2, 5, 10, 20, 50, 100], |s| Case { s, ..BASE }),
            x: |case| case.s as f64, // a count
            label: "nonzero entries 𝑠",
            symbol: "$s$",
            each: 1.0,
            many: 1.0,
        },
        Quantity {
            name: "L",
            cases: vary(&[2, 3, 4, 5, 6], |depth| Case {
                depth,
                alpha: 1e-1,
                tolerance: 1e-8,
                ..BASE
            }),
            x: |case| case.depth as f64 - 1.0, // at most 6
            label: "depth 𝐿 − 1",
            symbol: "$L-1$",
            each: 0.0,
            many: 1.0,
        },
        Quantity {
            name: "alpha",
            cases: vary_real(&[1e-1, 1e-3, 1e-6, 1e-12, 1e-30, 1e-60], |alpha| Case { alpha, ..BASE }),
            x: |case| -case.alpha.log10(),
            label: "log₁₀ 1/α",
            symbol: "$\\log1/\\alpha$",
            each: 0.0,
            many: 1.0,
        },
        Quantity {
            name: "tolerance",
            cases: vary_real(&[1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9], |tolerance| Case {
                tolerance,
                ..BASE
            }),
            x: |case| 1.0 / case.tolerance,
            label: "1/tolerance",
            symbol: "$1/\\tau$",
            each: 0.0,
            many: 0.2,
        },
        Quantity {
            name: "dct",
            cases: (14..=20)
                .map(|k| Case {
                    m: 1 << (k - 4),
                    n: 1 << k,
                    s: 32,
                    transform: true,
                    ..BASE
                })
                .collect(),
            x: |case| case.n as f64 * (case.n as f64).log2(), // a count
            label: "𝑛 log₂ 𝑛",
            symbol: "$n\\log n$ (cosine transform)",
            each: 1.0,
            many: 0.0,
        },
    ]
}
