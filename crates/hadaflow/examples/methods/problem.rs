//! Problems of the kinds that are compared.

use std::sync::Arc;

use hadaflow::core::error::CoreError;
use hadaflow::core::measurement::{DenseOperator, MeasurementOperator, by_name};
use hadaflow::core::problem::Problem;
use hadaflow::core::randomness::{Purpose, RngExt, stream};
use hadaflow::core::signal::{Magnitude, SparseSignal};
use nalgebra::DMatrix;

use crate::report::{Cell, Kind};

/// The problem of a cell.
pub fn problem(cell: &Cell) -> Result<Problem, CoreError> {
    let Cell {
        kind,
        n,
        m,
        s,
        signed,
        seed,
        ..
    } = *cell;
    let signal = SparseSignal {
        sparsity: s,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    let truth = signal.draw(n, signed, seed)?;
    let operator = DenseOperator::new(matrix(kind, m, n, seed)?)?;
    let mut y = vec![0.0; m];
    operator.apply(&truth, &mut y);
    if kind == Kind::Unreachable {
        let size = y.iter().map(|y| y * y).sum::<f64>().sqrt() / (m as f64).sqrt(); // a count
        let mut rng = stream(seed, Purpose::Noise);
        y.iter_mut()
            .for_each(|y| *y += 0.3 * size * (2.0 * rng.random::<f64>() - 1.0));
    }
    if kind == Kind::Negative {
        y[0] = -y[0].abs();
    }
    let solved = !matches!(kind, Kind::Unreachable | Kind::Negative);
    Problem::new(Arc::new(operator), y, solved.then_some(truth), 0.0)
}

fn matrix(kind: Kind, m: usize, n: usize, seed: u64) -> Result<DMatrix<f64>, CoreError> {
    let draw = |ensemble: &str, m, n, seed| -> Result<DMatrix<f64>, CoreError> {
        let operator = by_name(ensemble)?.draw(m, n, &mut stream(seed, Purpose::Matrix))?;
        Ok(operator.dense().cloned().unwrap_or_default())
    };
    Ok(match kind {
        Kind::Gaussian => draw("Gaussian", m, n, seed)?,
        Kind::Rademacher => draw("Rademacher", m, n, seed)?,
        Kind::Duplicate => {
            let half = draw("Gaussian", m, n / 2, seed)?;
            DMatrix::from_fn(m, n, |i, j| half[(i, j % half.ncols())])
        }
        Kind::Deficient | Kind::Unreachable => {
            draw("Gaussian", m, m / 2, seed)? * draw("Gaussian", m / 2, n, seed + 1000)?
        }
        Kind::Negative => {
            let mut matrix = draw("Gaussian", m, n, seed)?;
            matrix.row_mut(0).apply(|entry| *entry = entry.abs());
            matrix
        }
    })
}
