//! The bundled fonts: DejaVu Sans and its oblique, so that a picture looks the same on every machine.

use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb;

use crate::error::PlotError;

/// Family name inside both font files.
pub(crate) const FAMILY: &str = "DejaVu Sans";
/// The upright face.
pub(crate) static REGULAR: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");
/// The slanted face, for mathematical letters.
pub(crate) static OBLIQUE: &[u8] = include_bytes!("../fonts/DejaVuSans-Oblique.ttf");

static FACES: LazyLock<Option<[ttf_parser::Face<'static>; 2]>> = LazyLock::new(|| {
    let regular = ttf_parser::Face::parse(REGULAR, 0).ok()?;
    let oblique = ttf_parser::Face::parse(OBLIQUE, 0).ok()?;
    Some([regular, oblique])
});

static DATABASE: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut database = fontdb::Database::new();
    database.load_font_data(REGULAR.to_vec());
    database.load_font_data(OBLIQUE.to_vec());
    Arc::new(database)
});

/// The fonts text is outlined with: the bundled ones and no others.
pub(crate) fn database() -> Arc<fontdb::Database> {
    Arc::clone(&DATABASE)
}

/// Fails when the bundled files are damaged.
pub(crate) fn check() -> Result<(), PlotError> {
    FACES.as_ref().map(|_| ()).ok_or(PlotError::Font { font: FAMILY })
}

/// Width of a text in units of the type size, without kerning (which the renderer turns off).
pub(crate) fn advance(text: &str, oblique: bool) -> f64 {
    let Some(faces) = FACES.as_ref() else { return 0.0 };
    let face = &faces[usize::from(oblique)];
    let units = f64::from(face.units_per_em());
    let of = |c: char| face.glyph_index(c).and_then(|glyph| face.glyph_hor_advance(glyph));
    // A character the font lacks is drawn as its glyph 0, a box.
    let missing = face.glyph_hor_advance(ttf_parser::GlyphId(0)).unwrap_or(0);
    text.chars().map(|c| f64::from(of(c).unwrap_or(missing)) / units).sum()
}

/// Whether the bundled font draws this character.
#[cfg(test)]
pub(crate) fn covers(c: char, oblique: bool) -> bool {
    FACES
        .as_ref()
        .is_some_and(|faces| faces[usize::from(oblique)].glyph_index(c).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_readable_and_cover_the_mathematics() {
        assert_eq!(check(), Ok(()));
        for c in "Aℓ‖∫∑αβηθ∞≤≥−×·|*′→√…0123456789".chars() {
            assert!(covers(c, false), "no glyph for {c}");
        }
        assert!("DFLtuvwx".chars().all(|c| covers(c, true)));
    }

    #[test]
    fn widths_add_up_and_digits_are_tabular() {
        assert_eq!(advance("1", false), advance("8", false));
        assert!((advance("ab", false) - advance("a", false) - advance("b", false)).abs() < 1e-12);
        assert!(advance("0", false) > 0.5 && advance("0", false) < 0.8);
    }
}
