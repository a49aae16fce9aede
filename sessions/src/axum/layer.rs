//! Reads the cookie before a request's handler, and sets it after.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::http::{
    HeaderMap, HeaderValue, Method, Request, Response, Uri,
    header::{CACHE_CONTROL, COOKIE, HOST, ORIGIN, SET_COOKIE, VARY},
};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::{
    SessionHandle, Usages,
    handle::Shared,
    state::{CookieChange, Sealed},
};
use crate::{
    SessionData, Sessions,
    cookie::{CookiePolicy, SameSite},
};

/// Gives each request a [`SessionHandle`], and each response the cookie that follows from its use.
///
/// A response that used the session gets `Vary: Cookie`, and `Cache-Control: no-store` unless the handler has kept
/// shared caches out already: it is one visitor's. A request that does not use the handle costs nothing and gets no
/// cookie. If a layer outside of this one puts an [`Admission`](crate::Admission) into a request's extensions, it is
/// called before a session is made. What a request did with its sessions is in its response's extensions, as
/// [`Usages`].
///
/// Layers that may answer in the place of the handler, such as a time limit or one that catches panics, belong inside
/// of this one: outside of it they throw the response away that would have set the cookie. That is logged as an error.
///
/// An application may have several kinds of session, each with a layer, a type of data, a cookie and a store of its own: a
/// file, a collection. In one store, an id of one kind is an id of the other one, too: what a customer's session says of
/// the customer, a staff page would take for what it says of its staff.
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

impl<T: SessionData> Sessions<T> {
    /// A layer for these sessions with the default cookie, which is for sites that are reached over HTTPS.
    #[must_use]
    pub fn layer(&self) -> SessionLayer<T> {
        SessionLayer::new(self.clone(), CookiePolicy::default())
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
    R: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let SessionLayer { sessions, cookies } = &self.layer;
        let fields = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let id = cookies.read(fields);
        let may_begin = cookies.same_site() == SameSite::None || !is_cross_site(&request);
        let handle = SessionHandle::new(sessions, request.extensions().get(), cookies, id, may_begin);
        request.extensions_mut().insert(handle.clone());
        let response = self.inner.call(request);
        Box::pin(async move {
            let unsent = Unsent(&handle.0);
            let mut response = response.await?;
            let sealed = handle.0.seal().await;
            std::mem::forget(unsent);
            write(&sealed, &handle.0.cookies, response.headers_mut());
            let Usages(usages) = response.extensions_mut().get_or_insert_default();
            let usage = handle.0.usage();
            if usages.iter().any(|inner| inner.cookie == usage.cookie) {
                log_shared_cookie(&usage.cookie);
            }
            usages.push(usage);
            if let Some(renewal) = sealed.renewal {
                tokio::spawn(async move { handle.0.renew(renewal).await }.in_current_span());
            }
            Ok(response)
        })
    }
}

/// Each of the two kinds of session would take the other one's id for one of its own that has ended.
fn log_shared_cookie(name: &str) {
    tracing::error!(
        "two session layers of a route have the cookie {name}, so each replaces the other one's session: give each kind of \
         session a cookie of its own, by CookiePolicy::named"
    );
}

/// A response that has not been passed on. Dropped with a cookie to set, that cookie is lost.
struct Unsent<'a, T>(&'a Shared<T>);

impl<T> Drop for Unsent<'_, T> {
    fn drop(&mut self) {
        if !self.0.has_cookie_to_set() {
            return;
        }
        let name = self.0.cookies.name();
        if std::thread::panicking() {
            tracing::error!(
                "a handler panicked after it had used the session, and its cookie {name} is lost: a layer that \
                 catches panics belongs inside of the SessionLayer"
            );
        } else {
            tracing::error!(
                "a response that would have set the cookie {name} was thrown away: the client went away, or a layer \
                 with a time limit is outside of the SessionLayer and belongs inside of it"
            );
        }
    }
}

fn write(sealed: &Sealed, cookies: &CookiePolicy, headers: &mut HeaderMap) {
    if sealed.is_used {
        let keeps_out = |value: &HeaderValue| {
            let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
            value.split(',').any(|directive| matches!(directive.trim(), "no-store" | "private"))
        };
        if !headers.get_all(CACHE_CONTROL).iter().any(keeps_out) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        headers.append(VARY, HeaderValue::from_static("Cookie"));
    }
    let cookie = match sealed.cookie {
        CookieChange::Keep => return,
        CookieChange::Set(id, lifetime) => cookies.set(&id, lifetime),
        CookieChange::Remove => cookies.remove(),
    };
    if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
        // Kept out of what prints headers.
        cookie.set_sensitive(true);
        headers.append(SET_COOKIE, cookie);
    }
}

/// Whether a page of another site has sent a request that may change something. The browser keeps the cookie back then,
/// unless it's `SameSite=None`, and one that is set would take its place. Browsers say so in `Sec-Fetch-Site`, and older
/// ones at least name the page's origin.
fn is_cross_site<B>(request: &Request<B>) -> bool {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE) {
        return false;
    }
    let field = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    if let Some(site) = field("sec-fetch-site") {
        return site == b"cross-site";
    }
    let Some(origin) = field(ORIGIN.as_str()) else { return false };
    let origin: Option<Uri> = std::str::from_utf8(origin).ok().and_then(|origin| origin.parse().ok());
    let host = request.uri().authority().map(|authority| authority.as_str().as_bytes()).or(field(HOST.as_str()));
    match (origin.as_ref().and_then(Uri::authority), host) {
        (Some(origin), Some(host)) => !origin.as_str().as_bytes().eq_ignore_ascii_case(host),
        // `null`, which is the origin of a page that hides its own.
        _ => true,
    }
}

// Derived, these would need `T: Clone`.
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

impl<T> fmt::Debug for SessionLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("cookies", &self.cookies).finish_non_exhaustive()
    }
}
