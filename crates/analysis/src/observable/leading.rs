//! The sets of leading weights: for which k do the k largest |w_i| look like a support?

use hadaflow_core::flow::Flow;
use nalgebra::DMatrix;

/// m·n·min(m, n) up to which bounds that need the matrix itself are computed. At 80 × 200 (1.3e6) they are a small part of
/// a run; at 250 × 1000 (6e7) they would take 3 ms per record and more time than the integration.
const WORK: f64 = 2e7;

/// The matrix of the flow's problem, if there is one and bounds computed from it do not dominate a run.
pub(crate) fn affordable_matrix(flow: &dyn Flow) -> Option<&DMatrix<f64>> {
    let affordable = |a: &&DMatrix<f64>| {
        let (m, n) = (a.nrows() as f64, a.ncols() as f64); // exact below 2^53
        m * n * m.min(n) <= WORK
    };
    flow.problem().operator.dense().filter(affordable)
}

/// How many sizes k are tried.
const CUTS: usize = 8;

/// The largest weights in order, and where their sizes fall most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leading {
    /// Indices of weights that are not zero by falling |w_i|, no more than the last cut.
    pub(super) order: Vec<usize>,
    /// The sizes k with the largest ratios |w_(k)|/|w_(k+1)| > 1, increasing.
    pub(super) cuts: Vec<usize>,
    /// The one with the very largest, 0 if there is none.
    pub(super) deepest: usize,
}

impl Leading {
    /// The sets of at most `limit` weights; none where a weight is not finite.
    pub(super) fn new(weights: &[f64], limit: usize) -> Self {
        let size = |i: usize| weights[i].abs();
        let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] != 0.0).collect();
        if order.iter().any(|&i| !weights[i].is_finite()) {
            order.clear();
        }
        order.sort_by(|&i, &j| size(j).total_cmp(&size(i)).then(i.cmp(&j)));
        let next = |k: usize| order.get(k).map_or(0.0, |&i| size(i));
        let mut falls: Vec<(f64, usize)> = (1..=limit.min(order.len()))
            .map(|k| (next(k - 1) / next(k), k))
            .filter(|(ratio, _)| *ratio > 1.0)
            .collect();
        falls.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        falls.truncate(CUTS);
        let deepest = falls.first().map_or(0, |(_, k)| *k);
        let mut cuts: Vec<usize> = falls.into_iter().map(|(_, k)| k).collect();
        cuts.sort_unstable();
        order.truncate(cuts.last().copied().unwrap_or(0));
        Self { order, cuts, deepest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_cut_where_they_fall_most() {
        let leading = Leading::new(&[1e-9, -3.0, 0.0, 2.0, 2e-9], 4);
        assert_eq!(leading.order, [1, 3, 4, 0]);
        assert_eq!((leading.cuts, leading.deepest), (vec![1, 2, 3, 4], 4));
        let leading = Leading::new(&[1e-9, -3.0, 0.0, 2.0, 2e-9], 3);
        assert_eq!((leading.order.len(), leading.deepest), (3, 2));
    }

    #[test]
    fn only_so_many_cuts_and_none_among_equals() {
        let falling: Vec<f64> = (0..30).map(|i| f64::from(-i * i).exp2()).collect();
        let leading = Leading::new(&falling, 20);
        assert_eq!(leading.cuts, (13..=20).collect::<Vec<_>>());
        let none = Leading {
            order: vec![],
            cuts: vec![],
            deepest: 0,
        };
        assert_eq!(Leading::new(&[1.0; 5], 3), none);
        assert_eq!(Leading::new(&[1.0, f64::NAN, 3.0], 3), none);
        assert_eq!(Leading::new(&[0.0; 4], 3), none);
        // as many as there are: what follows the last is nothing
        assert_eq!(Leading::new(&[1.0; 5], 5).cuts, [5]);
    }
}
