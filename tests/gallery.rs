//! The gallery of the book: every figure, drawn by the command from a shipped scenario.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use hadaflow::plot::{Axis, Chart, Colour, Series, Size, Theme, catalogue, png, svg};
use resvg::tiny_skia::Pixmap;
use support::{Place, SMALL, repository};

/// Every figure with a scenario that shows it well.
const PICTURES: [(&str, &str); 13] = [
    ("coordinate_paths", "two_layers_recover_a_sparse_vector"),
    ("bregman_decay", "two_layers_recover_a_sparse_vector"),
    ("loss_decay", "two_layers_recover_a_sparse_vector"),
    ("l1_norm", "two_layers_recover_a_sparse_vector"),
    ("certificate_bracket", "two_layers_recover_a_sparse_vector"),
    // the last steps of six layers differ by what an eye sees from one instruction set to another
    ("step_size", "between_its_jumps_the_flow_rests_at_saddles"),
    ("dual_paths", "between_its_jumps_the_flow_rests_at_saddles"),
    ("staircase", "between_its_jumps_the_flow_rests_at_saddles"),
    ("conserved_quantities", "unequal_factors_conserve_their_differences"),
    ("final_weights", "large_initialization_selects_the_least_l2_norm"),
    ("average_against_lasso", "time_averages_solve_the_lasso"),
    ("descent_against_flow", "half_the_step_halves_the_distance_of_descent"),
    ("limit_against_alpha", "deep_gaps_have_a_leading_constant"),
];

/// Scenarios whose predictions are assessed, because a figure shows their families of runs.
const FAMILIES: [&str; 2] = [
    "half_the_step_halves_the_distance_of_descent",
    "deep_gaps_have_a_leading_constant",
];

/// Runs of one scenario that are compared in one picture.
const DEPTHS: [&str; 3] = ["2", "3", "4"];
const COMPARED: &str = "two_layers_recover_a_sparse_vector";

/// Draws everything into `pictures`, and writes the page.
fn gallery(place: &Place) -> String {
    let scenario = |name: &str| repository().join(format!("scenarios/{name}.ron")).display().to_string();
    let mut page = "# Gallery\n\nEvery figure of a run, drawn by `hadaflow plot` from a shipped scenario. \
                    [Figures](observables.md#figures) says what is drawn\nin detail.\n"
        .to_owned();
    for (figure, name) in PICTURES {
        let quiet = ["--no-figures", "--set", "predictions=None"];
        let quiet = if FAMILIES.contains(&name) {
            &quiet[..1]
        } else {
            &quiet[..]
        };
        if !place.path(name).exists() {
            let scenario = scenario(name);
            place
                .run(&[&["run", &scenario, "--out", name], quiet].concat())
                .exits(0);
        }
        let drawn = place
            .run(&["plot", name, "--figure", figure, "--out", "pictures"])
            .exits(0);
        let image = |path: &str| {
            let stem = path.trim_start_matches("pictures/").trim_end_matches(".svg");
            format!("![{stem}](gallery/{stem}.svg)\n\n")
        };
        let images: String = drawn.stdout.lines().map(image).collect();
        let entry = catalogue().iter().find(|entry| entry.name() == figure).unwrap();
        page += &format!(
            "\n## `{figure}`\n\n{}\n\n{images}From `scenarios/{name}.ron`.\n",
            entry.description()
        );
    }
    for depth in DEPTHS {
        let set = format!("model.depth={depth}");
        let rest = ["--set", &set, "--set", "predictions=None", "--no-figures"];
        place
            .run(&[&["run", &scenario(COMPARED), "--out", depth], &rest[..]].concat())
            .exits(0);
    }
    let plot = [
        &["plot"],
        &DEPTHS[..],
        &["--figure", "bregman_decay", "--out", "compared"],
    ]
    .concat();
    place.run(&plot).exits(0);
    std::fs::rename(
        place.path("compared/bregman_decay.svg"),
        place.path("pictures/comparison.svg"),
    )
    .unwrap();
    page + "\n## Several runs in one figure\n\n`hadaflow plot RUN RUN ..` labels each run by what its scenario has that the \
            others have not.\n\n![comparison](gallery/comparison.svg)\n"
}

