//! Opening the file.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, Synchronous, classify, file, layout};

/// How long a statement waits for another process's lock before the engine hears of it.
const LOCK_WAIT: Duration = Duration::from_millis(250);

/// How long opening waits for a process that is making the file or using it for itself.
const OPEN_WAIT: Duration = Duration::from_secs(5);

/// Opens the file as soon as others let it. SQLite's own wait does not cover the switch to the write-ahead
/// log, which several processes make when they start on a new file at the same time.
pub(super) fn in_turn(open: impl Fn() -> Result<Connection, StoreError>) -> Result<Connection, StoreError> {
    let begun = Instant::now();
    loop {
        match open() {
            Err(StoreError::Contended(_)) if begun.elapsed() < OPEN_WAIT => std::thread::sleep(LOCK_WAIT / 10),
            opened => return opened,
        }
    }
}

/// Opens the file, or makes it, with today's layout.
pub(super) fn connect(path: &Path, synchronous: Synchronous) -> Result<Connection, StoreError> {
    file::create_private(path)?;
    let mut connection = open_to_write(path, synchronous).map_err(classify)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(classify)?;
    layout::prepare(&mut connection)?;
    Ok(connection)
}

/// Opens the file if it's there and has sessions in it.
pub(super) fn connect_existing(path: &Path) -> Result<Connection, StoreError> {
    let connection = open_to_write(path, Synchronous::Normal).map_err(classify)?;
    layout::check(&connection)?;
    Ok(connection)
}

/// One more connection to a file that is there.
pub(super) fn open_to_write(path: &Path, synchronous: Synchronous) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.pragma_update(None, "synchronous", synchronous.name())?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_wait_for_the_disk_if_that_is_wanted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions.db");
        for (synchronous, expected) in [(Synchronous::Normal, 1), (Synchronous::Full, 2)] {
            let writer = connect(&path, synchronous).expect("a file");
            let checkpoints = open_to_write(&path, synchronous).expect("a file");
            for connection in [writer, checkpoints] {
                let value: i64 =
                    connection.pragma_query_value(None, "synchronous", |row| row.get(0)).expect("a setting");
                assert_eq!(value, expected, "{synchronous:?}");
            }
        }
    }
}
