//! Exact covariances of the flow: transformed data have the transformed trajectory.
//!
//! ```text
//! 0  measurements   y → cy, every factor's start → c^{1/L}·start, t → c^{2/L−2}t    w → cw
//! 1  units          (A, y) → k(A, y), t → t/k²                                      w stays
//! 2  rows           (A, y) → (HA, Hy), H a reflection                               w stays
//! 3  columns        A → AP, the start permuted alike                                w → Pᵀw
//! 4  sign           y → −y (signed model whose u and v start alike)                 w → −w
//! ```
//!
//! Each follows from x_k′ = (∏_{j≠k} x_j)∘Aᵀ(y − Aw) by substitution. The transformed problems are integrated to the run's
//! promise at up to 24 of its recorded times and at t(1 ± δ) around each, and transformed back.
//!
//! Both are accurate to the promise on the logarithms of the factors, u = allowance per record, but as functions of their own
//! clocks: a jump may come at t(1 + δ), δ = u. What the member's weights change between t(1 − δ) and t(1 + δ) is therefore
//! subtracted from the difference at t; records within a jump (where that change exceeds 1 % of the weights) tell nothing
//! and are left out. The rest is compared in units of |w|_∞, or of the start's weights where the run's are smaller still
//! (of a signed model's, no more of them than reach y).

use std::sync::Arc;

use hadaflow_core::event::TimeReached;
use hadaflow_core::flow::Evaluation;
use hadaflow_core::initialization::{Initialization, Model, Sign};
use hadaflow_core::integrate::{Progress, Schedule};
use hadaflow_core::measurement::{DenseOperator, MeasurementOperator};
use hadaflow_core::problem::Problem;
use hadaflow_core::trajectory::Trajectory;
use nalgebra::{DMatrix, DVector};

use super::member::{Member, all_ended};
use super::vanishing::larger;
use super::{Family, Measurement, Prediction, Statement, UNITS, Verdict, allowance, family};
use crate::report::Evidence;

pub(super) struct CovariancesOfTheFlow;

/// At most so many recorded times are compared.
const TIMES: usize = 24;
/// Records after so many steps are left out: a flow that takes them is at rest, and each member would take as many again.
const STEPS: f64 = 10_000.0;
/// Records around which the weights change by more than this part are left out.
const STEEP: f64 = 1e-2;
/// The factor of y, or its inverse where y or the start is large; no power of 2, so that every rounding differs.
const STRETCH: f64 = 3.0;
/// The factor of A and y.
const UNIT: f64 = 0.7;
/// The names, in the order of the column `covariance`.
const NAMES: [&str; 5] = ["measurements", "units", "rows", "columns", "sign"];

/// A transformed problem and the way back.
struct Transformed {
    which: usize,
    problem: Problem,
    model: Model,
    /// Of the clock.
    stretch: f64,
    /// Of the weights, to be undone.
    factor: f64,
    /// Where entry i of the run is among the member's.
    order: Option<Vec<usize>>,
}

impl Prediction for CovariancesOfTheFlow {
    fn name(&self) -> &'static str {
        "covariances_of_the_flow"
    }

    fn spans_runs(&self) -> bool {
        true
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "y → cy, x(0) → c^{1/L}x(0), t → c^{2/L−2}t gives cw; (A, y) → k(A, y), t → t/k² gives w; so does an \
                      orthogonal map of the rows; permuted columns permute w; y → −y gives −w (signed)",
            hypotheses: "two recorded times with their weights; A stored for all but the first and the last; for the \
                         columns no random start, for the sign u and v that start alike",
            citation: "substitution in the equations of the flow",
        }
    }

    fn explore(&self, evidence: &Evidence, watch: &mut dyn FnMut(Progress) -> bool) -> Option<Family> {
        let records = records(evidence).ok()?;
        let mut family = Family::new();
        for transformed in transformed(evidence) {
            add_member(evidence, &transformed, &records, &mut family, watch)?;
        }
        (!family.is_empty()).then_some(family)
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let known = records(evidence).and_then(|_| family(self, evidence));
        let family = match known.and_then(|family| all_ended(family, "covariance").map(|()| family)) {
            Ok(family) => family,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        judge(family, evidence.tolerance)
    }
}

