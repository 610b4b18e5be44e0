//! The rate where y is out of reach: ℓ(w(t)) − ℓ(z) ≤ D_F(z, w(0))/t, z a (nonnegative) least-squares solution.
//!
//! With g = Aᵀ(Az − y): g = 0 for a least-squares solution; g ≥ 0 and g·z = 0 for one with z ≥ 0 (Karush, Kuhn, Tucker), so
//! g·(w − z) = g·w ≥ 0 for all the weights w of the model. Hence
//!
//! ```text
//! ℓ(w) − ℓ(z) = ½|A(w − z)|² + g·(w − z) ≤ |A(w − z)|² + g·(w − z) = ⟨Aw − y, A(w − z)⟩ = −d/dt D_F(z, w),
//! ```
//!
//! and ℓ decreases: t(ℓ(w(t)) − ℓ(z)) ≤ ∫(ℓ − ℓ(z)) ≤ D_F(z, w(0)) − D_F(z, w(t)). So the flow ends at a minimiser of ℓ: at
//! nonnegative least squares in a positive model (arXiv 2207.08437). ℓ(w(t)) is never below ℓ(z) either, which is assessed too.
//!
//! z is computed from A and y. A positive model whose factors do not all start alike may reach negative weights; there z is
//! the shortest least-squares solution, if it lies within the domain.
//!
//! Uncertainty: with ρ what the promise on w makes of r, ℓ(w) − ℓ(z) =: δ errs by √(2δ)ρ + ρ²/2 and the allowance times g·w,
//! which is at most δ; and by the rounding of its two terms. D_F(z, w(0)) is evaluated without cancellation.

use hadaflow_core::flow::Evaluation;
use hadaflow_core::initialization::Sign;
use hadaflow_core::mirror::Position;

use super::limit::ResidualNoise;
use super::worst::Worst;
use super::{Prediction, Statement, Verdict, allowance, total_allowance};
use crate::observable::affordable_matrix;
use crate::reference::{Computed, EXACT, least_norm, nonnegative_least_squares};
use crate::report::Evidence;

pub(super) struct ExcessLossBelowDivergenceOverTime;

/// Rounding of a loss, relative: sums over rows and columns.
const ROUNDING: f64 = 1e-13;

impl Prediction for ExcessLossBelowDivergenceOverTime {
    fn name(&self) -> &'static str {
        "excess_loss_below_divergence_over_time"
    }

    fn statement(&self) -> Statement {
        Statement {
            formula: "0 ≤ ℓ(w(t)) − ℓ(z) ≤ D_F(z, w(0))/t for all t > 0, z = argmin ℓ (over z ≥ 0 when positive)",
            hypotheses: "Az = y has no solution (positive model: no z ≥ 0); A stored densely and not too large; z in the domain",
            citation: "arXiv 2207.08437 (the flow ends at nonnegative least squares); the rate as in 2112.11027, Sect. 2",
        }
    }

    fn assess(&self, evidence: &Evidence) -> Verdict {
        let minimiser = match Minimiser::of(evidence) {
            Ok(minimiser) => minimiser,
            Err(reason) => return Verdict::inapplicable(reason),
        };
        if evidence.len() < 2 {
            return Verdict::inapplicable("fewer than two times were recorded");
        }
        let (t, loss) = (evidence.column("t"), evidence.column("loss"));
        let (noise, least) = (ResidualNoise::of(evidence), minimiser.loss);
        let mut worst = Worst::new();
        for (row, (t, loss)) in t.iter().zip(loss).enumerate() {
            let (excess, rho) = (loss - least, noise.at(evidence, row));
            let rounding = ROUNDING * (loss + least) + 0.5 * rho * rho;
            let size = excess.abs();
            let beyond = size - (2.0 * size).sqrt() * rho - allowance(evidence, 0, row) * size - rounding;
            // written so that NaN goes on
            let ratio = if beyond <= 0.0 || (excess > 0.0 && *t == 0.0) {
                0.0
            } else if excess < 0.0 {
                least / loss
            } else {
                (t.ln() + beyond.ln() - minimiser.divergence.ln()).exp()
            };
            worst.see(ratio, evidence, row, minimiser.name);
        }
        Verdict::of(worst.against(1.0, total_allowance(evidence)))
    }
}

/// z, with what is compared.
struct Minimiser {
    name: &'static str,
    /// ℓ(z).
    loss: f64,
    /// D_F(z, w(0)).
    divergence: f64,
}

