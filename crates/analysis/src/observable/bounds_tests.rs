//! The bounds on the least ℓ1 norm, against norms found by trying all supports and against worked cases.

use std::sync::Arc;

use hadaflow_core::flow::{Evaluation, Flow, LogFlow};
use hadaflow_core::initialization::Sign;
use hadaflow_core::measurement::{DenseOperator, MeasurementOperator, SparseOperator};
use hadaflow_core::mirror::Position;
use hadaflow_core::problem::Problem;
use hadaflow_core::record::Snapshot;
use hadaflow_core::special::DoubleDouble;
use nalgebra::{DMatrix, DVector, dmatrix};
use serde_json::Value;

use super::leading::Leading;
use super::{Context, all};
use crate::reference::small_problems::{entries, least_l1, problem};

fn flow_of(operator: Arc<dyn MeasurementOperator>, y: &[f64], depth: usize, signed: bool, alpha: f64) -> LogFlow {
    let n = operator.cols();
    let sign = if signed { Sign::Signed } else { Sign::Positive };
    let problem = Problem::new(operator, y.to_vec(), None, 0.0).unwrap();
    LogFlow::new(problem, depth, sign, &vec![alpha; n]).unwrap()
}

fn flow(a: &DMatrix<f64>, y: &[f64], depth: usize, signed: bool, alpha: f64) -> LogFlow {
    flow_of(
        Arc::new(DenseOperator::new(a.clone()).unwrap()),
        y,
        depth,
        signed,
        alpha,
    )
}

/// What `look` says of the flow where the weights are w and the dual variable is q, whether or not they belong together.
fn at<T>(flow: &LogFlow, w: &[f64], q: &[f64], look: impl FnOnce(&Snapshot) -> T) -> T {
    let n = w.len();
    let mut evaluation = Evaluation::new(q.len(), n);
    evaluation.weights.copy_from_slice(w);
    flow.problem().operator.apply(w, &mut evaluation.residual);
    for (r, y) in evaluation.residual.iter_mut().zip(&flow.problem().measurements) {
        *r = y - *r;
    }
    look(&Snapshot {
        flow,
        t: DoubleDouble::ZERO,
        steps: 0,
        state: &[],
        evaluation: &evaluation,
        loss: evaluation.loss(),
        loss_integral: DoubleDouble::ZERO,
        dual: q,
        increments: &[],
        place: Position::new(n, flow.signed()).into(),
    })
}

/// `dual_bound`, `dual_bound_polished` and `upper_bound`.
fn bounds(flow: &LogFlow, w: &[f64], q: &[f64]) -> [f64; 3] {
    let observables = all(flow, &Context::default());
    at(flow, w, q, |snapshot| {
        ["dual_bound", "dual_bound_polished", "upper_bound"].map(|name| {
            let observable = observables.iter().find(|o| o.label().column == name).unwrap();
            observable.measure(snapshot, &Context::default())
        })
    })
}

/// Any w and any q bracket the least norm: the bounds do not rest on the flow.
#[test]
fn arbitrary_weights_and_duals_bracket_the_least_norm() {
    let mut finite = 0;
    for seed in 0..240 {
        let (a, _, signed) = problem(seed);
        let (m, n) = a.shape();
        let random = |rows, salt: usize| entries(rows, 1, seed + salt).column(0).into_owned();
        let z = random(n, 100).map(|z| if signed { z } else { z.max(0.0) });
        let y = &a * z;
        let least = least_l1(&a, &y, signed);
        let flow = flow(&a, y.as_slice(), 2, signed, 0.1);
        // weights of positive models are negative at times: where factors start differently, one may change its sign
        let signs = signed || seed % 2 == 1;
        let w = random(n, 200).map(|w| (3.0 * w).exp() * if signs { w.signum() } else { 1.0 });
        let [raw, polished, upper] = bounds(&flow, w.as_slice(), random(m, 300).as_slice());
        // sums of a few numbers of order 1 to 1000, and supports conditioned up to 1e4
        let slack = 1e-9 * (1.0 + least);
        assert!(0.0 <= raw && raw <= polished, "{seed}: {raw} {polished}");
        assert!(polished <= least + slack, "{seed}: {polished} {least}");
        assert!(upper >= least - slack, "{seed}: {upper} {least}");
        finite += usize::from(upper.is_finite());
    }
    assert!(finite > 230, "a solution is found nearly always: {finite}");
}

