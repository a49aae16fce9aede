//! The contract of a [`Store`], as tests. A store that passes them works with the engine.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};

use crate::{
    Record, SessionId, SessionKey,
    record::Revisions,
    store::{Condition, Store, StoreError, Stored, Version},
};

/// Checks that a store keeps its contract. It must be empty, and nobody else may use it meanwhile.
///
/// # Panics
/// If the store breaks the contract; the message says which part.
pub async fn contract(store: impl Store) {
    let store = Arc::new(store);
    store.ping().await.expect("the store is there");
    a_record_comes_back_as_it_was_put(&*store).await;
    a_put_happens_only_if_its_condition_holds(&*store).await;
    a_delete_happens_only_if_its_condition_holds(&*store).await;
    the_version_of_a_deleted_record_never_holds_again(&*store).await;
    a_list_has_every_session_once_in_order(&*store).await;
    racing_writers_lose_nothing(store).await;
}

/// A key that nothing was stored under yet.
#[must_use]
pub fn fresh_key() -> SessionKey {
    SessionId::from_random_bytes(rand::random()).key()
}

/// A record with this number in it.
#[must_use]
pub fn record(n: u64) -> Record {
    Record { data: fields(json!({ "n": n })), ..Record::default() }
}

fn fields(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}

fn number(stored: &Stored) -> u64 {
    stored.record.data["n"].as_u64().expect("a number")
}

async fn get(store: &dyn Store, key: &SessionKey) -> Option<Stored> {
    store.get(key).await.expect("the store answers")
}

async fn put(store: &dyn Store, key: &SessionKey, record: &Record, condition: Condition) -> Version {
    store.put(key, record, condition).await.expect("the condition holds")
}

async fn refused(store: &dyn Store, key: &SessionKey, condition: Condition) {
    let result = store.put(key, &record(999), condition).await;
    assert!(matches!(result, Err(StoreError::Conflict)), "a put under {condition:?} must be a conflict: {result:?}");
}

async fn a_record_comes_back_as_it_was_put(store: &dyn Store) {
    let time = |micros| UNIX_EPOCH + Duration::from_micros(micros);
    let rich = Record {
        data: fields(json!({
            "text": "Salut \"le\" Monde \u{1F30D}", "empty": "", "integer": -7, "large": i64::MAX, "real": 0.5, "flag": true,
            "nothing": null, "list": [1, "two", {"three": [3]}], "map": {"with.dot": {"deep": [true, null]}},
            "a-name with `odd` \\ signs": 1,
        })),
        created_at: Some(time(1_700_000_000_000_001)),
        expires_at: Some(time(1_900_000_000_999_999)),
        revisions: Revisions::from_texts(["00000000000000ff", "0123456789abcdef"]),
        successor: Some(fresh_key()),
    };
    for record in [Record::default(), rich] {
        let key = fresh_key();
        assert_eq!(get(store, &key).await, None, "nothing is stored under a fresh key");
        let version = put(store, &key, &record, Condition::Absent).await;
        assert_eq!(get(store, &key).await, Some(Stored { record, version }));
        remove(store, &key).await;
    }
}

async fn a_put_happens_only_if_its_condition_holds(store: &dyn Store) {
    let (key, other) = (fresh_key(), fresh_key());
    let foreign = put(store, &other, &record(0), Condition::Absent).await;
    refused(store, &key, Condition::Unchanged(foreign)).await;
    remove(store, &other).await;
    let first = put(store, &key, &record(1), Condition::Absent).await;
    refused(store, &key, Condition::Absent).await;
    let second = put(store, &key, &record(2), Condition::Unchanged(first)).await;
    assert_ne!(first, second, "a write changes the version");
    refused(store, &key, Condition::Unchanged(first)).await;
    assert_eq!(
        get(store, &key).await,
        Some(Stored { record: record(2), version: second }),
        "a refused put leaves no trace"
    );
    remove(store, &key).await;
}

async fn a_delete_happens_only_if_its_condition_holds(store: &dyn Store) {
    let key = fresh_key();
    let first = put(store, &key, &record(1), Condition::Absent).await;
    let second = put(store, &key, &record(2), Condition::Unchanged(first)).await;
    let stale = store.delete(&key, first).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "the record has changed: {stale:?}");
    assert!(get(store, &key).await.is_some(), "a refused delete deletes nothing");
    store.delete(&key, second).await.expect("the version holds");
    assert_eq!(get(store, &key).await, None);
    let nothing = store.delete(&key, second).await;
    assert!(matches!(nothing, Err(StoreError::Conflict)), "there is nothing to delete: {nothing:?}");
}

async fn the_version_of_a_deleted_record_never_holds_again(store: &dyn Store) {
    let key = fresh_key();
    let before = put(store, &key, &record(1), Condition::Absent).await;
    store.delete(&key, before).await.expect("the version holds");
    refused(store, &key, Condition::Unchanged(before)).await;
    put(store, &key, &record(1), Condition::Absent).await;
    refused(store, &key, Condition::Unchanged(before)).await;
    remove(store, &key).await;
}

async fn a_list_has_every_session_once_in_order(store: &dyn Store) {
    let mut keys = BTreeSet::new();
    for n in 0..7 {
        let key = fresh_key();
        put(store, &key, &record(n), Condition::Absent).await;
        keys.insert(key);
    }
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(after.as_ref(), 3).await.expect("the store answers");
        assert!(page.len() <= 3, "a page is no longer than asked for");
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (key, stored) in page {
            assert_eq!(get(store, &key).await, Some(stored), "a list has what a get has");
            listed.push(key);
        }
    }
    assert_eq!(listed, keys.iter().copied().collect::<Vec<_>>());
    for key in keys {
        remove(store, &key).await;
    }
}

async fn racing_writers_lose_nothing(store: Arc<impl Store>) {
    const WRITERS: u64 = 8;
    const ROUNDS: u64 = 10;
    let key = fresh_key();
    put(&*store, &key, &record(0), Condition::Absent).await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let mut written = 0;
            while written < ROUNDS {
                let stored = get(&*store, &key).await.expect("it is stored");
                let next = record(number(&stored) + 1);
                match store.put(&key, &next, Condition::Unchanged(stored.version)).await {
                    Ok(_) => written += 1,
                    Err(StoreError::Conflict | StoreError::Contended(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.expect("a writer does not panic");
    }
    let end = get(&*store, &key).await.expect("it is stored");
    assert_eq!(number(&end), WRITERS * ROUNDS, "every write that was acknowledged counts once");
    remove(&*store, &key).await;
}

async fn remove(store: &dyn Store, key: &SessionKey) {
    let stored = get(store, key).await.expect("it is stored");
    store.delete(key, stored.version).await.expect("nobody else writes");
}
