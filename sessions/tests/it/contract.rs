//! All stores keep the same contract. Firestore's runs on the emulator that `FIRESTORE_EMULATOR_HOST` names.

use async_trait::async_trait;
use exact_sessions::{
    SessionKey,
    store::{Condition, Store, StoreError, Stored, Version, Write, memory::MemoryStore, sqlite::SqliteStore},
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

/// A store that looks whether a condition holds, and then writes: each step is safe, and both together are not.
struct TwoSteps(MemoryStore);

#[async_trait]
impl Store for TwoSteps {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.0.get(key).await
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let Condition::Unchanged(version) = write.condition else { return self.0.put(write).await };
        if self.0.get(&write.key).await?.is_none_or(|stored| stored.version != version) {
            return Err(StoreError::Conflict);
        }
        loop {
            let Some(now) = self.0.get(&write.key).await? else { return Err(StoreError::Conflict) };
            let mut again = write.clone();
            again.condition = Condition::Unchanged(now.version);
            match self.0.put(&again).await {
                Err(StoreError::Conflict) => {}
                result => return result,
            }
        }
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        self.0.delete(key, unchanged).await
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.0.list(after, limit).await
    }

    async fn list_user(
        &self,
        user: &str,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.0.list_user(user, after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.ping().await
    }
}

#[tokio::test]
#[should_panic(expected = "every write that was acknowledged counts once")]
async fn a_store_that_checks_and_writes_in_two_steps_is_found_out() {
    contract(TwoSteps(MemoryStore::default())).await;
}
