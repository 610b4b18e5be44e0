use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

const ROW_MAJOR: [f64; 6] = [1.5, -2.0, 3.0, 0.25, 5.0, -6.0];

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

fn dense(rows: usize, cols: usize, row_major: &[f64]) -> MatrixData {
    let row_major = row_major.to_vec();
    MatrixData::Dense { rows, cols, row_major }
}

/// Reads bytes as a file of this extension.
fn read_bytes(extension: &str, bytes: &[u8], index: Option<usize>) -> Result<MatrixData, ReadError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("input").with_extension(extension);
    std::fs::write(&path, bytes).unwrap();
    let _ = read_vector(&path, index).map_err(|error| error.to_string());
    let result = read_matrix(&path, index);
    if let Err(error) = &result {
        assert_eq!(error.path, path);
        assert!(error.to_string().contains("input"), "{error}");
    }
    result
}

fn fault(extension: &str, bytes: &[u8]) -> ReadFault {
    *read_bytes(extension, bytes, None).unwrap_err().fault
}

fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

#[test]
fn numpy_files_of_every_order_and_type() {
    for name in ["f8_c", "f8_fortran", "f8_big", "f4", "f4_big_fortran", "version3"] {
        let matrix = read_matrix(&corpus(name).with_extension("npy"), None);
        assert_eq!(matrix, Ok(dense(2, 3, &ROW_MAJOR)), "{name}");
    }
    for name in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"] {
        let shift = if name.starts_with('i') { 5.0 } else { 0.0 };
        let expected = [0.0, 1.0, 2.0, 3.0, 100.0, 127.0].map(|x| x - shift);
        let matrix = read_matrix(&corpus(name).with_extension("npy"), None);
        assert_eq!(matrix, Ok(dense(2, 3, &expected)), "{name}");
    }
    assert_eq!(
        read_matrix(&corpus("i4_big.npy"), None),
        Ok(dense(2, 2, &[-1.0, 2.0, 3.0, -70000.0]))
    );
    assert_eq!(
        read_matrix(&corpus("bool.npy"), None),
        Ok(dense(2, 2, &[1.0, 0.0, 0.0, 1.0]))
    );
    assert_eq!(read_vector(&corpus("vector.npy"), None), Ok(ROW_MAJOR[..3].to_vec()));
}

/// Longer than what is decoded at a time, in both orders; the second of a stack begins within such a part.
#[test]
fn long_numpy_files_are_read_whole() {
    let (rows, cols) = (70, 101);
    let numbers: Vec<f64> = (0..2 * rows * cols).map(|k| k as f64 - 3e3).collect();
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    let second = &numbers[rows * cols..];
    let stack = npy(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 70, 101), }",
        &bytes,
    );
    assert_eq!(read_bytes("npy", &stack, Some(1)), Ok(dense(rows, cols, second)));
    let columns = npy("{'descr': '<f8', 'fortran_order': True, 'shape': (140, 101), }", &bytes);
    let at = |k: usize| numbers[k / cols + k % cols * 2 * rows];
    let row_major: Vec<f64> = (0..2 * rows * cols).map(at).collect();
    assert_eq!(read_bytes("npy", &columns, None), Ok(dense(2 * rows, cols, &row_major)));
}

#[test]
fn the_crate_npyz_agrees() {
    for name in ["f8_c.npy", "f8_fortran.npy", "version3.npy"] {
        let bytes = std::fs::read(corpus(name)).unwrap();
        let file = npyz::NpyFile::new(&bytes[..]).unwrap();
        let fortran = file.order() == npyz::Order::Fortran;
        let flat: Vec<f64> = file.into_vec().unwrap();
        let at = |i: usize, j: usize| if fortran { flat[i + 2 * j] } else { flat[3 * i + j] };
        let row_major: Vec<f64> = (0..6).map(|k| at(k / 3, k % 3)).collect();
        assert_eq!(read_matrix(&corpus(name), None), Ok(dense(2, 3, &row_major)));
    }
}

