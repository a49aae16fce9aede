//! Looking after the sessions of an app from outside its requests: for command lines and jobs.
//!
//! It works on what is stored, whatever type the application reads it as, beside any number of instances that
//! serve visitors meanwhile. Whatever changes or deletes is conditional, as the engine's own changes are: a
//! session that a visitor has renewed a moment ago is never deleted for having expired.
//!
//! ```
//! # use exact_sessions::{Error, Sessions, Settings, admin::{Filter, State}, store::memory::MemoryStore};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! # let store = MemoryStore::default();
//! # #[derive(Default, serde::Serialize, serde::Deserialize)]
//! # struct Cart {}
//! // `Admin::new(store, timeout)` needs no type.
//! let admin = Sessions::<Cart>::new(store).admin();
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
///
/// One of [`Sessions::admin`](crate::Sessions::admin) has data of an earlier version as the application reads it, and
/// leaves data of a later one alone. One of [`Admin::new`] has all data as it is stored.
pub struct Admin {
    store: Arc<dyn Store>,
    timeout: Duration,
    upgrade: Upgrade,
}

/// The record as the application's version has it; `None` if it has it so already.
type Upgrade = Arc<dyn Fn(&SessionKey, &Record) -> Result<Option<Record>, Error> + Send + Sync>;

type Rows = Vec<(SessionKey, Stored)>;

impl Admin {
    /// Looks after the sessions in this store. `timeout` is the deadline for the work on one session or one
    /// page, retries included.
    ///
    /// It knows nothing of versions: where the application's data has any, an [`update`](Self::update) must leave the
    /// fields of the version that the record has. [`Sessions::admin`](crate::Sessions::admin) sees to that.
    pub fn new(store: impl Store, timeout: Duration) -> Self {
        Self::with_upgrade(Arc::new(store), timeout, Arc::new(|_, _| Ok(None)))
    }

    pub(crate) fn with_upgrade(store: Arc<dyn Store>, timeout: Duration, upgrade: Upgrade) -> Self {
        Self { store, timeout, upgrade }
    }

    /// The sessions whose keys come after `after`, in ascending order, at most `limit`. None is the end.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, Error> {
        self.all_upgraded(self.stored(None, after, limit).await)
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
        self.all_upgraded(self.stored(filter.user.as_deref(), after, limit).await)
    }

    /// What is stored under the key, expired or not.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, key: &SessionKey) -> Result<Option<Record>, Error> {
        let stored = self.budget().read(|| self.store.get(key)).await?;
        Ok(stored.map(|stored| self.upgraded(key, stored).record))
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

    /// A page of all sessions, or of those of one user, as they are stored.
    async fn stored(&self, user: Option<&str>, after: Option<&SessionKey>, limit: usize) -> Result<Rows, Error> {
        let list = || match user {
            Some(user) => self.store.list_user(user, after, limit),
            None => self.store.list(after, limit),
        };
        self.budget().repeat(Operation::List, list).await
    }

    fn all_upgraded(&self, page: Result<Rows, Error>) -> Result<Rows, Error> {
        Ok(page?.into_iter().map(|(key, stored)| (key, self.upgraded(&key, stored))).collect())
    }

    /// As the application has it, or as it is stored where the application can't read it.
    fn upgraded(&self, key: &SessionKey, stored: Stored) -> Stored {
        match (self.upgrade)(key, &stored.record) {
            Ok(Some(record)) => Stored { record, ..stored },
            Ok(None) | Err(_) => stored,
        }
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
