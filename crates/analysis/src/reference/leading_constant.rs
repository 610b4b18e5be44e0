//! The leading constant of the ℓ¹ gap for L > 2. If z is the only solution of basis pursuit, with support S, signs sgn and
//! ρ < 1, then as the initialization α shrinks (identical start; Matt, Stöger, arXiv 2506.01143, for the rate)
//!
//! ```text
//! (|w_∞|₁ − Q)/α^L  →  C = Σ_{j ∉ S} |h(σ_j)| (1 − |σ_j|),   σ = Aᵀν*,
//! ν* = argmin { Σ_{j ∉ S} H(A_j·ν) : A_Sᵀν = sgn },   H(c) = ∫₀^c h,   p = L/(L − 2)
//! signed:    h(c) = (1 − c)^{−p} − (1 + c)^{−p}
//! positive:  h(c) = (1 − c)^{−p}, and no absolute values
//! ```
//!
//! The function is convex and grows to infinity at the edge of its domain |σ_j| < 1 (positive: σ_j < 1), where the ν of the
//! source condition starts a damped Newton method: ν = ν₀ + Nμ with N a basis of the kernel of A_Sᵀ.
//!
//! In the positive model some σ_j may fall to −∞ at no cost (a direction d with A_Sᵀd = 0, A_jᵀd ≤ 0 off S). They
//! contribute 0 in the limit; they are found by one linear program, named, and left out. C = 0 means that every
//! nonzero entry off S escapes: z is the only nonnegative solution, and the gap vanishes altogether.

use hadaflow_core::initialization::Sign;
use nalgebra::{DMatrix, DVector};

use super::computed::Computed;
use super::dual_of_support::{ACTIVE, slopes};
use super::independent_rows::IndependentRows;
use super::linear_program::{LinearProgram, Outcome, Relation};
use super::orthogonal_basis::OrthogonalBasis;
use super::source_condition::{Source, of_support, wrong_point};

/// |Σ h(σ_j)B_j| of at most this, relative to Σ |h(σ_j)||B_j|, counts as stationary; rounding leaves about 1e-15.
const STATIONARY: f64 = 1e-11;
/// Values of G that are closer than this, relative to Σ |H(σ_j)|, may differ by the rounding of their terms alone: a line search
/// would wait for a fall that does not come. Newton's method has long become quadratic there.
const INDISTINCT: f64 = 1e-13;
/// Newton's method converges from anywhere in the domain; more steps than this are a failure of the numerics.
const STEPS: usize = 500;

/// The constant and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadingConstant {
    /// C.
    pub constant: f64,
    /// ν*, m entries; `None` where the minimum is not attained (something escapes).
    pub nu: Option<Vec<f64>>,
    /// The entries j off S whose σ_j falls to −∞, ascending.
    pub escaping: Vec<usize>,
    /// |Σ h(σ_j)B_j| relative to Σ |h(σ_j)||B_j|: 0 at the exact minimiser.
    pub relative_gradient: f64,
}

