//! Basis pursuit with a certificate,
//!
//! ```text
//! signed:    min Σ b_i|z_i|  s.t.  Az = y               max y·ν  s.t.  |A_i·ν| ≤ b_i
//! positive:  min Σ b_i z_i   s.t.  Az = y, z ≥ 0        max y·ν  s.t.   A_i·ν  ≤ b_i        A ∈ R^{m×n}, b > 0
//! ```
//!
//! the value Q that the flow's ℓ¹ norm tends to as the initialization shrinks (arXiv 2112.11027, Sect. 2; with weights
//! b = x0^{−(L−2)/L} for a non-uniform start and L > 2). Every solution satisfies Σ b_i|z_i| ≥ y·ν for every feasible ν
//! (weak duality), so a pair (z, ν) whose values meet proves itself, whatever found it. No number leaves without that
//! proof: ν is scaled to be feasible, the products A_i·ν evaluated in twice the working precision, and the gap measured.
//!
//! z is the only minimiser if and only if the columns A_S of its support are independent and some ν with A_Sᵀν = b_S sgn
//! has |A_i·ν| < b_i (positive: A_i·ν < b_i) off S (Zhang, Yin, Cheng, J. Optim. Theory Appl. 164, 2015). The ν reported
//! has the largest possible slack off S; where that vanishes, a second minimiser is looked for and shown.

use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;

use super::EXACT;
use super::compensated::{inner, mismatch, norm, transpose_times};
use super::computed::Computed;
use super::least_norm::{least_norm, wrong_input};
use super::nonnegative_least_squares::nonnegative_least_squares;
use super::standard_form::{ACTIVE, Pair, StandardForm};

/// The largest relative gap between value and bound that counts as certified.
pub const CERTIFIED: f64 = 1e-12;
/// Two minimisers this far apart, relative to the larger, are two.
const APART: f64 = 1e-6;

/// The outcome of basis pursuit.
#[derive(Debug, Clone, PartialEq)]
pub enum BasisPursuit {
    /// A certified minimiser.
    Solved(Box<Minimiser>),
    /// No point satisfies the constraints.
    Infeasible {
        /// How far y is from what can be reached.
        reason: String,
        /// r ∈ R^m with y·r > 0 and Aᵀr = 0 (positive: Aᵀr ≤ 0) up to rounding: Az = y would imply y·r = z·Aᵀr ≤ 0.
        certificate: Vec<f64>,
    },
    /// No certified answer.
    Failed {
        /// What went wrong, in one sentence.
        reason: String,
    },
}

/// A minimiser and its certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimiser {
    /// z, n entries, exactly 0 off the support.
    pub point: Vec<f64>,
    /// Σ b_i|z_i|: Q, the ℓ¹ norm if there are no weights.
    pub l1_norm: f64,
    /// Why there is no better point.
    pub certificate: Certificate,
    /// Whether there is another minimiser.
    pub uniqueness: Uniqueness,
    /// Where z ≠ 0, ascending.
    pub support: Vec<usize>,
}

/// A dual variable whose bound meets the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// ν, m entries: |A_i·ν| ≤ b_i (positive: A_i·ν ≤ b_i) up to one ulp.
    pub nu: Vec<f64>,
    /// y·ν ≤ Σ b_i|z_i| for every solution z.
    pub lower_bound: f64,
    /// (Σ b_i|z_i| − y·ν)/Σ b_i|z_i|, in absolute value (0 if z = 0); at most [`CERTIFIED`].
    pub relative_gap: f64,
    /// |Az − y|/|y| (0 if y = 0); at most [`EXACT`].
    pub relative_mismatch: f64,
    /// The least of 1 − |A_i·ν|/b_i (positive: 1 − A_i·ν/b_i, at most 1) off the support, before ν was scaled.
    pub slack: f64,
}

/// Whether the minimiser is the only one.
#[derive(Debug, Clone, PartialEq)]
pub enum Uniqueness {
    /// It is: independent columns, and slack off the support.
    Unique,
    /// It is not.
    NotUnique {
        /// Another point with the same value, to [`CERTIFIED`].
        other: Vec<f64>,
    },
    /// Rounding decides.
    Undecided {
        /// What was found.
        reason: String,
    },
}

impl BasisPursuit {
    /// The minimiser, if there is a certified one.
    pub fn solved(&self) -> Option<&Minimiser> {
        match self {
            Self::Solved(minimiser) => Some(minimiser),
            _ => None,
        }
    }
}

