//! Hadaflow: core.