/// C of the basis pursuit solution `point` (what is not exactly 0 is support) for depth L > 2.
pub fn leading_constant(a: &DMatrix<f64>, point: &[f64], depth: usize, sign: Sign) -> Computed<LeadingConstant> {
    if let Some(reason) = wrong_point(a, point, sign) {
        return Computed::Failed { reason };
    }
    if depth <= 2 {
        return Computed::failed(format!(
            "the gap has a leading constant for depth above 2, not for {depth}"
        ));
    }
    let support: Vec<usize> = (0..point.len()).filter(|&j| point[j] != 0.0).collect();
    let signs: Vec<f64> = support.iter().map(|&j| point[j].signum()).collect();
    let off: Vec<usize> = (0..point.len()).filter(|&j| point[j] == 0.0).collect();
    let rows = IndependentRows::of(a);
    let start = match of_support(&rows.matrix, &support, &signs, sign) {
        Computed::Value(Source::Attained { nu, rho, .. }) if rho < 1.0 - ACTIVE => nu,
        Computed::Value(Source::Unbounded) => return Computed::Value(nothing_left(off)),
        Computed::Value(_) => return Computed::failed("ρ is not below 1: the point is not the only solution"),
        Computed::Failed { reason } => return Computed::Failed { reason },
    };
    let Some(on_support) = OrthogonalBasis::of_columns(&rows.matrix, &support) else {
        return Computed::failed("the columns of the support are dependent: the point is not the only solution");
    };
    let kernel = on_support.complement();
    let slopes = slopes(&rows.matrix, &kernel, &off);
    let escaping = match sign {
        Sign::Signed => Vec::new(),
        Sign::Positive => match escaping(&slopes) {
            Ok(escaping) => escaping,
            Err(reason) => return Computed::Failed { reason },
        },
    };
    let kept: Vec<usize> = (0..off.len()).filter(|k| !escaping.contains(k)).collect();
    let columns: Vec<usize> = kept.iter().map(|&k| off[k]).collect();
    let barrier = Barrier {
        slopes: slopes.select_columns(&kept),
        constants: rows.matrix.select_columns(&columns).tr_mul(&start),
        power: depth as f64 / (depth - 2) as f64, // depths are at most 64
        sign,
    };
    let (mu, constant, relative_gradient) = match barrier.solved() {
        Computed::Value(found) => found,
        Computed::Failed { reason } => return Computed::Failed { reason },
    };
    Computed::Value(LeadingConstant {
        constant,
        nu: escaping.is_empty().then(|| rows.lift(&(start + kernel * mu))),
        escaping: escaping.into_iter().map(|k| off[k]).collect(),
        relative_gradient,
    })
}

/// Everything off the support escapes.
fn nothing_left(escaping: Vec<usize>) -> LeadingConstant {
    LeadingConstant {
        constant: 0.0,
        nu: None,
        escaping,
        relative_gradient: 0.0,
    }
}

/// The j with B_j·d < 0 for some d that has B_i·d ≤ 0 for every i: max Σ t_j with B_j·d ≤ −t_j, 0 ≤ t_j ≤ 1. Since d may
/// be as long as it likes, every such t_j is 1 at the optimum, and every other 0.
fn escaping(slopes: &DMatrix<f64>) -> Result<Vec<usize>, String> {
    let (k, p) = slopes.shape();
    let mut program = LinearProgram::maximise();
    for _ in 0..p {
        program.variable(1.0, 0.0, 1.0);
    }
    for _ in 0..k {
        program.variable(0.0, f64::NEG_INFINITY, f64::INFINITY);
    }
    for (j, slope) in slopes.column_iter().enumerate() {
        let size = if slope.amax() > 0.0 { slope.amax() } else { 1.0 };
        let own = (0..p).map(|i| if i == j { 1.0 } else { 0.0 });
        program.row(own.chain(slope.iter().map(|b| b / size)), Relation::AtMost, 0.0);
    }
    match program.solve() {
        Outcome::Solved(solution) => {
            let t = &solution[..p];
            if t.iter().any(|t| *t > 1e-6 && *t < 1.0 - 1e-6) {
                return Err("whether an entry escapes is decided by rounding".into());
            }
            Ok((0..p).filter(|&j| t[j] > 0.5).collect())
        }
        other => Err(format!("which entries escape was not found: {other:?}")),
    }
}

/// G(μ) = Σ_j H(c_j + B_j·μ).
struct Barrier {
    slopes: DMatrix<f64>,
    constants: DVector<f64>,
    /// p.
    power: f64,
    sign: Sign,
}

impl Barrier {
    fn sigma(&self, mu: &DVector<f64>) -> DVector<f64> {
        &self.constants + self.slopes.tr_mul(mu)
    }

    /// h(c).
    fn density(&self, c: f64) -> f64 {
        let upper = (1.0 - c).powf(-self.power);
        match self.sign {
            Sign::Signed => upper - (1.0 + c).powf(-self.power),
            Sign::Positive => upper,
        }
    }

    /// h′(c).
    fn derivative(&self, c: f64) -> f64 {
        let p = self.power;
        let upper = p * (1.0 - c).powf(-p - 1.0);
        match self.sign {
            Sign::Signed => upper + p * (1.0 + c).powf(-p - 1.0),
            Sign::Positive => upper,
        }
    }

    /// H(c) = ((1 − c)^{1−p} − 1)/(p − 1), and the same at −c in the signed model; +∞ outside the domain.
    fn integral(&self, c: f64) -> f64 {
        let q = self.power - 1.0;
        let one_side = |c: f64| {
            if c < 1.0 {
                (-q * (-c).ln_1p()).exp_m1() / q
            } else {
                f64::INFINITY
            }
        };
        match self.sign {
            Sign::Signed => one_side(c) + one_side(-c),
            Sign::Positive => one_side(c),
        }
    }

