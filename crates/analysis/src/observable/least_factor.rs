//! The smallest factor in units of where it started.

use std::sync::OnceLock;

use hadaflow_core::flow::Flow;
use hadaflow_core::record::Snapshot;

use super::{Context, Label, Observable};

struct LeastFactor {
    initial: OnceLock<Vec<f64>>,
}

pub(super) fn build(flow: &dyn Flow, _context: &Context) -> Vec<Box<dyn Observable>> {
    if flow.factor_layout().is_some() {
        vec![Box::new(LeastFactor {
            initial: OnceLock::new(),
        })]
    } else {
        Vec::new()
    }
}

impl Observable for LeastFactor {
    fn label(&self) -> Label {
        let text = "The smallest ratio of a factor to where it started; negative once one has changed its sign.";
        Label::new("least_factor", "min x/x(0)", false, text)
    }

    fn measure(&self, snapshot: &Snapshot, _context: &Context) -> f64 {
        let Some(x) = snapshot.flow.factors(snapshot.state) else {
            return f64::NAN;
        };
        let initial = self.initial.get_or_init(|| snapshot.flow.initial_state());
        let ratios = x.iter().zip(initial).map(|(now, then)| now / then);
        // `min` would forget a NaN
        ratios.fold(f64::INFINITY, |least, ratio| {
            if ratio < least || ratio.is_nan() { ratio } else { least }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hadaflow_core::flow::{Evaluation, FactorFlow, LogFlow};
    use hadaflow_core::initialization::{Sign, Start};
    use hadaflow_core::measurement::DenseOperator;
    use hadaflow_core::mirror::Position;
    use hadaflow_core::problem::Problem;
    use hadaflow_core::special::DoubleDouble;

    use super::*;

    fn problem() -> Problem {
        let operator = Arc::new(DenseOperator::new(nalgebra::DMatrix::identity(2, 2)).unwrap());
        Problem::new(operator, vec![1.0, 1.0], None, 0.0).unwrap()
    }

    fn measured(state: &[f64]) -> f64 {
        let flow = FactorFlow::new(problem(), 2, Sign::Positive, &Start::Identical(vec![0.5, 2.0])).unwrap();
        let snapshot = Snapshot {
            flow: &flow,
            t: DoubleDouble::new(0.0, 0.0),
            steps: 0,
            state,
            evaluation: &Evaluation::new(2, 2),
            loss: 0.0,
            loss_integral: DoubleDouble::new(0.0, 0.0),
            dual: &[0.0; 2],
            increments: &[],
            place: Position::new(2, false).into(),
        };
        build(&flow, &Context::default())[0].measure(&snapshot, &Context::default())
    }

    #[test]
    fn the_smallest_ratio_counts() {
        assert_eq!(measured(&[0.5, 0.5, 2.0, 2.0]), 1.0);
        assert_eq!(measured(&[0.4, 0.4, 1.0, 3.0]), 0.5, "1/2 is less than 0.4/0.5");
        assert_eq!(measured(&[-0.1, 0.4, 1.0, 3.0]), -0.2);
        assert!(measured(&[0.5, f64::NAN, -1.0, 2.0]).is_nan());
    }

    #[test]
    fn only_where_there_are_factors() {
        let flow = LogFlow::new(problem(), 2, Sign::Positive, &[0.5, 2.0]).unwrap();
        assert!(build(&flow, &Context::default()).is_empty());
    }
}
