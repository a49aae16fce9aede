//! A session as a Firestore document, and back.
//!
//! The document's fields are the application's, `created_at` and `expires_at` as timestamps, and one map, `_session`,
//! with all else that the engine keeps. A document of the first layout has `revisions` and `successor` in its place.

use std::time::SystemTime;

use firestore::gcloud_sdk::{
    google::firestore::v1::{Document, DocumentMask, MapValue, Value, value::ValueType},
    prost::Message as _,
};
use serde_json::{Map, Value as Json};

use super::{
    StoreError, Stored, Write,
    time::{from_timestamp, to_timestamp, version_of},
    value::{Fields, field_to_firestore, from_firestore, name_from_firestore, name_to_firestore, to_firestore, value},
};
use crate::{
    Record, SessionKey,
    data::is_same,
    record::{Damaged, META_FIELD, Meta},
};

const CREATED_AT: &str = "created_at";
const EXPIRES_AT: &str = "expires_at";

/// The engine's fields of the first layout.
const REVISIONS: &str = "revisions";
const SUCCESSOR: &str = "successor";

pub(super) fn read(document: &Document) -> Result<Stored, StoreError> {
    let updated = document.update_time.as_ref();
    let version = updated.map(version_of).ok_or_else(|| StoreError::refused("a document without update_time"))?;
    Ok(Stored { record: record_of(&document.fields), version })
}

/// `None` for a document whose name is no key, which somebody else must have created.
pub(super) fn key_of(document: &Document) -> Option<SessionKey> {
    document.name.rsplit('/').next().and_then(SessionKey::parse)
}

