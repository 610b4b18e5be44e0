//! The mirror map of identical starts x0: entropy (L = 2), hyperbolic entropy (L = 2 signed), and powers (L > 2).

use super::{Anchor, MirrorMap, Position};
use crate::error::{CoreError, Result};
use crate::initialization::Sign;
use crate::special::exp_minus_linear;

/// The mirror map of identical starts x0: entropy (L = 2), hyperbolic entropy (L = 2 signed), and powers (L > 2).
///
/// Positive model, in the normalisation of the module above (arXiv 2112.11027, Sect. 2):
///
/// ```text
/// L = 2:  F(w) = ½ Σ (w log w − w)              L > 2:  F(w) = −L/(2(L−2)) Σ w^{2/L}
/// ```
///
/// A branch is located by λ = log(u/x0), which stays accurate *relative to the distance from the start*: in a large start
/// (the kernel regime) all of w hides in λ ~ w/x0^L. With ρ = λ(u) − λ(U), U^L = z, and φ(x) = eˣ − 1 − x, both give
/// for each coordinate, without cancellation,
///
/// ```text
/// L = 2:  D = ½U² φ(2ρ)          L > 2:  D = U² [ ½ φ(2ρ) + φ(−(L−2)ρ)/(L−2) ]         z = 0:  D = ½u²
/// ```
///
/// Signed model, w = u^L − v^L with conjugate F*(s) = ½(u² + v²) − x0²: for z = U^L − V^L on the same manifold the
/// divergence of the scalar potential is the sum of the two branch divergences D(U^L, u^L) + D(V^L, v^L), again a sum
/// of nonnegative terms. (Both sides equal ½(u²+v²) − ½(U²+V²) + (S − s)z.)
#[derive(Debug, Clone)]
pub struct IdenticalMirror {
    depth: f64,
    signed: bool,
    log_x0: Vec<f64>,
}

impl IdenticalMirror {
    /// The mirror map of depth L when every factor starts at x0 (n entries, all positive and finite).
    pub fn new(depth: usize, sign: Sign, x0: &[f64]) -> Result<Self> {
        if let Some((index, &value)) = x0.iter().enumerate().find(|(_, x)| !(x.is_finite() && **x > 0.0)) {
            return Err(CoreError::OutOfRange {
                field: "initialization",
                value: format!("{value} at entry {index}"),
                requirement: "every entry of an identical start must be positive and finite",
            });
        }
        let log_x0 = x0.iter().map(|x| x.ln()).collect();
        Ok(Self {
            depth: depth as f64,
            signed: sign == Sign::Signed,
            log_x0,
        })
    }

    /// D of one branch of coordinate i at λ = `now`; `anchor` = log(U/x0) (−∞ where z = 0).
    fn branch(&self, i: usize, anchor: f64, now: f64) -> f64 {
        let log_x0 = self.log_x0[i];
        if anchor == f64::NEG_INFINITY {
            return 0.5 * (2.0 * (log_x0 + now)).exp();
        }
        let rho = now - anchor;
        let square = (2.0 * (log_x0 + anchor)).exp();
        let l2 = self.depth - 2.0;
        let barrier = if l2 == 0.0 {
            0.0
        } else {
            exp_minus_linear(-l2 * rho) / l2
        };
        square * (0.5 * exp_minus_linear(2.0 * rho) + barrier)
    }

    /// (log(U/x0), log(V/x0)) on the manifold through x0 with U^L − V^L = z.
    fn pair(&self, i: usize, z: f64) -> (f64, f64) {
        if z == 0.0 {
            return (0.0, 0.0);
        }
        // log(U/x0) for |z|; ln(U^L − V^L) is increasing in it.
        let lambda = self.solve(z.abs().ln() - self.depth * self.log_x0[i]);
        let (big, small) = (lambda, -self.partner(lambda));
        if z > 0.0 { (big, small) } else { (small, big) }
    }

    /// log(x0/V) when log(U/x0) = λ: λ for L = 2; V^{2−L} = 2 x0^{2−L} − U^{2−L} for L > 2.
    fn partner(&self, lambda: f64) -> f64 {
        let l2 = self.depth - 2.0;
        if l2 == 0.0 {
            lambda
        } else {
            (-(-l2 * lambda).exp_m1()).ln_1p() / l2
        }
    }

