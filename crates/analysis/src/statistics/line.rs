//! The straight line through points by least squares, y ≈ a + bx, with errors that are independent and alike:
//!
//! ```text
//! b = S_xy/S_xx,   a = ȳ − bx̄,   σ² = Σ(y − a − bx)²/(k − 2)
//! se(b) = σ/√S_xx,   se(a) = σ√(1/k + x̄²/S_xx),   se(a + bx) = σ√(1/k + (x − x̄)²/S_xx)
//! ```
//!
//! S_xx = Σ(x − x̄)², S_xy = Σ(x − x̄)(y − ȳ). Points of different errors e_i have weights w_i ~ 1/e_i² of mean 1: all sums and
//! means are then weighted, and σ, the scatter in the mean of the weights, scales the errors as the points want it. Intervals take the quantile of Student's t with k − 2 degrees of freedom; for
//! two points there is none. In logarithmic coordinates the slope is the exponent of a power law.

use hadaflow_core::error::{CoreError, Result};

use super::{Interval, check_columns, student_quantile};

/// A fitted line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineFit {
    /// b.
    pub slope: f64,
    /// a, the height at x = 0.
    pub intercept: f64,
    /// σ: the standard deviation of the points about the line; NaN for two points.
    pub scatter: f64,
    /// k.
    pub points: usize,
    mean: (f64, f64),
    /// S_xx.
    spread: f64,
}

impl LineFit {
    /// The line through points of which at least two have different abscissas.
    pub fn new(x: &[f64], y: &[f64]) -> Result<Self> {
        Self::weighted(x, y, &vec![1.0; x.len()])
    }

    /// The same for points whose errors are in proportion to `errors`, which are positive.
    pub fn with_errors(x: &[f64], y: &[f64], errors: &[f64]) -> Result<Self> {
        check_columns(&[("x", x), ("errors", errors)])?;
        if let Some(error) = errors.iter().find(|error| **error <= 0.0) {
            return Err(CoreError::OutOfRange {
                field: "errors",
                value: error.to_string(),
                requirement: "the error of a point is positive",
            });
        }
        // relative to the smallest, so that no square overflows
        let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
        let raw: Vec<f64> = errors.iter().map(|error| (least / error).powi(2)).collect();
        let mean = raw.iter().sum::<f64>() / raw.len() as f64; // numbers of points are far below 2⁵³
        Self::weighted(x, y, &raw.iter().map(|weight| weight / mean).collect::<Vec<f64>>())
    }

    /// With weights of mean 1.
    fn weighted(x: &[f64], y: &[f64], weights: &[f64]) -> Result<Self> {
        check_columns(&[("x", x), ("y", y)])?;
        let k = x.len();
        // Numbers of points are far below 2⁵³.
        let count = k as f64;
        let mean = |values: &[f64]| values.iter().zip(weights).map(|(v, w)| w * v / count).sum::<f64>();
        let (mean_x, mean_y) = (mean(x), mean(y));
        let centred = || {
            let points = x.iter().zip(y).zip(weights);
            points.map(|((x, y), w)| (x - mean_x, y - mean_y, w))
        };
        let spread: f64 = centred().map(|(x, _, w)| w * x * x).sum();
        let width = x.iter().fold(0.0_f64, |a, v| a.max((v - x[0]).abs()));
        // Abscissas that differ by rounding only have no slope; sums that overflow have none either.
        let size = x.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        if !(width > 1e-14 * size && spread.is_normal()) {
            return Err(CoreError::OutOfRange {
                field: "x",
                value: format!("{k} points with a spread of {width:e}"),
                requirement: "a line needs at least two points at different places",
            });
        }
        let slope = centred().map(|(x, y, w)| w * x * y).sum::<f64>() / spread;
        let squares: f64 = centred().map(|(x, y, w)| w * (y - slope * x).powi(2)).sum();
        let scatter = if k > 2 {
            (squares / (count - 2.0)).sqrt()
        } else {
            f64::NAN
        };
        Ok(Self {
            slope,
            intercept: mean_y - slope * mean_x,
            scatter,
            points: k,
            mean: (mean_x, mean_y),
            spread,
        })
    }

    /// The line log₁₀ y ≈ a + b log₁₀ x: y ≈ 10^a x^b. Every number must be positive.
    pub fn log_log(x: &[f64], y: &[f64]) -> Result<Self> {
        check_columns(&[("x", x), ("y", y)])?;
        for (field, values) in [("x", x), ("y", y)] {
            if let Some(value) = values.iter().find(|value| **value <= 0.0) {
                return Err(CoreError::OutOfRange {
                    field,
                    value: value.to_string(),
                    requirement: "only positive numbers have a logarithm; leave the others out",
                });
            }
        }
        let logarithms = |values: &[f64]| values.iter().map(|v| v.log10()).collect::<Vec<f64>>();
        Self::new(&logarithms(x), &logarithms(y))
    }

