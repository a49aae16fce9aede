//! The sessions of an application: the crate's main type.

use std::{any::Any, convert::Infallible, fmt, future::Future, sync::Arc};

use futures::TryFutureExt as _;
use tracing::Instrument;

use crate::{
    Admission, ChangeError, Changed, DataError, DataProblem, Error, Keep, Meter, Record, Session, SessionData,
    SessionId, SessionKey, Settings, SignIn, UserSession,
    admin::Admin,
    builder::SessionsBuilder,
    engine::{Applied, Beginning, Budget, Change, Created, Detach, Engine, Read, Refusable, Replacement, Total, Value},
    metrics,
    record::{SignedIn, Terms},
    store::{Store, Write},
};

/// How many bytes the name of a user may have, and the label of a session. Firestore's index compares no more.
pub const USER_LENGTH: usize = 1_500;

/// The sessions of an application, kept in a [`Store`]. Clones share everything; make one at start.
///
/// Every change is a function from the data to new data, applied by optimistic concurrency: read, change, write if the
/// record is still the same, else again. So the function may run several times, on a copy each time, and only the run
/// that is written counts. It must not wait for anything: other changes of the same session wait for it.
///
/// Changes of one session that wait at the same time are done by one write. Each caller gets the session as it was
/// after its own change, which may be a state that the store never held alone.
///
/// Work that was begun is finished even if its future is dropped, by a task of its own, as long as the runtime runs. (A
/// future that is neither polled nor dropped keeps its session's turn on this instance: others wait until their
/// deadline.)
///
/// | | creates a session | gives it more time | writes | round trips |
/// |---|---|---|---|---|
/// | [`read`](Self::read) | no | no; in an axum app the handle does, when it's due | no | 1 |
/// | [`touch`](Self::touch) | no | when it's due | when it's due | 1; 2 when it's due |
/// | [`update`](Self::update) | no | when it's due | if data or times change | warm 1, cold 2; cold and unchanged 1 |
/// | [`upsert`](Self::upsert) | if there's none | when it's due | as above; a new one always | as above; a new one 1 |
/// | [`sign_in`](Self::sign_in) | with a new id | yes | yes | warm 1, cold 2; without a session before it 1; by an id that was replaced 1 more for each time |
/// | [`sign_out_keeping`](Self::sign_out_keeping) | with a new id | yes | yes | warm 1, cold 2 |
/// | [`confirm`](Self::confirm) | with a new id | when it's due | if there's a user | warm 1, cold 2 |
/// | [`rotate`](Self::rotate) | with a new id | when it's due | yes | warm 1, cold 2 |
/// | [`delete`](Self::delete) | no | no | deletes | 2 |
///
/// Warm means that this instance was the last one to write the session, or has just read it.
pub struct Sessions<T> {
    pub(crate) engine: Arc<Engine<T>>,
    meter: Meter,
    admission: Admission,
}

impl<T: SessionData + Default> Sessions<T> {
    /// Sessions in this store, with the default [`Settings`]. A new session's data is the type's default.
    pub fn new(store: impl Store) -> Self {
        Self::builder(store, T::default).build()
    }
}

impl<T: SessionData> Sessions<T> {
    /// Sessions in this store. `new_data` makes the data of a new session, before its first change.
    pub fn builder(store: impl Store, new_data: impl Fn() -> T + Send + Sync + 'static) -> SessionsBuilder<T> {
        SessionsBuilder::new(Arc::new(store), Box::new(new_data))
    }

    pub(crate) fn of(engine: Engine<T>) -> Self {
        Self { engine: Arc::new(engine), meter: Meter::default(), admission: Admission::default() }
    }

