//! `run --profile`: where the time of an integration went, and how far it is from what reading A takes.

use std::fmt::Write;
use std::time::Instant;

use hadaflow::core::measurement::MeasurementOperator;
use hadaflow::core::profile::{Part, Profile};
use hadaflow::experiment::resolve::Experiment;
use hadaflow::experiment::run::Run;

/// Passes are timed for at least as many seconds, at least this often.
const LEAST_SECONDS: f64 = 0.1;
const LEAST_PASSES: usize = 5;

/// The table, and the pass limit: right-hand sides × the time of one A w and one Aᵀr on this machine.
pub fn of_time(experiment: &Experiment, run: &Run, profile: &Profile) -> String {
    let mut out = String::from("where the time went            seconds  share    calls\n");
    let total = profile.total();
    for part in Part::ALL {
        let (seconds, calls) = (profile.seconds(part), profile.calls(part));
        let share = 100.0 * seconds / total.max(f64::MIN_POSITIVE);
        let calls = if part == Part::Steps {
            String::new()
        } else {
            calls.to_string()
        };
        // writing to a string cannot fail
        let _ = writeln!(out, "  {:28} {seconds:8.4}  {share:4.0}%  {calls:>7}", part.name());
    }
    let pass = seconds_of_a_pass(experiment.problem.operator.as_ref());
    let evaluations = run.integration.statistics.rhs;
    let limit = pass * evaluations as f64; // a count
    let _ = writeln!(
        out,
        "pass limit: {evaluations} right-hand sides x {:.1} us for A w and A^T r = {limit:.4} s; the integration took \
         {total:.4} s, {:.2} times that",
        1e6 * pass,
        total / limit.max(f64::MIN_POSITIVE)
    );
    out
}

/// The median time of A w and Aᵀr for full vectors.
fn seconds_of_a_pass(operator: &dyn MeasurementOperator) -> f64 {
    let w = vec![1.0; operator.cols()];
    let (mut r, mut s) = (vec![0.0; operator.rows()], vec![0.0; operator.cols()]);
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < LEAST_PASSES || start.elapsed().as_secs_f64() < LEAST_SECONDS {
        let before = Instant::now();
        operator.apply(&w, &mut r);
        operator.apply_adjoint(&r, &mut s);
        times.push(before.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
