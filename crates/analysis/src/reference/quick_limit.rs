//! The limit of a flow at a fraction of the cost of [`flow_limit`](super::flow_limit()), where double precision suffices.
//!
//! ```text
//! min Φ(q),   Φ(q) = Σ_j F_j*(A_j·q) − y·q,   ∇Φ = A w(Aᵀq) − y,   ∇²Φ = A diag(w′) Aᵀ      A ∈ R^{m×n}, q ∈ R^m
//!
//! w(s) = P(s) (positive), P(s) − P(−s) (signed),   P(s) = x0² e^{2s}                      (L = 2)
//!                                                  P(s) = (x0^{2−L} − (L−2)s)^{−L/(L−2)}  (L > 2)
//! ```
//!
//! (arXiv 2112.11027, Sect. 2, for the potential; the flow's limit is w at the minimiser.) Newton's method with the normal
//! matrix ∇²Φ and a line search on Φ′, which costs O(n) a trial. The weights are accurate relative to the largest of them,
//! not each to its own size, and how accurate is measured at the end: by what a further step would change (the residual is
//! evaluated in twice the precision), and by what the last digit of s = Aᵀq changes. That product, too, is evaluated in twice
//! the precision; then q, however large, is exact by definition, as any q whose w(Aᵀq) solves Aw = y is the right one.
//!
//! In a positive model Φ has no minimiser where all solutions z ≥ 0 of Az = y share a zero. The most frequent case is that
//! there is one solution only, which is recognised by a certificate: its columns A_S are independent, and A_Sᵀν = 0 with
//! A_j·ν < 0 for all j ∉ S, so that any solution z has 0 = ν·A(z − z_S) = Σ_{j∉S} z_j A_j·ν, that is z_j = 0.

use hadaflow_core::compensated::{mismatch, norm, transpose_times};
use hadaflow_core::initialization::Sign;
use hadaflow_core::measurement::multiply_adjoint;
use hadaflow_core::newton::NormalMatrix;
use nalgebra::{DMatrix, DVector};

use super::EXACT;
use super::computed::Computed;
use super::nonnegative_least_squares::nonnegative_least_squares;

/// A step that changes no weight by more than this part of the largest is the last one.
const CONVERGED: f64 = 1e-13;
/// Below this, steps that change no less than a quarter of what the one before them did show that rounding rules, after
const STALLED: f64 = 1e-8;
/// so many in a row: close to singular matrices Newton's method is slow on its way, too.
const STALLS: usize = 4;
/// ε·x0^{2−L} beyond which the dual variable cannot hold the weights, whatever the problem: not even tried.
const HOPELESS: f64 = 1e-11;
/// |Aw − y| of an answer relative to |y|.
const REACHED: f64 = 1e-10;
/// Newton steps; typical are 15 to 40.
const STEPS: usize = 120;
/// A weight of a positive model whose last step changed it by less than this part of itself does not tend to 0, where
/// Newton's steps would divide it by a factor each.
const SETTLED: f64 = 1e-3;
/// What is added to a singular normal matrix, relative to its diagonal.
const SHIFT: f64 = 1e-14;
/// A line search ends where |Φ′| has fallen to this part.
const FALL: f64 = 0.3;
/// Largest cosine of A_j with ν that certifies that an entry vanishes.
const CERTAIN: f64 = -1e-9;

/// A limit found quickly.
#[derive(Debug, Clone, PartialEq)]
pub struct QuickLimit {
    /// w_∞, n entries.
    pub weights: Vec<f64>,
    /// The error of a weight relative to the largest, by a bound that is usually pessimistic.
    pub accuracy: f64,
    /// Whether Φ has a minimiser; otherwise w_∞ is the only z ≥ 0 with Az = y.
    pub attained: bool,
    /// Newton steps.
    pub steps: usize,
}

