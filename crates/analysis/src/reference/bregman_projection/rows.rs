//! Aw = y reduced to independent rows, which are only scaled by powers of two and never mixed: the reduced system has
//! the same solutions to the last bit.

use nalgebra::DMatrix;

use super::weighted_qr::WeightedQr;

/// ‖Az − y‖ above this share of ‖y‖ is out of reach: what rounding may leave of consistent data.
const CONSISTENT: f64 = 1e-12;

/// Independent rows of Aw = y in units w = 2^scale · ŵ.
#[derive(Debug, Clone)]
pub struct IndependentRows {
    /// Â, r×n, of full row rank r.
    pub matrix: DMatrix<f64>,
    /// ŷ, r entries.
    pub measurements: Vec<f64>,
    /// The rows of A that were kept.
    pub kept: Vec<usize>,
    /// What each kept row was multiplied by.
    pub factors: Vec<f64>,
    /// ‖A⁺y‖_∞ of the solution of least norm, as given (0 iff y = 0).
    pub size: f64,
    /// Largest |y_i − Σ c_k y_k| over the rows a_i = Σ c_k a_k left out, as given, against what is allowed.
    pub mismatch: f64,
}

impl IndependentRows {
    /// Reduce.
    pub fn new(a: &DMatrix<f64>, y: &[f64], qr: &mut WeightedQr) -> Self {
        let (m, n) = a.shape();
        let factors: Vec<f64> = a.row_iter().map(|row| inverse_power_of_two(row.amax())).collect();
        let scaled = DMatrix::from_fn(m, n, |i, j| a[(i, j)] * factors[i]);
        qr.factorize(&scaled, &vec![1.0; n]);
        let diagonal = qr.diagonal();
        let largest = diagonal.first().copied().unwrap_or(0.0);
        // n·eps is what rounding makes of a zero on the diagonal; the factor covers the growth of small cases.
        let negligible = 20.0 * m.max(n) as f64 * f64::EPSILON * largest;
        let rank = diagonal.iter().take_while(|&&r| r > negligible).count();
        let scaled_y: Vec<f64> = y.iter().zip(&factors).map(|(y, f)| y * f).collect();
        let mismatch = mismatch(qr, rank, &scaled_y);
        let mut kept = qr.column_order()[..rank].to_vec();
        kept.sort_unstable();
        let matrix = DMatrix::from_fn(rank, n, |i, j| scaled[(kept[i], j)]);
        let mut measurements: Vec<f64> = kept.iter().map(|&i| scaled_y[i]).collect();
        let size = least_norm(&matrix, &measurements, qr);
        let unit = inverse_power_of_two(size);
        measurements.iter_mut().for_each(|y| *y *= unit);
        Self {
            factors: kept.iter().map(|&i| factors[i]).collect(),
            matrix,
            measurements,
            kept,
            size,
            mismatch,
        }
    }

    /// W: weights are W times the reduced ones; a power of two.
    pub fn unit(&self) -> f64 {
        1.0 / inverse_power_of_two(self.size)
    }

    /// Whether the rows left out agree with the others.
    pub fn is_consistent(&self) -> bool {
        self.mismatch <= 1.0
    }
}

/// 2^{-⌊log₂ x⌋}; 1 for 0.
fn inverse_power_of_two(x: f64) -> f64 {
    if x > 0.0 { (-x.log2().floor()).exp2() } else { 1.0 }
}

/// Largest |y_i − Σ c_k y_k| / (allowed) over the rows i left out.
fn mismatch(qr: &WeightedQr, rank: usize, y: &[f64]) -> f64 {
    let order = qr.column_order();
    let size = y.iter().fold(0.0f64, |a, y| a.max(y.abs()));
    let mut worst: f64 = 0.0;
    let mut c = vec![0.0; rank];
    for j in rank..order.len() {
        for k in (0..rank).rev() {
            let sum: f64 = (k + 1..rank).map(|l| qr.upper(k, l) * c[l]).sum();
            c[k] = (qr.upper(k, j) - sum) / qr.upper(k, k);
        }
        let combined: f64 = c.iter().zip(order).map(|(c, &i)| c * y[i]).sum();
        let weight = 1.0 + c.iter().map(|c| c.abs()).sum::<f64>();
        let gap = (y[order[j]] - combined).abs();
        if gap > 0.0 {
            worst = worst.max(gap / (CONSISTENT * weight * size));
        }
    }
    worst
}

/// ‖A⁺y‖_∞ for A of full row rank.
fn least_norm(a: &DMatrix<f64>, y: &[f64], qr: &mut WeightedQr) -> f64 {
    qr.factorize(a, &vec![1.0; a.ncols()]);
    let (mut w, mut r) = (vec![0.0; a.ncols()], y.to_vec());
    qr.solve(&mut w, &mut r);
    w.iter().fold(0.0, |a, w| a.max(w.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduce(m: usize, n: usize, a: &[f64], y: &[f64]) -> IndependentRows {
        IndependentRows::new(&DMatrix::from_row_slice(m, n, a), y, &mut WeightedQr::<f64>::default())
    }

    #[test]
    fn dependent_rows_leave_and_are_compared() {
        let a = [1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 4.0, 5.0, 6.0, 5.0, 7.0, 9.0];
        let rows = reduce(4, 3, &a, &[1.0, 0.0, 2.0, 3.0]);
        assert_eq!((rows.kept.len(), rows.is_consistent()), (2, true));
        assert!(!rows.kept.contains(&1));
        for y in [[1.0, 0.0, 2.0, 3.0 + 1e-9], [1.0, 1e-9, 2.0, 3.0]] {
            assert!(!reduce(4, 3, &a, &y).is_consistent());
        }
    }

    #[test]
    fn rows_are_only_scaled_by_powers_of_two() {
        let rows = reduce(2, 3, &[1e-9, 3e-9, 0.0, 1e5, 7.0, 3.0], &[2e-9, 4.0]);
        assert_eq!(rows.kept, [0, 1]);
        for (i, factor) in rows.factors.iter().enumerate() {
            assert_eq!(factor.log2().fract(), 0.0);
            assert!((1.0..2.0).contains(&rows.matrix.row(i).amax()));
        }
        assert_eq!(rows.matrix[(0, 1)], 3e-9 * rows.factors[0]);
        assert!(rows.unit().log2().fract() == 0.0 && (0.5..1.0).contains(&(0.5 * rows.size / rows.unit())));
    }

    #[test]
    fn a_zero_matrix_has_no_rows() {
        let rows = reduce(2, 3, &[0.0; 6], &[0.0, 0.0]);
        assert_eq!((rows.kept.len(), rows.size, rows.is_consistent()), (0, 0.0, true));
        assert!(!reduce(2, 3, &[0.0; 6], &[0.0, 1.0]).is_consistent());
    }
}
