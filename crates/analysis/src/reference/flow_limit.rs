//! Where the flow from an identical start tends, also where Az = y has no (strictly positive) solution.
//!
//! For A ∈ R^{m×n}, y ∈ R^m and every factor starting at x0 ∈ R^n:
//!
//! ```text
//! w_∞ = argmin { D_F(z, w0) : z ∈ S },     S = argmin { |Az − y|₂ }    (over z ≥ 0 in a positive model)
//! ```
//!
//! Let z* ∈ S, y* = Az* (the same for all of S), r = y − y*. In a signed model Aᵀr = 0, so the flow for y is that for y*.
//! In a positive one Aᵀr ≤ 0 and z·Aᵀr = 0 for z ∈ S (Karush, Kuhn, Tucker), so that
//!
//! ```text
//! d/dt D_F(z, w) = ⟨w − z, Aᵀ(y − Aw)⟩ = −|Aw − y*|² + ⟨w, Aᵀr⟩ ≤ 0,
//! ```
//!
//! the same for every z ∈ S: what is left of D_F(z, w0) − D_F(z, w(t)) in the limit shows that w_∞ is the nearest point of
//! S to w0. (That the flow tends to S is in arXiv 2207.08437; for y* = y it is the theorem of arXiv 2112.11027, Sect. 2.)
//! F has infinite slope at 0, so w_∞ is 0 only where all of S is: on those entries it is 0, on the others it is the
//! projection onto a problem that has a positive solution.

use hadaflow_core::compensated::{norm, transpose_times};
use hadaflow_core::error::Result;
use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;

use super::EXACT;
use super::bregman_projection::{NotAttained, NotConverged, Projection, bregman_projection};
use super::computed::Computed;
use super::least_norm::least_norm;
use super::nonnegative_least_squares::{NonnegativeLeastSquares, OPTIMAL, nonnegative_least_squares};
use super::orthogonal_basis::OrthogonalBasis;
use super::quick_limit::quick_limit;
use super::strict_feasibility::{Feasibility, strict_feasibility};

/// The limit of a flow, and how it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowLimit {
    /// The projection onto Az = y; where it is attained it is the limit.
    pub projection: Projection,
    /// Where the flow tends; the reason if that is not known.
    pub end: Computed<End>,
}

/// Where a flow tends.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// w_∞, n entries.
    pub weights: Vec<f64>,
    /// y* = Aw_∞ up to rounding, m entries: y itself if it can be reached.
    pub reached: Vec<f64>,
    /// The set S whose nearest point it is.
    pub set: Set,
}

/// The set of which the limit is the point nearest to the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// The solutions of Az = y; in a positive model some are strictly positive.
    Solutions,
    /// The nonnegative solutions of Az = y, which share zeros: factors die out, and the dual variable diverges.
    NonnegativeSolutions,
    /// The least-squares solutions: nothing solves Az = y.
    LeastSquaresSolutions,
    /// The nonnegative least-squares solutions: nothing nonnegative solves Az = y.
    NonnegativeLeastSquaresSolutions,
}

impl Set {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Solutions => "solutions",
            Self::NonnegativeSolutions => "nonnegative_solutions",
            Self::LeastSquaresSolutions => "least_squares_solutions",
            Self::NonnegativeLeastSquaresSolutions => "nonnegative_least_squares_solutions",
        }
    }
}

