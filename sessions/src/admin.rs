//! Looking after the sessions of an app from outside its requests: for command lines and jobs.
//!
//! It works on what is stored, whatever type the application reads it as, beside any number of instances that
//! serve visitors meanwhile. Whatever changes or deletes is conditional, as the engine's own changes are: a
//! session that a visitor has renewed a moment ago is never deleted for having expired.
//!
//! ```
//! # use std::time::Duration;
//! # use exact_sessions::{Error, Sessions, Settings, admin::{Admin, Filter, State}, store::memory::MemoryStore};
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
pub use crate::data::field_names;
use crate::{
    Error, Meter, Record, SessionKey,
    engine::{Budget, Deletion, delete},
    metrics::Operation,
    store::{Store, Stored},
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
        self.budget().repeat(Operation::List, || self.store.list(after, limit)).await
    }

    /// The same for the sessions that may pass the filter: of one user, if it names one, by the store's index. Which of
    /// them pass is for [`Filter::passes`] to say.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn candidates(
        &self,
        filter: &Filter,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, Error> {
        match &filter.user {
            Some(user) => self.budget().repeat(Operation::List, || self.store.list_user(user, after, limit)).await,
            None => self.page(after, limit).await,
        }
    }

    /// What is stored under the key, expired or not.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, key: &SessionKey) -> Result<Option<Record>, Error> {
        let stored = self.budget().read(|| self.store.get(key)).await?;
        Ok(stored.map(|stored| stored.record))
    }

    /// Deletes a session in whatever state it is, with the one it was rotated to; and whether there was one.
    ///
    /// # Errors
    /// See [`Error`]. With [`Outcome::Unknown`](crate::Outcome::Unknown) it may have been deleted.
    pub async fn delete(&self, key: &SessionKey) -> Result<bool, Error> {
        let mut budget = self.budget();
        Ok(delete(&self.store, key, None, &|_any| true, true, &mut budget).await? == Deletion::Done)
    }

    /// Deletes all sessions that pass the filter, a page for each [`step`](Purge::step).
    #[must_use]
    pub fn purge(&self, filter: Filter) -> Purge<'_> {
        Purge::new(self, filter)
    }

    fn budget(&self) -> Budget {
        Budget::new(self.timeout, Meter::default())
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