#[test]
fn stacks_are_picked_from() {
    for name in ["stack_c.npy", "stack_fortran.npy"] {
        let path = corpus(name);
        assert_eq!(
            read_matrix(&path, Some(1)),
            Ok(dense(2, 3, &[6.0, 7.0, 8.0, 9.0, 10.0, 11.0]))
        );
        assert_eq!(
            read_matrix(&path, Some(0)),
            Ok(dense(2, 3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
        );
        let error = read_matrix(&path, Some(2)).unwrap_err();
        assert_eq!(*error.fault, ReadFault::IndexOutOfRange { index: 2, length: 2 });
        let error = read_matrix(&path, None).unwrap_err();
        assert_eq!(error.hint(), Some("choose one with `index: k`"));
    }
    for name in ["f8_c.npy", "f8_fortran.npy", "comma.csv"] {
        assert_eq!(
            read_vector(&corpus(name), Some(1)),
            Ok(ROW_MAJOR[3..].to_vec()),
            "{name}"
        );
        assert!(read_vector(&corpus(name), Some(2)).is_err());
        assert!(read_vector(&corpus(name), None).is_err());
        // a single matrix serves a whole stack of measurements
        assert_eq!(read_matrix(&corpus(name), Some(1)), Ok(dense(2, 3, &ROW_MAJOR)));
    }
    assert_eq!(read_vector(&corpus("vector.npy"), Some(1)), Ok(ROW_MAJOR[..3].to_vec()));
}

#[test]
fn numpy_faults_are_named() {
    let error = read_matrix(&corpus("nan.npy"), None).unwrap_err();
    assert_eq!(error.place, Place::Entry(vec![1, 1]));
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }";
    let mut data = [0_u8; 32];
    data[16..24].copy_from_slice(&f64::INFINITY.to_le_bytes());
    let error = read_bytes("npy", &npy(header, &data), None).unwrap_err();
    assert_eq!(error.place, Place::Entry(vec![1, 0]));
    assert!(matches!(
        fault("npy", &npy(header, &data[..31])),
        ReadFault::Length { .. }
    ));
    assert!(matches!(fault("npy", &npy(header, &[0; 33])), ReadFault::Length { .. }));
    for name in ["complex.npy", "struct.npy"] {
        assert!(
            matches!(
                *read_matrix(&corpus(name), None).unwrap_err().fault,
                ReadFault::Unsupported { .. }
            ),
            "{name}"
        );
    }
    assert!(matches!(
        *read_matrix(&corpus("zero_d.npy"), None).unwrap_err().fault,
        ReadFault::Shape { .. }
    ));
    assert!(matches!(
        *read_matrix(&corpus("vector.npy"), None).unwrap_err().fault,
        ReadFault::Shape { .. }
    ));
    assert_eq!(
        *read_matrix(&corpus("empty.npy"), None).unwrap_err().fault,
        ReadFault::Empty
    );
}

#[test]
fn the_entry_of_a_picked_slice_is_named_as_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.npy");
    let mut data = [0_u8; 48];
    data[40..48].copy_from_slice(&f64::NAN.to_le_bytes());
    std::fs::write(
        &path,
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", &data),
    )
    .unwrap();
    assert_eq!(read_vector(&path, Some(1)).unwrap_err().place, Place::Entry(vec![1, 2]));
    assert_eq!(read_vector(&path, Some(0)), Ok(vec![0.0; 3]));
    std::fs::write(
        &path,
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }", &data),
    )
    .unwrap();
    assert_eq!(read_vector(&path, None).unwrap_err().place, Place::Entry(vec![5]));
}

#[test]
fn hostile_numpy_headers_are_refused() {
    let with_shape = |shape: &str| {
        npy(
            &format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"),
            b"",
        )
    };
    for shape in [
        "(1000000000000,)",
        "(1000000000000, 1000000000000)",
        "(4294967296, 4294967296, 2)",
    ] {
        assert!(
            matches!(fault("npy", &with_shape(shape)), ReadFault::Length { .. }),
            "{shape}"
        );
    }
    for shape in [
        "(-1, 2)",
        "(1.5,)",
        "(99999999999999999999999,)",
        "[2, 2]",
        "2",
        "(2 2)",
        "(",
        "((2, 2))",
    ] {
        assert!(
            matches!(fault("npy", &with_shape(shape)), ReadFault::Malformed { .. }),
            "{shape}"
        );
    }
    let headers = [
        "",
        "{",
        "}",
        "{}",
        "{'descr': '<f8'}",
        "{'shape': (1,), 'shape': (1,)}",
        "{'x': 1}",
        "é",
    ];
    let nested = "(".repeat(60_000);
    for header in headers.into_iter().chain([nested.as_str()]) {
        assert!(
            matches!(fault("npy", &npy(header, b"")), ReadFault::Malformed { .. }),
            "{header:.20}"
        );
    }
    assert!(matches!(
        fault("npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff"),
        ReadFault::TooLarge { .. }
    ));
    assert!(matches!(
        fault("npy", b"\x93NUMPY\x09\x00"),
        ReadFault::Unsupported { .. }
    ));
    assert!(matches!(fault("npy", b"\x93NUMPY"), ReadFault::Malformed { .. }));
    assert!(matches!(fault("npy", b"1.0 2.0 3.0"), ReadFault::Malformed { .. }));
}

