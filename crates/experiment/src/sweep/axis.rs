//! An axis: a name, the fields it sets, and its values.

use std::collections::BTreeMap;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::scenario::{Lexer, Token, dialect};

/// Most values of one axis.
const MAX_VALUES: usize = 1_000_000;

/// Integers below are exact as doubles.
const EXACT: u128 = 9_000_000_000_000_000;

/// One direction of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Its name, a column of the table. Default: the last part of the field's path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The field it sets, as in `--set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What the field becomes, `{}` standing for the value, such as `Identical({})`. Default: the value itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Fields that change together instead, each with its form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "once_each")]
    pub set: BTreeMap<String, String>,
    /// The values.
    pub values: Values,
    /// A field this axis is a fraction of: the value times that field, rounded, is what is set. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<String>,
    /// Whether numbers are rounded to integers. Default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub round: bool,
    /// Whether all values share their random numbers: then the axis does not enter the seed. Default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paired: bool,
}

impl Axis {
    /// The fields it sets, with their forms.
    pub(super) fn fields(&self) -> Vec<(&str, &str)> {
        let form = self.form.as_deref().unwrap_or("{}");
        let single = self.field.as_deref().map(|field| (field, form));
        let several = self.set.iter().map(|(field, form)| (field.as_str(), form.as_str()));
        single.into_iter().chain(several).collect()
    }
}

/// A value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// Anything else: a word, a text without its quotation marks, or any RON value as written, such as an integer that is
    /// no double.
    Text(String),
}

impl Value {
    /// From one RON value.
    fn parse(text: &str) -> Self {
        // a seed of more than 53 bits would become another one
        if text
            .replace('_', "")
            .parse()
            .is_ok_and(|whole: i128| whole.unsigned_abs() >= EXACT)
        {
            return Self::Text(text.to_owned());
        }
        if let Ok(number) = dialect().from_str::<f64>(text) {
            return Self::Number(number);
        }
        Self::Text(ron::from_str::<String>(text).unwrap_or_else(|_| text.to_owned()))
    }

    /// As it stands in a scenario: the shortest number that reads back, integers without a point.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number_text(*number),
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

/// The shortest text of a number, without a point where a field may want an integer.
pub(in crate::sweep) fn number_text(number: f64) -> String {
    if number == number.trunc() && number.abs() < EXACT as f64 {
        return format!("{}", number as i64); // exact below 2^53
    }
    format!("{number:?}")
}

/// The values of an axis: the text they were written as, and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    written: String,
    /// In order.
    pub list: Vec<Value>,
}

/// A range of numbers: `count` of them, or one by one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: f64,
    to: f64,
    count: Option<usize>,
}

impl Range {
    /// Evenly spaced, both ends included; without a count in steps of 1.
    fn linear(&self) -> Result<Vec<f64>, String> {
        let width = self.to - self.from;
        let count = match self.count {
            Some(count) => count,
            // a width beyond the limit saturates, and is refused below
            None if width >= 0.0 && width == width.trunc() => (width as usize).saturating_add(1),
            None => return Err("without a count the range must go up in steps of 1".to_owned()),
        };
        self.spaced(count, |x| x, |x| x)
    }

    /// Evenly spaced logarithms.
    fn logarithmic(&self) -> Result<Vec<f64>, String> {
        let count = self.count.ok_or("a LogRange needs a count")?;
        if !(self.from > 0.0 && self.to > 0.0) {
            return Err("a LogRange has positive ends".to_owned());
        }
        self.spaced(count, f64::log10, |x| 10f64.powf(x))
    }

    fn spaced(&self, count: usize, map: fn(f64) -> f64, back: fn(f64) -> f64) -> Result<Vec<f64>, String> {
        if !(self.from.is_finite() && self.to.is_finite()) {
            return Err("a range has finite ends".to_owned());
        }
        if count > MAX_VALUES {
            return Err(format!("an axis may have {MAX_VALUES} values"));
        }
        let (from, to) = (map(self.from), map(self.to));
        let value = |k: usize| match k {
            0 => self.from,
            k if k + 1 == count => self.to,
            // small counts are exact
            k => fifteen_digits(back(from + (to - from) * (k as f64 / (count - 1) as f64))),
        };
        Ok((0..count).map(value).collect())
    }
}

/// Rounded to what arithmetic and libraries agree on: 0.1 + 0.2 is 0.3, and 10^−3 is 1e-3.
fn fifteen_digits(x: f64) -> f64 {
    format!("{x:.14e}").parse().unwrap_or(x)
}

impl Values {
    /// Rounds the numbers.
    pub(super) fn round(&mut self) {
        for value in &mut self.list {
            if let Value::Number(number) = value {
                *number = number.round();
            }
        }
    }

