//! Stored data that can't be read as the application's.

use std::{collections::BTreeMap, sync::Arc};

use exact_sessions::{
    Error, Record, SessionId, Sessions,
    store::{Store, Stored, Write, memory::MemoryStore},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    logged::Lines,
    places::{Place, unhurried},
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Role {
    #[default]
    Member,
    Admin,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    #[serde(default)]
    role: Role,
    views: u64,
    #[serde(default)]
    theme: String,
}

async fn stored(store: &impl Store, id: SessionId) -> Stored {
    store.get(&id.key()).await.expect("an answer").expect("a record")
}

async fn edit(store: &impl Store, id: SessionId, edit: impl FnOnce(&mut Record)) {
    let mut stored = stored(store, id).await;
    edit(&mut stored.record);
    store.put(&Write::replace(id.key(), stored.record, stored.version)).await.expect("a write");
}

#[tokio::test]
async fn it_is_an_error_and_stays_as_it_is() {
    for place in Place::all() {
        let store = place.open();
        for (field, value) in [("role", json!("Suspended")), ("views", json!("many")), ("theme", json!(["dark"]))] {
            let builder = || Sessions::builder(Arc::clone(&store), Account::default).settings(unhurried());
            let sessions = builder().build();
            let begun = sessions.upsert(None, |data| data.role = Role::Admin).await.expect("a session");
            let id = begun.new_id.expect("an id");
            edit(&store, id, |record| drop(record.data.insert(field.into(), value.clone()))).await;
            let before = stored(&store, id).await;
            let lines = Lines::default();
            let log = tracing::subscriber::set_default(lines.clone());
            let results = [
                sessions.read(id).await.map(drop),
                sessions.touch(id).await.map(drop),
                sessions.update(id, |data| data.views = 1).await.map(drop),
                sessions.upsert(Some(id), |data| *data = Account::default()).await.map(drop),
                sessions.rotate(id).await.map(drop),
                sessions.sign_out_keeping(id, |data| data).await.map(drop),
                sessions.confirm(id).await.map(drop),
                // Repair is for the fields that are named.
                builder()
                    .repair(["views", "role", "theme"].into_iter().filter(|name| *name != field))
                    .build()
                    .update(id, |data| data.views = 1)
                    .await
                    .map(drop),
            ];
            drop(log);
            let mut shown = String::new();
            for result in results {
                let text = result.as_ref().map_or_else(ToString::to_string, |()| String::new());
                let Err(Error::Unreadable { key, path, .. }) = result else { panic!("{field}: {result:?}") };
                assert_eq!((key, path.as_str()), (id.key(), field));
                shown.push_str(&text);
            }
            assert_eq!(stored(&store, id).await, before, "{}: not even its version has changed", place.name());
            let log = lines.text();
            assert!(log.contains(&id.key().to_string()) && log.contains(field), "{log}");
            assert!(!log.contains(&id.expose()), "no secrets");
            for stored in ["Suspended", "many", "dark"] {
                assert!(!log.contains(stored) && !shown.contains(stored), "a value of the visitor's: {log} {shown}");
            }

            let repairing = builder().repair([field]).build();
            let repaired = repairing.update(id, |_| {}).await.expect("a change").expect("a session").session.data;
            let mut expected = Account { role: Role::Admin, ..Account::default() };
            if field == "role" {
                expected.role = Role::Member;
            }
            assert_eq!(repaired, expected, "{field} alone is new");
            assert_eq!(sessions.read(id).await.expect("an answer").expect("a session").data, expected, "and is kept");
        }
    }
}

/// A field that the store can't give as JSON is as unreadable as any other, though the type has a default for it.
#[tokio::test]
async fn a_damaged_field_is_replaced_only_if_it_is_named() {
    for (damaged, repaired) in [("role", &["views", "theme"][..]), ("", &["views", "theme"]), ("views", &["theme"])] {
        let store = Arc::<MemoryStore>::default();
        let sessions = Sessions::builder(Arc::clone(&store), Account::default).repair(repaired.iter().copied()).build();
        let begun = sessions.upsert(None, |data| data.role = Role::Admin).await.expect("a session");
        let id = begun.new_id.expect("an id");
        edit(&store, id, |record| {
            if damaged.is_empty() {
                record.data.clear();
            }
            record.data.remove(damaged);
            record.damaged.insert(damaged.into(), "it's a timestamp".into());
        })
        .await;
        let before = stored(&store, id).await;
        let changed = sessions.update(id, |data| data.views += 1).await;
        assert!(matches!(&changed, Err(Error::Unreadable { path, .. }) if path == damaged), "{damaged}: {changed:?}");
        assert_eq!(stored(&store, id).await, before);
        let all = Sessions::builder(Arc::clone(&store), Account::default).repair(["role", "views", "theme"]).build();
        let changed = all.update(id, |data| data.views += 1).await.expect("a change").expect("a session");
        assert_eq!(changed.session.data.views, 1, "{damaged}");
    }
}

#[tokio::test]
async fn a_field_of_others_may_be_anything() {
    let store = Arc::<MemoryStore>::default();
    let sessions = Sessions::<Account>::new(Arc::clone(&store));
    let id = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
    edit(&store, id, |record| drop(record.damaged.insert("seen_in".into(), "it's a place".into()))).await;
    let changed = sessions.update(id, |data| data.views += 1).await.expect("a change").expect("a session");
    assert_eq!(changed.session.data.views, 1);
    let record = stored(&store, id).await.record;
    assert!(record.damaged.contains_key("seen_in") && record.data["views"] == 1);
}

/// What a visitor chose as a key may be anything.
#[tokio::test]
async fn the_path_to_it_is_one_short_line() {
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Prices {
        by_name: BTreeMap<String, u8>,
    }
    let store = Arc::new(MemoryStore::default());
    let sessions = Sessions::<Prices>::new(Arc::clone(&store));
    let id = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
    let long = "x".repeat(70);
    for (stored, path) in [
        (json!({"by_name": {"a\nb": "many"}}), "by_name[\"a\\nb\"]".to_owned()),
        (json!({"by_name": {long.clone(): "many"}}), format!("by_name[\"{}\"]", "x".repeat(64))),
        (json!({}), "by_name".to_owned()),
    ] {
        edit(&store, id, |record| record.data = stored.as_object().expect("an object").clone()).await;
        let read = sessions.read(id).await.map(drop);
        assert!(matches!(&read, Err(Error::Unreadable { path: found, .. }) if *found == path), "{read:?}");
    }
}

#[tokio::test]
async fn a_field_that_is_missing_is_named() {
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Before {
        address: BTreeMap<String, String>,
    }
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct After {
        address: Address,
        theme: String,
    }
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Address {
        street: String,
    }
    for (street, missing) in [(None, "address.street"), (Some("Main"), "theme")] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let before = Sessions::<Before>::new(Arc::clone(&store));
        let fill =
            move |data: &mut Before| data.address.extend(street.map(|name| ("street".to_owned(), name.to_owned())));
        let id = before.upsert(None, fill).await.expect("a session").new_id.expect("an id");
        let lines = Lines::default();
        let log = tracing::subscriber::set_default(lines.clone());
        let read = Sessions::<After>::new(Arc::clone(&store)).read(id).await;
        drop(log);
        let Err(Error::Unreadable { path, .. }) = read else { panic!("{read:?}") };
        assert_eq!(path, missing);
        assert!(lines.text().contains(missing), "{}", lines.text());
    }
}
