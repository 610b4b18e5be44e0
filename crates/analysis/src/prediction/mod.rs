//! Predictions: published statements about the flow, assessed on a run with a verdict and a margin.
//!
//! A prediction is *violated* only beyond the numerical uncertainty of what it compares, *inapplicable* with the
//! hypothesis that fails, and never passes on a number that is not finite.

mod bregman_divergence_decreases;
mod covariances_of_the_flow;
mod descent_tends_to_the_flow;
mod divergence_balance;
mod divergence_identity;
mod divergence_identity_per_interval;
mod dual_bound_below_references;
mod dual_certificate_brackets_least_l1;
mod escape_time;
mod excess_loss_below_divergence_over_time;
mod factor_differences_conserved;
mod family;
mod gap_leading_constant;
mod gap_slope_in_alpha;
mod jump_times;
mod kernel_regime;
mod l1_gap_below_relative_bound;
mod l1_gap_below_threshold_bound;
mod least_l1;
mod limit;
mod limit_covariances;
mod limit_is_the_bregman_projection;
mod limit_is_the_nearest_solution;
mod limit_selects_weighted_l1;
mod loss_below_divergence_over_time;
mod loss_below_dual_distance_over_time_squared;
mod loss_decreases;
mod member;
mod product_identity_of_descent;
mod recovery_under_null_space_property;
mod saddles_of_the_jump_process;
mod selected_minimiser_among_many;
mod slow_rate_at_the_limit;
mod sparse_limits;
mod stability_edge_of_descent;
mod time_average_solves_the_lasso;
mod vanishing;
mod weights_stay_positive;
mod worst;

use std::collections::BTreeMap;

use hadaflow_core::integrate::Progress;

use crate::reference::Reference;
use crate::report::Evidence;

pub use family::Family;

/// Whether a statement must hold on every run that meets its hypotheses, or only in a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Holds whenever its hypotheses do; a violation is an error of the numerics, the code, or the theory.
    Theorem,
    /// Holds in a limit; a violation changes the exit code only on request.
    Asymptotic,
}

impl Kind {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Theorem => "theorem",
            Self::Asymptotic => "asymptotic",
        }
    }
}

/// What a statement is about. Theorems of the flow are none of gradient descent, which follows it to first order only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The continuous flow.
    Flow,
    /// Gradient descent with a fixed step.
    Descent,
    /// Any trajectory.
    Any,
}

/// A prediction in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// The formula.
    pub formula: &'static str,
    /// What must hold for it to apply.
    pub hypotheses: &'static str,
    /// Where it is proved.
    pub citation: &'static str,
}

/// The numbers behind a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The worst value found.
    pub measured: f64,
    /// What the prediction allows.
    pub bound: f64,
    /// Numerical uncertainty of the comparison.
    pub uncertainty: f64,
    /// Where the worst value was found, in words.
    pub place: String,
}

impl Measurement {
    /// How far inside the bound (with its uncertainty) the measured value lies; negative outside.
    pub fn margin(&self) -> f64 {
        self.bound + self.uncertainty - self.measured
    }
}

/// The result of assessing a prediction.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It holds.
    Holds(Measurement),
    /// It is violated beyond the uncertainty.
    Violated(Measurement),
    /// A hypothesis fails.
    Inapplicable {
        /// Which one, and why.
        reason: String,
    },
}

impl Verdict {
    /// Holds if `measured ≤ bound + uncertainty`; NaN does not.
    pub fn of(measurement: Measurement) -> Self {
        if measurement.measured <= measurement.bound + measurement.uncertainty {
            Self::Holds(measurement)
        } else {
            Self::Violated(measurement)
        }
    }

    /// Inapplicable for a reason.
    pub fn inapplicable(reason: impl Into<String>) -> Self {
        Self::Inapplicable { reason: reason.into() }
    }

    /// Name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Holds(_) => "holds",
            Self::Violated(_) => "violated",
            Self::Inapplicable { .. } => "inapplicable",
        }
    }

    /// The numbers, where it applies.
    pub fn measurement(&self) -> Option<&Measurement> {
        match self {
            Self::Holds(measurement) | Self::Violated(measurement) => Some(measurement),
            Self::Inapplicable { .. } => None,
        }
    }
}

