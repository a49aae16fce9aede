//! Fields as a value, and the fields after a change of it.

use std::{any::type_name, borrow::Cow, collections::BTreeMap};

use serde_json::Value;

use super::{Codec, DataError, DataProblem, Fields, Root, SessionData, fields_of};
use crate::{
    Error, Record, SessionKey,
    error::{path_of, path_of_field, path_of_missing},
    record::{Damaged, Meta},
    store::cause,
};

/// A value that was read.
pub(crate) struct Decoded<T> {
    pub(crate) data: T,
    /// Whether some of it was replaced, since it couldn't be read.
    pub(crate) repaired: bool,
}

/// What an application's data makes of a record.
pub(crate) struct Encoded<T> {
    pub(crate) data: Fields,
    /// The value as the next request reads it: without what serde skips, say.
    read: T,
    damaged: BTreeMap<String, Damaged>,
    fields: Option<Vec<String>>,
    data_version: u32,
}

impl<T> Encoded<T> {
    /// The record with this data in the place of its own, and without its obsolete fields; and what is read from it.
    pub(crate) fn with_rest_of(self, record: &Record) -> (Record, T) {
        let Self { data, read, damaged, fields, data_version } = self;
        let meta = Meta { data_version, fields, ..record.meta.clone() };
        let Record { created_at, expires_at, .. } = *record;
        (Record { data, damaged, obsolete: Vec::new(), created_at, expires_at, meta }, read)
    }
}

impl<T: SessionData> Codec<T> {
    /// Reads the application's data from a record of this application's version.
    pub(crate) fn decode(&self, key: &SessionKey, record: &Record) -> Result<Decoded<T>, Error> {
        let visible = self.visible(record);
        let damage = record.damaged.iter().find(|(name, _)| name.is_empty() || self.is_own(record, name));
        let (path, cause) = match (damage, T::deserialize(Root(&visible))) {
            (None, Ok(data)) => return Ok(Decoded { data, repaired: false }),
            (Some((name, damaged)), _) if name.is_empty() => (String::new(), cause(damaged.reason.as_str())),
            (Some((name, damaged)), _) => (path_of_field(name), cause(damaged.reason.as_str())),
            (None, Err(_)) => match serde_path_to_error::deserialize::<_, T>(Root(&visible)) {
                Ok(data) => return Ok(Decoded { data, repaired: false }),
                Err(error) => {
                    let missing = missing_field(error.inner());
                    let path =
                        missing.map_or_else(|| path_of(error.path()), |name| path_of_missing(error.path(), &name));
                    (path, cause(error.into_inner()))
                }
            },
        };
        if let Some(data) = self.repair(record, &visible) {
            tracing::warn!(%key, path, "a session's data could not be read; broken fields are replaced");
            return Ok(Decoded { data, repaired: true });
        }
        // The cause is not logged: it may quote the value, which is the visitor's.
        let expected = type_name::<T>();
        tracing::error!(%key, path, expected, "a session's data can't be read as the application's; it stays as it is");
        Err(Error::Unreadable { key: *key, path, cause })
    }

