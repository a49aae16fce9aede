//! Opens the store that the settings name.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use sessions::store::{Store, StoreError, firestore::FirestoreStore, sqlite::SqliteStore};

use crate::config::StoreConfig;

/// How often expired sessions are removed from an SQLite file. Firestore's TTL policy does it by itself.
const SWEEP: Duration = Duration::from_secs(10 * 60);

/// Opens the store and checks that it can be used.
///
/// A store that refuses ends the start. One that can't be reached does not: it may be up in a moment, and
/// until then visitors see a page that says so and `/readyz` answers 503.
pub(crate) async fn open(config: &StoreConfig, timeout: Duration) -> anyhow::Result<Arc<dyn Store>> {
    let setting = || format!("SESSION_STORE: {}", describe(config));
    let store: Arc<dyn Store> = match config {
        StoreConfig::Sqlite(path) => {
            let store = SqliteStore::open(path).map_err(|error| anyhow!("{error}")).with_context(setting)?;
            tokio::spawn(store.clone().keep_swept(SWEEP));
            Arc::new(store)
        }
        StoreConfig::Firestore { config, .. } => Arc::new(FirestoreStore::new(config.clone())),
    };
    match tokio::time::timeout(timeout, store.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error @ StoreError::Refused(_))) => return Err(anyhow!("{error}")).with_context(setting),
        Ok(Err(error)) => {
            tracing::error!(%error, "{} is not there yet; visitors get 503 until it is", describe(config));
        }
        Err(_elapsed) => {
            tracing::error!("{} did not answer within {timeout:?}; visitors get 503 until it does", describe(config));
        }
    }
    Ok(store)
}

/// Opens the store of servers that run, or ran, and makes nothing that isn't there.
pub(crate) fn open_existing(config: &StoreConfig) -> anyhow::Result<Arc<dyn Store>> {
    match config {
        StoreConfig::Sqlite(path) => {
            let store = SqliteStore::open_existing(path).map_err(|error| anyhow!("{error}"));
            Ok(Arc::new(store.with_context(|| format!("SESSION_STORE: {}", describe(config)))?))
        }
        StoreConfig::Firestore { config, .. } => Ok(Arc::new(FirestoreStore::new(config.clone()))),
    }
}

/// Says for visitors where the sessions are: the kind of store, not the place.
pub(crate) fn name(config: &StoreConfig) -> &'static str {
    match config {
        StoreConfig::Sqlite(_) => "SQLite",
        StoreConfig::Firestore { emulator: None, .. } => "Firestore",
        StoreConfig::Firestore { emulator: Some(_), .. } => "the Firestore emulator",
    }
}

/// Says for operators where the sessions are.
pub(crate) fn describe(config: &StoreConfig) -> String {
    match config {
        StoreConfig::Sqlite(path) => format!("the SQLite file {}", path.display()),
        StoreConfig::Firestore { config, emulator } => {
            let place = emulator
                .as_ref()
                .map_or_else(|| "Firestore".to_owned(), |at| format!("the Firestore emulator at {at}"));
            let project = config.project.as_deref().unwrap_or("detected");
            format!("{place} (project {project}, database {}, collection {})", config.database, config.collection)
        }
    }
}
