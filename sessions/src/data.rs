//! The application's data as the fields of a record, and back: equal in, equal out, or refused before it's sent.
//!
//! Which stored fields are the application's is decided so:
//! - A type that names its fields (a struct without `flatten`) has those names, no matter who wrote them last. Other fields
//!   are hidden from it and left as they are: they were put there by hand, or by a newer version of the application.
//! - Any other type (a map, an enum, a struct with `flatten`) has the names that the application has written, which
//!   the record lists, and any that [`Admin::update`](crate::admin::Admin::update) has set. In a record without such a
//!   list it has all of them.
//!
//! A field that the application's value wrote before a change and doesn't write after it is removed.

mod decode;
mod encode;
mod names;
mod root;
mod upgrade;

use std::collections::BTreeSet;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub use self::names::field_names;
use self::root::Root;
pub(crate) use self::{
    encode::{check_fields, fields_of},
    upgrade::Upgrades,
};
use crate::{
    Record,
    error::{DataError, DataProblem},
};

/// What an application keeps in a session: any type that serde writes as a JSON object.
///
/// What comes back is equal to what was stored, on every store. What can't be kept is refused by the change that makes
/// it, with [`Error::Data`](crate::Error::Data): numbers that are not finite or beyond 64 bits, a `Some` that JSON
/// can't tell from `None`, keys of maps that are not text, numbers or booleans, two fields of one name, more than
/// [`DEPTH`] levels of lists and maps, paths of more than [`PATH_LENGTH`] bytes, names that are
/// [reserved](crate::record::RESERVED_FIELDS), more bytes than [`Settings::max_data`](crate::Settings::max_data), and
/// what the type that wrote it would read as another value, or not at all.
pub trait SessionData: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> SessionData for T {}

/// How many levels of lists and maps a field may have inside. A list directly inside a list counts as two. Firestore
/// keeps no more (<https://cloud.google.com/firestore/quotas>).
pub const DEPTH: usize = 20;

/// How many bytes the path to a value may have: the names on the way, with four more for each, and one more for each
/// backtick and backslash in them. Firestore keeps no longer path (<https://cloud.google.com/firestore/quotas>), and
/// counts its dots and quotes, and what its store puts in front of some names. A value that it keeps in a map of its own
/// (an integer above 2⁶³-1, a list directly in a list) has 12 bytes less.
pub const PATH_LENGTH: usize = 1_500;

type Fields = Map<String, Value>;

/// Whether these are the same fields to the last bit. For `==` zero and negative zero are the same.
pub(crate) fn are_same(some: &Fields, others: &Fields) -> bool {
    let is_there = |(name, value): (&String, &Value)| others.get(name).is_some_and(|other| is_same(value, other));
    some.len() == others.len() && some.iter().all(is_there)
}

/// As [`are_same`].
pub(crate) fn is_same(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Array(items), Value::Array(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| is_same(item, other))
        }
        (Value::Object(fields), Value::Object(others)) => are_same(fields, others),
        (Value::Number(number), Value::Number(other)) => {
            let bits = |number: &serde_json::Number| number.as_f64().map(f64::to_bits);
            number == other && (!number.is_f64() || bits(number) == bits(other))
        }
        _ => value == other,
    }
}

/// How the data of one type is kept.
pub(crate) struct Codec<T> {
    pub(crate) new_data: Box<dyn Fn() -> T + Send + Sync>,
    /// The names of the type's fields, if it names them.
    names: Option<&'static [&'static str]>,
    pub(crate) upgrades: Upgrades,
    /// The fields that may be replaced by new ones if they can't be read.
    pub(crate) repairable: BTreeSet<String>,
    /// In bytes.
    pub(crate) max_size: usize,
}

impl<T: SessionData> Codec<T> {
    pub(crate) fn new(new_data: Box<dyn Fn() -> T + Send + Sync>) -> Self {
        Self {
            new_data,
            names: field_names::<T>(),
            upgrades: Upgrades::default(),
            repairable: BTreeSet::new(),
            max_size: usize::MAX,
        }
    }

    /// The names of repairable fields that the type does not have, if it names its fields.
    pub(crate) fn unknown_repairable(&self) -> Vec<&str> {
        let is_unknown = |name: &&str| self.names.is_some_and(|names| !names.contains(name));
        self.repairable.iter().map(String::as_str).filter(is_unknown).collect()
    }

    /// Whether a stored field of this name is the application's.
    fn is_own(&self, record: &Record, name: &str) -> bool {
        match (self.names, &record.meta.fields) {
            (Some(names), _) => names.contains(&name),
            (None, Some(fields)) => fields.iter().any(|field| field == name),
            (None, None) => true,
        }
    }
}
