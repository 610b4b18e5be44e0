//! The time average w̄(t) = (1/t)∫₀ᵗ w of the flow of a small start solves a lasso problem: with λ = T(α)/t, that is
//! 1/τ, it tends to a minimiser of ½|Az − y|² + λ|z|₁ as α → 0, as long as no coordinate that had weight leaves its bound.
//!
//! Since q = ∫r = t(y − Aw̄), ν = q/t is the residual of w̄ and Aᵀν = λσ with σ = s/T. On the saddles σ_i = ±1 where w_i ≠ 0,
//! up to O(1/T), and |σ| ≤ 1 elsewhere: the optimality conditions of the lasso, if σ_i has the sign of w̄_i (Berthier, arXiv
//! 2509.18766, for L = 2; the limiting process is the same for L > 2).
//!
//! Measured is the duality gap P(w̄) − D(ν/max(1, |σ|_∞)) over P(w̄), with D(ν) = y·ν − ½|ν|², at the first step after 3/2
//! of each jump's time, as far as the next jump (and 3/2 of the last one): an upper bound of how far w̄ is from optimal,
//! whatever it is. ∫w is summed by the trapezoidal rule over every step of the integrator; as long as each weight stays
//! between its values at the two ends of a step, the error is at most ½h|Δw|₁ per step, and what the sum β of these can
//! cost in P is the uncertainty: λβ + |Aᵀ(Aw̄ − y)|_∞ β + ½(max|a_j|β)².

use hadaflow_core::event::TimeReached;
use hadaflow_core::integrate::{Progress, Schedule};
use hadaflow_core::record::{Recorder, Snapshot};
use hadaflow_core::special::DoubleDouble;

use super::vanishing::{Small, Vanishing, explored, falls, floor, tabulated};
use super::{Family, Kind, Prediction, Statement, Verdict};
use crate::column_qr::{add, largest};
use crate::reference::jump_process::JumpProcess;
use crate::report::Evidence;
use crate::time_average::{dual_value, misfit, objective};

pub(super) struct TimeAverageSolvesTheLasso;

/// The averages are looked at these many times later than a jump, if no other jump comes before.
const AFTER: f64 = 1.5;
/// At most so many averages.
const MOST: usize = 24;

impl Prediction for TimeAverageSolvesTheLasso {
    fn name(&self) -> &'static str {
        "time_average_solves_the_lasso"
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "w̄(t) = (1/t)∫₀ᵗ w minimises ½|Az − y|² + (T(α)/t)|z|₁ (positive: over z ≥ 0) as α → 0",
            hypotheses: "an identical start; A stored; some weight is pulled; up to t no coordinate of the limiting process \
                         that had weight has left its bound. L = 2: α = 1e-4 to 1e-64 in units of √W, L > 2: α^{L−2} = \
                         1e-2 to 1e-5; the duality gap over the objective falls like 1/T, or below 2 % (L > 2: 0.1 %)",
            citation: "Berthier, arXiv 2509.18766 (L = 2); the same process for L > 2",
        }
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        tabulated(evidence, hypotheses, |small, looks, family| {
            add_member(evidence, small, looks, family, watch)
        })
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let family = match explored(self, evidence, hypotheses) {
            Ok(family) => family,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let units = family.column("time_unit").iter();
        let last = units.clone().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let of_last = units
            .zip(family.column("quadrature"))
            .filter(|(unit, _)| **unit == last);
        let uncertainty = of_last.fold(0.0f64, |a, (_, b)| a.max(*b));
        Verdict::of(falls(family, "gap", floor(evidence), uncertainty))
    }
}

/// The start and the times τ to look at, or the hypothesis that fails.
fn hypotheses(evidence: &Evidence) -> Result<(Vanishing, Vec<f64>), String> {
    if evidence.setting.scale().is_none() {
        return Err("the start is not identical".into());
    }
    let vanishing = Vanishing::of(evidence)?;
    let looks = looks(&vanishing.process(evidence)?);
    if looks.is_empty() {
        return Err("the jump process has no jump before a coordinate leaves its bound".into());
    }
    Ok((vanishing, looks))
}