    fn value(&self, mu: &DVector<f64>) -> f64 {
        self.sigma(mu).iter().map(|c| self.integral(*c)).sum()
    }

    /// Σ |H(σ_j)|, by which the value is blurred: in the positive model its terms have both signs.
    fn size(&self, mu: &DVector<f64>) -> f64 {
        self.sigma(mu).iter().map(|c| self.integral(*c).abs()).sum()
    }

    /// The minimiser, C, and the relative gradient.
    fn solved(&self) -> Computed<(DVector<f64>, f64, f64)> {
        let Some((mu, gradient)) = self.minimise() else {
            return Computed::failed("Newton's method found no stationary point");
        };
        let constant = self.constant(&mu);
        if constant.is_finite() && gradient <= STATIONARY {
            Computed::Value((mu, constant, gradient))
        } else {
            Computed::failed(format!(
                "Newton's method stopped at a relative gradient of {gradient:e}"
            ))
        }
    }

    /// Damped Newton from μ = 0, in the span of the slopes, where the second derivative is positive definite: the
    /// minimiser and the relative gradient there.
    fn minimise(&self) -> Option<(DVector<f64>, f64)> {
        let mut mu = DVector::zeros(self.slopes.nrows());
        let (_, spanning) = OrthogonalBasis::spanning(&self.slopes);
        let basis = OrthogonalBasis::of_columns(&self.slopes, &spanning)?;
        let reduced = basis.coordinates(&self.slopes);
        let mut value = self.value(&mu);
        for _ in 0..STEPS {
            let sigma = self.sigma(&mu);
            let gradient = &reduced * sigma.map(|c| self.density(c));
            let mut weighted = reduced.clone();
            for (mut column, c) in weighted.column_iter_mut().zip(sigma.iter()) {
                column *= self.derivative(*c);
            }
            let step = -(weighted * reduced.transpose()).cholesky()?.solve(&gradient);
            let (decrement, direction) = (-gradient.dot(&step), basis.at_coordinates(&step));
            if decrement <= INDISTINCT * self.size(&mu) {
                // G no longer tells points apart, its gradient still does: full steps while it falls
                let next = &mu + &direction;
                let (before, after) = (self.relative_gradient(&mu), self.relative_gradient(&next));
                if after < before {
                    mu = next;
                    continue;
                }
                return Some((mu, before));
            }
            let mut length = 1.0;
            // outside the domain the value is +∞, and refused
            while self.value(&(&mu + length * &direction)) > value - 0.25 * length * decrement {
                length *= 0.5;
            }
            mu += length * direction;
            value = self.value(&mu);
        }
        None
    }

    /// |Σ h(σ_j)B_j|/Σ |h(σ_j)||B_j|; NaN outside the domain.
    fn relative_gradient(&self, mu: &DVector<f64>) -> f64 {
        let h = self.sigma(mu).map(|c| {
            if self.integral(c).is_finite() {
                self.density(c)
            } else {
                f64::NAN
            }
        });
        let total: f64 = self
            .slopes
            .column_iter()
            .zip(h.iter())
            .map(|(b, h)| b.norm() * h.abs())
            .sum();
        let sum = (&self.slopes * h).norm();
        if sum == 0.0 { 0.0 } else { sum / total }
    }

