//! The file itself: who may read it, and what happens when it's moved, replaced or deleted.

use std::path::Path;

use exact_sessions::{
    store::{
        Store, StoreError, Write,
        sqlite::{SqliteOptions, SqliteStore, Synchronous},
    },
    testing::contract::{fresh_key, record},
};

use super::{create, get, open, place, refusal};

#[cfg(unix)]
#[tokio::test]
async fn the_files_and_folders_it_makes_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    let (folder, _) = place();
    let path = folder.path().join("new/folder/sessions.db");
    let store = open(&path);
    create(&store, fresh_key(), record(1)).await;
    for file in ["sessions.db", "sessions.db-wal", "sessions.db-shm"] {
        assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
    }
    for folder in [folder.path().join("new"), folder.path().join("new/folder")] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    drop(store);

    // What an owner has chosen stays.
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("a file");
    drop(open(&path));
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn paths_that_are_no_files_are_refused_by_name() {
    for (path, why) in
        [("", "the path of the SQLite file is empty"), (":memory:", "sessions in memory need MemoryStore")]
    {
        let refused = refusal(SqliteStore::open(path));
        assert!(refused.contains(why), "{path:?}: {refused}");
        assert!(!Path::new(":memory:").exists(), "no file is made");
    }
}

/// Something that people do to a file under a running server.
type Deed = fn(&Path) -> std::io::Result<()>;

#[tokio::test]
async fn no_write_is_acknowledged_that_would_be_lost() {
    let deeds: [(&str, Deed); 6] = [
        ("moved", |path| std::fs::rename(path, path.with_extension("elsewhere"))),
        ("replaced by a copy", |path| {
            std::fs::copy(path, path.with_extension("copy"))?;
            std::fs::rename(path.with_extension("copy"), path)
        }),
        ("replaced by an empty file", |path| {
            std::fs::remove_file(path)?;
            std::fs::write(path, "")
        }),
        ("deleted with its folder", |path| std::fs::remove_dir_all(path.parent().expect("a folder"))),
        ("the write-ahead log deleted", |path| std::fs::remove_file(path.with_extension("db-wal"))),
        ("the shared memory deleted", |path| std::fs::remove_file(path.with_extension("db-shm"))),
    ];
    for (deed, do_it) in deeds {
        let (folder, _) = place();
        let path = folder.path().join("folder/sessions.db");
        let store = open(&path);
        let key = fresh_key();
        let version = create(&store, key, record(1)).await;
        store.ping().await.expect("it is there");
        do_it(&path).expect(deed);
        let gone = "was moved, replaced or deleted; restart";
        let refused = |result: Result<(), StoreError>| {
            let why = refusal(result);
            assert!(why.contains(gone), "{deed}: {why}");
        };
        refused(store.put(&Write::replace(key, record(2), version)).await.map(drop));
        refused(store.put(&Write::create(fresh_key(), record(2))).await.map(drop));
        let both = [Write::create(fresh_key(), record(2)), Write::replace(key, record(2), version)];
        refused(store.put_both(&both[0], &both[1]).await.map(drop));
        refused(store.delete(&key, version).await);
        refused(store.get(&key).await.map(drop));
        refused(store.ping().await);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_to_the_file_works() {
    let (folder, path) = place();
    let link = folder.path().join("link.db");
    drop(open(&path));
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    let store = open(&link);
    let key = fresh_key();
    create(&store, key, record(1)).await;
    assert!(get(&open(&path), &key).await.is_some());
    std::fs::remove_file(path.with_extension("db-wal")).expect("a file");
    refusal(store.put(&Write::create(fresh_key(), record(2))).await);
}

#[tokio::test]
async fn a_store_that_waits_for_the_disk_works() {
    let (_folder, path) = place();
    let options = SqliteOptions::default().synchronous(Synchronous::Full);
    exact_sessions::testing::contract(SqliteStore::open_with(&path, options).expect("a store")).await;
}
