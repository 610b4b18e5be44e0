//! The mirror map of non-identical starts.

use super::{Anchor, MirrorMap, Position};
use crate::error::{CoreError, Result};
use crate::initialization::Sign;

/// Nodes per unit of η.
const NODES: usize = 16;

/// The mirror map of non-identical starts.
///
/// All factors of one product obey (x_k²)′ = 2w (Aᵀr), so x_k² = ξ² + d_k with d_k ≥ 0 constant and ξ the (signed)
/// smallest factor: one number ξ per coordinate and branch. With Q(ξ) = ∏_{k ≠ min} √(ξ² + d_k):
///
/// ```text
/// w = ξ Q(ξ),   s′ = Aᵀr,   ds = dξ/Q(ξ),   F″(w) = 1/Σ_k (w/x_k)²
/// D(z, w) = ∫_ξ^Ξ (z/Q(ξ′) − ξ′) dξ′,   z = Ξ Q(Ξ)
/// ```
///
/// (arXiv 2112.11027 treats identical starts; this form follows from F*(s)′ = w and ξ dξ = w ds.) The integral is taken
/// in η with ξ = δ sinh η, δ² = min d_k, or ξ = e^η where another factor ties with the smallest: there the integrand is
/// analytic in a strip of half-width π/2 and a composite Gauss rule reaches rounding.
///
/// Signed model: the branches of u and v are tied by s_u = −s_v, and the scalar divergence is D_u + D_v.
#[derive(Debug, Clone)]
pub struct GeneralMirror {
    branches: Vec<Branch>,
    signed: bool,
    rule: Vec<(f64, f64)>,
}

/// One product of factors of one coordinate.
#[derive(Debug, Clone)]
struct Branch {
    /// ξ at t = 0.
    start: f64,
    /// d_k of the other factors.
    gaps: Vec<f64>,
    /// δ; 0 where another factor ties with the smallest.
    delta: f64,
}

impl Branch {
    fn new(factors: &[f64]) -> Self {
        let smallest = (0..factors.len())
            .min_by(|&i, &j| factors[i].total_cmp(&factors[j]))
            .unwrap_or(0);
        let start = factors[smallest];
        let others = factors.iter().enumerate().filter(|(k, _)| *k != smallest);
        let gaps: Vec<f64> = others.map(|(_, x)| (x - start) * (x + start)).collect();
        let delta = gaps.iter().fold(f64::INFINITY, |a, &b| a.min(b)).sqrt();
        Self { start, gaps, delta }
    }

    fn q(&self, xi: f64) -> f64 {
        self.gaps.iter().map(|gap| xi.hypot(gap.sqrt())).product()
    }

    /// Σ_k ∏_{j≠k} x_j² over the factors x_k² = ξ² + d_k (d = 0 for the smallest).
    fn metric(&self, xi: f64) -> f64 {
        let squares = || std::iter::once(xi * xi).chain(self.gaps.iter().map(|gap| xi * xi + gap));
        let without = |k: usize| {
            squares()
                .enumerate()
                .filter(move |(j, _)| *j != k)
                .map(|(_, square)| square)
        };
        (0..=self.gaps.len()).map(|k| without(k).product::<f64>()).sum()
    }

    fn weight(&self, xi: f64) -> f64 {
        xi * self.q(xi)
    }

    fn eta(&self, xi: f64) -> f64 {
        if self.delta > 0.0 {
            (xi / self.delta).asinh()
        } else {
            xi.ln()
        }
    }

    fn xi(&self, eta: f64) -> f64 {
        if self.delta > 0.0 {
            self.delta * eta.sinh()
        } else {
            eta.exp()
        }
    }

    /// dξ/dη.
    fn slope(&self, eta: f64) -> f64 {
        if self.delta > 0.0 {
            self.delta * eta.cosh()
        } else {
            eta.exp()
        }
    }

