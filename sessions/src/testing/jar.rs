//! The cookies of a visitor, of one host.

use std::{collections::BTreeMap, fmt};

use axum::http::{HeaderMap, HeaderValue, header::SET_COOKIE};
use cookie::{Cookie, time::OffsetDateTime};

/// Cookies by path and name (RFC 6265bis, section 5.7).
#[derive(Clone, Default)]
pub(super) struct Jar(BTreeMap<(String, String), Kept>);

#[derive(Clone)]
struct Kept {
    value: String,
    /// Whether it goes when the browser is closed.
    until_browser_closes: bool,
}

impl Jar {
    /// Keeps or removes what the response to a request for this path says.
    pub(super) fn take(&mut self, path: &str, headers: &HeaderMap) {
        for field in headers.get_all(SET_COOKIE).iter().map(HeaderValue::as_bytes) {
            self.set_at(path, &String::from_utf8_lossy(field));
        }
    }

    /// As a `Set-Cookie` field of this value does.
    pub(super) fn set(&mut self, field: &str) {
        self.set_at("/", field);
    }

    fn set_at(&mut self, path: &str, field: &str) {
        let Ok(cookie) = Cookie::parse(field) else { return };
        let path = cookie.path().filter(|path| path.starts_with('/')).unwrap_or_else(|| directory(path)).to_owned();
        let key = (path, cookie.name().to_owned());
        let is_past = |time: OffsetDateTime| time <= OffsetDateTime::now_utc();
        let is_over = match cookie.max_age() {
            Some(age) => !age.is_positive(),
            None => cookie.expires_datetime().is_some_and(is_past),
        };
        if is_over {
            self.0.remove(&key);
            return;
        }
        let until_browser_closes = cookie.max_age().is_none() && cookie.expires_datetime().is_none();
        self.0.insert(key, Kept { value: cookie.value().to_owned(), until_browser_closes });
    }

    /// The `Cookie` field of a request for this path; `None` if there's nothing to say.
    pub(super) fn for_path(&self, path: &str) -> Option<String> {
        // Those of longer paths first.
        let sent = self.0.iter().rev().filter(|((of, _), _)| covers(of, path));
        let pairs: Vec<_> = sent.map(|((_, name), kept)| format!("{name}={}", kept.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|((_, of), _)| of == name).map(|(_, kept)| kept.value.as_str())
    }

    pub(super) fn close_browser(&mut self) {
        self.0.retain(|_, kept| !kept.until_browser_closes);
    }
}

/// Without the values: they are secrets.
impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(|(path, name)| format!("{name} of {path}"))).finish()
    }
}

/// The path of a cookie that was set without one (section 5.1.4).
fn directory(path: &str) -> &str {
    match path.rfind('/') {
        Some(last) if last > 0 => &path[..last],
        _ => "/",
    }
}

/// Whether a cookie of this path is sent with a request for that one.
fn covers(of: &str, path: &str) -> bool {
    path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || of.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_kept_by_path_and_name_until_they_are_removed() {
        let mut jar = Jar::default();
        assert_eq!(jar.for_path("/"), None);
        jar.set("a=1; Path=/");
        jar.set("a=2; Path=/shop");
        jar.set("b=3; Max-Age=60");
        assert_eq!(jar.for_path("/shop/tea").as_deref(), Some("a=2; b=3; a=1"));
        assert_eq!(jar.for_path("/shopping").as_deref(), Some("b=3; a=1"));
        jar.set("a=; Path=/shop; Max-Age=0");
        jar.set("b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(jar.for_path("/shop").as_deref(), Some("a=1"));
        assert_eq!(jar.value("b"), None);
    }

    #[test]
    fn a_cookie_without_a_path_has_the_directory_of_the_request() {
        let mut jar = Jar::default();
        jar.set_at("/shop/tea", "a=1");
        assert_eq!(jar.for_path("/shop").as_deref(), Some("a=1"));
        assert_eq!(jar.for_path("/"), None);
    }

    #[test]
    fn a_closed_browser_has_the_cookies_that_have_an_end() {
        let mut jar = Jar::default();
        jar.set("a=1");
        jar.set("b=2; Max-Age=60");
        jar.close_browser();
        assert_eq!(jar.for_path("/").as_deref(), Some("b=2"));
    }

    #[test]
    fn debug_shows_no_value() {
        let mut jar = Jar::default();
        jar.set("a=secret");
        assert_eq!(format!("{jar:?}"), r#"["a of /"]"#);
    }
}
