//! A linear program in standard form and its dual,
//!
//! ```text
//! min d·x  s.t.  Cx = b, x ≥ 0        max b·ν  s.t.  C_j·ν ≤ d_j for every column,       C ∈ R^{m×N}, d ≥ 0
//! ```
//!
//! solved to rounding together. The simplex method only finds the support S of a vertex x; everything reported is then
//! recomputed from the data: x_S by least squares, and ν with C_Sᵀν = d_S (complementary slackness) such that the least
//! slack d_j − C_j·ν off S is as large as possible ([`dual_of_support`]). That choice of ν also decides uniqueness: x is the only
//! minimiser if its columns are independent and every slack off S is positive. The programs are set up over
//! independent rows, and rows and columns are scaled by powers of two.

use hadaflow_core::compensated::{inner, mismatch, norm, transpose_times};
use nalgebra::{DMatrix, DVector};

use super::computed::Computed;
use super::dual_of_support::{ACTIVE, Constraints, Dual, dual_of_support};
use super::independent_rows::{IndependentRows, power_of_two};
use super::linear_program::{LinearProgram, Outcome, Relation};
use super::nonnegative_least_squares::nonnegative_least_squares;
use super::orthogonal_basis::OrthogonalBasis;

/// Entries of the vertex above this part of the largest are tried as its support, in turn. The simplex method leaves
/// errors of up to 1e-10 or so where a basic entry should vanish.
const SUPPORTS: [f64; 4] = [1e-9, 1e-11, 1e-7, 0.0];
/// A pair whose defects are this small ends the search.
const GOOD: f64 = 1e-13;

/// The data of the program.
pub(super) struct StandardForm {
    c: DMatrix<f64>,
    b: Vec<f64>,
    d: Vec<f64>,
    /// Independent rows of C, whose columns are scaled by powers of two as well.
    rows: IndependentRows,
    column_scales: Vec<f64>,
    /// Units of the slacks: d_j, or |C_j| where d_j = 0 (1 if both vanish).
    units: Vec<f64>,
}

/// A solution of both programs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    /// x, N entries; exactly 0 off the support.
    pub(super) x: Vec<f64>,
    /// Where x > 0, ascending.
    pub(super) support: Vec<usize>,
    /// ν, m entries.
    pub(super) nu: Vec<f64>,
    /// d·x.
    pub(super) primal: f64,
    /// b·ν.
    pub(super) dual: f64,
    /// The least slack off the support in units of each constraint; at most 1; negative when ν is not feasible.
    pub(super) slack: f64,
    /// |Cx − b|/|b|.
    pub(super) relative_mismatch: f64,
}

impl Pair {
    /// The largest defect: relative mismatch, gap in units of `unit`, and violation of the dual constraints.
    pub(super) fn defect(&self, unit: f64) -> f64 {
        let gap = (self.primal - self.dual).abs() / unit;
        let worst = self.relative_mismatch.max(gap).max(-self.slack);
        if gap.is_finite() { worst } else { f64::INFINITY }
    }
}

impl StandardForm {
    /// min d·x s.t. Cx = b, x ≥ 0 with finite data, d ≥ 0.
    pub(super) fn new(c: DMatrix<f64>, b: &[f64], d: &[f64]) -> Self {
        let mut rows = IndependentRows::of(&c);
        let column_scales: Vec<f64> = rows
            .matrix
            .column_iter()
            .map(|column| power_of_two(column.amax()))
            .collect();
        for (mut column, scale) in rows.matrix.column_iter_mut().zip(&column_scales) {
            column *= *scale;
        }
        let unit = |(j, d): (usize, &f64)| {
            let length = c.column(j).norm();
            if *d > 0.0 {
                *d
            } else if length > 0.0 {
                length
            } else {
                1.0
            }
        };
        Self {
            units: d.iter().enumerate().map(unit).collect(),
            b: b.to_vec(),
            d: d.to_vec(),
            c,
            rows,
            column_scales,
        }
    }