/// A statement about the flow (or about gradient descent) that a run can confirm or contradict.
pub trait Prediction: Sync {
    /// Name, a proposition.
    fn name(&self) -> &'static str;
    /// Theorem or asymptotic.
    fn kind(&self) -> Kind {
        Kind::Theorem
    }
    /// What the statement is about; it is assessed on nothing else.
    fn about(&self) -> Subject {
        Subject::Flow
    }
    /// The statement in words.
    fn statement(&self) -> Statement;
    /// Whether the statement is about a family of runs, which [`explore`](Self::explore) tabulates.
    fn spans_runs(&self) -> bool {
        false
    }
    /// Integrates the members of the family (or solves for their limits) and tabulates what the statement is about.
    ///
    /// `None` if a hypothesis fails, which [`assess`](Self::assess) then names, or once `watch` returns false. What goes
    /// wrong with the numerics of a member is a number that is not finite.
    fn explore(&self, _evidence: &Evidence, _watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        None
    }
    /// The verdict on a run.
    fn assess(&self, evidence: &Evidence) -> Verdict;
}

/// The catalogue: one line per file of this folder.
pub fn catalogue() -> &'static [&'static dyn Prediction] {
    &[
        &bregman_divergence_decreases::BregmanDivergenceDecreases,
        &divergence_identity::DivergenceIdentity,
        &divergence_identity_per_interval::DivergenceIdentityPerInterval,
        &divergence_balance::DivergenceBalance,
        &loss_decreases::LossDecreases,
        &loss_below_divergence_over_time::LossBelowDivergenceOverTime,
        &factor_differences_conserved::FactorDifferencesConserved,
        &dual_bound_below_references::DualBoundBelowReferences,
        &dual_certificate_brackets_least_l1::DualCertificateBracketsLeastL1,
        &limit_is_the_nearest_solution::LimitIsTheNearestSolution,
        &loss_below_dual_distance_over_time_squared::LossBelowDualDistanceOverTimeSquared,
        &weights_stay_positive::WeightsStayPositive,
        &limit_is_the_bregman_projection::LimitIsTheBregmanProjection,
        &l1_gap_below_threshold_bound::L1GapBelowThresholdBound,
        &l1_gap_below_relative_bound::L1GapBelowRelativeBound,
        &limit_selects_weighted_l1::LimitSelectsWeightedL1,
        &recovery_under_null_space_property::RecoveryUnderNullSpaceProperty,
        &excess_loss_below_divergence_over_time::ExcessLossBelowDivergenceOverTime,
        &product_identity_of_descent::ProductIdentityOfDescent,
        &stability_edge_of_descent::StabilityEdgeOfDescent,
        &gap_slope_in_alpha::GapSlopeInAlpha,
        &gap_leading_constant::GapLeadingConstant,
        &slow_rate_at_the_limit::SlowRateAtTheLimit,
        &selected_minimiser_among_many::SelectedMinimiserAmongMany,
        &kernel_regime::KernelRegime,
        &limit_covariances::LimitCovariances,
        &escape_time::EscapeTime,
        &jump_times::JumpTimes,
        &saddles_of_the_jump_process::SaddlesOfTheJumpProcess,
        &time_average_solves_the_lasso::TimeAverageSolvesTheLasso,
        &covariances_of_the_flow::CovariancesOfTheFlow,
        &descent_tends_to_the_flow::DescentTendsToTheFlow,
    ]
}

/// A prediction with its verdict.
#[derive(Clone)]
pub struct Assessment {
    /// The prediction.
    pub prediction: &'static dyn Prediction,
    /// Its verdict.
    pub verdict: Verdict,
}

/// Assess the predictions whose name `wanted` accepts.
pub fn assess(evidence: &Evidence, wanted: impl Fn(&str) -> bool) -> Vec<Assessment> {
    let chosen = catalogue()
        .iter()
        .copied()
        .filter(|prediction| wanted(prediction.name()));
    chosen
        .map(|prediction| Assessment {
            prediction,
            verdict: judge(prediction, evidence),
        })
        .collect()
}

/// Explores the families of the predictions whose name `wanted` accepts, by name. False if `watch` ended it.
pub fn explore(
    evidence: &Evidence,
    wanted: impl Fn(&str) -> bool,
    watch: &mut dyn FnMut(Progress) -> bool,
) -> (BTreeMap<String, Family>, bool) {
    let mut families = BTreeMap::new();
    let mut going = true;
    for prediction in catalogue().iter().filter(|p| p.spans_runs() && wanted(p.name())) {
        if off_subject(*prediction, evidence).is_some() {
            continue;
        }
        let found = prediction.explore(evidence, &mut |progress| {
            going = going && watch(progress);
            going
        });
        if !going {
            break;
        }
        families.extend(found.map(|family| (prediction.name().to_owned(), family)));
    }
    (families, going)
}

