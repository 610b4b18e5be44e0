//! The constant ρ of the source condition of a point z with support S and signs sgn = sgn(z_S),
//!
//! ```text
//! signed:    ρ  = min { max_{j ∉ S} |A_j·ν| : A_Sᵀν = sgn } = max { −⟨sgn, h_S⟩ : Ah = 0, |h_{S^c}|₁ = 1 }
//! positive:  ρ⁺ = min { max_{j ∉ S}  A_j·ν  : A_Sᵀν = 1 }        A ∈ R^{m×n}, ν ∈ R^m
//! ```
//!
//! z is the only solution of basis pursuit if and only if the columns A_S are independent and ρ < 1. ρ is then the rate at
//! which the flow approaches it as the initialization α shrinks: |w_∞ − z| ~ α^{2(1−ρ)} for L = 2 and ~ α^L for L > 2
//! (Matt, Stöger, arXiv 2506.01143). ρ⁺ may be negative.

use hadaflow_core::compensated::transpose_times;
use hadaflow_core::initialization::Sign;
use nalgebra::{DMatrix, DVector};

use super::computed::Computed;
use super::dual_of_support::{Constraints, Dual, dual_of_support};
use super::independent_rows::IndependentRows;
use super::least_norm::wrong_input;

/// The largest gap between ρ and its dual bound that is accepted: what the linear program leaves where the set of
/// largest products could not be told.
const ACCEPTED: f64 = 1e-10;

/// ρ and its ν.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceCondition {
    /// ρ; +∞ if no ν has A_Sᵀν = sgn, −∞ (positive model) if ρ⁺ has no lower bound or nothing is off the support.
    pub rho: f64,
    /// A minimiser ν, m entries, where ρ is finite.
    pub nu: Option<Vec<f64>>,
    /// How far the dual bound lies below ρ.
    pub gap: f64,
}

/// ρ of the support and signs of `point` (n entries; what is not exactly 0 is support).
pub fn source_condition(a: &DMatrix<f64>, point: &[f64], sign: Sign) -> Computed<SourceCondition> {
    if let Some(reason) = wrong_point(a, point, sign) {
        return Computed::Failed { reason };
    }
    let support: Vec<usize> = (0..point.len()).filter(|&j| point[j] != 0.0).collect();
    let signs: Vec<f64> = support.iter().map(|&j| point[j].signum()).collect();
    let rows = IndependentRows::of(a);
    match of_support(&rows.matrix, &support, &signs, sign) {
        Computed::Value(Source::Attained { nu, gap, .. }) => {
            let nu = rows.lift(&nu);
            let rho = largest_product(a, &nu, &support, sign);
            Computed::Value(SourceCondition { rho, nu: Some(nu), gap })
        }
        Computed::Value(Source::None) => Computed::Value(without_minimiser(f64::INFINITY)),
        Computed::Value(Source::Unbounded) => Computed::Value(without_minimiser(f64::NEG_INFINITY)),
        Computed::Failed { reason } => Computed::Failed { reason },
    }
}

fn without_minimiser(rho: f64) -> SourceCondition {
    SourceCondition {
        rho,
        nu: None,
        gap: 0.0,
    }
}

/// What is wrong with A or the point, if anything.
pub(super) fn wrong_point(a: &DMatrix<f64>, point: &[f64], sign: Sign) -> Option<String> {
    if point.len() != a.ncols() {
        return Some(format!(
            "A has {} columns, but z has {} entries",
            a.ncols(),
            point.len()
        ));
    }
    if sign == Sign::Positive && point.iter().any(|z| *z < 0.0) {
        return Some("z has a negative entry, but the model is positive".into());
    }
    wrong_input(a, &vec![0.0; a.nrows()]).or_else(|| {
        let finite = point.iter().all(|z| z.is_finite());
        (!finite).then(|| "z has an entry that is not finite".into())
    })
}

/// max_{j ∉ S} |A_j·ν| (signed; 0 if nothing is off S) or A_j·ν (positive; −∞).
fn largest_product(a: &DMatrix<f64>, nu: &[f64], support: &[usize], sign: Sign) -> f64 {
    let products = transpose_times(a, nu);
    let off = (0..products.len())
        .filter(|j| !support.contains(j))
        .map(|j| products[j]);
    match sign {
        Sign::Signed => off.fold(0.0, |top, p| top.max(p.abs())),
        Sign::Positive => off.fold(f64::NEG_INFINITY, f64::max),
    }
}

/// The minimum over ν in R^r for a matrix of full row rank r.
pub(super) enum Source {
    /// It is attained.
    Attained { nu: DVector<f64>, rho: f64, gap: f64 },
    /// No ν has A_Sᵀν = sgn.
    None,
    /// No lower bound (positive model).
    Unbounded,
}

