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

use hadaflow_core::compensated::{inner, mismatch, norm, transpose_times};
use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;

use super::EXACT;
use super::computed::Computed;
use super::dual_of_support::ACTIVE;
use super::least_norm::wrong_input;
use super::reach::{Reach, reach};
use super::standard_form::{Pair, StandardForm};

/// The largest relative gap between value and bound that counts as certified, unless rounding the entries of ν costs
/// more: that changes A_i·ν by about ε|A_i||ν|, which matters only where |A_i||ν| is many times b_i.
pub const CERTIFIED: f64 = 1e-12;
/// What rounding ν may cost, in units of max |A_i||ν|/b_i.
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// What the pair of programs is asked for; whether it is enough is decided on ν as reported.
const SOUGHT: f64 = 1e-10;
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
    /// (Σ b_i|z_i| − y·ν)/Σ b_i|z_i|, in absolute value (0 if z = 0); see [`CERTIFIED`].
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
    match reach(a, y, sign) {
        Reach::Solvable => {}
        Reach::Out { reason, certificate } => return BasisPursuit::Infeasible { reason, certificate },
        Reach::Failed { reason } => return BasisPursuit::Failed { reason },
    }
    let goal = Goal {
        a,
        y,
        signed: sign == Sign::Signed,
        weights: &weights,
    };
    let form = goal.standard_form();
    match form.solve(None, SOUGHT) {
        Computed::Value(pair) => goal.outcome(&form, &pair),
        Computed::Failed { reason } => BasisPursuit::Failed { reason },
    }
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

/// The data of a problem that has a solution z ≠ 0.
struct Goal<'a> {
    a: &'a DMatrix<f64>,
    y: &'a [f64],
    signed: bool,
    weights: &'a [f64],
}

