//! The flow of vanishing initialization: in the time τ = t/T(α), with T = log(1/α) for L = 2 and α^{2−L}/(L − 2) for
//! L > 2, the weights jump as α → 0 from saddle to saddle, the same ones at every depth L.
//!
//! With q scaled by T and σ = Aᵀq (σ ∈ [−1, 1]ⁿ, positive model: σ ≤ 1):
//!
//! ```text
//! w = 0, q = 0, τ = 0
//! repeat   q moves with the velocity r = y − A w until some |σ_i| that was below reaches 1,
//!          w = argmin ½|A v − y|²   subject to   v_i ≥ 0 where σ_i = 1,  v_i ≤ 0 where σ_i = −1,  v_i = 0 elsewhere
//! until    no coordinate will reach a bound any more.
//! ```
//!
//! (L = 2: Pesme and Flammarion, arXiv 2304.00488.) The last w is a least-squares solution, over z ≥ 0 in the positive
//! model, of least ℓ1 norm: q is the certificate.
//!
//! Said differently, q follows q′ = proj(y; T(q)), the projection of the constant force y to the tangent cone at q of the
//! polytope {q : |Aᵀq| ≤ 1} (positive: Aᵀq ≤ 1); w holds the multipliers. Such a motion is unique, and two of them never
//! move apart. That is why ties need no special care: simultaneous jumps, duplicate columns, coordinates that leave the
//! bound again, and rounding in telling which bounds are active, which perturbs q by no more than its own size for all
//! time. Where columns are dependent w may be one of several; A w, r, q, σ and τ are unique.
//!
//! The average w̄(τ) = (1/τ)∫₀^τ w satisfies q = τ(y − A w̄). If no coordinate that ever had weight leaves its bound, σ is
//! sgn w̄ wherever w̄ ≠ 0, and so w̄(τ) is the lasso solution for λ = 1/τ (Berthier, arXiv 2509.18766; see
//! [`super::lasso_path`]).

mod motion;

use nalgebra::DMatrix;

use crate::column_qr::{add, dot, largest};
use motion::Motion;

/// The conditions above are to hold to this, relative to 1 for σ and to |a_i||y| for gradients, at every jump.
pub const VERIFIED: f64 = 1e-9;

/// |σ_i| ≥ 1 − this counts as 1.
const AT_BOUND: f64 = 1e-10;

/// |Aᵀr| below this part of |Aᵀy|_∞ counts as zero: slower than that nothing moves.
const STILL: f64 = 1e-11;

/// A saddle: w rests while q moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// τ at which it begins.
    pub tau: f64,
    /// w, n entries.
    pub weights: Vec<f64>,
    /// r = y − A w, m entries: the velocity of q.
    pub residual: Vec<f64>,
    /// q when it begins, m entries.
    pub dual: Vec<f64>,
    /// σ = Aᵀq when it begins, n entries.
    pub sigma: Vec<f64>,
}

/// A coordinate that left its bound after it had weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Departure {
    /// Which.
    pub coordinate: usize,
    /// The phase at whose beginning its weight vanished.
    pub phase: usize,
}

/// How the computation of the process ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JumpOutcome {
    /// The last phase lasts forever.
    Complete,
    /// The conditions fail at the jump at τ beyond rounding; the phases before are good.
    NotOptimal {
        /// When.
        tau: f64,
        /// By how much.
        violation: f64,
    },
    /// The limit on the number of jumps is used up.
    TooManyJumps,
    /// The data or what comes of them is not finite.
    NotFinite,
}

/// All phases.
#[derive(Debug, Clone)]
pub struct JumpProcess {
    /// The phases in the order of time; the first has w = 0 and τ = 0.
    pub phases: Vec<Phase>,
    /// How the computation ended.
    pub outcome: JumpOutcome,
    /// The coordinates that left their bound after they had weight, in the order of time.
    pub departures: Vec<Departure>,
    /// The largest violation of the conditions seen at the jumps kept.
    pub violation: f64,
}

