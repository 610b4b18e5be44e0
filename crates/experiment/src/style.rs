//! The colours of figures as one RON file.
//!
//! ```
//! use std::path::Path;
//! let text = "Style(ground: Dark, background: \"#000000\", roles: {Loss: \"#ff8800\"})";
//! let theme = hadaflow_experiment::style::parse(text, Path::new("slides.ron"))?;
//! assert_eq!(theme.background, hadaflow_plot::Rgb(0, 0, 0));
//! # Ok::<(), hadaflow_experiment::scenario::ScenarioError>(())
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use hadaflow_plot::{Rgb, Role, Theme};
use serde::Deserialize;

use crate::scenario::{Fault, ScenarioError, field_error, from_ron, read_text};

/// What a style file may say; everything has the default of its ground.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Style")]
struct Style {
    ground: Ground,
    background: Option<String>,
    foreground: Option<String>,
    muted: Option<String>,
    grid: Option<String>,
    /// Colours of curves without a meaning of their own; the first ones are replaced.
    palette: Vec<String>,
    /// Colours of quantities.
    roles: BTreeMap<RoleName, String>,
    /// Opacity of shaded regions.
    band_opacity: Option<f64>,
}

/// What figures are drawn on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum Ground {
    #[default]
    Light,
    Dark,
}

/// The quantities that have a colour of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum RoleName {
    Loss,
    Divergence,
    Integral,
    L1Norm,
    DualBound,
    ReferenceLevel,
    OnSupport,
    OffSupport,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Loss => Self::Loss,
            RoleName::Divergence => Self::Divergence,
            RoleName::Integral => Self::Integral,
            RoleName::L1Norm => Self::L1Norm,
            RoleName::DualBound => Self::DualBound,
            RoleName::ReferenceLevel => Self::ReferenceLevel,
            RoleName::OnSupport => Self::OnSupport,
            RoleName::OffSupport => Self::OffSupport,
        }
    }
}

/// Reads a style file.
///
/// # Errors
/// If the file cannot be read or is no style.
pub fn read(path: &Path) -> Result<Theme, ScenarioError> {
    parse(&read_text(path)?, path)
}

/// The colours that a style describes.
///
/// # Errors
/// If the text is no style, or a colour is not written `#rrggbb`.
pub fn parse(text: &str, origin: &Path) -> Result<Theme, ScenarioError> {
    let style: Style = from_ron(text, origin)?;
    let mut theme = match style.ground {
        Ground::Light => Theme::light(),
        Ground::Dark => Theme::dark(),
    };
    let read = |field: &str, text: &str| {
        colour(text).ok_or_else(|| {
            let (value, allowed) = (text.to_owned(), "a colour such as #0072b2".to_owned());
            field_error(origin, field, Fault::OutOfRange { value, allowed })
        })
    };
    let plain = [
        ("background", &style.background, &mut theme.background),
        ("foreground", &style.foreground, &mut theme.foreground),
        ("muted", &style.muted, &mut theme.muted),
        ("grid", &style.grid, &mut theme.grid),
    ];
    for (field, text, place) in plain {
        if let Some(text) = text {
            *place = read(field, text)?;
        }
    }
    for (k, (place, text)) in theme.palette.iter_mut().zip(&style.palette).enumerate() {
        *place = read(&format!("palette[{k}]"), text)?;
    }
    for (name, text) in &style.roles {
        theme.roles.push(((*name).into(), read("roles", text)?));
    }
    if let Some(opacity) = style.band_opacity {
        if !(0.0..=1.0).contains(&opacity) {
            let (value, allowed) = (opacity.to_string(), "from 0 to 1".to_owned());
            return Err(field_error(
                origin,
                "band_opacity",
                Fault::OutOfRange { value, allowed },
            ));
        }
        theme.band_opacity = opacity;
    }
    Ok(theme)
}

/// `#rrggbb`.
fn colour(text: &str) -> Option<Rgb> {
    let digits = text
        .strip_prefix('#')
        .filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let part = |k: usize| {
        u8::from_str_radix(&digits[2 * k..2 * k + 2], 16)
            .ok()
            .filter(|_| hexadecimal)
    };
    Some(Rgb(part(0)?, part(1)?, part(2)?))
}

#[cfg(test)]
mod tests {
    use hadaflow_plot::Colour;

    use super::*;

    #[test]
    fn a_style_changes_what_it_names_and_nothing_else() {
        let text = "Style(ground: Dark, foreground: \"#ABCDEF\", palette: [\"#010203\"], roles: {Loss: \"#ff0000\"}, band_opacity: 0.5)";
        let theme = parse(text, Path::new("style.ron")).unwrap();
        let dark = Theme::dark();
        assert_eq!(theme.background, dark.background);
        assert_eq!(theme.foreground, Rgb(0xab, 0xcd, 0xef));
        assert_eq!((theme.palette[0], theme.palette[1]), (Rgb(1, 2, 3), dark.palette[1]));
        assert_eq!(theme.paint(Colour::Role(Role::Loss)), Rgb(255, 0, 0));
        assert_eq!(theme.paint(Colour::Role(Role::Integral)), theme.foreground);
        assert_eq!(
            theme.paint(Colour::Role(Role::L1Norm)),
            dark.paint(Colour::Role(Role::L1Norm))
        );
        assert_eq!(parse("Style()", Path::new("style.ron")).unwrap(), Theme::light());
    }

    #[test]
    fn what_is_no_colour_is_refused_by_its_field() {
        for (text, field) in [
            ("Style(grid: \"red\")", "grid"),
            ("Style(palette: [\"#123456\", \"#12345é\"])", "palette[1]"),
            ("Style(roles: {Loss: \"#+1+2+3\"})", "roles"),
            ("Style(band_opacity: 2.0)", "band_opacity"),
        ] {
            let error = parse(text, Path::new("style.ron")).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{text}");
        }
        assert!(parse("Style(background: \"#000000\", size: 3)", Path::new("style.ron")).is_err());
    }
}