/// The limit of the flow whose factors all start at x0 (n positive entries), or nothing where it takes the slow route.
pub fn quick_limit(a: &DMatrix<f64>, y: &[f64], depth: usize, sign: Sign, x0: &[f64]) -> Option<QuickLimit> {
    let fits = !a.is_empty() && y.len() == a.nrows() && x0.len() == a.ncols() && (2..=64).contains(&depth);
    let finite = a.iter().chain(y).all(|x| x.is_finite()) && x0.iter().all(|x| *x > 0.0 && x.is_finite());
    if !(fits && finite) || norm(y) == 0.0 {
        return None;
    }
    if sign == Sign::Positive
        && let Some(weights) = only_solution(a, y)
    {
        return Some(QuickLimit {
            weights,
            accuracy: EXACT,
            attained: false,
            steps: 0,
        });
    }
    let smallest = x0.iter().fold(f64::INFINITY, |a, x| a.min(*x));
    if f64::EPSILON * smallest.powi(2 - depth as i32) >= HOPELESS {
        return None; // depth <= 64
    }
    Newton::new(a, y, depth, sign, x0).solve()
}

/// The only z ≥ 0 with Az = y, if it is certain that there is one only, and that it has a zero.
fn only_solution(a: &DMatrix<f64>, y: &[f64]) -> Option<Vec<f64>> {
    let Computed::Value(nearest) = nonnegative_least_squares(a, y) else {
        return None;
    };
    let (inside, outside): (Vec<usize>, Vec<usize>) = (0..a.ncols()).partition(|&j| nearest.point[j] > 0.0);
    if nearest.relative_distance > EXACT || outside.is_empty() || inside.is_empty() || inside.len() >= a.nrows() {
        return None;
    }
    let q = a.select_columns(&inside).qr().q();
    let beside = |v: &DVector<f64>| {
        let once = v - &q * q.tr_mul(v);
        &once - &q * q.tr_mul(&once)
    };
    // the point of the convex hull of the columns beside A_S that is nearest to 0, as a least-squares problem
    let mut hull = DMatrix::zeros(a.nrows() + 1, outside.len());
    for (k, &j) in outside.iter().enumerate() {
        let length = a.column(j).norm();
        if length == 0.0 {
            return None;
        }
        let column = beside(&(a.column(j) / length));
        hull.view_mut((0, k), (a.nrows(), 1)).copy_from(&column);
        hull[(a.nrows(), k)] = 1.0;
    }
    let mut target = vec![0.0; a.nrows() + 1];
    target[a.nrows()] = 1.0;
    let Computed::Value(found) = nonnegative_least_squares(&hull, &target) else {
        return None;
    };
    let nu = beside(&DVector::from_column_slice(&found.residual[..a.nrows()]));
    let size = nu.norm();
    let cosine = |j: usize| a.column(j).dot(&nu) / (a.column(j).norm() * size);
    // written so that NaN fails
    let certain =
        outside.iter().all(|&j| cosine(j) <= CERTAIN) && inside.iter().all(|&j| cosine(j).abs() <= 1e-3 * -CERTAIN);
    certain.then_some(nearest.point)
}

/// The problem and the state of the iteration.
struct Newton<'a> {
    a: &'a DMatrix<f64>,
    y: &'a [f64],
    /// L, and x0^{2−L} per coordinate (L > 2) or x0² (L = 2).
    depth: f64,
    unit: Vec<f64>,
    signed: bool,
    q: DVector<f64>,
    /// Aᵀq.
    s: DVector<f64>,
}

impl<'a> Newton<'a> {
    fn new(a: &'a DMatrix<f64>, y: &'a [f64], depth: usize, sign: Sign, x0: &[f64]) -> Self {
        let power = if depth == 2 { 2 } else { 2 - depth as i32 }; // depth <= 64
        Self {
            a,
            y,
            depth: depth as f64,
            unit: x0.iter().map(|x| x.powi(power)).collect(),
            signed: sign == Sign::Signed,
            q: DVector::zeros(a.nrows()),
            s: DVector::zeros(a.ncols()),
        }
    }

    /// P(s) and P′(s) of coordinate j; infinite beyond the domain.
    fn branch(&self, j: usize, s: f64) -> (f64, f64) {
        if self.depth == 2.0 {
            let w = self.unit[j] * (2.0 * s).exp();
            return (w, 2.0 * w);
        }
        let reach = self.unit[j] - (self.depth - 2.0) * s;
        if reach <= 0.0 {
            return (f64::INFINITY, f64::INFINITY);
        }
        let w = reach.powf(-self.depth / (self.depth - 2.0));
        (w, self.depth * w / reach)
    }

