//! File systems without locks.

use std::io::ErrorKind;

/// `ENOLCK`: what Linux says where a network file system has no locks. The library has no kind of error for it.
pub(super) const NO_LOCKS: i32 = 37;

/// Whether an error means that the file system knows no locks: then work goes on without.
pub(super) fn knows_no_locks(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported || (cfg!(target_os = "linux") && error.raw_os_error() == Some(NO_LOCKS))
}
