//! The mathematics of the gradient flow of Hadamard-factorized least squares
//!
//! ```text
//! min ½|A w − y|²,   w = x₁∘…∘x_L   or   w = u₁∘…∘u_L − v₁∘…∘v_L,   x_k′ = −(∏_{j≠k} x_j) ∘ Aᵀ(Aw − y)
//! ```
//!
//! (arXiv 2112.11027): measurement operators, problems and models; three equivalent formulations of the flow with their
//! structured Newton matrices; mirror maps and Bregman divergences; events; and integrators. No files, no threads, no
//! plots, no clock; every random number comes from a stream passed in.

pub mod compensated;
pub mod error;
pub mod event;
pub mod flow;
pub mod initialization;
pub mod integrate;
pub mod measurement;
pub mod mirror;
pub mod newton;
pub mod outcome;
pub mod parametrization;
pub mod problem;
pub mod profile;
pub mod randomness;
pub mod record;
pub mod signal;
pub mod special;
pub mod trajectory;
mod vectorized;
