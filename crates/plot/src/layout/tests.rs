use super::*;
use crate::chart::{Axis, Band, Colour, Dash, Heatmap, Level, Marker, Points, Scale, Series, Tile};
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
    // A colour bar with long numbers and a label of two lines takes a quarter of a narrow page.
    let least = if chart.heatmap.is_some() { 0.18 } else { 0.25 };
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
        assert!(share > least, "{what}, {size:?}: the frame has {share} of the page");
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

/// The chart with a map and points on it.
fn with_map(mut chart: Chart, range: (f64, f64), words: &str) -> Chart {
    let tile = |i: i32, j: i32| {
        let edges = |i: i32| (f64::from(i) / 5.0, f64::from(i + 1) / 5.0);
        Tile {
            x: edges(i),
            y: edges(j),
            value: range.0 + (range.1 - range.0) * f64::from(i * j) / 16.0,
        }
    };
    chart.heatmap = Some(Heatmap {
        tiles: (0..25).map(|k| tile(k / 5, k % 5)).collect(),
        range,
        label: words.to_owned(),
    });
    chart.points.push(Points {
        label: words.to_owned(),
        x: vec![0.1, 0.5],
        y: vec![0.2, 0.9],
        bars: vec![(0.1, 0.3), (0.8, 1.0)],
        colour: Colour::Ink,
        marker: Marker::Diamond,
    });
    chart
}

#[test]
fn a_colour_bar_fits_beside_the_frame() {
    let axis = (Scale::Linear, 0.0, 1.0);
    for range in [
        (0.0, 1.0),
        (-1e-7, 3e-7),
        (123_456.0, 123_457.0),
        (1.0, 0.0),
        (2.0, 2.0),
        (f64::NAN, 1.0),
    ] {
        for words in [
            "",
            "success rate",
            "a label that is longer than the bar is high and wraps",
        ] {
            let chart = with_map(chart(axis, axis, 3, words), range, words);
            assert_legible(&chart, &format!("map over {range:?} with \"{words}\""));
        }
    }
}

#[test]
fn a_map_fills_the_frame_and_its_colours_are_those_of_the_bar() {
    let axis = (Scale::Linear, 0.2, 0.8);
    let scene = scene(
        &with_map(chart(axis, axis, 0, ""), (0.0, 1.0), ""),
        Size::OneColumn,
        &Theme::light(),
    );
    let frame = frame(&scene);
    let tiles = || {
        scene.marks.iter().filter_map(|mark| {
            if let Mark::Tile { rect, colour } = mark {
                Some((rect, colour))
            } else {
                None
            }
        })
    };
    let (inside, bar): (Vec<_>, Vec<_>) = tiles().partition(|(rect, _)| rect.left < frame.right);
    // The ground, and 25 tiles of which the nine of value 0 are two rectangles: a column and the rest of the lowest row.
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let spans = |rect: &Rect| near(rect.left, frame.left) && near(rect.bottom, frame.bottom);
    assert!(spans(inside[0].0) && near(inside[0].0.right, frame.right) && near(inside[0].0.top, frame.top));
    assert_eq!(inside.len(), 1 + 2 + 16);
    // 128 colours from the bottom to the top of the frame, darkest first
    assert_eq!(bar.len(), 128);
    assert!(near(bar[0].0.bottom, frame.bottom) && near(bar[127].0.top, frame.top));
    assert_eq!((bar[0].1, bar[127].1), (inside[1].1, inside[inside.len() - 1].1));
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
