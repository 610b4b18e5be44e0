//! Gradient flow of Hadamard-factorized least squares: integrate it, check the theory, draw it.
//!
//! This crate gathers the library under one name; the `hadaflow` command is built from it.
//!
//! ```
//! use hadaflow::core::flow::choose;
//! use hadaflow::core::initialization::{Initialization, Model, Sign};
//! use hadaflow::core::integrate::{DiffsolIntegrator, Integrator, Method, Schedule, Task};
//! use hadaflow::core::{event::LossBelow, measurement::by_name, problem::Problem, signal::*, trajectory::Trajectory};
//!
//! let signal = SparseSignal { sparsity: 3, magnitude: Magnitude::Uniform(0.5, 1.5) };
//! let problem = Problem::synthetic(by_name("Gaussian")?, 40, 80, &signal, true, 0.0, 7)?;
//! let model = Model { depth: 3, sign: Sign::Signed, initialization: Initialization::Identical(1e-3) };
//! let flow = choose(&problem, &model, 7, None, 1e-8)?.flow;
//! let stop = Box::new(LossBelow::relative(1e-12, &problem.measurements));
//! let task = Task { flow, tolerance: 1e-8, max_steps: 100_000, schedule: Schedule::LogSpaced(100),
//!                   events: vec![stop], mismatches: vec![], resume: None };
//! let mut trajectory = Trajectory::new();
//! let end = DiffsolIntegrator::new(Method::Bdf).integrate(&task, &mut trajectory, &mut |_| true)?;
//! assert!(end.outcome.is_stopped());
//! let l1: f64 = trajectory.weights_at(trajectory.len() - 1, 80).unwrap().iter().map(|w| w.abs()).sum();
//! let truth: f64 = problem.truth.unwrap().iter().map(|w| w.abs()).sum();
//! assert!((l1 - truth).abs() < 1e-3 * truth);
//! # Ok::<(), hadaflow::core::error::CoreError>(())
//! ```

/// The programs of the book, compiled and run with the documentation tests.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../docs/src/first_run.md")]
    struct FirstRun;
    #[doc = include_str!("../../../docs/src/extending.md")]
    struct Extending;
}

pub use hadaflow_analysis as analysis;
pub use hadaflow_core as core;
pub use hadaflow_experiment as experiment;
pub use hadaflow_plot as plot;
