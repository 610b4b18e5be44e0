//! Medians and quartiles over trials.

use crate::chart::{Colour, Marker, Points};

use super::table::Column;

/// Lower quartile, median and upper quartile, linear between order statistics. A run without a number did not get there:
/// it counts as larger than all others.
pub(super) fn quartiles(values: impl Iterator<Item = f64>) -> Option<[f64; 3]> {
    let mut values: Vec<f64> = values.map(|v| if v.is_nan() { f64::INFINITY } else { v }).collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let quantile = |share: f64| {
        let place = share * last as f64;
        // between 0 and `last`
        let below = place.floor() as usize;
        let (a, b) = (values[below], values[(below + 1).min(last)]);
        let part = place - below as f64;
        // Where nothing of b is asked for, an infinite b does not count.
        if part == 0.0 { a } else { a + part * (b - a) }
    };
    Some([quantile(0.25), quantile(0.5), quantile(0.75)])
}

/// Median of `y` with a bar from quartile to quartile at each value of `x`, above a floor.
pub(super) fn medians(x: Column<'_>, y: Column<'_>, rows: &[usize], floor: f64) -> Points {
    let mut points = Points {
        label: String::new(),
        x: Vec::new(),
        y: Vec::new(),
        bars: Vec::new(),
        colour: Colour::Ink,
        marker: Marker::Disc,
    };
    for (value, rows) in x.groups(rows) {
        if let Some([low, middle, high]) = quartiles(rows.iter().map(|&row| y.at(row)))
            && middle.is_finite()
            && middle > floor
        {
            points.x.push(value);
            points.y.push(middle);
            points.bars.push((low, high));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_the_definition() {
        let of = |values: &[f64]| quartiles(values.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0]), Some([3.0; 3]));
        assert_eq!(of(&[5.0, 1.0, 2.0, 4.0, 3.0]), Some([2.0, 3.0, 4.0]));
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0]), Some([1.75, 2.5, 3.25]));
        // two of five did not get there
        assert_eq!(
            of(&[1.0, f64::NAN, 2.0, f64::INFINITY, 3.0]),
            Some([2.0, 3.0, f64::INFINITY])
        );
        assert_eq!(of(&[f64::NAN, f64::NAN, 3.0]).unwrap()[1], f64::INFINITY);
    }
}