/// The worst of the comparable records.
fn judge(family: &Family, tolerance: f64) -> Verdict {
    let columns = ["difference", "spread", "allowed", "covariance", "t"].map(|name| family.column(name));
    let [differences, spreads, allowed, which, times] = columns;
    let (mut measured, mut place) = (f64::NEG_INFINITY, String::new());
    for row in 0..family.len() {
        let at = |column: &[f64]| column.get(row).copied().unwrap_or(f64::NAN);
        if at(spreads) > STEEP {
            continue;
        }
        // where more steps are allowed more, the difference counts less: one bound stands for all
        let excess = (at(differences) - at(spreads)) * (UNITS * tolerance / at(allowed));
        if larger(measured, excess) != measured && !measured.is_nan() {
            measured = excess;
            let name = NAMES.iter().enumerate().find(|(k, _)| *k as f64 == at(which));
            place = format!("{} at t = {:.6e}", name.map_or("?", |(_, name)| *name), at(times));
        }
    }
    if measured == f64::NEG_INFINITY {
        return Verdict::inapplicable("all records lie within jumps, where the clock decides");
    }
    Verdict::of(Measurement {
        measured,
        bound: 0.0,
        uncertainty: UNITS * tolerance,
        place,
    })
}

/// A recorded time with its weights.
struct Record {
    t: f64,
    weights: Vec<f64>,
    /// What is allowed there, relative.
    allowed: f64,
}

/// Up to 24 records, the last included.
fn records(evidence: &Evidence) -> Result<Vec<Record>, String> {
    let times = evidence.column("t");
    let early = |row: &usize| times[*row] > 0.0 && evidence.steps_between(0, *row) <= STEPS;
    let rows: Vec<usize> = (0..times.len()).filter(early).collect();
    if rows.is_empty() {
        return Err("fewer than two times were recorded".into());
    }
    let (count, kept) = (rows.len(), rows.len().min(TIMES));
    let chosen = (1..=kept).map(|k| rows[k * count / kept - 1]);
    let mut records: Vec<Record> = Vec::new();
    for row in chosen {
        let weights = weights(evidence, row).ok_or("neither weights nor states were recorded")?;
        let (t, allowed) = (times[row], allowance(evidence, 0, row));
        // records that the clock's leading part cannot tell apart, or their neighbourhoods, count as one
        if records
            .last()
            .is_none_or(|last| t * (1.0 - allowed) > last.t * (1.0 + last.allowed))
            && allowed < 0.5
        {
            records.push(Record { t, weights, allowed });
        }
    }
    if records.is_empty() {
        return Err("so many steps were taken that nothing can be told at this tolerance".into());
    }
    Ok(records)
}

/// The weights at a record, from the state where they were not kept.
fn weights(evidence: &Evidence, row: usize) -> Option<Vec<f64>> {
    if let Some(weights) = evidence.weights(row) {
        return Some(weights.to_vec());
    }
    let flow = evidence.setting.flow.as_ref();
    let state = evidence
        .trajectory
        .state
        .get(row * flow.dim()..(row + 1) * flow.dim())?;
    let mut evaluation = Evaluation::new(flow.problem().rows(), flow.problem().cols());
    flow.evaluate(state, &mut evaluation);
    Some(evaluation.weights)
}

