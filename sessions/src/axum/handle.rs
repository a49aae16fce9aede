//! The visitor's session, as handlers use it.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex as Turn, MutexGuard},
    time::timeout,
};

use super::{
    Usage,
    state::{CookieChange, RequestState, Sealed},
};
use crate::{
    Admission, ChangeError, Changed, Error, Meter, Session, SessionData, SessionId, SessionKey, Sessions, SignIn,
    UserSession, cookie::CookiePolicy, engine::Detach, metrics, store::Write,
};

/// The visitor's session, in a handler. Clones are the same session.
///
/// All uses in one request take turns, and share one session, which is made when it's first needed. What was read or
/// changed once in a request is not read again. A use that was begun is finished, even if its future is dropped; others
/// of the request wait for it, so await it where it's begun. One that waits for those before it for longer than
/// [`Settings::store_timeout`](crate::Settings::store_timeout) is [`Error::Busy`]: they are slow, or neither polled nor
/// dropped.
///
/// Once the head of the response has been sent (in a body that streams, in a task that the handler spawned), a use that
/// needs a new cookie is [`Error::HeadSent`], and changes nothing.
///
/// A change holds though the handler then answers with an error: it is a transaction of its own.
pub struct SessionHandle<T>(pub(super) Arc<Shared<T>>);

pub(super) struct Shared<T> {
    sessions: Sessions<T>,
    pub(super) cookies: Arc<CookiePolicy>,
    /// Whether the request may begin a session: one that another site's page has sent may not, since its cookie would
    /// take the place of one that the browser kept back.
    may_begin: bool,
    /// One use at a time.
    turn: Turn<()>,
    state: RequestState<T>,
}

/// A session after a change, and what the change returned.
#[derive(Debug)]
#[non_exhaustive]
pub struct Used<T, R = ()> {
    /// The session as it is after this change.
    pub session: Arc<Session<T>>,
    /// What the change returned, in the run that was applied.
    pub value: R,
}

impl<T: SessionData> SessionHandle<T> {
    pub(super) fn new(
        sessions: &Sessions<T>,
        admission: Option<&Admission>,
        cookies: &Arc<CookiePolicy>,
        id: Option<SessionId>,
        may_begin: bool,
    ) -> Self {
        let meter = Meter::default();
        let mut sessions = sessions.metered(&meter);
        if let Some(admission) = admission {
            sessions = sessions.admitting(admission);
        }
        let cookies = Arc::clone(cookies);
        Self(Arc::new(Shared {
            sessions,
            cookies,
            may_begin,
            turn: Turn::default(),
            state: RequestState::new(id, meter),
        }))
    }

