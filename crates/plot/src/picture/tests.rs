use super::*;
use crate::chart::{Axis, Colour, Dash, Heatmap, Marker, Points, Series, Tile};
use crate::label::Label;
use crate::scene::Mark;
use crate::theme::Rgb;

fn chart() -> Chart {
    let x: Vec<f64> = (0..300).map(|i| 10_f64.powf(f64::from(i) / 100.0)).collect();
    let y: Vec<f64> = x.iter().map(|x| 1.0 / (x * x)).collect();
    let line = Series::line("ℓ & <more>", x, y, Colour::Palette(0)).stroked(Dash::DashDot, 1.0);
    Chart {
        title: Some("a < b & \"c\"\u{1}".to_owned()),
        x: Axis::log10("time 𝑡"),
        y: Axis::log10("‖𝑤‖₁"),
        series: vec![line],
        ..Chart::default()
    }
}

fn pixels(png: &[u8]) -> Pixmap {
    Pixmap::decode_png(png).unwrap()
}

#[test]
fn svg_needs_no_fonts_and_nothing_from_outside() {
    let picture = svg(&chart(), Size::OneColumn, &Theme::light()).unwrap();
    for forbidden in ["<text", "font", "href", "<style", "<image", "NaN", "inf"] {
        assert!(!picture.contains(forbidden), "{forbidden} in the picture");
    }
    assert!(picture.starts_with("<svg width=\"85mm\" height=\"74mm\" viewBox=\"0 0 8500 7400\""));
    assert!(picture.contains("<title>a &lt; b &amp; \"c\" </title>"));
    assert!(picture.trim_end().ends_with("</svg>"));
}

#[test]
fn equal_charts_give_equal_bytes() {
    for size in Size::ALL {
        let draw = || svg(&chart(), size, &Theme::light()).unwrap();
        let (first, second) = (draw(), draw());
        assert_eq!(first, second);
        assert_eq!(png(&first, 120.0).unwrap(), png(&second, 120.0).unwrap());
    }
}

#[test]
fn png_has_the_size_on_paper() {
    for (size, dpi, expected) in [
        (Size::OneColumn, 300.0, (1004, 874)),
        (Size::TwoColumn, 300.0, (2067, 1063)),
        (Size::Slide, 100.0, (1000, 563)),
        (Size::OneColumn, 25.4, (85, 74)),
    ] {
        let file = png(&svg(&chart(), size, &Theme::light()).unwrap(), dpi).unwrap();
        let image = pixels(&file);
        assert_eq!((image.width(), image.height()), expected, "{size:?} at {dpi}");
        assert_eq!(&file[37..41], b"pHYs");
        assert_eq!(file[41..45], ((dpi / 0.0254).round() as u32).to_be_bytes());
        assert!(
            image.pixels().iter().all(|pixel| pixel.alpha() == 255),
            "transparent pixels"
        );
    }
}

#[test]
fn checksum_is_that_of_png() {
    assert_eq!(crc32(b"IEND"), 0xAE42_6082);
}

#[test]
fn themes_change_colours_only() {
    let page = |theme: &Theme| {
        let image = pixels(&png(&svg(&chart(), Size::OneColumn, theme).unwrap(), 50.0).unwrap());
        let pixel = image.pixel(0, 0).unwrap();
        Rgb(pixel.red(), pixel.green(), pixel.blue())
    };
    assert_eq!(page(&Theme::light()), Theme::light().background);
    assert_eq!(page(&Theme::dark()), Theme::dark().background);
}

/// The pixels of one label drawn alone at a known place: left, right, top and bottom of its ink, in millimetres.
fn ink(text: &str, upright: bool) -> (f64, f64, f64, f64) {
    let black = Rgb(0, 0, 0);
    let label = Label::parse(text);
    let mark = Mark::Text {
        label,
        baseline: (20.0, 20.0),
        size: 10.0,
        upright,
        colour: black,
    };
    let scene = Scene {
        size: (100.0, 40.0),
        background: Rgb(255, 255, 255),
        name: None,
        marks: vec![mark],
    };
    let picture = framed(&content(&scene, true).unwrap(), &scene);
    let image = pixels(&png(&picture, 254.0).unwrap());
    let (mut left, mut right, mut top, mut bottom) = (f64::MAX, 0.0_f64, f64::MAX, 0.0_f64);
    for (i, pixel) in image.pixels().iter().enumerate() {
        if pixel.red() < 128 {
            let width = image.width() as usize;
            let (x, y) = ((i % width) as f64 / 10.0, (i / width) as f64 / 10.0);
            (left, right, top, bottom) = (left.min(x), right.max(x + 0.1), top.min(y), bottom.max(y + 0.1));
        }
    }
    (left, right, top, bottom)
}

