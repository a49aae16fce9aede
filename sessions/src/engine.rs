//! The engine: visit, update, rotate and delete sessions, each change applied exactly once.

pub(crate) mod attempts;
mod change;
mod data;
mod finished;
mod lifetime;
mod rotate;
mod settings;
mod visit;

use std::{fmt, future::Future, sync::Arc, time::SystemTime};

use serde::{Serialize, de::DeserializeOwned};
use tracing::Instrument;

use self::attempts::Attempts;
use self::finished::Finished;
pub use self::{
    lifetime::Lifetime,
    settings::{Admission, Clock, Settings},
};
use crate::{Error, Meter, SessionId, cache::Cache, metrics, queue::Queues, store::Store};

/// What an application keeps in a session: a struct that serialises to a JSON object.
///
/// Its field names must not be among [`RESERVED_FIELDS`](crate::record::RESERVED_FIELDS). Firestore stores no
/// list directly inside a list and no document of more than 1 MiB
/// (<https://cloud.google.com/firestore/quotas>); other stores don't mind.
pub trait SessionData: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> SessionData for T {}

/// The sessions of an application, kept in a [`Store`]. Clones share everything; make one at start.
///
/// Every change is a function from the data to new data, applied by optimistic concurrency: read, change,
/// write if nobody has written since, else again. So the function may run several times, and only its last
/// run counts. Work that was begun is finished even if its future is dropped, by a task of its own, as long as the runtime runs. (A future that is
/// neither polled nor dropped keeps its session's turn on this instance: others wait until their deadline.)
pub struct Sessions<T> {
    engine: Arc<Engine<T>>,
    meter: Meter,
}

struct Engine<T> {
    store: Arc<dyn Store>,
    fresh: Box<dyn Fn() -> T + Send + Sync>,
    settings: Settings,
    lifetime: Lifetime,
    clock: Clock,
    cache: Cache,
    queues: Arc<Queues>,
}

/// A change, possibly run several times.
type Change<T> = Box<dyn FnMut(&mut T) + Send>;

/// A session as it is after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<T> {
    /// The application's data.
    pub data: T,
    /// When the session began.
    pub created_at: SystemTime,
    /// When it ends unless it's viewed before.
    pub expires_at: SystemTime,
    /// When it ends however often it's viewed. Once `expires_at` has reached it, no view moves it any more.
    pub ends_at: SystemTime,
}

/// What a visit found or made.
#[derive(Clone, Debug)]
pub struct Visit<T> {
    /// The session after the change.
    pub session: Session<T>,
    /// A new id, which the visitor's cookie must now hold; `None` if the cookie stays as it is.
    pub new_id: Option<SessionId>,
    /// Whether the session was given more time. A cookie that lives shorter than the session is then set anew.
    pub renewed: bool,
}

impl<T: SessionData> Sessions<T> {
    /// Sessions in this store. `fresh` makes the data of a new session, before its first change.
    pub fn new(store: impl Store, settings: Settings, fresh: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::with_clock(store, settings, fresh, Arc::new(SystemTime::now))
    }

    /// The same, with a clock of the caller's.
    pub fn with_clock(
        store: impl Store,
        settings: Settings,
        fresh: impl Fn() -> T + Send + Sync + 'static,
        clock: Clock,
    ) -> Self {
        let engine = Engine {
            store: Arc::new(store),
            fresh: Box::new(fresh),
            lifetime: Lifetime { idle: settings.idle_timeout, absolute: settings.lifetime },
            cache: Cache::new(settings.cache_capacity, settings.cache_age),
            queues: Arc::default(),
            settings,
            clock,
        };
        Self { engine: Arc::new(engine), meter: Meter::default() }
    }

    /// Changes the visitor's session, or a new one if there's none of this id: it was never made, has
    /// expired, or was deleted. An id that the visitor brought is never adopted for a new session.
    ///
    /// Costs one round trip to the store for a new session and for one this instance has just seen, two
    /// for another.
    ///
    /// # Errors
    /// See [`Error`]. Unless it says [`Outcome::Unknown`](crate::Outcome::Unknown), nothing was changed.
    pub async fn visit(
        &self,
        id: Option<SessionId>,
        change: impl FnMut(&mut T) + Send + 'static,
    ) -> Result<Visit<T>, Error> {
        self.visit_if_admitted(id, &Admission::default(), change).await
    }

