//! Random instances for the tests of this folder.

use hadaflow_core::initialization::Sign;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use rand_distr::StandardNormal;

pub(crate) fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

pub(super) fn gaussian(m: usize, n: usize, rng: &mut ChaCha12Rng) -> DMatrix<f64> {
    DMatrix::from_fn(m, n, |_, _| rng.sample::<f64, _>(StandardNormal))
}

/// Ax.
pub(super) fn times(a: &DMatrix<f64>, x: &[f64]) -> Vec<f64> {
    (a * DMatrix::from_column_slice(x.len(), 1, x)).as_slice().to_vec()
}

/// One random instance of basis pursuit.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) a: DMatrix<f64>,
    pub(super) y: Vec<f64>,
    pub(super) sign: Sign,
    pub(super) kind: String,
}

/// Instance number `seed`: m ≤ 40, n ≤ 120; Gaussian, Rademacher, small-integer and low-rank matrices, some with repeated
/// columns and rows; y from a sparse, a dense or a degenerate (equal entries) point, or arbitrary (noise).
pub(super) fn instance(seed: u64) -> Instance {
    let mut rng = rng(seed);
    let m = rng.random_range(1..=40usize);
    let n = rng.random_range(1..=120usize);
    let sign = [Sign::Signed, Sign::Positive][rng.random_range(0..2usize)];
    let (name, mut a) = matrix(m, n, &mut rng);
    let mut kind = format!("{m}×{n} {sign:?} {name}");
    if rng.random_bool(0.15) {
        for _ in 0..=n / 8 {
            let (from, to) = (rng.random_range(0..n), rng.random_range(0..n));
            let column = a.column(from).into_owned();
            a.set_column(to, &column);
        }
        kind += ", repeated columns";
    }
    if rng.random_bool(0.15) {
        for _ in 0..=m / 4 {
            let (from, to) = (rng.random_range(0..m), rng.random_range(0..m));
            let row = a.row(from).into_owned();
            a.set_row(to, &row);
        }
        kind += ", repeated rows";
    }
    let (name, y) = measurements(&a, sign, &mut rng);
    kind += name;
    Instance { a, y, sign, kind }
}

fn matrix(m: usize, n: usize, rng: &mut ChaCha12Rng) -> (&'static str, DMatrix<f64>) {
    match rng.random_range(0..5) {
        0 | 1 => ("Gaussian", gaussian(m, n, rng)),
        2 => (
            "Rademacher",
            DMatrix::from_fn(m, n, |_, _| if rng.random_bool(0.5) { 1.0 } else { -1.0 }),
        ),
        3 => (
            "integer",
            DMatrix::from_fn(m, n, |_, _| f64::from(rng.random_range(-2..=2))),
        ),
        _ => {
            let rank = rng.random_range(1..=m.min(n));
            ("low rank", gaussian(m, rank, rng) * gaussian(rank, n, rng))
        }
    }
}

fn measurements(a: &DMatrix<f64>, sign: Sign, rng: &mut ChaCha12Rng) -> (&'static str, Vec<f64>) {
    let (m, n) = a.shape();
    let kind = rng.random_range(0..5);
    if kind == 4 {
        return (
            ", arbitrary y",
            (0..m).map(|_| rng.sample::<f64, _>(StandardNormal)).collect(),
        );
    }
    let count = match kind {
        0 | 1 => rng.random_range(0..=(m / 2).min(n)),
        2 => rng.random_range(0..=n),
        _ => rng.random_range(0..=m.min(n)),
    };
    let mut x = vec![0.0; n];
    for _ in 0..count {
        let entry = if kind == 3 {
            1.0
        } else {
            rng.sample::<f64, _>(StandardNormal).abs()
        };
        let negative = sign == Sign::Signed && rng.random_bool(0.5);
        x[rng.random_range(0..n)] = if negative { -entry } else { entry };
    }
    let name = [", sparse", ", sparse and noise", ", dense", ", equal entries"][kind];
    let mut y = times(a, &x);
    if kind == 1 {
        // noise within the range of A
        let noise: Vec<f64> = (0..n).map(|_| 1e-3 * rng.sample::<f64, _>(StandardNormal)).collect();
        y.iter_mut().zip(times(a, &noise)).for_each(|(y, e)| *y += e);
    }
    (name, y)
}