/// How the reason begins where a statement applies, but its family of runs was not explored.
pub const NOT_EXPLORED: &str = "its family of runs was not integrated";

/// The family of a prediction, or why there is none; asked for once the hypotheses hold.
fn family<'a>(prediction: &dyn Prediction, evidence: &'a Evidence) -> Result<&'a Family, String> {
    let name = prediction.name();
    evidence
        .families
        .get(name)
        .ok_or_else(|| format!("{NOT_EXPLORED}: list {name} in `predictions`, or take `predictions: Everything`"))
}

/// The verdict, inapplicable where the run is not what the statement is about.
fn judge(prediction: &dyn Prediction, evidence: &Evidence) -> Verdict {
    match off_subject(prediction, evidence) {
        Some(reason) => Verdict::Inapplicable { reason },
        None => prediction.assess(evidence),
    }
}

/// Why the run is not what the statement is about, if it is not.
fn off_subject(prediction: &dyn Prediction, evidence: &Evidence) -> Option<String> {
    match (prediction.about(), evidence.descent) {
        (Subject::Flow, Some(descent)) => {
            Some(format!("gradient descent with step {:?} is not the flow", descent.step))
        }
        (Subject::Descent, None) => Some("the flow was integrated, not gradient descent".into()),
        _ => None,
    }
}

/// The references in the domain of the mirror map that solve Az = y (`exact`) or that do not, or why there is none.
fn references(evidence: &Evidence, exact: bool) -> Result<Vec<(&Reference, f64)>, String> {
    if evidence.references.is_empty() {
        return Err("there is no reference point z".into());
    }
    if evidence.len() < 2 {
        return Err("fewer than two times were recorded".into());
    }
    let sizes = evidence.reference_sizes.iter().copied();
    let inside = evidence
        .references
        .iter()
        .zip(sizes)
        .filter(|(reference, _)| reference.anchor.is_some());
    let chosen: Vec<_> = inside.filter(|(reference, _)| reference.is_exact() == exact).collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let describe = |reference: &Reference| match &reference.anchor {
        None => format!("{} is outside the domain of the mirror map", reference.name),
        Some(_) if exact => {
            format!(
                "|Az - y|/|y| = {:.1e} for z = {}: z is no solution",
                reference.relative_mismatch, reference.name
            )
        }
        Some(_) => format!("{} solves Az = y exactly", reference.name),
    };
    Err(evidence.references.iter().map(describe).collect::<Vec<_>>().join("; "))
}

/// What the promise on w allows in the *total* identity, in units of the tolerance: the error of D relative to D(0).
fn total_allowance(evidence: &Evidence) -> f64 {
    let units = if evidence.depth() == 2 { 100.0 } else { 1000.0 };
    units * evidence.tolerance
}

/// What the promise on w allows in comparisons over one interval, in units of the tolerance, ...
const UNITS: f64 = 1000.0;

/// ... and for each step within it, where many steps lie between two records: their errors add up.
const UNITS_PER_STEP: f64 = 10.0;

/// What the promise on w allows over the interval between the recorded times `from` and `to`.
fn allowance(evidence: &Evidence, from: usize, to: usize) -> f64 {
    evidence.tolerance * UNITS.max(UNITS_PER_STEP * evidence.steps_between(from, to))
}

#[cfg(test)]
mod campaign;
#[cfg(test)]
mod family_campaign;
#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::{descended, evidence};
    use super::*;

    #[test]
    fn theorems_of_the_flow_are_none_of_descent() {
        let mut run = descended();
        // were it assessed, it would be red
        run.columns
            .get_mut("loss_integral")
            .unwrap()
            .iter_mut()
            .for_each(|x| *x *= 0.5);
        for assessment in assess(&run, |_| true) {
            let about = assessment.prediction.about();
            if about == Subject::Flow {
                let reason = "gradient descent with step 0.002 is not the flow";
                assert_eq!(assessment.verdict, Verdict::inapplicable(reason));
            }
        }
        let of_flow = catalogue().iter().filter(|p| p.about() == Subject::Flow).count();
        assert!(of_flow >= 7, "{of_flow}");
        let bound = assess(&run, |name| name == "dual_bound_below_references");
        assert_eq!(bound[0].verdict.name(), "holds");
        for assessment in assess(&evidence(), |_| true) {
            if assessment.prediction.about() == Subject::Descent {
                assert_eq!(assessment.verdict.name(), "inapplicable");
            }
        }
    }
}
