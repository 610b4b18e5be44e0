//! Hadaflow: experiment.
