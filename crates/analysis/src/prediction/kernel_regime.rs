//! From a large start a signed model selects the solution of least Euclidean norm: w_∞ → A⁺y as α → ∞, like α^{−2L}.
//!
//! With p = L/(L−2), σ = (L−2)α^{L−2}s and a = α^L, w(s) = a((1−σ)^{−p} − (1+σ)^{−p}) (L = 2: 2a sinh 2s) is odd, so that its
//! inverse is
//!
//! ```text
//! s ∝ w − c w³/a² + O(w⁵/a⁴),     c = (p+1)(p+2)/(24 p²) = (L−1)(3L−4)/(12 L²)     (L = 2: 1/24)
//! ```
//!
//! The limit has Aw = y and s in the range of Aᵀ. With z = A⁺y, P the projection onto the kernel of A and z³ entrywise,
//!
//! ```text
//! w_∞ − z = P(w_∞ − z) = c P z³/α^{2L} + O(α^{−4L})
//! ```
//!
//! (The limit is that of Woodworth et al., arXiv 2002.09277; the rate follows from the expansion.)
//!
//! Measured: how far |w_∞ − z| is from c|Pz³|/α^{2L} at the largest α of the family, in units of |z|(|z|_∞/α^L)⁴, those of the
//! next term, whose coefficient is below 1. The uncertainty is that of w_∞ and z themselves, some roundings times the
//! condition of A, in the same units.

use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Progress;

use super::sparse_limits::{all_found, solved, uniform_start};
use super::{Family, Kind, Measurement, Prediction, Statement, Verdict};
use crate::reference::{Computed, flow_limit, kernel_part, least_norm};
use crate::report::Evidence;

pub(super) struct KernelRegime;

/// The coefficient of the next term, P(3c z²Pz³ − d z⁵), is below this: 3c² + d ≤ 5/16, with d the next coefficient of s(w).
const NEXT: f64 = 1.0;
/// α^L/|A⁺y|_∞ of the members, in decades.
const DECADES: [f64; 4] = [0.5, 1.0, 1.5, 2.0];
/// Roundings, times the condition of A, that w_∞ and A⁺y may differ by.
const ROUNDINGS: f64 = 64.0;

/// A⁺y and how it is approached.
struct Shortest {
    /// A⁺y.
    point: Vec<f64>,
    /// |A⁺y|_∞.
    largest: f64,
    /// c|Pz³|/(|z||z|_∞²).
    constant: f64,
    /// The condition of A: its largest singular value over the smallest that is not 0.
    condition: f64,
}

/// A⁺y, or the hypothesis that fails.
fn shortest(evidence: &Evidence) -> Result<Shortest, String> {
    let (a, y) = uniform_start(evidence)?;
    if evidence.setting.model.sign != Sign::Signed {
        return Err("the model is not signed: its weights cannot stay near 0 when the start is large".into());
    }
    let point = match least_norm(a, y) {
        Computed::Value(found) => found.point,
        Computed::Failed { reason } => return Err(reason),
    };
    let largest = point.iter().fold(0.0f64, |top, z| top.max(z.abs()));
    if largest == 0.0 {
        return Err("A⁺y = 0: the flow rests at 0".into());
    }
    let depth = evidence.depth() as f64; // at most 64
    let coefficient = (depth - 1.0) * (3.0 * depth - 4.0) / (12.0 * depth * depth);
    // in units of the largest entry, whose cube need not be a double
    let scaled: Vec<f64> = point.iter().map(|z| z / largest).collect();
    let cubes: Vec<f64> = scaled.iter().map(|z| z.powi(3)).collect();
    let (part, condition) = kernel_part(a, &cubes);
    Ok(Shortest {
        largest,
        constant: coefficient * size(&part) / size(&scaled),
        condition,
        point,
    })
}

