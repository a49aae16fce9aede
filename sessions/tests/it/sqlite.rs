//! What is special about the SQLite store: a file that people edit, that several processes share, and that
//! is swept.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use exact_sessions::{
    Record, Sessions, Settings,
    store::{Condition, Store, StoreError, sqlite::SqliteStore},
    testing::contract::{fresh_key, record},
};
use futures::{future::try_join_all, poll};
use rusqlite::Connection;
use tokio::time::{sleep, timeout};

use crate::bench::Counter;

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).expect("a store")
}

fn by_hand(path: &Path, sql: &str) -> usize {
    Connection::open(path).and_then(|connection| connection.execute(sql, [])).expect("good SQL")
}

#[tokio::test]
async fn an_edit_by_hand_moves_the_version_and_takes_effect_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let sessions = Sessions::new(open(&path), Settings::default(), Counter::default);
    let id = sessions.visit(None, Counter::count).await.expect("a view").new_id;
    for (edit, expected) in [
        ("UPDATE sessions SET data = json_set(data, '$.views', 41)", 42),
        ("UPDATE sessions SET data = json_set(data, '$.views', 'many')", 1),
        ("UPDATE sessions SET data = 'no json'", 1),
        ("UPDATE sessions SET data = '[1]'", 1),
        ("UPDATE sessions SET data = json_set(data, '$.views', 6), created_at = 'once', expires_at = NULL", 7),
        ("UPDATE sessions SET revisions = 'x y', successor = 'nobody'", 8),
    ] {
        assert_eq!(by_hand(&path, edit), 1);
        let visit = sessions.visit(id, Counter::count).await.expect("a view");
        assert_eq!((visit.session.data.views, visit.new_id), (expected, None), "{edit}");
    }
}

#[tokio::test]
async fn a_row_deleted_and_made_again_by_hand_is_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let store = open(&path);
    let key = fresh_key();
    let version = store.put(&key, &record(1), Condition::Absent).await.expect("a write");
    by_hand(&path, "DELETE FROM sessions");
    by_hand(&path, &format!("INSERT INTO sessions (id, data) VALUES ('{key}', '{{\"n\":1}}')"));
    let stale = store.put(&key, &record(2), Condition::Unchanged(version)).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
}

#[tokio::test]
async fn what_is_written_at_the_same_time_shares_a_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let store = open(&path);
    let log = || std::fs::metadata(path.with_extension("db-wal")).expect("a write-ahead log").len();
    let pages_logged = |before: u64| (log() - before) / 4096;

    let (keys, stored, before) = ([(); 100].map(|()| fresh_key()), record(1), log());
    let versions = try_join_all(keys.iter().map(|key| store.put(key, &stored, Condition::Absent))).await;
    assert!(pages_logged(before) < 12, "{} pages for 100 new rows, 9 in one commit", pages_logged(before));

    let (stored, before) = (record(2), log());
    let writes = keys.iter().zip(versions.expect("new sessions")).map(|(key, version)| {
        let unchanged = Condition::Unchanged(version);
        store.put(key, &stored, unchanged)
    });
    try_join_all(writes).await.expect("changes");
    assert!(
        pages_logged(before) < 4,
        "{} pages for 100 rows, 3 in one commit that leaves the indexes alone",
        pages_logged(before)
    );
}

#[tokio::test]
async fn the_log_is_folded_into_the_file_while_the_store_is_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let store = open(&path);
    let length = || std::fs::metadata(&path).expect("a file").len();
    // Of 250 pages, so that the log is soon full.
    let mut large = record(1);
    large.data.insert("text".to_owned(), "a".repeat(1_000_000).into());
    for n in 0..70 {
        store.put(&fresh_key(), &large, Condition::Absent).await.expect("a write");
        assert!(n > 50 || length() < 1_000_000, "folded in after {n} MB");
    }
    let folded_in = async {
        while length() < 60_000_000 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(30), folded_in).await.expect("the file grows");
}

#[tokio::test]
async fn nobody_waits_for_a_caller_who_has_stopped_polling() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("sessions.db"));
    let (first, second, stored) = (fresh_key(), fresh_key(), record(1));
    let mut idle = store.put(&first, &stored, Condition::Absent);
    assert!(poll!(&mut idle).is_pending());
    let other = store.put(&second, &stored, Condition::Absent);
    timeout(Duration::from_secs(5), other).await.expect("in time").expect("a write");

    let dropped = store.get(&first);
    let waiting = store.get(&second);
    drop(dropped);
    assert!(timeout(Duration::from_secs(5), waiting).await.expect("in time").expect("a read").is_some());
    idle.await.expect("a write");
}