    /// The session; `None` if the visitor has none. It is read once in a request. That counts as activity: if it's due,
    /// the session is given more time after the response.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read(&self) -> Result<Option<Arc<Session<T>>>, Error> {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            if let Ok(known) = shared.state.known() {
                return Ok(known);
            }
            let Some(id) = shared.state.id() else { return shared.noted(Ok(None), |_| "absent") };
            let read = shared.sessions.read_with_renewal(id.key()).await;
            let read = shared.noted(read, |read| if read.is_some() { "read" } else { "absent" })?;
            let (session, renewal) = read.map(|read| (Arc::new(read.session), read.renewal)).unzip();
            shared.state.know(session.clone());
            if let Some(renewal) = renewal.flatten() {
                if let Some(session) = &session {
                    shared.renewed(session);
                }
                if let Some(renewal) = shared.state.renew_later(renewal) {
                    shared.sessions.renew(renewal).await;
                }
            }
            Ok(session)
        })
        .await
    }

    /// See [`Sessions::update`]; `None` if the visitor has no session.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn update<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut T) -> R + Clone + Send + 'static,
    ) -> Result<Option<Used<T, R>>, Error> {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            let updated = match shared.state.id() {
                Some(id) => shared.sessions.update(id, change).await,
                None => Ok(None),
            };
            let updated = shared.noted(updated, |updated| if updated.is_some() { "changed" } else { "absent" })?;
            Ok(updated.map(|changed| shared.used(changed)))
        })
        .await
    }

    /// See [`Sessions::try_update`]; `None` if the visitor has no session.
    ///
    /// # Errors
    /// See [`ChangeError`]; the cookie stays as it is.
    pub async fn try_update<R: Send + 'static, E: Send + 'static>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E> + Clone + Send + 'static,
    ) -> Result<Option<Used<T, R>>, ChangeError<E>> {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            let updated = match shared.state.id() {
                Some(id) => shared.sessions.try_update(id, change).await,
                None => Ok(None),
            };
            let updated = shared.tried(updated, |updated| if updated.is_some() { "changed" } else { "absent" })?;
            Ok(updated.map(|changed| shared.used(changed)))
        })
        .await
    }

    /// See [`Sessions::upsert`].
    ///
    /// # Errors
    /// See [`Error`], also [`Error::CrossSite`] and [`Error::HeadSent`] if there's no session yet; the cookie stays as
    /// it is.
    pub async fn upsert<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut T) -> R + Clone + Send + 'static,
    ) -> Result<Used<T, R>, Error> {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            let upserted = match (shared.state.id(), shared.may_set_cookie()) {
                (id, Ok(())) => shared.sessions.upsert(id, change).await,
                (Some(id), Err(error)) => shared.sessions.update(id, change).await.and_then(|found| found.ok_or(error)),
                (None, Err(error)) => Err(error),
            };
            Ok(shared.used(shared.noted(upserted, outcome)?))
        })
        .await
    }

    /// See [`Sessions::try_upsert`].
    ///
    /// # Errors
    /// See [`ChangeError`] and [`upsert`](Self::upsert); the cookie stays as it is.
    pub async fn try_upsert<R: Send + 'static, E: Send + 'static>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E> + Clone + Send + 'static,
    ) -> Result<Used<T, R>, ChangeError<E>> {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            let upserted = match (shared.state.id(), shared.may_set_cookie()) {
                (id, Ok(())) => shared.sessions.try_upsert(id, change).await,
                (Some(id), Err(error)) => {
                    let found = shared.sessions.try_update(id, change).await;
                    found.and_then(|found| found.ok_or(ChangeError::Failed(error)))
                }
                (None, Err(error)) => Err(ChangeError::Failed(error)),
            };
            Ok(shared.used(shared.tried(upserted, outcome)?))
        })
        .await
    }

    /// See [`Sessions::sign_in`].
    ///
    /// # Errors
    /// See [`Error`], also [`Error::CrossSite`] and [`Error::HeadSent`]; the cookie stays as it is.
    pub async fn sign_in<R: Send + 'static>(
        &self,
        who: SignIn,
        change: impl FnOnce(&mut T) -> R + Clone + Send + 'static,
    ) -> Result<Used<T, R>, Error> {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            let signed_in = match shared.may_set_cookie() {
                Ok(()) => shared.sessions.sign_in(shared.state.id(), who, change).await,
                Err(error) => Err(error),
            };
            Ok(shared.used(shared.noted(signed_in, |_| "signed_in")?))
        })
        .await
    }

    /// See [`Sessions::try_sign_in`].
    ///
    /// # Errors
    /// See [`ChangeError`] and [`sign_in`](Self::sign_in); the cookie stays as it is.
    pub async fn try_sign_in<R: Send + 'static, E: Send + 'static>(
        &self,
        who: SignIn,
        change: impl FnOnce(&mut T) -> Result<R, E> + Clone + Send + 'static,
    ) -> Result<Used<T, R>, ChangeError<E>> {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            let signed_in = match shared.may_set_cookie() {
                Ok(()) => shared.sessions.try_sign_in(shared.state.id(), who, change).await,
                Err(error) => Err(ChangeError::Failed(error)),
            };
            Ok(shared.used(shared.tried(signed_in, |_| "signed_in")?))
        })
        .await
    }

    /// Ends the visitor's session, if there's one, and removes the cookie: nothing is kept.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn sign_out(&self) -> Result<(), Error> {
        self.delete().await
    }

    /// See [`Sessions::sign_out_keeping`]; `None` if the visitor has no session.
    ///
    /// # Errors
    /// See [`Error`], also [`Error::CrossSite`] and [`Error::HeadSent`]; the cookie stays as it is.
    pub async fn sign_out_keeping(
        &self,
        keep: impl FnOnce(T) -> T + Clone + Send + 'static,
    ) -> Result<Option<Arc<Session<T>>>, Error> {
        self.replace("signed_out", move |sessions, id| async move { sessions.sign_out_keeping(id, keep).await }).await
    }

    /// See [`Sessions::confirm`]; `None` if the visitor has no session, or nobody is signed in.
    ///
    /// # Errors
    /// See [`Error`], also [`Error::CrossSite`] and [`Error::HeadSent`]; the cookie stays as it is.
    pub async fn confirm(&self) -> Result<Option<Arc<Session<T>>>, Error> {
        self.replace("confirmed", move |sessions, id| async move { sessions.confirm(id).await }).await
    }

    /// See [`Sessions::rotate`]; `None` if the visitor has no session.
    ///
    /// # Errors
    /// See [`Error`], also [`Error::CrossSite`] and [`Error::HeadSent`]; the cookie stays as it is.
    pub async fn rotate(&self) -> Result<Option<Arc<Session<T>>>, Error> {
        self.replace("rotated", move |sessions, id| async move { sessions.rotate(id).await }).await
    }

    /// Ends the visitor's session, if there's one, and removes the cookie. After the head of the response has been sent
    /// the cookie stays, and leads to no session.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn delete(&self) -> Result<(), Error> {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            let id = shared.state.id();
            let deleted = match id {
                Some(id) => shared.sessions.delete(id).await,
                None => Ok(()),
            };
            shared.noted(deleted, |()| if id.is_some() { "deleted" } else { "absent" })?;
            // Without an id there may be a cookie that is none, or one that the browser has kept back from another
            // site's request: that one stays.
            if id.is_some() || shared.may_begin {
                shared.state.set_cookie(None, CookieChange::Remove);
            }
            shared.state.know(None);
            Ok(())
        })
        .await
    }

    /// The sessions of the user who is signed in here; none if nobody is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn of_same_user(&self) -> Result<Vec<UserSession>, Error> {
        let Some(user) = self.user().await? else { return Ok(Vec::new()) };
        self.0.noted(self.0.sessions.of_user(&user).await, |_| "listed")
    }

    /// Ends one session of the user who is signed in here, and returns whether there was one of this key.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn end_one_of_same_user(&self, key: SessionKey) -> Result<bool, Error> {
        let Some(user) = self.user().await? else { return Ok(false) };
        let ended = self.0.sessions.end_one_of_user(&user, key).await;
        self.0.noted(ended, |is_ended| if *is_ended { "ended" } else { "absent" })
    }

    /// Ends all other sessions of the user who is signed in here, and returns how many: what an application offers
    /// after a password was changed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn end_others_of_same_user(&self) -> Result<u64, Error> {
        let session = self.read().await?;
        let who = session.as_ref().and_then(|session| Some((session.key, session.user.as_ref()?)));
        let Some((key, user)) = who else { return Ok(0) };
        self.0.noted(self.0.sessions.end_all_of_user(&user.id, Some(key)).await, |_| "ended")
    }

    async fn user(&self) -> Result<Option<String>, Error> {
        Ok(self.read().await?.and_then(|session| session.user.as_ref().map(|user| user.id.clone())))
    }

    /// Gives the session a new id.
    async fn replace<W>(
        &self,
        done: &'static str,
        work: impl FnOnce(Sessions<T>, SessionId) -> W + Send + 'static,
    ) -> Result<Option<Arc<Session<T>>>, Error>
    where
        W: Future<Output = Result<Option<Changed<T>>, Error>> + Send + 'static,
    {
        self.in_turn(move |shared: Arc<Shared<T>>| async move {
            let replaced = match (shared.state.id(), shared.may_set_cookie()) {
                (None, _) => Ok(None),
                (Some(id), Ok(())) => work(shared.sessions.clone(), id).await,
                (Some(_), Err(error)) => Err(error),
            };
            let replaced = shared.noted(replaced, |replaced| if replaced.is_some() { done } else { "absent" })?;
            Ok(replaced.map(|changed| shared.used(changed).session))
        })
        .await
    }

    /// Runs one use in its turn. It goes on when the caller is dropped.
    async fn in_turn<R, E, W>(&self, work: impl FnOnce(Arc<Shared<T>>) -> W) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<Error> + Send + 'static,
        W: Future<Output = Result<R, E>> + Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        let work = work(Arc::clone(&shared));
        let in_turn = async move {
            let Some(_turn) = shared.turn().await else {
                metrics::failed(&Error::Busy);
                shared.failed(&Error::Busy);
                return Err(Error::Busy.into());
            };
            work.await
        };
        Detach::new(Box::pin(in_turn)).await
    }
}

