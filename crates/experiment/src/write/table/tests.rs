use proptest::prelude::*;

use super::*;
use crate::read::{Place, ReadFault};

fn corpus(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

fn sample() -> Table {
    Table {
        columns: vec![
            ("t".to_owned(), vec![0.0, 0.1, 1e30]),
            (
                "loss, with a comma".to_owned(),
                vec![f64::INFINITY, -1.0 / 3.0, f64::NEG_INFINITY],
            ),
        ],
        metadata: BTreeMap::from([
            ("scenario".to_owned(), "abc".to_owned()),
            ("schema".to_owned(), "1".to_owned()),
        ]),
    }
}

/// Equality in which NaN equals itself.
fn bits(table: &Table) -> Vec<(&str, Vec<u64>)> {
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
    table
        .columns
        .iter()
        .map(|(name, values)| (name.as_str(), bits(values)))
        .collect()
}

#[test]
fn parquet_survives_and_bytes_repeat() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    write_table_parquet(&path, &sample()).unwrap();
    let golden = std::fs::read(corpus("ours.parquet")).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), golden, "the bytes of the format changed");
    assert_eq!(read_table_parquet(&path).unwrap(), sample());
}

#[test]
fn csv_has_17_digits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.csv");
    write_table_csv(&path, &sample()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = "t,\"loss, with a comma\"\n\
                    0.0000000000000000e0,inf\n\
                    1.0000000000000001e-1,-3.3333333333333331e-1\n\
                    1.0000000000000000e30,-inf\n";
    assert_eq!(text, expected);
    assert_eq!(bits(&read_table_csv(&path).unwrap()), bits(&sample()));
}

#[test]
fn long_and_empty_tables_survive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    for rows in [0, 1, 8192, 8193, (1 << 20) + 3] {
        let values: Vec<f64> = (0..rows).map(f64::from).collect();
        let table = Table {
            columns: vec![("a".to_owned(), values.clone()), ("b".to_owned(), values)],
            metadata: BTreeMap::new(),
        };
        write_table_parquet(&path, &table).unwrap();
        assert_eq!(read_table_parquet(&path).unwrap(), table);
    }
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.csv");
    let table = |columns: &[(&str, usize)]| Table {
        columns: columns
            .iter()
            .map(|(name, rows)| ((*name).to_owned(), vec![0.0; *rows]))
            .collect(),
        metadata: BTreeMap::new(),
    };
    for table in [
        table(&[]),
        table(&[("a", 1), ("b", 2)]),
        table(&[("a", 1), ("a", 1)]),
        table(&[("", 1)]),
    ] {
        assert!(write_table_csv(&path, &table).is_err());
        assert!(write_table_parquet(&path, &table).is_err());
    }
    assert!(!path.exists());
}

#[test]
fn damaged_tables_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.csv");
    std::fs::write(&path, "t,loss\n1,2\n3,x\n").unwrap();
    let error = read_table_csv(&path).unwrap_err();
    assert_eq!(error.place, Place::Line { line: 3, column: None });
    std::fs::write(&path, "t,loss\n1,2\n3\n").unwrap();
    assert!(matches!(
        *read_table_csv(&path).unwrap_err().fault,
        ReadFault::Malformed { .. }
    ));
    let mut bytes = std::fs::read(corpus("ours.parquet")).unwrap();
    bytes.truncate(bytes.len() - 9);
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(
        *read_table_parquet(&path).unwrap_err().fault,
        ReadFault::Malformed { .. }
    ));
    assert_eq!(
        *read_table_parquet(&directory.path().join("b")).unwrap_err().fault,
        ReadFault::Missing
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_number_survives(values in proptest::collection::vec(any::<f64>(), 1..20)) {
        let directory = tempfile::tempdir().unwrap();
        let table = Table {
            columns: vec![("a".to_owned(), values)],
            metadata: BTreeMap::new(),
        };
        let path = directory.path().join("a");
        write_table_parquet(&path, &table).unwrap();
        let back = read_table_parquet(&path).unwrap();
        prop_assert_eq!(bits(&back), bits(&table));
        write_table_csv(&path, &table).unwrap();
        let back = read_table_csv(&path).unwrap();
        for (a, b) in table.columns[0].1.iter().zip(&back.columns[0].1) {
            prop_assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()));
        }
    }
}
