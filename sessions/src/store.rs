//! The port to a store: a handful of verbs, each write of them conditional.

use std::{error::Error as StdError, fmt, sync::Arc};

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::{Record, SessionKey};

#[cfg(feature = "firestore")]
pub mod firestore;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

/// A place that keeps sessions.
///
/// All the engine needs of it is one atomic operation, [`put`](Self::put): write this record, but only if nobody has
/// changed it since. Everything else (retries, expiry, lost responses, queues) is built on that.
/// [`MemoryStore`](memory::MemoryStore) is the example of how to write one, and `testing::contract` (feature
/// `testing`) the tests that each must pass.
///
/// A store does each operation once, without retrying, and classifies its failures as [`StoreError`] says. It has no
/// time limit of its own to keep: the engine drops the future of an operation that takes too long, after which the
/// operation may happen or not.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// What is stored under the key, expired or not, with its version.
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError>;

    /// Does the write if its condition holds, and returns the record's new version; [`StoreError::Conflict`] if it
    /// does not hold. Stored fields that the write neither has nor removes stay as they are.
    async fn put(&self, write: &Write) -> Result<Version, StoreError>;

    /// Does both writes if both conditions hold, and returns both new versions in their order;
    /// [`StoreError::Conflict`] if one does not hold, and then neither is done. The engine uses it to give a session
    /// a new id: `first` creates the record of the new id, `second` closes that of the old one.
    ///
    /// A store with transactions does both in one. This default does them one after the other: a failure in between
    /// leaves `first` behind, under an id that no client has, until it expires.
    async fn put_both(&self, first: &Write, second: &Write) -> Result<[Version; 2], StoreError> {
        let created = self.put(first).await?;
        match self.put(second).await {
            Ok(closed) => Ok([created, closed]),
            Err(error) => {
                if !matches!(error, StoreError::Unavailable(_)) {
                    // If this fails, too, the record expires, and no client has its id.
                    let _ = self.delete(&first.key, created).await;
                }
                Err(error)
            }
        }
    }

    /// Removes what is stored under the key if it still has this version; [`StoreError::Conflict`] if it has
    /// another one, or if there's nothing.
    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError>;

    /// The sessions whose keys come after `after` in ascending order, at most `limit`.
    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError>;

    /// The sessions among them whose [`Meta::user`](crate::record::Meta::user) is this one. It must see every write
    /// that was acknowledged before it began.
    ///
    /// A store with an index uses it. This default looks at all sessions, within the time of one call (half of what is
    /// left of [`Settings::store_timeout`](crate::Settings::store_timeout)): it is for stores that can list all they have
    /// in that time. With more sessions than that, the verbs for a user's sessions fail.
    async fn list_user(
        &self,
        user: &str,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let mut found = Vec::new();
        let mut after = after.copied();
        while found.len() < limit {
            let page = self.list(after.as_ref(), 256).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            found.extend(page.into_iter().filter(|(_, stored)| stored.record.meta.user() == Some(user)));
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Whether the store can be reached and used.
    async fn ping(&self) -> Result<(), StoreError>;

    /// `false` once the store can't work again in this process, because a thread of its own has died, say: only a
    /// restart helps then.
    fn is_alive(&self) -> bool {
        true
    }
}

/// A conditional write.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Write {
    /// Under which key.
    pub key: SessionKey,
    /// What is to be stored there.
    pub record: Record,
    /// The names of stored fields that are to be gone afterwards. None of them is in the record.
    pub removed: Vec<String>,
    /// What must hold.
    pub condition: Condition,
    /// What is stored there if the condition holds, where the writer knows it. A store may leave alone what is the same
    /// in both records (-0.0 and 0.0 are not), as Firestore's does. A store that changes the record before it passes the
    /// write on has to change this one alike, or to set it to `None`.
    pub before: Option<Arc<Stored>>,
}

impl Write {
    /// The write of a record that isn't there yet.
    #[must_use]
    pub fn create(key: SessionKey, record: Record) -> Self {
        Self { key, record, removed: Vec::new(), condition: Condition::Absent, before: None }
    }

