//! Sessions in an SQLite file: no account, no server, as many processes of one machine as you like.
//!
//! One row a session, readable and editable with the `sqlite3` shell; an edit takes effect at the next
//! view, since a trigger moves the row's version. The write-ahead log makes an acknowledged change
//! survive a killed process; after a power cut the last minute may be missing, never half a change
//! (<https://sqlite.org/pragma.html#pragma_synchronous>, `NORMAL`).

mod batch;
mod checkpoint;
mod identity;
mod open;
mod row;
mod worker;

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use rusqlite::{ErrorCode, OptionalExtension, params};

use self::{
    checkpoint::Checkpoints,
    identity::Identity,
    open::{connect, connect_existing, in_turn},
    row::{Found, Row, State, text_of_time},
    worker::Worker,
};
use super::{Condition, Store, StoreError, Stored, Version};
use crate::{Record, SessionKey, metrics};

/// How many expired rows one statement removes, so that it never holds the lock for long.
const SWEEP_BATCH: u32 = 500;

/// How many places of damage are named at most.
const DAMAGE_NAMED: u32 = 10;

/// A store in an SQLite file. Clones share one connection, which a thread of its own works on. Dropping the last
/// one waits until the file is closed.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    path: PathBuf,
    identity: Identity,
    worker: Worker,
}

impl SqliteStore {
    /// Opens the file, or creates it and its folder.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if that's not possible: the folder can't be written, the file is no SQLite
    /// database or is damaged. [`StoreError::Contended`] if another process keeps it locked.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| StoreError::Refused(error.into()))?;
        }
        let mut connection = in_turn(|| connect(&path))?;
        let identity = Identity::of(&path);
        let checkpoints = Checkpoints::start(&path, &mut connection)?;
        let worker = Worker::start(connection, Some(checkpoints))?;
        Ok(Self { path, identity, worker })
    }

    /// Opens the file if it's there, and leaves it as it is: for tools that look after the sessions of others.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if there's no such file, if it's no SQLite database, or one without sessions.
    /// [`StoreError::Contended`] if another process keeps it locked.
    pub fn open_existing(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        std::fs::metadata(&path).map_err(|error| StoreError::Refused(error.into()))?;
        let connection = in_turn(|| connect_existing(&path))?;
        let identity = Identity::of(&path);
        let worker = Worker::start(connection, None)?;
        Ok(Self { path, identity, worker })
    }

    /// Looks for damage in the whole file and answers what it found, in SQLite's words; nothing if it's sound.
    /// It takes as long as reading the file, and keeps nobody from writing.
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

    /// Where the sessions are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes sessions that had expired before `now` and answers how many. A session that is renewed
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
            metrics::swept(batch);
            if batch < SWEEP_BATCH as usize {
                return Ok(removed);
            }
        }
    }

    /// Sweeps now and then `every` so often, until dropped. Run it as a task beside the server; several
    /// processes on one file may all do so.
    pub async fn keep_swept(self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
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

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let key = *key;
        let row = self.worker.read(move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {} FROM sessions WHERE id = ?1", Found::COLUMNS))?;
            statement.query_row([key.to_string()], Found::read).optional()
        });
        Ok(row.await?.map(Found::into_stored))
    }

    async fn put(&self, key: &SessionKey, record: &Record, condition: Condition) -> Result<Version, StoreError> {
        let row = Row::of(key, record);
        let version = self.worker.write(move |connection| {
            Ok(match condition {
                Condition::Absent => row.insert(connection)?,
                Condition::Unchanged(version) => row.update(connection, version)?,
            })
        });
        version.await?.ok_or(StoreError::Conflict)
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let key = *key;
        let rows = self.worker.write(move |connection| {
            let State { number, version } = unchanged.into();
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
            // What is named otherwise was put there by hand.
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {} FROM sessions WHERE id > ?1 AND length(id) = 64 AND id NOT GLOB '*[^0-9a-f]*'
                 ORDER BY id LIMIT ?2",
                Found::COLUMNS
            ))?;
            let rows = statement.query_map(params![after, limit], Found::read)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        Ok(rows.await?.into_iter().filter_map(Found::into_keyed).collect())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        if !self.identity.still_at(&self.path) {
            let gone = format!("{} was moved, replaced or deleted; restart to begin a new one", self.path.display());
            return Err(StoreError::Refused(gone.into()));
        }
        // A write of nothing: it needs the lock, a writable file, and the way down to the first row.
        self.worker.write(|connection| connection.execute("DELETE FROM sessions WHERE id = ''", [])).await?;
        Ok(())
    }
}

/// What the result codes mean to the engine (<https://sqlite.org/rescode.html>).
fn classify(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Contended(error.into()),
        Some(
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted,
        ) => StoreError::Unavailable(error.into()),
        _ => StoreError::Refused(error.into()),
    }
}