/// min Σ b_i|z_i| subject to Az = y (and z ≥ 0 in a positive model); b = 1 without weights.
///
/// ```
/// use hadaflow_analysis::reference::{Uniqueness, basis_pursuit};
/// use hadaflow_core::initialization::Sign;
///
/// let a = nalgebra::dmatrix![1.0, 2.0];
/// let found = basis_pursuit(&a, &[1.0], Sign::Signed, None);
/// let minimiser = found.solved().unwrap();
/// assert_eq!((minimiser.point.as_slice(), minimiser.l1_norm), (&[0.0, 0.5][..], 0.5));
/// assert_eq!(minimiser.uniqueness, Uniqueness::Unique);
/// ```
pub fn basis_pursuit(a: &DMatrix<f64>, y: &[f64], sign: Sign, weights: Option<&[f64]>) -> BasisPursuit {
    if let Some(reason) = wrong_input(a, y).or_else(|| wrong_weights(a.ncols(), weights)) {
        return BasisPursuit::Failed { reason };
    }
    let weights = weights.map_or_else(|| vec![1.0; a.ncols()], <[f64]>::to_vec);
    if y.iter().all(|y| *y == 0.0) {
        return BasisPursuit::Solved(Box::new(zero(a)));
    }
    if let Some(outcome) = unreachable_measurements(a, y, sign) {
        return outcome;
    }
    let signed = sign == Sign::Signed;
    let form = standard_form(a, y, signed, &weights);
    let pair = match form.solve(None, CERTIFIED) {
        Computed::Value(pair) => pair,
        Computed::Failed { reason } => return BasisPursuit::Failed { reason },
    };
    let point = folded(&pair.x, a.ncols(), signed);
    let size = norm(y);
    let certificate = certificate(a, y, signed, &weights, &point, &pair);
    // written so that NaN fails
    if !(certificate.relative_gap <= CERTIFIED && certificate.relative_mismatch <= EXACT) {
        return BasisPursuit::Failed {
            reason: format!(
                "the gap {:e} or the mismatch {:e} is more than rounding",
                certificate.relative_gap, certificate.relative_mismatch
            ),
        };
    }
    let l1_norm = value(&point, &weights);
    let accepted = |other: &[f64]| {
        let distance = other
            .iter()
            .zip(&point)
            .fold(0.0, |top: f64, (a, b)| top.max((a - b).abs()));
        let largest = other.iter().chain(&point).fold(0.0, |top: f64, z| top.max(z.abs()));
        (value(other, &weights) - l1_norm).abs() <= CERTIFIED * l1_norm
            && norm(&mismatch(a, other, y)) <= EXACT * size
            && distance > APART * largest
    };
    let uniqueness = uniqueness(&form, &pair, |x| {
        Some(folded(x, a.ncols(), signed)).filter(|z| accepted(z))
    });
    BasisPursuit::Solved(Box::new(Minimiser {
        support: (0..point.len()).filter(|&i| point[i] != 0.0).collect(),
        l1_norm,
        certificate,
        uniqueness,
        point,
    }))
}

/// What is wrong with the weights, if anything.
fn wrong_weights(n: usize, weights: Option<&[f64]>) -> Option<String> {
    let weights = weights?;
    if weights.len() != n {
        return Some(format!("A has {n} columns, but there are {} weights", weights.len()));
    }
    let legal = weights.iter().all(|b| *b > 0.0 && b.is_finite());
    (!legal).then(|| "every weight must be positive and finite".into())
}

/// y = 0: the only minimiser is z = 0, since every weight is positive; ν = 0 proves it.
fn zero(a: &DMatrix<f64>) -> Minimiser {
    Minimiser {
        point: vec![0.0; a.ncols()],
        l1_norm: 0.0,
        certificate: Certificate {
            nu: vec![0.0; a.nrows()],
            lower_bound: 0.0,
            relative_gap: 0.0,
            relative_mismatch: 0.0,
            slack: 1.0,
        },
        uniqueness: Uniqueness::Unique,
        support: Vec::new(),
    }
}

/// The outcome where no point satisfies the constraints, decided by least squares, not by the simplex method.
fn unreachable_measurements(a: &DMatrix<f64>, y: &[f64], sign: Sign) -> Option<BasisPursuit> {
    let failed = |reason| Some(BasisPursuit::Failed { reason });
    match least_norm(a, y) {
        Computed::Value(found) if !found.attained => {
            return Some(BasisPursuit::Infeasible {
                reason: format!("y is {:e}·|y| away from the range of A", found.relative_distance),
                certificate: found.residual,
            });
        }
        Computed::Value(_) if sign == Sign::Signed => return None,
        Computed::Value(_) => {}
        Computed::Failed { reason } => return failed(reason),
    }
    match nonnegative_least_squares(a, y) {
        Computed::Value(found) if found.relative_distance > EXACT => Some(BasisPursuit::Infeasible {
            reason: format!("no z ≥ 0 brings Az closer to y than {:e}·|y|", found.relative_distance),
            certificate: found.residual,
        }),
        Computed::Value(_) => None,
        Computed::Failed { reason } => failed(reason),
    }
}

/// The program in standard form; a signed z is x⁺ − x⁻ over the columns of [A, −A].
fn standard_form(a: &DMatrix<f64>, y: &[f64], signed: bool, weights: &[f64]) -> StandardForm {
    if !signed {
        return StandardForm::new(a.clone(), y, weights);
    }
    let mut both = a.clone().resize_horizontally(2 * a.ncols(), 0.0);
    both.columns_mut(a.ncols(), a.ncols()).copy_from(&-a);
    StandardForm::new(both, y, &[weights, weights].concat())
}

