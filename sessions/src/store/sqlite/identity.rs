//! Which file it is, whatever its name.

use std::path::Path;

/// The device and the number of a file, which stay the same when it's renamed. `None` where the system has no
/// such thing; then nothing is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(Option<(u64, u64)>);

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino())))
    }

    #[cfg(not(unix))]
    pub(super) fn of(_path: &Path) -> Self {
        Self(None)
    }

    /// Whether the path still leads to this file. SQLite goes on in a file that was deleted, and all that it
    /// writes there is gone when the process ends.
    pub(super) fn still_at(self, path: &Path) -> bool {
        self == Self::of(path)
    }
}
