//! The predictions about integrated families on random instances of every kind.

use hadaflow_core::event::{Event, LossBelow, Stationary};
use hadaflow_core::initialization::Sign;

use super::testing::{explored, gaussian, integrated, model};
use super::{Verdict, catalogue, judge};

const NAMES: [&str; 6] = [
    "escape_time",
    "jump_times",
    "saddles_of_the_jump_process",
    "time_average_solves_the_lasso",
    "covariances_of_the_flow",
    "descent_tends_to_the_flow",
];

/// Both signs, depths 2 to 5, with and without noise, several starts; no more than a few find nothing to say.
#[test]
fn families_hold_on_random_instances() {
    let mut silent = 0;
    for seed in 0..16 {
        let k = seed as usize;
        let sign = if k.is_multiple_of(2) {
            Sign::Signed
        } else {
            Sign::Positive
        };
        let depth = [2, 3, 4, 5][(k / 2) % 4];
        let (m, n) = (4 + (k * 5) % 12, 8 + (k * 7) % 22);
        let noise = if (k / 8).is_multiple_of(2) { 0.0 } else { 0.1 };
        let alpha = [0.5, 0.1, 0.01, 1e-3][(k / 3) % 4];
        let problem = gaussian(m, n, 1 + k % 4, sign, noise, seed);
        let stop: Vec<Box<dyn Event>> = vec![
            Box::new(LossBelow::relative(1e-10, &problem.measurements)),
            Box::new(Stationary::new(1e-7, sign == Sign::Signed, &problem)),
        ];
        let mut run = integrated(problem, model(depth, sign, alpha), 1e-8, stop);
        for name in NAMES {
            run = explored(name, run);
            let prediction = catalogue().iter().find(|p| p.name() == name).unwrap();
            match judge(*prediction, &run) {
                Verdict::Holds(_) => {}
                Verdict::Inapplicable { .. } => silent += 1,
                violated @ Verdict::Violated(_) => panic!("{name}, {m} × {n}, seed {seed}: {violated:?}"),
            }
        }
    }
    assert!(silent <= 3, "{silent} of 96 inapplicable");
}
