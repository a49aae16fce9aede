//! All stores keep the same contract. Firestore's runs on the emulator that `FIRESTORE_EMULATOR_HOST` names.

use exact_sessions::{
    store::{memory::MemoryStore, sqlite::SqliteStore},
    testing::contract,
};

use crate::emulator::emulated;

#[tokio::test]
async fn memory() {
    contract(MemoryStore::default()).await;
}

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    contract(SqliteStore::open(folder.path().join("new/folder/sessions.db")).expect("a store")).await;
}

#[tokio::test]
async fn firestore() {
    let Some(store) = emulated("(default)") else { return };
    contract(store).await;
}

#[tokio::test]
async fn firestore_named_database() {
    let Some(store) = emulated("other-db") else { return };
    contract(store).await;
}