impl<T> SessionHandle<T> {
    /// The name in the store of the session that the visitor's cookie names, whether it's there or not.
    #[must_use]
    pub fn key(&self) -> Option<SessionKey> {
        self.0.state.id().map(|id| id.key())
    }
}

fn outcome<T, R>(changed: &Changed<T, R>) -> &'static str {
    if changed.new_id.is_some() { "created" } else { "changed" }
}

impl<T: SessionData> Shared<T> {
    /// Waits for the uses that were begun, but for no longer than one may take: the handler may have put one aside, in the
    /// body of its response or beside another future, say. `None` if that time is over.
    async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(_taken) => timeout(self.sessions.settings().store_timeout, self.turn.lock()).await.ok(),
        }
    }

    /// Waits for the uses that were begun. From then on no cookie can be set any more.
    pub(super) async fn seal(&self) -> Sealed {
        let _turn = self.turn().await;
        self.state.seal()
    }

    /// Sends the renewal that a read has found to be due.
    pub(super) async fn renew(&self, renewal: Write) {
        self.sessions.renew(renewal).await;
    }

    fn may_set_cookie(&self) -> Result<(), Error> {
        match (self.state.is_sealed(), self.may_begin) {
            (true, _) => Err(Error::HeadSent),
            (false, false) => Err(Error::CrossSite),
            (false, true) => Ok(()),
        }
    }

    /// Takes what a change has led to into the state.
    fn used<R>(&self, changed: Changed<T, R>) -> Used<T, R> {
        let Changed { session, value, new_id, renewed } = changed;
        if let Some(id) = new_id {
            self.state.set_cookie(Some(id), CookieChange::Set(id, lifetime(&session)));
        } else if renewed {
            self.renewed(&session);
        }
        let session = Arc::new(session);
        self.state.know(Some(Arc::clone(&session)));
        Used { session, value }
    }

    /// A cookie that may end before its session is set again with it; but not with an id that only leads to the session,
    /// which another response may have replaced in the browser.
    fn renewed(&self, session: &Session<T>) {
        if let (Some(id), Some(lifetime)) = (self.state.id(), lifetime(session))
            && id.key() == session.key
            && self.cookies.needs_renewal(self.sessions.settings().lifetime)
        {
            self.state.set_cookie(Some(id), CookieChange::Set(id, Some(lifetime)));
        }
    }

    /// Keeps in mind what became of a use, for [`Usage`](super::Usage).
    fn noted<R>(&self, result: Result<R, Error>, outcome: impl FnOnce(&R) -> &'static str) -> Result<R, Error> {
        match &result {
            Ok(done) => self.state.note(outcome(done), None),
            Err(error) => self.failed(error),
        }
        result
    }

    fn failed(&self, error: &Error) {
        // The engine has counted those that are its own.
        if matches!(error, Error::CrossSite | Error::HeadSent) {
            metrics::failed(error);
        }
        self.state.note(error.kind(), Some(error));
    }

    fn tried<R, E>(
        &self,
        result: Result<R, ChangeError<E>>,
        outcome: impl FnOnce(&R) -> &'static str,
    ) -> Result<R, ChangeError<E>> {
        match &result {
            Ok(done) => self.state.note(outcome(done), None),
            Err(ChangeError::Refused(_)) => self.state.note("refused", None),
            Err(ChangeError::Failed(error)) => self.failed(error),
        }
        result
    }
}

impl<T> Shared<T> {
    pub(super) fn usage(&self) -> Usage {
        self.state.usage(&self.cookies)
    }

    /// Whether a cookie waits to be set or removed.
    pub(super) fn has_cookie_to_set(&self) -> bool {
        self.state.has_cookie_to_set()
    }
}

/// How long the cookie is to live; `None` is until the browser closes.
fn lifetime<T>(session: &Session<T>) -> Option<Duration> {
    let left = session.ends_at.duration_since(session.as_of).unwrap_or_default();
    (!session.until_browser_closes).then_some(left)
}

impl<T> Clone for SessionHandle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for SessionHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandle").field("key", &self.key()).finish_non_exhaustive()
    }
}
