//! Where several solutions have the least ℓ¹ norm, the limit tends to one of them as α → 0:
//!
//! ```text
//! L = 2:  argmin Σ |z_j| log |z_j|      L > 2:  argmax Σ |z_j|^{2/L}      over the minimisers z of ‖z‖₁, Az = y
//! ```
//!
//! The limit minimises F(z) − ⟨F′(w₀), z⟩, where F′(w₀) is −T(α)·(1, …, 1): T(α)‖z‖₁ dominates, and F decides among its
//! minimisers (theorem of this form: Wind, Antun, Hansen, arXiv 2307.07410).
//!
//! With a dual solution ν and F = {j : |A_j·ν| = 1} (positive: A_j·ν = 1), z is a minimiser iff it is 0 off F, has the signs
//! of A_j·ν on F, and Az = y. On that face Σ|z_j| is constant, so that ⟨F′(w₀), z⟩ is, too, for every uniform start: the
//! selected point is the limit of a *positive* flow over the columns sgn(A_j·ν)A_j, j ∈ F, from any start, 1 say. No α
//! enters.
//!
//! Measured: |w_∞ − z|/|z| at the smallest α of the family. What is off the face is ~ α^L for L > 2, and ~ α^{2(1−ρ)} for
//! L = 2 with ρ < 1 of the face. A and y are doubles: products A_j·ν that are equal up to rounding δ only let the selection
//! be decided by δ·T(α), so that T(α) must stay far below 1/δ.

use hadaflow_core::initialization::Sign;
use hadaflow_core::integrate::Progress;
use nalgebra::DMatrix;

use super::sparse_limits::{solved, uniform_start};
use super::{Family, Kind, Measurement, Prediction, Statement, Verdict};
use crate::reference::{Computed, Minimiser, Set, Uniqueness, flow_limit};
use crate::report::Evidence;

pub(super) struct SelectedMinimiserAmongMany;

/// The relative distance at the smallest α that counts as agreement.
const TOLERANCE: f64 = 1e-3;
/// |A_j·ν| within this of 1 is on the face.
const ON_FACE: f64 = 1e-9;
/// L > 2: α^{L−2} in units of the largest entry, in decades. The last leaves δ/α^{L−2} at about 1e-10.
const DEEP: [f64; 4] = [1.0, 2.0, 4.0, 6.0];
/// L = 2: α in units of the largest entry, in decades.
const SHALLOW: [f64; 4] = [2.0, 5.0, 10.0, 20.0];
/// Distances below this are rounding, and need not fall.
const ROUNDING: f64 = 1e-8;

/// A, y and a minimiser that is not the only one, or the hypothesis that fails.
fn one_of_many(evidence: &Evidence) -> Result<(&DMatrix<f64>, &[f64], &Minimiser), String> {
    let (a, y) = uniform_start(evidence)?;
    let (reference, minimiser) = evidence
        .basis_pursuit()
        .ok_or("the reference basis_pursuit is not listed, or nothing solves Az = y")?;
    if !reference.is_exact() {
        return Err(format!(
            "basis pursuit solves Az = y only to {:.1e}",
            reference.relative_mismatch
        ));
    }
    match &minimiser.uniqueness {
        Uniqueness::NotUnique { .. } => Ok((a, y, minimiser)),
        Uniqueness::Unique => Err("basis pursuit has one solution only".into()),
        Uniqueness::Undecided { reason } => Err(format!("whether basis pursuit has one solution: {reason}")),
    }
}

/// The selected minimiser, n entries.
fn selected(a: &DMatrix<f64>, y: &[f64], minimiser: &Minimiser, depth: usize, sign: Sign) -> Result<Vec<f64>, String> {
    let products = a.tr_mul(&DMatrix::from_column_slice(y.len(), 1, &minimiser.certificate.nu));
    let on_face = |product: f64| match sign {
        Sign::Signed => (product.abs() - 1.0).abs() <= ON_FACE,
        Sign::Positive => (product - 1.0).abs() <= ON_FACE,
    };
    let face: Vec<usize> = (0..a.ncols()).filter(|&j| on_face(products[j])).collect();
    if face.is_empty() {
        return Err("no |A_j·ν| is 1".into());
    }
    let mut columns = a.select_columns(&face);
    for (mut column, &j) in columns.column_iter_mut().zip(&face) {
        column *= products[j].signum();
    }
    // any uniform start gives the same point; one of the size of the minimiser is the easiest
    let start = (largest(&minimiser.point).ln() / depth as f64).exp(); // at most 64
    let found = flow_limit(&columns, y, depth, Sign::Positive, &vec![start; face.len()]);
    let end = match found.map(|found| found.end) {
        Ok(Computed::Value(end)) if matches!(end.set, Set::Solutions | Set::NonnegativeSolutions) => end,
        Ok(Computed::Value(_)) => return Err("the face of minimisers was not found: y is out of its reach".into()),
        Ok(Computed::Failed { reason }) => return Err(format!("the selected minimiser was not found: {reason}")),
        Err(error) => return Err(error.to_string()),
    };
    let mut point = vec![0.0; a.ncols()];
    for (&j, w) in face.iter().zip(&end.weights) {
        point[j] = w * products[j].signum();
    }
    let norm: f64 = point.iter().map(|z| z.abs()).sum();
    if (norm / minimiser.l1_norm - 1.0).abs() > ON_FACE {
        return Err(format!(
            "the selected point has the norm {norm}, not {}",
            minimiser.l1_norm
        ));
    }
    Ok(point)
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |top, x| top.max(x.abs()))
}

