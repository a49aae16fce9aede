//! Redirects visitors who came over plain HTTP to HTTPS.
//!
//! The proxy in front says how they came, in `X-Forwarded-Proto`. Some proxies replace the field, some append to it,
//! and some send it twice, so it's a list, in order from the visitor to this server. Its first entry decides: a visitor
//! who came by HTTPS would be redirected for ever if a later hop, on plain HTTP, decided. A client can forge that entry
//! where proxies append; it then gets a page whose cookie its own browser refuses, which affects no other visitor.

use axum::{
    http::{HeaderMap, Request, StatusCode, Uri, header::HOST, uri::Authority, uri::PathAndQuery},
    response::{IntoResponse, Redirect, Response},
};

use crate::http::routes::health;

/// Returns the redirect for a request that reached the first proxy over plain HTTP. Health checks are never redirected:
/// load balancers send them over plain HTTP, and take a redirect for a failure.
pub(crate) fn https_redirect<B>(https_only: bool, request: &Request<B>) -> Option<Response> {
    let redirected = https_only && came_over_plain_http(request.headers()) && !health::is_check(request.uri().path());
    redirected.then(|| match https_address(request.headers(), request.uri()) {
        Some(address) => Redirect::permanent(&address.to_string()).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    })
}

fn came_over_plain_http(headers: &HeaderMap) -> bool {
    let fields = headers.get_all("x-forwarded-proto").iter().filter_map(|field| field.to_str().ok());
    let mut entries = fields.flat_map(|field| field.split(',')).map(str::trim).filter(|entry| !entry.is_empty());
    entries.next().is_some_and(|first| first.eq_ignore_ascii_case("http"))
}

/// Returns the same address with HTTPS; `None` if the request names no valid host. The port is dropped, since it speaks
/// plain HTTP.
fn https_address(headers: &HeaderMap, uri: &Uri) -> Option<Uri> {
    let host = match uri.authority() {
        Some(authority) => authority.clone(),
        None => Authority::try_from(headers.get(HOST)?.as_bytes()).ok()?,
    };
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    Uri::builder().scheme("https").authority(host.host()).path_and_query(path).build().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::header::LOCATION;

    use super::*;

    fn location(https_only: bool, uri: &str, headers: &[(&str, &str)]) -> Option<String> {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        let response = https_redirect(https_only, &request.body(()).expect("a request"))?;
        let location = response.headers().get(LOCATION).map(|location| location.to_str().expect("text").to_owned());
        Some(location.unwrap_or_else(|| response.status().as_u16().to_string()))
    }

    #[test]
    fn the_first_hop_decides() {
        for (protocols, redirected) in [
            (&[][..], false),
            (&[""], false),
            (&["http"], true),
            (&["HTTP"], true),
            (&[" http "], true),
            (&["http,http"], true),
            (&["http, https"], true),
            (&["https, http"], false),
            (&["http", "https"], true),
            (&["https", "http"], false),
            (&["", "http"], true),
            (&[",http"], true),
            (&["https"], false),
            (&["HTTPS"], false),
            (&["ws"], false),
        ] {
            let host = [("host", "example.com")];
            let headers: Vec<_> =
                host.into_iter().chain(protocols.iter().map(|protocol| ("x-forwarded-proto", *protocol))).collect();
            let expected = redirected.then(|| "https://example.com/a?b=c".to_owned());
            assert_eq!(location(true, "/a?b=c", &headers), expected, "{protocols:?}");
            assert_eq!(location(false, "/a?b=c", &headers), None, "{protocols:?}");
        }
    }

    #[test]
    fn the_address_is_the_same_but_for_scheme_and_port() {
        for (host, uri, expected) in [
            ("example.com", "/a?b=c", "https://example.com/a?b=c"),
            ("example.com:80", "/", "https://example.com/"),
            ("example.com:8080", "/", "https://example.com/"),
            ("[::1]:80", "/", "https://[::1]/"),
            ("someone@example.com:80", "/", "https://example.com/"),
            ("other.example", "http://example.com:80/a", "https://example.com/a"),
            ("no host", "/", "400"),
            ("a/b", "/", "400"),
            ("", "/", "400"),
        ] {
            let headers = [("x-forwarded-proto", "http"), ("host", host)];
            assert_eq!(location(true, uri, &headers).as_deref(), Some(expected), "{host:?} {uri}");
        }
        assert_eq!(location(true, "/", &[("x-forwarded-proto", "http")]).as_deref(), Some("400"), "no host at all");
    }

    #[test]
    fn health_checks_are_not_redirected() {
        for path in ["/healthz", "/readyz"] {
            assert_eq!(location(true, path, &[("x-forwarded-proto", "http"), ("host", "10.0.0.1")]), None, "{path}");
        }
    }
}
