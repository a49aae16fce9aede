//! Sessions in an SQLite file: no account, no server, as many processes of one machine as you like.
//!
//! One row a session, readable and editable with the `sqlite3` shell; an edit takes effect at the next
//! request, since a trigger moves the row's version. The write-ahead log makes an acknowledged change
//! survive a killed process. After a power cut the last minute may be missing, never half a change, unless
//! [`Synchronous::Full`] is set.

mod batch;
mod checkpoint;
mod file;
mod layout;
mod open;
mod row;
mod worker;

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
pub use rusqlite;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use self::{
    batch::Database,
    checkpoint::Checkpoints,
    file::DatabaseFiles,
    open::{connect, connect_existing, in_turn},
    row::{Row, RowVersion, StoredRow, text_of_time},
    worker::Worker,
};
use super::{Condition, Store, StoreError, Stored, Version, Write};
use crate::SessionKey;

/// How many expired rows one statement removes, so that it never holds the lock for long.
const SWEEP_BATCH: u32 = 500;

/// How many places of damage are named at most.
const DAMAGE_NAMED: u32 = 10;

/// Rows whose id is no key were inserted by hand.
const HAS_KEY: &str = "length(id) = 64 AND id NOT GLOB '*[^0-9a-f]*'";

/// When a change is acknowledged (<https://sqlite.org/pragma.html#pragma_synchronous>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Synchronous {
    /// When it survives a killed process. A power cut may undo the changes of the last minute, never half of one.
    #[default]
    Normal,
    /// When it is on the disk, and survives a power cut, too. Each commit waits for the disk; changes that are made at
    /// the same time share it.
    Full,
}

impl Synchronous {
    fn name(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Full => "FULL",
        }
    }
}

/// How a file is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// When a change is acknowledged.
    pub synchronous: Synchronous,
}

impl SqliteOptions {
    /// The same with this setting of `synchronous`.
    #[must_use]
    pub fn synchronous(self, synchronous: Synchronous) -> Self {
        Self { synchronous }
    }
}

/// A store in an SQLite file. Clones share one connection, which a thread of its own works on. Dropping the last
/// one waits until the file is closed.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    path: PathBuf,
    worker: Worker,
}

impl SqliteStore {
    /// Opens the file, or creates it and its folder for their owner alone (modes 600 and 700). A file that an earlier
    /// version of this crate has left is migrated; no server of that version may be using it. Expired sessions stay in
    /// it until they are swept: see [`keep_swept`](Self::keep_swept).
    ///
    /// # Errors
    /// [`StoreError::Refused`] if that's not possible: the folder can't be written, the file is no SQLite
    /// database, is damaged, or was written by a newer version of this crate. [`StoreError::Contended`] if another
    /// process keeps it locked.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::default())
    }

    /// The same as [`open`](Self::open), with options.
    ///
    /// # Errors
    /// The same.
    pub fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let (path, SqliteOptions { synchronous }) = (path.as_ref(), options);
        let connection = in_turn(|| connect(path, synchronous))?;
        let checkpoints = Checkpoints::start(path, synchronous, &connection)?;
        Self::start(path.to_path_buf(), connection, Some(checkpoints))
    }

    /// Opens the file if it's there, and leaves it as it is: for tools that look after the sessions of others.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if there's no such file, if it's no SQLite database, one without sessions, or one that
    /// another version of this crate has written. [`StoreError::Contended`] if another process keeps it locked.
    pub fn open_existing(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        std::fs::metadata(path).map_err(StoreError::refused)?;
        let connection = in_turn(|| connect_existing(path))?;
        Self::start(path.to_path_buf(), connection, None)
    }

    /// Keeps sessions in a database that the application has opened, in a table `sessions` beside the application's own.
    /// The table is created, or migrated, if need be. The journal, `synchronous`, checkpoints and how long to wait for
    /// locks are the application's to choose; the write-ahead log and a time of at least 250 ms are good choices.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_connection(mut connection: Connection) -> Result<Self, StoreError> {
        layout::prepare(&mut connection)?;
        let path = connection.path().map(PathBuf::from).unwrap_or_default();
        Self::start(path, connection, None)
    }

    fn start(path: PathBuf, connection: Connection, checkpoints: Option<Checkpoints>) -> Result<Self, StoreError> {
        let files = (!path.as_os_str().is_empty()).then(|| DatabaseFiles::of(&path));
        let worker = Worker::start(Database { connection, files, checkpoints })?;
        Ok(Self { path, worker })
    }

    /// Looks for damage in the whole file and returns what it found, in SQLite's words; nothing if it's sound.
    /// It takes as long as reading the file. Writers of other processes go on, but this store does nothing else meanwhile:
    /// beside a server that works, open another one for it.
    ///
    /// # Errors
    /// As every operation of the store; a file may also be too damaged to be looked through.
    pub async fn damage(&self) -> Result<Vec<String>, StoreError> {
        let found = self.worker.read(|connection| {
            let mut statement = connection.prepare(&format!("PRAGMA integrity_check({DAMAGE_NAMED})"))?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        });
        Ok(found.await?.into_iter().filter(|line| line != "ok").collect())
    }

    /// Where the sessions are. Empty if they are in memory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes sessions that had expired before `now` and returns how many. A session that is renewed
    /// meanwhile stays: whether it has expired is decided by the statement that deletes it.
    ///
    /// # Errors
    /// As every operation of the store; what was removed before the failure stays removed.
    pub async fn sweep(&self, now: SystemTime) -> Result<usize, StoreError> {
        let now = text_of_time(now);
        let mut removed = 0;
        loop {
            let now = now.clone();
            let batch = self
                .worker
                .write(move |connection| {
                    // What doesn't look like a time was edited by hand and is left to the engine's repair.
                    let mut statement = connection.prepare_cached(
                        "DELETE FROM sessions WHERE number IN (SELECT number FROM sessions
                         WHERE expires_at < ?1 AND expires_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-*' LIMIT ?2)",
                    )?;
                    statement.execute(params![now, SWEEP_BATCH])
                })
                .await?;
            removed += batch;
            metrics::counter!("sessions_swept_total").increment(batch as u64);
            if batch < SWEEP_BATCH as usize {
                return Ok(removed);
            }
        }
    }

    /// Sweeps at once, then once per `every`, a millisecond at least, until it is dropped. Run it as a task beside the
    /// server; several processes on one file may all do so.
    pub async fn keep_swept(self, every: Duration) {
        let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.sweep(SystemTime::now()).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "removed expired sessions"),
                Err(error) => tracing::warn!(%error, "could not remove expired sessions"),
            }
        }
    }
}

