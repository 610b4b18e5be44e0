//! The preprocessor, as mdBook calls it: `supports RENDERER` asks whether it can help; otherwise a pair of context and
//! book comes in as JSON, and the book with its formulas goes out.

use std::io::{Read, Write};
use std::process::ExitCode;

use hadaflow_formulas::{Formulas, keys};
use serde_json::Value;

/// The works that pages cite as `[key]`.
const WORKS: &str = include_str!("../../references.bib");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [question, renderer] = arguments.as_slice() {
        let yes = question == "supports" && renderer == "html";
        return if yes { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match book() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}"); // who does not listen cannot be told
            ExitCode::FAILURE
        }
    }
}

/// Reads a book and writes it with its formulas.
fn book() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let mut input: Value = serde_json::from_str(&text)?;
    let book = input.get_mut(1).ok_or("a pair of context and book is expected")?;
    chapters(book, &|content| {
        let rendered = Formulas::default().rendered(content)?;
        let linked =
            |page: String, key: &&str| page.replace(&format!("[{key}]"), &format!("[[{key}]](references.md#{key})"));
        Ok(keys(WORKS).iter().fold(rendered, linked))
    })?;
    Ok(serde_json::to_writer(std::io::stdout(), book)?)
}

/// Changes the content of every chapter below a value.
fn chapters(
    value: &mut Value,
    change: &impl Fn(&str) -> Result<String, hadaflow_formulas::Error>,
) -> Result<(), Box<dyn std::error::Error>> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| chapters(item, change)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(content) if name == "content" => *content = change(content)?,
                    other => chapters(other, change)?,
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
