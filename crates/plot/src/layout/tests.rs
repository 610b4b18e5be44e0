use super::*;
use crate::chart::{Axis, Band, Colour, Dash, Level, Scale, Series};
use crate::scene::Mark;

/// A chart of some curves with a legend, a band and a level.
fn chart(x: (Scale, f64, f64), y: (Scale, f64, f64), curves: usize, words: &str) -> Chart {
    let axis = |scale| Axis {
        label: words.to_owned(),
        scale,
        ..Axis::default()
    };
    let between = |(scale, low, high): (Scale, f64, f64), s: f64| match scale {
        Scale::Linear => low + s * (high - low),
        Scale::Log10 => 10_f64.powf(low.log10() + s * (high.log10() - low.log10())),
    };
    let steps = || (0..=20).map(|i| f64::from(i) / 20.0);
    let xs: Vec<f64> = steps().map(|s| between(x, s)).collect();
    let ys: Vec<f64> = steps().map(|s| between(y, 1.0 - s)).collect();
    let line = |i| Series::line(format!("{words} {i}"), xs.clone(), ys.clone(), Colour::Palette(i));
    let band = Band {
        label: words.to_owned(),
        x: xs.clone(),
        lower: ys.clone(),
        upper: ys.clone(),
        colour: Colour::Palette(1),
    };
    let level = Level {
        label: words.to_owned(),
        value: ys[3],
        colour: Colour::Palette(2),
        dash: Dash::Dotted,
        width: 1.0,
    };
    Chart {
        title: Some(words.to_owned()),
        x: axis(x.0),
        y: axis(y.0),
        bands: vec![band],
        levels: vec![level],
        series: (0..curves).map(line).collect(),
        ..Chart::default()
    }
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    let e = 1e-6;
    a.left < b.right - e && b.left < a.right - e && a.top < b.bottom - e && b.top < a.bottom - e
}

/// The frame is the only mark of five corners and closing strokes.
fn frame(scene: &Scene) -> Rect {
    let outline = scene.marks.iter().find_map(|mark| match mark {
        Mark::Line { points, .. } if points.len() == 6 && points[0] == points[4] => Some(points.clone()),
        _ => None,
    });
    let outline = outline.unwrap();
    Rect {
        left: outline[0].0,
        top: outline[0].1,
        right: outline[2].0,
        bottom: outline[2].1,
    }
}

/// No text leaves the page, meets another text or enters the frame, and the frame keeps a good part of the page.
fn assert_legible(chart: &Chart, what: &str) {
    for size in Size::ALL {
        let scene = scene(chart, size, &Theme::light());
        let page = Rect {
            left: 0.0,
            top: 0.0,
            right: scene.size.0,
            bottom: scene.size.1,
        };
        let frame = frame(&scene);
        let texts: Vec<(Rect, &Mark)> = scene.marks.iter().filter_map(|m| Some((m.text_box()?, m))).collect();
        for (i, (a, mark)) in texts.iter().enumerate() {
            let inside = a.left >= page.left && a.top >= page.top && a.right <= page.right && a.bottom <= page.bottom;
            assert!(inside, "{what}, {size:?}: clipped {mark:?}");
            assert!(!overlap(a, &frame), "{what}, {size:?}: in the frame {mark:?}");
            for (b, other) in &texts[i + 1..] {
                assert!(!overlap(a, b), "{what}, {size:?}: {mark:?} meets {other:?}");
            }
        }
        let share = frame.width() * frame.height() / (page.right * page.bottom);
        assert!(share > 0.25, "{what}, {size:?}: the frame has {share} of the page");
    }
}

#[test]
fn nothing_is_clipped_and_nothing_overlaps() {
    use Scale::{Linear, Log10};
    let ranges = [
        (Linear, 0.0, 1.0),
        (Linear, -1e-7, 3.3e-7),
        (Linear, 123_456.0, 123_457.0),
        (Linear, -1e300, 1e300),
        (Log10, 1e-300, 1e300),
        (Log10, 1e-12, 1.0),
        (Log10, 1.0, 1e120),
        (Log10, 0.9, 1.3),
        (Log10, 9.99e-5, 1.01e-4),
        (Linear, 5.0, 5.0),
    ];
    for x in ranges {
        for y in ranges {
            assert_legible(&chart(x, y, 3, "𝐷_{𝐹}(𝑤*, 𝑤(𝑡))"), &format!("{x:?} against {y:?}"));
        }
    }
}

#[test]
fn long_words_and_many_curves_still_fit() {
    let axis = (Scale::Linear, 0.0, 1.0);
    for (name, words) in [
        ("empty", String::new()),
        (
            "sentences",
            "measurements of a sparse signal and what the flow makes of them ".repeat(6),
        ),
        ("one word", "w".repeat(300)),
        ("scripts", "x_{long subscript}^{and superscript} ".repeat(10)),
        ("other alphabets", "потеря ثابت 损失 ".repeat(5)),
    ] {
        for curves in [0, 1, 7, 60] {
            assert_legible(
                &chart(axis, axis, curves, &words),
                &format!("{curves} curves with {name}"),
            );
        }
    }
}

#[test]
fn text_is_at_least_seven_points_high() {
    let axis = (Scale::Log10, 1e-9, 1.0);
    let scene = scene(&chart(axis, axis, 2, "loss"), Size::OneColumn, &Theme::light());
    let smallest = scene.marks.iter().filter_map(|mark| match mark {
        Mark::Text { size, .. } => Some(*size),
        _ => None,
    });
    assert!(smallest.fold(f64::INFINITY, f64::min) >= 7.0 * 25.4 / 72.0 - 1e-9);
}

#[test]
fn a_chart_without_drawable_points_says_so() {
    let says = |chart: &Chart| {
        let scene = scene(chart, Size::OneColumn, &Theme::light());
        scene
            .marks
            .iter()
            .any(|mark| matches!(mark, Mark::Text { label, .. } if label.runs[0].text == "nothing to draw"))
    };
    assert!(says(&Chart::default()));
    let line = |y: Vec<f64>| Series::line("", vec![1.0; y.len()], y, Colour::Palette(0));
    assert!(says(&Chart {
        series: vec![line(vec![f64::NAN; 3])],
        ..Chart::default()
    }));
    assert!(!says(&Chart {
        series: vec![line(vec![1.0])],
        ..Chart::default()
    }));
}

#[test]
fn marks_of_the_data_stay_in_the_frame() {
    let mut chart = chart((Scale::Log10, 1e-3, 1e3), (Scale::Log10, 1e-300, 1e300), 2, "");
    chart.y.range = Some((1e-3, 1.0));
    chart.x.range = Some((1.0, 10.0));
    chart.series.iter_mut().for_each(|series| series.legend = false);
    let scene = scene(&chart, Size::OneColumn, &Theme::light());
    let frame = frame(&scene);
    let e = 1e-6;
    for mark in &scene.marks {
        if let Mark::Line { points, .. } | Mark::Area { points, .. } = mark {
            for p in points {
                let inside =
                    p.0 >= frame.left - e && p.0 <= frame.right + e && p.1 >= frame.top - e && p.1 <= frame.bottom + e;
                assert!(inside, "{p:?} of {mark:?} is outside {frame:?}");
            }
        }
    }
}