    fn read(text: &str) -> Result<Self, String> {
        let mut tokens = Lexer::new(text);
        let head = tokens
            .next()
            .map(|(token, range)| (token, text.get(range).unwrap_or_default()));
        let list = match head {
            Some((Token::Open(b'['), _)) => entries(text)?.iter().map(|text| Value::parse(text)).collect(),
            Some((Token::Ident, word @ ("Range" | "LogRange"))) => {
                let fields = text.trim_start().trim_start_matches(word);
                let range: Range = dialect().from_str(fields).map_err(|error| error.code.to_string())?;
                let numbers = if word == "Range" {
                    range.linear()
                } else {
                    range.logarithmic()
                };
                numbers?.into_iter().map(Value::Number).collect()
            }
            _ => {
                return Err(
                    "expected a list [..], Range(from: .., to: ..) or LogRange(from: .., to: .., count: ..)".into(),
                );
            }
        };
        Ok(Self {
            written: text.trim().to_owned(),
            list,
        })
    }
}

/// A map in which no key comes twice.
fn once_each<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Once;
    impl<'de> Visitor<'de> for Once {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("fields with their forms, {\"path\": \"form with {}\", ..}")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, form)) = entries.next_entry::<String, String>()? {
                if map.contains_key(&key) {
                    return Err(A::Error::custom(format!("{key:?} is set twice")));
                }
                map.insert(key, form);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Once)
}

/// The entries of a list as written.
fn entries(text: &str) -> Result<Vec<String>, String> {
    let raw: Vec<Box<ron::value::RawValue>> = dialect().from_str(text).map_err(|error| error.code.to_string())?;
    Ok(raw.iter().map(|entry| entry.get_ron().trim().to_owned()).collect())
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&ron::value::RawValue>::deserialize(deserializer)?;
        Self::read(raw.get_ron()).map_err(D::Error::custom)
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = ron::value::RawValue::from_ron(&self.written).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &str) -> Vec<String> {
        let values: Values = dialect().from_str(values).unwrap();
        values.list.iter().map(Value::text).collect()
    }

    #[test]
    fn values_are_lists_ranges_and_log_ranges() {
        assert_eq!(texts("[10, 2.5, 1e-3, 20.0,]"), ["10", "2.5", "0.001", "20"]);
        assert_eq!(
            texts(r#"["a b", Gaussian, Identical(1e-4), [1, 2]]"#),
            ["a b", "Gaussian", "Identical(1e-4)", "[1, 2]"]
        );
        assert_eq!(texts("Range(from: 0, to: 3)"), ["0", "1", "2", "3"]);
        assert_eq!(
            texts("Range(from: 0.1, to: 0.5, count: 5)"),
            ["0.1", "0.2", "0.3", "0.4", "0.5"]
        );
        assert_eq!(
            texts("LogRange(from: 1e-2, to: 1e-6, count: 5)"),
            ["0.01", "0.001", "0.0001", "1e-5", "1e-6"]
        );
        assert_eq!(texts("Range(from: 7, to: 9, count: 1)"), ["7"]);
        assert!(texts("[]").is_empty());
    }

    /// Every integer that a seed can be stays what it is.
    #[test]
    fn large_integers_keep_their_digits() {
        let written = "[9007199254740993, 9_223_372_036_854_775_807, 18446744073709551615, 8999999999999999]";
        let values: Values = dialect().from_str(written).unwrap();
        let texts: Vec<String> = values.list.iter().map(Value::text).collect();
        assert_eq!(
            texts,
            [
                "9007199254740993",
                "9_223_372_036_854_775_807",
                "18446744073709551615",
                "8999999999999999"
            ]
        );
        let numbers: Vec<bool> = values.list.iter().map(|value| value.number().is_some()).collect();
        assert_eq!(numbers, [false, false, false, true]);
    }

    #[test]
    fn bad_values_say_what_is_wrong() {
        for (text, word) in [
            ("7", "a list"),
            ("Rnage(from: 0, to: 1)", "LogRange"),
            ("Range(from: 0, to: 1.5)", "steps of 1"),
            ("Range(from: 1, to: 0)", "steps of 1"),
            ("Range(from: 0, to: 1e9)", "1000000"),
            ("Range(from: 0, to: inf, count: 3)", "finite"),
            ("Range(from: 0, until: 3)", "until"),
            ("LogRange(from: 1, to: 9)", "count"),
            ("LogRange(from: 0, to: 9, count: 3)", "positive"),
        ] {
            let error = dialect().from_str::<Values>(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn what_was_written_is_written_again() {
        for text in ["Range(from: 0, to: 3)", "[1e-3, \"x\", Identical(1.0)]"] {
            let values: Values = dialect().from_str(text).unwrap();
            assert_eq!(dialect().to_string(&values).unwrap(), text);
        }
    }
}
