//! Exact covariances of the limit w_∞(A, y, x0): of (A, cy, c^{1/L}x0) it is c w_∞; of (kA, ky, x0), w_∞; with the columns
//! of A and the entries of x0 permuted it is permuted; of (UA, Uy, x0) with UᵀU = 1 it is w_∞; and of (A, −y, x0), in a
//! signed model, −w_∞.
//!
//! All follow from the optimality conditions F′(w) − F′(w₀) = Aᵀq, Aw = y: F is separable, and F′(cw) is c^{2/L−1}F′(w) for
//! L > 2, F′(w) + ½log c for L = 2.
//!
//! Measured: for each transformation (c = k = 3; columns reversed; the reflection U = 1 − (2/m)11ᵀ), the largest deviation
//! of an entry from what it should be, in units of its uncertainty. Transformed data are rounded, so that a deviation of
//! γU_j is allowed, with U_j how much w_j changes with a relative change of the data ([`sensitivity`](crate::reference))
//! and γ = 4(m + n)ε for sums over m and n; and so is the last step of Newton's method, in both computations. Where
//! that exceeds a tenth of some weight, that weight is decided by rounding, the change is no longer linear, and all weights
//! are allowed ten times what the most uncertain one is: no better is known of them.

use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Progress;
use nalgebra::DMatrix;

use super::sparse_limits::solved;
use super::{Family, Measurement, Prediction, Statement, Verdict};
use crate::reference::{Limit, NotAttained, Projection, bregman_projection, sensitivity};
use crate::report::Evidence;

pub(super) struct LimitCovariances;

/// Factor c = k.
const FACTOR: f64 = 3.0;
/// γ, in units of (m + n)ε.
const ROUNDINGS: f64 = 4.0;
/// An uncertainty above this part of a weight is no longer linear ...
const LINEAR: f64 = 0.1;
/// ... and all weights are allowed so many times the largest.
const BEYOND: f64 = 10.0;
/// The transformations, in the order of the family.
const NAMES: [&str; 5] = ["(cy, c^{1/L}α)", "(kA, ky)", "columns permuted", "rows reflected", "−y"];

/// A question about a limit.
#[derive(Clone)]
struct Question {
    a: DMatrix<f64>,
    y: Vec<f64>,
    x0: Vec<f64>,
    depth: usize,
    sign: Sign,
}

impl Question {
    /// Of a run, or the hypothesis that fails.
    fn of(evidence: &Evidence) -> Result<Self, String> {
        let x0 = evidence.setting.start().ok_or("the factors do not all start alike")?;
        Ok(Self {
            a: evidence.setting.matrix().ok_or("A is not stored")?.clone(),
            y: evidence.setting.measurements().to_vec(),
            x0,
            depth: evidence.depth(),
            sign: evidence.setting.model.sign,
        })
    }