#[test]
fn matrix_market_files_agree_with_nalgebra() {
    for name in [
        "general.mtx",
        "symmetric.mtx",
        "pattern.mtx",
        "array.mtx",
        "array_symmetric.mtx",
    ] {
        let judge = match name {
            "pattern.mtx" => vec![(0, 2, 1.0), (1, 0, 1.0)],
            _ => {
                let text = std::fs::read_to_string(corpus(name))
                    .unwrap()
                    .replace("integer", "real");
                let matrix = nalgebra_sparse::io::load_coo_from_matrix_market_str::<f64>(&text).unwrap();
                let mut triplets: Vec<_> = matrix.triplet_iter().map(|(i, j, value)| (i, j, *value)).collect();
                triplets.sort_by_key(|&(i, j, _)| (i, j));
                triplets
            }
        };
        let ours = match read_matrix(&corpus(name), None).unwrap() {
            MatrixData::Sparse { triplets, .. } => triplets,
            MatrixData::Dense { cols, row_major, .. } => row_major
                .iter()
                .enumerate()
                .map(|(k, value)| (k / cols, k % cols, *value))
                .collect(),
        };
        assert_eq!(ours, judge, "{name}");
    }
    assert_eq!(read_matrix(&corpus("general.mtx"), None).unwrap().shape(), (3, 4));
    assert_eq!(
        read_matrix(&corpus("array.mtx"), None),
        Ok(dense(2, 3, &[1.0, 3.0, 5.0, 2.0, 4.0, 6.0]))
    );
}

#[test]
fn matrix_market_corners() {
    let mtx = |text: &str| read_bytes("mtx", text.as_bytes(), None);
    let banner = "%%MatrixMarket matrix coordinate real";
    let sparse = |rows, cols, triplets| Ok(MatrixData::Sparse { rows, cols, triplets });
    assert_eq!(
        mtx(&format!("{banner} general\n2 2 3\n1 1 1\n2 2 5\n1 1 2\n")),
        sparse(2, 2, vec![(0, 0, 3.0), (1, 1, 5.0)])
    );
    assert_eq!(
        mtx(&format!("{banner} skew-symmetric\n2 2 1\n2 1 4\n")),
        sparse(2, 2, vec![(0, 1, -4.0), (1, 0, 4.0)])
    );
    let column = "%%MatrixMarket matrix coordinate real general\n3 1 1\n2 1 4\n";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("v.mtx");
    std::fs::write(&path, column).unwrap();
    assert_eq!(read_vector(&path, None), Ok(vec![0.0, 4.0, 0.0]));
    for (text, line) in [
        (format!("{banner} general\n2 2 1\n3 1 1\n"), 3),
        (format!("{banner} general\n2 2 1\n0 1 1\n"), 3),
        (format!("{banner} general\n2 2 1\n1 1\n"), 3),
        (format!("{banner} general\n2 2 1\n1 1 nan\n"), 3),
        (format!("{banner} general\n2 2 1\n1 1 1e999\n"), 3),
        (format!("{banner} general\n2 2 1\n1 1 x\n"), 3),
        (format!("{banner} general\n% comment\n2 2 1\n1 1 1\n\n1 2 1\n"), 6),
        (format!("{banner} symmetric\n2 2 1\n1 2 1\n"), 3),
        (format!("{banner} symmetric\n2 3 1\n1 1 1\n"), 2),
        (format!("{banner} general\n2 2\n1 1 1\n"), 2),
        (format!("{banner} general\n0 2 0\n"), 2),
        (format!("{banner} general\n99999999999999999999999 2 1\n1 1 1\n"), 2),
        (format!("{banner} general\n2 2 1000000000000\n1 1 1\n"), 2),
        (
            "%%MatrixMarket matrix array real general\n1000000 1000000\n1\n".to_owned(),
            2,
        ),
        (
            "%%MatrixMarket matrix array real general\n4294967295 4294967295\n1\n".to_owned(),
            2,
        ),
        (
            "%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n".to_owned(),
            1,
        ),
        ("1 2 3\n".to_owned(), 1),
    ] {
        let error = mtx(&text).unwrap_err();
        assert_eq!(error.place, Place::Line { line, column: None }, "{text}\n{error}");
    }
    let short = mtx(&format!("{banner} general\n2 2 2\n1 1 1\n")).unwrap_err();
    assert!(matches!(*short.fault, ReadFault::Length { .. }));
}