/// Where the flow tends whose factors all start at x0 (n positive entries).
///
/// ```
/// use hadaflow_analysis::reference::{Computed, Set, flow_limit};
/// use hadaflow_core::initialization::Sign;
///
/// // w₁ = 1 and w₂ = −1 with w ≥ 0: the second is out of reach.
/// let a = nalgebra::DMatrix::identity(2, 2);
/// let found = flow_limit(&a, &[1.0, -1.0], 3, Sign::Positive, &[0.1; 2])?;
/// let Computed::Value(end) = found.end else { return Err("no limit".into()) };
/// assert_eq!(end.weights, [1.0, 0.0]);
/// assert_eq!(end.set, Set::NonnegativeLeastSquaresSolutions);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn flow_limit(a: &DMatrix<f64>, y: &[f64], depth: usize, sign: Sign, x0: &[f64]) -> Result<FlowLimit> {
    let projection = bregman_projection(a, y, depth, sign, x0)?;
    let end = by_newton(a, y, &Start { depth, sign, x0 }, &projection)?;
    // Where rounding of y decides whether there is a strictly positive solution, or a tiny start exceeds what the exact
    // route can do, each weight to its own accuracy, the quick one may still know them relative to the largest.
    let quick = match &end {
        Computed::Failed { .. } => quick_limit(a, y, depth, sign, x0).filter(|quick| quick.accuracy <= EXACT),
        Computed::Value(_) => None,
    };
    let end = match quick {
        Some(quick) => Computed::Value(End {
            weights: quick.weights,
            reached: y.to_vec(),
            set: if quick.attained {
                Set::Solutions
            } else {
                Set::NonnegativeSolutions
            },
        }),
        None => end,
    };
    Ok(FlowLimit { projection, end })
}

/// The limit, each weight to its own accuracy.
fn by_newton(a: &DMatrix<f64>, y: &[f64], start: &Start, projection: &Projection) -> Result<Computed<End>> {
    Ok(match projection {
        Projection::Attained(limit) => Computed::Value(End {
            weights: limit.weights.clone(),
            reached: y.to_vec(),
            set: Set::Solutions,
        }),
        Projection::NotConverged(failure) => Computed::failed(explain(*failure)),
        Projection::NotAttained(why) => match start.sign {
            Sign::Signed => start.signed_end(a, y)?,
            Sign::Positive => start.positive_end(a, y, *why)?,
        },
    })
}

/// A model and its start.
struct Start<'a> {
    depth: usize,
    sign: Sign,
    x0: &'a [f64],
}

impl Start<'_> {
    /// The limit for the part of y within the range of A.
    fn signed_end(&self, a: &DMatrix<f64>, y: &[f64]) -> Result<Computed<End>> {
        let shortest = match least_norm(a, y) {
            Computed::Value(shortest) => shortest,
            Computed::Failed { reason } => return Ok(Computed::Failed { reason }),
        };
        let reached = image(a, &shortest.point, y);
        let all: Vec<usize> = (0..a.ncols()).collect();
        self.on_entries(a, &all, reached, Set::LeastSquaresSolutions)
    }

    /// The limit among the nonnegative (least-squares) solutions.
    fn positive_end(&self, a: &DMatrix<f64>, y: &[f64], why: NotAttained) -> Result<Computed<End>> {
        let nearest = match nonnegative_least_squares(a, y) {
            Computed::Value(nearest) => nearest,
            Computed::Failed { reason } => return Ok(Computed::Failed { reason }),
        };
        let out_of_reach = nearest.relative_distance > EXACT || matches!(why, NotAttained::Unreachable { .. });
        let (reached, set) = if out_of_reach {
            (image(a, &nearest.point, y), Set::NonnegativeLeastSquaresSolutions)
        } else {
            (y.to_vec(), Set::NonnegativeSolutions)
        };
        let face = face(a, y, &nearest);
        let columns = a.select_columns(&face);
        if OrthogonalBasis::spanning(&columns).1.len() == face.len() {
            // no other point has the same image: S is this one
            let weights = nearest.point;
            return Ok(Computed::Value(End { weights, reached, set }));
        }
        let forced = match strict_feasibility(&columns, &reached) {
            Computed::Value(found) => match found.verdict {
                Feasibility::StrictlyPositive => Vec::new(),
                Feasibility::OnBoundary { forced_to_zero, .. } => forced_to_zero,
                Feasibility::Empty { .. } => {
                    return Ok(Computed::failed("whether y can be reached is decided by rounding"));
                }
                Feasibility::Undecided { reason } => return Ok(Computed::Failed { reason }),
            },
            Computed::Failed { reason } => return Ok(Computed::Failed { reason }),
        };
        let free: Vec<usize> = (0..face.len())
            .filter(|k| !forced.contains(k))
            .map(|k| face[k])
            .collect();
        self.on_entries(a, &free, reached, set)
    }

    /// The projection onto A z = y* with zeros outside `entries`, ascending.
    fn on_entries(&self, a: &DMatrix<f64>, entries: &[usize], reached: Vec<f64>, set: Set) -> Result<Computed<End>> {
        let mut weights = vec![0.0; a.ncols()];
        if !entries.is_empty() {
            let x0: Vec<f64> = entries.iter().map(|&j| self.x0[j]).collect();
            match bregman_projection(&a.select_columns(entries), &reached, self.depth, self.sign, &x0)? {
                Projection::Attained(limit) => {
                    entries.iter().zip(limit.weights).for_each(|(&j, w)| weights[j] = w);
                }
                Projection::NotConverged(failure) => return Ok(Computed::failed(explain(failure))),
                Projection::NotAttained(_) => {
                    return Ok(Computed::failed("which entries tend to 0 is decided by rounding"));
                }
            }
        }
        Ok(Computed::Value(End { weights, reached, set }))
    }
}

