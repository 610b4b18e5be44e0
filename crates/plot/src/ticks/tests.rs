use super::*;

fn labels(scale: Scale, low: f64, high: f64, wanted: usize) -> Vec<String> {
    ticks(
        &Span {
            scale,
            low,
            high,
            whole: false,
        },
        wanted,
    )
    .into_iter()
    .filter_map(|tick| tick.label)
    .collect()
}

/// What a reader understands by a label.
fn read(label: &str) -> f64 {
    let plain: String = label
        .chars()
        .map(|c| match c {
            '−' | '⁻' => '-',
            '×' => 'x',
            '⁰' => '0',
            '¹' => '1',
            '²' => '2',
            '³' => '3',
            '⁴'..='⁹' => char::from_u32(u32::from(c) - 0x2070 + u32::from('0')).unwrap(),
            other => other,
        })
        .collect();
    let superscript = label.chars().position(|c| "⁻⁰¹²³⁴⁵⁶⁷⁸⁹".contains(c));
    let Some(start) = superscript else {
        return plain.parse().unwrap();
    };
    let (base, exponent): (String, String) = (plain.chars().take(start).collect(), plain.chars().skip(start).collect());
    let mantissa = match base.strip_suffix("10").unwrap() {
        "" => "1",
        "-" => "-1",
        with_times => with_times.strip_suffix('x').unwrap(),
    };
    format!("{mantissa}e{exponent}").parse().unwrap()
}

#[test]
fn known_axes() {
    assert_eq!(
        labels(Scale::Linear, 0.0, 1.0, 5),
        ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    );
    assert_eq!(labels(Scale::Linear, -1.0, 1.0, 4), ["−1.0", "−0.5", "0", "0.5", "1.0"]);
    assert_eq!(labels(Scale::Linear, 0.0, 2e-7, 2), ["0", "10⁻⁷", "2×10⁻⁷"]);
    assert_eq!(labels(Scale::Linear, 0.0, 25_000.0, 3), ["0", "10000", "20000"]);
    assert_eq!(
        labels(Scale::Log10, -4.2, 0.3, 6),
        ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]
    );
    assert_eq!(
        labels(Scale::Log10, -300.0, 300.0, 7),
        ["10⁻³⁰⁰", "10⁻²⁰⁰", "10⁻¹⁰⁰", "10⁰", "10¹⁰⁰", "10²⁰⁰", "10³⁰⁰"]
    );
    assert_eq!(labels(Scale::Log10, 0.4, 1.45, 4), ["5", "10", "20"]);
}

#[test]
fn labels_mean_the_place_they_stand_at() {
    let ends = [
        -3e7, -1.0, -0.3, 0.0, 1e-9, 9.99e-5, 0.1, 0.3, 1.0, 7.0, 1234.5, 9.1e12, 1e300,
    ];
    for (i, &low) in ends.iter().enumerate() {
        for &high in &ends[i + 1..] {
            for wanted in 1..9 {
                let span = Span {
                    whole: false,
                    scale: Scale::Linear,
                    low,
                    high,
                };
                for tick in ticks(&span, wanted) {
                    let meant = read(tick.label.as_ref().unwrap());
                    let stands = low + tick.at * (high - low);
                    assert!(
                        (meant - stands).abs() <= 1e-9 * (high - low),
                        "{tick:?} on {low}..{high}"
                    );
                }
            }
        }
    }
}

#[test]
fn logarithmic_labels_mean_the_place_they_stand_at() {
    for tenths_low in (-3230..3000).step_by(173) {
        for tenths_wide in [1, 3, 7, 12, 20, 45, 90, 200, 700, 3000] {
            let (low, high) = (f64::from(tenths_low) / 10.0, f64::from(tenths_low + tenths_wide) / 10.0);
            if high > 308.0 || low < -300.0 {
                continue;
            }
            let span = Span {
                whole: false,
                scale: Scale::Log10,
                low,
                high,
            };
            for tick in ticks(&span, 5) {
                let Some(label) = tick.label else { continue };
                let stands = low + tick.at * (high - low);
                assert!(
                    (read(&label).log10() - stands).abs() < 1e-6,
                    "{label} on 10^{low}..10^{high}"
                );
            }
        }
    }
}

#[test]
fn every_axis_has_some_labels_but_not_too_many() {
    for wanted in 2..9 {
        for wide in [1e-6, 0.01, 0.5, 0.99, 1.0, 1.3, 2.0, 5.5, 17.0, 60.0, 200.0, 640.0] {
            for low in [-320.0, -11.7, -0.2, 0.0, 3.4] {
                let high: f64 = low + wide;
                if low < -300.0 && wide < 2.0 || high > 307.0 {
                    continue;
                }
                let count = labels(Scale::Log10, low, high, wanted).len();
                assert!(
                    (1..=wanted + 2).contains(&count),
                    "{count} labels of {wanted} on 10^{low}..10^{high}"
                );
            }
            let count = labels(Scale::Linear, -wide, 3.0 * wide, wanted).len();
            assert!(
                (1..=wanted + 1).contains(&count),
                "{count} labels of {wanted} on width {wide}"
            );
        }
    }
}

#[test]
fn no_label_carries_float_noise() {
    for wanted in 2..9 {
        for (low, high) in [(0.0, 0.3), (1e-5, 1e-4), (0.0, 0.7), (-0.9, 0.1), (1e-4, 0.1)] {
            for label in labels(Scale::Linear, low, high, wanted).into_iter().chain(labels(
                Scale::Log10,
                f64::log10(low.max(1e-6)),
                f64::log10(high),
                wanted,
            )) {
                let digits = label.chars().filter(char::is_ascii_digit).count();
                assert!(
                    digits <= 6 && !label.contains('e') && !label.contains("99"),
                    "noisy label {label}"
                );
            }
        }
    }
}

#[test]
fn axes_of_counts_have_whole_ticks() {
    let labels = |low: f64, high: f64, wanted: usize| -> Vec<String> {
        let span = Span {
            scale: Scale::Linear,
            low,
            high,
            whole: true,
        };
        ticks(&span, wanted).into_iter().filter_map(|tick| tick.label).collect()
    };
    assert_eq!(labels(1.9, 5.1, 8), ["2", "3", "4", "5"]);
    assert_eq!(labels(1.8, 2.2, 8), ["2"]);
    assert_eq!(labels(0.0, 100.0, 5), ["0", "20", "40", "60", "80", "100"]);
    assert!(labels(2.1, 2.9, 4).is_empty());
    assert!(labels(1e300, 1.1e300, 4).len() <= 6);
}

#[test]
fn minor_ticks_only_where_there_is_room() {
    let minor = |low, high| {
        let span = Span {
            whole: false,
            scale: Scale::Log10,
            low,
            high,
        };
        ticks(&span, 6).iter().filter(|tick| tick.label.is_none()).count()
    };
    assert_eq!(minor(0.0, 4.0), 32);
    assert_eq!(minor(0.0, 30.0), 31 - labels(Scale::Log10, 0.0, 30.0, 6).len());
    assert_eq!(minor(0.0, 300.0), 0);
}

#[test]
fn degenerate_axes_have_no_ticks_rather_than_a_crash() {
    assert!(labels(Scale::Linear, 1e9, 1e9 + 1e-7, 5).is_empty());
    assert!(labels(Scale::Linear, 0.0, 5e-324, 5).is_empty());
}
