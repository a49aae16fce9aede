//! Documents of the first layout, documents that people edit, and records that Firestore can't hold.

use std::collections::HashMap;

use exact_sessions::{
    Record, SessionKey, Sessions, SignIn,
    record::Meta,
    store::{
        Store, StoreError, Stored, Write,
        firestore::{
            FirestoreStore,
            firestore::{
                FirestoreDb,
                gcloud_sdk::{
                    google::{
                        firestore::v1::{ArrayValue, Document, MapValue, Value, value::ValueType},
                        r#type::LatLng,
                    },
                    prost_types::Timestamp,
                },
            },
        },
    },
    testing::contract::{fresh_key, record},
};
use serde_json::{Map, Value as Json, json};

use super::{connect, emulated};
use crate::places::unhurried;

fn value(value_type: ValueType) -> Value {
    Value { value_type: Some(value_type) }
}

fn text(text: &str) -> Value {
    value(ValueType::StringValue(text.to_owned()))
}

fn list(values: Vec<Value>) -> Value {
    value(ValueType::ArrayValue(ArrayValue { values }))
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    value(ValueType::MapValue(MapValue { fields }))
}

fn fields(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}

/// A client that sees documents as they are, and a store of the same sessions.
async fn both() -> Option<(FirestoreDb, FirestoreStore)> {
    let db = connect(emulated()?).await;
    let store = FirestoreStore::from_db(db.clone(), "sessions");
    Some((db, store))
}

async fn insert<const N: usize>(db: &FirestoreDb, key: &SessionKey, fields: [(&str, Value); N]) {
    insert_all(db, key, fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).await;
}

async fn insert_all(db: &FirestoreDb, key: &SessionKey, fields: HashMap<String, Value>) {
    db.fluent()
        .insert()
        .into("sessions")
        .document_id(key.to_string())
        .document(Document { fields, ..Document::default() })
        .execute()
        .await
        .expect("it is new");
}

async fn raw(db: &FirestoreDb, key: &SessionKey) -> HashMap<String, Value> {
    let found: Option<Document> = db.fluent().select().by_id_in("sessions").one(key.to_string()).await.expect("a read");
    found.expect("a document").fields
}

async fn get(store: &FirestoreStore, key: &SessionKey) -> Stored {
    store.get(key).await.expect("a read").expect("a session")
}

