//! Sizes of pictures, in millimetres, and the type sizes that go with them.

/// A standard size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Size {
    /// One column of a journal: 85 mm wide, 74 mm high.
    #[default]
    OneColumn,
    /// Both columns of a journal: 175 mm wide, 90 mm high.
    TwoColumn,
    /// A 16:9 slide: 254 mm wide, 143 mm high.
    Slide,
}

/// Millimetres in a typographic point.
const POINT: f64 = 25.4 / 72.0;

impl Size {
    /// Every size.
    pub const ALL: [Self; 3] = [Self::OneColumn, Self::TwoColumn, Self::Slide];

    /// Width and height in millimetres.
    pub fn millimetres(self) -> (f64, f64) {
        match self {
            Self::OneColumn => (85.0, 74.0),
            Self::TwoColumn => (175.0, 90.0),
            Self::Slide => (254.0, 143.0),
        }
    }

    /// Type sizes and line widths.
    pub(crate) fn measures(self) -> Measures {
        let (tick, label, title, line, legend_right) = match self {
            // scripts have 0.9 of these sizes, and no less than 7 pt
            Self::OneColumn => (7.8, 7.8, 8.0, 1.0, false),
            Self::TwoColumn => (7.8, 8.5, 8.5, 1.15, true),
            Self::Slide => (15.0, 17.0, 18.0, 2.1, true),
        };
        Measures {
            tick: tick * POINT,
            label: label * POINT,
            title: title * POINT,
            line: 0.36 * line,
            hairline: 0.14 * line,
            legend_right,
        }
    }
}

/// Type sizes and line widths of one picture, all in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measures {
    /// Type size of tick labels and legend.
    pub tick: f64,
    /// Type size of axis labels.
    pub label: f64,
    /// Type size of the title.
    pub title: f64,
    /// Width of a curve.
    pub line: f64,
    /// Width of frame, ticks and grid.
    pub hairline: f64,
    /// Legend beside the frame (wide pictures) or below it.
    pub legend_right: bool,
}

impl Measures {
    /// The unit of spacing: distances between parts grow with the text.
    pub fn gap(&self) -> f64 {
        0.5 * self.tick
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::SCRIPT;

    #[test]
    fn all_text_has_seven_points_in_print() {
        for size in Size::ALL {
            let Measures { tick, label, title, .. } = size.measures();
            for text in [tick, label, title] {
                assert!(SCRIPT * text / POINT >= 7.0, "{size:?}: {}", SCRIPT * text / POINT);
            }
        }
    }
}
