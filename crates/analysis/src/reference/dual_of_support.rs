//! The dual variable of a support S with the most slack,
//!
//! ```text
//! argmin { max_{j ∉ S} (C_j·ν − d_j)/unit_j : C_Sᵀν = d_S },        C ∈ R^{r×N} of full row rank, ν ∈ R^r
//! ```
//!
//! ν = ν₀ + Nμ with ν₀ the shortest solution and N an orthonormal basis of the kernel of C_Sᵀ; what remains is the least
//! maximum of affine functions of μ ([`minimax`]).

use hadaflow_core::compensated::dot;
use nalgebra::{DMatrix, DVector};

use super::computed::Computed;
use super::minimax::{Minimax, minimax};
use super::orthogonal_basis::{DEPENDENT, OrthogonalBasis};

/// Slack this small, in units of each constraint, marks a constraint that may be active.
pub(super) const ACTIVE: f64 = 1e-9;

/// Levels d_j and units of the constraints C_j·ν ≤ d_j.
pub(super) struct Constraints {
    pub(super) levels: Vec<f64>,
    pub(super) units: Vec<f64>,
}

/// The dual variable of a support.
pub(super) enum Dual {
    /// ν, and the least possible value of max over j off S of (C_j·ν − d_j)/unit_j, with the gap of its certificate.
    Found { nu: DVector<f64>, value: f64, gap: f64 },
    /// No ν satisfies C_Sᵀν = d_S.
    None,
    /// The maximum can be made as small as wanted (or nothing is off S).
    Unbounded,
    /// The numerics failed.
    Failed { reason: String },
}

/// B_j = NᵀC_j for the columns off S, without what rounding leaves where there should be nothing: a column in the span of
/// C_S is 0, and so is an entry of a few ε|C_j|. A long μ would take them for slopes.
pub(super) fn slopes(c: &DMatrix<f64>, kernel: &DMatrix<f64>, off: &[usize]) -> DMatrix<f64> {
    let mut slopes = kernel.tr_mul(&c.select_columns(off));
    for (mut slope, &j) in slopes.column_iter_mut().zip(off) {
        let length = c.column(j).norm();
        if slope.norm() <= DEPENDENT * length {
            slope.fill(0.0);
        }
        slope.apply(|b| {
            *b = if b.abs() <= 8.0 * f64::EPSILON * length {
                0.0
            } else {
                *b
            }
        });
    }
    slopes
}

/// argmin { max_{j ∉ S} (C_j·ν − d_j)/unit_j : C_Sᵀν = d_S } for C of full row rank; a floor bounds the maximum from
/// below.
///
/// ν = ν₀ + Nμ with ν₀ the shortest solution and N an orthonormal basis of the kernel of C_Sᵀ.
pub(super) fn dual_of_support(
    c: &DMatrix<f64>,
    constraints: &Constraints,
    support: &[usize],
    floor: Option<f64>,
) -> Dual {
    let (levels, units) = (&constraints.levels, &constraints.units);
    let (basis, chosen) = OrthogonalBasis::spanning(&c.select_columns(support));
    // d_j − C_j·ν
    let missing_at = |j: usize, nu: &DVector<f64>| {
        let column = c.column(j);
        let products = column.iter().map(|c| -c).zip(nu.iter().copied());
        dot(products.chain([(levels[j], 1.0)]))
    };
    let missing =
        |nu: &DVector<f64>| DVector::from_iterator(chosen.len(), chosen.iter().map(|&i| missing_at(support[i], nu)));
    let mut start = DVector::zeros(c.nrows());
    for _ in 0..2 {
        start += basis.shortest_with_products(&missing(&start));
    }
    for (i, &j) in support.iter().enumerate() {
        // dependent columns agree to rounding, or not at all
        let rounding = ACTIVE * (units[j] + c.column(j).norm() * start.norm());
        if !chosen.contains(&i) && missing_at(j, &start).abs() > rounding {
            return Dual::None;
        }
    }
    let mut inside = vec![false; levels.len()];
    support.iter().for_each(|&j| inside[j] = true);
    let off: Vec<usize> = (0..levels.len()).filter(|&j| !inside[j]).collect();
    let kernel = basis.complement();
    let mut functions = slopes(c, &kernel, &off);
    for (mut column, &j) in functions.column_iter_mut().zip(&off) {
        column /= units[j];
    }
    let mut constants: Vec<f64> = off.iter().map(|&j| -missing_at(j, &start) / units[j]).collect();
    if let Some(floor) = floor {
        functions = functions.insert_column(off.len(), 0.0);
        constants.push(floor);
    }
    match minimax(&functions, &constants) {
        Computed::Value(Minimax::Bounded(least)) => {
            let nu = start + kernel * least.mu;
            // once more with accurate products: the gap of a pair is x_S·(C_Sᵀν − d_S)
            let nu = &nu + basis.shortest_with_products(&missing(&nu));
            Dual::Found {
                nu,
                value: least.value,
                gap: least.gap,
            }
        }
        Computed::Value(Minimax::Unbounded) => Dual::Unbounded,
        Computed::Failed { reason } => Dual::Failed { reason },
    }
}
