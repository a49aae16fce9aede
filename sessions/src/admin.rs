//! Looking after the sessions of an app from outside its requests: for command lines and jobs.
//!
//! It works on what is stored, whatever type the application reads it as, beside any number of instances that
//! serve visitors meanwhile. Whatever changes or deletes is conditional, as the engine's own changes are: a
//! session that a visitor has renewed a moment ago is never deleted for having expired.
//!
//! ```
//! # use std::time::Duration;
//! # use sessions::{Error, Sessions, Settings, admin::{Admin, Filter, State}, store::memory::MemoryStore};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! # let store = MemoryStore::default();
//! let admin = Admin::new(store, Duration::from_secs(2));
//!
//! // Look at all of them, one page at a time.
//! let mut after = None;
//! loop {
//!     let page = admin.page(after.as_ref(), 100).await?;
//!     let Some((last, _)) = page.last() else { break };
//!     after = Some(*last);
//!     for (key, stored) in &page {
//!         println!("{key}: {:?}", stored.record.data);
//!     }
//! }
//!
//! // Delete those that have expired.
//! let mut purge = admin.purge(Filter { state: Some(State::Expired), ..Filter::default() });
//! while purge.step().await? {
//!     println!("{} of {} so far", purge.deleted(), purge.seen());
//! }
//! # Ok(()) }
//! ```

mod filter;
mod purge;
mod update;

use std::{fmt, sync::Arc, time::Duration};

pub use self::{
    filter::{Filter, State},
    purge::Purge,
};
use crate::{
    Error, Meter, Record, SessionKey,
    engine::attempts::Attempts,
    metrics::{Found, Operation},
    store::{Store, StoreError, Stored},
};

/// The sessions in a store, to look at and to look after.
pub struct Admin {
    store: Arc<dyn Store>,
    timeout: Duration,
}

impl Admin {
    /// Looks after the sessions in this store. `timeout` is the deadline for the work on one session or one
    /// page, retries included.
    pub fn new(store: impl Store, timeout: Duration) -> Self {
        Self { store: Arc::new(store), timeout }
    }

    /// The sessions whose keys come after `after`, in ascending order, at most `limit`. None is the end.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, Error> {
        self.attempts().repeat(Operation::List, || self.store.list(after, limit)).await
    }

    /// What is stored under the key, expired or not.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, key: &SessionKey) -> Result<Option<Record>, Error> {
        let stored = self.attempts().read(|| self.store.get(key)).await?;
        Ok(stored.map(|stored| stored.record))
    }

    /// Deletes a session in whatever state it is, with the one it was rotated to; and whether there was one.
    ///
    /// # Errors
    /// See [`Error`]. With [`Outcome::Unknown`](crate::Outcome::Unknown) it may have been deleted.
    pub async fn delete(&self, key: &SessionKey) -> Result<bool, Error> {
        let mut attempts = self.attempts();
        self.remove(key, None, &|_any| true, true, &mut attempts).await
    }

    /// Deletes all sessions that pass the filter, a page for each [`step`](Purge::step).
    #[must_use]
    pub fn purge(&self, filter: Filter) -> Purge<'_> {
        Purge::new(self, filter)
    }

    /// Deletes what is stored under the key for as long as it's `doomed`, and answers whether it did. `known` is
    /// what was read already. `follow`: first what it was rotated to.
    async fn remove(
        &self,
        key: &SessionKey,
        mut known: Option<Stored>,
        doomed: &(dyn Fn(&Record) -> bool + Sync),
        follow: bool,
        attempts: &mut Attempts,
    ) -> Result<bool, Error> {
        // The version that a delete was sent for whose answer was lost.
        let mut sent = None;
        loop {
            let stored = match known.take() {
                Some(stored) => stored,
                None => match attempts.read(|| self.store.get(key)).await? {
                    Some(stored) => stored,
                    None => {
                        attempts.resolved(Found::Gone);
                        return Ok(sent.is_some());
                    }
                },
            };
            if sent.is_some_and(|sent| sent != stored.version) {
                // It has changed since: that delete can't happen any more.
                attempts.resolved(Found::NotApplied);
                sent = None;
            }
            if !doomed(&stored.record) {
                return Ok(false);
            }
            if let Some(successor) = stored.record.successor.filter(|_| follow) {
                Box::pin(self.remove(&successor, None, doomed, false, attempts)).await?;
            }
            match attempts.call(Operation::Delete, self.store.delete(key, stored.version)).await {
                Ok(()) => {
                    attempts.resolved(Found::NotApplied);
                    return Ok(true);
                }
                Err(StoreError::Conflict) => attempts.conflict().await?,
                Err(error) => {
                    if matches!(error, StoreError::Unavailable(_)) {
                        (sent, attempts.in_doubt) = (Some(stored.version), true);
                    }
                    attempts.pause(error).await?;
                }
            }
        }
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(self.timeout, Meter::default())
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
