//! What is known of the visitor's session during a request.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Usage;
use crate::{Error, Meter, Session, SessionId, cookie::CookiePolicy, store::Write};

/// What is known of the visitor's cookie and session during a request, and what was done with them.
pub(super) struct RequestState<T>(Mutex<Known<T>>);

struct Known<T> {
    id: Option<SessionId>,
    cookie: CookieChange,
    /// The session, as far as it was read or changed in this request.
    session: Lookup<T>,
    /// What gives the session more time, to be sent after the response.
    renewal: Option<Write>,
    is_used: bool,
    /// Whether the head of the response has been sent.
    is_sealed: bool,
    outcome: Option<&'static str>,
    error: Option<String>,
    meter: Meter,
}

/// What is known of the session itself.
enum Lookup<T> {
    Unknown,
    Absent,
    Found(Arc<Session<T>>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CookieChange {
    #[default]
    Keep,
    /// For so long; `None` is until the browser closes.
    Set(SessionId, Option<Duration>),
    Remove,
}

/// The session has not been read in this request.
pub(super) struct NotRead;

/// What the head of the response has to say, and what is to be sent after it.
pub(super) struct Sealed {
    pub(super) cookie: CookieChange,
    pub(super) renewal: Option<Write>,
    pub(super) is_used: bool,
}

impl<T> RequestState<T> {
    pub(super) fn new(id: Option<SessionId>, meter: Meter) -> Self {
        Self(Mutex::new(Known {
            id,
            cookie: CookieChange::Keep,
            session: Lookup::Unknown,
            renewal: None,
            is_used: false,
            is_sealed: false,
            outcome: None,
            error: None,
            meter,
        }))
    }

    fn known_now(&self) -> MutexGuard<'_, Known<T>> {
        // Nothing under this lock panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn id(&self) -> Option<SessionId> {
        self.known_now().id
    }

    /// The session, if it was read or changed in this request: `Err` if it has to be read.
    pub(super) fn known(&self) -> Result<Option<Arc<Session<T>>>, NotRead> {
        match &self.known_now().session {
            Lookup::Unknown => Err(NotRead),
            Lookup::Absent => Ok(None),
            Lookup::Found(session) => Ok(Some(Arc::clone(session))),
        }
    }

    pub(super) fn know(&self, session: Option<Arc<Session<T>>>) {
        let mut known = self.known_now();
        known.session = session.map_or(Lookup::Absent, Lookup::Found);
        // What has been written since knows better.
        known.renewal = None;
    }

    /// Has this sent after the response. If that's under way already, it's returned.
    pub(super) fn renew_later(&self, renewal: Write) -> Option<Write> {
        let mut known = self.known_now();
        if known.is_sealed {
            return Some(renewal);
        }
        known.renewal = Some(renewal);
        None
    }

    /// Without effect once the head has been sent.
    pub(super) fn set_cookie(&self, id: Option<SessionId>, cookie: CookieChange) {
        let mut known = self.known_now();
        known.id = id;
        if !known.is_sealed {
            known.cookie = cookie;
        }
    }

    pub(super) fn note(&self, outcome: &'static str, error: Option<&Error>) {
        let mut known = self.known_now();
        known.is_used = true;
        known.outcome = Some(outcome);
        known.error = error.map(ToString::to_string);
        if error.is_some() {
            // It may have been changed all the same.
            (known.session, known.renewal) = (Lookup::Unknown, None);
        }
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.known_now().is_sealed
    }

    pub(super) fn seal(&self) -> Sealed {
        let mut known = self.known_now();
        known.is_sealed = true;
        Sealed { cookie: std::mem::take(&mut known.cookie), renewal: known.renewal.take(), is_used: known.is_used }
    }

    pub(super) fn has_cookie_to_set(&self) -> bool {
        self.known_now().cookie != CookieChange::Keep
    }

    pub(super) fn usage(&self, cookies: &CookiePolicy) -> Usage {
        let known = self.known_now();
        Usage {
            cookie: cookies.name().to_owned(),
            session: known.id.map(|id| id.key()),
            outcome: known.outcome,
            error: known.error.clone(),
            meter: known.meter.clone(),
        }
    }
}
