//! The glue for axum: a layer that reads and sets the cookie, and an extractor for handlers.
//!
//! ```
//! use axum::{Router, routing::get};
//! use serde::{Deserialize, Serialize};
//! use sessions::{Error, Sessions, Settings, axum::{SessionHandle, SessionLayer}, cookie::CookiePolicy, store::memory::MemoryStore};
//!
//! #[derive(Clone, Default, Serialize, Deserialize)]
//! struct Counter { views: u64 }
//!
//! async fn home(session: SessionHandle<Counter>) -> Result<String, Error> {
//!     let counter = session.visit(|counter| counter.views += 1).await?.data;
//!     Ok(format!("{} views", counter.views))
//! }
//!
//! let settings = Settings::default();
//! let cookies = CookiePolicy::new(settings.lifetime, false);
//! let sessions = Sessions::new(MemoryStore::default(), settings, Counter::default);
//! let app: Router = Router::new().route("/", get(home)).layer(SessionLayer::new(sessions, cookies));
//! ```

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderValue, Request, Response, StatusCode,
        header::{CACHE_CONTROL, COOKIE, RETRY_AFTER, SET_COOKIE, VARY},
        request::Parts,
    },
    response::IntoResponse,
};
use tower::{Layer, Service};

use crate::{Admission, Error, Session, SessionData, SessionId, Sessions, cookie::CookiePolicy, engine::Visit};

/// Gives each request a [`SessionHandle`], and each response the cookie that follows from its use.
///
/// A response that used the session gets `Cache-Control: no-store` and `Vary: Cookie`: it is one visitor's.
/// A request that does not use the handle costs nothing and gets no cookie. If a layer outside of this one
/// puts an [`Admission`] into a request's extensions, [`SessionHandle::visit`] asks it before it makes a session.
pub struct SessionLayer<T> {
    sessions: Sessions<T>,
    cookies: Arc<CookiePolicy>,
}

impl<T> SessionLayer<T> {
    /// A layer for these sessions, with this cookie.
    #[must_use]
    pub fn new(sessions: Sessions<T>, cookies: CookiePolicy) -> Self {
        Self { sessions, cookies: Arc::new(cookies) }
    }
}

/// The visitor's session, in a handler. Clones are the same.
pub struct SessionHandle<T> {
    sessions: Sessions<T>,
    admission: Admission,
    renew: bool,
    state: Arc<Mutex<State>>,
}

/// What is known of the visitor's cookie during a request.
struct State {
    id: Option<SessionId>,
    cookie: CookieChange,
    used: bool,
}

#[derive(Clone, Copy)]
enum CookieChange {
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
        let visit = self.sessions.visit_if_admitted(self.id(), &self.admission, change).await?;
        Ok(self.visited(visit))
    }

    /// See [`Sessions::update`]; `None` if the visitor has no session.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn update(&self, change: impl FnMut(&mut T) + Send + 'static) -> Result<Option<Session<T>>, Error> {
        match self.id() {
            Some(id) => self.sessions.update(id, change).await,
            None => Ok(None),
        }
    }

    /// See [`Sessions::get`]; `None` if the visitor has no session.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self) -> Result<Option<Session<T>>, Error> {
        match self.id() {
            Some(id) => self.sessions.get(id).await,
            None => Ok(None),
        }
    }

    /// See [`Sessions::rotate`]; `None` if the visitor has no session. Call it when a visitor signs in.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn rotate(&self) -> Result<Option<Session<T>>, Error> {
        match self.id() {
            Some(id) => Ok(self.sessions.rotate(id).await?.map(|visit| self.visited(visit))),
            None => Ok(None),
        }
    }

    /// Ends the visitor's session, if there's one, and removes the cookie.
    ///
    /// # Errors
    /// See [`Error`]; the cookie stays as it is.
    pub async fn delete(&self) -> Result<(), Error> {
        if let Some(id) = self.id() {
            self.sessions.delete(id).await?;
        }
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
    fn id(&self) -> Option<SessionId> {
        let mut state = self.state();
        state.used = true;
        state.id
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&self, cookies: &CookiePolicy, headers: &mut HeaderMap) {
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

/// The error as a response for handlers that don't make a nicer one: 503 with `Retry-After` while the store
/// is busy or down, else 500. The cause goes to the log, not to the visitor.
impl IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        tracing::error!(error = %self, "the session could not be used");
        match self {
            Self::Busy | Self::Unavailable { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "Try again in a moment.").into_response()
            }
            Self::NotAdmitted => {
                (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "60")], "Too many new visitors.").into_response()
            }
            Self::Misconfigured(_) | Self::Data(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong on our side.").into_response()
            }
        }
    }
}

impl<T: SessionData, S> Layer<S> for SessionLayer<T> {
    type Service = SessionService<T, S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, layer: self.clone() }
    }
}

/// The service that [`SessionLayer`] makes.
#[derive(Debug)]
pub struct SessionService<T, S> {
    inner: S,
    layer: SessionLayer<T>,
}

impl<T, S, B, R> Service<Request<B>> for SessionService<T, S>
where
    T: SessionData,
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let SessionLayer { sessions, cookies } = self.layer.clone();
        let fields = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let state = State { id: cookies.read(fields), cookie: CookieChange::Keep, used: false };
        let state = Arc::new(Mutex::new(state));
        let admission = request.extensions().get().cloned().unwrap_or_default();
        let handle = SessionHandle { sessions, admission, renew: cookies.needs_renewal(), state: Arc::clone(&state) };
        request.extensions_mut().insert(handle);
        let response = self.inner.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            state.lock().unwrap_or_else(PoisonError::into_inner).write(&cookies, response.headers_mut());
            Ok(response)
        })
    }
}

// Derived, these would ask for `T: Clone`.
impl<T, S: Clone> Clone for SessionService<T, S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<T> Clone for SessionLayer<T> {
    fn clone(&self) -> Self {
        Self { sessions: self.sessions.clone(), cookies: Arc::clone(&self.cookies) }
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

impl<T> fmt::Debug for SessionLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("cookies", &self.cookies).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SessionHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionHandle")
    }
}