#[tokio::test]
async fn a_document_is_readable() {
    let Some((db, store)) = both().await else { return };
    let key = fresh_key();
    let data = fields(json!({"views": 3, "pairs": [["tea", 1]], "nonce": u64::MAX, "by": {"": 1, "__x__": 2}}));
    let meta = Meta::of_first_layout(["00000000000000ff"], None);
    store.put(&Write::create(key, Record { data, meta, ..Record::default() })).await.expect("a write");
    let integer = |integer| value(ValueType::IntegerValue(integer));
    let expected = [
        ("views", integer(3)),
        ("pairs", list(vec![map([("$list", list(vec![text("tea"), integer(1)]))])])),
        ("nonce", map([("$integer", text("18446744073709551615"))])),
        ("by", map([("$", integer(1)), ("$__x__", integer(2))])),
        ("_session", map([("revisions", list(vec![text("00000000000000ff")]))])),
    ];
    assert_eq!(raw(&db, &key).await, expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
}

#[tokio::test]
async fn a_document_of_the_first_layout_is_read_and_its_fields_are_removed_by_a_write() {
    let Some((db, store)) = both().await else { return };
    let (key, successor) = (fresh_key(), fresh_key().to_string());
    let revisions = || list(vec![text("00000000000000ff")]);
    let views = || value(ValueType::IntegerValue(3));
    insert(&db, &key, [("views", views()), ("revisions", revisions()), ("successor", text(&successor))]).await;
    let Stored { record: found, version } = get(&store, &key).await;
    assert_eq!(found.data, fields(json!({"views": 3})));
    assert_eq!(found.meta, Meta::of_first_layout(["00000000000000ff"], Some(&successor)));
    assert_eq!(found.obsolete, ["revisions", "successor"]);

    let removed = found.obsolete.clone();
    let record = Record { obsolete: vec![], ..found.clone() };
    let mut write = Write::replace(key, record.clone(), version);
    write.removed = removed;
    let version = store.put(&write).await.expect("the condition holds");
    assert_eq!(get(&store, &key).await, Stored { record, version }, "the same session in today's layout");
    let mut names: Vec<_> = raw(&db, &key).await.into_keys().collect();
    names.sort();
    assert_eq!(names, ["_session", "views"]);

    // The names are the application's from now on.
    let data = fields(json!({"revisions": 5, "successor": "anna"}));
    let record = Record { data: data.clone(), ..Record::default() };
    store.put(&Write::replace(key, record, version)).await.expect("the condition holds");
    let stored = get(&store, &key).await.record;
    assert_eq!((stored.data["revisions"].clone(), stored.obsolete), (json!(5), vec![]));
}

#[tokio::test]
async fn values_without_json_are_damaged_and_stay_as_they_are() {
    let Some((db, store)) = both().await else { return };
    let key = fresh_key();
    let time = || value(ValueType::TimestampValue(Timestamp { seconds: 1_800_000_000, nanos: 1000 }));
    let foreign = [
        ("at", time()),
        ("bytes", value(ValueType::BytesValue(b"x".to_vec()))),
        ("path", value(ValueType::ReferenceValue(format!("{}/a/b", db.get_documents_path())))),
        ("place", value(ValueType::GeoPointValue(LatLng { latitude: 1.0, longitude: -2.0 }))),
        ("nan", value(ValueType::DoubleValue(f64::NAN))),
        ("infinite", value(ValueType::DoubleValue(f64::NEG_INFINITY))),
        ("small", map([("$integer", text("5"))])),
        ("lists", list(vec![map([("at", list(vec![time()]))])])),
        ("vector", map([("__type__", text("__vector__")), ("value", list(vec![value(ValueType::DoubleValue(1.0))]))])),
        ("$dollar", text("of another program")),
    ];
    let names = foreign.clone().map(|(name, _)| name);
    insert(&db, &key, foreign).await;
    let before = raw(&db, &key).await;
    let Stored { record: mut found, version } = get(&store, &key).await;
    assert_eq!(found.data, Map::new());
    let mut damaged: Vec<_> = found.damaged.keys().map(String::as_str).collect();
    let mut expected = names;
    damaged.sort_unstable();
    expected.sort_unstable();
    assert_eq!(damaged, expected);

    found.data.insert("views".to_owned(), json!(1));
    let version = store.put(&Write::replace(key, found.clone(), version)).await.expect("the condition holds");
    let after = raw(&db, &key).await;
    for name in names {
        // NaN is not equal to itself.
        let is_nan =
            |value: &Value| matches!(value.value_type, Some(ValueType::DoubleValue(double)) if double.is_nan());
        let same = after[name] == before[name] || is_nan(&after[name]) && is_nan(&before[name]);
        assert!(same, "{name} is left alone: {:?}", after[name]);
    }

    // Named by a write it is replaced, or removed.
    found.data.insert("at".to_owned(), json!("noon"));
    let mut write = Write::replace(key, found, version);
    write.removed = vec!["bytes".to_owned()];
    store.put(&write).await.expect("the condition holds");
    let repaired = get(&store, &key).await.record;
    assert_eq!(repaired.data, fields(json!({"views": 1, "at": "noon"})));
    assert_eq!(repaired.damaged.len(), names.len() - 2);
}

#[derive(serde::Serialize, serde::Deserialize, Default)]
struct Views {
    views: u32,
}

fn has(document: &HashMap<String, Value>, fields: &[(&str, Value)]) {
    for (name, value) in fields {
        assert_eq!(document.get(*name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_new_id_has_the_fields_of_others_too() {
    let Some((db, store)) = both().await else { return };
    let instance = || Sessions::builder(store.clone(), Views::default).settings(unhurried()).build();
    let sessions = instance();
    let begun = sessions.upsert(None, |data| data.views = 3).await.expect("a session");
    let key = begun.session.key;
    let mut document = raw(&db, &key).await;
    let version = get(&store, &key).await.version;
    let time = value(ValueType::TimestampValue(Timestamp { seconds: 1_800_000_000, nanos: 1000 }));
    let foreign = [("since", time), ("$dollar", text("of another program")), ("plain", text("in JSON"))];
    store.delete(&key, version).await.expect("a delete");
    document.extend(foreign.clone().map(|(name, value)| (name.to_owned(), value)));
    insert_all(&db, &key, document).await;

    let id = begun.new_id.expect("an id");
    let another = instance();
    let signed_in = another.sign_in(Some(id), SignIn::new("ada"), |data| data.views += 1).await.expect("a sign-in");
    has(&raw(&db, &signed_in.session.key).await, &foreign);
    let rotated = another.rotate(signed_in.new_id.expect("an id")).await.expect("an answer").expect("a session");
    has(&raw(&db, &rotated.session.key).await, &foreign);
    assert_eq!(rotated.session.data.views, 4);
}

#[tokio::test]
async fn a_record_that_firestore_cannot_hold_is_invalid_and_spoils_nothing() {
    let Some((_, store)) = both().await else { return };
    let key = fresh_key();
    let version = store.put(&Write::create(key, record(1))).await.expect("a write");
    let mut deep = json!(1);
    for _ in 0..21 {
        deep = json!({ "deeper": deep });
    }
    let text = "a".repeat(1_100_000);
    let name = "n".repeat(1501);
    for data in [json!({ "deep": deep }), json!({ "text": text }), json!({ name: 1 })] {
        let record = Record { data: fields(data), ..Record::default() };
        for refused in [
            store.put(&Write::create(fresh_key(), record.clone())).await.map(drop),
            store.put(&Write::replace(key, record.clone(), version)).await.map(drop),
            store
                .put_both(&Write::create(fresh_key(), record.clone()), &Write::replace(key, self::record(2), version))
                .await
                .map(drop),
        ] {
            assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
        }
    }
    assert_eq!(get(&store, &key).await, Stored { record: record(1), version }, "the session is as good as before");
}
