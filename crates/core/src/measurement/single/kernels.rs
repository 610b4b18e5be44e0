//! The two products in lanes, group of columns by group: both read the entries in the order in which they lie.

use std::hint::black_box;

use pulp::{Simd, WithSimd};

use super::super::dense_kernels::{add_four, add_one};
use super::{GROUP, NOTHING, Rounded, Sum, TILE};

/// See [`super::SinglePrecision::add`].
pub(super) struct Multiply<'a, 'b> {
    /// Groups from that of the first column on, and entries of one.
    pub(super) groups: &'a [f32],
    pub(super) length: usize,
    /// Columns from the first on.
    pub(super) matrix: &'a [f64],
    pub(super) products: &'a mut [Product<'b>],
}

/// What is added to a sum: the columns from the first on with the weights w.
pub(super) struct Product<'a> {
    w: &'a [f64],
    adding: Adding<'a>,
}

impl<'a> Product<'a> {
    pub(super) fn new(w: &'a [f64], sum: &'a mut Sum) -> Self {
        Self {
            w,
            adding: Adding::new(sum),
        }
    }
}

/// Columns on their way into a sum.
struct Adding<'a> {
    sum: &'a mut Sum,
    /// Weights of the present group in units of the limit, so that none is out of range; zero where they are not rounded.
    rounded: [f32; GROUP],
    any: bool,
    /// Columns that are not rounded and their weights, until there are four of them.
    large: [(usize, f64); 4],
    of_large: usize,
}

/// Tiles of a group after which it is the turn of the next product: they stay in the nearest cache, as do the sums.
const TURN: usize = 16;

impl WithSimd for Multiply<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            groups,
            length,
            matrix,
            products,
        } = self;
        let columns = products.first().map_or(0, |product| product.w.len());
        let turn = if products.len() > 1 {
            TURN * TILE
        } else {
            length / GROUP
        };
        // Backwards, as the other product goes forwards: what was read last is in the caches.
        for group in (0..columns.div_ceil(GROUP)).rev() {
            let first = GROUP * group;
            for Product { w, adding } in products.iter_mut() {
                adding.round(simd, first, &w[first..columns.min(first + GROUP)], matrix);
            }
            let entries = groups[group * length..][..length].chunks(GROUP * turn);
            for (place, entries) in entries.enumerate() {
                for Product { adding, .. } in products.iter_mut().filter(|product| product.adding.any) {
                    let single = adding.sum.single.slice_mut();
                    let end = single.len().min((place + 1) * turn);
                    add_group(simd, entries, adding.rounded, &mut single[place * turn..end]);
                }
            }
        }
        for Product { adding, .. } in products {
            adding.finish(matrix);
        }
    }
}

impl<'a> Adding<'a> {
    fn new(sum: &'a mut Sum) -> Self {
        Self {
            sum,
            rounded: [0.0; GROUP],
            any: false,
            large: [(0, 0.0); 4],
            of_large: 0,
        }
    }

    /// Rounds the weights of a group of columns, and adds those columns that are not rounded.
    #[inline(always)]
    #[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
    fn round<S: Simd>(&mut self, simd: S, first: usize, weights: &[f64], matrix: &[f64]) {
        let Sum { double, limit, .. } = &mut *self.sum;
        let limit = *limit;
        let (nothing, scale) = (NOTHING * limit, 1.0 / limit);
        let ordinary = |w: &f64| (w.abs() < limit) & (w.abs() > nothing);
        // a group of which every column is rounded, as most are: in lanes
        if let Ok(weights) = <&[f64; GROUP]>::try_from(weights)
            && weights.iter().fold(true, |all, w| all & ordinary(w))
        {
            self.rounded = std::array::from_fn(|k| (scale * weights[k]) as f32);
            self.any = true;
            return;
        }
        self.rounded = [0.0; GROUP];
        self.any = false;
        for (k, &weight) in weights.iter().enumerate() {
            if ordinary(&weight) {
                self.rounded[k] = (scale * weight) as f32;
                self.any = true;
            } else if weight.abs() > nothing || weight.is_nan() {
                self.large[self.of_large] = (first + k, weight);
                self.of_large += 1;
                if self.of_large == 4 {
                    let rows = double.len();
                    let exact = |(j, w): (usize, f64)| (&matrix[j * rows..][..rows], w);
                    let [a, b, c, d] = self.large;
                    add_four(simd, [exact(a), exact(b), exact(c), exact(d)], double);
                    self.of_large = 0;
                }
            }
        }
    }

    /// Adds the columns that are left over.
    #[inline(always)]
    #[allow(clippy::inline_always)] // as above
    fn finish(&mut self, matrix: &[f64]) {
        let double = &mut self.sum.double;
        let rows = double.len();
        for &(j, w) in &self.large[..self.of_large] {
            add_one(&matrix[j * rows..][..rows], w, double);
        }
    }
}

