//! By how much s and its differences, which have a history of their own, have drifted from Aᵀq.
//!
//! Every step rounds, so that the drift of an s_j is about
//!
//! ```text
//! ε max|A_ij| Σ ‖Δq‖
//! ```
//!
//! over the steps (a product rounds like a sum of independent errors; ε is 6e-8 in single precision, and so small in double
//! that it only matters for a residual that vanishes). When that would be seen, in the factors or in the residual, s is
//! computed anew from q; and when it is at nearly every step, single precision is given up.
//!
//! An error of s_j is seen in the residual in proportion to w_j. Once a few columns hold nearly all of w, their s_j are
//! therefore kept in double precision, which costs next to nothing, and what is rounded of the others is hardly seen.

use crate::flow::{DualFlow, Flow};
use crate::measurement::single::ROUNDING;
use crate::vectorized::{self, Loop};

/// ε in double precision, where the sums over the history round as well.
const DOUBLE_ROUNDING: f64 = 2e-15;
/// Below this fraction of y the residual is rounding.
const VANISHING: f64 = 1e-14;
/// Drift that is allowed, in tolerances of log x.
const DRIFT: f64 = 0.5;
/// Drift that is allowed, as a fraction of the residual it makes.
const DRIFT_OF_RESIDUAL: f64 = 1e-2;
/// Rounding of Aᵀr that is allowed, as a fraction of it.
const DRIFT_OF_PULL: f64 = 1e-2;
/// What is left of an error in the differences after a step.
const MEMORY: f64 = 0.7;
/// Where the residual asked for it within as few steps for so many times in a row, or so many steps are rough, it is given up.
const SHORTEST: usize = 2;
const PATIENCE: usize = 4;
/// A column is kept in double precision from this fraction of the largest weight on, and no longer below that one; but none
/// is where this fraction of all would be.
const PRINCIPAL: f64 = 1e-4;
const NO_LONGER: f64 = 1e-5;
const TOO_MANY: f64 = 0.25;

/// Bound on s − Aᵀq.
#[derive(Default)]
struct Bound {
    sum: f64,
    /// What the differences of s still bring of earlier errors.
    memory: f64,
}

impl Bound {
    fn grow(&mut self, added: f64) {
        self.sum += added;
        self.memory = MEMORY * self.memory + added;
    }

    fn total(&self) -> f64 {
        self.sum + self.memory
    }
}

/// What of s has to be computed from q.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Renewal {
    /// s_j and all its differences for these j, which are kept in double precision from now on.
    Columns(Vec<usize>),
    /// The same, and s itself.
    Values(Vec<usize>),
    /// s and all its differences: from now on everything is in double precision.
    Everything,
}

/// See the module documentation.
pub(super) struct Drift {
    largest_entry: f64,
    /// Drift of log x that is allowed, and of any s_j.
    allowance: f64,
    budget: f64,
    /// Whether L > 2, where small factors feel drift less than large ones.
    is_deep: bool,
    /// d log x/ds of the largest factor: with ‖w‖, the residual that a drift of size one makes.
    steepness: f64,
    /// ‖y‖, which is about ‖w‖ for columns of norm one, and the residual below which it is nothing.
    size: f64,
    vanishing: f64,
    /// Columns whose s_j is kept in double precision, in increasing order, and the fraction of the largest weight above which
    /// each column is to be among them; over the others, ‖w‖ and the largest d log x/ds.
    principal: Vec<usize>,
    share: Vec<f64>,
    remainder: f64,
    steepest: f64,
    /// Of the others, or of all; and of what is kept in double precision.
    of_single: Bound,
    of_double: Bound,
    /// Steps since s was Aᵀq.
    steps: usize,
    /// How often in a row that was for a few steps only.
    hasty: usize,
    /// Steps in a row of which each drifted that far by itself, or whose Aᵀr was mostly rounding.
    rough: usize,
}