    /// w(s) and w′(s) of coordinate j.
    fn weight(&self, j: usize, s: f64) -> (f64, f64) {
        let (plus, slope) = self.branch(j, s);
        if !self.signed {
            return (plus, slope);
        }
        let (minus, other) = self.branch(j, -s);
        (plus - minus, slope + other)
    }

    fn solve(mut self) -> Option<QuickLimit> {
        let n = self.a.ncols();
        let (mut w, mut slope) = (vec![0.0; n], vec![0.0; n]);
        let (mut direction, mut along) = (DVector::zeros(self.a.nrows()), DVector::zeros(n));
        let mut normal = NormalMatrix::new(self.a);
        let (mut last, mut stalls) = (f64::INFINITY, 0);
        for steps in 1..=STEPS {
            for j in 0..n {
                (w[j], slope[j]) = self.weight(j, self.s[j]);
            }
            // products in twice the precision: the residual decides how accurate the answer is
            let residual = DVector::from_vec(mismatch(self.a, &w, self.y));
            // where the normal matrix is singular up to rounding, a little of the identity may do on the way
            let exact = normal.factorize(&slope, 0.0);
            if !exact && !normal.factorize(&slope, SHIFT) {
                return None;
            }
            direction.copy_from(&residual);
            normal.solve(direction.as_mut_slice());
            multiply_adjoint(self.a.as_slice(), direction.as_slice(), along.as_mut_slice());
            let largest = w.iter().fold(0.0f64, |a, w| a.max(w.abs()));
            let change = along
                .iter()
                .zip(&slope)
                .fold(0.0f64, |a, (d, slope)| a.max((d * slope).abs()));
            if !(change.is_finite() && largest.is_finite()) {
                return None;
            }
            let slow = change <= STALLED * largest && change >= 0.25 * last;
            stalls = if slow { stalls + 1 } else { 0 };
            if change <= CONVERGED * largest || stalls >= STALLS {
                if !self.signed && self.relative_change(&along, &slope, &w) > SETTLED {
                    return None; // a weight that still falls may tend to 0, and Φ have no minimiser
                }
                if !exact || residual.norm() > REACHED * norm(self.y) {
                    return None; // the step tells nothing, or no weights reach y
                }
                // the last step to first order, which is all there is to it
                w.iter_mut()
                    .zip(along.iter().zip(&slope))
                    .for_each(|(w, (d, slope))| *w += d * slope);
                let accuracy = (change / largest).max(self.last_digit(&slope) / largest);
                return Some(QuickLimit {
                    weights: w,
                    accuracy,
                    attained: true,
                    steps,
                });
            }
            last = change;
            let length = self.search(&along, residual.dot(&direction), &direction)?;
            self.q.axpy(length, &direction, 1.0);
            self.s = DVector::from_vec(transpose_times(self.a, self.q.as_slice()));
        }
        None
    }

    /// A length at which Φ′ along the direction has fallen enough. Φ is convex: Φ′ rises with the length.
    fn search(&self, along: &DVector<f64>, descent: f64, direction: &DVector<f64>) -> Option<f64> {
        let constant: f64 = self.y.iter().zip(direction.iter()).map(|(y, d)| y * d).sum();
        let derivative = |length: f64| {
            let product = |j: usize| self.weight(j, self.s[j] + length * along[j]).0 * along[j];
            let value = (0..along.len()).map(product).sum::<f64>() - constant;
            if value.is_nan() { f64::INFINITY } else { value }
        };
        let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
        for _ in 0..80 {
            let value = derivative(length);
            if value.abs() <= FALL * descent {
                return Some(length);
            }
            if value > 0.0 {
                high = length;
            } else {
                low = length;
            }
            length = if high.is_infinite() {
                2.0 * length
            } else {
                f64::midpoint(low, high)
            };
        }
        // rounding ends a search near the minimum: what was reached is no worse than the start
        (low > 0.0).then_some(low)
    }

