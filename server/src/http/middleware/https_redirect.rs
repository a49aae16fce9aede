//! Redirects requests that reached a proxy over plain HTTP to HTTPS.

use axum::{
    http::{HeaderMap, Request, StatusCode, Uri, header::HOST, uri::PathAndQuery},
    response::{IntoResponse, Redirect, Response},
};

/// With `HTTPS_ONLY`, the redirect for a request that reached the proxy over plain HTTP.
pub(crate) fn https_redirect<B>(https_only: bool, request: &Request<B>) -> Option<Response> {
    let plain_http = request.headers().get("x-forwarded-proto").is_some_and(|scheme| scheme == "http");
    (https_only && plain_http).then(|| match https_address(request.headers(), request.uri()) {
        Some(address) => Redirect::permanent(&address.to_string()).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    })
}

/// Returns `None` if there is no usable `Host`.
fn https_address(headers: &HeaderMap, uri: &Uri) -> Option<Uri> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    Uri::builder().scheme("https").authority(host).path_and_query(path).build().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_address_is_the_same_but_for_the_scheme() {
        let address = |host: &'static str, uri: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            https_address(&headers, &Uri::from_static(uri)).map(|address| address.to_string())
        };
        assert_eq!(address("example.com", "/a?b=c").as_deref(), Some("https://example.com/a?b=c"));
        assert_eq!(address("example.com", "/").as_deref(), Some("https://example.com/"));
        assert_eq!(address("no host", "/"), None);
        assert_eq!(address("a/b", "/"), None);
    }
}
