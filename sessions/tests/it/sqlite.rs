//! What is special about the SQLite store: a file that people edit, that several processes share, and that
//! is swept.

mod backup;
mod concurrent;
mod damage;
mod file;
mod layout;
mod sweep;
mod users;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use exact_sessions::{
    Error, Record, SessionKey,
    admin::Admin,
    store::{Store, StoreError, Stored, Version, Write, sqlite::SqliteStore},
    testing::contract::{fresh_key, record},
};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

/// A folder that is removed with this, and a path in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    (folder, path)
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).expect("a store")
}

async fn create(store: &SqliteStore, key: SessionKey, record: Record) -> Version {
    store.put(&Write::create(key, record)).await.expect("a write")
}

async fn get(store: &SqliteStore, key: &SessionKey) -> Option<Stored> {
    store.get(key).await.expect("a read")
}

fn connect(path: &Path) -> Connection {
    Connection::open(path).expect("a database")
}

fn by_hand(path: &Path, sql: &str) -> usize {
    connect(path).execute(sql, []).expect("good SQL")
}

/// Why the store refuses.
fn refusal<T>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Refused(cause)) => cause.to_string(),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it is not refused"),
    }
}

#[tokio::test]
async fn an_edit_by_hand_moves_the_version_and_takes_effect_at_once() {
    let (_folder, path) = place();
    let store = open(&path);
    let key = fresh_key();
    let mut version = create(&store, key, record(1)).await;
    for (edit, n) in [
        ("UPDATE sessions SET data = json_set(data, '$.n', 41)", json!(41)),
        ("UPDATE sessions SET data = json_set(data, '$.n', 'many')", json!("many")),
        ("UPDATE sessions SET data = json_set(data, '$.n', 6), created_at = 'once', expires_at = NULL", json!(6)),
        ("UPDATE sessions SET session = 'no json'", json!(6)),
    ] {
        assert_eq!(by_hand(&path, edit), 1);
        let stale = store.put(&Write::replace(key, record(9), version)).await;
        assert!(matches!(stale, Err(StoreError::Conflict)), "{edit}: {stale:?}");
        let Stored { record: found, version: edited } = get(&store, &key).await.expect("a session");
        assert_eq!((&found.data["n"], found.created_at, found.expires_at), (&n, None, None), "{edit}");
        version = edited;
    }
    store.put(&Write::replace(key, record(9), version)).await.expect("the condition holds");
}

#[tokio::test]
async fn data_that_is_no_json_object_is_damaged_and_stays_as_it_is() {
    let (_folder, path) = place();
    let store = open(&path);
    let key = fresh_key();
    create(&store, key, record(1)).await;
    for data in ["'no json'", "'[1]'", "''", "CAST(x'7b22c322' || x'7d' AS TEXT)"] {
        by_hand(&path, &format!("UPDATE sessions SET data = {data}"));
        let found = get(&store, &key).await.expect("a session").record;
        assert!(found.data.is_empty(), "{data}");
        let damaged: Vec<_> = found.damaged.iter().collect();
        assert!(
            matches!(&damaged[..], [(name, field)] if name.is_empty() && field.reason.contains("data")),
            "{damaged:?}"
        );
        let kept = connect(&path).query_row(&format!("SELECT data = {data} FROM sessions"), [], |row| row.get(0));
        assert_eq!(kept, Ok(true), "{data}");

        let set = |data: &mut serde_json::Map<_, _>| {
            data.insert("n".to_owned(), 7.into());
            Ok(())
        };
        let changed = Admin::new(store.clone(), Duration::from_secs(2)).update(&key, set).await;
        assert!(matches!(changed, Err(Error::Unreadable { .. })), "{data}: {changed:?}");
        let kept = connect(&path).query_row(&format!("SELECT data = {data} FROM sessions"), [], |row| row.get(0));
        assert_eq!(kept, Ok(true), "{data}");
    }
}

#[tokio::test]
async fn a_row_deleted_and_made_again_by_hand_is_another_one() {
    let (_folder, path) = place();
    let store = open(&path);
    let key = fresh_key();
    let version = create(&store, key, record(1)).await;
    by_hand(&path, "DELETE FROM sessions");
    by_hand(&path, &format!("INSERT INTO sessions (id, data) VALUES ('{key}', '{{\"n\":1}}')"));
    let stale = store.put(&Write::replace(key, record(2), version)).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
}

#[tokio::test]
async fn rows_whose_ids_are_no_keys_are_not_listed() {
    let (_folder, path) = place();
    let store = open(&path);
    let key = fresh_key();
    create(&store, key, record(1)).await;
    for id in ["zz", "", &"g".repeat(64), &"A".repeat(64)] {
        by_hand(&path, &format!("INSERT INTO sessions (id, data, user) VALUES ('{id}', '{{}}', 'ada')"));
    }
    let listed: Vec<_> = store.list(None, 9).await.expect("a list").into_iter().map(|(key, _)| key).collect();
    assert_eq!(listed, [key]);
    assert_eq!(store.list_user("ada", None, 9).await.expect("a list"), []);
}

#[tokio::test]
async fn the_store_works_on_a_connection_of_the_application() {
    let (_folder, path) = place();
    let connection = connect(&path);
    connection.execute_batch("CREATE TABLE notes (text); PRAGMA user_version = 41").expect("tables of the application");
    let store = SqliteStore::from_connection(connection).expect("a store");
    let key = fresh_key();
    create(&store, key, record(1)).await;
    let version = |path: &Path| connect(path).pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    assert_eq!(version(&path), Ok(41), "the application's own");
    drop(store);
    assert!(get(&open(&path), &key).await.is_some(), "or by its path");
    assert_eq!(version(&path), Ok(41));

    let memory = SqliteStore::from_connection(Connection::open_in_memory().expect("a database")).expect("a store");
    exact_sessions::testing::contract(memory).await;
}
