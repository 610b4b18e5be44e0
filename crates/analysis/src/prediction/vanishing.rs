//! Families whose start vanishes: x0 = α·b with a fixed shape b, max b = 1, and a scale α that falls.
//!
//! α is measured by the weights that the first coordinate alone would reach, W = |(Aᵀy)_i|/|a_i|² for the i of the largest
//! pull: a = α/W^{1/L}, and
//!
//! ```text
//! L = 2:  T(x) = log(√W/x)             a = 1e-4, 1e-8, 1e-16, 1e-32, 1e-64
//! L > 2:  T(x) = x^{2−L}/(L − 2)       a^{L−2} = 1e-2, 1e-3, 1e-4, 1e-5
//! ```
//!
//! With W the members of a family do not depend on the units of y and A. (For L = 2, T(x) = log(1/x) differs by a constant,
//! which does not matter in the limit.)
//!
//! In the time τ = t/T the flow tends to the jump process of [`crate::reference::jump_process`], and what is told about it
//! is off by C/T for L = 2 and by C α^{L−2}, which is C/T too, for L > 2: σ = s/T differs from ±1 on a saddle by
//! log(|w|/W)/(2T) and by (L−2)^{-1}|w|^{−(L−2)/L}/T. So errors are compared with 1/T.

use hadaflow_core::event::Event;
use hadaflow_core::initialization::{Initialization, Model, Sign};
use hadaflow_core::integrate::Schedule;
use nalgebra::DMatrix;

use super::member::{Member, all_ended, has_no_members, without_members};
use super::{Family, Measurement, Prediction, family};
use crate::reference::jump_process::{JumpOutcome, JumpProcess};
use crate::report::{Evidence, Setting};

/// A pull |a_i·y| below this part of |a_i||y| may be rounding.
const PULLED: f64 = 1e-6;
/// Shapes whose bounds b^{2−L} differ by more are beyond a double's reach in the process.
const SPREAD: f64 = 1e30;
/// What the promise on members is: their errors of order 1/T are far larger.
const TOLERANCE: f64 = 1e-7;
/// e·T of the smallest start may be this many times as large as that of the largest ones.
const SLACK: f64 = 3.0;

/// A shape and the scale of its weights.
pub(super) struct Vanishing {
    depth: usize,
    sign: Sign,
    shape: Vec<f64>,
    identical: bool,
    /// W.
    pub(super) size: f64,
}

/// One start of the family.
pub(super) struct Small {
    /// The largest entry of the start.
    pub(super) alpha: f64,
    /// T(α).
    pub(super) time_unit: f64,
    model: Model,
}

impl Small {
    /// The run's problem from this start.
    pub(super) fn member<'a>(
        &'a self,
        evidence: &'a Evidence,
        schedule: Schedule,
        events: Vec<Box<dyn Event>>,
    ) -> Member<'a> {
        Member {
            problem: evidence.setting.problem(),
            model: &self.model,
            seed: evidence.setting.seed,
            formulation: None,
            tolerance: TOLERANCE,
            schedule,
            events,
        }
    }
}

impl Vanishing {
    /// The shape of the run's start; `Err` names the hypothesis that fails.
    pub(super) fn of(evidence: &Evidence) -> Result<Self, String> {
        let setting = &evidence.setting;
        let Some(start) = setting.start() else {
            return Err("the factors start differently".into());
        };
        let largest = start.iter().fold(0.0f64, |a, x| a.max(*x));
        let (pull, norm, y) = strongest(setting);
        if pull <= PULLED * norm * y || pull == 0.0 || !pull.is_finite() {
            return Err(format!(
                "no weight is pulled: the largest pull is {pull:.1e}, with |y| = {y:.1e} and a column of norm {norm:.1e}"
            ));
        }
        Ok(Self {
            depth: setting.model.depth,
            sign: setting.model.sign,
            identical: setting.scale().is_some(),
            shape: start.iter().map(|x| x / largest).collect(),
            size: pull / norm / norm,
        })
    }

