//! Reads the cookie before a request's handler, and sets it after.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::http::{HeaderValue, Request, Response, header::COOKIE};
use tower::{Layer, Service};

use super::SessionHandle;
use crate::{SessionData, Sessions, cookie::CookiePolicy};

/// Gives each request a [`SessionHandle`], and each response the cookie that follows from its use.
///
/// A response that used the session gets `Cache-Control: no-store` and `Vary: Cookie`: it is one visitor's.
/// A request that does not use the handle costs nothing and gets no cookie. If a layer outside of this one
/// puts an [`Admission`](crate::Admission) into a request's extensions, [`SessionHandle::visit`] asks it before it makes a session.
/// What a request did with its session is in its response's extensions, as [`Usage`](super::Usage).
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
        let admission = request.extensions().get().cloned().unwrap_or_default();
        let handle = SessionHandle::new(&sessions, admission, &cookies, cookies.read(fields));
        request.extensions_mut().insert(handle.clone());
        let response = self.inner.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            let state = handle.state();
            state.write(&cookies, response.headers_mut());
            response.extensions_mut().insert(state.usage());
            drop(state);
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

impl<T> fmt::Debug for SessionLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("cookies", &self.cookies).finish_non_exhaustive()
    }
}