fn size(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

impl Shortest {
    /// |w_∞ − A⁺y|/|A⁺y| from α; NaN if the limit was not found.
    fn distance(&self, evidence: &Evidence, alpha: f64) -> f64 {
        let Ok((a, y)) = uniform_start(evidence) else {
            return f64::NAN;
        };
        let start = vec![alpha; a.ncols()];
        let end = flow_limit(a, y, evidence.depth(), Sign::Signed, &start).ok();
        let Some(end) = end.and_then(|found| found.end.value()) else {
            return f64::NAN;
        };
        let scaled = |v: &[f64]| -> Vec<f64> { v.iter().map(|x| x / self.largest).collect() };
        let (w, z) = (scaled(&end.weights), scaled(&self.point));
        let apart: Vec<f64> = w.iter().zip(&z).map(|(w, z)| w - z).collect();
        size(&apart) / size(&z)
    }
}

impl Prediction for KernelRegime {
    fn name(&self) -> &'static str {
        "kernel_regime"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "w_∞ → A⁺y as α → ∞: |w_∞ − A⁺y| = (L−1)(3L−4)/(12L²) |P(A⁺y)³|/α^{2L} + O(α^{−4L}), P onto ker A",
            hypotheses: "signed; all factors start at the same α; A is stored; A⁺y ≠ 0",
            citation: "arXiv 2002.09277 for the limit; the rate follows from the optimality conditions",
        }
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        let shortest = shortest(evidence).ok()?;
        let depth = evidence.depth() as f64; // at most 64
        let mut family = Family::new();
        for (member, decade) in DECADES.into_iter().enumerate() {
            let alpha = (shortest.largest.ln() / depth + decade * std::f64::consts::LN_10 / depth).exp();
            let ratio = 10f64.powf(-2.0 * decade);
            family.push(&[
                ("alpha", alpha),
                ("ratio", ratio),
                ("distance", shortest.distance(evidence, alpha)),
                ("predicted", shortest.constant * ratio),
                ("rounding", ROUNDINGS * f64::EPSILON * shortest.condition),
            ]);
            if !watch(solved(member + 1)) {
                return None;
            }
        }
        Some(family)
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        if let Err(reason) = shortest(evidence) {
            return Verdict::inapplicable(reason);
        }
        let family = match super::family(self, evidence).and_then(|f| all_found(f, "ratio").map(|()| f)) {
            Ok(family) => family,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let columns = ["alpha", "ratio", "distance", "predicted", "rounding"].map(|name| family.column(name));
        if let Some(k) = (0..family.len()).find(|&k| columns[2].get(k).is_none_or(|d| !d.is_finite())) {
            return Verdict::inapplicable(format!("the limit from α = {:.3e} was not found", columns[0][k]));
        }
        let last = columns.map(|column| column.last().copied().unwrap_or(f64::NAN));
        let [alpha, ratio, distance, predicted, rounding] = last;
        Verdict::of(Measurement {
            measured: (distance - predicted).abs() / (ratio * ratio),
            bound: NEXT,
            uncertainty: rounding / (ratio * ratio),
            place: format!("relative distance {distance:.3e} against {predicted:.3e} at α = {alpha:.1e}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sparse_limits::slope;
    use super::super::testing::{asked, explored, gaussian, measured, model, reason, verdict};
    use crate::report::Evidence;
    use hadaflow_core::initialization::Sign::{Positive, Signed};

    const NAME: &str = "kernel_regime";

    fn large(depth: usize) -> Evidence {
        explored(
            NAME,
            asked(gaussian(10, 25, 3, Signed, 0.0, 6), model(depth, Signed, 0.1)),
        )
    }

    #[test]
    fn the_distance_falls_as_predicted_and_a_wrong_rate_is_seen() {
        for depth in [2, 3, 4, 7, 64] {
            let run = large(depth);
            assert_eq!(verdict(NAME, &run), "holds", "{depth}: {:?}", run.families[NAME]);
            let family = &run.families[NAME];
            let (alpha, distance) = (family.column("alpha"), family.column("distance"));
            let rate = slope(&alpha[1..], &distance[1..]);
            assert!((rate / (-2.0 * depth as f64) - 1.0).abs() < 2e-3, "{depth}: {rate}");
            for (distance, predicted) in distance.iter().zip(family.column("predicted")) {
                assert!(
                    (distance / predicted - 1.0).abs() < 0.1,
                    "{depth}: {distance} {predicted}"
                );
            }
            for factor in [0.5, 2.0] {
                let mut wrong = run.clone();
                let column = wrong
                    .families
                    .get_mut(NAME)
                    .unwrap()
                    .columns
                    .get_mut("distance")
                    .unwrap();
                *column.last_mut().unwrap() *= factor;
                assert_eq!(verdict(NAME, &wrong), "violated", "{depth}, {factor}");
            }
        }
    }

    #[test]
    fn legal_but_nasty_input() {
        // all solutions are one; rows that are combinations; measurements out of reach; a zero column; one row
        for problem in [
            measured(&[&[1.0, 0.0], &[0.0, 2.0], &[1.0, 1.0]], &[1.0, -2.0]),
            measured(&[&[1.0, 2.0, 0.0], &[2.0, 4.0, 0.0]], &[1.0, 3.0, 0.0]),
            measured(&[&[1.0, 2.0, 0.5]], &[1.0, 0.0, 0.0]),
            gaussian(12, 5, 2, Signed, 0.1, 3),
        ] {
            for depth in [2, 3] {
                let run = explored(NAME, asked(problem.clone(), model(depth, Signed, 1e-60)));
                assert_eq!(verdict(NAME, &run), "holds", "{:?}", run.families);
            }
        }
        let zero = measured(&[&[1.0, 2.0]], &[0.0, 0.0]);
        let run = explored(NAME, asked(zero, model(2, Signed, 0.1)));
        assert!(reason(NAME, &run).contains("A⁺y = 0"));
        let run = explored(
            NAME,
            asked(gaussian(10, 25, 3, Positive, 0.0, 6), model(2, Positive, 0.1)),
        );
        assert!(reason(NAME, &run).contains("not signed"));
    }

    #[test]
    fn what_is_no_number_is_named() {
        let mut run = large(2);
        run.families.get_mut(NAME).unwrap().columns.get_mut("distance").unwrap()[1] = f64::NAN;
        assert!(reason(NAME, &run).contains("was not found"));
        let mut run = large(2);
        let predicted = run
            .families
            .get_mut(NAME)
            .unwrap()
            .columns
            .get_mut("predicted")
            .unwrap();
        predicted.fill(f64::NAN);
        assert_eq!(verdict(NAME, &run), "violated");
        run.families.clear();
        assert!(reason(NAME, &run).contains("was not integrated"));
    }

    #[test]
    fn units_do_not_matter() {
        for unit in [1e-100, 1e100] {
            let mut problem = gaussian(10, 25, 3, Signed, 0.0, 6);
            problem.measurements.iter_mut().for_each(|y| *y *= unit);
            let run = explored(NAME, asked(problem, model(3, Signed, 0.1)));
            assert_eq!(verdict(NAME, &run), "holds", "{unit}");
        }
    }
}
