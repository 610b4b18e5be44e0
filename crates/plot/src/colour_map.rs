//! Values as colours: the map "viridis" of matplotlib (in the public domain), by nine of its colours.
//!
//! It is perceptually uniform, its lightness increases from one end to the other, so that it survives a greyscale print,
//! and it does without the contrast of red and green.

use crate::theme::Rgb;

/// Equidistant colours of the map.
const ANCHORS: [Rgb; 9] = [
    Rgb(0x44, 0x01, 0x54),
    Rgb(0x47, 0x2D, 0x7B),
    Rgb(0x3B, 0x52, 0x8B),
    Rgb(0x2C, 0x72, 0x8E),
    Rgb(0x21, 0x91, 0x8C),
    Rgb(0x28, 0xAE, 0x80),
    Rgb(0x5E, 0xC9, 0x62),
    Rgb(0xAD, 0xDC, 0x30),
    Rgb(0xFD, 0xE7, 0x25),
];

/// Different colours; a finer scale is not told apart, and equal neighbours become one rectangle.
pub(crate) const COLOURS: u32 = 128;

/// The colour at a fraction of the map; what lies outside gets the colour of the nearer end.
pub(crate) fn colour(fraction: f64) -> Rgb {
    let last = f64::from(COLOURS - 1);
    // from 0 to 8, in COLOURS steps that include both ends
    let place = (fraction.clamp(0.0, 1.0) * last).round() / last * 8.0;
    let below = (place.floor() as usize).min(7);
    let part = place - below as f64;
    let (from, to) = (ANCHORS[below], ANCHORS[below + 1]);
    // between two bytes
    let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
    Rgb(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE lightness from luminance.
    fn lightness(colour: Rgb) -> f64 {
        let y = colour.luminance();
        if y > 0.008856 {
            116.0 * y.cbrt() - 16.0
        } else {
            903.3 * y
        }
    }

    #[test]
    fn lightness_increases_evenly() {
        let steps: Vec<f64> = (0..=16).map(|i| lightness(colour(f64::from(i) / 16.0))).collect();
        assert!(steps[0] < 20.0 && steps[16] > 85.0, "{steps:?}");
        // Even would be 4.8 for each; the map is uniform in all of colour space, in lightness alone it varies a little.
        for pair in steps.windows(2) {
            let step = pair[1] - pair[0];
            assert!((3.0..6.5).contains(&step), "{steps:?}");
        }
    }

    #[test]
    fn ends_are_exact_and_outside_is_the_nearer_end() {
        assert_eq!(colour(0.0), ANCHORS[0]);
        assert_eq!(colour(1.0), ANCHORS[8]);
        assert_eq!((colour(-3.0), colour(7.0)), (ANCHORS[0], ANCHORS[8]));
        let different: std::collections::BTreeSet<_> = (0..10_000)
            .map(|i| colour(f64::from(i) / 9999.0))
            .map(|c| (c.0, c.1, c.2))
            .collect();
        assert_eq!(different.len(), COLOURS as usize);
    }
}