    /// The write of a record in the place of the one that has this version.
    #[must_use]
    pub fn replace(key: SessionKey, record: Record, unchanged: Version) -> Self {
        Self { key, record, removed: Vec::new(), condition: Condition::Unchanged(unchanged), before: None }
    }
}

/// A record and the version it was read at.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What was stored.
    pub record: Record,
    /// Which state of it this is.
    pub version: Version,
}

/// Which state of a record somebody saw. It changes with every write that changes anything, whichever program makes it,
/// and no two states of one key ever share it. (A write of the engine always changes something: it adds a revision.
/// Firestore leaves the `update_time` as it is when a write changes nothing.) The number means something to its own
/// store only.
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
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// A [`Cause`] of an error, or of a text: `cause("no such item")`.
#[must_use]
pub fn cause(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Cause {
    Arc::from(error.into())
}

/// How a store operation failed, by what the caller can do about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The condition did not hold. Nothing was written.
    Conflict,
    /// Others are in the way (an aborted commit, a locked file). Nothing was written; try again.
    Contended(Cause),
    /// The store could not be reached, and nothing was sent: no connection could be opened, say. Try again.
    Unreachable(Cause),
    /// The store did not respond, or the connection broke. A write may have been applied or not.
    Unavailable(Cause),
    /// The store refuses: no permission, no such database, a damaged file. Trying again does not help.
    Refused(Cause),
    /// The store can't keep this record, for what is in it. Nothing was written; other records are not affected.
    Invalid(Cause),
}

impl StoreError {
    /// A [`Contended`](Self::Contended) for this reason, an error or a text.
    pub fn contended(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Contended(cause(why))
    }

    /// An [`Unreachable`](Self::Unreachable) for this reason, an error or a text.
    pub fn unreachable(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unreachable(cause(why))
    }

    /// An [`Unavailable`](Self::Unavailable) for this reason, an error or a text.
    pub fn unavailable(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(cause(why))
    }

    /// A [`Refused`](Self::Refused) for this reason, an error or a text.
    pub fn refused(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Refused(cause(why))
    }

    /// An [`Invalid`](Self::Invalid) for this reason, an error or a text.
    pub fn invalid(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Invalid(cause(why))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("the record has changed since it was read"),
            Self::Contended(cause) => write!(f, "others are writing: {cause}"),
            Self::Unreachable(cause) => write!(f, "the store can't be reached: {cause}"),
            Self::Unavailable(cause) => write!(f, "the store does not respond: {cause}"),
            Self::Refused(cause) => write!(f, "the store refuses: {cause}"),
            Self::Invalid(cause) => write!(f, "the store can't keep this record: {cause}"),
        }
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Conflict => None,
            Self::Contended(cause)
            | Self::Unreachable(cause)
            | Self::Unavailable(cause)
            | Self::Refused(cause)
            | Self::Invalid(cause) => Some(&**cause),
        }
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    // These two are for each change of a session. As an `async fn`, each `Arc` on the way to the store would put the
    // future of the store into one more box.
    fn get<'life0, 'life1, 'async_trait>(
        &'life0 self,
        key: &'life1 SessionKey,
    ) -> BoxFuture<'async_trait, Result<Option<Stored>, StoreError>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        (**self).get(key)
    }

    fn put<'life0, 'life1, 'async_trait>(
        &'life0 self,
        write: &'life1 Write,
    ) -> BoxFuture<'async_trait, Result<Version, StoreError>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        (**self).put(write)
    }

    async fn put_both(&self, first: &Write, second: &Write) -> Result<[Version; 2], StoreError> {
        (**self).put_both(first, second).await
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        (**self).delete(key, unchanged).await
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        (**self).list(after, limit).await
    }

    async fn list_user(
        &self,
        user: &str,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        (**self).list_user(user, after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        (**self).ping().await
    }

    fn is_alive(&self) -> bool {
        (**self).is_alive()
    }
}