/// Az, or 0 where it is only rounding beside y.
fn image(a: &DMatrix<f64>, z: &[f64], y: &[f64]) -> Vec<f64> {
    let image = transpose_times(&a.transpose(), z);
    if norm(&image) <= EXACT * norm(y) {
        return vec![0.0; image.len()];
    }
    image
}

/// The entries that may be positive in a nonnegative least-squares solution: A_j·r = 0 up to rounding.
fn face(a: &DMatrix<f64>, y: &[f64], nearest: &NonnegativeLeastSquares) -> Vec<usize> {
    let size = norm(y);
    let products = transpose_times(a, &nearest.residual);
    let may = |&j: &usize| products[j] >= -OPTIMAL * a.column(j).norm() * size;
    (0..a.ncols()).filter(may).collect()
}

/// How Newton's iteration failed, in one sentence.
fn explain(failure: NotConverged) -> String {
    match failure {
        NotConverged::StepLimit { steps, change } => {
            format!("Newton's iteration was not at rest after {steps} steps: the last changed a weight by {change:e}")
        }
        NotConverged::NotFinite { steps } => format!("step {steps} of Newton's iteration is not finite"),
        NotConverged::OutOfRange { log_kappa } => format!(
            "the start is too small or too large beside the solutions: the logarithm of the ratio, {log_kappa:.1}, \
             leaves the range of doubles"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{instance, rng};
    use hadaflow_core::compensated::mismatch;
    use hadaflow_core::initialization::Sign::{Positive, Signed};
    use rand::RngExt;

    fn end(a: &DMatrix<f64>, y: &[f64], depth: usize, sign: Sign, alpha: f64) -> End {
        let found = flow_limit(a, y, depth, sign, &vec![alpha; a.ncols()]).unwrap();
        match found.end {
            Computed::Value(end) => end,
            Computed::Failed { reason } => panic!("{reason}"),
        }
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() <= 1e-14, "{found:?} is not {expected:?}");
        }
    }

    /// w₁ + 2w₂ = 2 from α = 1 at L = 2: w = (x, x²) with 2x² + x = 2, whatever a third entry that tends to 0 measures.
    #[test]
    fn closed_forms() {
        let x = (17f64.sqrt() - 1.0) / 4.0;
        let third_excluded = nalgebra::dmatrix![1.0, 2.0, 0.5; 0.0, 0.0, 1.0];
        let found = end(&third_excluded, &[2.0, -1.0], 2, Positive, 1.0);
        close(&found.weights, &[x, x * x, 0.0]);
        close(&found.reached, &[2.0, 0.0]);
        assert_eq!(found.set, Set::NonnegativeLeastSquaresSolutions);
        let third_zero = nalgebra::dmatrix![1.0, 2.0, 0.0; 0.0, 0.0, 1.0];
        let found = end(&third_zero, &[2.0, 0.0], 2, Positive, 1.0);
        close(&found.weights, &[x, x * x, 0.0]);
        assert_eq!(found.set, Set::NonnegativeSolutions);
        let found = end(&third_zero, &[2.0, 1.0], 2, Positive, 1.0);
        close(&found.weights, &[x, x * x, 1.0]);
        assert_eq!(found.set, Set::Solutions);
        // (3, 1) is nearest to (2, 2) among the multiples of (1, 1)
        let twice = nalgebra::dmatrix![1.0, 2.0; 1.0, 2.0];
        let found = end(&twice, &[3.0, 1.0], 2, Signed, 1.0);
        close(&found.weights, &end(&twice, &[2.0, 2.0], 2, Signed, 1.0).weights);
        assert_eq!(found.set, Set::LeastSquaresSolutions);
        // nothing within reach: the flow stays, or dies out
        let column = nalgebra::dmatrix![1.0; 1.0];
        assert_eq!(end(&column, &[1.0, -1.0], 3, Signed, 0.1).weights, [0.0]);
        assert_eq!(end(&column, &[1.0, -1.0], 3, Positive, 0.1).weights, [0.0]);
        assert_eq!(end(&column, &[-1.0, -1.0], 3, Positive, 0.1).weights, [0.0]);
        assert_eq!(end(&column, &[0.0, 0.0], 3, Positive, 0.1).weights, [0.0]);
        // entries that nothing measures stay where they start
        let unseen = nalgebra::dmatrix![1.0, 0.0; 1.0, 0.0];
        close(&end(&unseen, &[2.0, 1.0], 2, Positive, 0.5).weights, &[1.5, 0.25]);
    }

    /// The naive twin: the flow of the factors, stepped until it rests.
    #[test]
    fn the_flow_arrives_there() {
        let a = nalgebra::dmatrix![1.0, 2.0, 0.5, 1.0; 0.3, 0.6, 1.0, -0.5; 0.0, 0.0, 1.0, 0.2];
        for (depth, sign) in [(2, Positive), (3, Positive), (4, Positive), (2, Signed), (3, Signed)] {
            for y in [[2.0, 0.1, -1.0], [1.0, 2.0, -1.0]] {
                let tall = a.clone().insert_row(3, 0.0);
                let y = [y[0], y[1], y[2], 0.7];
                let found = end(&tall, &y, depth, sign, 0.8);
                let w = naive_flow(&tall, &y, depth, sign, 0.8);
                for (a, b) in found.weights.iter().zip(&w) {
                    // entries that die out do so like a power of t for L > 2
                    let allowed = if depth == 2 || sign == Signed { 2e-9 } else { 1e-3 };
                    assert!((a - b).abs() < allowed, "L = {depth}, {sign:?}: {found:?} {w:?}");
                }
            }
        }
    }

    /// The classical Runge–Kutta method on x′ = −x^{L−1} Aᵀ(Aw − y).
    fn naive_flow(a: &DMatrix<f64>, y: &[f64], depth: usize, sign: Sign, alpha: f64) -> Vec<f64> {
        let n = a.ncols();
        let power = depth as i32; // at most 64
        let weights = |x: &[f64]| -> Vec<f64> {
            (0..n)
                .map(|i| x[i].powi(power) - if sign == Signed { x[n + i].powi(power) } else { 0.0 })
                .collect()
        };
        let velocity = |x: &[f64]| -> Vec<f64> {
            let drive = transpose_times(a, &mismatch(a, &weights(x), y));
            (0..2 * n)
                .map(|k| x[k].powi(power - 1) * if k < n { drive[k] } else { -drive[k - n] })
                .collect()
        };
        let moved =
            |x: &[f64], v: &[f64], step: f64| -> Vec<f64> { x.iter().zip(v).map(|(x, v)| x + step * v).collect() };
        let (mut x, step) = (vec![alpha; 2 * n], 0.002); // the error, 1e-8 at 0.005, falls with its fourth power
        for _ in 0..200_000 {
            let v1 = velocity(&x);
            let v2 = velocity(&moved(&x, &v1, 0.5 * step));
            let v3 = velocity(&moved(&x, &v2, 0.5 * step));
            let v4 = velocity(&moved(&x, &v3, step));
            (0..2 * n).for_each(|k| x[k] += step / 6.0 * (v1[k] + 2.0 * v2[k] + 2.0 * v3[k] + v4[k]));
        }
        weights(&x)
    }

    /// What characterises the limit: it is optimal for (nonnegative) least squares, and F′(w) − F′(w0) is a combination of
    /// the rows of A on the entries that are not 0.
    #[test]
    fn the_campaign_satisfies_the_optimality_conditions() {
        let mut counts = [0; 4];
        let mut failed = 0;
        for seed in 0..300 {
            let instance = instance(seed);
            let (a, y) = (&instance.a, &instance.y);
            let depth = rng(seed).random_range(2..=4usize);
            let alpha = [1.0, 0.1][rng(seed + 1).random_range(0..2usize)];
            let found = flow_limit(a, y, depth, instance.sign, &vec![alpha; a.ncols()]).unwrap();
            let Computed::Value(end) = found.end else {
                failed += 1;
                println!("{seed} {}: {:?}", instance.kind, found.end);
                continue;
            };
            counts[end.set as usize] += 1;
            let rest = mismatch(a, &end.weights, y);
            let scale = norm(y) + a.norm() * norm(&end.weights);
            for (j, product) in transpose_times(a, &rest).into_iter().enumerate() {
                let w = end.weights[j];
                let violation = if instance.sign == Signed || w != 0.0 {
                    product.abs()
                } else {
                    product.max(0.0)
                };
                assert!(
                    violation <= 1e-10 * a.column(j).norm() * scale,
                    "{seed} {}, {j}: {violation:e}",
                    instance.kind
                );
                assert!(instance.sign == Signed || w >= 0.0);
            }
            mirror_condition(a, &end, depth, instance.sign, alpha, &instance.kind);
        }
        println!("{counts:?}, failed: {failed}");
        assert!(
            counts.iter().all(|count| *count > 5) && failed <= 3,
            "{counts:?}, failed: {failed}"
        );
    }

    fn mirror_condition(a: &DMatrix<f64>, end: &End, depth: usize, sign: Sign, alpha: f64, kind: &str) {
        let l = depth as f64; // small
        let free: Vec<usize> = (0..a.ncols())
            .filter(|&j| sign == Signed || end.weights[j] > 0.0)
            .collect();
        let slope = |w: f64| match (sign, depth) {
            (Signed, 2) => 0.5 * (w / (2.0 * alpha * alpha)).asinh(),
            (Positive, 2) => 0.5 * (w / (alpha * alpha)).ln(),
            (Positive, _) => (alpha.powf(2.0 - l) - w.powf((2.0 - l) / l)) / (l - 2.0),
            (Signed, _) => signed_slope(w, l, alpha),
        };
        let slopes: Vec<f64> = free.iter().map(|&j| slope(end.weights[j])).collect();
        let rows = a.select_columns(&free).transpose();
        let Computed::Value(nearest) = least_norm(&rows, &slopes) else {
            panic!("{kind}: no least norm");
        };
        assert!(
            nearest.relative_distance < 1e-8,
            "{kind}, L = {depth}: {:e}",
            nearest.relative_distance
        );
    }

    /// s with u^L − v^L = w, u^{2−L} = α^{2−L} − (L−2)s, v^{2−L} = α^{2−L} + (L−2)s, by bisection.
    fn signed_slope(w: f64, l: f64, alpha: f64) -> f64 {
        let start = alpha.powf(2.0 - l);
        let weight =
            |s: f64| (start - (l - 2.0) * s).powf(-l / (l - 2.0)) - (start + (l - 2.0) * s).powf(-l / (l - 2.0));
        let (mut low, mut high) = (0.0, start / (l - 2.0));
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if weight(middle) < w.abs() {
                low = middle
            } else {
                high = middle
            }
        }
        low.copysign(w)
    }
}