    /// Both programs, with defects of at most `tolerance` in units of `unit` (of the value by default).
    pub(super) fn solve(&self, unit: Option<f64>, tolerance: f64) -> Computed<Pair> {
        let defect = |pair: &Pair| pair.defect(unit.unwrap_or(pair.primal.abs()));
        let mut best: Option<Pair> = None;
        let mut reason = String::from("no support was found");
        let mut tried: Vec<Vec<usize>> = Vec::new();
        for source in [Self::supports_of_vertex, Self::support_from_dual] {
            let supports = source(self).unwrap_or_else(|words| {
                reason = words;
                Vec::new()
            });
            for support in supports {
                if tried.contains(&support) {
                    continue;
                }
                match self.pair(&support) {
                    Ok(pair) if best.as_ref().is_none_or(|best| defect(&pair) < defect(best)) => best = Some(pair),
                    Ok(_) => {}
                    Err(words) => reason = words,
                }
                tried.push(support);
                if best.as_ref().is_some_and(|best| defect(best) <= GOOD) {
                    break;
                }
            }
            if best.as_ref().is_some_and(|best| defect(best) <= tolerance) {
                break;
            }
        }
        match best {
            Some(pair) if defect(&pair) <= tolerance => Computed::Value(pair),
            Some(pair) => Computed::failed(format!(
                "primal and dual agree only to {:e} (mismatch {:e}, slack {:e})",
                defect(&pair),
                pair.relative_mismatch,
                pair.slack
            )),
            None => Computed::Failed { reason },
        }
    }

    /// The right-hand side of the chosen rows, scaled to a largest entry in [1, 2).
    fn scaled_target(&self) -> Vec<f64> {
        let target = self.rows.restrict(&self.b);
        let scale = power_of_two(target.iter().fold(0.0, |top: f64, b| top.max(b.abs())));
        target.iter().map(|b| b * scale).collect()
    }

    /// Costs of the scaled columns, the largest in [1, 2).
    fn scaled_costs(&self) -> Vec<f64> {
        let costs: Vec<f64> = self.d.iter().zip(&self.column_scales).map(|(d, s)| d * s).collect();
        let scale = power_of_two(costs.iter().fold(0.0, |top: f64, d| top.max(*d)));
        costs.iter().map(|d| d * scale).collect()
    }

    /// Candidates for the support of a vertex, from the primal program.
    fn supports_of_vertex(&self) -> Result<Vec<Vec<usize>>, String> {
        let mut program = LinearProgram::minimise();
        for cost in self.scaled_costs() {
            program.variable(cost, 0.0, f64::INFINITY);
        }
        for (row, b) in self.rows.matrix.row_iter().zip(self.scaled_target()) {
            program.row(row.iter().copied(), Relation::Equal, b);
        }
        let x = solved(&program)?;
        let top = x.iter().fold(0.0, |top: f64, x| top.max(*x));
        let above = |part: f64| (0..x.len()).filter(|&j| x[j] > part * top).collect();
        Ok(SUPPORTS.into_iter().map(above).collect())
    }

    /// The support of a vertex over the constraints that are active at a solution of the dual program: for when the
    /// primal program fails.
    fn support_from_dual(&self) -> Result<Vec<Vec<usize>>, String> {
        let mut program = LinearProgram::maximise();
        let target = self.scaled_target();
        for b in &target {
            program.variable(*b, f64::NEG_INFINITY, f64::INFINITY);
        }
        let costs = self.scaled_costs();
        for (column, cost) in self.rows.matrix.column_iter().zip(&costs) {
            program.row(column.iter().copied(), Relation::AtMost, *cost);
        }
        let nu = solved(&program)?;
        let products = transpose_times(&self.rows.matrix, &nu);
        let active: Vec<usize> = (0..costs.len())
            .filter(|&j| costs[j] - products[j] <= 10.0 * ACTIVE)
            .collect();
        match nonnegative_least_squares(&self.rows.matrix.select_columns(&active), &target) {
            Computed::Value(found) => {
                let support = active.iter().zip(&found.point).filter(|(_, x)| **x > 0.0);
                Ok(vec![support.map(|(&j, _)| j).collect()])
            }
            Computed::Failed { reason } => Err(reason),
        }
    }

    /// The solutions of both programs that belong to a support.
    fn pair(&self, support: &[usize]) -> Result<Pair, String> {
        let (x, support) = self.point(support)?;
        let nu = self.dual(&support)?;
        let distance = norm(&mismatch(&self.c, &x, &self.b));
        Ok(Pair {
            primal: inner(&self.d, &x),
            dual: inner(&self.b, &nu),
            relative_mismatch: if distance == 0.0 { 0.0 } else { distance / norm(&self.b) },
            slack: self.slack(&x, &nu),
            x,
            support,
            nu,
        })
    }

    /// x_S by least squares, refined once with an accurate mismatch; entries that come out negative leave S.
    fn point(&self, support: &[usize]) -> Result<(Vec<f64>, Vec<usize>), String> {
        let mut support = support.to_vec();
        loop {
            let Some(basis) = OrthogonalBasis::of_columns(&self.c, &support) else {
                return Err("the columns of the support are numerically dependent".into());
            };
            let mut x = vec![0.0; self.d.len()];
            let mut rest = self.b.clone();
            for _ in 0..2 {
                let change = basis.least_squares(&DVector::from_vec(rest));
                support.iter().zip(change.iter()).for_each(|(&j, d)| x[j] += d);
                rest = mismatch(&self.c, &x, &self.b);
            }
            let left: Vec<usize> = support.iter().copied().filter(|&j| x[j] > 0.0).collect();
            if left.len() == support.len() {
                return Ok((x, support));
            }
            support = left;
        }
    }