    /// λ > 0 with ln(e^{Lλ} − e^{−L·partner}) = target.
    fn solve(&self, target: f64) -> f64 {
        let l = self.depth;
        let value = |lambda: f64| {
            let sum = lambda + self.partner(lambda);
            l * lambda + (-(-l * sum).exp_m1()).ln() - target
        };
        // ln(e^a − e^b) lies between ln(a−b)+b and a: a bracket that bisection halves to the last place.
        let (mut low, mut high) = (0.0, (target.max(0.0) + 2.0) / l);
        if value(f64::MIN_POSITIVE) > 0.0 {
            return 0.0;
        }
        for _ in 0..2000 {
            let middle = if low == 0.0 { high * 1e-3 } else { 0.5 * (low + high) };
            if middle <= low || middle >= high || (low > 0.0 && (high - low) <= 1e-17 * high) {
                break;
            }
            if value(middle) > 0.0 {
                high = middle
            } else {
                low = middle
            }
            if high < f64::MIN_POSITIVE * 1e3 {
                break;
            }
        }
        0.5 * (low + high)
    }
}

impl MirrorMap for IdenticalMirror {
    fn anchor(&self, z: &[f64]) -> Option<Anchor> {
        if !self.signed {
            return self.pair_anchor(z);
        }
        let mut anchor = self.empty_anchor(z.len());
        for (i, &z) in z.iter().enumerate() {
            let (u, v) = self.pair(i, z);
            let weight = |lambda: f64| (self.depth * (self.log_x0[i] + lambda)).exp();
            (anchor.position.plus[i], anchor.position.minus[i]) = (u, v);
            (anchor.plus_weight[i], anchor.minus_weight[i]) = (weight(u), weight(v));
        }
        Some(anchor)
    }

    fn pair_anchor(&self, z: &[f64]) -> Option<Anchor> {
        let mut anchor = self.empty_anchor(z.len());
        for (i, &z) in z.iter().enumerate() {
            if !self.signed && z < 0.0 {
                return None;
            }
            anchor.plus_weight[i] = z.max(0.0);
            anchor.position.plus[i] = z.max(0.0).ln() / self.depth - self.log_x0[i];
            if self.signed {
                anchor.minus_weight[i] = (-z).max(0.0);
                anchor.position.minus[i] = (-z).max(0.0).ln() / self.depth - self.log_x0[i];
            }
        }
        Some(anchor)
    }

    fn size(&self, anchor: &Anchor) -> f64 {
        let sum = |lambda: &[f64]| {
            let squares = lambda
                .iter()
                .zip(&self.log_x0)
                .map(|(lambda, x0)| (2.0 * (x0 + lambda)).exp());
            squares.sum::<f64>()
        };
        sum(&anchor.position.plus) + sum(&anchor.position.minus)
    }

    /// L (u^{2L−2} + v^{2L−2}).
    fn inverse_metric(&self, position: &Position, out: &mut [f64]) {
        let power = 2.0 * self.depth - 2.0;
        for (i, out) in out.iter_mut().enumerate() {
            let term = |lambda: f64| (power * (self.log_x0[i] + lambda)).exp();
            *out = self.depth * (term(position.plus[i]) + position.minus.get(i).map_or(0.0, |&v| term(v)));
        }
    }

    fn divergence(&self, anchor: &Anchor, position: &Position) -> f64 {
        let sum = |anchor: &[f64], now: &[f64]| {
            let pairs = anchor.iter().zip(now).enumerate();
            pairs.map(|(i, (&z, &u))| self.branch(i, z, u)).sum::<f64>()
        };
        sum(&anchor.position.plus, &position.plus) + sum(&anchor.position.minus, &position.minus)
    }
}

