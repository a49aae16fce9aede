//! The page whose views are counted.

use std::sync::Arc;

use app::{api::ssr::count_view, visitor::Visitor};
use axum::{
    extract::State,
    http::{HeaderMap, Method, header::RETRY_AFTER},
    response::{IntoResponse as _, Response},
};
use sessions::axum::SessionHandle;

use crate::http::pages::Pages;

/// Counts a view and renders the page. A `HEAD` request, or one that loads the page ahead of time, counts nothing.
pub(in crate::http) async fn home(
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

/// Whether a person looks at the page now. Browsers that load ahead say so in `Sec-Purpose` (Fetch standard),
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