    /// The fields that are the application's.
    fn visible<'a>(&self, record: &'a Record) -> Cow<'a, Fields> {
        if record.data.keys().all(|name| self.is_own(record, name)) {
            return Cow::Borrowed(&record.data);
        }
        let own = record.data.iter().filter(|(name, _)| self.is_own(record, name));
        Cow::Owned(own.map(cloned).collect())
    }

    /// The stored value with new fields in the place of those that may be replaced and can't be read. `None` if that
    /// doesn't make it readable.
    fn repair(&self, record: &Record, visible: &Fields) -> Option<T> {
        if self.repairable.is_empty() {
            return None;
        }
        let new = fields_of(&(self.new_data)(), self.max_size).ok()?;
        // A damaged field is not among the visible ones: a type with a default for it would read without it.
        let is_repairable = |name: &str| self.repairable.contains(name);
        let may_replace_all = || match self.names {
            Some(names) => names.iter().all(|name| is_repairable(name)),
            None => new.keys().all(|name| is_repairable(name)),
        };
        let mut damaged = record.damaged.keys().filter(|name| name.is_empty() || self.is_own(record, name));
        if !damaged.all(|name| if name.is_empty() { may_replace_all() } else { is_repairable(name) }) {
            return None;
        }
        let mut repaired = Fields::new();
        for (name, value) in visible {
            let mut probe = new.clone();
            probe.insert(name.clone(), value.clone());
            if T::deserialize(Root(&probe)).is_ok() {
                repaired.insert(name.clone(), value.clone());
            } else if !self.repairable.contains(name) {
                return None;
            }
        }
        for (name, value) in new {
            if self.repairable.contains(&name) {
                repaired.entry(name).or_insert(value);
            }
        }
        T::deserialize(Root(&repaired)).ok()
    }

    /// The record with this data in the place of what the application had in it, and what is read from it.
    pub(crate) fn encode(&self, data: &T, record: &Record) -> Result<(Record, T), DataError> {
        Ok(self.encode_data(data, record)?.with_rest_of(record))
    }

    /// This data, and what else depends on it in the record in which it takes the place of what the application had.
    pub(crate) fn encode_data(&self, data: &T, record: &Record) -> Result<Encoded<T>, DataError> {
        let mut after = fields_of(data, self.max_size)?;
        let mut read = Self::read_faithfully(&after)?;
        let mut kept = Fields::new();
        if record.data.keys().any(|name| !after.contains_key(name)) {
            let mut written_before = None;
            for (name, value) in record.data.iter().filter(|(name, _)| !after.contains_key(*name)) {
                if !self.is_own(record, name) {
                    kept.insert(name.clone(), value.clone());
                    continue;
                }
                // What the value has written before the change is dropped now. What it has not is a newer version's,
                // or one that it only reads: that stays, if the value reads back the same with it.
                let before = written_before.get_or_insert_with(|| self.written(record));
                if !before.contains_key(name) && Self::reads_the_same(&after, name, value) {
                    kept.insert(name.clone(), value.clone());
                }
            }
        }
        let own_kept: Fields = kept.iter().filter(|(name, _)| self.is_own(record, name)).map(cloned).collect();
        // A type that names its fields needs no list.
        let fields = self.names.is_none().then(|| after.keys().chain(own_kept.keys()).cloned().collect());
        if !own_kept.is_empty() {
            let with: Fields = after.iter().map(cloned).chain(own_kept).collect();
            read = T::deserialize(Root(&with)).unwrap_or(read);
        }
        let is_others = |name: &String| !name.is_empty() && !after.contains_key(name) && !self.is_own(record, name);
        let damaged = record.damaged.iter().filter(|(name, _)| is_others(name));
        let damaged = damaged.map(|(name, damaged)| (name.clone(), damaged.clone())).collect();
        after.extend(kept);
        Ok(Encoded { data: after, read, damaged, fields, data_version: self.upgrades.version() })
    }

    /// What the value that is stored writes; nothing if it can't be read.
    fn written(&self, record: &Record) -> Fields {
        let stored = T::deserialize(Root(&self.visible(record))).ok();
        stored.and_then(|data| fields_of(&data, usize::MAX).ok()).unwrap_or_default()
    }

    fn reads_the_same(fields: &Fields, name: &str, value: &Value) -> bool {
        let mut with = fields.clone();
        with.insert(name.to_owned(), value.clone());
        T::deserialize(Root(&with))
            .ok()
            .and_then(|data| fields_of(&data, usize::MAX).ok())
            .is_some_and(|read| read == *fields)
    }

    /// Reads the value from the fields that it has written. Fails if the type reads them as another value, or not at all.
    fn read_faithfully(fields: &Fields) -> Result<T, DataError> {
        let unfaithful = |why: String| DataError::from(DataProblem::NotFaithful(why));
        let read = T::deserialize(Root(fields)).or_else(|_error| {
            // Again, to learn where it is.
            serde_path_to_error::deserialize(Root(fields))
                .map_err(|error| unfaithful(error.inner().to_string()).at(error.path()))
        })?;
        let again = fields_of(&read, usize::MAX)?;
        let difference = || {
            let names = fields.keys().chain(again.keys());
            names.into_iter().find(|name| fields.get(*name).map(canonical) != again.get(*name).map(canonical)).cloned()
        };
        match (again != *fields).then(difference).flatten() {
            None => Ok(read),
            Some(name) => Err(unfaithful("the type reads what it has written as another value".into()).within(&name)),
        }
    }
}