impl Drift {
    /// None so far, in a run at that tolerance of log x.
    pub(super) fn new(flow: &DualFlow, tolerance: f64) -> Self {
        let problem = flow.problem();
        let size = problem.measurements.iter().map(|y| y * y).sum::<f64>().sqrt();
        let magnitudes = problem.operator.magnitudes();
        Self {
            largest_entry: magnitudes.map_or(flow.column_norm(), |known| known.largest_entry),
            allowance: DRIFT * tolerance,
            budget: DRIFT * tolerance / flow.steepness(),
            is_deep: flow.has_barrier(),
            steepness: flow.steepness(),
            size,
            vanishing: VANISHING * size,
            principal: Vec::new(),
            share: vec![PRINCIPAL; problem.operator.cols()],
            remainder: size,
            steepest: flow.steepness(),
            of_single: Bound::default(),
            of_double: Bound::default(),
            steps: 0,
            hasty: 0,
            rough: 0,
        }
    }

    /// How often s has to be computed anew, in single precision, while it goes as far as `reach`.
    pub(super) fn renewals(&self, reach: f64) -> f64 {
        ROUNDING * reach / self.budget
    }

    /// The columns that are kept in double precision.
    pub(super) fn principal(&self) -> &[usize] {
        &self.principal
    }

    /// After a step by Δq and Δs of these sizes, the latter by [`Norm::largest`](super::tolerance::Norm::largest), where w and
    /// the size of r are about these, and what an error of s means for log x: what of s has to be computed anew.
    pub(super) fn after(
        &mut self,
        [moved, shifted]: [f64; 2],
        weights: &[f64],
        sensitivity: &[f64],
        residual: f64,
        single: bool,
    ) -> Renewal {
        let added = self.largest_entry * moved;
        self.of_double.grow(DOUBLE_ROUNDING * added);
        if single {
            self.of_single.grow(ROUNDING * added);
        }
        self.steps += 1;
        let visible = DRIFT_OF_RESIDUAL / self.steepness * residual.max(self.vanishing);
        let mut joined = Vec::new();
        let drift = self.of_single.total();
        let asked = drift * self.remainder > visible || (self.is_deep && drift > self.budget);
        if single && (!self.principal.is_empty() || asked) {
            joined = self.choose(weights, sensitivity);
        }
        let seen_of_others = self.of_single.total() * self.remainder > visible;
        let seen = seen_of_others || self.of_double.total() * self.size > visible;
        let felt = self.of_single.total() * self.steepest > self.allowance || self.of_double.total() > self.budget;
        let renewed = seen || felt;
        if renewed {
            let hasty = seen_of_others && self.steps <= SHORTEST;
            self.hasty = if hasty { self.hasty + 1 } else { 0 };
            (self.of_single.sum, self.of_double.sum, self.steps) = (0.0, 0.0, 0);
        }
        // where y is out of reach, r is orthogonal to the columns that count in the end, and steps go far in q
        let rough = ROUNDING * added > (DRIFT_OF_PULL * shifted).min(self.budget);
        self.rough = if rough { self.rough + 1 } else { 0 };
        if single && self.hasty.max(self.rough) >= PATIENCE {
            self.of_single = Bound::default();
            return Renewal::Everything;
        }
        if renewed {
            Renewal::Values(joined)
        } else {
            Renewal::Columns(joined)
        }
    }

    /// Chooses the columns that are kept in double precision, given w and d log x/ds. Returns those that were not so far.
    ///
    /// Drift counts for the others only as far as they feel it: a factor that is far below the largest hardly does where
    /// L > 2, and when it grows it joins.
    fn choose(&mut self, weights: &[f64], sensitivity: &[f64]) -> Vec<usize> {
        let largest = vectorized::largest_magnitude(weights);
        let mut others = Others::default();
        vectorized::run(Survey {
            weights,
            sensitivity,
            share: &self.share,
            largest,
            others: &mut others,
        });
        (self.remainder, self.steepest) = (others.square.sqrt(), others.steepest);
        if !others.moved {
            return Vec::new();
        }
        let mut joined = Vec::new();
        self.principal.clear();
        for (j, (w, share)) in weights.iter().zip(&mut self.share).enumerate() {
            let was = *share == NO_LONGER;
            let is = w.abs() > *share * largest;
            *share = if is { NO_LONGER } else { PRINCIPAL };
            if is {
                self.principal.push(j);
            }
            if is && !was {
                joined.push(j);
            }
        }
        if self.principal.len() as f64 > TOO_MANY * weights.len() as f64 {
            // counts
            self.principal.clear();
            self.share.fill(PRINCIPAL);
            (self.remainder, self.steepest) = (self.size, self.steepness);
            return Vec::new();
        }
        joined
    }
}

