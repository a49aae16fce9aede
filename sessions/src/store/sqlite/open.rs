//! Opening the file.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, classify, row::Found};

/// How long a statement waits for another process's lock before the engine hears of it.
const LOCK_WAIT: Duration = Duration::from_millis(250);

/// How long opening waits for a process that is making the file or using it for itself.
const OPEN_WAIT: Duration = Duration::from_secs(5);

/// The number leads to a row faster than its id, and is good as long as the row is there. A version is a random number
/// rather than a counter: a row that was deleted and made again by hand must not repeat one.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS sessions (
        number     INTEGER PRIMARY KEY,
        id         TEXT NOT NULL UNIQUE,
        data       TEXT NOT NULL,
        created_at TEXT,
        expires_at TEXT,
        revisions  TEXT NOT NULL DEFAULT '',
        successor  TEXT,
        version    INTEGER NOT NULL DEFAULT (random())
    ) STRICT;
    CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires_at);
    CREATE TRIGGER IF NOT EXISTS sessions_edited AFTER UPDATE ON sessions
    WHEN NEW.version = OLD.version
    BEGIN
        UPDATE sessions SET version = random() WHERE number = NEW.number;
    END;";

/// Opens the file as soon as others let it. SQLite's own wait does not cover the switch to the write-ahead
/// log, which several processes make when they start on a new file at the same time.
pub(super) fn in_turn(open: impl Fn() -> rusqlite::Result<Connection>) -> Result<Connection, StoreError> {
    let begun = Instant::now();
    loop {
        match open().map_err(classify) {
            Err(StoreError::Contended(_)) if begun.elapsed() < OPEN_WAIT => std::thread::sleep(LOCK_WAIT / 10),
            opened => return opened,
        }
    }
}

/// Opens the file, or makes it.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} COMMIT;"))?;
    is_ours(&connection)?;
    Ok(connection)
}

/// Opens the file if it's there and has sessions in it.
pub(super) fn connect_existing(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_to_write(path)?;
    is_ours(&connection)?;
    Ok(connection)
}

/// Fails unless there are sessions in the file as they are stored here: others may have a table of that name, too.
fn is_ours(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare(&format!("SELECT {} FROM sessions", Found::COLUMNS)).map(drop)
}

/// One more connection to a file that is there.
pub(super) fn open_to_write(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}