    /// The members, from the largest start to the smallest.
    pub(super) fn members(&self) -> Vec<Small> {
        let scales: Vec<f64> = if self.depth == 2 {
            vec![1e-4, 1e-8, 1e-16, 1e-32, 1e-64]
        } else {
            let power = 1.0 / (self.depth as f64 - 2.0);
            [1e-2f64, 1e-3, 1e-4, 1e-5].map(|a| a.powf(power)).to_vec()
        };
        let unit = self.size.powf(1.0 / self.depth as f64);
        let small = |a: f64| Small {
            alpha: a * unit,
            time_unit: self.time_unit(a * unit),
            model: Model {
                depth: self.depth,
                sign: self.sign,
                initialization: if self.identical {
                    Initialization::Identical(a * unit)
                } else {
                    Initialization::Vector(self.start(a * unit))
                },
            },
        };
        scales.into_iter().map(small).collect()
    }

    /// x0 = α·b.
    pub(super) fn start(&self, alpha: f64) -> Vec<f64> {
        self.shape.iter().map(|b| alpha * b).collect()
    }

    /// T(x).
    pub(super) fn time_unit(&self, x: f64) -> f64 {
        let l2 = self.depth as f64 - 2.0;
        if self.depth == 2 {
            0.5 * self.size.ln() - x.ln()
        } else {
            (-l2 * x.ln()).exp() / l2
        }
    }

    /// The process the flow tends to, with the weights in the run's coordinates.
    ///
    /// For L > 2 coordinate i has its bound at |σ_i| = b_i^{2−L}; with the columns b_i^{L−2}a_i all bounds are 1, and the
    /// weights that fit y the same up to their factor. For L = 2 the bounds are 1 for every shape.
    pub(super) fn process(&self, evidence: &Evidence) -> Result<JumpProcess, String> {
        let Some(matrix) = evidence.setting.matrix() else {
            return Err("A is not stored densely".into());
        };
        let scales: Vec<f64> = self.shape.iter().map(|b| b.powi(self.depth as i32 - 2)).collect(); // depth <= 64
        if scales.iter().any(|scale| scale * SPREAD < 1.0) {
            return Err("the entries of the start differ so much that the process cannot be computed".into());
        }
        let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)] * scales[j]);
        let mut process = JumpProcess::new(&scaled, evidence.setting.measurements(), self.sign == Sign::Signed);
        if process.outcome != JumpOutcome::Complete {
            return Err(format!(
                "the jump process is not known to its end: {:?}",
                process.outcome
            ));
        }
        for phase in &mut process.phases {
            phase.weights.iter_mut().zip(&scales).for_each(|(w, scale)| *w *= scale);
        }
        Ok(process)
    }
}

/// The largest pull max |Aᵀy|_i (positive model: max (Aᵀy)_i), the norm of its column, and |y|.
fn strongest(setting: &Setting) -> (f64, f64, f64) {
    let problem = setting.problem();
    let pull = pulls(setting);
    let first = (0..pull.len()).fold(0, |best, i| if pull[i] > pull[best] { i } else { best });
    let mut column = DMatrix::zeros(problem.rows(), 1);
    problem.operator.columns(&[first], &mut column);
    let y = problem.measurements.iter().map(|y| y * y).sum::<f64>().sqrt();
    (pull[first], column.norm(), y)
}

/// What pulls each weight away from 0: |Aᵀy|, in the positive model Aᵀy.
pub(super) fn pulls(setting: &Setting) -> Vec<f64> {
    let problem = setting.problem();
    let mut pull = vec![0.0; problem.cols()];
    problem.operator.apply_adjoint(&problem.measurements, &mut pull);
    if setting.model.sign == Sign::Signed {
        pull.iter_mut().for_each(|p| *p = p.abs());
    }
    pull
}

