//! Logs the reason why a visitor gets a new session at each view: a second cookie of the same name.

use axum::http::{HeaderMap, HeaderValue, Request, header::COOKIE};

/// Logs one line if the request carries cookies of this name with different values.
///
/// Such a request counts as one without a session, since it's unknown which cookie this server has set. The other one
/// comes from an app on another port of this host, or from a parent domain, and only the browser can remove it.
pub(crate) fn log_duplicate_cookie<B>(name: &str, request: Request<B>) -> Request<B> {
    if has_duplicate(request.headers(), name) {
        tracing::info!(
            "a browser sent several cookies named {name}: until it removes those of other apps on this host or of parent \
             domains, each of its views starts a new session"
        );
    }
    request
}

fn has_duplicate(headers: &HeaderMap, name: &str) -> bool {
    let fields = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let cookies = fields.flat_map(|field| field.split(|byte| *byte == b';'));
    let mut values = cookies.filter_map(|cookie| cookie.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    let first = values.next();
    values.any(|value| Some(value) != first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_different_values_of_the_name_are_duplicates() {
        for (fields, duplicate) in [
            (&[][..], false),
            (&["session_id=a"], false),
            (&["session_id=a; session_id=b"], true),
            (&["session_id=a", "session_id=b"], true),
            (&["session_id=a; x=session_id=b; my_session_id=c; session_ids=d"], false),
            (&["session_id=a; session_id=a"], false),
            (&["session_id=a;session_id="], true),
        ] {
            let headers = fields.iter().map(|field| (COOKIE, HeaderValue::from_static(field)));
            assert_eq!(has_duplicate(&headers.collect(), "session_id"), duplicate, "{fields:?}");
        }
    }
}
