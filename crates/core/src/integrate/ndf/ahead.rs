//! The residual at the predictor of the next step, from the reading of A that gives the change of s in this one.
//!
//! A step of order k reads A twice: for d_s = Aᵀ(…) at its end, and for A w at the predictor of the next. If the iteration
//! ends with this d, the step is accepted and the next one has the same h and order, then that predictor is
//!
//! ```text
//! s⁰ = (k + 1) d_s + Σ_{j≤k} (j + 1) ∇ʲs
//! ```
//!
//! coordinate by coordinate, and a block of columns that is in the cache for Aᵀ serves A w(s⁰) as well. Most steps are like
//! that. Where A fits into the cache as a whole, nothing is gained.

use super::passes::Passes;
use crate::flow::{DualFlow, Evaluation};
use crate::measurement::single::{Rounded, Sum};

/// See the module documentation.
pub(super) struct Ahead {
    /// Whether what follows is that of the next step.
    known: bool,
    /// k + 1, and Σ (j + 1) ∇ʲs of the present step.
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
            factor: 0.0,
            memory: vec![0.0; n],
            s: vec![0.0; n],
            weights: vec![0.0; n],
            residual: vec![0.0; m],
            rounded: Rounded::new(m),
            sum: Sum::new(m),
        }
    }

    /// Something has changed: the next step is another.
    pub(super) fn forget(&mut self) {
        self.known = false;
    }

    /// `shift` = Aᵀ`change`, where d_s is the shift less the forcing, and all of the next step; columns with weights below
    /// `limit` in single precision.
    pub(super) fn look(
        &mut self,
        passes: &Passes,
        flow: &DualFlow,
        limit: f64,
        change: &[f64],
        forcing: &[f64],
        shift: &mut [f64],
    ) {
        self.sum.start(limit);
        self.known =
            passes.look_ahead(flow, change, forcing, shift, self) && self.residual.iter().all(|r| r.is_finite());
    }

    /// Puts w and r at the predictor into the evaluation, if they are known. They are not any more.
    pub(super) fn take(&mut self, evaluation: &mut Evaluation) -> bool {
        if !std::mem::take(&mut self.known) {
            return false;
        }
        std::mem::swap(&mut evaluation.weights, &mut self.weights);
        std::mem::swap(&mut evaluation.residual, &mut self.residual);
        true
    }
}
