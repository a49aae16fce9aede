//! The engine: every change of a session is applied exactly once. Private; [`Sessions`](crate::Sessions) is its face.

mod batch;
mod budget;
mod cache;
mod change;
mod create;
mod delete;
mod detach;
mod in_flight_write;
mod lifetime;
mod pace;
mod queue;
mod read;
mod replace;
mod transaction;
mod users;

use std::{sync::Arc, time::SystemTime};

pub(crate) use self::{
    batch::Applied,
    budget::Budget,
    change::{Change, Refusable, Total, Value},
    create::{Beginning, Created},
    delete::{Deletion, delete},
    detach::Detach,
    read::Read,
    replace::Replacement,
    transaction::{Base, End, Next, Plan, replacing, transact},
};
use self::{batch::Job, cache::Cache, lifetime::Lifetime, pace::Pace, queue::Queues};
use crate::{
    Clock, Error, Meter, Record, Session, SessionData, SessionKey, Settings,
    data::Codec,
    engine::lifetime::{Times, to_microseconds},
    session::User,
    store::Store,
};

/// What all clones of a [`Sessions`](crate::Sessions) share.
pub(crate) struct Engine<T> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) codec: Codec<T>,
    pub(crate) settings: Settings,
    lifetime: Lifetime,
    clock: Clock,
    cache: Cache,
    queues: Arc<Queues<Job<T>>>,
    pace: Arc<Pace>,
}

impl<T: SessionData> Engine<T> {
    pub(crate) fn new(store: Arc<dyn Store>, codec: Codec<T>, settings: Settings, clock: Clock) -> Self {
        Self {
            store,
            codec,
            lifetime: Lifetime::new(&settings),
            cache: Cache::new(settings.cache_bytes, settings.cache_age),
            queues: Arc::default(),
            pace: Arc::new(Pace::new(settings.store_timeout)),
            settings,
            clock,
        }
    }

    /// What one request may cost.
    pub(crate) fn budget(&self, meter: &Meter) -> Budget {
        Budget::with_pace(self.settings.store_timeout, meter.clone(), Arc::clone(&self.pace))
    }

    /// Applies a change to the session of this key, or to the one it was rotated to; `None` if there's none.
    pub(crate) async fn follow(
        self: &Arc<Self>,
        key: SessionKey,
        change: &mut dyn Change<T>,
        budget: &mut Budget,
    ) -> Result<Option<Applied<T>>, Error> {
        let successor = match self.apply(key, change, budget).await? {
            Applied::Gone => return Ok(None),
            Applied::Moved(successor) => successor,
            applied => return Ok(Some(applied)),
        };
        budget.begin()?;
        match self.apply(successor, change, budget).await? {
            // The cookie is not the session's any more, so it's not renewed with it.
            Applied::Done { session, value, .. } => Ok(Some(Applied::Done { session, value, renewed: false })),
            refused @ Applied::Refused(_) => Ok(Some(refused)),
            // An id leads to its successor only: one that is two rotations behind has been replaced.
            Applied::Gone | Applied::Moved(_) => Ok(None),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        to_microseconds((self.clock)())
    }

    /// The session of this record, which has these times, as it is now.
    fn session(&self, key: SessionKey, record: &Record, times: Times, now: SystemTime, data: T) -> Session<T> {
        let Times { created_at, expires_at, .. } = times;
        let user = record.meta.signed_in.as_ref().map(User::from);
        let ends_at = self.lifetime.last_end(record, created_at, expires_at);
        let until_browser_closes = record.meta.terms.until_browser_closes;
        Session { data, key, created_at, expires_at, ends_at, user, until_browser_closes, as_of: now }
    }
}
