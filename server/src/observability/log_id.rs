//! The names of sessions in the log.

use std::sync::Arc;

use sessions::SessionKey;
use sha2::{Digest as _, Sha256};

/// Derives a name for each session: all log lines of a session have the same one. Without the salt it leads neither to
/// the stored session, nor from a session's id to its lines.
#[derive(Clone)]
pub struct LogIds {
    salt: Arc<[u8]>,
}

impl LogIds {
    /// With the operator's salt, which instances may share; or with a random one for this process.
    #[must_use]
    pub fn new(salt: Option<&str>) -> Self {
        // An empty value counts as not set: a script may pass on a variable of its own that is not set.
        let salt = salt
            .filter(|salt| !salt.is_empty())
            .map_or_else(|| rand::random::<[u8; 16]>().to_vec(), |salt| salt.as_bytes().to_vec());
        Self { salt: salt.into() }
    }

    /// Returns eight hexadecimal digits.
    pub(crate) fn of(&self, key: &SessionKey) -> String {
        let hash = Sha256::new().chain_update(&self.salt).chain_update(key.to_string()).finalize();
        hex::encode(&hash[..4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_id_depends_on_the_session_and_the_salt() {
        let key = |digit: &str| SessionKey::parse(&digit.repeat(64)).expect("a key");
        let (ours, shared) = (LogIds::new(Some("salt")), LogIds::new(Some("salt")));
        assert_eq!(ours.of(&key("a")), shared.of(&key("a")));
        assert_ne!(ours.of(&key("a")), ours.of(&key("b")));
        assert_ne!(ours.of(&key("a")), LogIds::new(None).of(&key("a")));
        assert_ne!(LogIds::new(Some("")).of(&key("a")), LogIds::new(Some("")).of(&key("a")));
        assert_ne!(LogIds::new(None).of(&key("a")), LogIds::new(None).of(&key("a")));
        assert!(!"a".repeat(64).contains(&ours.of(&key("a"))));
    }
}
