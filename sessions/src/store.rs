//! The port to a store: five verbs, one of them conditional.

use std::{error::Error as StdError, fmt};

use async_trait::async_trait;

use crate::{Record, SessionKey};

#[cfg(feature = "firestore")]
pub mod firestore;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

/// A place that keeps sessions.
///
/// All the engine asks of it is one atomic operation, [`put`](Self::put): write this record, but only
/// if nobody has changed it since. Everything else (retries, expiry, lost answers, queues) is built on
/// that. [`MemoryStore`](memory::MemoryStore) is the example of how to write one, and
/// `sessions::testing::contract` (feature `testing`) the tests that each must pass.
///
/// A store does each operation once, without retrying, and classifies its failures as
/// [`StoreError`] says. It has no time limit of its own to keep: the engine drops the future of an
/// operation that takes too long, after which the operation may happen or not.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// What is stored under the key, expired or not, with its version.
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError>;

    /// Writes the record if the condition holds, and answers its new version; [`StoreError::Conflict`]
    /// if it does not hold. Fields that somebody else added to the session survive.
    async fn put(&self, key: &SessionKey, record: &Record, condition: Condition) -> Result<Version, StoreError>;

    /// Removes what is stored under the key if it still has this version; [`StoreError::Conflict`] if it has
    /// another one, or if there's nothing.
    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError>;

    /// The sessions whose keys come after `after` in ascending order, at most `limit`.
    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError>;

    /// Whether the store can be reached and used.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// A record and the version it was read at.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What was stored.
    pub record: Record,
    /// Which state of it this is.
    pub version: Version,
}

/// Which state of a record somebody saw. It changes with every write that changes anything, by whomever, and
/// no two states of one key ever share it. (A write of the engine always changes something: it adds a revision.
/// Firestore leaves the `update_time` as it is when a write changes nothing.) The number means something to its
/// own store only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub i128);

/// What must hold for a [`put`](Store::put) to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is stored under the key.
    Absent,
    /// What is stored still has this version.
    Unchanged(Version),
}

/// The reason behind a failure, for the log.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// How a store operation failed, by what the caller can do about it.
#[derive(Debug)]
pub enum StoreError {
    /// The condition did not hold. Nothing was written.
    Conflict,
    /// Others are in the way (an aborted commit, a locked file). Nothing was written; try again.
    Contended(Cause),
    /// The store could not be reached, or did not answer in time. A write may have been applied or not.
    Unavailable(Cause),
    /// The store refuses: no permission, no such database, a damaged file. Trying again does not help.
    Refused(Cause),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("the record has changed since it was read"),
            Self::Contended(cause) => write!(f, "others are writing: {cause}"),
            Self::Unavailable(cause) => write!(f, "the store does not answer: {cause}"),
            Self::Refused(cause) => write!(f, "the store refuses: {cause}"),
        }
    }
}

impl StdError for StoreError {}

#[async_trait]
impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        (**self).get(key).await
    }

    async fn put(&self, key: &SessionKey, record: &Record, condition: Condition) -> Result<Version, StoreError> {
        (**self).put(key, record, condition).await
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        (**self).delete(key, unchanged).await
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        (**self).list(after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        (**self).ping().await
    }
}
