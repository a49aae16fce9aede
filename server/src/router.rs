//! Which request goes where.

use std::{sync::Arc, time::Duration};

use app::{
    api::{Choose, Forget, Refresh, ssr::count_view},
    visitor::Visitor,
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{self, HeaderMap, Method, StatusCode, header::RETRY_AFTER},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use leptos::server_fn::ServerFn;
use sessions::{
    Sessions,
    axum::{SessionHandle, SessionLayer},
    cookie::CookiePolicy,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    csrf::CsrfLayer,
    limit::RequestBodyLimitLayer,
    timeout::TimeoutLayer,
    validate_request::{ValidateRequest, ValidateRequestHeaderLayer},
};

use crate::{
    assets::Site, headers, health, https, newcomers::Newcomers, pages::Pages, pseudonym::Pseudonyms, request_log,
};

/// The largest body of a request that has one: a form with a greeting in it.
const LARGEST_BODY: usize = 4 * 1024;

/// The longest path: longer than any of ours, and short enough for the name of a file with an ending like `.br`.
pub(crate) const LONGEST_PATH: usize = 200;

/// How long a client may take to send a request's body, and we for what isn't waiting for the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the routes need.
pub(crate) struct App {
    /// The visitors' sessions.
    pub(crate) sessions: Sessions<Visitor>,
    /// How their cookie looks.
    pub(crate) cookies: CookiePolicy,
    /// The assets.
    pub(crate) site: Site,
    /// Who gets a new session.
    pub(crate) newcomers: Newcomers,
    /// Whether the site is reached over HTTPS alone.
    pub(crate) https_only: bool,
    /// Cancelled as soon as the server has been told to stop.
    pub(crate) stopping: CancellationToken,
    /// What sessions are called in the log.
    pub(crate) pseudonyms: Pseudonyms,
}

/// The whole site. A request passes the layers of a stack from the first one to the last.
///
/// There are two stacks, not one `layer` after another: a router boxes the route at each, and copies all boxes for
/// each request.
pub(crate) fn router(app: App) -> Router {
    let App { sessions, cookies, site, newcomers, https_only, stopping, pseudonyms } = app;
    let pages = Arc::new(Pages::new(site.clone()));
    let patience = PATIENCE + sessions.settings().store_timeout;
    let for_sessions = ServiceBuilder::new()
        .layer(CsrfLayer::new())
        .map_request(move |request| newcomers.limit(request))
        .layer(SessionLayer::new(sessions.clone(), cookies));
    let for_all = ServiceBuilder::new()
        .layer(from_fn_with_state(pseudonyms, request_log::log))
        .map_response(move |response| headers::secure(https_only, response))
        .layer(CatchPanicLayer::new())
        // What says that it's too large is refused whatever it asks for.
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, patience))
        .layer(ValidateRequestHeaderLayer::custom(Gate { https_only }));
    let with_session = Router::new()
        .route("/", get(home))
        .route(Refresh::PATH, post(leptos_axum::handle_server_fns))
        .route(Choose::PATH, post(leptos_axum::handle_server_fns))
        .route(Forget::PATH, post(leptos_axum::handle_server_fns))
        .layer(for_sessions)
        .with_state(Arc::clone(&pages));
    let health = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .with_state((sessions, stopping));
    let nothing_here = Router::new().fallback(nothing_here).with_state(pages);
    Router::new()
        .merge(with_session)
        .merge(health)
        .nest("/pkg", site.hashed())
        .fallback_service(site.public(nothing_here))
        .layer(for_all)
}

/// The page. Looking at it counts a view; asking whether it is there, or loading it ahead of time, does not.
async fn home(
    State(pages): State<Arc<Pages>>,
    session: SessionHandle<Visitor>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if !is_view(&method, &headers) {
        return pages.not_counted(&headers);
    }
    match count_view(&session).await {
        Ok(session) => pages.counted(&headers, session),
        Err(error) => {
            let (status, retry_after) = error.status();
            let mut response = (status, pages.failed(&headers, error)).into_response();
            response.headers_mut().extend(retry_after.map(|seconds| (RETRY_AFTER, seconds)));
            response
        }
    }
}

/// Answers what no route is to see.
#[derive(Clone, Copy)]
struct Gate {
    https_only: bool,
}

impl<B> ValidateRequest<B> for Gate {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut http::Request<B>) -> Result<(), Response> {
        let refused =
            https::redirect(self.https_only, request).or_else(|| not_the_name_of_a_file(request.uri().path()));
        refused.map_or(Ok(()), Err)
    }
}

/// Refuses what can't be the name of a file, before anybody asks the file system for it.
fn not_the_name_of_a_file(path: &str) -> Option<Response> {
    match path {
        path if path.len() > LONGEST_PATH => Some(StatusCode::URI_TOO_LONG.into_response()),
        path if path.contains("%00") => Some(StatusCode::NOT_FOUND.into_response()),
        _ => None,
    }
}

/// The page for an address where nothing is.
async fn nothing_here(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => (StatusCode::NOT_FOUND, pages.not_found(request.headers())).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Whether somebody looks at the page now. Browsers that load ahead say so in `Sec-Purpose` (Fetch standard),
/// older ones in `Purpose` or `X-Moz`.
fn is_view(method: &Method, headers: &HeaderMap) -> bool {
    let ahead = ["sec-purpose", "purpose", "x-moz"].into_iter().flat_map(|name| headers.get_all(name)).any(|purpose| {
        let purpose = String::from_utf8_lossy(purpose.as_bytes()).to_ascii_lowercase();
        ["prefetch", "prerender", "preview"].iter().any(|word| purpose.contains(word))
    });
    method == Method::GET && !ahead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_looking_at_the_page_is_a_view() {
        for (method, header, view) in [
            (Method::GET, None, true),
            (Method::HEAD, None, false),
            (Method::GET, Some(("sec-purpose", "prefetch")), false),
            (Method::GET, Some(("sec-purpose", "prefetch;prerender")), false),
            (Method::GET, Some(("sec-purpose", "prefetch;anonymous-client-ip")), false),
            (Method::GET, Some(("purpose", "Prefetch")), false),
            (Method::GET, Some(("purpose", "preview")), false),
            (Method::GET, Some(("x-moz", "prefetch")), false),
            (Method::GET, Some(("sec-fetch-mode", "navigate")), true),
            (Method::GET, Some(("sec-purpose", "something-new")), true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some((name, value)) = header {
                headers.insert(name, axum::http::HeaderValue::from_static(value));
            }
            assert_eq!(is_view(&method, &headers), view, "{method} {header:?}");
        }
    }
}
