//! Backup and restore of a file that is in use, as docs/operations.md says.

use std::{
    collections::BTreeMap,
    ffi::c_int,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use exact_sessions::{
    SessionKey,
    store::{Store, StoreError, Write, sqlite::SqliteStore},
    testing::contract::{fresh_key, record},
};
use rusqlite::{MAIN_DB, backup::Backup};
use tokio::task::JoinSet;

use super::{connect, create, get, open, place, refusal};

const WRITERS: usize = 4;

/// Makes a backup while writers are active, and checks that it holds a state of each session that was acknowledged
/// before the end of the backup, and not an older one than was acknowledged before its beginning.
async fn backup_while_writers_are_active(backup: impl FnOnce(&Path, &Path) + Send + 'static) {
    let (folder, path) = place();
    let copy = folder.path().join("copy.db");
    let store = open(&path);
    // Several pages, so that the backup takes some time.
    for n in 0..500 {
        create(&store, fresh_key(), record(n)).await;
    }
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    let mut keys = BTreeMap::new();
    for _ in 0..WRITERS {
        let (store, done, key) = (store.clone(), Arc::clone(&done), fresh_key());
        let acknowledged = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let mut version = create(&store, key, record(0)).await;
        keys.insert(key, Arc::clone(&acknowledged));
        writers.spawn(async move {
            let mut n = 0;
            while !done.load(Ordering::SeqCst) {
                match store.put(&Write::replace(key, record(n + 1), version)).await {
                    Ok(written) => {
                        n += 1;
                        version = written;
                        acknowledged.store(n, Ordering::SeqCst);
                    }
                    Err(StoreError::Contended(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    let now = |keys: &BTreeMap<SessionKey, Arc<std::sync::atomic::AtomicU64>>| -> BTreeMap<_, _> {
        keys.iter().map(|(key, n)| (*key, n.load(Ordering::SeqCst))).collect()
    };
    while now(&keys).values().any(|n| *n < 10) {
        if let Some(writer) = writers.try_join_next() {
            writer.expect("no write failed");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let before = now(&keys);
    let (from, to) = (path.clone(), copy.clone());
    tokio::task::spawn_blocking(move || backup(&from, &to)).await.expect("a backup");
    let after = now(&keys);
    done.store(true, Ordering::SeqCst);
    while let Some(writer) = writers.join_next().await {
        writer.expect("no write failed");
    }

    let restored = open(&copy);
    assert_eq!(restored.damage().await.expect("a report"), [""; 0]);
    assert_eq!(restored.list(None, 9999).await.expect("a list").len(), 500 + WRITERS);
    for (key, before) in before {
        let n = get(&restored, &key).await.expect("it is in the backup").record.data["n"].as_u64().expect("a number");
        // A write may have been done and not yet been acknowledged.
        assert!((before..=after[&key] + 1).contains(&n), "{before} <= {n} <= {}", after[&key]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vacuum_into_while_writers_are_active() {
    backup_while_writers_are_active(|from, to| {
        let to = to.to_str().expect("a path");
        connect(from).execute("VACUUM INTO ?1", [to]).expect("a copy");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlites_backup_while_writers_are_active() {
    backup_while_writers_are_active(|from, to| {
        let (from, mut to) = (connect(from), connect(to));
        // All pages in one step: between steps, a writer would make it start over.
        let backup = Backup::new_with_names(&from, MAIN_DB, &mut to, MAIN_DB).expect("a backup");
        backup.run_to_completion(c_int::MAX, Duration::ZERO, None).expect("a copy");
    })
    .await;
}

#[tokio::test]
async fn a_restore_takes_effect_after_a_restart() {
    let (folder, path) = place();
    let copy = folder.path().join("copy.db");
    let store = open(&path);
    let key = fresh_key();
    let version = create(&store, key, record(1)).await;
    connect(&path).execute("VACUUM INTO ?1", [copy.to_str().expect("a path")]).expect("a copy");
    let version = store.put(&Write::replace(key, record(2), version)).await.expect("the condition holds");

    // Under the running server: it refuses from then on, rather than write what will be lost.
    std::fs::rename(&copy, &path).expect("a file");
    refusal(store.put(&Write::replace(key, record(3), version)).await);
    drop(store);
    for beside in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(path.with_extension(beside));
    }
    let restarted = SqliteStore::open(&path).expect("a store");
    assert_eq!(get(&restarted, &key).await.expect("a session").record, record(1));
}