impl JumpProcess {
    /// Computes the process of `matrix` (m × n) and `measurements` (m entries) for the signed or the positive model.
    pub fn new(matrix: &DMatrix<f64>, measurements: &[f64], signed: bool) -> Self {
        let mut motion = Motion::new(matrix, measurements, signed);
        let mut process = Self {
            phases: vec![Phase {
                tau: 0.0,
                weights: vec![0.0; matrix.ncols()],
                residual: measurements.to_vec(),
                dual: vec![0.0; matrix.nrows()],
                sigma: vec![0.0; matrix.ncols()],
            }],
            outcome: JumpOutcome::Complete,
            departures: Vec::new(),
            violation: 0.0,
        };
        if motion.scale.is_finite() && motion.noise.is_finite() {
            process.follow(&mut motion);
        } else {
            process.outcome = JumpOutcome::NotFinite;
        }
        process
    }

    /// The times τ of the jumps.
    pub fn jump_times(&self) -> Vec<f64> {
        self.phases.iter().skip(1).map(|phase| phase.tau).collect()
    }

    /// The phase at time τ ≥ 0, at a jump the one that begins.
    pub fn phase_at(&self, tau: f64) -> &Phase {
        let later = self.phases.partition_point(|phase| phase.tau <= tau);
        &self.phases[later.saturating_sub(1)]
    }

    /// The last phase.
    pub fn last(&self) -> &Phase {
        self.phase_at(f64::INFINITY)
    }

    /// q(τ).
    pub fn dual_at(&self, tau: f64) -> Vec<f64> {
        let phase = self.phase_at(tau);
        let mut q = phase.dual.clone();
        add(tau - phase.tau, &phase.residual, &mut q);
        q
    }

    /// w̄(τ) = (1/τ)∫₀^τ w; w(0) = 0 at τ = 0.
    pub fn time_average(&self, tau: f64) -> Vec<f64> {
        let mut average = vec![0.0; self.phases[0].weights.len()];
        let ends = self.phases.iter().skip(1).map(|phase| phase.tau).chain([f64::INFINITY]);
        for (phase, end) in self.phases.iter().zip(ends) {
            let duration = end.min(tau) - phase.tau;
            if duration > 0.0 {
                add(duration / tau, &phase.weights, &mut average);
            }
        }
        average
    }

    /// Whether a coordinate that had weight ever left its bound.
    pub fn ever_deactivated(&self) -> bool {
        !self.departures.is_empty()
    }

    /// (A w)·q/max(1, max σ) ≤ ‖z‖₁ for every z with A z = A w (positive: z ≥ 0) at the last w: equal to ‖w‖₁ where the
    /// process is complete.
    pub fn lower_bound(&self, measurements: &[f64], signed: bool) -> f64 {
        let last = self.last();
        let mut image = measurements.to_vec();
        add(-1.0, &last.residual, &mut image);
        let size = |s: &f64| if signed { s.abs() } else { *s };
        dot(&image, &last.dual) / largest(last.sigma.iter().map(size).chain([1.0]))
    }

    fn follow(&mut self, motion: &mut Motion<'_>) {
        let (m, n) = motion.matrix.shape();
        // worst cases are exponential in n; 3ⁿ for the largest n at which that is below the limit
        for _ in 0..20 * (m + n) + 1000 {
            let now = self.last();
            let Some((step, hits)) = motion.next_hits(now) else {
                return;
            };
            let (phase, violation) = motion.jump(now, step, &hits);
            if !phase.weights.iter().chain(&phase.sigma).all(|x| x.is_finite()) {
                self.outcome = JumpOutcome::NotFinite;
                return;
            }
            if violation.is_nan() || violation > VERIFIED {
                let tau = phase.tau;
                self.outcome = JumpOutcome::NotOptimal { tau, violation };
                return;
            }
            self.violation = self.violation.max(violation);
            self.phases.push(phase);
            self.note_departures(motion);
        }
        self.outcome = JumpOutcome::TooManyJumps;
    }

    /// Who had weight in the phase before the last, has none now, and is pushed off its bound.
    fn note_departures(&mut self, motion: &Motion<'_>) {
        let [.., before, now] = &self.phases[..] else { return };
        let pull = motion.pull(&now.residual);
        for (coordinate, w) in before.weights.iter().enumerate() {
            if *w != 0.0 && now.weights[coordinate] == 0.0 && w.signum() * pull[coordinate] < -motion.still() {
                let phase = self.phases.len() - 1;
                self.departures.push(Departure { coordinate, phase });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DVector, dmatrix};
    use serde_json::Value;

    use super::*;
    use crate::reference::lasso_path::LassoPath;
    use crate::reference::small_problems::{entries, lasso, least_l1, problem};

    fn norm(w: &[f64]) -> f64 {
        w.iter().map(|w| w.abs()).sum()
    }

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).fold(0.0, |d, (a, b)| d.max((a - b).abs()))
    }

