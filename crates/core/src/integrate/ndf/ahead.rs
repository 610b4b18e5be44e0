//! The residual at the predictor of the next step, from the reading of A that gives the change of s in this one.
//!
//! A step of order k reads A twice: for d_s = Aᵀ(…) at its end, and for A w at the predictor of the next. If the iteration
//! ends with this d, the step is accepted and the next one is known to have order k′ and step f·h, then that predictor is
//!
//! ```text
//! s⁰ = b d_s + Σ_{j≤k} b_j ∇ʲs,      for k′ = k and f = 1:  b = k + 1, b_j = j + 1
//! ```
//!
//! coordinate by coordinate (see [`super::formula::second_prediction`]), and columns that are in the nearest cache for Aᵀ
//! serve A w(s⁰) as well. Most steps are like that. Where a reading is nearly all that a step takes, a change of steps is
//! planned one step ahead so that it is no exception: see [`super::control::Plan`]. Where A fits into the cache, nothing is
//! gained.

use super::passes::Passes;
use crate::flow::{DualFlow, Evaluation};
use crate::measurement::single::{Rounded, Sum};
use crate::vectorized;

/// See the module documentation.
pub(super) struct Ahead {
    /// Whether what follows is that of the next step.
    known: bool,
    /// c of the next step.
    pub(super) c: f64,
    /// What d_s counts in its predictor, and what does not depend on it.
    pub(super) factor: f64,
    pub(super) memory: Vec<f64>,
    /// s⁰, w(s⁰) and r.
    pub(super) s: Vec<f64>,
    pub(super) weights: Vec<f64>,
    pub(super) residual: Vec<f64>,
    pub(super) rounded: Rounded,
    pub(super) sum: Sum,
}

impl Ahead {
    pub(super) fn new(m: usize, n: usize) -> Self {
        Self {
            known: false,
            c: 0.0,
            factor: 0.0,
            memory: vec![0.0; n],
            s: vec![0.0; n],
            weights: vec![0.0; n],
            residual: vec![0.0; m],
            rounded: Rounded::new(m),
            sum: Sum::new(m),
        }
    }

    /// s⁰ and c of the next step, if they are known.
    #[cfg(test)]
    pub(super) fn foreseen(&self) -> Option<(&[f64], f64)> {
        self.known.then_some((&self.s, self.c))
    }

    /// Something has changed: the next step is another.
    pub(super) fn forget(&mut self) {
        self.known = false;
    }

    /// `shift` = Aᵀ`change`, which is to be added to `d_s`, and all of the next step; columns with weights below `limit` in
    /// single precision.
    pub(super) fn look(
        &mut self,
        passes: &Passes,
        flow: &DualFlow,
        limit: f64,
        change: &[f64],
        d_s: &[f64],
        shift: &mut [f64],
    ) {
        self.sum.start(limit);
        self.known = passes.look_ahead(flow, change, d_s, shift, self) && vectorized::all_finite(&self.residual);
    }

    /// Puts w and r at the predictor, which the evaluation holds, into it, if they are known. They are not any more.
    pub(super) fn take(&mut self, evaluation: &mut Evaluation) -> bool {
        if !std::mem::take(&mut self.known) {
            return false;
        }
        debug_assert!(
            close(&self.s, &evaluation.adjoint),
            "what was looked at is another step"
        );
        std::mem::swap(&mut evaluation.weights, &mut self.weights);
        std::mem::swap(&mut evaluation.residual, &mut self.residual);
        true
    }
}

/// Whether two vectors differ by rounding.
fn close(a: &[f64], b: &[f64]) -> bool {
    let difference = a.iter().zip(b).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
    difference <= 1e-10 * vectorized::largest_magnitude(b)
}