/// Tabulates what the process tells of each start: `add` integrates one and adds its rows. The process is costly to know,
/// so that where one of its hypotheses fails a family without members says that, and [`explored`] need not find out again.
pub(super) fn tabulated<T>(
    evidence: &Evidence,
    hypotheses: impl Fn(&Evidence) -> Result<(Vanishing, T), String>,
    mut add: impl FnMut(&Small, &T, &mut Family) -> Option<()>,
) -> Option<Family> {
    Vanishing::of(evidence).ok()?;
    let Ok((vanishing, told)) = hypotheses(evidence) else {
        return Some(without_members());
    };
    let mut family = Family::new();
    for small in vanishing.members() {
        add(&small, &told, &mut family)?;
    }
    Some(family)
}

/// The family of a prediction, all of whose members ended as they should, or why there is none.
pub(super) fn explored<'a, T>(
    prediction: &dyn Prediction,
    evidence: &'a Evidence,
    hypotheses: impl Fn(&Evidence) -> Result<T, String>,
) -> Result<&'a Family, String> {
    Vanishing::of(evidence)?;
    let family = family(prediction, evidence)?;
    if has_no_members(family) {
        hypotheses(evidence)?;
    }
    all_ended(family, "alpha").map(|()| family)
}

/// Whether the `error`s of a family fall like 1/T: that of the largest T is to be at most
/// 3·max e·T/T_last over the first two members (and no more than these errors themselves), or below `floor`.
///
/// A member may have several rows; the largest counts.
pub(super) fn falls(family: &Family, error: &str, floor: f64, uncertainty: f64) -> Measurement {
    let (units, errors) = (family.column("time_unit"), family.column(error));
    let mut members: Vec<(f64, f64)> = Vec::new();
    for (unit, error) in units.iter().zip(errors) {
        match members.iter_mut().find(|(known, _)| known == unit) {
            Some((_, worst)) => *worst = larger(*worst, *error),
            None => members.push((*unit, *error)),
        }
    }
    members.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = &members[..members.len().min(2)];
    let (unit, measured) = members.last().copied().unwrap_or((f64::NAN, f64::NAN));
    let broken = members.iter().any(|(_, error)| error.is_nan()) || members.len() < 4;
    let rate = first.iter().map(|(t, e)| SLACK * e * t / unit).fold(0.0, f64::max);
    let most = first.iter().map(|(_, e)| *e).fold(0.0, f64::max);
    Measurement {
        measured: if broken { f64::NAN } else { measured },
        bound: rate.min(most).max(floor),
        uncertainty,
        place: format!(
            "error at the smallest start, T = {unit:.3e}; {:.2e} at the largest, T = {:.3e}",
            members.first().map_or(f64::NAN, |m| m.1),
            members.first().map_or(f64::NAN, |m| m.0)
        ),
    }
}

/// An error below this is small at any rate: C/T at the smallest start with C = 3 (L = 2) or, generously, 100.
pub(super) fn floor(evidence: &Evidence) -> f64 {
    if evidence.depth() == 2 { 0.02 } else { 1e-3 }
}

/// The larger number; NaN is larger than all.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn table(errors: &[f64]) -> Family {
        let mut family = Family::new();
        for (k, error) in errors.iter().enumerate() {
            family.push(&[("time_unit", 10.0 * 2f64.powi(k as i32)), ("error", *error)]);
        }
        family
    }

    fn holds(errors: &[f64]) -> bool {
        matches!(
            Verdict::of(falls(&table(errors), "error", 1e-3, 0.0)),
            Verdict::Holds(_)
        )
    }

    #[test]
    fn errors_must_fall_as_fast_as_the_time_unit_grows() {
        assert!(holds(&[0.4, 0.2, 0.1, 0.05, 0.025]));
        assert!(holds(&[0.4, 0.5, 0.1, 1e-4, 1e-4]), "below the floor");
        assert!(!holds(&[0.59, 0.55, 0.53, 0.52, 0.51]), "a wrong constant");
        assert!(!holds(&[0.1, 0.1, 0.1, 0.1, 0.1]));
        assert!(!holds(&[0.4, 0.2, f64::NAN, 0.05, 0.025]), "NaN anywhere");
        assert!(!holds(&[]) && !holds(&[1e-9]), "too few to tell");
    }
}
