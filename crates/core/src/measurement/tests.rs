//! What every operator and every ensemble satisfies, and the pinned numbers of the catalogue.

use nalgebra::{DMatrix, DVector};

use super::*;
use crate::randomness::{Purpose, stream};

/// m <= n, over tiny, square, prime, power-of-two and odd sizes.
const SHAPES: [(usize, usize); 9] = [
    (1, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (5, 16),
    (7, 31),
    (16, 16),
    (20, 60),
    (33, 128),
];

/// Irregular numbers.
fn wave(count: usize, frequency: f64) -> Vec<f64> {
    (0..count).map(|i| ((i + 1) as f64 * frequency).sin()).collect()
}

/// A sparse operator with duplicates, an empty column and an empty row where the shape allows it.
fn sparse_example(m: usize, n: usize) -> SparseOperator {
    let triplets: Vec<_> = (0..2 * n)
        .map(|k| ((5 * k + 3) % m, (7 * k + 2) % n, ((k + 1) as f64).cos()))
        .filter(|&(row, column, _)| (row, column) != (m - 1, n / 2))
        .collect();
    SparseOperator::from_triplets(m, n, &triplets).unwrap()
}

/// Every kind of operator in that shape.
fn operators(m: usize, n: usize) -> Vec<(&'static str, Box<dyn MeasurementOperator>)> {
    let mut all: Vec<(&'static str, Box<dyn MeasurementOperator>)> = vec![("sparse", Box::new(sparse_example(m, n)))];
    for ensemble in catalogue() {
        all.push((
            ensemble.name(),
            ensemble.draw(m, n, &mut stream(11, Purpose::Matrix)).unwrap(),
        ));
    }
    all
}

/// The matrix of an operator, from its columns.
fn matrix_of(operator: &dyn MeasurementOperator) -> DMatrix<f64> {
    let mut matrix = DMatrix::from_element(operator.rows(), operator.cols(), f64::NAN);
    operator.columns(&(0..operator.cols()).collect::<Vec<_>>(), &mut matrix);
    matrix
}

#[test]
fn the_products_are_adjoint() {
    for (m, n) in SHAPES {
        for (name, operator) in operators(m, n) {
            assert_eq!((operator.rows(), operator.cols()), (m, n), "{name}");
            let (w, r) = (DVector::from_vec(wave(n, 1.3)), DVector::from_vec(wave(m, 2.1)));
            let (mut image, mut pulled) = (DVector::from_element(m, f64::NAN), DVector::from_element(n, f64::NAN));
            operator.apply(w.as_slice(), image.as_mut_slice());
            operator.apply_adjoint(r.as_slice(), pulled.as_mut_slice());
            let gap = (image.dot(&r) - w.dot(&pulled)).abs();
            assert!(
                gap <= 1e-13 * (1.0 + image.norm() * r.norm()),
                "{name} {m} x {n}: {gap:e}"
            );
        }
    }
}

#[test]
fn the_products_are_those_of_the_explicit_matrix() {
    for (m, n) in SHAPES {
        for (name, operator) in operators(m, n) {
            let matrix = matrix_of(operator.as_ref());
            let (w, r) = (DVector::from_vec(wave(n, 0.9)), DVector::from_vec(wave(m, 1.1)));
            let (mut image, mut pulled) = (DVector::from_element(m, f64::NAN), DVector::from_element(n, f64::NAN));
            operator.apply(w.as_slice(), image.as_mut_slice());
            operator.apply_adjoint(r.as_slice(), pulled.as_mut_slice());
            assert!(
                (image - &matrix * &w).amax() <= 1e-13 * (1.0 + w.norm()),
                "{name} {m} x {n}: A w"
            );
            assert!(
                (pulled - matrix.transpose() * &r).amax() <= 1e-13 * (1.0 + r.norm()),
                "{name} {m} x {n}: A^T r"
            );
            if let Some(dense) = operator.dense() {
                assert_eq!(dense, &matrix, "{name}");
            }
            assert_eq!(operator.dense().is_some(), operator.magnitudes().is_some(), "{name}");
            if let Some(known) = operator.magnitudes() {
                assert_eq!(known.largest_entry, matrix.amax(), "{name}");
                assert_eq!(known.squared_norms.len(), n);
                for (j, square) in known.squared_norms.iter().enumerate() {
                    let column = matrix.column(j).norm_squared();
                    assert!((square - column).abs() <= 1e-14 * column, "{name} {m} x {n}: {j}");
                }
                let largest = known.squared_norms.iter().fold(0.0f64, |a, &b| a.max(b));
                assert_eq!(known.largest_squared_norm(), largest);
            }
        }
    }
}

#[test]
fn columns_are_images_of_unit_vectors_in_the_order_asked_for() {
    for (m, n) in SHAPES {
        let which = [n - 1, 0, n / 2, 0];
        for (name, operator) in operators(m, n) {
            let mut columns = DMatrix::from_element(m, which.len(), f64::NAN);
            operator.columns(&which, &mut columns);
            for (k, &j) in which.iter().enumerate() {
                let mut unit = vec![0.0; n];
                unit[j] = 1.0;
                let mut image = DVector::from_element(m, f64::NAN);
                operator.apply(&unit, image.as_mut_slice());
                assert!(
                    (image - columns.column(k)).amax() <= 1e-14 * 4.0,
                    "{name} {m} x {n}, column {j}"
                );
            }
        }
    }
}

#[test]
fn the_rows_of_the_cosine_transform_are_orthogonal() {
    for (m, n) in SHAPES {
        let operator = SubsampledDct.draw(m, n, &mut stream(3, Purpose::Matrix)).unwrap();
        let matrix = matrix_of(operator.as_ref());
        let gram = &matrix * matrix.transpose();
        let expected = DMatrix::identity(m, m) * (n as f64 / m as f64);
        assert!(
            (gram - &expected).amax() <= 1e-13 * expected.amax(),
            "explicit, {m} x {n}"
        );

        let r = DVector::from_vec(wave(m, 0.7));
        let (mut pulled, mut image) = (vec![f64::NAN; n], DVector::from_element(m, f64::NAN));
        operator.apply_adjoint(r.as_slice(), &mut pulled);
        operator.apply(&pulled, image.as_mut_slice());
        assert!(
            (image - r * (n as f64 / m as f64)).amax() <= 1e-13 * expected.amax(),
            "matrix-free, {m} x {n}"
        );
    }
}

#[test]
fn columns_have_unit_norm_on_average() {
    let (m, n) = (60, 500);
    for ensemble in catalogue() {
        let operator = ensemble.draw(m, n, &mut stream(5, Purpose::Matrix)).unwrap();
        let matrix = matrix_of(operator.as_ref());
        // Gaussian: the mean of m n squares of N(0, 1/m) deviates from 1 by √(2/(mn)) = 0.008
        let mean = matrix.norm_squared() / n as f64;
        assert!(
            (mean - 1.0).abs() < 0.04,
            "{}: mean squared column norm {mean}",
            ensemble.name()
        );
        // the largest of n column norms; χ²_60/60 stays below 1.9 with probability 1 − 1e-4 even so
        let largest = matrix
            .column_iter()
            .map(|column| column.norm_squared())
            .fold(0.0, f64::max);
        assert!(
            largest < 1.9,
            "{}: largest squared column norm {largest}",
            ensemble.name()
        );
    }
}

#[test]
fn gaussian_entries_have_the_moments_of_their_law() {
    let (m, n) = (100, 400);
    let operator = Gaussian.draw(m, n, &mut stream(6, Purpose::Matrix)).unwrap();
    let scaled = operator.dense().unwrap() * (m as f64).sqrt();
    let moment = |power: i32| scaled.iter().map(|g| g.powi(power)).sum::<f64>() / (m * n) as f64;
    for (power, expected, deviation) in [(1, 0.0, 1.0_f64), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
        let bound = 4.0 * (deviation / (m * n) as f64).sqrt();
        assert!(
            (moment(power) - expected).abs() < bound,
            "moment {power} is {}",
            moment(power)
        );
    }
}

#[test]
fn rademacher_entries_are_balanced_signs() {
    let (m, n) = (64, 300);
    let operator = Rademacher.draw(m, n, &mut stream(6, Purpose::Matrix)).unwrap();
    let matrix = operator.dense().unwrap();
    assert!(matrix.iter().all(|entry| entry.abs() == 0.125));
    assert!((matrix.sum() * 8.0 / (m * n) as f64).abs() < 4.0 / ((m * n) as f64).sqrt());
}

#[test]
fn drawing_again_gives_the_same_operator_and_another_seed_another_one() {
    for ensemble in catalogue() {
        let draw = |seed| {
            matrix_of(
                ensemble
                    .draw(6, 40, &mut stream(seed, Purpose::Matrix))
                    .unwrap()
                    .as_ref(),
            )
        };
        assert_eq!(draw(1), draw(1), "{}", ensemble.name());
        assert_ne!(draw(1), draw(2), "{}", ensemble.name());
    }
}

#[test]
fn the_numbers_of_the_dense_ensembles_are_pinned() {
    let draw = |name: &str| {
        by_name(name)
            .unwrap()
            .draw(2, 6, &mut stream(7, Purpose::Matrix))
            .unwrap()
    };
    assert_eq!(draw("Gaussian").dense().unwrap().as_slice(), GOLDEN_GAUSSIAN);
    let h = 1.0 / 2f64.sqrt();
    assert_eq!(
        draw("Rademacher").dense().unwrap().as_slice(),
        GOLDEN_RADEMACHER.map(|sign| sign * h)
    );
}

#[test]
fn the_numbers_of_the_cosine_transform_are_pinned() {
    let operator = SubsampledDct.draw(3, 10, &mut stream(7, Purpose::Matrix)).unwrap();
    let mut column = DMatrix::zeros(3, 1);
    operator.columns(&[0], &mut column);
    // √(2/3) c_k cos(π k / 20) tells the rows k apart
    for (value, k) in column.iter().zip(GOLDEN_DCT_ROWS) {
        let factor: f64 = if k == 0 { 1.0 } else { 2.0 };
        let expected = (factor / 3.0).sqrt() * (std::f64::consts::PI * k as f64 / 20.0).cos();
        assert!((value - expected).abs() < 1e-14, "{column} {GOLDEN_DCT_ROWS:?}");
    }
}

#[test]
fn the_selected_rows_keep_their_order_and_define_the_operator() {
    let operator = SubsampledDctOperator::new(4, vec![2, 0]).unwrap();
    assert_eq!(operator.selected_rows(), [2, 0]);
    let mut constant = [f64::NAN; 2];
    operator.apply(&[1.0; 4], &mut constant);
    // row 0 is √(4/2) · 1/2 in every entry; the others are orthogonal to it
    assert!(
        constant[0].abs() < 1e-15 && (constant[1] - 8f64.sqrt()).abs() < 1e-15,
        "{constant:?}"
    );
}

#[test]
fn far_columns_of_a_long_cosine_transform_are_accurate() {
    // the fast transform and the direct cosine agree where the unreduced phase would have lost twelve digits
    let n = 1 << 20;
    let operator = SubsampledDctOperator::new(n, vec![n - 1, n / 3, 1]).unwrap();
    let mut column = DMatrix::zeros(3, 1);
    operator.columns(&[n - 7], &mut column);
    let mut unit = vec![0.0; n];
    unit[n - 7] = 1.0;
    let mut image = DVector::zeros(3);
    operator.apply(&unit, image.as_mut_slice());
    assert!((image - column.column(0)).amax() < 1e-14);
}

#[test]
fn the_cosine_transform_may_be_shared_between_threads() {
    let operator = SubsampledDctOperator::new(97, (0..40).collect()).unwrap();
    let image = |salt: usize| {
        let mut out = vec![f64::NAN; 40];
        operator.apply(&wave(97, salt as f64), &mut out);
        out
    };
    let alone: Vec<_> = (1..20).map(image).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (1..20).map(image).collect::<Vec<_>>()))
            .collect();
        for worker in workers {
            assert_eq!(worker.join().unwrap(), alone);
        }
    });
}