    /// The same, but a new session is made only if the admission says so.
    ///
    /// # Errors
    /// As [`visit`](Self::visit), and [`Error::NotAdmitted`].
    pub async fn visit_if_admitted(
        &self,
        id: Option<SessionId>,
        admission: &Admission,
        change: impl FnMut(&mut T) + Send + 'static,
    ) -> Result<Visit<T>, Error> {
        let admission = admission.clone();
        self.task(|engine, attempts| async move { engine.visit(id, &admission, Box::new(change), attempts).await })
            .await
    }

    /// Changes a session; `None` if there's none of this id. Nothing is created.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    pub async fn update(
        &self,
        id: SessionId,
        change: impl FnMut(&mut T) + Send + 'static,
    ) -> Result<Option<Session<T>>, Error> {
        self.task(move |engine, mut attempts| async move {
            let mut change: Change<T> = Box::new(change);
            let changed = engine.follow(id.key(), &mut change, &mut attempts).await?;
            Ok(changed.map(|(session, _renewed)| session))
        })
        .await
    }

    /// Reads a session without counting as a view of it; `None` if there's none of this id.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    pub async fn get(&self, id: SessionId) -> Result<Option<Session<T>>, Error> {
        self.task(move |engine, attempts| async move { engine.read(id.key(), attempts).await }).await
    }

    /// Ends a session. A change in flight does not bring it back, on whatever instance: it finds the
    /// session gone.
    ///
    /// # Errors
    /// As [`visit`](Self::visit); after any error the session may or may not be there.
    pub async fn delete(&self, id: SessionId) -> Result<(), Error> {
        self.task(move |engine, attempts| async move { engine.delete(id.key(), attempts).await }).await
    }

    /// Gives a session a new id, as an app does when a visitor signs in; `None` if there's none of this id.
    ///
    /// The data moves along. For the time of [`Settings::rotation_grace`] the old id still leads to the
    /// session, so that requests sent before the answer arrived are not lost; then it is unknown.
    /// A crash between the steps loses nothing: the old id works until the new one does. A client that never
    /// hears of its new id begins anew after the grace; were the old one good for longer, the rotation would
    /// protect nobody. Within the grace a further rotation by the old id changes nothing, so that a doubled
    /// request can't put a visitor's cookie on an id that is about to end.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    pub async fn rotate(&self, id: SessionId) -> Result<Option<Visit<T>>, Error> {
        self.task(move |engine, attempts| async move { engine.rotate(id.key(), attempts).await }).await
    }

    /// Whether the store can be reached and used, within the deadline. It is asked once.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Busy`] or [`Error::Misconfigured`].
    pub async fn ping(&self) -> Result<(), Error> {
        let result = self.attempts().ping(self.engine.store.ping()).await;
        result.inspect_err(metrics::failed)
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.engine.settings
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(self.engine.settings.store_timeout, self.meter.clone())
    }

    /// Runs the work, which goes on when the caller is dropped.
    async fn task<R, W>(&self, work: impl FnOnce(Arc<Engine<T>>, Attempts) -> W) -> Result<R, Error>
    where
        R: Send + 'static,
        W: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let work = work(Arc::clone(&self.engine), self.attempts());
        let counted = async { work.await.inspect_err(metrics::failed) };
        Finished::new(counted.in_current_span()).await
    }
}

impl<T> Sessions<T> {
    /// The same sessions, whose cost is counted by this meter from now on.
    #[must_use]
    pub fn metered(&self, meter: &Meter) -> Self {
        Self { engine: Arc::clone(&self.engine), meter: meter.clone() }
    }
}

impl<T> Clone for Sessions<T> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), meter: self.meter.clone() }
    }
}

impl<T> fmt::Debug for Sessions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("settings", &self.engine.settings).finish_non_exhaustive()
    }
}