    fn limit(&self) -> Result<Limit, String> {
        match bregman_projection(&self.a, &self.y, self.depth, self.sign, &self.x0) {
            Ok(Projection::Attained(limit)) => Ok(limit),
            Ok(Projection::NotAttained(NotAttained::Unreachable { .. })) => Err("y is not in the range of A".into()),
            Ok(Projection::NotAttained(_)) => Err("Az = y has no solution z > 0: the limit is not attained".into()),
            Ok(Projection::NotConverged(failure)) => Err(format!("the limit was not found: {failure:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The transformed question number `which`.
    fn transformed(&self, which: usize) -> Self {
        let mut question = self.clone();
        match which {
            0 => {
                question.y.iter_mut().for_each(|y| *y *= FACTOR);
                let root = FACTOR.powf(1.0 / self.depth as f64); // at most 64
                question.x0.iter_mut().for_each(|x| *x *= root);
            }
            1 => {
                question.a *= FACTOR;
                question.y.iter_mut().for_each(|y| *y *= FACTOR);
            }
            2 => {
                let n = self.a.ncols();
                question.a = DMatrix::from_fn(self.a.nrows(), n, |i, j| self.a[(i, n - 1 - j)]);
                question.x0.reverse();
            }
            3 => {
                let reflect = |column: &mut [f64]| {
                    let mean = column.iter().sum::<f64>() / column.len() as f64; // an index
                    column.iter_mut().for_each(|x| *x -= 2.0 * mean);
                };
                let rows = self.a.nrows();
                question.a.as_mut_slice().chunks_mut(rows).for_each(reflect);
                reflect(&mut question.y);
            }
            _ => question.y.iter_mut().for_each(|y| *y = -*y),
        }
        question
    }

    /// What its limit makes of the original one.
    fn undone(&self, which: usize, mut weights: Vec<f64>) -> Vec<f64> {
        match which {
            0 => weights.iter_mut().for_each(|w| *w /= FACTOR),
            2 => weights.reverse(),
            4 => weights.iter_mut().for_each(|w| *w = -*w),
            _ => {}
        }
        weights
    }

    /// What each weight of the limit may deviate by, because of the rounding of data.
    fn rounding(&self, limit: &Limit) -> Vec<f64> {
        let gamma = ROUNDINGS * (self.a.nrows() + self.a.ncols()) as f64 * f64::EPSILON; // sizes
        let mut allowed = sensitivity(&self.a, &self.y, limit, self.depth);
        allowed.iter_mut().for_each(|u| *u *= gamma);
        let linear = allowed.iter().zip(&limit.weights).all(|(u, w)| *u <= LINEAR * w.abs());
        if !linear {
            let most = allowed
                .iter()
                .fold(0.0, |top: f64, u| if u.is_nan() { f64::NAN } else { top.max(*u) });
            allowed.fill(BEYOND * most);
        }
        allowed
    }
}

/// The largest deviation of an entry, relative to it, and in units of what it is allowed; 0/0 is 0.
fn deviations(limit: &Limit, again: &[f64], allowed: &[f64], changes: f64) -> [f64; 2] {
    let mut worst = [0.0f64; 2];
    for j in 0..again.len() {
        let apart = (again[j] - limit.weights[j]).abs();
        if apart == 0.0 {
            continue;
        }
        let factors = limit.plus[j] + limit.minus.get(j).copied().unwrap_or(0.0);
        let found = [apart / limit.weights[j].abs(), apart / (allowed[j] + changes * factors)];
        for (worst, found) in worst.iter_mut().zip(found) {
            // max ignores NaN
            *worst = if found.is_nan() { f64::NAN } else { worst.max(found) };
        }
    }
    worst
}

impl LimitCovariances {
    fn verdict(&self, evidence: &Evidence) -> Result<Verdict, String> {
        let question = Question::of(evidence)?;
        let family = super::family(self, evidence).or_else(|missing| question.limit().and(Err(missing)))?;
        let units = family.column("units");
        if family.is_empty() || units.is_empty() {
            return Err("its family has no column units".into());
        }
        let name = |k: usize| {
            let which = family
                .column("transformation")
                .get(k)
                .map_or(k, |which| *which as usize); // 0 to 4
            NAMES.get(which).copied().unwrap_or("unknown transformation")
        };
        if let Some(k) = family.column("found").iter().position(|found| *found != 1.0) {
            return Err(format!("{}: the limit was not found", name(k)));
        }
        let worst = (0..units.len()).fold(0, |worst, k| {
            if units[worst].is_nan() || units[k] <= units[worst] {
                worst
            } else {
                k
            }
        });
        let deviation = family.column("deviation").get(worst).copied().unwrap_or(f64::NAN);
        Ok(Verdict::of(Measurement {
            measured: units[worst],
            bound: 1.0,
            uncertainty: 0.0,
            place: format!("{}: relative deviation {deviation:.1e}", name(worst)),
        }))
    }
}

impl Prediction for LimitCovariances {
    fn name(&self) -> &'static str {
        "limit_covariances"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "w_∞(A, cy, c^{1/L}x0) = c w_∞, w_∞(kA, ky) = w_∞ = w_∞(UA, Uy), UᵀU = 1; permuted columns permute it; \
                      signed: w_∞(A, −y) = −w_∞",
            hypotheses: "all factors start alike; A is stored; the limit is attained: Az = y has a solution (positive \
                         model: z > 0)",
            citation: "arXiv 2112.11027, Sect. 2, by the optimality conditions of the limit",
        }
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        let question = Question::of(evidence).ok()?;
        let limit = question.limit().ok()?;
        let rounding = question.rounding(&limit);
        let depth = question.depth as f64; // at most 64
        let mut family = Family::new();
        let count = if question.sign == Sign::Signed { 5 } else { 4 };
        for which in 0..count {
            let again = question.transformed(which).limit();
            let [deviation, units] = again.as_ref().map_or([f64::NAN; 2], |again| {
                let changes = depth * (limit.change + again.change);
                let weights = question.undone(which, again.weights.clone());
                deviations(&limit, &weights, &rounding, changes)
            });
            family.push(&[
                ("transformation", which as f64), // below 5
                ("deviation", deviation),
                ("units", units),
                ("found", f64::from(u8::from(again.is_ok()))),
            ]);
            if !watch(solved(which + 1)) {
                return None;
            }
        }
        Some(family)
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        self.verdict(evidence).unwrap_or_else(Verdict::inapplicable)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{asked, explored, gaussian, measured, model, reason, verdict};
    use super::*;
    use hadaflow_core::initialization::Initialization;
    use hadaflow_core::initialization::Model;
    use hadaflow_core::initialization::Sign::{Positive, Signed};

    const NAME: &str = "limit_covariances";

    #[test]
    fn they_hold_on_random_instances() {
        let mut counts = [0, 0];
        for seed in 0..48u64 {
            let sign = [Signed, Positive][(seed % 2) as usize];
            let depth = 2 + (seed / 2 % 5) as usize;
            let (m, n, s) =
                [(1, 5, 1), (5, 12, 2), (9, 9, 9), (8, 20, 20), (12, 6, 2), (15, 30, 8)][(seed % 6) as usize];
            let noise = if seed % 7 == 0 { 0.1 } else { 0.0 };
            let alpha = [1e-10, 1e-3, 0.1, 1.0, 100.0][(seed % 5) as usize];
            let run = explored(
                NAME,
                asked(gaussian(m, n, s, sign, noise, seed), model(depth, sign, alpha)),
            );
            let found = verdict(NAME, &run);
            assert_ne!(
                found, "violated",
                "{m} × {n}, s = {s}, {sign:?}, L = {depth}, α = {alpha}: {:?}",
                run.families
            );
            counts[usize::from(found == "holds")] += 1;
        }
        println!("{counts:?}");
        assert!(counts[1] >= 24, "{counts:?}");
    }

    #[test]
    fn nasty_but_legal_input() {
        let rows: [&[f64]; 3] = [&[1.0, 2.0, 0.0, 1.0], &[2.0, 4.0, 0.0, 2.0], &[0.5, -1.0, 0.0, 3.0]];
        for alpha in [1e-60, 1e-5, 1.0, 1e6] {
            for depth in [2, 3, 7, 64] {
                // starts that escape too slowly or too fast are refused before anything is computed
                if !(-140.0..=90.0).contains(&((depth as f64 - 2.0) * f64::log10(alpha))) {
                    continue;
                }
                for sign in [Signed, Positive] {
                    for x in [[1.0, 1.0, 0.0, 1.0], [0.0; 4], [1.0, 0.0, 0.0, 0.0]] {
                        let run = explored(NAME, asked(measured(&rows, &x), model(depth, sign, alpha)));
                        let found = verdict(NAME, &run);
                        assert_ne!(found, "violated", "{alpha} {depth} {sign:?} {x:?}: {:?}", run.families);
                    }
                }
            }
        }
    }

    #[test]
    fn a_limit_that_moves_otherwise_is_seen() {
        // the same factor for the start as for y is none of the covariances
        for depth in [2, 3, 4] {
            let run = asked(gaussian(8, 20, 3, Signed, 0.0, 1), model(depth, Signed, 0.1));
            let question = Question::of(&run).unwrap();
            let limit = question.limit().unwrap();
            let mut wrong = question.transformed(0);
            wrong.x0.iter_mut().for_each(|x| *x *= 1.0 + 1e-6);
            let again = question.undone(0, wrong.limit().unwrap().weights);
            let units = deviations(&limit, &again, &question.rounding(&limit), 0.0)[1];
            assert!(units > 10.0, "{depth}: {units}");
        }
        let mut run = explored(NAME, asked(gaussian(8, 20, 3, Signed, 0.0, 1), model(2, Signed, 0.1)));
        assert_eq!(verdict(NAME, &run), "holds", "{:?}", run.families);
        run.families.get_mut(NAME).unwrap().columns.get_mut("units").unwrap()[2] = f64::NAN;
        assert_eq!(verdict(NAME, &run), "violated");
        run.families.get_mut(NAME).unwrap().columns.get_mut("units").unwrap()[2] = 1.1;
        assert_eq!(verdict(NAME, &run), "violated");
    }

    #[test]
    fn a_start_that_differs_between_entries_is_covered() {
        let initialization = Initialization::Vector((0..20).map(|j| 0.1 + 0.02 * f64::from(j)).collect());
        for depth in [2, 3] {
            let model = Model {
                depth,
                sign: Signed,
                initialization: initialization.clone(),
            };
            let run = explored(NAME, asked(gaussian(8, 20, 3, Signed, 0.0, 1), model));
            assert_eq!(verdict(NAME, &run), "holds");
        }
    }

    #[test]
    fn a_hypothesis_that_fails_is_named() {
        let only = measured(&[&[1.0, 0.0], &[0.0, 1.0]], &[1.0, 0.0]);
        let run = explored(NAME, asked(only, model(2, Positive, 0.1)));
        assert!(reason(NAME, &run).contains("not attained"), "{}", reason(NAME, &run));
        let out = gaussian(12, 5, 2, Signed, 0.1, 3);
        let run = explored(NAME, asked(out, model(2, Signed, 0.1)));
        assert!(reason(NAME, &run).contains("range of A"));
        let initialization = Initialization::Random {
            scale: 0.1,
            spread: 0.2,
        };
        let random = Model {
            depth: 2,
            sign: Signed,
            initialization,
        };
        let run = explored(NAME, asked(gaussian(8, 20, 3, Signed, 0.0, 1), random));
        assert!(reason(NAME, &run).contains("start alike"));
        let run = asked(gaussian(8, 20, 3, Signed, 0.0, 1), model(2, Signed, 0.1));
        assert!(reason(NAME, &run).contains("was not integrated"));
    }
}
