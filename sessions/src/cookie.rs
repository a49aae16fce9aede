//! The cookie that holds a session's id: its name, its attributes and how it's read. All of that is here.

use std::{borrow::Cow, time::Duration};

use cookie::{Cookie, time};
use thiserror::Error;

use crate::{SessionId, metrics};

/// Browsers keep no cookie for longer (RFC 6265bis, section 5.5).
const MAX_AGE: Duration = Duration::from_hours(400 * 24);

/// Browsers refuse a cookie whose name and value have more bytes, or one with a longer attribute (RFC 6265bis,
/// section 5.6).
const MOST_BYTES: usize = 4096;
const MOST_BYTES_OF_AN_ATTRIBUTE: usize = 1024;

/// Which requests from other sites carry the cookie (RFC 6265bis, section 4.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// None, also if a link on another site opens a page. Then an [`upsert`](crate::Sessions::upsert) finds no session
    /// and begins one, whose cookie replaces the visitor's: in pages that others link to, `read` or `update` instead.
    Strict,
    /// Those that open a page by a link.
    Lax,
    /// All: for pages inside the frames of other sites, and for forms that other sites send. The application has to
    /// guard itself against forged requests.
    None,
}

/// When the browser forgets the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When the session ends at the latest; after 400 days, unless it's set again.
    SessionEnds,
    /// When it's closed.
    BrowserCloses,
}

/// How the cookie looks. It is `HttpOnly` always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicy {
    name: Cow<'static, str>,
    secure: bool,
    path: Cow<'static, str>,
    domain: Option<Cow<'static, str>>,
    same_site: SameSite,
    partitioned: bool,
    until: Until,
}

/// Why a browser would refuse a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is empty, or has a character that a name can't have.
    #[error("{0:?} can't be the name of a cookie")]
    Name(String),
    /// The path does not begin with a slash, or has a character that a path can't have.
    #[error("{0:?} can't be the path of a cookie: it begins with a slash and has no semicolon")]
    Path(String),
    /// The domain is no name of a host.
    #[error("{0:?} can't be the domain of a cookie: it's the name of a host, without a port or a leading dot")]
    Domain(String),
    /// A name that begins with `__Host-` belongs to one host over HTTPS alone.
    #[error("a cookie named __Host-... is refused by browsers unless it is secure, has the path / and no domain")]
    HostPrefix,
    /// A name that begins with `__Secure-` belongs to HTTPS alone.
    #[error("a cookie named __Secure-... is refused by browsers unless it is secure")]
    SecurePrefix,
    /// `SameSite=None` is for HTTPS alone.
    #[error("a cookie with SameSite=None is refused by browsers unless it is secure")]
    SameSiteNone,
    /// `Partitioned` is for HTTPS alone.
    #[error("a cookie that is Partitioned is refused by browsers unless it is secure")]
    Partitioned,
    /// It has too many bytes.
    #[error("a cookie of {0} bytes is refused by browsers")]
    TooLong(usize),
}

impl Default for CookiePolicy {
    /// `__Host-session_id; Secure; SameSite=Lax; Path=/`, until the session ends: browsers accept it from this very
    /// host over HTTPS alone (RFC 6265bis, section 4.1.3).
    fn default() -> Self {
        Self {
            name: "__Host-session_id".into(),
            secure: true,
            path: "/".into(),
            domain: None,
            same_site: SameSite::Lax,
            partitioned: false,
            until: Until::SessionEnds,
        }
    }
}

impl CookiePolicy {
    /// `session_id; SameSite=Lax; Path=/`, for a site that is reached without HTTPS: on a developer's machine, say.
    /// Cookies don't know ports, so two applications on one host need cookies of different names.
    #[must_use]
    pub fn without_https() -> Self {
        Self { name: "session_id".into(), secure: false, ..Self::default() }
    }

