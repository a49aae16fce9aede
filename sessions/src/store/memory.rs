//! Sessions in this process's memory: for tests, and as the example of how to write a store.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{Condition, Store, StoreError, Stored, Version};
use crate::{Record, SessionKey};

/// A store that lasts as long as the process and serves one instance only.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sessions: BTreeMap<SessionKey, Stored>,
    /// Counts all writes, so a version never comes back, not even after a delete.
    writes: i128,
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state below is a single insert or remove: a panic can't leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        Ok(self.state().sessions.get(key).cloned())
    }

    async fn put(&self, key: &SessionKey, record: &Record, condition: Condition) -> Result<Version, StoreError> {
        let mut state = self.state();
        let holds = match (condition, state.sessions.get(key)) {
            (Condition::Absent, stored) => stored.is_none(),
            (Condition::Unchanged(version), stored) => stored.is_some_and(|stored| stored.version == version),
        };
        if !holds {
            return Err(StoreError::Conflict);
        }
        state.writes += 1;
        let version = Version(state.writes);
        let record = record.clone();
        state.sessions.insert(*key, Stored { record, version });
        Ok(version)
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.sessions.get(key).is_none_or(|stored| stored.version != unchanged) {
            return Err(StoreError::Conflict);
        }
        state.sessions.remove(key);
        Ok(())
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let page = state.sessions.range((from, Bound::Unbounded)).take(limit);
        Ok(page.map(|(key, stored)| (*key, stored.clone())).collect())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
