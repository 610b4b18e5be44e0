//! Least squares with signs,
//!
//! ```text
//! min ½|A x|² − c·x   subject to  x_i = 0,  x_i free,  x_i ≥ 0  or  x_i ≤ 0, each i by itself,
//! ```
//!
//! where c = Aᵀb (so that the objective is ½|Ax − b|² up to a constant) or c is given and lies in the range of Aᵀ.
//!
//! Method: the active set method of Lawson and Hanson (Solving Least Squares Problems, Chapter 23) with warm starts. The
//! passive columns are linearly independent at all times, so that of several minimisers, as with duplicate columns, one
//! of fewest moving parts is found; A x is the same for all of them. What is found is *checked* against the optimality
//! conditions, with a gradient computed afresh.

use nalgebra::DMatrix;

use crate::column_qr::{ColumnQr, add, dot, largest};

/// What a coordinate may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constraint {
    /// x_i = 0.
    Zero,
    /// Any value.
    Free,
    /// x_i ≥ 0.
    Nonnegative,
    /// x_i ≤ 0.
    Nonpositive,
}

impl Constraint {
    /// The sign of the values allowed, 0 if both or none are.
    fn sign(self) -> f64 {
        match self {
            Self::Zero | Self::Free => 0.0,
            Self::Nonnegative => 1.0,
            Self::Nonpositive => -1.0,
        }
    }
}

/// The linear term.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// b, m entries; c = Aᵀb.
    Vector(&'a [f64]),
    /// c, n entries; only those that are not `Zero` are read.
    Correlations(&'a [f64]),
}

/// Gradients below this part of their natural size count as zero: a few thousand roundings.
const FLAT: f64 = 1e-12;

/// A problem to be solved.
#[derive(Clone, Copy)]
struct Task<'t> {
    constraints: &'t [Constraint],
    target: Target<'t>,
}

/// c − AᵀA x where x may move, 0 elsewhere.
struct Gradient {
    entries: Vec<f64>,
    /// The natural size of entry i is this[0] + |a_i|·this[1].
    size: [f64; 2],
}

/// What was found.
#[derive(Debug, Clone)]
pub(crate) struct Minimum {
    /// x, n entries.
    pub(crate) point: Vec<f64>,
    /// The largest violation of the optimality conditions, relative to its natural size; infinite where the iteration gave up.
    pub(crate) violation: f64,
}

/// The solver for one matrix; keeps its factorization from one problem to the next.
pub(crate) struct SignConstrained<'a> {
    matrix: &'a DMatrix<f64>,
    norms: Vec<f64>,
    /// Indices of the columns in the factorization.
    passive: Vec<usize>,
    is_passive: Vec<bool>,
    qr: ColumnQr,
}

impl<'a> SignConstrained<'a> {
    pub(crate) fn new(matrix: &'a DMatrix<f64>) -> Self {
        Self {
            matrix,
            norms: matrix.column_iter().map(|column| column.norm()).collect(),
            passive: Vec::new(),
            is_passive: vec![false; matrix.ncols()],
            qr: ColumnQr::new(matrix.nrows()),
        }
    }

    /// The columns that moved freely in the last minimum, in the order of the factorization.
    pub(crate) fn passive(&self) -> &[usize] {
        &self.passive
    }

    /// Whether column `i` is one of them.
    pub(crate) fn is_passive(&self, i: usize) -> bool {
        self.is_passive[i]
    }

    /// Their factorization.
    pub(crate) fn factorization(&self) -> &ColumnQr {
        &self.qr
    }

    /// Column `i` of A.
    pub(crate) fn column(&self, i: usize) -> &[f64] {
        &self.matrix.as_slice()[i * self.matrix.nrows()..(i + 1) * self.matrix.nrows()]
    }

    /// b − A x.
    pub(crate) fn residual(&self, b: &[f64], x: &[f64]) -> Vec<f64> {
        let mut rest = b.to_vec();
        for (i, x) in x.iter().enumerate().filter(|(_, x)| **x != 0.0) {
            add(-x, self.column(i), &mut rest);
        }
        rest
    }

