//! Tables as Parquet: one required DOUBLE per column, snappy, no times and no versions in the bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::DoubleType;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::Table;
use crate::read::{ReadError, ReadFault, open};
use crate::write::{WriteError, write_atomically};

/// Rows per row group.
const GROUP: usize = 1 << 20;

/// Writes a table with its metadata; the same table gives the same bytes.
///
/// # Errors
/// If the columns do not fit together or the file cannot be written.
pub fn write_table_parquet(path: &Path, table: &Table) -> Result<(), WriteError> {
    table.check(path)?;
    let schema = schema_of(table).map_err(|error| WriteError::content(path, error.to_string()))?;
    write_atomically(path, |file| {
        let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties_of(table)))?;
        for start in (0..table.rows()).step_by(GROUP) {
            let end = table.rows().min(start + GROUP);
            let mut group = writer.next_row_group()?;
            for (_, values) in &table.columns {
                let Some(mut column) = group.next_column()? else { break };
                column
                    .typed::<DoubleType>()
                    .write_batch(&values[start..end], None, None)?;
                column.close()?;
            }
            group.close()?;
        }
        writer.close()?;
        Ok(())
    })
}

fn schema_of(table: &Table) -> Result<Type, ParquetError> {
    let column = |name: &str| {
        let column = Type::primitive_type_builder(name, Physical::DOUBLE).with_repetition(Repetition::REQUIRED);
        column.build().map(Arc::new)
    };
    let fields: Result<Vec<_>, _> = table.columns.iter().map(|(name, _)| column(name)).collect();
    Type::group_type_builder("table").with_fields(fields?).build()
}

fn properties_of(table: &Table) -> WriterProperties {
    let pairs = table.metadata.iter();
    let metadata = pairs
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_created_by("hadaflow".to_owned())
        .set_key_value_metadata(Some(metadata))
        .build()
}

/// Reads a table that [`write_table_parquet`] wrote.
///
/// # Errors
/// If the file is missing, damaged, or not a table of required DOUBLE columns.
pub fn read_table_parquet(path: &Path) -> Result<Table, ReadError> {
    let (file, _) = open(path)?;
    // The decoder is not ours, and its panics on damaged files must not become ours. It holds nothing that outlives it.
    let result = catch_unwind(AssertUnwindSafe(|| read_columns(file)));
    let reason = match result {
        Ok(Ok(table)) => return Ok(table),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the file is damaged".to_owned(),
    };
    let format = "Parquet";
    Err(ReadError::whole(path, ReadFault::Malformed { format, reason }))
}

fn read_columns(file: File) -> Result<Table, ParquetError> {
    let length = file.metadata()?.len();
    let reader = SerializedFileReader::new(file)?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let mut columns: Vec<(String, Vec<f64>)> = Vec::new();
    for column in schema.columns() {
        let required = column.max_def_level() == 0 && column.max_rep_level() == 0;
        if column.physical_type() != Physical::DOUBLE || !required {
            return Err(ParquetError::General(format!(
                "column {} is not of required DOUBLEs",
                column.name()
            )));
        }
        columns.push((column.name().to_owned(), Vec::new()));
    }
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        if rows as u64 > length.saturating_mul(MAX_ROWS_PER_BYTE) {
            return Err(ParquetError::General("more rows than the file can hold".to_owned()));
        }
        for (k, (_, values)) in columns.iter_mut().enumerate() {
            let mut column = get_typed_column_reader::<DoubleType>(group.get_column_reader(k)?);
            let before = values.len();
            while values.len() - before < rows {
                let (_, read, _) =
                    column.read_records((rows - (values.len() - before)).min(1 << 13), None, None, values)?;
                if read == 0 {
                    return Err(ParquetError::General("a column is shorter than announced".to_owned()));
                }
            }
        }
    }
    let pairs = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let metadata: BTreeMap<_, _> = pairs
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default()))
        .collect();
    Ok(Table { columns, metadata })
}

/// Snappy shrinks a constant column at most about twentyfold.
const MAX_ROWS_PER_BYTE: u64 = 64;