impl Goal<'_> {
    /// The program in standard form; a signed z is x⁺ − x⁻ over the columns of [A, −A].
    fn standard_form(&self) -> StandardForm {
        let n = self.a.ncols();
        if !self.signed {
            return StandardForm::new(self.a.clone(), self.y, self.weights);
        }
        let mut both = self.a.clone().resize_horizontally(2 * n, 0.0);
        both.columns_mut(n, n).copy_from(&-self.a);
        StandardForm::new(both, self.y, &[self.weights, self.weights].concat())
    }

    /// z of x = (x⁺, x⁻).
    fn folded(&self, x: &[f64]) -> Vec<f64> {
        let n = self.a.ncols();
        if !self.signed {
            return x.to_vec();
        }
        (0..n).map(|i| x[i] - x[n + i]).collect()
    }

    /// Σ b_i|z_i|.
    fn value(&self, z: &[f64]) -> f64 {
        let sizes: Vec<f64> = z.iter().map(|z| z.abs()).collect();
        inner(&sizes, self.weights)
    }

    /// |Az − y|/|y|.
    fn relative_mismatch(&self, z: &[f64]) -> f64 {
        norm(&mismatch(self.a, z, self.y)) / norm(self.y)
    }

    /// What a solution of both programs comes to on the data themselves.
    fn outcome(&self, form: &StandardForm, pair: &Pair) -> BasisPursuit {
        let point = self.folded(&pair.x);
        let certificate = self.certificate(&point, pair);
        let used = self.used(&certificate.nu);
        if used > 1.0 + f64::EPSILON {
            return BasisPursuit::Failed {
                reason: format!("the dual variable is not feasible: it uses {used} of its bounds"),
            };
        }
        let lengths = self
            .a
            .column_iter()
            .zip(self.weights)
            .map(|(column, b)| column.norm() / b);
        let allowed = CERTIFIED.max(ROUNDING * lengths.fold(0.0, f64::max) * norm(&certificate.nu));
        // written so that NaN fails
        if !(certificate.relative_gap <= allowed && certificate.relative_mismatch <= EXACT) {
            return BasisPursuit::Failed {
                reason: format!(
                    "the gap {:e} or the mismatch {:e} is more than rounding",
                    certificate.relative_gap, certificate.relative_mismatch
                ),
            };
        }
        BasisPursuit::Solved(Box::new(Minimiser {
            support: (0..point.len()).filter(|&i| point[i] != 0.0).collect(),
            l1_norm: self.value(&point),
            certificate,
            uniqueness: self.uniqueness(form, pair, &point),
            point,
        }))
    }

    /// The certificate of z, with ν scaled to be feasible.
    fn certificate(&self, point: &[f64], pair: &Pair) -> Certificate {
        let mut nu = pair.nu.clone();
        // rounding ν can leave the largest product above its bound: scaled a little more each time, until it is not
        let (top, mut margin) = (self.used(&nu), 0.0);
        for _ in 0..20 {
            if self.used(&nu) <= 1.0 {
                break;
            }
            nu = pair.nu.iter().map(|nu| nu * (1.0 - margin) / top).collect();
            margin = 2.0 * margin + f64::EPSILON;
        }
        let (lower_bound, l1_norm) = (inner(self.y, &nu), self.value(point));
        Certificate {
            relative_gap: ((l1_norm - lower_bound) / l1_norm).abs(),
            relative_mismatch: self.relative_mismatch(point),
            lower_bound,
            slack: pair.slack,
            nu,
        }
    }

    /// max |A_i·ν|/b_i (positive: A_i·ν/b_i, at least 0).
    fn used(&self, nu: &[f64]) -> f64 {
        let part = |(p, b): (f64, &f64)| if self.signed { p.abs() / b } else { p / b };
        transpose_times(self.a, nu)
            .into_iter()
            .zip(self.weights)
            .map(part)
            .fold(0.0, f64::max)
    }

    /// Whether there is another minimiser.
    fn uniqueness(&self, form: &StandardForm, pair: &Pair, point: &[f64]) -> Uniqueness {
        // the columns of the support are independent: the pair was computed from them
        if pair.slack > ACTIVE {
            return Uniqueness::Unique;
        }
        let l1_norm = self.value(point);
        let is_another = |other: &[f64]| {
            let distance = other
                .iter()
                .zip(point)
                .fold(0.0, |top: f64, (a, b)| top.max((a - b).abs()));
            let largest = other.iter().chain(point).fold(0.0, |top: f64, z| top.max(z.abs()));
            (self.value(other) - l1_norm).abs() <= CERTIFIED * l1_norm
                && self.relative_mismatch(other) <= EXACT
                && distance > APART * largest
        };
        match form.another(pair).map(|x| self.folded(&x)).filter(|z| is_another(z)) {
            Some(other) => Uniqueness::NotUnique { other },
            None => Uniqueness::Undecided {
                reason: format!(
                    "off the support the largest possible slack is {:e}, which rounding cannot tell from 0, and no \
                     second minimiser was found",
                    pair.slack
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::reference::testing::{Instance, gaussian, instance, rng, times};

    /// Random instances solved by the campaign.
    const CAMPAIGN: u64 = 1000;
    const SIGNS: [Sign; 2] = [Sign::Signed, Sign::Positive];

    fn solved(a: &DMatrix<f64>, y: &[f64], sign: Sign, weights: Option<&[f64]>) -> Minimiser {
        match basis_pursuit(a, y, sign, weights) {
            BasisPursuit::Solved(minimiser) => *minimiser,
            other => panic!("{other:?}"),
        }
    }

    fn infeasible(a: &DMatrix<f64>, y: &[f64], sign: Sign) -> Vec<f64> {
        match basis_pursuit(a, y, sign, None) {
            BasisPursuit::Infeasible { certificate, .. } => certificate,
            other => panic!("{other:?}"),
        }
    }

    /// Asserts, from the data alone, that the minimiser is one.
    fn assert_certified(instance: &Instance, weights: &[f64], found: &Minimiser) {
        let Instance { a, y, sign, kind } = instance;
        let l1_norm: f64 = found.point.iter().zip(weights).map(|(z, b)| b * z.abs()).sum();
        assert!((l1_norm - found.l1_norm).abs() <= 1e-14 * l1_norm, "{kind}");
        assert!(*sign == Sign::Signed || found.point.iter().all(|z| *z >= 0.0), "{kind}");
        let products = transpose_times(a, &found.certificate.nu);
        for (product, b) in products.iter().zip(weights) {
            let used = if *sign == Sign::Signed { product.abs() } else { *product } / b;
            assert!(used <= 1.0 + f64::EPSILON, "{kind}: {used}");
        }
        let gap = (l1_norm - inner(y, &found.certificate.nu)).abs();
        // with weights, |A_i||ν| reaches 1e5·b_i in these instances: rounding ν costs up to 1e-11
        assert!(gap <= 10.0 * CERTIFIED * l1_norm, "{kind}: {gap:e}");
        assert!(norm(&mismatch(a, &found.point, y)) <= EXACT * norm(y), "{kind}");
        if let Uniqueness::NotUnique { other } = &found.uniqueness {
            let value: f64 = other.iter().zip(weights).map(|(z, b)| b * z.abs()).sum();
            assert!(
                (value - l1_norm).abs() <= CERTIFIED * l1_norm && *other != found.point,
                "{kind}"
            );
            assert!(norm(&mismatch(a, other, y)) <= EXACT * norm(y), "{kind}");
            assert!(*sign == Sign::Signed || other.iter().all(|z| *z >= 0.0), "{kind}");
        }
    }

    /// Asserts that r proves that there is no solution.
    fn assert_excluded(instance: &Instance, certificate: &[f64]) {
        let Instance { a, y, sign, kind } = instance;
        let separation = inner(y, certificate) / norm(certificate) / norm(y);
        assert!(separation > EXACT, "{kind}: {separation:e}");
        for (product, column) in transpose_times(a, certificate).iter().zip(a.column_iter()) {
            let used = if *sign == Sign::Signed { product.abs() } else { *product };
            // the residual of a least-squares problem is orthogonal to rounding of y, not of itself
            assert!(used <= 1e-12 * column.norm() * norm(y), "{kind}: {used:e}");
        }
    }

    #[test]
    fn every_random_instance_is_certified_or_proved_infeasible() {
        let (mut gap, mut mismatch, mut counts) = ([0.0f64; 2], 0.0f64, [0; 4]);
        // and two where following rounding as a slope would lead to infinity
        for seed in (0..CAMPAIGN).chain([3746, 5841]) {
            let instance = instance(seed);
            let plain = vec![1.0; instance.a.ncols()];
            let mut rng = rng(seed);
            let weighted: Vec<f64> = plain.iter().map(|_| 10f64.powf(rng.random_range(-1.0..1.0))).collect();
            // every third once more with weights
            for (kind, weights) in [plain, weighted]
                .iter()
                .enumerate()
                .take(1 + usize::from(seed % 3 == 0))
            {
                match basis_pursuit(&instance.a, &instance.y, instance.sign, Some(weights)) {
                    BasisPursuit::Solved(found) => {
                        assert_certified(&instance, weights, &found);
                        gap[kind] = gap[kind].max(found.certificate.relative_gap);
                        mismatch = mismatch.max(found.certificate.relative_mismatch);
                        match found.uniqueness {
                            Uniqueness::Unique => counts[0] += 1,
                            Uniqueness::NotUnique { .. } => counts[1] += 1,
                            Uniqueness::Undecided { .. } => counts[2] += 1,
                        }
                    }
                    BasisPursuit::Infeasible { certificate, .. } => {
                        counts[3] += 1;
                        assert_excluded(&instance, &certificate);
                    }
                    BasisPursuit::Failed { reason } => panic!("{seed}, {}: {reason}", instance.kind),
                }
            }
        }
        println!("largest gap {gap:?} (plain, weighted), mismatch {mismatch:e}");
        println!("unique, not, undecided, infeasible: {counts:?}");
        assert!(gap[0] <= CERTIFIED && counts[0] > 100 && counts[1] > 30 && counts[3] > 30);
        assert!(counts[2] <= counts.iter().sum::<i32>() / 100, "{counts:?}");
    }

    /// min Σ b_i|z_i| over all basic solutions: z supported on independent columns.
    fn by_enumeration(a: &DMatrix<f64>, y: &[f64], sign: Sign, weights: &[f64]) -> f64 {
        let target = DMatrix::from_column_slice(y.len(), 1, y);
        let mut best = f64::INFINITY;
        for set in 1u32..1 << a.ncols() {
            let chosen: Vec<usize> = (0..a.ncols()).filter(|j| set >> j & 1 == 1).collect();
            if chosen.len() > a.nrows() {
                continue;
            }
            let columns = a.select_columns(&chosen);
            let qr = columns.clone().qr();
            let Some(z) = qr.r().solve_upper_triangular(&qr.q().tr_mul(&target)) else {
                continue;
            };
            let exact = (columns * &z - &target).norm() < 1e-10 * target.norm();
            if exact && (sign == Sign::Signed || z.iter().all(|z| *z >= -1e-12)) {
                best = best.min(z.iter().zip(&chosen).map(|(z, &j)| weights[j] * z.abs()).sum());
            }
        }
        best
    }

    #[test]
    fn no_basic_solution_is_better() {
        for seed in 0..40 {
            let (m, n) = [(2, 6), (3, 8), (4, 9), (1, 5)][seed as usize % 4];
            let mut rng = rng(seed);
            let a = gaussian(m, n, &mut rng);
            let weights: Vec<f64> = (0..n).map(|_| rng.random_range(0.2..5.0)).collect();
            let y = times(&a, gaussian(n, 1, &mut rng).map(f64::abs).as_slice());
            for sign in SIGNS {
                let found = solved(&a, &y, sign, Some(&weights));
                let naive = by_enumeration(&a, &y, sign, &weights);
                assert!((found.l1_norm / naive - 1.0).abs() < 1e-10, "{found:?} {naive}");
                assert_eq!(found.uniqueness, Uniqueness::Unique);
            }
        }
    }

    #[test]
    fn agrees_with_the_reference_cases() {
        let file = include_str!("../../../core/tests/data/reference_cases.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        let numbers = |value: &serde_json::Value| -> Vec<f64> {
            value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
        };
        let cases = file["cases"].as_array().unwrap();
        for case in cases {
            let rows: Vec<Vec<f64>> = case["A"].as_array().unwrap().iter().map(numbers).collect();
            let a = DMatrix::from_row_iterator(rows.len(), rows[0].len(), rows.concat());
            let sign = SIGNS[usize::from(case["signed"] == false)];
            let found = solved(&a, &numbers(&case["y"]), sign, None);
            let expected = case["min_l1"].as_f64().unwrap();
            assert!(
                (found.l1_norm - expected).abs() < 1e-12 * expected,
                "{}: {}",
                case["name"],
                found.l1_norm
            );
            let several = case["name"].as_str().unwrap().starts_with("nonunique");
            assert_eq!(found.uniqueness != Uniqueness::Unique, several, "{}", case["name"]);
        }
        assert_eq!(cases.len(), 9);
    }

    #[test]
    fn nasty_but_legal_input_is_answered() {
        for sign in SIGNS {
            // y = 0, whatever A
            for a in [
                DMatrix::zeros(2, 3),
                gaussian(2, 3, &mut rng(1)),
                gaussian(3, 2, &mut rng(1)),
            ] {
                let found = solved(&a, &vec![0.0; a.nrows()], sign, None);
                assert_eq!((found.point, found.l1_norm), (vec![0.0; a.ncols()], 0.0));
                assert_eq!(
                    (found.uniqueness, found.certificate.relative_gap),
                    (Uniqueness::Unique, 0.0)
                );
            }
            // one column; a zero column; more rows than columns; rank 1; repeated rows
            assert_eq!(solved(&nalgebra::dmatrix![2.0], &[3.0], sign, None).point, [1.5]);
            assert_eq!(
                solved(&nalgebra::dmatrix![0.0, 2.0], &[3.0], sign, None).point,
                [0.0, 1.5]
            );
            let tall = solved(
                &nalgebra::dmatrix![1.0, 0.0; 0.0, 1.0; 1.0, 1.0],
                &[1.0, 2.0, 3.0],
                sign,
                None,
            );
            assert!((tall.point[0] - 1.0).abs() < 1e-15 && tall.uniqueness == Uniqueness::Unique);
            let thin = solved(
                &nalgebra::dmatrix![1.0, 2.0; 2.0, 4.0; 1.0, 2.0],
                &[2.0, 4.0, 2.0],
                sign,
                None,
            );
            assert_eq!((thin.point, thin.l1_norm), (vec![0.0, 1.0], 1.0));
            // two equal columns share the mass as they like
            let twins = solved(&nalgebra::dmatrix![1.0, 1.0], &[2.0], sign, None);
            assert!(matches!(twins.uniqueness, Uniqueness::NotUnique { .. }) && twins.l1_norm == 2.0);
            // out of the range of A
            let certificate = infeasible(&nalgebra::dmatrix![1.0; 1.0], &[1.0, 0.0], sign);
            assert!((certificate[0] - 0.5).abs() < 1e-15 && (certificate[1] + 0.5).abs() < 1e-15);
            infeasible(&DMatrix::zeros(2, 3), &[1.0, 0.0], sign);
        }
        let certificate = infeasible(&nalgebra::dmatrix![1.0, 1.0], &[-2.0], Sign::Positive);
        assert_eq!(certificate, [-2.0]);
        assert_eq!(
            solved(&nalgebra::dmatrix![1.0, 1.0], &[-2.0], Sign::Signed, None).l1_norm,
            2.0
        );
    }

    #[test]
    fn wrong_input_fails_with_a_reason() {
        let a = nalgebra::dmatrix![1.0, 2.0];
        let failed = |a: &DMatrix<f64>, y: &[f64], weights: Option<&[f64]>| {
            matches!(basis_pursuit(a, y, Sign::Signed, weights), BasisPursuit::Failed { .. })
        };
        assert!(failed(&a, &[f64::NAN], None) && failed(&a, &[1.0, 2.0], None));
        assert!(failed(&nalgebra::dmatrix![f64::INFINITY, 1.0], &[1.0], None));
        for weights in [
            &[1.0][..],
            &[1.0, 0.0],
            &[1.0, -1.0],
            &[1.0, f64::NAN],
            &[f64::INFINITY, 1.0],
        ] {
            assert!(failed(&a, &[1.0], Some(weights)), "{weights:?}");
        }
    }

    #[test]
    fn scales_of_the_data_do_not_matter() {
        for sign in SIGNS {
            let a = gaussian(10, 30, &mut rng(5));
            let mut x = vec![0.0; 30];
            (x[3], x[17], x[20]) = (1.0, 2.0, 0.25);
            let y = times(&a, &x);
            let plain = solved(&a, &y, sign, None);
            for (by_a, by_y) in [(1e-9, 1.0), (1e9, 1.0), (1.0, 1e-12), (1e-7, 1e12), (1e100, 1e-100)] {
                let y: Vec<f64> = y.iter().map(|y| y * by_y).collect();
                let found = solved(&(&a * by_a), &y, sign, None);
                assert!(
                    (found.l1_norm * by_a / by_y / plain.l1_norm - 1.0).abs() < 1e-12,
                    "{by_a} {by_y}"
                );
                assert_eq!(
                    (found.support, found.uniqueness),
                    (plain.support.clone(), Uniqueness::Unique)
                );
            }
            // columns of very different lengths with weights in proportion are the same problem
            let lengths: Vec<f64> = (0..30).map(|j| 10f64.powi(j % 9 - 4)).collect();
            let mut stretched = a.clone();
            for (mut column, length) in stretched.column_iter_mut().zip(&lengths) {
                column *= *length;
            }
            let found = solved(&stretched, &y, sign, Some(&lengths));
            assert!((found.l1_norm / plain.l1_norm - 1.0).abs() < 1e-12);
            assert_eq!(found.support, plain.support);
        }
    }

    #[test]
    fn columns_that_cancel_are_no_way_out() {
        // the last columns are minus the sums of pairs and triples of others, in general position: off the support, slopes
        // cancel up to rounding
        for seed in 0..300 {
            let mut rng = rng(seed);
            let (m, n) = (rng.random_range(3..15usize), rng.random_range(6..30usize));
            let mut a = gaussian(m, n, &mut rng);
            for k in 0..n / 3 {
                let mut sum = a.column(k) + a.column(k + 1);
                if seed % 2 == 0 {
                    sum += a.column(k + 2);
                }
                a.set_column(n - 1 - k, &-sum);
            }
            let mut x = vec![0.0; n];
            for _ in 0..rng.random_range(1..=m) {
                x[rng.random_range(0..n)] = rng.random_range(0.1..1.0);
            }
            for sign in SIGNS {
                let instance = Instance {
                    a: a.clone(),
                    y: times(&a, &x),
                    sign,
                    kind: format!("{seed} {sign:?}"),
                };
                let found = solved(&instance.a, &instance.y, sign, None);
                assert_certified(&instance, &vec![1.0; n], &found);
            }
        }
    }

    #[test]
    fn weights_decide_which_solution_is_cheapest() {
        let a = nalgebra::dmatrix![1.0, 2.0];
        let cheap = solved(&a, &[2.0], Sign::Signed, Some(&[1.0, 3.0]));
        assert_eq!((cheap.point, cheap.l1_norm), (vec![2.0, 0.0], 2.0));
        assert_eq!(cheap.certificate.lower_bound, 2.0);
        assert!((cheap.certificate.slack - 1.0 / 3.0).abs() < 1e-15, "1 − 2/3");
        let tie = solved(&a, &[2.0], Sign::Signed, Some(&[1.0, 2.0]));
        assert!(matches!(tie.uniqueness, Uniqueness::NotUnique { .. }));
    }
}