/// |w − z|/|z|.
fn distance(w: &[f64], z: &[f64]) -> f64 {
    let unit = largest(z);
    let size = |v: &mut dyn Iterator<Item = f64>| v.map(|x| (x / unit).powi(2)).sum::<f64>().sqrt();
    size(&mut w.iter().zip(z).map(|(w, z)| w - z)) / size(&mut z.iter().copied())
}

impl SelectedMinimiserAmongMany {
    fn verdict(&self, evidence: &Evidence) -> Result<Verdict, String> {
        let (a, y, minimiser) = one_of_many(evidence)?;
        let model = &evidence.setting.model;
        let family = super::family(self, evidence)
            .or_else(|missing| selected(a, y, minimiser, model.depth, model.sign).and(Err(missing)))?;
        let (alpha, distance) = (family.column("alpha"), family.column("distance"));
        if family.is_empty() || alpha.is_empty() || distance.is_empty() {
            return Err("its family has no columns alpha and distance of one length".into());
        }
        if let Some(k) = (0..family.len()).find(|&k| !distance[k].is_finite()) {
            return Err(format!("the limit from α = {:.3e} was not found", alpha[k]));
        }
        let last = family.len() - 1;
        // how much farther than the member before, if at all
        let rise = distance.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        let place = format!(
            "from {:.3e} at α = {:.1e} to {:.3e} at {:.1e}",
            distance[0], alpha[0], distance[last], alpha[last]
        );
        let worst = if rise > ROUNDING { f64::INFINITY } else { distance[last] };
        Ok(Verdict::of(Measurement {
            measured: worst,
            bound: TOLERANCE,
            uncertainty: ROUNDING,
            place,
        }))
    }
}

