//! A session as a row: text that a person can read and edit.

use std::time::SystemTime;

use jiff::Timestamp;
use rusqlite::{Connection, params, types::ValueRef};
use serde_json::Value;

use super::{Stored, Version};
use crate::{Record, SessionKey, record::Revisions};

/// The columns of a row, as they are stored.
pub(super) struct Row {
    id: String,
    data: String,
    created_at: Option<String>,
    expires_at: Option<String>,
    revisions: String,
    successor: Option<String>,
    version: i64,
}

impl Row {
    pub(super) const COLUMNS: &'static str = "id, data, created_at, expires_at, revisions, successor, version";

    pub(super) fn of(key: &SessionKey, record: &Record) -> Self {
        Self {
            id: key.to_string(),
            data: Value::Object(record.data.clone()).to_string(),
            created_at: record.created_at.map(text_of_time),
            expires_at: record.expires_at.map(text_of_time),
            revisions: record.revisions.texts().collect::<Vec<_>>().join(" "),
            successor: record.successor.as_ref().map(ToString::to_string),
            version: 0,
        }
    }

    /// Reads a row whatever is in it: a column that is no text, or no Unicode, is what the engine repairs.
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let text = |column| match row.get_ref(column) {
            Ok(ValueRef::Text(bytes)) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
            other => other.map(|_no_text| None),
        };
        Ok(Self {
            id: text(0)?.unwrap_or_default(),
            data: text(1)?.unwrap_or_default(),
            created_at: text(2)?,
            expires_at: text(3)?,
            revisions: text(4)?.unwrap_or_default(),
            successor: text(5)?,
            version: row.get(6)?,
        })
    }

    /// The new version, or `None` if there is a row of this id.
    pub(super) fn insert(&self, connection: &Connection) -> rusqlite::Result<Option<Version>> {
        self.write(
            connection,
            "INSERT INTO sessions (id, data, created_at, expires_at, revisions, successor, version)
             VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            None,
        )
    }

    /// The new version, or `None` if the row has another version than this, or is gone.
    ///
    /// SQLite writes to the index of `expires_at` whenever a statement names that column, changed or not. Most writes
    /// leave it as it is; the first statement is for those, and finds no row for the others.
    pub(super) fn update(&self, connection: &Connection, unchanged: Version) -> rusqlite::Result<Option<Version>> {
        let Ok(unchanged) = i64::try_from(unchanged.0) else { return Ok(None) };
        let version = self.write(
            connection,
            "UPDATE sessions SET data = ?3, created_at = ?4, revisions = ?6, successor = ?7, version = ?8
             WHERE id = ?1 AND version = ?2 AND expires_at IS ?5",
            Some(unchanged),
        )?;
        if version.is_some() {
            return Ok(version);
        }
        self.write(
            connection,
            "UPDATE sessions SET data = ?3, created_at = ?4, expires_at = ?5, revisions = ?6, successor = ?7,
             version = ?8 WHERE id = ?1 AND version = ?2",
            Some(unchanged),
        )
    }

    /// The version that the statement has given to the row, if it found one to write. `?1` to `?8` are the id, the
    /// version it must have, the columns from `data` to `successor`, and the new version.
    fn write(&self, connection: &Connection, sql: &str, unchanged: Option<i64>) -> rusqlite::Result<Option<Version>> {
        let version: i64 = rand::random();
        let rows = connection.prepare_cached(sql)?.execute(params![
            self.id,
            unchanged,
            self.data,
            self.created_at,
            self.expires_at,
            self.revisions,
            self.successor,
            version
        ])?;
        Ok((rows == 1).then(|| Version(version.into())))
    }

    pub(super) fn into_stored(self) -> Stored {
        let data = match serde_json::from_str(&self.data) {
            Ok(Value::Object(fields)) => fields,
            // Edited into something else; the engine repairs what it does not find.
            _ => serde_json::Map::new(),
        };
        let record = Record {
            data,
            created_at: self.created_at.as_deref().and_then(time_of_text),
            expires_at: self.expires_at.as_deref().and_then(time_of_text),
            revisions: Revisions::from_texts(self.revisions.split_whitespace()),
            successor: self.successor.as_deref().and_then(SessionKey::parse),
        };
        Stored { record, version: Version(self.version.into()) }
    }

    /// `None` for a row whose id is no key, which can only have been put there by hand.
    pub(super) fn into_keyed(self) -> Option<(SessionKey, Stored)> {
        let key = SessionKey::parse(&self.id)?;
        Some((key, self.into_stored()))
    }
}

/// RFC 3339 in UTC with six decimals: it sorts as text the way it sorts as time.
pub(super) fn text_of_time(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    format!("{time:.6}")
}

fn time_of_text(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_survive_as_text_that_sorts() {
        let earlier = UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_001);
        let later = UNIX_EPOCH + Duration::from_micros(1_800_000_000_100_000);
        assert_eq!(text_of_time(earlier), "2027-01-15T08:00:00.000001Z");
        assert_eq!(time_of_text(&text_of_time(earlier)), Some(earlier));
        assert!(text_of_time(earlier) < text_of_time(later));
        assert_eq!(time_of_text("tomorrow"), None);
    }
}
