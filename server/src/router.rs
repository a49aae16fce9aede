//! Which request goes where.

use app::{
    api::{
        Choose, Forget, Refresh,
        ssr::{RETRY_AFTER_SECONDS, count_view},
    },
    page,
    shell::Document,
    visitor::Visitor,
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, Method, StatusCode,
        header::{CONTENT_SECURITY_POLICY, RETRY_AFTER},
    },
    middleware::map_response,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use leptos::server_fn::ServerFn;
use sessions::{
    Sessions,
    axum::{SessionHandle, SessionLayer},
    cookie::CookiePolicy,
};
use tower_http::compression::CompressionLayer;

use crate::{assets::Site, headers, health};

/// The whole site.
pub(crate) fn router(sessions: Sessions<Visitor>, cookies: CookiePolicy, site: &Site) -> Router {
    let with_session = Router::new()
        .route("/", get(home))
        .route(Refresh::PATH, post(leptos_axum::handle_server_fns))
        .route(Choose::PATH, post(leptos_axum::handle_server_fns))
        .route(Forget::PATH, post(leptos_axum::handle_server_fns))
        .layer(SessionLayer::new(sessions.clone(), cookies))
        .with_state(site.clone());
    let health =
        Router::new().route("/healthz", get(health::live)).route("/readyz", get(health::ready)).with_state(sessions);
    let nothing_here = Router::new().fallback(nothing_here).with_state(site.clone());
    Router::new()
        .merge(with_session)
        .merge(health)
        .nest("/pkg", site.hashed())
        .fallback_service(site.public(nothing_here))
        .layer(CompressionLayer::new())
        .layer(map_response(headers::secure::<Body>))
}

/// The page. Looking at it counts a view; asking whether it is there, or loading it ahead of time, does not.
async fn home(
    State(site): State<Site>,
    session: SessionHandle<Visitor>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let assets = site.assets();
    if !is_view(&method, &headers) {
        return response(page::not_counted(&assets));
    }
    match count_view(&session).await {
        Ok(view) => response(page::home(&assets, view)),
        Err(_logged) => {
            let retry = [(RETRY_AFTER, RETRY_AFTER_SECONDS)];
            (StatusCode::SERVICE_UNAVAILABLE, retry, response(page::unavailable(&assets))).into_response()
        }
    }
}

/// The page for an address where nothing is.
async fn nothing_here(State(site): State<Site>, request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => {
            (StatusCode::NOT_FOUND, response(page::not_found(&site.assets()))).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn response(document: Document) -> Response {
    ([(CONTENT_SECURITY_POLICY, document.policy)], Html(document.html)).into_response()
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
