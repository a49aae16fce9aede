//! The cookie that holds a session's id: its name, its attributes and how it's read. All of that is here.

use std::time::Duration;

use cookie::{Cookie, SameSite, time};

use crate::{SessionId, metrics};

/// Browsers keep no cookie for longer (RFC 6265bis, section 5.5).
const LONGEST: Duration = Duration::from_hours(400 * 24);

/// How the cookie looks: `HttpOnly`, `SameSite=Lax`, `Path=/`, no `Domain`, and with HTTPS also `Secure`
/// and the prefix `__Host-`, by which a browser refuses it from anybody but this very host over TLS
/// (RFC 6265bis, section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicy {
    name: &'static str,
    secure: bool,
    max_age: Duration,
    renew: bool,
}

impl CookiePolicy {
    /// For sessions of this lifetime; with `https_only` for a site that's reached over TLS alone.
    #[must_use]
    pub fn new(lifetime: Duration, https_only: bool) -> Self {
        Self {
            name: if https_only { "__Host-session_id" } else { "session_id" },
            secure: https_only,
            max_age: lifetime.min(LONGEST),
            renew: lifetime > LONGEST,
        }
    }

    /// The cookie's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a session outlives its cookie, so that the cookie must be set again now and then.
    #[must_use]
    pub fn needs_renewal(&self) -> bool {
        self.renew
    }

    /// The id in the values of a request's `Cookie` fields. `None` if there's no cookie of the name, if its
    /// value is no id, or if there are several with different values: then one of them was planted, by a
    /// sibling domain say, and nobody can tell which.
    pub fn read<'a>(&self, fields: impl IntoIterator<Item = &'a [u8]>) -> Option<SessionId> {
        let mut found = None;
        for field in fields {
            // Another site's cookie may hold any bytes; they must not hide ours.
            let field = String::from_utf8_lossy(field);
            for cookie in Cookie::split_parse(field.as_ref()).flatten().filter(|cookie| cookie.name() == self.name) {
                let id = SessionId::parse(cookie.value());
                if id.is_none() || found.is_some_and(|other| Some(other) != id) {
                    metrics::malformed_id();
                    return None;
                }
                found = id;
            }
        }
        found
    }

    /// The value of the `Set-Cookie` field that gives a browser this id.
    #[must_use]
    pub fn set(&self, id: &SessionId) -> String {
        self.cookie(id.expose(), self.max_age)
    }

    /// The value of the `Set-Cookie` field that removes the cookie. Browsers remove a cookie only if the
    /// attributes are those it was set with.
    #[must_use]
    pub fn remove(&self) -> String {
        self.cookie(String::new(), Duration::ZERO)
    }

    fn cookie(&self, value: String, max_age: Duration) -> String {
        // Rounded up: 0 would remove the cookie of a session that lives for less than a second.
        let seconds = i64::try_from(max_age.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        Cookie::build((self.name, value))
            .http_only(true)
            .same_site(SameSite::Lax)
            .path("/")
            .secure(self.secure)
            .max_age(time::Duration::seconds(seconds))
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const ONE: &str = "c0ffee00-dead-4bee-8abc-0123456789ab";
    const TWO: &str = "00000000-0000-4000-8000-000000000000";

    #[test]
    fn the_attributes() {
        let id = SessionId::parse(ONE).expect("a good id");
        let plain = CookiePolicy::new(90 * DAY, false);
        assert_eq!(plain.set(&id), format!("session_id={ONE}; HttpOnly; SameSite=Lax; Path=/; Max-Age=7776000"));
        assert_eq!(plain.remove(), "session_id=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
        let https = CookiePolicy::new(1000 * DAY, true);
        assert_eq!(
            https.set(&id),
            format!("__Host-session_id={ONE}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=34560000")
        );
        assert_eq!(https.remove(), "__Host-session_id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
        let brief = CookiePolicy::new(Duration::from_millis(1), false);
        assert!(brief.set(&id).ends_with("; Max-Age=1"));
        assert!(https.needs_renewal() && !plain.needs_renewal());
    }

    #[test]
    fn reading() {
        let policy = CookiePolicy::new(DAY, false);
        let one = SessionId::parse(ONE);
        let s = |id: &str| format!("session_id={id}");
        for (fields, expected) in [
            (vec![], None),
            (vec![s(ONE)], one),
            (vec![format!("a=b; {}; c", s(ONE))], one),
            (vec![format!("x=\u{fffd}; {}", s(ONE))], one),
            (vec!["a=b".into(), s(ONE)], one),
            (vec![s(ONE), s(ONE)], one),
            (vec![format!("{}; {}", s(ONE), s(TWO))], None),
            (vec![s(ONE), s(TWO)], None),
            (vec![s(ONE), s("x")], None),
            (vec![format!("session_id=\"{ONE}\"")], None),
            (vec![s(&ONE.to_uppercase())], None),
            (vec![s("a/b")], None),
            (vec![s("")], None),
            (vec!["session_id".into()], None),
            (vec![format!("Session_Id={ONE}")], None),
            (vec![format!("__Host-session_id={ONE}")], None),
            (vec![format!("session_id={ONE}, a=b")], None),
            (vec![format!("$Version=1; {}; $Path=/", s(ONE))], one),
        ] {
            let read = policy.read(fields.iter().map(String::as_bytes));
            assert_eq!(read, expected, "{fields:?}");
        }
        let bytes: &[&[u8]] = &[b"x=\xff\xfe; session_id=c0ffee00-dead-4bee-8abc-0123456789ab"];
        assert_eq!(policy.read(bytes.iter().copied()), one);
    }
}
