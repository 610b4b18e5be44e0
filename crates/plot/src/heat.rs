//! The tiles of a map as marks: as few rectangles as show the same.

use std::collections::BTreeMap;

use crate::chart::{Heatmap, Tile};
use crate::colour_map::colour;
use crate::data::View;
use crate::scene::{Mark, Rect};
use crate::theme::Rgb;

impl View<'_> {
    /// The ground that says "nothing known" and the tiles on it.
    pub fn heat(&self, map: &Heatmap) -> Vec<Mark> {
        let tiles = map.tiles.iter().filter_map(|tile| self.tile(tile, map.range)).collect();
        let tiles = merge(tiles);
        if tiles.is_empty() {
            return Vec::new();
        }
        let ground = Mark::Tile {
            rect: self.frame,
            colour: self.theme.grid,
        };
        let marks = tiles.into_iter().map(|(rect, colour)| Mark::Tile { rect, colour });
        std::iter::once(ground).chain(marks).collect()
    }

    /// The part of a tile inside the frame, with its colour.
    fn tile(&self, tile: &Tile, (low, high): (f64, f64)) -> Option<(Rect, Rgb)> {
        let fraction = (tile.value - low) / (high - low);
        let frame = self.frame;
        let (a, b) = (self.horizontal(tile.x.0)?, self.horizontal(tile.x.1)?);
        let (c, d) = (self.vertical(tile.y.0)?, self.vertical(tile.y.1)?);
        let rect = Rect {
            left: a.min(b).max(frame.left),
            top: c.min(d).max(frame.top),
            right: a.max(b).min(frame.right),
            bottom: c.max(d).min(frame.bottom),
        };
        let visible = fraction.is_finite() && rect.left < rect.right && rect.top < rect.bottom;
        visible.then(|| (rect, colour(fraction)))
    }
}

/// Joins neighbours of one colour: first those on top of each other, then equal columns side by side.
fn merge(mut tiles: Vec<(Rect, Rgb)>) -> Vec<(Rect, Rgb)> {
    let order = |a: &(Rect, Rgb), b: &(Rect, Rgb)| {
        let key = |r: &Rect| (r.left, r.right, r.bottom);
        let (a, b) = (key(&a.0), key(&b.0));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(b.2.total_cmp(&a.2))
    };
    tiles.sort_by(order);
    let mut columns: Vec<(Rect, Rgb)> = Vec::new();
    for (rect, paint) in tiles {
        match columns.last_mut() {
            Some((below, same))
                if *same == paint
                    && below.left == rect.left
                    && below.right == rect.right
                    && below.top == rect.bottom =>
            {
                below.top = rect.top;
            }
            _ => columns.push((rect, paint)),
        }
    }
    let mut joined: Vec<(Rect, Rgb)> = Vec::new();
    let mut last: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    for (rect, paint) in columns {
        let key = (rect.top.to_bits(), rect.bottom.to_bits());
        match last.get(&key).map(|&i| &mut joined[i]) {
            Some((left, same)) if *same == paint && left.right == rect.left => left.right = rect.right,
            _ => {
                last.insert(key, joined.len());
                joined.push((rect, paint));
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(columns: usize, rows: usize, paint: impl Fn(usize, usize) -> u8) -> Vec<(Rect, Rgb)> {
        let tile = |i: usize, j: usize| {
            let rect = Rect {
                left: i as f64,
                right: i as f64 + 1.0,
                top: -(j as f64) - 1.0,
                bottom: -(j as f64),
            };
            (rect, Rgb(paint(i, j), 0, 0))
        };
        (0..rows).flat_map(|j| (0..columns).map(move |i| tile(i, j))).collect()
    }

    /// The colour at a point, by the naive search.
    fn at(tiles: &[(Rect, Rgb)], x: f64, y: f64) -> Vec<Rgb> {
        let hit = |r: &Rect| r.left < x && x < r.right && r.top < y && y < r.bottom;
        tiles.iter().filter(|(r, _)| hit(r)).map(|(_, paint)| *paint).collect()
    }

    #[test]
    fn merging_changes_nothing_that_is_seen() {
        type Paint = fn(usize, usize) -> u8;
        let paints: [(Paint, usize); 4] = [
            (|_, _| 7, 1),
            (|i, _| i as u8 / 3, 4),
            (|i, j| u8::from(i > j), 40),
            (|i, j| ((i * 7 + j * 13) % 5) as u8, 100),
        ];
        for (paint, most) in paints {
            let tiles = grid(10, 10, paint);
            let merged = merge(tiles.clone());
            assert!(merged.len() <= most, "{}", merged.len());
            for i in 0..10 {
                for j in 0..10 {
                    let (x, y) = (i as f64 + 0.5, -(j as f64) - 0.5);
                    assert_eq!(at(&merged, x, y), at(&tiles, x, y));
                    assert_eq!(at(&merged, x, y).len(), 1);
                }
            }
        }
    }

    #[test]
    fn gaps_stay_open() {
        let mut tiles = grid(3, 3, |_, _| 1);
        tiles.retain(|(r, _)| (r.left, r.bottom) != (1.0, -1.0));
        let merged = merge(tiles);
        assert!(at(&merged, 1.5, -1.5).is_empty());
        assert_eq!(at(&merged, 1.5, -2.5).len(), 1);
    }
}