/// The document to write, with the fields that change, and the mask that names them: the others stay as they are. A field
/// that the mask names and the document lacks is removed.
pub(super) fn to_write(name: String, write: &Write) -> (Document, DocumentMask) {
    let Write { record, removed, before, .. } = write;
    let fields = fields_of(record, before.as_ref().map(|before| &before.record));
    let missing_name = |(name, time): (&'static str, Option<_>)| time.is_none().then_some(name);
    let written = fields.keys().map(|name| path_of(name));
    let removed = removed.iter().map(|name| path_of(&name_to_firestore(name)));
    let missing = times_of(record).into_iter().filter_map(missing_name).map(str::to_owned);
    let field_paths = written.chain(removed).chain(missing).collect();
    (Document { name, fields, ..Document::default() }, DocumentMask { field_paths })
}

/// The document to create: with the fields that have no JSON form, as they were read.
pub(super) fn to_create(name: String, record: &Record) -> Document {
    let mut fields = fields_of(record, None);
    // What does not decode was made by no store of this kind.
    let damaged = record.damaged.values().filter_map(|damaged| MapValue::decode(&*damaged.stored).ok());
    fields.extend(damaged.flat_map(|field| field.fields));
    Document { name, fields, ..Document::default() }
}

fn times_of(record: &Record) -> [(&'static str, Option<SystemTime>); 2] {
    [(CREATED_AT, record.created_at), (EXPIRES_AT, record.expires_at)]
}

/// The fields of this record, without those that the record before has, too.
fn fields_of(record: &Record, before: Option<&Record>) -> Fields {
    let is_stored = |name: &str, json: &Json| {
        let stored = before.and_then(|before| before.data.get(name));
        stored.is_some_and(|stored| is_same(stored, json))
    };
    let changed = record.data.iter().filter(|(name, json)| !is_stored(name, json));
    let mut fields: Fields = changed.map(field_to_firestore).collect();
    for (field, old) in times_of(record).into_iter().zip(before.map(times_of).unwrap_or_default()) {
        if let (name, Some(time)) = field
            && field != old
        {
            fields.insert(name.to_owned(), value(ValueType::TimestampValue(to_timestamp(time))));
        }
    }
    fields.insert(META_FIELD.to_owned(), to_firestore(&Json::Object(record.meta.to_json())));
    fields
}

fn record_of(fields: &Fields) -> Record {
    let time = |name: &str| match value_type(fields.get(name)?)? {
        ValueType::TimestampValue(time) => from_timestamp(time),
        _ => None,
    };
    let (meta, obsolete) = meta_of(fields);
    let mut record = Record { created_at: time(CREATED_AT), expires_at: time(EXPIRES_AT), meta, ..Record::default() };
    for (name, value) in fields {
        if [CREATED_AT, EXPIRES_AT, META_FIELD].contains(&name.as_str()) || obsolete.contains(name) {
            continue;
        }
        match field_from_firestore(name, value) {
            Ok((name, json)) => drop(record.data.insert(name, json)),
            Err((plain, reason)) => {
                let field = MapValue { fields: [(name.clone(), value.clone())].into() };
                record.damaged.insert(plain, Damaged { reason, stored: field.encode_to_vec() });
            }
        }
    }
    record.obsolete = obsolete;
    record
}

/// A field by its name of JSON. A field that is written under no such name is damaged under the name that it has.
fn field_from_firestore(name: &str, value: &Value) -> Result<(String, Json), (String, String)> {
    let plain = name_from_firestore(name).map_err(|reason| (name.to_owned(), reason))?;
    match from_firestore(value) {
        Ok(json) => Ok((plain.to_owned(), json)),
        // The empty name would mean that nothing can be read.
        Err(reason) if plain.is_empty() => Err((name.to_owned(), reason)),
        Err(reason) => Err((plain.to_owned(), reason)),
    }
}

/// What the engine keeps, and the fields of the first layout that hold it.
fn meta_of(fields: &Fields) -> (Meta, Vec<String>) {
    if let Some(ValueType::MapValue(map)) = fields.get(META_FIELD).and_then(value_type) {
        return (Meta::from_json(&Json::Object(lenient(&map.fields))), Vec::new());
    }
    let obsolete: Vec<_> = [REVISIONS, SUCCESSOR].into_iter().filter(|name| fields.contains_key(*name)).collect();
    let revisions = match fields.get(REVISIONS).and_then(value_type) {
        Some(ValueType::ArrayValue(list)) => list.values.iter().filter_map(text_of).collect(),
        _ => Vec::new(),
    };
    // A successor that is no text is no key, either.
    let successor = fields.get(SUCCESSOR).map(|value| text_of(value).unwrap_or_default());
    (Meta::of_first_layout(revisions, successor), obsolete.into_iter().map(str::to_owned).collect())
}

/// The map as JSON. A part without JSON, which somebody must have edited, is null: it's not to spoil the others.
fn lenient(fields: &Fields) -> Map<String, Json> {
    let json = |value| from_firestore(value).unwrap_or(Json::Null);
    fields.iter().map(|(name, value)| (name.clone(), json(value))).collect()
}

/// The path of a field in a mask. A name that is no plain identifier is quoted, as
/// `google.firestore.v1.StructuredQuery.FieldReference` requires.
fn path_of(name: &str) -> String {
    let plain = !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")) }
}

fn value_type(value: &Value) -> Option<&ValueType> {
    value.value_type.as_ref()
}

fn text_of(value: &Value) -> Option<&str> {
    match value_type(value)? {
        ValueType::StringValue(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        time::{Duration, UNIX_EPOCH},
    };

    use firestore::gcloud_sdk::google::firestore::v1::{ArrayValue, MapValue};
    use serde_json::json;

    use super::*;
    use crate::{
        record::{Replaced, Revision},
        store::Version,
    };

    fn object(json: Json) -> Map<String, Json> {
        match json {
            Json::Object(fields) => fields,
            other => panic!("{other} is no object"),
        }
    }

    fn text(text: &str) -> Value {
        value(ValueType::StringValue(text.to_owned()))
    }

    fn list(texts: &[&str]) -> Value {
        value(ValueType::ArrayValue(ArrayValue { values: texts.iter().map(|item| text(item)).collect() }))
    }

    fn fields<const N: usize>(fields: [(&str, Value); N]) -> Fields {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn key() -> SessionKey {
        SessionKey::parse(&"ab".repeat(32)).expect("a key")
    }

    fn record() -> Record {
        Record {
            data: object(json!({"views": 3, "revisions": [], "": {"a-b": [1, 2.5, null, [true]]}, "$": u64::MAX})),
            created_at: Some(UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_001)),
            expires_at: Some(UNIX_EPOCH + Duration::from_secs(1_900_000_000)),
            meta: Meta::of_first_layout(["00000000000000ff", "0000000000000001"], Some(&"ab".repeat(32))),
            ..Record::default()
        }
    }

    #[test]
    fn a_record_survives_as_a_document() {
        for record in [record(), Record::default()] {
            assert_eq!(record_of(&fields_of(&record, None)), record);
        }
    }

    #[test]
    fn a_write_names_what_it_has_and_what_it_removes() {
        let record = Record { created_at: None, ..record() };
        let removed = ["a.b", "__x__"].map(str::to_owned).into();
        let write = Write { removed, ..Write::create(key(), record) };
        let (document, DocumentMask { mut field_paths }) = to_write("name".to_owned(), &write);
        field_paths.sort();
        let expected =
            ["_session", "`$$`", "`$__x__`", "`$`", "`a.b`", "created_at", "expires_at", "revisions", "views"];
        assert_eq!(field_paths, expected);
        let mut names: Vec<_> = document.fields.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["$", "$$", "_session", "expires_at", "revisions", "views"]);
        assert_eq!(path_of("1st"), "`1st`");
        assert_eq!(path_of("tick`\\"), "`tick\\`\\\\`");
    }

    #[test]
    fn a_write_leaves_alone_what_stays() {
        let stored = |record| Arc::new(Stored { record, version: Version(1) });
        let written = |record: &Record, before: &Record| {
            let before = Some(stored(before.clone()));
            let write = Write { before, ..Write::create(key(), record.clone()) };
            let (document, DocumentMask { mut field_paths }) = to_write("name".to_owned(), &write);
            field_paths.sort();
            let mut names: Vec<_> = document.fields.keys().map(|name| path_of(name)).collect();
            names.sort();
            assert_eq!(names, field_paths);
            names
        };
        let before = record();
        assert_eq!(written(&before, &before), ["_session"]);
        let data = object(json!({"views": 4, "revisions": [], "": {"a-b": [1, 2.5, null, [false]]}, "new": -0.0}));
        let after = Record { data, expires_at: before.created_at, ..before.clone() };
        assert_eq!(written(&after, &before), ["_session", "`$`", "expires_at", "new", "views"]);
        let zero = Record { data: object(json!({"new": 0.0})), ..after.clone() };
        assert_eq!(written(&zero, &after), ["_session", "new"], "negative zero is another number");
    }

    #[test]
    fn the_first_layout_is_understood_and_its_fields_are_obsolete() {
        let key = "ab".repeat(32);
        let first = fields([
            ("views", value(ValueType::IntegerValue(3))),
            ("revisions", list(&["00000000000000ff", "x"])),
            ("successor", text(&key)),
        ]);
        let record = record_of(&first);
        assert_eq!(record.data, object(json!({"views": 3})));
        assert_eq!(record.meta, Meta::of_first_layout(["00000000000000ff"], Some(&key)));
        assert_eq!(record.obsolete, ["revisions", "successor"]);

        let nonsense = || value(ValueType::IntegerValue(1));
        let edited = record_of(&fields([("revisions", nonsense()), ("successor", nonsense())]));
        assert_eq!(
            edited.meta.replaced,
            Some(Replaced::Closed { next: None }),
            "a session that was replaced does not come back"
        );
        assert_eq!(edited.obsolete, ["revisions", "successor"]);
        assert_eq!(record_of(&fields([("revisions", list(&[]))])).obsolete, ["revisions"]);
        assert_eq!(record_of(&Fields::new()), Record::default(), "a document that somebody made in the console");
    }

    #[test]
    fn a_field_without_json_is_damaged_and_the_others_are_read() {
        let time = || value(ValueType::TimestampValue(to_timestamp(UNIX_EPOCH)));
        let read = record_of(&fields([
            ("views", value(ValueType::IntegerValue(3))),
            ("since", time()),
            ("$", time()),
            ("$views", value(ValueType::IntegerValue(4))),
        ]));
        assert_eq!(read.data, object(json!({"views": 3})));
        let damaged: Vec<_> = read.damaged.iter().map(|(name, field)| (name.as_str(), field.reason.as_str())).collect();
        let no_time = "JSON has no timestamps";
        let no_name = "the name \"$views\" stands for no name of JSON";
        assert_eq!(damaged, [("$", no_time), ("$views", no_name), ("since", no_time)]);
        let created = to_create("name".to_owned(), &read);
        assert_eq!(record_of(&created.fields), read, "a new document has them, too");
    }

    #[test]
    fn engine_fields_of_a_wrong_type_read_as_missing() {
        for nonsense in [value(ValueType::IntegerValue(1)), text("soon"), value(ValueType::NullValue(0))] {
            let fields = fields([CREATED_AT, EXPIRES_AT, META_FIELD].map(|name| (name, nonsense.clone())));
            assert_eq!(record_of(&fields), Record::default());
        }
        let time = value(ValueType::TimestampValue(to_timestamp(UNIX_EPOCH)));
        let meta = fields([("revisions", list(&["00000000000000ff"])), ("closed", time.clone()), ("user", time)]);
        let meta = record_of(&fields([(META_FIELD, value(ValueType::MapValue(MapValue { fields: meta })))])).meta;
        assert!(meta.revisions.contains(Revision(255)), "the other parts are read");
        assert_eq!((meta.user(), meta.replaced), (None, Some(Replaced::Closed { next: None })));
    }
}
