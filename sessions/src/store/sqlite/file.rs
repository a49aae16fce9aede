//! The files that a database is made of: who may read them, and whether they are still where they were.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::StoreError;

/// Closing a file releases all locks that this process has on it, SQLite's, too. So nobody else in this process opens
/// a file while it's being created.
static CREATING: Mutex<()> = Mutex::new(());

/// Creates an empty file, which SQLite takes for a new database, and its folder, readable by their owner alone, unless
/// they exist. SQLite gives the files beside it the same mode.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str().is_empty() {
        return Err(StoreError::refused("the path of the SQLite file is empty"));
    }
    if path == Path::new(":memory:") {
        return Err(StoreError::refused("sessions in memory need MemoryStore, or a connection of your own"));
    }
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    let create = || {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private_folder().create(folder)?;
        }
        match private_file().open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            created => created.map(drop),
        }
    };
    create().map_err(|error: io::Error| StoreError::refused(format!("{}: {error}", path.display())))
}

fn private_folder() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn private_file() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The files of an open database, by the device and the number that each has whatever its name.
#[derive(Debug)]
pub(super) struct DatabaseFiles {
    path: PathBuf,
    files: Vec<(PathBuf, FileId)>,
}

/// `None` where the system has no such thing; then nothing is noticed.
type FileId = Option<(u64, u64)>;

impl DatabaseFiles {
    /// Those of the database at this path, which must be open. Files that it does not have are not looked after.
    pub(super) fn of(path: &Path) -> Self {
        // As SQLite does: the process may go to another folder.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        // SQLite puts its files beside the file that a symbolic link leads to.
        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let beside = ["-wal", "-shm"].map(|end| {
            let mut name = OsString::from(&real);
            name.push(end);
            PathBuf::from(name)
        });
        let there = beside.into_iter().filter(|path| id_of(path).is_some());
        let files = [path.clone()].into_iter().chain(there).map(|path| (id_of(&path), path));
        Self { files: files.map(|(id, path)| (path, id)).collect(), path }
    }

    /// Fails if one of them was moved, replaced or deleted. SQLite goes on in a file that was deleted, and what it
    /// writes there is gone when the process ends.
    pub(super) fn are_in_place(&self) -> Result<(), StoreError> {
        if self.files.iter().all(|(path, id)| id_of(path) == *id) {
            return Ok(());
        }
        let gone = format!("{} was moved, replaced or deleted; restart to begin a new one", self.path.display());
        Err(StoreError::refused(gone))
    }
}

#[cfg(unix)]
fn id_of(path: &Path) -> FileId {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn id_of(_path: &Path) -> FileId {
    None
}