/// Selects [`StoredRow::COLUMNS`] of the sessions for which the condition holds.
fn select(which: &str) -> String {
    format!("SELECT {} FROM sessions WHERE {which}", StoredRow::COLUMNS)
}

/// Selects sessions of the user `?1` with ids after `?2`, in order and at most `?3`.
fn select_of_user() -> String {
    select(&format!("user = ?1 AND id > ?2 AND {HAS_KEY} ORDER BY id LIMIT ?3"))
}

/// Sessions of one statement, which takes the parameters and selects [`StoredRow::COLUMNS`].
fn keyed(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<(SessionKey, Stored)>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, StoredRow::read)?;
    rows.filter_map(|row| row.map(StoredRow::into_keyed).transpose()).collect()
}

/// The new version, or `None` if the condition does not hold.
fn write(connection: &Connection, row: &Row, condition: Condition) -> rusqlite::Result<Option<Version>> {
    match condition {
        Condition::Absent => row.insert(connection),
        Condition::Unchanged(version) => row.update(connection, version),
    }
}

/// Both new versions, or `None` if one condition does not hold; then nothing is written, and nothing if there's an error.
fn write_both(connection: &Connection, rows: &[(Row, Condition); 2]) -> rusqlite::Result<Option<[Version; 2]>> {
    connection.execute_batch("SAVEPOINT both")?;
    let versions: rusqlite::Result<Option<Vec<_>>> =
        rows.iter().map(|(row, condition)| write(connection, row, *condition)).collect();
    let versions = versions.map(|versions| versions.and_then(|versions| <[Version; 2]>::try_from(versions).ok()));
    let end = if matches!(versions, Ok(Some(_))) { "RELEASE both" } else { "ROLLBACK TO both; RELEASE both" };
    let ended = connection.execute_batch(end);
    // If SQLite has ended the whole transaction after an error, there's no savepoint, and the error is what matters.
    versions.and_then(|versions| ended.map(|()| versions))
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let key = *key;
        let row = self.worker.read(move |connection| {
            let mut statement = connection.prepare_cached(&select("id = ?1"))?;
            statement.query_row([key.to_string()], StoredRow::read).optional()
        });
        Ok(row.await?.map(StoredRow::into_stored))
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        // The data is written whole, so what the write removes is gone with it.
        let (row, condition) = (Row::of(&write.key, &write.record), write.condition);
        let version = self.worker.write(move |connection| self::write(connection, &row, condition));
        version.await?.ok_or(StoreError::Conflict)
    }

    async fn put_both(&self, first: &Write, second: &Write) -> Result<[Version; 2], StoreError> {
        let rows = [first, second].map(|write| (Row::of(&write.key, &write.record), write.condition));
        let versions = self.worker.write(move |connection| write_both(connection, &rows));
        versions.await?.ok_or(StoreError::Conflict)
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let key = *key;
        let rows = self.worker.write(move |connection| {
            let RowVersion { number, version } = unchanged.into();
            let mut statement =
                connection.prepare_cached("DELETE FROM sessions WHERE number = ?1 AND version = ?2 AND id = ?3")?;
            statement.execute(params![number, version, key.to_string()])
        });
        if rows.await? == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let after = after.map(ToString::to_string).unwrap_or_default();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.worker.read(move |connection| {
            let sql = select(&format!("id > ?1 AND {HAS_KEY} ORDER BY id LIMIT ?2"));
            keyed(connection, &sql, params![after, limit])
        });
        rows.await
    }

    async fn list_user(
        &self,
        user: &str,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let user = user.to_owned();
        let after = after.map(ToString::to_string).unwrap_or_default();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows =
            self.worker.read(move |connection| keyed(connection, &select_of_user(), params![user, after, limit]));
        rows.await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A write of nothing: it needs the lock, a writable file, and the way down to the first row.
        self.worker.write(|connection| connection.execute("DELETE FROM sessions WHERE id = ''", [])).await?;
        Ok(())
    }

    fn is_alive(&self) -> bool {
        self.worker.is_alive()
    }
}

/// What the result codes mean to the engine (<https://sqlite.org/rescode.html>).
fn classify(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::contended(error),
        Some(
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted,
        ) => StoreError::unavailable(error),
        // More than SQLite takes in one row.
        Some(ErrorCode::TooBig) => StoreError::invalid(error),
        _ => StoreError::refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sessions_of_a_user_are_found_by_an_index() {
        let mut connection = Connection::open_in_memory().expect("a database");
        layout::prepare(&mut connection).expect("a table");
        let plan =
            connection.query_row(&format!("EXPLAIN QUERY PLAN {}", select_of_user()), params!["ada", "", 9], |row| {
                row.get::<_, String>(3)
            });
        assert_eq!(plan.expect("a plan"), "SEARCH sessions USING INDEX sessions_by_user (user=? AND id>?)");
    }
}
