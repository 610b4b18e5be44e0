//! Text, formulas, numbers and tables as HTML.

use std::collections::BTreeMap;

use hadaflow_plot::{Colour, Rgb, Role, Theme};
use serde_json::Value;

use crate::write::from_json;

/// Text as HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

/// A formula as HTML: `D_F`, `‖·‖_∞`, `D_{F}` and `α^{2−L}` with scripts. An underscore inside a word of several letters, as in
/// the name of a column, stays one.
pub(crate) fn formula(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(&c) = characters.get(at) {
        let tag = match c {
            '_' => Some("sub"),
            '^' => Some("sup"),
            _ => None,
        };
        match tag.and_then(|tag| script(&characters, at).map(|(inner, next)| (tag, inner, next))) {
            Some((tag, inner, next)) => {
                out.push_str(&format!("<{tag}>{}</{tag}>", escaped(&inner)));
                at = next;
            }
            None => {
                out.push_str(&escaped(&c.to_string()));
                at += 1;
            }
        }
    }
    out
}

/// What the mark at `at` raises or lowers, and where the text goes on.
fn script(characters: &[char], at: usize) -> Option<(String, usize)> {
    if characters.get(at + 1) == Some(&'{') {
        let end = (at..characters.len()).find(|&k| characters[k] == '}')?;
        return Some((characters[at + 2..end].iter().collect(), end + 1));
    }
    let word = |k: Option<usize>| {
        k.and_then(|k| characters.get(k))
            .is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_')
    };
    let one = *characters.get(at + 1)?;
    let inside = word(at.checked_sub(1)) && word(at.checked_sub(2));
    let single = !(inside || word(Some(at + 2)));
    (at > 0 && single && !one.is_whitespace() && one != '(').then(|| (one.to_string(), at + 2))
}

/// A number of the report: its text there as `value`, rounded for the eye; other JSON as text, nothing for null.
pub(crate) fn cell(value: &Value) -> String {
    let exact = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match from_json(value) {
        Some(number) => format!("<data value=\"{}\">{}</data>", escaped(&exact), rounded(number)),
        None => escaped(&exact),
    }
}

/// Six digits; whole numbers that a reader would count in full.
pub(crate) fn rounded(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        return "not a number".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let text = if number == number.trunc() && size < 1e9 {
        return format!("{number:.0}").replace("-0", "0").replace('-', "−");
    } else if (1e-3..1e6).contains(&size) {
        let decimals = (5 - size.log10().floor() as i32).clamp(0, 9) as usize; // size lies in [1e-3, 1e6)
        format!("{number:.decimals$}")
    } else {
        let scientific = format!("{number:.5e}");
        let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        format!("{digits}·10<sup>{power}</sup>")
    };
    text.replace('-', "−")
}

/// A row with its heading.
pub(crate) fn row(heading: &str, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr><th scope=\"row\">{heading}</th>{cells}</tr>\n")
}

/// A table that may be wider than the page.
pub(crate) fn table(class: &str, columns: &[&str], body: &str) -> String {
    let head: String = columns
        .iter()
        .map(|column| format!("<th scope=\"col\">{column}</th>"))
        .collect();
    let head = if head.is_empty() {
        head
    } else {
        format!("<thead><tr>{head}</tr></thead>\n")
    };
    format!("<div class=\"wide\"><table class=\"{class}\">\n{head}<tbody>\n{body}</tbody>\n</table></div>\n")
}

/// A colour as HTML writes it.
pub(crate) fn hex(colour: Rgb) -> String {
    format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2)
}

/// Rules that give pictures drawn in one theme the colours of another, on dark screens.
pub(crate) fn dark_colours(light: &Theme, dark: &Theme) -> String {
    let mut pairs = BTreeMap::new();
    let mut pair = |from: Rgb, to: Rgb| {
        pairs.entry(hex(from)).or_insert_with(|| hex(to));
    };
    pair(light.background, dark.background);
    pair(light.foreground, dark.foreground);
    pair(light.muted, dark.muted);
    pair(light.grid, dark.grid);
    for role in Role::ALL {
        pair(light.paint(Colour::Role(role)), dark.paint(Colour::Role(role)));
    }
    for index in 0..light.palette.len() {
        pair(light.palette[index], dark.palette[index]);
    }
    let rule = |(from, to): (&String, &String)| {
        format!("figure [fill=\"{from}\"]{{fill:{to}}}figure [stroke=\"{from}\"]{{stroke:{to}}}\n")
    };
    let changed = pairs.iter().filter(|(from, to)| from != to);
    format!(
        "@media screen and (prefers-color-scheme: dark) {{\n{}}}\n",
        changed.map(rule).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_have_scripts_and_names_keep_their_underscores() {
        for (text, html) in [
            ("D_F(z, w(t)) ≤ x", "D<sub>F</sub>(z, w(t)) ≤ x"),
            ("‖Aᵀq‖_∞ < 1", "‖Aᵀq‖<sub>∞</sub> &lt; 1"),
            ("x_j² − x_k²", "x<sub>j</sub>² − x<sub>k</sub>²"),
            ("α^{2(1−ρ)} & 𝐷_{𝐹}", "α<sup>2(1−ρ)</sup> &amp; 𝐷<sub>𝐹</sub>"),
            ("worst: basis_pursuit at t = 1", "worst: basis_pursuit at t = 1"),
            ("see dual_bound_R, a_", "see dual_bound_R, a_"),
            ("10^(2 − L) {", "10^(2 − L) {"),
        ] {
            assert_eq!(formula(text), html);
        }
    }

    #[test]
    fn numbers_keep_all_digits_beside_the_rounded_ones() {
        let cases = [
            (2.2114685049395692e-12, "2.21147·10<sup>−12</sup>"),
            (0.4594049483468843, "0.459405"),
            (-4.201427641146249, "−4.20143"),
            (1e-8, "1·10<sup>−8</sup>"),
            (1169.0, "1169"),
            (0.0, "0"),
            (-0.0, "0"),
            (2461251.496246032, "2.46125·10<sup>6</sup>"),
        ];
        for (number, text) in cases {
            let found = cell(&crate::write::json_number(number));
            let (value, shown) = found.split_once("\">").unwrap();
            assert_eq!(
                value.strip_prefix("<data value=\"").unwrap().parse::<f64>().unwrap(),
                number
            );
            assert_eq!(shown, format!("{text}</data>"));
        }
        assert_eq!(cell(&Value::Null), "");
        assert_eq!(
            cell(&crate::write::json_number(f64::NAN)),
            "<data value=\"nan\">not a number</data>"
        );
        assert_eq!(
            cell(&crate::write::json_number(f64::NEG_INFINITY)),
            "<data value=\"-inf\">−∞</data>"
        );
    }

    #[test]
    fn dark_rules_name_every_colour_once() {
        let rules = dark_colours(&Theme::light(), &Theme::dark());
        for (from, to) in [("ffffff", "14161a"), ("000000", "f2f2f2"), ("0072b2", "56b4e9")] {
            assert_eq!(
                rules.matches(&format!("[fill=\"#{from}\"]{{fill:#{to}}}")).count(),
                1,
                "{rules}"
            );
        }
    }
}
