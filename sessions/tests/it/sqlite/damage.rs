//! Files that are something else, or damaged.

use std::time::SystemTime;

use exact_sessions::{
    Record,
    store::{Store, StoreError, Write, sqlite::SqliteStore},
    testing::contract::{fresh_key, record},
};

use super::{by_hand, connect, create, get, open, place, refusal};

#[test]
fn a_file_that_is_no_database_is_refused() {
    let (folder, path) = place();
    std::fs::write(&path, "this is not a database, but it's long enough to be looked at ".repeat(50)).expect("a file");
    refusal(SqliteStore::open(&path));
    refusal(SqliteStore::open(path.join("below.db")));
    assert!(SqliteStore::open(folder.path()).is_err(), "a folder is no file");
}

/// The header and the tables' definitions are on the first page; what's damaged shows later.
#[tokio::test]
async fn a_file_that_is_damaged_inside_is_refused_not_awaited() {
    let (_folder, path) = place();
    let store = open(&path);
    let key = fresh_key();
    let version = create(&store, key, record(1)).await;
    for n in 0..300 {
        create(&store, fresh_key(), record(n)).await;
    }
    drop(store);
    let mut bytes = std::fs::read(&path).expect("a file");
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, bytes).expect("a file");

    let store = open(&path);
    let refused = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Refused(_))), "{result:?}");
    refused(store.get(&key).await.map(drop));
    refused(store.put(&Write::replace(key, record(2), version)).await.map(drop));
    refused(store.put(&Write::create(fresh_key(), record(2))).await.map(drop));
    let both = [Write::create(fresh_key(), record(2)), Write::replace(key, record(2), version)];
    refused(store.put_both(&both[0], &both[1]).await.map(drop));
    refused(store.delete(&key, version).await);
    refused(store.list(None, 10).await.map(drop));
    refused(store.ping().await);
}

#[tokio::test]
async fn a_file_of_others_is_opened_as_it_is_or_not_at_all() {
    let (folder, path) = place();
    refusal(SqliteStore::open_existing(&path));
    assert!(!path.exists(), "it is not made");
    connect(&path).execute_batch("CREATE TABLE other (x)").expect("a database");
    let before = std::fs::read(&path).expect("a file");
    refusal(SqliteStore::open_existing(&path));
    assert_eq!(std::fs::read(&path).expect("a file"), before, "it holds no sessions");

    let others = folder.path().join("others.db");
    connect(&others).execute_batch("CREATE TABLE sessions (id, expires_at)").expect("a database");
    for opened in [SqliteStore::open(&others), SqliteStore::open_existing(&others)] {
        let cause = refusal(opened);
        assert!(cause.contains("no such column"), "{cause}");
    }

    open(&path);
    let key = fresh_key();
    let existing = SqliteStore::open_existing(&path).expect("a store");
    create(&existing, key, record(1)).await;
    assert!(get(&open(&path), &key).await.is_some());
    assert_eq!(existing.damage().await.expect("a report"), [""; 0]);
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let (_folder, path) = place();
    let expiring = Record { expires_at: Some(SystemTime::now()), ..record(1) };
    create(&open(&path), fresh_key(), expiring).await;
    // The index now claims to be of something else than what is in it.
    by_hand(&path, "UPDATE sessions SET created_at = '2020-01-01T00:00:00Z'");
    connect(&path)
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, 'expires_at', 'created_at')
             WHERE name = 'sessions_by_expiry'",
        )
        .expect("a writable schema");
    let found = SqliteStore::open_existing(&path).expect("a store").damage().await.expect("a report");
    assert!(found.iter().any(|line| line.contains("sessions_by_expiry")), "{found:?}");
}
