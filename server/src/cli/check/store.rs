//! Whether the store works for everything that a server does with it, and is undamaged.

use std::{
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use sessions::{
    Record, SessionId,
    store::{Store, StoreError, Write, sqlite::SqliteStore},
};
use tokio::time::{sleep, timeout};

use super::CheckResult;
use crate::{
    config::StoreLocation,
    store::{describe, open_existing},
};

/// How long to wait for another server's write before the next attempt.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn check(location: &StoreLocation, time_limit: Duration) -> Vec<CheckResult> {
    let name = describe(location);
    if let StoreLocation::Sqlite(file) = location
        && !file.path.exists()
    {
        return vec![not_there_yet(&file.path, &name)];
    }
    let bad = |error: String| CheckResult::bad("store", format!("SESSION_STORE: {name}: {error}"));
    let store = match open_existing(location) {
        Ok(store) => store,
        Err(error) => return vec![CheckResult::bad("store", format!("{error:#}"))],
    };
    let mut results = vec![match use_once(&*store, time_limit).await {
        Ok(()) => CheckResult::ok("store", format!("{name} can be read and written")),
        Err(error) => bad(error),
    }];
    if let StoreLocation::Sqlite(file) = location {
        results.push(match damage(&file.path).await {
            Ok(damage) if damage.is_empty() => CheckResult::ok("store", format!("{name} is not damaged")),
            Ok(damage) => bad(format!("it is damaged: {}", damage.join("; "))),
            Err(error) => bad(format!("it could not be looked through: {error}")),
        });
    }
    results
}

fn not_there_yet(path: &Path, name: &str) -> CheckResult {
    let parents =
        path.ancestors().skip(1).map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    match parents.into_iter().find(|parent| parent.exists()) {
        Some(parent) if parent.is_dir() => {
            CheckResult::warning("store", format!("{name} is not there yet; a server makes it when it starts"))
        }
        Some(parent) => {
            CheckResult::bad("store", format!("SESSION_STORE: {name} can't be made: {} is no folder", parent.display()))
        }
        None => CheckResult::bad("store", format!("SESSION_STORE: {name} can't be made: no folder above it is there")),
    }
}

/// Does each thing that a server does, with a session that has expired already: no visitor can have it, and it is
/// cleaned up with the others if this process ends half-way.
async fn use_once(store: &dyn Store, time_limit: Duration) -> Result<(), String> {
    let key = SessionId::from_random_bytes(rand::random()).key();
    let probe = Record { created_at: Some(UNIX_EPOCH), expires_at: Some(UNIX_EPOCH), ..Record::default() };
    let write = Write::create(key, probe.clone());
    within(time_limit, "it can't be used", || store.ping()).await?;
    let version = within(time_limit, "it can't be written", || store.put(&write)).await?;
    let read = within(time_limit, "it can't be read", || store.get(&key)).await;
    let listed = within(time_limit, "it can't be listed", || store.list(None, 1)).await;
    within(time_limit, "nothing can be deleted in it", || store.delete(&key, version)).await?;
    match (read?, listed?.as_slice()) {
        (Some(stored), [_, ..]) if stored.record == probe => Ok(()),
        (read, listed) => Err(format!("what was written reads back as {read:?}, in a list of {}", listed.len())),
    }
}

/// Makes one call, and repeats it while it conflicts with the writes of servers.
async fn within<R, C>(time_limit: Duration, what: &str, mut call: impl FnMut() -> C) -> Result<R, String>
where
    C: Future<Output = Result<R, StoreError>>,
{
    let done = async {
        loop {
            match call().await {
                Err(StoreError::Contended(_)) => sleep(PAUSE).await,
                result => return result,
            }
        }
    };
    match timeout(time_limit, done).await {
        Ok(result) => result.map_err(|error| format!("{what}: {error}")),
        Err(_elapsed) => Err(format!("{what}: no answer within {time_limit:?}")),
    }
}

/// Checks the whole file, however long that takes: a damaged page may be one that no request has read yet.
async fn damage(path: &Path) -> Result<Vec<String>, StoreError> {
    SqliteStore::open_existing(path)?.damage().await
}
