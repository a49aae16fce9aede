//! The visitor's session, as handlers use it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, SET_COOKIE, VARY},
        request::Parts,
    },
};

use super::Usage;
use crate::{Admission, Error, Meter, Session, SessionData, SessionId, Sessions, cookie::CookiePolicy, engine::Visit};

/// The visitor's session, in a handler. Clones are the same.
pub struct SessionHandle<T> {
    sessions: Sessions<T>,
    admission: Admission,
    renew: bool,
    state: Arc<Mutex<State>>,
}

/// What is known of the visitor's cookie during a request, and what was done with the session.
#[derive(Default)]
pub(super) struct State {
    id: Option<SessionId>,
    cookie: CookieChange,
    used: bool,
    outcome: Option<&'static str>,
    error: Option<String>,
    meter: Meter,
}

#[derive(Clone, Copy, Default)]
enum CookieChange {
    #[default]
    Keep,
    Set(SessionId),
    Remove,
}

impl<T: SessionData> SessionHandle<T> {
    /// See [`Sessions::visit`].
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn visit(&self, change: impl FnMut(&mut T) + Send + 'static) -> Result<Session<T>, Error> {
        let visit = self.sessions.visit_if_admitted(self.id(), &self.admission, change).await;
        let outcome = |visit: &Visit<T>| if visit.new_id.is_some() { "created" } else { "changed" };
        Ok(self.visited(self.noted(visit, outcome)?))
    }

    /// See [`Sessions::update`]; `None` if the visitor has no session.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn update(&self, change: impl FnMut(&mut T) + Send + 'static) -> Result<Option<Session<T>>, Error> {
        let updated = match self.id() {
            Some(id) => self.sessions.update(id, change).await,
            None => Ok(None),
        };
        self.noted(updated, |session| if session.is_some() { "changed" } else { "absent" })
    }

    /// See [`Sessions::get`]; `None` if the visitor has no session.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self) -> Result<Option<Session<T>>, Error> {
        let found = match self.id() {
            Some(id) => self.sessions.get(id).await,
            None => Ok(None),
        };
        self.noted(found, |session| if session.is_some() { "read" } else { "absent" })
    }

    /// See [`Sessions::rotate`]; `None` if the visitor has no session. Call it when a visitor signs in.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn rotate(&self) -> Result<Option<Session<T>>, Error> {
        let rotated = match self.id() {
            Some(id) => self.sessions.rotate(id).await,
            None => Ok(None),
        };
        let rotated = self.noted(rotated, |visit| if visit.is_some() { "rotated" } else { "absent" })?;
        Ok(rotated.map(|visit| self.visited(visit)))
    }

    /// Ends the visitor's session, if there's one, and removes the cookie.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn delete(&self) -> Result<(), Error> {
        let id = self.id();
        let deleted = match id {
            Some(id) => self.sessions.delete(id).await,
            None => Ok(()),
        };
        self.noted(deleted, |()| if id.is_some() { "deleted" } else { "absent" })?;
        let mut state = self.state();
        (state.id, state.cookie) = (None, CookieChange::Remove);
        Ok(())
    }

    fn visited(&self, visit: Visit<T>) -> Session<T> {
        let mut state = self.state();
        if let Some(id) = visit.new_id {
            (state.id, state.cookie) = (Some(id), CookieChange::Set(id));
        } else if self.renew
            && visit.renewed
            && let Some(id) = state.id
        {
            state.cookie = CookieChange::Set(id);
        }
        visit.session
    }
}

impl<T> SessionHandle<T> {
    pub(super) fn new(
        sessions: &Sessions<T>,
        admission: Admission,
        cookies: &CookiePolicy,
        id: Option<SessionId>,
    ) -> Self {
        let meter = Meter::default();
        let sessions = sessions.metered(&meter);
        let state = State { id, meter, ..State::default() };
        Self { sessions, admission, renew: cookies.needs_renewal(), state: Arc::new(Mutex::new(state)) }
    }

    fn id(&self) -> Option<SessionId> {
        let mut state = self.state();
        state.used = true;
        state.id
    }

    /// Keeps in mind what became of it, for [`Usage`].
    fn noted<R>(&self, result: Result<R, Error>, outcome: impl FnOnce(&R) -> &'static str) -> Result<R, Error> {
        let mut state = self.state();
        match &result {
            Ok(done) => state.outcome = Some(outcome(done)),
            Err(error) => (state.outcome, state.error) = (Some(error.kind()), Some(error.to_string())),
        }
        result
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn write(&self, cookies: &CookiePolicy, headers: &mut HeaderMap) {
        if self.used {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.append(VARY, HeaderValue::from_static("Cookie"));
        }
        let cookie = match self.cookie {
            CookieChange::Keep => return,
            CookieChange::Set(id) => cookies.set(&id),
            CookieChange::Remove => cookies.remove(),
        };
        if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
            // Kept out of whatever prints headers.
            cookie.set_sensitive(true);
            headers.append(SET_COOKIE, cookie);
        }
    }

    pub(super) fn usage(&self) -> Usage {
        let Self { id, outcome, error, meter, .. } = self;
        Usage { session: id.map(|id| id.key()), outcome: *outcome, error: error.clone(), meter: meter.clone() }
    }
}

impl<T: SessionData, S: Sync> FromRequestParts<S> for SessionHandle<T> {
    type Rejection = StatusCode;

    /// Fails with 500, and says so in the log, where the layer is missing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a handler asks for a session, but its route has no SessionLayer");
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

impl<T> Clone for SessionHandle<T> {
    fn clone(&self) -> Self {
        Self {
            sessions: self.sessions.clone(),
            admission: self.admission.clone(),
            renew: self.renew,
            state: Arc::clone(&self.state),
        }
    }
}

impl<T> fmt::Debug for SessionHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionHandle")
    }
}