/// The covariances that apply.
fn transformed(evidence: &Evidence) -> Vec<Transformed> {
    let (problem, model) = (evidence.setting.problem(), &evidence.setting.model);
    let y = &problem.measurements;
    let with = |which, operator: Arc<dyn MeasurementOperator>, y: Vec<f64>| {
        Problem::new(operator, y, None, 0.0).ok().map(|problem| Transformed {
            which,
            problem,
            model: model.clone(),
            stretch: 1.0,
            factor: 1.0,
            order: None,
        })
    };
    let times = |factor: f64| y.iter().map(|y| factor * y).collect::<Vec<f64>>();
    let mut all = Vec::new();
    let large = y.iter().any(|y| y.abs() > 1.0) || largest_start(&model.initialization) > 1.0;
    let (c, l) = (if large { 1.0 / STRETCH } else { STRETCH }, model.depth as f64);
    if let Some(mut scaled) = with(0, problem.operator.clone(), times(c)) {
        scaled.model.initialization = scale(&model.initialization, c.powf(1.0 / l));
        (scaled.stretch, scaled.factor) = (c.powf(2.0 / l - 2.0), c);
        all.push(scaled);
    }
    if let Some(matrix) = problem.operator.dense() {
        let dense = |matrix: DMatrix<f64>| -> Option<Arc<dyn MeasurementOperator>> {
            DenseOperator::new(matrix).ok().map(|operator| Arc::new(operator) as _)
        };
        if let Some(mut scaled) = dense(matrix * UNIT).and_then(|a| with(1, a, times(UNIT))) {
            scaled.stretch = 1.0 / (UNIT * UNIT);
            all.push(scaled);
        }
        let mixed = reflect(matrix, y);
        all.extend(dense(mixed.0).and_then(|a| with(2, a, mixed.1)));
        let order = shuffled(matrix.ncols());
        let initialization = permute(&model.initialization, &order);
        let permuted = dense(matrix.select_columns(&order)).and_then(|a| with(3, a, y.clone()));
        if let Some((mut permuted, initialization)) = permuted.zip(initialization) {
            permuted.model.initialization = initialization;
            let mut places = vec![0; order.len()];
            order.iter().enumerate().for_each(|(place, j)| places[*j] = place);
            permuted.order = Some(places);
            all.push(permuted);
        }
    }
    let alike = !matches!(model.initialization, Initialization::Random { .. });
    if model.sign == Sign::Signed && alike {
        all.extend(with(4, problem.operator.clone(), times(-1.0)).map(|mut flipped| {
            flipped.factor = -1.0;
            flipped
        }));
    }
    all
}

/// The largest entry of a start, or its scale.
pub(super) fn largest_start(initialization: &Initialization) -> f64 {
    match initialization {
        Initialization::Identical(scale) | Initialization::Random { scale, .. } => *scale,
        Initialization::Vector(entries) | Initialization::PerFactor(entries) => {
            entries.iter().fold(0.0, |a, x| a.max(*x))
        }
    }
}

/// Every entry of every factor times `by`.
fn scale(initialization: &Initialization, by: f64) -> Initialization {
    let all = |entries: &[f64]| entries.iter().map(|x| by * x).collect();
    match initialization {
        Initialization::Identical(alpha) => Initialization::Identical(by * alpha),
        Initialization::Vector(x0) => Initialization::Vector(all(x0)),
        Initialization::PerFactor(levels) => Initialization::PerFactor(all(levels)),
        Initialization::Random { scale, spread } => Initialization::Random {
            scale: by * scale,
            spread: *spread,
        },
    }
}

/// The start of permuted coordinates; none for a random one, which is drawn in the order of the coordinates.
fn permute(initialization: &Initialization, order: &[usize]) -> Option<Initialization> {
    match initialization {
        Initialization::Vector(x0) => Some(Initialization::Vector(order.iter().map(|&j| x0[j]).collect())),
        Initialization::Random { .. } => None,
        same => Some(same.clone()),
    }
}

/// (HA, Hy) with H = I − 2vvᵀ, v a unit vector of irregular entries.
fn reflect(matrix: &DMatrix<f64>, y: &[f64]) -> (DMatrix<f64>, Vec<f64>) {
    let v = DVector::from_fn(y.len(), |i, _| 1.0 + 0.8 * (1.7 * (i as f64 + 1.0)).sin()).normalize();
    let y = DVector::from_column_slice(y);
    let mixed = matrix - 2.0 * &v * (v.transpose() * matrix);
    let y = &y - 2.0 * v.dot(&y) * &v;
    (mixed, y.as_slice().to_vec())
}

/// A fixed permutation without visible order: sorted by the fractional parts of multiples of the golden ratio.
fn shuffled(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let key = |j: &usize| ((*j as f64 + 1.0) * 0.618_033_988_749_894_9).fract();
    order.sort_by(|a, b| key(a).total_cmp(&key(b)));
    order
}

