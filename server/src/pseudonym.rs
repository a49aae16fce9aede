//! What a session is called in the log.

use std::sync::Arc;

use sessions::SessionKey;
use sha2::{Digest as _, Sha256};

/// Gives sessions names for the log: lines of one session have the same, and nobody can go from it to the stored
/// session, or from a session's id to its lines, without the salt.
#[derive(Clone)]
pub(crate) struct Pseudonyms {
    salt: Arc<[u8]>,
}

impl Pseudonyms {
    /// With a salt of the operator's, which instances may share; or with one that nobody knows, for this process.
    pub(crate) fn new(salt: Option<&str>) -> Self {
        // Set and empty, as by a script whose own variable is not set, is not set.
        let salt = salt
            .filter(|salt| !salt.is_empty())
            .map_or_else(|| rand::random::<[u8; 16]>().to_vec(), |salt| salt.as_bytes().to_vec());
        Self { salt: salt.into() }
    }

    /// Eight hexadecimal digits.
    pub(crate) fn of(&self, key: &SessionKey) -> String {
        let hash = Sha256::new().chain_update(&self.salt).chain_update(key.to_string()).finalize();
        hex::encode(&hash[..4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_hangs_on_the_session_and_the_salt() {
        let key = |digit: &str| SessionKey::parse(&digit.repeat(64)).expect("a key");
        let (ours, shared) = (Pseudonyms::new(Some("salt")), Pseudonyms::new(Some("salt")));
        assert_eq!(ours.of(&key("a")), shared.of(&key("a")));
        assert_ne!(ours.of(&key("a")), ours.of(&key("b")));
        assert_ne!(ours.of(&key("a")), Pseudonyms::new(None).of(&key("a")));
        assert_ne!(Pseudonyms::new(Some("")).of(&key("a")), Pseudonyms::new(Some("")).of(&key("a")));
        assert_ne!(Pseudonyms::new(None).of(&key("a")), Pseudonyms::new(None).of(&key("a")));
        assert!(!"a".repeat(64).contains(&ours.of(&key("a"))));
    }
}
