//! Stores on the Firestore emulator.

use exact_sessions::store::firestore::{FirestoreConfig, FirestoreStore};

/// A store in a project of its own on the emulator; `None`, said loudly, where there is no emulator.
pub(crate) fn emulated(database: &str) -> Option<FirestoreStore> {
    if std::env::var_os("FIRESTORE_EMULATOR_HOST").is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI needs the Firestore emulator: FIRESTORE_EMULATOR_HOST is not set"
        );
        eprintln!("SKIPPED: FIRESTORE_EMULATOR_HOST is not set; run the tests with `make test`");
        return None;
    }
    let project = format!("test-{:016x}", rand::random::<u64>());
    Some(FirestoreStore::new(FirestoreConfig {
        project: Some(project),
        database: database.to_owned(),
        ..FirestoreConfig::default()
    }))
}
