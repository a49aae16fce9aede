//! How sessions lie in the file, today and before.
//!
//! The file says which layout it has in `user_version` (<https://sqlite.org/pragma.html#pragma_user_version>). Files of
//! earlier versions of this crate say 0, and their table tells them apart from new ones.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params, types::ToSqlOutput};
use serde_json::Value;

use super::{StoreError, classify, row::StoredRow};
use crate::record::Meta;

/// The layout that this version of the crate reads and writes.
const LAYOUT: i64 = 2;

/// The number leads to a row faster than its id, and is good as long as the row is there. A version is a random number
/// rather than a counter: a row that was deleted and made again by hand must not repeat one.
const SCHEMA: &str = "
    CREATE TABLE sessions (
        number     INTEGER PRIMARY KEY,
        id         TEXT NOT NULL UNIQUE,
        data       TEXT NOT NULL,
        created_at TEXT,
        expires_at TEXT,
        user       TEXT,
        session    TEXT NOT NULL DEFAULT '{}',
        version    INTEGER NOT NULL DEFAULT (random())
    ) STRICT;
    CREATE INDEX sessions_by_expiry ON sessions (expires_at);
    CREATE INDEX sessions_by_user ON sessions (user, id) WHERE user IS NOT NULL;
    CREATE TRIGGER sessions_edited AFTER UPDATE ON sessions
    WHEN NEW.version = OLD.version
    BEGIN
        UPDATE sessions SET version = random() WHERE number = NEW.number;
    END;";

/// What the columns of a table `sessions` say about it.
#[derive(Debug, PartialEq, Eq)]
enum Layout {
    /// There's none.
    Nothing,
    /// Columns `revisions` and `successor`: the layout of the first versions. Their tables differ in their keys only.
    First,
    /// Whatever else; perhaps the table of somebody else.
    Other,
}

/// Makes the file's layout today's: creates the table, or migrates what an earlier version left, in one transaction.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(classify)?;
    let shared = is_shared(&transaction).map_err(classify)?;
    refuse_newer(&transaction, shared)?;
    match layout_of(&transaction).map_err(classify)? {
        Layout::Nothing => transaction.execute_batch(SCHEMA).map_err(classify)?,
        Layout::First => migrate(&transaction).map_err(classify)?,
        Layout::Other => {}
    }
    is_ours(&transaction)?;
    if !shared {
        transaction.pragma_update(None, "user_version", LAYOUT).map_err(classify)?;
    }
    transaction.commit().map_err(classify)
}

/// Fails unless the file has today's layout already.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    refuse_newer(connection, is_shared(connection).map_err(classify)?)?;
    if layout_of(connection).map_err(classify)? == Layout::First {
        return Err(StoreError::refused(
            "the file has the layout of an earlier version; start the server once to migrate it",
        ));
    }
    is_ours(connection)
}

/// Whether the file holds tables of the application, too. Its `user_version` then means what the application says.
fn is_shared(connection: &Connection) -> rusqlite::Result<bool> {
    let others = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name <> 'sessions' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
    connection.query_row(others, [], |_| Ok(())).optional().map(|found| found.is_some())
}

fn refuse_newer(connection: &Connection, shared: bool) -> Result<(), StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(classify)?;
    if shared || version <= LAYOUT {
        return Ok(());
    }
    Err(StoreError::refused(format!(
        "the file has layout {version}, of a newer version of this program; this one knows layouts up to {LAYOUT}"
    )))
}

fn layout_of(connection: &Connection) -> rusqlite::Result<Layout> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('sessions')")?;
    let columns: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let has = |name: &str| columns.iter().any(|column| column == name);
    if columns.is_empty() {
        Ok(Layout::Nothing)
    } else if has("revisions") && has("successor") {
        Ok(Layout::First)
    } else {
        Ok(Layout::Other)
    }
}

/// Fails unless sessions are stored as they are here: others may have a table of that name, too.
fn is_ours(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare(&format!("SELECT {} FROM sessions", StoredRow::COLUMNS)).map(drop).map_err(classify)
}

fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DROP TRIGGER IF EXISTS sessions_edited;
         DROP INDEX IF EXISTS sessions_by_expiry;
         ALTER TABLE sessions RENAME TO sessions_of_the_first_layout;",
    )?;
    connection.execute_batch(SCHEMA)?;
    let mut old = connection.prepare(
        "SELECT id, data, created_at, expires_at, version, revisions, successor FROM sessions_of_the_first_layout",
    )?;
    let mut new = connection.prepare(
        "INSERT INTO sessions (id, data, created_at, expires_at, version, session) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut rows = old.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column: usize| row.get_ref(column).map(|value| value.as_str().ok());
        let revisions = text(5)?.unwrap_or_default();
        let meta = Meta::of_first_layout(revisions.split_whitespace(), text(6)?);
        let session = Value::Object(meta.to_json()).to_string();
        // As they are, whatever they hold.
        let column = |column: usize| row.get_ref(column).map(ToSqlOutput::Borrowed);
        new.execute(params![column(0)?, column(1)?, column(2)?, column(3)?, column(4)?, session])?;
    }
    connection.execute_batch("DROP TABLE sessions_of_the_first_layout")
}
