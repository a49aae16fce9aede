//! Removing expired sessions.

use std::time::{Duration, SystemTime};

use exact_sessions::{
    Record,
    store::{Store, StoreError},
    testing::contract::{fresh_key, record},
};

use super::{by_hand, connect, create, get, open, place};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_sweep_removes_what_has_expired_and_nothing_else() {
    let (_folder, path) = place();
    let store = open(&path);
    let now = SystemTime::now();
    let mut kept = Vec::new();
    for n in 0..1200 {
        let key = fresh_key();
        let expires_at = match n % 4 {
            0 => Some(now + HOUR),
            1 => None,
            _ => Some(now - HOUR),
        };
        if n % 4 < 2 {
            kept.push(key);
        }
        create(&store, key, Record { expires_at, ..record(n) }).await;
    }
    by_hand(&path, "UPDATE sessions SET expires_at = '' WHERE expires_at IS NULL AND id < '8'");
    assert_eq!(store.sweep(now).await.expect("a sweep"), 600);
    kept.sort_unstable();
    let left: Vec<_> = store.list(None, 9999).await.expect("a list").into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, kept);
    assert_eq!(store.sweep(now).await.expect("a sweep"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_spares_a_session_that_is_renewed_meanwhile() {
    let (_folder, path) = place();
    let store = open(&path);
    let (key, now) = (fresh_key(), SystemTime::now());
    create(&store, key, Record { expires_at: Some(now - HOUR), ..record(1) }).await;
    let renewing = connect(&path);
    renewing
        .execute_batch("BEGIN IMMEDIATE; UPDATE sessions SET expires_at = '2999-01-01T00:00:00.000000Z'")
        .expect("good SQL");
    let sweeping = tokio::spawn(async move {
        loop {
            match store.sweep(now).await {
                // The other connection has kept the lock for too long.
                Err(StoreError::Contended(_)) => {}
                swept => return swept.expect("a sweep"),
            }
        }
    });
    // The sweep begins while the session is still an expired one for all others.
    tokio::time::sleep(Duration::from_millis(100)).await;
    renewing.execute_batch("COMMIT").expect("a commit");
    assert_eq!(sweeping.await.expect("no panic"), 0);
    assert!(get(&open(&path), &key).await.is_some());
}

#[tokio::test]
async fn sweeps_go_on() {
    let (_folder, path) = place();
    let store = open(&path);
    let sweeping = tokio::spawn(open(&path).keep_swept(Duration::from_millis(1)));
    for n in 0..3 {
        // Sweeps that find nothing come before.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let key = fresh_key();
        create(&store, key, Record { expires_at: Some(SystemTime::now() - HOUR), ..record(n) }).await;
        let swept = async {
            while get(&store, &key).await.is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), swept).await.expect("it is removed");
    }
    sweeping.abort();
}