fn cloned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// The field that is missing, if that is why a value can't be read. serde names it in the error's text alone.
fn missing_field(error: &serde_json::Error) -> Option<String> {
    error.to_string().strip_prefix("missing field `")?.strip_suffix('`').map(ToOwned::to_owned)
}

/// With the items of all lists in one order: a set is written in any.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(canonical).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), canonical(value))).collect())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::{super::are_same, *};
    use crate::SessionId;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Plain {
        #[serde(rename = "bee", alias = "old")]
        b: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gone: Option<u32>,
        #[serde(default, skip_serializing)]
        read_only: u32,
    }

    fn fields(json: Value) -> Fields {
        serde_json::from_value(json).expect("an object")
    }

    fn record(json: Value, own: Option<&[&str]>) -> Record {
        let own = own.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        Record { data: fields(json), meta: Meta { fields: own, ..Meta::default() }, ..Record::default() }
    }

    fn codec<T: SessionData + Default>() -> Codec<T> {
        Codec::new(Box::new(T::default))
    }

    /// What is stored after a change of what was stored before.
    fn after<T: SessionData + Default>(before: &Record, change: impl FnOnce(&mut T)) -> Record {
        let key = SessionId::from_random_bytes([1; 16]).key();
        let mut data = codec::<T>().decode(&key, before).expect("data").data;
        change(&mut data);
        codec::<T>().encode(&data, before).expect("a record").0
    }

    #[test]
    fn a_struct_replaces_its_aliases_drops_what_it_dropped_and_leaves_the_rest() {
        let before = record(json!({"old": 1, "gone": 2, "read_only": 3, "note": 4}), None);
        let stored = after(&before, |data: &mut Plain| {
            assert_eq!(*data, Plain { b: 1, gone: Some(2), read_only: 3 });
            data.gone = None;
        });
        assert_eq!(stored.data, fields(json!({"bee": 1, "read_only": 3, "note": 4})));
        assert_eq!(stored.meta.fields, None);
    }

    #[test]
    fn a_map_has_the_names_that_it_has_written() {
        let before = record(json!({"a": 1, "b": 2, "note": 3}), Some(&["a", "b"]));
        let stored = after(&before, |data: &mut BTreeMap<String, u32>| {
            assert_eq!(*data, [("a".to_owned(), 1), ("b".to_owned(), 2)].into());
            data.remove("b");
            data.insert("c".into(), 5);
        });
        assert_eq!(stored.data, fields(json!({"a": 1, "c": 5, "note": 3})));
        assert_eq!(stored.meta.fields, Some(vec!["a".to_owned(), "c".to_owned()]));
    }

    #[test]
    fn negative_zero_is_another_value_than_zero_and_an_equal_number_of_another_kind_too() {
        let same = |some: Value, other: Value| are_same(&fields(some), &fields(other));
        assert!(same(json!({"a": [{"b": -0.0}]}), json!({"a": [{"b": -0.0}]})));
        assert!(!same(json!({"a": [{"b": -0.0}]}), json!({"a": [{"b": 0.0}]})));
        assert!(!same(json!({"a": 1.0}), json!({"a": 1})));
        assert!(!same(json!({"a": 1}), json!({"b": 1})));
        assert!(!same(json!({"a": 1}), json!({"a": 1, "b": 1})));
        assert!(same(json!({"a": u64::MAX, "b": "x"}), json!({"a": u64::MAX, "b": "x"})));
    }
}
