//! Hadaflow: analysis.
