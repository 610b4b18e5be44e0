//! Hadaflow: hadaflow.
