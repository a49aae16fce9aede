//! A look into what is stored, and edits by hand, past the server.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{CEILING, emulator::Emulated};

/// Where the sessions of a test are.
pub(crate) enum Store {
    Sqlite(SqliteFile),
    Emulator(Emulated),
}

/// A stored session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    /// The application's fields and any that somebody else put there.
    pub(crate) data: Map<String, Value>,
    /// In RFC 3339.
    pub(crate) created_at: Option<String>,
    pub(crate) expires_at: Option<String>,
}

/// Sessions that a test has many of.
#[derive(Clone, Copy)]
pub(crate) struct Many {
    pub(crate) count: u32,
    /// What their names begin with: nothing for good ones, random to the end.
    pub(crate) prefix: &'static str,
    /// In RFC 3339.
    pub(crate) created_at: &'static str,
    pub(crate) expires_at: &'static str,
}

/// Times long ago, a while ago, and far ahead.
pub(crate) const OLD: &str = "2020-01-01T00:00:00.000000Z";
pub(crate) const PAST: &str = "2021-01-01T00:00:00.000000Z";
pub(crate) const FUTURE: &str = "2999-01-01T00:00:00.000000Z";

impl Many {
    /// Sessions that began long ago and have not expired.
    pub(crate) fn old(count: u32) -> Self {
        Self { count, prefix: "", created_at: OLD, expires_at: FUTURE }
    }

    /// Sessions that have expired.
    pub(crate) fn expired(count: u32) -> Self {
        Self { expires_at: PAST, ..Self::old(count) }
    }
}

/// The name under which the session of this cookie is stored.
pub(crate) fn key_of(id: &str) -> String {
    hex::encode(Sha256::digest(id))
}

impl Store {
    /// What is stored of the session of this cookie.
    pub(crate) async fn session(&self, id: &str) -> Option<Stored> {
        match self {
            Self::Sqlite(file) => file.session(id),
            Self::Emulator(emulated) => emulated.session(id).await,
        }
    }

    /// The count of the session of this cookie.
    pub(crate) async fn views(&self, id: &str) -> u64 {
        let stored = self.session(id).await.expect("a session");
        stored.data["views"].as_u64().unwrap_or_else(|| panic!("no count in {stored:?}"))
    }

    /// How many sessions are stored, expired ones included.
    pub(crate) async fn sessions(&self) -> usize {
        match self {
            Self::Sqlite(file) => file.sessions(),
            Self::Emulator(emulated) => emulated.sessions().await,
        }
    }

    /// Makes many sessions at once.
    pub(crate) async fn fill(&self, many: Many) {
        match self {
            Self::Sqlite(file) => file.fill(many),
            Self::Emulator(emulated) => emulated.fill(many).await,
        }
    }

    /// Changes a field by hand; `None` removes it.
    pub(crate) async fn edit(&self, id: &str, field: &str, value: Option<&Value>) {
        match self {
            Self::Sqlite(file) => file.edit(id, field, value),
            Self::Emulator(emulated) => emulated.edit(id, field, value).await,
        }
    }

    /// Deletes a session by hand.
    pub(crate) async fn delete(&self, id: &str) {
        match self {
            Self::Sqlite(file) => file.change(id, "DELETE FROM sessions WHERE id = ?1"),
            Self::Emulator(emulated) => emulated.delete(id).await,
        }
    }
}

/// A file as the `sqlite3` shell sees it.
pub(crate) struct SqliteFile {
    path: PathBuf,
}

impl SqliteFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it, as one more process would.
    pub(crate) fn open(&self) -> Connection {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags(&self.path, flags).expect("a file");
        connection.busy_timeout(CEILING).expect("an open file");
        connection
    }

    /// Runs one statement whose `?1` is the key of this cookie's session, and which changes that alone.
    pub(crate) fn change(&self, id: &str, sql: &str) {
        assert_eq!(self.open().execute(sql, [key_of(id)]).expect("a good statement"), 1, "{sql}");
    }

    fn session(&self, id: &str) -> Option<Stored> {
        let sql = "SELECT data, created_at, expires_at FROM sessions WHERE id = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
        let row = self.open().query_row(sql, [key_of(id)], read).optional().expect("a readable file");
        row.map(|(data, created_at, expires_at)| Stored {
            data: serde_json::from_str(&data).expect("a JSON object"),
            created_at,
            expires_at,
        })
    }

    fn sessions(&self) -> usize {
        let count = self.open().query_row("SELECT count(*) FROM sessions", [], |row| row.get::<_, u32>(0));
        count.expect("a count") as usize
    }

    fn fill(&self, Many { count, prefix, created_at, expires_at }: Many) {
        let sql = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO sessions (id, data, created_at, expires_at)
            SELECT ?2 || lower(hex(randomblob(32))), json_object('greeting', 'Hallo Welt', 'views', i), ?3, ?4 FROM n";
        let made = self.open().execute(sql, params![count, prefix, created_at, expires_at]);
        assert_eq!(made.expect("a good statement"), count as usize);
    }

    fn edit(&self, id: &str, field: &str, value: Option<&Value>) {
        let path = format!("$.{field}");
        let connection = self.open();
        let changed = match value {
            Some(value) => connection.execute(
                "UPDATE sessions SET data = json_set(data, ?2, json(?3)) WHERE id = ?1",
                params![key_of(id), path, value.to_string()],
            ),
            None => connection
                .execute("UPDATE sessions SET data = json_remove(data, ?2) WHERE id = ?1", params![key_of(id), path]),
        };
        assert_eq!(changed.expect("an edit"), 1);
    }
}
