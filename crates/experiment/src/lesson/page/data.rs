//! The family as JSON for the page's script. What occurs more than once, such as recorded times and labels, stands once in a
//! pool and is referred to by its position.

use std::collections::BTreeMap;

use hadaflow_plot::{Chart, Theme};
use serde_json::{Map, Value, json};

use super::{Lesson, Light, Member, shown, word};
use crate::lesson::Family;
use crate::page::live;
use crate::page::markup::{escaped, formula};

/// Significant digits of what is drawn.
const DIGITS: usize = 4;

/// Everything the sliders choose from.
pub(super) fn family(lesson: &Lesson, family: &Family) -> Value {
    let mut pool = Pool::default();
    let members: Vec<Value> = family
        .members()
        .iter()
        .map(|member| pool.member(lesson, member))
        .collect();
    let sliders = lesson.sliders.iter().map(|slider| {
        let each = |text: fn(&crate::lesson::Slider, usize) -> String| {
            (0..slider.values.len()).map(|k| text(slider, k)).collect::<Vec<_>>()
        };
        json!({"name": slider.name, "symbol": formula(&slider.symbol), "values": slider.values,
               "written": each(crate::lesson::Slider::written), "shown": each(crate::lesson::Slider::shown)})
    });
    let chart = lesson.chart_across(family, &lesson.start());
    json!({
        "scenario": lesson.scenario, "sliders": sliders.collect::<Vec<_>>(),
        "across": {"slider": lesson.across(), "chart": live::value(&chart, &Theme::light())},
        "members": members, "pool": pool.values,
    })
}

/// Values by position.
#[derive(Default)]
struct Pool {
    values: Vec<Value>,
    known: BTreeMap<String, usize>,
}

impl Pool {
    /// The position of a value.
    fn place(&mut self, value: Value) -> usize {
        let next = self.values.len();
        let place = *self.known.entry(value.to_string()).or_insert(next);
        if place == next {
            self.values.push(value);
        }
        place
    }

    fn member(&mut self, lesson: &Lesson, member: &Member) -> Value {
        let charts: Vec<Value> = member
            .charts
            .iter()
            .map(|named| self.chart(&named.chart, member.t()))
            .collect();
        let lights: Vec<Value> = member.lights.iter().map(|light| self.light(light)).collect();
        let times = [member.began, member.t().last().copied().unwrap_or(member.began)];
        let last = lesson.columns.iter().map(|column| shown(member.last(column)));
        json!({
            "charts": charts, "lights": lights, "outcome": self.place(json!(member.outcome)),
            "t": times.map(live::number),
            "last": last.collect::<Vec<_>>(), "across": live::number(member.last(&lesson.across.column)),
        })
    }

    /// A chart whose lists of numbers, and whose parts without them, are in the pool.
    fn chart(&mut self, chart: &Chart, t: &[f64]) -> Value {
        let mut packed = Map::new();
        packed.insert("clock".to_owned(), clock(chart, t).map_or(Value::Null, live::number));
        let Value::Object(parts) = live::value(chart, &Theme::light()) else {
            return Value::Null;
        };
        for (name, part) in parts {
            let place = match part {
                Value::Array(items) => items.into_iter().map(|item| self.item(item)).collect(),
                axis => json!(self.place(axis)),
            };
            packed.insert(name, place);
        }
        packed.into()
    }

    /// A line, band, level or set of points: `[style, {x, y, …}]`.
    fn item(&mut self, item: Value) -> Value {
        let Value::Object(item) = item else { return Value::Null };
        let (numbers, style): (Map<_, _>, Map<_, _>) = item.into_iter().partition(|(_, value)| value.is_array());
        let numbers: Map<String, Value> = numbers
            .into_iter()
            .map(|(name, list)| (name, json!(self.place(short(list)))))
            .collect();
        json!([self.place(style.into()), numbers])
    }

    fn light(&mut self, light: &Light) -> Value {
        let what = json!({"says": says(light), "goal": light.is_goal(), "verdict": light.verdict, "word": word(light)});
        json!([self.place(what), formula(&light.reason), light.since])
    }
}

/// What a light is about, as HTML.
pub(super) fn says(light: &Light) -> String {
    match light.is_goal() {
        true => formula(&light.name),
        false => format!(
            "<code>{}</code> {}",
            escaped(&light.name).replace('_', "_<wbr>"),
            formula(&light.statement)
        ),
    }
}

/// A column as a reader calls it, as HTML.
pub(super) fn spoken(column: &str) -> String {
    match column {
        "t" => "final time <i>t</i>".to_owned(),
        "distance_truth" => formula("distance ‖w − w*‖"),
        "distance_basis_pursuit" => formula("distance from basis pursuit"),
        "distance_bregman_projection" => formula("distance from the limit"),
        "l1_norm" => formula("norm ‖w‖₁"),
        "largest_off_support" => formula("largest |w_j| off support"),
        other => escaped(&other.replace('_', " ")),
    }
}

/// The time that is 1 on the horizontal axis, if the first line is drawn over the recorded times.
fn clock(chart: &Chart, t: &[f64]) -> Option<f64> {
    let line = chart.series.first().filter(|line| line.x.len() == t.len())?;
    let clock = t.last()? / line.x.last()?;
    let same = t
        .iter()
        .zip(&line.x)
        .all(|(t, x)| (t - clock * x).abs() <= 1e-9 * t.abs());
    (same && clock.is_finite()).then_some(clock)
}

/// Numbers with as many digits as a screen shows.
fn short(list: Value) -> Value {
    let Value::Array(list) = list else { return list };
    let digits = DIGITS - 1;
    let number = |value: &Value| {
        let number = value.as_f64()?;
        let text = format!("{number:.digits$e}");
        // whole numbers without `.0`
        let short: f64 = text.parse().ok()?;
        Some(match short == short.trunc() && short.abs() < 1e9 {
            true => json!(short as i64), // below 2^53
            false => json!(short),
        })
    };
    list.iter().map(|value| number(value).unwrap_or(Value::Null)).collect()
}

#[cfg(test)]
mod tests {
    use hadaflow_plot::{Axis, Colour, Series};

    use super::*;

    #[test]
    fn what_repeats_stands_in_the_pool_once() {
        let chart = |y: f64| Chart {
            x: Axis::log10("time"),
            series: vec![Series::line(
                "a",
                vec![1.0, 2.0],
                vec![y, 1.0 / 3.0],
                Colour::Palette(0),
            )],
            ..Chart::default()
        };
        let mut pool = Pool::default();
        let (one, two) = (
            pool.chart(&chart(5.0), &[10.0, 20.0]),
            pool.chart(&chart(6.0), &[10.0, 20.5]),
        );
        assert_eq!(one["series"][0][0], two["series"][0][0]);
        assert_eq!(one["series"][0][1]["x"], two["series"][0][1]["x"]);
        assert_ne!(one["series"][0][1]["y"], two["series"][0][1]["y"]);
        let y = one["series"][0][1]["y"].as_u64().unwrap() as usize;
        assert_eq!(pool.values[y], json!([5, 0.3333]));
        assert_eq!((&one["clock"], &two["clock"]), (&json!(10.0), &Value::Null));
        assert_eq!(
            pool.values.len(),
            6,
            "two axes, a style, x, and y twice: {:?}",
            pool.values
        );
    }
}
