//! A chart as data for the page's script.

use hadaflow_plot::{Chart, Dash, Scale, Theme};
use serde_json::{Value, json};

use super::markup::{formula, hex};

/// More points of a line than this cannot be told apart on a screen.
const MOST_POINTS: usize = 1000;

/// The chart as JSON that may stand inside a `<script>` element.
pub(super) fn data(chart: &Chart, theme: &Theme) -> String {
    embedded(&value(chart, theme))
}

/// JSON as the text of a `<script>` element: `</` would end the element; in JSON the two spellings are the same text.
pub(crate) fn embedded(value: &Value) -> String {
    value.to_string().replace("</", "<\\/")
}

/// The chart as JSON.
pub(crate) fn value(chart: &Chart, theme: &Theme) -> Value {
    let paint = |colour| hex(theme.paint(colour));
    let dashes = |dash| match dash {
        Dash::Solid => "",
        Dash::Dashed => "7 4",
        Dash::Dotted => "1.5 3",
        Dash::DashDot => "8 3 1.5 3",
    };
    let series = chart.series.iter().map(|s| {
        json!({"label": formula(&s.label), "x": numbers(&s.x), "y": numbers(&s.y), "colour": paint(s.colour),
               "dash": dashes(s.dash), "width": s.width, "listed": s.legend || s.direct})
    });
    let bands = chart.bands.iter().map(|b| {
        json!({"label": formula(&b.label), "x": numbers(&b.x), "lower": numbers(&b.lower), "upper": numbers(&b.upper),
               "colour": paint(b.colour), "opacity": theme.band_opacity})
    });
    let levels = chart.levels.iter().map(|l| {
        json!({"label": formula(&l.label), "value": number(l.value), "colour": paint(l.colour), "dash": dashes(l.dash),
               "width": l.width, "listed": !l.label.is_empty()})
    });
    let points = chart.points.iter().map(|p| {
        json!({"label": formula(&p.label), "x": numbers(&p.x), "y": numbers(&p.y), "colour": paint(p.colour),
               "listed": !p.label.is_empty()})
    });
    let axis = |axis: &hadaflow_plot::Axis| {
        json!({"label": formula(&axis.label), "log": axis.scale == Scale::Log10,
               "range": axis.range.map(|(low, high)| [low, high])})
    };
    json!({
        "x": axis(&chart.x), "y": axis(&chart.y),
        "series": series.collect::<Vec<_>>(), "bands": bands.collect::<Vec<_>>(),
        "levels": levels.collect::<Vec<_>>(), "points": points.collect::<Vec<_>>(),
    })
}

/// Every so many values, and the last.
pub(crate) fn numbers(values: &[f64]) -> Value {
    let stride = values.len().div_ceil(MOST_POINTS).max(1);
    let last = values.len().saturating_sub(1);
    let kept = values.iter().enumerate().filter(|(i, _)| i % stride == 0 || *i == last);
    kept.map(|(_, value)| number(*value)).collect()
}

/// Six digits, which is more than a screen shows; null for what cannot be drawn.
pub(crate) fn number(value: f64) -> Value {
    if !value.is_finite() {
        return Value::Null;
    }
    // the text of a finite number is a number
    format!("{value:.5e}")
        .parse::<f64>()
        .map_or(Value::Null, |short| json!(short))
}

#[cfg(test)]
mod tests {
    use hadaflow_plot::{Axis, Colour, Series};

    use super::*;

    #[test]
    fn long_lines_are_thinned_and_keep_their_ends_and_what_is_no_number_is_null() {
        let x: Vec<f64> = (0..2501).map(f64::from).collect();
        let mut y = x.clone();
        y[0] = f64::NAN;
        y[2500] = 1.0 / 3.0;
        let chart = Chart {
            x: Axis::log10("𝑡"),
            series: vec![Series::line("</script> 𝐷_{𝐹}", x, y, Colour::Palette(0))],
            ..Chart::default()
        };
        let text = data(&chart, &Theme::light());
        assert!(!text.contains("</"), "{text}");
        let back: Value = serde_json::from_str(&text).unwrap();
        let line = &back["series"][0];
        let (x, y) = (line["x"].as_array().unwrap(), line["y"].as_array().unwrap());
        assert_eq!(x.len(), y.len());
        assert!(x.len() <= MOST_POINTS && x.len() > MOST_POINTS / 2, "{}", x.len());
        assert_eq!(
            (&y[0], &x[1], &x[x.len() - 1]),
            (&Value::Null, &json!(3.0), &json!(2500.0))
        );
        assert_eq!(y[y.len() - 1], json!(0.333333));
        assert_eq!(line["label"], "&lt;/script&gt; 𝐷<sub>𝐹</sub>");
        assert_eq!((&back["x"]["log"], &back["y"]["log"]), (&json!(true), &json!(false)));
    }
}