    /// A cookie of this name; all else as in the default.
    ///
    /// ```
    /// # use exact_sessions::cookie::{CookieError, CookiePolicy, SameSite, Until};
    /// // Firebase Hosting lets no other cookie through.
    /// let policy = CookiePolicy::named("__session").same_site(SameSite::Strict).until(Until::BrowserCloses).build()?;
    /// let refused = CookiePolicy::named("__Host-shop").domain("example.com").build();
    /// assert_eq!(refused, Err(CookieError::HostPrefix));
    /// # Ok::<_, CookieError>(())
    /// ```
    pub fn named(name: impl Into<Cow<'static, str>>) -> CookieBuilder {
        CookieBuilder(Self { name: name.into(), ..Self::default() })
    }

    /// The cookie's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which requests from other sites carry it.
    #[must_use]
    pub fn same_site(&self) -> SameSite {
        self.same_site
    }

    /// Whether the cookie of a session that lives for this long may end before it, so that it's set again when the
    /// session is renewed.
    #[must_use]
    pub fn needs_renewal(&self, lifetime: Duration) -> bool {
        lifetime > MAX_AGE && self.until == Until::SessionEnds
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

    /// The value of the `Set-Cookie` field that gives a browser this id, for a session that lives for this long from
    /// now on; `None` is until the browser closes.
    #[must_use]
    pub fn set(&self, id: &SessionId, lifetime: Option<Duration>) -> String {
        self.cookie(id.expose(), lifetime.filter(|_| self.until == Until::SessionEnds))
    }

    /// The value of the `Set-Cookie` field that removes the cookie. Browsers remove a cookie only if the
    /// attributes are those it was set with.
    #[must_use]
    pub fn remove(&self) -> String {
        self.cookie(String::new(), Some(Duration::ZERO))
    }

    fn cookie(&self, value: String, max_age: Option<Duration>) -> String {
        let mut cookie = Cookie::build((&*self.name, value))
            .http_only(true)
            .same_site(match self.same_site {
                SameSite::Strict => cookie::SameSite::Strict,
                SameSite::Lax => cookie::SameSite::Lax,
                SameSite::None => cookie::SameSite::None,
            })
            .path(&*self.path)
            .partitioned(self.partitioned)
            .secure(self.secure);
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(&**domain);
        }
        if let Some(max_age) = max_age {
            // Rounded up: 0 would remove the cookie of a session that lives for less than a second.
            let seconds = max_age.min(MAX_AGE).as_millis().div_ceil(1000);
            cookie = cookie.max_age(time::Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX)));
        }
        cookie.to_string()
    }

    fn check(&self) -> Result<(), CookieError> {
        let is_token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c);
        if self.name.is_empty() || !self.name.chars().all(is_token) {
            return Err(CookieError::Name(self.name.to_string()));
        }
        if !self.path.starts_with('/') || !self.path.chars().all(|c| c.is_ascii_graphic() && c != ';') {
            return Err(CookieError::Path(self.path.to_string()));
        }
        let is_host = |domain: &str| {
            let is_label =
                |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            domain.len() <= 253 && domain.split('.').all(is_label)
        };
        if let Some(domain) = self.domain.as_deref().filter(|domain| !is_host(domain)) {
            return Err(CookieError::Domain(domain.to_owned()));
        }
        // Browsers compare the prefixes without case.
        let name = self.name.to_ascii_lowercase();
        if name.starts_with("__host-") && !(self.secure && self.path == "/" && self.domain.is_none()) {
            return Err(CookieError::HostPrefix);
        }
        if name.starts_with("__secure-") && !self.secure {
            return Err(CookieError::SecurePrefix);
        }
        if self.same_site == SameSite::None && !self.secure {
            return Err(CookieError::SameSiteNone);
        }
        if self.partitioned && !self.secure {
            return Err(CookieError::Partitioned);
        }
        let id = SessionId::from_random_bytes([0; 16]).expose();
        match self.name.len() + id.len() {
            bytes if bytes > MOST_BYTES => Err(CookieError::TooLong(bytes)),
            _ if self.path.len() > MOST_BYTES_OF_AN_ATTRIBUTE => Err(CookieError::TooLong(self.path.len())),
            _ => Ok(()),
        }
    }
}

/// Makes a [`CookiePolicy`]: see [`CookiePolicy::named`].
#[derive(Clone, Debug)]
pub struct CookieBuilder(CookiePolicy);