/// Elements of a picture by name, and the size of its page.
fn anatomy(svg: &str) -> (Vec<(&'static str, usize)>, String) {
    let count = |element: &'static str| (element, svg.matches(&format!("<{element} ")).count());
    let size = svg.split_once('>').unwrap().0.to_owned();
    (["path", "rect", "circle", "g"].map(count).to_vec(), size)
}

/// Dots per inch at which pictures are compared.
const DPI: f64 = 120.0;
/// Side of the windows, and their distance, in pixels.
const WINDOW: (u32, u32) = (9, 4);
/// What the worst window must reach. Coordinates that round differently move a line by a twentieth of a pixel.
const ALIKE: f64 = 0.8;

/// How alike two pictures are where they are least alike: the least structural similarity (Wang, Bovik, Sheikh and
/// Simoncelli, IEEE Transactions on Image Processing 13(4), 2004)
///
/// ```text
/// (2 μ_a μ_b + c₁)(2 σ_ab + c₂) / ((μ_a² + μ_b² + c₁)(σ_a² + σ_b² + c₂)),   c₁ = (0.01·255)², c₂ = (0.03·255)²
/// ```
///
/// of any window in red, green or blue; 0 for pictures of different size.
fn likeness(a: &str, b: &str) -> f64 {
    let pixels = |svg: &str| Pixmap::decode_png(&png(svg, DPI).unwrap()).unwrap();
    let (a, b) = (pixels(a), pixels(b));
    if (a.width(), a.height()) != (b.width(), b.height()) {
        return 0.0;
    }
    let channel = |image: &Pixmap, x: u32, y: u32, c: usize| {
        let pixel = image.pixel(x, y).unwrap();
        f64::from([pixel.red(), pixel.green(), pixel.blue()][c])
    };
    let (side, apart) = WINDOW;
    let mut worst = 1.0f64;
    for top in (0..=a.height() - side).step_by(apart as usize) {
        for left in (0..=a.width() - side).step_by(apart as usize) {
            for c in 0..3 {
                let places = (top..top + side).flat_map(|y| (left..left + side).map(move |x| (x, y)));
                let mut sums = [0.0; 5];
                for (x, y) in places {
                    let (p, q) = (channel(&a, x, y, c), channel(&b, x, y, c));
                    sums.iter_mut()
                        .zip([p, q, p * p, q * q, p * q])
                        .for_each(|(sum, term)| *sum += term);
                }
                let [p, q, pp, qq, pq] = sums.map(|sum| sum / f64::from(side * side));
                let (c1, c2) = (2.55f64.powi(2), 7.65f64.powi(2));
                let means = (2.0 * p * q + c1) / (p * p + q * q + c1);
                worst = worst.min(means * (2.0 * (pq - p * q) + c2) / (pp - p * p + qq - q * q + c2));
            }
        }
    }
    worst
}

#[test]
fn what_an_eye_sees_is_seen_and_last_digits_are_not() {
    let x: Vec<f64> = (0..200).map(|k| 10f64.powf(f64::from(k) / 40.0)).collect();
    let line = |label: &str, factor: f64, colour: usize| {
        let y = x.iter().map(|x| factor / (1.0 + x)).collect();
        Series::line(label, x.clone(), y, Colour::Palette(colour))
    };
    let drawn = |series: Vec<Series>| {
        let chart = Chart {
            x: Axis::log10("time 𝑡"),
            y: Axis::log10("loss"),
            series,
            ..Chart::default()
        };
        svg(&chart, Size::OneColumn, &Theme::light()).unwrap()
    };
    let picture = drawn(vec![line("one", 1.0, 0), line("two", 3.0, 1)]);
    let same = |other: Vec<Series>| likeness(&picture, &drawn(other));
    let digits = same(vec![line("one", 1.0 + 1e-6, 0), line("two", 3.0 - 1e-6, 1)]);
    assert!(digits > ALIKE, "last digits: {digits}");
    let unlisted = line("two", 3.0, 1).unlisted();
    for (what, other) in [
        ("a removed line", vec![line("one", 1.0, 0), line("two", f64::NAN, 1)]),
        ("another colour", vec![line("one", 1.0, 0), line("two", 3.0, 2)]),
        ("a longer legend", vec![line("one more", 1.0, 0), line("two", 3.0, 1)]),
        ("a shorter legend", vec![line("one", 1.0, 0), unlisted]),
        ("a moved line", vec![line("one", 1.1, 0), line("two", 3.0, 1)]),
    ] {
        let found = same(other);
        println!("{what}: {found:.3}, last digits: {digits:.5}");
        assert!(found < 0.5 * ALIKE, "{what}: {found}");
    }
    // the legend moved by a fifth of a millimetre, nothing else
    let (rest, legend) = picture.rsplit_once("<path fill=\"none\" stroke=\"#0072b2\"").unwrap();
    let moved = legend.replace("</svg>", "</g></svg>");
    let moved = format!("{rest}<g transform=\"translate(20 0)\"><path fill=\"none\" stroke=\"#0072b2\"{moved}");
    assert!(likeness(&picture, &moved) < ALIKE, "{}", likeness(&picture, &moved));
}

/// `UPDATE_BOOK=1 cargo test --test gallery` draws it again. Another instruction set may round differently, so that pictures
/// are compared by their parts and by what an eye sees of them, and not by their bytes.
#[test]
fn the_gallery_in_the_book_is_what_the_command_draws() {
    assert_eq!(PICTURES.len(), catalogue().len(), "every figure is in the gallery");
    let place = Place::new();
    let page = gallery(&place);
    let book = repository().join("docs/src");
    let drawn = place.files("pictures");
    if std::env::var_os("UPDATE_BOOK").is_some() {
        std::fs::create_dir_all(book.join("gallery")).unwrap();
        std::fs::write(book.join("gallery.md"), &page).unwrap();
        for name in &drawn {
            std::fs::copy(place.path("pictures").join(name), book.join("gallery").join(name)).unwrap();
        }
    }
    let stale = "is out of date: UPDATE_BOOK=1 cargo test --test gallery";
    let kept = std::fs::read_to_string(book.join("gallery.md")).unwrap_or_default();
    assert!(kept == page, "docs/src/gallery.md {stale}");
    let mut shown: Vec<String> = std::fs::read_dir(book.join("gallery"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    shown.sort();
    assert_eq!(shown, drawn, "docs/src/gallery {stale}");
    for name in &drawn {
        let kept = std::fs::read_to_string(book.join("gallery").join(name)).unwrap();
        let now = String::from_utf8(place.read(&format!("pictures/{name}"))).unwrap();
        let lengths = (kept.len() as f64, now.len() as f64);
        assert!(
            (lengths.0 / lengths.1 - 1.0).abs() < 0.05,
            "{name} {stale}: {lengths:?}"
        );
        assert_eq!(anatomy(&kept), anatomy(&now), "{name} {stale}");
        let alike = likeness(&kept, &now);
        assert!(alike > ALIKE, "{name} {stale}: it looks different, likeness {alike:.3}");
    }
}

#[test]
fn a_style_file_colours_pictures_and_a_wrong_one_is_refused() {
    let place = Place::with_small();
    place
        .run(&["run", "small.ron", "--out", "run", "--no-figures"])
        .exits(0);
    place.write(
        "style.ron",
        "Style(ground: Dark, background: \"#010203\", roles: {Loss: \"#fedcba\"})",
    );
    let plot = [
        "plot",
        "run",
        "--figure",
        "loss_decay",
        "--style",
        "style.ron",
        "--out",
        "styled",
    ];
    place.run(&plot).exits(0);
    let svg = String::from_utf8(place.read("styled/loss_decay.svg")).unwrap();
    assert!(
        svg.contains("#010203") && svg.contains("#fedcba"),
        "both colours are used"
    );
    assert!(svg.contains("#f2f2f2"), "what is not named is that of the ground");
    place.write("style.ron", "Style(background: \"black\")");
    let done = place.run(&plot).exits(3);
    assert!(done.stderr.contains("background"), "{}", done.stderr);
}

#[test]
fn a_figure_that_cannot_be_drawn_says_what_to_ask_for() {
    let place = Place::new();
    let large = SMALL
        .replace("1e-3", "2.0")
        .replace("record", "predictions: None, record");
    place.write("large.ron", large);
    place
        .run(&["run", "large.ron", "--out", "run", "--no-figures"])
        .exits(0);
    for (figure, words) in [
        ("descent_against_flow", "list it in `predictions`"),
        ("limit_against_alpha", "gap_slope_in_alpha"),
        ("average_against_lasso", "Identical(1e-3)"),
        ("conserved_quantities", "formulation: Factor"),
    ] {
        let done = place.run(&["plot", "run", "--figure", figure]).exits(3);
        done.says(&[figure, "cannot be drawn: it needs", words]);
    }
    // those that can be drawn are
    let both = ["plot", "run", "--figure", "staircase", "--figure", "loss_decay"];
    place.run(&both).exits(3).prints(&["run/figures/loss_decay.svg"]);
    place.run(&["plot", "run"]).exits(0);
}

#[test]
fn several_runs_are_labelled_by_what_differs() {
    let place = Place::with_small();
    for depth in ["2", "3"] {
        let set = format!("model.depth={depth}");
        place
            .run(&["run", "small.ron", "--set", &set, "--out", depth, "--no-figures"])
            .exits(0);
    }
    let done = place.run(&["plot", "2", "3", "--figure", "loss_decay"]).exits(0);
    assert_eq!(done.stdout.trim(), "comparison/loss_decay.svg");
    let (one, both) = (
        place.run(&["plot", "2", "--figure", "loss_decay"]),
        place.read("comparison/loss_decay.svg"),
    );
    assert_eq!(one.exits(0).stdout.trim(), "2/figures/loss_decay.svg");
    assert_ne!(place.read("2/figures/loss_decay.svg"), both);
}