    /// Ξ with Ξ Q(Ξ) = z; `None` where no real factor gives z.
    fn invert_weight(&self, z: f64) -> Option<f64> {
        if z == 0.0 {
            return Some(0.0);
        }
        if z < 0.0 && self.delta == 0.0 {
            return None;
        }
        let mut high = z.abs().powf(1.0 / (self.gaps.len() + 1) as f64);
        let mut low = z.abs() / self.q(high);
        for _ in 0..200 {
            let middle = (low * high).sqrt();
            if middle <= low || middle >= high {
                break;
            }
            if self.weight(middle) > z.abs() {
                high = middle
            } else {
                low = middle
            }
        }
        Some(high.copysign(z))
    }
}

impl GeneralMirror {
    /// The mirror map of the flow whose coordinate-major initial factors (L per branch, positive) are given.
    pub fn new(depth: usize, sign: Sign, initial: &[f64]) -> Result<Self> {
        if let Some((index, &value)) = initial.iter().enumerate().find(|(_, x)| !(x.is_finite() && **x > 0.0)) {
            return Err(CoreError::OutOfRange {
                field: "initialization",
                value: format!("{value} at entry {index}"),
                requirement: "every factor must start positive and finite",
            });
        }
        let branches = initial.chunks_exact(depth).map(Branch::new).collect();
        Ok(Self {
            branches,
            signed: sign == Sign::Signed,
            rule: gauss_legendre(NODES),
        })
    }

    /// ∫_{a}^{b} f(ξ) dξ over a branch, in the variable η.
    fn integrate(&self, branch: &Branch, a: f64, b: f64, f: impl Fn(f64) -> f64) -> f64 {
        let (from, to) = (branch.eta(a), branch.eta(b));
        let panels = ((to - from).abs().ceil()).clamp(1.0, 4096.0);
        let width = (to - from) / panels;
        let mut sum = 0.0;
        for panel in 0..panels as usize {
            let centre = from + (panel as f64 + 0.5) * width;
            for &(node, weight) in &self.rule {
                let eta = centre + 0.5 * width * node;
                sum += weight * f(branch.xi(eta)) * branch.slope(eta);
            }
        }
        0.5 * width * sum
    }

    /// D of one branch between the anchored Ξ (with its weight z) and the present ξ.
    fn branch_divergence(&self, branch: &Branch, z: f64, big: f64, xi: f64) -> f64 {
        if z == 0.0 {
            return 0.5 * xi * xi;
        }
        // (z − w(ξ′))/Q has the sign of the direction of integration, so nothing cancels.
        self.integrate(branch, xi, big, |x| z / branch.q(x) - x).max(0.0)
    }

    /// s(ξ) = ∫ dξ/Q from the start.
    fn dual(&self, branch: &Branch, xi: f64) -> f64 {
        self.integrate(branch, branch.start, xi, |x| 1.0 / branch.q(x))
    }

    /// ξ ≤ start with s(ξ) = −s, s ≥ 0.
    fn descend(&self, branch: &Branch, s: f64) -> f64 {
        let mut high = branch.eta(branch.start);
        let mut low = high - 1.0;
        while -self.dual(branch, branch.xi(low)) < s && low > -700.0 {
            high = low;
            low -= 1.0;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if -self.dual(branch, branch.xi(middle)) < s {
                high = middle
            } else {
                low = middle
            }
        }
        branch.xi(0.5 * (low + high))
    }

