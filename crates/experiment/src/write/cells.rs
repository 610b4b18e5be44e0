//! Tables of mixed columns as Parquet, written in row groups so that none needs to be in memory as a whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::{WriteError, write_atomically};
use crate::read::{ReadError, ReadFault, open};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Doubles, also those that are not finite.
    Number,
    /// Integers of 64 bits.
    Integer,
    /// Text.
    Text,
    /// True or false.
    Truth,
}

/// Some rows of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Doubles.
    Numbers(Vec<f64>),
    /// Integers.
    Integers(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
    /// Truth values.
    Truths(Vec<bool>),
}

/// Writes columns, one row group after the other; the same rows in the same groups give the same bytes.
///
/// # Errors
/// Those of the groups, or if the file cannot be written; then there is no new file.
pub fn write_cells<E: From<WriteError>>(
    path: &Path,
    columns: &[(&str, Kind)],
    metadata: &BTreeMap<String, String>,
    groups: impl Iterator<Item = Result<Vec<Cells>, E>>,
) -> Result<(), E> {
    let content = |error: ParquetError| WriteError::content(path, error.to_string());
    let schema = schema_of(columns).map_err(content)?;
    let mut failed = None;
    let written = write_atomically(path, |file| {
        let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties(metadata)))?;
        for group in groups {
            match group {
                Ok(group) => write_group(&mut writer, &group)?,
                Err(error) => {
                    failed = Some(error);
                    return Err(std::io::ErrorKind::Other.into());
                }
            }
        }
        writer.close()?;
        Ok(())
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

fn write_group<W: std::io::Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    group: &[Cells],
) -> Result<(), ParquetError> {
    let mut rows = writer.next_row_group()?;
    for cells in group {
        let Some(mut column) = rows.next_column()? else { break };
        match cells {
            Cells::Numbers(values) => column.typed::<DoubleType>().write_batch(values, None, None)?,
            Cells::Integers(values) => column.typed::<Int64Type>().write_batch(values, None, None)?,
            Cells::Truths(values) => column.typed::<BoolType>().write_batch(values, None, None)?,
            Cells::Texts(values) => {
                let values: Vec<ByteArray> = values.iter().map(|text| text.as_bytes().to_vec().into()).collect();
                column.typed::<ByteArrayType>().write_batch(&values, None, None)?
            }
        };
        column.close()?;
    }
    rows.close()?;
    Ok(())
}

fn schema_of(columns: &[(&str, Kind)]) -> Result<Type, ParquetError> {
    let column = |(name, kind): &(&str, Kind)| {
        let (physical, logical) = match kind {
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Integer => (Physical::INT64, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Truth => (Physical::BOOLEAN, None),
        };
        let column = Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
        column.with_logical_type(logical).build().map(Arc::new)
    };
    let fields: Result<Vec<_>, _> = columns.iter().map(column).collect();
    Type::group_type_builder("table").with_fields(fields?).build()
}

fn properties(metadata: &BTreeMap<String, String>) -> WriterProperties {
    let pairs = metadata
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::SNAPPY)
        .set_created_by("hadaflow".to_owned())
        .set_key_value_metadata(Some(pairs))
        .build()
}

/// Named columns and metadata.
type Read = (Vec<(String, Cells)>, BTreeMap<String, String>);

/// Reads columns that [`write_cells`] wrote.
///
/// # Errors
/// If the file is missing, damaged, or holds columns of another kind.
pub fn read_cells(path: &Path) -> Result<Read, ReadError> {
    read_some_cells(path, &|_| true)
}

