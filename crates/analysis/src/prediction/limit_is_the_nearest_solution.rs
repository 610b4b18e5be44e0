//! The limit w_∞ of the flow is the solution nearest to w(t), at every time: D_F(w_∞, w(t)) ≤ D_F(z, w(t)).
//!
//! All solutions lose the same 2∫ℓ, so that D_F(z, w(t)) − D_F(w_∞, w(t)) is constant, and its value in the limit is
//! D_F(z, w_∞) ≥ 0 (the theorem of Pythagoras for Bregman projections). No integral is needed: a limit that belongs to
//! another start or model is farther than the truth, or becomes so when the trajectory arrives elsewhere.
//!
//! A z that solves Az = y only up to e = y − Az shifts the constant by ⟨q, e⟩. With |q||y| of the size of D_F(z, w(0)),
//! as it is for all starts that are small, that is a few relative mismatches of it. And the difference is ⟨s, w_∞ − z⟩ but
//! for constants: the integration leaves s = ∇F(w) on the range of Aᵀ to its accuracy only, relative to s. Like the total
//! of the divergence identity the constant is therefore known to 10² τ D_F(z, w(0)) for L = 2, 10³ τ for L > 2.

use super::worst::{DivergenceScale, Worst};
use super::{Prediction, Statement, UNITS, Verdict, references, total_allowance};
use crate::report::Evidence;

pub(super) struct LimitIsTheNearestSolution;

/// The reference that is the limit.
const LIMIT: &str = "bregman_projection";
/// What ⟨q, e⟩ and the rounding of D may come to, in units of D_F(·, w(0)) times the relative mismatch and ε.
const ROUNDING: f64 = 32.0;

impl Prediction for LimitIsTheNearestSolution {
    fn name(&self) -> &'static str {
        "limit_is_the_nearest_solution"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "D_F(w_∞, w(t)) ≤ D_F(z, w(t)) at every t",
            hypotheses: "the reference bregman_projection and another z, both with Az = y (to 1e-12 relative); z ≥ 0 for a \
                         positive model",
            citation: "arXiv 2112.11027, Sect. 2 (the limit is the Bregman projection of the start)",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let chosen = match references(evidence, true) {
            Ok(chosen) => chosen,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let Some((limit, limit_size)) = chosen.iter().find(|(reference, _)| reference.name == LIMIT) else {
            return Verdict::inapplicable("the reference bregman_projection is not listed, or is no solution");
        };
        let divergence = |name: &str| evidence.column(&format!("bregman_divergence_{name}"));
        let nearest = divergence(LIMIT);
        let mut worst = Worst::new();
        let mut any = false;
        for (reference, size) in chosen.iter().filter(|(reference, _)| reference.name != LIMIT) {
            any = true;
            let mismatch = reference.relative_mismatch + limit.relative_mismatch + f64::EPSILON;
            let other = divergence(&reference.name);
            let start = other.first().copied().unwrap_or(f64::NAN);
            let known = (ROUNDING * mismatch + total_allowance(evidence)) * start;
            for (row, (near, far)) in nearest.iter().zip(other).enumerate().skip(1) {
                let scale = DivergenceScale::of(evidence, size.max(*limit_size), row);
                let excess = scale.units(near - far - known, near.max(*far));
                // max and min ignore NaN
                let excess = if near.is_nan() || far.is_nan() {
                    f64::NAN
                } else {
                    excess
                };
                worst.see(excess, evidence, row, &reference.name);
            }
        }
        if !any {
            return Verdict::inapplicable("there is no other reference that solves Az = y within the domain");
        }
        Verdict::of(worst.against(0.0, UNITS * evidence.tolerance))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};
    use crate::reference::Reference;
    use crate::report::Evidence;

    const NAME: &str = "limit_is_the_nearest_solution";

    /// The run of `testing`, whose only solution is its limit.
    fn with_limit() -> Evidence {
        let mut run = evidence();
        let truth = run.references[0].clone();
        run.references.push(Reference {
            name: "bregman_projection".into(),
            ..truth
        });
        run.reference_sizes.push(run.reference_sizes[0]);
        let column = run.columns["bregman_divergence_truth"].clone();
        run.columns
            .insert("bregman_divergence_bregman_projection".into(), column);
        run
    }

    fn with_divergence(change: impl Fn(&mut f64)) -> Evidence {
        let mut run = with_limit();
        let column = run.columns.get_mut("bregman_divergence_bregman_projection").unwrap();
        column.iter_mut().for_each(change);
        run
    }

    #[test]
    fn a_solution_nearer_than_the_limit_is_seen() {
        assert_eq!(verdict(NAME, &with_limit()), "holds");
        // as if the truth lay 0.1 beyond the limit, and as if the limit lay 1e-5 beyond the truth
        assert_eq!(verdict(NAME, &with_divergence(|d| *d *= 0.5)), "holds");
        assert_eq!(verdict(NAME, &with_divergence(|d| *d += 1e-5)), "violated");
        let mut run = with_limit();
        run.columns.get_mut("bregman_divergence_truth").unwrap()[5] *= 0.99;
        assert_eq!(verdict(NAME, &run), "violated", "at one time");
    }

    #[test]
    fn nan_does_not_pass() {
        for name in ["truth", "bregman_projection"] {
            let mut run = with_limit();
            run.columns.get_mut(&format!("bregman_divergence_{name}")).unwrap()[5] = f64::NAN;
            assert_eq!(verdict(NAME, &run), "violated", "{name}");
        }
    }

    #[test]
    fn it_needs_the_limit_and_another_solution() {
        assert_eq!(verdict(NAME, &evidence()), "inapplicable");
        let mut run = with_limit();
        run.references.remove(0);
        run.reference_sizes.remove(0);
        assert_eq!(verdict(NAME, &run), "inapplicable");
        let mut run = with_limit();
        run.references[1].relative_mismatch = 1e-3;
        assert_eq!(verdict(NAME, &run), "inapplicable");
    }
}