    /// The least-squares fit of b on the passive columns, n entries.
    pub(crate) fn fit(&self, b: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; self.norms.len()];
        for (&i, z) in self.passive.iter().zip(self.passive_minimum(Target::Vector(b))) {
            x[i] = z;
        }
        x
    }

    /// What rounding leaves of an entry of Aᵀb that vanishes, at most: some hundred roundings of max |a_i| |b|.
    pub(crate) fn noise(&self, b: &[f64]) -> f64 {
        128.0 * f64::EPSILON * largest(self.norms.iter().copied()) * dot(b, b).sqrt()
    }

    /// The minimum, searched from the feasible point `start`. `rounds` bounds the number of columns that enter.
    pub(crate) fn minimize(
        &mut self,
        constraints: &[Constraint],
        target: Target<'_>,
        start: &[f64],
        rounds: usize,
    ) -> Minimum {
        let task = Task { constraints, target };
        let mut x = start.to_vec();
        self.begin(task, &mut x);
        self.descend(task, &mut x);
        // columns that came and left at once, because of rounding: not tried again before the point has moved
        let mut refused: Vec<usize> = Vec::new();
        for _ in 0..rounds {
            let gradient = self.gradient(task, &x);
            let Some(entering) = self.steepest(task, &gradient, &refused) else {
                let violation = self.violation(task, &x, &gradient);
                return Minimum { point: x, violation };
            };
            if self.enter(entering) {
                self.descend(task, &mut x);
            }
            if self.is_passive[entering] {
                refused.clear();
            } else {
                refused.push(entering);
            }
        }
        Minimum {
            point: x,
            violation: f64::INFINITY,
        }
    }

    /// Makes passive what is free or not zero at the start; what depends on the others starts at zero instead.
    fn begin(&mut self, task: Task<'_>, x: &mut [f64]) {
        let moves = |i: usize, x: &[f64]| task.constraints[i] == Constraint::Free || x[i] != 0.0;
        for position in (0..self.passive.len()).rev() {
            if !moves(self.passive[position], x) {
                self.leave(position);
            }
        }
        for i in 0..x.len() {
            if moves(i, x) && !self.is_passive[i] && !self.enter(i) {
                x[i] = 0.0;
            }
        }
    }

    fn enter(&mut self, i: usize) -> bool {
        let rows = self.matrix.nrows();
        let independent = self.qr.push(&self.matrix.as_slice()[i * rows..(i + 1) * rows]);
        if independent {
            self.passive.push(i);
            self.is_passive[i] = true;
        }
        independent
    }

    fn leave(&mut self, position: usize) {
        self.qr.remove(position);
        self.is_passive[self.passive.remove(position)] = false;
    }

    /// Walks towards the minimum over the passive columns; whoever would change its sign on the way stops at zero and
    /// leaves, until none does.
    fn descend(&mut self, task: Task<'_>, x: &mut [f64]) {
        while !self.passive.is_empty() {
            let goal = self.passive_minimum(task.target);
            let sign = |i: usize| task.constraints[i].sign();
            let blocks = |i: usize, z: f64| sign(i) != 0.0 && sign(i) * z <= 0.0;
            let share = |i: usize, z: f64| if x[i] == 0.0 { 0.0 } else { x[i] / (x[i] - z) };
            let pairs = || self.passive.iter().copied().zip(goal.iter().copied());
            let blocking = pairs().filter(|&(i, z)| blocks(i, z));
            let step = blocking.map(|(i, z)| share(i, z)).fold(1.0f64, f64::min);
            let stopping: Vec<bool> = pairs().map(|(i, z)| blocks(i, z) && share(i, z) <= step).collect();
            if !stopping.contains(&true) {
                pairs().for_each(|(i, z)| x[i] = z);
                return;
            }
            for (i, z) in self.passive.iter().copied().zip(goal.iter().copied()) {
                x[i] += step * (z - x[i]);
            }
            for position in (0..stopping.len()).rev().filter(|&position| stopping[position]) {
                x[self.passive[position]] = 0.0;
                self.leave(position);
            }
        }
    }

    /// The minimum over the passive columns without constraints.
    fn passive_minimum(&self, target: Target<'_>) -> Vec<f64> {
        let mut z = match target {
            Target::Vector(b) => self.qr.coordinates(b),
            Target::Correlations(c) => {
                let mut z: Vec<f64> = self.passive.iter().map(|&i| c[i]).collect();
                self.qr.solve_transposed(&mut z);
                z
            }
        };
        self.qr.solve(&mut z);
        z
    }

    fn gradient(&self, task: Task<'_>, x: &[f64]) -> Gradient {
        let (rest, size) = match task.target {
            Target::Vector(b) => (self.residual(b, x), [0.0, dot(b, b).sqrt()]),
            Target::Correlations(c) => {
                let moving = c.iter().zip(task.constraints).filter(|(_, k)| **k != Constraint::Zero);
                let size = largest(moving.map(|(c, _)| c.abs()));
                (self.residual(&vec![0.0; self.matrix.nrows()], x), [size, 0.0])
            }
        };
        let images = self.norms.iter().zip(x).map(|(norm, x)| norm * x.abs());
        let image = largest(images);
        let entry = |i: usize| match (task.constraints[i], task.target) {
            (Constraint::Zero, _) => 0.0,
            (_, Target::Vector(_)) => dot(self.column(i), &rest),
            (_, Target::Correlations(c)) => c[i] + dot(self.column(i), &rest),
        };
        Gradient {
            entries: (0..x.len()).map(entry).collect(),
            size: [size[0], size[1] + image],
        }
    }

    fn relative(&self, gradient: &Gradient, i: usize) -> f64 {
        let size = gradient.size[0] + self.norms[i] * gradient.size[1];
        gradient.entries[i] / size.max(f64::MIN_POSITIVE)
    }

    /// The coordinate at zero along which the objective falls fastest per length of its column.
    fn steepest(&self, task: Task<'_>, gradient: &Gradient, refused: &[usize]) -> Option<usize> {
        let mut best = (0.0, None);
        for (i, constraint) in task.constraints.iter().enumerate() {
            let slope = constraint.sign() * gradient.entries[i] / self.norms[i];
            if slope > best.0
                && constraint.sign() * self.relative(gradient, i) > FLAT
                && !self.is_passive[i]
                && !refused.contains(&i)
            {
                best = (slope, Some(i));
            }
        }
        best.1
    }

    /// The largest violation of: gradient zero where x moves, pushing against the constraint where it does not.
    fn violation(&self, task: Task<'_>, x: &[f64], gradient: &Gradient) -> f64 {
        let mut worst = 0.0f64;
        for (i, constraint) in task.constraints.iter().enumerate() {
            let g = self.relative(gradient, i);
            let excess = match constraint {
                Constraint::Zero if x[i] != 0.0 => f64::INFINITY,
                Constraint::Zero => 0.0,
                Constraint::Free => g.abs(),
                _ if x[i] == 0.0 => constraint.sign() * g,
                _ if constraint.sign() * x[i] < 0.0 => f64::INFINITY,
                _ => g.abs(),
            };
            worst = if excess.is_nan() {
                f64::INFINITY
            } else {
                worst.max(excess)
            };
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DVector;

    use super::*;
    use crate::reference::small_problems::{entries, integers, least_squares, subsets};

    const KINDS: [Constraint; 4] = [
        Constraint::Nonnegative,
        Constraint::Nonpositive,
        Constraint::Zero,
        Constraint::Free,
    ];

    /// ½|Ax − b|² at its minimum, by trying all supports. Every minimum is attained on independent columns where it is a
    /// sign-feasible least-squares solution, and each candidate is feasible, so the least of them is the minimum.
    fn by_enumeration(a: &DMatrix<f64>, constraints: &[Constraint], b: &DVector<f64>) -> f64 {
        let mut best = b.norm_squared();
        for support in subsets(a.ncols()) {
            let Some(x) = least_squares(a, &support, b) else {
                continue;
            };
            let allowed = support.iter().zip(x.iter()).all(|(&i, &x)| match constraints[i] {
                Constraint::Zero => false,
                Constraint::Free => true,
                kind => kind.sign() * x >= -1e-12,
            });
            if allowed {
                best = best.min((a.select_columns(&support) * x - b).norm_squared());
            }
        }
        0.5 * best
    }

    fn solved(a: &DMatrix<f64>, constraints: &[Constraint], b: &DVector<f64>) -> Minimum {
        SignConstrained::new(a).minimize(constraints, Target::Vector(b.as_slice()), &vec![0.0; a.ncols()], 100)
    }

    #[test]
    fn agrees_with_all_supports_tried() {
        for seed in 0..200 {
            let (m, n) = (1 + seed % 5, 1 + seed / 5 % 6);
            // small integers: duplicate, zero and dependent columns are common
            let a = if seed % 2 == 0 {
                integers(m, n, seed)
            } else {
                entries(m, n, seed)
            };
            let b = integers(m, 1, seed + 1000).column(0).into_owned();
            let constraints: Vec<_> = (0..n).map(|i| KINDS[(seed / 3 + i * (1 + seed % 3)) % 4]).collect();
            let found = solved(&a, &constraints, &b);
            let value = 0.5 * (&a * DVector::from_column_slice(&found.point) - &b).norm_squared();
            let expected = by_enumeration(&a, &constraints, &b);
            // both are sums of a few squares of order 1 to 100
            assert!((value - expected).abs() < 1e-10, "{seed}: {value} {expected}");
            assert!(found.violation < 1e-11, "{seed}: {}", found.violation);
        }
    }

    #[test]
    fn correlations_and_vectors_are_one_problem() {
        for seed in 0..40 {
            let a = entries(4, 6, seed);
            let b = entries(4, 1, seed + 500).column(0).into_owned();
            let c = a.transpose() * &b;
            let constraints: Vec<_> = (0..6).map(|i| KINDS[(seed + i) % 3]).collect();
            let mut solver = SignConstrained::new(&a);
            let one = solver.minimize(&constraints, Target::Vector(b.as_slice()), &[0.0; 6], 100);
            let other = solver.minimize(&constraints, Target::Correlations(c.as_slice()), &[0.0; 6], 100);
            let distance = one
                .point
                .iter()
                .zip(&other.point)
                .fold(0.0f64, |a, (x, z)| a.max((x - z).abs()));
            assert!(distance < 1e-9, "{seed}: {distance}");
        }
    }

    #[test]
    fn any_start_leads_to_the_minimum() {
        let a = entries(5, 8, 3);
        let b = entries(5, 1, 4).column(0).into_owned();
        let constraints = [Constraint::Nonnegative; 8];
        let cold = solved(&a, &constraints, &b);
        let mut solver = SignConstrained::new(&a);
        // eight moving columns in five dimensions: three of them cannot be in the factorization
        let warm = solver.minimize(&constraints, Target::Vector(b.as_slice()), &[1.0; 8], 100);
        assert!(warm.violation < 1e-12);
        for (x, z) in cold.point.iter().zip(&warm.point) {
            assert!((x - z).abs() < 1e-12);
        }
        assert!(cold.point.iter().any(|x| *x > 0.1));
    }

    #[test]
    fn giving_up_is_said() {
        let a = entries(5, 8, 3);
        let b = a.column_sum();
        let found = SignConstrained::new(&a).minimize(
            &[Constraint::Nonnegative; 8],
            Target::Vector(b.as_slice()),
            &[0.0; 8],
            1,
        );
        assert_eq!(found.violation, f64::INFINITY);
    }
}
