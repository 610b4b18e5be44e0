//! Hadaflow: plot.
