//! Journals that are cut, flipped, shared and full.

use std::io::ErrorKind;

use super::locks::NO_LOCKS;
use super::*;

fn rows(path: &Path, header: &[u8]) -> Result<(Vec<Vec<u8>>, Option<End>), ExperimentError> {
    let mut found = Vec::new();
    let Some(mut reader) = Reader::open(path, header)? else {
        return Ok((found, None));
    };
    let end = reader.for_each(|_, content| {
        found.push(content.to_vec());
        Ok(())
    })?;
    Ok((found, Some(end)))
}

fn three(directory: &Path) -> (PathBuf, Vec<Vec<u8>>) {
    let path = directory.join("a.journal");
    let mut journal = Journal::open(&path, b"header", |_, _| Ok(())).unwrap();
    let contents: Vec<Vec<u8>> = (1..=3_u8).map(|k| vec![k; 10 * usize::from(k)]).collect();
    contents.iter().for_each(|content| journal.append(content).unwrap());
    (path, contents)
}

/// Whatever beginning of the file is left, its whole rows are read, and what is appended later follows them.
#[test]
fn a_journal_cut_anywhere_keeps_its_whole_rows() {
    let directory = tempfile::tempdir().unwrap();
    let (path, contents) = three(directory.path());
    let bytes = std::fs::read(&path).unwrap();
    let ends: Vec<usize> = contents
        .iter()
        .scan(MAGIC.len() + HEAD + 6, |end, content| {
            *end += HEAD + content.len();
            Some(*end)
        })
        .collect();
    for cut in 0..=bytes.len() {
        for zeros in [0, 40] {
            std::fs::write(&path, [&bytes[..cut], &vec![0; zeros]].concat()).unwrap();
            if zeros > 0 && !ends.contains(&cut) {
                continue; // zeros behind half a row are damage or a torn row; either is handled, but not the same
            }
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let mut seen = 0;
            let mut journal = Journal::open(&path, b"header", |_, _| {
                seen += 1;
                Ok(())
            })
            .unwrap();
            assert_eq!(seen, whole, "cut at {cut}");
            journal.append(b"new").unwrap();
            drop(journal);
            let (found, end) = rows(&path, b"header").unwrap();
            assert_eq!(end, Some(End::Whole));
            assert_eq!(found[..whole], contents[..whole]);
            assert_eq!(found[whole..], [b"new".to_vec()]);
        }
    }
}

/// No flipped bit passes unseen, and none is taken for a torn tail.
#[test]
fn every_flipped_bit_is_an_error_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = three(directory.path());
    let bytes = std::fs::read(&path).unwrap();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            std::fs::write(&path, &flipped).unwrap();
            let error = rows(&path, b"header").unwrap_err();
            assert!(error.to_string().contains("a.journal"), "{place}: {error}");
        }
    }
}

#[test]
fn one_process_at_a_time_and_one_plan() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = three(directory.path());
    let first = Journal::open(&path, b"header", |_, _| Ok(())).unwrap();
    let busy = Journal::open(&path, b"header", |_, _| Ok(())).err().unwrap();
    assert!(busy.to_string().contains("another process"), "{busy}");
    drop(first);
    let other = Journal::open(&path, b"another", |_, _| Ok(())).err().unwrap();
    assert!(other.to_string().contains("another plan"), "{other}");
}

#[test]
fn frames_are_found_again_by_their_places() {
    let directory = tempfile::tempdir().unwrap();
    let (path, contents) = three(directory.path());
    let mut places = Vec::new();
    let mut reader = Reader::open(&path, b"header").unwrap().unwrap();
    reader
        .for_each(|place, _| {
            places.push(place);
            Ok(())
        })
        .unwrap();
    for k in [2, 0, 1, 1] {
        assert_eq!(reader.read_at(places[k]).unwrap(), contents[k]);
    }
}

/// A disk that fills in the middle of a row, and is emptied at once: no later row follows the half one.
#[test]
fn a_row_that_cannot_be_written_is_taken_back_and_is_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let (path, contents) = three(directory.path());
    let before = std::fs::read(&path).unwrap();
    let mut journal = Journal::open(&path, b"header", |_, _| Ok(())).unwrap();
    let half = |file: &mut File, bytes: &[u8]| {
        file.write_all(&bytes[..bytes.len() / 2])?;
        Err(ErrorKind::StorageFull.into())
    };
    let full = journal.write(&frame(b"a row that is too long"), half).unwrap_err();
    assert!(full.to_string().contains("a.journal: cannot be written"), "{full}");
    let later = journal.append(b"a row of another worker").unwrap_err();
    assert_eq!(later.to_string(), full.to_string());
    assert!(std::fs::read(&path).unwrap() == before);
    drop(journal);
    Journal::open(&path, b"header", |_, _| Ok(()))
        .unwrap()
        .append(b"new")
        .unwrap();
    assert_eq!(
        rows(&path, b"header").unwrap().0,
        [&contents[..], &[b"new".to_vec()]].concat()
    );
}

/// A page of zeros over the beginning is damage; a file of nothing but zeros never held anything.
#[test]
fn a_journal_is_begun_anew_only_if_nothing_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = three(directory.path());
    let mut bytes = std::fs::read(&path).unwrap();
    for zeros in [MAGIC.len(), MAGIC.len() + HEAD + 6, bytes.len() - 1] {
        bytes[..zeros].fill(0);
        std::fs::write(&path, &bytes).unwrap();
        let error = Journal::open(&path, b"header", |_, _| Ok(())).err().unwrap();
        assert!(error.to_string().contains("no journal"), "{zeros}: {error}");
        assert!(std::fs::read(&path).unwrap() == bytes);
    }
    for length in [0, 5, MAGIC.len(), 5000] {
        std::fs::write(&path, vec![0; length]).unwrap();
        drop(Journal::open(&path, b"header", |_, _| Ok(())).unwrap());
        assert_eq!(rows(&path, b"header").unwrap(), (Vec::new(), Some(End::Whole)));
    }
}

#[test]
fn file_systems_without_locks_are_worked_on() {
    assert!(knows_no_locks(&ErrorKind::Unsupported.into()));
    assert_eq!(
        knows_no_locks(&std::io::Error::from_raw_os_error(NO_LOCKS)),
        cfg!(target_os = "linux")
    );
    assert!(!knows_no_locks(&ErrorKind::PermissionDenied.into()));
}

/// Whoever renames the file meanwhile: what is read is what is locked.
#[test]
fn what_is_read_is_the_file_that_is_locked() {
    let directory = tempfile::tempdir().unwrap();
    let (path, contents) = three(directory.path());
    let mut journal = Journal::open(&path, b"header", |_, _| Ok(())).unwrap();
    std::fs::rename(&path, directory.path().join("moved")).unwrap();
    std::fs::write(&path, b"another").unwrap();
    let mut reader = journal.reader(b"header").unwrap().unwrap();
    let mut found = Vec::new();
    journal.append(b"new").unwrap(); // reading moves the place of the file, but not where is appended
    reader
        .for_each(|_, content| {
            found.push(content.to_vec());
            Ok(())
        })
        .unwrap();
    assert_eq!(found, contents);
    let all = rows(&directory.path().join("moved"), b"header").unwrap();
    assert_eq!((all.0.len(), all.1), (4, Some(End::Whole)));
}