#[test]
fn duplicate_triplets_are_added_and_stored_once() {
    let operator =
        SparseOperator::from_triplets(2, 3, &[(1, 2, 1.0), (0, 0, 2.0), (1, 2, 0.25), (0, 2, -1.0)]).unwrap();
    assert_eq!(operator.stored_entries(), 3);
    assert_eq!(matrix_of(&operator).as_slice(), [2.0, 0.0, 0.0, 0.0, -1.0, 1.25]);
}

#[test]
fn wrong_input_is_a_named_error() {
    use crate::error::CoreError::{NotFinite, OutOfRange, Unsupported};
    let field_of = |error: CoreError| match error {
        OutOfRange { field, .. } => field,
        other => panic!("{other}"),
    };
    for ensemble in catalogue() {
        let draw = |m, n| ensemble.draw(m, n, &mut stream(0, Purpose::Matrix)).err().map(field_of);
        assert_eq!(draw(0, 3), Some("measurements"), "{}", ensemble.name());
        assert_eq!(draw(3, 0), Some("dimension"), "{}", ensemble.name());
    }
    let too_many = SubsampledDct.draw(4, 3, &mut stream(0, Purpose::Matrix)).err().unwrap();
    assert_eq!(field_of(too_many), "measurements");
    for size in [usize::MAX, usize::MAX / 64] {
        let too_large = Gaussian
            .draw(size, size, &mut stream(0, Purpose::Matrix))
            .err()
            .unwrap();
        assert_eq!(field_of(too_large), "dimension");
        let too_large = Rademacher.draw(1, size, &mut stream(0, Purpose::Matrix)).err().unwrap();
        assert_eq!(field_of(too_large), "dimension");
    }
    assert!(matches!(by_name("Gausian").err(), Some(Unsupported { .. })));

    let not_finite = DenseOperator::new(DMatrix::from_vec(2, 2, vec![0.0, 1.0, f64::INFINITY, 2.0])).unwrap_err();
    assert_eq!(
        not_finite,
        NotFinite {
            what: "measurement operator",
            index: 2,
            value: f64::INFINITY
        }
    );
    assert_eq!(
        field_of(DenseOperator::new(DMatrix::zeros(0, 2)).unwrap_err()),
        "measurements"
    );

    assert!(SparseOperator::from_triplets(2, 2, &[(2, 0, 1.0)]).is_err());
    assert!(SparseOperator::from_triplets(2, 2, &[(0, 2, 1.0)]).is_err());
    let second = SparseOperator::from_triplets(2, 2, &[(0, 1, 1.0), (0, 0, f64::NAN)]);
    assert!(
        matches!(second, Err(NotFinite { index: 1, .. })),
        "the index counts the triplets as given"
    );
    assert!(SparseOperator::from_triplets(2, 2, &[(0, 0, f64::MAX), (0, 0, f64::MAX)]).is_err());
    assert!(SparseOperator::from_triplets(0, 2, &[]).is_err());

    assert!(SubsampledDctOperator::new(4, vec![]).is_err());
    assert!(SubsampledDctOperator::new(4, vec![1, 1]).is_err());
    assert!(SubsampledDctOperator::new(4, vec![4]).is_err());
}

