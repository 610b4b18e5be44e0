//! Linear programs: minimise or maximise c·x subject to rows a·x {≤, =, ≥} b and bounds on each variable.
//!
//! This is the only file that imports the simplex solver. Its answers are approximate (rows hold to an absolute 1e-10, so
//! callers scale their data to order one) and carry no dual values; no caller trusts them without a certificate of its own.

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, SolveOptions, SolveOutcome, Variable};

/// Absolute tolerances on rows and bounds, tried in turn: the tightest the solver accepts, and one for when that fails.
const TOLERANCES: [f64; 2] = [1e-10, 1e-8];

/// How a row compares with its right-hand side.
#[derive(Debug, Clone, Copy)]
pub(super) enum Relation {
    /// a·x ≤ b.
    AtMost,
    /// a·x = b.
    Equal,
}

/// What solving comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// The variables at an (approximate) optimal vertex.
    Solved(Vec<f64>),
    /// No point satisfies the rows and bounds.
    Infeasible,
    /// The objective improves without limit.
    Unbounded,
    /// The solver gave up, in its own words.
    Failed(String),
}

/// A linear program under construction.
#[derive(Debug)]
pub(super) struct LinearProgram {
    problem: Problem,
    variables: Vec<Variable>,
}

impl LinearProgram {
    /// An empty program whose objective is minimised.
    pub(super) fn minimise() -> Self {
        Self::new(OptimizationDirection::Minimize)
    }

    /// An empty program whose objective is maximised.
    pub(super) fn maximise() -> Self {
        Self::new(OptimizationDirection::Maximize)
    }

    fn new(direction: OptimizationDirection) -> Self {
        Self {
            problem: Problem::new(direction),
            variables: Vec::new(),
        }
    }

    /// Add a variable with this coefficient in the objective and lower ≤ x ≤ upper (infinite where open).
    pub(super) fn variable(&mut self, cost: f64, lower: f64, upper: f64) {
        self.variables.push(self.problem.add_var(cost, (lower, upper)));
    }

    /// Add Σ coefficients_j x_j {≤, =} bound, one coefficient for each variable in the order added.
    pub(super) fn row(&mut self, coefficients: impl IntoIterator<Item = f64>, relation: Relation, bound: f64) {
        let terms: Vec<(Variable, f64)> = self
            .variables
            .iter()
            .copied()
            .zip(coefficients)
            .filter(|(_, coefficient)| *coefficient != 0.0)
            .collect();
        let relation = match relation {
            Relation::AtMost => ComparisonOp::Le,
            Relation::Equal => ComparisonOp::Eq,
        };
        self.problem.add_constraint(terms, relation, bound);
    }

    /// Solve it.
    pub(super) fn solve(&self) -> Outcome {
        let mut outcome = Outcome::Failed("no attempt was made".into());
        for tolerance in TOLERANCES {
            let mut options = SolveOptions::default();
            options.tolerances.feasibility = tolerance;
            outcome = match self.problem.solve_with(options) {
                Ok(SolveOutcome::Solution(solution)) => {
                    let values: Vec<f64> = self.variables.iter().map(|&x| solution.var_value(x)).collect();
                    if values.iter().all(|x| x.is_finite()) {
                        return Outcome::Solved(values);
                    }
                    Outcome::Failed("the solution is not finite".into())
                }
                Ok(SolveOutcome::Interrupted(_)) => Outcome::Failed("the solver was interrupted".into()),
                Err(Error::Infeasible) => Outcome::Infeasible,
                Err(Error::Unbounded) => return Outcome::Unbounded,
                Err(error) => Outcome::Failed(error.to_string()),
            };
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: f64 = f64::INFINITY;

    #[test]
    fn each_outcome_is_told() {
        // max x + 2y, x + y ≤ 4, 0 ≤ y ≤ 3, x ≥ 0: 7 at (1, 3)
        let mut program = LinearProgram::maximise();
        program.variable(1.0, 0.0, FREE);
        program.variable(2.0, 0.0, 3.0);
        assert_eq!(program.solve(), Outcome::Unbounded);
        program.row([1.0, 1.0], Relation::AtMost, 4.0);
        assert_eq!(program.solve(), Outcome::Solved(vec![1.0, 3.0]));
        program.row([1.0, 0.0], Relation::Equal, -1.0);
        assert_eq!(program.solve(), Outcome::Infeasible);
        let mut program = LinearProgram::minimise();
        program.variable(f64::NAN, 0.0, FREE);
        assert!(matches!(program.solve(), Outcome::Failed(_)));
    }

    #[test]
    fn repeated_rows_and_empty_rows_do_no_harm() {
        let mut program = LinearProgram::minimise();
        program.variable(1.0, -FREE, FREE);
        program.variable(1.0, -FREE, 2.0);
        for _ in 0..3 {
            program.row([1.0, 2.0], Relation::Equal, 1.0);
            program.row([0.0, 0.0], Relation::Equal, 0.0);
        }
        assert_eq!(program.solve(), Outcome::Solved(vec![-3.0, 2.0]));
    }
}
