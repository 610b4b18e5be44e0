//! The heart of the theory: D_F(z, w(t)) never increases, for every solution z.

use super::worst::{DivergenceScale, Worst};
use super::{Prediction, Statement, UNITS, Verdict, references};
use crate::report::Evidence;

pub(super) struct BregmanDivergenceDecreases;

impl Prediction for BregmanDivergenceDecreases {
    fn name(&self) -> &'static str {
        "bregman_divergence_decreases"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "D_F(z, w(t)) is nonincreasing in t",
            hypotheses: "Az = y (to 1e-12 relative); z ≥ 0 for a positive model",
            citation: "arXiv 2112.11027, Sect. 2",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let chosen = match references(evidence, true) {
            Ok(chosen) => chosen,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        let mut worst = Worst::new();
        for (reference, size) in chosen {
            let d = evidence.column(&format!("bregman_divergence_{}", reference.name));
            for (row, pair) in d.windows(2).enumerate() {
                let scale = DivergenceScale::of(evidence, size, row + 1);
                worst.see(
                    scale.units(pair[1] - pair[0], pair[0]),
                    evidence,
                    row + 1,
                    &reference.name,
                );
            }
        }
        Verdict::of(worst.against(0.0, UNITS * evidence.tolerance))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evidence, verdict};

    #[test]
    fn a_divergence_that_rises_once_is_seen() {
        let mut run = evidence();
        assert_eq!(verdict("bregman_divergence_decreases", &run), "holds");
        run.columns.get_mut("bregman_divergence_truth").unwrap()[5] *= 100.0;
        assert_eq!(verdict("bregman_divergence_decreases", &run), "violated");
    }

    #[test]
    fn nan_does_not_pass() {
        let mut run = evidence();
        run.columns.get_mut("bregman_divergence_truth").unwrap()[5] = f64::NAN;
        assert_eq!(verdict("bregman_divergence_decreases", &run), "violated");
    }

    #[test]
    fn it_says_nothing_about_points_that_are_no_solutions() {
        let mut run = evidence();
        run.references[0].relative_mismatch = 1e-3;
        assert_eq!(verdict("bregman_divergence_decreases", &run), "inapplicable");
    }
}