impl Minimiser {
    fn of(evidence: &Evidence) -> Result<Self, String> {
        let setting = &evidence.setting;
        let a = affordable_matrix(setting.flow.as_ref()).ok_or("A is too large or not stored densely")?;
        let y = setting.measurements();
        let nonnegative = setting.model.sign == Sign::Positive && setting.start().is_some();
        let (name, found) = if nonnegative {
            let found = nonnegative_least_squares(a, y);
            (
                "nonnegative least squares",
                unpack(found, |z| (z.point, z.residual, z.relative_distance)),
            )
        } else {
            (
                "least squares",
                unpack(least_norm(a, y), |z| (z.point, z.residual, z.relative_distance)),
            )
        };
        let (point, residual, distance) = found?;
        if distance <= EXACT {
            return Err("y can be reached: loss_below_divergence_over_time is about that".into());
        }
        let divergence = divergence_from_start(evidence, &point)
            .ok_or_else(|| format!("the solution of {name} is outside the domain of the mirror map"))?;
        Ok(Self {
            name,
            loss: 0.5 * residual.iter().map(|r| r * r).sum::<f64>(),
            divergence,
        })
    }
}

type Found = (Vec<f64>, Vec<f64>, f64);

fn unpack<T>(found: Computed<T>, parts: impl Fn(T) -> Found) -> Result<Found, String> {
    match found {
        Computed::Value(found) => Ok(parts(found)),
        Computed::Failed { reason } => Err(reason),
    }
}

/// D_F(z, w(0)); `None` outside the domain.
fn divergence_from_start(evidence: &Evidence, z: &[f64]) -> Option<f64> {
    let flow = evidence.setting.flow.as_ref();
    let (m, n) = (flow.problem().operator.rows(), flow.problem().operator.cols());
    let (state, mut evaluation) = (flow.initial_state(), Evaluation::new(m, n));
    let mut position = Position::new(n, flow.signed());
    flow.evaluate(&state, &mut evaluation);
    flow.position(&state, &evaluation, &mut position);
    let mirror = flow.mirror();
    Some(mirror.divergence(&mirror.anchor(z)?, &position))
}

#[cfg(test)]
mod tests {
    use hadaflow_core::event::TimeReached;
    use hadaflow_core::initialization::{Initialization, Model};

    use super::super::testing::{evidence, gaussian, integrated, model, verdict};
    use super::*;

    const NAME: &str = "excess_loss_below_divergence_over_time";

    fn run(m: usize, n: usize, model: Model) -> Evidence {
        let problem = gaussian(m, n, 2, model.sign, 0.5, 5);
        integrated(problem, model, 1e-8, vec![Box::new(TimeReached::new(50.0))])
    }

    #[test]
    fn a_loss_above_its_rate_or_below_the_least_is_seen() {
        // what remains at the end is less than ten times the least loss
        for (m, n, depth, sign, alpha) in [
            (12, 6, 2, Sign::Signed, 0.1),
            (12, 6, 3, Sign::Signed, 0.5),
            (12, 6, 2, Sign::Positive, 0.1),
            (8, 9, 2, Sign::Positive, 1e-3),
            (8, 9, 3, Sign::Positive, 0.5),
        ] {
            let run = run(m, n, model(depth, sign, alpha));
            let Verdict::Holds(found) = ExcessLossBelowDivergenceOverTime.assess(&run) else {
                panic!(
                    "{m} x {n}, L = {depth}: {:?}",
                    ExcessLossBelowDivergenceOverTime.assess(&run)
                );
            };
            assert!(found.measured > 0.01, "{found:?}");
            let last = run.len() - 1;
            for factor in [1e3, 0.1, f64::NAN] {
                let mut run = run.clone();
                run.columns.get_mut("loss").unwrap()[last] *= factor;
                assert_eq!(verdict(NAME, &run), "violated", "{factor}");
            }
        }
    }

    /// One factor of each weight starts larger: weights change their sign, and the flow ends at least squares.
    #[test]
    fn factors_that_start_differently() {
        let per_factor = Model {
            depth: 2,
            sign: Sign::Positive,
            initialization: Initialization::PerFactor(vec![0.5, 0.1]),
        };
        let run = run(12, 6, per_factor);
        assert_eq!(verdict(NAME, &run), "holds");
        assert!(run.weights(run.len() - 1).unwrap().iter().any(|w| *w < 0.0));
    }

    #[test]
    fn it_needs_measurements_out_of_reach() {
        assert_eq!(verdict(NAME, &evidence()), "inapplicable");
        assert_eq!(verdict(NAME, &run(6, 12, model(2, Sign::Signed, 0.1))), "inapplicable");
    }
}