#[test]
fn names_are_unique_and_described() {
    let names: std::collections::BTreeSet<_> = catalogue().iter().map(|ensemble| ensemble.name()).collect();
    assert_eq!(names.len(), catalogue().len());
    assert!(catalogue().iter().all(|ensemble| !ensemble.description().is_empty()));
}

#[test]
fn the_storage_estimate_covers_what_is_stored_and_never_overflows() {
    for ensemble in catalogue() {
        assert!(
            ensemble.storage_bytes(usize::MAX, usize::MAX) > 1 << 64,
            "{}",
            ensemble.name()
        );
        let operator = ensemble.draw(80, 200, &mut stream(0, Purpose::Matrix)).unwrap();
        if operator.dense().is_some() {
            assert_eq!(ensemble.storage_bytes(80, 200), 8 * 80 * 200, "{}", ensemble.name());
        }
    }
    let dct = SubsampledDct.storage_bytes(1000, 1_000_000);
    assert!(
        dct < Gaussian.storage_bytes(1000, 1_000_000) / 10,
        "a matrix-free operator is small: {dct}"
    );
}

/// An operator that says nothing of its entries but what they are.
struct Bare(DMatrix<f64>);

impl MeasurementOperator for Bare {
    fn rows(&self) -> usize {
        self.0.nrows()
    }

