//! A session as a row: text that a person can read and edit.

use std::time::SystemTime;

use jiff::Timestamp;
use rusqlite::{Connection, params, types::ValueRef};
use serde_json::Value;

use super::{Stored, Version};
use crate::{Record, SessionKey, record::Revisions};

/// The columns of a row that hold a session, as they are stored.
pub(super) struct Row {
    id: String,
    data: String,
    created_at: Option<String>,
    expires_at: Option<String>,
    revisions: String,
    successor: Option<String>,
}

/// Which row it is, and which state of it: what a [`Version`] of this store is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) number: i64,
    pub(super) version: i64,
}

/// A row that was read.
pub(super) struct Found {
    row: Row,
    state: State,
}

impl From<State> for Version {
    fn from(State { number, version }: State) -> Self {
        Self((i128::from(number) << 64) | (i128::from(version) & i128::from(u64::MAX)))
    }
}

impl From<Version> for State {
    fn from(Version(both): Version) -> Self {
        // Either half fits.
        let [number, version] = [both >> 64, (both << 64) >> 64].map(|half| i64::try_from(half).unwrap_or_default());
        Self { number, version }
    }
}

impl Row {
    pub(super) fn of(key: &SessionKey, record: &Record) -> Self {
        Self {
            id: key.to_string(),
            data: Value::Object(record.data.clone()).to_string(),
            created_at: record.created_at.map(text_of_time),
            expires_at: record.expires_at.map(text_of_time),
            revisions: record.revisions.texts().collect::<Vec<_>>().join(" "),
            successor: record.successor.as_ref().map(ToString::to_string),
        }
    }

    /// The new version, or `None` if there is a row of this id.
    pub(super) fn insert(&self, connection: &Connection) -> rusqlite::Result<Option<Version>> {
        self.write(
            connection,
            "INSERT INTO sessions (number, version, id, data, created_at, expires_at, revisions, successor)
             VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
            None,
        )
    }

    /// The new version, or `None` if the row has another version than this, or is gone.
    ///
    /// SQLite writes to the index of `expires_at` whenever a statement names that column, changed or not. Most writes
    /// leave it as it is; the first statement is for those, and finds no row for the others.
    pub(super) fn update(&self, connection: &Connection, unchanged: Version) -> rusqlite::Result<Option<Version>> {
        let unchanged = Some(unchanged.into());
        let version = self.write(
            connection,
            "UPDATE sessions SET version = ?3, data = ?5, created_at = ?6, revisions = ?8, successor = ?9
             WHERE number = ?1 AND version = ?2 AND id = ?4 AND expires_at IS ?7",
            unchanged,
        )?;
        if version.is_some() {
            return Ok(version);
        }
        self.write(
            connection,
            "UPDATE sessions SET version = ?3, data = ?5, created_at = ?6, expires_at = ?7, revisions = ?8,
             successor = ?9 WHERE number = ?1 AND version = ?2 AND id = ?4",
            unchanged,
        )
    }

    /// The version that the statement has given to the row, if it found one to write. `?1` and `?2` are the number and
    /// the version of the row, none if it's new; `?3` is its new version, `?4` to `?9` are the columns from `id` on.
    fn write(&self, connection: &Connection, sql: &str, row: Option<State>) -> rusqlite::Result<Option<Version>> {
        let version = rand::random();
        let rows = connection.prepare_cached(sql)?.execute(params![
            row.map(|row| row.number),
            row.map(|row| row.version),
            version,
            self.id,
            self.data,
            self.created_at,
            self.expires_at,
            self.revisions,
            self.successor,
        ])?;
        let number = row.map_or_else(|| connection.last_insert_rowid(), |row| row.number);
        Ok((rows == 1).then(|| State { number, version }.into()))
    }
}

impl Found {
    pub(super) const COLUMNS: &'static str = "number, version, id, data, created_at, expires_at, revisions, successor";

    /// Reads a row whatever is in it: a column that is no text, or no Unicode, is what the engine repairs.
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let text = |column| match row.get_ref(column) {
            Ok(ValueRef::Text(bytes)) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
            other => other.map(|_no_text| None),
        };
        let state = State { number: row.get(0)?, version: row.get(1)? };
        let row = Row {
            id: text(2)?.unwrap_or_default(),
            data: text(3)?.unwrap_or_default(),
            created_at: text(4)?,
            expires_at: text(5)?,
            revisions: text(6)?.unwrap_or_default(),
            successor: text(7)?,
        };
        Ok(Self { row, state })
    }

    pub(super) fn into_stored(self) -> Stored {
        let Self { row, state } = self;
        let data = match serde_json::from_str(&row.data) {
            Ok(Value::Object(fields)) => fields,
            // Edited into something else; the engine repairs what it does not find.
            _ => serde_json::Map::new(),
        };
        let record = Record {
            data,
            created_at: row.created_at.as_deref().and_then(time_of_text),
            expires_at: row.expires_at.as_deref().and_then(time_of_text),
            revisions: Revisions::from_texts(row.revisions.split_whitespace()),
            successor: row.successor.as_deref().and_then(SessionKey::parse),
        };
        Stored { record, version: state.into() }
    }

    /// `None` for a row whose id is no key, which can only have been put there by hand.
    pub(super) fn into_keyed(self) -> Option<(SessionKey, Stored)> {
        let key = SessionKey::parse(&self.row.id)?;
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
    fn a_version_holds_a_number_and_a_version() {
        for number in [i64::MIN, -1, 0, 1, i64::MAX] {
            for version in [i64::MIN, -1, 0, 1, i64::MAX] {
                let state = State { number, version };
                assert_eq!(State::from(Version::from(state)), state);
            }
        }
    }

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