/// ρ of a support and signs.
pub(super) fn of_support(a: &DMatrix<f64>, support: &[usize], signs: &[f64], sign: Sign) -> Computed<Source> {
    let off: Vec<usize> = (0..a.ncols()).filter(|j| !support.contains(j)).collect();
    let (s, p) = (support.len(), off.len());
    let copies = if sign == Sign::Signed { 2 } else { 1 };
    // columns sgn_j A_j on S at level 1, then A_j (and −A_j) off S at level 0
    let mut columns = DMatrix::zeros(a.nrows(), s + copies * p);
    for (k, (&j, sign)) in support.iter().zip(signs).enumerate() {
        columns.set_column(k, &(a.column(j) * *sign));
    }
    for (k, &j) in off.iter().enumerate() {
        columns.set_column(s + k, &a.column(j));
        if copies == 2 {
            columns.set_column(s + p + k, &-a.column(j));
        }
    }
    let constraints = Constraints {
        levels: (0..columns.ncols()).map(|k| if k < s { 1.0 } else { 0.0 }).collect(),
        units: vec![1.0; columns.ncols()],
    };
    // |A_j·ν| ≥ 0: where nothing is off S, the signed minimum is 0
    let floor = (sign == Sign::Signed).then_some(0.0);
    match dual_of_support(&columns, &constraints, &(0..s).collect::<Vec<_>>(), floor) {
        Dual::Found { nu, value, gap } if gap <= ACCEPTED => Computed::Value(Source::Attained { nu, rho: value, gap }),
        Dual::Found { gap, .. } => Computed::failed(format!("ρ is certified only to {gap:e}")),
        Dual::None => Computed::Value(Source::None),
        Dual::Unbounded => Computed::Value(Source::Unbounded),
        Dual::Failed { reason } => Computed::Failed { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{gaussian, instance, rng};
    use crate::reference::{Uniqueness, basis_pursuit};

    fn rho(a: &DMatrix<f64>, point: &[f64], sign: Sign) -> f64 {
        match source_condition(a, point, sign) {
            Computed::Value(found) => found.rho,
            Computed::Failed { reason } => panic!("{reason}"),
        }
    }

    #[test]
    fn a_kernel_of_one_dimension_gives_it_directly() {
        // ρ = |⟨sgn, h_S⟩|/|h_{S^c}|₁ for the one h
        for seed in 0..30 {
            let a = gaussian(5, 6, &mut rng(seed));
            let svd = (a.transpose() * &a).symmetric_eigen();
            let h = svd.eigenvectors.column(svd.eigenvalues.imin()).into_owned();
            let point = [1.0, 0.0, -2.0, 0.0, 0.0, 0.5];
            let along = (h[0] - h[2] + h[5]).abs();
            let off = h[1].abs() + h[3].abs() + h[4].abs();
            let found = rho(&a, &point, Sign::Signed);
            assert!(
                (found - along / off).abs() < 1e-9 * (1.0 + found),
                "{found} {}",
                along / off
            );
        }
    }

    #[test]
    fn the_ends_of_the_scale() {
        let a = nalgebra::dmatrix![1.0, 0.5];
        assert_eq!(rho(&a, &[2.0, 0.0], Sign::Signed), 0.5);
        assert_eq!(rho(&a, &[0.0, 0.0], Sign::Signed), 0.0);
        assert_eq!(rho(&a, &[1.0, 1.0], Sign::Signed), f64::INFINITY, "ν = 1 and ν = 2");
        assert_eq!(rho(&nalgebra::dmatrix![1.0, -0.5], &[2.0, 0.0], Sign::Positive), -0.5);
        assert_eq!(rho(&a, &[0.0, 0.0], Sign::Positive), f64::NEG_INFINITY);
        assert_eq!(rho(&DMatrix::identity(2, 2), &[1.0, -1.0], Sign::Signed), 0.0);
        assert_eq!(
            rho(&DMatrix::identity(2, 2), &[1.0, 1.0], Sign::Positive),
            f64::NEG_INFINITY
        );
        assert_eq!(rho(&DMatrix::zeros(2, 2), &[0.0, 0.0], Sign::Signed), 0.0);
        assert_eq!(rho(&DMatrix::zeros(2, 2), &[0.0, 1.0], Sign::Signed), f64::INFINITY);
        let wrong = source_condition(&a, &[-1.0, 0.0], Sign::Positive);
        assert!(matches!(wrong, Computed::Failed { .. }));
    }

    #[test]
    fn below_one_exactly_where_basis_pursuit_is_unique() {
        let mut seen = [0, 0];
        for seed in 0..150 {
            let instance = instance(seed);
            let Some(found) = basis_pursuit(&instance.a, &instance.y, instance.sign, None)
                .solved()
                .cloned()
            else {
                continue;
            };
            let rho = rho(&instance.a, &found.point, instance.sign);
            let slack = found.certificate.slack;
            assert!(
                (slack - (1.0 - rho).min(1.0)).abs() < 1e-9,
                "{}: {slack} {rho}",
                instance.kind
            );
            let unique = found.uniqueness == Uniqueness::Unique;
            assert_eq!(unique, rho < 1.0 - 1e-9, "{}: {rho}", instance.kind);
            seen[usize::from(unique)] += 1;
        }
        assert!(seen[0] > 10 && seen[1] > 10, "{seen:?}");
    }
}
