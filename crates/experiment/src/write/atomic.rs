//! All of a file or nothing of it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::WriteError;

/// Tells apart the temporary files of one process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A temporary file that disappears unless it is renamed.
struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing better can be done if even this fails; the name says that the file is temporary.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Temporary {
    /// Creates a hidden sibling of the final file, unused by any process on this machine.
    fn create(path: &Path) -> std::io::Result<(Self, File)> {
        let name = path.file_name().ok_or(std::io::ErrorKind::InvalidFilename)?;
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let mut temporary = OsString::from(".");
            temporary.push(name);
            temporary.push(format!(".{}-{number}.tmp", std::process::id()));
            let temporary = path.with_file_name(temporary);
            match OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&temporary)
            {
                Ok(file) => {
                    let renamed = false;
                    return Ok((
                        Self {
                            path: temporary,
                            renamed,
                        },
                        file,
                    ));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Writes a file through `fill`; the file appears under its name only when all of it is on the disk.
///
/// # Errors
/// If the directory does not exist, the disk is full, the name is a directory's, or `fill` fails. Then the temporary
/// file is removed, and a file that stood under the name before is untouched.
pub fn write_atomically<F>(path: &Path, fill: F) -> Result<(), WriteError>
where
    F: FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
{
    write_and_rename(path, fill).map_err(|error| WriteError::io(path, &error))
}

fn write_and_rename<F>(path: &Path, fill: F) -> std::io::Result<()>
where
    F: FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
{
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let (mut temporary, file) = Temporary::create(path)?;
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    fill(&mut writer)?;
    let file = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&temporary.path, path)?;
    temporary.renamed = true;
    sync_directory(path);
    Ok(())
}

/// Makes the rename itself durable where the system offers that.
fn sync_directory(path: &Path) {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Some file systems cannot do this; the file is complete under its name in any case.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}

/// Writes these bytes.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_atomically(path, |file| file.write_all(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_the_file_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.txt");
        write_bytes(&path, b"old").unwrap();
        write_atomically(&path, |file| {
            file.write_all(b"new")?;
            file.flush()?;
            assert_eq!(
                std::fs::read(&path).unwrap(),
                b"old",
                "the final name changed too early"
            );
            assert_eq!(names(directory.path()).len(), 2);
            Ok(())
        })
        .unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["a.txt"]);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_temporary_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.txt");
        write_bytes(&path, b"old").unwrap();
        let error = write_atomically(&path, |file| {
            file.write_all(b"half")?;
            Err(std::io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert_eq!(error.kind, Some(std::io::ErrorKind::StorageFull));
        assert!(error.to_string().contains("a.txt"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(directory.path()), ["a.txt"]);
    }

    #[test]
    fn impossible_names_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        assert_eq!(
            write_bytes(path, b"x").unwrap_err().kind,
            Some(std::io::ErrorKind::IsADirectory)
        );
        assert_eq!(
            write_bytes(&path.join("no/such/dir"), b"x").unwrap_err().kind,
            Some(std::io::ErrorKind::NotFound)
        );
        assert!(write_bytes(Path::new("/"), b"x").is_err());
        assert!(write_bytes(Path::new(""), b"x").is_err());
        assert!(names(path).is_empty());
    }

    #[test]
    fn a_panic_leaves_no_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.txt");
        let result = std::panic::catch_unwind(|| write_atomically(&path, |_| panic!("interrupted")));
        assert!(result.is_err());
        assert!(names(directory.path()).is_empty());
    }
}
