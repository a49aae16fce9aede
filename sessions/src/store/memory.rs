//! Sessions in this process's memory: for tests, and as the example of how to write a store.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{Condition, Store, StoreError, Stored, Version, Write};
use crate::SessionKey;

/// A store that lasts as long as the process and serves one instance only.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    sessions: BTreeMap<SessionKey, Stored>,
    /// Counts all writes, so a version never comes back, not even after a delete.
    writes: i128,
}

impl Rows {
    fn holds(&self, write: &Write) -> bool {
        match (write.condition, self.sessions.get(&write.key)) {
            (Condition::Absent, stored) => stored.is_none(),
            (Condition::Unchanged(version), stored) => stored.is_some_and(|stored| stored.version == version),
        }
    }

    fn apply(&mut self, write: &Write) -> Version {
        // A store may leave alone what is the same in both, so a writer must not be wrong on it.
        debug_assert!(
            write.before.as_ref().is_none_or(|before| self.sessions.get(&write.key) == Some(before)),
            "what a write says of the record before is so"
        );
        self.writes += 1;
        let version = Version(self.writes);
        // The record was read whole, and nobody has written since: what the write removes is not in it.
        self.sessions.insert(write.key, Stored { record: write.record.clone(), version });
        version
    }
}

impl MemoryStore {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Each change of the rows is a number of inserts or one remove, none of which panics half-way.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        Ok(self.rows().sessions.get(key).cloned())
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let mut rows = self.rows();
        if rows.holds(write) { Ok(rows.apply(write)) } else { Err(StoreError::Conflict) }
    }

    async fn put_both(&self, first: &Write, second: &Write) -> Result<[Version; 2], StoreError> {
        let mut rows = self.rows();
        if rows.holds(first) && rows.holds(second) {
            Ok([first, second].map(|write| rows.apply(write)))
        } else {
            Err(StoreError::Conflict)
        }
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if rows.sessions.get(key).is_none_or(|stored| stored.version != unchanged) {
            return Err(StoreError::Conflict);
        }
        rows.sessions.remove(key);
        Ok(())
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.rows();
        let page = rows.sessions.range((from, Bound::Unbounded)).take(limit);
        Ok(page.map(|(key, stored)| (*key, stored.clone())).collect())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
