//! Whether a request is a view, or a program that looks ahead.

use axum::http::{HeaderMap, Method};

/// Whether somebody looks at the page now. Browsers that load ahead say so in `Sec-Purpose` (Fetch standard), older ones
/// in `Purpose` or `X-Moz`.
pub(super) fn is_view(method: &Method, headers: &HeaderMap) -> bool {
    let ahead = ["sec-purpose", "purpose", "x-moz"].into_iter().flat_map(|name| headers.get_all(name)).any(|purpose| {
        let purpose = String::from_utf8_lossy(purpose.as_bytes()).to_ascii_lowercase();
        ["prefetch", "prerender", "preview"].iter().any(|word| purpose.contains(word))
    });
    method == Method::GET && !ahead
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

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
                headers.insert(name, HeaderValue::from_static(value));
            }
            assert_eq!(is_view(&method, &headers), view, "{method} {header:?}");
        }
    }
}