    fn cols(&self) -> usize {
        self.0.ncols()
    }

    fn apply(&self, w: &[f64], out: &mut [f64]) {
        multiply(self.0.as_slice(), w, out);
    }

    fn apply_adjoint(&self, r: &[f64], out: &mut [f64]) {
        multiply_adjoint(self.0.as_slice(), r, out);
    }

    fn columns(&self, which: &[usize], out: &mut DMatrix<f64>) {
        which
            .iter()
            .enumerate()
            .for_each(|(k, &j)| out.set_column(k, &self.0.column(j)));
    }

    fn dense(&self) -> Option<&DMatrix<f64>> {
        Some(&self.0)
    }
}

#[test]
fn the_magnitudes_of_a_dense_matrix_are_known_without_being_kept() {
    let matrix = DMatrix::from_fn(3, 4, |i, j| 1e3 * ((3 * i + 5 * j + 1) as f64).sin());
    let kept = DenseOperator::new(matrix.clone()).unwrap();
    assert_eq!(Bare(matrix).magnitudes(), kept.magnitudes());
}

const GOLDEN_GAUSSIAN: [f64; 12] = [
    -0.7379201094485539,
    -0.4078222652334485,
    -0.5029327515925288,
    0.08223449623073342,
    -0.37607241467953745,
    0.5260354967652358,
    -0.4376716215026945,
    -0.5049624339095048,
    -0.674811239019699,
    0.5312361964449086,
    0.1872880942862548,
    -2.1340689407219666,
];
const GOLDEN_RADEMACHER: [f64; 12] = [-1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0];
const GOLDEN_DCT_ROWS: [usize; 3] = [0, 1, 3];