#[test]
fn tables_with_every_separator() {
    for name in ["comma.csv", "semicolon.csv", "blank.csv"] {
        assert_eq!(read_matrix(&corpus(name), None), Ok(dense(2, 3, &ROW_MAJOR)), "{name}");
    }
    let csv = |text: &str| read_bytes("csv", text.as_bytes(), None);
    assert_eq!(csv("\u{feff}\"x\"\r\n\"1\"\r\n2"), Ok(dense(2, 1, &[1.0, 2.0])));
    assert_eq!(csv("1,2"), Ok(dense(1, 2, &[1.0, 2.0])));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("v.CSV");
    for text in ["1\n2\n3\n", "1,2,3\n", "1 2 3"] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(read_vector(&path, None), Ok(vec![1.0, 2.0, 3.0]));
    }
}

#[test]
fn faults_of_tables_have_line_and_column() {
    for (text, line, column) in [
        ("1,2\n3,nan\n", 2, Some(3)),
        ("1,2\n3, -inf\n", 2, Some(3)),
        ("1,2\n\n3,1e999\n", 3, Some(3)),
        ("a,b\n1,x\n", 2, Some(3)),
        ("nan,1\n", 1, Some(1)),
        ("nan,nan\n1,2\n", 1, Some(1)),
        ("1,2,3\n4,5\n", 2, None),
        ("1,2\n3,\n", 2, Some(3)),
        ("1;2\n3;4,5\n", 2, Some(3)),
        ("é 1\n2 x\n", 1, Some(1)),
    ] {
        let error = read_bytes("csv", text.as_bytes(), None).unwrap_err();
        assert_eq!(error.place, Place::Line { line, column }, "{text}\n{error}");
    }
    for text in ["\n\n", "# nothing\n", "a,b\n"] {
        assert_eq!(fault("csv", text.as_bytes()), ReadFault::Empty);
    }
    assert!(matches!(fault("csv", b"1,2\n\xff\xfe"), ReadFault::Unreadable { .. }));
}

#[test]
fn files_that_are_no_files() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let fault = |path: &Path| *read_matrix(path, None).unwrap_err().fault;
    std::fs::create_dir(at("d.npy")).unwrap();
    std::fs::write(at("empty.csv"), "").unwrap();
    std::fs::write(at("a.mat"), "1").unwrap();
    assert_eq!(fault(&at("d.npy")), ReadFault::IsDirectory);
    assert_eq!(fault(&at("empty.csv")), ReadFault::Empty);
    assert_eq!(fault(&at("none.csv")), ReadFault::Missing);
    assert!(matches!(fault(&at("a.mat")), ReadFault::UnknownExtension { .. }));
    let shown = read_matrix(&at("a.mat"), None).unwrap_err().to_string();
    assert!(
        shown.ends_with("a.mat: unknown format `.mat` (use .npy, .mtx or .csv)"),
        "{shown}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), pick in 0_usize..3) {
        for extension in ["npy", "mtx", "csv"] {
            let _ = read_bytes(extension, &bytes, pick.checked_sub(1));
        }
        let _ = read_bytes("npy", &npy(&String::from_utf8_lossy(&bytes), b"12345678"), None);
        let text = format!("%%MatrixMarket matrix coordinate real general\n{}", String::from_utf8_lossy(&bytes));
        let _ = read_bytes("mtx", text.as_bytes(), None);
    }

    #[test]
    fn mutated_files_never_panic(which in 0_usize..8, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let names = ["f8_c.npy", "stack_fortran.npy", "i4_big.npy", "general.mtx", "symmetric.mtx", "array.mtx", "comma.csv", "blank.csv"];
        let path = corpus(names[which]);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        let extension = path.extension().unwrap().to_str().unwrap();
        for index in [None, Some(1)] {
            let _ = read_bytes(extension, &bytes, index);
        }
    }

    #[test]
    fn numbers_in_tables_are_exact(values in proptest::collection::vec(-1e300..1e300, 1..30)) {
        let text: String = values.iter().map(|value: &f64| format!("{value:e}\n")).collect();
        prop_assert_eq!(read_bytes("csv", text.as_bytes(), None), Ok(dense(values.len(), 1, &values)));
    }
}
