//! The contract of a [`Store`], as tests. A store that passes them works with the engine.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};
use tokio::{runtime::Handle, task::JoinSet};

use crate::{
    Record, SessionId, SessionKey,
    record::{Meta, Replaced, Revisions, SignedIn, Terms},
    store::{Condition, Store, StoreError, Stored, Version, Write},
};

/// Checks that a store keeps its contract. It must be empty, and nobody else may use it meanwhile.
///
/// # Panics
/// If the store breaks the contract; the message says which part.
pub async fn contract(store: impl Store) {
    let store = Arc::new(store);
    store.ping().await.expect("the store is there");
    a_record_comes_back_as_it_was_put(&*store).await;
    every_value_comes_back_as_it_was_put(&*store).await;
    a_removed_field_is_gone_and_others_stay(&*store).await;
    a_put_happens_only_if_its_condition_holds(&*store).await;
    a_delete_happens_only_if_its_condition_holds(&*store).await;
    the_version_of_a_deleted_record_never_holds_again(&*store).await;
    two_writes_are_done_both_or_neither(&*store).await;
    a_list_has_every_session_once_in_order(&*store).await;
    the_sessions_of_a_user_are_found(&*store).await;
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

fn write(key: &SessionKey, record: &Record, condition: Condition) -> Write {
    Write { condition, ..Write::create(*key, record.clone()) }
}

async fn put(store: &dyn Store, key: &SessionKey, record: &Record, condition: Condition) -> Version {
    store.put(&write(key, record, condition)).await.expect("the condition holds")
}

async fn refused(store: &dyn Store, key: &SessionKey, condition: Condition) {
    let result = store.put(&write(key, &record(999), condition)).await;
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
        meta: Meta {
            revisions: Revisions::from_texts(["00000000000000ff", "0123456789abcdef"]),
            seen_at: Some(time(1_700_000_000_000_002)),
            replaced: Some(Replaced::By(fresh_key())),
            terms: Terms { idle: Some(Duration::from_millis(1)), lifetime: None, until_browser_closes: true },
            data_version: 7,
            fields: Some(vec!["text".to_owned()]),
            ..signed_in("an \u{1F30D} \"user\"")
        },
        ..Record::default()
    };
    for record in [Record::default(), rich] {
        let key = fresh_key();
        assert_eq!(get(store, &key).await, None, "nothing is stored under a fresh key");
        let version = put(store, &key, &record, Condition::Absent).await;
        assert_eq!(get(store, &key).await, Some(Stored { record, version }), "a record comes back as it was put");
        remove(store, &key).await;
    }
}

/// Everything that JSON can say, in the shapes that stores have got wrong.
fn values() -> Vec<Value> {
    let mut deep = json!(1);
    for level in 0..20 {
        deep = if level % 2 == 0 { json!({ "deeper": deep }) } else { json!([deep]) };
    }
    vec![
        json!({"u64": [u64::MAX, i64::MAX.unsigned_abs() + 1, i64::MAX, i64::MIN, 0, -1]}),
        json!({"floats": [0.0, -0.0, 1.0, 5e-324, f64::MAX, f64::MIN_POSITIVE, 0.1 + 0.2, 1e23, 9_007_199_254_740_993.0_f64]}),
        json!({"pairs": [["tea", 1], ["cake", 2]], "matrix": [[1, [2, [3]]], [], [[]]]}),
        json!({"names": {"": 1, "__x__": 2, "__": 3, "$": 4, "$list": [5], "$integer": "6", "$$": 7, "a.b": 8, "`\\": 9}}),
        json!({"$list": {"$list": [1]}, "$integer": {"$integer": "1"}, "": 1, "__name__": 2, "a.b": 3, "1st": 4}),
        json!({"alone": {"$list": [[1]]}, "number": {"$integer": "18446744073709551615"}}),
        json!({"text": ["\u{0}\u{1}\u{7f}", "\u{FFFF}", "\u{10FFFF}", "'\"\\\n\t"], "null": null, "nulls": [null]}),
        json!({"empty": {}, "list": [], "lists": [{}, {"a": []}]}),
        json!({ "deep": deep }),
    ]
}

async fn every_value_comes_back_as_it_was_put(store: &dyn Store) {
    for value in values() {
        let record = Record { data: fields(value), ..Record::default() };
        let key = fresh_key();
        let version = put(store, &key, &record, Condition::Absent).await;
        let stored = get(store, &key).await;
        assert_eq!(stored, Some(Stored { record: record.clone(), version }), "a value comes back as it was put");
        // `==` takes -0.0 for 0.0; text doesn't.
        let text = |record: &Record| serde_json::to_string(&record.data).expect("JSON");
        assert_eq!(stored.map(|stored| text(&stored.record)), Some(text(&record)), "-0.0 comes back as -0.0");
        remove(store, &key).await;
    }
}

