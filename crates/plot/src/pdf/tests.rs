use super::*;
use crate::chart::{Axis, Band, Chart, Colour, Heatmap, Role, Series, Tile};
use crate::picture::svg;
use crate::size::Size;
use crate::theme::Theme;

fn chart() -> Chart {
    let x: Vec<f64> = (0..50).map(|i| 10_f64.powf(f64::from(i) / 10.0)).collect();
    let y: Vec<f64> = x.iter().map(|x| 1.0 / x).collect();
    let band = Band {
        label: "range".to_owned(),
        x: x.clone(),
        lower: vec![1e-3; 50],
        upper: vec![1e-2; 50],
        colour: Colour::Role(Role::OffSupport),
    };
    Chart {
        title: Some("ℓ & others".to_owned()),
        x: Axis::log10("time 𝑡"),
        y: Axis::log10("‖𝑤‖₁"),
        series: vec![Series::line("ℓ", x, y, Colour::Role(Role::Loss))],
        bands: vec![band],
        ..Chart::default()
    }
}

fn picture(size: Size) -> String {
    svg(&chart(), size, &Theme::light()).unwrap()
}

/// The commands on the page.
fn content(file: &[u8]) -> String {
    let find = |what: &[u8], from: usize| from + file[from..].windows(what.len()).position(|w| w == what).unwrap();
    let start = find(b"stream\n", 0) + 7;
    let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(&file[start..find(b"\nendstream", start)]).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Four numbers after `/MediaBox`, in points.
fn media_box(file: &[u8]) -> Vec<f64> {
    let text = String::from_utf8_lossy(file);
    let numbers = text.split_once("/MediaBox [").unwrap().1.split(']').next().unwrap();
    numbers
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect()
}

#[test]
fn the_page_has_the_size_on_paper() {
    for size in Size::ALL {
        let (width, height) = size.millimetres();
        let found = media_box(&pdf(&picture(size)).unwrap());
        let wanted = [0.0, 0.0, width / 25.4 * 72.0, height / 25.4 * 72.0];
        // sizes are stored in single precision
        assert!(
            found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-3),
            "{found:?} {wanted:?}"
        );
    }
}

#[test]
fn equal_pictures_give_equal_bytes_and_nothing_dates_or_embeds() {
    let file = pdf(&picture(Size::OneColumn)).unwrap();
    assert_eq!(file, pdf(&picture(Size::OneColumn)).unwrap());
    assert!(file.starts_with(b"%PDF-1.7\n") && file.ends_with(b"%%EOF"));
    let text = String::from_utf8_lossy(&file);
    for absent in ["CreationDate", "ModDate", "/ID", "/Font", "/XObject", "/URI"] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert!(!content(&file).contains(" Tj"), "text is outlined");
}

#[test]
fn every_path_of_the_picture_is_on_the_page() {
    let picture = picture(Size::TwoColumn);
    let page = content(&pdf(&picture).unwrap());
    let painted = page.lines().filter(|line| ["f", "f*", "S", "B"].contains(line)).count();
    assert_eq!(painted, picture.matches("<path").count());
    assert!(painted > 20, "{painted}");
    // a translucent band needs a state of its own
    assert!(page.contains("/g0 gs") && page.contains("/g1 gs") && !page.contains("/g2 gs"));
}

#[test]
fn places_and_colours_are_those_of_the_picture() {
    let picture = "<svg width=\"254mm\" height=\"127mm\" viewBox=\"0 0 200 100\" xmlns=\"http://www.w3.org/2000/svg\">\
                   <title>a &amp; b</title><path d=\"M 10 20 L 30 40 Q 60 70 90 10 Z\" fill=\"#ff0000\" fill-opacity=\"0.25\"/></svg>";
    let file = pdf(picture).unwrap();
    let page = content(&file);
    let lines: Vec<&str> = page.lines().collect();
    // 254 mm are 720 points: 3.6 points a unit, and the origin is at the top
    assert_eq!(lines[1], "3.6 0 0 -3.6 0 360 cm");
    assert!(lines.contains(&"1 0 0 rg") && lines.contains(&"10 20 m") && lines.contains(&"30 40 l"));
    assert!(lines.contains(&"50 60 70 50 90 10 c"), "{page}");
    let text = String::from_utf8_lossy(&file);
    assert!(text.contains("/ca 0.25") && text.contains("/Title (a & b)"));
}

#[test]
fn tiles_close_their_seams() {
    let tile = |i: u8| Tile {
        x: (f64::from(i), f64::from(i) + 1.0),
        y: (0.0, 1.0),
        value: f64::from(i),
    };
    let map = Heatmap {
        tiles: (0..3).map(tile).collect(),
        range: (0.0, 2.0),
        label: "value".to_owned(),
    };
    let chart = Chart {
        heatmap: Some(map),
        ..chart()
    };
    let page = content(&pdf(&svg(&chart, Size::OneColumn, &Theme::light()).unwrap()).unwrap());
    assert!(
        page.lines().filter(|line| *line == "B").count() >= 3,
        "filled and stroked"
    );
}

#[test]
fn what_a_page_cannot_hold_is_named() {
    let wrap =
        |inner: &str| format!("<svg width=\"9mm\" height=\"9mm\" xmlns=\"http://www.w3.org/2000/svg\">{inner}</svg>");
    let square = "<path d=\"M 1 1 H 5 V 5 Z\"/>";
    let translucent = format!("<g opacity=\"0.5\">{square}{square}</g>");
    let gradient = "<linearGradient id=\"a\"><stop offset=\"0\" stop-color=\"red\"/><stop offset=\"1\"/></linearGradient>\
                    <path fill=\"url(#a)\" d=\"M 1 1 H 5 V 5 Z\"/>";
    let clip = format!("<clipPath id=\"c\">{square}</clipPath><g clip-path=\"url(#c)\">{square}</g>");
    for (inner, what) in [
        (translucent.as_str(), "a translucent group"),
        (gradient, "a gradient or a pattern"),
        (clip.as_str(), "a clip path, a mask or a filter"),
    ] {
        assert_eq!(pdf(&wrap(inner)), Err(PlotError::NotOnPage { what }));
    }
    assert!(matches!(pdf("nothing"), Err(PlotError::InvalidSvg { .. })));
}