/// Times after the jumps, up to the first departure.
fn looks(process: &JumpProcess) -> Vec<f64> {
    let departed = process.departures.iter().map(|departure| departure.phase).min();
    let until = departed.and_then(|phase| process.phases.get(phase));
    let end = until.map_or(f64::INFINITY, |phase| phase.tau);
    let times = process.jump_times();
    let nexts = times.iter().skip(1).copied().chain([f64::INFINITY]);
    let looks = times
        .iter()
        .zip(nexts)
        .map(|(tau, next)| (AFTER * tau).min(0.5 * (tau + next)));
    let looks: Vec<f64> = looks.filter(|tau| *tau < end).collect();
    // all or, evenly chosen, some of them, the last included
    let (count, kept) = (looks.len(), looks.len().min(MOST));
    (1..=kept).map(|k| looks[k * count / kept - 1]).collect()
}

/// One row for each time.
fn add_member(
    evidence: &Evidence,
    small: &Small,
    looks: &[f64],
    family: &mut Family,
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Option<()> {
    let end = looks.last()? * (1.0 + 1e-9) * small.time_unit;
    let member = small.member(evidence, Schedule::EveryStep, vec![Box::new(TimeReached::new(end))]);
    let mut average = Average::new(evidence, looks, small.time_unit);
    let ending = member.integrate(&mut average, watch)?;
    for (k, tau) in looks.iter().enumerate() {
        let (at, gap, quadrature) = average.seen.get(k).copied().unwrap_or((*tau, f64::NAN, f64::NAN));
        family.push(&[
            ("alpha", small.alpha),
            ("time_unit", small.time_unit),
            ("tau", at),
            ("lambda", 1.0 / at),
            ("gap", gap),
            ("quadrature", quadrature),
            ("outcome", ending.outcome),
        ]);
    }
    Some(())
}

/// Sums ∫w over the steps and looks at the average when it is time.
struct Average<'a> {
    evidence: &'a Evidence,
    looks: &'a [f64],
    time_unit: f64,
    column_norm: f64,
    before: Option<(DoubleDouble, Vec<f64>)>,
    integral: Vec<f64>,
    /// Σ ½h|Δw|₁.
    blur: f64,
    /// (τ, gap, quadrature) of the looks so far.
    seen: Vec<(f64, f64, f64)>,
}

impl<'a> Average<'a> {
    fn new(evidence: &'a Evidence, looks: &'a [f64], time_unit: f64) -> Self {
        let norms = |a: &nalgebra::DMatrix<f64>| largest(a.column_iter().map(|column| column.norm()));
        Self {
            evidence,
            looks,
            time_unit,
            column_norm: evidence.setting.matrix().map_or(f64::NAN, norms),
            before: None,
            integral: vec![0.0; evidence.setting.problem().cols()],
            blur: 0.0,
            seen: Vec::new(),
        }
    }

    /// (P − D)/P of the average at time t, and what the quadrature may cost.
    fn gap(&self, t: f64, dual: &[f64]) -> (f64, f64) {
        let (problem, lambda) = (self.evidence.setting.problem(), self.time_unit / t);
        let mean: Vec<f64> = self.integral.iter().map(|w| w / t).collect();
        let primal = objective(problem, lambda, &mean);
        let dual_value = dual_value(problem, lambda, dual, self.evidence.signed(), t);
        let mut pull = vec![0.0; mean.len()];
        problem.operator.apply_adjoint(&misfit(problem, &mean), &mut pull);
        let steep = largest(pull.iter().map(|p| p.abs()));
        let blur = self.blur / t;
        let cost = (lambda + steep) * blur + 0.5 * (self.column_norm * blur).powi(2);
        ((primal - dual_value) / primal, cost / primal)
    }
}