    #[test]
    fn one_row_by_hand() {
        // Aᵀy = (1, 2): the second coordinate gets to its bound at τ = ½ and fits y alone
        let process = JumpProcess::new(&dmatrix![1.0, 2.0], &[1.0], true);
        assert_eq!(process.outcome, JumpOutcome::Complete);
        assert_eq!(process.jump_times(), [0.5]);
        assert_eq!(process.last().weights, [0.0, 0.5]);
        assert_eq!(process.last().sigma, [0.5, 1.0]);
        assert_eq!(process.lower_bound(&[1.0], true), 0.5);
        assert_eq!(process.phase_at(0.4).weights, [0.0, 0.0]);
        assert_eq!(process.dual_at(0.25), [0.25]);
        assert_eq!(process.dual_at(9.0), [0.5]);
        assert_eq!(process.time_average(1.0), [0.0, 0.25]);
        assert_eq!(process.time_average(0.0), [0.0, 0.0]);
        assert!(!process.ever_deactivated());
    }

    #[test]
    fn simultaneous_jumps_and_signs() {
        let process = JumpProcess::new(&DMatrix::identity(3, 3), &[1.0, -1.0, 0.5], true);
        assert_eq!(process.jump_times(), [1.0, 2.0]);
        assert_eq!(process.phases[1].weights, [1.0, -1.0, 0.0]);
        assert_eq!(process.last().weights, [1.0, -1.0, 0.5]);
        let positive = JumpProcess::new(&DMatrix::identity(3, 3), &[1.0, -1.0, 0.5], false);
        assert_eq!(positive.last().weights, [1.0, 0.0, 0.5]);
        // the bound of the positive model is one-sided
        assert_eq!(positive.last().sigma, [1.0, -2.0, 1.0]);
    }

    /// The naive twin: the motion q′ = proj(y; T(q)) by the catching-up algorithm q ← proj(q + h y; C), where the
    /// projection p − A x to C = {|Aᵀq| ≤ 1} comes from the lasso x of p at λ = 1, solved by trying all signs.
    #[test]
    fn agrees_with_the_motion_of_a_point_pushed_against_a_polytope() {
        for seed in (0..80).step_by(3) {
            let (a, y, signed) = problem(seed);
            if a.ncols() > 4 {
                continue;
            }
            let process = JumpProcess::new(&a, y.as_slice(), signed);
            let end = 1.2 * process.last().tau.clamp(0.1, 30.0);
            let steps = 300;
            let h = end / f64::from(steps);
            let mut q = DVector::zeros(a.nrows());
            for k in 1..=steps {
                let p = q + &y * h;
                q = &p - &a * lasso(&a, &p, 1.0, signed).1;
                let off = (DVector::from_vec(process.dual_at(h * f64::from(k))) - &q).norm();
                // first order in h: within the few steps around a jump the twin is off by their length
                assert!(
                    off < 3.0 * h * y.norm() + 1e-9,
                    "{seed} step {k}: {off} against {}",
                    h * y.norm()
                );
            }
        }
    }

    #[test]
    fn ends_at_a_certified_least_l1_norm() {
        for seed in 0..240 {
            let (a, y, signed) = problem(seed);
            let process = JumpProcess::new(&a, y.as_slice(), signed);
            assert_eq!(process.outcome, JumpOutcome::Complete, "{seed}");
            let found = norm(&process.last().weights);
            let least = least_l1(&a, &y, signed);
            assert!((found - least).abs() < 1e-8 * (1.0 + least), "{seed}: {found} {least}");
            let certified = process.lower_bound(y.as_slice(), signed);
            assert!(
                (found - certified).abs() < 1e-9 * (1.0 + least),
                "{seed}: {found} {certified}"
            );
        }
    }

