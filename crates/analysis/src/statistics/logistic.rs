//! Logistic fit of a transition: k_i successes in N_i trials at x_i, with
//!
//! ```text
//! p(x) = 1/(1 + e^{−(a + bx)}),    maximise Λ(a, b) = Σ k_i log p(x_i) + (N_i − k_i) log(1 − p(x_i))
//! half = −a/b, where p = ½,        se(half)² = gᵀI⁻¹g, g = ∇half (delta method), I = Σ N_i p(1−p) (1, x_i)(1, x_i)ᵀ
//! ```
//!
//! Λ is concave and I its negative Hessian, so Newton's method (here the same as iteratively reweighted least squares)
//! finds the maximum if there is one. There is none exactly if a threshold separates failures from successes: then Λ
//! grows as b → ±∞, and the data say only between which places the transition lies (Albert, Anderson, Biometrika 71, 1984).

use hadaflow_core::error::{CoreError, Result};

use super::{Interval, check_columns, normal_quantile};

/// Newton steps; about ten are usual, and forty the most seen among 50000 odd tables.
const STEPS: usize = 200;
/// The maximum is reached when Newton's decrement, an estimate of the Λ still to gain, is below this part of |Λ|.
const GAIN: f64 = 1e-20;

/// What success counts say about a transition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EmpiricalTransition {
    /// The maximum of the likelihood.
    Fitted(LogisticFit),
    /// A threshold in [low, high] separates failures from successes: every trial below `low` and above `high` ended one
    /// way each. Where `low` = `high`, that one place has both. The slope is infinite.
    Separated {
        /// The last place before the threshold.
        low: f64,
        /// The first place behind it.
        high: f64,
        /// Whether successes lie above it.
        rising: bool,
    },
    /// Every trial ended alike: the transition, if any, lies outside.
    Absent {
        /// All successes or all failures.
        succeeded: bool,
    },
    /// There are trials with both ends, but at a single place.
    OnePlace,
    /// The iteration found no maximum: the likelihood is too flat for double precision.
    NotConverged,
}

/// The maximum of the likelihood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticFit {
    /// Where p = ½.
    pub half: f64,
    /// Standard error of `half` by the delta method.
    pub half_error: f64,
    /// b: logits per unit of x; negative if success becomes rarer.
    pub slope: f64,
    /// Standard error of the slope.
    pub slope_error: f64,
    /// Λ at the maximum.
    pub log_likelihood: f64,
}

impl LogisticFit {
    /// p(x).
    pub fn probability(&self, x: f64) -> f64 {
        1.0 / (1.0 + (self.slope * (self.half - x)).exp())
    }

    /// Interval of the place where p = ½, at a confidence in (0, 1).
    pub fn half_interval(&self, confidence: f64) -> Result<Interval> {
        Ok(Interval::around(
            self.half,
            normal_quantile(confidence)? * self.half_error,
        ))
    }
}

/// Fits the transition of `successes[i]` in `trials[i]` at `x[i]`, in any order; places without trials are ignored.
pub fn logistic_fit(x: &[f64], successes: &[u64], trials: &[u64]) -> Result<EmpiricalTransition> {
    check(x, successes, trials)?;
    // Counts are far below 2⁵³.
    let cells: Vec<Cell> = (0..x.len())
        .filter(|&i| trials[i] > 0)
        .map(|i| Cell {
            x: x[i],
            successes: successes[i] as f64,
            failures: (trials[i] - successes[i]) as f64,
        })
        .collect();
    Ok(without_maximum(&cells).unwrap_or_else(|| maximise(&cells)))
}

/// The trials at one place.
#[derive(Debug, Clone, Copy)]
struct Cell {
    x: f64,
    successes: f64,
    failures: f64,
}

fn check(x: &[f64], successes: &[u64], trials: &[u64]) -> Result<()> {
    check_columns(&[("x", x)])?;
    for (what, found) in [("successes", successes.len()), ("trials", trials.len())] {
        if found != x.len() {
            let expected = x.len();
            return Err(CoreError::Shape { what, expected, found });
        }
    }
    match successes.iter().zip(trials).find(|(k, n)| k > n) {
        None => Ok(()),
        Some((k, n)) => Err(CoreError::OutOfRange {
            field: "successes",
            value: format!("{k} of {n} trials"),
            requirement: "there are at most as many successes as trials",
        }),
    }
}

/// The cases in which the likelihood has no maximum.
fn without_maximum(cells: &[Cell]) -> Option<EmpiricalTransition> {
    let range = |with: fn(&Cell) -> bool| {
        let places = cells.iter().filter(|cell| with(cell)).map(|cell| cell.x);
        places.fold(None, |range: Option<(f64, f64)>, x| {
            let (low, high) = range.unwrap_or((x, x));
            Some((low.min(x), high.max(x)))
        })
    };
    let (failed, succeeded) = (range(|c| c.failures > 0.0), range(|c| c.successes > 0.0));
    let (Some(failed), Some(succeeded)) = (failed, succeeded) else {
        return Some(EmpiricalTransition::Absent {
            succeeded: succeeded.is_some(),
        });
    };
    if failed == succeeded && failed.0 == failed.1 {
        return Some(EmpiricalTransition::OnePlace);
    }
    let separated =
        |low: f64, high: f64, rising| (low <= high).then_some(EmpiricalTransition::Separated { low, high, rising });
    separated(failed.1, succeeded.0, true).or_else(|| separated(succeeded.1, failed.0, false))
}

