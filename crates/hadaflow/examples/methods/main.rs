//! `Ndf` and `Bdf` over the range of the model: which of them is accurate, which fails, and which is faster.
//!
//! ```text
//! methods run RESULTS.json [WORD...]      all cells whose name contains all WORDs, e.g. -20x10- L3 signed
//! methods table RESULTS.json              the table of the book
//! methods flagged RESULTS.json            the cells where Ndf fails or is much less accurate than Bdf
//! ```
//!
//! A cell is a kind of problem, a size n × m, a depth, a sign, α, a tolerance and a seed. Where the dual flow serves it, both
//! integrate it as a scenario does by default, until `RelativeLossBelow(1e-12)` or `Stationary(1e-9)`, and record up to 200
//! times. They are compared with `Bdf` at a hundredth of the tolerance, in the formulation that serves best there.

#![allow(clippy::print_stdout, clippy::print_stderr)] // printing is what it is for

#[path = "../common/clock.rs"]
mod clock;
#[path = "../common/order.rs"]
mod order;
mod problem;
mod report;
mod run;

use std::io::Write as _;

use hadaflow::core::error::CoreError;
use hadaflow::core::flow::{Formulation, choose};
use hadaflow::core::initialization::{Initialization, Model, Sign};
use hadaflow::core::integrate::{DiffsolIntegrator, Integrator, Method, NdfIntegrator, Schedule};

use problem::problem;
use report::{Cell, Compared, Kind, Row, flagged, parse, table};
use run::{Reference, integrate};

/// n × m with s nonzero entries, and what is run at that size.
struct Sizes {
    n: usize,
    m: usize,
    s: usize,
    seeds: &'static [u64],
    tolerances: &'static [f64],
}

const SIZES: [Sizes; 3] = [
    Sizes {
        n: 20,
        m: 10,
        s: 2,
        seeds: &[1, 2],
        tolerances: &[1e-3, 1e-6, 1e-9],
    },
    Sizes {
        n: 200,
        m: 80,
        s: 5,
        seeds: &[1],
        tolerances: &[1e-6],
    },
    Sizes {
        n: 1000,
        m: 250,
        s: 15,
        seeds: &[1],
        tolerances: &[1e-6],
    },
];
const DEPTHS: [usize; 4] = [2, 3, 4, 6];
const ALPHAS: [f64; 8] = [1e2, 1.0, 1e-1, 1e-3, 1e-6, 1e-12, 1e-30, 1e-60];
/// Each integrator is timed so many times in turn, and the least counts; one that takes longer than this is timed once.
const ROUNDS: usize = 2;
const SLOW: f64 = 1.0;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["run", file, words @ ..] => measure(file, words),
        ["table", file] => {
            print!("{}", table(&read(file)?));
            Ok(())
        }
        ["flagged", file] => {
            print!("{}", flagged(&read(file)?));
            Ok(())
        }
        _ => {
            Err("methods run RESULTS.json [WORD...] | methods table RESULTS.json | methods flagged RESULTS.json".into())
        }
    }
}

/// Results, one to a line.
fn read(file: &str) -> Result<Vec<Row>, Failure> {
    Ok(parse(&std::fs::read_to_string(file)?)?)
}

/// Runs the cells whose names contain all words.
fn measure(file: &str, words: &[&str]) -> Result<(), Failure> {
    let mut out = std::fs::File::create(file)?;
    for cell in cells()
        .into_iter()
        .filter(|cell| words.iter().all(|word| cell.name().contains(word)))
    {
        let Some(row) = row(&cell)? else { continue };
        if let Some(compared) = &row.compared {
            eprintln!("{} {} {}", cell.name(), row.flow, compared.summary());
        }
        writeln!(out, "{}", serde_json::to_string(&row)?)?;
    }
    Ok(())
}

/// The whole range, small sizes first.
fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for Sizes {
        n,
        m,
        s,
        seeds,
        tolerances,
    } in SIZES
    {
        for kind in Kind::ALL {
            for depth in DEPTHS {
                for signed in [false, true] {
                    if kind == Kind::Negative && signed {
                        continue;
                    }
                    for alpha in ALPHAS {
                        for &tolerance in tolerances {
                            for &seed in seeds {
                                cells.push(Cell {
                                    kind,
                                    n,
                                    m,
                                    s,
                                    depth,
                                    signed,
                                    alpha,
                                    tolerance,
                                    seed,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    cells
}

/// Both integrators; `None` where no flow serves (the clock overflows).
fn row(cell: &Cell) -> Result<Option<Row>, CoreError> {
    let problem = problem(cell)?;
    let model = Model {
        depth: cell.depth,
        sign: if cell.signed { Sign::Signed } else { Sign::Positive },
        initialization: Initialization::Identical(cell.alpha),
    };
    let flow = |tolerance| choose(&problem, &model, cell.seed, None, tolerance).map(|choice| choice.flow);
    let chosen = match flow(cell.tolerance) {
        Ok(chosen) => chosen,
        Err(CoreError::OutOfRange { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let formulation = chosen.formulation();
    let row = |compared| {
        Some(Row {
            cell: *cell,
            flow: formulation.name().to_owned(),
            compared,
        })
    };
    if formulation != Formulation::Dual {
        return Ok(row(None));
    }
    let bdf = DiffsolIntegrator::new(Method::Bdf);
    let pilot = integrate(&chosen, &bdf, 1e-3, Schedule::LogSpaced(200));
    let times = || Schedule::Times(increasing(&pilot.path.t));
    let reference = Reference::of(flow(cell.tolerance / 100.0)?, cell.tolerance / 100.0, times());
    let methods: [&dyn Integrator; 2] = [&NdfIntegrator, &bdf];
    let mut seconds = [f64::INFINITY; 2];
    let mut runs = [None, None];
    for _ in 0..ROUNDS {
        for (k, method) in methods.iter().enumerate() {
            if runs[k].is_some() && seconds[k] > SLOW {
                continue;
            }
            let (run, taken) = clock::timed(|| integrate(&chosen, *method, cell.tolerance, times()));
            seconds[k] = seconds[k].min(taken);
            runs[k] = Some(run);
        }
    }
    let mut taken = runs
        .iter()
        .flatten()
        .zip(seconds)
        .map(|(run, seconds)| reference.judge(run, seconds));
    let (Some(ndf), Some(bdf)) = (taken.next(), taken.next()) else {
        return Ok(None);
    };
    Ok(row(Some(Compared {
        reference: reference.run.ended.clone(),
        ndf,
        bdf,
    })))
}

/// The positive times of a record, without its last, each but once.
fn increasing(t: &[f64]) -> Vec<f64> {
    let mut times: Vec<f64> = t[..t.len().saturating_sub(1)]
        .iter()
        .copied()
        .filter(|&t| t > 0.0)
        .collect();
    times.dedup_by(|later, earlier| *later <= *earlier);
    times
}