    /// Σ_j |h(σ_j)|(1 − |σ_j|); positive: h(σ_j)(1 − σ_j).
    fn constant(&self, mu: &DVector<f64>) -> f64 {
        let term = |c: &f64| match self.sign {
            Sign::Signed => self.density(*c).abs() * (1.0 - c.abs()),
            Sign::Positive => self.density(*c) * (1.0 - c),
        };
        self.sigma(mu).iter().map(term).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::basis_pursuit;
    use crate::reference::testing::{gaussian, rng, times};

    fn value(a: &DMatrix<f64>, point: &[f64], depth: usize, sign: Sign) -> LeadingConstant {
        match leading_constant(a, point, depth, sign) {
            Computed::Value(value) => value,
            Computed::Failed { reason } => panic!("{reason}"),
        }
    }

    #[test]
    fn one_row_has_a_closed_form() {
        // A = (1, a): ν = 1, σ = a, C = |h(a)|(1 − |a|); L = 3: p = 3, L = 4: p = 2
        for a in [0.5f64, -0.5, 0.1] {
            let matrix = nalgebra::dmatrix![1.0, a];
            for (depth, p) in [(3, 3), (4, 2)] {
                let h = (1.0 - a).powi(-p) - (1.0 + a).powi(-p);
                let found = value(&matrix, &[2.0, 0.0], depth, Sign::Signed);
                assert!((found.constant - h.abs() * (1.0 - a.abs())).abs() < 1e-13 * found.constant);
                let found = value(&matrix, &[2.0, 0.0], depth, Sign::Positive);
                let expected = (1.0 - a).powi(1 - p);
                assert!((found.constant - expected).abs() < 1e-13 * expected, "{a} {found:?}");
            }
        }
    }

    /// The limit of the flow from α: the minimiser of Φ(q) = Σ F*(Aᵀq) − y·q by Newton's method (L > 2), and its ℓ¹ norm.
    fn limit_l1(a: &DMatrix<f64>, y: &DVector<f64>, depth: f64, alpha: f64, start: &[f64], sign: Sign) -> f64 {
        let edge = alpha.powf(2.0 - depth);
        let e = depth / (depth - 2.0);
        let parts = |q: &DVector<f64>| {
            let s = a.tr_mul(q) * (depth - 2.0);
            let plus = s.map(|s| (edge - s).powf(-e));
            let minus = s.map(|s| if sign == Sign::Signed { (edge + s).powf(-e) } else { 0.0 });
            (plus, minus)
        };
        let mut q = DVector::from_column_slice(start) * (edge / (depth - 2.0) * (1.0 - 1e-3));
        let residual = |q: &DVector<f64>| {
            let (plus, minus) = parts(q);
            y - a * (plus - minus)
        };
        for _ in 0..500 {
            let (plus, minus) = parts(&q);
            let slope = plus.zip_map(&minus, |u, v| {
                depth * (u.powf(2.0 - 2.0 / depth) + v.powf(2.0 - 2.0 / depth))
            });
            let step = (a * DMatrix::from_diagonal(&slope) * a.transpose())
                .lu()
                .solve(&residual(&q))
                .unwrap();
            // inside the domain, and downhill in Φ: its derivative along the step is −residual·step
            let mut length = 1.0;
            let inside = |q: &DVector<f64>| {
                a.tr_mul(q)
                    .iter()
                    .all(|s| s * (depth - 2.0) < edge && (sign == Sign::Positive || -s * (depth - 2.0) < edge))
            };
            while length > 1e-12 {
                let next = &q + length * &step;
                if inside(&next) && residual(&next).dot(&step) >= -0.5 * residual(&q).dot(&step) {
                    break;
                }
                length *= 0.5;
            }
            q += length * step;
        }
        assert!(residual(&q).norm() < 1e-11 * y.norm(), "{:e}", residual(&q).norm());
        let (plus, minus) = parts(&q);
        (plus - minus).iter().map(|w| w.abs()).sum()
    }

    #[test]
    fn the_gap_of_the_flow_tends_to_it() {
        for (sign, depth, alphas) in [
            (Sign::Signed, 3usize, [0.02, 0.01]),
            (Sign::Signed, 4, [0.06, 0.03]),
            (Sign::Positive, 3, [0.02, 0.01]),
            (Sign::Positive, 4, [0.06, 0.03]),
        ] {
            let a = gaussian(5, 10, &mut rng(11));
            let mut x = vec![0.0; 10];
            (x[2], x[6]) = (1.0, if sign == Sign::Signed { -0.8 } else { 0.8 });
            let y = times(&a, &x);
            let found = basis_pursuit(&a, &y, sign, None).solved().cloned().unwrap();
            assert_eq!(found.support, [2, 6]);
            let limit = value(&a, &found.point, depth, sign);
            let nu = limit.nu.unwrap();
            let y = DVector::from_vec(y);
            let ratio = alphas.map(|alpha| {
                let l = depth as f64;
                (limit_l1(&a, &y, l, alpha, &nu, sign) - found.l1_norm) / alpha.powf(l)
            });
            // first order in α (L = 3) or α² (L = 4): the error halves or quarters
            let errors = ratio.map(|ratio| (ratio - limit.constant).abs());
            println!("{sign:?} {depth} {} {ratio:?}", limit.constant);
            assert!(
                errors[1] < 0.1 * limit.constant && errors[1] < 0.7 * errors[0],
                "{ratio:?} {}",
                limit.constant
            );
        }
    }

    #[test]
    fn no_feasible_nu_has_a_lower_value() {
        for (seed, sign) in [
            (1, Sign::Signed),
            (2, Sign::Positive),
            (3, Sign::Signed),
            (4, Sign::Positive),
        ] {
            let barrier = Barrier {
                slopes: gaussian(3, 9, &mut rng(seed)),
                constants: gaussian(9, 1, &mut rng(seed + 50)).column(0) * 0.2,
                power: 3.0,
                sign,
            };
            let (mu, gradient) = barrier.minimise().unwrap();
            assert!(gradient < 1e-12);
            let least = barrier.value(&mu);
            for (k, direction) in gaussian(3, 200, &mut rng(seed + 99)).column_iter().enumerate() {
                let other = &mu + direction * 10f64.powi(-(k as i32 % 6));
                assert!(barrier.value(&other) >= least * (1.0 - 1e-14));
            }
            for c in [-0.7, 0.0, 1e-9, 0.9] {
                let step = 1e-5;
                let slope = (barrier.integral(c + step) - barrier.integral(c - step)) / (2.0 * step);
                assert!((slope - barrier.density(c)).abs() < 1e-4 * (1.0 + slope.abs()));
                let slope = (barrier.density(c + step) - barrier.density(c - step)) / (2.0 * step);
                assert!((slope - barrier.derivative(c)).abs() < 1e-4 * (1.0 + slope.abs()));
            }
        }
    }

    #[test]
    fn what_escapes_is_named_and_what_is_not_unique_is_refused() {
        // the second entry can be pushed to −∞: (1, 0) is the only nonnegative solution of z₁ − … in two rows
        let a = nalgebra::dmatrix![1.0, 0.0, 0.5; 0.0, 1.0, 0.0];
        let found = value(&a, &[1.0, 0.0, 0.0], 3, Sign::Positive);
        assert_eq!((found.escaping.as_slice(), found.nu.as_ref()), (&[1][..], None));
        assert!(
            (found.constant - 0.5f64.powi(-2)).abs() < 1e-13,
            "only the third entry is left, at σ = ½: {found:?}"
        );
        let found = value(&DMatrix::identity(2, 2), &[1.0, 0.0], 3, Sign::Positive);
        assert_eq!((found.constant, found.escaping.as_slice()), (0.0, &[1][..]));
        let found = value(&DMatrix::identity(2, 2), &[1.0, -1.0], 3, Sign::Signed);
        assert_eq!((found.constant, found.escaping.len()), (0.0, 0));
        let twins = nalgebra::dmatrix![1.0, 1.0];
        assert!(matches!(
            leading_constant(&twins, &[1.0, 0.0], 3, Sign::Signed),
            Computed::Failed { .. }
        ));
        assert!(matches!(
            leading_constant(&a, &[1.0, 0.0, 0.0], 2, Sign::Signed),
            Computed::Failed { .. }
        ));
    }

    /// Rounding decides whether the last fall of G is seen: a line search that waits for one would never end.
    #[test]
    fn every_minimiser_is_found_to_the_last_digits() {
        let mut found = 0;
        for seed in 0..200 {
            let a = gaussian(8, 20, &mut rng(1000 + seed));
            for (depth, sign) in [
                (3, Sign::Signed),
                (4, Sign::Positive),
                (5, Sign::Signed),
                (4, Sign::Signed),
            ] {
                let mut point = vec![0.0; 20];
                (point[3], point[11]) = (1.0, if sign == Sign::Signed { -0.7 } else { 0.7 });
                match leading_constant(&a, &point, depth, sign) {
                    Computed::Value(_) => found += 1,
                    Computed::Failed { reason } => {
                        assert!(!reason.contains("Newton"), "{seed}, {depth}, {sign:?}: {reason}")
                    }
                }
            }
        }
        assert!(found >= 300, "{found}");
    }
}
