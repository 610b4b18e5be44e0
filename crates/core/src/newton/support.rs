//! The columns of an effective support S and their products A_SᵀA_S, both kept from one Newton matrix to the next.
//!
//! From step to step S changes by a few columns, and only what involves those is computed.

use std::sync::Arc;

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par};
use nalgebra::DMatrix;

use crate::measurement::{MeasurementOperator, dense_kernels};

/// See the module documentation.
pub(super) struct Support {
    operator: Arc<dyn MeasurementOperator>,
    /// S in increasing order.
    members: Vec<usize>,
    columns: Columns,
    /// Lower triangle of A_SᵀA_S, where it was asked for since S changed.
    gram: Option<Mat<f64>>,
    /// S and A_SᵀA_S when they last went together.
    before: (Vec<usize>, Option<Mat<f64>>),
}

impl Support {
    pub(super) fn new(operator: Arc<dyn MeasurementOperator>) -> Self {
        let rows = operator.rows();
        Self {
            operator,
            members: Vec::new(),
            columns: Columns::new(rows, Vec::new()),
            gram: None,
            before: (Vec::new(), None),
        }
    }

    /// S in increasing order.
    pub(super) fn members(&self) -> &[usize] {
        &self.members
    }

    /// A_S.
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// S is now `members`, in increasing order.
    pub(super) fn set(&mut self, members: &[usize]) {
        if self.members == members {
            return;
        }
        let old = std::mem::replace(&mut self.members, members.to_vec());
        let places = places(&old, members);
        self.gather(&places);
        if let Some(gram) = self.gram.take() {
            self.before = (old, Some(gram));
        }
    }

    /// The columns of the members, the known ones from where they are.
    fn gather(&mut self, places: &[Option<usize>]) {
        let rows = self.columns.rows;
        let mut entries = Vec::with_capacity(rows * places.len());
        if let Some(matrix) = self.operator.dense() {
            for &j in &self.members {
                entries.extend_from_slice(&matrix.as_slice()[j * rows..(j + 1) * rows]);
            }
        } else {
            let fresh = |(_, place): &(&usize, &Option<usize>)| place.is_none();
            let unknown = self.members.iter().zip(places).filter(fresh);
            let unknown: Vec<usize> = unknown.map(|(&j, _)| j).collect();
            let mut drawn = DMatrix::zeros(rows, unknown.len());
            self.operator.columns(&unknown, &mut drawn);
            let mut drawn = drawn.as_slice().chunks_exact(rows);
            for place in places {
                let column = place.map_or_else(|| drawn.next().unwrap_or_default(), |k| self.columns.column(k));
                entries.extend_from_slice(column);
            }
        }
        self.columns = Columns::new(rows, entries);
    }

    /// A_SᵀA_S, of which the lower triangle is filled in, and S.
    pub(super) fn gram_and_members(&mut self) -> (&Mat<f64>, &[usize]) {
        let Self {
            members,
            columns,
            gram,
            before,
            ..
        } = self;
        let gram = gram.get_or_insert_with(|| {
            let old = before.1.as_ref().map(|gram| (places(&before.0, members), gram));
            match old {
                Some((places, gram)) if 2 * places.iter().flatten().count() > members.len() => {
                    extended(columns, &places, gram)
                }
                _ => lower_product(columns.matrix().transpose(), columns.matrix()),
            }
        });
        (gram, members)
    }
}

/// Where each of `now` is in `old`, both in increasing order.
fn places(old: &[usize], now: &[usize]) -> Vec<Option<usize>> {
    let place = |j: &usize| old.binary_search(j).ok();
    now.iter().map(place).collect()
}

/// A_SᵀA_S (lower triangle) from that of another support: column k of S is column `places[k]` there.
fn extended(columns: &Columns, places: &[Option<usize>], known: &Mat<f64>) -> Mat<f64> {
    let size = places.len();
    let mut gram = Mat::zeros(size, size);
    for (j, place) in places.iter().enumerate() {
        let Some(there) = *place else { continue };
        for (i, place) in places.iter().enumerate().skip(j) {
            if let Some(here) = *place {
                gram[(i, j)] = known[(here, there)]; // the order is the same there
            }
        }
    }
    let fresh: Vec<usize> = (0..size).filter(|&k| places[k].is_none()).collect();
    let entries = fresh.iter().flat_map(|&k| columns.column(k)).copied().collect();
    let added = Columns::new(columns.rows, entries);
    let mut products = Mat::zeros(size, fresh.len());
    let (left, right) = (columns.matrix().transpose(), added.matrix());
    matmul(products.as_mut(), Accum::Replace, left, right, 1.0, Par::Seq);
    for (k, &j) in fresh.iter().enumerate() {
        for i in 0..size {
            gram[(i.max(j), i.min(j))] = products[(i, k)];
        }
    }
    gram
}

/// A matrix with few columns, one after the other.
pub(super) struct Columns {
    rows: usize,
    entries: Vec<f64>,
}

impl Columns {
    pub(super) fn new(rows: usize, entries: Vec<f64>) -> Self {
        Self { rows, entries }
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len() / self.rows
    }

    pub(super) fn column(&self, k: usize) -> &[f64] {
        &self.entries[k * self.rows..(k + 1) * self.rows]
    }

    pub(super) fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.entries, self.rows, self.count())
    }

    /// The same with column k times `factor(k)`.
    pub(super) fn scaled(&self, factor: impl Fn(usize) -> f64) -> Self {
        let mut entries = self.entries.clone();
        for (k, column) in entries.chunks_exact_mut(self.rows).enumerate() {
            let factor = factor(k);
            column.iter_mut().for_each(|x| *x *= factor);
        }
        Self::new(self.rows, entries)
    }

    /// `out` = A_Sᵀ z.
    pub(super) fn products(&self, z: &[f64], out: &mut [f64]) {
        dense_kernels::multiply_adjoint(&self.entries, z, out);
    }

    /// z += A_S y.
    pub(super) fn add(&self, y: &[f64], z: &mut [f64]) {
        dense_kernels::add(&self.entries, y, z);
    }
}

/// Lower triangle of a product, one thread.
pub(super) fn lower_product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(left.nrows(), right.ncols());
    triangular::matmul(
        out.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        left,
        BlockStructure::Rectangular,
        right,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::DenseOperator;

    #[test]
    fn products_of_a_changing_support_are_those_of_its_columns() {
        let matrix = DMatrix::from_fn(6, 12, |i, j| ((5 * i + 7 * j * j + 2) as f64).sin());
        let mut support = Support::new(Arc::new(DenseOperator::new(matrix.clone()).unwrap()));
        let sequence: [&[usize]; 6] = [
            &[2, 5, 7],
            &[1, 2, 5, 7, 11],
            &[1, 2, 5, 7, 11],
            &[0, 2, 11],
            &[],
            &[0, 1, 2, 3, 4, 5, 6, 7],
        ];
        for members in sequence {
            support.set(members);
            assert_eq!(support.columns().count(), members.len());
            for (k, &j) in members.iter().enumerate() {
                assert_eq!(support.columns().column(k), matrix.column(j).as_slice());
            }
            let (gram, _) = support.gram_and_members();
            for (a, &i) in members.iter().enumerate() {
                for (b, &j) in members.iter().enumerate().take(a + 1) {
                    let exact = matrix.column(i).dot(&matrix.column(j));
                    assert!((gram[(a, b)] - exact).abs() <= 1e-14, "{members:?}: {i} {j}");
                }
            }
        }
    }
}
