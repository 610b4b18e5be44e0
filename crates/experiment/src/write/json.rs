//! JSON without bare infinities: non-finite numbers are the strings "inf", "-inf" and "nan".

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::{WriteError, write_bytes};

/// A number as JSON.
///
/// ```
/// use hadaflow_experiment::write::json_number;
/// assert_eq!(json_number(0.1).to_string(), "0.1");
/// assert_eq!(json_number(f64::NEG_INFINITY).to_string(), "\"-inf\"");
/// ```
#[must_use]
pub fn json_number(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => Value::from("nan"),
        None if value > 0.0 => Value::from("inf"),
        None => Value::from("-inf"),
    }
}

/// A list of numbers as JSON.
#[must_use]
pub fn json_numbers(values: &[f64]) -> Value {
    values.iter().copied().map(json_number).collect()
}

/// The number that [`json_number`] wrote; `None` for any other JSON.
#[must_use]
pub fn from_json(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "nan" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// Writes a document, indented, with a final line break.
///
/// # Errors
/// If the content is not JSON (a map whose keys are not strings) or the file cannot be written.
pub fn write_json<T: Serialize + ?Sized>(path: &Path, content: &T) -> Result<(), WriteError> {
    let mut bytes = serde_json::to_vec_pretty(content).map_err(|error| WriteError::content(path, error.to_string()))?;
    bytes.write_all(b"\n").map_err(|error| WriteError::io(path, &error))?;
    write_bytes(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives() {
        let values = [
            0.0,
            -0.0,
            0.1,
            1e-300,
            f64::MAX,
            f64::MIN_POSITIVE / 3.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        let text = json_numbers(&values).to_string();
        let Value::Array(back) = serde_json::from_str(&text).unwrap() else {
            panic!("not a list")
        };
        for (value, back) in values.iter().zip(&back) {
            assert_eq!(from_json(back).unwrap().to_bits(), value.to_bits());
        }
        assert!(from_json(&json_number(f64::NAN)).unwrap().is_nan());
        assert!(!json_number(f64::NAN).is_null());
    }

    #[test]
    fn other_json_is_no_number() {
        for value in [Value::Null, Value::from("NaN"), Value::from("1"), Value::from(true)] {
            assert_eq!(from_json(&value), None);
        }
    }

    #[test]
    fn writes_a_document() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.json");
        write_json(&path, &serde_json::json!({"schema": 1})).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\n  \"schema\": 1\n}\n");
    }
}