    /// ν with C_Sᵀν = d_S and the largest least slack off S (at most 1), in units of each constraint.
    fn dual(&self, support: &[usize]) -> Result<Vec<f64>, String> {
        match dual_of_support(&self.rows.matrix, &self.scaled_by_columns(), support, Some(-1.0)) {
            Dual::Found { nu, .. } => Ok(self.rows.lift(&nu)),
            Dual::None => Err("no dual variable belongs to this support".into()),
            Dual::Unbounded => Err("the slack of the dual variable is unbounded".into()),
            Dual::Failed { reason } => Err(reason),
        }
    }

    /// The least slack d_j − C_j·ν off the support in units of each constraint, at most 1.
    fn slack(&self, x: &[f64], nu: &[f64]) -> f64 {
        let products = transpose_times(&self.c, nu);
        let off = (0..x.len()).filter(|&j| x[j] == 0.0);
        off.map(|j| (self.d[j] - products[j]) / self.units[j])
            .fold(1.0, f64::min)
    }

    /// d and the units of the constraints in scaled columns.
    fn scaled_by_columns(&self) -> Constraints {
        let scaled = |values: &[f64]| values.iter().zip(&self.column_scales).map(|(v, s)| v * s).collect();
        Constraints {
            levels: scaled(&self.d),
            units: scaled(&self.units),
        }
    }

    /// Another minimiser with as much of its cost as possible on columns off the support whose constraint is active at
    /// ν; `None` if there is no such column, or no such minimiser is found.
    pub(super) fn another(&self, pair: &Pair) -> Option<Vec<f64>> {
        let products = transpose_times(&self.c, &pair.nu);
        let active = |j: &usize| pair.x[*j] == 0.0 && self.d[*j] - products[*j] <= ACTIVE * self.units[*j];
        let off: Vec<usize> = (0..self.d.len()).filter(active).collect();
        let face: Vec<usize> = pair.support.iter().chain(&off).copied().collect();
        let mut program = LinearProgram::maximise();
        let costs = self.scaled_costs();
        for (position, &j) in face.iter().enumerate() {
            let cost = if position < pair.support.len() { 0.0 } else { costs[j] };
            program.variable(cost, 0.0, f64::INFINITY);
        }
        for (row, b) in self.rows.matrix.row_iter().zip(self.scaled_target()) {
            program.row(face.iter().map(|&j| row[j]), Relation::Equal, b);
        }
        let x = solved(&program).ok().filter(|_| !off.is_empty())?;
        let top = x.iter().fold(0.0, |top: f64, x| top.max(*x));
        let chosen: Vec<usize> = face
            .iter()
            .zip(&x)
            .filter(|(_, x)| **x > ACTIVE * top)
            .map(|(&j, _)| j)
            .collect();
        let (other, _) = self.point(&chosen).ok()?;
        off.iter().any(|&j| other[j] > 0.0).then_some(other)
    }
}

/// The values of a solved program, or why there are none.
fn solved(program: &LinearProgram) -> Result<Vec<f64>, String> {
    match program.solve() {
        Outcome::Solved(values) => Ok(values),
        Outcome::Infeasible => Err("the solver finds no feasible point".into()),
        Outcome::Unbounded => Err("the solver finds no finite value".into()),
        Outcome::Failed(reason) => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_costs_of_zero_is_solved() {
        // min x₃ s.t. x₁ + x₃ = 2, x₁ ≤ 1 (x₁ + x₂ = 1): 1 at (1, 0, 1), ν = (1, −1)
        let form = StandardForm::new(
            nalgebra::dmatrix![1.0, 0.0, 1.0; 1.0, 1.0, 0.0],
            &[2.0, 1.0],
            &[0.0, 0.0, 1.0],
        );
        let pair = form.solve(None, 1e-12).value().unwrap();
        assert_eq!((pair.x.as_slice(), pair.primal), (&[1.0, 0.0, 1.0][..], 1.0));
        assert!((pair.nu[0] - 1.0).abs() < 1e-15 && (pair.nu[1] + 1.0).abs() < 1e-15 && pair.slack == 1.0);
        assert_eq!(form.another(&pair), None);
    }

    #[test]
    fn entries_that_come_out_negative_leave_the_support() {
        let form = StandardForm::new(DMatrix::identity(2, 2), &[1.0, -1.0], &[1.0, 1.0]);
        assert_eq!(form.point(&[0, 1]), Ok((vec![1.0, 0.0], vec![0])));
    }
}