#[tokio::test]
async fn a_sweep_removes_what_has_expired_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let store = open(&path);
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let mut kept = Vec::new();
    for n in 0..1200 {
        let key = fresh_key();
        let mut record = record(n);
        record.expires_at = match n % 4 {
            0 => Some(now + hour),
            1 => None,
            _ => Some(now - hour),
        };
        if n % 4 < 2 {
            kept.push(key);
        }
        store.put(&key, &record, Condition::Absent).await.expect("a write");
    }
    by_hand(&path, "UPDATE sessions SET expires_at = '' WHERE expires_at IS NULL AND id < '8'");
    assert_eq!(store.sweep(now).await.expect("a sweep"), 600);
    kept.sort_unstable();
    let left: Vec<_> = store.list(None, 9999).await.expect("a list").into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, kept);
    assert_eq!(store.sweep(now).await.expect("a sweep"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_spares_sessions_that_are_renewed_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let idle = Duration::from_millis(400);
    let settings = Settings { idle_timeout: idle, ..Settings::default() };
    let sessions = Sessions::new(open(&path), settings, Counter::default);
    let sweeping = tokio::spawn(open(&path).keep_swept(Duration::from_millis(1)));
    let id = sessions.visit(None, Counter::count).await.expect("a view").new_id;
    let abandoned = sessions.visit(None, Counter::count).await.expect("a view").new_id.expect("a new id");
    let until = tokio::time::Instant::now() + 4 * idle;
    let mut views = 1;
    while tokio::time::Instant::now() < until {
        let visit = sessions.visit(id, Counter::count).await.expect("a view");
        views += 1;
        assert_eq!((visit.session.data.views, visit.new_id), (views, None));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sweeping.abort();
    let store = open(&path);
    assert_eq!(store.get(&abandoned.key()).await.expect("an answer"), None, "the abandoned one was swept");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    std::fs::write(&path, "this is not a database, but it's long enough to be looked at ".repeat(50)).expect("a file");
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Refused(_))));
    assert!(matches!(SqliteStore::open(path.join("below.db")), Err(StoreError::Refused(_))), "a file is no folder");
    assert!(SqliteStore::open(folder.path()).is_err(), "a folder is no file");
}

/// The header and the tables' definitions are on the first page; what's damaged shows later.
#[tokio::test]
async fn a_file_that_is_damaged_inside_is_refused_not_awaited() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let store = open(&path);
    let key = fresh_key();
    let version = store.put(&key, &record(1), Condition::Absent).await.expect("a write");
    for n in 0..300 {
        store.put(&fresh_key(), &record(n), Condition::Absent).await.expect("a write");
    }
    drop(store);
    let mut bytes = std::fs::read(&path).expect("a file");
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, bytes).expect("a file");

    let store = open(&path);
    let refused = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Refused(_))), "{result:?}");
    refused(store.get(&key).await.map(drop));
    refused(store.put(&key, &record(2), Condition::Unchanged(version)).await.map(drop));
    refused(store.put(&fresh_key(), &record(2), Condition::Absent).await.map(drop));
    refused(store.delete(&key, version).await);
    refused(store.list(None, 10).await.map(drop));
    refused(store.ping().await);
}

#[tokio::test]
async fn a_file_that_is_gone_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let store = open(&path);
    store.ping().await.expect("an answer");
    std::fs::rename(&path, folder.path().join("elsewhere.db")).expect("a file");
    assert!(matches!(store.ping().await, Err(StoreError::Refused(_))), "moved");
    std::fs::write(&path, "").expect("a file");
    assert!(matches!(store.ping().await, Err(StoreError::Refused(_))), "replaced");
}

#[tokio::test]
async fn a_file_of_others_is_opened_as_it_is_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    assert!(matches!(SqliteStore::open_existing(&path), Err(StoreError::Refused(_))));
    assert!(!path.exists(), "it is not made");
    Connection::open(&path).and_then(|other| other.execute_batch("CREATE TABLE other (x)")).expect("a database");
    let before = std::fs::read(&path).expect("a file");
    assert!(matches!(SqliteStore::open_existing(&path), Err(StoreError::Refused(_))), "it holds no sessions");
    assert_eq!(std::fs::read(&path).expect("a file"), before);

    let others = folder.path().join("others.db");
    Connection::open(&others)
        .and_then(|other| other.execute_batch("CREATE TABLE sessions (id, expires_at)"))
        .expect("a database");
    for opened in [SqliteStore::open(&others), SqliteStore::open_existing(&others)] {
        let Err(StoreError::Refused(cause)) = opened else { panic!("sessions of another kind") };
        assert!(cause.to_string().contains("no such column"), "{cause}");
    }

    open(&path);
    let key = fresh_key();
    let existing = SqliteStore::open_existing(&path).expect("a store");
    existing.put(&key, &record(1), Condition::Absent).await.expect("a write");
    assert!(open(&path).get(&key).await.expect("an answer").is_some());
    assert_eq!(existing.damage().await.expect("an answer"), [""; 0]);
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let expiring = Record { expires_at: Some(SystemTime::now()), ..record(1) };
    open(&path).put(&fresh_key(), &expiring, Condition::Absent).await.expect("a write");
    // The index now claims to be of something else than what is in it.
    by_hand(&path, "UPDATE sessions SET created_at = '2020-01-01T00:00:00Z'");
    Connection::open(&path)
        .and_then(|connection| {
            connection.execute_batch(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = replace(sql, 'expires_at', 'created_at')
                 WHERE name = 'sessions_by_expiry'",
            )
        })
        .expect("a writable schema");
    let found = SqliteStore::open_existing(&path).expect("a store").damage().await.expect("an answer");
    assert!(found.iter().any(|line| line.contains("sessions_by_expiry")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_one_file_many_times_at_once_works() {
    let folder = tempfile::tempdir().expect("a folder");
    for n in 0..40 {
        let path = folder.path().join(format!("{n}.db"));
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let path = path.clone();
            opening.spawn_blocking(move || SqliteStore::open(path).map(drop));
        }
        for opened in opening.join_all().await {
            opened.expect("a store");
        }
    }
}
