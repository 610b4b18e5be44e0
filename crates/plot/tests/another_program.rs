//! The page of a figure as another program draws it.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may panic and print

use std::process::Command;

use hadaflow_plot::{Axis, Band, Chart, Colour, Role, Series, Size, Theme};

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

/// Where poppler is installed, its picture of the page is compared with ours of the SVG.
#[test]
fn another_program_sees_the_same_picture() {
    let folder = std::env::temp_dir().join(format!("hadaflow-page-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (page, image) = (folder.join("page.pdf"), folder.join("image"));
    let picture = hadaflow_plot::svg(&chart(), Size::OneColumn, &Theme::light()).unwrap();
    std::fs::write(&page, hadaflow_plot::pdf(&picture).unwrap()).unwrap();
    let arguments = ["-r", "100", "-png", "-singlefile"];
    let Ok(done) = Command::new("pdftoppm").args(arguments).arg(&page).arg(&image).output() else {
        let _ = std::fs::remove_dir_all(&folder);
        println!("skipped: poppler (pdftoppm) is not installed");
        return;
    };
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    let decode = |bytes: &[u8]| resvg::tiny_skia::Pixmap::decode_png(bytes).unwrap();
    let theirs = decode(&std::fs::read(image.with_extension("png")).unwrap());
    let ours = decode(&hadaflow_plot::png(&picture, 100.0).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(theirs.width().abs_diff(ours.width()) <= 1 && theirs.height().abs_diff(ours.height()) <= 1);
    let (mut difference, mut ink) = (0.0, 0.0);
    for y in 0..ours.height().min(theirs.height()) {
        for x in 0..ours.width().min(theirs.width()) {
            let grey = |image: &resvg::tiny_skia::Pixmap| f64::from(image.pixel(x, y).unwrap().green());
            difference += (grey(&ours) - grey(&theirs)).abs();
            ink += 255.0 - grey(&ours);
        }
    }
    // The two smooth edges differently, and edges are most of thin lines and small letters; a picture upside down or
    // without its text differs by more than all of its ink.
    assert!(difference < 0.5 * ink, "{}", difference / ink);
}
