//! Operations at the same time.

use std::time::Duration;

use exact_sessions::{
    store::{Store, Write, sqlite::SqliteStore},
    testing::contract::{fresh_key, record},
};
use futures::{future::try_join_all, poll};
use tokio::time::{sleep, timeout};

use super::{create, open, place};

#[tokio::test]
async fn what_is_written_at_the_same_time_shares_a_commit() {
    let (_folder, path) = place();
    let store = open(&path);
    let wal = || std::fs::metadata(path.with_extension("db-wal")).expect("a write-ahead log").len();
    let pages_written = |before: u64| (wal() - before) / 4096;

    let before = wal();
    let created: Vec<_> = (0..100).map(|_| Write::create(fresh_key(), record(1))).collect();
    let versions = try_join_all(created.iter().map(|write| store.put(write))).await.expect("new sessions");
    assert!(pages_written(before) < 12, "{} pages for 100 new rows, 9 in one commit", pages_written(before));

    let before = wal();
    let replaced = created.iter().zip(versions);
    let replaced: Vec<_> = replaced.map(|(write, version)| Write::replace(write.key, record(2), version)).collect();
    try_join_all(replaced.iter().map(|write| store.put(write))).await.expect("changes");
    assert!(
        pages_written(before) < 4,
        "{} pages for 100 rows, 3 in one commit that leaves the indexes alone",
        pages_written(before)
    );
}

#[tokio::test]
async fn the_wal_is_checkpointed_while_the_store_is_open() {
    let (_folder, path) = place();
    let store = open(&path);
    let length = || std::fs::metadata(&path).expect("a file").len();
    // Of 250 pages, so that the WAL is soon full.
    let mut large = record(1);
    large.data.insert("text".to_owned(), "a".repeat(1_000_000).into());
    for n in 0..70 {
        create(&store, fresh_key(), large.clone()).await;
        assert!(n > 50 || length() < 1_000_000, "checkpointed after {n} MB");
    }
    let checkpointed = async {
        while length() < 60_000_000 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(30), checkpointed).await.expect("the file grows");
}

#[tokio::test]
async fn no_caller_waits_for_one_that_has_stopped_polling() {
    let (_folder, path) = place();
    let store = open(&path);
    let [first, second] = [(); 2].map(|()| Write::create(fresh_key(), record(1)));
    let mut idle = store.put(&first);
    assert!(poll!(&mut idle).is_pending());
    timeout(Duration::from_secs(5), store.put(&second)).await.expect("in time").expect("a write");

    let dropped = store.get(&first.key);
    let waiting = store.get(&second.key);
    drop(dropped);
    assert!(timeout(Duration::from_secs(5), waiting).await.expect("in time").expect("a read").is_some());
    idle.await.expect("a write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_one_file_many_times_at_once_works() {
    let (folder, _) = place();
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