    /// Reads a session; `None` if there's none of this id, or of this key. That is no activity: the session ends when it
    /// would have ended, unless it's [touched](Self::touch).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read(&self, id: impl Into<SessionKey>) -> Result<Option<Session<T>>, Error> {
        Ok(self.read_with_renewal(id.into()).await?.map(|read| read.session))
    }

    pub(crate) async fn read_with_renewal(&self, key: SessionKey) -> Result<Option<Read<T>>, Error> {
        self.task(move |engine, budget| async move { engine.read(key, budget).await }).await
    }

    /// Reads a session and gives it more time, if that's due; `None` if there's none of this id, or of this key.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn touch(&self, id: impl Into<SessionKey>) -> Result<Option<Session<T>>, Error> {
        let Some(Read { mut session, renewal }) = self.read_with_renewal(id.into()).await? else { return Ok(None) };
        if let Some(renewal) = renewal {
            let expires_at = renewal.record.expires_at;
            if self.renew(renewal).await {
                session.expires_at = expires_at.unwrap_or(session.expires_at);
            }
        }
        Ok(Some(session))
    }

    /// Sends a renewal that a read has found to be due; and whether it was done. It may fail without harm.
    pub(crate) async fn renew(&self, renewal: Write) -> bool {
        let sent = self.task(move |engine, budget| async move { Ok(engine.renew(renewal, budget).await) });
        // A failure has been logged.
        sent.await.unwrap_or(false)
    }

    /// Changes a session; `None` if there's none of this id, or of this key, which is what jobs have: from
    /// [`of_user`](Self::of_user), say. Nothing is created.
    ///
    /// A change that changes nothing writes nothing. (A set that serde writes in any order, as a `HashSet`, looks changed
    /// each time; a `BTreeSet` does not.)
    ///
    /// # Errors
    /// See [`Error`]. Unless it says [`Outcome::Unknown`](crate::Outcome::Unknown), nothing was changed.
    pub async fn update<R: Send + 'static>(
        &self,
        id: impl Into<SessionKey>,
        change: impl FnOnce(&mut T) -> R + Clone + Send + 'static,
    ) -> Result<Option<Changed<T, R>>, Error> {
        never_refused(self.update_by(id.into(), Total(change)).await)
    }

    /// The same with a change that may refuse: its `Err` is returned, and nothing is changed. A refusal is of the
    /// session as it is stored, not of an older state that this instance remembers.
    ///
    /// # Errors
    /// [`ChangeError::Refused`] with the change's own error, or [`ChangeError::Failed`] as [`update`](Self::update).
    pub async fn try_update<R: Send + 'static, E: Send + 'static>(
        &self,
        id: impl Into<SessionKey>,
        change: impl FnOnce(&mut T) -> Result<R, E> + Clone + Send + 'static,
    ) -> Result<Option<Changed<T, R>>, ChangeError<E>> {
        self.update_by(id.into(), Refusable(change)).await
    }

    /// Changes the visitor's session, or makes a new one and changes that if there's none of this id: it was never
    /// made, has expired, or was deleted. An id that the visitor brought is never adopted for a new session.
    ///
    /// # Errors
    /// As [`update`](Self::update), and [`Error::NotAdmitted`].
    pub async fn upsert<R: Send + 'static>(
        &self,
        id: Option<SessionId>,
        change: impl FnOnce(&mut T) -> R + Clone + Send + 'static,
    ) -> Result<Changed<T, R>, Error> {
        never_refused(self.upsert_by(id, Total(change)).await)
    }

    /// The same with a change that may refuse: then no session is made, either.
    ///
    /// # Errors
    /// As [`try_update`](Self::try_update), and [`Error::NotAdmitted`].
    pub async fn try_upsert<R: Send + 'static, E: Send + 'static>(
        &self,
        id: Option<SessionId>,
        change: impl FnOnce(&mut T) -> Result<R, E> + Clone + Send + 'static,
    ) -> Result<Changed<T, R>, ChangeError<E>> {
        self.upsert_by(id, Refusable(change)).await
    }

    /// Signs a user in: gives the session a new id, binds the user to it, and makes the change, all in one. Makes a
    /// session if there's none of this id.
    ///
    /// The session begins now; what a guest has gathered moves along, and what another user has left behind does not.
    /// From the moment of the write the old id is worth nothing: no read, change or delete by it reaches the session,
    /// whatever fails or crashes. For the time of [`Settings::rotation_grace`] a request that comes with it gets
    /// [`Error::Superseded`], so that one that was under way does not put a new session's cookie over the new id.
    ///
    /// A client that never receives the new id, since its connection broke or its user clicked twice, signs in again by
    /// the old one. Within that time, a sign-in of the same user goes on with the session that the first one has made,
    /// under one more new id, and the first one's is worth nothing, too. If that session has been changed or ended
    /// since, or is another user's, the sign-in is [`Error::Superseded`]. After that time it begins with nothing. Of two
    /// at once, the id of the second is the session's: a client that hears of the first one last signs in once more.
    ///
    /// Where there was no session, one more may be left if the store's response to the first try was lost: it's listed
    /// among the user's sessions, and nobody has its id.
    ///
    /// # Errors
    /// As [`upsert`](Self::upsert). With [`Outcome::Unknown`](crate::Outcome::Unknown) the old session may be closed;
    /// nobody has the new id, and a further sign-in goes on with its session.
    pub async fn sign_in<R: Send + 'static>(
        &self,
        id: Option<SessionId>,
        who: SignIn,
        change: impl FnOnce(&mut T) -> R + Clone + Send + 'static,
    ) -> Result<Changed<T, R>, Error> {
        never_refused(self.sign_in_by(id, who, Total(change)).await)
    }

    /// The same with a change that may refuse: then nobody is signed in.
    ///
    /// # Errors
    /// As [`try_upsert`](Self::try_upsert) and [`sign_in`](Self::sign_in).
    pub async fn try_sign_in<R: Send + 'static, E: Send + 'static>(
        &self,
        id: Option<SessionId>,
        who: SignIn,
        change: impl FnOnce(&mut T) -> Result<R, E> + Clone + Send + 'static,
    ) -> Result<Changed<T, R>, ChangeError<E>> {
        self.sign_in_by(id, who, Refusable(change)).await
    }

    /// Signs the user out and goes on with a guest's session, which has a new id and what `keep` makes of the data:
    /// preferences, say. `None` if there's no session of this id. To keep nothing, [`delete`](Self::delete) it.
    ///
    /// # Errors
    /// As [`update`](Self::update). With [`Outcome::Unknown`](crate::Outcome::Unknown) the session may be closed; nobody
    /// has the new id.
    pub async fn sign_out_keeping(
        &self,
        id: SessionId,
        mut keep: impl FnOnce(T) -> T + Clone + Send + 'static,
    ) -> Result<Option<Changed<T>>, Error> {
        let done =
            self.task(move |engine, budget| async move { engine.sign_out_keeping(id.key(), &mut keep, budget).await });
        Ok(done.await?.map(replaced))
    }

    /// Notes that the signed-in user has just proved again who they are, so that the session is
    /// [fresh](Session::fresh). As at a sign-in, the session gets a new id and the old one is worth nothing. `None`, and
    /// nothing is changed, if there's no session of this id or nobody is signed in.
    ///
    /// # Errors
    /// As [`sign_out_keeping`](Self::sign_out_keeping); but a further sign-in goes on with the session.
    pub async fn confirm(&self, id: SessionId) -> Result<Option<Changed<T>>, Error> {
        let done = self.task(move |engine, budget| async move { engine.confirm(id.key(), budget).await });
        Ok(done.await?.map(replaced))
    }

    /// Ends a session. A change in flight does not bring it back, on whatever instance: it finds the session gone.
    ///
    /// # Errors
    /// See [`Error`]; after any but [`Error::Superseded`] the session may or may not be there.
    pub async fn delete(&self, id: impl Into<SessionKey>) -> Result<(), Error> {
        let key = id.into();
        self.task(move |engine, budget| async move { engine.delete(key, budget).await }).await
    }

    /// Gives a session a new id and changes nothing else; `None` if there's none of this id.
    ///
    /// For the time of [`Settings::rotation_grace`] the old id still leads to the session, so that requests sent before
    /// the response arrived are not lost; then it is unknown. So this is for new ids now and then, and **not for a
    /// change of privilege**: everybody who knows the old id has the session until the grace ends. To sign in or out, use
    /// [`sign_in`](Self::sign_in) and [`sign_out_keeping`](Self::sign_out_keeping).
    ///
    /// A client that never receives the new id loses its session when the grace ends. Within the grace a further
    /// rotation by the old id changes nothing, so that a doubled request can't put a visitor's cookie on an id that is
    /// about to end.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn rotate(&self, id: SessionId) -> Result<Option<Changed<T>>, Error> {
        let done = self.task(move |engine, mut budget| async move {
            Ok(match engine.rotate(id.key(), &mut budget).await? {
                Replacement::Done { id, session, .. } => Some((session, Some(id))),
                Replacement::Moved(_) => engine.read(id.key(), budget).await?.map(|read| (read.session, None)),
                Replacement::Closed(..) => return Err(Error::Superseded),
                Replacement::Gone | Replacement::Refused(_) => None,
            })
        });
        let changed =
            |(session, new_id): (_, Option<_>)| Changed { session, value: (), renewed: new_id.is_some(), new_id };
        Ok(done.await?.map(changed))
    }

    /// The sessions in which this user is signed in.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn of_user(&self, user: &str) -> Result<Vec<UserSession>, Error> {
        let user = user.to_owned();
        let meter = self.meter.clone();
        self.task(move |engine, _budget| async move { engine.of_user(&user, &meter).await }).await
    }

    /// Ends one session of this user, and returns whether there was one of this key. A session of another user is left
    /// alone.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub async fn end_one_of_user(&self, user: &str, key: SessionKey) -> Result<bool, Error> {
        let user = user.to_owned();
        self.task(move |engine, budget| async move { engine.end_one_of_user(&user, key, budget).await }).await
    }

    /// Ends all sessions of this user, but for the one of `spared`, and returns how many. Once this has returned, no
    /// session whose sign-in had returned before this began is there any more, on any instance, if the instances' clocks
    /// differ by less than two seconds. One whose sign-in comes while this runs may be ended, too, also if that is a
    /// confirmation of the one that is spared.
    ///
    /// # Errors
    /// As [`delete`](Self::delete); some may have been ended.
    pub async fn end_all_of_user(&self, user: &str, spared: Option<SessionKey>) -> Result<u64, Error> {
        let user = user.to_owned();
        let meter = self.meter.clone();
        self.task(move |engine, _budget| async move { engine.end_all_of_user(&user, spared, &meter).await }).await
    }

    /// Looks after these sessions from outside of requests: see [`admin`](crate::admin).
    #[must_use]
    pub fn admin(&self) -> Admin {
        let engine = Arc::clone(&self.engine);
        let upgrade = move |key: &_, record: &Record| {
            // One that was replaced has no data.
            if record.meta.replaced.is_some() { Ok(None) } else { engine.codec.upgrades.upgraded(key, record) }
        };
        Admin::with_upgrade(Arc::clone(&self.engine.store), self.engine.settings.store_timeout, Arc::new(upgrade))
    }

    /// Whether the store can be reached and used, within the deadline. It is called once.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Busy`] or [`Error::Misconfigured`].
    pub async fn ping(&self) -> Result<(), Error> {
        let result = self.budget().ping(self.engine.store.ping()).await;
        result.inspect_err(metrics::failed)
    }

    /// `false` once the store can't work again in this process, so that only a restart helps.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.engine.store.is_alive()
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.engine.settings
    }

    async fn update_by<R: Send + 'static, E: Send + 'static>(
        &self,
        key: SessionKey,
        mut change: impl Change<T> + 'static,
    ) -> Result<Option<Changed<T, R>>, ChangeError<E>> {
        let done =
            self.task(move |engine, mut budget| async move { engine.follow(key, &mut change, &mut budget).await });
        done.await?.map(|applied| typed(applied, None)).transpose()
    }

    async fn upsert_by<R: Send + 'static, E: Send + 'static>(
        &self,
        id: Option<SessionId>,
        mut change: impl Change<T> + 'static,
    ) -> Result<Changed<T, R>, ChangeError<E>> {
        let admission = self.admission.clone();
        let done = self.task(move |engine, mut budget| async move {
            if let Some(id) = id
                && let Some(applied) = engine.follow(id.key(), &mut change, &mut budget).await?
            {
                return Ok((applied, None));
            }
            Ok(created(engine.create(&mut change, Beginning::default(), &admission, &mut budget).await?))
        });
        let (applied, new_id) = done.await?;
        typed(applied, new_id)
    }

    async fn sign_in_by<R: Send + 'static, E: Send + 'static>(
        &self,
        id: Option<SessionId>,
        who: SignIn,
        mut change: impl Change<T> + 'static,
    ) -> Result<Changed<T, R>, ChangeError<E>> {
        let admission = self.admission.clone();
        let done = self.task(move |engine, budget| async move {
            let SignIn { user, label, keep } = who;
            if user.is_empty() {
                return Err(DataError::new(DataProblem::EmptyName).within("user").into());
            }
            for (part, text) in [("user", Some(&user)), ("label", label.as_ref())] {
                if text.is_some_and(|text| text.len() > USER_LENGTH) {
                    return Err(DataError::new(DataProblem::NameTooLong(USER_LENGTH)).within(part).into());
                }
            }
            let terms = match keep {
                Keep::Settings => Terms::default(),
                Keep::UntilBrowserCloses => Terms { until_browser_closes: true, ..Terms::default() },
                Keep::For { idle, lifetime } if idle.is_zero() || lifetime.is_zero() => {
                    return Err(DataError::new(DataProblem::NoTime).within("keep").into());
                }
                Keep::For { idle, lifetime } => {
                    Terms { idle: Some(idle), lifetime: Some(lifetime), ..Terms::default() }
                }
            };
            let signed_in = Some(SignedIn { user, label, at: engine.now() });
            let beginning = Beginning { signed_in, terms };
            let key = id.map(|id| id.key());
            Ok(created(engine.sign_in(key, beginning, &mut change, &admission, budget).await?))
        });
        let (applied, new_id) = done.await?;
        typed(applied, new_id)
    }

    fn budget(&self) -> Budget {
        self.engine.budget(&self.meter)
    }

    /// Runs the work, which goes on when the caller is dropped.
    async fn task<R, W>(&self, work: impl FnOnce(Arc<Engine<T>>, Budget) -> W) -> Result<R, Error>
    where
        R: Send + 'static,
        W: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let work = Box::pin(work(Arc::clone(&self.engine), self.budget()));
        Detach::new(work.inspect_err(metrics::failed).in_current_span()).await
    }
}