#[test]
fn text_stands_where_the_layout_thinks() {
    let width = |text: &str| 10.0 * Label::parse(text).width();
    for text in ["H", "HH", "HAVAH", "H𝑡 = 10⁻³H"] {
        let (left, right, _, bottom) = ink(text, false);
        assert!((20.0..21.5).contains(&left), "{text} starts at {left}");
        assert!(
            (right - 20.0 - width(text)).abs() < 1.5,
            "{text} ends at {right}, measured {}",
            width(text)
        );
        assert!((bottom - 20.0).abs() < 0.3, "{text} stands on {bottom}");
    }
    let (left, right, top, bottom) = ink("HH", true);
    assert!(
        (right - 20.0).abs() < 0.3 && left > 12.0,
        "upright text spans {left}..{right}"
    );
    assert!(
        bottom <= 20.0 && (20.0 - top - width("HH")).abs() < 1.5,
        "upright text spans {top}..{bottom}"
    );
    let (_, _, raised, low) = ink("⁻³", false);
    assert!(low < 17.0 && raised < 14.0, "the exponent spans {raised}..{low}");
}

#[test]
fn a_long_smooth_curve_is_small() {
    let x: Vec<f64> = (0..200_000).map(f64::from).collect();
    let y = x.iter().map(|x| (x / 3e4).sin()).collect();
    let series = vec![Series::line("", x, y, Colour::Palette(0))];
    let picture = svg(
        &Chart {
            series,
            ..Chart::default()
        },
        Size::OneColumn,
        &Theme::light(),
    )
    .unwrap();
    assert!(picture.len() < 40_000, "{} bytes", picture.len());
}

/// Neighbouring tiles meet in the pixels, whatever the resolution: only their own colours are seen between them.
#[test]
fn tiles_meet_without_a_seam() {
    let tile = |i: i32| Tile {
        x: (f64::from(i) / 7.0, f64::from(i + 1) / 7.0),
        y: (0.0, 1.0),
        value: f64::from(i % 2),
    };
    let map = Heatmap {
        tiles: (0..7).map(tile).collect(),
        range: (0.0, 1.0),
        label: String::new(),
    };
    let picture = svg(
        &Chart {
            heatmap: Some(map),
            ..Chart::default()
        },
        Size::OneColumn,
        &Theme::light(),
    )
    .unwrap();
    for dpi in [97.0, 150.0, 211.0] {
        let image = pixels(&png(&picture, dpi).unwrap());
        let (width, height) = (image.width() as usize, image.height() as usize);
        let row = &image.pixels()[height / 2 * width..(height / 2 + 1) * width];
        let colours: Vec<Rgb> = row.iter().map(|p| Rgb(p.red(), p.green(), p.blue())).collect();
        let ends = [Rgb(0x44, 0x01, 0x54), Rgb(0xFD, 0xE7, 0x25)];
        let first = colours.iter().position(|c| ends.contains(c)).unwrap();
        // from the first to the seventh tile: six changes and nothing else
        let mut changes = 0;
        let mut last = first;
        for i in first + 1..width {
            if !ends.contains(&colours[i]) {
                break;
            }
            changes += usize::from(colours[i] != colours[last]);
            last = i;
        }
        assert_eq!(changes, 6, "{dpi} dots per inch");
    }
}

/// A line over a map has its halo below it and in the legend, too.
#[test]
fn halos_are_broader_than_their_lines() {
    let width_of = |halo: Option<Colour>| {
        let mut chart = chart();
        chart.series[0].halo = halo;
        let picture = svg(&chart, Size::OneColumn, &Theme::light()).unwrap();
        picture.matches("stroke-width=\"76\"").count()
    };
    assert_eq!(width_of(None), 0);
    // the curve and its key, 2.1 times 0.36 mm
    assert_eq!(width_of(Some(Colour::White)), 2);
}

#[test]
fn wrong_input_is_named() {
    let mut uneven = chart();
    uneven.series[0].y.pop();
    let error = svg(&uneven, Size::OneColumn, &Theme::light()).unwrap_err();
    assert_eq!(
        error,
        PlotError::LengthMismatch {
            what: "series \"ℓ & <more>\"".into(),
            expected: 300,
            found: 299
        }
    );
    let mut pointed = chart();
    pointed.points.push(Points {
        label: "rates".into(),
        x: vec![1.0, 2.0],
        y: vec![1.0, 2.0],
        bars: vec![(0.5, 1.5)],
        colour: Colour::Ink,
        marker: Marker::Disc,
    });
    let error = svg(&pointed, Size::OneColumn, &Theme::light()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bars of points \"rates\" has 1 values where 2 are needed"
    );
    pointed.points[0].y.pop();
    let error = svg(&pointed, Size::OneColumn, &Theme::light()).unwrap_err();
    assert_eq!(error.to_string(), "points \"rates\" has 1 values where 2 are needed");
    assert!(matches!(png("<svg", 300.0), Err(PlotError::InvalidSvg { .. })));
    let tiny = "<svg width=\"9mm\" height=\"9mm\" xmlns=\"http://www.w3.org/2000/svg\"/>";
    for dpi in [0.0, -3.0, f64::NAN, 1e9] {
        assert!(matches!(png(tiny, dpi), Err(PlotError::InvalidDpi { .. })), "{dpi}");
    }
    let wide = tiny.replace("9mm", "90000mm");
    assert!(matches!(png(&wide, 300.0), Err(PlotError::Raster { .. })));
}
