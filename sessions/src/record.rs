//! What a store keeps of a session.

mod meta;
mod revisions;

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value};

pub(crate) use self::meta::{Replaced, SignedIn, Terms};
pub use self::{
    meta::Meta,
    revisions::{REVISIONS_KEPT, Revision, Revisions},
};

/// The names in a stored session that belong to the engine; an application's data must not use them. All that the
/// engine will ever add goes under the last one.
pub const RESERVED_FIELDS: [&str; 3] = ["created_at", "expires_at", META_FIELD];

/// The name under which a store keeps [`Record::meta`] beside the application's fields.
pub const META_FIELD: &str = "_session";

/// A session as a store keeps it: the application's fields beside the engine's own.
///
/// A store keeps all of it and changes none of it, except for [`damaged`](Self::damaged) and
/// [`obsolete`](Self::obsolete), which describe what was read. Of these it writes the damaged fields into a record that
/// it creates, as far as it has kept them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The application's fields, and any that others put beside them.
    pub data: Map<String, Value>,
    /// Stored fields that have no JSON form (a timestamp of Firestore's, say), with the reason. The empty name stands
    /// for all of them, when the store can't tell fields apart any more. A write leaves them as they are, unless it
    /// names them.
    pub damaged: BTreeMap<String, Damaged>,
    /// Stored fields of an earlier layout. The engine has the next write remove them.
    pub obsolete: Vec<String>,
    /// When the session began; the absolute lifetime counts from here. To the microsecond. `None` if it's missing or
    /// no time, which the engine repairs.
    pub created_at: Option<SystemTime>,
    /// From when on the session no longer counts, whether or not it's still stored. To the microsecond. `None` as
    /// above.
    pub expires_at: Option<SystemTime>,
    /// What else the engine keeps.
    pub meta: Meta,
}

/// A stored field that has no JSON form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damaged {
    /// Why it has none.
    pub reason: String,
    /// The field in a form of the store's own, so that a new id of the session has it, too; empty if the store does not
    /// keep it.
    pub stored: Vec<u8>,
}

impl<R: Into<String>> From<R> for Damaged {
    fn from(reason: R) -> Self {
        Self { reason: reason.into(), stored: Vec::new() }
    }
}

/// The latest time that every store can keep: almost the end of the year 9999, which is Firestore's. What makes text of
/// times for SQLite, [`jiff::Timestamp`], ends 26 hours before, so that any time zone's clock is in that year.
pub(crate) const END_OF_TIME: Duration = Duration::from_secs(253_402_207_200);

/// The sum, or the end of time if it lies beyond.
pub(crate) fn later(time: SystemTime, by: Duration) -> SystemTime {
    let end = UNIX_EPOCH + END_OF_TIME;
    time.checked_add(by).map_or(end, |sum| sum.min(end))
}
