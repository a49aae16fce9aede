//! What a request did with its session, for whoever logs the request.

use crate::{Error, Meter, SessionKey};

/// What a request did with its session, and what that cost. [`SessionLayer`](super::SessionLayer) puts it into the
/// extensions of each response.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// The session's name in the store; `None` if the request has none, or none any more.
    pub session: Option<SessionKey>,
    /// What was last done with the session: `created`, `changed`, `read`, `rotated`, `deleted`, or `absent` if there
    /// was none to do it with; else the [`Error::kind`](crate::Error::kind). `None` if nothing was.
    pub outcome: Option<&'static str>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// The calls of the store that it took.
    pub meter: Meter,
}

impl Usage {
    /// Of a request that failed without a [`SessionHandle`](super::SessionHandle).
    #[must_use]
    pub fn of_failure(error: &Error) -> Self {
        Self { outcome: Some(error.kind()), error: Some(error.to_string()), ..Self::default() }
    }
}
