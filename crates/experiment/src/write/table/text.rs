//! Tables as CSV: a header line, then 17 significant digits, which read back exactly.

use std::io::BufReader;
use std::path::Path;

use super::Table;
use crate::read::{Place, ReadError, ReadFault, open};
use crate::write::{WriteError, write_atomically};

/// Writes a table without its metadata; the same table gives the same bytes.
///
/// # Errors
/// If the columns do not fit together or the file cannot be written.
pub fn write_table_csv(path: &Path, table: &Table) -> Result<(), WriteError> {
    table.check(path)?;
    write_atomically(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(table.columns.iter().map(|(name, _)| name))?;
        for row in 0..table.rows() {
            writer.write_record(table.columns.iter().map(|(_, values)| digits(values[row])))?;
        }
        writer.flush()
    })
}

/// A number with 17 significant digits.
fn digits(value: f64) -> String {
    if value.is_nan() {
        "nan".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else {
        format!("{value:.16e}")
    }
}

/// Reads a table that [`write_table_csv`] wrote.
///
/// # Errors
/// Names file and line if it is not such a table.
pub fn read_table_csv(path: &Path) -> Result<Table, ReadError> {
    let (file, _) = open(path)?;
    let mut reader = csv::Reader::from_reader(BufReader::new(file));
    let malformed = |error: csv::Error| {
        let reason = error.to_string();
        at_line(path, error.position(), ReadFault::Malformed { format: "CSV", reason })
    };
    let names = reader.headers().map_err(malformed)?;
    let mut columns: Vec<(String, Vec<f64>)> = names.iter().map(|name| (name.to_owned(), Vec::new())).collect();
    if columns.is_empty() {
        return Err(ReadError::whole(path, ReadFault::Empty));
    }
    for record in reader.records() {
        let record = record.map_err(malformed)?;
        for ((_, values), field) in columns.iter_mut().zip(&record) {
            let value = field.parse().map_err(|_| {
                let text = field.chars().take(40).collect();
                at_line(path, record.position(), ReadFault::NotANumber { text })
            })?;
            values.push(value);
        }
    }
    Ok(Table {
        columns,
        ..Table::default()
    })
}

/// An error at the line where a record starts.
fn at_line(path: &Path, position: Option<&csv::Position>, fault: ReadFault) -> ReadError {
    let place = position.map_or(Place::Whole, |position| Place::Line {
        line: position.line(),
        column: None,
    });
    ReadError {
        path: path.to_owned(),
        place,
        fault: Box::new(fault),
    }
}
