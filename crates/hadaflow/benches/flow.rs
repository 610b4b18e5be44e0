//! Single trajectories, from the initial state to loss < 1e-10 with 200 recorded times.
//!
//! `cargo bench --bench flow`. The first one is the instance of the book's comparison with SUNDIALS CVODE: n = 1000,
//! m = 250, s = 15, positive, L = 2, α = 1e-3, tolerance 1e-6.

#![allow(missing_docs, clippy::expect_used)] // the macros write undocumented items, and a benchmark may panic

use criterion::{Criterion, criterion_group, criterion_main};
use hadaflow::core::event::LossBelow;
use hadaflow::core::flow::choose;
use hadaflow::core::initialization::{Initialization, Model, Sign};
use hadaflow::core::integrate::{DiffsolIntegrator, Integrator, Method, NdfIntegrator, Schedule, Task};
use hadaflow::core::measurement::by_name;
use hadaflow::core::problem::Problem;
use hadaflow::core::signal::{Magnitude, SparseSignal};
use hadaflow::core::trajectory::Trajectory;

/// (name, m, n, s, depth, sign, α).
const CASES: [(&str, usize, usize, usize, usize, Sign, f64); 4] = [
    ("n1000_m250_s15_L2_positive", 250, 1000, 15, 2, Sign::Positive, 1e-3),
    ("n200_m80_s5_L2_positive", 80, 200, 5, 2, Sign::Positive, 1e-3),
    ("n200_m80_s5_L3_signed", 80, 200, 5, 3, Sign::Signed, 1e-2),
    ("n200_m80_s5_L6_signed", 80, 200, 5, 6, Sign::Signed, 1e-3),
];

fn trajectories(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("trajectory");
    group.sample_size(10);
    for (name, m, n, sparsity, depth, sign, alpha) in CASES {
        let signal = SparseSignal {
            sparsity,
            magnitude: Magnitude::Gaussian,
        };
        let ensemble = by_name("Gaussian").expect("it is in the catalogue");
        let signed = sign == Sign::Signed;
        let problem = Problem::synthetic(ensemble, m, n, &signal, signed, 0.0, 7).expect("a legal problem");
        let model = Model {
            depth,
            sign,
            initialization: Initialization::Identical(alpha),
        };
        let flow = choose(&problem, &model, 7, None, 1e-6).expect("a legal model").flow;
        let task = Task {
            flow,
            tolerance: 1e-6,
            max_steps: 100_000,
            schedule: Schedule::LogSpaced(200),
            events: vec![Box::new(LossBelow::absolute(1e-10))],
            mismatches: vec![],
            resume: None,
        };
        let bdf = DiffsolIntegrator::new(Method::Bdf);
        let integrators: [&dyn Integrator; 2] = [&bdf, &NdfIntegrator];
        let served = |integrator: &&dyn Integrator| integrator.name() != "Ndf" || task.flow.state_is_dual();
        for integrator in integrators.into_iter().filter(served) {
            group.bench_function(format!("{name}_{}", integrator.name()), |bencher| {
                bencher.iter(|| {
                    let mut trajectory = Trajectory::new();
                    let integration = integrator.integrate(&task, &mut trajectory, &mut |_| true);
                    assert!(integration.is_ok_and(|integration| integration.outcome.is_stopped()));
                    trajectory.len()
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, trajectories);
criterion_main!(benches);
