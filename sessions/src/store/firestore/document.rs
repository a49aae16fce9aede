//! A session as a Firestore document, and back.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use firestore::gcloud_sdk::{
    google::firestore::v1::{ArrayValue, Document, MapValue, Value, value::ValueType},
    prost_types::Timestamp,
};
use serde_json::{Map, Number, Value as Json};

use super::{StoreError, Stored, Version};
use crate::{
    Record, SessionKey,
    record::{RESERVED_FIELDS, Revisions},
};

type Fields = HashMap<String, Value>;

pub(super) fn read(document: &Document) -> Result<Stored, StoreError> {
    let updated =
        document.update_time.as_ref().ok_or_else(|| StoreError::Refused("a document without update_time".into()))?;
    let version = Version(i128::from(updated.seconds) * 1_000_000_000 + i128::from(updated.nanos));
    Ok(Stored { record: record_of(&document.fields), version })
}

pub(super) fn timestamp_of_version(version: Version) -> Timestamp {
    let seconds = i64::try_from(version.0.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    let nanos = i32::try_from(version.0.rem_euclid(1_000_000_000)).unwrap_or(0);
    Timestamp { seconds, nanos }
}

/// `None` for a document whose name is no key, which can only have been put there by somebody else.
pub(super) fn key_of(document: &Document) -> Option<SessionKey> {
    document.name.rsplit('/').next().and_then(SessionKey::parse)
}

fn record_of(fields: &Fields) -> Record {
    let string = |name: &str| match value_type(fields.get(name)?)? {
        ValueType::StringValue(text) => Some(text.as_str()),
        _ => None,
    };
    let time = |name: &str| match value_type(fields.get(name)?)? {
        ValueType::TimestampValue(time) => time_of(time),
        _ => None,
    };
    let revisions = match fields.get("revisions").and_then(value_type) {
        Some(ValueType::ArrayValue(list)) => {
            Revisions::from_texts(list.values.iter().filter_map(|value| match value_type(value)? {
                ValueType::StringValue(text) => Some(text.as_str()),
                _ => None,
            }))
        }
        _ => Revisions::default(),
    };
    Record {
        data: json_of_fields(fields.iter().filter(|(name, _)| !RESERVED_FIELDS.contains(&name.as_str()))),
        created_at: time("created_at"),
        expires_at: time("expires_at"),
        revisions,
        successor: string("successor").and_then(SessionKey::parse),
    }
}

pub(super) fn fields_of(record: &Record) -> Fields {
    let mut fields: Fields = record.data.iter().map(|(name, json)| (name.clone(), value_of(json))).collect();
    let mut set = |name: &str, value: ValueType| fields.insert(name.to_owned(), Value { value_type: Some(value) });
    if let Some(time) = record.created_at {
        set("created_at", ValueType::TimestampValue(timestamp_of(time)));
    }
    if let Some(time) = record.expires_at {
        set("expires_at", ValueType::TimestampValue(timestamp_of(time)));
    }
    if let Some(successor) = &record.successor {
        set("successor", ValueType::StringValue(successor.to_string()));
    }
    let values =
        record.revisions.texts().map(|text| Value { value_type: Some(ValueType::StringValue(text)) }).collect();
    set("revisions", ValueType::ArrayValue(ArrayValue { values }));
    fields
}

/// The update mask for these fields: what is not in it stays as it is. A name that is not a plain
/// identifier is quoted, as `google.firestore.v1.StructuredQuery.FieldReference` asks.
pub(super) fn paths_of(fields: &Fields) -> Vec<String> {
    let plain = |name: &str| {
        !name.starts_with(|first: char| first.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let quote = |name: &String| {
        if plain(name) { name.clone() } else { format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")) }
    };
    fields.keys().map(quote).collect()
}

fn value_type(value: &Value) -> Option<&ValueType> {
    value.value_type.as_ref()
}

fn value_of(json: &Json) -> Value {
    let value_type = match json {
        Json::Null => ValueType::NullValue(0),
        Json::Bool(flag) => ValueType::BooleanValue(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => ValueType::IntegerValue(integer),
            None => ValueType::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => ValueType::StringValue(text.clone()),
        Json::Array(items) => ValueType::ArrayValue(ArrayValue { values: items.iter().map(value_of).collect() }),
        Json::Object(fields) => ValueType::MapValue(MapValue {
            fields: fields.iter().map(|(name, json)| (name.clone(), value_of(json))).collect(),
        }),
    };
    Value { value_type: Some(value_type) }
}

/// `None` for the types that JSON lacks (timestamps, bytes, references, places): no data of ours has
/// them, and what somebody else put into the document is not written back.
fn json_of(value: &Value) -> Option<Json> {
    Some(match value_type(value)? {
        ValueType::NullValue(_) => Json::Null,
        ValueType::BooleanValue(flag) => Json::Bool(*flag),
        ValueType::IntegerValue(integer) => Json::from(*integer),
        ValueType::DoubleValue(double) => Json::Number(Number::from_f64(*double)?),
        ValueType::StringValue(text) => Json::String(text.clone()),
        ValueType::ArrayValue(list) => Json::Array(list.values.iter().map(json_of).collect::<Option<_>>()?),
        ValueType::MapValue(map) => {
            let fields = map.fields.iter().map(|(name, value)| Some((name.clone(), json_of(value)?)));
            Json::Object(fields.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn json_of_fields<'a>(fields: impl Iterator<Item = (&'a String, &'a Value)>) -> Map<String, Json> {
    fields.filter_map(|(name, value)| Some((name.clone(), json_of(value)?))).collect()
}

fn timestamp_of(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Firestore keeps microseconds.
    let nanos = i32::try_from(since.subsec_micros()).unwrap_or(0) * 1000;
    Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos }
}

/// `None` for times before 1970, at which no session began.
fn time_of(time: &Timestamp) -> Option<SystemTime> {
    let since = Duration::new(u64::try_from(time.seconds).ok()?, u32::try_from(time.nanos).ok()?);
    UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(json: Json) -> Map<String, Json> {
        match json {
            Json::Object(fields) => fields,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn a_record_survives_as_a_document() {
        let record = Record {
            data: object(json!({"views": 3, "greeting": "Hola Mundo", "cart": {"a-b": [1, 2.5, null, true]}})),
            created_at: Some(UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_001)),
            expires_at: Some(UNIX_EPOCH + Duration::from_secs(1_900_000_000)),
            revisions: Revisions::from_texts(["00000000000000ff", "0000000000000001"]),
            successor: SessionKey::parse(&"ab".repeat(32)),
        };
        assert_eq!(record_of(&fields_of(&record)), record);
    }

    #[test]
    fn metadata_of_a_wrong_type_reads_as_missing() {
        let mut fields = fields_of(&Record::default());
        for name in RESERVED_FIELDS {
            fields.insert(name.to_owned(), Value { value_type: Some(ValueType::IntegerValue(1)) });
        }
        assert_eq!(record_of(&fields), Record::default());
    }

    #[test]
    fn a_mask_quotes_names_that_are_no_identifiers() {
        let value = || Value { value_type: Some(ValueType::NullValue(0)) };
        let names = ["views", "a.b", "1st", "tick`\\"];
        let mut paths = paths_of(&names.iter().map(|name| ((*name).to_owned(), value())).collect());
        paths.sort();
        assert_eq!(paths, ["`1st`", "`a.b`", "`tick\\`\\\\`", "views"]);
    }
}