/// Newton's method in the coordinate u = (x − centre)/scale, in which the data fill [−1, 1]. Where places differ much in
/// their numbers of trials, a full step may fall off the ridge of Λ, and I be singular in double precision: then
/// I + λ diag(I) takes its place (Levenberg's method).
fn maximise(cells: &[Cell]) -> EmpiricalTransition {
    let (low, high) = cells
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), c| (a.min(c.x), b.max(c.x)));
    let (centre, scale) = (0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low);
    let cells: Vec<Cell> = cells
        .iter()
        .map(|c| Cell {
            x: (c.x - centre) / scale,
            ..*c
        })
        .collect();
    let (mut at, mut damping) = ((0.0, 0.0), 0.0);
    let mut value = likelihood(&cells, at);
    for _ in 0..STEPS {
        let local = Local::new(&cells, at);
        if let Some(step) = local.step(0.0) {
            let decrement = step.0 * local.gradient.0 + step.1 * local.gradient.1;
            if decrement <= GAIN * value.abs() {
                return finish(&local, at, value, centre, scale);
            }
        }
        let Some((next, reached)) = climb(&cells, &local, (at, value), &mut damping) else {
            return EmpiricalTransition::NotConverged;
        };
        (at, value) = (next, reached);
    }
    EmpiricalTransition::NotConverged
}

/// A step that does not go down, with as much damping as that takes, and what the next step begins with.
fn climb(
    cells: &[Cell],
    local: &Local,
    (at, value): ((f64, f64), f64),
    damping: &mut f64,
) -> Option<((f64, f64), f64)> {
    while *damping < 1e12 {
        if let Some(step) = local.step(*damping) {
            let next = (at.0 + step.0, at.1 + step.1);
            let reached = likelihood(cells, next);
            // A loss of rounding size is none.
            if reached >= value - 1e-14 * value.abs() {
                *damping = if *damping > 1e-6 { 0.1 * *damping } else { 0.0 };
                return Some((next, reached));
            }
        }
        *damping = (10.0 * *damping).max(1e-3);
    }
    None
}

/// The fit in the original coordinate, with its errors.
fn finish(local: &Local, (a, b): (f64, f64), log_likelihood: f64, centre: f64, scale: f64) -> EmpiricalTransition {
    let Some([aa, ab, bb]) = local.inverse(0.0) else {
        return EmpiricalTransition::NotConverged;
    };
    // half = −a/b, so its gradient is (−1/b)·(1, half).
    let half = -a / b;
    let variance = (aa + 2.0 * half * ab + half * half * bb) / (b * b);
    EmpiricalTransition::Fitted(LogisticFit {
        half: centre + scale * half,
        half_error: scale * variance.max(0.0).sqrt(),
        slope: b / scale,
        slope_error: bb.sqrt() / scale,
        log_likelihood,
    })
}

/// Λ, without overflow: log p = −log(1 + e^{−η}).
fn likelihood(cells: &[Cell], (a, b): (f64, f64)) -> f64 {
    let softplus = |eta: f64| eta.max(0.0) + (-eta.abs()).exp().ln_1p();
    let term = |cell: &Cell| {
        let eta = a + b * cell.x;
        -cell.successes * softplus(-eta) - cell.failures * softplus(eta)
    };
    cells.iter().map(term).sum()
}

/// Gradient and negative Hessian of Λ at a point.
struct Local {
    gradient: (f64, f64),
    /// I_aa, I_ab, I_bb.
    information: [f64; 3],
}

impl Local {
    fn new(cells: &[Cell], (a, b): (f64, f64)) -> Self {
        let (mut gradient, mut information) = ((0.0, 0.0), [0.0; 3]);
        for cell in cells {
            let eta = a + b * cell.x;
            // p and 1 − p, the small one without cancellation
            let (p, q) = (1.0 / (1.0 + (-eta).exp()), 1.0 / (1.0 + eta.exp()));
            let slope = cell.successes * q - cell.failures * p;
            let weight = (cell.successes + cell.failures) * p * q;
            gradient.0 += slope;
            gradient.1 += slope * cell.x;
            information[0] += weight;
            information[1] += weight * cell.x;
            information[2] += weight * cell.x * cell.x;
        }
        Self { gradient, information }
    }

    /// (I + λ diag(I))⁻¹ as its entries aa, ab, bb; nothing where it is singular in double precision.
    fn inverse(&self, damping: f64) -> Option<[f64; 3]> {
        let [aa, ab, bb] = self.information;
        let (aa, bb) = ((1.0 + damping) * aa, (1.0 + damping) * bb);
        let determinant = aa * bb - ab * ab;
        // Both products are rounded: below 1e-14 of them the difference has no digits.
        (determinant > 1e-14 * aa * bb).then(|| [bb / determinant, -ab / determinant, aa / determinant])
    }

    /// (I + λ diag(I))⁻¹∇Λ.
    fn step(&self, damping: f64) -> Option<(f64, f64)> {
        let [aa, ab, bb] = self.inverse(damping)?;
        let (a, b) = self.gradient;
        Some((aa * a + ab * b, ab * a + bb * b))
    }
}

#[cfg(test)]
mod tests;
