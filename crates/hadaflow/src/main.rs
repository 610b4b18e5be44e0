//! The `hadaflow` command.
fn main() {}