/// One row for each record.
fn add_member(
    evidence: &Evidence,
    transformed: &Transformed,
    records: &[Record],
    family: &mut Family,
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Option<()> {
    let around = |record: &Record| [-record.allowed, 0.0, record.allowed].map(|delta| record.t * (1.0 + delta));
    let times: Vec<f64> = records
        .iter()
        .flat_map(around)
        .map(|t| t * transformed.stretch)
        .collect();
    let end = times.last()? * (1.0 + 1e-12);
    let member = Member {
        problem: &transformed.problem,
        model: &transformed.model,
        seed: evidence.setting.seed,
        formulation: None,
        tolerance: evidence.tolerance,
        schedule: Schedule::Times(times),
        events: vec![Box::new(TimeReached::new(end))],
    };
    let mut trajectory = Trajectory::new();
    let ending = member.integrate(&mut trajectory, watch)?;
    let n = evidence.setting.problem().cols();
    let least = start_size(evidence);
    let steps = |row: usize| trajectory.steps.get(row).map_or(f64::NAN, |steps| *steps as f64);
    for (k, record) in records.iter().enumerate() {
        // row 0 is the start
        let row = 3 * k + 2;
        let back = |row: usize| trajectory.weights_at(row, n).map(|weights| transformed.back(weights));
        let size = record.weights.iter().fold(least, |a, w| larger(a, w.abs()));
        let [difference, spread] = match (back(row - 1), back(row), back(row + 1)) {
            (Some(early), Some(now), Some(late)) => [
                distance(&record.weights, &now) / size,
                larger(
                    distance(&early, &late),
                    larger(distance(&early, &now), distance(&now, &late)),
                ) / size,
            ],
            _ => [f64::NAN; 2],
        };
        let allowed = record
            .allowed
            .max(super::UNITS_PER_STEP * evidence.tolerance * steps(row));
        family.push(&[
            ("covariance", transformed.which as f64),
            ("t", record.t),
            ("difference", difference),
            ("spread", spread),
            ("allowed", allowed),
            ("outcome", ending.outcome),
        ]);
    }
    Some(())
}

impl Transformed {
    /// Weights of the member in the run's coordinates.
    fn back(&self, weights: &[f64]) -> Vec<f64> {
        let place = |i: usize| self.order.as_ref().map_or(i, |order| order[i]);
        (0..weights.len()).map(|i| weights[place(i)] / self.factor).collect()
    }
}

/// The weights that the factors' start makes, at most as many as the promise resolves.
fn start_size(evidence: &Evidence) -> f64 {
    let flow = evidence.setting.flow.as_ref();
    let power = largest_start(&evidence.setting.model.initialization).powi(evidence.depth() as i32); // depth <= 64
    (flow.cancellation() * power).max(f64::MIN_POSITIVE)
}

/// max |a_i − b_i|.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, larger)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hadaflow_core::initialization::{Initialization, Sign};

    use super::super::testing::{
        a_family_is_taken_seriously, asked_again, begun, explored, fitted, matrix_free, measuring, model, verdict,
    };
    use super::{reflect, shuffled};
    use crate::report::Evidence;

    const NAME: &str = "covariances_of_the_flow";

    fn count(run: &Evidence) -> usize {
        let mut which = run.families[NAME].column("covariance").to_vec();
        which.dedup();
        which.len()
    }

    #[test]
    fn it_holds_for_each_model_and_start() {
        let shape: Vec<f64> = (0..14).map(|i| 0.1 + 0.02 * f64::from(i)).collect();
        let random = Initialization::Random {
            scale: 0.3,
            spread: 0.2,
        };
        for (depth, levels) in [(2, vec![0.1, 0.3]), (3, vec![0.1, 0.2, 0.3])] {
            let per_factor = Initialization::PerFactor(levels);
            for (start, covariances) in [
                (Initialization::Identical(1e-3), 5),
                (Initialization::Identical(30.0), 5),
                (Initialization::Vector(shape.clone()), 5),
                (per_factor, 5),
                (random.clone(), 3),
            ] {
                let run = explored(NAME, begun(depth, Sign::Signed, start));
                assert_eq!(verdict(NAME, &run), "holds", "{:?}", run.families);
                assert_eq!(count(&run), covariances);
            }
            let positive = explored(NAME, fitted(depth, Sign::Positive));
            assert_eq!(verdict(NAME, &positive), "holds");
            assert_eq!(count(&positive), 4);
        }
        a_family_is_taken_seriously(NAME, "difference", &fitted(3, Sign::Signed));
    }

    /// A run with one weight off by 1e-4 from the middle on, a run with another clock, and one of another depth.
    #[test]
    fn a_run_that_is_not_the_flow_is_seen() {
        let run = fitted(3, Sign::Signed);
        assert_eq!(verdict(NAME, &explored(NAME, run.clone())), "holds");
        let mut wrong = run.clone();
        let mut trajectory = (*wrong.trajectory).clone();
        let (half, all) = (trajectory.weights.len() / 2, trajectory.weights.len());
        trajectory.weights[half..all].iter_mut().for_each(|w| *w *= 1.0001);
        wrong.trajectory = Arc::new(trajectory);
        assert_eq!(verdict(NAME, &explored(NAME, wrong)), "violated");
        let mut late = run.clone();
        late.columns.get_mut("t").unwrap().iter_mut().for_each(|t| *t *= 1.01);
        assert_eq!(verdict(NAME, &explored(NAME, late)), "violated");
        let problem = run.setting.problem().clone();
        let other = asked_again(run, problem, model(4, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, other)), "violated");
    }

    #[test]
    fn states_stand_in_for_weights_and_nothing_for_both() {
        let mut run = fitted(3, Sign::Signed);
        let mut trajectory = (*run.trajectory).clone();
        trajectory.weights.clear();
        run.trajectory = Arc::new(trajectory.clone());
        assert_eq!(verdict(NAME, &explored(NAME, run.clone())), "holds");
        trajectory.state.clear();
        run.trajectory = Arc::new(trajectory);
        assert_eq!(verdict(NAME, &explored(NAME, run)), "inapplicable");
    }

    /// Without a matrix y alone is transformed, and a run that does not move keeps to it.
    #[test]
    fn nasty_problems_are_covariant_too() {
        use super::super::testing::gaussian;
        use hadaflow_core::event::TimeReached;
        let still = gaussian(8, 14, 2, Sign::Positive, 0.0, 5);
        let still = hadaflow_core::problem::Problem::new(still.operator.clone(), vec![0.0; 8], None, 0.0).unwrap();
        let stop = Box::new(TimeReached::new(3.0));
        let run = super::super::testing::integrated(still, model(3, Sign::Positive, 0.5), 1e-8, vec![stop]);
        let run = explored(NAME, run);
        assert_eq!(verdict(NAME, &run), "holds", "{:?}", run.families);
        let run = fitted(3, Sign::Signed);
        let free = explored(
            NAME,
            asked_again(run.clone(), matrix_free(), model(3, Sign::Signed, 0.1)),
        );
        assert_eq!(verdict(NAME, &free), "violated", "the run is another problem's");
        assert_eq!(count(&free), 2);
        let silent = asked_again(run.clone(), measuring(&run, vec![0.0; 8]), model(3, Sign::Signed, 0.1));
        assert_eq!(verdict(NAME, &explored(NAME, silent)), "violated", "the run moved");
    }

    #[test]
    fn the_maps_are_what_they_are_called() {
        let matrix = nalgebra::DMatrix::from_fn(4, 6, |i, j| ((3 * i + 5 * j) as f64).sin());
        let y = [1.0, -2.0, 0.5, 3.0];
        let (mixed, image) = reflect(&matrix, &y);
        assert!((matrix.transpose() * &matrix - mixed.transpose() * &mixed).amax() < 1e-14);
        assert!((&mixed - &matrix).amax() > 0.1);
        let product = |a: &nalgebra::DMatrix<f64>, y: &[f64]| a.transpose() * nalgebra::DVector::from_column_slice(y);
        assert!((product(&matrix, &y) - product(&mixed, &image)).amax() < 1e-14);
        let mut order = shuffled(50);
        assert!(order.windows(2).filter(|pair| pair[0] > pair[1]).count() > 10);
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}
