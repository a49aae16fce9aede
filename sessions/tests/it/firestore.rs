//! What is special about the Firestore store: documents that people edit, and connections that die. All of it runs on
//! the emulator that `FIRESTORE_EMULATOR_HOST` names.

mod connections;
mod documents;
mod proxy;

use exact_sessions::store::firestore::{
    FirestoreStore,
    firestore::{FirestoreDb, FirestoreDbOptions},
};

use crate::emulator;

/// Options for a project of its own on the emulator; `None`, said loudly, where there is no emulator.
fn emulated() -> Option<FirestoreDbOptions> {
    emulator::emulated("(default)")?;
    let project = format!("test-{:016x}", rand::random::<u64>());
    Some(FirestoreDbOptions::new(project).with_max_retries(0))
}

async fn connect(options: FirestoreDbOptions) -> FirestoreDb {
    FirestoreDb::with_options(options).await.expect("a connection")
}

#[tokio::test]
async fn the_store_works_on_a_client_of_the_application() {
    let Some(options) = emulated() else { return };
    let db = connect(options).await;
    exact_sessions::testing::contract(FirestoreStore::from_db(db, "carts")).await;
}
