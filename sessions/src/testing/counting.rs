//! A store that counts its calls.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use crate::{
    SessionKey,
    store::{Store, StoreError, Stored, Version, Write},
};

/// Passes everything on to another store and counts it.
#[derive(Debug)]
pub struct Counting<S> {
    inner: S,
    counts: Arc<Counts>,
}

/// How often a store was called. Shared with the store that is counted, so it can be read at any time.
#[derive(Debug, Default)]
pub struct Counts {
    reads: AtomicU64,
    writes: AtomicU64,
    conflicts: AtomicU64,
}

impl<S> Counting<S> {
    /// Counts the calls to `inner`.
    pub fn new(inner: S) -> (Self, Arc<Counts>) {
        let counts = Arc::<Counts>::default();
        (Self { inner, counts: Arc::clone(&counts) }, counts)
    }
}

impl Counts {
    /// All round trips so far.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.reads.load(Ordering::SeqCst) + self.writes.load(Ordering::SeqCst)
    }

    /// Reads so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    /// Writes and deletes so far, refused ones included.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Writes that were refused, so far.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::SeqCst)
    }

    fn read(&self) {
        self.reads.fetch_add(1, Ordering::SeqCst);
    }

    fn written<R>(&self, result: &Result<R, StoreError>) {
        self.writes.fetch_add(1, Ordering::SeqCst);
        if matches!(result, Err(StoreError::Conflict)) {
            self.conflicts.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl<S: Store> Store for Counting<S> {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.counts.read();
        self.inner.get(key).await
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let result = self.inner.put(write).await;
        self.counts.written(&result);
        result
    }

    async fn put_both(&self, first: &Write, second: &Write) -> Result<[Version; 2], StoreError> {
        let result = self.inner.put_both(first, second).await;
        self.counts.written(&result);
        result
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let result = self.inner.delete(key, unchanged).await;
        self.counts.written(&result);
        result
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.counts.read();
        self.inner.list(after, limit).await
    }

    async fn list_user(
        &self,
        user: &str,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.counts.read();
        self.inner.list_user(user, after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.counts.read();
        self.inner.ping().await
    }

    fn is_alive(&self) -> bool {
        self.inner.is_alive()
    }
}
