//! The name of a session: the secret a browser holds, and the key a store sees.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid, Variant, Version};

/// The secret that names a session: a version 4 UUID, 122 random bits.
///
/// It exists in one place outside the process, the visitor's cookie. It is never stored, logged or
/// put into a URL: `Debug` shows nothing of it, there is no `Display`, and stores get only the
/// [`SessionKey`] made of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(Uuid);

impl SessionId {
    /// Makes an id of 16 random bytes. They must come from a cryptographically secure generator:
    /// somebody who guesses an id has the session (OWASP Session Management asks for 64 bits of entropy).
    #[must_use]
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        Self(Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Reads the value of a cookie: a version 4 UUID in its canonical form (RFC 9562: 36 characters,
    /// lower case, with hyphens). Everything else is `None`, so one session has exactly one spelling.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(value).ok()?;
        let canonical = uuid.get_version() == Some(Version::Random)
            && uuid.get_variant() == Variant::RFC4122
            && uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == value;
        canonical.then_some(Self(uuid))
    }

    /// The value for the cookie. This is the secret itself; it goes into `Set-Cookie` and nowhere else.
    #[must_use]
    pub fn expose(&self) -> String {
        self.0.hyphenated().to_string()
    }

    /// The key under which a store keeps this session.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        let mut buffer = Uuid::encode_buffer();
        let text = self.0.hyphenated().encode_lower(&mut buffer);
        SessionKey(Sha256::digest(text.as_bytes()).into())
    }
}

impl From<SessionId> for SessionKey {
    fn from(id: SessionId) -> Self {
        id.key()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(secret)")
    }
}

/// The name of a session in a store: the SHA-256 of the cookie's value.
///
/// Somebody who reads the store, a backup or a log learns no id from it, and a key sent back as a cookie is
/// not an id. Its text form is 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// Reads the text form; `None` for anything but 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let key = Self(bytes);
        (key.to_string() == text).then_some(key)
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "c0ffee00-dead-4bee-8abc-0123456789ab";

    #[test]
    fn only_the_canonical_form_of_a_version_4_uuid_is_an_id() {
        assert_eq!(SessionId::parse(GOOD).map(|id| id.expose()), Some(GOOD.to_owned()));
        for bad in [
            "",
            "a/b",
            "../x",
            "C0FFEE00-DEAD-4BEE-8ABC-0123456789AB",
            "c0ffee00dead4bee8abc0123456789ab",
            "{c0ffee00-dead-4bee-8abc-0123456789ab}",
            "urn:uuid:c0ffee00-dead-4bee-8abc-0123456789ab",
            " c0ffee00-dead-4bee-8abc-0123456789ab",
            "c0ffee00-dead-1bee-8abc-0123456789ab",
            "c0ffee00-dead-4bee-0abc-0123456789ab",
            "00000000-0000-0000-0000-000000000000",
            "c0ffee00-dead-4bee-8abc-0123456789a",
            "c0ffee00-dead-4bee-8abc-0123456789abc",
        ] {
            assert_eq!(SessionId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_id_of_random_bytes_parses_back() {
        for seed in 0..=255 {
            let id = SessionId::from_random_bytes([seed; 16]);
            assert_eq!(SessionId::parse(&id.expose()), Some(id));
        }
    }

    #[test]
    fn the_key_is_the_sha256_of_the_cookie_in_lower_case_hexadecimal() {
        let id = SessionId::parse(GOOD).expect("a good id");
        // printf c0ffee00-dead-4bee-8abc-0123456789ab | sha256sum
        let key = "5a9d4268bedcf1c7ee5c7f1dda465e8f5eec576dc7566ae2a6a170a554c1118d";
        assert_eq!(id.key().to_string(), key);
        assert_eq!(SessionKey::parse(key), Some(id.key()));
        assert_eq!(SessionKey::parse(&key.to_uppercase()), None);
        assert_eq!(SessionKey::parse("abc"), None);
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let id = SessionId::parse(GOOD).expect("a good id");
        assert_eq!(format!("{id:?}"), "SessionId(secret)");
    }
}