#[test]
fn without_a_solution_the_upper_bound_is_infinite() {
    let tall = dmatrix![1.0; 1.0];
    assert_eq!(
        bounds(&flow(&tall, &[1.0, 2.0], 2, true, 0.1), &[1.5], &[1.0, 1.0])[2],
        f64::INFINITY
    );
    let positive = flow(&dmatrix![1.0, 0.5], &[-1.0], 2, false, 0.1);
    assert_eq!(bounds(&positive, &[0.1, 0.1], &[-1.0]), [0.0, 0.0, f64::INFINITY]);
    let signed = flow(&dmatrix![1.0, 0.5], &[-1.0], 2, true, 0.1);
    assert_eq!(bounds(&signed, &[f64::NAN, 0.1], &[-1.0])[2], f64::INFINITY);
}

#[test]
fn nothing_measured_is_bracketed_by_zeros() {
    let a = entries(3, 5, 1);
    let z = flow(&a, &[0.0; 3], 2, true, 0.1);
    assert_eq!(bounds(&z, &[0.0; 5], &[0.0; 3]), [0.0, 0.0, 0.0]);
}

/// A⁺y = (1/3, 13/30, −7/30) is no point of the domain, and ‖w‖₁ ≈ 0 is far below the least norm, that of (0.8, 0.2, 0).
/// The other vertex, (1.2, 0, 0.2), is where the wrong support leads.
#[test]
fn an_infeasible_point_is_repaired_not_reported() {
    let a = dmatrix![1.0, 1.0, -1.0; 0.0, 1.0, 1.0];
    let y = [1.0, 0.2];
    let positive = flow(&a, &y, 2, false, 1e-6);
    let [_, _, upper] = bounds(&positive, &[1e-12; 3], &[0.0, 0.0]);
    let least = least_l1(&a, &DVector::from_column_slice(&y), false);
    assert!(
        (upper - least).abs() < 1e-12 && (least - 1.0).abs() < 1e-12,
        "{upper} {least}"
    );
    let wrong_support = [9.0, 1e-12, 2.0];
    assert!((bounds(&positive, &wrong_support, &[0.0, 0.0])[2] - 1.0).abs() < 1e-12);
}

/// The formula, once per set, with the normal equations; the best over the given sizes.
fn polished_by_hand(a: &DMatrix<f64>, y: &[f64], w: &[f64], q: &[f64], signed: bool, sizes: &[usize]) -> f64 {
    let reach = |nu: &DVector<f64>| {
        let s = a.transpose() * nu;
        if signed { s.amax() } else { s.max() }
    };
    let q = DVector::from_column_slice(q);
    let size = reach(&q);
    let nu = if size > 0.0 { q / size } else { DVector::zeros(y.len()) };
    let mut order: Vec<usize> = (0..w.len()).collect();
    order.sort_by(|&i, &j| w[j].abs().total_cmp(&w[i].abs()));
    let polish = |&k: &usize| {
        let columns = a.select_columns(&order[..k]);
        let signs = DVector::from_fn(k, |j, _| w[order[j]].signum());
        let gram = columns.transpose() * &columns;
        let nu = &nu + &columns * gram.lu().solve(&(signs - columns.transpose() * &nu)).unwrap();
        nu.dot(&DVector::from_column_slice(y)) / reach(&nu).max(1.0)
    };
    let plain = nu.dot(&DVector::from_column_slice(y)).max(0.0);
    sizes.iter().map(polish).fold(plain, f64::max)
}