    /// The largest change of a weight relative to itself.
    fn relative_change(&self, along: &DVector<f64>, slope: &[f64], w: &[f64]) -> f64 {
        let changes = along
            .iter()
            .zip(slope)
            .zip(w)
            .map(|((d, slope), w)| (d * slope / w).abs());
        changes.fold(0.0, |a, x| if x > a || x.is_nan() { x } else { a })
    }

    /// What an error of s in its last digit changes at most.
    fn last_digit(&self, slope: &[f64]) -> f64 {
        let errors = self
            .s
            .iter()
            .zip(slope)
            .map(|(s, slope)| slope * f64::EPSILON * s.abs());
        errors.fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{instance, rng};
    use crate::reference::{Projection, flow_limit};
    use rand::RngExt;

    /// Two routes: whatever is found quickly is what the certified route finds, to 1e-12 of the largest weight or as
    /// accurately as it says, and that is 1e-12 nearly always.
    #[test]
    fn the_slow_route_agrees() {
        let (mut attained, mut alone, mut vague) = (0, 0, 0);
        for seed in 0..150 {
            let instance = instance(seed);
            let mut rng = rng(seed);
            for depth in [2, 3, 4] {
                let alpha = 10f64.powf(-rng.random_range(0.2..3.0));
                let x0 = vec![alpha; instance.a.ncols()];
                let Some(quick) = quick_limit(&instance.a, &instance.y, depth, instance.sign, &x0) else {
                    continue;
                };
                let slow = flow_limit(&instance.a, &instance.y, depth, instance.sign, &x0).unwrap();
                let Computed::Value(end) = slow.end else { continue };
                assert_eq!(
                    quick.attained,
                    matches!(slow.projection, Projection::Attained(_)),
                    "{seed} {}",
                    instance.kind
                );
                let largest = end.weights.iter().fold(0.0f64, |a, w| a.max(w.abs()));
                for (j, (a, b)) in quick.weights.iter().zip(&end.weights).enumerate() {
                    let error = (a - b).abs() / largest;
                    assert!(
                        error <= quick.accuracy.max(1e-12),
                        "seed {seed} ({}), L = {depth}, alpha = {alpha:e}, {j}: {error:e}",
                        instance.kind
                    );
                }
                vague += usize::from(quick.accuracy > 1e-12);
                if quick.attained { attained += 1 } else { alone += 1 }
            }
        }
        assert!(
            attained > 100 && alone > 5,
            "{attained} attained, {alone} with one solution"
        );
        assert!(3 * vague < attained, "{vague} of {attained} are known vaguely");
    }

    /// Where doubles cannot hold the answer, there is none.
    #[test]
    fn small_starts_of_deep_models_take_the_slow_route() {
        let a = nalgebra::dmatrix![1.0, 2.0];
        assert!(quick_limit(&a, &[2.0], 3, Sign::Signed, &[1e-1; 2]).is_some());
        assert!(quick_limit(&a, &[2.0], 3, Sign::Signed, &[1e-6; 2]).is_none());
        assert!(quick_limit(&a, &[2.0], 2, Sign::Signed, &[1e-8; 2]).is_some());
        assert!(quick_limit(&a, &[f64::NAN], 2, Sign::Signed, &[0.1; 2]).is_none());
        assert!(quick_limit(&a, &[2.0], 2, Sign::Signed, &[0.1]).is_none());
    }

    /// w₁ = 1 and w₁ + w₂ = 1 leave w₂ = 0; with w₁ + w₂ = 2 both are positive.
    #[test]
    fn a_single_solution_is_recognised() {
        let a = nalgebra::dmatrix![1.0, 0.0; 1.0, 1.0];
        let quick = quick_limit(&a, &[1.0, 1.0], 2, Sign::Positive, &[0.1; 2]).unwrap();
        assert!(!quick.attained && quick.weights == [1.0, 0.0]);
        let quick = quick_limit(&a, &[1.0, 2.0], 2, Sign::Positive, &[0.1; 2]).unwrap();
        assert!(quick.attained);
        assert!(quick.weights.iter().all(|w| (w - 1.0).abs() < 1e-14));
    }
}
