//! Colours: the Okabe–Ito palette, which survives the common colour-vision deficiencies, under fixed meanings.

use crate::chart::{Colour, Role};
use crate::colour_map;

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Relative luminance in [0, 1] after gamma expansion: what remains in a greyscale print.
    pub fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

const BLACK: Rgb = Rgb(0x00, 0x00, 0x00);
const ORANGE: Rgb = Rgb(0xE6, 0x9F, 0x00);
const SKY_BLUE: Rgb = Rgb(0x56, 0xB4, 0xE9);
const BLUISH_GREEN: Rgb = Rgb(0x00, 0x9E, 0x73);
const YELLOW: Rgb = Rgb(0xF0, 0xE4, 0x42);
const BLUE: Rgb = Rgb(0x00, 0x72, 0xB2);
const VERMILLION: Rgb = Rgb(0xD5, 0x5E, 0x00);
const REDDISH_PURPLE: Rgb = Rgb(0xCC, 0x79, 0xA7);

/// Everything about a picture that is colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Page.
    pub background: Rgb,
    /// Text, frame and ticks.
    pub foreground: Rgb,
    /// Secondary text.
    pub muted: Rgb,
    /// Grid lines.
    pub grid: Rgb,
    /// Curves without a meaning of their own, best first.
    pub palette: [Rgb; 8],
    /// Opacity of shaded regions.
    pub band_opacity: f64,
    /// Colours of quantities that differ from the usual ones.
    pub roles: Vec<(Role, Rgb)>,
}

impl Theme {
    /// Dark ink on white paper.
    pub fn light() -> Self {
        Self {
            background: Rgb(0xFF, 0xFF, 0xFF),
            foreground: BLACK,
            muted: Rgb(0x70, 0x70, 0x70),
            grid: Rgb(0xE4, 0xE4, 0xE4),
            palette: [
                BLUE,
                ORANGE,
                BLUISH_GREEN,
                REDDISH_PURPLE,
                VERMILLION,
                SKY_BLUE,
                BLACK,
                YELLOW,
            ],
            band_opacity: 0.35,
            roles: Vec::new(),
        }
    }

    /// Light ink on a dark slide.
    pub fn dark() -> Self {
        let white = Rgb(0xF2, 0xF2, 0xF2);
        Self {
            background: Rgb(0x14, 0x16, 0x1A),
            foreground: white,
            muted: Rgb(0xA0, 0xA0, 0xA0),
            grid: Rgb(0x33, 0x36, 0x3C),
            palette: [
                SKY_BLUE,
                ORANGE,
                BLUISH_GREEN,
                REDDISH_PURPLE,
                VERMILLION,
                BLUE,
                white,
                YELLOW,
            ],
            band_opacity: 0.4,
            roles: Vec::new(),
        }
    }

    /// The paint for a colour.
    pub fn paint(&self, colour: Colour) -> Rgb {
        match colour {
            Colour::Palette(index) => self.palette[index % self.palette.len()],
            Colour::Role(role) => self.role(role),
            Colour::Ink => self.foreground,
            Colour::Black => BLACK,
            Colour::White => Rgb(0xFF, 0xFF, 0xFF),
            Colour::Ramp(place) => self.ramp(place),
        }
    }

    /// The part of the colour map that is visible on this background.
    fn ramp(&self, place: u8) -> Rgb {
        let (low, high) = if self.background.luminance() > 0.5 {
            (0.0, 0.87)
        } else {
            (0.3, 1.0)
        };
        colour_map::colour(low + (high - low) * f64::from(place) / 255.0)
    }

    /// The paint that always stands for this quantity.
    fn role(&self, role: Role) -> Rgb {
        if let Some((_, own)) = self.roles.iter().find(|(named, _)| *named == role) {
            return *own;
        }
        match role {
            Role::Loss => VERMILLION,
            Role::Divergence | Role::OnSupport => self.palette[0],
            Role::Integral => self.foreground,
            Role::L1Norm => BLUISH_GREEN,
            Role::DualBound => REDDISH_PURPLE,
            Role::ReferenceLevel => self.muted,
            Role::OffSupport => ORANGE,
        }
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::light()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_light_palette_is_okabe_ito() {
        let mut theirs = [
            BLACK,
            ORANGE,
            SKY_BLUE,
            BLUISH_GREEN,
            YELLOW,
            BLUE,
            VERMILLION,
            REDDISH_PURPLE,
        ]
        .to_vec();
        let mut ours = Theme::light().palette.to_vec();
        theirs.sort_by_key(|c| (c.0, c.1, c.2));
        ours.sort_by_key(|c| (c.0, c.1, c.2));
        assert_eq!(ours, theirs);
    }

    #[test]
    fn every_role_is_visible_on_its_background() {
        for theme in [Theme::light(), Theme::dark()] {
            for role in Role::ALL {
                let (a, b) = (
                    theme.paint(Colour::Role(role)).luminance(),
                    theme.background.luminance(),
                );
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast > 2.0, "{role:?} has contrast {contrast}");
            }
        }
    }

    #[test]
    fn curves_that_share_a_figure_differ_in_grey() {
        let theme = Theme::light();
        let grey = |role| theme.paint(Colour::Role(role)).luminance();
        for (a, b) in [
            (Role::Divergence, Role::Integral),
            (Role::OnSupport, Role::OffSupport),
            (Role::L1Norm, Role::DualBound),
        ] {
            assert!(
                (grey(a) - grey(b)).abs() > 0.02,
                "{a:?} and {b:?} look the same in grey"
            );
        }
    }
}