/// Reads those columns only that are `wanted`.
///
/// # Errors
/// Those of [`read_cells`].
pub fn read_some_cells(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Read, ReadError> {
    let (file, _) = open(path)?;
    // The decoder is not ours, and its panics on damaged files must not become ours. It holds nothing that outlives it.
    let reason = match catch_unwind(AssertUnwindSafe(|| read_file(file, wanted))) {
        Ok(Ok(read)) => return Ok(read),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the file is damaged".to_owned(),
    };
    let format = "Parquet";
    Err(ReadError::whole(path, ReadFault::Malformed { format, reason }))
}

fn read_file(file: File, wanted: &dyn Fn(&str) -> bool) -> Result<Read, ParquetError> {
    let length = file.metadata()?.len();
    let reader = SerializedFileReader::new(file)?;
    let metadata = reader.metadata().file_metadata();
    let schema = metadata.schema_descr();
    let mut columns = Vec::new();
    for column in schema.columns() {
        let cells = match column.physical_type() {
            Physical::DOUBLE => Cells::Numbers(Vec::new()),
            Physical::INT64 => Cells::Integers(Vec::new()),
            Physical::BYTE_ARRAY => Cells::Texts(Vec::new()),
            Physical::BOOLEAN => Cells::Truths(Vec::new()),
            _ => {
                return Err(ParquetError::General(format!(
                    "column {} is of an unknown kind",
                    column.name()
                )));
            }
        };
        if column.max_def_level() != 0 || column.max_rep_level() != 0 {
            return Err(ParquetError::General(format!(
                "column {} is not of required values",
                column.name()
            )));
        }
        columns.push((column.name().to_owned(), cells));
    }
    let mut columns: Vec<(usize, (String, Cells))> = columns.into_iter().enumerate().collect();
    columns.retain(|(_, (name, _))| wanted(name));
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        // a run of equal truth values takes next to nothing, but no table of ours is a thousand times longer than its file
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        if rows as u64 > length.saturating_mul(1024) {
            return Err(ParquetError::General("more rows than the file can hold".to_owned()));
        }
        for (k, (_, cells)) in &mut columns {
            let (group, k) = (group.as_ref(), *k);
            match cells {
                Cells::Numbers(values) => values.extend(read_column::<DoubleType>(group, k, rows)?),
                Cells::Integers(values) => values.extend(read_column::<Int64Type>(group, k, rows)?),
                Cells::Truths(values) => values.extend(read_column::<BoolType>(group, k, rows)?),
                Cells::Texts(values) => {
                    for bytes in read_column::<ByteArrayType>(group, k, rows)? {
                        values.push(bytes.as_utf8()?.to_owned());
                    }
                }
            }
        }
    }
    let pairs = metadata.key_value_metadata().into_iter().flatten();
    let metadata = pairs
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default()))
        .collect();
    Ok((columns.into_iter().map(|(_, column)| column).collect(), metadata))
}

fn read_column<T: DataType>(group: &dyn RowGroupReader, k: usize, rows: usize) -> Result<Vec<T::T>, ParquetError> {
    let mut column = get_typed_column_reader::<T>(group.get_column_reader(k)?);
    let mut values = Vec::new();
    while values.len() < rows {
        let (_, read, _) = column.read_records((rows - values.len()).min(1 << 13), None, None, &mut values)?;
        if read == 0 {
            return Err(ParquetError::General("a column is shorter than announced".to_owned()));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_column_survives_in_groups() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.parquet");
        let columns = [
            ("x", Kind::Number),
            ("k", Kind::Integer),
            ("name", Kind::Text),
            ("yes", Kind::Truth),
        ];
        let group = |k: i64| {
            vec![
                Cells::Numbers(vec![0.5, f64::INFINITY]),
                Cells::Integers(vec![k, i64::MAX]),
                Cells::Texts(vec![format!("é{k}"), String::new()]),
                Cells::Truths(vec![k > 0, false]),
            ]
        };
        let metadata = BTreeMap::from([("title".to_owned(), "t".to_owned())]);
        let write = || write_cells::<WriteError>(&path, &columns, &metadata, (0..2).map(|k| Ok(group(k))));
        write().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (read, back) = read_cells(&path).unwrap();
        assert_eq!(back, metadata);
        assert_eq!(read[0].1, Cells::Numbers([0.5, f64::INFINITY].repeat(2)));
        assert_eq!(read[1].1, Cells::Integers(vec![0, i64::MAX, 1, i64::MAX]));
        assert_eq!(
            read[2].1,
            Cells::Texts(["é0", "", "é1", ""].map(str::to_owned).to_vec())
        );
        assert_eq!(
            read[3],
            ("yes".to_owned(), Cells::Truths(vec![false, false, true, false]))
        );
        let (some, _) = read_some_cells(&path, &|name| ["k", "yes"].contains(&name)).unwrap();
        assert_eq!(some, [read[1].clone(), read[3].clone()]);
        write().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        let failing = write_cells(
            &path,
            &columns,
            &metadata,
            [Err(WriteError::content(&path, "no group"))].into_iter(),
        );
        assert_eq!(failing.unwrap_err().reason, "no group");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "the old file stays");
        for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(read_cells(&path).is_err());
        }
    }
}
