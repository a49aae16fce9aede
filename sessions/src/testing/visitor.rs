//! A visitor of an application, in the process of its tests.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{
        HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
        header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION},
    },
};
use serde::Serialize;
use tower::ServiceExt as _;

use super::jar::Jar;
use crate::{Error, Session, SessionData, SessionId, Sessions, SignIn, cookie::CookiePolicy};

/// A visitor with a cookie jar, who sends requests to an application without a network. What an application does for
/// a user who is signed in is tested without its sign-in form:
///
/// ```
/// use axum::{Router, routing::get};
/// use exact_sessions::{
///     Error, Sessions, SignIn, axum::SessionHandle, cookie::CookiePolicy, store::memory::MemoryStore, testing::Visitor,
/// };
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Cart { items: Vec<String> }
///
/// async fn account(session: SessionHandle<Cart>) -> Result<String, Error> {
///     let user = session.read().await?.and_then(|session| session.user.clone());
///     Ok(user.map_or_else(|| "nobody".to_owned(), |user| user.id))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let sessions = Sessions::<Cart>::new(MemoryStore::default());
/// let app = Router::new().route("/account", get(account)).layer(sessions.layer());
///
/// let mut ada = Visitor::new(CookiePolicy::default());
/// ada.sign_in(&sessions, SignIn::new("user-42"), |_| {}).await?;
/// assert_eq!(ada.get(&app, "/account").await.text(), "user-42");
/// # Ok(())
/// # }
/// ```
///
/// The jar keeps cookies as a browser does that reached the site over HTTPS: by name and path, until the application
/// removes them; [`close_browser`](Self::close_browser) removes those that live no longer. It knows one host and no
/// time: a cookie whose `Max-Age` has passed is still sent, and leads to a session that has ended. `Debug` shows no
/// cookie's value.
#[derive(Clone, Debug)]
pub struct Visitor {
    cookies: CookiePolicy,
    jar: Jar,
}

/// A response, with its whole body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Visitor {
    /// A visitor with an empty jar, of an application whose sessions have this cookie.
    #[must_use]
    pub fn new(cookies: CookiePolicy) -> Self {
        Self { cookies, jar: Jar::default() }
    }

    /// Signs the visitor in, as [`Sessions::sign_in`] does, and puts the cookie into the jar; without a request. A
    /// session that the visitor has already is the one that is signed in.
    ///
    /// # Errors
    /// As [`Sessions::sign_in`].
    pub async fn sign_in<T: SessionData, R: Send + 'static>(
        &mut self,
        sessions: &Sessions<T>,
        who: SignIn,
        change: impl FnOnce(&mut T) -> R + Clone + Send + 'static,
    ) -> Result<Session<T>, Error> {
        let signed_in = sessions.sign_in(self.id(), who, change).await?;
        if let Some(id) = signed_in.new_id {
            self.set_id(&id, signed_in.session.until_browser_closes);
        }
        Ok(signed_in.session)
    }

    /// The id in the session's cookie; `None` if there's no such cookie in the jar.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.cookie(self.cookies.name()).and_then(SessionId::parse)
    }

    /// The value of the cookie of this name, whatever its path.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.value(name)
    }

    /// Puts a cookie into the jar, as a `Set-Cookie` field of this value does.
    pub fn set_cookie(&mut self, field: &str) {
        self.jar.set(field);
    }

    /// Removes the cookies that live until the browser is closed.
    pub fn close_browser(&mut self) {
        self.jar.close_browser();
    }

    /// Opens a page. Redirects are not followed.
    ///
    /// # Panics
    /// If the path is none, or the body of the response can't be read.
    pub async fn get(&mut self, app: &Router, path: &str) -> Page {
        let response = self.send(app, of_this_site(Method::GET, path, Body::empty(), None)).await;
        Page::read(response).await
    }

    /// Sends a form from a page of the site: pairs or a struct, as serde writes it; `&()` is an empty one. Redirects
    /// are not followed.
    ///
    /// # Panics
    /// If the path is none, the form can't be written as one, or the body of the response can't be read.
    pub async fn post(&mut self, app: &Router, path: &str, form: &impl Serialize) -> Page {
        let form = serde_urlencoded::to_string(form).expect("a form");
        let content_type = Some("application/x-www-form-urlencoded");
        let response = self.send(app, of_this_site(Method::POST, path, form.into(), content_type)).await;
        Page::read(response).await
    }

    /// Sends any request, with the cookies of the jar, and puts those that the response sets into the jar. The
    /// response's body has not been read yet, so it may be a stream.
    ///
    /// # Panics
    /// Never: a router does not fail.
    pub async fn send(&mut self, app: &Router, mut request: Request<Body>) -> Response<Body> {
        if let Some(cookies) = self.jar.for_path(request.uri().path()) {
            let mut cookies = HeaderValue::try_from(cookies).expect("cookies that a response has set can be sent");
            cookies.set_sensitive(true);
            request.headers_mut().append(COOKIE, cookies);
        }
        let path = request.uri().path().to_owned();
        let response = app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        self.jar.take(&path, response.headers());
        response
    }

    fn set_id(&mut self, id: &SessionId, until_browser_closes: bool) {
        // How long exactly doesn't matter: the jar knows no time.
        let lifetime = (!until_browser_closes).then_some(std::time::Duration::MAX);
        self.jar.set(&self.cookies.set(id, lifetime));
    }
}

impl Page {
    async fn read(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("the body can be read");
        Self { status: head.status, headers: head.headers, body }
    }

    /// The body as text; what is none is replaced by `U+FFFD`.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Where the response redirects to.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }
}

/// A request for a page as a browser sends it from another page of the same site.
fn of_this_site(method: Method, path: &str, body: Body, content_type: Option<&'static str>) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost")
        .header(ACCEPT, "text/html,*/*;q=0.8")
        .header("sec-fetch-site", "same-origin")
        .body(body)
        .expect("a path begins with a slash, and has no spaces");
    if let Some(content_type) = content_type {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    request
}