    /// Two algorithms that share no step: where the lasso path is monotone, its breakpoints are the jumps, its fits the
    /// saddles, and the time averages lie on it; where it is not, a coordinate leaves its bound.
    #[test]
    fn is_the_derivative_of_a_monotone_lasso_path() {
        let (mut monotone, mut not) = (0, 0);
        for seed in (0..400).filter(|seed| seed / 20 % 2 == 0) {
            let (a, y, signed) = problem(seed);
            let process = JumpProcess::new(&a, y.as_slice(), signed);
            let path = LassoPath::new(&a, y.as_slice(), signed);
            assert_eq!(path.is_monotone(), Some(!process.ever_deactivated()), "{seed}");
            if process.ever_deactivated() {
                not += 1;
                continue;
            }
            monotone += 1;
            let bends = path.breakpoints.len() - 1;
            assert_eq!(process.phases.len(), bends + 1, "{seed}");
            for (phase, breakpoint) in process.phases[1..].iter().zip(&path.breakpoints) {
                assert!((phase.tau * breakpoint.lambda - 1.0).abs() < 1e-9, "{seed}");
                assert!(distance(&phase.weights, &breakpoint.fit) < 1e-8, "{seed}");
            }
            for tau in [0.3, 1.0, 4.0] {
                let x = path.at(1.0 / tau).unwrap();
                assert!(distance(&process.time_average(tau), &x) < 1e-9, "{seed}");
            }
        }
        assert!(monotone > 50 && not > 5, "{monotone} {not}");
    }

    #[test]
    fn the_average_says_where_the_dual_variable_is() {
        let (a, y) = (entries(5, 9, 1), entries(5, 1, 2));
        let process = JumpProcess::new(&a, y.as_slice(), true);
        assert!(process.phases.len() > 4);
        for tau in [0.01, 0.2, 1.0, process.last().tau, 50.0] {
            let average = DVector::from_vec(process.time_average(tau));
            let q = (&y - &a * average).column(0) * tau;
            assert!(distance(q.as_slice(), &process.dual_at(tau)) < 1e-11 * (1.0 + tau));
        }
    }

    #[test]
    fn a_coordinate_that_leaves_is_noted() {
        let (a, y, signed, process) = (0..400)
            .map(problem)
            .map(|(a, y, signed)| (JumpProcess::new(&a, y.as_slice(), signed), a, y, signed))
            .find(|(process, ..)| process.ever_deactivated())
            .map(|(process, a, y, signed)| (a, y, signed, process))
            .unwrap();
        let Departure { coordinate, phase } = process.departures[0];
        assert!(process.phases[phase - 1].weights[coordinate] != 0.0);
        assert_eq!(process.phases[phase].weights[coordinate], 0.0);
        let later = process.dual_at(process.phases[phase].tau + 1e-3);
        let sigma = dot(a.column(coordinate).as_slice(), &later);
        assert!(sigma < 1.0 && (!signed || sigma > -1.0));
        // the average is no lasso solution then
        let tau = process
            .phases
            .get(phase + 1)
            .map_or(process.phases[phase].tau + 1.0, |next| next.tau);
        let (least, _) = lasso(&a, &y, 1.0 / tau, signed);
        let average = DVector::from_vec(process.time_average(tau));
        let value = 0.5 * (&a * &average - &y).norm_squared() + average.lp_norm(1) / tau;
        assert!(value > least * (1.0 + 1e-6), "{value} {least}");
    }

    #[test]
    fn duplicate_and_opposite_columns_change_nothing_that_is_unique() {
        let (a, y) = (entries(4, 5, 11), entries(4, 1, 12));
        let mut wide = DMatrix::zeros(4, 11);
        for j in 0..5 {
            wide.set_column(j, &a.column(j));
            wide.set_column(10 - j, &(-a.column(j)));
        }
        let plain = JumpProcess::new(&a, y.as_slice(), true);
        let doubled = JumpProcess::new(&wide, y.as_slice(), true);
        assert_eq!(doubled.outcome, JumpOutcome::Complete);
        assert_eq!(plain.phases.len(), doubled.phases.len());
        for (one, other) in plain.phases.iter().zip(&doubled.phases) {
            assert!((one.tau - other.tau).abs() < 1e-11 * (1.0 + one.tau));
            assert!(distance(&one.residual, &other.residual) < 1e-12);
            assert!(distance(&one.dual, &other.dual) < 1e-11);
        }
        // the signed model is the positive one of [A, −A]
        let positive = JumpProcess::new(&wide, y.as_slice(), false);
        assert!(distance(&positive.last().residual, &plain.last().residual) < 1e-12);
        assert!((norm(&positive.last().weights) - norm(&plain.last().weights)).abs() < 1e-12);
    }

