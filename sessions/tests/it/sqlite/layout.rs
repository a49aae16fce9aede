//! Files of earlier versions of the crate, and of later ones.

use std::path::Path;

use exact_sessions::{
    SessionKey,
    record::Meta,
    store::{Store, Stored, sqlite::SqliteStore},
    testing::contract::{fresh_key, record},
};
use serde_json::json;

use super::{by_hand, connect, create, get, open, place, refusal};

/// The tables of all earlier versions: rows in their index, rows beside an index of their ids, rows by number.
const EARLIER: [(&str, &str); 3] = [
    ("id TEXT PRIMARY KEY,", "STRICT, WITHOUT ROWID"),
    ("id TEXT PRIMARY KEY NOT NULL,", "STRICT"),
    ("number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,", "STRICT"),
];

fn create_earlier(path: &Path, (keys, kind): (&str, &str)) {
    let by = if keys.starts_with("number") { "number" } else { "id" };
    connect(path)
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE IF NOT EXISTS sessions (
                 {keys}
                 data       TEXT NOT NULL,
                 created_at TEXT,
                 expires_at TEXT,
                 revisions  TEXT NOT NULL DEFAULT '',
                 successor  TEXT,
                 version    INTEGER NOT NULL DEFAULT (random())
             ) {kind};
             CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires_at);
             CREATE TRIGGER IF NOT EXISTS sessions_edited AFTER UPDATE ON sessions
             WHEN NEW.version = OLD.version
             BEGIN
                 UPDATE sessions SET version = random() WHERE {by} = NEW.{by};
             END;"
        ))
        .expect("an earlier layout");
}

/// A session of an earlier version, and what it is now.
fn insert_earlier(path: &Path, n: u64, successor: Option<SessionKey>) -> (SessionKey, Meta) {
    let key = fresh_key();
    connect(path)
        .execute(
            "INSERT INTO sessions (id, data, created_at, expires_at, revisions, successor) VALUES
             (?1, ?2, '2026-11-22T20:00:00.000001Z', '2027-01-01T00:00:00.000000Z', ?3, ?4)",
            (
                key.to_string(),
                json!({ "n": n }).to_string(),
                "00000000000000ff 0123456789abcdef",
                successor.map(|key| key.to_string()),
            ),
        )
        .expect("a row");
    let successor = successor.map(|key| key.to_string());
    (key, Meta::of_first_layout(["00000000000000ff", "0123456789abcdef"], successor.as_deref()))
}

fn user_version(path: &Path) -> i64 {
    connect(path).pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

#[tokio::test]
async fn the_layouts_of_all_earlier_versions_are_migrated() {
    for layout in EARLIER {
        let (_folder, path) = place();
        create_earlier(&path, layout);
        let sessions: Vec<_> = (0..50).map(|n| insert_earlier(&path, n, (n % 5 == 0).then(fresh_key))).collect();
        by_hand(&path, "INSERT INTO sessions (id, data, expires_at) VALUES ('by hand', 'no json', 'soon')");

        let store = open(&path);
        for (n, (key, meta)) in sessions.iter().enumerate() {
            let Stored { record: found, .. } = get(&store, key).await.expect("it was kept");
            assert_eq!(found.data, record(n as u64).data);
            assert_eq!(found.meta, *meta);
            let time = |text| Some(humantime::parse_rfc3339(text).expect("a time"));
            assert_eq!(found.created_at, time("2026-11-22T20:00:00.000001Z"));
            assert_eq!(found.expires_at, time("2027-01-01T00:00:00Z"));
        }
        let left = "SELECT count(*) FROM sessions WHERE id = 'by hand' AND data = 'no json' AND expires_at = 'soon'";
        assert_eq!(connect(&path).query_row(left, [], |row| row.get(0)), Ok(1), "what is no session stays, too");
        assert_eq!(user_version(&path), 2);
        let schema = "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name)";
        let schema: String = connect(&path).query_row(schema, [], |row| row.get(0)).expect("a schema");
        assert_eq!(schema, "sessions sessions_by_expiry sessions_by_user sessions_edited");
        assert_eq!(store.damage().await.expect("a report"), [""; 0]);

        let version = get(&store, &sessions[0].0).await.map(|stored| stored.version);
        drop(store);
        assert_eq!(get(&open(&path), &sessions[0].0).await.map(|stored| stored.version), version, "once only");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_servers_that_start_at_once_migrate_once() {
    for layout in EARLIER {
        let (_folder, path) = place();
        create_earlier(&path, layout);
        let (key, _) = insert_earlier(&path, 1, None);
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let path = path.clone();
            opening.spawn_blocking(move || SqliteStore::open(path));
        }
        for opened in opening.join_all().await {
            let store = opened.expect("a store");
            assert_eq!(get(&store, &key).await.expect("it was kept").record.data, record(1).data);
        }
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let (_folder, path) = place();
    create_earlier(&path, EARLIER[2]);
    let (key, _) = insert_earlier(&path, 1, None);
    // It is in the way of the new index.
    by_hand(&path, "CREATE TABLE sessions_by_user (x)");
    refusal(SqliteStore::open(&path));
    let revisions = "SELECT revisions FROM sessions WHERE id = ?1";
    let kept: String = connect(&path).query_row(revisions, [key.to_string()], |row| row.get(0)).expect("a row");
    assert_eq!(kept, "00000000000000ff 0123456789abcdef");
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let (_folder, path) = place();
    let key = fresh_key();
    create(&open(&path), key, record(1)).await;
    by_hand(&path, "PRAGMA user_version = 3");
    for opened in [SqliteStore::open(&path), SqliteStore::open_existing(&path)] {
        let why = refusal(opened);
        assert!(why.contains("layout 3, of a newer version") && why.contains("up to 2"), "{why}");
    }
    assert_eq!(user_version(&path), 3, "it is left alone");
}

#[tokio::test]
async fn a_tool_does_not_migrate_a_file_under_a_running_server() {
    let (_folder, path) = place();
    create_earlier(&path, EARLIER[2]);
    let (key, _) = insert_earlier(&path, 1, None);
    let why = refusal(SqliteStore::open_existing(&path));
    assert!(why.contains("earlier version; start the server once"), "{why}");
    assert_eq!(user_version(&path), 0);
    let revisions = "SELECT revisions FROM sessions WHERE id = ?1";
    let kept: String = connect(&path).query_row(revisions, [key.to_string()], |row| row.get(0)).expect("a row");
    assert_eq!(kept, "00000000000000ff 0123456789abcdef");
}

#[tokio::test]
async fn the_table_of_an_earlier_version_is_migrated_beside_other_tables() {
    let (_folder, path) = place();
    create_earlier(&path, EARLIER[2]);
    let (key, _) = insert_earlier(&path, 1, None);
    let connection = connect(&path);
    connection.execute_batch("CREATE TABLE notes (text); PRAGMA user_version = 41").expect("other tables");
    let store = SqliteStore::from_connection(connection).expect("a store");
    assert!(get(&store, &key).await.is_some());
    assert_eq!(store.list(None, 9).await.expect("a list").len(), 1);
    assert_eq!(user_version(&path), 41);
}