    /// (Ξ_rising, Ξ_falling): the rising branch exceeds the falling one by z, tied by s.
    fn tie(&self, rising: &Branch, falling: &Branch, z: f64) -> Option<(f64, f64)> {
        let ceiling = rising.invert_weight(z + falling.weight(falling.start))?;
        let (mut low, mut high) = (rising.eta(rising.start), rising.eta(ceiling));
        let partner = |eta: f64| self.descend(falling, self.dual(rising, rising.xi(eta)));
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            let difference = rising.weight(rising.xi(middle)) - falling.weight(partner(middle));
            if difference > z { high = middle } else { low = middle }
        }
        let eta = 0.5 * (low + high);
        Some((rising.xi(eta), partner(eta)))
    }

    /// Branch positions (Ξ_u, Ξ_v) of z on the manifold of the flow.
    fn tied_positions(&self, i: usize, z: f64) -> Option<(f64, f64)> {
        let (u, v) = (&self.branches[2 * i], &self.branches[2 * i + 1]);
        let start = u.weight(u.start) - v.weight(v.start);
        if z == start {
            Some((u.start, v.start))
        } else if z > start {
            self.tie(u, v, z)
        } else {
            self.tie(v, u, -z).map(|(v, u)| (u, v))
        }
    }

    fn anchor_with(&self, n: usize, locate: impl Fn(usize) -> Option<(f64, f64)>) -> Option<Anchor> {
        let mut position = Position::new(n, self.signed);
        let (mut plus_weight, mut minus_weight) = (vec![0.0; n], vec![0.0; position.minus.len()]);
        let per = if self.signed { 2 } else { 1 };
        for i in 0..n {
            let (u, v) = locate(i)?;
            position.plus[i] = u;
            plus_weight[i] = self.branches[per * i].weight(u);
            if self.signed {
                position.minus[i] = v;
                minus_weight[i] = self.branches[per * i + 1].weight(v);
            }
        }
        Some(Anchor {
            plus_weight,
            minus_weight,
            position,
        })
    }
}

impl MirrorMap for GeneralMirror {
    fn anchor(&self, z: &[f64]) -> Option<Anchor> {
        if self.signed {
            self.anchor_with(z.len(), |i| self.tied_positions(i, z[i]))
        } else {
            self.anchor_with(z.len(), |i| Some((self.branches[i].invert_weight(z[i])?, 0.0)))
        }
    }

    fn pair_anchor(&self, z: &[f64]) -> Option<Anchor> {
        if !self.signed {
            return self.anchor(z);
        }
        self.anchor_with(z.len(), |i| {
            let plus = self.branches[2 * i].invert_weight(z[i].max(0.0))?;
            Some((plus, self.branches[2 * i + 1].invert_weight((-z[i]).max(0.0))?))
        })
    }

    fn size(&self, anchor: &Anchor) -> f64 {
        let Position { plus, minus } = &anchor.position;
        plus.iter().chain(minus).map(|xi| xi * xi).sum()
    }

    /// Σ_k ∏_{j≠k} x_j² with x_k² = ξ² + d_k.
    fn inverse_metric(&self, position: &Position, out: &mut [f64]) {
        let per = if self.signed { 2 } else { 1 };
        for (i, out) in out.iter_mut().enumerate() {
            let plus = self.branches[per * i].metric(position.plus[i]);
            *out = plus
                + position
                    .minus
                    .get(i)
                    .map_or(0.0, |&xi| self.branches[per * i + 1].metric(xi));
        }
    }

    fn divergence(&self, anchor: &Anchor, position: &Position) -> f64 {
        let per = if self.signed { 2 } else { 1 };
        let term = |i: usize, offset: usize, weights: &[f64], anchors: &[f64], now: &[f64]| {
            self.branch_divergence(&self.branches[per * i + offset], weights[i], anchors[i], now[i])
        };
        (0..position.plus.len())
            .map(|i| {
                let plus = term(i, 0, &anchor.plus_weight, &anchor.position.plus, &position.plus);
                let minus = |_| term(i, 1, &anchor.minus_weight, &anchor.position.minus, &position.minus);
                plus + position.minus.get(i).map_or(0.0, minus)
            })
            .sum()
    }
}

