//! Curves on paper: fewer points, cut to the frame, broken into dashes.

use crate::scene::{Point, Rect};

/// Distance on paper, in millimetres, below which two positions are the same.
pub(crate) const RESOLUTION: f64 = 0.02;
/// A dashed curve is broken into at most this many pieces; the pattern is stretched when it would need more.
const MOST_DASHES: f64 = 600.0;

/// The same curve to within the resolution, with as few points as a single pass finds.
pub(crate) fn thin(points: &[Point]) -> Vec<Point> {
    straighten(&per_column(points))
}

/// Keeps the first, lowest, highest and last of consecutive points in the same column of paper, in their order.
fn per_column(points: &[Point]) -> Vec<Point> {
    let column = |point: &Point| (point.0 / RESOLUTION).floor();
    let mut kept = Vec::new();
    for group in points.chunk_by(|a, b| column(a) == column(b)) {
        let mut indices = [0, 0, 0, group.len() - 1];
        for (i, point) in group.iter().enumerate() {
            if point.1 < group[indices[1]].1 {
                indices[1] = i;
            }
            if point.1 > group[indices[2]].1 {
                indices[2] = i;
            }
        }
        indices.sort_unstable();
        let mut last = usize::MAX;
        for i in indices {
            if i != last {
                kept.push(group[i]);
            }
            last = i;
        }
    }
    kept
}

/// Replaces stretches by chords: from a kept point, the cone of directions that pass every later point within the
/// tolerance is narrowed until it is empty or the curve turns back; the point before is kept.
fn straighten(points: &[Point]) -> Vec<Point> {
    let tolerance = 0.5 * RESOLUTION;
    let Some((&first, rest)) = points.split_first() else {
        return Vec::new();
    };
    let mut kept = vec![first];
    let (mut anchor, mut previous) = (first, first);
    let mut cone: Option<Cone> = None;
    for &point in rest {
        let narrowed = Cone::towards(anchor, point, tolerance);
        let next = match (cone, narrowed) {
            (None, narrowed) => Some(narrowed),
            (Some(old), Some(new)) => old.meet(new).map(Some),
            // Back within the tolerance of the anchor after having left it.
            (Some(_), None) => None,
        };
        cone = next.unwrap_or_else(|| {
            kept.push(previous);
            anchor = previous;
            Cone::towards(anchor, point, tolerance)
        });
        previous = point;
    }
    if kept.last() != Some(&previous) {
        kept.push(previous);
    }
    kept
}

/// Directions from an anchor: a middle angle, a half-width around it and the distance already reached.
#[derive(Clone, Copy)]
struct Cone {
    middle: f64,
    half: f64,
    reach: f64,
}

impl Cone {
    /// Directions that pass a point within the tolerance; nothing when every direction does.
    fn towards(anchor: Point, point: Point, tolerance: f64) -> Option<Self> {
        let (dx, dy) = (point.0 - anchor.0, point.1 - anchor.1);
        let reach = dx.hypot(dy);
        (reach > tolerance).then(|| Self {
            middle: dy.atan2(dx),
            half: (tolerance / reach).asin(),
            reach,
        })
    }

    /// Directions in both cones, if the second point lies inside this cone and not nearer than the first.
    fn meet(self, new: Self) -> Option<Self> {
        let mut turn = new.middle - self.middle;
        if turn.abs() > std::f64::consts::PI {
            turn -= turn.signum() * std::f64::consts::TAU;
        }
        if turn.abs() > self.half || new.reach < self.reach {
            return None;
        }
        let (low, high) = ((-self.half).max(turn - new.half), self.half.min(turn + new.half));
        Some(Self {
            middle: self.middle + 0.5 * (low + high),
            half: 0.5 * (high - low),
            reach: new.reach,
        })
    }
}

/// The parts of a polyline inside a rectangle.
pub(crate) fn clip_line(points: &[Point], frame: &Rect) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    for pair in points.windows(2) {
        let Some((from, to)) = clip_segment(pair[0], pair[1], frame) else {
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&from) => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// Liang–Barsky clipping of one segment.
fn clip_segment(a: Point, b: Point, frame: &Rect) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    let walls = [
        (-dx, a.0 - frame.left),
        (dx, frame.right - a.0),
        (-dy, a.1 - frame.top),
        (dy, frame.bottom - a.1),
    ];
    for (speed, room) in walls {
        if speed == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if speed < 0.0 {
            enter = enter.max(room / speed);
        } else {
            leave = leave.min(room / speed);
        }
    }
    let point = |s: f64| (a.0 + s * dx, a.1 + s * dy);
    let from = if enter == 0.0 { a } else { point(enter) };
    let to = if leave == 1.0 { b } else { point(leave) };
    (enter <= leave).then_some((from, to))
}

/// Lengths of strokes and gaps in turn, in millimetres for a line of normal width; empty for an unbroken line.
pub(crate) fn pattern(dash: crate::chart::Dash) -> &'static [f64] {
    use crate::chart::Dash;
    match dash {
        Dash::Solid => &[],
        Dash::Dashed => &[1.7, 0.9],
        Dash::Dotted => &[0.45, 0.7],
        Dash::DashDot => &[2.2, 0.65, 0.45, 0.65],
    }
}

/// Breaks a polyline into the strokes of a pattern.
pub(crate) fn dashes(points: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    if pattern.is_empty() {
        return vec![points.to_vec()];
    }
    let length: f64 = points
        .windows(2)
        .map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1))
        .sum();
    let period: f64 = pattern.iter().sum();
    let stretch = (length / (period * MOST_DASHES)).max(1.0);
    let (mut phase, mut left) = (0, pattern[0] * stretch);
    let mut strokes: Vec<Vec<Point>> = Vec::new();
    let mut current: Vec<Point> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let rest = (to.0 - from.0).hypot(to.1 - from.1);
            if rest < left {
                left -= rest;
                break;
            }
            let s = left / rest;
            from = (from.0 + s * (to.0 - from.0), from.1 + s * (to.1 - from.1));
            current.push(from);
            if phase % 2 == 0 {
                strokes.push(std::mem::take(&mut current));
            }
            phase = (phase + 1) % pattern.len();
            left = pattern[phase] * stretch;
            current = vec![from];
        }
        current.push(to);
    }
    if phase % 2 == 0 && current.len() > 1 {
        strokes.push(current);
    }
    strokes
}

#[cfg(test)]
mod tests;