impl Prediction for SelectedMinimiserAmongMany {
    fn name(&self) -> &'static str {
        "selected_minimiser_among_many"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "w_∞ → argmin Σ|z_j| log|z_j| for L = 2, argmax Σ|z_j|^{2/L} for L > 2, over the minimisers of ‖z‖₁, \
                      as α → 0",
            hypotheses: "all factors start at the same α; A is stored; the reference basis_pursuit is listed, solves \
                         Az = y and is not the only minimiser",
            citation: "arXiv 2307.07410; proof by the mirror potential",
        }
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        let (a, y, minimiser) = one_of_many(evidence).ok()?;
        let model = &evidence.setting.model;
        let chosen = selected(a, y, minimiser, model.depth, model.sign).ok()?;
        let depth = model.depth as f64; // at most 64
        let unit = (largest(&chosen).ln() / depth).exp();
        let decades = if model.depth == 2 {
            SHALLOW
        } else {
            DEEP.map(|d| d / (depth - 2.0))
        };
        let mut family = Family::new();
        for (member, decade) in decades.into_iter().enumerate() {
            let alpha = unit * 10f64.powf(-decade);
            let found = flow_limit(a, y, model.depth, model.sign, &vec![alpha; a.ncols()]);
            let end = found.ok().and_then(|found| found.end.value());
            let apart = end.map_or(f64::NAN, |end| distance(&end.weights, &chosen));
            family.push(&[("alpha", alpha), ("distance", apart)]);
            if !watch(solved(member + 1)) {
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
    use super::{distance, selected};
    use crate::report::Evidence;
    use hadaflow_core::initialization::Sign::{Positive, Signed};
    use hadaflow_core::problem::Problem;

    const NAME: &str = "selected_minimiser_among_many";

    /// Every nonnegative solution has the ℓ¹ norm 2.4.
    fn worked() -> Problem {
        let third = 1.0 / 3.0;
        measured(
            &[&[1.0, 0.5, 2.0 * third, 0.0], &[0.0, 0.5, third, 1.0]],
            &[1.0, 0.6, 0.3, 0.5],
        )
    }

    #[test]
    fn the_worked_instance() {
        let known = [
            (2, [0.79366, 0.56700, 0.63426, 0.40508]),
            (3, [0.79979, 0.56170, 0.62904, 0.40947]),
            (4, [0.80287, 0.55915, 0.62634, 0.41165]),
            (6, [0.80595, 0.55667, 0.62358, 0.41381]),
        ];
        for sign in [Signed, Positive] {
            for (depth, point) in known {
                let run = explored(NAME, asked(worked(), model(depth, sign, 0.1)));
                let (_, minimiser) = run.basis_pursuit().unwrap();
                let a = run.setting.matrix().unwrap();
                let found = selected(a, run.setting.measurements(), minimiser, depth, sign).unwrap();
                assert!(
                    found.iter().zip(point).all(|(a, b)| (a - b).abs() < 1e-5),
                    "{depth}: {found:?}"
                );
                assert_eq!(verdict(NAME, &run), "holds", "{depth}, {sign:?}: {:?}", run.families);
                let last = *run.families[NAME].column("distance").last().unwrap();
                assert!(last < 1e-6, "{depth}, {sign:?}: {last}");
            }
        }
    }

    /// Another depth selects another point, 1e-2 away: that is no agreement.
    #[test]
    fn another_selection_is_seen() {
        let run = asked(worked(), model(2, Positive, 0.1));
        let (_, minimiser) = run.basis_pursuit().unwrap();
        let [two, three] = [2, 3].map(|depth| {
            selected(
                run.setting.matrix().unwrap(),
                run.setting.measurements(),
                minimiser,
                depth,
                Positive,
            )
            .unwrap()
        });
        let apart = distance(&two, &three);
        assert!(apart > 5e-3, "{apart}");
        let shifted = |change: &dyn Fn(usize, &mut f64)| -> Evidence {
            let mut run = explored(NAME, asked(worked(), model(2, Positive, 0.1)));
            let column = run.families.get_mut(NAME).unwrap().columns.get_mut("distance").unwrap();
            column.iter_mut().enumerate().for_each(|(k, d)| change(k, d));
            run
        };
        assert_eq!(verdict(NAME, &shifted(&|_, d| *d += apart)), "violated");
        assert_eq!(
            verdict(NAME, &shifted(&|k, d| *d = 1e-5 * (1.0 + k as f64))),
            "violated",
            "it rises"
        );
        let nan = shifted(&|k, d| {
            if k == 3 {
                *d = f64::NAN;
            }
        });
        assert!(reason(NAME, &nan).contains("was not found"));
    }

    /// Twins of both signs, minimisers that fill a face of many dimensions, entries that vanish on all of it.
    #[test]
    fn many_faces() {
        let mut held = 0;
        for seed in 0..24u64 {
            let sign = [Signed, Positive][(seed % 2) as usize];
            let source = gaussian(6, 12, 2, sign, 0.0, seed);
            let mut a = source.operator.dense().unwrap().clone();
            let x = source.truth.unwrap();
            let support: Vec<usize> = (0..12).filter(|&j| x[j] != 0.0).collect();
            let off: Vec<usize> = (0..12).filter(|&j| x[j] == 0.0).collect();
            // a twin of each column of the support, opposite in the signed model, and a mean of the two
            let flip = if sign == Signed { -1.0 } else { 1.0 };
            for (k, &j) in support.iter().enumerate() {
                let twin = flip * a.column(j);
                a.set_column(off[k], &twin);
            }
            let signs = [x[support[0]].signum(), x[support[1]].signum()];
            let mean = 0.5 * (signs[0] * a.column(support[0]) + signs[1] * a.column(support[1]));
            a.set_column(off[5], &mean);
            let rows: Vec<Vec<f64>> = a.row_iter().map(|row| row.iter().copied().collect()).collect();
            let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
            let depth = 2 + (seed / 2 % 4) as usize;
            let run = explored(NAME, asked(measured(&rows, &x), model(depth, sign, 0.1)));
            let found = verdict(NAME, &run);
            assert_ne!(found, "violated", "{seed}, {sign:?}, {depth}: {:?}", run.families);
            held += usize::from(found == "holds");
        }
        assert!(held >= 12, "{held}");
    }

    #[test]
    fn a_hypothesis_that_fails_is_named() {
        let run = explored(NAME, asked(gaussian(10, 25, 2, Signed, 0.0, 6), model(3, Signed, 0.1)));
        assert!(reason(NAME, &run).contains("one solution only"));
        let mut run = asked(worked(), model(3, Signed, 0.1));
        assert!(reason(NAME, &run).contains("was not integrated"));
        run.references.clear();
        assert!(reason(NAME, &run).contains("basis_pursuit is not listed"));
    }
}