/// Gauss–Legendre nodes and weights on [−1, 1], by Newton's method on P_n (Golub's classical formulas).
fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    (0..n)
        .map(|i| {
            let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
            let mut derivative = 0.0;
            for _ in 0..20 {
                let (mut previous, mut value) = (1.0, x);
                for k in 2..=n {
                    let k = k as f64;
                    (previous, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * previous) / k);
                }
                derivative = n as f64 * (x * value - previous) / (x * x - 1.0);
                x -= value / derivative;
            }
            (x, 2.0 / ((1.0 - x * x) * derivative * derivative))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::IdenticalMirror;

    /// L = 2 with c = |x_1² − x_2²|: F″ = 1/√(4w² + c²), so D has the closed form of the hyperbolic entropy.
    #[test]
    fn two_unequal_factors_have_the_hyperbolic_entropy() {
        let (a, b) = (0.3f64, 0.5f64);
        let mirror = GeneralMirror::new(2, Sign::Positive, &[a, b]).unwrap();
        let c = (a * a - b * b).abs();
        let entropy = |z: f64, w: f64| {
            0.5 * (z * ((2.0 * z / c).asinh() - (2.0 * w / c).asinh()))
                - 0.25 * ((4.0 * z * z + c * c).sqrt() - (4.0 * w * w + c * c).sqrt())
        };
        for z in [-1.5, 0.0, 1e-3, 0.15, 2.0] {
            for w in [-0.7, 1e-4, 0.15, 3.0] {
                let anchor = mirror.anchor(&[z]).unwrap();
                let xi = mirror.branches[0].invert_weight(w).unwrap();
                let d = mirror.divergence(
                    &anchor,
                    &Position {
                        plus: vec![xi],
                        minus: vec![],
                    },
                );
                // The closed form itself loses digits where z is near w.
                assert!(
                    (d - entropy(z, w)).abs() < 1e-13 * (1.0 + z.abs() + w.abs()),
                    "z {z} w {w}: {d}"
                );
            }
        }
    }

    /// Almost equal factors must reproduce the identical start, signed and positive, scalar and pair divergence.
    #[test]
    fn nearly_identical_factors_agree_with_the_identical_mirror() {
        for depth in [2usize, 3, 5] {
            let x0 = 0.2f64;
            let spread = |i: usize| x0 * (1.0 + 1e-9 * i as f64);
            let initial: Vec<f64> = (0..2 * depth).map(|i| spread(i % depth)).collect();
            let general = GeneralMirror::new(depth, Sign::Signed, &initial).unwrap();
            let identical = IdenticalMirror::new(depth, Sign::Signed, &[x0]).unwrap();
            let u = 0.6f64;
            let l2 = depth as f64 - 2.0;
            let v = if depth == 2 {
                x0 * x0 / u
            } else {
                (2.0 * x0.powf(-l2) - u.powf(-l2)).powf(-1.0 / l2)
            };
            for z in [0.0, 0.4, -1.3] {
                let logs = Position {
                    plus: vec![(u / x0).ln()],
                    minus: vec![(v / x0).ln()],
                };
                let factors = Position {
                    plus: vec![u],
                    minus: vec![v],
                };
                let pairs = [
                    (identical.anchor(&[z]), general.anchor(&[z])),
                    (identical.pair_anchor(&[z]), general.pair_anchor(&[z])),
                ];
                for (exact, ours) in pairs {
                    let exact = identical.divergence(&exact.unwrap(), &logs);
                    let ours = general.divergence(&ours.unwrap(), &factors);
                    assert!(
                        (ours / exact - 1.0).abs() < 1e-6,
                        "L {depth} z {z}: {ours} against {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn gauss_rule_is_exact_for_polynomials() {
        let rule = gauss_legendre(NODES);
        let moment = |p: i32| rule.iter().map(|(x, w)| w * x.powi(p)).sum::<f64>();
        assert!((moment(0) - 2.0).abs() < 1e-14);
        assert!((moment(30) - 2.0 / 31.0).abs() < 1e-14);
    }
}