/// `sum += Σ w_j a_j` over the columns of a group.
#[inline(always)]
#[allow(clippy::inline_always)] // only then it is compiled for the instruction set of its caller
fn add_group<S: Simd>(simd: S, group: &[f32], w: [f32; GROUP], sum: &mut [f32]) {
    let vectors = TILE / S::F32_LANES;
    // one by one: `map` over the array would not be inlined
    let (a, b, c, d) = (
        simd.splat_f32s(w[0]),
        simd.splat_f32s(w[1]),
        simd.splat_f32s(w[2]),
        simd.splat_f32s(w[3]),
    );
    let (e, f, g, h) = (
        simd.splat_f32s(w[4]),
        simd.splat_f32s(w[5]),
        simd.splat_f32s(w[6]),
        simd.splat_f32s(w[7]),
    );
    let tiles = S::as_simd_f32s(group).0.chunks_exact(GROUP * vectors);
    let sums = S::as_mut_simd_f32s(sum).0.chunks_exact_mut(vectors);
    for (sums, tile) in sums.zip(tiles) {
        for (i, sum) in sums.iter_mut().enumerate() {
            let x = |k: usize| tile[k * vectors + i];
            let first = simd.mul_add_e_f32s(a, x(0), simd.mul_add_e_f32s(b, x(1), *sum));
            let second = simd.mul_add_e_f32s(c, x(2), simd.mul_f32s(d, x(3)));
            let third = simd.mul_add_e_f32s(e, x(4), simd.mul_f32s(f, x(5)));
            let fourth = simd.mul_add_e_f32s(g, x(6), simd.mul_f32s(h, x(7)));
            *sum = simd.add_f32s(simd.add_f32s(first, second), simd.add_f32s(third, fourth));
        }
    }
}

/// See [`super::SinglePrecision::products`].
pub(super) struct MultiplyAdjoint<'a> {
    /// Groups from that of the first column on, and entries of one.
    pub(super) groups: &'a [f32],
    pub(super) length: usize,
    pub(super) r: &'a Rounded,
    pub(super) out: &'a mut [f64],
}

impl WithSimd for MultiplyAdjoint<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            groups,
            length,
            r: Rounded { entries, scale },
            out,
        } = self;
        for (out, group) in out.chunks_mut(GROUP).zip(groups.chunks_exact(length)) {
            products(simd, group, entries.slice(), *scale, out);
        }
    }
}

/// `scale` times the products of the columns of a group with r, as many as are asked for.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn products<S: Simd>(simd: S, group: &[f32], r: &[f32], scale: f64, out: &mut [f64]) {
    let vectors = TILE / S::F32_LANES;
    let mut sums = [simd.splat_f32s(0.0); GROUP];
    let tiles = S::as_simd_f32s(group).0.chunks_exact(GROUP * vectors);
    for (r, tile) in S::as_simd_f32s(r).0.chunks_exact(vectors).zip(tiles) {
        for (i, &r) in r.iter().enumerate() {
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum = simd.mul_add_e_f32s(tile[k * vectors + i], r, *sum);
            }
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = scale * f64::from(simd.reduce_sum_f32s(sum));
    }
}

/// What the products with a group of columns are followed by: the weights of these columns.
pub(crate) trait Weigh {
    /// From the products with the columns from `first` on to their weights. Must be `#[inline(always)]`.
    fn weigh(&mut self, first: usize, products: &[f64], weights: &mut [f64]);
}

/// See [`super::SinglePrecision::sweep`].
pub(super) struct Sweep<'a, W> {
    pub(super) groups: &'a [f32],
    pub(super) length: usize,
    pub(super) matrix: &'a [f64],
    pub(super) r: &'a Rounded,
    /// Columns whose products are known, in increasing order.
    pub(super) known: &'a [usize],
    pub(super) products: &'a mut [f64],
    pub(super) weigh: W,
    pub(super) weights: &'a mut [f64],
    pub(super) sum: &'a mut Sum,
}

/// Groups whose weights are found together: as many as fit into so many bytes, at least one and at most [`MOST`].
const NEAREST: usize = 20 << 10;
const MOST: usize = 8;

impl<W: Weigh> WithSimd for Sweep<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            groups,
            length,
            matrix,
            r: Rounded { entries, scale },
            known,
            products: out,
            mut weigh,
            weights,
            sum,
        } = self;
        let mut known = known.iter().peekable();
        let mut adding = Adding::new(sum);
        let count = out.len();
        let together = (NEAREST / size_of_val(&groups[..length])).clamp(1, MOST);
        for (block, groups) in groups.chunks(together * length).enumerate() {
            let first = block * together * GROUP;
            for (group, columns) in groups.chunks_exact(length).enumerate() {
                let first = first + group * GROUP;
                let mut here = [0.0; GROUP];
                products(simd, columns, entries.slice(), *scale, &mut here);
                for (k, (out, product)) in out[first..].iter_mut().zip(here).enumerate() {
                    if known.next_if(|&&j| j == first + k).is_none() {
                        *out = product;
                    }
                }
            }
            // where a compiler knows that they are few, it does not make vectors of them
            let few = first..first + black_box((together * GROUP).min(count - first));
            weigh.weigh(first, &out[few.clone()], &mut weights[few.clone()]);
            let weights = weights[few].chunks(GROUP);
            for (group, (columns, weights)) in groups.chunks_exact(length).zip(weights).enumerate() {
                adding.round(simd, first + group * GROUP, weights, matrix);
                if adding.any {
                    add_group(simd, columns, adding.rounded, adding.sum.single.slice_mut());
                }
            }
        }
        adding.finish(matrix);
    }
}
