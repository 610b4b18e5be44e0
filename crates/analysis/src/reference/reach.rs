//! Whether Az = y (and z ≥ 0 in a positive model) has a solution: decided by least squares, not by the simplex method.

use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;

use super::EXACT;
use super::computed::Computed;
use super::least_norm::least_norm;
use super::nonnegative_least_squares::nonnegative_least_squares;

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reach {
    /// There is a solution, up to [`EXACT`]·|y|.
    Solvable,
    /// There is none: r ∈ R^m with y·r > 0 and Aᵀr = 0 (positive: Aᵀr ≤ 0) up to rounding.
    Out { reason: String, certificate: Vec<f64> },
    /// The numerics failed.
    Failed { reason: String },
}

/// Whether y ∈ R^m is A z for some z ∈ R^n (positive: some z ≥ 0).
pub(super) fn reach(a: &DMatrix<f64>, y: &[f64], sign: Sign) -> Reach {
    match least_norm(a, y) {
        Computed::Value(found) if !found.attained => {
            return Reach::Out {
                reason: format!("y is {:e}·|y| away from the range of A", found.relative_distance),
                certificate: found.residual,
            };
        }
        Computed::Value(_) if sign == Sign::Signed => return Reach::Solvable,
        Computed::Value(_) => {}
        Computed::Failed { reason } => return Reach::Failed { reason },
    }
    match nonnegative_least_squares(a, y) {
        Computed::Value(found) if found.relative_distance > EXACT => Reach::Out {
            reason: format!("no z ≥ 0 brings Az closer to y than {:e}·|y|", found.relative_distance),
            certificate: found.residual,
        },
        Computed::Value(_) => Reach::Solvable,
        Computed::Failed { reason } => Reach::Failed { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_and_the_cone_are_told_apart() {
        let a = nalgebra::dmatrix![1.0, 0.0; 0.0, 1.0; 0.0, 0.0];
        let out = |y: &[f64], sign| match reach(&a, y, sign) {
            Reach::Out { certificate, .. } => Some(certificate),
            Reach::Solvable => None,
            Reach::Failed { reason } => panic!("{reason}"),
        };
        assert_eq!(out(&[1.0, -2.0, 0.0], Sign::Signed), None);
        assert_eq!(out(&[1.0, -2.0, 0.0], Sign::Positive), Some(vec![0.0, -2.0, 0.0]));
        assert_eq!(out(&[1.0, 2.0, 3.0], Sign::Signed), Some(vec![0.0, 0.0, 3.0]));
        assert_eq!(out(&[1.0, 2.0, 3e-13], Sign::Positive), None, "rounding");
        assert_eq!(
            reach(&a, &[f64::NAN, 0.0, 0.0], Sign::Signed),
            Reach::Failed {
                reason: "A or y has an entry that is not finite".into()
            }
        );
    }
}
