//! Which request goes where.

use std::time::Duration;

use app::visitor::Visitor;
use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, header::CONNECTION},
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::get,
};
use sessions::{Sessions, axum::SessionLayer, cookie::CookiePolicy};
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
    http::{
        assets::Site,
        middleware::{
            compression::compress,
            duplicate_cookie::log_duplicate_cookie,
            https_redirect::https_redirect,
            new_session_limit::NewSessionRateLimiter,
            other_builds::{OtherBuilds, retry_elsewhere},
            reject_unservable_path::reject_unservable_path,
            request_log::log_request,
            security_headers::add_security_headers,
        },
        routes::health,
    },
    observability::log_id::LogIds,
};

/// The largest body of a request: of a form or of a server function's arguments.
const MAX_BODY_LENGTH: usize = 4 * 1024;

/// How long a request may take, beside what its store work may take: sending the body, rendering the page.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The response when that is over. It isn't 408: browsers then send the request once more by themselves, a `POST`, too, and
/// what the first one has done would be done twice.
const LATE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// What the routes need.
pub struct App {
    /// The visitors' sessions.
    pub sessions: Sessions<Visitor>,
    /// The cookie's attributes.
    pub cookies: CookiePolicy,
    /// The assets.
    pub site: Site,
    /// The assets of other builds.
    pub other_builds: OtherBuilds,
    /// The limit on new sessions for each client address.
    pub new_sessions: NewSessionRateLimiter,
    /// Whether the site is reached over HTTPS alone.
    pub https_only: bool,
    /// Cancelled when the server begins to stop.
    pub stopping: CancellationToken,
    /// The names of sessions in the log.
    pub log_ids: LogIds,
}

/// The whole site. A request passes the layers of a stack from the first one to the last.
///
/// There are two stacks, not one `layer` after another: a router boxes the route at each, and copies all boxes for
/// each request.
pub fn router(app: App) -> Router {
    let App { sessions, cookies, site, other_builds, new_sessions, https_only, stopping, log_ids } = app;
    let request_timeout = REQUEST_TIMEOUT + sessions.settings().store_timeout;
    let cookie_name = cookies.name().to_owned();
    let for_sessions = ServiceBuilder::new()
        .layer(CsrfLayer::new())
        .map_request(move |request| log_duplicate_cookie(&cookie_name, new_sessions.limit(request)))
        .layer(SessionLayer::new(sessions.clone(), cookies))
        // Outside of the session layer these two would throw away a cookie that was to be set.
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(LATE, request_timeout));
    let for_all = ServiceBuilder::new()
        .layer(from_fn_with_state(log_ids, log_request))
        .map_response(move |response| close_if_too_large(add_security_headers(https_only, response)))
        .layer(from_fn(compress))
        .layer(CatchPanicLayer::new())
        // A request that declares a larger body is refused, whatever its route.
        .layer(RequestBodyLimitLayer::new(MAX_BODY_LENGTH))
        // Later than the one inside.
        .layer(TimeoutLayer::with_status_code(LATE, 2 * request_timeout))
        .layer(ValidateRequestHeaderLayer::custom(RedirectToHttps { https_only }));
    let app = app::routes(site.pages()).layer(for_sessions);
    let health = Router::new()
        .route(health::LIVE, get(health::live))
        .route(health::READY, get(health::ready))
        .with_state((sessions, stopping));
    Router::new()
        .merge(app)
        .merge(health)
        .nest(
            "/pkg",
            site.hashed()
                .layer(from_fn_with_state(other_builds, retry_elsewhere))
                .layer(from_fn(reject_unservable_path)),
        )
        .fallback_service(
            Router::new()
                .fallback_service(site.public(app::not_found(site.pages())))
                .layer(from_fn(reject_unservable_path)),
        )
        .layer(for_all)
}

/// The body of such a request is not read, so the connection can't carry another one.
fn close_if_too_large<B>(mut response: Response<B>) -> Response<B> {
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Redirects requests that came over plain HTTP, before a route sees them.
#[derive(Clone, Copy)]
struct RedirectToHttps {
    https_only: bool,
}

impl<B> ValidateRequest<B> for RedirectToHttps {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request<B>) -> Result<(), Response> {
        https_redirect(self.https_only, request).map_or(Ok(()), Err)
    }
}