#[test]
fn nested_polishing_is_the_formula_set_by_set() {
    for seed in 0..60 {
        let signed = seed % 2 == 0;
        let (m, n) = (6, 14);
        let a = entries(m, n, seed);
        let (y, q) = (entries(m, 1, seed + 100), entries(m, 1, seed + 200));
        let w: Vec<f64> = entries(n, 1, seed + 300)
            .iter()
            .map(|w| if signed { w.powi(5) } else { w.powi(4) })
            .collect();
        let cuts = Leading::new(&w, m).cuts;
        assert_eq!(cuts.len(), 6);
        let expected = polished_by_hand(&a, y.as_slice(), &w, q.as_slice(), signed, &cuts);
        let found = bounds(&flow(&a, y.as_slice(), 2, signed, 0.1), &w, q.as_slice())[1];
        // normal equations of up to six columns, conditioned up to 1e4
        assert!(
            (found - expected).abs() < 1e-8 * (1.0 + expected),
            "{seed}: {found} {expected}"
        );
    }
}

/// σ at weights w of an identical start, from the branch that is large.
fn sigma(flow: &LogFlow, w: &[f64], depth: usize, alpha: f64) -> DVector<f64> {
    let anchor = flow.mirror().anchor(w).unwrap();
    let of = |log_factor: f64| match depth {
        2 => log_factor - alpha.ln(),
        _ => {
            let p = depth as f64 - 2.0;
            (alpha.powf(-p) - (-p * log_factor).exp()) / p
        }
    };
    DVector::from_fn(w.len(), |i, _| {
        if w[i] >= 0.0 {
            of(anchor.position.plus[i])
        } else {
            -of(anchor.position.minus[i])
        }
    })
}

/// At the limits of flows computed elsewhere: lower ≤ Q ≤ upper, where the polished lower bound closes most of the gap
/// that the plain one leaves.
#[test]
fn limits_of_reference_cases_are_certified() {
    let file: Value = serde_json::from_str(include_str!("../../../core/tests/data/reference_cases.json")).unwrap();
    let numbers =
        |value: &Value| -> Vec<f64> { value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
    for name in ["L2-positive", "L2-signed", "L3-signed", "L4-signed"] {
        let case = file["cases"]
            .as_array()
            .unwrap()
            .iter()
            .find(|case| case["name"] == name)
            .unwrap();
        let rows: Vec<f64> = case["A"].as_array().unwrap().iter().flat_map(numbers).collect();
        let (y, w) = (numbers(&case["y"]), numbers(&case["limit"]));
        let a = DMatrix::from_row_slice(y.len(), w.len(), &rows);
        let depth = case["L"].as_u64().unwrap() as usize; // 2 to 4
        let (alpha, signed) = (case["alpha"].as_f64().unwrap(), case["signed"].as_bool().unwrap());
        let flow = flow(&a, &y, depth, signed, alpha);
        let gram = &a * a.transpose();
        let q = gram.lu().solve(&(&a * sigma(&flow, &w, depth, alpha))).unwrap();
        let [raw, polished, upper] = bounds(&flow, &w, q.as_slice());
        let (least, norm) = (case["min_l1"].as_f64().unwrap(), case["limit_l1"].as_f64().unwrap());
        let (excess, slack) = (norm - least, 1e-12 * least);
        assert!(
            raw <= polished && polished <= least + slack,
            "{name}: {raw} {polished} {least}"
        );
        assert!(
            (upper - norm).abs() < 1e-11 * norm,
            "{name}: w solves, so that the bound is its norm"
        );
        assert!(
            raw < least - 0.2 * excess,
            "{name}: the plain bound is loose: {raw} {least}"
        );
        assert!(
            least - polished < 0.1 * (least - raw),
            "{name}: {raw} {polished} {least}"
        );
    }
}

#[test]
fn matrix_free_and_huge_operators_have_no_such_columns() {
    let operator = SparseOperator::from_triplets(1, 2, &[(0, 0, 1.0), (0, 1, 2.0)]).unwrap();
    let columns = |flow: &LogFlow| -> Vec<String> {
        let observables = all(flow, &Context::default());
        observables.iter().map(|o| o.label().column).collect()
    };
    let sparse = columns(&flow_of(Arc::new(operator), &[1.0], 2, true, 0.1));
    assert!(sparse.contains(&"dual_bound".into()));
    let dense = columns(&flow(&dmatrix![1.0, 2.0], &[1.0], 2, true, 0.1));
    for name in ["dual_bound_polished", "upper_bound"] {
        assert!(dense.contains(&name.into()) && !sparse.contains(&name.into()));
    }
}