impl IdenticalMirror {
    fn empty_anchor(&self, n: usize) -> Anchor {
        let minus = if self.signed { n } else { 0 };
        let position = Position::new(n, self.signed);
        Anchor {
            plus_weight: vec![0.0; n],
            minus_weight: vec![0.0; minus],
            position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_position(depth: f64, x0: f64, plus: &[f64], minus: &[f64]) -> Position {
        let log = |w: &[f64]| w.iter().map(|w| w.ln() / depth - x0.ln()).collect();
        Position {
            plus: log(plus),
            minus: log(minus),
        }
    }

    /// Twelve-digit values of D_F(z, w) evaluated from the potentials in extended precision.
    #[test]
    fn positive_divergence_has_its_known_values() {
        let (z, w) = ([0.0, 0.7, 2.0], [0.3, 0.5, 0.1]);
        for (depth, exact) in [
            (2, 2.213497556371),
            (3, 2.273924496875),
            (4, 2.191907370446),
            (5, 2.072474758769),
        ] {
            let mirror = IdenticalMirror::new(depth, Sign::Positive, &[0.1; 3]).unwrap();
            let anchor = mirror.anchor(&z).unwrap();
            let d = mirror.divergence(&anchor, &log_position(depth as f64, 0.1, &w, &[]));
            assert!((d / exact - 1.0f64).abs() < 1e-12, "L = {depth}: {d}");
        }
    }

    /// Signed, x0 = 1/2, z = (.3, −2, 5), s = (.1, −.2, .3).
    #[test]
    fn signed_divergence_has_its_known_values() {
        for (depth, exact) in [(2usize, 4.732451837814), (3, 5.839444535585), (4, 9.015669373203)] {
            let l = depth as f64;
            let log_factor = |s: f64| {
                if depth == 2 {
                    s
                } else {
                    (0.5f64.powf(2.0 - l) - (l - 2.0) * s).ln() / (2.0 - l) - 0.5f64.ln()
                }
            };
            let s: [f64; 3] = [0.1, -0.2, 0.3];
            let position = Position {
                plus: s.map(log_factor).to_vec(),
                minus: s.map(|s| log_factor(-s)).to_vec(),
            };
            let mirror = IdenticalMirror::new(depth, Sign::Signed, &[0.5; 3]).unwrap();
            let anchor = mirror.anchor(&[0.3, -2.0, 5.0]).unwrap();
            let d = mirror.divergence(&anchor, &position);
            assert!((d / exact - 1.0f64).abs() < 1e-12, "L = {depth}: {d}");
        }
    }

    /// At L = 6, x0 = 1e-12, z = 1, w = 0.9 the textbook formula F(z) + F*(s) − sz returns 0.
    #[test]
    fn tiny_starts_do_not_cancel() {
        let mirror = IdenticalMirror::new(6, Sign::Signed, &[1e-12]).unwrap();
        let anchor = mirror.anchor(&[1.0]).unwrap();
        let log_u = 0.9f64.ln() / 6.0 - 1e-12f64.ln();
        let log_v = -mirror.partner(log_u);
        let d = mirror.divergence(
            &anchor,
            &Position {
                plus: vec![log_u],
                minus: vec![log_v],
            },
        );
        assert!((d - 9.36e-4).abs() < 5e-7, "{d}");
    }

    #[test]
    fn the_signed_anchor_lies_on_the_manifold() {
        for depth in [2, 3, 6] {
            for x0 in [1e-30, 1e-6, 0.3, 7.0] {
                let mirror = IdenticalMirror::new(depth, Sign::Signed, &[x0; 5]).unwrap();
                let z = [1e-9, -0.4, 3.0, 0.0, 1e4];
                let anchor = mirror.anchor(&z).unwrap();
                for (i, &z) in z.iter().enumerate() {
                    let back = anchor.plus_weight[i] - anchor.minus_weight[i];
                    let size = anchor.plus_weight[i].max(anchor.minus_weight[i]);
                    assert!(
                        (back - z).abs() <= 1e-12 * size.max(z.abs()),
                        "L {depth} x0 {x0} z {z}: {back}"
                    );
                }
            }
        }
    }

    /// dw/ds along the branch, s = F′(w): a difference of w over a small step of log u, du/ds = u^{L−1}.
    #[test]
    fn the_inverse_metric_is_the_slope_of_w() {
        for depth in [2usize, 3, 5] {
            let (l, x0) = (depth as f64, 0.3f64);
            let mirror = IdenticalMirror::new(depth, Sign::Signed, &[x0]).unwrap();
            let (u, v) = (0.9f64, 0.2f64);
            let position = Position {
                plus: vec![(u / x0).ln()],
                minus: vec![(v / x0).ln()],
            };
            let weight = |ds: f64| (u + ds * u.powf(l - 1.0)).powf(l) - (v - ds * v.powf(l - 1.0)).powf(l);
            let difference = (weight(1e-6) - weight(-1e-6)) / 2e-6;
            let mut slope = [0.0];
            mirror.inverse_metric(&position, &mut slope);
            assert!(
                (slope[0] / difference - 1.0).abs() < 1e-8,
                "L = {depth}: {} {difference}",
                slope[0]
            );
        }
    }

    #[test]
    fn a_negative_point_is_outside_the_positive_domain() {
        let mirror = IdenticalMirror::new(3, Sign::Positive, &[0.1]).unwrap();
        assert!(mirror.anchor(&[-1e-9]).is_none());
    }
}
