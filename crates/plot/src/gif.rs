//! Animations as GIF files: one palette for all frames, and of each frame only what changed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use gif::{DisposalMethod, Encoder, Frame, Repeat};

use crate::animation::Animation;
use crate::error::PlotError;
use crate::picture::raster;

/// Width of the picture in pixels.
const WIDTH: f64 = 640.0;
/// Colours of the palette beside the one that means "as before".
const COLOURS: usize = 255;
/// The place of that one.
const UNCHANGED: u8 = 255;
/// Bits of each channel that are told apart when colours are counted.
const BITS: u32 = 5;
/// Hundredths of a second that a frame stands, and that the last one does.
const DELAYS: (u16, u16) = (8, 250);

type Pixel = [u8; 3];

/// The animation as a GIF file that repeats for ever. Equal animations give equal bytes.
///
/// # Errors
/// If a frame cannot be drawn or encoded.
pub fn gif(animation: &Animation) -> Result<Vec<u8>, PlotError> {
    let (mut frames, mut size) = (Vec::new(), (0, 0));
    for k in 0..animation.times().len() {
        let svg = animation.frame(k)?;
        let pixmap = raster(&svg, WIDTH / (animation.width() / 25.4))?;
        size = (pixmap.width() as usize, pixmap.height() as usize); // a few hundred
        // the ground is opaque: there is no alpha to undo
        frames.push(
            pixmap
                .pixels()
                .iter()
                .map(|p| [p.red(), p.green(), p.blue()])
                .collect::<Vec<Pixel>>(),
        );
    }
    let palette = Palette::of(&frames);
    let mut nearest = BTreeMap::new();
    let mut indices = frames.iter().map(|frame| {
        let find = |pixel: &Pixel| *nearest.entry(*pixel).or_insert_with(|| palette.nearest(*pixel));
        frame.iter().map(find).collect::<Vec<u8>>()
    });
    let mut bytes = Vec::new();
    let side = |pixels: usize| u16::try_from(pixels).map_err(refused);
    let mut encoder = Encoder::new(&mut bytes, side(size.0)?, side(size.1)?, &palette.bytes()).map_err(refused)?;
    encoder.set_repeat(Repeat::Infinite).map_err(refused)?;
    let mut before: Option<Vec<u8>> = None;
    for k in 0..frames.len() {
        let Some(now) = indices.next() else { break };
        let changed = Changed::between(before.as_deref(), &now, size);
        let frame = Frame {
            delay: if k + 1 == frames.len() { DELAYS.1 } else { DELAYS.0 },
            dispose: DisposalMethod::Keep,
            transparent: before.is_some().then_some(UNCHANGED),
            left: side(changed.left)?,
            top: side(changed.top)?,
            width: side(changed.width)?,
            height: side(changed.height)?,
            buffer: Cow::Owned(changed.pixels),
            ..Frame::default()
        };
        encoder.write_frame(&frame).map_err(refused)?;
        before = Some(now);
    }
    drop(encoder);
    Ok(bytes)
}

fn refused(error: impl std::fmt::Display) -> PlotError {
    PlotError::Canvas {
        reason: error.to_string(),
    }
}

/// The most frequent colours of all frames.
struct Palette(Vec<Pixel>);

impl Palette {
    /// Counts colours in cubes and takes the most frequent colour of each of the fullest cubes. Pictures of lines have few
    /// colours; what is left out are shades of smooth edges.
    fn of(frames: &[Vec<Pixel>]) -> Self {
        let mut counts: BTreeMap<Pixel, u64> = BTreeMap::new();
        for pixel in frames.iter().flatten() {
            *counts.entry(*pixel).or_default() += 1;
        }
        let mut cubes: BTreeMap<Pixel, (u64, u64, Pixel)> = BTreeMap::new();
        for (&colour, &count) in &counts {
            let (total, most, leader) = cubes.entry(colour.map(|c| c >> (8 - BITS))).or_insert((0, 0, colour));
            *total += count;
            if count > *most {
                (*most, *leader) = (count, colour);
            }
        }
        let mut fullest: Vec<(u64, Pixel)> = cubes.into_values().map(|(total, _, leader)| (total, leader)).collect();
        // ties by colour: no order but that of the numbers
        fullest.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        fullest.truncate(COLOURS);
        Self(fullest.into_iter().map(|(_, colour)| colour).collect())
    }

    /// The place of the colour nearest to this one.
    fn nearest(&self, pixel: Pixel) -> u8 {
        let distance = |colour: &Pixel| {
            let channels = colour.iter().zip(pixel);
            channels.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum::<u32>()
        };
        let places = (0..UNCHANGED).zip(&self.0);
        places
            .min_by_key(|(_, colour)| distance(colour))
            .map_or(0, |(place, _)| place)
    }

    /// 256 colours, red, green and blue in turn.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.concat();
        bytes.resize(3 * 256, 0);
        bytes
    }
}

/// The smallest rectangle with all changes.
struct Changed {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    /// Its colours, [`UNCHANGED`] where nothing changed.
    pixels: Vec<u8>,
}

impl Changed {
    fn between(before: Option<&[u8]>, now: &[u8], (width, height): (usize, usize)) -> Self {
        let differs = |x: usize, y: usize| before.is_none_or(|before| before[y * width + x] != now[y * width + x]);
        let rows: Vec<usize> = (0..height).filter(|&y| (0..width).any(|x| differs(x, y))).collect();
        let columns: Vec<usize> = (0..width).filter(|&x| rows.iter().any(|&y| differs(x, y))).collect();
        // a frame has at least one pixel
        let (left, right) = (columns.first().map_or(0, |x| *x), columns.last().map_or(0, |x| *x));
        let (top, bottom) = (rows.first().map_or(0, |y| *y), rows.last().map_or(0, |y| *y));
        let places = (top..=bottom).flat_map(|y| (left..=right).map(move |x| (x, y)));
        let pixel = |(x, y): (usize, usize)| if differs(x, y) { now[y * width + x] } else { UNCHANGED };
        Self {
            left,
            top,
            width: right - left + 1,
            height: bottom - top + 1,
            pixels: places.map(pixel).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_frame_only_what_changed_is_kept() {
        let before = [1, 1, 1, 1, 1, 1];
        let now = [1, 1, 2, 1, 3, 1];
        let changed = Changed::between(Some(&before), &now, (3, 2));
        assert_eq!((changed.left, changed.top, changed.width, changed.height), (1, 0, 2, 2));
        assert_eq!(changed.pixels, [UNCHANGED, 2, 3, UNCHANGED]);
        let same = Changed::between(Some(&now), &now, (3, 2));
        assert_eq!(same.pixels, [UNCHANGED]);
        assert_eq!(Changed::between(None, &now, (3, 2)).pixels, now);
    }

    #[test]
    fn frequent_colours_are_kept_exactly() {
        let mut frame = vec![[255, 255, 255]; 1000];
        frame.extend(vec![[0, 114, 178]; 50]);
        frame.extend([[1, 113, 178], [254, 254, 254]]);
        let palette = Palette::of(&[frame]);
        assert_eq!(palette.0, [[255, 255, 255], [0, 114, 178]]);
        assert_eq!(
            (palette.nearest([250, 250, 250]), palette.nearest([0, 100, 170])),
            (0, 1)
        );
        assert_eq!(palette.bytes().len(), 768);
    }
}
