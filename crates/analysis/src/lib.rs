//! Numbers about trajectories: observables along a run, references to compare with, and predictions with verdicts.
//!
//! Three extension points, each one file plus two adjacent lines in its folder's `mod.rs`: [`observable::Observable`],
//! [`mod@reference`] and [`prediction::Prediction`].

mod column_qr;
pub mod observable;
pub mod phase_transition;
pub mod prediction;
pub mod reference;
pub mod report;
pub mod series;
pub mod stability;
pub mod statistics;
pub mod time_average;
