//! |w − z| ≤ radius: the weights have come near a point.

use super::{Event, EventView};

/// Happens when the weights enter the ball around a point z (n entries).
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    point: Vec<f64>,
    radius: f64,
}

impl Near {
    /// |w − z| ≤ `radius` (> 0).
    pub fn new(point: Vec<f64>, radius: f64) -> Self {
        Self { point, radius }
    }
}

impl Event for Near {
    fn name(&self) -> String {
        format!("Near(radius: {:e})", self.radius)
    }

    /// log(|w − z|/radius): on it an exponential approach is a straight line. Kept finite for w = z.
    fn value(&self, view: &EventView) -> f64 {
        let pairs = view.evaluation.weights.iter().zip(&self.point);
        let distance = pairs.map(|(w, z)| (w - z).powi(2)).sum::<f64>().sqrt();
        (distance.max(f64::MIN_POSITIVE) / self.radius).ln()
    }
}
