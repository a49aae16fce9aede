//! Removing expired sessions.

use std::time::{Duration, SystemTime};

use exact_sessions::{
    Record,
    store::{Store, StoreError, Write},
    testing::contract::{fresh_key, record},
};

use super::{by_hand, create, get, open, place};

#[tokio::test]
async fn a_sweep_removes_what_has_expired_and_nothing_else() {
    let (_folder, path) = place();
    let store = open(&path);
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let mut kept = Vec::new();
    for n in 0..1200 {
        let key = fresh_key();
        let expires_at = match n % 4 {
            0 => Some(now + hour),
            1 => None,
            _ => Some(now - hour),
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
async fn a_sweep_spares_sessions_that_are_renewed_meanwhile() {
    let (_folder, path) = place();
    let store = open(&path);
    let idle = Duration::from_millis(400);
    let renewed = |n| Record { expires_at: Some(SystemTime::now() + idle), ..record(n) };
    let (key, abandoned) = (fresh_key(), fresh_key());
    create(&store, abandoned, renewed(0)).await;
    let mut version = create(&store, key, renewed(0)).await;
    let sweeping = tokio::spawn(open(&path).keep_swept(Duration::from_millis(1)));
    let until = tokio::time::Instant::now() + 4 * idle;
    while tokio::time::Instant::now() < until {
        version = loop {
            match store.put(&Write::replace(key, renewed(1), version)).await {
                // The sweep holds the lock.
                Err(StoreError::Contended(_)) => {}
                written => break written.expect("it is still there"),
            }
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sweeping.abort();
    assert_eq!(get(&store, &abandoned).await, None, "the abandoned one was swept");
}