impl Recorder for Average<'_> {
    fn record(&mut self, snapshot: &Snapshot) {
        let weights = &snapshot.evaluation.weights;
        if let Some((t, before)) = &self.before {
            let half = 0.5 * snapshot.t.minus(*t);
            add(half, before, &mut self.integral);
            add(half, weights, &mut self.integral);
            let change: f64 = weights.iter().zip(before).map(|(a, b)| (a - b).abs()).sum();
            self.blur += half * change;
        }
        let tau = snapshot.t.hi / self.time_unit;
        while self.looks.get(self.seen.len()).is_some_and(|look| tau >= *look) {
            let (gap, cost) = self.gap(snapshot.t.hi, snapshot.dual);
            self.seen.push((tau, gap, cost));
        }
        match &mut self.before {
            Some((t, before)) => {
                *t = snapshot.t;
                before.copy_from_slice(weights);
            }
            None => self.before = Some((snapshot.t, weights.clone())),
        }
    }

    fn retain(&mut self, _keep: &[bool]) {}
}

#[cfg(test)]
mod tests {
    use hadaflow_core::initialization::{Initialization, Sign};

    use super::super::testing::{
        a_family_is_taken_seriously, asked_again, begun, explored, fitted, gaussian, matrix_free, measuring, model,
        verdict,
    };
    use super::super::vanishing::{Vanishing, falls};
    use super::{Family, add_member, hypotheses, looks};

    const NAME: &str = "time_average_solves_the_lasso";

    #[test]
    fn it_holds_for_each_model() {
        for sign in [Sign::Signed, Sign::Positive] {
            for depth in [2, 3, 6] {
                a_family_is_taken_seriously(NAME, "gap", &fitted(depth, sign));
            }
        }
    }

    /// T is the only clock: with another, w̄ solves no lasso of λ = T/t.
    #[test]
    fn another_penalty_is_seen() {
        for (depth, factor) in [(2, 0.7), (3, 0.95), (3, 1.05)] {
            let run = fitted(depth, Sign::Signed);
            let (vanishing, looks) = hypotheses(&run).unwrap();
            let mut family = Family::new();
            for mut small in vanishing.members() {
                small.time_unit *= factor;
                add_member(&run, &small, &looks, &mut family, &mut |_| true).unwrap();
            }
            let result = falls(&family, "gap", if depth == 2 { 0.02 } else { 1e-3 }, 1e-4);
            assert!(result.margin() < 0.0, "depth {depth}, factor {factor}: {result:?}");
        }
    }

    /// Where a coordinate leaves its bound the averages before are looked at, and only these.
    #[test]
    fn departures_end_it() {
        let mut seen = 0;
        for seed in 0..40 {
            let problem = gaussian(8, 14, 4, Sign::Signed, 0.3, seed);
            let run = asked_again(fitted(3, Sign::Signed), problem, model(3, Sign::Signed, 0.1));
            let process = Vanishing::of(&run).unwrap().process(&run).unwrap();
            let Some(first) = process.departures.iter().map(|departure| departure.phase).min() else {
                continue;
            };
            let end = process.phases[first].tau;
            let looks = looks(&process);
            assert!(
                !looks.is_empty() && looks.iter().all(|tau| *tau < end),
                "{looks:?} {end}"
            );
            seen += 1;
            if seen == 1 {
                let run = explored(NAME, run);
                assert_eq!(verdict(NAME, &run), "holds", "{:?}", run.families);
            }
        }
        assert!(seen >= 3, "{seen}");
    }

    #[test]
    fn the_hypotheses_are_named() {
        let run = fitted(3, Sign::Signed);
        let still = asked_again(run.clone(), measuring(&run, vec![0.0; 8]), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, still)), "inapplicable", "y = 0");
        let free = asked_again(run, matrix_free(), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, free)), "inapplicable", "no matrix");
        let shape = (0..14).map(|i| 0.1 + 0.01 * f64::from(i)).collect();
        let vector = begun(3, Sign::Signed, Initialization::Vector(shape));
        assert_eq!(
            verdict(NAME, &explored(NAME, vector)),
            "inapplicable",
            "the penalty would be weighted"
        );
    }
}
