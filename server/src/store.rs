//! Opens the store that the settings name.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use sessions::store::{
    Store, StoreError,
    firestore::FirestoreStore,
    sqlite::{SqliteOptions, SqliteStore},
};

use crate::config::StoreLocation;

/// How often expired sessions are removed from an SQLite file. In Firestore the TTL policy removes them.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Opens the store and checks that it can be used.
///
/// # Errors
/// If the store refuses. A store that can't be reached is not an error: it may be up in a moment, and until then visitors
/// see a page that says so and `/readyz` responds with 503.
pub(crate) async fn open(location: &StoreLocation, timeout: Duration) -> anyhow::Result<Arc<dyn Store>> {
    let setting = || format!("SESSION_STORE: {}", describe(location));
    let store: Arc<dyn Store> = match location {
        StoreLocation::Sqlite(file) => {
            let path = file.path.clone();
            let options = SqliteOptions::default().synchronous(file.synchronous);
            // It waits for seconds if another process holds the file; a signal must be noticed meanwhile.
            let opened = tokio::task::spawn_blocking(move || SqliteStore::open_with(&path, options)).await?;
            let store = opened.map_err(|error| anyhow!("{error}")).with_context(setting)?;
            tokio::spawn(store.clone().keep_swept(SWEEP_INTERVAL));
            Arc::new(store)
        }
        StoreLocation::Firestore { config, .. } => Arc::new(FirestoreStore::new(config.clone())),
    };
    match tokio::time::timeout(timeout, store.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error @ StoreError::Refused(_))) => return Err(anyhow!("{error}")).with_context(setting),
        Ok(Err(error)) => {
            tracing::error!(%error, "{} is not there yet; visitors get 503 until it is", describe(location));
        }
        Err(_elapsed) => {
            tracing::error!("{} did not answer within {timeout:?}; visitors get 503 until it does", describe(location));
        }
    }
    Ok(store)
}

/// Opens the store that a server uses or used, and creates nothing.
pub(crate) fn open_existing(location: &StoreLocation) -> anyhow::Result<Arc<dyn Store>> {
    match location {
        StoreLocation::Sqlite(file) => {
            let store = SqliteStore::open_existing(&file.path).map_err(|error| anyhow!("{error}"));
            Ok(Arc::new(store.with_context(|| format!("SESSION_STORE: {}", describe(location)))?))
        }
        StoreLocation::Firestore { config, .. } => Ok(Arc::new(FirestoreStore::new(config.clone()))),
    }
}

/// Returns what visitors are shown of where the sessions are: the kind of store, not its location.
pub(crate) fn display_name(location: &StoreLocation) -> &'static str {
    match location {
        StoreLocation::Sqlite(_) => "SQLite",
        StoreLocation::Firestore { emulator: None, .. } => "Firestore",
        StoreLocation::Firestore { emulator: Some(_), .. } => "the Firestore emulator",
    }
}

/// Returns where the sessions are, for operators.
pub(crate) fn describe(location: &StoreLocation) -> String {
    match location {
        StoreLocation::Sqlite(file) => format!("the SQLite file {}", file.path.display()),
        StoreLocation::Firestore { config, emulator } => {
            let product = emulator
                .as_ref()
                .map_or_else(|| "Firestore".to_owned(), |at| format!("the Firestore emulator at {at}"));
            let project = config.project.as_deref().unwrap_or("detected");
            format!("{product} (project {project}, database {}, collection {})", config.database, config.collection)
        }
    }
}