/// Of the columns that are not principal, Σ w_j² and the largest sensitivity; and whether any has to join or leave them.
#[derive(Default)]
struct Others {
    square: f64,
    steepest: f64,
    moved: bool,
}

/// See [`Others`].
struct Survey<'a> {
    weights: &'a [f64],
    sensitivity: &'a [f64],
    share: &'a [f64],
    largest: f64,
    others: &'a mut Others,
}

/// Columns that are looked at together.
const LANES: usize = 8;

impl Loop for Survey<'_> {
    #[inline(always)]
    fn run(self) {
        let largest = self.largest;
        // one thing at a time: only then a compiler sees that all lanes do the same
        let is = |w: f64, share: f64| w.abs() > share * largest;
        let square = self.parts(|sum, w, _, share| sum + if is(w, share) { 0.0 } else { w * w });
        let steepest = self.parts(|most, w, sensitivity, share| {
            let counts = (sensitivity > most) & !is(w, share);
            if counts { sensitivity } else { most }
        });
        let moves = self.parts(|count, w, _, share| {
            let moves = is(w, share) ^ (share == NO_LONGER);
            count + if moves { 1.0 } else { 0.0 }
        });
        *self.others = Others {
            square: square.iter().sum(),
            steepest: steepest.iter().fold(0.0, |a, &b| a.max(b)),
            moved: moves.iter().any(|&count| count > 0.0),
        };
    }
}

impl Survey<'_> {
    /// From zero on, `part(so far, weight, sensitivity, share)` column by column, in [`LANES`] parts.
    #[inline(always)]
    #[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
    fn parts(&self, part: impl Fn(f64, f64, f64, f64) -> f64) -> [f64; LANES] {
        let mut parts = [0.0; LANES];
        let (w, sensitivity, share) = (self.weights, self.sensitivity, self.share);
        let whole = w.len() - w.len() % LANES;
        let chunks = w.chunks_exact(LANES).zip(sensitivity.chunks_exact(LANES));
        for ((w, sensitivity), share) in chunks.zip(share.chunks_exact(LANES)) {
            for l in 0..LANES {
                parts[l] = part(parts[l], w[l], sensitivity[l], share[l]);
            }
        }
        let rest = w[whole..].iter().zip(&sensitivity[whole..]).zip(&share[whole..]);
        for (out, ((&w, &sensitivity), &share)) in parts.iter_mut().zip(rest) {
            *out = part(*out, w, sensitivity, share);
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_surveyed_wherever_they_stand() {
        crate::vectorized::on_every_instruction_set(|| {
            for count in [1, 7, 8, 9, 21] {
                let is_principal = |j: usize| j.is_multiple_of(3);
                let weights: Vec<f64> = (0..count)
                    .map(|j| if is_principal(j) { -1.0 } else { 1e-6 * j as f64 })
                    .collect();
                let sensitivity: Vec<f64> = (0..count).map(|j| 2.0 + (j as f64).sin()).collect();
                let share: Vec<f64> = (0..count)
                    .map(|j| if is_principal(j) { NO_LONGER } else { PRINCIPAL })
                    .collect();
                let survey = |weights: &[f64]| {
                    let mut others = Others::default();
                    vectorized::run(Survey {
                        weights,
                        sensitivity: &sensitivity,
                        share: &share,
                        largest: 1.0,
                        others: &mut others,
                    });
                    others
                };
                let found = survey(&weights);
                let others = || (0..count).filter(|&j| !is_principal(j));
                let square: f64 = others().map(|j| weights[j] * weights[j]).sum();
                assert!((found.square - square).abs() <= 1e-14 * square, "{count}");
                let steepest = others().fold(0.0, |a, j| sensitivity[j].max(a));
                assert_eq!(found.steepest, steepest, "{count}");
                assert!(!found.moved, "{count}");
                for j in 0..count {
                    for (weight, stays) in [
                        (0.1 * NO_LONGER, false),
                        (2.0 * NO_LONGER, true),
                        (2.0 * PRINCIPAL, true),
                    ] {
                        let mut other = weights.clone();
                        other[j] = weight;
                        // a principal column leaves below one bound, another joins above the other
                        let moves = if is_principal(j) { !stays } else { weight > PRINCIPAL };
                        assert_eq!(survey(&other).moved, moves, "{count}, {j}, {weight:e}");
                    }
                }
            }
        });
    }
}
