//! Mirror maps: the potential F with d/dt ∇F(w) = Aᵀr along the flow, and its Bregman divergence.
//!
//! Everything is separable, and evaluated from where a coordinate stands on its branch (log u, log v, or the smallest
//! factor), never from w: w = u^L − v^L has lost v, and with it most of D, long before the flow has converged.
//!
//! Normalisation as in arXiv 2112.11027: for Az = y, d/dt D_F(z, w(t)) = −|Aw − y|² = −2ℓ.

mod general;
mod identical;

pub use general::GeneralMirror;
pub use identical::IdenticalMirror;

/// Where each coordinate stands: log(u/x0) and log(v/x0) (identical starts x0) or the smallest factor of ∏u and of ∏v.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Branch of ∏u, n entries.
    pub plus: Vec<f64>,
    /// Branch of ∏v, n entries; empty for a positive model.
    pub minus: Vec<f64>,
}

impl Position {
    /// Storage for n coordinates.
    pub fn new(n: usize, signed: bool) -> Self {
        Self {
            plus: vec![0.0; n],
            minus: if signed { vec![0.0; n] } else { Vec::new() },
        }
    }
}

/// A point z at which divergences are taken, located once on the branches of the mirror map.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchor {
    /// Value of ∏u at z, n entries.
    pub plus_weight: Vec<f64>,
    /// Value of ∏v at z; empty for a positive model.
    pub minus_weight: Vec<f64>,
    /// Branch position of z.
    pub position: Position,
}

/// A separable mirror map, anchored at the initialization.
pub trait MirrorMap: Send + Sync {
    /// z on the manifold of the flow: for a signed model the pair (U, V) with U^L − V^L = z that the flow could reach,
    /// so that the divergence is that of the scalar potential in w. `None` where z is outside the domain (D = +∞).
    fn anchor(&self, z: &[f64]) -> Option<Anchor>;

    /// The pair (z⁺, z⁻): the divergence is then D(z⁺, ∏u) + D(z⁻, ∏v), the pair divergence of arXiv 2112.11027.
    fn pair_anchor(&self, z: &[f64]) -> Option<Anchor>;

    /// Σ U² + V² of an anchored point: near it D ≈ ½ L Σ U² (δ log u)², so √(D Σ U²)·δ is what an error δ of log u costs.
    fn size(&self, anchor: &Anchor) -> f64;

    /// 1/F″ = dw/ds of each coordinate, n entries: w′ = (1/F″)∘Aᵀr. It is Σ_k (∂w/∂x_k)² over all factors (over the one
    /// common factor of each product, times L, where they start alike).
    fn inverse_metric(&self, position: &Position, out: &mut [f64]);

    /// D ≥ 0 of the anchored point from the present position.
    fn divergence(&self, anchor: &Anchor, position: &Position) -> f64;
}
