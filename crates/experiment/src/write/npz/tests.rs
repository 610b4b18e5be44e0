use std::fs::File;

use super::*;
use crate::read::Place;

fn corpus(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

fn sample() -> Vec<(&'static str, Array)> {
    let w = vec![1.5, -2.0, 3.0, 0.25, 5.0, -6.0];
    vec![
        (
            "t",
            Array {
                shape: vec![3],
                data: vec![0.0, 1.0, f64::INFINITY],
            },
        ),
        (
            "w",
            Array {
                shape: vec![2, 3],
                data: w,
            },
        ),
        (
            "none",
            Array {
                shape: vec![0, 3],
                data: vec![],
            },
        ),
    ]
}

fn write(path: &Path, arrays: &[(&str, Array)]) -> Result<(), WriteError> {
    let views: Vec<_> = arrays.iter().map(|(name, array)| (*name, array.view())).collect();
    write_npz(path, &views)
}

#[test]
fn arrays_survive_and_bytes_repeat() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = (directory.path().join("a.npz"), directory.path().join("b.npz"));
    write(&a, &sample()).unwrap();
    write(&b, &sample()).unwrap();
    let bytes = std::fs::read(&a).unwrap();
    assert_eq!(bytes, std::fs::read(&b).unwrap());
    assert_eq!(
        bytes,
        std::fs::read(corpus("ours.npz")).unwrap(),
        "the bytes of the format changed"
    );
    let back = read_npz(&a).unwrap();
    assert_eq!(
        back,
        sample()
            .into_iter()
            .map(|(name, array)| (name.to_owned(), array))
            .collect()
    );
}

#[test]
fn numpy_archives_are_read() {
    let back = read_npz(&corpus("numpy.npz")).unwrap();
    assert_eq!(back["w"], sample()[1].1);
    assert_eq!(back["t"].data[2], f64::INFINITY);
    let back = read_npz(&corpus("numpy_deflate.npz")).unwrap();
    assert_eq!(back["w"], sample()[1].1);
    assert_eq!(back["t"].data, [0.0, 1.0, 2.5]);
}

#[test]
fn content_that_does_not_fit_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.npz");
    let scalar = |data: usize| Array {
        shape: vec![2],
        data: vec![0.0; data],
    };
    assert!(
        write(&path, &[("a", scalar(3))])
            .unwrap_err()
            .to_string()
            .contains("3 entries")
    );
    assert!(write(&path, &[("a", scalar(2)), ("a", scalar(2))]).is_err());
    assert!(write(&path, &[("../a", scalar(2))]).is_err());
    assert!(!path.exists());
}

#[test]
fn damage_is_an_error_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.npz");
    let bytes = std::fs::read(corpus("ours.npz")).unwrap();
    let fault = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = read_npz(&path).unwrap_err();
        assert_eq!((error.path.as_path(), &error.place), (path.as_path(), &Place::Whole));
        *error.fault
    };
    assert_eq!(fault(b""), ReadFault::Empty);
    assert!(matches!(fault(b"not an archive"), ReadFault::Malformed { .. }));
    assert!(
        matches!(fault(&bytes[..200]), ReadFault::Malformed { .. }),
        "truncated in the data"
    );
    let mut flipped = bytes.clone();
    let in_data = bytes
        .windows(8)
        .position(|window| window == 1.5_f64.to_le_bytes())
        .unwrap();
    flipped[in_data] ^= 1;
    assert!(matches!(fault(&flipped), ReadFault::Malformed { reason, .. } if reason.contains("checksum")));
    assert_eq!(*read_npz(directory.path()).unwrap_err().fault, ReadFault::IsDirectory);
    assert_eq!(
        *read_npz(&directory.path().join("b.npz")).unwrap_err().fault,
        ReadFault::Missing
    );
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.npz");
    let file = File::create(&path).unwrap();
    let mut archive = ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    archive.start_file("a.npy", options).unwrap();
    archive.write_all(&npy_header(&[1 << 40])).unwrap();
    archive.write_all(&vec![0; 1 << 20]).unwrap();
    archive.finish().unwrap();
    assert!(matches!(*read_npz(&path).unwrap_err().fault, ReadFault::Length { .. }));
}

#[test]
fn headers_end_at_a_multiple_of_64() {
    for shape in [vec![], vec![7], vec![123_456_789, 987_654_321], vec![1; 40]] {
        let header = npy_header(&shape);
        assert_eq!(header.len() % 64, 0);
        assert_eq!(header.last(), Some(&b'\n'));
        let parsed = Header::read(&mut header.as_slice()).unwrap();
        assert_eq!((parsed.shape, parsed.data_start), (shape, header.len() as u64));
    }
}
