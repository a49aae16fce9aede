//! Headers that every response carries.

use axum::http::{HeaderName, HeaderValue, Response};

/// What each response tells the browser: take types as they are said, tell other sites nothing of where a
/// visitor was, share no window and no resource with them, and use no device. (OWASP Secure Headers.)
const HEADERS: [(HeaderName, &str); 5] = [
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("referrer-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Adds them.
pub(crate) async fn secure<B>(mut response: Response<B>) -> Response<B> {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