/// z of x = (x⁺, x⁻).
fn folded(x: &[f64], n: usize, signed: bool) -> Vec<f64> {
    if signed {
        (0..n).map(|i| x[i] - x[n + i]).collect()
    } else {
        x.to_vec()
    }
}

/// Σ b_i|z_i|.
fn value(z: &[f64], weights: &[f64]) -> f64 {
    let sizes: Vec<f64> = z.iter().map(|z| z.abs()).collect();
    inner(&sizes, weights)
}

/// The certificate of z, with ν scaled to be feasible.
fn certificate(a: &DMatrix<f64>, y: &[f64], signed: bool, weights: &[f64], point: &[f64], pair: &Pair) -> Certificate {
    let mut nu = pair.nu.clone();
    let excess = |nu: &[f64]| {
        let products = transpose_times(a, nu);
        let used = |(p, b): (&f64, &f64)| if signed { p.abs() / b } else { p / b };
        products.iter().zip(weights).map(used).fold(0.0, f64::max)
    };
    // dividing rounds each entry of ν, which can leave the largest product an ulp or two above its bound
    for _ in 0..4 {
        let top = excess(&nu);
        if top <= 1.0 {
            break;
        }
        nu.iter_mut().for_each(|nu| *nu /= top);
    }
    let lower_bound = inner(y, &nu);
    let l1_norm = value(point, weights);
    let distance = norm(&mismatch(a, point, y));
    Certificate {
        relative_gap: ((l1_norm - lower_bound) / l1_norm).abs(),
        relative_mismatch: if distance == 0.0 { 0.0 } else { distance / norm(y) },
        lower_bound,
        slack: pair.slack,
        nu,
    }
}

/// Whether there is another minimiser; `accepted` checks a candidate.
fn uniqueness(form: &StandardForm, pair: &Pair, accepted: impl Fn(&[f64]) -> Option<Vec<f64>>) -> Uniqueness {
    // the columns of the support are independent: the pair was computed from them
    if pair.slack > ACTIVE {
        return Uniqueness::Unique;
    }
    match form.another(pair).as_deref().and_then(accepted) {
        Some(other) => Uniqueness::NotUnique { other },
        None => Uniqueness::Undecided {
            reason: format!(
                "off the support the largest possible slack is {:e}, which rounding cannot tell from 0, and no second \
                 minimiser was found",
                pair.slack
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::testing::{Instance, instance};

    /// Random instances solved below; the worst figures of 1000 are printed by raising this.
    const CAMPAIGN: u64 = 1000;

    fn solved(a: &DMatrix<f64>, y: &[f64], sign: Sign) -> Minimiser {
        match basis_pursuit(a, y, sign, None) {
            BasisPursuit::Solved(minimiser) => *minimiser,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_random_instance_is_certified_or_proved_infeasible() {
        let (mut gap, mut mismatch, mut counts) = (0.0f64, 0.0f64, [0; 5]);
        let mut bad = Vec::new();
        for seed in 0..CAMPAIGN {
            let Instance { a, y, sign, kind } = instance(seed);
            let clock = std::time::Instant::now();
            match basis_pursuit(&a, &y, sign, None) {
                BasisPursuit::Solved(found) => {
                    gap = gap.max(found.certificate.relative_gap);
                    mismatch = mismatch.max(found.certificate.relative_mismatch);
                    match found.uniqueness {
                        Uniqueness::Unique => counts[0] += 1,
                        Uniqueness::NotUnique { .. } => counts[1] += 1,
                        Uniqueness::Undecided { reason } => {
                            counts[2] += 1;
                            println!("{seed} {kind}: {reason}");
                        }
                    }
                }
                BasisPursuit::Infeasible { certificate, .. } => {
                    counts[3] += 1;
                    let along = transpose_times(&a, &certificate);
                    let worst = along.iter().fold(0.0, |top: f64, p| {
                        top.max(if sign == Sign::Signed { p.abs() } else { *p })
                    });
                    let separation = inner(&y, &certificate);
                    assert!(
                        worst * norm(&y) < 1e-9 * a.amax() * separation.sqrt() * norm(&y),
                        "{kind}: {worst:e}"
                    );
                }
                BasisPursuit::Failed { reason } => {
                    counts[4] += 1;
                    bad.push(format!("{seed} {kind}: {reason}"));
                }
            }
            if clock.elapsed().as_secs_f64() > 0.3 {
                println!("{seed} {kind} slow {:?}", clock.elapsed());
            }
        }
        println!("gap {gap:e}, mismatch {mismatch:e}, unique/not/undecided/infeasible/failed {counts:?}");
        assert!(bad.is_empty(), "{bad:#?}");
        let _ = solved;
    }
}
