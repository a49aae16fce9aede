//! A session as a row: text that a person can read and edit.

use std::time::SystemTime;

use jiff::Timestamp;
use rusqlite::{Connection, params, types::ValueRef};
use serde_json::{Map, Value};

use super::{Stored, Version};
use crate::{Record, SessionKey, record::Meta};

/// The columns of a row that hold a session, as they are written.
pub(super) struct Row {
    id: String,
    data: String,
    created_at: Option<String>,
    expires_at: Option<String>,
    user: Option<String>,
    session: String,
}

/// Which row it is, and which state of it: what a [`Version`] of this store is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowVersion {
    pub(super) number: i64,
    pub(super) version: i64,
}

/// A row that was read.
pub(super) struct StoredRow {
    id: String,
    stored: Stored,
}

impl From<RowVersion> for Version {
    fn from(RowVersion { number, version }: RowVersion) -> Self {
        Self((i128::from(number) << 64) | (i128::from(version) & i128::from(u64::MAX)))
    }
}

impl From<Version> for RowVersion {
    fn from(Version(both): Version) -> Self {
        // Either half fits.
        let [number, version] = [both >> 64, (both << 64) >> 64].map(|half| i64::try_from(half).unwrap_or_default());
        Self { number, version }
    }
}

impl Row {
    pub(super) fn of(key: &SessionKey, record: &Record) -> Self {
        // The user has a column of its own, and is in no second place.
        let mut session = record.meta.to_json();
        session.remove(Meta::USER);
        Self {
            id: key.to_string(),
            data: Value::Object(record.data.clone()).to_string(),
            created_at: record.created_at.map(text_of_time),
            expires_at: record.expires_at.map(text_of_time),
            user: record.meta.user().map(str::to_owned),
            session: Value::Object(session).to_string(),
        }
    }

    /// The new version, or `None` if there is a row of this id.
    pub(super) fn insert(&self, connection: &Connection) -> rusqlite::Result<Option<Version>> {
        self.write(
            connection,
            "INSERT INTO sessions (number, version, id, data, created_at, expires_at, user, session)
             VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
            None,
        )
    }

    /// The new version, or `None` if the row has another version than this, or is gone.
    ///
    /// SQLite writes to an index whenever a statement names its column, changed or not. Most writes change neither
    /// `expires_at` nor `user`; the first statement is for those, and finds no row for the others.
    pub(super) fn update(&self, connection: &Connection, unchanged: Version) -> rusqlite::Result<Option<Version>> {
        let unchanged = Some(unchanged.into());
        let version = self.write(
            connection,
            "UPDATE sessions SET version = ?3, data = ?5, created_at = ?6, session = ?9
             WHERE number = ?1 AND version = ?2 AND id = ?4 AND expires_at IS ?7 AND user IS ?8",
            unchanged,
        )?;
        if version.is_some() {
            return Ok(version);
        }
        self.write(
            connection,
            "UPDATE sessions SET version = ?3, data = ?5, created_at = ?6, expires_at = ?7, user = ?8, session = ?9
             WHERE number = ?1 AND version = ?2 AND id = ?4",
            unchanged,
        )
    }

    /// The version that the statement has given to the row, if it found one to write. `?1` and `?2` are the number and
    /// the version of the row, none if it's new; `?3` is its new version, `?4` to `?9` are the columns from `id` on.
    fn write(&self, connection: &Connection, sql: &str, row: Option<RowVersion>) -> rusqlite::Result<Option<Version>> {
        let version = rand::random();
        let rows = connection.prepare_cached(sql)?.execute(params![
            row.map(|row| row.number),
            row.map(|row| row.version),
            version,
            self.id,
            self.data,
            self.created_at,
            self.expires_at,
            self.user,
            self.session,
        ])?;
        let number = row.map_or_else(|| connection.last_insert_rowid(), |row| row.number);
        Ok((rows == 1).then(|| RowVersion { number, version }.into()))
    }
}

impl StoredRow {
    pub(super) const COLUMNS: &'static str = "number, version, id, data, created_at, expires_at, user, session";

    /// Reads a row whatever is in it. Columns of the engine that hold something else, because a person edited them, read
    /// as if they were missing, which the engine repairs. Of the application's data that is not assumed.
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let text = |column| row.get_ref(column).map(text_of);
        let state = RowVersion { number: row.get(0)?, version: row.get(1)? };
        let mut record = Record {
            created_at: text(4)?.and_then(time_of_text),
            expires_at: text(5)?.and_then(time_of_text),
            meta: meta_of(text(7)?, text(6)?),
            ..Record::default()
        };
        match data_of(row.get_ref(3)?) {
            Ok(fields) => record.data = fields,
            Err(reason) => drop(record.damaged.insert(String::new(), reason.into())),
        }
        let id = text(2)?.unwrap_or_default().to_owned();
        Ok(Self { id, stored: Stored { record, version: state.into() } })
    }

    pub(super) fn into_stored(self) -> Stored {
        self.stored
    }

    /// `None` for a row whose id is no key, which somebody must have inserted by hand.
    pub(super) fn into_keyed(self) -> Option<(SessionKey, Stored)> {
        Some((SessionKey::parse(&self.id)?, self.stored))
    }
}

fn text_of(value: ValueRef<'_>) -> Option<&str> {
    value.as_str().ok()
}

fn data_of(column: ValueRef<'_>) -> Result<Map<String, Value>, String> {
    let text = column.as_str().map_err(|error| format!("the column data holds no text: {error}"))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("the column data holds no JSON object".to_owned()),
        Err(error) => Err(format!("the column data holds no JSON: {error}")),
    }
}

fn meta_of(session: Option<&str>, user: Option<&str>) -> Meta {
    let mut json = match session.map(serde_json::from_str) {
        Some(Ok(Value::Object(json))) => json,
        _ => Map::new(),
    };
    json.remove(Meta::USER);
    if let Some(user) = user {
        json.insert(Meta::USER.to_owned(), user.into());
    }
    Meta::from_json(&Value::Object(json))
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
    use crate::record::END_OF_TIME;

    #[test]
    fn a_version_holds_a_number_and_a_version() {
        for number in [i64::MIN, -1, 0, 1, i64::MAX] {
            for version in [i64::MIN, -1, 0, 1, i64::MAX] {
                let state = RowVersion { number, version };
                assert_eq!(RowVersion::from(Version::from(state)), state);
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
        let end = UNIX_EPOCH + END_OF_TIME;
        assert_eq!(time_of_text(&text_of_time(end)), Some(end));
    }

    #[test]
    fn damaged_data_has_a_reason() {
        let reason = |column| data_of(column).expect_err("damaged");
        assert_eq!(reason(ValueRef::Text(b"[1]")), "the column data holds no JSON object");
        assert!(reason(ValueRef::Text(b"{")).starts_with("the column data holds no JSON: EOF"));
        assert!(reason(ValueRef::Text(b"{\"a\":\"\xff\"}")).starts_with("the column data holds no text"));
        assert!(reason(ValueRef::Blob(b"{}")).starts_with("the column data holds no text"));
    }
}