impl<T> Sessions<T> {
    /// The same sessions, whose cost is counted by this meter from now on.
    #[must_use]
    pub fn metered(&self, meter: &Meter) -> Self {
        Self { meter: meter.clone(), ..self.clone() }
    }

    /// The same sessions, of which new ones are made only if this admission says so, too.
    #[must_use]
    pub fn admitting(&self, admission: &Admission) -> Self {
        Self { admission: self.admission.and(admission), ..self.clone() }
    }
}

impl<T> Clone for Sessions<T> {
    fn clone(&self) -> Self {
        let Self { engine, meter, admission } = self;
        Self { engine: Arc::clone(engine), meter: meter.clone(), admission: admission.clone() }
    }
}

impl<T> fmt::Debug for Sessions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("settings", &self.engine.settings).finish_non_exhaustive()
    }
}

/// A change that was made or refused, and the id of the session that was made for it.
type Ended<T> = (Applied<T>, Option<SessionId>);

fn created<T>(created: Created<T>) -> Ended<T> {
    match created {
        Created::Done { id, session, value } => (Applied::Done { session, value, renewed: true }, Some(id)),
        Created::Refused(refusal) => (Applied::Refused(refusal), None),
    }
}

/// With the types of the change.
fn typed<T, R: 'static, E: 'static>(
    applied: Applied<T>,
    new_id: Option<SessionId>,
) -> Result<Changed<T, R>, ChangeError<E>> {
    match applied {
        Applied::Done { session, value, renewed } => Ok(Changed { session, value: downcast(value), new_id, renewed }),
        Applied::Refused(refusal) => Err(ChangeError::Refused(downcast(refusal))),
        // `follow` and `create` know no other ends.
        Applied::Gone | Applied::Moved(_) => Err(ChangeError::Failed(Error::Busy)),
    }
}

#[expect(clippy::panic, reason = "a change returns what its type says; another type is a bug of this crate")]
fn downcast<R: 'static>(value: Value) -> R {
    let Ok(value) = (value as Box<dyn Any>).downcast() else { panic!("a change returned a value of another type") };
    *value
}

fn never_refused<V>(result: Result<V, ChangeError<Infallible>>) -> Result<V, Error> {
    result.map_err(|error| match error {
        ChangeError::Failed(error) => error,
        ChangeError::Refused(never) => match never {},
    })
}

/// A session under a new id.
fn replaced<T>((id, session): (SessionId, Session<T>)) -> Changed<T> {
    Changed { session, value: (), new_id: Some(id), renewed: true }
}
