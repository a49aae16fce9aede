//! Headers that every response carries.

use axum::http::{HeaderName, HeaderValue, Response};

/// The browser must not guess content types, must not send other sites the address of the page a visitor was on, must
/// share no window, frame or resource with them, and use no device (OWASP Secure Headers).
const HEADERS: [(HeaderName, &str); 6] = [
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
    (HeaderName::from_static("referrer-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    ),
];

/// For a site over HTTPS alone: the browser never uses plain HTTP with this host for two years.
const HSTS: (HeaderName, &str) = (HeaderName::from_static("strict-transport-security"), "max-age=63072000");

/// Adds them.
pub(crate) fn add_security_headers<B>(https_only: bool, mut response: Response<B>) -> Response<B> {
    for (name, value) in HEADERS.into_iter().chain(https_only.then_some(HSTS)) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