impl CookieBuilder {
    /// Whether browsers send it over HTTPS alone: `true` by default.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.0.secure = secure;
        self
    }

    /// For which paths: `/` by default. It keeps cookies apart, and is no protection: pages of other paths on the same
    /// host can read each other.
    #[must_use]
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.0.path = path.into();
        self
    }

    /// Lets the hosts below this domain have it, too; by default only the very host has.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.0.domain = Some(domain.into());
        self
    }

    /// Which requests from other sites carry it: [`SameSite::Lax`] by default.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.0.same_site = same_site;
        self
    }

    /// Whether each site in whose frames it's used has one of its own (CHIPS): `false` by default.
    #[must_use]
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.0.partitioned = partitioned;
        self
    }

    /// When the browser forgets it: [`Until::SessionEnds`] by default.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.0.until = until;
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// A [`CookieError`] if browsers would refuse such a cookie.
    pub fn build(self) -> Result<CookiePolicy, CookieError> {
        self.0.check()?;
        Ok(self.0)
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
        let plain = CookiePolicy::without_https();
        assert_eq!(
            plain.set(&id, Some(90 * DAY)),
            format!("session_id={ONE}; HttpOnly; SameSite=Lax; Path=/; Max-Age=7776000")
        );
        assert_eq!(plain.remove(), "session_id=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
        let https = CookiePolicy::default();
        assert_eq!(
            https.set(&id, Some(1000 * DAY)),
            format!("__Host-session_id={ONE}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=34560000")
        );
        assert_eq!(https.remove(), "__Host-session_id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
        assert!(plain.set(&id, Some(Duration::from_millis(1))).ends_with("; Max-Age=1"));
        assert!(!plain.set(&id, None).contains("Max-Age"));
        assert!(https.needs_renewal(401 * DAY) && !https.needs_renewal(400 * DAY));
        let all = CookiePolicy::named("sid")
            .path("/shop")
            .domain("example.com")
            .same_site(SameSite::None)
            .partitioned(true)
            .until(Until::BrowserCloses)
            .build()
            .expect("a cookie that browsers take");
        assert_eq!(
            all.set(&id, Some(DAY)),
            format!("sid={ONE}; HttpOnly; SameSite=None; Partitioned; Secure; Path=/shop; Domain=example.com")
        );
        assert!(!all.needs_renewal(1000 * DAY));
    }

    #[test]
    fn what_browsers_would_refuse_is_refused() {
        let named = |name: &str| CookiePolicy::named(name.to_owned());
        let long = "n".repeat(4096 - 36);
        for (cookie, refused) in [
            (named("__session"), None),
            (named(""), Some(CookieError::Name(String::new()))),
            (named("a b"), Some(CookieError::Name("a b".into()))),
            (named("a=b"), Some(CookieError::Name("a=b".into()))),
            (named("a").path("shop"), Some(CookieError::Path("shop".into()))),
            (named("a").path("/a;b"), Some(CookieError::Path("/a;b".into()))),
            (named("a").domain(".example.com"), Some(CookieError::Domain(".example.com".into()))),
            (named("a").domain("example.com:80"), Some(CookieError::Domain("example.com:80".into()))),
            (named("__Host-a").domain("example.com"), Some(CookieError::HostPrefix)),
            (named("__host-a").path("/shop"), Some(CookieError::HostPrefix)),
            (named("__Host-a").secure(false), Some(CookieError::HostPrefix)),
            (named("__Secure-a").secure(false), Some(CookieError::SecurePrefix)),
            (named("__Secure-a").domain("example.com"), None),
            (named("a").same_site(SameSite::None).secure(false), Some(CookieError::SameSiteNone)),
            (named("a").partitioned(true).secure(false), Some(CookieError::Partitioned)),
            (named(&long), None),
            (named(&format!("{long}n")), Some(CookieError::TooLong(4097))),
        ] {
            assert_eq!(cookie.clone().build().err(), refused, "{cookie:?}");
        }
    }

    #[test]
    fn reading() {
        let policy = CookiePolicy::without_https();
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