    /// Height of the line.
    pub fn at(&self, x: f64) -> f64 {
        self.mean.1 + self.slope * (x - self.mean.0)
    }

    /// Standard error of the slope; NaN for two points.
    pub fn slope_error(&self) -> f64 {
        self.scatter / self.spread.sqrt()
    }

    /// Standard error of the intercept; NaN for two points.
    pub fn intercept_error(&self) -> f64 {
        self.error_at(0.0)
    }

    /// Standard error of the height of the line; NaN for two points.
    pub fn error_at(&self, x: f64) -> f64 {
        let offset = x - self.mean.0;
        self.scatter * (1.0 / self.points as f64 + offset / self.spread * offset).sqrt()
    }

    /// Interval of the slope at a confidence in (0, 1); none for two points.
    pub fn slope_interval(&self, confidence: f64) -> Result<Option<Interval>> {
        self.interval(self.slope, self.slope_error(), confidence)
    }

    /// Interval of the intercept at a confidence in (0, 1); none for two points.
    pub fn intercept_interval(&self, confidence: f64) -> Result<Option<Interval>> {
        self.interval(self.intercept, self.intercept_error(), confidence)
    }

    fn interval(&self, value: f64, error: f64, confidence: f64) -> Result<Option<Interval>> {
        super::check_confidence(confidence)?;
        if self.points < 3 {
            return Ok(None);
        }
        let quantile = student_quantile(confidence, self.points - 2)?;
        Ok(Some(Interval::around(value, quantile * error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A point of half the error is four points; a point of a huge one is none.
    #[test]
    fn a_weight_counts_as_so_many_points() {
        let (x, y) = ([1.0, 2.0, 4.0], [3.0, 1.0, 8.0]);
        let weighted = LineFit::with_errors(&x, &y, &[0.2, 0.1, 0.2]).unwrap();
        let repeated = LineFit::new(&[1.0, 2.0, 2.0, 2.0, 2.0, 4.0], &[3.0, 1.0, 1.0, 1.0, 1.0, 8.0]).unwrap();
        near(weighted.slope, repeated.slope, 1e-14);
        near(weighted.intercept, repeated.intercept, 1e-13);
        near(weighted.at(7.0), repeated.at(7.0), 1e-14);
        // the same squares about the line, per point of weight 1, with 3 − 2 in place of 6 − 2 degrees of freedom
        near(weighted.scatter, repeated.scatter * (4.0_f64 * 3.0 / 6.0).sqrt(), 1e-13);
        let without = LineFit::with_errors(&x, &y, &[1.0, 1e9, 1.0]).unwrap();
        near(without.slope, 5.0 / 3.0, 1e-15);
        for errors in [[1.0, 0.0, 1.0], [1.0, -1.0, 1.0], [1.0, f64::NAN, 1.0]] {
            assert!(LineFit::with_errors(&x, &y, &errors).is_err());
        }
        assert!(LineFit::with_errors(&x, &y, &[1.0]).is_err());
    }

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!(
            (found - expected).abs() <= tolerance * expected.abs(),
            "{found} {expected}"
        );
    }

    /// Five points whose sums are small integers, so that every number can be
    /// checked by hand. x̄ = 3, S_xx = 10, ȳ = 4, S_xy = 6, residuals (−0.8, 0.6, 1, −0.6, −0.2) of squares 2.4.
    #[test]
    fn a_small_example_is_exact() {
        let fit = LineFit::new(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 4.0, 5.0, 4.0, 5.0]).unwrap();
        near(fit.slope, 0.6, 1e-15);
        near(fit.intercept, 2.2, 1e-15);
        near(fit.scatter, 0.8_f64.sqrt(), 1e-14);
        near(fit.slope_error(), 0.08_f64.sqrt(), 1e-14);
        near(fit.intercept_error(), (0.8_f64 * 1.1).sqrt(), 1e-14);
        near(fit.at(10.0), 8.2, 1e-15);
        // t(0.975, 3) = 3.182446305283708
        let slope = fit.slope_interval(0.95).unwrap().unwrap();
        near(
            slope.high - slope.low,
            2.0 * 3.182_446_305_283_708 * 0.08_f64.sqrt(),
            1e-13,
        );
        assert!(slope.contains(0.6) && slope.contains(0.0));
        let intercept = fit.intercept_interval(0.95).unwrap().unwrap();
        near(intercept.high, 2.2 + 3.182_446_305_283_708 * 0.88_f64.sqrt(), 1e-13);
    }

    /// The naive twin: normal equations (XᵀX)⁻¹, with the origin far from the data.
    #[test]
    fn the_fit_solves_the_normal_equations() {
        let x: Vec<f64> = (0..40).map(|i| 7.0 + (f64::from(i) * 1.7).sin()).collect();
        let y: Vec<f64> = x
            .iter()
            .zip(0..)
            .map(|(x, i)| 3.0 - 2.0 * x + 0.1 * (f64::from(i) * 2.9).cos())
            .collect();
        let fit = LineFit::new(&x, &y).unwrap();
        let design = nalgebra::DMatrix::from_fn(40, 2, |i, j| if j == 0 { 1.0 } else { x[i] });
        let target = nalgebra::DVector::from_column_slice(&y);
        let inverse = (design.transpose() * &design).try_inverse().unwrap();
        let solution = &inverse * design.transpose() * &target;
        let variance = (target - &design * &solution).norm_squared() / 38.0;
        // The normal equations are squared in condition: about 1e4 here.
        near(fit.intercept, solution[0], 1e-10);
        near(fit.slope, solution[1], 1e-10);
        near(fit.intercept_error(), (variance * inverse[(0, 0)]).sqrt(), 1e-10);
        near(fit.slope_error(), (variance * inverse[(1, 1)]).sqrt(), 1e-10);
        let at = nalgebra::DVector::from_vec(vec![1.0, 6.5]);
        near(fit.error_at(6.5), (variance * at.dot(&(&inverse * &at))).sqrt(), 1e-9);
    }

    #[test]
    fn power_laws_are_lines_in_logarithms() {
        let x = [1e-6, 1e-4, 1e-3, 0.1];
        let y: Vec<f64> = x.iter().map(|x: &f64| 3.0 * x.powf(2.5)).collect();
        let fit = LineFit::log_log(&x, &y).unwrap();
        near(fit.slope, 2.5, 1e-14);
        near(10_f64.powf(fit.intercept), 3.0, 1e-13);
        // an exact law leaves rounding only
        assert!(fit.slope_error() < 1e-14);
        assert!(LineFit::log_log(&[1.0, 0.0], &[1.0, 1.0]).is_err());
        assert!(LineFit::log_log(&[1.0, 2.0], &[1.0, -1.0]).is_err());
    }

    /// Intervals of the nominal confidence cover the true slope that often: 4000 samples of 5 points.
    #[test]
    fn intervals_cover_as_often_as_they_say() {
        use rand::SeedableRng;
        use rand_distr::Distribution;
        let mut rng = rand_chacha::ChaCha12Rng::seed_from_u64(11);
        let x = [0.0, 1.0, 2.0, 3.0, 7.0];
        let covered = (0..4000)
            .filter(|_| {
                let noise = || rand_distr::StandardNormal.sample(&mut rng);
                let noise: Vec<f64> = std::iter::repeat_with(noise).take(5).collect();
                let y: Vec<f64> = x
                    .iter()
                    .zip(noise)
                    .map(|(x, e): (&f64, f64)| 1.0 - 0.5 * x + e)
                    .collect();
                let fit = LineFit::new(&x, &y).unwrap();
                fit.slope_interval(0.9).unwrap().unwrap().contains(-0.5)
            })
            .count();
        // 3600 ± 4 standard deviations of 19; the normal quantile in place of Student's would cover 3230 times.
        assert!((3524..=3676).contains(&covered), "{covered}");
    }

    #[test]
    fn what_has_no_line_is_named_and_two_points_have_no_interval() {
        for (x, y) in [
            (vec![], vec![]),
            (vec![1.0], vec![2.0]),
            (vec![3.0; 4], vec![1.0, 2.0, 3.0, 4.0]),
            (vec![1.0, 1.0 + f64::EPSILON], vec![1.0, 2.0]),
            (vec![1.0, 2.0], vec![1.0]),
            (vec![1.0, f64::NAN], vec![1.0, 2.0]),
            (vec![1.0, 2.0], vec![1.0, f64::INFINITY]),
        ] {
            assert!(LineFit::new(&x, &y).is_err(), "{x:?}");
        }
        let fit = LineFit::new(&[0.0, 2.0], &[1.0, 5.0]).unwrap();
        assert_eq!((fit.slope, fit.intercept), (2.0, 1.0));
        assert!(fit.slope_error().is_nan());
        assert_eq!(fit.slope_interval(0.95).unwrap(), None);
    }
}