async fn a_removed_field_is_gone_and_others_stay(store: &dyn Store) {
    let time = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
    let first = Record {
        data: fields(json!({"kept": 1, "gone": {"a": 1, "b": 2}, "map": {"a": 1, "b": 2}, "zero": 0.0})),
        created_at: time(1_800_000_000),
        expires_at: time(1_900_000_000),
        ..Record::default()
    };
    let after = Record {
        data: fields(json!({"kept": 1, "map": {"b": 3}, "zero": -0.0, "new": [1]})),
        expires_at: time(1_900_000_001),
        ..first.clone()
    };
    for knows_before in [false, true] {
        let key = fresh_key();
        let version = put(store, &key, &first, Condition::Absent).await;
        let before = knows_before.then(|| Arc::new(Stored { record: first.clone(), version }));
        let removed = vec!["gone".to_owned()];
        let write = Write { removed, before, ..write(&key, &after, Condition::Unchanged(version)) };
        let version = store.put(&write).await.expect("the condition holds");
        let stored = get(store, &key).await;
        let negative = stored.as_ref().and_then(|stored| stored.record.data.get("zero")?.as_f64());
        assert!(negative.is_some_and(f64::is_sign_negative), "-0.0 is another number than 0.0");
        assert_eq!(stored, Some(Stored { record: after.clone(), version }), "not null, and nothing left in the map");
        remove(store, &key).await;
    }
}

async fn two_writes_are_done_both_or_neither(store: &dyn Store) {
    let (new, old) = (fresh_key(), fresh_key());
    let version = put(store, &old, &record(1), Condition::Absent).await;
    let first = Write::create(new, record(2));
    let second = |version| Write::replace(old, record(3), version);
    let versions = store.put_both(&first, &second(version)).await.expect("both conditions hold");
    for (key, n, version) in [(new, 2, versions[0]), (old, 3, versions[1])] {
        assert_eq!(get(store, &key).await, Some(Stored { record: record(n), version }), "both writes are done");
    }
    let other = fresh_key();
    let stale = store.put_both(&Write::create(other, record(4)), &second(version)).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "the second condition does not hold: {stale:?}");
    assert_eq!(get(store, &other).await, None, "the first is not done without the second");
    let there = store.put_both(&first, &second(versions[1])).await;
    assert!(matches!(there, Err(StoreError::Conflict)), "the first condition does not hold: {there:?}");
    let old_one = Some(Stored { record: record(3), version: versions[1] });
    assert_eq!(get(store, &old).await, old_one, "the second is not done without the first");
    remove(store, &new).await;
    remove(store, &old).await;
}

async fn the_sessions_of_a_user_are_found(store: &dyn Store) {
    let mut keys = BTreeSet::new();
    for n in 0..9 {
        let user = ["ada", "grace", "ada' OR ''='"][n % 3];
        let key = fresh_key();
        put(store, &key, &Record { meta: signed_in(user), ..record(0) }, Condition::Absent).await;
        keys.insert((user, key));
    }
    let nobody = fresh_key();
    put(store, &nobody, &record(0), Condition::Absent).await;
    for user in ["ada", "grace", "ada' OR ''='", "nobody"] {
        let expected: Vec<_> = keys.iter().filter(|(of, _)| *of == user).map(|(_, key)| *key).collect();
        let page = store.list_user(user, None, 2).await.expect("the store responds");
        let after = page.last().map(|(key, _)| *key);
        let rest = store.list_user(user, after.as_ref(), 2).await.expect("the store responds");
        let mut found = Vec::new();
        for (key, stored) in page.into_iter().chain(rest) {
            assert_eq!(get(store, &key).await, Some(stored), "a list has what a get has");
            found.push(key);
        }
        assert_eq!(found, expected, "the sessions of {user}, in order");
    }
    for (_, key) in keys {
        remove(store, &key).await;
    }
    remove(store, &nobody).await;
}

fn signed_in(user: &str) -> Meta {
    let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let signed_in = SignedIn { user: user.to_owned(), label: Some("a label".to_owned()), at };
    Meta { signed_in: Some(signed_in), ..Meta::default() }
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
    assert_eq!(get(store, &key).await, None, "a delete whose version holds deletes");
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
        assert!(page.len() <= 3, "a page is no longer than its limit");
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (key, stored) in page {
            assert_eq!(get(store, &key).await, Some(stored), "a list has what a get has");
            listed.push(key);
        }
    }
    assert_eq!(listed, keys.iter().copied().collect::<Vec<_>>(), "the list has every session once, in order");
    for key in keys {
        remove(store, &key).await;
    }
}

async fn racing_writers_lose_nothing(store: Arc<impl Store>) {
    const WRITERS: u64 = 8;
    /// Long enough for writers of a store in memory to meet.
    const RACE: Duration = Duration::from_millis(100);
    let key = fresh_key();
    put(&*store, &key, &record(0), Condition::Absent).await;
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, runtime) = (Arc::clone(&store), Handle::current());
        let write = async move {
            let (begun, mut written) = (Instant::now(), 0);
            while written < 10 || begun.elapsed() < RACE {
                let stored = get(&*store, &key).await.expect("it is stored");
                let next = record(number(&stored) + 1);
                match store.put(&Write::replace(key, next, stored.version)).await {
                    Ok(_) => written += 1,
                    Err(StoreError::Conflict | StoreError::Contended(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            written
        };
        // Threads of their own: tasks on a runtime with one thread can't come between two steps without an `await`.
        writers.spawn_blocking(move || runtime.block_on(write));
    }
    let mut written = 0;
    while let Some(writer) = writers.join_next().await {
        written += writer.expect("a writer does not panic");
    }
    let end = get(&*store, &key).await.expect("it is stored");
    assert_eq!(number(&end), written, "every write that was acknowledged counts once");
    remove(&*store, &key).await;
}

async fn remove(store: &dyn Store, key: &SessionKey) {
    let stored = get(store, key).await.expect("it is stored");
    store.delete(key, stored.version).await.expect("nobody else writes");
}