    #[test]
    fn units_do_not_matter() {
        let (a, y) = (entries(4, 7, 3), entries(4, 1, 4));
        let process = JumpProcess::new(&a, y.as_slice(), true);
        for c in [1e-30, 1e30] {
            let scaled = JumpProcess::new(&a, (&y * c).as_slice(), true);
            assert_eq!(scaled.phases.len(), process.phases.len());
            for (one, other) in process.phases.iter().zip(&scaled.phases) {
                assert!((one.tau - other.tau * c).abs() <= 1e-9 * one.tau);
                let weights: Vec<f64> = other.weights.iter().map(|w| w / c).collect();
                assert!(distance(&one.weights, &weights) < 1e-9);
            }
        }
    }

    #[test]
    fn nothing_to_fit_is_a_process_too() {
        for (a, y, signed) in [
            (dmatrix![1.0, 2.0; 0.0, 1.0], vec![0.0, 0.0], true),
            (dmatrix![1.0, 2.0; 1.0, 1.0], vec![-1.0, -1.0], false),
            (dmatrix![0.0, 0.0; 0.0, 0.0], vec![1.0, 1.0], true),
            (dmatrix![1.0, 2.0; 0.0, 0.0], vec![0.0, 3.0], true),
        ] {
            let process = JumpProcess::new(&a, &y, signed);
            assert_eq!((process.outcome, process.phases.len()), (JumpOutcome::Complete, 1));
            assert_eq!(process.last().weights, [0.0, 0.0]);
            assert_eq!(process.lower_bound(&y, signed), 0.0);
        }
    }

    #[test]
    fn what_is_not_finite_is_said() {
        for bad in [f64::NAN, f64::INFINITY, 1e200] {
            let process = JumpProcess::new(&dmatrix![1.0, 2.0], &[bad], true);
            assert_eq!(process.outcome, JumpOutcome::NotFinite, "{bad}");
        }
        let process = JumpProcess::new(&dmatrix![f64::NAN, 2.0], &[1.0], true);
        assert_eq!(process.outcome, JumpOutcome::NotFinite);
    }

    #[test]
    fn a_wrong_start_is_not_optimal() {
        let (a, y) = (entries(3, 5, 2), [1.0, -0.5, 2.0]);
        let mut process = JumpProcess::new(&a, &y, true);
        process.phases.truncate(2);
        process.phases[1].dual.iter_mut().for_each(|q| *q *= 3.0);
        process.phases[1].sigma.iter_mut().for_each(|s| *s = 0.0);
        process.follow(&mut Motion::new(&a, &y, true));
        assert!(
            matches!(process.outcome, JumpOutcome::NotOptimal { .. }),
            "{:?}",
            process.outcome
        );
    }

    #[test]
    fn larger_problems_are_followed_to_the_end() {
        for (m, n, signed) in [(20, 60, true), (20, 60, false), (40, 20, true), (30, 30, false)] {
            let (a, y) = (entries(m, n, m + n), entries(m, 1, 5));
            let process = JumpProcess::new(&a, y.as_slice(), signed);
            assert_eq!(process.outcome, JumpOutcome::Complete);
            assert!(process.violation < 1e-11, "{}", process.violation);
            let (found, certified) = (norm(&process.last().weights), process.lower_bound(y.as_slice(), signed));
            assert!((found - certified).abs() < 1e-10 * found);
        }
    }

    /// Least ℓ1 norms computed elsewhere.
    #[test]
    fn reference_cases_end_at_their_least_l1_norm() {
        let file: Value = serde_json::from_str(include_str!("../../../core/tests/data/reference_cases.json")).unwrap();
        let numbers =
            |value: &Value| -> Vec<f64> { value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
        for case in file["cases"].as_array().unwrap() {
            let rows: Vec<f64> = case["A"].as_array().unwrap().iter().flat_map(numbers).collect();
            let y = numbers(&case["y"]);
            let a = DMatrix::from_row_slice(y.len(), rows.len() / y.len(), &rows);
            let process = JumpProcess::new(&a, &y, case["signed"].as_bool().unwrap());
            let least = case["min_l1"].as_f64().unwrap();
            assert!(
                (norm(&process.last().weights) - least).abs() < 1e-12 * least,
                "{}",
                case["name"]
            );
        }
    }
}
